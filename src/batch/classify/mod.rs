//! The class of each row of a feed and what decided it: how a bank finds out what its own feed needs.
//!
//! Owns: reading a feed through the classifier into one file in the feed's order ([`output`]) and a report of rows and
//! money by class, rule and evidence ([`report`]). Does not own: how a class is decided ([`crate::class`]). Every row that
//! passes the checks is in the file: repeats, conflicts and cut-offs are the build's business.

pub mod output;
pub mod report;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arrow::record_batch::RecordBatch;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::class::classifier::Classifier;
use crate::class::{Matcher, Rules, Tally, tally_batch};
use crate::engine::functions;
use crate::engine::pipelines::{self, Plan};
use crate::engine::{self, Engine, feed_table};
use crate::error::Error;
use crate::feed::guard::Limits;
use crate::feed::mapping::Mapping;
use crate::feed::reject::FeedVerdict;
use crate::feed::source::BATCH_ROWS;
use crate::feed::{Feed, FeedPaths};
use crate::hash_key::HashKey;
use crate::observer::{Observer, Stage};
use output::Sink;
use report::ClassReport;

/// What a classification is asked for.
#[derive(Clone, Debug)]
pub struct ClassifyOptions {
    /// Files, folders and globs of `transactions`; `-` is an Arrow stream on standard input.
    pub transactions: Vec<PathBuf>,
    /// Files, folders and globs of `accounts`.
    pub accounts: Vec<PathBuf>,
    /// The file to write, `.parquet` or `.csv`; `None` = only the report.
    pub out: Option<PathBuf>,
    /// Where all rejects are listed, as `build` lists them; `None` = nowhere.
    pub rejects: Option<PathBuf>,
    /// Whether the file shows each row's counterparty name.
    pub names: bool,
    /// The layout, where it is not the feed's own.
    pub mapping: Option<Mapping>,
    /// The classification rules.
    pub rules: Rules,
    /// Bad rows that a file may have.
    pub max_rejects: u64,
    /// Workers.
    pub threads: usize,
    /// Rows a batch, between operators.
    pub batch_rows: usize,
}

impl ClassifyOptions {
    /// A feed into a file, with every default: our rules, a worker a core, no bad row.
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
            threads: engine::cores(),
            batch_rows: BATCH_ROWS,
        }
    }
}

/// How a classification ended: done, or refused with nothing written.
#[derive(Clone, Debug)]
pub struct ClassifyOutcome {
    /// Rows and money by class, rule and evidence.
    pub report: ClassReport,
    /// What is wrong with the feed.
    pub verdict: FeedVerdict,
    /// The files that were refused; empty where the classification is done.
    pub refused_files: Vec<String>,
}

/// Batches that a slice may be ahead of the file.
const BATCHES_AHEAD: usize = 32;

/// What a worker may remember of names.
const NAMES_BYTES: usize = 64 << 20;

/// What the plan may hold at a time; a projection holds next to nothing.
const PLAN_BYTES: usize = 64 << 20;

/// Classifies each row of a feed.
///
/// A feed with a refused file is no error: the [`ClassifyOutcome`] tells, and no class is written.
///
/// # Errors
/// [`Error::Usage`] for paths that lead nowhere, for a file of another ending and for one of the feed's own; failures of
/// our own.
pub fn classify(options: &ClassifyOptions, observer: &Arc<dyn Observer>) -> Result<ClassifyOutcome, Error> {
    let started = Instant::now();
    let feed = Feed::open(&FeedPaths {
        transactions: options.transactions.clone(),
        accounts: options.accounts.clone(),
        mapping: options.mapping.clone(),
        limits: Limits::FEED,
    })?;
    let matcher = Arc::new(Matcher::new(&options.rules));
    let mut sink = match &options.out {
        Some(path) => Some(Sink::create(path, options.names, &feed, &matcher)?),
        None => None,
    };
    let mut tally = Tally::new(&matcher);

    observer.stage(Stage::Read, feed.rows());
    let runtime = engine::runtime(options.threads)?;
    runtime.block_on(async {
        let read = {
            let observer = Arc::clone(observer);
            Arc::new(move |rows| observer.advance(rows)) as _
        };
        let partitions = feed_table::feed_partitions(&feed, &read);
        let slices = partitions.len();
        let secret = HashKey::draw().map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
        let accounts = Arc::clone(&feed.accounts) as _;
        let classifier = Classifier::new(Arc::clone(&matcher), accounts, secret, NAMES_BYTES);
        let function = functions::classify::udf(Arc::new(classifier));
        let engine = Engine::new(PLAN_BYTES, options.batch_rows)?;
        let plan = Arc::new(pipelines::classified(&engine, partitions, function).await?);
        in_order(&plan, slices, options.threads, |batch| {
            tally_batch(&batch, &mut tally).ok_or_else(|| Error::Internal("rows of another schema".to_string()))?;
            sink.as_mut().map_or(Ok(()), |sink| sink.push(batch, &feed))
        })
        .await
    })?;
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

/// Runs the plan's slices side by side and takes their batches in the order of slices: a slice that is ahead of the file
/// waits, so that memory does not depend on the feed.
async fn in_order(
    plan: &Arc<Plan>,
    slices: usize,
    workers: usize,
    mut take: impl FnMut(RecordBatch) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut waiting = 0..slices;
    let mut running: VecDeque<_> = waiting.by_ref().take(workers.max(1)).map(|slice| start(plan, slice)).collect();
    while let Some((mut batches, worker)) = running.pop_front() {
        while let Some(batch) = batches.recv().await {
            take(batch?)?;
        }
        worker.await?;
        running.extend(waiting.next().map(|slice| start(plan, slice)));
    }
    Ok(())
}

/// Starts a slice; it goes on until its batches are taken or no one waits for them.
fn start(plan: &Arc<Plan>, slice: usize) -> (mpsc::Receiver<Result<RecordBatch, Error>>, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let plan = Arc::clone(plan);
    let worker = tokio::spawn(async move {
        let mut batches = match plan.plan.execute(slice, Arc::clone(&plan.context)) {
            Ok(batches) => batches,
            // Where no one waits any more, there is no one to tell.
            Err(error) => return drop(sender.send(Err(error.into())).await),
        };
        while let Some(batch) = batches.next().await {
            if sender.send(batch.map_err(Error::from)).await.is_err() {
                break;
            }
        }
    });
    (receiver, worker)
}
