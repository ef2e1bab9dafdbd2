//! A dictionary as a table or JSON.

use std::io;

use unicode_width::UnicodeWidthStr as _;

use super::text::{left, wrap};
use super::{Page, WIDTH_MIN, with_unit};
use crate::product::dictionary::{Dictionary, SegmentDef};
use crate::product::render::RenderError;

/// The items of a dictionary with their types and formulas.
pub fn dictionary_table(dictionary: &Dictionary, width: usize) -> String {
    let mut page = Page::new(width);
    let counts = dictionary.counts();
    page.line(&format!("{} ({} {})", dictionary.name(), dictionary.product(), dictionary.version()));
    page.line(&format!("{} units, {} segments, {} items", counts.units, counts.segments, counts.items));
    for unit in dictionary.units() {
        if unit.segments.len() > 1 {
            page.heading(&format!("{} {}", unit.code, unit.name));
        }
        for segment in &unit.segments {
            page.dictionary_segment(segment);
        }
    }
    page.text
}

/// The dictionary as JSON, with the structure of its file.
pub fn dictionary_json(dictionary: &Dictionary) -> Result<String, RenderError> {
    let mut json = serde_json::to_string_pretty(dictionary).map_err(io::Error::from)?;
    json.push('\n');
    Ok(json)
}

impl Page {
    fn dictionary_segment(&mut self, segment: &SegmentDef) {
        let head = format!("{} {}", segment.code, segment.name);
        self.heading(&format!("{head}: {}, {} items", segment.rows.name(), segment.items.len()));
        self.line(&format!("  {}", segment.about));
        let codes = segment.items.iter().map(|item| item.code.width()).max().unwrap_or_default();
        let names = segment.items.iter().map(|item| with_unit(&item.name, item).width()).max().unwrap_or_default();
        let indent = codes + 4;
        for item in &segment.items {
            let name = left(&with_unit(&item.name, item), names);
            self.line(&format!("  {}  {name}  {}", left(&item.code, codes), item.item_type));
            for part in wrap(&item.formula, self.width.saturating_sub(indent).max(WIDTH_MIN / 2)) {
                self.line(&format!("{}{part}", " ".repeat(indent)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::ProductKind;

    #[test]
    fn tables_keep_to_the_width() {
        for kind in ProductKind::ALL {
            let dictionary = Dictionary::builtin(kind).unwrap();
            for width in [80, 100, 160] {
                for line in dictionary_table(&dictionary, width).lines() {
                    assert!(line.width() <= width, "{width}: {line}");
                    assert_eq!(line.trim_end(), line);
                }
            }
        }
    }

    #[test]
    fn the_dictionary_as_json() {
        for kind in ProductKind::ALL {
            let dictionary = Dictionary::builtin(kind).unwrap();
            let json: serde_json::Value = serde_json::from_str(&dictionary_json(&dictionary).unwrap()).unwrap();
            let items = json["units"].as_array().unwrap().iter();
            let items = items.flat_map(|unit| unit["segments"].as_array().unwrap());
            let items: Vec<_> = items.flat_map(|segment| segment["items"].as_array().unwrap()).collect();
            assert_eq!(items.len(), dictionary.counts().items);
            assert_eq!((&json["product"], &items[5]["type"]), (&kind.code().into(), &"timestamp?".into()));
            assert_eq!(json["terms"], dictionary.terms().as_ref());
        }
    }
}
