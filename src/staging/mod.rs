//! Staging: transactions as rows of integers and keyed hashes, between the classifier and the cells.
//!
//! Owns: the schema of the `rows` table, its compact bytes ([`codec`]), the buffer that holds rows by partitions of
//! accounts ([`partition`], [`buffer`]), and the dedup of a partition before its rows are added to cells: repeats,
//! conflicts and cut-offs ([`dedup`]). Does not own: classes, or the effect of a row on a cell.

pub mod buffer;
pub mod codec;
pub mod dedup;
pub mod error;
pub mod fingerprint;
pub mod partition;
mod spill;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{
    DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt32Type,
    UInt64Type,
};

use arrow::record_batch::RecordBatch;

use crate::cell::{Fingerprint, Row};
use crate::class::Class;
use crate::class::classifier::Classifier;
use crate::flow::{Direction, is_reversal};
use crate::period::{DAY_US, Month};
use codec::Place;

/// The rows of `pipelines/rows.sql` and of [`crate::intake::Kernels`]: integers, keyed hashes, the verdict of the classifier
/// ([`Classifier::data_type`]), the fingerprint ([`fingerprint::fingerprint_fields`]), and a row's place in the feed.
pub fn reduced_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("account", DataType::UInt32, false),
        Field::new("booked_at", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("seq", DataType::Int64, true),
        Field::new("txn_id", DataType::Utf8View, false),
        Field::new("direction", DataType::UInt8, false),
        Field::new("reverses", DataType::Boolean, false),
        Field::new("amount_fen", DataType::Int64, false),
        Field::new("balance_fen", DataType::Int64, true),
        Field::new("verdict", Classifier::data_type(), true),
        Field::new("fingerprint", DataType::Struct(fingerprint::fingerprint_fields()), true),
        Field::new("file", DataType::UInt32, false),
        Field::new("row", DataType::UInt64, false),
    ]))
}

/// The input of `pipelines/cells.sql`: a row for each run of transactions of one account and month, with their encoded
/// rows ([`codec`]) one after another.
pub fn runs_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("account", DataType::UInt32, false),
        Field::new("month", DataType::Int32, false),
        Field::new("rows", DataType::BinaryView, false),
    ]))
}

/// Months of booking times. Most rows have the month of the row before, so the calendar is rarely needed.
#[derive(Default)]
struct MonthOf {
    /// The times of the last month computed.
    times_us: Range<i64>,
    month: i32,
}

impl MonthOf {
    /// The key that rows are grouped by before they are added to cells: the account and the month of booking.
    #[inline]
    fn key(&mut self, head: &codec::Head) -> (u32, Month) {
        if !self.times_us.contains(&head.booked_at_us) {
            let month = head.date().month();
            let first_us = |month: Month| i64::from(month.first_day().0) * DAY_US;
            self.times_us = first_us(month)..first_us(month.plus(1));
            self.month = month.0;
        }
        (head.account, Month(self.month))
    }
}

/// A batch of [`reduced_schema`], typed.
pub struct RowColumns<'a> {
    account: &'a [u32],
    booked_at: &'a [i64],
    seq: Nullable<'a, i64>,
    txn_id: &'a StringViewArray,
    direction: &'a [u8],
    reverses: &'a BooleanBuffer,
    amount_fen: &'a [i64],
    balance_fen: Nullable<'a, i64>,
    class: &'a [u8],
    counterparty: Nullable<'a, [u8; KEY_BYTES]>,
    id_hash: &'a [[u8; KEY_BYTES]],
    content_hash: &'a [u64],
    file: &'a [u32],
    row: &'a [u64],
}

/// Bytes of a counterparty's key and of an identifier's hash.
const KEY_BYTES: usize = size_of::<u128>();

impl<'a> RowColumns<'a> {
    /// The columns of a batch; `None` where one is missing or of another type.
    pub fn new(batch: &'a RecordBatch) -> Option<RowColumns<'a>> {
        let column = |name: &str| batch.column_by_name(name);
        let of = |name: &str, field: &str| column(name)?.as_struct_opt()?.column_by_name(field);
        let wide = |array: &'a ArrayRef| {
            array.as_fixed_size_binary_opt().filter(|hashes| hashes.value_length() as usize == KEY_BYTES)
        };
        let keys = wide(of("verdict", "counterparty")?)?;
        Some(RowColumns {
            account: column("account")?.as_primitive_opt::<UInt32Type>()?.values(),
            booked_at: column("booked_at")?.as_primitive_opt::<TimestampMicrosecondType>()?.values(),
            seq: Nullable::integers(column("seq")?)?,
            txn_id: column("txn_id")?.as_string_view_opt()?,
            direction: column("direction")?.as_primitive_opt::<UInt8Type>()?.values(),
            reverses: column("reverses")?.as_boolean_opt()?.values(),
            amount_fen: column("amount_fen")?.as_primitive_opt::<Int64Type>()?.values(),
            balance_fen: Nullable::integers(column("balance_fen")?)?,
            class: of("verdict", "class")?.as_primitive_opt::<UInt8Type>()?.values(),
            counterparty: Nullable { values: keys.value_data().as_chunks().0, nulls: keys.nulls() },
            id_hash: wide(of("fingerprint", "id")?)?.value_data().as_chunks().0,
            content_hash: of("fingerprint", "content")?.as_primitive_opt::<UInt64Type>()?.values(),
            file: column("file")?.as_primitive_opt::<UInt32Type>()?.values(),
            row: column("row")?.as_primitive_opt::<UInt64Type>()?.values(),
        })
    }

    /// The accounts' numbers.
    pub fn accounts(&self) -> &'a [u32] {
        self.account
    }

    /// The account of the row at `index`, and its place in the feed.
    #[inline(always)]
    pub fn place(&self, index: usize) -> (u32, Place) {
        (self.account[index], Place { file: self.file[index], row: self.row[index] })
    }

    /// The row at `index`; `None` where its class is no class.
    // Rows are large; inlined, a row that is only encoded is never stored as a whole.
    #[inline(always)]
    pub fn row(&self, index: usize) -> Option<Row<'a>> {
        let amount_fen = self.amount_fen[index];
        Some(Row {
            booked_at_us: self.booked_at[index],
            seq: self.seq.at(index),
            txn_id: self.txn_id.value(index).as_bytes(),
            direction: if self.direction[index] == 0 { Direction::In } else { Direction::Out },
            reversal: is_reversal(amount_fen, self.reverses.value(index)),
            amount_fen: amount_fen.saturating_abs(),
            balance_fen: self.balance_fen.at(index),
            class: Class::from_u8(self.class[index])?,
            counterparty: self.counterparty.at(index).map(u128::from_le_bytes),
            fingerprint: Fingerprint {
                id: u128::from_le_bytes(self.id_hash[index]),
                content: self.content_hash[index],
            },
        })
    }
}

/// Values, some of which may be missing.
struct Nullable<'a, T> {
    values: &'a [T],
    nulls: Option<&'a NullBuffer>,
}

impl<'a> Nullable<'a, i64> {
    fn integers(array: &'a ArrayRef) -> Option<Nullable<'a, i64>> {
        let array = array.as_primitive_opt::<Int64Type>()?;
        Some(Nullable { values: array.values(), nulls: array.nulls() })
    }
}

impl<T: Copy> Nullable<'_, T> {
    #[inline]
    fn at(&self, index: usize) -> Option<T> {
        self.nulls.is_none_or(|nulls| nulls.is_valid(index)).then(|| self.values[index])
    }
}
