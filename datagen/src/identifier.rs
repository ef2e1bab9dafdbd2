//! Identifiers of accounts and transactions as the feed shows them.
//! Owns their layout. The numbers in them are `economy`'s.

use crate::calendar;
use crate::code;
use crate::delivery::{Delivery, Fault};
use crate::economy::Economy;
use crate::row::{Booking, Row};

pub(crate) const ACCOUNT_DIGITS: usize = 16;
pub(crate) const TXN_DIGITS: usize = 20;

/// Appends the account's id.
pub(crate) fn push_account_id(out: &mut String, economy: &Economy, row: &Row) {
    let number = match row.delivery {
        // No bank's numbers begin so.
        Delivery::Bad(Fault::UnknownAccount) => 9_999_000_000_000_000 + economy.key(row.account) % 1_000_000_000_000,
        _ => economy.number(row.account, row.bank),
    };
    code::push_digits(out, number, ACCOUNT_DIGITS);
}

/// Appends the 20 digits that name a booking: day, branch, journal number. The journal number scatters the running
/// number of the month, so ids tell nothing of the order and are distinct within account and month.
pub(crate) fn push_txn_id(out: &mut String, economy: &Economy, row: &Row, booking: Booking) {
    let (year, month, day) = calendar::civil(booking.day);
    let date = u64::from(year.unsigned_abs()) * 10_000 + u64::from(month * 100 + day);
    code::push_digits(out, date * 10_000 + u64::from(economy.branch(row.account)), 12);
    code::push_digits(out, economy.journal(row.account, booking.number), 8);
}
