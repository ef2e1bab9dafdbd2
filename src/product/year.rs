//! W, prepared once for all families of segments that sum over it.
//!
//! Owns: the months of W, its days and its trade counterparties. Does not own: the limits of W (`product::window`), or the
//! formulas.

use crate::flow::{Direction, Flow};

use super::counterparties::{Counterparties, TradeCounterparty};
use super::history::{MonthFacts, period_days};

/// W, the last three to twelve complete months.
#[derive(Clone, Debug)]
pub struct Year<'a> {
    /// Its months, oldest first.
    pub months: &'a [MonthFacts<'a>],
    /// The number of its days.
    pub days: i64,
    /// Trade counterparties over W, ascending by number.
    pub trade_counterparties: Vec<TradeCounterparty>,
}

impl<'a> Year<'a> {
    /// W of its months, and of the account's counterparties.
    pub fn new(months: &'a [MonthFacts<'a>], counterparties: &mut Counterparties<'_>) -> Year<'a> {
        Year { months, days: period_days(months), trade_counterparties: counterparties.trade_counterparties(months) }
    }

    /// The number of its months.
    pub fn month_count(&self) -> i64 {
        self.months.len() as i64
    }

    /// The monthly operating flows one way.
    pub fn operating(&self, way: Direction) -> impl Iterator<Item = Flow> {
        self.months.iter().map(move |facts| facts.operating(way))
    }
}
