//! Reading a dictionary's TOML.
//!
//! Owns: the structure of the file, and the checks that make the invariant of [`Dictionary`] hold. Does not own: the names
//! of types (`item_type`).

use std::collections::HashSet;

use serde::Deserialize;

use super::{
    ACCOUNT_ID, Dictionary, DictionaryError, ItemDef, ItemKind, ItemType, NULL_REASONS, PeriodKind, Rows, SegmentDef,
    UnitDef,
};
use crate::product::ProductKind;

impl Dictionary {
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
}

// The structure of the file, before the checks.

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

/// A segment with several rows begins with their label, which is never null; a period is always a label.
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

/// Whether a text is lower-case letters, digits and `_`, beginning with a letter: safe in paths, column names and messages.
pub(super) fn is_code(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: ProductKind) -> &'static str {
        match kind {
            ProductKind::DetailSummary => include_str!("../../../schemas/detail-summary.toml"),
            ProductKind::Report => include_str!("../../../schemas/report.toml"),
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
}
