//! Dates and times of another layout as times of the feed.
//!
//! Owns: formats of dates and times, and ISO 8601. A text that fits no format passes unchanged, so that the checks refuse it
//! with its row and column.

use std::fmt::Write as _;

use chrono::format::{DelayedFormat, Item, Parsed, StrftimeItems, parse};
use chrono::{NaiveDate, NaiveTime};

/// A format of dates or times, in the notation of `strftime`.
///
/// A two-digit year (`%y`) from 70 is 19yy, below 20yy. A format of numbers alone is exact to the digit: `%m` is `01` and
/// never `1`, which is `%-m`.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::feed) struct TimeFormat {
    items: Vec<Item<'static>>,
    /// A text of this format equals its value written in the format: it has no names, zones or fractions.
    is_exact: bool,
}

/// The parts of a text in some format.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::feed) struct TimeParts {
    pub(in crate::feed) date: Option<NaiveDate>,
    pub(super) time: Option<NaiveTime>,
    /// Seconds east of Greenwich.
    pub(super) zone: Option<i32>,
}

impl TimeFormat {
    /// Compiles a format; `None` where it is invalid, or cannot parse the text that it writes.
    pub(in crate::feed) fn new(format: &str) -> Option<TimeFormat> {
        let items = StrftimeItems::new(format).parse_to_owned().ok()?;
        let is_exact = !items.iter().any(|item| matches!(item, Item::Fixed(_)));
        let format = TimeFormat { items, is_exact };
        let date = NaiveDate::from_ymd_opt(2021, 11, 23)?;
        let sample = date.and_hms_opt(21, 32, 43)?.and_utc().fixed_offset();
        let mut text = String::new();
        write!(text, "{}", sample.format_with_items(format.items.iter())).ok()?;
        let parts = format.parse(&text)?;
        let right = parts.date.is_none_or(|parsed| parsed == date) && (parts.date.is_some() || parts.time.is_some());
        right.then_some(format)
    }

    /// Parses a text in this format.
    pub(super) fn parse(&self, text: &str) -> Option<TimeParts> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).ok()?;
        let date = parsed.to_naive_date().ok();
        let time = parsed.to_naive_time().ok();
        if self.is_exact && !self.writes(date, time, text) {
            return None;
        }
        Some(TimeParts { date, time, zone: parsed.offset() })
    }

    fn writes(&self, date: Option<NaiveDate>, time: Option<NaiveTime>, text: &str) -> bool {
        let mut written = String::with_capacity(text.len());
        write!(written, "{}", DelayedFormat::new(date, time, self.items.iter())).is_ok() && written == text
    }

    /// Whether the format has a date.
    pub(super) fn has_date(&self) -> bool {
        self.sample().is_some_and(|parts| parts.date.is_some())
    }

    /// Whether the format has a time of day.
    pub(super) fn has_time(&self) -> bool {
        self.sample().is_some_and(|parts| parts.time.is_some())
    }

    fn sample(&self) -> Option<TimeParts> {
        let sample = NaiveDate::from_ymd_opt(2021, 11, 23)?.and_hms_opt(21, 32, 43)?.and_utc().fixed_offset();
        let mut text = String::new();
        write!(text, "{}", sample.format_with_items(self.items.iter())).ok()?;
        self.parse(&text)
    }
}

/// Parses with the first format that fits.
pub(in crate::feed) fn parse_any(formats: &[TimeFormat], text: &str) -> Option<TimeParts> {
    formats.iter().find_map(|format| format.parse(text))
}

/// Appends a date, and a time where there is one, as ISO 8601.
pub(super) fn push_iso(date: NaiveDate, time: Option<NaiveTime>, zone: Option<i32>, out: &mut Vec<u8>) {
    let mut text = String::with_capacity(32);
    // Writing to a String cannot fail.
    let _ = write!(text, "{date}");
    if let Some(time) = time {
        let _ = write!(text, "T{time}");
        if let Some(seconds) = zone {
            let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
            let _ = write!(text, "{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        }
    }
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_iso() {
        let cases = [
            ("%y%m%d", "930101", Some("1993-01-01")),
            ("%y%m%d", "981231", Some("1998-12-31")),
            ("%y%m%d", "690101", Some("2069-01-01")),
            ("%y%m%d", "93111", None),
            ("%y%m%d", "930230", None),
            ("%Y%m%d", "20240101", Some("2024-01-01")),
            ("%Y/%-m/%-d", "2024/1/15", Some("2024-01-15")),
            ("%Y-%m-%d", "2024-1-15", None),
            ("%Y%m%d%H%M%S", "20240101093001", Some("2024-01-01T09:30:01")),
            ("%Y-%m-%d %H:%M", "2024-01-01 09:30", Some("2024-01-01T09:30:00")),
            ("%Y-%m-%d %H:%M:%S%.f", "2024-01-01 09:30:00.5", Some("2024-01-01T09:30:00.500")),
            ("%Y-%m-%d %H:%M:%S %z", "2024-01-01 09:30:00 +0700", Some("2024-01-01T09:30:00+07:00")),
            ("%d %b %Y", "02 Jan 2024", Some("2024-01-02")),
            ("%Y年%m月%d日", "2024年01月02日", Some("2024-01-02")),
        ];
        for (format, text, iso) in cases {
            let parts = TimeFormat::new(format).unwrap().parse(text);
            let written = parts.map(|parts| {
                let mut out = Vec::new();
                push_iso(parts.date.unwrap(), parts.time, parts.zone, &mut out);
                String::from_utf8(out).unwrap()
            });
            assert_eq!(written.as_deref(), iso, "{format} {text}");
        }
        for format in ["%Q", "%m-%d", "", "x", "%H"] {
            assert_eq!(TimeFormat::new(format), None, "{format}");
        }
    }
}
