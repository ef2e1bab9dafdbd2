//! Intake: checked batches in, open cells of each account and month out.
//!
//! Owns: two ways over the same kernels. [`Intake`] is for feeds of any size: rows wait in a buffer that may spill, and
//! DataFusion plans (`pipelines/*.sql`) classify, fingerprint and aggregate. [`in_memory`] is for the rows of one query: it
//! calls the kernels directly, plans nothing and touches no file. Neither has a runtime: parallel work runs on the caller's
//! rayon pool. Does not own: how batches are read and checked ([`crate::feed`]), or what products make of cells.

mod error;
mod group;
pub mod in_memory;
mod kernels;
mod visitor;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

pub use error::IntakeError;
pub use group::{AccountCells, GroupCell, GroupCells, GroupSummary, PartitionRows};
pub use kernels::{CONTENT_COLUMNS, Kernels};
pub use visitor::{BuildVisitor, Visitor};

use crate::account::Accounts;
use crate::engine::Engine;
use crate::engine::functions::classify;
use crate::engine::functions::fingerprint::FingerprintFunction;
use crate::engine::pipelines::{self, Plan};
use crate::engine::table::TablePartition;
use crate::period::Date;
use crate::staging::buffer::{BufferWriter, RowBuffer};
use crate::staging::dedup;
use crate::staging::partition::Partitioning;

/// The bounds of an intake.
#[derive(Clone, Debug)]
pub struct IntakeOptions {
    /// Bytes that waiting rows, plans and caches may take.
    pub memory_bytes: usize,
    /// Workers, for which memory is divided; at most so many run at once, on the caller's rayon pool.
    pub workers: usize,
    /// Rows a batch, between operators.
    pub batch_rows: usize,
    /// Where rows that do not fit into memory are spilled; `None` = they are an error.
    pub spill_folder: Option<PathBuf>,
}

/// An intake of rows of these accounts: first rows are read, then groups of accounts are taken as cells.
pub struct Intake {
    accounts: Arc<dyn Accounts>,
    kernels: Kernels,
    engine: Engine,
    buffer: Arc<RowBuffer>,
    partitioning: Partitioning,
    workers: usize,
    /// A partition with more bytes of rows is divided before it is deduplicated.
    partition_bytes_max: usize,
}

impl Intake {
    /// An intake without rows.
    ///
    /// # Errors
    /// [`IntakeError::Staging`] where no file can be made in the spill folder.
    pub fn new(accounts: Arc<dyn Accounts>, kernels: Kernels, options: &IntakeOptions) -> Result<Intake, IntakeError> {
        let partitioning = Partitioning::new(accounts.count());
        let (memory_bytes, workers) = (options.memory_bytes, options.workers.max(1));
        // Most of the memory is for waiting rows. Plans hold one account at a time, so their bound is a guard.
        let folder = options.spill_folder.as_deref();
        let buffer = RowBuffer::new(partitioning.partitions(), workers, memory_bytes / 8 * 5, folder)?;
        let engine = Engine::new(memory_bytes / 2, options.batch_rows)?;
        let partition_bytes_max = memory_bytes / 8 / workers;
        Ok(Intake { accounts, kernels, engine, buffer: Arc::new(buffer), partitioning, workers, partition_bytes_max })
    }

    /// Reads partitions of the checked feed into the buffer, in parallel. Each worker shows the rows batch by batch to a
    /// visitor of its own, a clone of `visitor`; the visitors come back in no order.
    ///
    /// # Errors
    /// Spill files that cannot be written; internal errors.
    pub fn read<V: Visitor>(&self, partitions: Vec<TablePartition>, visitor: &V) -> Result<Vec<V>, IntakeError> {
        let count = partitions.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let functions = [
            classify::udf(Arc::clone(self.kernels.classifier())),
            FingerprintFunction::udf(Arc::clone(self.kernels.fingerprinter())),
        ];
        let plan = pipelines::rows(&self.engine, partitions, functions)?;
        let next = AtomicUsize::new(0);
        let work = |_| self.read_partitions(&plan, &next, count, visitor.clone());
        let visitors = (0..self.workers.min(count)).into_par_iter().map(work).collect();
        tracing::debug!(partitions = count, spilled_bytes = self.spilled_bytes(), "rows are in the buffer");
        visitors
    }

    /// Reads partition after partition until none is left.
    fn read_partitions<V: Visitor>(
        &self,
        plan: &Plan,
        next: &AtomicUsize,
        count: usize,
        mut visitor: V,
    ) -> Result<V, IntakeError> {
        let mut writer = self.writer();
        loop {
            let partition = next.fetch_add(1, Ordering::Relaxed);
            if partition >= count {
                break;
            }
            for batch in plan.execute(partition)? {
                let batch = batch?;
                visitor.visit(&batch).ok_or(IntakeError::Internal("rows of another schema"))?;
                writer.push(&batch, |account| self.partitioning.partition_of(account))?;
            }
        }
        writer.finish()?;
        Ok(visitor)
    }

    /// Writes rows that were reduced elsewhere ([`crate::staging::reduced_schema`]) into the buffer.
    pub fn writer(&self) -> BufferWriter {
        BufferWriter::new(Arc::clone(&self.buffer))
    }

    /// How accounts are divided.
    pub fn partitioning(&self) -> Partitioning {
        self.partitioning
    }

    /// The accounts of a group.
    pub fn accounts_of_group(&self, group: usize) -> Range<u32> {
        self.partitioning.accounts_of_group(group)
    }

    /// The newest booking date of rows that stand: of rows in conflict only the first counts.
    ///
    /// # Errors
    /// Spill files that cannot be read back.
    pub fn newest_standing(&self) -> Result<Option<Date>, IntakeError> {
        let mut newest = None;
        for partition in 0..self.partitioning.partitions() {
            newest = newest.max(dedup::newest_standing(&self.buffer, partition)?);
        }
        Ok(newest)
    }

    /// Takes the rows of partitions out of the buffer as they are, repeats included.
    pub fn rows_of(&self, partitions: Range<usize>) -> PartitionRows {
        PartitionRows::new(self, partitions)
    }

    /// Takes a group's rows out of the buffer as cells, ascending by account and month, as of a date.
    ///
    /// # Errors
    /// Spill files that cannot be read back; internal errors.
    pub fn take_group(&self, group: usize, as_of: Date) -> Result<GroupCells, IntakeError> {
        tracing::trace!(group, "a group's cells are asked for");
        GroupCells::new(self, group, as_of)
    }

    /// Takes a group's rows out of the buffer only to find their repeats and conflicts.
    ///
    /// # Errors
    /// Spill files that cannot be read back; internal errors.
    pub fn check_group(&self, group: usize, as_of: Date) -> Result<GroupSummary, IntakeError> {
        group::check(self, group, as_of)
    }

    /// Bytes of rows that were spilled so far.
    pub fn spilled_bytes(&self) -> u64 {
        self.buffer.spilled_bytes() as u64
    }
}
