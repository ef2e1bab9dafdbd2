//! The marks at both ends of a file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use super::fault::{cannot_open, truncated};
use crate::feed::reject::{Code, FileFault};

/// Checks that a file begins and ends with the mark of its format, and returns to its start. A file that begins with the
/// mark and does not end with it is truncated.
pub(super) fn check_frame(mut file: &File, magic: &[u8]) -> Result<(), FileFault> {
    let mut first = vec![0; magic.len()];
    file.seek(SeekFrom::Start(0)).map_err(|error| cannot_open(&error))?;
    match file.read_exact(&mut first) {
        Ok(()) if first == magic => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(truncated()),
        Err(error) => return Err(cannot_open(&error)),
        Ok(()) => {
            let hint = "the file's first bytes are not its format's; is the ending right?";
            return Err(FileFault::whole(Code::UnreadableFile, hint));
        }
    }
    let mut last = vec![0; magic.len()];
    let end = SeekFrom::End(-(magic.len() as i64));
    let is_complete = file.seek(end).and_then(|_| file.read_exact(&mut last)).is_ok() && last == magic;
    file.seek(SeekFrom::Start(0)).map_err(|error| cannot_open(&error))?;
    if is_complete { Ok(()) } else { Err(truncated()) }
}
