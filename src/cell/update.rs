//! Rows into a cell.
//!
//! Owns: what a row adds to each part of a cell, and which rows tell its balances. Rows come in any order, but mostly in
//! that of time, and what a date closes with is kept in the cell only once its rows are over.

use std::cmp::Ordering;

use super::{BAND_LOWER_FEN, Balance, Cell, CellRows, Order, PartyRow, Row, keep};
use crate::class::Class;
use crate::period::Date;

/// With so many rows of counterparties a cell adds them up before it takes more: memory follows counterparties, not rows.
const PARTY_ROWS_MAX: usize = 1024;

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

    /// [`Cell::update`] row after row: quicker, since what a date closes with is only kept once it is over.
    pub fn updating<'r>(&mut self) -> Updating<'_, 'r> {
        Updating { cell: self, day: 0, close: None, opening: None }
    }
}

/// A cell that rows are added to, one after another; [`Updating::finish`] follows after the last.
#[must_use]
pub struct Updating<'c, 'r> {
    cell: &'c mut Cell,
    /// The place of the day of the row before, where `close` is given.
    day: usize,
    /// Of the rows of that day since it is the day: the last balance.
    close: Option<Seen<'r>>,
    /// Of all rows: the first balance, with what it was before its row.
    opening: Option<Seen<'r>>,
}

/// A balance whose row is still at hand.
#[derive(Clone, Copy)]
struct Seen<'r> {
    booked_at_us: i64,
    seq: Option<i64>,
    txn_id: &'r [u8],
    fen: i64,
}

impl Seen<'_> {
    fn is_before(&self, other: &Seen<'_>) -> bool {
        (self.booked_at_us, self.seq, self.txn_id) < (other.booked_at_us, other.seq, other.txn_id)
    }

    /// The same for the cell to keep.
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
                // A list that is long anyway is added to seldom: each time it is gone through as a whole.
                if cell.party_rows.len() >= PARTY_ROWS_MAX.max(cell.counterparties.len()) {
                    cell.add_up_counterparties();
                }
                let Row { class, direction, reversal, amount_fen, .. } = *row;
                cell.party_rows.push(PartyRow { key, amount_fen, class, direction, reversal });
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
        let seen = Seen { booked_at_us: row.booked_at_us, seq: row.seq, txn_id: row.txn_id, fen };
        if self.close.as_ref().is_none_or(|close| close.is_before(&seen)) {
            self.close = Some(seen);
        }
        if self.opening.as_ref().is_none_or(|opening| seen.is_before(opening)) {
            // Both are at most 18 digits, so the difference fits (see `AMOUNT_FEN_MAX`).
            self.opening = Some(Seen { fen: fen - row.balance_change_fen(), ..seen });
        }
    }

    /// Keeps what was seen of the day's balances.
    fn end_day(&mut self) {
        let seen = self.close.take().map(Seen::balance);
        if let Some(day) = self.cell.days.get_mut(self.day) {
            keep(&mut day.close, seen, Ordering::Greater);
        }
    }

    /// Ends with the last row.
    pub fn finish(mut self) {
        self.end_day();
        let seen = self.opening.take().map(Seen::balance);
        keep(&mut self.cell.opening, seen, Ordering::Less);
    }
}
