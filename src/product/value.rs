//! The value of an item, and why it may be missing.
//!
//! Owns: the typed value between the formulas and the renderings. Does not own: the item's name or type (the
//! dictionary) nor its text (the renderings).

use std::sync::Arc;

use crate::period::{Date, Month, Quarter};

/// Why an item has no value: the first reason that holds, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// The provider or subject gave no such value.
    NotGiven,
    /// Too few complete months or quarters.
    HistoryShort,
    /// Q0, Q1 or Q4 lies before the opening date.
    NoPriorPeriod,
    /// No row carried a balance.
    NoBalance,
    /// No counterparty counted.
    NoCounterparty,
    /// Nothing to divide by: no amount, no row.
    NoActivity,
    /// The formula has no value: a mean of 0, all values equal.
    NotDefined,
}

impl Reason {
    /// The reason as `null_reasons` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::NotGiven => "not_given",
            Reason::HistoryShort => "history_short",
            Reason::NoPriorPeriod => "no_prior_period",
            Reason::NoBalance => "no_balance",
            Reason::NoCounterparty => "no_counterparty",
            Reason::NoActivity => "no_activity",
            Reason::NotDefined => "not_defined",
        }
    }
}

/// One item's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// No value, and why.
    Null(Reason),
    /// No value because none is meant: the upper bound of the last band.
    NoLimit,
    /// A string, text or enum.
    Text(Arc<str>),
    /// A count.
    Count(i64),
    /// Fen.
    Money(i128),
    /// Millionths.
    Ratio(i128),
    /// A date.
    Date(Date),
    /// A month, as a period or as a value.
    Month(Month),
    /// A quarter.
    Quarter(Quarter),
    /// Seconds since 1970 in UTC.
    Instant(i64),
}

impl Value {
    /// Money or the reason why there is none.
    pub fn money(fen: Result<i128, Reason>) -> Value {
        fen.map_or_else(Value::Null, Value::Money)
    }

    /// A ratio or the reason why there is none.
    pub fn ratio(millionths: Result<i128, Reason>) -> Value {
        millionths.map_or_else(Value::Null, Value::Ratio)
    }

    /// A count or the reason why there is none.
    pub fn count(count: Result<i64, Reason>) -> Value {
        count.map_or_else(Value::Null, Value::Count)
    }
}

/// The items of one row of a segment, in the dictionary's order.
pub type Items = Vec<Value>;

/// A segment's rows: exactly one where the dictionary says `rows = "one"`, else one a period or band.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Its rows, oldest or lowest first.
    pub rows: Vec<Items>,
}

/// One product of one account: its segments in the dictionary's order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Product {
    /// The segments.
    pub segments: Vec<Segment>,
}
