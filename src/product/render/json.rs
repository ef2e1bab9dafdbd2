//! A product as JSON: one flat object with one key per segment.
//!
//! Owns: the shape and the text of values. Does not own: the JSON of a dictionary (`table`), files, or the order of lines.
//! Values are written directly, without a tree in between.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::{CheckedProduct, Labels, RenderError, ValueText, visit_null_reasons};
use crate::money::{money_text, ratio_text};
use crate::product::dictionary::{ACCOUNT_ID, NULL_REASONS, Rows, SegmentDef};
use crate::product::value::{Segment, Value};

/// The layout of the JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// One line, with its line end, as in NDJSON.
    Line,
    /// Indented, one key per line, with a line end.
    Pretty,
}

/// Writes one product; `account_id` comes first where the file holds many accounts.
///
/// It is written in small pieces, so `out` should be buffered.
///
/// # Errors
/// Those of `out`.
pub fn write(
    out: &mut impl Write,
    account_id: Option<&str>,
    product: CheckedProduct<'_>,
    layout: Layout,
) -> Result<(), RenderError> {
    let object = ProductJson { account_id, product };
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
    account_id: Option<&'a str>,
    product: CheckedProduct<'a>,
}

impl Serialize for ProductJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        if let Some(account_id) = self.account_id {
            object.serialize_entry(ACCOUNT_ID, account_id)?;
        }
        for (def, segment) in self.product.segments() {
            match def.rows {
                _ if segment.is_withheld() => object.serialize_entry(&def.code, &())?,
                Rows::One => object.serialize_entry(&def.code, &RowJson { def, segment, row: 0 })?,
                Rows::PerPeriod | Rows::PerBand => object.serialize_entry(&def.code, &RowsJson { def, segment })?,
            }
        }
        object.serialize_entry(NULL_REASONS, &ReasonsJson(self.product))?;
        object.end()
    }
}

/// The rows of a segment that may have several.
struct RowsJson<'a> {
    def: &'a SegmentDef,
    segment: &'a Segment,
}

impl Serialize for RowsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let RowsJson { def, segment } = self;
        let mut array = serializer.serialize_seq(Some(segment.rows()))?;
        for row in 0..segment.rows() {
            array.serialize_element(&RowJson { def, segment, row })?;
        }
        array.end()
    }
}

/// One row of a segment.
struct RowJson<'a> {
    def: &'a SegmentDef,
    segment: &'a Segment,
    row: usize,
}

impl Serialize for RowJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.def.items.len()))?;
        for (item, value) in self.def.items.iter().zip(self.segment.items(self.row)) {
            object.serialize_entry(&item.code, &ValueJson(&value))?;
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
struct ReasonsJson<'a>(CheckedProduct<'a>);

impl Serialize for ReasonsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        let mut labels = Labels::default();
        visit_null_reasons(self.0, &mut labels, |path, reason| object.serialize_entry(path, reason.name()))?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

    use super::super::check;
    use super::super::samples::{Dice, product, set};
    use super::*;
    use crate::period::{Date, Month, Quarter, parse_instant};
    use crate::product::dictionary::Dictionary;
    use crate::product::value::{Product, Reason};
    use crate::product::{ProductKind, Withheld};

    fn json(dictionary: &Dictionary, account_id: Option<&str>, product: &Product, layout: Layout) -> String {
        let mut out = Vec::new();
        write(&mut out, account_id, check(dictionary, product).unwrap(), layout).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// JSON with its keys in the order of the text.
    #[derive(PartialEq, Debug)]
    enum Tree {
        Leaf,
        Array(Vec<Tree>),
        Object(Vec<(String, Tree)>),
    }

    impl<'de> Deserialize<'de> for Tree {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
            struct Reader;
            impl<'de> Visitor<'de> for Reader {
                type Value = Tree;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a product's JSON")
                }
                fn visit_unit<E>(self) -> Result<Tree, E> {
                    Ok(Tree::Leaf)
                }
                fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
                    Ok(Tree::Leaf)
                }
                fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
                    Ok(Tree::Leaf)
                }
                fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
                    Ok(Tree::Leaf)
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
                    let mut items = Vec::new();
                    while let Some(item) = seq.next_element()? {
                        items.push(item);
                    }
                    Ok(Tree::Array(items))
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                    let mut entries = Vec::new();
                    while let Some(entry) = map.next_entry()? {
                        entries.push(entry);
                    }
                    Ok(Tree::Object(entries))
                }
            }
            deserializer.deserialize_any(Reader)
        }
    }

    #[test]
    fn keys_are_the_dictionary_in_its_order() {
        for kind in ProductKind::ALL {
            let dictionary = Dictionary::builtin(kind).unwrap();
            let product = product(&dictionary, 3, &mut Dice(7));
            let row =
                |def: &SegmentDef| Tree::Object(def.items.iter().map(|item| (item.code.clone(), Tree::Leaf)).collect());
            let reasons = super::super::null_reasons(check(&dictionary, &product).unwrap());
            let mut expected = vec![("account_id".to_string(), Tree::Leaf)];
            expected.extend(dictionary.segments().map(|def| {
                let tree = match def.rows {
                    Rows::One => row(def),
                    Rows::PerPeriod => Tree::Array((0..3).map(|_| row(def)).collect()),
                    Rows::PerBand => Tree::Array((0..7).map(|_| row(def)).collect()),
                };
                (def.code.clone(), tree)
            }));
            let reasons = reasons.into_iter().map(|(path, _)| (path, Tree::Leaf)).collect();
            expected.push(("null_reasons".to_string(), Tree::Object(reasons)));
            let parse = |account_id, layout| {
                serde_json::from_str::<Tree>(&json(&dictionary, account_id, &product, layout)).unwrap()
            };
            let with_id = Tree::Object(expected);
            assert_eq!(parse(Some("a"), Layout::Line), with_id);
            assert_eq!(parse(Some("a"), Layout::Pretty), with_id);
            let Tree::Object(mut without_id) = with_id else { unreachable!("made above") };
            without_id.remove(0);
            assert_eq!(parse(None, Layout::Line), Tree::Object(without_id));
        }
    }

    #[test]
    fn one_value_of_each_type() {
        let dictionary = Dictionary::builtin(ProductKind::Report).unwrap();
        let mut product = product(&dictionary, 1, &mut Dice(8));
        let cases = [
            ("cover", "subject_name", Value::Text("某\"某\n".into()), r#""subject_name":"某\"某\n""#),
            ("cover", "purpose", Value::Text("self".into()), r#""purpose":"self""#),
            (
                "cover",
                "generated_at",
                Value::Instant(parse_instant("2024-03-01T23:59:58Z").unwrap()),
                r#""generated_at":"2024-03-02T07:59:58+08:00""#,
            ),
            ("notes", "period_to", Value::Date(Date::parse("2024-02-29").unwrap()), r#""period_to":"2024-02-29""#),
            ("basic", "last_month", Value::Month(Month::parse("2024-02").unwrap()), r#""last_month":"2024-02""#),
            ("funds", "period", Value::Quarter(Quarter(216)), r#""funds":[{"period":"2024Q1""#),
            ("funds", "in_count", Value::Count(-3), r#""in_count":-3"#),
            ("funds", "in_amount", Value::Money(123_450), r#""in_amount":"1234.50""#),
            ("trend", "net_qoq", Value::Ratio(-123_457), r#""net_qoq":"-0.123457""#),
            ("trend", "net_yoy", Value::Null(Reason::NoPriorPeriod), r#""net_yoy":null"#),
            ("amount_bands", "upper_bound", Value::NoLimit, r#""upper_bound":null"#),
        ];
        for (segment, item, value, _) in &cases {
            set(&dictionary, &mut product, (segment, item), 0, value.clone());
        }
        let text = json(&dictionary, None, &product, Layout::Line);
        for (.., expected) in &cases {
            assert!(text.contains(expected), "{expected}");
        }
        assert!(text.contains(r#""trend.net_yoy":"no_prior_period""#));
        assert!(!text.contains(r#"amount_bands[0.00].upper_bound"#));
    }

    #[test]
    fn a_withheld_segment_is_null_with_one_reason() {
        let dictionary = Dictionary::builtin(ProductKind::Report).unwrap();
        let mut product = product(&dictionary, 2, &mut Dice(12));
        let codes = ["same_name", "opening_bank", "trend"];
        product.withhold(&dictionary, &Withheld::new(codes).unwrap());
        let tree: serde_json::Value = serde_json::from_str(&json(&dictionary, None, &product, Layout::Line)).unwrap();
        for (code, value) in tree.as_object().unwrap() {
            assert_eq!(value.is_null(), codes.contains(&code.as_str()), "{code}");
        }
        let reasons = tree["null_reasons"].as_object().unwrap();
        let withheld: Vec<&String> =
            reasons.iter().filter(|(_, reason)| *reason == "withheld").map(|(path, _)| path).collect();
        assert_eq!(withheld.len(), codes.len());
        assert!(codes.iter().all(|code| reasons[*code] == "withheld"));
        assert!(!reasons.keys().any(|path| codes.iter().any(|code| path.starts_with(&format!("{code}.")))));
    }

    #[test]
    fn a_line_is_one_line_and_both_layouts_agree() {
        let dictionary = Dictionary::builtin(ProductKind::DetailSummary).unwrap();
        let product = product(&dictionary, 36, &mut Dice(9));
        let line = json(&dictionary, Some("a\nb"), &product, Layout::Line);
        let pretty = json(&dictionary, Some("a\nb"), &product, Layout::Pretty);
        assert_eq!(line.find('\n'), Some(line.len() - 1));
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(&line), parse(&pretty));
    }
}
