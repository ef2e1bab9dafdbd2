//! The raw batch: rows as a format's reader returns them, before any check.
//!
//! Owns: the type between the readers and the checks. Columns have the feed's names and the source's types (all text, from
//! CSV). Does not own: checks.

use arrow::record_batch::RecordBatch;

use super::reject::{Code, FileFault};

/// The usual number of rows of a raw batch.
pub const BATCH_ROWS: usize = 8192;

/// The numbers of a batch's rows: data rows from 1 within the file, as in `rejects.csv`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RowNumbers {
    /// Consecutive numbers from this one.
    From(u64),
    /// A number for each row, ascending: rows between them were skipped or bad.
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

/// Why a row is skipped: it is neither taken nor bad.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SkipReason {
    /// Its first field begins with a text of `file.footer`.
    Footer,
    /// It has more or fewer fields than the header, and `file.ragged` skips such rows.
    Ragged,
    /// It has more or fewer fields than the header, and all are blank.
    Blank,
    /// It is a statement's entry that is not booked yet.
    Pending,
    /// The `[[row]]` with this number, from 1, skips it.
    Rule(usize),
}

/// Some rows of one file, unchecked.
#[derive(Clone, Debug)]
pub struct RawBatch {
    /// The rows, under the feed's column names.
    pub batch: RecordBatch,
    /// Their numbers in the file.
    pub rows: RowNumbers,
    /// Rows that were skipped since the batch before, by number.
    pub skips: Vec<(u64, SkipReason)>,
    /// Bad rows since the batch before that are not in `batch`, such as ragged lines, by number.
    pub faults: Vec<(u64, Code)>,
}

impl RawBatch {
    /// Splits it into batches of at most `rows_max` rows, which share their dictionaries. Skipped and bad rows come with the
    /// first.
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
