//! The first half of a build: the feed decoded once, side by side by slices, and its rows gathered by parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::AsArray as _;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use futures::StreamExt as _;

use super::Observer;
use crate::class::Matcher;
use crate::class::function::Classify;
use crate::engine::Engine;
use crate::error::Error;
use crate::feed::Feed;
use crate::period::Date;
use crate::pipeline::{self, Plan};
use crate::rows::function::KeyedHash;
use crate::rows::parts::{Cut, Gatherer, Store};
use crate::secret::Secret;

/// What reading needs.
pub struct Job<'a> {
    pub feed: &'a Feed,
    pub engine: &'a Engine,
    pub store: &'a Arc<Store>,
    pub cut: Cut,
    pub matcher: Arc<Matcher>,
    pub secret: Secret,
    pub workers: usize,
    pub observer: &'a Arc<dyn Observer>,
}

/// Reads the feed into the store; the newest booking date comes back.
pub async fn read(job: Job<'_>) -> Result<Option<Date>, Error> {
    let observer = Arc::clone(job.observer);
    let partitions = job.feed.partitions(&(Arc::new(move |rows| observer.advance(rows)) as _));
    let slices = partitions.len();
    if slices == 0 {
        return Ok(None);
    }
    let functions =
        [Classify::udf(job.matcher, job.feed.accounts.all(), job.secret.clone()), KeyedHash::udf(job.secret)];
    let plan = Arc::new(pipeline::rows(job.engine, partitions, functions).await?);
    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..job.workers.clamp(1, slices))
        .map(|_| tokio::spawn(work(Arc::clone(&plan), Arc::clone(&next), slices, Arc::clone(job.store), job.cut)))
        .collect();
    let mut newest = None;
    for worker in workers {
        newest = newest.max(worker.await.map_err(panicked)??);
    }
    Ok(newest.map(Date::of_time))
}

/// Takes slice after slice until none is left.
async fn work(
    plan: Arc<Plan>,
    next: Arc<AtomicUsize>,
    slices: usize,
    store: Arc<Store>,
    cut: Cut,
) -> Result<Option<i64>, Error> {
    let mut gatherer = Gatherer::new(store);
    let mut newest = None;
    loop {
        let slice = next.fetch_add(1, Ordering::Relaxed);
        if slice >= slices {
            break;
        }
        let mut batches = plan.plan.execute(slice, Arc::clone(&plan.context))?;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            newest = newest.max(newest_time(&batch));
            gatherer.push(&batch, |account| cut.part_of(account))?;
        }
    }
    gatherer.finish()?;
    Ok(newest)
}

fn newest_time(batch: &RecordBatch) -> Option<i64> {
    let times = batch.column_by_name("booked_at")?.as_primitive_opt::<TimestampMicrosecondType>()?;
    arrow::compute::max(times)
}

/// A worker that panicked: a mistake of our own, told without its message, which may quote a value.
pub fn panicked(_error: tokio::task::JoinError) -> Error {
    Error::Internal("a worker panicked".to_string())
}
