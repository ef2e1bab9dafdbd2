//! A file that is read as one slice.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::{FileSlice, OpenedFile, SliceReading};
use crate::feed::reject::FileFault;
use crate::feed::schema::Typing;

/// A file that is read as one slice, by `read`.
pub(super) struct WholeFile<R> {
    pub(super) typing: Typing,
    /// Its columns, where they are known before rows are read.
    pub(super) schema: Option<SchemaRef>,
    pub(super) read: R,
}

impl<R> OpenedFile for WholeFile<R>
where
    R: Fn() -> Result<SliceReading, Vec<FileFault>> + Send + Sync + 'static,
{
    fn typing(&self) -> Typing {
        self.typing
    }

    fn schema(&self) -> Option<SchemaRef> {
        self.schema.clone()
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn slices(self: Arc<Self>) -> Vec<FileSlice> {
        vec![self.whole()]
    }

    fn whole(self: Arc<Self>) -> FileSlice {
        FileSlice::new(0, move || (self.read)())
    }
}
