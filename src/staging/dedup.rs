//! Dedup of a partition's rows before they are added to cells: repeats and conflicts, then the cut-offs.
//!
//! Owns: the order of a partition (account, month), the rule that the first of equal identifiers is kept, the cut at the
//! as-of date and the opening date, and the sums of an account's rows *before* classes, for the reconciliation. Does not
//! own: cells.
//!
//! The rows of a partition arrive in chunks, in any order. They are counted by account and month and copied to the range of
//! their month. Only the identifiers of each month are sorted, to find equal ones; places and contents are compared only
//! where two identifiers are equal.
//!
//! ```text
//! chunks  | a2 b1 a1 | b1 a2 a1 b2 |          a, b: accounts; 1, 2: months
//! months  | a1 a1 | a2 a2 | b1 b1 | b2 |      rows, and their identifiers in a second list
//! runs    | a1 a1 | a2 |    b1 b1 | b2 |      without repeats, conflicts and rows beyond the cut-offs
//! ```

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewBuilder, Int32Array, UInt32Array};
use arrow::buffer::Buffer;
use arrow::record_batch::RecordBatch;

use super::buffer::RowBuffer;
use super::codec::{self, Head, Place};
use super::error::{DamagedRows, StagingError};
use super::{MonthOf, runs_schema};
use crate::flow::Flows;
use crate::period::{DAY_US, Date, Month};

/// Sums of the rows of one account after rejects, repeats and cut-offs, and before classes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AccountSums {
    /// Net flows of the rows that reach cells.
    pub flows: Flows,
    /// Rows that reach cells.
    pub rows: u64,
}

impl AccountSums {
    /// Adds the sums of other rows of the account.
    pub fn add(&mut self, other: &AccountSums) {
        self.flows[0].add(other.flows[0]);
        self.flows[1].add(other.flows[1]);
        self.rows += other.rows;
    }
}

/// Rows that reach no cell, counted by reason, and their sums.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Dropped {
    /// Repeats, dropped.
    pub duplicates: u64,
    /// Rows in conflict with an earlier row, rejected.
    pub conflicts: u64,
    /// Rows booked before the account's opening date: kept, but in no cell.
    pub before_opening: u64,
    /// Rows booked after the as-of date: kept, but in no cell.
    pub after_as_of: u64,
    /// Net flows of all dropped rows.
    pub flows: Flows,
}

impl Dropped {
    /// Number of dropped rows.
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

/// A partition whose rows are in order, without repeats.
pub struct Deduped {
    buffers: Vec<Buffer>,
    /// The rows that reach cells, ascending by (account, month).
    runs: Vec<Run>,
    /// Number of runs already returned by [`Deduped::next_batch`].
    next: usize,
    /// By account of the partition, from its first.
    pub sums: Vec<AccountSums>,
    /// The rows that reach no cell.
    pub dropped: Dropped,
    /// Rows in conflict with an earlier row of the same identifier, each with its account, by account and month.
    pub conflicts: Vec<(u32, Place)>,
    /// Rows equal to an earlier one, likewise.
    pub duplicates: Vec<(u32, Place)>,
}

/// Adjacent rows of one account and month in a buffer.
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

/// A run ends with the row that reaches this size: a longer month is divided into several runs.
const RUN_BYTES: usize = 1 << 20;

/// A batch ends with the run that reaches this size, so that its rows are still in the CPU's caches when they are read.
const BATCH_BYTES: usize = 256 << 10;

/// A scratch list is kept for the next partition up to this size.
const SCRATCH_BYTES_MAX: usize = 16 << 20;

/// Lists that are reused from partition to partition: allocating them costs as much as filling them.
#[derive(Default)]
pub struct Scratch {
    rows: Vec<u8>,
    ids: Vec<u64>,
    month_of_row: Vec<u32>,
    runs: Vec<Run>,
}

/// The list, or an empty one where its memory is too large to keep.
fn reusable<T>(list: Vec<T>) -> Vec<T> {
    if list.capacity() * size_of::<T>() <= SCRATCH_BYTES_MAX { list } else { Vec::new() }
}

/// The rows of a partition by account and month.
struct Months {
    buffers: Vec<Vec<u8>>,
    /// Ascending by (account, month). A month has several runs only where the partition is a single month.
    runs: Vec<Run>,
    /// Of each month, in the same order: the sums of all its rows.
    sums: Vec<MonthSums>,
    /// The lower halves of the rows' hashed identifiers, run after run.
    ids: Vec<u64>,
}

impl Months {
    /// Orders the rows of chunks by account and month.
    fn of(chunks: Vec<Vec<u8>>, accounts: Range<u32>, scratch: &mut Scratch) -> Result<Months, DamagedRows> {
        let mut index = MonthIndex::new(accounts, std::mem::take(&mut scratch.month_of_row));
        let mut is_whole = Some(());
        for chunk in &chunks {
            codec::each_head(chunk, |head, _| is_whole = is_whole.and_then(|()| index.count(head)))
                .ok_or(DamagedRows)?;
        }
        is_whole.ok_or(DamagedRows)?;
        let MonthIndex { month_of_row, mut months, .. } = index;
        if let [month] = months.as_slice() {
            scratch.month_of_row = reusable(month_of_row);
            return Months::of_one(month, chunks);
        }
        let mut order: Vec<u32> = (0..months.len() as u32).collect();
        order.sort_unstable_by_key(|number| months[*number as usize].key);
        // The position of each month's next row, in bytes and in rows.
        let (mut bytes, mut rows) = (0, 0);
        let (mut runs, mut sums) = (Vec::with_capacity(months.len()), Vec::with_capacity(months.len()));
        for number in order {
            let month = &mut months[number as usize];
            sums.push(month.sums);
            let run = bytes..bytes + month.bytes;
            runs.push(Run { account: month.key.0, month: month.key.1, buffer: 0, bytes: run, rows: month.rows });
            (month.bytes, bytes) = (bytes, bytes + month.bytes);
            (month.rows, rows) = (rows, rows + month.rows);
        }
        // Every byte and identifier is overwritten, so the old content of the scratch lists does not matter.
        let (mut buffer, mut ids) = (std::mem::take(&mut scratch.rows), std::mem::take(&mut scratch.ids));
        buffer.resize(bytes, 0);
        ids.resize(rows, 0);
        let mut numbers = month_of_row.iter();
        for chunk in chunks {
            // The second pass over the same bytes finds the same rows, so neither a number nor space can be missing.
            codec::each_head(&chunk, |head, row| {
                let Some(month) = numbers.next().and_then(|number| months.get_mut(*number as usize)) else { return };
                buffer[month.bytes..][..row.len()].copy_from_slice(row);
                ids[month.rows] = head.fingerprint.id as u64;
                month.bytes += row.len();
                month.rows += 1;
            })
            .ok_or(DamagedRows)?;
        }
        scratch.month_of_row = reusable(month_of_row);
        Ok(Months { buffers: vec![buffer], runs, sums, ids })
    }

    /// A partition that is a single month needs no ordering. It may be the largest of all and is not copied.
    fn of_one(month: &MonthRows, chunks: Vec<Vec<u8>>) -> Result<Months, DamagedRows> {
        let (account, month_of, mut ids) = (month.key.0, month.key.1, Vec::with_capacity(month.rows));
        let mut runs = Vec::with_capacity(chunks.len());
        for (chunk, buffer) in chunks.iter().zip(0..) {
            let before = ids.len();
            codec::each_head(chunk, |head, _| ids.push(head.fingerprint.id as u64)).ok_or(DamagedRows)?;
            runs.push(Run { account, month: month_of, buffer, bytes: 0..chunk.len(), rows: ids.len() - before });
        }
        Ok(Months { buffers: chunks, runs, sums: vec![month.sums], ids })
    }
}

/// One account's month: the size of its rows while they are counted, then the position of its next row.
struct MonthRows {
    key: (u32, Month),
    bytes: usize,
    rows: usize,
    sums: MonthSums,
}

/// Sums of all rows of an account's month, and their first and last time. Most months lose no row; these values show it
/// without a second pass over the rows.
#[derive(Clone, Copy)]
struct MonthSums {
    flows: Flows,
    times_us: (i64, i64),
}

impl Default for MonthSums {
    fn default() -> MonthSums {
        MonthSums { flows: Flows::default(), times_us: (i64::MAX, i64::MIN) }
    }
}

impl MonthSums {
    fn add(&mut self, head: &Head) {
        self.flows[head.direction() as usize].add(head.flow());
        let (first, last) = self.times_us;
        self.times_us = (first.min(head.booked_at_us), last.max(head.booked_at_us));
    }

    /// Whether all rows lie in this range of times.
    fn are_in(&self, times_us: &Range<i64>) -> bool {
        times_us.contains(&self.times_us.0) && times_us.contains(&self.times_us.1)
    }
}

/// Numbers the months of a partition in the order of their first rows.
struct MonthIndex {
    accounts: Range<u32>,
    /// By account: the months found so far, ascending, each with its number.
    of_account: Vec<Vec<(Month, u32)>>,
    months: Vec<MonthRows>,
    /// Each row's month, by number.
    month_of_row: Vec<u32>,
    calendar: MonthOf,
}

impl MonthIndex {
    fn new(accounts: Range<u32>, mut month_of_row: Vec<u32>) -> MonthIndex {
        month_of_row.clear();
        let of_account = vec![Vec::new(); accounts.len()];
        MonthIndex { accounts, of_account, months: Vec::new(), month_of_row, calendar: MonthOf::default() }
    }

    /// Counts a row; `None` where its account is not of the partition.
    fn count(&mut self, head: &Head) -> Option<()> {
        let key = self.calendar.key(head);
        let found = self.of_account.get_mut(key.0.checked_sub(self.accounts.start)? as usize)?;
        let number = match found.last() {
            // Rows mostly ascend in time.
            Some((month, number)) if *month == key.1 => *number,
            _ => match found.binary_search_by_key(&key.1, |(month, _)| *month) {
                Ok(at) => found[at].1,
                Err(at) => {
                    let number = self.months.len() as u32;
                    self.months.push(MonthRows { key, bytes: 0, rows: 0, sums: MonthSums::default() });
                    found.insert(at, (key.1, number));
                    number
                }
            },
        };
        let month = self.months.get_mut(number as usize)?;
        month.bytes += head.length;
        month.rows += 1;
        month.sums.add(head);
        self.month_of_row.push(number);
        Some(())
    }
}

/// Why a row with the identifier of an earlier row is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Repeat {
    /// The same transaction: its content is that of the first row.
    Duplicate,
    /// Another transaction: its content differs.
    Conflict,
}

/// Finds the repeats of a month. Of rows with one identifier in one account and month the first by place is kept; the
/// others are duplicates where their content is the first's, and conflicts where it is not. `ids` are the lower halves of
/// the month's hashed identifiers, in any order: whole identifiers are compared only where two halves are equal.
fn find_repeats(ids: &mut [u64], month: &[Run], buffers: &[Vec<u8>]) -> Result<BTreeMap<Place, Repeat>, DamagedRows> {
    ids.sort_unstable();
    let mut found = BTreeMap::new();
    if ids.windows(2).all(|pair| pair[0] != pair[1]) {
        return Ok(found);
    }
    let mut rows: Vec<(u128, Place, u64)> = Vec::new();
    for run in month {
        let bytes = buffers.get(run.buffer).and_then(|buffer| buffer.get(run.bytes.clone())).ok_or(DamagedRows)?;
        codec::each_head(bytes, |head, _| {
            let id = head.fingerprint.id;
            let half = id as u64;
            let first = ids.partition_point(|other| *other < half);
            if ids.get(first + 1) == Some(&half) {
                rows.push((id, head.place, head.fingerprint.content));
            }
        })
        .ok_or(DamagedRows)?;
    }
    rows.sort_unstable();
    for same in rows.chunk_by(|a, b| a.0 == b.0) {
        for (_, place, content) in &same[1..] {
            let repeat = if *content == same[0].2 { Repeat::Duplicate } else { Repeat::Conflict };
            found.insert(*place, repeat);
        }
    }
    Ok(found)
}

/// The newest booking date of a bucket's rows without conflicts: rejected rows do not decide the as-of date.
///
/// # Errors
/// Those of [`RowBuffer::visit`]; [`DamagedRows`].
pub fn newest_standing(buffer: &RowBuffer, bucket: usize) -> Result<Option<Date>, StagingError> {
    let mut newest = NewestDate::default();
    buffer.visit(bucket, |chunk| Ok(newest.visit(chunk)?))?;
    Ok(newest.date())
}

/// The rows of the newest month that has any. The newest kept row is among them, because one row of equal identifiers is
/// always kept.
#[derive(Default)]
struct NewestDate {
    month: Option<Month>,
    /// Account, identifier, place and date.
    rows: Vec<(u32, u128, Place, Date)>,
    calendar: MonthOf,
}

impl NewestDate {
    fn visit(&mut self, chunk: &[u8]) -> Result<(), DamagedRows> {
        codec::each_head(chunk, |head, _| {
            let month = Some(self.calendar.key(head).1);
            if month > self.month {
                self.month = month;
                self.rows.clear();
            }
            if month == self.month {
                self.rows.push((head.account, head.fingerprint.id, head.place, head.date()));
            }
        })
        .ok_or(DamagedRows)
    }

    fn date(mut self) -> Option<Date> {
        self.rows.sort_unstable();
        // A repeat has its first row's content and so its date.
        self.rows.dedup_by(|later, first| (later.0, later.1) == (first.0, first.1));
        self.rows.iter().map(|(.., date)| *date).max()
    }
}

/// Dedups the rows of a partition of these accounts, given as chunks of whole rows in any order. `opening` returns an
/// account's opening date, if it has one.
///
/// # Errors
/// [`DamagedRows`].
pub fn dedup(
    chunks: Vec<Vec<u8>>,
    accounts: Range<u32>,
    as_of: Date,
    opening: impl Fn(u32) -> Option<Date>,
) -> Result<Deduped, DamagedRows> {
    dedup_in(&mut Scratch::default(), chunks, accounts, as_of, opening)
}

/// [`dedup`] with the memory of an earlier partition.
///
/// # Errors
/// [`DamagedRows`].
pub fn dedup_in(
    scratch: &mut Scratch,
    chunks: Vec<Vec<u8>>,
    accounts: Range<u32>,
    as_of: Date,
    opening: impl Fn(u32) -> Option<Date>,
) -> Result<Deduped, DamagedRows> {
    let Months { mut buffers, runs, sums: of_months, mut ids } = Months::of(chunks, accounts.clone(), scratch)?;
    let mut deduped = Deduped {
        buffers: Vec::new(),
        runs: std::mem::take(&mut scratch.runs),
        next: 0,
        sums: vec![AccountSums::default(); accounts.len()],
        dropped: Dropped::default(),
        conflicts: Vec::new(),
        duplicates: Vec::new(),
    };
    let after_us = start_of(Date(as_of.0.saturating_add(1)));
    let mut ids_left = ids.as_mut_slice();
    for (month, of_month) in runs.chunk_by(Run::is_of).zip(of_months) {
        let rows: usize = month.iter().map(|run| run.rows).sum();
        let (month_ids, rest) = ids_left.split_at_mut_checked(rows).ok_or(DamagedRows)?;
        ids_left = rest;
        let repeats = find_repeats(month_ids, month, &buffers)?;
        let account = month[0].account;
        let inside_us = opening(account).map_or(i64::MIN, start_of)..after_us;
        let all_valid = repeats.is_empty() && of_month.are_in(&inside_us);
        let sums = if all_valid && month.iter().all(|run| run.bytes.len() <= RUN_BYTES) {
            deduped.runs.extend_from_slice(month);
            AccountSums { flows: of_month.flows, rows: rows as u64 }
        } else {
            let mut sums = AccountSums::default();
            for run in month {
                let buffer = buffers.get_mut(run.buffer).ok_or(DamagedRows)?;
                deduped.keep_valid(run, buffer, &repeats, &inside_us, &mut sums)?;
            }
            sums
        };
        deduped.sums.get_mut((account - accounts.start) as usize).ok_or(DamagedRows)?.add(&sums);
    }
    deduped.buffers = buffers.into_iter().map(Buffer::from_vec).collect();
    scratch.ids = reusable(ids);
    Ok(deduped)
}

/// Start of a date, civil Shanghai microseconds.
fn start_of(date: Date) -> i64 {
    i64::from(date.0) * DAY_US
}

impl Deduped {
    /// Returns its memory to the scratch lists; that of the rows only where no batch refers to it any more.
    pub fn leave(mut self, scratch: &mut Scratch) {
        self.runs.clear();
        scratch.runs = reusable(self.runs);
        let buffer = self.buffers.pop().filter(|_| self.buffers.is_empty());
        scratch.rows = buffer.and_then(|buffer| buffer.into_vec().ok()).map(reusable).unwrap_or_default();
    }

    /// Moves the rows of a run that reach cells together, and adds up these and the dropped rows.
    fn keep_valid(
        &mut self,
        run: &Run,
        buffer: &mut [u8],
        repeats: &BTreeMap<Place, Repeat>,
        inside_us: &Range<i64>,
        sums: &mut AccountSums,
    ) -> Result<(), DamagedRows> {
        // Rows before `at` are read, kept rows end at `end`, and the unfinished run begins at `start`.
        let (mut at, mut end, mut start, mut rows) = (run.bytes.start, run.bytes.start, run.bytes.start, 0);
        while at < run.bytes.end {
            let head = codec::head(buffer.get(at..run.bytes.end).ok_or(DamagedRows)?).ok_or(DamagedRows)?;
            let (flow, direction, dropped) = (head.flow(), head.direction() as usize, &mut self.dropped);
            let reason = match repeats.get(&head.place).filter(|_| !repeats.is_empty()) {
                Some(Repeat::Duplicate) => {
                    self.duplicates.push((run.account, head.place));
                    Some(&mut dropped.duplicates)
                }
                Some(Repeat::Conflict) => {
                    self.conflicts.push((run.account, head.place));
                    Some(&mut dropped.conflicts)
                }
                None if head.booked_at_us >= inside_us.end => Some(&mut dropped.after_as_of),
                None if head.booked_at_us < inside_us.start => Some(&mut dropped.before_opening),
                None => None,
            };
            if let Some(count) = reason {
                *count += 1;
                dropped.flows[direction].add(flow);
            } else {
                sums.flows[direction].add(flow);
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
    /// [`StagingError::Damaged`] and [`StagingError::Internal`]: internal errors.
    pub fn next_batch(&mut self, runs: usize) -> Result<Option<RecordBatch>, StagingError> {
        let remaining = self.runs.get(self.next..).unwrap_or_default();
        let mut bytes = 0;
        let count = remaining.iter().take(runs.max(1)).take_while(|run| {
            let has_room = bytes < BATCH_BYTES;
            bytes += run.bytes.len();
            has_room
        });
        let next = &remaining[..count.count()];
        if next.is_empty() {
            return Ok(None);
        }
        self.next += next.len();
        let mut rows = BinaryViewBuilder::with_capacity(next.len());
        for of_buffer in next.chunk_by(|a, b| a.buffer == b.buffer) {
            let buffer = self.buffers.get(of_buffer[0].buffer).filter(|buffer| u32::try_from(buffer.len()).is_ok());
            let buffer = buffer.ok_or(DamagedRows)?;
            let block = rows.append_block(buffer.clone());
            for run in of_buffer {
                rows.try_append_view(block, run.bytes.start as u32, run.bytes.len() as u32).map_err(|_| DamagedRows)?;
            }
        }
        let account = UInt32Array::from_iter_values(next.iter().map(|run| run.account));
        let month = Int32Array::from_iter_values(next.iter().map(|run| run.month.0));
        let columns: Vec<ArrayRef> = vec![Arc::new(account), Arc::new(month), Arc::new(rows.finish())];
        let batch = RecordBatch::try_new(runs_schema(), columns);
        batch.map(Some).map_err(|_| StagingError::Internal("runs do not match their schema"))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::{Int32Type, UInt32Type};
    use proptest::prelude::*;

    use super::*;
    use crate::cell::{Fingerprint, Row};
    use crate::class::Class;
    use crate::flow::Direction;

    fn day(text: &str) -> i64 {
        i64::from(Date::parse(text).unwrap().0) * crate::period::DAY_US
    }

    /// (account, place, booking day, id, content)
    type RowSpec<'a> = (u32, (u32, u64), &'a str, u64, u64);

    fn encoded(rows: &[RowSpec<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (account, (file, row), booked, id, content) in rows {
            let cell_row = Row {
                booked_at_us: day(booked),
                seq: None,
                txn_id: b"",
                direction: Direction::In,
                reversal: false,
                amount_fen: 100,
                balance_fen: None,
                class: Class::Other,
                counterparty: None,
                fingerprint: Fingerprint { id: u128::from(*id) << 64 | u128::from(*id), content: *content },
            };
            assert!(codec::put(&mut bytes, *account, Place { file: *file, row: *row }, &cell_row));
        }
        bytes
    }

    /// Places of rows, ascending.
    fn places(rows: &[(u32, Place)]) -> Vec<Place> {
        let mut places: Vec<Place> = rows.iter().map(|(_, place)| *place).collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn the_first_of_equal_identifiers_is_kept() {
        let bytes = encoded(&[
            (10, (1, 5), "2024-01-03", 7, 100),  // repeat of (0, 9)
            (10, (0, 9), "2024-01-03", 7, 100),  // kept
            (10, (0, 12), "2024-01-09", 7, 200), // conflict
            (10, (2, 1), "2024-01-09", 7, 200),  // conflict with the first, although equal to the row before
            (10, (2, 2), "2024-02-03", 7, 300),  // the same id in another month is another transaction
            (11, (2, 3), "2024-01-03", 7, 100),  // the same in another account
        ]);
        let as_of = Date::parse("2024-12-31").unwrap();
        let mut deduped = dedup(vec![bytes], 10..12, as_of, |_| None).unwrap();
        let dropped = &deduped.dropped;
        assert_eq!((dropped.duplicates, dropped.conflicts, dropped.rows()), (1, 2, 3));
        assert_eq!(dropped.flows[0].amount_fen, 300);
        assert_eq!(places(&deduped.conflicts), [Place { file: 0, row: 12 }, Place { file: 2, row: 1 }]);
        assert_eq!(deduped.duplicates, [(10, Place { file: 1, row: 5 })]);
        assert_eq!(deduped.sums.iter().map(|sums| sums.rows).collect::<Vec<_>>(), [2, 1]);
        let batch = deduped.next_batch(2).unwrap().unwrap();
        assert_eq!(batch.num_rows(), 2);
        assert_eq!(deduped.next_batch(2).unwrap().unwrap().num_rows(), 1);
        assert!(deduped.next_batch(2).unwrap().is_none());
    }

    #[test]
    fn rows_outside_the_cut_offs_reach_no_cell() {
        let bytes = encoded(&[
            (0, (0, 1), "2024-01-03", 1, 1),
            (0, (0, 2), "2024-01-04", 2, 1),
            (0, (0, 3), "2024-01-05", 3, 1),
            (1, (0, 4), "1990-01-01", 4, 1),
        ]);
        let as_of = Date::parse("2024-01-04").unwrap();
        let opened = |account| (account == 0).then(|| Date::parse("2024-01-04").unwrap());
        let deduped = dedup(vec![bytes], 0..2, as_of, opened).unwrap();
        let dropped = &deduped.dropped;
        assert_eq!((dropped.before_opening, dropped.after_as_of, dropped.rows()), (1, 1, 2));
        assert_eq!(deduped.sums[0].rows, 1);
        assert_eq!(deduped.sums[0].flows[0].amount_fen, 100);
        assert_eq!(deduped.sums[1].rows, 1);
    }

    /// A random row of the property tests.
    #[derive(Clone, Debug)]
    struct DrawnRow {
        account: u32,
        place: Place,
        date: Date,
        direction: Direction,
        reversal: bool,
        amount_fen: i64,
        id: u64,
        content: u64,
        txn_id: Option<String>,
    }

    impl DrawnRow {
        fn month(&self) -> (u32, Month) {
            (self.account, self.date.month())
        }

        fn bytes(&self) -> Vec<u8> {
            let row = Row {
                booked_at_us: start_of(self.date) + 7,
                seq: None,
                txn_id: self.txn_id.as_deref().unwrap_or_default().as_bytes(),
                direction: self.direction,
                reversal: self.reversal,
                amount_fen: self.amount_fen,
                balance_fen: self.txn_id.as_ref().map(|_| 5),
                class: Class::Other,
                counterparty: None,
                fingerprint: Fingerprint { id: u128::from(self.id), content: self.content },
            };
            let mut bytes = Vec::new();
            assert!(codec::put(&mut bytes, self.account, self.place, &row));
            bytes
        }
    }

    /// Rows of three accounts from 1901 to 2199, of few dates, identifiers and contents, each with a place of its own,
    /// in any order of places.
    fn drawn_rows() -> impl Strategy<Value = Vec<DrawnRow>> {
        let dates = ["1901-02-28", "2024-01-03", "2024-01-09", "2024-01-31", "2024-02-01", "2024-02-29", "2199-12-31"];
        let dates = dates.map(|text| Date::parse(text).unwrap());
        let row = (
            (5..8_u32, any::<bool>(), any::<bool>(), 0..1000_i64),
            (prop::sample::select(dates.to_vec()), 0..12_u64, 0..3_u64, proptest::option::of("[a-z]{0,40}")),
        );
        proptest::collection::vec(row, 0..120)
            .prop_map(|rows| {
                let row = |((account, out, reversal, amount_fen), (date, id, content, txn_id)), place: u64| DrawnRow {
                    account,
                    place: Place { file: (place % 2) as u32, row: place },
                    date,
                    direction: if out { Direction::Out } else { Direction::In },
                    reversal,
                    amount_fen,
                    id,
                    content,
                    txn_id,
                };
                rows.into_iter().zip(0..).map(|(drawn, place)| row(drawn, place)).collect::<Vec<_>>()
            })
            .prop_shuffle()
    }

    /// The result of a dedup in comparable form: each month's rows in the order of their bytes.
    #[derive(PartialEq, Debug)]
    struct Outcome {
        months: BTreeMap<(u32, Month), Vec<Vec<u8>>>,
        sums: Vec<AccountSums>,
        dropped: Dropped,
        conflicts: Vec<Place>,
    }

    /// The reference implementation: sorts everything and decides row by row.
    fn reference(rows: &[DrawnRow], as_of: Date, opening: impl Fn(u32) -> Option<Date>) -> Outcome {
        let mut found = Outcome {
            months: BTreeMap::new(),
            sums: vec![AccountSums::default(); 3],
            dropped: Dropped::default(),
            conflicts: Vec::new(),
        };
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| (row.month(), row.id, row.place));
        for same in rows.chunk_by(|a, b| (a.month(), a.id) == (b.month(), b.id)) {
            for (row, at) in same.iter().zip(0..) {
                let flow = crate::cell::flow_of(row.reversal, row.amount_fen);
                let dropped = &mut found.dropped;
                let count = match (at, row.content == same[0].content) {
                    (1.., true) => &mut dropped.duplicates,
                    (1.., false) => {
                        found.conflicts.push(row.place);
                        &mut dropped.conflicts
                    }
                    _ if row.date > as_of => &mut dropped.after_as_of,
                    _ if opening(row.account).is_some_and(|opening| row.date < opening) => &mut dropped.before_opening,
                    _ => {
                        let sums = &mut found.sums[row.account as usize - 5];
                        sums.rows += 1;
                        sums.flows[row.direction as usize].add(flow);
                        found.months.entry(row.month()).or_default().push(row.bytes());
                        continue;
                    }
                };
                *count += 1;
                dropped.flows[row.direction as usize].add(flow);
            }
        }
        found.conflicts.sort();
        found.months.values_mut().for_each(|rows| rows.sort());
        found
    }

    /// Reads back all batches of a deduped partition; runs must ascend.
    fn read(mut deduped: Deduped, runs: usize) -> Outcome {
        let mut months: BTreeMap<(u32, Month), Vec<Vec<u8>>> = BTreeMap::new();
        let mut last = None;
        while let Some(batch) = deduped.next_batch(runs).unwrap() {
            assert!(batch.num_rows() > 0 && batch.num_rows() <= runs.max(1));
            let (accounts, times) = (batch.column(0).as_primitive::<UInt32Type>(), batch.column(1));
            for at in 0..batch.num_rows() {
                let key = (accounts.value(at), Month(times.as_primitive::<Int32Type>().value(at)));
                assert!(last <= Some(key));
                last = Some(key);
                let of_month = months.entry(key).or_default();
                let each = |_: &Head, row: &[u8]| of_month.push(row.to_vec());
                codec::each_head(batch.column(2).as_binary_view().value(at), each).unwrap();
            }
        }
        months.values_mut().for_each(|rows| rows.sort());
        Outcome { months, sums: deduped.sums, dropped: deduped.dropped, conflicts: places(&deduped.conflicts) }
    }

    /// Rows in chunks, cut at random by `seed`.
    fn chunks(rows: &[DrawnRow], seed: u64) -> Vec<Vec<u8>> {
        let mut chunks = vec![Vec::new()];
        for (row, at) in rows.iter().zip(0..) {
            if seed.rotate_left(at) & 3 == 0 {
                chunks.push(Vec::new());
            }
            chunks.last_mut().unwrap().extend(row.bytes());
        }
        chunks
    }

    proptest! {
        #![proptest_config(crate::testing::property(512))]

        #[test]
        fn dedup_agrees_with_the_reference(
            rows in drawn_rows(),
            seed in any::<u64>(),
            runs in 0..9_usize,
            opened in proptest::option::of(Just("2024-01-09")),
            as_of in prop::sample::select(vec!["1900-01-01", "2024-01-09", "2024-02-10", "2199-12-31"]),
            is_one_month in any::<bool>(),
        ) {
            let mut rows = rows;
            if is_one_month {
                rows.retain(|row| row.month() == (6, Month::parse("2024-01").unwrap()));
            }
            let as_of = Date::parse(as_of).unwrap();
            let opening = |account| opened.filter(|_| account == 6).and_then(Date::parse);
            let expected = reference(&rows, as_of, opening);
            let deduped = dedup(chunks(&rows, seed), 5..8, as_of, opening).unwrap();
            prop_assert_eq!(read(deduped, runs), expected);
        }

        #[test]
        fn the_newest_kept_row_decides(rows in drawn_rows(), seed in any::<u64>()) {
            let far = Date::parse("2199-12-31").unwrap();
            let kept = reference(&rows, far, |_| None).months;
            let date = |row: &Vec<u8>| codec::head(row).unwrap().date();
            let expected = kept.values().flatten().map(date).max();
            let mut newest = NewestDate::default();
            chunks(&rows, seed).iter().for_each(|chunk| newest.visit(chunk).unwrap());
            prop_assert_eq!(newest.date(), expected);
        }
    }

    /// A month longer than a run becomes several runs of whole rows, in batches that stay small.
    #[test]
    fn a_long_month_becomes_several_runs() {
        let day = Date::parse("2024-01-03").unwrap();
        let row = |id: u64| DrawnRow {
            account: 6,
            place: Place { file: 0, row: id },
            date: day,
            direction: Direction::In,
            reversal: false,
            amount_fen: 1,
            id: id / 2 * 2,
            content: 1,
            txn_id: Some("x".repeat(200)),
        };
        let mut rows: Vec<DrawnRow> = (0..20_000).map(row).collect();
        let later = DrawnRow { date: Date::parse("2024-02-03").unwrap(), ..row(20_001) };
        for is_one_month in [true, false] {
            if !is_one_month {
                rows.push(later.clone());
            }
            let expected = reference(&rows, later.date, |_| None);
            let mut deduped = dedup(chunks(&rows, 1), 5..8, later.date, |_| None).unwrap();
            assert!(deduped.runs.len() >= 3, "{}", deduped.runs.len());
            assert!(deduped.runs.iter().all(|run| run.bytes.len() < RUN_BYTES + 1000));
            assert_eq!(deduped.runs.iter().map(|run| run.rows).sum::<usize>(), 10_000 + usize::from(!is_one_month));
            let batch = deduped.next_batch(1000).unwrap().unwrap();
            assert!(batch.num_rows() < deduped.runs.len());
            deduped.next = 0;
            assert_eq!(read(deduped, 1000), expected);
        }
    }

    #[test]
    fn rows_of_another_partition_and_damaged_bytes_are_refused() {
        let bytes = encoded(&[(10, (0, 1), "2024-01-03", 1, 1), (11, (0, 2), "2024-01-03", 1, 1)]);
        let as_of = Date::parse("2024-12-31").unwrap();
        assert!(dedup(vec![bytes.clone()], 10..12, as_of, |_| None).is_ok());
        assert!(dedup(vec![bytes.clone()], 10..11, as_of, |_| None).is_err());
        assert!(dedup(vec![bytes.clone()], 11..12, as_of, |_| None).is_err());
        assert!(dedup(vec![bytes[..bytes.len() - 1].to_vec()], 10..12, as_of, |_| None).is_err());
        assert!(NewestDate::default().visit(&bytes[1..]).is_err());
    }
}
