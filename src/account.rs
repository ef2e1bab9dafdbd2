//! The account: one row of the `accounts` table, after its checks.
//!
//! Owns: the row, its identifier's mask, the check character of a USCC, and the trait by which accounts are found
//! wherever they are kept. Does not own: reading the table (see `feed::accounts`) or the account's cells.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::StringViewArray;

use crate::period::Date;

/// The four values of `account_type`.
pub const ACCOUNT_TYPES: [&str; 4] = ["basic", "general", "special", "temporary"];

/// The four values of `status`.
pub const ACCOUNT_STATUSES: [&str; 4] = ["active", "dormant", "frozen", "closed"];

/// One account in a provider's books. Texts that many accounts share are shared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The account in the provider's books.
    pub account_id: String,
    /// The institution that keeps the account.
    pub provider_id: Arc<str>,
    /// Its name.
    pub provider_name: Arc<str>,
    /// CNAPS code of the opening branch.
    pub bank_code: Option<Arc<str>>,
    /// The holder's unified social credit code.
    pub subject_uscc: String,
    /// The holder's registered name.
    pub subject_name: String,
    /// The holder's earlier registered names.
    pub former_names: Vec<String>,
    /// One of [`ACCOUNT_TYPES`].
    pub account_type: &'static str,
    /// ISO 4217.
    pub currency: Arc<str>,
    /// Opening date, where given.
    pub opened_on: Option<Date>,
    /// Closing date, where given.
    pub closed_on: Option<Date>,
    /// First day from which the provider's records are complete, where given.
    pub records_from: Option<Date>,
    /// One of [`ACCOUNT_STATUSES`].
    pub status: &'static str,
}

impl Account {
    /// The opening date O, where the account's row decides it: the later of `opened_on` and `records_from`. `None` where
    /// neither is given; O is then the date of the account's first row.
    pub fn opening(&self) -> Option<Date> {
        self.opened_on.max(self.records_from)
    }
}

/// The accounts that transactions are checked and classified against, each known by a number: those of a feed's files, or
/// those of a store.
pub trait Accounts: Send + Sync {
    /// How many accounts there are. Their numbers ascend from 0 in the order of their ids' UTF-8 bytes.
    fn count(&self) -> u32;

    /// The account with this number.
    fn account(&self, number: u32) -> Option<Cow<'_, Account>>;

    /// Appends to `found` the account of each id, in their order; `None` for an id that no account has.
    fn find_all(&self, account_ids: &StringViewArray, found: &mut Vec<Option<KnownAccount>>);

    /// The number of a currency; `None` where no account has it.
    fn currency(&self, code: &str) -> Option<u16>;

    /// The number of an account's currency.
    fn currency_of(&self, number: u32) -> Option<u16>;

    /// Whether all accounts have the same currency.
    fn has_one_currency(&self) -> bool;
}

/// The account that an `account_id` stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KnownAccount {
    /// The account's number.
    Account(u32),
    /// The account's own row was refused; the number distinguishes refused accounts.
    Refused(u32),
}

/// First 4 and last 4 characters of an account id with `****` between; `****` alone below 12 characters.
pub fn mask(account_id: &str) -> String {
    let characters: Vec<char> = account_id.chars().collect();
    if characters.len() < 12 {
        return "****".to_string();
    }
    let (head, tail) = (&characters[..4], &characters[characters.len() - 4..]);
    format!("{}****{}", head.iter().collect::<String>(), tail.iter().collect::<String>())
}

/// Whether `code` is an 18-character USCC whose check character holds (GB 32100-2015: weights 3^i mod 31).
pub fn uscc_is_valid(code: &str) -> bool {
    const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let bytes = code.as_bytes();
    if bytes.len() != 18 {
        return false;
    }
    let (mut sum, mut weight) = (0, 1);
    for byte in &bytes[..17] {
        let Some(value) = ALPHABET.iter().position(|letter| letter == byte) else { return false };
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    bytes.last() == Some(&ALPHABET[(31 - sum % 31) % 31])
}

/// An account without dates.
#[cfg(test)]
pub fn account_for_tests() -> Account {
    Account {
        account_id: "6222020000001234".into(),
        provider_id: "P1".into(),
        provider_name: "示例银行".into(),
        bank_code: None,
        subject_uscc: "91350100M000100Y43".into(),
        subject_name: "示例商贸有限公司".into(),
        former_names: Vec::new(),
        account_type: "basic",
        currency: "CNY".into(),
        opened_on: None,
        closed_on: None,
        records_from: None,
        status: "active",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_is_the_later_of_the_dates_that_are_given() {
        let [early, late] = [Some(Date(10)), Some(Date(20))];
        let cases = [
            (None, None, None),
            (early, None, early),
            (None, early, early),
            (early, late, late),
            (late, early, late),
            (late, late, late),
        ];
        for (opened_on, records_from, expected) in cases {
            let account = Account { opened_on, records_from, ..account_for_tests() };
            assert_eq!(account.opening(), expected, "{opened_on:?} {records_from:?}");
        }
    }

    #[test]
    fn masks() {
        assert_eq!(mask("123456789012"), "1234****9012");
        assert_eq!(mask("12345678901"), "****");
        assert_eq!(mask("账户一二三四五六七八九十"), "账户一二****七八九十");
    }

    #[test]
    fn uscc_check_character() {
        // The specimen code of the standard, then with its check character and one digit changed.
        assert!(uscc_is_valid("91350100M000100Y43"));
        for wrong in ["91350100M000100Y44", "91350100M000100Y4", "91350101M000100Y43", "91350100I000100Y43"] {
            assert!(!uscc_is_valid(wrong), "{wrong}");
        }
    }
}
