//! A group of accounts as cells: its rows are deduplicated partition by partition and aggregated by `pipelines/cells.sql`.
//!
//! Owns: the order of the work inside a group, and the sums of rows that the reconciliation compares with cells.
//! **Invariant:** a worker holds the rows of one partition, or of one bucket of a divided partition, at a time.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{Int32Type, UInt32Type};

use super::{Intake, IntakeError};
use crate::account::Accounts;
use crate::cell::Cell;
use crate::engine::drive::Batches;
use crate::engine::functions::cell::CellFunction;
use crate::engine::pipelines;
use crate::engine::table::partition_of;
use crate::period::{Date, Month};
use crate::staging::buffer::RowBuffer;
use crate::staging::codec::Place;
use crate::staging::dedup::{AccountSums, Deduped, Dropped, Scratch, dedup_in};
use crate::staging::error::StagingError;
use crate::staging::partition::Partitioning;
use crate::staging::runs_schema;

/// The cells of one account, and how many rows they hold.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AccountCells {
    /// Ascending by month.
    pub cells: Vec<(Month, Box<Cell>)>,
    /// Rows in all of them.
    pub rows: u64,
}

/// The rows of a group that reach no cell.
#[derive(Clone, Default, Debug)]
pub struct GroupSummary {
    /// Counted by reason, with their flows.
    pub dropped: Dropped,
    /// Rows in conflict with an earlier row of the same identifier, by place in the feed.
    pub conflicts: Vec<Place>,
}

/// The cells of a group, ascending by (account, month), computed as they are asked for.
pub struct GroupCells {
    ledger: Arc<Ledger>,
    batches: Batches,
    batch: Option<RecordBatch>,
    row: usize,
}

/// One open cell of a group: its account, month and bytes.
pub struct GroupCell<'a> {
    /// The account's number.
    pub account: u32,
    /// The month.
    pub month: Month,
    /// The cell's figures ([`Cell::encode_figures`]).
    pub figures: &'a [u8],
    /// The cell's rows ([`Cell::encode_rows`]).
    pub rows: &'a [u8],
}

impl GroupCells {
    pub(super) fn new(intake: &Intake, group: usize, as_of: Date) -> Result<GroupCells, IntakeError> {
        let rows = GroupRows::new(intake, group, as_of);
        let ledger = Arc::clone(&rows.ledger);
        let batch_rows = intake.engine.batch_rows();
        let table = partition_of(runs_schema(), RunBatches { rows, batch_rows });
        let function = CellFunction::udaf(intake.kernels.key_id());
        let batches = pipelines::cells(&intake.engine, table, function)?.execute(0)?;
        Ok(GroupCells { ledger, batches, batch: None, row: 0 })
    }

    /// The accounts of the group.
    pub fn accounts(&self) -> Range<u32> {
        self.ledger.accounts.clone()
    }

    /// The next cell, if it is of an account up to this one; accounts are asked for in ascending order.
    ///
    /// # Errors
    /// Spill files that cannot be read back; internal errors.
    pub fn next_up_to(&mut self, account: u32) -> Result<Option<GroupCell<'_>>, IntakeError> {
        while self.batch.as_ref().is_none_or(|batch| self.row >= batch.num_rows()) {
            match self.batches.next() {
                Some(batch) => (self.batch, self.row) = (Some(batch?), 0),
                None => return Ok(None),
            }
        }
        let other = IntakeError::Internal("cells in other columns than their own");
        let Some([accounts, months, cells]) = self.batch.as_ref().map(RecordBatch::columns) else {
            return Err(other);
        };
        let of = accounts.as_primitive::<UInt32Type>().value(self.row);
        if of > account {
            return Ok(None);
        }
        let Some([figures, rows]) = cells.as_struct_opt().map(|cells| cells.columns()) else { return Err(other) };
        let row = self.row;
        self.row += 1;
        Ok(Some(GroupCell {
            account: of,
            month: Month(months.as_primitive::<Int32Type>().value(row)),
            figures: figures.as_binary::<i64>().value(row),
            rows: rows.as_binary::<i64>().value(row),
        }))
    }

    /// Fills in the sealed cells of an account, in place of those before; accounts are asked for in ascending order.
    ///
    /// # Errors
    /// Those of [`GroupCells::next_up_to`]; cells of an account that was not asked for.
    pub fn figures_of(&mut self, account: u32, found: &mut AccountCells) -> Result<AccountSums, IntakeError> {
        let (mut count, mut rows) = (0, 0);
        while let Some(cell) = self.next_up_to(account)? {
            if cell.account != account {
                return Err(IntakeError::Internal("cells of an account that was not asked for"));
            }
            // The cells of the account before are filled again: most accounts have as many months.
            if found.cells.len() == count {
                found.cells.push((cell.month, Box::new(Cell::empty(0))));
            }
            let (month, sealed) = &mut found.cells[count];
            *month = cell.month;
            sealed.read_figures(cell.figures)?;
            rows += sealed.rows();
            count += 1;
        }
        found.cells.truncate(count);
        found.rows = rows;
        // An account's cells come once all of its rows were deduplicated, so its sums are complete by now.
        Ok(self.ledger.sums_of(account))
    }

    /// The rows that reached no cell, after the last account.
    ///
    /// # Errors
    /// Those of [`GroupCells::next_up_to`]; cells that nobody asked for.
    pub fn finish(mut self) -> Result<GroupSummary, IntakeError> {
        if self.next_up_to(u32::MAX)?.is_some() {
            return Err(IntakeError::Internal("cells of an account that the group does not hold"));
        }
        Ok(std::mem::take(&mut self.ledger.lock().summary))
    }
}

/// Deduplicates a group's rows and makes no cells of them.
pub(super) fn check(intake: &Intake, group: usize, as_of: Date) -> Result<GroupSummary, IntakeError> {
    let mut rows = GroupRows::new(intake, group, as_of);
    while rows.next_partition()? {}
    let summary = std::mem::take(&mut rows.ledger.lock().summary);
    Ok(summary)
}

/// What dedup found in a group so far; shared with the worker that reads the group's cells.
struct Ledger {
    accounts: Range<u32>,
    found: Mutex<LedgerEntries>,
}

struct LedgerEntries {
    /// By account of the group.
    sums: Vec<AccountSums>,
    summary: GroupSummary,
}

impl Ledger {
    fn new(accounts: Range<u32>) -> Ledger {
        let sums = vec![AccountSums::default(); accounts.len()];
        Ledger { accounts, found: Mutex::new(LedgerEntries { sums, summary: GroupSummary::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, LedgerEntries> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the result of a partition, or of a bucket of one, which holds these accounts.
    fn add(&self, accounts: &Range<u32>, deduped: &Deduped) {
        let mut found = self.lock();
        found.summary.dropped.add(&deduped.dropped);
        found.summary.conflicts.extend(deduped.conflicts.iter().map(|(_, place)| *place));
        let first = (accounts.start - self.accounts.start) as usize;
        for (sums, more) in found.sums.iter_mut().skip(first).zip(&deduped.sums) {
            sums.add(more);
        }
    }

    fn sums_of(&self, account: u32) -> AccountSums {
        let place = (account - self.accounts.start) as usize;
        self.lock().sums.get(place).copied().unwrap_or_default()
    }
}

/// Rows as chunks of bytes, and the accounts that they are of.
pub type RowsOf = (Vec<Vec<u8>>, Range<u32>);

/// A partition with more bytes of rows is divided, whatever the memory: within a buffer Arrow counts with 32 bits.
const PARTITION_BYTES_MAX: usize = 1 << 30;

/// The rows of some partitions, taken out of the buffer partition after partition. A partition that is too large comes
/// bucket after bucket, ascending by (account, month).
pub struct PartitionRows {
    buffer: Arc<RowBuffer>,
    partitioning: Partitioning,
    bytes_max: usize,
    partitions: Range<usize>,
    divided: Option<Divided>,
}

/// A partition that was too large, in a buffer of its own.
struct Divided {
    buffer: RowBuffer,
    buckets: Range<usize>,
    accounts: Range<u32>,
}

impl PartitionRows {
    pub(super) fn new(intake: &Intake, partitions: Range<usize>) -> PartitionRows {
        PartitionRows {
            buffer: Arc::clone(&intake.buffer),
            partitioning: intake.partitioning,
            bytes_max: intake.partition_bytes_max.min(PARTITION_BYTES_MAX),
            partitions,
            divided: None,
        }
    }

    /// The rows of the next partition or bucket; `None` after the last.
    ///
    /// # Errors
    /// Spill files that cannot be read or written.
    pub fn next_rows(&mut self) -> Result<Option<RowsOf>, StagingError> {
        loop {
            if let Some(divided) = &mut self.divided {
                if let Some(bucket) = divided.buckets.next() {
                    return Ok(Some((divided.buffer.take(bucket)?, divided.accounts.clone())));
                }
                self.divided = None;
            }
            let Some(partition) = self.partitions.next() else { return Ok(None) };
            let accounts = self.partitioning.accounts_of(partition);
            if self.buffer.bytes(partition) <= self.bytes_max {
                return Ok(Some((self.buffer.take(partition)?, accounts)));
            }
            let buffer = self.buffer.divide(partition, self.bytes_max)?;
            self.divided = Some(Divided { buckets: 0..buffer.buckets(), buffer, accounts });
        }
    }
}

/// The rows of a group, deduplicated partition after partition as they are asked for.
struct GroupRows {
    accounts: Arc<dyn Accounts>,
    as_of: Date,
    rows: PartitionRows,
    deduped: Option<Deduped>,
    scratch: Scratch,
    ledger: Arc<Ledger>,
}

impl GroupRows {
    fn new(intake: &Intake, group: usize, as_of: Date) -> GroupRows {
        GroupRows {
            accounts: Arc::clone(&intake.accounts),
            as_of,
            rows: intake.rows_of(intake.partitioning.partitions_of(group)),
            deduped: None,
            scratch: Scratch::default(),
            ledger: Arc::new(Ledger::new(intake.accounts_of_group(group))),
        }
    }

    /// Deduplicates the next rows; `false` after the last.
    fn next_partition(&mut self) -> Result<bool, StagingError> {
        // The rows before are freed first, so that a worker never holds two large partitions.
        if let Some(deduped) = self.deduped.take() {
            deduped.leave(&mut self.scratch);
        }
        let Some((chunks, accounts)) = self.rows.next_rows()? else { return Ok(false) };
        let opening = |number: u32| self.accounts.account(number).and_then(|account| account.opening());
        let deduped = dedup_in(&mut self.scratch, chunks, accounts.clone(), self.as_of, opening)?;
        self.ledger.add(&accounts, &deduped);
        self.deduped = Some(deduped);
        Ok(true)
    }

    /// The next runs of rows; `None` after the last partition.
    fn next_batch(&mut self, runs: usize) -> Result<Option<RecordBatch>, StagingError> {
        loop {
            if let Some(deduped) = &mut self.deduped
                && let Some(batch) = deduped.next_batch(runs)?
            {
                return Ok(Some(batch));
            }
            if !self.next_partition()? {
                return Ok(None);
            }
        }
    }
}

/// A group's rows as batches of runs.
struct RunBatches {
    rows: GroupRows,
    batch_rows: usize,
}

impl Iterator for RunBatches {
    type Item = Result<RecordBatch, StagingError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next_batch(self.batch_rows).transpose()
    }
}
