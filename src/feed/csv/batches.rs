//! The records of a CSV file as rows of raw batches.
//!
//! Owns: row numbers, footers, ragged rows, the size of batches. Does not own: how a mapping converts a record
//! ([`mapping`](crate::feed::mapping)).

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::column::TextColumn;
use super::records::{RecordReader, field_of};
use super::{BATCH_BYTES_MAX, CsvOptions};
use crate::feed::layout::{Layout, Ragged};
use crate::feed::mapping::BoundMapping;
use crate::feed::raw::{RawBatch, RowNumbers, SkipReason};
use crate::feed::reject::{Code, FileFault};

/// Most plain records that are added to the columns at once: enough that dictionary lookups overlap, few enough to stay in
/// the CPU cache.
const BLOCK_ROWS: usize = 128;

/// The rows of a file or slice after its header.
pub(super) struct CsvBatches {
    records: RecordReader,
    source: RowSource,
    /// The bounds of the fields of a block, see [`RecordReader::advance_block`].
    bounds: Vec<usize>,
    /// Fields of the header, and so of each row.
    width: usize,
    layout: Layout,
    schema: SchemaRef,
    columns: Vec<TextColumn>,
    batch_rows: usize,
    /// The number of the last data row that was read.
    row: u64,
    /// Whether a batch was returned.
    has_begun: bool,
    is_ended: bool,
    /// A fault that is returned after the batch of the rows before it.
    fault: Option<FileFault>,
}

/// Where the values of a row come from.
pub(super) enum RowSource {
    /// These fields of the record are the columns.
    Fields(Vec<usize>),
    /// A mapping makes the columns.
    Mapping(Box<BoundMapping>),
}

/// The result of reading one record.
enum RecordOutcome {
    /// A row was added to the columns.
    Row,
    Skipped(SkipReason),
    Bad(Code),
}

impl Iterator for CsvBatches {
    type Item = Result<RawBatch, FileFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(fault) = self.fault.take() {
            self.is_ended = true;
            return Some(Err(fault));
        }
        if self.is_ended {
            return None;
        }
        let (mut rows, mut faults, mut skips) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let rows_left = self.batch_rows.saturating_sub(rows.len() + faults.len());
            let bytes_left = BATCH_BYTES_MAX.saturating_sub(self.text_bytes());
            if rows_left == 0 || bytes_left == 0 {
                break;
            }
            let block = self.read_block(rows_left, bytes_left) as u64;
            if block > 0 {
                rows.extend(self.row + 1..=self.row + block);
                self.row += block;
                continue;
            }
            match self.read_row() {
                Ok(Some(RecordOutcome::Row)) => rows.push(self.row),
                Ok(Some(RecordOutcome::Skipped(why))) => skips.push((self.row, why)),
                Ok(Some(RecordOutcome::Bad(code))) => faults.push((self.row, code)),
                Ok(None) => {
                    self.is_ended = true;
                    break;
                }
                Err(fault) => {
                    // It is a fault of the file, not of a row; the hint says how far the file was good.
                    let hint = format!("beyond data row {}: {}", self.row, fault.hint);
                    self.fault = Some(FileFault { hint, ..fault });
                    break;
                }
            }
        }
        if self.has_begun && rows.is_empty() && faults.is_empty() && skips.is_empty() {
            return self.next_fault();
        }
        self.has_begun = true;
        let batch = match self.finish(rows.len()) {
            Ok(batch) => batch,
            Err(fault) => {
                self.is_ended = true;
                return Some(Err(fault));
            }
        };
        let rows = match (rows.first(), rows.last()) {
            (Some(first), Some(last)) if last - first + 1 > rows.len() as u64 => RowNumbers::Each(rows),
            (first, _) => RowNumbers::From(first.copied().unwrap_or(self.row + 1)),
        };
        Some(Ok(RawBatch { batch, rows, skips, faults }))
    }
}

impl CsvBatches {
    /// The rows of `records` that follow the header, the first after `rows_before` data rows. `names` are the columns that
    /// `source` gives; `width` is the number of fields of the header.
    pub(super) fn new(
        records: RecordReader,
        source: RowSource,
        names: &[&str],
        options: CsvOptions<'_>,
        width: usize,
        layout: Layout,
        rows_before: u64,
    ) -> CsvBatches {
        let columns: Vec<TextColumn> = names.iter().map(|name| TextColumn::new(name, options.dictionaries)).collect();
        let field = |(name, column): (&&str, &TextColumn)| Field::new(*name, column.data_type(), true);
        let schema = Arc::new(Schema::new(names.iter().zip(&columns).map(field).collect::<Vec<_>>()));
        CsvBatches {
            records,
            source,
            bounds: Vec::new(),
            width,
            layout,
            schema,
            columns,
            batch_rows: options.batch_rows.max(1),
            row: rows_before,
            has_begun: false,
            is_ended: false,
            fault: None,
        }
    }

    fn next_fault(&mut self) -> Option<Result<RawBatch, FileFault>> {
        self.is_ended = true;
        self.fault.take().map(Err)
    }

    fn text_bytes(&self) -> usize {
        self.columns.iter().map(|column| column.values.len()).sum()
    }

    /// Adds plain records to the columns, column by column, and returns how many. It is 0 where the next record must be read
    /// by itself.
    fn read_block(&mut self, rows_left: usize, bytes_left: usize) -> usize {
        let RowSource::Fields(fields) = &self.source else { return 0 };
        if !self.layout.footer.is_empty() {
            return 0;
        }
        self.records.advance_block(rows_left.min(BLOCK_ROWS), bytes_left, self.width, &mut self.bounds);
        let chunk = self.records.chunk();
        let records = self.bounds.chunks_exact(self.width + 1);
        for (column, field) in self.columns.iter_mut().zip(fields) {
            let text = |bounds: &[usize]| &chunk[bounds[*field]..bounds[*field + 1] - 1];
            column.push_all(&records.clone().map(text).collect::<Vec<_>>());
        }
        records.len()
    }

    /// Adds one record to the columns; `None` at the end of the file.
    fn read_row(&mut self) -> Result<Option<RecordOutcome>, FileFault> {
        if !self.records.advance()? {
            return Ok(None);
        }
        self.row += 1;
        let fields = self.records.fields_count;
        if !self.layout.footer.is_empty() {
            let record = self.records.record()?;
            let first = record.field(0).trim();
            if self.layout.footer.iter().any(|start| first.starts_with(start.as_str())) {
                return Ok(Some(RecordOutcome::Skipped(SkipReason::Footer)));
            }
        }
        if fields != self.width {
            match self.layout.ragged {
                Ragged::Skip => return Ok(Some(RecordOutcome::Skipped(SkipReason::Ragged))),
                // A line of white space is not a row.
                Ragged::Pad if self.records.record()?.is_blank_from(0) => {
                    return Ok(Some(RecordOutcome::Skipped(SkipReason::Blank)));
                }
                Ragged::Pad if fields < self.width || self.records.record()?.is_blank_from(self.width) => {}
                _ if fields < self.width && self.records.is_cut => {
                    self.row -= 1;
                    let hint = "the last line lacks fields and its line end: the file is cut";
                    return Err(FileFault::whole(Code::TruncatedFile, hint));
                }
                _ => return Ok(Some(RecordOutcome::Bad(Code::BadType))),
            }
        }
        match &mut self.source {
            RowSource::Fields(fields) => {
                // Looked up once a row, not once a field.
                let (bytes, ends, gap) = self.records.parts();
                for (column, field) in self.columns.iter_mut().zip(fields.iter()) {
                    column.push(field_of(bytes, ends, gap, *field));
                }
                return Ok(Some(RecordOutcome::Row));
            }
            RowSource::Mapping(mapping) => {
                let outs = self.columns.iter_mut().map(|column| &mut column.values);
                if let Err(rule) = mapping.apply(self.records.record()?, self.row, outs) {
                    return Ok(Some(RecordOutcome::Skipped(SkipReason::Rule(rule))));
                }
            }
        }
        for column in &mut self.columns {
            column.end_value();
        }
        Ok(Some(RecordOutcome::Row))
    }

    fn finish(&mut self, rows: usize) -> Result<RecordBatch, FileFault> {
        let arrays: Result<Vec<ArrayRef>, _> = self.columns.iter_mut().map(TextColumn::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        arrays
            .and_then(|arrays| RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options))
            // The text was valid in the first pass over the file, so the file has changed.
            .map_err(|_| FileFault::whole(Code::BadEncoding, "the file changed while it was read"))
    }
}
