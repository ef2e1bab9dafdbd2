//! The balance chain of one account: opening + in - out = closing, day after day.
//!
//! Owns: which days are checked, which are broken, and which rows moved the balance in the wrong direction. Rows are added
//! month by month, each month's in the order of booking.
//!
//! A day is checked where a balance is known before it and one of its rows has a balance. Rows of one instant without `seq`
//! have no known order; there the day holds if any of their balances is the expected one. After a broken day the chain
//! restarts from its balance, so that one fault is reported once.

use serde::Serialize;

use crate::period::Date;

/// One row in the order of booking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Booking time, civil Shanghai microseconds.
    pub booked_at_us: i64,
    /// The provider's order within one instant.
    pub seq: Option<i64>,
    /// The row's change of the balance, fen.
    pub change_fen: i64,
    /// The balance after the row, fen, if the row has one.
    pub balance_fen: Option<i64>,
    /// Number of its file.
    pub file: u32,
}

impl Entry {
    fn date(&self) -> Date {
        Date::of_time(self.booked_at_us)
    }

    /// Whether the order of the two rows is unknown.
    fn ties(&self, other: &Entry) -> bool {
        self.booked_at_us == other.booked_at_us && self.seq == other.seq
    }
}

/// The result of a chain, for the report.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Balances {
    /// Rows with a balance.
    pub rows: u64,
    /// Days whose closing balance was checked against the one before.
    pub days_checked: u64,
    /// Days whose closing balance is not the expected one.
    pub days_broken: u64,
    /// The first broken day.
    pub first_broken: Option<Date>,
    /// Rows after which the balance moved by their amount in the other direction.
    pub sign_swaps: u64,
}

/// A fault of the chain, at a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The day's closing balance is not the one before plus the sum of its rows.
    Broken,
    /// The balance moved in the other direction.
    Swapped,
}

/// The chain of one account so far.
#[derive(Clone, Default, Debug)]
pub struct Chain {
    found: Balances,
    /// The balance after all rows so far, fen, once one is known.
    running_fen: Option<i128>,
    /// The row before.
    last: Option<Entry>,
}

impl Chain {
    /// Adds the next rows, in the order of booking and by whole days. Calls `fault` for each fault, with its row.
    pub fn add(&mut self, rows: &[Entry], mut fault: impl FnMut(Fault, &Entry)) {
        for (at, row) in rows.iter().enumerate() {
            let next_ties = rows.get(at + 1).is_some_and(|next| next.ties(row));
            if self.is_swapped(row) && !next_ties {
                self.found.sign_swaps += 1;
                fault(Fault::Swapped, row);
            }
            self.found.rows += u64::from(row.balance_fen.is_some());
            self.last = Some(*row);
        }
        for day in rows.chunk_by(|a, b| a.date() == b.date()) {
            self.add_day(day, &mut fault);
        }
    }

    /// The result.
    pub fn found(&self) -> Balances {
        self.found
    }

    /// Whether the balance moved by the row's amount, but in the other direction.
    fn is_swapped(&self, row: &Entry) -> bool {
        let Some(last) = self.last.filter(|last| !last.ties(row)) else { return false };
        let (Some(before), Some(after)) = (last.balance_fen, row.balance_fen) else { return false };
        row.change_fen != 0 && i128::from(after) - i128::from(before) == -i128::from(row.change_fen)
    }

    fn add_day(&mut self, day: &[Entry], fault: &mut impl FnMut(Fault, &Entry)) {
        let sum = |rows: &[Entry]| rows.iter().map(|row| i128::from(row.change_fen)).sum::<i128>();
        let Some(at) = day.iter().rposition(|row| row.balance_fen.is_some()) else {
            self.running_fen = self.running_fen.map(|fen| fen + sum(day));
            return;
        };
        // Of the rows that tie with the last one that has a balance, any may be the actual last.
        let tied = || day.iter().filter(|row| row.ties(&day[at])).filter_map(|row| row.balance_fen);
        let after = sum(&day[at + 1..]);
        let opening = self.running_fen.or_else(|| opening_of(day));
        let expected = opening.map(|fen| fen + sum(&day[..=at]));
        let after_ties = sum(&day[day.partition_point(|row| order(row) <= order(&day[at]))..]);
        let holds = |expected: i128| {
            let is_last = day[at].balance_fen.map(i128::from) == Some(expected);
            is_last || tied().any(|fen| i128::from(fen) == expected + after - after_ties)
        };
        match expected {
            Some(expected) if holds(expected) => self.running_fen = Some(expected + after),
            _ => self.running_fen = day[at].balance_fen.map(|fen| i128::from(fen) + after),
        }
        if let Some(expected) = expected {
            self.found.days_checked += 1;
            if !holds(expected) {
                self.found.days_broken += 1;
                self.found.first_broken = self.found.first_broken.or(Some(day[at].date()));
                fault(Fault::Broken, &day[at]);
            }
        }
    }
}

/// The key of the feed's order.
fn order(row: &Entry) -> (i64, Option<i64>) {
    (row.booked_at_us, row.seq)
}

/// The balance before a day, from its first row with a balance; `None` where another row ties with that row.
fn opening_of(day: &[Entry]) -> Option<i128> {
    let at = day.iter().position(|row| row.balance_fen.is_some())?;
    let has_no_tie = day.iter().filter(|row| row.ties(&day[at])).count() == 1;
    let before: i128 = day[..=at].iter().map(|row| i128::from(row.change_fen)).sum();
    day[at].balance_fen.filter(|_| has_no_tie).map(|fen| i128::from(fen) - before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::DAY_US;

    fn entry(day: i64, hour: i64, change_fen: i64, balance_fen: Option<i64>) -> Entry {
        Entry { booked_at_us: day * DAY_US + hour * 3_600_000_000, seq: None, change_fen, balance_fen, file: 0 }
    }

    fn found(days: &[&[Entry]]) -> (Balances, Vec<Fault>) {
        let (mut chain, mut faults) = (Chain::default(), Vec::new());
        days.iter().for_each(|rows| chain.add(rows, |fault, _| faults.push(fault)));
        (chain.found(), faults)
    }

    #[test]
    fn a_chain_that_holds() {
        let (found, faults) = found(&[
            &[entry(1, 9, 100, Some(1_100)), entry(1, 10, -50, Some(1_050))],
            &[entry(2, 9, 7, None), entry(5, 9, 3, Some(1_060)), entry(5, 10, 1, None)],
            &[entry(6, 9, -1_061, Some(0))],
        ]);
        assert_eq!((found.rows, found.days_checked, found.days_broken), (4, 3, 0));
        assert_eq!((found.sign_swaps, faults), (0, vec![]));
    }

    /// A missing row breaks its day and no other.
    #[test]
    fn one_fault_is_reported_once() {
        let (found, faults) =
            found(&[&[entry(1, 9, 100, Some(1_100)), entry(2, 9, 10, Some(1_300)), entry(3, 9, 10, Some(1_310))]]);
        assert_eq!((found.days_checked, found.days_broken), (3, 1));
        assert_eq!((found.first_broken, faults), (Some(Date(2)), vec![Fault::Broken]));
    }

    #[test]
    fn a_swapped_sign_is_reported_with_its_day() {
        let (found, faults) = found(&[&[entry(1, 9, 100, Some(1_100)), entry(2, 9, 10, Some(1_090))]]);
        assert_eq!((found.sign_swaps, found.days_broken), (1, 1));
        assert_eq!(faults, [Fault::Swapped, Fault::Broken]);
    }

    /// Rows of one instant in the wrong order: the day holds by one of their balances. With `seq` the order is
    /// known, and the day is broken.
    #[test]
    fn a_day_with_ties_holds_by_any_of_their_balances() {
        let mut day = [entry(2, 0, -30, Some(1_090)), entry(2, 0, 20, Some(1_120))];
        let opening = [entry(1, 9, 100, Some(1_100))];
        assert_eq!(found(&[&opening, &day]).0.days_broken, 0);
        day.iter_mut().zip(1..).for_each(|(row, seq)| row.seq = Some(seq));
        assert_eq!(found(&[&opening, &day]).0.days_broken, 1);
    }
}
