//! Batches that come from outside the engine, as partitions of a table.
//!
//! Owns: the adapter from an iterator of batches to a [`PartitionStream`], and the partitions of a feed. Does not own:
//! how a slice of a feed is read ([`FeedSlice`]).

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;

use crate::feed::schema::checked_schema;
use crate::feed::{Feed, FeedSlice};

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
pub fn feed_partitions(feed: &Feed, progress: &Arc<dyn Fn(u64) + Send + Sync>) -> Vec<Arc<dyn PartitionStream>> {
    let partition = |slice: FeedSlice| -> Arc<dyn PartitionStream> {
        let progress = Arc::clone(progress);
        let batches = move || {
            let progress = Arc::clone(&progress);
            slice.read(move |rows| progress(rows))
        };
        Arc::new(BatchPartition::new(checked_schema(), batches))
    };
    feed.slices().into_iter().map(partition).collect()
}
