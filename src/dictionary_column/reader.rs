//! The reader of a source's text column.
//!
//! Owns: trimming, upper case, and the reuse of a dictionary's cleaned values from batch to batch. Does not own: which texts
//! a column allows.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int32Array, StringViewArray, StringViewBuilder};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};

use super::DictionaryColumn;

/// One text column of a source, from batch to batch.
#[derive(Default, Debug)]
pub struct ColumnReader {
    upper_case: bool,
    /// The source's last dictionary, held so that no other can take its address, and its cleaned values.
    last: Option<(ArrayRef, Cleaned)>,
}

/// The values of a dictionary without surrounding white space.
#[derive(Clone, Debug)]
struct Cleaned {
    values: StringViewArray,
    /// Which values are texts; `None` where all are. The others are empty, or null in the source.
    valid: Option<NullBuffer>,
}

impl ColumnReader {
    /// A column whose texts are read in upper case.
    pub fn upper_case() -> ColumnReader {
        ColumnReader { upper_case: true, last: None }
    }

    /// A batch's texts, trimmed; empty ones are null. Types are checked before this.
    pub fn texts(&mut self, array: &ArrayRef) -> DictionaryColumn {
        let Some(dictionary) = array.as_any_dictionary_opt() else {
            let Cleaned { values, valid } = self.clean(as_view(array));
            let keys = (0..array.len() as i32).collect::<Vec<_>>();
            return DictionaryColumn { keys: Int32Array::new(keys.into(), valid), values, array: None };
        };
        let source = dictionary.values();
        let cleaned = match &self.last {
            Some((last, cleaned)) if last.to_data().ptr_eq(&source.to_data()) => cleaned.clone(),
            _ => {
                let cleaned = self.clean(as_view(source));
                self.last = Some((Arc::clone(source), cleaned.clone()));
                cleaned
            }
        };
        let keys = cast(dictionary.keys(), &DataType::Int32).ok();
        let keys = keys.and_then(|keys| keys.as_primitive_opt::<Int32Type>().cloned());
        let keys = keys.unwrap_or_else(|| Int32Array::new_null(array.len()));
        match all_valid(&keys, &cleaned) {
            false => DictionaryColumn { keys: valid_keys(keys, &cleaned), values: cleaned.values, array: None },
            true => {
                // The source's array has checked its keys, so they are not checked again.
                let own = array.as_dictionary_opt::<Int32Type>();
                let own = own.map(|own| Arc::new(own.with_values(Arc::new(cleaned.values.clone()))) as ArrayRef);
                DictionaryColumn { keys, values: cleaned.values, array: own }
            }
        }
    }

    fn clean(&self, texts: StringViewArray) -> Cleaned {
        let is_upper = |text: &str| text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_lowercase());
        let is_clean = |text: &str| is_trimmed(text) && (!self.upper_case || is_upper(text));
        let valid = texts.nulls().cloned();
        if texts.iter().flatten().all(is_clean) {
            return Cleaned { values: texts, valid };
        }
        let mut values = StringViewBuilder::with_capacity(texts.len());
        let mut valid = Vec::with_capacity(texts.len());
        for text in &texts {
            let text = text.unwrap_or_default().trim();
            valid.push(!text.is_empty());
            match self.upper_case && !is_upper(text) {
                true => values.append_value(text.to_uppercase()),
                false => values.append_value(text),
            }
        }
        Cleaned { values: values.finish(), valid: Some(valid.into()) }
    }
}

/// Whether all keys are of a value, and all values are texts. A key under a null counts too.
fn all_valid(keys: &Int32Array, cleaned: &Cleaned) -> bool {
    let count = cleaned.values.len();
    let all_texts = cleaned.valid.as_ref().is_none_or(|valid| valid.null_count() == 0);
    // The largest as an unsigned number, by which a negative key is too large: a maximum is computed with vector
    // instructions, a search for the first wrong key is not.
    let largest = keys.values().iter().map(|key| *key as u32).max();
    all_texts && largest.is_none_or(|key| (key as usize) < count)
}

/// Keys of a value that is no text become null, and so do keys of no value.
fn valid_keys(keys: Int32Array, cleaned: &Cleaned) -> Int32Array {
    let count = cleaned.values.len();
    let is_valid = |key: i32| {
        usize::try_from(key)
            .is_ok_and(|key| key < count && cleaned.valid.as_ref().is_none_or(|valid| valid.is_valid(key)))
    };
    let (_, keys, nulls) = keys.into_parts();
    let valid = BooleanBuffer::collect_bool(keys.len(), |row| is_valid(keys[row]));
    let valid = NullBuffer::union(Some(&NullBuffer::new(valid)), nulls.as_ref());
    Int32Array::new(keys, valid)
}

/// Any string array as a view array; types are checked before this.
pub(crate) fn as_view(array: &ArrayRef) -> StringViewArray {
    match array.as_string_view_opt() {
        Some(view) => view.clone(),
        None => cast(array, &DataType::Utf8View)
            .ok()
            .and_then(|array| array.as_string_view_opt().cloned())
            .unwrap_or_else(|| StringViewArray::new_null(array.len())),
    }
}

/// Whether a text is not empty and neither begins nor ends with white space.
pub(crate) fn is_trimmed(text: &str) -> bool {
    // Nearly all texts begin and end with printable ASCII or an ideograph, which one byte identifies.
    let is_plain = |byte: u8| byte.is_ascii_graphic() || matches!(byte, 0xE4..=0xE9);
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last(), bytes.len().checked_sub(3).and_then(|at| bytes.get(at))) {
        (Some(first), Some(last), _) if is_plain(*first) && last.is_ascii_graphic() => true,
        (Some(first), Some(0x80..=0xBF), Some(0xE4..=0xE9)) if is_plain(*first) => true,
        _ => !text.is_empty() && text.trim().len() == text.len(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, StringArray, UInt8Array};
    use arrow::datatypes::UInt8Type;

    use super::*;

    fn rows(texts: &DictionaryColumn) -> Vec<Option<&str>> {
        texts.iter().map(|at| at.map(|at| texts.values().value(at))).collect()
    }

    #[test]
    fn dictionaries_and_plain_columns_give_the_same_texts() {
        let given = [Some(" 甲 "), None, Some("b"), Some(" \u{3000}"), Some("b"), Some("")];
        let expected = [Some("甲"), None, Some("B"), None, Some("B"), None];
        let plain: StringViewArray = given.iter().collect();
        let dictionary: DictionaryArray<UInt8Type> = given.iter().copied().collect();
        // A null among the values of a dictionary is no text either.
        let values: StringArray = [Some("b"), None, Some(" 甲")].into_iter().collect();
        let keys = UInt8Array::from(vec![Some(2), Some(1), Some(0), None, Some(0), Some(1)]);
        let holed = DictionaryArray::try_new(keys, Arc::new(values)).unwrap();
        let arrays: [ArrayRef; 3] = [Arc::new(plain), Arc::new(dictionary), Arc::new(holed)];
        for array in arrays {
            let texts = ColumnReader::upper_case().texts(&array);
            assert_eq!(rows(&texts), expected);
            let rows_of = texts.clone().into_rows().unwrap();
            assert_eq!(rows_of.as_string_view().iter().collect::<Vec<_>>(), expected);
            assert_eq!(rows(&DictionaryColumn::of_array(&texts.to_array().unwrap()).unwrap()), expected);
        }
    }

    #[test]
    fn trimmed_texts_are_those_that_trim_leaves() {
        for c in (0..=0x10FFFF).filter_map(char::from_u32) {
            for text in [format!("{c}"), format!("{c}甲"), format!("甲{c}"), format!("a{c}"), format!("{c}a")] {
                assert_eq!(is_trimmed(&text), text.trim().len() == text.len(), "U+{:04X}", c as u32);
            }
        }
        assert!(!is_trimmed(""));
    }
}
