//! Segment `counterparty_turnover`: changes in the set of trade counterparties from Q1 to Q0.
//!
//! Owns: the comparison of the two sets. Does not own: which counterparties are counted (`product::counterparties`).

use crate::flow::Direction;
use crate::money::ratio;

use super::counterparties::{Counterparties, TradeCounterparty};
use super::history::History;
use super::value::{Items, Reason, Value};
use super::{nulls, share};

/// Items of the segment, by direction.
pub const CODES: [[&str; 5]; 2] = [
    ["in_new_ratio", "in_lost_ratio", "in_turnover_rate", "in_jaccard", "in_retained_amount_share"],
    ["out_new_ratio", "out_lost_ratio", "out_turnover_rate", "out_jaccard", "out_retained_amount_share"],
];

/// The segment's row.
pub fn row(history: &History<'_>, counterparties: &mut Counterparties<'_>) -> Items {
    let mut trade_counterparties = |back| Ok(counterparties.trade_counterparties(history.complete_quarter(back)?));
    let quarters = trade_counterparties(0).and_then(|q0| Ok((q0, trade_counterparties(1)?)));
    let one_way = |way| -> [Value; CODES[0].len()] {
        match &quarters {
            Ok((current, prior)) => Change::new(current, prior, way).items(),
            Err(reason) => nulls(*reason),
        }
    };
    Direction::BOTH.into_iter().flat_map(one_way).collect()
}

/// Sizes and amounts of the sets C (Q0) and P (Q1) in one direction.
#[derive(Default)]
struct Change {
    /// |C|.
    current: i128,
    /// |P|.
    prior: i128,
    /// |C and P|.
    both: i128,
    /// Amount in Q0 of all in C, fen; each at least 0.
    current_fen: i128,
    /// Amount in Q0 of those in both, fen; each at least 0.
    both_fen: i128,
}

impl Change {
    /// Compares the two lists, which both ascend by number.
    fn new(current: &[TradeCounterparty], prior: &[TradeCounterparty], way: Direction) -> Change {
        let mut change = Change::default();
        let mut prior = prior.iter().filter(|counterparty| counterparty.is_counted(way)).peekable();
        for counterparty in current.iter().filter(|counterparty| counterparty.is_counted(way)) {
            while prior.next_if(|other| other.number < counterparty.number).is_some() {
                change.prior += 1;
            }
            change.current += 1;
            change.current_fen += counterparty.part_fen(way);
            if prior.next_if(|other| other.number == counterparty.number).is_some() {
                change.prior += 1;
                change.both += 1;
                change.both_fen += counterparty.part_fen(way);
            }
        }
        change.prior += prior.count() as i128;
        change
    }

    fn items(&self) -> [Value; CODES[0].len()] {
        let Change { current, prior, both, .. } = *self;
        let of_sets = |part, whole| Value::ratio(ratio(part, whole).ok_or(Reason::NoCounterparty));
        [
            of_sets(current - both, current),
            of_sets(prior - both, prior),
            // 1 - 2 |C and P| / (|C| + |P|)
            of_sets(current + prior - 2 * both, current + prior),
            of_sets(both, current + prior - both),
            Value::ratio(self.retained_amount_share()),
        ]
    }

    /// `in_retained_amount_share`.
    fn retained_amount_share(&self) -> Result<i128, Reason> {
        if self.current == 0 {
            return Err(Reason::NoCounterparty);
        }
        share(self.both_fen, self.current_fen)
    }
}
