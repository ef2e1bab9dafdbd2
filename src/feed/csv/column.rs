//! A text column of a batch while it is filled.
//!
//! Owns: the values one after another and, for columns whose texts mostly repeat, a dictionary of the distinct ones with a
//! key per row, so that later stages process a text once per dictionary, as they do for sources that have dictionaries of
//! their own. Does not own: records.

use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// The columns of `transactions` whose texts mostly repeat.
const REPEATED: [&str; 12] = [
    "account_id",
    "direction",
    "currency",
    "kind",
    "channel",
    "counterparty_name",
    "counterparty_account",
    "counterparty_bank",
    "counterparty_uscc",
    "summary",
    "remark",
    "reversal_of",
];

/// The texts of one column.
#[derive(Default)]
pub(super) struct TextColumn {
    /// The text of the row that is being filled is appended here.
    pub(super) values: Vec<u8>,
    /// Where each value ends.
    ends: Vec<i32>,
    /// Of a column that is a dictionary.
    keys: Option<Keys>,
}

impl TextColumn {
    /// A column of this name. Where `numbered` is set and its texts mostly repeat, it is a dictionary.
    pub(super) fn new(name: &str, numbered: bool) -> TextColumn {
        let keys = (numbered && REPEATED.contains(&name)).then(Keys::default);
        TextColumn { keys, ..TextColumn::default() }
    }

    /// The type of its arrays.
    pub(super) fn data_type(&self) -> DataType {
        match self.keys {
            Some(_) => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            None => DataType::Utf8,
        }
    }

    /// Adds the text of a row.
    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        if let Some(keys) = &mut self.keys {
            let hash = keys.hash(text);
            if !keys.push(text, hash, &self.values, &self.ends) {
                return;
            }
        }
        self.append(text);
    }

    /// Adds the texts of several rows.
    pub(super) fn push_all(&mut self, texts: &[&[u8]]) {
        let Some(keys) = &mut self.keys else {
            texts.iter().for_each(|text| self.append(text));
            return;
        };
        // Many columns have one text in all rows, or none.
        if let Some((first, others)) = texts.split_first()
            && others.iter().all(|text| text == first)
        {
            let hash = keys.hash(first);
            let is_new = keys.push(first, hash, &self.values, &self.ends);
            keys.repeat(others.len());
            if is_new {
                self.append(first);
            }
            return;
        }
        // In a loop of its own, so that the lookups, which wait for memory, follow each other closely.
        let mut hashes = std::mem::take(&mut keys.hashes);
        hashes.clear();
        hashes.extend(texts.iter().map(|text| keys.hash(text)));
        for (text, hash) in texts.iter().zip(&hashes) {
            let Some(keys) = &mut self.keys else { return };
            if keys.push(text, *hash, &self.values, &self.ends) {
                self.append(text);
            }
        }
        if let Some(keys) = &mut self.keys {
            keys.hashes = hashes;
        }
    }

    /// Appends a value.
    #[inline]
    fn append(&mut self, text: &[u8]) {
        self.values.extend_from_slice(text);
        // Fits: see the assertion at BATCH_BYTES_MAX.
        self.ends.push(self.values.len() as i32);
    }

    /// Ends the text of a row that was appended to `values`.
    #[inline]
    pub(super) fn end_value(&mut self) {
        let start = self.ends.last().map_or(0, |end| *end as usize);
        if let Some(keys) = &mut self.keys {
            let (before, text) = self.values.split_at(start);
            let hash = keys.hash(text);
            if !keys.push(text, hash, before, &self.ends) {
                self.values.truncate(start);
                return;
            }
        }
        // Fits: see the assertion at BATCH_BYTES_MAX.
        self.ends.push(self.values.len() as i32);
    }

    /// The column of the batch; the next one begins.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        let capacity = self.values.len();
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(capacity));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let values: ArrayRef = Arc::new(StringArray::try_new(offsets, Buffer::from_vec(values), None)?);
        match &mut self.keys {
            None => Ok(values),
            Some(keys) => Ok(Arc::new(DictionaryArray::try_new(Int32Array::from(keys.take()), values)?)),
        }
    }
}

/// The dictionary key of each row, and an index from a text to its key.
#[derive(Default)]
struct Keys {
    of_rows: Vec<i32>,
    index: HashTable<IndexEntry>,
    /// The key of the empty text, where it occurred.
    empty_key: Option<i32>,
    hasher: RandomState,
    /// Scratch of [`TextColumn::push_all`].
    hashes: Vec<u32>,
}

/// A key, and the hash of its text, so that the index grows without hashing texts again.
struct IndexEntry {
    key: i32,
    hash: u32,
}

/// The hash by which the index finds a text: its buckets are chosen by the low bits, and its control bytes are the high ones.
fn index_hash(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// Where the text with this key stands among `values`.
#[inline]
fn range_of(key: i32, ends: &[i32]) -> Range<usize> {
    let key = key as usize;
    let begin = if key == 0 { 0 } else { ends[key - 1] as usize };
    begin..ends[key] as usize
}

impl Keys {
    /// A text's hash.
    #[inline]
    fn hash(&self, text: &[u8]) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let mut hasher = self.hasher.build_hasher();
        hasher.write(text);
        hasher.finish() as u32
    }

    /// Adds a row with this text, whose key is looked up among `values`, which end at `ends`. Whether the text is new: its
    /// key is then the position behind the last value.
    #[inline]
    fn push(&mut self, text: &[u8], hash: u32, values: &[u8], ends: &[i32]) -> bool {
        // Many columns have no text in most rows.
        if text.is_empty()
            && let Some(key) = self.empty_key
        {
            self.of_rows.push(key);
            return false;
        }
        let new_key = self.index.len() as i32;
        let is_same = |entry: &IndexEntry| entry.hash == hash && &values[range_of(entry.key, ends)] == text;
        match self.index.entry(index_hash(hash), is_same, |entry| index_hash(entry.hash)) {
            Entry::Occupied(entry) => {
                self.of_rows.push(entry.get().key);
                false
            }
            Entry::Vacant(entry) => {
                entry.insert(IndexEntry { key: new_key, hash });
                self.of_rows.push(new_key);
                self.empty_key = self.empty_key.or(text.is_empty().then_some(new_key));
                true
            }
        }
    }

    /// Adds so many rows with the text of the last one.
    fn repeat(&mut self, rows: usize) {
        if let Some(key) = self.of_rows.last().copied() {
            self.of_rows.resize(self.of_rows.len() + rows, key);
        }
    }

    fn take(&mut self) -> Vec<i32> {
        self.index.clear();
        self.empty_key = None;
        std::mem::take(&mut self.of_rows)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow::array::{Array as _, AsArray as _};
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;

    use super::*;

    fn texts(column: &mut TextColumn, texts: &[String]) -> Vec<String> {
        for text in texts {
            column.values.extend_from_slice(text.as_bytes());
            column.end_value();
        }
        let array = column.finish().unwrap();
        assert_eq!(*array.data_type(), column.data_type());
        let array = arrow::compute::cast(&array, &DataType::Utf8).unwrap();
        array.as_string::<i32>().iter().map(|text| text.unwrap().to_string()).collect()
    }

    proptest! {
        #![proptest_config(crate::testing::property(256))]
        #[test]
        fn a_dictionary_has_the_same_texts(
            batches in prop::collection::vec(prop::collection::vec("[ab甲]{0,3}", 0..300), 1..4)
        ) {
            let mut plain = TextColumn::new("remark", false);
            let mut dictionary = TextColumn::new("remark", true);
            for batch in &batches {
                prop_assert_eq!(&texts(&mut plain, batch), batch);
                prop_assert_eq!(&texts(&mut dictionary, batch), batch);
                batch.iter().for_each(|text| dictionary.push(text.as_bytes()));
                let all: Vec<&[u8]> = batch.iter().map(String::as_bytes).collect();
                dictionary.push_all(&all);
                plain.push_all(&all);
                prop_assert_eq!(plain.finish().unwrap().len(), batch.len());
                let pushed = arrow::compute::cast(&dictionary.finish().unwrap(), &DataType::Utf8).unwrap();
                let pushed: Vec<_> = pushed.as_string::<i32>().iter().map(Option::unwrap).collect();
                prop_assert_eq!(&pushed[..batch.len()], batch);
                prop_assert_eq!(&pushed[batch.len()..], batch);
            }
        }
    }

    proptest! {
        #[test]
        fn keys_agree_with_a_map(texts in prop::collection::vec("[ab甲]{0,3}", 0..300)) {
            let mut column = TextColumn::new("remark", true);
            for block in texts.chunks(64) {
                column.push_all(&block.iter().map(String::as_bytes).collect::<Vec<_>>());
            }
            let array = column.finish().unwrap();
            // A text's key is how many distinct texts came before it.
            let mut map = HashMap::new();
            let expected: Vec<i32> = texts
                .iter()
                .map(|text| {
                    let next = map.len() as i32;
                    *map.entry(text).or_insert(next)
                })
                .collect();
            prop_assert_eq!(array.as_dictionary::<Int32Type>().keys().values(), &expected[..]);
        }
    }

    #[test]
    fn a_text_is_kept_once_and_only_where_texts_repeat() {
        let mut column = TextColumn::new("remark", true);
        for number in 0..10_000 {
            column.values.extend_from_slice(format!("text {}", number % 500).as_bytes());
            column.end_value();
        }
        let array = column.finish().unwrap();
        let array = array.as_dictionary::<Int32Type>();
        assert_eq!((array.len(), array.values().len()), (10_000, 500));
        assert_eq!(TextColumn::new("txn_id", true).data_type(), DataType::Utf8);
    }

    #[test]
    fn texts_are_found_in_a_large_index() {
        let text = |number: usize| format!("text {}", number * 7_919 % 30_000);
        let mut column = TextColumn::new("remark", true);
        for first in (0..60_000).step_by(100) {
            let texts: Vec<String> = (first..first + 100).map(text).collect();
            column.push_all(&texts.iter().map(String::as_bytes).collect::<Vec<_>>());
        }
        let array = column.finish().unwrap();
        let array = array.as_dictionary::<Int32Type>();
        assert_eq!((array.len(), array.values().len()), (60_000, 30_000));
        let rows = arrow::compute::cast(array, &DataType::Utf8).unwrap();
        assert!(rows.as_string::<i32>().iter().enumerate().all(|(at, of)| of == Some(text(at).as_str())));
    }
}
