//! Civil dates as counts of days, the months of the feed, weekdays, and the Spring Festival.
//!
//! Owns no clock: the last day comes from the options.

use std::{fmt, str::FromStr};

use crate::error::Error;

pub(crate) const SECONDS_A_DAY: u32 = 86_400;

/// A civil date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i32,
    month: u32,
    day: u32,
}

impl Date {
    /// The date, or an error if it does not exist or its year is outside 1990 to 2100.
    pub fn new(year: i32, month: u32, day: u32) -> Result<Date, Error> {
        let valid =
            (1990..=2100).contains(&year) && (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
        if valid { Ok(Date { year, month, day }) } else { Err(bad_date(format!("{year}-{month}-{day}"))) }
    }

    /// Days since 1970-01-01.
    pub(crate) fn to_days(self) -> i32 {
        days_of(self.year, self.month, self.day)
    }
}

impl Default for Date {
    /// 2025-12-31, the default last booking date.
    fn default() -> Date {
        Date { year: 2025, month: 12, day: 31 }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = Error;

    /// Parses a date such as `2025-12-31`.
    fn from_str(text: &str) -> Result<Date, Error> {
        let mut parts = text.splitn(3, '-').map(|part| part.parse::<u32>().ok());
        match (parts.next().flatten(), parts.next().flatten(), parts.next().flatten()) {
            (Some(year), Some(month), Some(day)) if year <= 2100 => Date::new(year as i32, month, day),
            _ => Err(bad_date(text.to_owned())),
        }
    }
}

fn bad_date(text: String) -> Error {
    Error::Option { name: "end", reason: format!("`{text}` is no date between 1990-01-01 and 2100-12-31") }
}

/// One month of the feed.
#[derive(Clone, Debug)]
pub(crate) struct Month {
    /// 0 for the first month of the feed.
    pub(crate) index: u32,
    /// `YYYY-MM`.
    pub(crate) name: String,
    pub(crate) year: i32,
    /// 1 to 12.
    pub(crate) month: u32,
    /// The first day of the month.
    pub(crate) first: i32,
    /// The last day of the month, or the last day of the feed if it is earlier.
    pub(crate) last: i32,
    /// The first day of the Spring Festival in this year.
    pub(crate) new_year: i32,
}

impl Month {
    /// The `months` months up to and including the month of `end`. The last one stops at `end`.
    pub(crate) fn window(end: Date, months: u32) -> Vec<Month> {
        let last_month = end.year * 12 + end.month as i32 - 1;
        (0..months)
            .map(|index| {
                let count = last_month - (months - 1 - index) as i32;
                let (year, month) = (count.div_euclid(12), count.rem_euclid(12) as u32 + 1);
                let first = days_of(year, month, 1);
                Month {
                    index,
                    name: format!("{year:04}-{month:02}"),
                    year,
                    month,
                    first,
                    last: (first + days_in_month(year, month) as i32 - 1).min(end.to_days()),
                    new_year: spring_festival(year),
                }
            })
            .collect()
    }

    /// Months since year 0. Everything that recurs is derived from it.
    pub(crate) fn count(&self) -> i32 {
        self.year * 12 + self.month as i32 - 1
    }

    /// Seconds of the month, up to the last day of the feed.
    pub(crate) fn seconds(&self) -> u32 {
        (self.last - self.first + 1).unsigned_abs() * SECONDS_A_DAY
    }

    /// Day `day` of the month, or the next Monday if it is a Saturday or Sunday. Public holidays are not modelled.
    pub(crate) fn due(&self, day: u32) -> i32 {
        let due = self.first + day as i32 - 1;
        due + match weekday(due) {
            5 => 2,
            6 => 1,
            _ => 0,
        }
    }
}

/// The weekday, 0 for Monday. Exchanged working days are not modelled.
pub(crate) fn weekday(day: i32) -> u32 {
    // 1970-01-01 was a Thursday.
    (day + 3).rem_euclid(7).unsigned_abs()
}

/// Year, month and day of a count of days (Howard Hinnant's `civil_from_days`, for dates from 1970 on).
pub(crate) fn civil(days: i32) -> (i32, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i32::from(month <= 2), month as u32, day as u32)
}

/// The first day of the month that is `count` months after year 0.
pub(crate) fn first_day(count: i32) -> i32 {
    days_of(count.div_euclid(12), count.rem_euclid(12) as u32 + 1, 1)
}

fn days_of(year: i32, month: u32, day: u32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (month as i32 + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day as i32 - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The first day of the lunar year from 1990 to 2050 as month * 100 + day, one decade per line.
#[rustfmt::skip]
const SPRING_FESTIVALS: [u32; 61] = [
    127, 215, 204, 123, 210, 131, 219, 207, 128, 216,
    205, 124, 212, 201, 122, 209, 129, 218, 207, 126,
    214, 203, 123, 210, 131, 219, 208, 128, 216, 205,
    125, 212, 201, 122, 210, 129, 217, 206, 126, 213,
    203, 123, 211, 131, 219, 208, 128, 215, 204, 124,
    212, 201, 122, 210, 130, 217, 206, 126, 214, 202,
    123,
];

/// The first day of the lunar year. Outside the table it is 4 February, the mean date: the astronomy is not worth a
/// dependency for years that few feeds cover.
fn spring_festival(year: i32) -> i32 {
    let index = usize::try_from(year - 1990).ok();
    let date = index.and_then(|index| SPRING_FESTIVALS.get(index)).copied().unwrap_or(204);
    days_of(year, date / 100, date % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree() {
        assert_eq!(days_of(1970, 1, 1), 0);
        assert_eq!(days_of(2000, 3, 1), 11_017);
        for days in (0..60_000).step_by(17) {
            let (year, month, day) = civil(days);
            assert_eq!(days_of(year, month, day), days);
        }
        // 2025-12-31 was a Wednesday, and 2026-01-03 the Saturday after it.
        assert_eq!([31, 34, 35, 36].map(|day| weekday(days_of(2025, 12, 1) + day - 1)), [2, 5, 6, 0]);
    }

    #[test]
    fn dates_are_read_and_refused() {
        assert_eq!("2024-02-29".parse::<Date>().unwrap().to_string(), "2024-02-29");
        for text in ["2025-02-29", "2025-13-01", "2025-01", "x", "2025-01-00", "0001-01-01", "4294967295-01-01"] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_window_ends_on_the_last_day() {
        let months = Month::window(Date::new(2025, 2, 10).unwrap(), 3);
        let names: Vec<&str> = months.iter().map(|month| month.name.as_str()).collect();
        assert_eq!(names, ["2024-12", "2025-01", "2025-02"]);
        assert_eq!(months[2].last - months[2].first, 9);
        assert_eq!(months[0].last + 1, months[1].first);
        // 15 February 2025 was a Saturday.
        assert_eq!(months[2].due(15), days_of(2025, 2, 17));
    }

    #[test]
    fn lunar_years_begin_within_their_range() {
        for year in 1990..=2050 {
            let day = spring_festival(year);
            assert!((days_of(year, 1, 21)..=days_of(year, 2, 20)).contains(&day), "{year}");
            // A lunar year has twelve or thirteen months.
            let days = spring_festival(year + 1) - day;
            assert!(year == 2050 || matches!(days, 353..=355 | 383..=385), "{year}: {days}");
        }
        assert_eq!(civil(spring_festival(2026)), (2026, 2, 17));
    }
}
