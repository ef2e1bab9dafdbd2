//! The report of a build: `run.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cell;
use crate::class::Share;
use crate::error::Error;
use crate::product::ProductKind;
use crate::product::dictionary::Dictionary;
use crate::publish::reconcile::Reconciliation;

/// Whether the products were written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// They were.
    Done,
    /// A file was refused, so none was.
    Refused,
}

/// What a build did. `rows_read` = `rows_kept` + `duplicates` + `skipped` + `rows_rejected`; of the kept rows those
/// before an opening date and after the as-of date are not seen.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// Done or refused.
    pub status: Status,
    /// Data rows of all `transactions` files.
    pub rows_read: u64,
    /// Rows that stand.
    pub rows_kept: u64,
    /// Repeats of a row, dropped.
    pub duplicates: u64,
    /// Rows that the mapping skipped.
    pub skipped: u64,
    /// Rows that were rejected; those of a refused account are counted each and listed once.
    pub rows_rejected: u64,
    /// Lines of `rejects.csv` by code, those of accounts and of whole files included.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Kept rows booked before O, the later of their account's `opened_on` and `records_from`.
    pub rows_before_opening: u64,
    /// Kept rows booked after the as-of date.
    pub rows_after_as_of: u64,
    /// Accounts, with rows or without.
    pub accounts: u64,
    /// Accounts with rows in sight.
    pub accounts_with_rows: u64,
    /// The data cut-off; null where the feed was refused.
    pub as_of: Option<String>,
    /// Rows against cells; null where the feed was refused.
    pub reconciliation: Option<Reconciliation>,
    /// What the classes rest on: rows that passed the checks (repeats and cut-offs included), by the strongest evidence for
    /// their class, and its share of their money.
    pub evidence: BTreeMap<&'static str, Share>,
    /// What the input was refused for, where that is no file: a sum that leaves 64 bits, a feed without a date.
    pub error: Option<String>,
    /// Wall time by stage.
    pub seconds: Seconds,
    /// Rows read a second of the whole run.
    pub rows_per_second: u64,
    /// Bytes of rows that went through temporary files.
    pub spilled_bytes: u64,
    /// Most memory that the process ever held; null where the system does not tell.
    pub peak_bytes: Option<u64>,
    /// The instant that the products carry.
    pub generated_at: String,
    /// Of the program and its data.
    pub versions: Versions,
}

impl RunReport {
    /// Whether rows and cells agree, and every row that was read is in one of the counts.
    ///
    /// # Errors
    /// [`Error::Internal`]: a mistake of our own, with the sums that differ.
    pub fn check(&self) -> Result<(), Error> {
        let counted = self.rows_kept + self.duplicates + self.skipped + self.rows_rejected;
        if counted == self.rows_read && self.reconciliation.is_some_and(|reconciliation| reconciliation.holds()) {
            return Ok(());
        }
        let sums = serde_json::to_string(&self.reconciliation).unwrap_or_default();
        Err(Error::Internal(format!("rows and cells do not agree; nothing was written: {sums}")))
    }
}

/// Wall time by stage, in seconds.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub struct Seconds {
    /// Finding and opening files, reading accounts.
    pub open: f64,
    /// Decoding, checking, classifying and gathering rows.
    pub read: f64,
    /// Cells, products and their files.
    pub products: f64,
    /// All of it.
    pub total: f64,
}

/// Versions that decide what a product says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Versions {
    /// Of the program.
    pub liushui: &'static str,
    /// Of the classification rules.
    pub rules: String,
    /// Of each dictionary, by product.
    pub dictionaries: BTreeMap<&'static str, String>,
    /// Of the cell's bytes.
    pub cell: u8,
}

impl Versions {
    /// The versions in use, with these rules.
    ///
    /// # Errors
    /// [`Error::Dictionary`].
    pub fn new(rules: &str) -> Result<Versions, Error> {
        let mut dictionaries = BTreeMap::new();
        for kind in ProductKind::ALL {
            dictionaries.insert(kind.code(), Dictionary::builtin(kind)?.version().to_string());
        }
        let liushui = env!("CARGO_PKG_VERSION");
        Ok(Versions { liushui, rules: rules.to_string(), dictionaries, cell: cell::bytes::VERSION })
    }
}

/// The process's peak of resident memory, where the system tells (Linux).
pub fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
