//! The renderings of a product: JSON, Parquet, tables for a terminal.
//!
//! Owns: the check of a product against its dictionary, the null reasons beside the segments, and the errors of all
//! renderings. Does not own: the values, or the destination of the output.

use std::convert::Infallible;
use std::fmt::{self, Write as _};
use std::io;

use super::dictionary::{Dictionary, ItemKind, MONEY_PRECISION, PeriodKind, RATIO_PRECISION, Rows, SegmentDef};
use super::value::{Column, Misfit, Missing, Product, Reason, Segment, Value};
use crate::money::{AMOUNT_FEN_MAX, money_text, ratio_text};
use crate::period::instant_text;

pub mod json;
pub mod parquet;
#[cfg(test)]
mod samples;
pub mod table;

/// The longest text, so that a batch of products stays far below the 2 GiB that Arrow's text columns hold.
const TEXT_BYTES_MAX: usize = 512 << 10;

/// The first amount of money that a product does not hold, fen.
const MONEY_END: u128 = 10_u128.pow(MONEY_PRECISION as u32);

/// The first ratio that a product does not hold, millionths.
const RATIO_END: u128 = 10_u128.pow(RATIO_PRECISION as u32);

// A single amount of a feed always fits; only sums and balances may not.
const _: () = assert!(AMOUNT_FEN_MAX as u128 == MONEY_END - 1);

/// Why a product could not be rendered. [`RenderError::Money`] is a fault of the account's amounts, [`RenderError::Io`] and
/// [`RenderError::Parquet`] are faults of the output; all others are internal errors. They name places, never values.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The product does not have the segments, rows or items of its dictionary.
    #[error("internal error: `{place}` has {found} {what} where its dictionary has {expected}")]
    Shape {
        /// The product or segment.
        place: String,
        /// The kind of part: segments, rows or items.
        what: &'static str,
        /// The number in the dictionary.
        expected: usize,
        /// The number in the product.
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
    /// An amount of money has more than 18 digits of fen.
    #[error("`{item}` has more than {MONEY_PRECISION} digits of fen")]
    Money {
        /// The path of the item, as `null_reasons` spells it.
        item: String,
    },
    /// A ratio has more than 38 digits.
    #[error("internal error: a value of `{segment}.{item}` has more than {RATIO_PRECISION} digits")]
    Ratio {
        /// Which segment.
        segment: String,
        /// Which item.
        item: String,
    },
    /// A text is too long.
    #[error("internal error: a text of `{place}` has more than {TEXT_BYTES_MAX} bytes")]
    TextLength {
        /// The column or `segment.item`.
        place: String,
    },
    /// A segment is withheld, but its column cannot be null.
    #[error("internal error: `{segment}` is withheld, but its column is never null")]
    Withheld {
        /// Which segment.
        segment: String,
    },
    /// A batch is full.
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

/// A product that was checked against its dictionary. Renderings take nothing else.
#[derive(Clone, Copy, Debug)]
pub struct CheckedProduct<'p> {
    // Invariant: made by `check` alone, so the product has the dictionary's shape and each value fits its item.
    dictionary: &'p Dictionary,
    product: &'p Product,
}

impl<'p> CheckedProduct<'p> {
    /// The dictionary.
    pub fn dictionary(&self) -> &'p Dictionary {
        self.dictionary
    }

    /// The product.
    pub fn product(&self) -> &'p Product {
        self.product
    }

    /// The segments with their definitions, in order.
    pub fn segments(&self) -> impl Iterator<Item = (&'p SegmentDef, &'p Segment)> + use<'p> {
        self.dictionary.segments().zip(&self.product.segments)
    }
}

/// Checks that a product has its dictionary's segments, rows and items, and that each value fits its item's type.
///
/// # Errors
/// [`RenderError::Money`] for an amount out of range; internal errors for all else.
pub fn check<'p>(dictionary: &'p Dictionary, product: &'p Product) -> Result<CheckedProduct<'p>, RenderError> {
    let segments = dictionary.counts().segments;
    if product.segments.len() != segments {
        return Err(shape(dictionary.product(), "segments", segments, product.segments.len()));
    }
    for (segment, given) in dictionary.segments().zip(&product.segments) {
        let (rows, expected) = (given.rows(), rows_max(dictionary, segment));
        let (items, found) = (segment.items.len(), given.columns().len());
        if given.is_withheld() {
            if found != items {
                return Err(shape(&segment.code, "items", items, found));
            }
            continue;
        }
        if rows > expected || (segment.rows == Rows::One && rows != 1) {
            return Err(shape(&segment.code, "rows", expected, rows));
        }
        match given.misfit() {
            Some(Misfit::Items { found }) => return Err(shape(&segment.code, "items", items, found)),
            Some(Misfit::Type { item }) => return Err(of_another_type(segment, item)),
            None if found != items => return Err(shape(&segment.code, "items", items, found)),
            None => {}
        }
        let is_nullable = |item: usize| segment.items.get(item).is_some_and(|item| item.item_type.nullable);
        if let Some(missing) = given.missing().iter().find(|missing| !is_nullable(missing.item)) {
            return Err(of_another_type(segment, missing.item));
        }
        for (item, column) in given.columns().iter().enumerate() {
            check_column(segment, item, column, given)?;
        }
    }
    Ok(CheckedProduct { dictionary, product })
}

/// Checks that a column has its item's type and that its values are in range.
fn check_column(segment: &SegmentDef, item: usize, column: &Column, given: &Segment) -> Result<(), RenderError> {
    let Some(def) = segment.items.get(item) else { return Err(of_another_type(segment, item)) };
    match (&def.item_type.kind, column) {
        (ItemKind::String | ItemKind::Text, Column::Text(texts)) => {
            if texts.iter().any(|text| text.len() > TEXT_BYTES_MAX) {
                return Err(RenderError::TextLength { place: format!("{}.{}", segment.code, def.code) });
            }
        }
        (ItemKind::Enum(codes), Column::Text(texts)) => {
            let is_code = |text: &str| codes.iter().any(|code| code == text);
            if !texts.iter().enumerate().all(|(row, text)| is_code(text) || given.is_missing(row, item)) {
                return Err(of_another_type(segment, item));
            }
        }
        (ItemKind::Money, Column::Money(fen)) => {
            if let Some(row) = fen.iter().position(|fen| fen.unsigned_abs() >= MONEY_END) {
                let mut item = String::new();
                push_path(&mut item, segment, given, row, &mut Labels::default());
                return Err(RenderError::Money { item: item + &def.code });
            }
        }
        (ItemKind::Ratio, Column::Ratio(millionths)) => {
            if !millionths.iter().all(|millionths| millionths.unsigned_abs() < RATIO_END) {
                return Err(RenderError::Ratio { segment: segment.code.clone(), item: def.code.clone() });
            }
        }
        (ItemKind::Timestamp, Column::Instant(instants)) => {
            // Parquet has no timestamp in seconds.
            if !instants.iter().all(|seconds| seconds.checked_mul(1_000).is_some()) {
                return Err(of_another_type(segment, item));
            }
        }
        (ItemKind::Int, Column::Count(_))
        | (ItemKind::Date, Column::Date(_))
        | (ItemKind::Month | ItemKind::Period(PeriodKind::Month), Column::Month(_))
        | (ItemKind::Period(PeriodKind::Quarter), Column::Quarter(_)) => {}
        _ => return Err(of_another_type(segment, item)),
    }
    Ok(())
}

/// The path and reason of each value that is null and has a reason, in the dictionary's order. The path of a withheld
/// segment is its code alone.
pub fn null_reasons(product: CheckedProduct<'_>) -> Vec<(String, &'static str)> {
    let mut reasons = Vec::new();
    let mut labels = Labels::default();
    let Ok(()) = visit_null_reasons::<Infallible>(product, &mut labels, |path, reason| {
        reasons.push((path.to_string(), reason.name()));
        Ok(())
    });
    reasons
}

/// [`null_reasons`] one at a time, over one buffer.
fn visit_null_reasons<E>(
    product: CheckedProduct<'_>,
    labels: &mut Labels,
    mut visit: impl FnMut(&str, Reason) -> Result<(), E>,
) -> Result<(), E> {
    let mut path = String::new();
    for (segment, given) in product.segments() {
        if given.is_withheld() {
            visit(&segment.code, Reason::Withheld)?;
        }
        for of_row in given.missing().chunk_by(|a, b| a.row == b.row) {
            // The part before the item is the same for the whole row: it is written at the first null.
            let mut row_length = None;
            for Missing { row, item, reason } in of_row {
                let (Some(reason), Some(item)) = (reason, segment.items.get(*item)) else { continue };
                let length = *row_length.get_or_insert_with(|| {
                    path.clear();
                    push_path(&mut path, segment, given, *row, labels);
                    path.len()
                });
                path.truncate(length);
                path.push_str(&item.code);
                visit(&path, *reason)?;
            }
        }
    }
    Ok(())
}

/// Appends the path of a row's items, up to the item's code: `segment.` or `segment[label].`.
fn push_path(path: &mut String, segment: &SegmentDef, given: &Segment, row: usize, labels: &mut Labels) {
    path.push_str(&segment.code);
    if let (Rows::PerPeriod | Rows::PerBand, Some(label)) = (segment.rows, given.label(row)) {
        path.push('[');
        path.push_str(labels.text(row, &label));
        path.push(']');
    }
    path.push('.');
}

/// A cache of the texts of row labels. Nearly all products of a build have the same periods, and each segment needs their
/// texts.
#[derive(Default)]
struct Labels {
    /// By row.
    known: Vec<(Value, String)>,
}

impl Labels {
    fn text(&mut self, row: usize, label: &Value) -> &str {
        if self.known.len() <= row {
            self.known.resize_with(row + 1, || (Value::NoLimit, String::new()));
        }
        let Some((known, text)) = self.known.get_mut(row) else { return "" };
        if known != label {
            *known = label.clone();
            text.clear();
            // Writing to a String cannot fail.
            let _ = write!(text, "{}", ValueText(label));
        }
        text
    }
}

/// A value's text, as in JSON but without quotes; empty if there is none.
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

/// More bands than any product has. This only bounds memory.
const BANDS_MAX: usize = 64;

fn of_another_type(segment: &SegmentDef, item: usize) -> RenderError {
    let def = segment.items.get(item);
    let (item, expected) = def.map(|def| (def.code.clone(), def.item_type.to_string())).unwrap_or_default();
    RenderError::Kind { segment: segment.code.clone(), item, expected }
}

fn shape(place: &str, what: &'static str, expected: usize, found: usize) -> RenderError {
    RenderError::Shape { place: place.to_string(), what, expected, found }
}

#[cfg(test)]
mod tests {
    use super::samples::{Dice, product, set};
    use super::*;
    use crate::period::{Month, Quarter};
    use crate::product::ProductKind;

    #[test]
    fn null_reasons_by_path() {
        let dictionary = Dictionary::builtin(ProductKind::Report).unwrap();
        let mut product = product(&dictionary, 2, &mut Dice(1));
        for segment in &mut product.segments {
            segment.change(|rows| {
                for value in rows.iter_mut().flatten().filter(|value| matches!(value, Value::Null(_))) {
                    *value = Value::NoLimit;
                }
            });
        }
        assert_eq!(null_reasons(check(&dictionary, &product).unwrap()), [], "no limit is no reason");
        let mut set = |segment, row, item, reason| {
            set(&dictionary, &mut product, (segment, item), row, Value::Null(reason));
        };
        // Set in another order than the dictionary's.
        set("activity", 0, "days_since_last_in", Reason::NoActivity);
        set("amount_bands", 1, "year_in_share", Reason::HistoryShort);
        set("funds", 1, "closing_balance", Reason::NoBalance);
        set("funds", 0, "min_balance", Reason::NoBalance);
        set("funds", 0, "max_balance", Reason::NoBalance);
        set("basic", 0, "opened_on", Reason::NotGiven);
        let paths = null_reasons(check(&dictionary, &product).unwrap());
        let expected = [
            ("basic.opened_on", "not_given"),
            ("funds[2020Q1].max_balance", "no_balance"),
            ("funds[2020Q1].min_balance", "no_balance"),
            ("funds[2020Q2].closing_balance", "no_balance"),
            ("amount_bands[1000.00].year_in_share", "history_short"),
            ("activity.days_since_last_in", "no_activity"),
        ];
        assert_eq!(paths, expected.map(|(path, reason)| (path.to_string(), reason)));
    }

    #[test]
    fn months_label_their_rows() {
        let dictionary = Dictionary::builtin(ProductKind::DetailSummary).unwrap();
        let mut product = product(&dictionary, 1, &mut Dice(2));
        let month = Value::Month(Month::parse("2024-01").unwrap());
        set(&dictionary, &mut product, ("other", "period"), 0, month);
        set(&dictionary, &mut product, ("other", "top_in_amount"), 0, Value::Null(Reason::NoCounterparty));
        let expected = ("other[2024-01].top_in_amount".to_string(), "no_counterparty");
        assert!(null_reasons(check(&dictionary, &product).unwrap()).contains(&expected));
    }

    #[test]
    fn samples_fit() {
        for kind in ProductKind::ALL {
            let dictionary = Dictionary::builtin(kind).unwrap();
            for periods in [0, 1, dictionary.max_periods()] {
                check(&dictionary, &product(&dictionary, periods, &mut Dice(3))).unwrap();
            }
        }
    }

    #[test]
    fn a_misfit_is_reported_with_its_place() {
        type Change = fn(&Dictionary, &mut Product);
        fn set(dictionary: &Dictionary, product: &mut Product, segment: &str, item: &str, value: Value) {
            super::samples::set(dictionary, product, (segment, item), 0, value);
        }
        let cases: [(&str, Change); 17] = [
            ("`report` has 17 segments where its dictionary has 18", |_, p| drop(p.segments.pop())),
            ("`cover` has 0 rows where its dictionary has 1", |_, p| p.segments[0].clear()),
            ("`notes` has 3 items where its dictionary has 4", |_, p| p.segments[1].change(|rows| drop(rows[0].pop()))),
            ("`notes` has 5 items where its dictionary has 4", |_, p| {
                p.segments[1].change(|rows| rows[0].push(Value::Count(1)))
            }),
            ("`cover` has 10 items where its dictionary has 7", |_, p| p.segments[0] = p.segments[2].clone()),
            ("`funds` has 13 rows where its dictionary has 12", |_, p| {
                p.segments[3].change(|rows| rows.resize(13, rows[0].clone()));
            }),
            ("`cover.generated_at` is not of the type `timestamp`", |d, p| {
                set(d, p, "cover", "generated_at", Value::Instant(i64::MAX))
            }),
            ("`funds.period` is not of the type `period`", |d, p| set(d, p, "funds", "period", Value::Month(Month(0)))),
            ("`basic.first_month` is not of the type `month?`", |d, p| {
                set(d, p, "basic", "first_month", Value::Quarter(Quarter(0)))
            }),
            ("`funds.in_count` is not of the type `int`", |d, p| {
                set(d, p, "funds", "in_count", Value::Null(Reason::NoActivity))
            }),
            ("`basic.account_type` is not of the type `enum:basic|general|special|temporary`", |d, p| {
                set(d, p, "basic", "account_type", Value::Text("none".into()))
            }),
            ("`stability.in_monthly_cv` is not of the type `ratio?`", |d, p| {
                set(d, p, "stability", "in_monthly_cv", Value::Money(1))
            }),
            ("`stability.in_monthly_mean` is not of the type `money?`", |d, p| {
                set(d, p, "stability", "in_monthly_mean", Value::Ratio(1))
            }),
            ("`funds[2020Q1].in_amount` has more than 18 digits of fen", |d, p| {
                set(d, p, "funds", "in_amount", Value::Money(MONEY_END as i128))
            }),
            ("`stability.in_monthly_mean` has more than 18 digits of fen", |d, p| {
                set(d, p, "stability", "in_monthly_mean", Value::Money(-(MONEY_END as i128)))
            }),
            ("`appendix.subject_statement` has more than 524288 bytes", |d, p| {
                set(d, p, "appendix", "subject_statement", Value::Text("x".repeat(524_289).into()))
            }),
            ("`trend.in_qoq` has more than 38 digits", |d, p| {
                set(d, p, "trend", "in_qoq", Value::Ratio(-(RATIO_END as i128)))
            }),
        ];
        let dictionary = Dictionary::builtin(ProductKind::Report).unwrap();
        for (message, change) in cases {
            let mut product = product(&dictionary, 3, &mut Dice(4));
            change(&dictionary, &mut product);
            let error = check(&dictionary, &product).unwrap_err().to_string();
            assert!(error.contains(message), "{error} lacks {message}");
        }
    }
}
