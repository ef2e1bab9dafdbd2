//! The files of `transactions`, and the slices of them that workers read and check.
//!
//! Owns: the way from a slice of a file to checked batches, with the counts and rejects of the file. Does not own: formats
//! ([`format`](super::format)) or checks ([`check`](super::check)).

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::accounts::AccountIndex;
use super::check::{Checker, add_up};
use super::find::FoundFile;
use super::format::{self, FileSlice, OpenOptions, OpenedTable};
use super::raw::RawBatch;
use super::reject::FileRejects;
use super::schema::Typing;
use super::warnings::Warnings;
use crate::flow::RowFlows;

/// One file of `transactions`.
pub struct FeedFile {
    pub(super) number: u32,
    pub(super) name: String,
    /// `None` where the file could not be opened; the rejects have its faults.
    pub(super) opened: Option<OpenedTable>,
    pub(super) rejects: FileRejects,
    rows_read: AtomicU64,
    rows_skipped: AtomicU64,
}

impl FeedFile {
    /// Opens a file. Its faults go to its rejects.
    pub(super) fn open(number: u32, found: &FoundFile, options: &OpenOptions<'_>, warnings: &Warnings) -> FeedFile {
        let rejects = FileRejects::default();
        let opened = match format::open(found.path(), options) {
            Ok(opened) => {
                warnings.add_unknown_columns(&found.name, &opened.unknown_columns);
                Some(opened)
            }
            Err(faults) => {
                faults.into_iter().for_each(|fault| rejects.note_fault(fault));
                None
            }
        };
        let (rows_read, rows_skipped) = (AtomicU64::new(0), AtomicU64::new(0));
        FeedFile { number, name: found.name.clone(), opened, rejects, rows_read, rows_skipped }
    }

    /// The rejects of the file.
    pub fn rejects(&self) -> &FileRejects {
        &self.rejects
    }

    /// Data rows read so far, good or bad, without skipped ones.
    pub(super) fn rows_read(&self) -> u64 {
        self.rows_read.load(Ordering::Relaxed)
    }

    /// Rows skipped so far.
    pub(super) fn rows_skipped(&self) -> u64 {
        self.rows_skipped.load(Ordering::Relaxed)
    }

    /// Counts the rows of a batch and notes its bad rows. The number of rows comes back, skipped ones included.
    fn count(&self, raw: &RawBatch) -> u64 {
        for (row, code) in &raw.faults {
            self.rejects.note(Some(*row), None, *code);
        }
        let rows = raw.batch.num_rows() as u64 + raw.faults.len() as u64;
        let skipped = raw.skips.len() as u64;
        self.rows_read.fetch_add(rows, Ordering::Relaxed);
        self.rows_skipped.fetch_add(skipped, Ordering::Relaxed);
        rows + skipped
    }
}

impl fmt::Debug for FeedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FeedFile({})", self.name)
    }
}

/// The rows of all files that passed the checks so far, added up.
#[derive(Default, Debug)]
pub(super) struct GoodRows {
    flows: Mutex<RowFlows>,
}

impl GoodRows {
    pub(super) fn get(&self) -> RowFlows {
        *self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, batch: &RecordBatch) {
        let flows = add_up(batch).unwrap_or_default();
        let mut sum = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        sum.add(&RowFlows { rows: batch.num_rows() as u64, flows });
    }
}

/// A slice of one file of `transactions`, with everything that reading it needs. Owned, and cheap to clone.
#[derive(Clone, Debug)]
pub struct FeedSlice {
    pub(super) file: Arc<FeedFile>,
    pub(super) slice: FileSlice,
    pub(super) accounts: Arc<AccountIndex>,
    pub(super) warnings: Arc<Warnings>,
    pub(super) good: Arc<GoodRows>,
}

impl FeedSlice {
    /// Reads and checks the slice: batches in [`checked_schema`](super::schema::checked_schema). Bad rows go to the file's
    /// rejects. A fault of the file ends the slice and goes there too. It is no error of the iterator: the other slices are
    /// still read, so that all faults are reported at once. `progress` gets the number of rows of each batch.
    ///
    /// # Errors
    /// The iterator returns an error only where Arrow cannot build a batch: an internal error.
    pub fn read<P: Fn(u64) + Send + 'static>(
        &self,
        progress: P,
    ) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + use<P> {
        let file = Arc::clone(&self.file);
        let good = Arc::clone(&self.good);
        let typing = file.opened.as_ref().map_or(Typing::Typed, |opened| opened.typing);
        let raws = match self.slice.read() {
            Ok(reading) => {
                self.warnings.add_unknown_columns(&file.name, &reading.unknown_columns);
                Some(reading.batches)
            }
            Err(faults) => {
                faults.into_iter().for_each(|fault| file.rejects.note_fault(fault));
                None
            }
        };
        let mut checker = Checker::new(typing, file.number, Arc::clone(&self.accounts) as _);
        raws.into_iter().flatten().map_while(move |raw| match raw {
            Ok(raw) => {
                progress(file.count(&raw));
                Some(checker.check(&raw, &file.rejects).inspect(|batch| good.add(batch)))
            }
            Err(fault) => {
                file.rejects.note_fault(fault);
                None
            }
        })
    }
}
