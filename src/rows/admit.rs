//! What happens to a part's rows before they meet cells: repeats and conflicts, then the cut-offs.
//!
//! Owns: the order of a part (account, month, identifier, place), the rule that the first of equal identifiers
//! stands, the cut at the as-of date and the opening date, and what the account's rows add up to *before*
//! classes, for the reconciliation. Does not own: cells.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{
    BooleanBuilder, FixedSizeBinaryBuilder, Int32Builder, Int64Builder, StringViewBuilder, TimestampMicrosecondBuilder,
    UInt8Builder, UInt32Builder, UInt64Builder,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::admitted_schema;
use super::codec::{self, Place, Stored};
use super::parts::ROW_BYTES_ABOUT;
use crate::flow::Flows;
use crate::period::{Date, Month};

/// Where one row of a part stands: the sort key of the part, and the row's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    account: u32,
    month: i32,
    id: u64,
    place: Place,
    content: u64,
    offset: usize,
}

impl Entry {
    /// Whether the other row has the same identifier in the same account and month.
    fn is_of(&self, other: &Entry) -> bool {
        (self.account, self.month, self.id) == (other.account, other.month, other.id)
    }
}

/// What the rows of one account add up to after rejects, repeats and cut-offs, and before classes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AccountSums {
    /// Net flows of the rows that reach cells.
    pub flows: Flows,
    /// Rows that reach cells.
    pub rows: u64,
}

impl AccountSums {
    /// Adds those of other rows of the account.
    pub fn add(&mut self, other: &AccountSums) {
        self.flows[0].add(other.flows[0]);
        self.flows[1].add(other.flows[1]);
        self.rows += other.rows;
    }
}

/// Rows that reach no cell, counted by why, and what they add up to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Dropped {
    /// Repeats, dropped.
    pub duplicates: u64,
    /// Rows in conflict with an earlier row, rejected.
    pub conflicts: u64,
    /// Rows booked before the account's opening date: kept, not seen.
    pub before_opening: u64,
    /// Rows booked after the as-of date: kept, not seen.
    pub after_as_of: u64,
    /// Net flows of all of them.
    pub flows: Flows,
}

impl Dropped {
    /// All of them.
    pub fn rows(&self) -> u64 {
        self.duplicates + self.conflicts + self.before_opening + self.after_as_of
    }

    /// Adds those of other rows.
    pub fn add(&mut self, other: &Dropped) {
        self.flows[0].add(other.flows[0]);
        self.flows[1].add(other.flows[1]);
        self.duplicates += other.duplicates;
        self.conflicts += other.conflicts;
        self.before_opening += other.before_opening;
        self.after_as_of += other.after_as_of;
    }
}

/// A part whose rows are in order, each once.
pub struct Admitted {
    bytes: Vec<u8>,
    /// The rows that reach cells, ascending by (account, month).
    entries: VecDeque<Entry>,
    /// By account of the part, from its first.
    pub sums: Vec<AccountSums>,
    /// The other rows.
    pub dropped: Dropped,
    /// Rows in conflict with an earlier row of the same identifier.
    pub conflicts: Vec<Place>,
}

/// The bytes of a part were not written by [`codec::put`]: a mistake of our own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("rows of a part cannot be read back")]
pub struct DamagedPart;

/// The newest booking date of a part's rows, those in conflict left out: rejected rows decide nothing.
///
/// # Errors
/// [`DamagedPart`].
pub fn newest_standing(bytes: &[u8]) -> Result<Option<Date>, DamagedPart> {
    let mut entries = index(bytes)?;
    entries.sort_unstable();
    // A repeat has its first row's content and so its time.
    entries.dedup_by(|later, first| first.is_of(later));
    let mut newest = None;
    for entry in &entries {
        let (stored, _) = codec::get(&bytes[entry.offset..]).ok_or(DamagedPart)?;
        newest = newest.max(Some(Date::of_time(stored.row.booked_at_us)));
    }
    Ok(newest)
}

/// Admits the rows of a part: `opened_on` tells an account's opening date where it is given.
///
/// # Errors
/// [`DamagedPart`].
pub fn admit(
    bytes: Vec<u8>,
    accounts: std::ops::Range<u32>,
    as_of: Date,
    opened_on: impl Fn(u32) -> Option<Date>,
) -> Result<Admitted, DamagedPart> {
    let mut entries = index(&bytes)?;
    entries.sort_unstable();
    let mut dropped = Dropped::default();
    let mut conflicts = Vec::new();
    let mut sums = vec![AccountSums::default(); accounts.len()];
    let mut damaged = false;
    let mut first: Option<Entry> = None;
    entries.retain(|entry| {
        let Some((Stored { row, .. }, _)) = codec::get(&bytes[entry.offset..]) else {
            damaged = true;
            return false;
        };
        let date = Date::of_time(row.booked_at_us);
        // Of rows with one identifier in one account and month the first by place stands: the others are repeats
        // where their content is the first's, and conflicts where it is not.
        match first.filter(|first| first.is_of(entry)) {
            Some(first) if first.content == entry.content => dropped.duplicates += 1,
            Some(_) => {
                dropped.conflicts += 1;
                conflicts.push(entry.place);
            }
            None => {
                first = Some(*entry);
                if date > as_of {
                    dropped.after_as_of += 1;
                } else if opened_on(entry.account).is_some_and(|opened_on| date < opened_on) {
                    dropped.before_opening += 1;
                } else {
                    let account = &mut sums[(entry.account - accounts.start) as usize];
                    account.flows[row.direction as usize].add(row.flow());
                    account.rows += 1;
                    return true;
                }
            }
        }
        dropped.flows[row.direction as usize].add(row.flow());
        false
    });
    if damaged {
        return Err(DamagedPart);
    }
    Ok(Admitted { bytes, entries: entries.into(), sums, dropped, conflicts })
}

fn index(bytes: &[u8]) -> Result<Vec<Entry>, DamagedPart> {
    let mut entries = Vec::with_capacity(bytes.len() / ROW_BYTES_ABOUT);
    let mut offset = 0;
    codec::each(bytes, |stored, length| {
        let (account, Month(month)) = stored.key();
        let (id, content) = (stored.row.fingerprint.id, stored.row.fingerprint.content);
        entries.push(Entry { account, month, id, place: stored.place, content, offset });
        offset += length;
    })
    .ok_or(DamagedPart)?;
    Ok(entries)
}

impl Admitted {
    /// The next rows as a batch of [`admitted_schema`]; `None` after the last.
    ///
    /// # Errors
    /// Where Arrow cannot take the columns.
    pub fn next_batch(&mut self, rows: usize) -> Result<Option<RecordBatch>, ArrowError> {
        if self.entries.is_empty() {
            return Ok(None);
        }
        let count = rows.min(self.entries.len());
        let mut batch = Builders::new(count);
        for entry in self.entries.drain(..count) {
            let (stored, _) = codec::get(&self.bytes[entry.offset..])
                .ok_or_else(|| ArrowError::ExternalError(Box::new(DamagedPart)))?;
            batch.append(&stored, Month(entry.month))?;
        }
        batch.finish().map(Some)
    }
}

/// One builder a column of [`admitted_schema`].
struct Builders {
    account: UInt32Builder,
    month: Int32Builder,
    booked_at: TimestampMicrosecondBuilder,
    seq: Int64Builder,
    txn_id: StringViewBuilder,
    direction: UInt8Builder,
    reversal: BooleanBuilder,
    amount_fen: Int64Builder,
    balance_fen: Int64Builder,
    class: UInt8Builder,
    counterparty: FixedSizeBinaryBuilder,
    id_hash: UInt64Builder,
    content_hash: UInt64Builder,
}

impl Builders {
    fn new(rows: usize) -> Builders {
        Builders {
            account: UInt32Builder::with_capacity(rows),
            month: Int32Builder::with_capacity(rows),
            booked_at: TimestampMicrosecondBuilder::with_capacity(rows),
            seq: Int64Builder::with_capacity(rows),
            txn_id: StringViewBuilder::with_capacity(rows),
            direction: UInt8Builder::with_capacity(rows),
            reversal: BooleanBuilder::with_capacity(rows),
            amount_fen: Int64Builder::with_capacity(rows),
            balance_fen: Int64Builder::with_capacity(rows),
            class: UInt8Builder::with_capacity(rows),
            counterparty: FixedSizeBinaryBuilder::with_capacity(rows, 16),
            id_hash: UInt64Builder::with_capacity(rows),
            content_hash: UInt64Builder::with_capacity(rows),
        }
    }

    fn append(&mut self, stored: &Stored<'_>, month: Month) -> Result<(), ArrowError> {
        let row = &stored.row;
        self.account.append_value(stored.account);
        self.month.append_value(month.0);
        self.booked_at.append_value(row.booked_at_us);
        self.seq.append_option(row.seq);
        self.txn_id.append_value(row.txn_id);
        self.direction.append_value(row.direction as u8);
        self.reversal.append_value(row.reversal);
        self.amount_fen.append_value(row.amount_fen);
        self.balance_fen.append_option(row.balance_fen);
        self.class.append_value(row.class as u8);
        match row.counterparty {
            Some(key) => self.counterparty.append_value(key.to_le_bytes())?,
            None => self.counterparty.append_null(),
        }
        self.id_hash.append_value(row.fingerprint.id);
        self.content_hash.append_value(row.fingerprint.content);
        Ok(())
    }

    fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(
            admitted_schema(),
            vec![
                Arc::new(self.account.finish()),
                Arc::new(self.month.finish()),
                Arc::new(self.booked_at.finish()),
                Arc::new(self.seq.finish()),
                Arc::new(self.txn_id.finish()),
                Arc::new(self.direction.finish()),
                Arc::new(self.reversal.finish()),
                Arc::new(self.amount_fen.finish()),
                Arc::new(self.balance_fen.finish()),
                Arc::new(self.class.finish()),
                Arc::new(self.counterparty.finish()),
                Arc::new(self.id_hash.finish()),
                Arc::new(self.content_hash.finish()),
            ],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{Fingerprint, Row};
    use crate::class::Class;
    use crate::flow::Direction;

    fn day(text: &str) -> i64 {
        i64::from(Date::parse(text).unwrap().0) * crate::period::DAY_US
    }

    /// (account, place, booking day, id, content)
    type Given<'a> = (u32, (u32, u64), &'a str, u64, u64);

    fn part(rows: &[Given<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (account, (file, row), booked, id, content) in rows {
            let cell_row = Row {
                booked_at_us: day(booked),
                seq: None,
                txn_id: "",
                direction: Direction::In,
                reversal: false,
                amount_fen: 100,
                balance_fen: None,
                class: Class::Other,
                counterparty: None,
                fingerprint: Fingerprint { id: *id, content: *content },
            };
            codec::put(&mut bytes, *account, Place { file: *file, row: *row }, &cell_row);
        }
        bytes
    }

    #[test]
    fn the_first_of_equal_identifiers_stands() {
        let bytes = part(&[
            (10, (1, 5), "2024-01-03", 7, 100),  // repeat of (0, 9)
            (10, (0, 9), "2024-01-03", 7, 100),  // stands
            (10, (0, 12), "2024-01-09", 7, 200), // conflict
            (10, (2, 1), "2024-01-09", 7, 200),  // conflict with the first too, though equal to the one before
            (10, (2, 2), "2024-02-03", 7, 300),  // the same id in another month is another transaction
            (11, (2, 3), "2024-01-03", 7, 100),  // and in another account
        ]);
        let as_of = Date::parse("2024-12-31").unwrap();
        let mut admitted = admit(bytes, 10..12, as_of, |_| None).unwrap();
        let dropped = &admitted.dropped;
        assert_eq!((dropped.duplicates, dropped.conflicts, dropped.rows()), (1, 2, 3));
        assert_eq!(dropped.flows[0].amount_fen, 300);
        assert_eq!(admitted.conflicts, [Place { file: 0, row: 12 }, Place { file: 2, row: 1 }]);
        assert_eq!(admitted.sums.iter().map(|sums| sums.rows).collect::<Vec<_>>(), [2, 1]);
        let batch = admitted.next_batch(2).unwrap().unwrap();
        assert_eq!(batch.num_rows(), 2);
        assert_eq!(admitted.next_batch(2).unwrap().unwrap().num_rows(), 1);
        assert!(admitted.next_batch(2).unwrap().is_none());
    }

    #[test]
    fn rows_outside_the_cut_offs_reach_no_cell() {
        let bytes = part(&[
            (0, (0, 1), "2024-01-03", 1, 1),
            (0, (0, 2), "2024-01-04", 2, 1),
            (0, (0, 3), "2024-01-05", 3, 1),
            (1, (0, 4), "1990-01-01", 4, 1),
        ]);
        let as_of = Date::parse("2024-01-04").unwrap();
        let opened = |account| (account == 0).then(|| Date::parse("2024-01-04").unwrap());
        let admitted = admit(bytes, 0..2, as_of, opened).unwrap();
        let dropped = &admitted.dropped;
        assert_eq!((dropped.before_opening, dropped.after_as_of, dropped.rows()), (1, 1, 2));
        assert_eq!(admitted.sums[0].rows, 1);
        assert_eq!(admitted.sums[0].flows[0].amount_fen, 100);
        assert_eq!(admitted.sums[1].rows, 1);
    }
}
