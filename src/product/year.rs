//! W added up once for all families that sum over it.
//!
//! Owns: W's months with what several families need of them. Does not own: which months W holds
//! (`product::window`), the formulas.

use crate::flow::{Direction, Flow};

use super::counterparties::{CountedParty, Parties};
use super::history::{MonthFacts, period_days};

/// W, the last three to twelve complete months.
#[derive(Clone, Debug)]
pub struct Year<'a> {
    /// Its months, oldest first.
    pub months: &'a [MonthFacts<'a>],
    /// Its days.
    pub days: i64,
    /// Trade counterparties over W, ascending by number.
    pub counted_parties: Vec<CountedParty>,
}

impl<'a> Year<'a> {
    /// W of its months, and of the account's counterparties.
    pub fn new(months: &'a [MonthFacts<'a>], parties: &mut Parties<'_>) -> Year<'a> {
        Year { months, days: period_days(months), counted_parties: parties.counted_parties(months) }
    }

    /// How many months it has.
    pub fn month_count(&self) -> i64 {
        self.months.len() as i64
    }

    /// The monthly operating flows one way.
    pub fn operating(&self, way: Direction) -> impl Iterator<Item = Flow> {
        self.months.iter().map(move |facts| facts.operating(way))
    }
}
