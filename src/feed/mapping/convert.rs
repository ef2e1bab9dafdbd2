//! Text of another layout as text of the feed: money and times.
//!
//! Owns: the conversions of single values. A text that is not what a mapping takes it for comes out as it went
//! in, so that the check stage meets it, and refuses it, with its row and column.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::format::{DelayedFormat, Item, Parsed, StrftimeItems, parse};
use chrono::{NaiveDate, NaiveTime};

use crate::money::parse_fen;

/// Money without its thousands separators, where it has them in the right places.
pub(in crate::feed) fn plain_money(text: &str, thousands: Option<char>) -> Cow<'_, str> {
    let Some(separator) = thousands.filter(|separator| text.contains(*separator)) else {
        return Cow::Borrowed(text);
    };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = digits.split_once('.').map_or(digits, |(whole, _)| whole);
    let in_place = whole.split(separator).enumerate().all(|(index, group)| {
        let length_fits = if index == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 };
        length_fits && group.bytes().all(|byte| byte.is_ascii_digit())
    });
    if in_place { Cow::Owned(text.replace(separator, "")) } else { Cow::Borrowed(text) }
}

/// Amount and direction of money with a sign: `-` is out. Both empty where there is none.
pub(super) fn signed_money(text: &str, thousands: Option<char>) -> (Cow<'_, str>, &'static str) {
    if text.is_empty() {
        return (Cow::Borrowed(""), "");
    }
    let direction = if text.starts_with('-') { "D" } else { "C" };
    let amount = text.strip_prefix(['+', '-']).unwrap_or(text);
    // A second sign is no amount: left in place, it is refused.
    let amount = if amount.starts_with(['+', '-']) { text } else { amount };
    (plain_money(amount, thousands), direction)
}

/// Amount and direction of money in two columns, of which one is empty or zero.
///
/// Both filled is no transaction: the direction is then `both`, which the check refuses.
pub(super) fn in_or_out<'a>(
    in_text: &'a str,
    out_text: &'a str,
    thousands: Option<char>,
) -> (Cow<'a, str>, &'static str) {
    let (credit, debit) = (plain_money(in_text, thousands), plain_money(out_text, thousands));
    let is_given = |money: &str| !money.is_empty() && parse_fen(money) != Some(0);
    match (is_given(&credit), is_given(&debit)) {
        (true, true) => (credit, "both"),
        (true, false) => (credit, "C"),
        (false, true) => (debit, "D"),
        (false, false) if !credit.is_empty() => (credit, "C"),
        (false, false) if !debit.is_empty() => (debit, "D"),
        (false, false) => (credit, ""),
    }
}

/// A form of dates or times, as `strftime` writes it.
///
/// A two-digit year (`%y`) from 70 is 19yy, below 20yy. A form of numbers alone holds to the digit: `%m` is
/// `01`, never `1`, which is `%-m`.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::feed) struct TimeForm {
    items: Vec<Item<'static>>,
    /// The form can be compared letter by letter: no names, zones or fractions in it.
    exact: bool,
}

/// What a text in some form says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::feed) struct TimeParts {
    pub(in crate::feed) date: Option<NaiveDate>,
    pub(super) time: Option<NaiveTime>,
    /// Seconds east of Greenwich.
    pub(super) zone: Option<i32>,
}

impl TimeForm {
    /// Compiles a form; `None` where it is none, or cannot read back what it writes.
    pub(in crate::feed) fn new(form: &str) -> Option<TimeForm> {
        let items = StrftimeItems::new(form).parse_to_owned().ok()?;
        let exact = !items.iter().any(|item| matches!(item, Item::Fixed(_)));
        let form = TimeForm { items, exact };
        let date = NaiveDate::from_ymd_opt(2021, 11, 23)?;
        let sample = date.and_hms_opt(21, 32, 43)?.and_utc().fixed_offset();
        let mut text = String::new();
        write!(text, "{}", sample.format_with_items(form.items.iter())).ok()?;
        let parts = form.parse(&text)?;
        let right = parts.date.is_none_or(|parsed| parsed == date) && (parts.date.is_some() || parts.time.is_some());
        right.then_some(form)
    }

    /// What a text says in this form.
    pub(super) fn parse(&self, text: &str) -> Option<TimeParts> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).ok()?;
        let date = parsed.to_naive_date().ok();
        let time = parsed.to_naive_time().ok();
        if self.exact && !self.writes(date, time, text) {
            return None;
        }
        Some(TimeParts { date, time, zone: parsed.offset() })
    }

    fn writes(&self, date: Option<NaiveDate>, time: Option<NaiveTime>, text: &str) -> bool {
        let mut written = String::with_capacity(text.len());
        write!(written, "{}", DelayedFormat::new(date, time, self.items.iter())).is_ok() && written == text
    }

    /// Whether the form has a date.
    pub(super) fn has_date(&self) -> bool {
        self.sample().is_some_and(|parts| parts.date.is_some())
    }

    /// Whether the form has a time of day.
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

/// Parses with the first form that fits.
pub(in crate::feed) fn parse_any(forms: &[TimeForm], text: &str) -> Option<TimeParts> {
    forms.iter().find_map(|form| form.parse(text))
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
    fn thousands_stand_in_their_places_or_stay() {
        let cases = [
            ("1,234.50", "1234.50"),
            ("-12,345,678", "-12345678"),
            ("123", "123"),
            ("1234.5", "1234.5"),
            ("1,23", "1,23"),
            ("1234,567", "1234,567"),
            (",123", ",123"),
            ("xx,yyyy.zz", "xx,yyyy.zz"),
        ];
        for (text, plain) in cases {
            assert_eq!(plain_money(text, Some(',')), plain, "{text}");
        }
        assert_eq!(plain_money("1,234.50", None), "1,234.50");
    }

    #[test]
    fn signs_and_columns_give_directions() {
        let signed = [
            ("+10.00", "10.00", "C"),
            ("10", "10", "C"),
            ("-1,234.5", "1234.5", "D"),
            ("-0.00", "0.00", "D"),
            ("--1", "--1", "D"),
            ("x", "x", "C"),
            ("", "", ""),
        ];
        for (text, amount, direction) in signed {
            assert_eq!(signed_money(text, Some(',')), (amount.into(), direction), "{text}");
        }
        let columns = [
            ("1,000.00", "", "1000.00", "C"),
            ("", "2.50", "2.50", "D"),
            ("0.00", "2.50", "2.50", "D"),
            ("-3.00", "", "-3.00", "C"),
            ("0.00", "", "0.00", "C"),
            ("", "0", "0", "D"),
            ("1", "2", "1", "both"),
            ("xx", "", "xx", "C"),
            ("", "", "", ""),
        ];
        for (credit, debit, amount, direction) in columns {
            assert_eq!(in_or_out(credit, debit, Some(',')), (amount.into(), direction), "{credit} {debit}");
        }
    }

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
        for (form, text, iso) in cases {
            let parts = TimeForm::new(form).unwrap().parse(text);
            let written = parts.map(|parts| {
                let mut out = Vec::new();
                push_iso(parts.date.unwrap(), parts.time, parts.zone, &mut out);
                String::from_utf8(out).unwrap()
            });
            assert_eq!(written.as_deref(), iso, "{form} {text}");
        }
        for form in ["%Q", "%m-%d", "", "x", "%H"] {
            assert_eq!(TimeForm::new(form), None, "{form}");
        }
    }
}
