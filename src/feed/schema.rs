//! The feed's two tables: their columns, types and codes.
//!
//! Owns: the names, requirements and accepted types of columns, equal to `schemas/feed.toml` (a test compares the two); the
//! form of codes that both tables have; the schema of the checked `transactions` table. Does not own: the checks of values
//! (`feed::check`, `feed::accounts`).

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::reject::{Code, FileFault};
use crate::dictionary_column::DictionaryColumn;

/// The type of a column's values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnType {
    /// Any Arrow string type.
    Text,
    /// Any timestamp.
    Time,
    /// 64-bit integer.
    Integer,
    /// Any decimal of scale 2 or less.
    Money,
    /// 32-bit date.
    Date,
    /// A list of strings.
    Texts,
}

/// One column of the feed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// Whether every row must give a value.
    pub required: bool,
}

const fn column(name: &'static str, kind: ColumnType, required: bool) -> Column {
    Column { name, kind, required }
}

/// The `transactions` table. Of the faults of a row the first in this order is reported.
pub const TRANSACTIONS: [Column; 17] = [
    column("account_id", ColumnType::Text, true),
    column("txn_id", ColumnType::Text, true),
    column("booked_at", ColumnType::Time, true),
    column("seq", ColumnType::Integer, false),
    column("direction", ColumnType::Text, true),
    column("amount", ColumnType::Money, true),
    column("balance", ColumnType::Money, false),
    column("currency", ColumnType::Text, false),
    column("kind", ColumnType::Text, false),
    column("channel", ColumnType::Text, false),
    column("counterparty_name", ColumnType::Text, false),
    column("counterparty_account", ColumnType::Text, false),
    column("counterparty_bank", ColumnType::Text, false),
    column("counterparty_uscc", ColumnType::Text, false),
    column("summary", ColumnType::Text, false),
    column("remark", ColumnType::Text, false),
    column("reversal_of", ColumnType::Text, false),
];

/// The `accounts` table.
pub const ACCOUNTS: [Column; 13] = [
    column("account_id", ColumnType::Text, true),
    column("provider_id", ColumnType::Text, true),
    column("provider_name", ColumnType::Text, true),
    column("bank_code", ColumnType::Text, false),
    column("subject_uscc", ColumnType::Text, true),
    column("subject_name", ColumnType::Text, true),
    column("former_names", ColumnType::Texts, false),
    column("account_type", ColumnType::Text, true),
    column("currency", ColumnType::Text, true),
    column("opened_on", ColumnType::Date, false),
    column("closed_on", ColumnType::Date, false),
    column("records_from", ColumnType::Date, false),
    column("status", ColumnType::Text, true),
];

/// The values of `channel`.
pub const CHANNELS: [&str; 7] = ["counter", "netbank", "mobile", "pos", "batch", "system", "platform"];

/// Whether a text is twelve digits, as every CNAPS code is.
pub fn is_bank_code(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// How a source types its columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Typing {
    /// Columns have types (Parquet, Arrow IPC).
    Typed,
    /// All columns are text (CSV, statements).
    AllText,
}

impl ColumnType {
    /// Whether a source's column of type `found` can be read as this type.
    fn accepts(self, found: &DataType) -> bool {
        match self {
            _ if found.is_null() => true,
            ColumnType::Text => is_text(found),
            ColumnType::Time => matches!(found, DataType::Timestamp(..)),
            ColumnType::Integer => found.is_integer() && *found != DataType::UInt64,
            ColumnType::Money => match found {
                DataType::Decimal32(_, scale)
                | DataType::Decimal64(_, scale)
                | DataType::Decimal128(_, scale)
                | DataType::Decimal256(_, scale) => *scale <= 2,
                _ => false,
            },
            ColumnType::Date => matches!(found, DataType::Date32),
            ColumnType::Texts => match found {
                DataType::List(item) | DataType::LargeList(item) => is_text(item.data_type()),
                _ => false,
            },
        }
    }

    /// The type to give instead of a wrong one, for a hint.
    fn wanted(self) -> &'static str {
        match self {
            ColumnType::Text => "a string type",
            ColumnType::Time => "a timestamp",
            ColumnType::Integer => "int64",
            ColumnType::Money => "a decimal of scale 2 or less, such as decimal128(18,2)",
            ColumnType::Date => "date32",
            ColumnType::Texts => "a list of strings",
        }
    }
}

fn is_text(found: &DataType) -> bool {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// Checks a source's schema against a table: a fault for every missing required column and every wrong type.
pub fn check_schema(table: &[Column], found: &Schema, typing: Typing) -> Vec<FileFault> {
    let mut faults = Vec::new();
    for column in table {
        match found.field_with_name(column.name) {
            Err(_) if column.required => faults.push(FileFault::column(
                Code::MissingColumn,
                column.name,
                format!("the file has no column `{}`, which every feed needs; a mapping can supply it", column.name),
            )),
            Ok(field) if typing == Typing::Typed && !column.kind.accepts(field.data_type()) => {
                faults.push(FileFault::column(
                    Code::BadType,
                    column.name,
                    format!("`{}` has type {}; give {}", column.name, field.data_type(), column.kind.wanted()),
                ));
            }
            _ => {}
        }
    }
    faults
}

/// The columns of a source that the table does not have. They are ignored with a warning.
pub fn unknown_columns(table: &[Column], found: &Schema) -> Vec<String> {
    let known = |name: &str| table.iter().any(|column| column.name == name);
    found.fields().iter().map(|field| field.name().clone()).filter(|name| !known(name)).collect()
}

/// The schema of the checked `transactions` table, which `pipelines/rows.sql` reads: the feed's columns after conversion,
/// `account_id` as the account's number, and each row's place in the feed (`file`, `row`). It has no `currency`: after the
/// checks that is the account's.
pub fn checked_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("account", DataType::UInt32, false),
        Field::new("txn_id", DataType::Utf8View, false),
        Field::new("booked_at", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("seq", DataType::Int64, true),
        Field::new("direction", DataType::UInt8, false),
        Field::new("amount_fen", DataType::Int64, false),
        Field::new("balance_fen", DataType::Int64, true),
        Field::new("kind", DataType::UInt8, true),
        DictionaryColumn::field("channel"),
        DictionaryColumn::field("counterparty_name"),
        DictionaryColumn::field("counterparty_account"),
        DictionaryColumn::field("counterparty_bank"),
        DictionaryColumn::field("counterparty_uscc"),
        DictionaryColumn::field("summary"),
        DictionaryColumn::field("remark"),
        DictionaryColumn::field("reversal_of"),
        Field::new("file", DataType::UInt32, false),
        Field::new("row", DataType::UInt64, false),
    ]))
}
