//! The Arrow schema of a product, derived from its dictionary.
//!
//! Owns: the type of each column. Does not own: the arrays, or encodings of files (`product::render::parquet`).

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use super::{ACCOUNT_ID, Dictionary, ItemKind, ItemType, NULL_REASONS, Rows, SegmentDef};
use crate::product::Withheld;

/// The offset that a product's timestamps carry.
pub const TIME_ZONE: &str = "+08:00";

/// Decimal digits of money: as many as a 64-bit integer holds, so that Parquet stores one.
pub const MONEY_PRECISION: u8 = 18;

/// Decimals of money.
pub const MONEY_SCALE: i8 = 2;

/// Decimal digits of a ratio.
pub const RATIO_PRECISION: u8 = 38;

/// Decimals of a ratio.
pub const RATIO_SCALE: i8 = 6;

// Parquet's standard names for the parts of a list and a map.
const LIST_ELEMENT: &str = "element";
const MAP_ENTRIES: &str = "key_value";
const MAP_KEY: &str = "key";
const MAP_VALUE: &str = "value";

impl Dictionary {
    /// The schema of the product's Parquet file: `account_id`, one column per segment, `null_reasons`.
    pub fn arrow_schema(&self) -> SchemaRef {
        self.arrow_schema_withholding(&Withheld::default())
    }

    /// As [`Dictionary::arrow_schema`], with nullable columns for segments that may be withheld.
    pub fn arrow_schema_withholding(&self, withheld: &Withheld) -> SchemaRef {
        let mut fields = vec![Field::new(ACCOUNT_ID, DataType::Utf8, false)];
        fields.extend(
            self.segments().map(|segment| segment.arrow_field().with_nullable(withheld.contains(&segment.code))),
        );
        fields.push(null_reasons_field());
        Arc::new(Schema::new(fields))
    }
}

impl SegmentDef {
    /// The fields of one row, in the items' order.
    pub fn arrow_fields(&self) -> Fields {
        self.items.iter().map(|item| Field::new(&item.code, item.item_type.arrow(), item.item_type.nullable)).collect()
    }

    /// The segment's column: a struct if it has one row, else a list of structs.
    pub fn arrow_field(&self) -> Field {
        let row = DataType::Struct(self.arrow_fields());
        match self.rows {
            Rows::One => Field::new(&self.code, row, false),
            Rows::PerPeriod | Rows::PerBand => Field::new_list(&self.code, Field::new(LIST_ELEMENT, row, false), false),
        }
    }
}

impl ItemType {
    /// The Arrow type of the item's column.
    pub fn arrow(&self) -> DataType {
        match self.kind {
            ItemKind::String | ItemKind::Text | ItemKind::Enum(_) | ItemKind::Month | ItemKind::Period(_) => {
                DataType::Utf8
            }
            ItemKind::Int => DataType::Int64,
            ItemKind::Money => DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE),
            ItemKind::Ratio => DataType::Decimal128(RATIO_PRECISION, RATIO_SCALE),
            ItemKind::Date => DataType::Date32,
            ItemKind::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some(TIME_ZONE.into())),
        }
    }
}

/// The column of null reasons: a map from the path of an item to its reason.
fn null_reasons_field() -> Field {
    let entries =
        Fields::from(vec![Field::new(MAP_KEY, DataType::Utf8, false), Field::new(MAP_VALUE, DataType::Utf8, false)]);
    let entries = Field::new(MAP_ENTRIES, DataType::Struct(entries), false);
    Field::new(NULL_REASONS, DataType::Map(Arc::new(entries), false), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::ProductKind;

    #[test]
    fn the_schema_is_the_dictionary() {
        for kind in ProductKind::ALL {
            let dictionary = Dictionary::builtin(kind).unwrap();
            let schema = dictionary.arrow_schema();
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let segments = dictionary.segments().map(|segment| segment.code.as_str());
            assert_eq!(names, [ACCOUNT_ID].into_iter().chain(segments).chain([NULL_REASONS]).collect::<Vec<_>>());
            assert!(schema.fields().iter().all(|field| !field.is_nullable()));
            for segment in dictionary.segments() {
                let column = schema.field_with_name(&segment.code).unwrap().data_type();
                let row = match (column, segment.rows) {
                    (DataType::List(element), Rows::PerPeriod | Rows::PerBand) if !element.is_nullable() => {
                        element.data_type()
                    }
                    (row, Rows::One) => row,
                    (other, _) => panic!("{} is {other}", segment.code),
                };
                let DataType::Struct(fields) = row else { panic!("{} is {row}", segment.code) };
                assert_eq!(fields.len(), segment.items.len());
                for (field, item) in fields.iter().zip(&segment.items) {
                    let written = item.item_type.to_string();
                    let base = written.trim_end_matches('?');
                    let arrow = match base {
                        "int" => "Int64",
                        "money" => "Decimal128(18, 2)",
                        "ratio" => "Decimal128(38, 6)",
                        "date" => "Date32",
                        "timestamp" => "Timestamp(ms, \"+08:00\")",
                        _ => "Utf8",
                    };
                    let found = (field.name(), field.data_type().to_string(), field.is_nullable());
                    assert_eq!(found, (&item.code, arrow.to_string(), written.ends_with('?')));
                }
            }
        }
    }
}
