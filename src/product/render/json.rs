//! A product as JSON: one flat object, a key a segment.
//!
//! Owns: the shape and the text of values. Does not own: the dictionary's own JSON (see `table`), files, line
//! order. Nothing is built in between: values go to the writer as they are met.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::{RenderError, ValueText, check, visit_null_reasons};
use crate::money::{money_text, ratio_text};
use crate::product::dictionary::{ACCOUNT_ID, Dictionary, NULL_REASONS, Rows, SegmentDef};
use crate::product::value::{Items, Product, Segment, Value};

/// How JSON is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// One line with its end, as NDJSON wants.
    Line,
    /// Indented, a key a line, with a last line end.
    Pretty,
}

/// Writes one product; `account_id` comes first where the file holds many accounts.
///
/// Nothing is written where the product is not of the dictionary's shape. Give a buffered writer: this one writes
/// in small pieces.
pub fn write(
    out: &mut impl Write,
    dictionary: &Dictionary,
    account_id: Option<&str>,
    product: &Product,
    layout: Layout,
) -> Result<(), RenderError> {
    check(dictionary, product)?;
    let object = ProductJson { dictionary, account_id, product };
    match layout {
        Layout::Line => serde_json::to_writer(&mut *out, &object),
        Layout::Pretty => serde_json::to_writer_pretty(&mut *out, &object),
    }
    .map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}

/// The whole object.
struct ProductJson<'a> {
    dictionary: &'a Dictionary,
    account_id: Option<&'a str>,
    product: &'a Product,
}

impl Serialize for ProductJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        if let Some(account_id) = self.account_id {
            object.serialize_entry(ACCOUNT_ID, account_id)?;
        }
        for (def, segment) in self.dictionary.segments().zip(&self.product.segments) {
            match (def.rows, segment.rows.first()) {
                (Rows::One, Some(row)) => object.serialize_entry(&def.code, &RowJson { def, row })?,
                _ => object.serialize_entry(&def.code, &RowsJson { def, segment })?,
            }
        }
        object.serialize_entry(NULL_REASONS, &ReasonsJson(self))?;
        object.end()
    }
}

/// The rows of a segment that has several.
struct RowsJson<'a> {
    def: &'a SegmentDef,
    segment: &'a Segment,
}

impl Serialize for RowsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_seq(Some(self.segment.rows.len()))?;
        for row in &self.segment.rows {
            array.serialize_element(&RowJson { def: self.def, row })?;
        }
        array.end()
    }
}

/// One row of a segment.
struct RowJson<'a> {
    def: &'a SegmentDef,
    row: &'a Items,
}

impl Serialize for RowJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.row.len()))?;
        for (item, value) in self.def.items.iter().zip(self.row) {
            object.serialize_entry(&item.code, &ValueJson(value))?;
        }
        object.end()
    }
}

/// One value: counts are numbers, all else text or null.
struct ValueJson<'a>(&'a Value);

impl Serialize for ValueJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null(_) | Value::NoLimit => serializer.serialize_unit(),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Count(count) => serializer.serialize_i64(*count),
            Value::Money(fen) => serializer.serialize_str(&money_text(*fen)),
            Value::Ratio(millionths) => serializer.serialize_str(&ratio_text(*millionths)),
            other => serializer.collect_str(&ValueText(other)),
        }
    }
}

/// The null reasons, by path.
struct ReasonsJson<'a>(&'a ProductJson<'a>);

impl Serialize for ReasonsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        visit_null_reasons(self.0.dictionary, self.0.product, |path, reason| {
            object.serialize_entry(path, reason.name())
        })?;
        object.end()
    }
}
