//! The expected answers: the label of each transaction, the transactions with a trap, and totals by account, month and
//! class.
//!
//! Owns what the generator intends. Nothing here reads the text of a row. The files are Parquet whatever the format of
//! the feed, so one program can compare them all.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Builder, Int64Builder, StringArray, StringBuilder, UInt32Array};
use arrow::compute::{filter, take};
use arrow::datatypes::{DataType, Field, Schema};

use crate::block::Total;
use crate::class::Class;
use crate::code;
use crate::economy::Economy;
use crate::error::Error;
use crate::feed::Batch;
use crate::options::Format;
use crate::output::Output;

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}

/// `labels.parquet`: one row per transaction, in the order of delivery.
pub(crate) fn labels(folder: &Path, distinct: &[&str]) -> Result<Output, Error> {
    let schema = Schema::new(vec![
        text("account_id", false),
        text("txn_id", false),
        text("class", false),
        text("subclass", true),
    ]);
    let distinct: Vec<&str> = distinct.iter().copied().filter(|name| name.ends_with("_id")).collect();
    Output::create(&folder.join("labels.parquet"), &Arc::new(schema), Format::Parquet, &distinct)
}

/// `traps.parquet`: the transactions whose counterparty name is a trap.
pub(crate) fn traps(folder: &Path) -> Result<Output, Error> {
    let schema = Schema::new(vec![
        text("account_id", false),
        text("txn_id", false),
        text("trap", false),
        Field::new("ambiguous", DataType::Boolean, false),
    ]);
    Output::create(&folder.join("traps.parquet"), &Arc::new(schema), Format::Parquet, &["account_id", "txn_id"])
}

/// The label columns of a batch. A transaction has one label, however often it is delivered.
pub(crate) fn label_columns(batch: &Batch) -> Result<Vec<ArrayRef>, Error> {
    let rows = batch.labels.len();
    let is_first = |row: usize| batch.first.as_ref().is_none_or(|first| first[row]);
    let mut class = StringBuilder::with_capacity(rows, rows * 10);
    let mut subclass = StringBuilder::with_capacity(rows, rows * 6);
    for label in batch.labels.iter().enumerate().filter(|(row, _)| is_first(*row)).map(|(_, label)| label) {
        class.append_value(label.class().name());
        subclass.append_option(label.subclass());
    }
    // The first two columns of the feed are the key of a transaction.
    let mut columns: Vec<ArrayRef> = batch.columns.iter().take(2).map(Arc::clone).collect();
    if let Some(first) = &batch.first {
        let first = BooleanArray::from(first.clone());
        columns = columns.iter().map(|column| filter(column, &first)).collect::<Result<_, _>>()?;
    }
    columns.push(Arc::new(class.finish()));
    columns.push(Arc::new(subclass.finish()));
    Ok(columns)
}

/// The trap columns of a batch.
pub(crate) fn trap_columns(batch: &Batch) -> Result<Vec<ArrayRef>, Error> {
    let rows: UInt32Array = batch.trap_rows.iter().map(|row| row.row as u32).collect();
    let mut columns: Vec<ArrayRef> =
        batch.columns.iter().take(2).map(|column| take(column, &rows, None)).collect::<Result<_, _>>()?;
    let names: StringArray = batch.trap_rows.iter().map(|row| Some(row.trap.name())).collect();
    let ambiguous: BooleanArray = batch.trap_rows.iter().map(|row| Some(row.ambiguous)).collect();
    columns.push(Arc::new(names));
    columns.push(Arc::new(ambiguous));
    Ok(columns)
}

/// Adds the labels of a batch to the counts by class. Repeats and bad rows do not count.
pub(crate) fn count_labels(batch: &Batch, counts: &mut [u64; Class::ALL.len()]) {
    for (row, label) in batch.labels.iter().enumerate() {
        if batch.first.as_ref().is_none_or(|first| first[row]) {
            counts[label.class() as usize] += 1;
        }
    }
}

/// Writes `totals.parquet`: one row per month, account and class that has transactions, in that order. A class in which
/// all transactions are reversed stays, with zeros.
pub(crate) struct Totals {
    output: Output,
    rows_by_class: [u64; Class::ALL.len()],
}

impl Totals {
    pub(crate) fn create(folder: &Path) -> Result<Totals, Error> {
        let field = |name: &str, data_type| Field::new(name, data_type, false);
        let schema = Schema::new(vec![
            field("account_id", DataType::Utf8),
            field("month", DataType::Utf8),
            field("class", DataType::Utf8),
            field("in_count", DataType::Int64),
            field("in_amount", DataType::Decimal128(38, 2)),
            field("out_count", DataType::Int64),
            field("out_amount", DataType::Decimal128(38, 2)),
        ]);
        let distinct = ["in_amount", "out_amount"];
        let output = Output::create(&folder.join("totals.parquet"), &Arc::new(schema), Format::Parquet, &distinct)?;
        Ok(Totals { output, rows_by_class: Default::default() })
    }

    /// Appends the totals of one month.
    pub(crate) fn write(&mut self, economy: &Economy, month: &str, totals: &[Total]) -> Result<(), Error> {
        for total in totals {
            self.rows_by_class[total.class as usize] += total.sums.rows;
        }
        if totals.is_empty() { Ok(()) } else { self.output.write(&total_columns(economy, month, totals)?) }
    }

    /// Finishes the file and returns the number of transactions by class.
    pub(crate) fn close(self) -> Result<[(Class, u64); Class::ALL.len()], Error> {
        self.output.close()?;
        Ok(Class::ALL.map(|class| (class, self.rows_by_class[class as usize])))
    }
}

fn total_columns(economy: &Economy, month: &str, totals: &[Total]) -> Result<Vec<ArrayRef>, Error> {
    let mut columns: [StringBuilder; 3] = Default::default();
    let mut counts: [Int64Builder; 2] = Default::default();
    let money = || Decimal128Builder::new().with_precision_and_scale(38, 2);
    let mut amounts = [money()?, money()?];
    let mut id = String::new();
    for Total { account, bank, class, sums } in totals {
        id.clear();
        code::push_digits(&mut id, economy.number(*account, *bank), 16);
        columns
            .iter_mut()
            .zip([id.as_str(), month, class.name()])
            .for_each(|(column, value)| column.append_value(value));
        counts.iter_mut().zip([sums.in_count, sums.out_count]).for_each(|(column, value)| column.append_value(value));
        amounts.iter_mut().zip([sums.in_fen, sums.out_fen]).for_each(|(column, value)| column.append_value(value));
    }
    let [id, month, class] = columns.map(|mut column| -> ArrayRef { Arc::new(column.finish()) });
    let [in_count, out_count] = counts.map(|mut column| -> ArrayRef { Arc::new(column.finish()) });
    let [in_amount, out_amount] = amounts.map(|mut column| -> ArrayRef { Arc::new(column.finish()) });
    Ok(vec![id, month, class, in_count, in_amount, out_count, out_amount])
}
