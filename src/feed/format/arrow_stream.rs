//! Arrow IPC streams, from files, pipes and standard input.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;

use super::fault::{cannot_open, truncated, unreadable};
use super::numbered::numbered;
use super::panics::caught;
use super::whole::WholeFile;
use super::{FeedFormat, OpenOptions, OpenedFile, SliceReading};
use crate::feed::guard::{self, Limits};
use crate::feed::reject::{Code, FileFault};
use crate::feed::schema::{Column, Typing, check_schema, unknown_columns};

/// The format.
pub(super) struct ArrowStream;

/// How long to wait for the writer of a pipe.
const PIPE_WAIT: Duration = Duration::from_secs(10);

/// Every message of a stream begins so. Without it, the reader would take the first four bytes of any file as a length.
const MESSAGE: [u8; 4] = [0xFF; 4];

impl FeedFormat for ArrowStream {
    fn name(&self) -> &'static str {
        "Arrow stream"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".arrows"]
    }

    fn may_be_compressed(&self) -> bool {
        false
    }

    fn reads_pipes(&self) -> bool {
        true
    }

    fn recognises(&self, _head: &[u8]) -> bool {
        false
    }

    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Arc<dyn OpenedFile>, Vec<FileFault>> {
        // A stream is opened once, when it is read.
        let (path, table, limits) = (path.to_path_buf(), options.table, options.limits);
        let read = move || read(&path, table, limits);
        Ok(Arc::new(WholeFile { typing: Typing::Typed, schema: None, read }))
    }
}

/// Reads a stream. One that stops without its end mark is truncated, and nothing may follow the mark.
fn read(path: &Path, table: &'static [Column], limits: Limits) -> Result<SliceReading, Vec<FileFault>> {
    let mut input: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(open_once(path).map_err(|fault| vec![fault])?)
    };
    let mut start = [0; MESSAGE.len()];
    input.read_exact(&mut start).map_err(|_| vec![truncated()])?;
    if start != MESSAGE {
        let hint = "the content does not begin like an Arrow stream; does the file's ending tell its format?";
        return Err(vec![FileFault::whole(Code::UnreadableFile, hint)]);
    }
    let input = io::Cursor::new(start).chain(input);
    let fault = |error: ArrowError| match error {
        ArrowError::IoError(_, inner) if inner.kind() == io::ErrorKind::UnexpectedEof => truncated(),
        other => unreadable(&other),
    };
    // The size of a file bounds what its messages may claim; a pipe has no size.
    let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map_or(u64::MAX, |file| file.len());
    let limits = limits.of_file(size);
    let input = guard::ipc::GuardedStream::new(Tail::new(BufReader::new(input)), limits);
    let reader = caught(|| StreamReader::try_new(input, None).map_err(fault));
    let mut reader = reader.flatten().map_err(|fault| vec![fault])?;
    let faults = check_schema(table, &reader.schema(), Typing::Typed);
    if !faults.is_empty() {
        return Err(faults);
    }
    let unknown_columns = unknown_columns(table, &reader.schema());
    let mut done = false;
    let batches = std::iter::from_fn(move || match reader.next() {
        _ if done => None,
        Some(batch) => {
            done = batch.is_err();
            Some(batch.map_err(|error| reader.get_mut().take_fault().unwrap_or_else(|| fault(error))))
        }
        None => {
            done = true;
            reader.get_mut().get_mut().end().err().map(Err)
        }
    });
    Ok(SliceReading { batches: Box::new(numbered(batches, 0, |fault| fault)), unknown_columns })
}

/// Opens a file, a pipe or a device that is read once from front to back.
fn open_once(path: &Path) -> Result<File, FileFault> {
    if path.is_file() {
        return File::open(path).map_err(|error| cannot_open(&error));
    }
    let (sender, receiver) = mpsc::channel();
    let path = path.to_path_buf();
    // The thread outlives the wait only where no writer comes.
    std::thread::spawn(move || sender.send(File::open(path)));
    match receiver.recv_timeout(PIPE_WAIT) {
        Ok(opened) => opened.map_err(|error| cannot_open(&error)),
        Err(_) => Err(FileFault::whole(Code::UnreadableFile, "nobody writes to the pipe")),
    }
}

/// A reader that keeps the last eight bytes that it returned.
struct Tail<R> {
    inner: R,
    last: [u8; 8],
}

impl<R> Tail<R> {
    fn new(inner: R) -> Tail<R> {
        Tail { inner, last: [0; 8] }
    }
}

impl<R: Read> Tail<R> {
    /// Checks that they are the end mark of a stream (a continuation and a length of zero), and that nothing follows it.
    /// A second stream behind the first would be lost otherwise.
    fn end(&mut self) -> Result<(), FileFault> {
        if self.last != [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0] {
            return Err(truncated());
        }
        match self.inner.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => {
                let hint = "the content goes on after the end of the stream; send each stream as a file of its own";
                Err(FileFault::whole(Code::UnreadableFile, hint))
            }
            Err(error) => Err(cannot_open(&error)),
        }
    }
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let given = &buffer[..count];
        let kept = self.last.len().saturating_sub(count);
        self.last.rotate_right(kept);
        let fresh = count.min(self.last.len());
        self.last[kept..].copy_from_slice(&given[count - fresh..]);
        Ok(count)
    }
}
