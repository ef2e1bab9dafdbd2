//! The replay: a feed's transactions in booking order, at a pace.
//!
//! Owns: the order ([`order`]), the pace ([`pace`]) and the window. Does not own: the clock ([`Clock`]) and the place where
//! the rows go ([`Destination`]). A feed is read twice: once to check every value and to find the span of time of each
//! slice, once to send. So nothing is sent of a feed that has a fault, and memory holds only slices whose times overlap.

pub mod order;
pub mod pace;

use std::path::PathBuf;
use std::sync::mpsc::{self, SyncSender};

use arrow::record_batch::RecordBatch;

use crate::error::Error;
use crate::feed::guard::Limits;
use crate::feed::mapping::Mapping;
use crate::feed::reject::FeedVerdict;
use crate::observer::{Observer, Stage};
use crate::period::Date;
use order::Source;
use pace::{Clock, Pace, Pauses, Speed};

/// The options of a replay.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// Files, folders and globs of `transactions`.
    pub transactions: Vec<PathBuf>,
    /// The layout, if it is not the feed's own.
    pub mapping: Option<Mapping>,
    /// The speed.
    pub speed: Speed,
    /// The first booking date that is sent; `None` = the feed's first.
    pub from: Option<Date>,
    /// The last one, inclusive; `None` = the feed's last.
    pub until: Option<Date>,
    /// Bytes that rows of overlapping slices may take.
    pub memory_bytes: usize,
    /// Workers that survey the feed before it is sent.
    pub threads: usize,
}

/// The receiver of the rows, in batches of [`crate::feed::typed::transactions_schema`].
pub trait Destination {
    /// Takes the next rows.
    ///
    /// # Errors
    /// Any reason why it cannot take them; the replay ends with this error.
    fn send(&mut self, rows: &RecordBatch) -> Result<(), Error>;
}

/// The outcome of a replay.
#[derive(Clone, Debug)]
pub struct ReplayOutcome {
    /// Rows that were sent.
    pub rows: u64,
    /// Rows of the feed, those outside the window included.
    pub rows_read: u64,
    /// The faults of the feed; nothing is sent of a feed with a fault.
    pub verdict: FeedVerdict,
    /// The files that were refused; empty if the replay is complete.
    pub refused_files: Vec<String>,
}

/// Batches that are prepared while others are sent.
const BATCHES_AHEAD: usize = 4;

/// Sends a feed to `destination`, at the speed of the options by `clock`.
///
/// A feed with a fault is no error: the [`ReplayOutcome`] names its files, and nothing is sent.
///
/// # Errors
/// [`Error::Usage`] for paths without files, for standard input, for a window that ends before it begins, and for a feed
/// whose overlapping slices do not fit into memory; [`Error::Changed`] if a file changes between the two reads; errors of
/// the destination. Some rows may have been sent by then, so the stream must not be closed as a complete one.
pub fn replay(
    options: &ReplayOptions,
    destination: &mut dyn Destination,
    clock: &dyn Clock,
    pauses: &dyn Pauses,
    observer: &dyn Observer,
) -> Result<ReplayOutcome, Error> {
    if let (Some(from), Some(until)) = (options.from, options.until)
        && from > until
    {
        return Err(Error::Usage(format!("the window ends ({until}) before it begins ({from})")));
    }
    let limits = Limits::within(options.memory_bytes, options.threads);
    let source = Source::open(&options.transactions, options.mapping.as_ref(), limits)?;
    observer.stage(Stage::Read, source.rows());
    let slices = source.survey(options.threads, observer)?;
    source.warnings().iter().for_each(|warning| observer.warn(warning));
    let rows_read = slices.iter().map(|slice| slice.rows).sum();
    let verdict = source.verdict();
    let refused_files: Vec<String> = verdict.refused_files(0).into_iter().map(String::from).collect();
    if !refused_files.is_empty() {
        return Ok(ReplayOutcome { rows: 0, rows_read, verdict, refused_files });
    }

    let window = order::Window::new(options.from, options.until);
    observer.stage(Stage::Send, Some(slices.iter().map(|slice| slice.rows_within(&window)).sum()));
    let mut pace = Pace::new(options.speed, clock, pauses);
    let mut rows = 0;
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(BATCHES_AHEAD);
        let (source, slices, window) = (&source, &slices, &window);
        let memory_bytes = options.memory_bytes;
        let reader =
            scope.spawn(move || source.in_order(slices, window, memory_bytes, |batch| hand_on(&sender, batch)));
        for batch in receiver {
            let mut sent = 0;
            while let Some(due) = pace.wait_for(&batch, sent) {
                destination.send(&batch.slice(sent, due))?;
                observer.advance(due as u64);
                sent += due;
                rows += due as u64;
            }
        }
        reader.join().map_err(|_| Error::Internal("a worker panicked".to_string()))?
    })?;
    Ok(ReplayOutcome { rows, rows_read, verdict, refused_files })
}

/// Passes a batch to the sending thread; `false` if that has ended.
fn hand_on(sender: &SyncSender<RecordBatch>, batch: RecordBatch) -> bool {
    sender.send(batch).is_ok()
}
