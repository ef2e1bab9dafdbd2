//! The renderings of a product: JSON, Parquet, tables for a terminal.
//!
//! Owns: the check that a product is of its dictionary's shape, the null reasons beside the segments, and the
//! errors of all renderings. Does not own: the values, nor where bytes go.

use std::fmt::{self, Write as _};
use std::io;

use super::dictionary::{Dictionary, ItemDef, ItemKind, PeriodKind, Rows, SegmentDef};
use super::value::{Product, Reason, Value};
use crate::money::{money_text, ratio_text};
use crate::period::instant_text;

pub mod json;
pub mod parquet;
pub mod table;

/// The first number that 38 decimal digits do not hold.
const DECIMAL_END: u128 = 10_u128.pow(38);

/// Why a product could not be rendered. Other than the writers' own faults these are mistakes of this program;
/// they name places, never values.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The product has not the segments, rows or items of its dictionary.
    #[error("internal error: `{place}` has {found} {what} where its dictionary has {expected}")]
    Shape {
        /// The product or segment.
        place: String,
        /// What was counted.
        what: &'static str,
        /// How many the dictionary asks for.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A value is not of its item's type.
    #[error("internal error: a value of `{segment}.{item}` is not of the type `{expected}`")]
    Kind {
        /// Which segment.
        segment: String,
        /// Which item.
        item: String,
        /// The item's type.
        expected: String,
    },
    /// Money or a ratio has more than 38 digits.
    #[error("internal error: a value of `{segment}.{item}` has more than 38 digits")]
    Range {
        /// Which segment.
        segment: String,
        /// Which item.
        item: String,
    },
    /// Accounts came out of order.
    #[error("internal error: products must be written in ascending order of `account_id`, each account once")]
    Order,
    /// A batch holds as many accounts as it may.
    #[error("internal error: a batch of products holds at most {max} accounts")]
    BatchFull {
        /// The bound.
        max: usize,
    },
    /// Arrow refused the arrays.
    #[error("internal error: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The Parquet writer failed.
    #[error("cannot write Parquet: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// The output could not be written.
    #[error("cannot write the product: {0}")]
    Io(#[from] io::Error),
}

/// Checks that a product has its dictionary's segments, rows and items, and that each value fits its item's type.
pub fn check(dictionary: &Dictionary, product: &Product) -> Result<(), RenderError> {
    let segments = dictionary.counts().segments;
    if product.segments.len() != segments {
        return Err(shape(dictionary.product(), "segments", segments, product.segments.len()));
    }
    for (segment, given) in dictionary.segments().zip(&product.segments) {
        let (rows, expected) = (given.rows.len(), rows_max(dictionary, segment));
        if rows > expected || (segment.rows == Rows::One && rows != 1) {
            return Err(shape(&segment.code, "rows", expected, rows));
        }
        for row in &given.rows {
            if row.len() != segment.items.len() {
                return Err(shape(&segment.code, "items", segment.items.len(), row.len()));
            }
            for (item, value) in segment.items.iter().zip(row) {
                check_value(segment, item, value)?;
            }
        }
    }
    Ok(())
}

/// The path and reason of each value that is null and has a reason, in the dictionary's order.
///
/// The product is of the dictionary's shape, see [`check`].
pub fn null_reasons(dictionary: &Dictionary, product: &Product) -> Vec<(String, &'static str)> {
    let mut reasons = Vec::new();
    let Ok(()) = visit_null_reasons::<std::convert::Infallible>(dictionary, product, |path, reason| {
        reasons.push((path.to_string(), reason.name()));
        Ok(())
    });
    reasons
}

/// [`null_reasons`] one at a time, over one buffer.
fn visit_null_reasons<E>(
    dictionary: &Dictionary,
    product: &Product,
    mut visit: impl FnMut(&str, Reason) -> Result<(), E>,
) -> Result<(), E> {
    let mut path = String::new();
    for (segment, given) in dictionary.segments().zip(&product.segments) {
        for row in &given.rows {
            let mut row_length = None;
            for (item, value) in segment.items.iter().zip(row) {
                let Value::Null(reason) = value else { continue };
                // The part before the item is the row's: written at its first null only.
                let length = *row_length.get_or_insert_with(|| write_row_path(&mut path, segment, row.first()));
                path.truncate(length);
                path.push_str(&item.code);
                visit(&path, *reason)?;
            }
        }
    }
    Ok(())
}

/// Writes `segment.` or `segment[label].` into `path`; returns its length.
fn write_row_path(path: &mut String, segment: &SegmentDef, label: Option<&Value>) -> usize {
    path.clear();
    path.push_str(&segment.code);
    if let (Rows::PerPeriod | Rows::PerBand, Some(label)) = (segment.rows, label) {
        // Writing to a String cannot fail.
        let _ = write!(path, "[{}]", ValueText(label));
    }
    path.push('.');
    path.len()
}

/// A value's text, as JSON holds it without its quotes; empty where there is none.
struct ValueText<'a>(&'a Value);

impl fmt::Display for ValueText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null(_) | Value::NoLimit => Ok(()),
            Value::Text(text) => f.write_str(text),
            Value::Count(count) => count.fmt(f),
            Value::Money(fen) => f.write_str(&money_text(*fen)),
            Value::Ratio(millionths) => f.write_str(&ratio_text(*millionths)),
            Value::Date(date) => date.fmt(f),
            Value::Month(month) => month.fmt(f),
            Value::Quarter(quarter) => quarter.fmt(f),
            Value::Instant(seconds) => f.write_str(&instant_text(*seconds)),
        }
    }
}

/// The most rows that a segment may have.
fn rows_max(dictionary: &Dictionary, segment: &SegmentDef) -> usize {
    match segment.rows {
        Rows::One => 1,
        Rows::PerPeriod => dictionary.max_periods(),
        Rows::PerBand => BANDS_MAX,
    }
}

/// More bands than any product has: a bound on memory, not on meaning.
const BANDS_MAX: usize = 64;

fn check_value(segment: &SegmentDef, item: &ItemDef, value: &Value) -> Result<(), RenderError> {
    let fits = match (&item.item_type.kind, value) {
        (_, Value::Null(_) | Value::NoLimit) => item.item_type.nullable,
        (ItemKind::String | ItemKind::Text, Value::Text(_)) => true,
        (ItemKind::Enum(codes), Value::Text(text)) => codes.iter().any(|code| code.as_str() == &**text),
        (ItemKind::Int, Value::Count(_)) => true,
        (ItemKind::Money, Value::Money(number)) | (ItemKind::Ratio, Value::Ratio(number)) => {
            if number.unsigned_abs() >= DECIMAL_END {
                return Err(RenderError::Range { segment: segment.code.clone(), item: item.code.clone() });
            }
            true
        }
        (ItemKind::Date, Value::Date(_)) => true,
        (ItemKind::Month | ItemKind::Period(PeriodKind::Month), Value::Month(_)) => true,
        (ItemKind::Period(PeriodKind::Quarter), Value::Quarter(_)) => true,
        (ItemKind::Timestamp, Value::Instant(_)) => true,
        _ => false,
    };
    if fits { Ok(()) } else { Err(wrong_kind(segment, item)) }
}

fn wrong_kind(segment: &SegmentDef, item: &ItemDef) -> RenderError {
    RenderError::Kind { segment: segment.code.clone(), item: item.code.clone(), expected: item.item_type.to_string() }
}

fn shape(place: &str, what: &'static str, expected: usize, found: usize) -> RenderError {
    RenderError::Shape { place: place.to_string(), what, expected, found }
}
