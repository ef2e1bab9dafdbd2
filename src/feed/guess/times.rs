//! The line of `booked_at`: one column or two, and the formats of their values.

use super::draft::{Draft, quoted};
use super::headings::{KnownColumn, Meaning};
use crate::feed::mapping::{TimeFormat, parse_any};

/// Formats of dates, the most common first.
const DATE_FORMATS: [&str; 15] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%Y-%-m-%-d",
    "%Y/%-m/%-d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%-d/%-m/%Y",
    "%-m/%-d/%Y",
    "%d %b %Y",
    "%y%m%d",
];

/// Formats of times of day.
const TIME_FORMATS: [&str; 4] = ["%H:%M:%S", "%H:%M", "%H%M%S", "%-H:%M"];

/// Texts between a date and a time in one column.
const BETWEEN: [&str; 3] = [" ", "T", ""];

/// Writes `booked_at`.
pub(super) fn write_time(draft: &mut Draft<'_>) {
    let Some(date) = draft.column(Meaning::Date) else { return };
    let heading = draft.heading(&date);
    let dates = draft.values(date.column);
    let joined = DATE_FORMATS.iter().flat_map(|date| {
        BETWEEN.iter().flat_map(move |between| TIME_FORMATS.iter().map(move |time| format!("{date}{between}{time}")))
    });
    let formats = DATE_FORMATS.iter().map(|format| (*format).to_string()).chain(joined);
    let fitting = fitting_dates(formats, &dates);
    let Some(format) = fitting.first() else {
        let line = format!("booked_at = {heading}");
        let doubt = "the form of its values is not known to us; see `format` in docs/mapping.md";
        return draft.line(&line, Some(doubt));
    };
    let doubt = is_ambiguous(format, &fitting).then_some("day and month could be the other way round");
    let doubt = doubt.or(draft.doubt(&date));
    let line = match clock(draft, format) {
        Some((time, clock)) => format!(
            "booked_at = {{ date = {{ column = {heading}, format = {} }}, time = {{ column = {}, format = {} }} }}",
            quoted(format),
            draft.heading(&time),
            quoted(&clock)
        ),
        None => format!("booked_at = {{ column = {heading}, format = {} }}", quoted(format)),
    };
    draft.line(&line, doubt);
}

/// Whether a format with day and month in the other order fits too. Only a day above 12 distinguishes them.
fn is_ambiguous(format: &str, fitting: &[String]) -> bool {
    let day_first = |format: &str| {
        let (day, month) = (format.find("%d").or(format.find("%-d")), format.find("%m").or(format.find("%-m")));
        day < month
    };
    fitting.iter().any(|other| day_first(other) != day_first(format))
}

/// The column of times and its format, where the format of the dates has no time.
fn clock(draft: &Draft<'_>, date_format: &str) -> Option<(KnownColumn, String)> {
    if date_format.contains("%H") || date_format.contains("%-H") {
        return None;
    }
    let time = draft.column(Meaning::Time)?;
    let times = draft.values(time.column);
    // A time alone is no format of a date, so it is tried behind one.
    let fits = |format: &&&str| {
        let Some(format) = TimeFormat::new(&format!("%Y-%m-%d {format}")) else { return false };
        let formats = [format];
        let fitting = times.iter().filter(|time| parse_any(&formats, &format!("2024-01-02 {time}")).is_some());
        fitting.count() * 10 >= times.len() * 9 && !times.is_empty()
    };
    TIME_FORMATS.iter().find(fits).map(|format| (time, (*format).to_string()))
}

/// The formats in which nearly all values are dates. Not all, since a row below the table may hold a remark instead.
fn fitting_dates(formats: impl Iterator<Item = String>, values: &[&str]) -> Vec<String> {
    let fits = |format: &String| {
        let Some(format) = TimeFormat::new(format) else { return false };
        let formats = [format];
        let fitting =
            values.iter().filter(|value| parse_any(&formats, value).is_some_and(|parts| parts.date.is_some()));
        fitting.count() * 10 >= values.len() * 9 && !values.is_empty()
    };
    formats.filter(fits).collect()
}
