//! The six class segments: flows and counterparties of one class, a row a period.
//!
//! Owns: `public`, `same_name`, `payment_platform`, `agency`, `opening_bank` and `other`, which have the same
//! items. Does not own: what counts as a counterparty (`product::parties`); cash, which is part of `funds`.

use crate::class::Class;
use crate::flow::Flows;

use super::parties::{Counted, CountedFlows};
use super::value::{Items, Reason, Value};

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

/// Fills in the row of one period and class: its flows, and what is counted of it.
pub fn fill(row: &mut Items, label: &Value, [income, spending]: &Flows, [payers, payees]: &CountedFlows) {
    let top = |of: &Counted| Value::money(of.top_fen.ok_or(Reason::NoCounterparty));
    let values: [Value; CODES.len()] = [
        label.clone(),
        Value::Count(income.count),
        Value::Money(income.amount_fen),
        Value::Count(spending.count),
        Value::Money(spending.amount_fen),
        Value::Count(payers.counterparties),
        Value::Count(payees.counterparties),
        top(payers),
        top(payees),
    ];
    row.extend(values);
}
