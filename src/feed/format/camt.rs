//! ISO 20022 camt.053 bank statements.

use std::path::Path;
use std::sync::Arc;

use super::statement::{begins, open};
use super::{FeedFormat, OpenOptions, OpenedFile};
use crate::feed::reject::FileFault;
use crate::feed::statement;

/// The format.
pub(super) struct Camt053;

impl FeedFormat for Camt053 {
    fn name(&self) -> &'static str {
        "camt.053"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".xml", ".camt", ".camt053"]
    }

    fn may_be_compressed(&self) -> bool {
        true
    }

    fn reads_pipes(&self) -> bool {
        false
    }

    fn recognises(&self, head: &[u8]) -> bool {
        begins(head, &[b"<"])
    }

    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Arc<dyn OpenedFile>, Vec<FileFault>> {
        open(path, options, statement::CAMT053)
    }
}
