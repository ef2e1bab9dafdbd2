//! Segment `funds`: all transactions of the account, a row a period.
//!
//! Owns: flows of all classes, the period's balances, cash. Does not own: how daily balances come about
//! (`product::history`).

use crate::flow::Flows;
use crate::money::mean;

use super::history::{MonthFacts, period_days, period_funds};
use super::nulls;
use super::value::{Items, Reason, Value};

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

/// Fills in the row of one period, of which `cash` is the flows of cash.
pub fn fill(row: &mut Items, label: Value, period: &[MonthFacts<'_>], [cash_in, cash_out]: &Flows) {
    let [income, spending] = period_funds(period);
    let [opening, closing, average, highest, lowest] = balances(period);
    let values: [Value; CODES.len()] = [
        label,
        Value::Count(income.count),
        Value::Money(income.amount_fen),
        Value::Count(spending.count),
        Value::Money(spending.amount_fen),
        Value::Money(income.amount_fen - spending.amount_fen),
        opening,
        closing,
        average,
        highest,
        lowest,
        Value::Count(cash_in.count),
        Value::Money(cash_in.amount_fen),
        Value::Count(cash_out.count),
        Value::Money(cash_out.amount_fen),
        Value::Count(active_days(period)),
    ];
    row.extend(values);
}

/// `active_days`: dates with a row.
pub fn active_days(period: &[MonthFacts<'_>]) -> i64 {
    period.iter().map(|facts| facts.dates().len() as i64).sum()
}

/// `opening_balance`, `closing_balance`, `average_daily_balance`, `max_balance`, `min_balance`.
fn balances(period: &[MonthFacts<'_>]) -> [Value; 5] {
    // Where one month knows a balance all do, since days before the first known one are filled back.
    let months = || period.iter().filter_map(|facts| facts.balances);
    let (Some(first), Some(last)) = (months().next(), months().next_back()) else {
        return nulls(Reason::NoBalance);
    };
    let opening_fen = period.iter().find_map(MonthFacts::row_opening_fen).unwrap_or(first.entering_fen);
    let sum_fen = months().map(|balances| balances.sum_fen).sum();
    let highest_fen = months().map(|balances| balances.max_fen).max().unwrap_or(first.max_fen);
    let lowest_fen = months().map(|balances| balances.min_fen).min().unwrap_or(first.min_fen);
    [
        Value::Money(opening_fen.into()),
        Value::Money(last.closing_fen.into()),
        Value::money(mean(sum_fen, period_days(period).unsigned_abs()).ok_or(Reason::NoBalance)),
        Value::Money(highest_fen.into()),
        Value::Money(lowest_fen.into()),
    ]
}
