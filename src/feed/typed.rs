//! Transactions in the feed's own columns and types, with no account looked up.
//!
//! Owns: the schema in which the program writes `transactions`, and the conversion of any source to it. A value that does not
//! fit its column's type is a fault. Does not own: which values a column allows; the reader of these rows checks that
//! (`feed::check`).

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, Date32Array, Decimal128Array, Int64Array, StringArray, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::convert::Converter;
use super::raw::RawBatch;
use super::reject::FileRejects;
use super::schema::{Column, ColumnType, TRANSACTIONS, Typing};

/// The schema of `transactions` in the feed's own types: strings, microseconds, decimals of scale 2.
pub fn transactions_schema() -> SchemaRef {
    let field = |column: &Column| {
        let data_type = match column.kind {
            ColumnType::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
            ColumnType::Integer => DataType::Int64,
            ColumnType::Money => DataType::Decimal128(18, 2),
            ColumnType::Date => DataType::Date32,
            ColumnType::Text | ColumnType::Texts => DataType::Utf8,
        };
        Field::new(column.name, data_type, !column.required)
    };
    Arc::new(Schema::new(TRANSACTIONS.iter().map(field).collect::<Vec<_>>()))
}

/// The rows of a batch in [`transactions_schema`]. `None` where a row has a fault, which goes to `rejects`.
///
/// # Errors
/// Where Arrow cannot build the batch: an internal error.
pub fn typed_transactions(
    raw: &RawBatch,
    typing: Typing,
    rejects: &FileRejects,
) -> Result<Option<RecordBatch>, ArrowError> {
    let mut from = Converter::new(&raw.batch, typing);
    let columns: Vec<ArrayRef> = TRANSACTIONS.iter().map(|column| converted(&mut from, column)).collect();
    let mut is_good = raw.faults.is_empty();
    for (row, column, code) in from.faults.iter() {
        rejects.note(Some(raw.rows.of(row)), Some(column), code);
        is_good = false;
    }
    if !is_good {
        return Ok(None);
    }
    RecordBatch::try_new(transactions_schema(), columns).map(Some)
}

fn converted(from: &mut Converter<'_>, column: &Column) -> ArrayRef {
    let owned = |texts: StringViewArray| -> ArrayRef { Arc::new(texts.iter().collect::<StringArray>()) };
    match column.kind {
        ColumnType::Text | ColumnType::Texts => owned(from.text(column)),
        ColumnType::Integer => Arc::new(from.integer(column)),
        ColumnType::Date => {
            Arc::new(from.date(column).into_iter().map(|date| date.map(|date| date.0)).collect::<Date32Array>())
        }
        ColumnType::Time => {
            let times: Int64Array = from.time(column);
            Arc::new(TimestampMicrosecondArray::new(times.values().clone(), times.nulls().cloned()))
        }
        ColumnType::Money => {
            let fen: Int64Array = from.money(column);
            let decimals: Decimal128Array = fen.iter().map(|fen| fen.map(i128::from)).collect();
            // Cannot fail: the type allows 18 digits, two of them behind the point.
            Arc::new(decimals.with_precision_and_scale(18, 2).expect("a precision of 18 is allowed"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::raw::RowNumbers;

    fn raw(amount: &str) -> RawBatch {
        let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
        let batch = RecordBatch::try_from_iter([
            ("account_id", text("A1")),
            ("txn_id", text("T1")),
            ("booked_at", text("2024-01-02T03:04:05")),
            ("direction", text("C")),
            ("amount", text(amount)),
        ]);
        let batch = batch.unwrap_or_else(|error| panic!("{error}"));
        RawBatch { batch, rows: RowNumbers::From(7), skips: Vec::new(), faults: Vec::new() }
    }

    #[test]
    fn a_row_keeps_its_values_and_a_fault_names_its_place() {
        let rejects = FileRejects::default();
        let typed = typed_transactions(&raw("12.30"), Typing::AllText, &rejects).unwrap().unwrap();
        assert_eq!(typed.schema(), transactions_schema());
        let shown = arrow::util::pretty::pretty_format_batches(&[typed.project(&[0, 2, 5, 6]).unwrap()]);
        assert!(rejects.finish().rejects.is_empty());
        let shown = shown.unwrap().to_string();
        assert!(shown.contains("| A1         | 2024-01-02T03:04:05 | 12.30  |         |"), "{shown}");
        assert!(typed_transactions(&raw("12.345"), Typing::AllText, &rejects).unwrap().is_none());
        let rejects = rejects.finish().rejects;
        assert_eq!((rejects[0].row, rejects[0].column.as_deref()), (Some(7), Some("amount")));
    }
}
