//! Segment `distribution`: operating money by day of month, weekday, quarter and class.
//!
//! Owns: the shares of ten-day parts, weekdays and the strongest quarter, and the entropy of classes. Does not own: which
//! quarters are complete (`product::window`).

use crate::cell::CLASSES;
use crate::flow::Direction;

use super::history::{History, MonthFacts, period_classes, period_operating};
use super::value::{Items, Reason, Value};
use super::year::Year;
use super::{nulls, share};

/// Items of the segment, by direction.
pub const CODES: [[&str; 6]; 2] = [
    [
        "in_first_ten_days_share",
        "in_middle_ten_days_share",
        "in_last_days_share",
        "in_weekday_share",
        "in_peak_quarter_share",
        "in_class_entropy",
    ],
    [
        "out_first_ten_days_share",
        "out_middle_ten_days_share",
        "out_last_days_share",
        "out_weekday_share",
        "out_peak_quarter_share",
        "out_class_entropy",
    ],
];

/// The number of quarters of which the strongest is taken.
const PEAK_QUARTERS: i32 = 4;

/// The segment's row.
pub fn row(year: Result<&Year<'_>, Reason>, history: &History<'_>) -> Items {
    Direction::BOTH.into_iter().flat_map(|way| one_way(year, history, way)).collect()
}

fn one_way(year: Result<&Year<'_>, Reason>, history: &History<'_>, way: Direction) -> [Value; CODES[0].len()] {
    let [first, middle, last, weekday] = year.map_or_else(nulls, |year| date_shares(year.months, way));
    [
        first,
        middle,
        last,
        weekday,
        Value::ratio(peak_quarter_share(history, way)),
        Value::ratio(year.and_then(|year| class_entropy(year.months, way))),
    ]
}

/// Shares of days 1-10, 11-20, 21 to the end, and Monday to Friday; the parts are dates, each at least 0.
fn date_shares(months: &[MonthFacts<'_>], way: Direction) -> [Value; 4] {
    let (mut thirds_fen, mut weekday_fen) = ([0; 3], 0);
    for facts in months {
        let first = facts.month.first_day();
        for day in facts.dates() {
            let part_fen = day.operating_fen[way as usize].max(0);
            // Days 0 to 9, 10 to 19, and the rest of the month counted from 0.
            thirds_fen[((day.date.0 - first.0) / 10).clamp(0, 2) as usize] += part_fen;
            if day.date.is_weekday() {
                weekday_fen += part_fen;
            }
        }
    }
    let whole_fen: i128 = thirds_fen.iter().sum();
    let [first, middle, last] = thirds_fen;
    [first, middle, last, weekday_fen].map(|part_fen| Value::ratio(share(part_fen, whole_fen)))
}

/// `in_peak_quarter_share`: the highest of the last four complete quarters / their sum.
fn peak_quarter_share(history: &History<'_>, way: Direction) -> Result<i128, Reason> {
    let (mut peak_fen, mut whole_fen) = (0, 0);
    for back in 0..PEAK_QUARTERS {
        let quarter = history.complete_quarter(back).map_err(|_| Reason::HistoryShort)?;
        let part_fen = period_operating(quarter, way).amount_fen.max(0);
        peak_fen = part_fen.max(peak_fen);
        whole_fen += part_fen;
    }
    share(peak_fen, whole_fen)
}

/// `in_class_entropy`: Shannon entropy of the classes by amount / its largest value, ln 7; millionths.
///
/// Only this logarithm uses floats. Its error must be within 1e-6, and no money is computed from it.
fn class_entropy(months: &[MonthFacts<'_>], way: Direction) -> Result<i128, Reason> {
    let parts_fen = period_classes(months).map(|flows| flows[way as usize].amount_fen.max(0));
    let whole_fen: i128 = parts_fen.iter().sum();
    if whole_fen == 0 {
        return Err(Reason::NoActivity);
    }
    let shares = parts_fen.iter().filter(|part_fen| **part_fen > 0).map(|part_fen| *part_fen as f64 / whole_fen as f64);
    let entropy: f64 = shares.map(|share| -share * share.ln()).sum();
    Ok((entropy / (CLASSES as f64).ln() * 1e6).round_ties_even() as i128)
}
