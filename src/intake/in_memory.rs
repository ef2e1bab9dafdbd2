//! Cells of rows that are in memory, on the calling thread: for a query, not for a feed.
//!
//! Owns: the order of the kernels. Nothing is planned, no file is touched and nothing waits. Does not own: the kernels.

use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::{Int32Type, UInt32Type};
use arrow::record_batch::RecordBatch;

use super::{GroupSummary, IntakeError, Kernels};
use crate::account::Accounts;
use crate::cell::Cell;
use crate::period::{Date, Month};
use crate::staging::buffer::{BufferWriter, RowBuffer};
use crate::staging::codec;
use crate::staging::dedup::dedup;
use crate::staging::error::DamagedRows;

/// The open cells of some accounts.
#[derive(Clone, Default, Debug)]
pub struct MemoryCells {
    /// By account number: its cells, ascending by month. They are open; [`Cell::merge`] takes them.
    pub cells: Vec<Vec<(Month, Cell)>>,
    /// The rows that reached no cell.
    pub summary: GroupSummary,
}

/// Runs of rows that are added to cells at a time.
const RUNS_PER_BATCH: usize = 1024;

/// The cells of checked batches ([`crate::feed::schema::checked_schema`]), as of a date. Waiting rows take no more than
/// `memory_bytes`.
///
/// # Errors
/// [`IntakeError::Staging`] with `OutOfMemory` for more rows than that; internal errors.
pub fn cells(
    kernels: &Kernels,
    accounts: &dyn Accounts,
    batches: impl IntoIterator<Item = RecordBatch>,
    as_of: Date,
    memory_bytes: usize,
) -> Result<MemoryCells, IntakeError> {
    let buffer = Arc::new(RowBuffer::new(1, 1, memory_bytes, None)?);
    let mut writer = BufferWriter::new(Arc::clone(&buffer));
    for checked in batches {
        writer.push(&kernels.reduce(&checked)?, |_| 0)?;
    }
    writer.finish()?;
    let opening = |number: u32| accounts.account(number).and_then(|account| account.opening());
    let mut deduped = dedup(buffer.take(0)?, 0..accounts.count(), as_of, opening)?;
    let mut cells: Vec<Vec<(Month, Cell)>> = vec![Vec::new(); accounts.count() as usize];
    while let Some(batch) = deduped.next_batch(RUNS_PER_BATCH)? {
        add_runs(&mut cells, &batch, kernels.key_id()).ok_or(DamagedRows)?;
    }
    cells.iter_mut().flatten().for_each(|(_, cell)| cell.settle());
    tracing::debug!(accounts = cells.len(), dropped = deduped.dropped.rows(), "cells of rows in memory");
    let conflicts = deduped.conflicts.iter().map(|(_, place)| *place).collect();
    Ok(MemoryCells { cells, summary: GroupSummary { dropped: deduped.dropped, conflicts } })
}

/// Adds runs ([`crate::staging::runs_schema`]), which ascend by (account, month), to their cells.
fn add_runs(cells: &mut [Vec<(Month, Cell)>], batch: &RecordBatch, key_id: u64) -> Option<()> {
    let [accounts, months, rows] = batch.columns() else { return None };
    let accounts = accounts.as_primitive_opt::<UInt32Type>()?.values();
    let months = months.as_primitive_opt::<Int32Type>()?.values();
    for ((account, month), run) in accounts.iter().zip(months).zip(rows.as_binary_view_opt()?.iter()) {
        let of_account = cells.get_mut(*account as usize)?;
        let month = Month(*month);
        if of_account.last().is_none_or(|(last, _)| *last != month) {
            of_account.push((month, Cell::empty(key_id)));
        }
        let (_, cell) = of_account.last_mut()?;
        let mut update = cell.updating();
        codec::each(run?, |row| update.add(row))?;
        update.finish();
    }
    Some(())
}
