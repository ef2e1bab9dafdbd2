//! Counts of rows while they are read, in any order: per file and account, by date, by hour, and by the evidence that
//! decided their class.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray as _;
use arrow::datatypes::{TimestampMicrosecondType, UInt8Type, UInt32Type};
use arrow::record_batch::RecordBatch;
use serde::Serialize;

use crate::class::Evidence;
use crate::intake::Visitor;
use crate::money;
use crate::period::{DAY_US, Date};

/// Number of rows that each kind of evidence decided, indexed by [`Evidence`].
pub type EvidenceRows = [u64; Evidence::ALL.len()];

/// The share of rows of each kind of evidence by its name, as decimals with six places; empty without rows.
pub fn evidence_shares(rows: &EvidenceRows) -> BTreeMap<&'static str, String> {
    let total: u64 = rows.iter().sum();
    let share = |(evidence, rows): (Evidence, &u64)| {
        let share = money::ratio(i128::from(*rows), i128::from(total))?;
        Some((evidence.name(), money::ratio_text(share)))
    };
    Evidence::ALL.into_iter().zip(rows).filter_map(share).collect()
}

/// Counts of rows by hour of booking. Rows at exactly midnight count as having a date only.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Clock {
    timed: u64,
    /// From 8 to 20 hours.
    by_day: u64,
    /// From 0 to 6 hours.
    by_night: u64,
    /// From 0 to 12 hours: the hours 8 to 20 if UTC was taken for local time.
    as_if_utc: u64,
    /// From 16 to 4 hours: the hours 8 to 20 if the offset of eight hours was added twice.
    as_if_added_twice: u64,
}

/// Result of the check of a file's or account's hours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockVerdict {
    /// Fewer than [`TIMED_MIN`] rows have a time of day.
    TooFewTimes,
    /// The hours are plausible.
    Plausible,
    /// Rows appear to be eight hours early: UTC was taken for local time.
    LooksLikeUtc,
    /// Rows appear to be eight hours late: the offset was added twice.
    LooksAddedTwice,
}

/// Smallest number of rows with a time of day for a verdict.
pub const TIMED_MIN: u64 = 50;

impl Clock {
    fn add(&mut self, booked_at_us: i64) {
        let of_day = booked_at_us.rem_euclid(DAY_US);
        if of_day == 0 {
            return;
        }
        let hour = of_day / (DAY_US / 24);
        self.timed += 1;
        self.by_day += u64::from((8..20).contains(&hour));
        self.by_night += u64::from(hour < 6);
        self.as_if_utc += u64::from(hour < 12);
        self.as_if_added_twice += u64::from(!(4..16).contains(&hour));
    }

    fn merge(&mut self, other: &Clock) {
        self.timed += other.timed;
        self.by_day += other.by_day;
        self.by_night += other.by_night;
        self.as_if_utc += other.as_if_utc;
        self.as_if_added_twice += other.as_if_added_twice;
    }

    /// The verdict on these hours. They are shifted if at least a quarter of the rows is at night and the twelve shifted
    /// hours have more than 1.5 times the rows of 8 to 20 hours. Evenings alone are plausible: restaurants have them.
    pub fn verdict(&self) -> ClockVerdict {
        let beats_day = |rows: u64| rows * 2 > self.by_day * 3;
        if self.timed < TIMED_MIN {
            ClockVerdict::TooFewTimes
        } else if self.by_night * 4 < self.timed {
            ClockVerdict::Plausible
        } else if beats_day(self.as_if_utc) && self.as_if_utc > self.as_if_added_twice {
            ClockVerdict::LooksLikeUtc
        } else if beats_day(self.as_if_added_twice) {
            ClockVerdict::LooksAddedTwice
        } else {
            ClockVerdict::Plausible
        }
    }
}

impl ClockVerdict {
    /// Whether the time zone appears to be wrong.
    pub fn is_wrong(self) -> bool {
        matches!(self, ClockVerdict::LooksLikeUtc | ClockVerdict::LooksAddedTwice)
    }
}

/// Counts of one account.
#[derive(Clone, Copy, Default, Debug)]
pub struct AccountCounts {
    /// Rows that pass the checks, repeats included.
    pub rows: u64,
    /// Their hours.
    pub clock: Clock,
    /// The evidence that decided their class.
    pub evidence: EvidenceRows,
}

/// Counts of one file.
#[derive(Clone, Default, Debug)]
pub struct FileCounts {
    /// Rows that pass the checks, repeats included.
    pub rows: u64,
    /// The dates that have rows.
    pub dates: BTreeSet<Date>,
    /// Their hours.
    pub clock: Clock,
    /// The evidence that decided their class.
    pub evidence: EvidenceRows,
}

/// Counts of a feed, by file and account.
#[derive(Clone, Default, Debug)]
pub struct FeedVisitor {
    /// By number of the file.
    pub files: Vec<FileCounts>,
    /// By number of the account.
    pub accounts: Vec<AccountCounts>,
}

impl FeedVisitor {
    /// Empty counts for this many files and accounts.
    pub fn new(files: usize, accounts: usize) -> FeedVisitor {
        FeedVisitor { files: vec![FileCounts::default(); files], accounts: vec![AccountCounts::default(); accounts] }
    }

    /// Adds the counts of another worker.
    pub fn add(&mut self, other: FeedVisitor) {
        for (mine, theirs) in self.files.iter_mut().zip(other.files) {
            mine.rows += theirs.rows;
            mine.dates.extend(theirs.dates);
            mine.clock.merge(&theirs.clock);
            mine.evidence.iter_mut().zip(theirs.evidence).for_each(|(rows, more)| *rows += more);
        }
        for (mine, theirs) in self.accounts.iter_mut().zip(other.accounts) {
            mine.rows += theirs.rows;
            mine.clock.merge(&theirs.clock);
            mine.evidence.iter_mut().zip(theirs.evidence).for_each(|(rows, more)| *rows += more);
        }
    }
}

impl Visitor for FeedVisitor {
    fn visit(&mut self, batch: &RecordBatch) -> Option<()> {
        let accounts = batch.column_by_name("account")?.as_primitive_opt::<UInt32Type>()?.values();
        let files = batch.column_by_name("file")?.as_primitive_opt::<UInt32Type>()?.values();
        let times = batch.column_by_name("booked_at")?.as_primitive_opt::<TimestampMicrosecondType>()?.values();
        let evidences = batch
            .column_by_name("verdict")?
            .as_struct_opt()?
            .column_by_name("evidence")?
            .as_primitive_opt::<UInt8Type>()?
            .values();
        let mut last_date = None;
        for (((account, file), time), evidence) in accounts.iter().zip(files).zip(times).zip(evidences) {
            let evidence = Evidence::from_u8(*evidence)? as usize;
            let of_file = self.files.get_mut(*file as usize)?;
            of_file.rows += 1;
            of_file.clock.add(*time);
            of_file.evidence[evidence] += 1;
            // Most rows are of the date of the row before.
            let date = (*file, Date::of_time(*time));
            if last_date != Some(date) {
                of_file.dates.insert(date.1);
                last_date = Some(date);
            }
            let of_account = self.accounts.get_mut(*account as usize)?;
            of_account.rows += 1;
            of_account.clock.add(*time);
            of_account.evidence[evidence] += 1;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(hours: impl Iterator<Item = i64>) -> ClockVerdict {
        let mut clock = Clock::default();
        hours.for_each(|hour| clock.add(hour.rem_euclid(24) * 3_600_000_000 + 1));
        clock.verdict()
    }

    #[test]
    fn shifted_hours_are_found() {
        let business = || (0..100).map(|row| 8 + row % 12);
        assert_eq!(verdict(business()), ClockVerdict::Plausible);
        assert_eq!(verdict(business().map(|hour| hour - 8)), ClockVerdict::LooksLikeUtc);
        assert_eq!(verdict(business().map(|hour| hour + 8)), ClockVerdict::LooksAddedTwice);
        assert_eq!(verdict((0..240).map(|row| row % 24)), ClockVerdict::Plausible);
        assert_eq!(verdict((0..100).map(|row| 17 + row % 8)), ClockVerdict::Plausible, "evenings");
        assert_eq!(verdict(business().take(49)), ClockVerdict::TooFewTimes);
        let mut dates_only = Clock::default();
        (0..100).for_each(|day| dates_only.add(day * DAY_US));
        assert_eq!(dates_only.verdict(), ClockVerdict::TooFewTimes);
    }
}
