//! The columns of a batch while it is filled.
//!
//! Owns: values of one item in their Arrow type, and the ends of lists. Does not own: which columns there are.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder as _, ArrayRef, ArrowPrimitiveType, BooleanBufferBuilder, PrimitiveArray, StringBuilder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimestampMillisecondType};

use super::ACCOUNTS_PER_BATCH_MAX;
use crate::product::dictionary::{ItemKind, ItemType};
use crate::product::render::{Labels, RenderError};
use crate::product::value::{Column, Value};

/// One item's values, in their Arrow type.
pub(super) enum ItemColumn {
    Text(StringBuilder),
    /// Months and quarters, which are text in the file.
    Period(StringBuilder),
    Count(Numbers<Int64Type>),
    Money(Numbers<Decimal128Type>),
    Ratio(Numbers<Decimal128Type>),
    Date(Numbers<Date32Type>),
    Instant(Numbers<TimestampMillisecondType>),
}

impl ItemColumn {
    pub(super) fn new(item_type: &ItemType) -> ItemColumn {
        match item_type.kind {
            ItemKind::String | ItemKind::Text | ItemKind::Enum(_) => ItemColumn::Text(StringBuilder::new()),
            ItemKind::Month | ItemKind::Period(_) => ItemColumn::Period(StringBuilder::new()),
            ItemKind::Int => ItemColumn::Count(Numbers::new(item_type)),
            ItemKind::Money => ItemColumn::Money(Numbers::new(item_type)),
            ItemKind::Ratio => ItemColumn::Ratio(Numbers::new(item_type)),
            ItemKind::Date => ItemColumn::Date(Numbers::new(item_type)),
            ItemKind::Timestamp => ItemColumn::Instant(Numbers::new(item_type)),
        }
    }

    /// Adds the values of one account. Missing numbers are set to null afterwards, by [`ItemColumn::set_null`].
    pub(super) fn append(&mut self, values: &Column, is_missing: impl Fn(usize) -> bool, labels: &mut Labels) {
        let mut periods = |builder: &mut StringBuilder, values: &mut dyn Iterator<Item = Value>| {
            for (row, value) in values.enumerate() {
                match is_missing(row) {
                    true => builder.append_null(),
                    false => builder.append_value(labels.text(row, &value)),
                }
            }
        };
        match (self, values) {
            (ItemColumn::Text(builder), Column::Text(texts)) => {
                builder.extend(texts.iter().enumerate().map(|(row, text)| (!is_missing(row)).then_some(text)));
            }
            (ItemColumn::Period(builder), Column::Month(months)) => {
                periods(builder, &mut months.iter().copied().map(Value::Month));
            }
            (ItemColumn::Period(builder), Column::Quarter(quarters)) => {
                periods(builder, &mut quarters.iter().copied().map(Value::Quarter));
            }
            (ItemColumn::Count(numbers), Column::Count(counts)) => numbers.extend(counts.iter().copied()),
            (ItemColumn::Money(numbers), Column::Money(fen)) => numbers.extend(fen.iter().copied()),
            (ItemColumn::Ratio(numbers), Column::Ratio(millionths)) => numbers.extend(millionths.iter().copied()),
            (ItemColumn::Date(numbers), Column::Date(dates)) => numbers.extend(dates.iter().map(|date| date.0)),
            (ItemColumn::Instant(numbers), Column::Instant(instants)) => {
                // Parquet has no timestamp in seconds; the product's check has made sure that these fit.
                numbers.extend(instants.iter().map(|seconds| seconds.saturating_mul(1_000)));
            }
            _ => {}
        }
    }

    /// Adds a value that stands where the whole row is null.
    pub(super) fn append_placeholder(&mut self) {
        match self {
            ItemColumn::Text(builder) | ItemColumn::Period(builder) => builder.append_value(""),
            ItemColumn::Count(numbers) => numbers.extend([0].into_iter()),
            ItemColumn::Money(numbers) | ItemColumn::Ratio(numbers) => numbers.extend([0].into_iter()),
            ItemColumn::Date(numbers) => numbers.extend([0].into_iter()),
            ItemColumn::Instant(numbers) => numbers.extend([0].into_iter()),
        }
    }

    /// Makes a number null that was just added: the last is 1 from the end.
    pub(super) fn set_null(&mut self, from_end: usize) {
        match self {
            ItemColumn::Text(_) | ItemColumn::Period(_) => {}
            ItemColumn::Count(numbers) => numbers.set_null(from_end),
            ItemColumn::Money(numbers) | ItemColumn::Ratio(numbers) => numbers.set_null(from_end),
            ItemColumn::Date(numbers) => numbers.set_null(from_end),
            ItemColumn::Instant(numbers) => numbers.set_null(from_end),
        }
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            ItemColumn::Text(builder) | ItemColumn::Period(builder) => finish_texts(builder),
            ItemColumn::Count(column) => column.finish(),
            ItemColumn::Money(column) | ItemColumn::Ratio(column) => column.finish(),
            ItemColumn::Date(column) => column.finish(),
            ItemColumn::Instant(column) => column.finish(),
        }
    }
}

/// Numbers of one Arrow type. Arrow's own builder would take one call per value.
pub(super) struct Numbers<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    /// Which values are given; `None` = all.
    given: Option<BooleanBufferBuilder>,
    data_type: DataType,
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    pub(super) fn new(item_type: &ItemType) -> Numbers<T> {
        Numbers { values: Vec::new(), given: None, data_type: item_type.arrow() }
    }

    fn extend(&mut self, numbers: impl ExactSizeIterator<Item = T::Native>) {
        if let Some(given) = &mut self.given {
            given.append_n(numbers.len(), true);
        }
        self.values.extend(numbers);
    }

    pub(super) fn set_null(&mut self, from_end: usize) {
        let length = self.values.len();
        let given = self.given.get_or_insert_with(|| {
            let mut given = BooleanBufferBuilder::new(length);
            given.append_n(length, true);
            given
        });
        if let Some(at) = length.checked_sub(from_end) {
            given.set_bit(at, false);
        }
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        let capacity = self.values.len();
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(capacity));
        let nulls = self.given.take().map(|mut given| NullBuffer::new(given.finish()));
        Arc::new(PrimitiveArray::<T>::new(values.into(), nulls).with_data_type(self.data_type.clone()))
    }
}

/// The texts of a builder, which is empty afterwards and has room for as many: growing would copy most of them.
pub(super) fn finish_texts(builder: &mut StringBuilder) -> ArrayRef {
    let next = StringBuilder::with_capacity(builder.len(), builder.values_slice().len());
    Arc::new(std::mem::replace(builder, next).finish())
}

/// Where the rows of each account end.
pub(super) struct Offsets {
    // Invariant: begins with 0 and never falls.
    ends: Vec<i32>,
}

impl Offsets {
    pub(super) fn new() -> Offsets {
        Offsets { ends: vec![0] }
    }

    pub(super) fn push(&mut self, rows: usize) -> Result<(), RenderError> {
        let last = self.ends.last().copied().unwrap_or_default();
        let end = i32::try_from(rows).ok().and_then(|rows| last.checked_add(rows));
        self.ends.push(end.ok_or(RenderError::BatchFull { max: ACCOUNTS_PER_BATCH_MAX })?);
        Ok(())
    }

    pub(super) fn finish(&mut self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.ends, vec![0])))
    }
}
