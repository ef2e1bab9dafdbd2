//! Segment `activity`: age of the account, gaps, pass-through, share of identified money.
//!
//! Owns: the segment's formulas. Does not own: the identified share, which the appendix also shows (`product::coverage`).

use crate::account::Account;
use crate::flow::Direction;
use crate::period::Date;

use super::coverage::identified_share;
use super::funds::active_days;
use super::history::{History, MonthFacts, days_between};
use super::share;
use super::value::{Items, Reason, Value};
use super::year::Year;

/// Items of the segment.
pub const CODES: [&str; 8] = [
    "account_age_months",
    "observed_months",
    "active_day_ratio",
    "days_since_last_in",
    "days_since_last_out",
    "longest_gap_days",
    "pass_through_ratio",
    "identified_amount_ratio",
];

/// The segment's row.
pub fn row(year: Result<&Year<'_>, Reason>, history: &History<'_>) -> Items {
    let window = history.quarter_months();
    let observed = window.iter().filter(|facts| !facts.dates().is_empty()).count();
    let row: [Value; CODES.len()] = [
        Value::count(account_age_months(history.account(), history.as_of())),
        Value::Count(observed as i64),
        Value::ratio(year.and_then(|year| share(active_days(year.months).into(), year.days.into()))),
        Value::count(days_since_last(history, Direction::In)),
        Value::count(days_since_last(history, Direction::Out)),
        Value::count(year.map(longest_gap_days)),
        Value::ratio(year.and_then(|year| pass_through_ratio(year.months))),
        Value::ratio(year.and_then(|year| identified_share(year.months))),
    ];
    row.into()
}

/// `account_age_months`: whole months from the given opening date to the as-of date.
fn account_age_months(account: &Account, as_of: Date) -> Result<i64, Reason> {
    let opened = account.opened_on.ok_or(Reason::NotGiven)?;
    if opened > as_of {
        return Err(Reason::HistoryShort);
    }
    let begun = as_of.month().0 - opened.month().0;
    Ok(i64::from(begun - i32::from(as_of.day() < opened.day())))
}

/// `days_since_last_in`: days from the quarter window's last row of a direction to the as-of date.
fn days_since_last(history: &History<'_>, way: Direction) -> Result<i64, Reason> {
    let dates = history.quarter_months().iter().rev().flat_map(|facts| facts.dates().iter().rev());
    let last = dates.filter(|day| day.seen[way as usize]).map(|day| day.date).next();
    last.map(|last| days_between(last, history.as_of())).ok_or(Reason::NoActivity)
}

/// `longest_gap_days`: the longest run of W's days without a row.
fn longest_gap_days(year: &Year<'_>) -> i64 {
    let (Some(first), Some(last)) = (year.months.first(), year.months.last()) else {
        return 0;
    };
    let (mut longest, mut from) = (0, first.first_day);
    for day in year.months.iter().flat_map(MonthFacts::dates) {
        longest = longest.max(days_between(from, day.date));
        from = day.date.next();
    }
    longest.max(days_between(from, last.last_day.next()))
}

/// `pass_through_ratio`: sum over days of min(in, out) / sum over days of in; all rows except OPENING_BANK.
fn pass_through_ratio(months: &[MonthFacts<'_>]) -> Result<i128, Reason> {
    let (mut passed_fen, mut in_fen) = (0, 0);
    for day in months.iter().flat_map(MonthFacts::dates) {
        let [income, spending] =
            Direction::BOTH.map(|way| (day.operating_fen[way as usize] + day.same_name_fen[way as usize]).max(0));
        passed_fen += income.min(spending);
        in_fen += income;
    }
    share(passed_fen, in_fen)
}
