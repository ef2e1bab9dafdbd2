//! The `accounts` table: its checks, and the numbers by which later stages refer to accounts.
//!
//! Owns: which rows of the table are good, and the order of accounts (by the UTF-8 bytes of `account_id`, from 0). Does not
//! own: reading files (`feed::format`).

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, StringArray, StringViewArray};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::convert::Converter;
use super::ids::Ids;
use super::raw::{RawBatch, RowNumbers};
use super::reject::{Code, FileRejects};
use super::schema::{ACCOUNTS, Column, Typing, is_bank_code};
use crate::account::{ACCOUNT_STATUSES, ACCOUNT_TYPES, Account, Accounts, KnownAccount, uscc_is_valid};
use crate::period::Date;

/// All accounts of a feed, by number and by id.
#[derive(Default, Debug)]
pub struct AccountIndex {
    /// Ascending by `account_id`.
    accounts: Vec<Account>,
    /// The accounts' ids by their numbers, then those of refused accounts.
    ids: Ids,
    /// The accounts' currencies, ascending, and which of them each account has.
    currencies: Vec<Arc<str>>,
    currency_of: Vec<u16>,
    /// A file of accounts could not be read, so an unknown account may be in it.
    is_incomplete: bool,
}

/// The number of the refusal that stands for all accounts of files that could not be read.
const REFUSAL_OF_A_FILE: u32 = u32::MAX;

impl AccountIndex {
    /// Notes that a file of accounts could not be read. Rows of unknown accounts are then rejected as those of refused
    /// accounts are, once for each file, since the fault is not in the rows.
    pub fn set_incomplete(&mut self) {
        self.is_incomplete = true;
    }

    /// Sets `records_from` of every account that has none.
    pub fn set_records_from(&mut self, date: Date) {
        for account in &mut self.accounts {
            account.records_from.get_or_insert(date);
        }
    }

    /// The account with this number.
    pub fn get(&self, number: u32) -> Option<&Account> {
        self.accounts.get(number as usize)
    }

    /// All accounts, in the order of their numbers.
    pub fn all(&self) -> &[Account] {
        &self.accounts
    }
}

impl Accounts for AccountIndex {
    fn count(&self) -> u32 {
        self.accounts.len() as u32
    }

    fn account(&self, number: u32) -> Option<Cow<'_, Account>> {
        self.get(number).map(Cow::Borrowed)
    }

    fn find_all(&self, account_ids: &StringViewArray, found: &mut Vec<Option<KnownAccount>>) {
        let accounts = self.accounts.len() as u32;
        let missing = self.is_incomplete.then_some(KnownAccount::Refused(REFUSAL_OF_A_FILE));
        let known = |place: Option<u32>| match place {
            Some(place) if place < accounts => Some(KnownAccount::Account(place)),
            Some(place) => Some(KnownAccount::Refused(place - accounts)),
            None => missing,
        };
        self.ids.look_up(account_ids.iter().map(Option::unwrap_or_default), found, known);
    }

    fn currency(&self, code: &str) -> Option<u16> {
        self.currencies.binary_search_by(|known| (**known).cmp(code)).ok().map(|at| at as u16)
    }

    fn currency_of(&self, number: u32) -> Option<u16> {
        self.currency_of.get(number as usize).copied()
    }

    fn has_one_currency(&self) -> bool {
        self.currencies.len() <= 1
    }
}

/// Collects rows of `accounts` from all its files, in path order.
#[derive(Default)]
pub struct AccountsBuilder {
    accounts: HashMap<String, Account>,
    refused: HashSet<String>,
    shared: HashSet<Arc<str>>,
}

impl AccountsBuilder {
    /// Checks a batch and takes its good rows; bad ones go to `rejects`.
    pub fn add(&mut self, raw: &RawBatch, typing: Typing, rejects: &FileRejects) {
        let [account_id, provider_id, provider_name, bank_code, uscc, name, former, rest @ ..] = &ACCOUNTS;
        let [account_type, currency, opened_on, closed_on, records_from, status] = rest;
        let mut from = Converter::new(&raw.batch, typing);
        let ids = from.text(account_id);
        let provider_ids = from.text(provider_id);
        let provider_names = from.text(provider_name);
        let bank_codes = self.checked(&mut from, bank_code, Code::BadValue, is_bank_code);
        let usccs = self.checked(&mut from, uscc, Code::BadUscc, uscc_is_valid);
        let names = from.text(name);
        let former_names = from.lists(former);
        let types = self.checked(&mut from, account_type, Code::BadValue, |v| ACCOUNT_TYPES.contains(&v));
        let currencies = self.checked(&mut from, currency, Code::BadCurrency, is_currency);
        let [opened, closed, recorded] = [opened_on, closed_on, records_from].map(|column| from.date(column));
        let statuses = self.checked(&mut from, status, Code::BadValue, |v| ACCOUNT_STATUSES.contains(&v));

        for (row, column, code) in from.faults.iter() {
            rejects.note(Some(raw.rows.of(row)), Some(column), code);
            if ids.is_valid(row) {
                self.refused.insert(ids.value(row).to_string());
            }
        }
        let good = (0..from.rows()).filter(|row| !from.faults.is_bad(*row));
        for row in good {
            let account = Account {
                account_id: ids.value(row).to_string(),
                provider_id: self.share(provider_ids.value(row)),
                provider_name: self.share(provider_names.value(row)),
                bank_code: bank_codes.is_valid(row).then(|| self.share(bank_codes.value(row))),
                subject_uscc: usccs.value(row).to_string(),
                subject_name: names.value(row).to_string(),
                former_names: former_names.get(row).cloned().unwrap_or_default(),
                account_type: one_of(&ACCOUNT_TYPES, types.value(row)),
                currency: self.share(currencies.value(row)),
                opened_on: opened.get(row).copied().flatten(),
                closed_on: closed.get(row).copied().flatten(),
                records_from: recorded.get(row).copied().flatten(),
                status: one_of(&ACCOUNT_STATUSES, statuses.value(row)),
            };
            match self.accounts.get(&account.account_id) {
                // Equal rows count once.
                Some(first) if *first == account => {}
                Some(_) => rejects.note(Some(raw.rows.of(row)), Some(account_id.name), Code::DuplicateConflict),
                None => {
                    self.accounts.insert(account.account_id.clone(), account);
                }
            }
        }
    }

    /// Checks the one account that a mapping gives as columns and texts, and takes it if it is good.
    ///
    /// # Errors
    /// Where Arrow cannot build the row: an internal error.
    pub fn add_constants(
        &mut self,
        constants: &[(&'static str, String)],
        rejects: &FileRejects,
    ) -> Result<(), ArrowError> {
        let columns = constants.iter().map(|(name, text)| {
            let column: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));
            (*name, column)
        });
        let batch = RecordBatch::try_from_iter(columns)?;
        let raw = RawBatch { batch, rows: RowNumbers::From(1), skips: Vec::new(), faults: Vec::new() };
        self.add(&raw, Typing::AllText, rejects);
        Ok(())
    }

    /// Numbers the good accounts. A bad row refuses its account, even if another row of the account is good.
    pub fn finish(self) -> AccountIndex {
        let mut accounts: Vec<Account> =
            self.accounts.into_values().filter(|account| !self.refused.contains(&account.account_id)).collect();
        accounts.sort_unstable_by(|a, b| a.account_id.as_bytes().cmp(b.account_id.as_bytes()));
        let ids = accounts.iter().map(|account| account.account_id.as_str());
        let ids = Ids::new(ids.chain(self.refused.iter().map(String::as_str)));
        let currencies: BTreeSet<_> = accounts.iter().map(|account| Arc::clone(&account.currency)).collect();
        let mut index = AccountIndex { ids, currencies: currencies.into_iter().collect(), ..AccountIndex::default() };
        // A code has three letters, so a u16 holds their number.
        index.currency_of = accounts.iter().filter_map(|account| index.currency(&account.currency)).collect();
        AccountIndex { accounts, ..index }
    }

    fn checked(
        &self,
        from: &mut Converter<'_>,
        column: &Column,
        code: Code,
        allowed: impl Fn(&str) -> bool,
    ) -> StringViewArray {
        let texts = from.text(column);
        for (row, text) in texts.iter().enumerate() {
            if text.is_some_and(|text| !allowed(text)) {
                from.faults.note(row, column, code);
            }
        }
        texts
    }

    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.shared.get(text) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = text.into();
        self.shared.insert(Arc::clone(&shared));
        shared
    }
}

/// Whether a text is three capital letters, as every code of ISO 4217 is.
fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// The static text that equals a value, which was checked to be one of `values`.
fn one_of(values: &[&'static str], value: &str) -> &'static str {
    values.iter().find(|allowed| **allowed == value).copied().unwrap_or_default()
}
