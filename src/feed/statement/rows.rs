//! The second pass over a statement file: its entries as rows.
//!
//! Owns: the columns of a row, identifiers, running balances.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::balances::FirstPass;
use super::changed;
use super::event::{Entry, StatementEvent, StatementEvents};
use crate::feed::raw::{RawBatch, RowNumbers, SkipReason};
use crate::feed::reject::FileFault;
use crate::money::money_text;

/// The columns of a row.
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

/// The rows of a statement file.
pub(super) struct StatementRows {
    events: StatementEvents,
    content_id: String,
    first_pass: FirstPass,
    batch_rows: usize,
    /// Statements that have ended.
    statement: usize,
    account: String,
    /// The balance after the last entry, where it is certain.
    balance_fen: Option<i64>,
    /// The number of the last entry.
    row: u64,
    /// Whether a batch was returned.
    has_begun: bool,
    is_ended: bool,
}

/// The entries of a batch while it is filled.
#[derive(Default)]
struct EntryBatch {
    columns: [StringBuilder; COLUMNS.len()],
    rows: Vec<u64>,
    skips: Vec<(u64, SkipReason)>,
    /// Bytes of its texts.
    bytes: usize,
}

/// A batch ends when its text reaches this size, however few rows it has.
const BATCH_BYTES: usize = 8 << 20;

impl Iterator for StatementRows {
    type Item = Result<RawBatch, FileFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_ended {
            return None;
        }
        let mut batch = EntryBatch::default();
        while batch.rows.len() + batch.skips.len() < self.batch_rows && batch.bytes < BATCH_BYTES {
            match self.events.next() {
                Some(Ok(event)) => self.take(event, &mut batch),
                Some(Err(fault)) => {
                    // The first pass met no fault, so the file has changed.
                    self.is_ended = true;
                    return Some(Err(fault));
                }
                None => {
                    self.is_ended = true;
                    break;
                }
            }
        }
        if self.is_ended && self.statement != self.first_pass.has_balances.len() {
            return Some(Err(changed()));
        }
        if self.has_begun && batch.rows.is_empty() && batch.skips.is_empty() {
            return None;
        }
        self.has_begun = true;
        let made = batch.finish().map_err(|_| changed());
        self.is_ended |= made.is_err();
        Some(made)
    }
}

impl StatementRows {
    /// The rows of a file that passed the first pass.
    pub(super) fn new(
        events: StatementEvents,
        content_id: String,
        first_pass: FirstPass,
        batch_rows: usize,
    ) -> StatementRows {
        StatementRows {
            events,
            content_id,
            first_pass,
            batch_rows: batch_rows.max(1),
            statement: 0,
            account: String::new(),
            balance_fen: None,
            row: 0,
            has_begun: false,
            is_ended: false,
        }
    }

    fn take(&mut self, event: StatementEvent, batch: &mut EntryBatch) {
        let is_certain = self.first_pass.has_balances.get(self.statement).copied().unwrap_or(false);
        match event {
            StatementEvent::Begin => (self.account, self.balance_fen) = (String::new(), None),
            StatementEvent::Account(account) => self.account = account,
            StatementEvent::Opening(fen, _) => self.balance_fen = fen.filter(|_| is_certain),
            StatementEvent::Closing(..) => {}
            StatementEvent::Entries(entries) => entries.iter().for_each(|entry| self.add(entry, batch)),
            StatementEvent::Pending => {
                self.row += 1;
                batch.skips.push((self.row, SkipReason::Pending));
            }
            StatementEvent::End => self.statement += 1,
        }
    }

    fn add(&mut self, entry: &Entry, batch: &mut EntryBatch) {
        self.row += 1;
        self.balance_fen =
            self.balance_fen.zip(entry.change_fen()).and_then(|(balance, change)| balance.checked_add(change));
        let sign = if entry.is_reversal && !entry.amount.starts_with(['-', '+']) { "-" } else { "" };
        let txn_id = match self.first_pass.identifies(entry, &self.account) {
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

impl EntryBatch {
    fn finish(mut self) -> Result<RawBatch, ArrowError> {
        let columns = COLUMNS.iter().zip(&mut self.columns);
        let columns = columns.map(|(name, column)| (*name, Arc::new(column.finish()) as ArrayRef, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
        let (rows, skips) = (RowNumbers::Each(self.rows), self.skips);
        Ok(RawBatch { batch, rows, skips, faults: Vec::new() })
    }
}
