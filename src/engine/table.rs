//! Batches that come from outside the engine, as partitions of a table.
//!
//! Owns: the adapters from an iterator of batches to a partition of a table, and the partitions of a feed. Does not own:
//! how a slice of a feed is read ([`FeedSlice`]).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;

use crate::feed::schema::checked_schema;
use crate::feed::{Feed, FeedSlice};

/// A partition of a table that a plan reads.
pub type TablePartition = Arc<dyn PartitionStream>;

/// A partition of these batches, which is read once. An error of the iterator comes out of the plan as itself.
pub fn partition_of<E: std::error::Error + Send + Sync + 'static>(
    schema: SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch, E>> + Send + 'static,
) -> TablePartition {
    let batches = batches.map(|batch| batch.map_err(|error| DataFusionError::External(Box::new(error))));
    Arc::new(OncePartition { schema, batches: Mutex::new(Some(Box::new(batches))) })
}

/// Batches on their way into a plan.
type PlanBatches = Box<dyn Iterator<Item = Result<RecordBatch, DataFusionError>> + Send>;

struct OncePartition {
    schema: SchemaRef,
    batches: Mutex<Option<PlanBatches>>,
}

impl fmt::Debug for OncePartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OncePartition")
    }
}

impl PartitionStream for OncePartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner).take();
        let batches = batches.unwrap_or_else(|| {
            let again = DataFusionError::Internal("a partition was read twice".to_string());
            Box::new(std::iter::once(Err(again)))
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), futures::stream::iter(batches)))
    }
}

/// A partition whose batches an iterator gives. The iterator is made when the partition is executed.
pub struct BatchPartition<F> {
    schema: SchemaRef,
    batches: F,
}

impl<F, I> BatchPartition<F>
where
    F: Fn() -> I + Send + Sync,
    I: Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
{
    /// A partition of batches in this schema.
    pub fn new(schema: SchemaRef, batches: F) -> BatchPartition<F> {
        BatchPartition { schema, batches }
    }
}

impl<F> fmt::Debug for BatchPartition<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BatchPartition")
    }
}

impl<F, I> PartitionStream for BatchPartition<F>
where
    F: Fn() -> I + Send + Sync,
    I: Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
{
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = (self.batches)().map(|batch| batch.map_err(DataFusionError::from));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), futures::stream::iter(batches)))
    }
}

/// The feed as partitions of the `transactions` table, one a slice, in the order of files. `progress` gets the number of
/// rows of each batch that is read.
pub fn feed_partitions(feed: &Feed, progress: &Arc<dyn Fn(u64) + Send + Sync>) -> Vec<TablePartition> {
    let partition = |slice: FeedSlice| -> TablePartition {
        let progress = Arc::clone(progress);
        let batches = move || {
            let progress = Arc::clone(&progress);
            slice.read(move |rows| progress(rows))
        };
        Arc::new(BatchPartition::new(checked_schema(), batches))
    };
    feed.slices().into_iter().map(partition).collect()
}
