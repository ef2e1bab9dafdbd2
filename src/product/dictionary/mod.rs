//! The dictionary of a product: its units, segments and items, as `schemas/*.toml` define them.
//!
//! Owns: the definitions and their codes; types of items (`item_type`), reading a file (`parse`), and the Arrow schema
//! (`arrow`). Does not own: how an item is computed (the families of segments) or written (`product::render`).

mod arrow;
mod error;
mod item_type;
mod parse;

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::ProductKind;

pub use arrow::{MONEY_PRECISION, RATIO_PRECISION};
pub use error::DictionaryError;
pub use item_type::{ItemKind, ItemType, PeriodKind, Rows};

/// The first column of a rendering that holds many accounts.
pub const ACCOUNT_ID: &str = "account_id";

/// The column after the segments.
pub const NULL_REASONS: &str = "null_reasons";

/// One item of a segment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ItemDef {
    /// Its key in JSON, its column in Parquet.
    pub code: String,
    /// Its Chinese name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub item_type: ItemType,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// How it is computed and when it is null.
    pub formula: String,
}

/// One segment of a unit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SegmentDef {
    /// Its key in JSON, its column in Parquet.
    pub code: String,
    /// Its Chinese name.
    pub name: String,
    /// How many rows it has.
    pub rows: Rows,
    /// What it describes.
    pub about: String,
    /// Its items. If there may be several rows, the first item is the label of the row.
    pub items: Vec<ItemDef>,
}

/// One unit of a product.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct UnitDef {
    /// Its code.
    pub code: String,
    /// Its Chinese name.
    pub name: String,
    /// Its segments.
    pub segments: Vec<SegmentDef>,
}

/// The numbers of units, segments and items of a product.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// The number of units.
    pub units: usize,
    /// The number of segments in all units.
    pub segments: usize,
    /// The number of items in all segments.
    pub items: usize,
}

/// The dictionary of one product.
///
/// Invariant: made by [`Dictionary::parse`] alone. Codes are unique and can be parts of a path, no name or formula is empty,
/// and the first item of a segment with several rows is the label of the row, which is never null.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Dictionary {
    #[serde(rename = "product", serialize_with = "code_of")]
    kind: ProductKind,
    #[serde(serialize_with = "shared_text")]
    name: Arc<str>,
    #[serde(serialize_with = "shared_text")]
    version: Arc<str>,
    period: PeriodKind,
    max_periods: usize,
    #[serde(serialize_with = "shared_text")]
    terms: Arc<str>,
    units: Vec<UnitDef>,
}

impl Dictionary {
    /// The dictionary that is compiled in.
    pub fn builtin(kind: ProductKind) -> Result<Dictionary, DictionaryError> {
        let text = match kind {
            ProductKind::DetailSummary => include_str!("../../../schemas/detail-summary.toml"),
            ProductKind::Report => include_str!("../../../schemas/report.toml"),
        };
        Dictionary::parse(kind, text)
    }

    /// Its product.
    pub fn kind(&self) -> ProductKind {
        self.kind
    }

    /// The product's code.
    pub fn product(&self) -> &'static str {
        self.kind.code()
    }

    /// The product's Chinese name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The version of this dictionary, which is the product's.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The kind of the product's periods.
    pub fn period(&self) -> PeriodKind {
        self.period
    }

    /// The most periods that the product shows.
    pub fn max_periods(&self) -> usize {
        self.max_periods
    }

    /// The explanation of terms that is printed in each product.
    pub fn terms(&self) -> &Arc<str> {
        &self.terms
    }

    /// The units, in order.
    pub fn units(&self) -> &[UnitDef] {
        &self.units
    }

    /// The segments of all units, in order.
    pub fn segments(&self) -> impl Iterator<Item = &SegmentDef> {
        self.units.iter().flat_map(|unit| &unit.segments)
    }

    /// The numbers of units, segments and items.
    pub fn counts(&self) -> Counts {
        Counts {
            units: self.units.len(),
            segments: self.segments().count(),
            items: self.segments().map(|segment| segment.items.len()).sum(),
        }
    }

    /// Whether the formulas have these segments and items, in this order.
    ///
    /// `codes` has an entry per segment: its code and the codes of its items.
    pub fn check_codes(&self, codes: &[(&str, Vec<&str>)]) -> Result<(), DictionaryError> {
        let mine = self.segments().flat_map(|s| paths(&s.code, s.items.iter().map(|item| item.code.as_str())));
        let theirs = codes.iter().flat_map(|(segment, items)| paths(segment, items.iter().copied()));
        let (mut mine, mut theirs) = (mine, theirs);
        loop {
            match (mine.next(), theirs.next()) {
                (None, None) => return Ok(()),
                (mine, theirs) if mine == theirs => {}
                (mine, theirs) => {
                    let name = |path: Option<String>| path.unwrap_or_else(|| "the end".to_string());
                    return Err(DictionaryError::Codes {
                        product: self.product().to_string(),
                        dictionary: name(mine),
                        formulas: name(theirs),
                    });
                }
            }
        }
    }
}

/// A product, by its code.
fn code_of<S: Serializer>(kind: &ProductKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.code())
}

/// A text that products share with their dictionary.
fn shared_text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// `segment` itself and `segment.item` for each of its items.
fn paths<'a>(segment: &'a str, items: impl Iterator<Item = &'a str>) -> impl Iterator<Item = String> {
    std::iter::once(segment.to_string()).chain(items.map(move |item| format!("{segment}.{item}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builtin(kind: ProductKind) -> Dictionary {
        Dictionary::builtin(kind).unwrap()
    }

    #[test]
    fn counts_are_the_published_ones() {
        let counts = ProductKind::ALL.map(|kind| builtin(kind).counts());
        assert_eq!(counts[0], Counts { units: 5, segments: 11, items: 95 });
        assert_eq!(counts[1], Counts { units: 5, segments: 18, items: 184 });
        let periods = ProductKind::ALL.map(|kind| (builtin(kind).period(), builtin(kind).max_periods()));
        assert_eq!(periods, [(PeriodKind::Month, 36), (PeriodKind::Quarter, 12)]);
    }

    type Codes<'a> = Vec<(&'a str, Vec<&'a str>)>;

    #[test]
    fn formulas_must_have_the_same_codes() {
        let dictionary = builtin(ProductKind::Report);
        let codes: Codes<'_> = dictionary
            .segments()
            .map(|segment| (segment.code.as_str(), segment.items.iter().map(|item| item.code.as_str()).collect()))
            .collect();
        dictionary.check_codes(&codes).unwrap();
        let check = |change: fn(&mut Codes<'_>)| {
            let mut changed = codes.clone();
            change(&mut changed);
            dictionary.check_codes(&changed).unwrap_err().to_string()
        };
        let cases: [(String, &str); 4] = [
            (check(|codes| codes[3].1.swap(1, 2)), "funds.in_count against funds.in_amount"),
            (check(|codes| codes[3].1.truncate(15)), "funds.active_days against public"),
            (check(|codes| codes[17].1.push("more")), "the end against appendix.more"),
            (check(|codes| codes.truncate(17)), "appendix against the end"),
        ];
        for (error, message) in cases {
            assert!(error.ends_with(message), "{error} lacks {message}");
        }
    }
}
