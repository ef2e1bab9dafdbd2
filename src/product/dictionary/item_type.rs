//! Types of items: the kind of a value, and whether it may be null.
//!
//! Owns: the types' names in dictionary files. Does not own: their Arrow types (`arrow`).

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::parse::is_code;

/// The kind of a product's periods.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PeriodKind {
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
}

/// The number of rows of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// Exactly one.
    One,
    /// One per period of the window, oldest first.
    PerPeriod,
    /// One per band of amounts, lowest first.
    PerBand,
}

impl Rows {
    /// Its name in dictionary files.
    pub fn name(self) -> &'static str {
        match self {
            Rows::One => "one",
            Rows::PerPeriod => "per_period",
            Rows::PerBand => "per_band",
        }
    }

    /// Code and kind of the item that labels a row.
    pub(super) fn label(self, period: PeriodKind) -> Option<(&'static str, ItemKind)> {
        match self {
            Rows::One => None,
            Rows::PerPeriod => Some(("period", ItemKind::Period(period))),
            Rows::PerBand => Some(("lower_bound", ItemKind::Money)),
        }
    }
}

/// The kind of an item's values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ItemKind {
    /// A short text.
    String,
    /// A text of any length.
    Text,
    /// One of these codes.
    Enum(Vec<String>),
    /// A whole number.
    Int,
    /// Fen.
    Money,
    /// Millionths.
    Ratio,
    /// A civil date.
    Date,
    /// A calendar month.
    Month,
    /// The period of a row.
    Period(PeriodKind),
    /// An instant, to the second.
    Timestamp,
}

/// The type of an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemType {
    /// The kind of its values.
    pub kind: ItemKind,
    /// Whether a value may be null; written as `?` at the end of the type.
    pub nullable: bool,
}

impl ItemType {
    /// Parses a type such as `money?` or `enum:none|disputed`; `period` is the kind of the product's periods.
    pub(super) fn parse(text: &str, period: PeriodKind) -> Option<ItemType> {
        let (name, nullable) = match text.strip_suffix('?') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let kind = match name {
            "string" => ItemKind::String,
            "text" => ItemKind::Text,
            "int" => ItemKind::Int,
            "money" => ItemKind::Money,
            "ratio" => ItemKind::Ratio,
            "date" => ItemKind::Date,
            "month" => ItemKind::Month,
            "period" => ItemKind::Period(period),
            "timestamp" => ItemKind::Timestamp,
            _ => {
                let codes: Vec<String> = name.strip_prefix("enum:")?.split('|').map(str::to_string).collect();
                let mut seen = HashSet::new();
                if !codes.iter().all(|code| is_code(code) && seen.insert(code)) {
                    return None;
                }
                ItemKind::Enum(codes)
            }
        };
        Some(ItemType { kind, nullable })
    }
}

impl fmt::Display for ItemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ItemKind::String => f.write_str("string")?,
            ItemKind::Text => f.write_str("text")?,
            ItemKind::Enum(codes) => write!(f, "enum:{}", codes.join("|"))?,
            ItemKind::Int => f.write_str("int")?,
            ItemKind::Money => f.write_str("money")?,
            ItemKind::Ratio => f.write_str("ratio")?,
            ItemKind::Date => f.write_str("date")?,
            ItemKind::Month => f.write_str("month")?,
            ItemKind::Period(_) => f.write_str("period")?,
            ItemKind::Timestamp => f.write_str("timestamp")?,
        }
        f.write_str(if self.nullable { "?" } else { "" })
    }
}

impl Serialize for ItemType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::ProductKind;
    use crate::product::dictionary::Dictionary;

    #[test]
    fn types_read_back_as_written() {
        for kind in ProductKind::ALL {
            let dictionary = Dictionary::builtin(kind).unwrap();
            for item in dictionary.segments().flat_map(|segment| &segment.items) {
                let written = item.item_type.to_string();
                assert_eq!(ItemType::parse(&written, dictionary.period()).as_ref(), Some(&item.item_type));
            }
        }
        for wrong in ["", "?", "money??", "Money", "float", "enum:", "enum:a|", "enum:a|a", "enum:A", "int ?"] {
            assert_eq!(ItemType::parse(wrong, PeriodKind::Month), None, "{wrong}");
        }
    }
}
