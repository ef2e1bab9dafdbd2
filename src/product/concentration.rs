//! Segment `concentration`: the weight of the largest trade counterparties, over W.
//!
//! Owns: the largest shares, HHI and its inverse. Does not own: which counterparties are counted
//! (`product::counterparties`).

use arrow::datatypes::i256;

use crate::flow::Direction;
use crate::money::ratio_wide;

use super::counterparties::TradeCounterparty;
use super::value::{Items, Reason, Value};
use super::year::Year;
use super::{nulls, share};

/// Items of the segment, by direction.
pub const CODES: [[&str; 7]; 2] = [
    [
        "in_top1_share",
        "in_top3_share",
        "in_top5_share",
        "in_top10_share",
        "in_hhi",
        "in_effective_counterparties",
        "in_counterparties",
    ],
    [
        "out_top1_share",
        "out_top3_share",
        "out_top5_share",
        "out_top10_share",
        "out_hhi",
        "out_effective_counterparties",
        "out_counterparties",
    ],
];

/// The segment's row.
pub fn row(year: Result<&Year<'_>, Reason>) -> Items {
    Direction::BOTH.into_iter().flat_map(|way| one_way(year, way)).collect()
}

fn one_way(year: Result<&Year<'_>, Reason>, way: Direction) -> [Value; CODES[0].len()] {
    let year = match year {
        Ok(year) => year,
        Err(reason) => return nulls(reason),
    };
    let parts = Parts::new(&year.trade_counterparties, way);
    let [top1, top3, top5, top10] = [1, 3, 5, 10].map(|largest| Value::ratio(parts.top_share(largest)));
    [
        top1,
        top3,
        top5,
        top10,
        Value::ratio(parts.hhi()),
        Value::ratio(parts.effective_counterparties()),
        Value::Count(parts.largest_first.len() as i64),
    ]
}

/// The parts of the counted counterparties in one direction.
struct Parts {
    /// Net amounts, fen, at least 0.
    largest_first: Vec<i128>,
    /// A: their sum, fen.
    whole_fen: i128,
    /// Sum of their squares: one part is below 2^68 (24 sums of 64 bits), so the squares need more than 128
    /// bits.
    square_sum: i256,
}

impl Parts {
    fn new(trade_counterparties: &[TradeCounterparty], way: Direction) -> Parts {
        let counted = trade_counterparties.iter().filter(|counterparty| counterparty.is_counted(way));
        let mut largest_first: Vec<i128> = counted.map(|counterparty| counterparty.part_fen(way)).collect();
        largest_first.sort_unstable_by(|a, b| b.cmp(a));
        let square = |fen: &i128| i256::from_i128(*fen).wrapping_mul(i256::from_i128(*fen));
        Parts {
            whole_fen: largest_first.iter().sum(),
            square_sum: largest_first.iter().map(square).fold(i256::ZERO, i256::wrapping_add),
            largest_first,
        }
    }

    /// An error if a share of A has no value.
    fn check(&self) -> Result<(), Reason> {
        if self.largest_first.is_empty() { Err(Reason::NoCounterparty) } else { Ok(()) }
    }

    /// `in_top1_share` and the like: the largest parts / A.
    fn top_share(&self, largest: usize) -> Result<i128, Reason> {
        self.check()?;
        share(self.largest_first.iter().take(largest).sum(), self.whole_fen)
    }

    /// `in_hhi`: sum of (A_k / A)^2.
    fn hhi(&self) -> Result<i128, Reason> {
        self.check()?;
        ratio_wide(self.square_sum, self.whole_square()).ok_or(Reason::NoActivity)
    }

    /// `in_effective_counterparties`: 1 / HHI, from the unrounded HHI.
    fn effective_counterparties(&self) -> Result<i128, Reason> {
        self.check()?;
        ratio_wide(self.whole_square(), self.square_sum).ok_or(Reason::NoActivity)
    }

    /// A^2. A month has fewer than 2^32 counterparties, so A stays below 2^100 and ratios of squares fit.
    fn whole_square(&self) -> i256 {
        i256::from_i128(self.whole_fen).wrapping_mul(i256::from_i128(self.whole_fen))
    }
}
