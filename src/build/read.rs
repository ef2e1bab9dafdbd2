//! The first half of a build: the feed decoded once, side by side by slices, and its rows gathered by parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::AsArray as _;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use futures::StreamExt as _;

use crate::class::function::{Classify, tally_batch};
use crate::class::{Matcher, Tally};
use crate::engine::Engine;
use crate::error::Error;
use crate::feed::Feed;
use crate::observer::Observer;
use crate::period::Date;
use crate::pipeline::{self, Plan};
use crate::rows::function::{ContentHash, KeyedHash};
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

/// Reads the feed into the store. The newest booking date comes back, and what decided the classes.
pub async fn read(job: Job<'_>) -> Result<(Option<Date>, Tally), Error> {
    let observer = Arc::clone(job.observer);
    let partitions = job.feed.partitions(&(Arc::new(move |rows| observer.advance(rows)) as _));
    let slices = partitions.len();
    let mut tally = Tally::new(&job.matcher);
    if slices == 0 {
        return Ok((None, tally));
    }
    let of_worker = tally.clone();
    let functions = [
        Classify::udf(job.matcher, job.feed.accounts.all(), job.secret.clone()),
        KeyedHash::udf(job.secret.clone()),
        ContentHash::udf(job.secret),
    ];
    let plan = Arc::new(pipeline::rows(job.engine, partitions, functions).await?);
    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..job.workers.clamp(1, slices))
        .map(|_| {
            let (plan, next, gatherer) = (Arc::clone(&plan), Arc::clone(&next), Gatherer::new(Arc::clone(job.store)));
            tokio::spawn(work(plan, next, slices, gatherer, job.cut, of_worker.clone()))
        })
        .collect();
    let mut newest = None;
    for worker in workers {
        let (newest_of, tally_of) = worker.await??;
        newest = newest.max(newest_of);
        tally.merge(&tally_of);
    }
    Ok((newest.map(Date::of_time), tally))
}

/// Takes slice after slice until none is left.
async fn work(
    plan: Arc<Plan>,
    next: Arc<AtomicUsize>,
    slices: usize,
    mut gatherer: Gatherer,
    cut: Cut,
    mut tally: Tally,
) -> Result<(Option<i64>, Tally), Error> {
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
            tally_batch(&batch, &mut tally).ok_or_else(|| Error::Internal("rows of another schema".to_string()))?;
            gatherer.push(&batch, |account| cut.part_of(account))?;
        }
    }
    gatherer.finish()?;
    Ok((newest, tally))
}

fn newest_time(batch: &RecordBatch) -> Option<i64> {
    let times = batch.column_by_name("booked_at")?.as_primitive_opt::<TimestampMicrosecondType>()?;
    arrow::compute::max(times)
}
