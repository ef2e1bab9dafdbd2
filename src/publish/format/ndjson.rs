//! Products as NDJSON: one line per account.
//!
//! Owns: chunks of lines, in the order of groups. Does not own: the JSON of a product ([`crate::product::render::json`]).

use std::io::Write as _;

use super::{File, FileGroup, FileOptions, ProductFile, ProductFormat};
use crate::product::dictionary::Dictionary;
use crate::product::render::{CheckedProduct, json};
use crate::publish::error::PublishError;
use crate::publish::in_order::{Consumer, InOrder, Task};

/// The size at which a chunk of lines is passed on.
const CHUNK_BYTES: usize = 1 << 20;

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
        Ok(Box::new(NdjsonFile { chunks: InOrder::new(LineWriter(file), options.waiting_bytes_max) }))
    }
}

struct NdjsonFile {
    chunks: InOrder<Vec<u8>, LineWriter>,
}

/// Writes chunks of whole lines.
struct LineWriter(File);

impl Consumer<Vec<u8>> for LineWriter {
    type Error = PublishError;

    fn consume(&mut self, lines: Vec<u8>) -> Result<(), PublishError> {
        Ok(self.0.write_all(&lines)?)
    }
}

impl ProductFile for NdjsonFile {
    fn begin(&self, group: usize) -> Result<Box<dyn FileGroup + '_>, PublishError> {
        Ok(Box::new(NdjsonGroup { task: self.chunks.begin(group)?, lines: Vec::new() }))
    }

    fn finish(self: Box<Self>) -> Result<File, PublishError> {
        Ok(self.chunks.finish()?.0)
    }
}

struct NdjsonGroup<'f> {
    task: Task<'f, Vec<u8>, LineWriter>,
    lines: Vec<u8>,
}

impl NdjsonGroup<'_> {
    fn pass_on(&mut self) -> Result<(), PublishError> {
        let lines = std::mem::take(&mut self.lines);
        let bytes = lines.len();
        self.task.put(lines, bytes)
    }
}

impl FileGroup for NdjsonGroup<'_> {
    fn append(&mut self, account_id: &str, product: CheckedProduct<'_>) -> Result<(), PublishError> {
        json::write(&mut self.lines, Some(account_id), product, json::Layout::Line)?;
        if self.lines.len() >= CHUNK_BYTES { self.pass_on() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<(), PublishError> {
        self.pass_on()?;
        self.task.end()
    }
}
