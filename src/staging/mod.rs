//! Staging: transactions as rows of integers and keyed hashes, between the classifier and the cells.
//!
//! Owns: the schema of the `rows` table, its compact bytes ([`codec`]), the buffer in which rows wait by partitions of
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
    DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt64Type,
};

use crate::cell::{Fingerprint, Row};
use crate::class::Class;
use crate::flow::{Direction, is_reversal};
use crate::period::{DAY_US, Month};

/// The columns that a cell is made from.
pub fn cell_fields() -> Vec<Field> {
    vec![
        Field::new("booked_at", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("seq", DataType::Int64, true),
        Field::new("txn_id", DataType::Utf8View, false),
        Field::new("direction", DataType::UInt8, false),
        Field::new("reverses", DataType::Boolean, false),
        Field::new("amount_fen", DataType::Int64, false),
        Field::new("balance_fen", DataType::Int64, true),
        Field::new("class", DataType::UInt8, false),
        Field::new("counterparty", DataType::FixedSizeBinary(16), true),
        Field::new("id_hash", DataType::FixedSizeBinary(fingerprint::ID_BYTES), false),
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
    booked_at: &'a [i64],
    seq: Given<'a, i64>,
    txn_id: &'a StringViewArray,
    direction: &'a [u8],
    reverses: &'a BooleanBuffer,
    amount_fen: &'a [i64],
    balance_fen: Given<'a, i64>,
    class: &'a [u8],
    counterparty: Given<'a, [u8; KEY_BYTES]>,
    id_hash: &'a [[u8; KEY_BYTES]],
    content_hash: &'a [u64],
}

/// Bytes of a counterparty's key and of an identifier's hash.
const KEY_BYTES: usize = size_of::<u128>();

impl<'a> Columns<'a> {
    /// The columns of [`cell_fields`], in that order; `None` where their types are others.
    pub fn new(arrays: &'a [ArrayRef]) -> Option<Columns<'a>> {
        let [booked_at, seq, txn_id, direction, reverses, amount, balance, class, counterparty, id, content] = arrays
        else {
            return None;
        };
        let wide = |array: &'a ArrayRef| {
            array.as_fixed_size_binary_opt().filter(|hashes| hashes.value_length() as usize == KEY_BYTES)
        };
        let keys = wide(counterparty)?;
        Some(Columns {
            booked_at: booked_at.as_primitive_opt::<TimestampMicrosecondType>()?.values(),
            seq: Given::integers(seq)?,
            txn_id: txn_id.as_string_view_opt()?,
            direction: direction.as_primitive_opt::<UInt8Type>()?.values(),
            reverses: reverses.as_boolean_opt()?.values(),
            amount_fen: amount.as_primitive_opt::<Int64Type>()?.values(),
            balance_fen: Given::integers(balance)?,
            class: class.as_primitive_opt::<UInt8Type>()?.values(),
            counterparty: Given { values: keys.value_data().as_chunks().0, nulls: keys.nulls() },
            id_hash: wide(id)?.value_data().as_chunks().0,
            content_hash: content.as_primitive_opt::<UInt64Type>()?.values(),
        })
    }

    /// The row at `index`; `None` where its class is no class.
    // Rows are large, and a row that is read only to be written elsewhere need not come into being.
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
struct Given<'a, T> {
    values: &'a [T],
    nulls: Option<&'a NullBuffer>,
}

impl<'a> Given<'a, i64> {
    fn integers(array: &'a ArrayRef) -> Option<Given<'a, i64>> {
        let array = array.as_primitive_opt::<Int64Type>()?;
        Some(Given { values: array.values(), nulls: array.nulls() })
    }
}

impl<T: Copy> Given<'_, T> {
    #[inline]
    fn at(&self, index: usize) -> Option<T> {
        self.nulls.is_none_or(|nulls| nulls.is_valid(index)).then(|| self.values[index])
    }
}
