//! What happens to a part's rows before they meet cells: repeats and conflicts, then the cut-offs.
//!
//! Owns: the order of a part (account, month), the rule that the first of equal identifiers stands, the cut at the
//! as-of date and the opening date, and what the account's rows add up to *before* classes, for the reconciliation.
//! Does not own: cells.
//!
//! A part comes in pieces, in no order. Its rows are counted by account and month and copied to where their month is;
//! nothing is sorted but the identifiers of each month, to see whether one comes twice. Only then do places and contents
//! matter.
//!
//! ```text
//! pieces  | a2 b1 a1 | b1 a2 a1 b2 |          a, b: accounts; 1, 2: months
//! months  | a1 a1 | a2 a2 | b1 b1 | b2 |      rows, and beside them their identifiers
//! runs    | a1 a1 | a2 |    b1 b1 | b2 |      without repeats, conflicts and what is cut off
//! ```

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{BinaryViewBuilder, Int32Array, UInt32Array};
use arrow::buffer::Buffer;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::codec::{self, Head, Place};
use super::parts::Store;
use super::{MonthOf, runs_schema};
use crate::error::Error;
use crate::flow::Flows;
use crate::period::{DAY_US, Date, Month};

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
    buffers: Vec<Buffer>,
    /// The rows that reach cells, ascending by (account, month).
    runs: Vec<Run>,
    /// Runs that were handed out.
    next: usize,
    /// By account of the part, from its first.
    pub sums: Vec<AccountSums>,
    /// The other rows.
    pub dropped: Dropped,
    /// Rows in conflict with an earlier row of the same identifier, ascending.
    pub conflicts: Vec<Place>,
}

/// The bytes of a part were not written by [`codec::put`]: a mistake of our own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("rows of a part cannot be read back")]
pub struct DamagedPart;

/// Rows of one account and month that stand together in a buffer.
#[derive(Clone, Debug)]
struct Run {
    account: u32,
    month: Month,
    buffer: usize,
    bytes: Range<usize>,
    rows: usize,
}

impl Run {
    fn is_of(&self, other: &Run) -> bool {
        (self.account, self.month) == (other.account, other.month)
    }
}

/// A run is at most so long, but for its last row: a month with more of them comes as several.
const RUN_BYTES: usize = 1 << 20;

/// A batch ends with the run that brings it to so many bytes: what is read soon is still near by.
const BATCH_BYTES: usize = 256 << 10;

/// The rows of a part by account and month.
struct Months {
    buffers: Vec<Vec<u8>>,
    /// Ascending by (account, month). Only where the part is a single month has it several runs.
    runs: Vec<Run>,
    /// The rows' hashed identifiers, run after run.
    ids: Vec<u64>,
}

impl Months {
    /// Brings the rows of pieces into order.
    fn of(pieces: Vec<Vec<u8>>, accounts: Range<u32>) -> Result<Months, DamagedPart> {
        let mut index = MonthIndex::new(accounts);
        let mut is_whole = Some(());
        for piece in &pieces {
            codec::each_head(piece, |head, _| is_whole = is_whole.and_then(|()| index.count(head)))
                .ok_or(DamagedPart)?;
        }
        is_whole.ok_or(DamagedPart)?;
        let MonthIndex { month_of_row, mut months, .. } = index;
        if let [month] = months.as_slice() {
            return Months::of_one(month, pieces);
        }
        let mut order: Vec<u32> = (0..months.len() as u32).collect();
        order.sort_unstable_by_key(|number| months[*number as usize].key);
        // Where the next row of each month goes, in bytes and in rows.
        let (mut bytes, mut rows) = (0, 0);
        let mut runs = Vec::with_capacity(months.len());
        for number in order {
            let month = &mut months[number as usize];
            let run = bytes..bytes + month.bytes;
            runs.push(Run { account: month.key.0, month: month.key.1, buffer: 0, bytes: run, rows: month.rows });
            (month.bytes, bytes) = (bytes, bytes + month.bytes);
            (month.rows, rows) = (rows, rows + month.rows);
        }
        let (mut buffer, mut ids) = (vec![0; bytes], vec![0; rows]);
        let mut numbers = month_of_row.iter();
        for piece in pieces {
            // The second look at the same bytes finds the same rows, so neither a number nor room can be missing.
            codec::each_head(&piece, |head, row| {
                let Some(month) = numbers.next().and_then(|number| months.get_mut(*number as usize)) else { return };
                buffer[month.bytes..][..row.len()].copy_from_slice(row);
                ids[month.rows] = head.fingerprint.id;
                month.bytes += row.len();
                month.rows += 1;
            })
            .ok_or(DamagedPart)?;
        }
        Ok(Months { buffers: vec![buffer], runs, ids })
    }

    /// A part that is a single month is in order as it came: it may be the largest of all, and is not copied.
    fn of_one(month: &MonthRows, pieces: Vec<Vec<u8>>) -> Result<Months, DamagedPart> {
        let (account, month_of, mut ids) = (month.key.0, month.key.1, Vec::with_capacity(month.rows));
        let mut runs = Vec::with_capacity(pieces.len());
        for (piece, buffer) in pieces.iter().zip(0..) {
            let before = ids.len();
            codec::each_head(piece, |head, _| ids.push(head.fingerprint.id)).ok_or(DamagedPart)?;
            runs.push(Run { account, month: month_of, buffer, bytes: 0..piece.len(), rows: ids.len() - before });
        }
        Ok(Months { buffers: pieces, runs, ids })
    }
}

/// One account's month while its rows are counted; then where its next row goes.
struct MonthRows {
    key: (u32, Month),
    bytes: usize,
    rows: usize,
}

/// Numbers the months of a part as they come up.
struct MonthIndex {
    accounts: Range<u32>,
    /// By account: the months seen, ascending, each with its number.
    of_account: Vec<Vec<(Month, u32)>>,
    months: Vec<MonthRows>,
    /// Each row's month, by number.
    month_of_row: Vec<u32>,
    calendar: MonthOf,
}

impl MonthIndex {
    fn new(accounts: Range<u32>) -> MonthIndex {
        let of_account = vec![Vec::new(); accounts.len()];
        MonthIndex { accounts, of_account, months: Vec::new(), month_of_row: Vec::new(), calendar: MonthOf::default() }
    }

    /// Counts a row; `None` where its account is none of the part's.
    fn count(&mut self, head: &Head) -> Option<()> {
        let key = self.calendar.key(head);
        let seen = self.of_account.get_mut(key.0.checked_sub(self.accounts.start)? as usize)?;
        let number = match seen.last() {
            // Rows mostly ascend in time.
            Some((month, number)) if *month == key.1 => *number,
            _ => match seen.binary_search_by_key(&key.1, |(month, _)| *month) {
                Ok(at) => seen[at].1,
                Err(at) => {
                    let number = self.months.len() as u32;
                    self.months.push(MonthRows { key, bytes: 0, rows: 0 });
                    seen.insert(at, (key.1, number));
                    number
                }
            },
        };
        let month = self.months.get_mut(number as usize)?;
        month.bytes += head.length;
        month.rows += 1;
        self.month_of_row.push(number);
        Some(())
    }
}

/// Why a row with the identifier of an earlier row does not stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Again {
    /// It is the same transaction.
    Duplicate,
    /// It is another.
    Conflict,
}

/// Of rows with one identifier in one account and month the first by place stands: the others are repeats where their
/// content is the first's, and conflicts where it is not. `ids` are those of the month's rows, in any order.
fn find_again(ids: &mut [u64], month: &[Run], buffers: &[Vec<u8>]) -> Result<BTreeMap<Place, Again>, DamagedPart> {
    ids.sort_unstable();
    let mut found = BTreeMap::new();
    if ids.windows(2).all(|pair| pair[0] != pair[1]) {
        return Ok(found);
    }
    let mut rows: Vec<(u64, Place, u64)> = Vec::new();
    for run in month {
        let bytes = buffers.get(run.buffer).and_then(|buffer| buffer.get(run.bytes.clone())).ok_or(DamagedPart)?;
        codec::each_head(bytes, |head, _| {
            let id = head.fingerprint.id;
            let first = ids.partition_point(|other| *other < id);
            if ids.get(first + 1) == Some(&id) {
                rows.push((id, head.place, head.fingerprint.content));
            }
        })
        .ok_or(DamagedPart)?;
    }
    rows.sort_unstable();
    for same in rows.chunk_by(|a, b| a.0 == b.0) {
        for (_, place, content) in &same[1..] {
            let again = if *content == same[0].2 { Again::Duplicate } else { Again::Conflict };
            found.insert(*place, again);
        }
    }
    Ok(found)
}

/// The newest booking date of a bucket's rows, those in conflict left out: rejected rows decide nothing.
///
/// # Errors
/// Those of [`Store::visit`]; [`DamagedPart`].
pub fn newest_standing(store: &Store, bucket: usize) -> Result<Option<Date>, Error> {
    // It is of the newest month with a row at all: of equal identifiers one always stands.
    let mut newest = None;
    let mut rows: Vec<(u32, u64, Place, Date)> = Vec::new();
    let mut calendar = MonthOf::default();
    store.visit(bucket, |piece| {
        codec::each_head(piece, |head, _| {
            let month = Some(calendar.key(head).1);
            if month > newest {
                newest = month;
                rows.clear();
            }
            if month == newest {
                rows.push((head.account, head.fingerprint.id, head.place, head.date()));
            }
        })
        .ok_or(DamagedPart)?;
        Ok(())
    })?;
    rows.sort_unstable();
    // A repeat has its first row's content and so its date.
    rows.dedup_by(|later, first| (later.0, later.1) == (first.0, first.1));
    Ok(rows.iter().map(|(.., date)| *date).max())
}

/// Admits the rows of a part of these accounts, which come as pieces of whole rows in any order: `opened_on` tells an
/// account's opening date where it is given.
///
/// # Errors
/// [`DamagedPart`].
pub fn admit(
    pieces: Vec<Vec<u8>>,
    accounts: Range<u32>,
    as_of: Date,
    opened_on: impl Fn(u32) -> Option<Date>,
) -> Result<Admitted, DamagedPart> {
    let Months { mut buffers, runs, mut ids } = Months::of(pieces, accounts.clone())?;
    let mut admitted = Admitted {
        buffers: Vec::new(),
        runs: Vec::with_capacity(runs.len()),
        next: 0,
        sums: vec![AccountSums::default(); accounts.len()],
        dropped: Dropped::default(),
        conflicts: Vec::new(),
    };
    let after_us = start_of(Date(as_of.0.saturating_add(1)));
    let mut ids = ids.as_mut_slice();
    for month in runs.chunk_by(Run::is_of) {
        let (of_month, rest) = ids.split_at_mut_checked(month.iter().map(|run| run.rows).sum()).ok_or(DamagedPart)?;
        ids = rest;
        let again = find_again(of_month, month, &buffers)?;
        let account = month[0].account;
        let mut sums = AccountSums::default();
        let inside_us = opened_on(account).map_or(i64::MIN, start_of)..after_us;
        for run in month {
            let buffer = buffers.get_mut(run.buffer).ok_or(DamagedPart)?;
            admitted.keep_standing(run, buffer, &again, &inside_us, &mut sums)?;
        }
        admitted.sums.get_mut((account - accounts.start) as usize).ok_or(DamagedPart)?.add(&sums);
    }
    admitted.conflicts.sort_unstable();
    admitted.buffers = buffers.into_iter().map(Buffer::from_vec).collect();
    Ok(admitted)
}

/// Where a date begins, civil Shanghai microseconds.
fn start_of(date: Date) -> i64 {
    i64::from(date.0) * DAY_US
}

impl Admitted {
    /// Keeps of a run the rows that reach cells, moved together, and notes what they and the others add up to.
    fn keep_standing(
        &mut self,
        run: &Run,
        buffer: &mut [u8],
        again: &BTreeMap<Place, Again>,
        inside_us: &Range<i64>,
        sums: &mut AccountSums,
    ) -> Result<(), DamagedPart> {
        // What was read is before `at`, what of it stays is before `end`, and the run in the making begins at `start`.
        let (mut at, mut end, mut start, mut rows) = (run.bytes.start, run.bytes.start, run.bytes.start, 0);
        while at < run.bytes.end {
            let head = codec::head(buffer.get(at..run.bytes.end).ok_or(DamagedPart)?).ok_or(DamagedPart)?;
            let (flow, way, dropped) = (head.flow(), head.direction() as usize, &mut self.dropped);
            let why_not = match again.get(&head.place).filter(|_| !again.is_empty()) {
                Some(Again::Duplicate) => Some(&mut dropped.duplicates),
                Some(Again::Conflict) => {
                    self.conflicts.push(head.place);
                    Some(&mut dropped.conflicts)
                }
                None if head.booked_at_us >= inside_us.end => Some(&mut dropped.after_as_of),
                None if head.booked_at_us < inside_us.start => Some(&mut dropped.before_opening),
                None => None,
            };
            if let Some(count) = why_not {
                *count += 1;
                dropped.flows[way].add(flow);
            } else {
                sums.flows[way].add(flow);
                sums.rows += 1;
                if end < at {
                    buffer.copy_within(at..at + head.length, end);
                }
                end += head.length;
                rows += 1;
            }
            at += head.length;
            if end - start >= RUN_BYTES || (at == run.bytes.end && end > start) {
                self.runs.push(Run { bytes: start..end, rows, ..run.clone() });
                (start, rows) = (end, 0);
            }
        }
        Ok(())
    }

    /// The next runs as a batch of [`runs_schema`]; `None` after the last.
    ///
    /// # Errors
    /// Where Arrow cannot take the columns.
    pub fn next_batch(&mut self, runs: usize) -> Result<Option<RecordBatch>, ArrowError> {
        let left = self.runs.get(self.next..).unwrap_or_default();
        let mut bytes = 0;
        let count = left.iter().take(runs.max(1)).take_while(|run| {
            let has_room = bytes < BATCH_BYTES;
            bytes += run.bytes.len();
            has_room
        });
        let left = &left[..count.count()];
        if left.is_empty() {
            return Ok(None);
        }
        self.next += left.len();
        let mut rows = BinaryViewBuilder::with_capacity(left.len());
        for of_buffer in left.chunk_by(|a, b| a.buffer == b.buffer) {
            let buffer = self.buffers.get(of_buffer[0].buffer).filter(|buffer| u32::try_from(buffer.len()).is_ok());
            let buffer = buffer.ok_or_else(|| ArrowError::ExternalError(Box::new(DamagedPart)))?;
            let block = rows.append_block(buffer.clone());
            for run in of_buffer {
                rows.try_append_view(block, run.bytes.start as u32, run.bytes.len() as u32)?;
            }
        }
        let account = UInt32Array::from_iter_values(left.iter().map(|run| run.account));
        let month = Int32Array::from_iter_values(left.iter().map(|run| run.month.0));
        RecordBatch::try_new(runs_schema(), vec![Arc::new(account), Arc::new(month), Arc::new(rows.finish())]).map(Some)
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
            assert!(codec::put(&mut bytes, *account, Place { file: *file, row: *row }, &cell_row));
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
        let mut admitted = admit(vec![bytes], 10..12, as_of, |_| None).unwrap();
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
        let admitted = admit(vec![bytes], 0..2, as_of, opened).unwrap();
        let dropped = &admitted.dropped;
        assert_eq!((dropped.before_opening, dropped.after_as_of, dropped.rows()), (1, 1, 2));
        assert_eq!(admitted.sums[0].rows, 1);
        assert_eq!(admitted.sums[0].flows[0].amount_fen, 100);
        assert_eq!(admitted.sums[1].rows, 1);
    }
}
