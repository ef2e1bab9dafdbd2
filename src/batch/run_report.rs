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
    /// They were written.
    Done,
    /// A file was refused, so none was written.
    Refused,
}

/// The report of a build. `rows_read` = `rows_kept` + `duplicates` + `skipped` + `rows_rejected`; kept rows before an opening
/// date or after the as-of date are in no product.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// Done or refused.
    pub status: Status,
    /// Data rows of all `transactions` files.
    pub rows_read: u64,
    /// Rows that are kept.
    pub rows_kept: u64,
    /// Repeats of a row, dropped.
    pub duplicates: u64,
    /// Rows that the mapping skipped.
    pub skipped: u64,
    /// Rows that were rejected; each row of a refused account is counted, but the account is listed once.
    pub rows_rejected: u64,
    /// Lines of `rejects.csv` by code, those of accounts and of whole files included.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Kept rows booked before O, the later of their account's `opened_on` and `records_from`.
    pub rows_before_opening: u64,
    /// Kept rows booked after the as-of date.
    pub rows_after_as_of: u64,
    /// Accounts, with rows or without.
    pub accounts: u64,
    /// Accounts with rows between the cut-offs.
    pub accounts_with_rows: u64,
    /// The data cut-off; null where the feed was refused.
    pub as_of: Option<String>,
    /// Rows against cells; null where the feed was refused.
    pub reconciliation: Option<Reconciliation>,
    /// Evidence of the classes: rows that passed the checks (repeats and cut-offs included), by the strongest evidence for
    /// their class, with its share of their money.
    pub evidence: BTreeMap<&'static str, Share>,
    /// Why the input was refused, if not for a file: a sum beyond 64 bits, a feed without a date.
    pub error: Option<String>,
    /// Wall time by stage.
    pub seconds: Seconds,
    /// Rows read per second of the whole run.
    pub rows_per_second: u64,
    /// Bytes of rows written to temporary files.
    pub spilled_bytes: u64,
    /// Peak memory of the process; null if the system does not report it.
    pub peak_bytes: Option<u64>,
    /// Generation time of the products.
    pub generated_at: String,
    /// Versions of the program and its data.
    pub versions: Versions,
}

impl RunReport {
    /// Whether rows and cells agree, and every row that was read is in one of the counts.
    ///
    /// # Errors
    /// [`Error::Internal`], with the sums that differ.
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
    /// Decoding, checking, classifying and buffering rows.
    pub read: f64,
    /// Cells, products and their files.
    pub products: f64,
    /// The whole run.
    pub total: f64,
}

/// Versions that determine the content of a product.
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
    /// [`Error::Publish`].
    pub fn new(rules: &str) -> Result<Versions, Error> {
        let mut dictionaries = BTreeMap::new();
        for kind in ProductKind::ALL {
            dictionaries.insert(kind.code(), Dictionary::builtin(kind)?.version().to_string());
        }
        let liushui = env!("CARGO_PKG_VERSION");
        Ok(Versions { liushui, rules: rules.to_string(), dictionaries, cell: cell::bytes::VERSION })
    }
}

/// The process's peak of resident memory, if the system reports it (Linux).
pub fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
