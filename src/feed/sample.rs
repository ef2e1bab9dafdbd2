//! A mapping tried on a file's first rows: the outcome of each row, and the values that its columns get.
//!
//! Owns: the order of taken, skipped and refused rows, which is the file's. Does not own: the conversion of rows
//! ([`mapping`](super::mapping)) or the checks ([`check`](super::check)). A sample holds values of the file: it is for the
//! person who has the file, not for a log.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};

use super::accounts::AccountsBuilder;
use super::check::Checker;
use super::csv::{CsvOptions, open};
use super::error::FeedError;
use super::mapping::{AccountsMapping, Mapping};
use super::raw::{RawBatch, SkipReason};
use super::reject::{Code, FileFault, FileRejects, Reject};
use super::schema::{TRANSACTIONS, Typing};

/// The outcome of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SampleOutcome {
    /// It passes the checks.
    Taken,
    /// The mapping skips it.
    Skipped(SkipReason),
    /// The checks refuse it, with these columns and codes.
    Refused(Vec<Reject>),
}

/// One row of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SampleRow {
    /// Its number: data rows from 1.
    pub number: u64,
    /// Its outcome.
    pub outcome: SampleOutcome,
    /// The feed's columns and their values, without nulls. Empty for a row that was not converted.
    pub values: Vec<(&'static str, String)>,
}

/// A file's first rows under a mapping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    /// In the order of the file.
    pub rows: Vec<SampleRow>,
    /// The accounts are in another file, so the account of no row was looked up.
    pub accounts_unknown: bool,
    /// The rejects of the account that the mapping gives. If there are any, all rows are refused.
    pub account_rejects: Vec<Reject>,
    /// The fault that ended the reading.
    pub fault: Option<FileFault>,
}

/// Reads at most `rows` rows that are not skipped.
///
/// # Errors
/// Internal errors. `Ok(Err(..))` is a file that cannot be opened under the mapping.
pub fn sample(mapping: &Mapping, path: &Path, rows: usize) -> Result<Result<Sample, FileFault>, FeedError> {
    let Some(table) = &mapping.transactions else {
        return Err(FeedError::Internal("a sample needs a layout".to_string()));
    };
    let wanted: Vec<&str> = TRANSACTIONS.iter().map(|column| column.name).collect();
    let opened =
        match open(path, &wanted, CsvOptions { mapping: Some(table), batch_rows: rows.max(1), dictionaries: false }) {
            Ok(opened) => opened,
            Err(fault) => return Ok(Err(fault)),
        };
    let mut batches = opened.batches;
    let none = |fault| Sample { rows: Vec::new(), accounts_unknown: false, account_rejects: Vec::new(), fault };
    let (raw, fault) = match batches.next() {
        Some(Ok(raw)) => (raw, None),
        Some(Err(fault)) => return Ok(Ok(none(Some(fault)))),
        None => return Ok(Ok(none(None))),
    };

    let of_account = FileRejects::default();
    let mut accounts = AccountsBuilder::default();
    let accounts_unknown = match &mapping.accounts {
        AccountsMapping::Constants(constants) => {
            accounts.add_constants(constants, &of_account)?;
            false
        }
        AccountsMapping::Own | AccountsMapping::Table(_) => true,
    };
    let rejects = FileRejects::default();
    Checker::new(Typing::AllText, 0, Arc::new(accounts.finish())).check(&raw, &rejects)?;
    let mut refused: BTreeMap<u64, Vec<Reject>> = BTreeMap::new();
    for reject in rejects.finish().rejects {
        let is_of_account = reject.code == Code::UnknownAccount;
        if let Some(row) = reject.row.filter(|_| !(is_of_account && accounts_unknown)) {
            refused.entry(row).or_default().push(reject);
        }
    }
    let account_rejects = of_account.finish().rejects;
    if !account_rejects.is_empty() {
        // The checks list the rows of a refused account once; a sample shows the outcome of each.
        for row in (0..raw.batch.num_rows()).map(|index| raw.rows.of(index)) {
            let reject = Reject { row: Some(row), column: Some("account_id".into()), code: Code::UnknownAccount };
            refused.entry(row).or_insert_with(|| vec![reject]);
        }
    }
    let rows = in_file_order(&raw, table.columns().collect(), refused);
    Ok(Ok(Sample { rows, accounts_unknown, account_rejects, fault }))
}

fn in_file_order(raw: &RawBatch, names: Vec<&'static str>, mut refused: BTreeMap<u64, Vec<Reject>>) -> Vec<SampleRow> {
    let mut rows: BTreeMap<u64, SampleRow> = BTreeMap::new();
    for index in 0..raw.batch.num_rows() {
        let number = raw.rows.of(index);
        let text = |column: &arrow::array::ArrayRef| {
            let texts = column.as_string_opt::<i32>()?;
            texts.is_valid(index).then(|| texts.value(index).to_string()).filter(|text| !text.is_empty())
        };
        let values = names.iter().zip(raw.batch.columns()).filter_map(|(name, column)| Some((*name, text(column)?)));
        let outcome = refused.remove(&number).map_or(SampleOutcome::Taken, SampleOutcome::Refused);
        rows.insert(number, SampleRow { number, outcome, values: values.collect() });
    }
    for (number, reason) in &raw.skips {
        rows.insert(
            *number,
            SampleRow { number: *number, outcome: SampleOutcome::Skipped(*reason), values: Vec::new() },
        );
    }
    for (number, code) in &raw.faults {
        let reject = Reject { row: Some(*number), column: None, code: *code };
        rows.insert(
            *number,
            SampleRow { number: *number, outcome: SampleOutcome::Refused(vec![reject]), values: Vec::new() },
        );
    }
    rows.into_values().collect()
}
