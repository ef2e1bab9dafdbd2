//! The engine: the only module that uses DataFusion.
//!
//! Owns: sessions with their memory pool and disk policy, the pipelines as plans ([`pipelines`]), the functions that they
//! call ([`functions`]), and driving a plan ([`drive`]). Does not own: the SQL (`pipelines/*.sql`), or any kernel: the
//! functions are adapters to kernels that a point query calls without a plan.
//!
//! **Invariant:** DataFusion itself never writes to disk: its disk manager is off. Rows that do not fit into memory are
//! spilled by [`crate::staging::buffer`], as integers and keyed hashes.

pub mod drive;
pub mod error;
pub mod functions;
pub mod pipelines;
pub mod table;

use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use error::EngineError;

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
    /// [`EngineError::Plan`].
    pub fn new(memory_bytes: usize, batch_rows: usize) -> Result<Engine, EngineError> {
        let pool = TrackConsumersPool::new(GreedyMemoryPool::new(memory_bytes), CONSUMERS_NAMED);
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
        let environment =
            RuntimeEnvBuilder::new().with_disk_manager_builder(disk).with_memory_pool(Arc::new(pool)).build_arc()?;
        Ok(Engine { environment, batch_rows })
    }

    /// A fresh session. Parallelism comes from partitions that workers drive side by side, not from inside a plan.
    pub fn session(&self) -> SessionContext {
        let config = SessionConfig::new().with_target_partitions(1).with_batch_size(self.batch_rows);
        SessionContext::new_with_config_rt(config, Arc::clone(&self.environment))
    }

    /// Rows a batch, between operators.
    pub fn batch_rows(&self) -> usize {
        self.batch_rows
    }
}
