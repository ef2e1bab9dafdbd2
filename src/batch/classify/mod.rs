//! The run of `classify`: the class of each row of a feed, and its evidence. It shows which rules a feed needs.
//!
//! Owns: reading a feed through the classifier into one file in the feed's order ([`output`]) and a report of rows and
//! money by class, rule and evidence ([`report`]). Does not own: how a class is decided ([`crate::class`]). Every row that
//! passes the checks is in the file; only a build removes repeats, conflicts and rows beyond the cut-offs.

pub mod output;
pub mod report;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arrow::record_batch::RecordBatch;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{cores, draw_key, in_pool};
use crate::account::Accounts;
use crate::class::classifier::Classifier;
use crate::class::{Matcher, Rules, Tally, tally_batch};
use crate::engine::functions;
use crate::engine::{Engine, pipelines, table};
use crate::error::Error;
use crate::feed::guard::Limits;
use crate::feed::mapping::Mapping;
use crate::feed::raw::BATCH_ROWS;
use crate::feed::reject::FeedVerdict;
use crate::feed::{Feed, FeedPaths};
use crate::observer::{Observer, Stage};
use crate::publish::in_order::{Consumer, InOrder};
use output::Sink;
use report::ClassReport;

/// Options of a classification.
#[derive(Clone, Debug)]
pub struct ClassifyOptions {
    /// Files, folders and globs of `transactions`; `-` is an Arrow stream on standard input.
    pub transactions: Vec<PathBuf>,
    /// Files, folders and globs of `accounts`.
    pub accounts: Vec<PathBuf>,
    /// The file to write, `.parquet` or `.csv`; `None` = only the report.
    pub out: Option<PathBuf>,
    /// The file for all rejects, in the format of `build`; `None` = no file.
    pub rejects: Option<PathBuf>,
    /// Whether the file contains each row's counterparty name.
    pub names: bool,
    /// The mapping, where the feed has another layout than its own.
    pub mapping: Option<Mapping>,
    /// The classification rules.
    pub rules: Rules,
    /// Bad rows to tolerate in a file.
    pub max_rejects: u64,
    /// Number of workers.
    pub threads: usize,
    /// Rows per batch, between operators.
    pub batch_rows: usize,
}

impl ClassifyOptions {
    /// The defaults: the built-in rules, one worker per core, no bad rows.
    pub fn new(transactions: PathBuf, accounts: PathBuf, out: PathBuf) -> ClassifyOptions {
        ClassifyOptions {
            transactions: vec![transactions],
            accounts: vec![accounts],
            out: Some(out),
            rejects: None,
            names: false,
            mapping: None,
            rules: Rules::builtin(),
            max_rejects: 0,
            threads: cores(),
            batch_rows: BATCH_ROWS,
        }
    }
}

/// The outcome of a classification: done, or refused with nothing written.
#[derive(Clone, Debug)]
pub struct ClassifyOutcome {
    /// Rows and money by class, rule and evidence.
    pub report: ClassReport,
    /// Faults of the feed.
    pub verdict: FeedVerdict,
    /// The files that were refused; empty where the classification is done.
    pub refused_files: Vec<String>,
}

/// Number of batches that a slice may be ahead of the output file.
const BATCHES_AHEAD: usize = 32;

/// Size of a worker's name cache.
const NAMES_BYTES: usize = 64 << 20;

/// Memory limit of the plan, which is a projection and holds little.
const PLAN_BYTES: usize = 64 << 20;

/// Classifies each row of a feed.
///
/// A feed with a refused file is not an error: the [`ClassifyOutcome`] contains the refused files, and no class is written.
///
/// # Errors
/// [`Error::Usage`] for paths without a file, and for an output file with another extension or that belongs to the feed;
/// internal errors.
pub fn classify(options: &ClassifyOptions, observer: &Arc<dyn Observer>) -> Result<ClassifyOutcome, Error> {
    in_pool(options.threads, || classify_in_pool(options, observer))
}

/// Takes the classified batches in the order of the feed.
struct BatchTaker<'a> {
    tally: &'a mut Tally,
    sink: Option<&'a mut Sink>,
    feed: &'a Feed,
}

impl Consumer<RecordBatch> for BatchTaker<'_> {
    type Error = Error;

    fn consume(&mut self, batch: RecordBatch) -> Result<(), Error> {
        tally_batch(&batch, self.tally).ok_or_else(|| Error::Internal("rows of another schema".to_string()))?;
        self.sink.as_mut().map_or(Ok(()), |sink| sink.push(batch, self.feed))
    }
}

fn classify_in_pool(options: &ClassifyOptions, observer: &Arc<dyn Observer>) -> Result<ClassifyOutcome, Error> {
    let started = Instant::now();
    let feed = Feed::open(&FeedPaths {
        transactions: options.transactions.clone(),
        accounts: options.accounts.clone(),
        mapping: options.mapping.clone(),
        records_from: None,
        limits: Limits::FEED,
    })?;
    let matcher = Arc::new(Matcher::new(&options.rules));
    let mut sink = match &options.out {
        Some(path) => Some(Sink::create(path, options.names, &feed, &matcher)?),
        None => None,
    };
    let mut tally = Tally::new(&matcher);

    observer.stage(Stage::Read, feed.rows());
    let progress = {
        let observer = Arc::clone(observer);
        Arc::new(move |rows| observer.advance(rows)) as _
    };
    let partitions = table::feed_partitions(&feed, &progress);
    let count = partitions.len();
    let accounts: Arc<dyn Accounts> = Arc::clone(&feed.accounts) as _;
    let classifier = Arc::new(Classifier::new(Arc::clone(&matcher), accounts, draw_key()?, NAMES_BYTES));
    let engine = Engine::new(PLAN_BYTES, options.batch_rows)?;
    let plan = pipelines::classified(&engine, partitions, functions::classify::udf(classifier))?;
    // Slices run side by side and their batches are taken in the order of slices: a slice that is ahead of the file waits,
    // so that memory does not depend on the feed.
    let taker = BatchTaker { tally: &mut tally, sink: sink.as_mut(), feed: &feed };
    let order = InOrder::new(taker, BATCHES_AHEAD * options.threads.max(1));
    let next = AtomicUsize::new(0);
    let work = |_| -> Result<(), Error> {
        loop {
            let slice = next.fetch_add(1, Ordering::Relaxed);
            if slice >= count {
                return Ok(());
            }
            let mut task = order.begin(slice)?;
            plan.execute(slice)?.try_for_each(|batch| task.put(batch?, 1))?;
            task.end()?;
        }
    };
    let results: Vec<_> = (0..options.threads.clamp(1, count.max(1))).into_par_iter().map(work).collect();
    // A worker that was stopped by another worker's error has no error of its own.
    let (stopped, own): (Vec<_>, Vec<_>) =
        results.into_iter().filter_map(Result::err).partition(|error| matches!(error, Error::Stopped(_)));
    if let Some(error) = own.into_iter().chain(stopped).next() {
        return Err(error);
    }
    order.finish()?;
    feed.take_warnings().iter().for_each(|warning| observer.warn(warning));

    let report = ClassReport::new(&feed, &matcher, &tally);
    let (verdict, rows_rejected) = feed.verdict();
    let refused_files: Vec<String> = verdict.refused_files(options.max_rejects).into_iter().map(String::from).collect();
    let report = report.closed(&verdict, rows_rejected, refused_files.is_empty(), started.elapsed());
    report.check(&feed)?;
    if let Some(path) = &options.rejects {
        output::write_rejects(path, &verdict)?;
    }
    if let Some(sink) = sink.filter(|_| refused_files.is_empty()) {
        sink.commit(&feed)?;
    }
    Ok(ClassifyOutcome { report, verdict, refused_files })
}
