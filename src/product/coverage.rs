//! The share of money whose counterparty is identified: `identified_share` and `identified_amount_ratio`.
//!
//! Owns: the formula, which both products use over their own windows. Does not own: whether a row is identified (`class`,
//! `cell`).

use super::history::{MonthFacts, period_funds};
use super::share;
use super::value::Reason;

/// `appendix.identified_share` over a period, millionths: I / (I + U), each net and at least 0.
///
/// # Errors
/// [`Reason::NoActivity`] where both are 0.
pub fn identified_share(period: &[MonthFacts<'_>]) -> Result<i128, Reason> {
    let [income, spending] = period_funds(period);
    let unidentified_fen: i128 = period.iter().filter_map(|facts| facts.cell).map(|cell| cell.unidentified_fen).sum();
    let identified_fen = (income.amount_fen + spending.amount_fen - unidentified_fen).max(0);
    share(identified_fen, identified_fen + unidentified_fen.max(0))
}
