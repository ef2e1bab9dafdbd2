//! The engine: the only place that builds a DataFusion session, and the runtime that its plans run on.
//!
//! Owns: memory pool, disk policy, session settings, threads. Does not own: what is asked ([`crate::pipeline`]).
//!
//! **Invariant:** DataFusion itself never writes to disk: its disk manager is off. What does not fit into memory is
//! kept by [`crate::staging::parts`], as integers and keyed hashes.

pub mod feed_table;
pub mod functions;
pub mod pipelines;

use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::error::Error;

/// Consumers of memory that an error of the pool names.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// Makes sessions that share one memory pool.
#[derive(Clone)]
pub struct Engine {
    environment: Arc<RuntimeEnv>,
    batch_rows: usize,
}

impl Engine {
    /// An engine whose plans may hold so many bytes, in batches of so many rows.
    ///
    /// # Errors
    /// [`Error::Engine`].
    pub fn new(memory_bytes: usize, batch_rows: usize) -> Result<Engine, Error> {
        let pool = TrackConsumersPool::new(GreedyMemoryPool::new(memory_bytes), CONSUMERS_NAMED);
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
        let environment =
            RuntimeEnvBuilder::new().with_disk_manager_builder(disk).with_memory_pool(Arc::new(pool)).build_arc()?;
        Ok(Engine { environment, batch_rows })
    }

    /// A fresh session. Parallelism comes from running partitions side by side, not from inside a plan.
    pub fn session(&self) -> SessionContext {
        let config = SessionConfig::new().with_target_partitions(1).with_batch_size(self.batch_rows);
        SessionContext::new_with_config_rt(config, Arc::clone(&self.environment))
    }
}

/// How many threads the machine runs at once: the default of every command.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The runtime that plans run on: as many workers as threads were asked for, and no I/O.
///
/// # Errors
/// [`Error::Internal`] where the system gives no threads.
pub fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .thread_name("liushui-cpu")
        .build()
        .map_err(|error| Error::Internal(format!("cannot start threads: {error}")))
}
