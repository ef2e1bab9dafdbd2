//! The six class segments: flows and counterparties of one class, one row per period.
//!
//! Owns: `public`, `same_name`, `payment_platform`, `agency`, `opening_bank` and `other`, which have the same
//! items. Does not own: which counterparties are counted (`product::counterparties`), or cash, which is part of `funds`.

use crate::class::Class;
use crate::flow::Flows;

use super::counterparties::CountedFlows;
use super::value::{NewRow, Reason, Value};

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

/// Fills the row of one period and class.
pub fn fill(row: &mut NewRow<'_>, label: &Value, [income, spending]: &Flows, [payers, payees]: &CountedFlows) {
    row.value(label.clone());
    for flow in [income, spending] {
        row.count(flow.count);
        row.money(flow.amount_fen);
    }
    row.count(payers.counterparties);
    row.count(payees.counterparties);
    for counted in [payers, payees] {
        row.money_or(counted.top_fen.ok_or(Reason::NoCounterparty));
    }
}
