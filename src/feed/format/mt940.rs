//! SWIFT MT940 bank statements.

use std::path::Path;
use std::sync::Arc;

use super::statement::{begins, open};
use super::{FeedFormat, OpenOptions, OpenedFile};
use crate::feed::reject::FileFault;
use crate::feed::statement;

/// The format.
pub(super) struct Mt940;

impl FeedFormat for Mt940 {
    fn name(&self) -> &'static str {
        "MT940"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".sta", ".mt940", ".940"]
    }

    fn may_be_compressed(&self) -> bool {
        true
    }

    fn reads_pipes(&self) -> bool {
        false
    }

    fn recognises(&self, head: &[u8]) -> bool {
        begins(head, &[b":20:", b"{1:"])
    }

    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Arc<dyn OpenedFile>, Vec<FileFault>> {
        open(path, options, statement::MT940)
    }
}
