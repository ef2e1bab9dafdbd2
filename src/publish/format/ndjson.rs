//! Products as NDJSON: a line an account.
//!
//! Owns: lines gathered into pieces, and the pieces of a group in its file. Does not own: the JSON of a product
//! ([`crate::product::render::json`]).

use std::io::Write as _;

use super::{File, FileGroup, FileOptions, ProductFile, ProductFormat};
use crate::product::dictionary::Dictionary;
use crate::product::render::{CheckedProduct, json};
use crate::publish::error::PublishError;
use crate::publish::in_order::{Consumer, InOrder, Task};

/// Bytes of lines that are gathered before they are handed on.
const PIECE_BYTES: usize = 1 << 20;

/// The format NDJSON.
pub struct Ndjson;

impl ProductFormat for Ndjson {
    fn name(&self) -> &'static str {
        "json"
    }

    fn ending(&self) -> &'static str {
        "ndjson"
    }

    fn create(
        &self,
        file: File,
        _dictionary: &Dictionary,
        options: FileOptions,
    ) -> Result<Box<dyn ProductFile>, PublishError> {
        Ok(Box::new(NdjsonFile { pieces: InOrder::new(LineWriter(file), options.waiting_bytes_max) }))
    }
}

struct NdjsonFile {
    pieces: InOrder<Vec<u8>, LineWriter>,
}

/// Writes pieces of whole lines.
struct LineWriter(File);

impl Consumer<Vec<u8>> for LineWriter {
    type Error = PublishError;

    fn consume(&mut self, lines: Vec<u8>) -> Result<(), PublishError> {
        Ok(self.0.write_all(&lines)?)
    }
}

impl ProductFile for NdjsonFile {
    fn begin(&self, group: usize) -> Result<Box<dyn FileGroup + '_>, PublishError> {
        Ok(Box::new(NdjsonGroup { task: self.pieces.begin(group)?, lines: Vec::new() }))
    }

    fn finish(self: Box<Self>) -> Result<File, PublishError> {
        Ok(self.pieces.finish()?.0)
    }
}

struct NdjsonGroup<'f> {
    task: Task<'f, Vec<u8>, LineWriter>,
    lines: Vec<u8>,
}

impl NdjsonGroup<'_> {
    fn hand_on(&mut self) -> Result<(), PublishError> {
        let lines = std::mem::take(&mut self.lines);
        let bytes = lines.len();
        self.task.put(lines, bytes)
    }
}

impl FileGroup for NdjsonGroup<'_> {
    fn append(&mut self, account_id: &str, product: CheckedProduct<'_>) -> Result<(), PublishError> {
        json::write(&mut self.lines, Some(account_id), product, json::Layout::Line)?;
        if self.lines.len() >= PIECE_BYTES { self.hand_on() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<(), PublishError> {
        self.hand_on()?;
        self.task.end()
    }
}
