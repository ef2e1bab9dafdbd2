//! Bank statements of any syntax, opened as a feed's file. The reader is [`statement`](crate::feed::statement).

use std::path::Path;
use std::sync::Arc;

use super::whole::WholeFile;
use super::{OpenOptions, OpenedFile, SliceReading};
use crate::feed::raw::BATCH_ROWS;
use crate::feed::reject::{Code, FileFault};
use crate::feed::schema::{ACCOUNTS, Typing};
use crate::feed::statement::{self, Syntax};

/// Opens a statement of this syntax.
pub(super) fn open(
    path: &Path,
    options: &OpenOptions<'_>,
    syntax: Syntax,
) -> Result<Arc<dyn OpenedFile>, Vec<FileFault>> {
    if options.table == ACCOUNTS.as_slice() {
        let hint = "a bank statement is no table of accounts; give its account by --account COLUMN=TEXT";
        return Err(vec![FileFault::whole(Code::UnreadableFile, hint)]);
    }
    let path = path.to_path_buf();
    let read = move || {
        let batches = statement::open(&path, syntax, BATCH_ROWS).map_err(|fault| vec![fault])?;
        Ok(SliceReading { batches, unknown_columns: Vec::new() })
    };
    Ok(Arc::new(WholeFile { typing: Typing::AllText, schema: None, read }))
}

/// Whether text begins with one of these, after a byte order mark and white space.
pub(super) fn begins(head: &[u8], starts: &[&[u8]]) -> bool {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    starts.iter().any(|start| text.starts_with(start))
}
