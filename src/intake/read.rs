//! The first half of a build: the feed decoded once, side by side by slices, and its rows gathered by parts. The feed
//! doctor reads the same way and looks at other things on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::AsArray as _;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use futures::StreamExt as _;

use crate::class::classifier::Classifier;
use crate::class::{Matcher, Tally, tally_batch};
use crate::engine::Engine;
use crate::engine::functions::classify;
use crate::engine::pipelines::{self, Plan};
use crate::engine::{Engine, feed_table};
use crate::error::Error;
use crate::feed::Feed;
use crate::hash_key::HashKey;
use crate::observer::Observer;
use crate::period::Date;
use crate::staging::buffer::{BufferWriter, Partitioning, RowBuffer};
use crate::staging::fingerprint::Fingerprints;

/// What reading needs.
pub struct Job<'a> {
    pub feed: &'a Feed,
    pub engine: &'a Engine,
    pub store: &'a Arc<RowBuffer>,
    pub cut: Partitioning,
    pub matcher: Arc<Matcher>,
    pub secret: HashKey,
    pub workers: usize,
    /// Of which workers may remember names in a sixteenth.
    pub memory_bytes: usize,
    pub observer: &'a Arc<dyn Observer>,
}

/// Reads the feed into the store. Each worker shows the rows that pass the checks, batch by batch, to what it `seen`; what
/// all workers have seen comes back, in no order.
///
/// # Errors
/// Temporary files that cannot be written; mistakes of our own.
pub async fn read<S: Visitor>(job: Job<'_>, seen: S) -> Result<Vec<S>, Error> {
    let observer = Arc::clone(job.observer);
    let partitions = feed_table::feed_partitions(job.feed, &(Arc::new(move |rows| observer.advance(rows)) as _));
    let slices = partitions.len();
    if slices == 0 {
        return Ok(Vec::new());
    }
    let cache_bytes = job.memory_bytes / 16 / job.workers.max(1);
    let accounts = Arc::clone(&job.feed.accounts) as _;
    let classifier = Classifier::new(job.matcher, accounts, job.secret.clone(), cache_bytes);
    let functions = [classify::udf(Arc::new(classifier)), Fingerprints::udf(job.secret)];
    let plan = Arc::new(pipelines::rows(job.engine, partitions, functions).await?);
    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..job.workers.clamp(1, slices))
        .map(|_| {
            let (plan, next, writer) = (Arc::clone(&plan), Arc::clone(&next), BufferWriter::new(Arc::clone(job.store)));
            tokio::spawn(work(plan, next, slices, writer, job.cut, seen.clone()))
        })
        .collect();
    let mut all = Vec::with_capacity(workers.len());
    for worker in workers {
        all.push(worker.await??);
    }
    Ok(all)
}

/// What looks at rows on their way into the store.
pub trait Visitor: Clone + Send + 'static {
    /// Looks at a batch of `pipelines/rows.sql`; `None` where it is of another schema.
    fn see(&mut self, batch: &RecordBatch) -> Option<()>;
}

/// Takes slice after slice until none is left.
async fn work<S: Visitor>(
    plan: Arc<Plan>,
    next: Arc<AtomicUsize>,
    slices: usize,
    mut writer: BufferWriter,
    cut: Partitioning,
    mut seen: S,
) -> Result<S, Error> {
    loop {
        let slice = next.fetch_add(1, Ordering::Relaxed);
        if slice >= slices {
            break;
        }
        let mut batches = plan.plan.execute(slice, Arc::clone(&plan.context))?;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            seen.see(&batch).ok_or_else(|| Error::Internal("rows of another schema".to_string()))?;
            writer.push(&batch, |account| cut.part_of(account))?;
        }
    }
    writer.finish()?;
    Ok(seen)
}

/// What decided the classes, and the newest booking time.
#[derive(Clone, Debug)]
pub struct BuildVisitor {
    tally: Tally,
    newest: Option<i64>,
}

impl BuildVisitor {
    /// Of no rows, under these rules.
    pub fn new(matcher: &Matcher) -> BuildVisitor {
        BuildVisitor { tally: Tally::new(matcher), newest: None }
    }

    /// Adds what another worker has seen.
    pub fn add(&mut self, other: &BuildVisitor) {
        self.newest = self.newest.max(other.newest);
        self.tally.merge(&other.tally);
    }

    /// The newest booking date, and the tally.
    pub fn into_parts(self) -> (Option<Date>, Tally) {
        (self.newest.map(Date::of_time), self.tally)
    }
}

impl Visitor for BuildVisitor {
    fn see(&mut self, batch: &RecordBatch) -> Option<()> {
        self.newest = self.newest.max(newest_time(batch));
        tally_batch(batch, &mut self.tally)
    }
}

fn newest_time(batch: &RecordBatch) -> Option<i64> {
    let times = batch.column_by_name("booked_at")?.as_primitive_opt::<TimestampMicrosecondType>()?;
    arrow::compute::max(times)
}
