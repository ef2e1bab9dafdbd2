//! The six class segments: flows and counterparties of one class, a row a period.
//!
//! Owns: `public`, `same_name`, `payment_platform`, `agency`, `opening_bank` and `other`, which have the same
//! items. Does not own: what counts as a counterparty (`product::parties`); cash, which is part of `funds`.

use crate::class::Class;
use crate::flow::Flows;

use super::history::{MonthFacts, period_classes};
use super::parties::{Counted, counted};
use super::value::{Reason, Value};

/// The segments, in order, and the class of each.
pub const SEGMENTS: [(&str, Class); 6] = [
    ("public", Class::Public),
    ("same_name", Class::SameName),
    ("payment_platform", Class::PaymentPlatform),
    ("agency", Class::Agency),
    ("opening_bank", Class::OpeningBank),
    ("other", Class::Other),
];

/// Items of each of the segments.
pub const CODES: [&str; 9] = [
    "period",
    "in_count",
    "in_amount",
    "out_count",
    "out_amount",
    "in_counterparties",
    "out_counterparties",
    "top_in_amount",
    "top_out_amount",
];

/// The rows of one period, one a segment.
pub fn rows(label: &Value, period: &[MonthFacts<'_>]) -> [[Value; CODES.len()]; SEGMENTS.len()] {
    let (classes, counted) = (period_classes(period), counted(period));
    SEGMENTS.map(|(_, class)| row(label.clone(), classes[class as usize], counted[class as usize]))
}

fn row(label: Value, [income, spending]: Flows, [payers, payees]: [Counted; 2]) -> [Value; CODES.len()] {
    let top = |of: Counted| Value::money(of.top_fen.ok_or(Reason::NoCounterparty));
    [
        label,
        Value::Count(income.count),
        Value::Money(income.amount_fen),
        Value::Count(spending.count),
        Value::Money(spending.amount_fen),
        Value::Count(payers.counterparties),
        Value::Count(payees.counterparties),
        top(payers),
        top(payees),
    ]
}
