//! Segment `amount_bands`: operating transactions by size, one row per band, over Q0 and over W.
//!
//! Owns: the bands' counts, amounts and shares. Does not own: the bands' bounds (`cell`).

use crate::cell::BAND_LOWER_FEN;
use crate::flow::{Direction, Flows};

use super::history::{History, period_bands};
use super::value::{Reason, Segment, Value};
use super::year::Year;
use super::{nulls, share};

/// Items of the segment.
pub const CODES: [&str; 14] = [
    "lower_bound",
    "upper_bound",
    "quarter_in_count",
    "quarter_in_amount",
    "quarter_in_share",
    "quarter_out_count",
    "quarter_out_amount",
    "quarter_out_share",
    "year_in_count",
    "year_in_amount",
    "year_in_share",
    "year_out_count",
    "year_out_amount",
    "year_out_share",
];

/// Number of bands.
const BANDS: usize = BAND_LOWER_FEN.len();

/// Fills the segment, lowest band first.
pub fn fill(segment: &mut Segment, year: Result<&Year<'_>, Reason>, history: &History<'_>) {
    let with_wholes = |bands| (bands, wholes_fen(&bands));
    let quarter = history.complete_quarter(0).map(|quarter| with_wholes(period_bands(quarter)));
    let year = year.map(|year| with_wholes(period_bands(year.months)));
    for (band, lower) in BAND_LOWER_FEN.into_iter().enumerate() {
        let upper = BAND_LOWER_FEN.get(band + 1);
        let bounds = [Value::Money(lower.into()), upper.map_or(Value::NoLimit, |fen| Value::Money((*fen).into()))];
        let quarter = quarter.map_or_else(nulls, |(bands, wholes)| flows(bands[band], wholes));
        let year = year.map_or_else(nulls, |(bands, wholes)| flows(bands[band], wholes));
        segment.push(bounds.into_iter().chain(quarter).chain(year));
    }
}

/// Sum of the bands' amounts by direction, fen, each at least 0: the wholes of the shares.
fn wholes_fen(bands: &[Flows; BANDS]) -> [i128; 2] {
    Direction::BOTH.map(|way| bands.iter().map(|flows| flows[way as usize].amount_fen.max(0)).sum())
}

/// Count, amount and share of one band, in and out.
fn flows([income, spending]: Flows, [in_fen, out_fen]: [i128; 2]) -> [Value; 6] {
    let ratio = |amount_fen: i128, whole_fen| Value::ratio(share(amount_fen.max(0), whole_fen));
    [
        Value::Count(income.count),
        Value::Money(income.amount_fen),
        ratio(income.amount_fen, in_fen),
        Value::Count(spending.count),
        Value::Money(spending.amount_fen),
        ratio(spending.amount_fen, out_fen),
    ]
}
