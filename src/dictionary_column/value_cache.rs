//! The cache of what is computed per value of a dictionary.
//!
//! Owns: the results for the last dictionary, and when they apply. Does not own: what is computed.

use arrow::array::{Array as _, StringViewArray};

use super::DictionaryColumn;

/// One result per value of the dictionary that was last asked for.
#[derive(Debug)]
pub struct ValueCache<T> {
    /// The dictionary, held so that no other can take its address.
    of: Option<StringViewArray>,
    found: Vec<T>,
}

impl<T> Default for ValueCache<T> {
    fn default() -> ValueCache<T> {
        ValueCache { of: None, found: Vec::new() }
    }
}

impl<T> ValueCache<T> {
    /// Whether the results are of the dictionary of `texts`.
    fn is_of(&self, texts: &DictionaryColumn) -> bool {
        self.of.as_ref().is_some_and(|of| of.views().ptr_eq(texts.values.views()))
    }

    /// How many values of `texts` have a result: all or none.
    pub fn known(&self, texts: &DictionaryColumn) -> usize {
        if self.is_of(texts) { texts.values.len() } else { 0 }
    }

    /// The results for the last dictionary.
    pub fn found(&mut self) -> &mut [T] {
        &mut self.found
    }

    /// The result of `find` for each value, in the order of the values. It is called only where the dictionary is not that of
    /// the last call.
    pub fn get(&mut self, texts: &DictionaryColumn, find: impl FnMut(&str) -> T) -> &mut [T] {
        self.get_all(texts, |values, found| found.extend(values.iter().map(Option::unwrap_or_default).map(find)))
    }

    /// [`ValueCache::get`] for a `find` that takes all values at once and appends their results, in their order.
    pub fn get_all(&mut self, texts: &DictionaryColumn, find: impl FnOnce(&StringViewArray, &mut Vec<T>)) -> &mut [T] {
        if !self.is_of(texts) {
            self.of = None;
            self.found.clear();
            find(&texts.values, &mut self.found);
            self.of = Some(texts.values.clone());
        }
        &mut self.found
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray};
    use arrow::datatypes::Int32Type;

    use super::*;
    use crate::dictionary_column::ColumnReader;

    #[test]
    fn values_are_computed_once_per_dictionary() {
        let dictionary: DictionaryArray<Int32Type> = ["a ", "b", "a ", "b"].into_iter().collect();
        let whole: ArrayRef = Arc::new(dictionary);
        let (mut column, mut found, mut asked) = (ColumnReader::default(), ValueCache::default(), 0);
        for start in [0, 1, 2] {
            let texts = column.texts(&whole.slice(start, 2));
            let lengths = found.get(&texts, |text| {
                asked += 1;
                text.len()
            });
            assert_eq!(lengths, [1, 1]);
        }
        assert_eq!(asked, 2);
        // Equal values at another address are another dictionary.
        let other: DictionaryArray<Int32Type> = ["ab", "b"].into_iter().collect();
        let texts = column.texts(&(Arc::new(other) as ArrayRef));
        assert_eq!(found.get(&texts, str::len), [2, 1]);
    }
}
