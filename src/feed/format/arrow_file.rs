//! Arrow IPC files.

use std::fs::File;
use std::io::{BufReader, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use arrow::ipc::reader::FileReader;

use super::arrow_stream::ArrowStream;
use super::fault::{cannot_open, unreadable};
use super::frame::check_frame;
use super::numbered::numbered;
use super::panics::caught;
use super::whole::WholeFile;
use super::{FeedFormat, OpenOptions, OpenedFile, SliceReading, head, is_pipe};
use crate::feed::guard::{self, Limits};
use crate::feed::reject::FileFault;
use crate::feed::schema::Typing;

/// The format. Tools write streams with its endings too, so a file without its mark is read as a stream.
pub(super) struct ArrowFile;

const MAGIC: &[u8] = b"ARROW1";

impl FeedFormat for ArrowFile {
    fn name(&self) -> &'static str {
        "Arrow file"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".arrow", ".feather", ".ipc"]
    }

    fn may_be_compressed(&self) -> bool {
        false
    }

    fn reads_pipes(&self) -> bool {
        // As a stream.
        true
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(MAGIC)
    }

    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Arc<dyn OpenedFile>, Vec<FileFault>> {
        let one = |fault: FileFault| vec![fault];
        if is_pipe(path) || !self.recognises(&head(path).map_err(one)?) {
            return ArrowStream.open(path, options);
        }
        let (path, limits) = (path.to_path_buf(), options.limits);
        let schema = caught(|| reader(&path, &limits)).flatten().map_err(one)?.schema();
        let read = move || {
            let reader = caught(|| reader(&path, &limits)).flatten().map_err(one)?;
            let batches = Box::new(numbered(reader, 0, |error| unreadable(&error)));
            Ok(SliceReading { batches, unknown_columns: Vec::new() })
        };
        Ok(Arc::new(WholeFile { typing: Typing::Typed, schema: Some(schema), read }))
    }
}

fn reader(path: &Path, limits: &Limits) -> Result<FileReader<BufReader<File>>, FileFault> {
    let file = File::open(path).map_err(|error| cannot_open(&error))?;
    check_frame(&file, MAGIC)?;
    guard::ipc::file(&file, limits)?;
    (&file).seek(SeekFrom::Start(0)).map_err(|error| cannot_open(&error))?;
    FileReader::try_new(BufReader::new(file), None).map_err(|error| unreadable(&error))
}
