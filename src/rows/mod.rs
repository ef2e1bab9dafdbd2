//! Rows: transactions reduced to integers and keyed hashes, between the classifier and the cells.
//!
//! Owns: the schema of the `rows` table, its compact bytes ([`codec`]), their gathering by parts of accounts in
//! memory and in temporary files ([`parts`]), and what happens to a part before its rows meet cells: repeats,
//! conflicts and cut-offs ([`admit`]). Does not own: classes, or what a cell does with a row.

pub mod admit;
pub mod codec;
pub mod function;
pub mod parts;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, StringViewArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, UInt8Type,
    UInt64Type,
};

use crate::cell::{Fingerprint, Row};
use crate::class::Class;
use crate::flow::Direction;
use crate::period::{DAY_US, Month};

/// The columns that a cell is made from.
pub fn cell_fields() -> Vec<Field> {
    vec![
        Field::new("booked_at", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("seq", DataType::Int64, true),
        Field::new("txn_id", DataType::Utf8View, false),
        Field::new("direction", DataType::UInt8, false),
        Field::new("reversal", DataType::Boolean, false),
        Field::new("amount_fen", DataType::Int64, false),
        Field::new("balance_fen", DataType::Int64, true),
        Field::new("class", DataType::UInt8, false),
        Field::new("counterparty", DataType::FixedSizeBinary(16), true),
        Field::new("id_hash", DataType::UInt64, false),
        Field::new("content_hash", DataType::UInt64, false),
    ]
}

/// What `pipelines/rows.sql` gives: the cell's columns, the account's number, where the row stands in the feed, and what
/// decided its class.
pub fn reduced_schema() -> SchemaRef {
    let mut fields = vec![Field::new("account", DataType::UInt32, false)];
    fields.extend(cell_fields());
    fields.push(Field::new("file", DataType::UInt32, false));
    fields.push(Field::new("row", DataType::UInt64, false));
    fields.push(Field::new("rule", DataType::UInt16, false));
    fields.push(Field::new("evidence", DataType::UInt8, false));
    Arc::new(Schema::new(fields))
}

/// What `pipelines/cells.sql` reads: a row for each run of transactions of one account and month, with their bytes
/// ([`codec`]) one after another.
pub fn runs_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("account", DataType::UInt32, false),
        Field::new("month", DataType::Int32, false),
        Field::new("rows", DataType::BinaryView, false),
    ]))
}

/// Months of booking times. Most rows are of the month of the row before, which spares the calendar.
#[derive(Default)]
struct MonthOf {
    /// The times of the month before.
    times_us: Range<i64>,
    month: i32,
}

impl MonthOf {
    /// What rows are ordered by before they meet cells: the account and the month of booking.
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

/// The cell's columns of one batch, typed.
pub struct Columns<'a> {
    booked_at: &'a PrimitiveArray<TimestampMicrosecondType>,
    seq: &'a PrimitiveArray<Int64Type>,
    txn_id: &'a StringViewArray,
    direction: &'a PrimitiveArray<UInt8Type>,
    reversal: &'a BooleanArray,
    amount_fen: &'a PrimitiveArray<Int64Type>,
    balance_fen: &'a PrimitiveArray<Int64Type>,
    class: &'a PrimitiveArray<UInt8Type>,
    counterparty: &'a FixedSizeBinaryArray,
    id_hash: &'a PrimitiveArray<UInt64Type>,
    content_hash: &'a PrimitiveArray<UInt64Type>,
}

impl<'a> Columns<'a> {
    /// The columns of [`cell_fields`], in that order; `None` where their types are others.
    pub fn new(arrays: &'a [ArrayRef]) -> Option<Columns<'a>> {
        let [booked_at, seq, txn_id, direction, reversal, amount, balance, class, counterparty, id, content] = arrays
        else {
            return None;
        };
        Some(Columns {
            booked_at: booked_at.as_primitive_opt()?,
            seq: seq.as_primitive_opt()?,
            txn_id: txn_id.as_string_view_opt()?,
            direction: direction.as_primitive_opt()?,
            reversal: reversal.as_boolean_opt()?,
            amount_fen: amount.as_primitive_opt()?,
            balance_fen: balance.as_primitive_opt()?,
            class: class.as_primitive_opt()?,
            counterparty: counterparty.as_fixed_size_binary_opt()?,
            id_hash: id.as_primitive_opt()?,
            content_hash: content.as_primitive_opt()?,
        })
    }

    /// The row at `index`; `None` where its class is no class.
    #[inline]
    pub fn row(&self, index: usize) -> Option<Row<'a>> {
        Some(Row {
            booked_at_us: self.booked_at.value(index),
            seq: given(self.seq, index),
            txn_id: self.txn_id.value(index).as_bytes(),
            direction: if self.direction.value(index) == 0 { Direction::In } else { Direction::Out },
            reversal: self.reversal.value(index),
            amount_fen: self.amount_fen.value(index),
            balance_fen: given(self.balance_fen, index),
            class: Class::from_u8(self.class.value(index))?,
            counterparty: self.key(index),
            fingerprint: Fingerprint { id: self.id_hash.value(index), content: self.content_hash.value(index) },
        })
    }

    #[inline]
    fn key(&self, index: usize) -> Option<u128> {
        if self.counterparty.is_null(index) {
            return None;
        }
        self.counterparty.value(index).try_into().ok().map(u128::from_le_bytes)
    }
}

#[inline]
fn given<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, index: usize) -> Option<T::Native> {
    array.is_valid(index).then(|| array.value(index))
}
