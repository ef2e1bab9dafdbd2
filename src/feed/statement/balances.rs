//! The first pass over a statement file: its balances and references.
//!
//! Owns: the rule that the opening balance and the entries of a statement add up to its closing balance, also over pages; and
//! which references are unique.

use std::collections::{HashMap, HashSet};

use super::event::{BalanceScope, Entry, StatementEvent, StatementEvents};
use crate::feed::reject::{Code, FileFault};
use crate::period::parse_time;

/// References that are compared. A file with more gets identifiers that are made.
const REFERENCES_MAX: usize = 4 << 20;

/// The results of the first pass.
#[derive(Default, Debug)]
pub(super) struct FirstPass {
    /// For each statement, whether the balance after each of its entries is certain.
    pub(super) has_balances: Vec<bool>,
    /// Hashes of references that come more than once in an account.
    repeated: HashSet<u64>,
    /// There are more than [`REFERENCES_MAX`] references.
    has_too_many: bool,
}

/// A statement in the first pass.
#[derive(Default)]
struct StatementTotals {
    account: String,
    opening: Option<(Option<i64>, BalanceScope)>,
    closing: Option<(Option<i64>, BalanceScope)>,
    sum_fen: i128,
    /// An amount or a time is invalid; the checks refuse its row.
    is_unclear: bool,
    newest_us: Option<i64>,
    /// An entry was booked before the entry that precedes it.
    is_unordered: bool,
}

impl FirstPass {
    /// Reads all events and checks each statement.
    ///
    /// # Errors
    /// [`Code::StatementMismatch`] for a statement whose balances do not hold; any fault of the file.
    pub(super) fn of(events: StatementEvents) -> Result<FirstPass, FileFault> {
        let (mut pass, mut totals, mut references) = (FirstPass::default(), StatementTotals::default(), Vec::new());
        // The closing balance of the last page of each account whose statement has more pages.
        let mut pages: HashMap<String, i64> = HashMap::new();
        for event in events {
            match event? {
                StatementEvent::Begin => totals = StatementTotals::default(),
                StatementEvent::Account(account) => totals.account = account,
                StatementEvent::Opening(fen, page) => totals.opening = Some((fen, page)),
                StatementEvent::Closing(fen, page) => totals.closing = Some((fen, page)),
                StatementEvent::Entries(entries) => {
                    for entry in &entries {
                        totals.add(entry);
                        if !entry.reference.is_empty() && references.len() < REFERENCES_MAX {
                            references.push(entry.reference_hash(&totals.account));
                        }
                    }
                }
                StatementEvent::Pending => {}
                StatementEvent::End => {
                    let number = pass.has_balances.len() + 1;
                    pass.has_balances.push(totals.check(number, &mut pages)?);
                }
            }
        }
        if !pages.is_empty() {
            let hint = "the last page of a statement is missing: its balance says that more follow";
            return Err(FileFault::whole(Code::TruncatedFile, hint));
        }
        pass.has_too_many = references.len() >= REFERENCES_MAX;
        references.sort_unstable();
        pass.repeated = references.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        Ok(pass)
    }

    /// Whether an entry's reference is unique in its account.
    pub(super) fn identifies(&self, entry: &Entry, account: &str) -> bool {
        !self.has_too_many && !entry.reference.is_empty() && !self.repeated.contains(&entry.reference_hash(account))
    }
}

impl StatementTotals {
    fn add(&mut self, entry: &Entry) {
        match entry.change_fen() {
            Some(fen) => self.sum_fen += i128::from(fen),
            None => self.is_unclear = true,
        }
        let Some(booked_us) = parse_time(&entry.booked_at) else {
            self.is_unclear = true;
            return;
        };
        self.is_unordered |= self.newest_us.is_some_and(|newest| booked_us < newest);
        self.newest_us = self.newest_us.max(Some(booked_us));
    }

    /// Checks a complete statement against its balances, and returns whether the balance after each entry is certain.
    fn check(&self, number: usize, pages: &mut HashMap<String, i64>) -> Result<bool, FileFault> {
        let mismatch =
            |what: &str| Err(FileFault::whole(Code::StatementMismatch, format!("statement {number}: {what}")));
        let (Some((opening, first)), Some((closing, last))) = (self.opening, self.closing) else {
            return mismatch("it tells no opening or no closing balance; have it sent again");
        };
        let (Some(opening), Some(closing)) = (opening, closing) else {
            return mismatch("its opening or closing balance is no amount");
        };
        let before = pages.remove(&self.account);
        match (first, before) {
            (BalanceScope::Page, Some(before)) if before != opening => {
                return mismatch("the page does not begin with the balance that the page before ends with");
            }
            (BalanceScope::Statement, Some(_)) => return mismatch("the statement before it lacks its last page"),
            _ => {}
        }
        if last == BalanceScope::Page {
            pages.insert(self.account.clone(), closing);
        }
        if self.is_unclear {
            return Ok(false);
        }
        if i128::from(opening) + self.sum_fen != i128::from(closing) {
            return mismatch(
                "opening balance + credits - debits is not the closing balance; an entry is missing or wrong",
            );
        }
        Ok(!self.is_unordered)
    }
}
