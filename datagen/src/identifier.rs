//! Identifiers of accounts and transactions in the feed.
//!
//! Owns their layout. The numbers in them are `economy`'s.

use crate::calendar;
use crate::code;
use crate::delivery::{Delivery, Fault};
use crate::economy::Economy;
use crate::row::{Booking, Row};

pub(crate) const ACCOUNT_DIGITS: usize = 16;
pub(crate) const TXN_DIGITS: usize = 20;

/// Appends the account number of a row.
pub(crate) fn push_account_id(out: &mut String, economy: &Economy, row: &Row) {
    let number = match row.delivery {
        // No account number of a bank begins with 9999.
        Delivery::Bad(Fault::UnknownAccount) => 9_999_000_000_000_000 + economy.key(row.account) % 1_000_000_000_000,
        _ => economy.number(row.account, row.bank),
    };
    code::push_digits(out, number, ACCOUNT_DIGITS);
}

/// Appends the 20 digits that identify a booking: day, branch, journal number. The journal number hides the running
/// number of the month, so identifiers do not show the order. They are unique within an account and month.
pub(crate) fn push_txn_id(out: &mut String, economy: &Economy, row: &Row, booking: Booking) {
    let (year, month, day) = calendar::civil(booking.day);
    let date = u64::from(year.unsigned_abs()) * 10_000 + u64::from(month * 100 + day);
    code::push_digits(out, date * 10_000 + u64::from(economy.branch(row.account)), 12);
    code::push_digits(out, economy.journal(row.account, booking.number), 8);
}
