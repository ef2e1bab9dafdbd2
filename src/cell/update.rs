//! Adding rows to a cell.
//!
//! Owns: the effect of a row on each field of a cell, and which rows decide its balances. Rows may be added in any order, but
//! are mostly in that of time, so the closing balance of a date is stored only when its rows are over.

use std::cmp::Ordering;

use super::{BAND_LOWER_FEN, Balance, Cell, CellRows, CounterpartyRow, Order, Row, keep};
use crate::class::Class;
use crate::period::Date;

/// Most rows in the list of counterparties before they are added up, so that memory depends on counterparties, not on rows.
const COUNTERPARTY_ROWS_MAX: usize = 1024;

/// The band of an absolute amount: the last whose lower bound is not above it.
fn band_of(amount_fen: i64) -> usize {
    BAND_LOWER_FEN.iter().rposition(|lower| amount_fen >= *lower).unwrap_or(0)
}

impl Cell {
    /// Adds one row to a cell that is not sealed. The caller has removed repeats; [`Cell::settle`] or [`Cell::seal`]
    /// follows after the last row.
    pub fn update(&mut self, row: &Row<'_>) {
        let mut update = self.updating();
        update.add(row);
        update.finish();
    }

    /// Adds several rows, faster than [`Cell::update`] for each: the closing balance of a date is stored only when its rows
    /// are over.
    pub fn updating<'r>(&mut self) -> Updating<'_, 'r> {
        Updating { cell: self, day: 0, close: None, opening: None }
    }
}

/// A cell while rows are added to it; [`Updating::finish`] must follow after the last row.
#[must_use]
pub struct Updating<'c, 'r> {
    cell: &'c mut Cell,
    /// The index of the day of the row before, if `close` is given.
    day: usize,
    /// The last balance of that day's rows since the day was entered.
    close: Option<RowBalance<'r>>,
    /// The first balance of all rows, as it was before its row.
    opening: Option<RowBalance<'r>>,
}

/// A balance that borrows from its row.
#[derive(Clone, Copy)]
struct RowBalance<'r> {
    booked_at_us: i64,
    seq: Option<i64>,
    txn_id: &'r [u8],
    fen: i64,
}

impl RowBalance<'_> {
    fn is_before(&self, other: &RowBalance<'_>) -> bool {
        (self.booked_at_us, self.seq, self.txn_id) < (other.booked_at_us, other.seq, other.txn_id)
    }

    /// The balance as stored in the cell.
    fn balance(self) -> Balance {
        let order = Order { booked_at_us: self.booked_at_us, seq: self.seq, txn_id: self.txn_id.into() };
        Balance { order: Some(order), fen: self.fen }
    }
}

impl<'r> Updating<'_, 'r> {
    /// Adds one row.
    pub fn add(&mut self, row: &Row<'r>) {
        let cell = &mut *self.cell;
        let (flow, way) = (row.flow(), row.direction as usize);
        let operating = !matches!(row.class, Class::SameName | Class::OpeningBank);
        cell.funds[way].add(flow);
        cell.classes[row.class as usize][way].add(flow);
        if operating {
            cell.bands[band_of(row.amount_fen)][way].add(flow);
        }
        match row.counterparty {
            Some(key) if row.class != Class::Cash => {
                // Adding up goes through the whole list, so the longer it is, the more rows it may have.
                if cell.counterparty_rows.len() >= COUNTERPARTY_ROWS_MAX.max(cell.counterparties.len()) {
                    cell.add_up_counterparties();
                }
                let Row { class, direction, reversal, amount_fen, .. } = *row;
                cell.counterparty_rows.push(CounterpartyRow { key, amount_fen, class, direction, reversal });
            }
            Some(_) => {}
            None if row.class == Class::Other => cell.unidentified_fen += flow.amount_fen,
            None => {}
        }
        debug_assert!(!cell.is_sealed(), "a sealed cell takes no rows");
        match &mut cell.rows {
            CellRows::Known(fingerprints) => fingerprints.push(row.fingerprint),
            CellRows::Counted(rows) => *rows += 1,
        }
        let date = Date::of_time(row.booked_at_us);
        if cell.days.get(self.day).is_none_or(|day| day.date != date) {
            self.end_day();
            self.day = self.cell.day_at(date);
        }
        let day = &mut self.cell.days[self.day];
        day.seen[way] = true;
        if operating {
            day.operating_fen[way] += flow.amount_fen;
        } else if row.class == Class::SameName {
            day.same_name_fen[way] += flow.amount_fen;
        }
        let Some(fen) = row.balance_fen else { return };
        let balance = RowBalance { booked_at_us: row.booked_at_us, seq: row.seq, txn_id: row.txn_id, fen };
        if self.close.as_ref().is_none_or(|close| close.is_before(&balance)) {
            self.close = Some(balance);
        }
        if self.opening.as_ref().is_none_or(|opening| balance.is_before(opening)) {
            // Both are at most 18 digits, so the difference fits (see `AMOUNT_FEN_MAX`).
            self.opening = Some(RowBalance { fen: fen - row.balance_change_fen(), ..balance });
        }
    }

    /// Stores the closing balance of the current day.
    fn end_day(&mut self) {
        let balance = self.close.take().map(RowBalance::balance);
        if let Some(day) = self.cell.days.get_mut(self.day) {
            keep(&mut day.close, balance, Ordering::Greater);
        }
    }

    /// Stores the balances after the last row.
    pub fn finish(mut self) {
        self.end_day();
        let balance = self.opening.take().map(RowBalance::balance);
        keep(&mut self.cell.opening, balance, Ordering::Less);
    }
}
