//! Segment `stability`: variation of flows and balances, over W.
//!
//! Owns: monthly means and deviations, runs of empty months, recurring counterparties, low balances. Does not own: daily
//! balances (`product::history`), or the formula of the deviation (`product::stats`).

use arrow::datatypes::i256;

use crate::flow::{Direction, Flow};
use crate::money::{mean, ratio};

use super::history::MonthFacts;
use super::stats::{Moments, longest_run};
use super::value::{Items, Reason, Value};
use super::year::Year;
use super::{nulls, share};

/// Items about flows, by direction.
const FLOW_CODES: [[&str; 6]; 2] = [
    [
        "in_monthly_mean",
        "in_monthly_sd",
        "in_monthly_cv",
        "in_active_month_ratio",
        "in_longest_zero_run",
        "in_recurring_share",
    ],
    [
        "out_monthly_mean",
        "out_monthly_sd",
        "out_monthly_cv",
        "out_active_month_ratio",
        "out_longest_zero_run",
        "out_recurring_share",
    ],
];

/// Items about balances and the net flow.
const LEVEL_CODES: [&str; 4] =
    ["balance_cv", "low_balance_day_share", "negative_net_month_share", "lowest_month_mean_ratio"];

/// Items of the segment.
pub fn codes() -> Vec<&'static str> {
    FLOW_CODES.concat().into_iter().chain(LEVEL_CODES).collect()
}

/// The segment's row.
pub fn row(year: Result<&Year<'_>, Reason>) -> Items {
    let flows = Direction::BOTH.into_iter().flat_map(|way| flow_items(year, way));
    flows.chain(level_items(year)).collect()
}

fn flow_items(year: Result<&Year<'_>, Reason>, way: Direction) -> [Value; FLOW_CODES[0].len()] {
    let year = match year {
        Ok(year) => year,
        Err(reason) => return nulls(reason),
    };
    let flows: Vec<Flow> = year.operating(way).collect();
    let moments = Moments::of(&flows.iter().map(|flow| flow.amount_fen).collect::<Vec<_>>());
    let active = flows.iter().filter(|flow| flow.count > 0).count();
    [
        // W holds at least three months, so neither the mean nor the deviation lacks a value.
        Value::money(mean(moments.sum, moments.count.unsigned_abs()).ok_or(Reason::HistoryShort)),
        Value::money(moments.deviation().ok_or(Reason::HistoryShort)),
        Value::ratio(moments.variation().ok_or(Reason::NotDefined)),
        Value::ratio(share(active as i128, year.month_count().into())),
        Value::Count(longest_run(flows.iter().map(|flow| flow.count <= 0))),
        Value::ratio(recurring_share(year, way)),
    ]
}

/// `in_recurring_share`: the part of A of counterparties that are counted in at least half of W's months.
fn recurring_share(year: &Year<'_>, way: Direction) -> Result<i128, Reason> {
    let months_min = (year.month_count() + 1) / 2;
    let (mut whole_fen, mut recurring_fen, mut any) = (0, 0, false);
    for counterparty in year.trade_counterparties.iter().filter(|counterparty| counterparty.is_counted(way)) {
        any = true;
        whole_fen += counterparty.part_fen(way);
        if counterparty.months[way as usize] >= months_min {
            recurring_fen += counterparty.part_fen(way);
        }
    }
    if any { share(recurring_fen, whole_fen) } else { Err(Reason::NoCounterparty) }
}

fn level_items(year: Result<&Year<'_>, Reason>) -> [Value; LEVEL_CODES.len()] {
    let year = match year {
        Ok(year) => year,
        Err(reason) => return nulls(reason),
    };
    let net_fen = |facts: &&MonthFacts<'_>| {
        facts.operating(Direction::In).amount_fen - facts.operating(Direction::Out).amount_fen
    };
    let negative = year.months.iter().filter(|facts| net_fen(facts) < 0).count();
    let balances = balance_moments(year);
    [
        Value::ratio(balances.and_then(|moments| moments.variation().ok_or(Reason::NotDefined))),
        Value::ratio(balances.and_then(|moments| low_balance_day_share(year, &moments))),
        Value::ratio(share(negative as i128, year.month_count().into())),
        Value::ratio(balances.and_then(|moments| lowest_month_mean_ratio(year, &moments))),
    ]
}

/// Moments of the end-of-day balances over the days of W.
fn balance_moments(year: &Year<'_>) -> Result<Moments, Reason> {
    let mut moments = Moments { count: year.days, sum: 0, square_sum: i256::ZERO };
    for facts in year.months {
        let balances = facts.balances.ok_or(Reason::NoBalance)?;
        moments.sum += balances.sum_fen;
        moments.square_sum = moments.square_sum.wrapping_add(i256::from_i128(balances.square_sum));
    }
    Ok(moments)
}

/// `low_balance_day_share`: days whose balance is below a tenth of the mean, compared exactly.
fn low_balance_day_share(year: &Year<'_>, moments: &Moments) -> Result<i128, Reason> {
    let days = i128::from(moments.count);
    let mut low_days = 0;
    for facts in year.months {
        facts.each_balance(|fen, lasts| {
            if i128::from(fen) * 10 * days < moments.sum {
                low_days += lasts;
            }
        });
    }
    share(low_days.into(), days)
}

/// `lowest_month_mean_ratio`: (month's sum / its days) / (sum / days), the lowest month by exact comparison.
fn lowest_month_mean_ratio(year: &Year<'_>, moments: &Moments) -> Result<i128, Reason> {
    let monthly = year.months.iter().filter_map(|facts| Some((facts.balances?.sum_fen, i128::from(facts.days()))));
    let lowest = monthly.min_by(|(a_sum, a_days), (b_sum, b_days)| (a_sum * b_days).cmp(&(b_sum * a_days)));
    let (month_sum, month_days) = lowest.ok_or(Reason::NoBalance)?;
    ratio(month_sum * i128::from(moments.count), month_days * moments.sum).ok_or(Reason::NotDefined)
}
