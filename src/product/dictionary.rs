//! The dictionary of a product: its units, segments and items, as `schemas/*.toml` give them.
//!
//! Owns: codes, names and types of the items, and the Arrow schema that follows from them. Does not own: how an
//! item is computed (the segment families) or written (see `render`).

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize, Serializer};

use super::{ProductKind, Withheld};

/// The first column of a rendering that holds many accounts.
pub const ACCOUNT_ID: &str = "account_id";

/// The column behind the segments.
pub const NULL_REASONS: &str = "null_reasons";

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

// Parquet's own names for what is inside a list and a map, so that other readers find the standard layout.
const LIST_ELEMENT: &str = "element";
const MAP_ENTRIES: &str = "key_value";
const MAP_KEY: &str = "key";
const MAP_VALUE: &str = "value";

/// What a period of a product is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PeriodKind {
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
}

/// How many rows a segment has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// Exactly one.
    One,
    /// One a period of the window, oldest first.
    PerPeriod,
    /// One a band of amounts, lowest first.
    PerBand,
}

impl Rows {
    /// The word as the dictionary spells it.
    pub fn name(self) -> &'static str {
        match self {
            Rows::One => "one",
            Rows::PerPeriod => "per_period",
            Rows::PerBand => "per_band",
        }
    }

    /// Code and kind of the item that tells one row from another.
    fn label(self, period: PeriodKind) -> Option<(&'static str, ItemKind)> {
        match self {
            Rows::One => None,
            Rows::PerPeriod => Some(("period", ItemKind::Period(period))),
            Rows::PerBand => Some(("lower_bound", ItemKind::Money)),
        }
    }
}

/// What an item's values are.
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
    /// The period that a row is about.
    Period(PeriodKind),
    /// An instant, to the second.
    Timestamp,
}

/// An item's type: what its values are, and whether there may be none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemType {
    /// What a value is.
    pub kind: ItemKind,
    /// Whether it may be null: written as a `?` at the end.
    pub nullable: bool,
}

impl ItemType {
    /// Reads a type such as `money?` or `enum:none|disputed`; `period` is what the product's periods are.
    fn parse(text: &str, period: PeriodKind) -> Option<ItemType> {
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
    /// What it tells.
    pub about: String,
    /// Its items. Where there are several rows, the first tells them apart.
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

/// How many units, segments and items a product has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Units.
    pub units: usize,
    /// Segments of all units.
    pub segments: usize,
    /// Items of all segments.
    pub items: usize,
}

/// The dictionary of one product.
///
/// Invariant: made by [`Dictionary::parse`] alone, so codes are unique and fit for a path, no text that a reader
/// needs is empty, and the first item of a segment with several rows is the never-null label of its row.
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

/// What is wrong with a dictionary. Its places are `segment` or `segment.item`.
#[derive(Debug, thiserror::Error)]
pub enum DictionaryError {
    /// Not the TOML of a dictionary.
    #[error("dictionary `{product}`: {source}")]
    Toml {
        /// The product's code.
        product: &'static str,
        /// What the reader said, with its line.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The file is of another product.
    #[error("dictionary `{product}`: field `product` is `{found}`")]
    Product {
        /// The product's code.
        product: &'static str,
        /// What the file says.
        found: String,
    },
    /// A field that must not be empty.
    #[error("dictionary: `{place}` has an empty field `{field}`")]
    Empty {
        /// Where.
        place: String,
        /// Which field.
        field: &'static str,
    },
    /// A code that is not lower-case words joined by `_`, is reserved, or occurs twice.
    #[error("dictionary: `{place}` has a bad or repeated code")]
    Code {
        /// Where.
        place: String,
    },
    /// A type that is none of the dictionary's.
    #[error("dictionary: `{place}` has the unknown type `{found}`")]
    Type {
        /// Where.
        place: String,
        /// What the file says.
        found: String,
    },
    /// A segment with several rows does not begin with their label.
    #[error("dictionary: `{segment}` must begin with the item `{label}`, of its own type and never null")]
    Label {
        /// Which segment.
        segment: String,
        /// The item that it must begin with.
        label: &'static str,
    },
    /// A period that is no label of a row.
    #[error("dictionary: `{place}` is a period but does not label its row")]
    Period {
        /// Where.
        place: String,
    },
    /// The formulas and the dictionary differ.
    #[error("dictionary `{product}` and its formulas differ: {dictionary} against {formulas}")]
    Codes {
        /// The product's code.
        product: String,
        /// The first differing code in the dictionary.
        dictionary: String,
        /// What the formulas have there.
        formulas: String,
    },
}

impl Dictionary {
    /// The dictionary that is compiled in.
    pub fn builtin(kind: ProductKind) -> Result<Dictionary, DictionaryError> {
        let text = match kind {
            ProductKind::DetailSummary => include_str!("../../schemas/detail-summary.toml"),
            ProductKind::Report => include_str!("../../schemas/report.toml"),
        };
        Dictionary::parse(kind, text)
    }

    /// Reads and checks the dictionary of a product.
    pub fn parse(kind: ProductKind, text: &str) -> Result<Dictionary, DictionaryError> {
        let product = kind.code();
        let file: DictionaryToml =
            toml::from_str(text).map_err(|source| DictionaryError::Toml { product, source: Box::new(source) })?;
        if file.product != product {
            return Err(DictionaryError::Product { product, found: file.product });
        }
        for (field, value) in [("name", &file.name), ("version", &file.version), ("terms", &file.terms)] {
            filled(product, field, value)?;
        }
        let units = file.units.into_iter().map(|unit| unit.check(file.period)).collect::<Result<_, _>>()?;
        let dictionary = Dictionary {
            kind,
            name: file.name.into(),
            version: file.version.into(),
            period: file.period,
            max_periods: file.max_periods,
            terms: file.terms.into(),
            units,
        };
        unique(dictionary.units.iter().map(|unit| unit.code.as_str()))?;
        unique([ACCOUNT_ID, NULL_REASONS].into_iter().chain(dictionary.segments().map(|s| s.code.as_str())))?;
        Ok(dictionary)
    }

    /// Which product it is of.
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

    /// What the product's periods are.
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

    /// How many units, segments and items there are.
    pub fn counts(&self) -> Counts {
        Counts {
            units: self.units.len(),
            segments: self.segments().count(),
            items: self.segments().map(|segment| segment.items.len()).sum(),
        }
    }

    /// Whether the formulas give these segments and items, in this order.
    ///
    /// `codes` is a segment's code and its items' codes, a segment after the other.
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

    /// The schema of the product's Parquet file: `account_id`, a column a segment, `null_reasons`.
    pub fn arrow_schema(&self) -> SchemaRef {
        self.arrow_schema_withholding(&Withheld::default())
    }

    /// [`Dictionary::arrow_schema`] where the columns of some segments are null, as they are withheld.
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

    /// The segment's column: a struct where it has one row, else a list of structs.
    pub fn arrow_field(&self) -> Field {
        let row = DataType::Struct(self.arrow_fields());
        match self.rows {
            Rows::One => Field::new(&self.code, row, false),
            Rows::PerPeriod | Rows::PerBand => Field::new_list(&self.code, Field::new(LIST_ELEMENT, row, false), false),
        }
    }
}

/// A product by its code, as its dictionary's file spells it.
fn code_of<S: Serializer>(kind: &ProductKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.code())
}

/// A text that products share with their dictionary.
fn shared_text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// The column of null reasons: a map from the path of an item to its reason.
pub fn null_reasons_field() -> Field {
    let entries =
        Fields::from(vec![Field::new(MAP_KEY, DataType::Utf8, false), Field::new(MAP_VALUE, DataType::Utf8, false)]);
    let entries = Field::new(MAP_ENTRIES, DataType::Struct(entries), false);
    Field::new(NULL_REASONS, DataType::Map(Arc::new(entries), false), false)
}

/// `segment` itself and `segment.item` for each of its items.
fn paths<'a>(segment: &'a str, items: impl Iterator<Item = &'a str>) -> impl Iterator<Item = String> {
    std::iter::once(segment.to_string()).chain(items.map(move |item| format!("{segment}.{item}")))
}

// The file's form: what serde reads before the checks.

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DictionaryToml {
    product: String,
    name: String,
    version: String,
    terms: String,
    period: PeriodKind,
    max_periods: usize,
    #[serde(rename = "unit")]
    units: Vec<UnitToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitToml {
    code: String,
    name: String,
    #[serde(rename = "segment")]
    segments: Vec<SegmentToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentToml {
    code: String,
    name: String,
    rows: Rows,
    about: String,
    items: Vec<ItemToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemToml {
    code: String,
    name: String,
    #[serde(rename = "type")]
    item_type: String,
    unit: String,
    formula: String,
}

impl UnitToml {
    fn check(self, period: PeriodKind) -> Result<UnitDef, DictionaryError> {
        filled(&self.code, "name", &self.name)?;
        let segments = self.segments.into_iter().map(|segment| segment.check(period)).collect::<Result<_, _>>()?;
        Ok(UnitDef { code: self.code, name: self.name, segments })
    }
}

impl SegmentToml {
    fn check(self, period: PeriodKind) -> Result<SegmentDef, DictionaryError> {
        filled(&self.code, "name", &self.name)?;
        filled(&self.code, "about", &self.about)?;
        let items = self.items.into_iter().map(|item| item.check(&self.code, period));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        if items.is_empty() {
            return Err(DictionaryError::Empty { place: self.code, field: "items" });
        }
        unique(items.iter().map(|item| item.code.as_str())).map_err(|error| within(&self.code, error))?;
        check_label(&self.code, self.rows.label(period), &items)?;
        Ok(SegmentDef { code: self.code, name: self.name, rows: self.rows, about: self.about, items })
    }
}

impl ItemToml {
    fn check(self, segment: &str, period: PeriodKind) -> Result<ItemDef, DictionaryError> {
        let place = format!("{segment}.{}", self.code);
        filled(&place, "name", &self.name)?;
        filled(&place, "formula", &self.formula)?;
        let Some(item_type) = ItemType::parse(&self.item_type, period) else {
            return Err(DictionaryError::Type { place, found: self.item_type });
        };
        Ok(ItemDef { code: self.code, name: self.name, item_type, unit: self.unit, formula: self.formula })
    }
}

/// Several rows begin with their label, which is never null; a period is nothing but a label.
fn check_label(
    segment: &str,
    label: Option<(&'static str, ItemKind)>,
    items: &[ItemDef],
) -> Result<(), DictionaryError> {
    let labels = usize::from(label.is_some());
    if let Some((label, kind)) = label {
        let expected = ItemType { kind, nullable: false };
        if !items.first().is_some_and(|item| item.code == label && item.item_type == expected) {
            return Err(DictionaryError::Label { segment: segment.to_string(), label });
        }
    }
    match items.iter().skip(labels).find(|item| matches!(item.item_type.kind, ItemKind::Period(_))) {
        Some(item) => Err(DictionaryError::Period { place: format!("{segment}.{}", item.code) }),
        None => Ok(()),
    }
}

fn filled(place: &str, field: &'static str, value: &str) -> Result<(), DictionaryError> {
    if value.trim().is_empty() {
        return Err(DictionaryError::Empty { place: place.to_string(), field });
    }
    Ok(())
}

fn unique<'a>(codes: impl Iterator<Item = &'a str>) -> Result<(), DictionaryError> {
    let mut seen = HashSet::new();
    for code in codes {
        if !is_code(code) || !seen.insert(code) {
            return Err(DictionaryError::Code { place: code.to_string() });
        }
    }
    Ok(())
}

fn within(segment: &str, error: DictionaryError) -> DictionaryError {
    match error {
        DictionaryError::Code { place } => DictionaryError::Code { place: format!("{segment}.{place}") },
        other => other,
    }
}

/// Lower-case letters, digits and `_`, a letter first: safe in a path, a column name and a message.
fn is_code(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builtin(kind: ProductKind) -> Dictionary {
        Dictionary::builtin(kind).unwrap()
    }

    fn text(kind: ProductKind) -> &'static str {
        match kind {
            ProductKind::DetailSummary => include_str!("../../schemas/detail-summary.toml"),
            ProductKind::Report => include_str!("../../schemas/report.toml"),
        }
    }

    #[test]
    fn counts_are_the_published_ones() {
        let counts = ProductKind::ALL.map(|kind| builtin(kind).counts());
        assert_eq!(counts[0], Counts { units: 5, segments: 11, items: 95 });
        assert_eq!(counts[1], Counts { units: 5, segments: 18, items: 184 });
        let periods = ProductKind::ALL.map(|kind| (builtin(kind).period(), builtin(kind).max_periods()));
        assert_eq!(periods, [(PeriodKind::Month, 36), (PeriodKind::Quarter, 12)]);
    }

    #[test]
    fn the_schema_is_the_dictionary() {
        for kind in ProductKind::ALL {
            let dictionary = builtin(kind);
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

    #[test]
    fn types_read_back_as_written() {
        for kind in ProductKind::ALL {
            let dictionary = builtin(kind);
            for item in dictionary.segments().flat_map(|segment| &segment.items) {
                let written = item.item_type.to_string();
                assert_eq!(ItemType::parse(&written, dictionary.period()).as_ref(), Some(&item.item_type));
            }
        }
        for wrong in ["", "?", "money??", "Money", "float", "enum:", "enum:a|", "enum:a|a", "enum:A", "int ?"] {
            assert_eq!(ItemType::parse(wrong, PeriodKind::Month), None, "{wrong}");
        }
    }

    #[test]
    fn mistakes_are_named_by_their_place() {
        let cases = [
            (r#"product = "detail-summary""#, r#"product = "report""#, "`product` is `report`"),
            (r#"period = "month""#, r#"period = "week""#, "unknown variant `week`"),
            (
                r#"about = "Class PUBLIC.""#,
                r#"about = "Class PUBLIC."
extra = 1"#,
                "unknown field `extra`",
            ),
            (r#"about = "Class PUBLIC.""#, r#"about = " ""#, "`public` has an empty field `about`"),
            (r#"code = "agency""#, r#"code = "Agency""#, "`Agency` has a bad or repeated code"),
            (r#"code = "agency""#, r#"code = "other""#, "`other` has a bad or repeated code"),
            (r#"code = "agency""#, r#"code = "account_id""#, "`account_id` has a bad or repeated code"),
            (r#"code = "active_days""#, r#"code = "in_count""#, "`funds.in_count` has a bad or repeated code"),
            (
                r#"name = "净流入金额", type = "money""#,
                r#"name = "净流入金额", type = "float""#,
                "`funds.net_amount` has the unknown type `float`",
            ),
            (
                r#"name = "净流入金额", type = "money""#,
                r#"name = "净流入金额", type = "period""#,
                "`funds.net_amount` is a period",
            ),
            (
                r#"name = "首个数据月", type = "month?""#,
                r#"name = "首个数据月", type = "period""#,
                "`basic.first_month` is a period",
            ),
            (
                r#"name = "月份", type = "period""#,
                r#"name = "月份", type = "period?""#,
                "`funds` must begin with the item `period`",
            ),
            (
                r#"formula = "in_amount - out_amount.""#,
                r#"formula = """#,
                "`funds.net_amount` has an empty field `formula`",
            ),
        ];
        let kind = ProductKind::DetailSummary;
        for (from, to, message) in cases {
            let changed = text(kind).replacen(from, to, 1);
            assert_ne!(changed, text(kind), "{from}");
            let error = Dictionary::parse(kind, &changed).unwrap_err().to_string();
            assert!(error.contains(message), "{error} lacks {message}");
        }
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
