//! Segment `funds`: all transactions of the account, one row per period.
//!
//! Owns: flows of all classes, balances and cash of a period. Does not own: daily balances (`product::history`).

use crate::flow::Flows;
use crate::money::mean;

use super::history::{MonthFacts, period_days, period_funds};
use super::value::{NewRow, Reason, Value};

/// Items of the segment.
pub const CODES: [&str; 16] = [
    "period",
    "in_count",
    "in_amount",
    "out_count",
    "out_amount",
    "net_amount",
    "opening_balance",
    "closing_balance",
    "average_daily_balance",
    "max_balance",
    "min_balance",
    "cash_in_count",
    "cash_in_amount",
    "cash_out_count",
    "cash_out_amount",
    "active_days",
];

/// Fills the row of one period; `cash` are its flows of class CASH.
pub fn fill(row: &mut NewRow<'_>, label: Value, period: &[MonthFacts<'_>], cash: &Flows) {
    let [income, spending] = period_funds(period);
    row.value(label);
    for flow in [&income, &spending] {
        row.count(flow.count);
        row.money(flow.amount_fen);
    }
    row.money(income.amount_fen - spending.amount_fen);
    balances(period).into_iter().for_each(|balance| row.money_or(balance));
    for flow in cash {
        row.count(flow.count);
        row.money(flow.amount_fen);
    }
    row.count(active_days(period));
}

/// `active_days`: dates with a row.
pub fn active_days(period: &[MonthFacts<'_>]) -> i64 {
    period.iter().map(|facts| facts.dates().len() as i64).sum()
}

/// `opening_balance`, `closing_balance`, `average_daily_balance`, `max_balance`, `min_balance`.
fn balances(period: &[MonthFacts<'_>]) -> [Result<i128, Reason>; 5] {
    // If one month has balances all have, since days before the first known balance are filled backwards.
    let months = || period.iter().filter_map(|facts| facts.balances);
    let (Some(first), Some(last)) = (months().next(), months().next_back()) else {
        return [Err(Reason::NoBalance); 5];
    };
    let opening_fen = period.iter().find_map(MonthFacts::row_opening_fen).unwrap_or(first.entering_fen);
    let sum_fen = months().map(|balances| balances.sum_fen).sum();
    let highest_fen = months().map(|balances| balances.max_fen).max().unwrap_or(first.max_fen);
    let lowest_fen = months().map(|balances| balances.min_fen).min().unwrap_or(first.min_fen);
    [
        Ok(opening_fen.into()),
        Ok(last.closing_fen.into()),
        mean(sum_fen, period_days(period).unsigned_abs()).ok_or(Reason::NoBalance),
        Ok(highest_fen.into()),
        Ok(lowest_fen.into()),
    ]
}
