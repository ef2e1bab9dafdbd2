//! The checks of `transactions`: a raw batch becomes checked rows and rejects.
//!
//! Owns: which values each column allows, and which account a row belongs to. **Invariant:** a row of the source is
//! in the checked batch or in the rejects, never in both and never in neither.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Int64Array, StringViewArray, TimestampMicrosecondArray, UInt8Array,
    UInt32Array, UInt64Array,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, UInt8Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::accounts::{AccountIndex, Known};
use super::convert::Converter;
use super::raw::RawBatch;
use super::reject::{Code, FileRejects};
use super::schema::{CHANNELS, Column, TRANSACTIONS, Typing, checked_schema};
use crate::class::Kind;
use crate::flow::Flows;

/// Checks a batch of the file with this number: the good rows come back in [`checked_schema`], what is bad goes to
/// `rejects`.
///
/// # Errors
/// Where Arrow cannot put the columns together: a mistake of our own.
pub fn check_transactions(
    raw: &RawBatch,
    typing: Typing,
    file: u32,
    accounts: &AccountIndex,
    rejects: &FileRejects,
) -> Result<RecordBatch, ArrowError> {
    let [account_id, txn_id, booked_at, seq, direction, amount, balance, currency, kind, channel, rest @ ..] =
        &TRANSACTIONS;
    let [name, account, bank, uscc, summary, remark, reversal_of] = rest;
    let mut from = Converter::new(&raw.batch, typing);
    let rows = from.rows();

    let account_ids = from.text(account_id);
    let numbers = account_numbers(&mut from, account_id, &account_ids, accounts, raw, rejects);
    let txn_ids = from.text(txn_id);
    let times = from.time(booked_at);
    let seqs = from.integer(seq);
    let directions = directions(&mut from, direction);
    let amounts = from.money(amount);
    let balances = from.money(balance);
    check_currency(&mut from, currency, &numbers, accounts);
    let kinds = kinds(&mut from, kind);
    let channels = from.text(channel);
    check_values(&mut from, channel, &channels, |value| CHANNELS.contains(&value));
    let names = from.text(name);
    let counterparty_accounts = from.text(account);
    let banks = from.text(bank);
    check_values(&mut from, bank, &banks, is_bank_code);
    let usccs = upper_case(from.text(uscc));
    let (summaries, remarks, reversals) = (from.text(summary), from.text(remark), from.text(reversal_of));

    // Rows of an account whose own row was refused are listed once for the account, not one by one.
    let good: BooleanArray = (0..rows).map(|row| Some(!from.faults.is_bad(row) && numbers[row] != REFUSED)).collect();
    for (row, column, code) in from.faults.iter().filter(|(row, ..)| numbers[*row] != REFUSED) {
        rejects.note(Some(raw.rows.of(row)), Some(column), code);
    }
    let ways = UInt8Array::from(directions);
    let fen = Int64Array::new(amounts.values().clone(), None);
    let booked = TimestampMicrosecondArray::new(times.values().clone(), None);
    let places: UInt64Array = (0..rows).map(|row| raw.rows.of(row)).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from(numbers)),
        Arc::new(without_nulls(txn_ids)),
        Arc::new(booked),
        Arc::new(seqs),
        Arc::new(ways),
        Arc::new(fen),
        Arc::new(balances),
        Arc::new(kinds),
        Arc::new(channels),
        Arc::new(names),
        Arc::new(counterparty_accounts),
        Arc::new(banks),
        Arc::new(usccs),
        Arc::new(summaries),
        Arc::new(remarks),
        Arc::new(reversals),
        Arc::new(UInt32Array::from(vec![file; rows])),
        Arc::new(places),
    ];
    let batch = RecordBatch::try_new(checked_schema(), columns)?;
    if good.true_count() == rows { Ok(batch) } else { filter_record_batch(&batch, &good) }
}

/// What the good rows of a checked batch add up to, straight from the feed's own words: a row with a negative amount or
/// with `reversal_of` takes its absolute amount back. This is what the reconciliation starts from, so it uses nothing
/// of what comes after the checks.
pub fn add_up(checked: &RecordBatch) -> Option<Flows> {
    let directions = checked.column_by_name("direction")?.as_primitive_opt::<UInt8Type>()?;
    let amounts = checked.column_by_name("amount_fen")?.as_primitive_opt::<Int64Type>()?;
    let reversals = checked.column_by_name("reversal_of")?;
    let mut sums = Flows::default();
    for (row, fen) in amounts.values().iter().enumerate() {
        let sum = sums.get_mut(usize::from(directions.value(row)))?;
        let takes_back = *fen < 0 || reversals.is_valid(row);
        sum.count += if takes_back { -1 } else { 1 };
        let fen = i128::from(fen.unsigned_abs());
        sum.amount_fen += if takes_back { -fen } else { fen };
    }
    Some(sums)
}

/// The number of rows whose account's row was refused; no account has it.
const REFUSED: u32 = u32::MAX;

/// Each row's account number; a row without one has a fault, or [`REFUSED`].
fn account_numbers(
    from: &mut Converter<'_>,
    column: &Column,
    account_ids: &StringViewArray,
    accounts: &AccountIndex,
    raw: &RawBatch,
    rejects: &FileRejects,
) -> Vec<u32> {
    let mut refused: HashMap<u32, (u64, u64)> = HashMap::new();
    let mut numbers = vec![0; account_ids.len()];
    for (row, account_id) in account_ids.iter().enumerate() {
        let Some(account_id) = account_id else { continue };
        match accounts.find(account_id) {
            Some(Known::Account(number)) => numbers[row] = number,
            Some(Known::Refused(refusal)) => {
                numbers[row] = REFUSED;
                let place = raw.rows.of(row);
                let (first, count) = refused.entry(refusal).or_insert((place, 0));
                *first = place.min(*first);
                *count += 1;
            }
            None => from.faults.note(row, column, Code::UnknownAccount),
        }
    }
    for (refusal, (first, count)) in refused {
        rejects.note_refused_account(refusal, first, count);
    }
    numbers
}

fn directions(from: &mut Converter<'_>, column: &Column) -> Vec<u8> {
    let texts = from.text(column);
    let way = |(row, text): (usize, Option<&str>)| match text {
        Some("C") | None => 0,
        Some("D") => 1,
        Some(_) => {
            from.faults.note(row, column, Code::BadDirection);
            0
        }
    };
    texts.iter().enumerate().map(way).collect()
}

fn kinds(from: &mut Converter<'_>, column: &Column) -> UInt8Array {
    let texts = from.text(column);
    let kind = |(row, text): (usize, Option<&str>)| {
        let kind = Kind::parse(text?);
        if kind.is_none() {
            from.faults.note(row, column, Code::UnknownKind);
        }
        kind.map(|kind| kind as u8)
    };
    texts.iter().enumerate().map(kind).collect()
}

fn check_currency(from: &mut Converter<'_>, column: &Column, numbers: &[u32], accounts: &AccountIndex) {
    let texts = from.text(column);
    if texts.null_count() == texts.len() {
        return;
    }
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else { continue };
        let account = numbers.get(row).and_then(|number| accounts.get(*number));
        // A row of no known account has its fault already.
        if account.is_some_and(|account| &*account.currency != text) {
            from.faults.note(row, column, Code::BadCurrency);
        }
    }
}

fn check_values(from: &mut Converter<'_>, column: &Column, texts: &StringViewArray, allowed: impl Fn(&str) -> bool) {
    for (row, text) in texts.iter().enumerate() {
        if text.is_some_and(|text| !allowed(text)) {
            from.faults.note(row, column, Code::BadValue);
        }
    }
}

/// Twelve digits, as every CNAPS code has.
pub fn is_bank_code(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Upper-cased; most columns need nothing done.
fn upper_case(texts: StringViewArray) -> StringViewArray {
    let is_upper = |text: &str| text.is_ascii() && !text.bytes().any(|b| b.is_ascii_lowercase());
    if texts.iter().flatten().all(is_upper) {
        return texts;
    }
    texts.iter().map(|text| text.map(str::to_uppercase)).collect()
}

/// The same texts in a column that may have no nulls: rows with one are filtered out right after.
fn without_nulls(texts: StringViewArray) -> StringViewArray {
    if texts.null_count() == 0 { texts } else { texts.iter().map(|text| Some(text.unwrap_or_default())).collect() }
}
