//! Dates, months and quarters as integers, and civil time of Asia/Shanghai.
//!
//! Owns: calendar arithmetic and text forms. Does not own: windows (see `product::window`) or the
//! system clock: today's date is an argument.

use std::fmt;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};

/// Microseconds of a civil day.
pub const DAY_US: i64 = 86_400_000_000;

/// Asia/Shanghai is eight hours ahead of UTC; feeds begin long after its last daylight saving time (1991).
pub const SHANGHAI_OFFSET_US: i64 = 8 * 3_600_000_000;

/// Years that a feed may contain: 1900 to 2199. A time outside them is a mistake of units, not a booking.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

/// Days since 1970-01-01 of [`YEARS`]; a test holds the two together.
const YEARS_DAYS: std::ops::Range<i64> = -25_567..84_006;

/// A civil date, as days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Date(pub i32);

/// A calendar month, as months since 1970-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Month(pub i32);

/// A calendar quarter, as quarters since 1970Q1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Quarter(pub i32);

impl serde::Serialize for Date {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Date {
    /// The date of a year, month (1-12) and day; `None` where there is none or the year is not 1900 to 2199.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Date> {
        let date = NaiveDate::from_ymd_opt(year, month, day)?;
        YEARS.contains(&year).then(|| Date(date.to_epoch_days()))
    }

    /// A date as stored, where it lies in the years 1900 to 2199.
    pub fn from_days(days: i32) -> Option<Date> {
        let date = NaiveDate::from_epoch_days(days)?;
        YEARS.contains(&date.year()).then_some(Date(days))
    }

    /// The civil date of a civil time in microseconds.
    pub fn of_time(time_us: i64) -> Date {
        // A checked time lies in YEARS, so its day fits easily.
        Date(time_us.div_euclid(DAY_US) as i32)
    }

    /// Parses `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Date> {
        let is_shaped = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !is_shaped {
            return None;
        }
        Date::from_ymd(text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?)
    }

    /// The month this date lies in.
    pub fn month(self) -> Month {
        let date = self.civil();
        Month((date.year() - 1970) * 12 + date.month0() as i32)
    }

    /// The quarter this date lies in.
    pub fn quarter(self) -> Quarter {
        self.month().quarter()
    }

    /// Day of the month, from 1.
    pub fn day(self) -> u32 {
        self.civil().day()
    }

    /// Monday to Friday.
    pub fn is_weekday(self) -> bool {
        // 1970-01-01 was a Thursday: day 3 of a week that starts on Monday.
        (self.0 + 3).rem_euclid(7) < 5
    }

    /// The day after.
    pub fn next(self) -> Date {
        Date(self.0 + 1)
    }

    fn civil(self) -> NaiveDate {
        // Dates are made by checked constructors; the default is never used.
        NaiveDate::from_epoch_days(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.civil().fmt(f)
    }
}

impl Month {
    /// Parses `YYYY-MM`.
    pub fn parse(text: &str) -> Option<Month> {
        Date::parse(&format!("{text}-01")).map(Date::month)
    }

    /// First day of the month.
    pub fn first_day(self) -> Date {
        let (year, month0) = (1970 + self.0.div_euclid(12), self.0.rem_euclid(12) as u32);
        // Months are made from dates; the default is never used.
        Date(NaiveDate::from_ymd_opt(year, month0 + 1, 1).unwrap_or_default().to_epoch_days())
    }

    /// Last day of the month.
    pub fn last_day(self) -> Date {
        Date(self.plus(1).first_day().0 - 1)
    }

    /// The quarter this month lies in.
    pub fn quarter(self) -> Quarter {
        Quarter(self.0.div_euclid(3))
    }

    /// The month `months` later.
    pub fn plus(self, months: i32) -> Month {
        Month(self.0 + months)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", 1970 + self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

impl Quarter {
    /// First month of the quarter.
    pub fn first_month(self) -> Month {
        Month(self.0 * 3)
    }

    /// Last month of the quarter.
    pub fn last_month(self) -> Month {
        Month(self.0 * 3 + 2)
    }

    /// First day of the quarter.
    pub fn first_day(self) -> Date {
        self.first_month().first_day()
    }

    /// Last day of the quarter.
    pub fn last_day(self) -> Date {
        self.last_month().last_day()
    }

    /// The quarter `quarters` later.
    pub fn plus(self, quarters: i32) -> Quarter {
        Quarter(self.0 + quarters)
    }
}

impl fmt::Display for Quarter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}Q{}", 1970 + self.0.div_euclid(4), self.0.rem_euclid(4) + 1)
    }
}

/// Whether a civil time in microseconds is in the years that a feed may contain.
pub fn time_in_range(time_us: i64) -> bool {
    (YEARS_DAYS.start * DAY_US..YEARS_DAYS.end * DAY_US).contains(&time_us)
}

/// Parses an ISO 8601 time, with a space or `T`, into civil Shanghai microseconds.
///
/// Seconds and fractions may be missing, a date alone is its midnight, a zone (`Z`, `+08:00`, `+0800`) is
/// converted, and digits below a microsecond are truncated.
pub fn parse_time(text: &str) -> Option<i64> {
    let date = Date::parse(text.get(..10)?)?;
    let rest = &text[10..];
    if rest.is_empty() {
        return Some(i64::from(date.0) * DAY_US);
    }
    let clock = rest.strip_prefix([' ', 'T'])?;
    let (clock, offset_us) = split_zone(clock)?;
    let civil_us = i64::from(date.0) * DAY_US + parse_clock(clock)?;
    let time_us = match offset_us {
        Some(offset_us) => civil_us - offset_us + SHANGHAI_OFFSET_US,
        None => civil_us,
    };
    time_in_range(time_us).then_some(time_us)
}

/// Splits `HH:MM:SS.fff+08:00` into the clock and the zone's offset in microseconds.
fn split_zone(text: &str) -> Option<(&str, Option<i64>)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, Some(0)));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, None)) };
    let (clock, zone) = text.split_at(at);
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = digits.get(2..4).map_or(Some(0), |m| m.parse().ok())?;
    if hours > 18 || minutes > 59 {
        return None;
    }
    let offset_us = (hours * 60 + minutes) * 60_000_000;
    Some((clock, Some(if zone.starts_with('-') { -offset_us } else { offset_us })))
}

/// Microseconds since midnight of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fraction`.
fn parse_clock(text: &str) -> Option<i64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if whole.len() == 8 => (whole, Some(fraction)),
        Some(_) => return None,
        None => (text, None),
    };
    let part = |at: usize| -> Option<i64> {
        let digits = whole.get(at..at + 2)?;
        if at > 0 && whole.as_bytes().get(at - 1) != Some(&b':') {
            return None;
        }
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let (hour, minute) = (part(0)?, part(3)?);
    let second = match whole.len() {
        5 => 0,
        8 => part(6)?,
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction_us = match fraction {
        None => 0,
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.bytes().chain(std::iter::repeat(b'0')).take(6).fold(0, |us, b| us * 10 + i64::from(b - b'0'))
        }
        Some(_) => return None,
    };
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction_us)
}

/// An instant (seconds since 1970 in UTC) as RFC 3339 in +08:00, to the second.
pub fn instant_text(seconds: i64) -> String {
    let civil_us = seconds * 1_000_000 + SHANGHAI_OFFSET_US;
    let time = NaiveTime::from_num_seconds_from_midnight_opt((civil_us.rem_euclid(DAY_US) / 1_000_000) as u32, 0)
        .unwrap_or_default();
    let civil = NaiveDateTime::new(Date::of_time(civil_us).civil(), time);
    format!("{}T{:02}:{:02}:{:02}+08:00", civil.date(), civil.hour(), civil.minute(), civil.second())
}

/// Parses an ISO 8601 instant (a time without a zone is civil Shanghai time) into seconds since 1970 in UTC.
pub fn parse_instant(text: &str) -> Option<i64> {
    parse_time(text).map(|civil_us| (civil_us - SHANGHAI_OFFSET_US).div_euclid(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_years_in_days() {
        for (day, is_in) in [
            (YEARS_DAYS.start - 1, false),
            (YEARS_DAYS.start, true),
            (YEARS_DAYS.end - 1, true),
            (YEARS_DAYS.end, false),
        ] {
            assert_eq!(Date::from_days(day as i32).is_some(), is_in, "{day}");
            assert_eq!(time_in_range(day * DAY_US) && time_in_range((day + 1) * DAY_US - 1), is_in, "{day}");
        }
        assert!(!time_in_range(i64::MIN) && !time_in_range(i64::MAX));
    }

    #[test]
    fn calendar() {
        let date = Date::parse("2024-02-29").unwrap();
        assert_eq!(date.to_string(), "2024-02-29");
        assert_eq!(date.month().to_string(), "2024-02");
        assert_eq!(date.quarter().to_string(), "2024Q1");
        assert_eq!(date.month().last_day(), date);
        assert_eq!(date.quarter().last_day().to_string(), "2024-03-31");
        assert_eq!(Date::parse("1969-12-31").unwrap().quarter().to_string(), "1969Q4");
        assert!(date.is_weekday());
        assert!(!Date::parse("2024-03-02").unwrap().is_weekday());
        for text in [
            "2024-02-30",
            "24-02-01",
            "2024-2-1",
            "2024-02-29 ",
            "0001-01-01",
            "2024- 1-01",
            "+2024-1-01",
            "２０-01-01",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn times() {
        let at = |text: &str| parse_time(text).map(|us| (Date::of_time(us).to_string(), us.rem_euclid(DAY_US)));
        let day = "2024-01-01".to_string();
        assert_eq!(at("2024-01-01"), Some((day.clone(), 0)));
        assert_eq!(at("2024-01-01 01:02"), Some((day.clone(), 3_720_000_000)));
        assert_eq!(at("2024-01-01T00:00:01.1234567"), Some((day.clone(), 1_123_456)));
        assert_eq!(at("2023-12-31T16:00:00Z"), Some((day.clone(), 0)));
        assert_eq!(at("2023-12-31T23:00:00+07:00"), Some((day.clone(), 0)));
        assert_eq!(at("2024-01-01T00:00:00+0800"), Some((day, 0)));
        for text in ["2024-01-01x", "2024-01-01 24:00:00", "2024-01-01 1:2:3", "2024-01-01 01:02:03.", "20240101"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        assert_eq!(instant_text(0), "1970-01-01T08:00:00+08:00");
        assert_eq!(parse_instant("1970-01-01T00:00:00Z"), Some(0));
    }
}
