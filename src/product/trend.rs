//! Segment `trend`: growth and direction of flows.
//!
//! Owns: growth from quarter to quarter and from year to year, slope, rank correlation, and recent months against earlier
//! ones, of the series in, out and net. Does not own: the statistics (`product::stats`).

use crate::flow::Direction;
use crate::money::ratio;

use super::history::{History, MonthFacts};
use super::stats::{mann_kendall, theil_sen};
use super::value::{Items, Reason, Value};
use super::year::Year;

/// Items of the segment, by series.
pub const CODES: [[&str; 5]; 3] = [
    ["in_qoq", "in_yoy", "in_theil_sen_slope", "in_mann_kendall_tau", "in_recent_to_prior_ratio"],
    ["out_qoq", "out_yoy", "out_theil_sen_slope", "out_mann_kendall_tau", "out_recent_to_prior_ratio"],
    ["net_qoq", "net_yoy", "net_theil_sen_slope", "net_mann_kendall_tau", "net_recent_to_prior_ratio"],
];

/// Months below which a trend over W has no value.
const MONTHS_MIN: usize = 6;

/// The last months of W, which are compared with those before.
const RECENT_MONTHS: usize = 3;

/// Operating amounts of one month: in, out and net, fen.
type Amounts = [i128; 3];

/// The segment's row.
pub fn row(year: Result<&Year<'_>, Reason>, history: &History<'_>) -> Items {
    let amount = |back| -> Result<Amounts, Reason> { Ok(sum(history.complete_quarter(back)?.iter().map(amounts))) };
    let (q0, q1, q4) = (amount(0), amount(1), amount(4));
    let monthly: Result<Vec<Amounts>, Reason> = year.map(|year| year.months.iter().map(amounts).collect());
    let one_series = |series: usize| -> [Value; CODES[0].len()] {
        let monthly = monthly.as_ref().map_err(|reason| *reason);
        let months: Result<Vec<i128>, Reason> = monthly.and_then(|monthly| {
            let long_enough = monthly.len() >= MONTHS_MIN;
            if long_enough {
                Ok(monthly.iter().map(|month| month[series]).collect())
            } else {
                Err(Reason::HistoryShort)
            }
        });
        let months = months.as_deref().map_err(|reason| *reason);
        [
            Value::ratio(growth(q0, q1, series)),
            Value::ratio(growth(q0, q4, series)),
            Value::ratio(months.and_then(|months| theil_sen(months).ok_or(Reason::NoActivity))),
            Value::ratio(months.and_then(|months| mann_kendall(months).ok_or(Reason::NotDefined))),
            Value::ratio(months.and_then(recent_to_prior)),
        ]
    };
    (0..CODES.len()).flat_map(one_series).collect()
}

fn amounts(facts: &MonthFacts<'_>) -> Amounts {
    let [income, spending] = Direction::BOTH.map(|way| facts.operating(way).amount_fen);
    [income, spending, income - spending]
}

fn sum(months: impl Iterator<Item = Amounts>) -> Amounts {
    months.fold([0; 3], |sum, month| [sum[0] + month[0], sum[1] + month[1], sum[2] + month[2]])
}

/// `in_qoq`, `in_yoy`: (now - before) / |before|.
fn growth(now: Result<Amounts, Reason>, before: Result<Amounts, Reason>, series: usize) -> Result<i128, Reason> {
    let (now, before) = (now?[series], before?[series]);
    ratio(now - before, before.abs()).ok_or(Reason::NoActivity)
}

/// `in_recent_to_prior_ratio`: mean of the last three months / mean of those before.
fn recent_to_prior(months: &[i128]) -> Result<i128, Reason> {
    let (prior, recent) = months.split_at(months.len().saturating_sub(RECENT_MONTHS));
    let (prior_sum, recent_sum): (i128, i128) = (prior.iter().sum(), recent.iter().sum());
    ratio(recent_sum * prior.len() as i128, prior_sum * recent.len() as i128).ok_or(Reason::NoActivity)
}
