//! Booking order: a feed's rows by time, whatever the order of files and rows.
//!
//! Owns: the survey of a feed's slices, and their merge. Does not own: the pace. Rows ascend by (booked_at, account_id, seq
//! with null first, txn_id), texts by their UTF-8 bytes; rows that are equal in all four stay in the order of the feed.
//! Slices are read in the order of their first times. Rows are passed on as soon as no unread slice can have an earlier
//! one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Array as _, AsArray as _, UInt32Array};
use arrow::compute::{SortColumn, SortOptions, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;

use crate::error::Error;
use crate::feed::find::find;
use crate::feed::format::{self, FileSlice, OpenOptions, OpenedTable};
use crate::feed::guard::Limits;
use crate::feed::mapping::Mapping;
use crate::feed::raw::BATCH_ROWS;
use crate::feed::reject::{FeedVerdict, FileRejects};
use crate::feed::schema::TRANSACTIONS;
use crate::feed::typed::{transactions_schema, typed_transactions};
use crate::observer::Observer;
use crate::period::Date;

/// The transaction files of a feed.
pub struct Source {
    files: Vec<SourceFile>,
}

struct SourceFile {
    name: String,
    /// `None` if it could not be opened; its rejects have the reason.
    opened: Option<OpenedTable>,
    /// Columns that are none of the feed's, found in the survey.
    unknown_columns: Mutex<Vec<String>>,
    rejects: FileRejects,
    /// Its metadata when it was opened.
    metadata: Option<std::fs::Metadata>,
}

impl SourceFile {
    /// Whether its metadata are still those from when it was opened.
    fn is_as_opened(&self) -> bool {
        let now = std::fs::metadata(&self.name).ok();
        now.zip(self.metadata.as_ref())
            .is_some_and(|(now, then)| now.len() == then.len() && now.modified().ok() == then.modified().ok())
    }
}

/// A slice of a file and the time that its rows cover.
#[derive(Clone, Debug)]
pub struct Surveyed {
    file: usize,
    slice: FileSlice,
    /// Its rows.
    pub rows: u64,
    /// First and last booking time, in microseconds.
    span: (i64, i64),
}

/// The booking times that are sent, in microseconds: from the first, before the second.
#[derive(Clone, Copy, Debug)]
pub struct Window(i64, i64);

impl Window {
    /// From the beginning of one day to the end of another; no day = no bound.
    pub fn new(from: Option<Date>, until: Option<Date>) -> Window {
        const DAY_US: i64 = 86_400_000_000;
        let start = |date: Date| i64::from(date.0) * DAY_US;
        Window(from.map_or(i64::MIN, start), until.map_or(i64::MAX, |date| start(date) + DAY_US))
    }

    fn touches(&self, span: (i64, i64)) -> bool {
        span.1 >= self.0 && span.0 < self.1
    }
}

impl Surveyed {
    /// Its rows, if any may lie in the window: an upper bound for a progress bar.
    pub fn rows_within(&self, window: &Window) -> u64 {
        if window.touches(self.span) { self.rows } else { 0 }
    }
}

impl Source {
    /// Finds and opens all files.
    ///
    /// # Errors
    /// [`Error::Usage`] for paths without files, and for standard input and pipes, which can be read only once.
    pub fn open(paths: &[PathBuf], mapping: Option<&Mapping>, limits: Limits) -> Result<Source, Error> {
        let mut files = Vec::new();
        for found in find(paths)? {
            if !found.is_file() {
                return Err(Error::Usage(format!("`{}`: a replay reads its feed twice; give files", found.name)));
            }
            let (rejects, metadata) = (FileRejects::default(), std::fs::metadata(&found.name).ok());
            let mapping = mapping.and_then(|mapping| mapping.transactions.as_ref());
            let opened = format::open(found.path(), &OpenOptions { table: &TRANSACTIONS, mapping, limits });
            let opened = opened.map_err(|faults| faults.into_iter().for_each(|fault| rejects.note_fault(fault))).ok();
            let unknown = opened.iter().flat_map(|opened| opened.unknown_columns.clone()).collect();
            files.push(SourceFile {
                name: found.name,
                opened,
                unknown_columns: Mutex::new(unknown),
                rejects,
                metadata,
            });
        }
        Ok(Source { files })
    }

    /// Rows of all files, if every file has the number in its metadata.
    pub fn rows(&self) -> Option<u64> {
        self.files.iter().filter_map(|file| file.opened.as_ref()).map(OpenedTable::rows).sum()
    }

    /// The faults of the feed. To be called once, after the survey.
    pub fn verdict(&self) -> FeedVerdict {
        FeedVerdict::new(self.files.iter().map(|file| (file.name.clone(), file.rejects.finish())).collect())
    }

    /// Warnings about columns that are left out. To be called after the survey.
    pub fn warnings(&self) -> Vec<String> {
        let warning = |file: &SourceFile| {
            let unknown = lock(&file.unknown_columns);
            (!unknown.is_empty())
                .then(|| format!("{}: unknown columns are ignored: `{}`", file.name, unknown.join("`, `")))
        };
        self.files.iter().filter_map(warning).collect()
    }

    /// Reads the whole feed once; returns the slices that have rows, by their first times.
    ///
    /// # Errors
    /// Internal errors only; [`Source::verdict`] has the faults of the feed.
    pub fn survey(&self, threads: usize, observer: &dyn Observer) -> Result<Vec<Surveyed>, Error> {
        let of_file = |(number, file): (usize, &SourceFile)| -> Vec<(usize, FileSlice)> {
            file.opened.iter().flat_map(OpenedTable::slices).map(|slice| (number, slice)).collect()
        };
        let slices: Vec<(usize, FileSlice)> = self.files.iter().enumerate().flat_map(of_file).collect();
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || -> Result<(), Error> {
            while let Some((file, slice)) = slices.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut surveyed = Surveyed::nothing(*file, slice);
                self.read(*file, slice, |batch| {
                    surveyed.add(&batch);
                    observer.advance(batch.num_rows() as u64);
                    Ok(())
                })?;
                if surveyed.rows > 0 {
                    lock(&found).push(surveyed);
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                worker.join().map_err(|_| Error::Internal("a worker panicked".to_string()))??;
            }
            Ok::<(), Error>(())
        })?;
        let mut found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        found.sort_by_key(|slice| (slice.span, slice.file, slice.first_row()));
        Ok(found)
    }

    /// Passes the rows within `window` to `take` in booking order, in batches of at most [`BATCH_ROWS`]. Ends early if
    /// `take` returns `false`.
    ///
    /// # Errors
    /// [`Error::Usage`] if the slices that overlap do not fit into `memory_bytes`; [`Error::Changed`] if a file has
    /// changed since the survey.
    pub fn in_order(
        &self,
        slices: &[Surveyed],
        window: &Window,
        memory_bytes: usize,
        mut take: impl FnMut(RecordBatch) -> bool,
    ) -> Result<(), Error> {
        let slices: Vec<&Surveyed> = slices.iter().filter(|slice| window.touches(slice.span)).collect();
        let mut held = Held::default();
        for (at, slice) in slices.iter().enumerate() {
            let mut again = Surveyed::nothing(slice.file, &slice.slice);
            self.read(slice.file, &slice.slice, |batch| {
                again.add(&batch);
                held.push(batch);
                // Sorting needs three copies of the rows that are held: as they came, concatenated, and sorted.
                if held.bytes > memory_bytes / 3 {
                    return Err(Error::Usage(format!(
                        "rows of overlapping files take more than {memory_bytes} bytes; give more --memory, or files \
                         that follow each other in time"
                    )));
                }
                Ok(())
            })?;
            let file = self.files.get(slice.file);
            if (again.rows, again.span) != (slice.rows, slice.span) || !file.is_some_and(SourceFile::is_as_opened) {
                return Err(Error::Changed { file: file.map_or(String::new(), |file| file.name.clone()) });
            }
            let bound = slices.get(at + 1).map_or(i64::MAX, |next| next.span.0);
            // A sort costs time for all rows that are held, so it waits until it can release a good part of them.
            if held.free(bound) < held.rows / 4 && held.bytes < memory_bytes / 6 && bound < i64::MAX {
                continue;
            }
            for batch in held.take(bound, window)? {
                if !take(batch) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Reads a slice. A fault goes to the file's rejects and ends the slice.
    fn read(
        &self,
        file: usize,
        slice: &FileSlice,
        mut visit: impl FnMut(RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some((file, opened)) = self.files.get(file).and_then(|file| Some((file, file.opened.as_ref()?))) else {
            return Ok(());
        };
        let reading = match slice.read() {
            Ok(reading) => reading,
            Err(faults) => {
                faults.into_iter().for_each(|fault| file.rejects.note_fault(fault));
                return Ok(());
            }
        };
        let mut unknown = lock(&file.unknown_columns);
        for column in reading.unknown_columns {
            if !unknown.contains(&column) {
                unknown.push(column);
            }
        }
        drop(unknown);
        for raw in reading.batches {
            match raw {
                Ok(raw) => {
                    raw.faults.iter().for_each(|(row, code)| file.rejects.note(Some(*row), None, *code));
                    if let Some(batch) = typed_transactions(&raw, opened.typing, &file.rejects)?
                        && batch.num_rows() > 0
                    {
                        visit(batch)?;
                    }
                }
                Err(fault) => {
                    file.rejects.note_fault(fault);
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl Surveyed {
    fn nothing(file: usize, slice: &FileSlice) -> Surveyed {
        Surveyed { file, slice: slice.clone(), rows: 0, span: (i64::MAX, i64::MIN) }
    }

    fn add(&mut self, batch: &RecordBatch) {
        let times = times(batch);
        let (first, last) = (times.iter().min(), times.iter().max());
        self.span.0 = self.span.0.min(first.copied().unwrap_or(i64::MAX));
        self.span.1 = self.span.1.max(last.copied().unwrap_or(i64::MIN));
        self.rows += batch.num_rows() as u64;
    }

    fn first_row(&self) -> u64 {
        self.slice.rows_before
    }
}

/// Rows that wait because an unread slice may have earlier ones.
#[derive(Default)]
struct Held {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Held {
    fn push(&mut self, batch: RecordBatch) {
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
    }

    /// The number of rows before `bound`.
    fn free(&self, bound: i64) -> usize {
        self.batches.iter().map(|batch| times(batch).iter().filter(|time| **time < bound).count()).sum()
    }

    /// Removes the rows before `bound` and returns those within the window, in order.
    fn take(&mut self, bound: i64, window: &Window) -> Result<Vec<RecordBatch>, Error> {
        let sorted = sorted(std::mem::take(self).batches)?;
        let times = times(&sorted);
        let free = times.partition_point(|time| *time < bound);
        let first = times.partition_point(|time| *time < window.0).min(free);
        let last = free.min(times.partition_point(|time| *time < window.1));
        if free < sorted.num_rows() {
            // A copy, since a slice would keep all the other rows in memory.
            let rest: UInt32Array = (free as u32..sorted.num_rows() as u32).collect();
            self.push(take_record_batch(&sorted, &rest)?);
        }
        let starts = (first..last).step_by(BATCH_ROWS);
        Ok(starts.map(|start| sorted.slice(start, BATCH_ROWS.min(last - start))).collect())
    }
}

/// The batches as one, in booking order.
fn sorted(batches: Vec<RecordBatch>) -> Result<RecordBatch, Error> {
    let all = concat_batches(&transactions_schema(), &batches)?;
    drop(batches);
    if times(&all).is_sorted_by(|a, b| a < b) {
        return Ok(all);
    }
    let ascending = SortOptions { descending: false, nulls_first: true };
    let mut columns: Vec<SortColumn> = ["booked_at", "account_id", "seq", "txn_id"]
        .iter()
        .filter_map(|name| all.column_by_name(name))
        .map(|column| SortColumn { values: Arc::clone(column), options: Some(ascending) })
        .collect();
    // The sort is not stable, so the position is the last key.
    let places: UInt32Array = (0..all.num_rows() as u32).collect();
    columns.push(SortColumn { values: Arc::new(places), options: Some(ascending) });
    let indices = lexsort_to_indices(&columns, None)?;
    Ok(take_record_batch(&all, &indices)?)
}

/// Locks; a panic of another holder cannot have left the value half changed.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn times(batch: &RecordBatch) -> &[i64] {
    let times =
        batch.column_by_name("booked_at").and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    times.map_or(&[], |times| if times.null_count() == 0 { times.values() } else { &[] })
}
