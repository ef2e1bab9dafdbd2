//! The expected answers: each transaction's label, and totals by account, month and class.
//! Owns what the generator intends; nothing here looks at the text of a row. Always Parquet, whatever the feed's
//! format, so that one program can compare them all.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Builder, Int64Builder, RecordBatch, StringBuilder};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::class::Class;
use crate::feed::ROWS_PER_BATCH;
use crate::output::Output;
use crate::transaction::Transaction;
use crate::{Error, Format};

const CLASSES: usize = Class::ALL.len();

/// Writes `labels.parquet`: one row a transaction, in booking order.
pub(crate) struct Labels {
    schema: SchemaRef,
    output: Output,
}

impl Labels {
    pub(crate) fn create(folder: &Path) -> Result<Labels, Error> {
        let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
        let schema = Arc::new(Schema::new(vec![
            text("account_id", false),
            text("txn_id", false),
            text("class", false),
            text("subclass", true),
        ]));
        let output = Output::create(&folder.join("labels.parquet"), &schema, Format::Parquet)?;
        Ok(Labels { schema, output })
    }

    /// Writes the labels of a batch of the feed, made of `rows`. Where it repeats rows, `first` tells those that come
    /// for the first time: each transaction has one label.
    pub(crate) fn write<'a>(
        &mut self,
        batch: &RecordBatch,
        rows: impl Iterator<Item = &'a Transaction>,
        first: Option<&BooleanArray>,
    ) -> Result<(), Error> {
        let text = |bytes_a_row| StringBuilder::with_capacity(batch.num_rows(), batch.num_rows() * bytes_a_row);
        let (mut class, mut subclass) = (text(10), text(5));
        for row in rows {
            class.append_value(row.class().name());
            subclass.append_option(row.subclass());
        }
        // The feed's first two columns are the transaction's key.
        let mut columns: Vec<ArrayRef> = batch.columns().iter().take(2).map(Arc::clone).collect();
        columns.push(Arc::new(class.finish()));
        columns.push(Arc::new(subclass.finish()));
        let labels = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        match first {
            Some(first) => self.output.write(&filter_record_batch(&labels, first)?),
            None => self.output.write(&labels),
        }
    }

    pub(crate) fn close(self) -> Result<u64, Error> {
        self.output.close()
    }
}

#[derive(Clone, Copy, Default)]
struct Sums {
    rows: u64,
    in_count: i64,
    in_fen: i128,
    out_count: i64,
    out_fen: i128,
}

/// Writes `totals.parquet`: one row for each account, month and class that has transactions, sorted by month, account
/// and class. A class whose only rows take each other back stays, with zeros.
pub(crate) struct Totals {
    schema: SchemaRef,
    output: Output,
    text: [StringBuilder; 3],
    counts: [Int64Builder; 2],
    amounts: [Decimal128Builder; 2],
    rows: usize,
    rows_by_class: [u64; CLASSES],
}

impl Totals {
    pub(crate) fn create(folder: &Path) -> Result<Totals, Error> {
        let field = |name, data_type| Field::new(name, data_type, false);
        let schema = Arc::new(Schema::new(vec![
            field("account_id", DataType::Utf8),
            field("month", DataType::Utf8),
            field("class", DataType::Utf8),
            field("in_count", DataType::Int64),
            field("in_amount", DataType::Decimal128(38, 2)),
            field("out_count", DataType::Int64),
            field("out_amount", DataType::Decimal128(38, 2)),
        ]));
        let money = || Decimal128Builder::new().with_precision_and_scale(38, 2);
        Ok(Totals {
            output: Output::create(&folder.join("totals.parquet"), &schema, Format::Parquet)?,
            schema,
            text: Default::default(),
            counts: Default::default(),
            amounts: [money()?, money()?],
            rows: 0,
            rows_by_class: [0; CLASSES],
        })
    }

    /// Adds the transactions of one account in one month. Accounts come in the order of their ids.
    pub(crate) fn push(&mut self, account_id: &str, month: &str, rows: &[Transaction]) -> Result<(), Error> {
        let mut sums = [Sums::default(); CLASSES];
        for row in rows {
            let sum = &mut sums[row.class() as usize];
            let (count, fen) = (row.sign(), i128::from(row.sign() * row.amount_fen));
            sum.rows += 1;
            if row.is_in() {
                sum.in_count += count;
                sum.in_fen += fen;
            } else {
                sum.out_count += count;
                sum.out_fen += fen;
            }
        }
        for (class, sum) in Class::ALL.iter().zip(&sums).filter(|(_, sum)| sum.rows > 0) {
            self.rows_by_class[*class as usize] += sum.rows;
            let values = [account_id, month, class.name()];
            self.text.iter_mut().zip(values).for_each(|(column, value)| column.append_value(value));
            let [in_count, out_count] = &mut self.counts;
            in_count.append_value(sum.in_count);
            out_count.append_value(sum.out_count);
            let [in_amount, out_amount] = &mut self.amounts;
            in_amount.append_value(sum.in_fen);
            out_amount.append_value(sum.out_fen);
            self.rows += 1;
        }
        if self.rows >= ROWS_PER_BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let [account_id, month, class] = self.text.each_mut().map(|column| Arc::new(column.finish()));
        let [in_count, out_count] = self.counts.each_mut().map(|column| Arc::new(column.finish()));
        let [in_amount, out_amount] = self.amounts.each_mut().map(|column| Arc::new(column.finish()));
        let columns: Vec<ArrayRef> = vec![account_id, month, class, in_count, in_amount, out_count, out_amount];
        self.rows = 0;
        self.output.write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// Finishes the file; the number of transactions of each class.
    pub(crate) fn close(mut self) -> Result<[(Class, u64); CLASSES], Error> {
        self.flush()?;
        self.output.close()?;
        Ok(Class::ALL.map(|class| (class, self.rows_by_class[class as usize])))
    }
}
