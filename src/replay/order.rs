//! Booking order: a feed's rows by time, whatever the order of files and rows.
//!
//! Owns: the survey of a feed's slices, and their merge. Rows ascend by (booked_at, account_id, seq with null first,
//! txn_id), as UTF-8 bytes, and then by their place in the feed. Slices are read in the order of their first times; rows
//! leave as soon as no slice that is still unread can have an earlier one.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array as _, AsArray as _};
use arrow::compute::{SortColumn, SortOptions, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;

use crate::error::Error;
use crate::feed::mapping::Mapping;
use crate::feed::reject::{FeedVerdict, FileRejects};
use crate::feed::schema::TRANSACTIONS;
use crate::feed::sent::{as_sent, sent_schema};
use crate::feed::source::{self, Opened, Slice};
use crate::observer::Observer;
use crate::period::Date;

/// The transaction files of a feed.
pub struct Source {
    files: Vec<SourceFile>,
}

struct SourceFile {
    name: String,
    /// `None` where it could not be opened; its rejects tell why.
    opened: Option<Opened>,
    rejects: FileRejects,
}

/// A slice of a file and the time that its rows cover.
#[derive(Clone, Debug)]
pub struct Surveyed {
    file: usize,
    slice: Slice,
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
    /// [`Error::Usage`] for paths that lead to no feed, and for standard input and pipes, which can be read only once.
    pub fn open(paths: &[PathBuf], mapping: Option<&Mapping>) -> Result<Source, Error> {
        let mut files = Vec::new();
        for found in source::find(paths)? {
            if !found.is_file() {
                return Err(Error::Usage(format!("`{}`: a replay reads its feed twice; give files", found.name)));
            }
            let rejects = FileRejects::default();
            let opened = source::open(&found, &TRANSACTIONS, mapping.map(|mapping| &mapping.transactions));
            let opened = opened.map_err(|faults| faults.into_iter().for_each(|fault| rejects.note_fault(fault))).ok();
            files.push(SourceFile { name: found.name, opened, rejects });
        }
        Ok(Source { files })
    }

    /// Rows of all files, where every file tells.
    pub fn rows(&self) -> Option<u64> {
        self.files.iter().filter_map(|file| file.opened.as_ref()).map(Opened::rows).sum()
    }

    /// What is wrong with the feed, to be asked once, after the survey.
    pub fn verdict(&self) -> FeedVerdict {
        FeedVerdict::new(self.files.iter().map(|file| (file.name.clone(), file.rejects.finish())).collect())
    }

    /// Looks through the feed: the slices that have rows, by their first times.
    ///
    /// # Errors
    /// Failures of our own; what is wrong with the feed is told by [`Source::verdict`].
    pub fn survey(&self, threads: usize, observer: &dyn Observer) -> Result<Vec<Surveyed>, Error> {
        let of_file = |(number, file): (usize, &SourceFile)| -> Vec<(usize, Slice)> {
            file.opened.iter().flat_map(Opened::slices).map(|slice| (number, slice)).collect()
        };
        let slices: Vec<(usize, Slice)> = self.files.iter().enumerate().flat_map(of_file).collect();
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let look = || -> Result<(), Error> {
            while let Some((file, slice)) = slices.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut surveyed = Surveyed { file: *file, slice: slice.clone(), rows: 0, span: (i64::MAX, i64::MIN) };
                self.read(*file, slice, |batch| {
                    let (first, last) = span(&batch);
                    surveyed.span = (surveyed.span.0.min(first), surveyed.span.1.max(last));
                    surveyed.rows += batch.num_rows() as u64;
                    observer.advance(batch.num_rows() as u64);
                    Ok(true)
                })?;
                if surveyed.rows > 0 {
                    // A list is whole after every push, whatever became of the thread that pushed.
                    found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(surveyed);
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(look)).collect();
            for worker in workers {
                worker.join().map_err(|_| Error::Internal("a worker panicked".to_string()))??;
            }
            Ok::<(), Error>(())
        })?;
        let mut found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        found.sort_by_key(|slice| (slice.span, slice.file, slice.first_row()));
        Ok(found)
    }

    /// Gives the rows within `window` in booking order; `take` tells whether it wants more.
    ///
    /// # Errors
    /// [`Error::Usage`] where the slices that overlap do not fit into `memory_bytes`.
    pub fn in_order(
        &self,
        slices: &[Surveyed],
        window: &Window,
        memory_bytes: usize,
        mut take: impl FnMut(RecordBatch) -> bool,
    ) -> Result<(), Error> {
        let slices: Vec<&Surveyed> = slices.iter().filter(|slice| window.touches(slice.span)).collect();
        let mut held: Vec<RecordBatch> = Vec::new();
        for (at, slice) in slices.iter().enumerate() {
            let mut bytes: usize = held.iter().map(RecordBatch::get_array_memory_size).sum();
            self.read(slice.file, &slice.slice, |batch| {
                bytes += batch.get_array_memory_size();
                held.push(batch);
                if bytes > memory_bytes {
                    return Err(Error::Usage(format!(
                        "rows of overlapping files take more than {memory_bytes} bytes; give more --memory, or files \
                         that follow each other in time"
                    )));
                }
                Ok(true)
            })?;
            let bound = slices.get(at + 1).map_or(i64::MAX, |next| next.span.0);
            if bound <= slice.span.0 {
                continue;
            }
            let sorted = sorted(std::mem::take(&mut held))?;
            let times = times(&sorted);
            let first = times.partition_point(|time| *time < window.0);
            let free = times.partition_point(|time| *time < bound);
            let last = free.min(times.partition_point(|time| *time < window.1));
            if first < last && !take(sorted.slice(first, last - first)) {
                return Ok(());
            }
            if free < sorted.num_rows() {
                held.push(sorted.slice(free, sorted.num_rows() - free));
            }
        }
        Ok(())
    }

    /// Reads a slice; faults go to the file's rejects, and end it.
    fn read(
        &self,
        file: usize,
        slice: &Slice,
        mut see: impl FnMut(RecordBatch) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let Some((file, opened)) = self.files.get(file).and_then(|file| Some((file, file.opened.as_ref()?))) else {
            return Ok(());
        };
        let reading = match opened.read(slice) {
            Ok(reading) => reading,
            Err(faults) => {
                faults.into_iter().for_each(|fault| file.rejects.note_fault(fault));
                return Ok(());
            }
        };
        for raw in reading.batches {
            match raw {
                Ok(raw) => {
                    raw.faults.iter().for_each(|(row, code)| file.rejects.note(Some(*row), None, *code));
                    if let Some(batch) = as_sent(&raw, opened.typing, &file.rejects)?
                        && batch.num_rows() > 0
                        && !see(batch)?
                    {
                        return Ok(());
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
    fn first_row(&self) -> u64 {
        match &self.slice {
            Slice::Whole => 0,
            Slice::RowGroups { rows_before, .. } => *rows_before,
        }
    }
}

/// The batches as one, in booking order.
fn sorted(batches: Vec<RecordBatch>) -> Result<RecordBatch, Error> {
    let all = concat_batches(&sent_schema(), &batches)?;
    let is_sorted = times(&all).is_sorted_by(|a, b| a < b);
    if is_sorted {
        return Ok(all);
    }
    let ascending = SortOptions { descending: false, nulls_first: true };
    let columns = ["booked_at", "account_id", "seq", "txn_id"];
    let columns = columns
        .iter()
        .filter_map(|name| all.column_by_name(name))
        .map(|column| SortColumn { values: std::sync::Arc::clone(column), options: Some(ascending) });
    // Rows that agree in all four are repeats or conflicts; they may stand in either order.
    let indices = lexsort_to_indices(&columns.collect::<Vec<_>>(), None)?;
    Ok(take_record_batch(&all, &indices)?)
}

fn times(batch: &RecordBatch) -> &[i64] {
    let times =
        batch.column_by_name("booked_at").and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    times.map_or(&[], |times| if times.null_count() == 0 { times.values() } else { &[] })
}

fn span(batch: &RecordBatch) -> (i64, i64) {
    let times = times(batch);
    let (first, last) = (times.iter().min(), times.iter().max());
    (first.copied().unwrap_or(i64::MAX), last.copied().unwrap_or(i64::MIN))
}
