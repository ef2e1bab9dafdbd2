//! The checks of `transactions`: a raw batch becomes checked rows and rejects.
//!
//! Owns: which values each column allows, and which account a row belongs to. Does not own: conversion to the feed's types
//! (`feed::convert`).
//!
//! **Invariant:** a row of the source is either in the checked batch or in the rejects.

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

use super::convert::Converter;
use super::raw::RawBatch;
use super::reject::{Code, FileRejects};
use super::schema::{CHANNELS, Column, TRANSACTIONS, Typing, checked_schema, is_bank_code};
use crate::account::{Accounts, KnownAccount};
use crate::class::Kind;
use crate::dictionary_column::{ColumnReader, DictionaryColumn, ValueCache};
use crate::flow::Flows;

/// Checks the batches of one file, in any order. It caches the results for the values of dictionary columns.
pub struct Checker {
    typing: Typing,
    /// The file's number.
    file: u32,
    accounts: Arc<dyn Accounts>,
    account_id: ValueColumn<Option<KnownAccount>>,
    direction: ValueColumn<Option<u8>>,
    /// The number of the currency among those of all accounts.
    currency: ValueColumn<Option<u16>>,
    kind: ValueColumn<Option<Kind>>,
    channel: ValueColumn<bool>,
    bank: ValueColumn<bool>,
    uscc: ColumnReader,
    /// Columns of free text.
    free: [ColumnReader; 5],
}

/// A text column with a result for each of its different values.
#[derive(Default)]
struct ValueColumn<T> {
    reader: ColumnReader,
    results: ValueCache<T>,
}

impl<T: Copy> ValueColumn<T> {
    /// The column, and the result of `find` for each of its values.
    fn get(
        &mut self,
        from: &mut Converter<'_>,
        column: &Column,
        find: impl FnMut(&str) -> T,
    ) -> (DictionaryColumn, &[T]) {
        let texts = from.texts(column, &mut self.reader);
        let results = self.results.get(&texts, find);
        (texts, results)
    }
}

impl Checker {
    /// A checker for the file with this number.
    pub fn new(typing: Typing, file: u32, accounts: Arc<dyn Accounts>) -> Checker {
        Checker {
            typing,
            file,
            accounts,
            account_id: ValueColumn::default(),
            direction: ValueColumn::default(),
            currency: ValueColumn::default(),
            kind: ValueColumn::default(),
            channel: ValueColumn::default(),
            bank: ValueColumn::default(),
            uscc: ColumnReader::upper_case(),
            free: Default::default(),
        }
    }

    /// Checks a batch: the good rows are returned in [`checked_schema`], bad ones go to `rejects`.
    ///
    /// # Errors
    /// Where Arrow cannot build the batch: an internal error.
    pub fn check(&mut self, raw: &RawBatch, rejects: &FileRejects) -> Result<RecordBatch, ArrowError> {
        let [account_id, txn_id, booked_at, seq, direction, amount, balance, currency, kind, channel, rest @ ..] =
            &TRANSACTIONS;
        let [name, account, bank, uscc, summary, remark, reversal_of] = rest;
        let mut from = Converter::new(&raw.batch, self.typing);
        let rows = from.rows();

        let numbers = self.account_numbers(&mut from, account_id, raw, rejects);
        let txn_ids = from.text(txn_id);
        let times = from.time(booked_at);
        let seqs = from.integer(seq);
        let directions = self.directions(&mut from, direction);
        let amounts = from.money(amount);
        let balances = from.money(balance);
        self.check_currency(&mut from, currency, &numbers);
        let kinds = self.kinds(&mut from, kind);
        let channels = check_values(&mut from, channel, &mut self.channel, |value| CHANNELS.contains(&value));
        let [of_name, of_account, of_summary, of_remark, of_reversal] = &mut self.free;
        let names = from.texts(name, of_name);
        let counterparty_accounts = from.texts(account, of_account);
        let banks = check_values(&mut from, bank, &mut self.bank, is_bank_code);
        let usccs = from.texts(uscc, &mut self.uscc);
        let summaries = from.texts(summary, of_summary);
        let remarks = from.texts(remark, of_remark);
        let reversals = from.texts(reversal_of, of_reversal);

        // Rows of a refused account are listed once for the account, not one by one.
        for (row, column, code) in from.faults.iter().filter(|(row, ..)| numbers[*row] != REFUSED) {
            rejects.note(Some(raw.rows.of(row)), Some(column), code);
        }
        let is_good = |row: usize| !from.faults.is_bad(row) && numbers[row] != REFUSED;
        let all_good = from.faults.is_none() && !numbers.contains(&REFUSED);
        let good: Option<BooleanArray> = (!all_good).then(|| (0..rows).map(|row| Some(is_good(row))).collect());
        let fen = Int64Array::new(amounts.values().clone(), None);
        let booked = TimestampMicrosecondArray::new(times.values().clone(), None);
        let places: Vec<u64> = (0..rows).map(|row| raw.rows.of(row)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(numbers)),
            Arc::new(without_nulls(txn_ids)),
            Arc::new(booked),
            Arc::new(seqs),
            Arc::new(UInt8Array::from(directions)),
            Arc::new(fen),
            Arc::new(balances),
            Arc::new(kinds),
            channels.to_array()?,
            names.to_array()?,
            counterparty_accounts.to_array()?,
            banks.to_array()?,
            usccs.to_array()?,
            summaries.to_array()?,
            remarks.to_array()?,
            reversals.to_array()?,
            Arc::new(UInt32Array::from(vec![self.file; rows])),
            Arc::new(UInt64Array::from(places)),
        ];
        let batch = RecordBatch::try_new(checked_schema(), columns)?;
        good.map_or(Ok(batch.clone()), |good| filter_record_batch(&batch, &good))
    }

    /// Each row's account number; a row without one has a fault, or [`REFUSED`].
    fn account_numbers(
        &mut self,
        from: &mut Converter<'_>,
        column: &Column,
        raw: &RawBatch,
        rejects: &FileRejects,
    ) -> Vec<u32> {
        let ValueColumn { reader, results } = &mut self.account_id;
        let texts = from.texts(column, reader);
        let known = results.get_all(&texts, |account_ids, found| self.accounts.find_all(account_ids, found));
        let mut refused: HashMap<u32, (u64, u64)> = HashMap::new();
        let mut numbers = vec![0; texts.len()];
        // A row without an account id has its fault already.
        for (row, known) in texts.gather(known, Some(KnownAccount::Account(0))).into_iter().enumerate() {
            match known {
                Some(KnownAccount::Account(number)) => numbers[row] = number,
                Some(KnownAccount::Refused(refusal)) => {
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

    fn directions(&mut self, from: &mut Converter<'_>, column: &Column) -> Vec<u8> {
        let way = |text: &str| match text {
            "C" => Some(0),
            "D" => Some(1),
            _ => None,
        };
        let (texts, ways) = self.direction.get(from, column, way);
        let way = |(row, way): (usize, Option<u8>)| {
            way.unwrap_or_else(|| {
                from.faults.note(row, column, Code::BadDirection);
                0
            })
        };
        // A row without a direction has its fault already.
        texts.gather(ways, Some(0)).into_iter().enumerate().map(way).collect()
    }

    fn kinds(&mut self, from: &mut Converter<'_>, column: &Column) -> UInt8Array {
        let (texts, kinds) = self.kind.get(from, column, Kind::parse);
        // No kind has this number.
        const UNKNOWN: u8 = u8::MAX;
        let kinds: Vec<u8> = kinds.iter().map(|kind| kind.map_or(UNKNOWN, |kind| kind as u8)).collect();
        let kinds = texts.gather(&kinds, 0);
        if kinds.contains(&UNKNOWN) {
            let unknown = kinds.iter().enumerate().filter(|(_, kind)| **kind == UNKNOWN);
            unknown.for_each(|(row, _)| from.faults.note(row, column, Code::UnknownKind));
        }
        UInt8Array::new(kinds.into(), texts.nulls().cloned())
    }

    fn check_currency(&mut self, from: &mut Converter<'_>, column: &Column, numbers: &[u32]) {
        let accounts = &self.accounts;
        let (texts, currencies) = self.currency.get(from, column, |text| accounts.currency(text));
        if texts.null_count() == texts.len() {
            return;
        }
        if accounts.has_one_currency() && currencies.iter().all(|currency| currency.is_some()) {
            return;
        }
        for (row, at) in texts.iter().enumerate() {
            let Some(at) = at else { continue };
            // A row of an unknown account has its fault already.
            let of_account = numbers.get(row).and_then(|number| accounts.currency_of(*number));
            if of_account.is_some() && of_account != currencies[at] {
                from.faults.note(row, column, Code::BadCurrency);
            }
        }
    }
}

/// A column whose values must all be allowed.
fn check_values(
    from: &mut Converter<'_>,
    column: &Column,
    values: &mut ValueColumn<bool>,
    allowed: impl Fn(&str) -> bool,
) -> DictionaryColumn {
    let (texts, is_allowed) = values.get(from, column, allowed);
    if !is_allowed.iter().all(|is_allowed| *is_allowed) {
        for (row, at) in texts.iter().enumerate() {
            if at.is_some_and(|at| !is_allowed[at]) {
                from.faults.note(row, column, Code::BadValue);
            }
        }
    }
    texts
}

/// Adds up the rows of a checked batch by direction. A row with a negative amount or with `reversal_of` takes its absolute
/// amount back. The reconciliation starts from these sums, so they use nothing that comes after the checks.
pub fn add_up(checked: &RecordBatch) -> Option<Flows> {
    let directions = checked.column_by_name("direction")?.as_primitive_opt::<UInt8Type>()?;
    let amounts = checked.column_by_name("amount_fen")?.as_primitive_opt::<Int64Type>()?;
    let reversals = checked.column_by_name("reversal_of")?.nulls();
    let mut sums = Flows::default();
    for (row, fen) in amounts.values().iter().enumerate() {
        let sum = sums.get_mut(usize::from(directions.value(row)))?;
        let takes_back = *fen < 0 || reversals.is_none_or(|reversals| reversals.is_valid(row));
        sum.count += if takes_back { -1 } else { 1 };
        let fen = i128::from(fen.unsigned_abs());
        sum.amount_fen += if takes_back { -fen } else { fen };
    }
    Some(sums)
}

/// In place of an account's number: the account was refused. No account has this number.
const REFUSED: u32 = u32::MAX;

/// The same column with empty texts in place of nulls. Rows with a null here are bad and are filtered out right after.
fn without_nulls(texts: StringViewArray) -> StringViewArray {
    if texts.null_count() == 0 { texts } else { texts.iter().map(|text| Some(text.unwrap_or_default())).collect() }
}
