//! The text of a statement file, with a bound on each field.
//!
//! Owns: a [`BufRead`] over chunks of text, and the bound on the bytes that are read between two calls of
//! [`StatementText::begin_field`]. Does not own: decompression and encodings ([`TextChunks`]).

use std::io::{self, BufRead, Read};
use std::path::Path;

use crate::feed::reject::FileFault;
use crate::feed::text::TextChunks;

use super::{FIELD_BYTES_MAX, unreadable};

/// The text of a file, as UTF-8.
pub(super) struct StatementText {
    text: TextChunks,
    /// Bytes of the current chunk that were read.
    at: usize,
    /// Bytes read since the field began.
    field_bytes: usize,
    /// The fault behind an I/O error, which cannot carry it.
    fault: Option<FileFault>,
}

impl StatementText {
    /// Opens a file. The identifier of its content comes with it where `wants_id` is set, else an empty text.
    pub(super) fn open(path: &Path, wants_id: bool) -> Result<(StatementText, String), FileFault> {
        let (text, id) = TextChunks::open(path, None, wants_id)?;
        Ok((StatementText { text, at: 0, field_bytes: 0, fault: None }, id.unwrap_or_default()))
    }

    /// A field begins: its bytes are counted from here.
    pub(super) fn begin_field(&mut self) {
        self.field_bytes = 0;
    }

    /// The fault, after reading has failed.
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

impl BufRead for StatementText {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.field_bytes > FIELD_BYTES_MAX {
            return Err(self.fail(unreadable("a field is longer than 64 KiB; is this a statement?")));
        }
        if self.at >= self.text.chunk().len() {
            self.at = 0;
            self.text.advance().map_err(|fault| self.fail(fault))?;
        }
        let chunk = self.text.chunk();
        // A chunk may be larger than the bound, so no more than the bound is returned at once.
        Ok(&chunk[self.at..chunk.len().min(self.at + FIELD_BYTES_MAX)])
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
        self.field_bytes += amount;
    }
}

impl Read for StatementText {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}
