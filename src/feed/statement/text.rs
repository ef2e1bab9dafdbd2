//! A statement file's text as a stream that bounds what one field may take.
//!
//! Owns: the way from chunks of text to a [`BufRead`], and the bound on what is read between two calls of
//! [`TextReader::begin_field`]. Does not own: decompression and encodings ([`TextChunks`]).

use std::io::{self, BufRead, Read};
use std::path::Path;

use crate::feed::reject::FileFault;
use crate::feed::text::TextChunks;

use super::{FIELD_BYTES_MAX, unreadable};

/// UTF-8 text of a file, whatever it is stored as.
pub(super) struct TextReader {
    text: TextChunks,
    /// How far the text's chunk is used up.
    at: usize,
    /// Bytes read since the field began.
    of_field: usize,
    /// What went wrong, which an I/O error can only say that it did.
    fault: Option<FileFault>,
}

impl TextReader {
    /// Opens a file, and gives its content's identifier where that is wanted, else an empty text.
    pub(super) fn open(path: &Path, wants_id: bool) -> Result<(TextReader, String), FileFault> {
        let (text, id) = TextChunks::open(path, None, wants_id)?;
        Ok((TextReader { text, at: 0, of_field: 0, fault: None }, id.unwrap_or_default()))
    }

    /// The bound on a field counts from here.
    pub(super) fn begin_field(&mut self) {
        self.of_field = 0;
    }

    /// What went wrong, once reading failed.
    pub(super) fn take_fault(&mut self) -> Option<FileFault> {
        self.fault.take()
    }

    /// Whether the text is at its end.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.begin_field();
        self.fill_buf().is_ok_and(<[u8]>::is_empty)
    }

    fn fail(&mut self, fault: FileFault) -> io::Error {
        self.fault = Some(fault);
        io::ErrorKind::InvalidData.into()
    }
}

impl BufRead for TextReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.of_field > FIELD_BYTES_MAX {
            return Err(self.fail(unreadable("a field is longer than 64 KiB; is this a statement?")));
        }
        if self.at >= self.text.chunk().len() {
            self.at = 0;
            self.text.advance().map_err(|fault| self.fail(fault))?;
        }
        let chunk = self.text.chunk();
        // No more at once than the bound: else a chunk could hold more of a field than may be read.
        Ok(&chunk[self.at..chunk.len().min(self.at + FIELD_BYTES_MAX)])
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
        self.of_field += amount;
    }
}

impl Read for TextReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}
