//! Windows: the months and quarters that a product shows, sums over and compares.
//!
//! Owns: the limits of the month window, the quarter window, W and the complete quarters. Does not own: the data in them
//! (`product::history`).

use std::ops::RangeInclusive;

use crate::period::{Date, Month, Quarter};

/// Calendar months that the month window holds at most.
pub const MONTHS_MAX: i32 = 36;

/// Calendar quarters that the quarter window holds at most.
pub const QUARTERS_MAX: i32 = 12;

/// Months that W holds at most.
pub const YEAR_MONTHS_MAX: i32 = 12;

/// Complete months below which no item over W has a value.
pub const YEAR_MONTHS_MIN: i32 = 3;

// The quarter window begins at most two months after the month window and never before it, so that one list
// of months serves both products; W lies inside both.
const _: () = assert!(MONTHS_MAX == 3 * QUARTERS_MAX && YEAR_MONTHS_MAX < MONTHS_MAX - 3);

/// The windows of one account: fixed by its opening date O and the as-of date D, with O not after D.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Windows {
    // Invariant: opened <= as_of.
    opened: Date,
    as_of: Date,
}

impl Windows {
    /// The windows, or `None` where the account has no periods: no opening date, or one after the as-of date.
    pub fn new(opened: Option<Date>, as_of: Date) -> Option<Windows> {
        let opened = opened.filter(|opened| *opened <= as_of)?;
        Some(Windows { opened, as_of })
    }

    /// O.
    pub fn opened(&self) -> Date {
        self.opened
    }

    /// First month of the month window.
    pub fn first_month(&self) -> Month {
        self.as_of.month().plus(1 - MONTHS_MAX).max(self.opened.month())
    }

    /// Last month of both windows: that of the as-of date.
    pub fn last_month(&self) -> Month {
        self.as_of.month()
    }

    /// First quarter of the quarter window.
    pub fn first_quarter(&self) -> Quarter {
        self.as_of.quarter().plus(1 - QUARTERS_MAX).max(self.opened.quarter())
    }

    /// A month's days between O and D, both inclusive.
    pub fn days_of(&self, month: Month) -> (Date, Date) {
        (month.first_day().max(self.opened), month.last_day().min(self.as_of))
    }

    /// W: the last complete months, at most twelve; `None` with fewer than three complete ones.
    pub fn year(&self) -> Option<RangeInclusive<Month>> {
        let opened_late = self.opened > self.opened.month().first_day();
        let first_complete = self.opened.month().plus(i32::from(opened_late)).max(self.first_month());
        let ends_early = self.as_of < self.as_of.month().last_day();
        let last = self.as_of.month().plus(-i32::from(ends_early));
        let complete = last.0 - first_complete.0 + 1;
        let first = first_complete.max(last.plus(1 - YEAR_MONTHS_MAX));
        (complete >= YEAR_MONTHS_MIN).then_some(first..=last)
    }

    /// The complete quarter `back` quarters before Q0, where it is complete and inside the quarter window.
    pub fn complete_quarter(&self, back: i32) -> Option<Quarter> {
        let ends_early = self.as_of < self.as_of.quarter().last_day();
        let quarter = self.as_of.quarter().plus(-i32::from(ends_early) - back);
        (quarter.first_day() >= self.opened && quarter >= self.first_quarter()).then_some(quarter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(opened: &str, as_of: &str) -> Windows {
        Windows::new(Date::parse(opened), Date::parse(as_of).unwrap()).unwrap()
    }

    fn year(opened: &str, as_of: &str) -> Option<(String, String)> {
        windows(opened, as_of).year().map(|w| (w.start().to_string(), w.end().to_string()))
    }

    #[test]
    fn windows_end_with_the_as_of_date_and_begin_no_earlier_than_the_opening() {
        // as of, opened, first month, first quarter
        let cases = [
            ("2024-06-30", "2010-01-01", "2021-07", "2021Q3"),
            ("2024-05-15", "2010-01-01", "2021-06", "2021Q3"),
            ("2024-04-01", "2010-01-01", "2021-05", "2021Q3"),
            ("2024-06-30", "2023-11-20", "2023-11", "2023Q4"),
            ("2024-06-30", "2024-06-30", "2024-06", "2024Q2"),
        ];
        for (as_of, opened, month, quarter) in cases {
            let w = windows(opened, as_of);
            assert_eq!((w.first_month().to_string(), w.first_quarter().to_string()), (month.into(), quarter.into()));
            assert!(w.first_quarter().last_month() >= w.first_month());
        }
        let as_of = Date::parse("2024-06-30").unwrap();
        assert_eq!(Windows::new(Some(as_of.next()), as_of), None);
        assert_eq!(Windows::new(None, as_of), None);
    }

    #[test]
    fn a_year_is_the_last_complete_months() {
        let some = |from: &str, to: &str| Some((from.to_string(), to.to_string()));
        let cases = [
            ("2010-01-01", "2024-06-30", some("2023-07", "2024-06")),
            ("2010-01-01", "2024-06-29", some("2023-06", "2024-05")),
            ("2024-03-01", "2024-05-31", some("2024-03", "2024-05")),
            ("2024-03-02", "2024-05-31", None),
            ("2024-03-02", "2024-06-30", some("2024-04", "2024-06")),
            ("2024-03-01", "2024-05-30", None),
        ];
        for (opened, as_of, expected) in cases {
            assert_eq!(year(opened, as_of), expected, "{opened} to {as_of}");
        }
    }

    #[test]
    fn quarters_are_counted_back_from_the_last_complete_one() {
        let cases = [
            ("2010-01-01", "2024-06-30", 0, Some("2024Q2")),
            ("2010-01-01", "2024-06-29", 0, Some("2024Q1")),
            ("2010-01-01", "2024-06-29", 4, Some("2023Q1")),
            ("2024-01-01", "2024-06-30", 1, Some("2024Q1")),
            ("2024-01-02", "2024-06-30", 1, None),
            ("2024-04-02", "2024-06-30", 0, None),
        ];
        for (opened, as_of, back, expected) in cases {
            let quarter = windows(opened, as_of).complete_quarter(back).map(|q| q.to_string());
            assert_eq!(quarter.as_deref(), expected, "{opened} to {as_of}, {back} back");
        }
    }
}
