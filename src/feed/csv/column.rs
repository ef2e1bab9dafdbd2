//! A column of a batch that is being filled with texts.
//!
//! Owns: values one after another, and, for columns whose texts repeat, a list of the different ones with a number a row. So
//! what comes after looks at a text once a list, as with a source that has dictionaries of its own. Does not own: records.

use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use foldhash::fast::RandomState;

/// The columns of `transactions` whose texts mostly come again.
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

/// Texts of one column.
#[derive(Default)]
pub(super) struct TextColumn {
    /// The text of the row that is filled is appended here.
    pub(super) values: Vec<u8>,
    /// Where each value ends.
    ends: Vec<i32>,
    numbers: Option<Numbers>,
}

impl TextColumn {
    /// A column of this name; `numbered` where texts that repeat are to be kept once.
    pub(super) fn new(name: &str, numbered: bool) -> TextColumn {
        let numbers = (numbered && REPEATED.contains(&name)).then(Numbers::default);
        TextColumn { numbers, ..TextColumn::default() }
    }

    /// The type of its arrays.
    pub(super) fn data_type(&self) -> DataType {
        match self.numbers {
            Some(_) => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            None => DataType::Utf8,
        }
    }

    /// Adds the text of a row.
    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        if let Some(numbers) = &mut self.numbers {
            let hash = numbers.hash(text);
            if !numbers.number(text, hash, &self.values, &self.ends) {
                return;
            }
        }
        self.append(text);
    }

    /// Adds the texts of several rows.
    pub(super) fn push_all(&mut self, texts: &[&[u8]]) {
        let Some(numbers) = &mut self.numbers else {
            texts.iter().for_each(|text| self.append(text));
            return;
        };
        // Many a column says the same in all rows, or nothing.
        if let Some((first, others)) = texts.split_first()
            && others.iter().all(|text| text == first)
        {
            let hash = numbers.hash(first);
            let is_new = numbers.number(first, hash, &self.values, &self.ends);
            numbers.repeat(others.len());
            if is_new {
                self.append(first);
            }
            return;
        }
        numbers.expect(texts, &self.values, &self.ends);
        for (at, text) in texts.iter().enumerate() {
            let Some(numbers) = &mut self.numbers else { return };
            let hash = numbers.expected[at];
            if numbers.number(text, hash, &self.values, &self.ends) {
                self.append(text);
            }
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
        if let Some(numbers) = &mut self.numbers {
            let (before, text) = self.values.split_at(start);
            let hash = numbers.hash(text);
            if !numbers.number(text, hash, before, &self.ends) {
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
        match &mut self.numbers {
            None => Ok(values),
            Some(numbers) => Ok(Arc::new(DictionaryArray::try_new(Int32Array::from(numbers.take()), values)?)),
        }
    }
}

/// The number of each row's text, and a table by which a text finds its number.
#[derive(Default)]
struct Numbers {
    of_rows: Vec<i32>,
    /// Number and hash of each text, at a place that its hash tells or the next free one. A power of two long, and at most
    /// half full.
    table: Vec<Place>,
    count: usize,
    /// The number of the empty text, where it came up.
    nothing: Option<i32>,
    hasher: RandomState,
    /// Hashes of the texts that come next.
    expected: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Place {
    number: i32,
    hash: u32,
}

const FREE: Place = Place { number: -1, hash: 0 };

const TABLE_LENGTH_MIN: usize = 64;

/// A table of fewer places is in the cache anyway.
const TABLE_LENGTH_FAR: usize = 1 << 12;

/// Where a text stands among `values`.
#[inline]
fn range_of(number: i32, ends: &[i32]) -> Range<usize> {
    let number = number as usize;
    let begin = if number == 0 { 0 } else { ends[number - 1] as usize };
    begin..ends[number] as usize
}

impl Numbers {
    /// A text's hash; that of the empty text is never used.
    #[inline]
    fn hash(&self, text: &[u8]) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let mut hasher = self.hasher.build_hasher();
        hasher.write(text);
        hasher.finish() as u32
    }

    /// Hashes the texts that come next, and reads what they are likely to be compared with: lookups that wait for the
    /// memory one after another would take most of the time.
    fn expect(&mut self, texts: &[&[u8]], values: &[u8], ends: &[i32]) {
        let mut expected = std::mem::take(&mut self.expected);
        expected.clear();
        expected.extend(texts.iter().map(|text| self.hash(text)));
        if self.table.len() >= TABLE_LENGTH_FAR {
            let mask = self.table.len() - 1;
            let first_byte = |hash: &u32| {
                let place = self.table[*hash as usize & mask];
                if place.hash != *hash || place.number < 0 {
                    return 0;
                }
                values.get(range_of(place.number, ends).start).copied().unwrap_or(0)
            };
            // The sum has no use, but without one the loop would be left out.
            std::hint::black_box(expected.iter().map(first_byte).fold(0, u8::wrapping_add));
        }
        self.expected = expected;
    }

    /// Numbers a text with this hash among those of `values`, which end at `ends`; whether it is a new one.
    #[inline]
    fn number(&mut self, text: &[u8], hash: u32, values: &[u8], ends: &[i32]) -> bool {
        let text_of = |number: i32| &values[range_of(number, ends)];
        // Many a column says nothing in most rows.
        if text.is_empty()
            && let Some(nothing) = self.nothing
        {
            self.of_rows.push(nothing);
            return false;
        }
        if self.count * 2 >= self.table.len() {
            self.grow();
        }
        let mask = self.table.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let place = self.table[at];
            if place.number < 0 {
                let number = self.count as i32;
                self.table[at] = Place { number, hash };
                self.count += 1;
                self.of_rows.push(number);
                self.nothing = self.nothing.or(text.is_empty().then_some(number));
                return true;
            }
            if place.hash == hash && text_of(place.number) == text {
                self.of_rows.push(place.number);
                return false;
            }
            at = (at + 1) & mask;
        }
    }

    /// So many more rows have the last row's text.
    fn repeat(&mut self, rows: usize) {
        if let Some(number) = self.of_rows.last().copied() {
            self.of_rows.resize(self.of_rows.len() + rows, number);
        }
    }

    /// Doubles the table. Places are found anew by what of the hash is kept, so that no text is looked at.
    fn grow(&mut self) {
        let length = (self.table.len() * 2).max(TABLE_LENGTH_MIN);
        let old = std::mem::replace(&mut self.table, vec![FREE; length]);
        for place in old.into_iter().filter(|place| place.number >= 0) {
            let mut at = place.hash as usize & (length - 1);
            while self.table[at].number >= 0 {
                at = (at + 1) & (length - 1);
            }
            self.table[at] = place;
        }
    }

    fn take(&mut self) -> Vec<i32> {
        self.table.fill(FREE);
        (self.count, self.nothing) = (0, None);
        std::mem::take(&mut self.of_rows)
    }
}

#[cfg(test)]
mod tests {
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
        #[test]
        fn numbered_or_not_the_texts_are_the_same(
            batches in prop::collection::vec(prop::collection::vec("[ab甲]{0,3}", 0..300), 1..4)
        ) {
            let mut plain = TextColumn::new("remark", false);
            let mut numbered = TextColumn::new("remark", true);
            for batch in &batches {
                prop_assert_eq!(&texts(&mut plain, batch), batch);
                prop_assert_eq!(&texts(&mut numbered, batch), batch);
                batch.iter().for_each(|text| numbered.push(text.as_bytes()));
                let all: Vec<&[u8]> = batch.iter().map(String::as_bytes).collect();
                numbered.push_all(&all);
                plain.push_all(&all);
                prop_assert_eq!(plain.finish().unwrap().len(), batch.len());
                let pushed = arrow::compute::cast(&numbered.finish().unwrap(), &DataType::Utf8).unwrap();
                let pushed: Vec<_> = pushed.as_string::<i32>().iter().map(Option::unwrap).collect();
                prop_assert_eq!(&pushed[..batch.len()], batch);
                prop_assert_eq!(&pushed[batch.len()..], batch);
            }
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
    fn texts_that_were_expected_find_their_numbers_in_a_large_table() {
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
