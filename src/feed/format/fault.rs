//! Faults that several formats share.

use std::io;

use crate::feed::reject::{Code, FileFault};

/// The file cannot be opened or read.
pub(super) fn cannot_open(error: &io::Error) -> FileFault {
    FileFault::whole(Code::UnreadableFile, format!("the file cannot be opened: {}", error.kind()))
}

/// A reader of a library refuses the content. The error's own text may quote a value, so it is left out.
pub(super) fn unreadable<E>(_error: &E) -> FileFault {
    let hint = "the content is damaged, or compressed in a way that is not read (read are snappy, zstd, lz4, gzip)";
    FileFault::whole(Code::UnreadableFile, hint)
}

/// The file ends before its content does.
pub(super) fn truncated() -> FileFault {
    FileFault::whole(Code::TruncatedFile, "the file ends before its content does; have it sent again")
}
