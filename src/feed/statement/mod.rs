//! Bank statements as a feed's rows: ISO 20022 camt.053 ([`camt`]) and SWIFT MT940 ([`mt940`]).
//!
//! Owns: the columns that an entry becomes, identifiers, running balances, and the rule that the entries of a statement lead
//! from its opening to its closing balance. Does not own: the two syntaxes, or the checks of values (`feed::check`).
//!
//! A file is read twice. The first pass holds every statement against its balances and finds references that come more
//! than once; the second gives rows. So no row is given of a file whose balances do not hold, and memory is a batch and a
//! few bytes a statement.

mod camt;
mod mt940;
mod text;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::record_batch::RecordBatch;

use self::text::TextReader;
use super::raw::{RawBatch, RawBatches, RowNumbers, SkipReason};
use super::reject::{Code, FileFault};
use super::schema::is_bank_code;
use crate::money::{money_text, parse_fen};
use crate::period::parse_time;

/// How a statement is written: the way from text to its parts.
#[derive(Clone, Copy)]
pub struct Syntax(fn(TextReader) -> Parts);

/// ISO 20022 `camt.053`, any version: XML.
pub const CAMT053: Syntax = Syntax(|text| Box::new(camt::Reader::new(text)));

/// SWIFT MT940: tagged lines.
pub const MT940: Syntax = Syntax(|text| Box::new(mt940::Reader::new(text)));

/// Largest value of a field, in bytes; a longer one makes the file unreadable.
const FIELD_BYTES_MAX: usize = 64 << 10;

/// References that are looked at for repeats; a file with more has its identifiers made.
const REFERENCES_MAX: usize = 4 << 20;

/// What a statement file says, in its order.
#[derive(Debug)]
enum Part {
    /// A statement begins.
    Begin,
    /// The account that it is of.
    Account(String),
    /// Its opening balance, fen; `None` where it is no amount.
    Opening(Option<i64>, Page),
    /// Its closing balance, likewise.
    Closing(Option<i64>, Page),
    /// Booked entries.
    Entries(Vec<Entry>),
    /// An entry that is not booked yet.
    Pending,
    /// The statement is whole.
    End,
}

/// Whether a balance is the statement's own, or that of one of its pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Page {
    Whole,
    /// More pages come before or after.
    Between,
}

/// One entry, as texts; an empty text is none.
#[derive(Clone, Default, Debug)]
struct Entry {
    /// The account servicer's reference.
    reference: String,
    /// In the form that the checks read.
    booked_at: String,
    /// Whether the account received the money.
    is_credit: bool,
    /// It takes back an earlier entry, which went the other way.
    is_reversal: bool,
    /// Without a sign.
    amount: String,
    currency: String,
    kind: &'static str,
    name: String,
    account: String,
    bank: String,
    uscc: String,
    summary: String,
    remark: String,
}

impl Entry {
    /// What the entry does to the balance, fen; `None` where its amount is none.
    fn change_fen(&self) -> Option<i64> {
        let fen = parse_fen(&self.amount).filter(|fen| *fen >= 0)?;
        Some(if self.is_credit { fen } else { -fen })
    }

    /// Whether the row's direction is in: that of the transaction which a reversal takes back.
    fn is_in(&self) -> bool {
        self.is_credit != self.is_reversal
    }

    /// Tells the entry from the others of its account.
    fn reference_hash(&self, account: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (account, &self.reference).hash(&mut hasher);
        hasher.finish()
    }
}

/// A statement file's parts, one after another; the first fault ends them.
type Parts = Box<dyn Iterator<Item = Result<Part, FileFault>> + Send>;

/// A file's parts, and its content's identifier where that is wanted.
fn parts(path: &Path, syntax: Syntax, wants_id: bool) -> Result<(Parts, String), FileFault> {
    let (text, id) = TextReader::open(path, wants_id)?;
    Ok((syntax.0(text), id))
}

/// Opens a statement file, plain or compressed as its name says, and holds its statements against their balances.
///
/// # Errors
/// [`Code::StatementMismatch`] where the entries of a statement do not lead from its opening to its closing balance or
/// one of them is missing; whatever makes the file unreadable.
pub fn open(path: &Path, syntax: Syntax, batch_rows: usize) -> Result<RawBatches, FileFault> {
    let survey = Survey::of(parts(path, syntax, false)?.0)?;
    let (parts, content_id) = parts(path, syntax, true)?;
    let rows = Rows {
        parts,
        content_id,
        survey,
        batch_rows: batch_rows.max(1),
        statement: 0,
        account: String::new(),
        balance_fen: None,
        row: 0,
        begun: false,
        ended: false,
    };
    Ok(Box::new(rows))
}

/// What the first pass found out.
#[derive(Default, Debug)]
struct Survey {
    /// By statement: whether each entry's balance is certain.
    has_balances: Vec<bool>,
    /// References that come more than once in an account.
    repeated: HashSet<u64>,
    /// There are too many references to look at.
    is_crowded: bool,
}

/// A statement on its way through the first pass.
#[derive(Default)]
struct Chain {
    account: String,
    opening: Option<(Option<i64>, Page)>,
    closing: Option<(Option<i64>, Page)>,
    sum_fen: i128,
    /// Some amount or time is none; the checks refuse its row.
    is_unclear: bool,
    newest_us: Option<i64>,
    /// A later entry was booked before an earlier one.
    goes_back: bool,
}

impl Survey {
    fn of(parts: Parts) -> Result<Survey, FileFault> {
        let (mut survey, mut chain, mut references) = (Survey::default(), Chain::default(), Vec::new());
        // The closing balance of each account's last page, where more pages come.
        let mut pages: HashMap<String, i64> = HashMap::new();
        for part in parts {
            match part? {
                Part::Begin => chain = Chain::default(),
                Part::Account(account) => chain.account = account,
                Part::Opening(fen, page) => chain.opening = Some((fen, page)),
                Part::Closing(fen, page) => chain.closing = Some((fen, page)),
                Part::Entries(entries) => {
                    for entry in &entries {
                        chain.add(entry);
                        if !entry.reference.is_empty() && references.len() < REFERENCES_MAX {
                            references.push(entry.reference_hash(&chain.account));
                        }
                    }
                }
                Part::Pending => {}
                Part::End => {
                    let number = survey.has_balances.len() + 1;
                    survey.has_balances.push(chain.check(number, &mut pages)?);
                }
            }
        }
        if !pages.is_empty() {
            let hint = "the last page of a statement is missing: its balance says that more follow";
            return Err(FileFault::whole(Code::TruncatedFile, hint));
        }
        survey.is_crowded = references.len() >= REFERENCES_MAX;
        references.sort_unstable();
        survey.repeated = references.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        Ok(survey)
    }

    /// Whether an entry's reference tells it from all others of the account.
    fn identifies(&self, entry: &Entry, account: &str) -> bool {
        !self.is_crowded && !entry.reference.is_empty() && !self.repeated.contains(&entry.reference_hash(account))
    }
}

impl Chain {
    fn add(&mut self, entry: &Entry) {
        match entry.change_fen() {
            Some(fen) => self.sum_fen += i128::from(fen),
            None => self.is_unclear = true,
        }
        let Some(booked_us) = parse_time(&entry.booked_at) else {
            self.is_unclear = true;
            return;
        };
        self.goes_back |= self.newest_us.is_some_and(|newest| booked_us < newest);
        self.newest_us = self.newest_us.max(Some(booked_us));
    }

    /// Holds a whole statement against its balances; whether the balance after each entry is certain comes back.
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
            (Page::Between, Some(before)) if before != opening => {
                return mismatch("the page does not begin with the balance that the page before ends with");
            }
            (Page::Whole, Some(_)) => return mismatch("the statement before it lacks its last page"),
            _ => {}
        }
        if last == Page::Between {
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
        Ok(!self.goes_back)
    }
}

/// The columns of an entry.
const COLUMNS: [&str; 15] = [
    "account_id",
    "txn_id",
    "booked_at",
    "seq",
    "direction",
    "amount",
    "balance",
    "currency",
    "kind",
    "counterparty_name",
    "counterparty_account",
    "counterparty_bank",
    "counterparty_uscc",
    "summary",
    "remark",
];

/// The second pass.
struct Rows {
    parts: Parts,
    content_id: String,
    survey: Survey,
    batch_rows: usize,
    /// Statements that have ended.
    statement: usize,
    account: String,
    /// After the entry before, where that is certain.
    balance_fen: Option<i64>,
    /// Number of the last entry.
    row: u64,
    /// A batch was given.
    begun: bool,
    ended: bool,
}

/// A batch in the making.
#[derive(Default)]
struct Batch {
    columns: [StringBuilder; COLUMNS.len()],
    rows: Vec<u64>,
    skips: Vec<(u64, SkipReason)>,
    /// Of its texts.
    bytes: usize,
}

/// A batch ends when its text reaches this, however few rows it has.
const BATCH_BYTES: usize = 8 << 20;

impl Iterator for Rows {
    type Item = Result<RawBatch, FileFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut batch = Batch::default();
        while batch.rows.len() + batch.skips.len() < self.batch_rows && batch.bytes < BATCH_BYTES {
            match self.parts.next() {
                Some(Ok(part)) => self.take(part, &mut batch),
                Some(Err(fault)) => {
                    // The first pass met none: the file changed in between.
                    self.ended = true;
                    return Some(Err(fault));
                }
                None => {
                    self.ended = true;
                    break;
                }
            }
        }
        if self.ended && self.statement != self.survey.has_balances.len() {
            return Some(Err(changed()));
        }
        if self.begun && batch.rows.is_empty() && batch.skips.is_empty() {
            return None;
        }
        self.begun = true;
        let made = batch.finish().map_err(|_| changed());
        self.ended |= made.is_err();
        Some(made)
    }
}

impl Rows {
    fn take(&mut self, part: Part, batch: &mut Batch) {
        let is_certain = self.survey.has_balances.get(self.statement).copied().unwrap_or(false);
        match part {
            Part::Begin => (self.account, self.balance_fen) = (String::new(), None),
            Part::Account(account) => self.account = account,
            Part::Opening(fen, _) => self.balance_fen = fen.filter(|_| is_certain),
            Part::Closing(..) => {}
            Part::Entries(entries) => entries.iter().for_each(|entry| self.add(entry, batch)),
            Part::Pending => {
                self.row += 1;
                batch.skips.push((self.row, SkipReason::Pending));
            }
            Part::End => self.statement += 1,
        }
    }

    fn add(&mut self, entry: &Entry, batch: &mut Batch) {
        self.row += 1;
        self.balance_fen =
            self.balance_fen.zip(entry.change_fen()).and_then(|(balance, change)| balance.checked_add(change));
        let sign = if entry.is_reversal && !entry.amount.starts_with(['-', '+']) { "-" } else { "" };
        let txn_id = match self.survey.identifies(entry, &self.account) {
            true => entry.reference.clone(),
            false => format!("{}-{}", self.content_id, self.row),
        };
        let texts: [&str; COLUMNS.len()] = [
            &self.account,
            &txn_id,
            &entry.booked_at,
            &self.row.to_string(),
            if entry.is_in() { "C" } else { "D" },
            &format!("{sign}{}", entry.amount),
            &self.balance_fen.map(|fen| money_text(i128::from(fen))).unwrap_or_default(),
            &entry.currency,
            entry.kind,
            &entry.name,
            &entry.account,
            &entry.bank,
            &entry.uscc,
            &entry.summary,
            &entry.remark,
        ];
        for (column, text) in batch.columns.iter_mut().zip(texts) {
            column.append_value(text);
            batch.bytes += text.len();
        }
        batch.rows.push(self.row);
    }
}

impl Batch {
    fn finish(mut self) -> Result<RawBatch, arrow::error::ArrowError> {
        let columns = COLUMNS.iter().zip(&mut self.columns);
        let columns = columns.map(|(name, column)| (*name, Arc::new(column.finish()) as ArrayRef, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
        let (rows, skips) = (RowNumbers::Each(self.rows), self.skips);
        Ok(RawBatch { batch, rows, skips, faults: Vec::new() })
    }
}

fn changed() -> FileFault {
    unreadable("the file changed while it was read")
}

fn unreadable(hint: impl Into<String>) -> FileFault {
    FileFault::whole(Code::UnreadableFile, hint)
}

fn truncated() -> FileFault {
    FileFault::whole(Code::TruncatedFile, "the file ends within a statement; have it sent again")
}

/// Whether an 18-character text is a valid unified social credit code.
fn uscc_of(text: &str) -> Option<String> {
    let upper = text.trim().to_uppercase();
    crate::account::uscc_is_valid(&upper).then_some(upper)
}

/// A CNAPS code, or nothing: what else a bank is told by is no value of the column.
fn bank_code_of(text: &str) -> String {
    Some(text.trim()).filter(|text| is_bank_code(text)).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests;
