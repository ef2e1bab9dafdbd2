//! The raw batch: rows as a source gives them, before any check.
//!
//! Owns: the type between a reader (Parquet, Arrow IPC, CSV) and the checks. Columns bear the feed's names;
//! their types are the source's own (all text, from CSV).

use arrow::record_batch::RecordBatch;

use super::reject::{Code, FileFault};

/// Rows of a raw batch, where nothing speaks for fewer.
pub const BATCH_ROWS: usize = 8192;

/// Data rows of a batch, as `rejects.csv` counts them: from 1 within the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RowNumbers {
    /// Consecutive rows that begin with this one.
    From(u64),
    /// One number a row, ascending: the source skipped some.
    Each(Vec<u64>),
}

impl RowNumbers {
    /// The number of the batch's row `index`.
    pub fn of(&self, index: usize) -> u64 {
        match self {
            RowNumbers::From(first) => first + index as u64,
            RowNumbers::Each(rows) => rows.get(index).copied().unwrap_or_default(),
        }
    }
}

/// Why a mapping skips a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skip {
    /// Its first field begins as `file.footer` says.
    Footer,
    /// It has another length than the header, and `file.ragged` skips such rows.
    Ragged,
    /// It has another length than the header, and nothing stands in it.
    Blank,
    /// A statement's entry that is not booked.
    Pending,
    /// A `[[row]]` with `skip`, from 1.
    Rule(usize),
}

/// Some rows of one file, unchecked.
#[derive(Clone, Debug)]
pub struct RawBatch {
    /// The rows, under the feed's column names.
    pub batch: RecordBatch,
    /// Where they stand in the file.
    pub rows: RowNumbers,
    /// Rows of the source that a mapping skipped since the batch before, by number.
    pub skips: Vec<(u64, Skip)>,
    /// Rows of the source that are none, such as a ragged line, and so are not in `batch`: bad rows, by number.
    pub faults: Vec<(u64, Code)>,
}

impl RawBatch {
    /// The same in batches of at most so many rows, which share their lists of texts. What is no row comes with the first.
    pub fn split(self, rows_max: usize) -> Vec<RawBatch> {
        let rows = self.batch.num_rows();
        if rows <= rows_max {
            return vec![self];
        }
        let (mut skips, mut faults) = (self.skips, self.faults);
        let piece = |start: usize| {
            let length = rows_max.min(rows - start);
            let numbers = match &self.rows {
                RowNumbers::From(first) => RowNumbers::From(first + start as u64),
                RowNumbers::Each(rows) => RowNumbers::Each(rows[start..start + length].to_vec()),
            };
            let (skips, faults) = (std::mem::take(&mut skips), std::mem::take(&mut faults));
            RawBatch { batch: self.batch.slice(start, length), rows: numbers, skips, faults }
        };
        (0..rows).step_by(rows_max.max(1)).map(piece).collect()
    }
}

/// Batches of one file, in order; the first fault ends them.
pub type RawBatches = Box<dyn Iterator<Item = Result<RawBatch, FileFault>> + Send>;
