//! Text columns as numbers into a list of values, so that what a text means is found out once a value, not once a row.
//!
//! Owns: the way from a source's text column to [`DictionaryColumn`], the memory of a list of values from batch to batch, what was
//! found out of its values ([`ValueCache`]), and who has that memory ([`CachePool`]). Does not own: which texts a column allows (`feed::check`).
//!
//! A source that keeps a dictionary of its own (Parquet, Arrow IPC) gives many batches over one list; each is told by
//! where it lies in memory. Of any other source every row is a value of its own.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray as _, DictionaryArray, Int32Array, StringViewArray, StringViewBuilder};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow::error::ArrowError;

/// A text column: for each row the number of its value, null where it has none.
#[derive(Clone, Debug)]
pub struct DictionaryColumn {
    keys: Int32Array,
    // Invariant: a valid key is below its length and refers to no null.
    values: StringViewArray,
    /// The column for the checked table, where the source's own will do.
    array: Option<ArrayRef>,
}

impl DictionaryColumn {
    /// The type of a text column in the checked table.
    pub fn data_type() -> DataType {
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View))
    }

    /// A nullable text column of the checked table.
    pub fn field(name: &str) -> Field {
        Field::new(name, DictionaryColumn::data_type(), true)
    }

    /// No text in any row.
    pub fn none(rows: usize) -> DictionaryColumn {
        DictionaryColumn {
            keys: Int32Array::new_null(rows),
            values: StringViewArray::from_iter_values([""; 0]),
            array: None,
        }
    }

    /// A column of the checked table; `None` where it is of another type.
    pub fn of_array(array: &dyn Array) -> Option<DictionaryColumn> {
        let dictionary = array.as_dictionary_opt::<Int32Type>()?;
        let values = dictionary.values().as_string_view_opt()?.clone();
        Some(DictionaryColumn { keys: dictionary.keys().clone(), values, array: None })
    }

    /// The column for the checked table.
    ///
    /// # Errors
    /// Where a key lies outside the values: a mistake of our own.
    pub fn to_array(&self) -> Result<ArrayRef, ArrowError> {
        if let Some(array) = &self.array {
            return Ok(Arc::clone(array));
        }
        Ok(Arc::new(DictionaryArray::try_new(self.keys.clone(), Arc::new(self.values.clone()))?))
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Rows without a text.
    pub fn null_count(&self) -> usize {
        self.keys.null_count()
    }

    /// Which rows have a text; `None` where all have.
    pub fn nulls(&self) -> Option<&NullBuffer> {
        self.keys.nulls()
    }

    /// The values, in no order; some may stand in no row.
    pub fn values(&self) -> &StringViewArray {
        &self.values
    }

    /// The numbers of all rows' values; where a row has none, anything.
    pub fn keys(&self) -> &[i32] {
        self.keys.values()
    }

    /// The number of a row's value.
    pub fn at(&self, row: usize) -> Option<usize> {
        self.keys.is_valid(row).then(|| self.keys.value(row) as usize)
    }

    /// The numbers of all rows' values.
    pub fn iter(&self) -> impl Iterator<Item = Option<usize>> {
        (0..self.len()).map(|row| self.at(row))
    }

    /// For each row what was `found` of its value, in the order of the values, as far as `part` takes it; `none` where it
    /// has no value. `rows` is filled anew.
    ///
    /// A loop that does nothing else waits for many values at once, which lie all over the memory.
    pub fn gather_into<F, T: Copy>(&self, found: &[F], part: impl Fn(&F) -> T, none: T, rows: &mut Vec<T>) {
        rows.clear();
        let keys = self.keys.values();
        let of_key = |key: &i32| found.get(*key as usize).map_or(none, &part);
        match Nulls::of(self.keys.nulls()) {
            Nulls::None => rows.extend(keys.iter().map(of_key)),
            Nulls::These(absent) => {
                rows.extend(keys.iter().map(of_key));
                absent.set_indices().for_each(|row| rows[row] = none);
            }
            Nulls::AllBut(given) => {
                rows.resize(keys.len(), none);
                given.set_indices().for_each(|row| rows[row] = of_key(&keys[row]));
            }
        }
    }

    /// [`DictionaryColumn::gather_into`] a list of its own, as it was found.
    pub fn gather<T: Copy>(&self, found: &[T], none: T) -> Vec<T> {
        let mut rows = Vec::new();
        self.gather_into(found, |found| *found, none, &mut rows);
        rows
    }

    /// Each row's text as a column of its own.
    ///
    /// # Errors
    /// Where Arrow cannot put the rows together: a mistake of our own.
    pub fn into_rows(self) -> Result<ArrayRef, ArrowError> {
        take(&self.values, &self.keys, None)
    }
}

/// One text column of a source, from batch to batch.
#[derive(Default, Debug)]
pub struct ColumnReader {
    upper_case: bool,
    /// The source's last list of values, kept so that another cannot lie at its place, and what became of it.
    last: Option<(ArrayRef, Cleaned)>,
}

/// A list of values without surrounding white space.
#[derive(Clone, Debug)]
struct Cleaned {
    values: StringViewArray,
    /// Which values stand; `None` where all do. The others are empty, or null in the source.
    stands: Option<NullBuffer>,
}

impl ColumnReader {
    /// A column whose texts are read in upper case.
    pub fn upper_case() -> ColumnReader {
        ColumnReader { upper_case: true, last: None }
    }

    /// A batch's texts, trimmed; empty ones are null. Types are checked before.
    pub fn texts(&mut self, array: &ArrayRef) -> DictionaryColumn {
        let Some(dictionary) = array.as_any_dictionary_opt() else {
            let Cleaned { values, stands } = self.clean(as_view(array));
            let keys = (0..array.len() as i32).collect::<Vec<_>>();
            return DictionaryColumn { keys: Int32Array::new(keys.into(), stands), values, array: None };
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
        match all_stand(&keys, &cleaned) {
            false => DictionaryColumn { keys: standing(keys, &cleaned), values: cleaned.values, array: None },
            true => {
                // Keys that were looked at are not looked at again.
                let own = array.as_dictionary_opt::<Int32Type>();
                let own = own.map(|own| Arc::new(own.with_values(Arc::new(cleaned.values.clone()))) as ArrayRef);
                DictionaryColumn { keys, values: cleaned.values, array: own }
            }
        }
    }

    fn clean(&self, texts: StringViewArray) -> Cleaned {
        let is_upper = |text: &str| text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_lowercase());
        let is_clean = |text: &str| is_trimmed(text) && (!self.upper_case || is_upper(text));
        let stands = texts.nulls().cloned();
        if texts.iter().flatten().all(is_clean) {
            return Cleaned { values: texts, stands };
        }
        let mut values = StringViewBuilder::with_capacity(texts.len());
        let mut stands = Vec::with_capacity(texts.len());
        for text in &texts {
            let text = text.unwrap_or_default().trim();
            stands.push(!text.is_empty());
            match self.upper_case && !is_upper(text) {
                true => values.append_value(text.to_uppercase()),
                false => values.append_value(text),
            }
        }
        Cleaned { values: values.finish(), stands: Some(stands.into()) }
    }
}

/// Whether all keys are of a value, and all values stand. What lies under a null counts too.
fn all_stand(keys: &Int32Array, cleaned: &Cleaned) -> bool {
    let count = cleaned.values.len();
    let all_stand = cleaned.stands.as_ref().is_none_or(|stands| stands.null_count() == 0);
    // The largest of all, negative ones being larger than any: a search for the first that is too large would look at key
    // after key.
    let largest = keys.values().iter().map(|key| *key as u32).max();
    all_stand && largest.is_none_or(|key| (key as usize) < count)
}

/// Keys whose value does not stand become null, and so do keys of no value.
fn standing(keys: Int32Array, cleaned: &Cleaned) -> Int32Array {
    let count = cleaned.values.len();
    let stands = |key: i32| {
        usize::try_from(key).is_ok_and(|key| key < count && cleaned.stands.as_ref().is_none_or(|s| s.is_valid(key)))
    };
    let (_, keys, nulls) = keys.into_parts();
    let standing = BooleanBuffer::collect_bool(keys.len(), |row| stands(keys[row]));
    let standing = NullBuffer::union(Some(&NullBuffer::new(standing)), nulls.as_ref());
    Int32Array::new(keys, standing)
}

/// Which rows of a column are null, told by the rows of the fewer kind: only these need be looked at one by one.
pub(crate) enum Nulls {
    /// No row.
    None,
    /// These rows, and no more than half of all.
    These(BooleanBuffer),
    /// All but these, which are fewer than half.
    AllBut(BooleanBuffer),
}

impl Nulls {
    pub(crate) fn of(nulls: Option<&NullBuffer>) -> Nulls {
        match nulls.filter(|nulls| nulls.null_count() > 0) {
            None => Nulls::None,
            Some(nulls) if nulls.null_count() <= nulls.len() / 2 => Nulls::These(!nulls.inner()),
            Some(nulls) => Nulls::AllBut(nulls.inner().clone()),
        }
    }
}

/// Any string array as a view array; types are checked before.
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
    // Printable ASCII and ideographs, as nearly all texts begin and end, are told by a byte.
    let is_plain = |byte: u8| byte.is_ascii_graphic() || matches!(byte, 0xE4..=0xE9);
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last(), bytes.len().checked_sub(3).and_then(|at| bytes.get(at))) {
        (Some(first), Some(last), _) if is_plain(*first) && last.is_ascii_graphic() => true,
        (Some(first), Some(0x80..=0xBF), Some(0xE4..=0xE9)) if is_plain(*first) => true,
        _ => !text.is_empty() && text.trim().len() == text.len(),
    }
}

/// What was found out of each value of the last list that was asked about.
#[derive(Debug)]
pub struct ValueCache<T> {
    /// Kept so that another list cannot lie at its place.
    of: Option<StringViewArray>,
    found: Vec<T>,
}

impl<T> Default for ValueCache<T> {
    fn default() -> ValueCache<T> {
        ValueCache { of: None, found: Vec::new() }
    }
}

impl<T> ValueCache<T> {
    /// Whether this is about the values of `texts`.
    pub fn is_of(&self, texts: &DictionaryColumn) -> bool {
        self.of.as_ref().is_some_and(|of| of.views().ptr_eq(texts.values.views()))
    }

    /// How many of the values of `texts` this spares a look at: all or none.
    pub fn known(&self, texts: &DictionaryColumn) -> usize {
        if self.is_of(texts) { texts.values.len() } else { 0 }
    }

    /// What was found out of each value of the last list.
    pub fn found(&mut self) -> &mut [T] {
        &mut self.found
    }

    /// What `find` tells of each value, in the order of the values; asked only where the list is another than last time.
    pub fn get(&mut self, texts: &DictionaryColumn, find: impl FnMut(&str) -> T) -> &mut [T] {
        self.get_all(texts, |values, found| found.extend(values.iter().map(Option::unwrap_or_default).map(find)))
    }

    /// [`ValueCache::get`], where `find` looks at the whole list and adds what it tells of each value, in their order.
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

/// What several workers remember of lists of values: each takes a memory for a batch and gives it back.
#[derive(Debug)]
pub struct CachePool<M>(Mutex<Vec<M>>);

impl<M> Default for CachePool<M> {
    fn default() -> CachePool<M> {
        CachePool(Mutex::default())
    }
}

impl<M> CachePool<M> {
    /// A memory that no one else has just now: the one that has the most `known` of the batch's values, of several the one
    /// given back last. `None` where all are taken.
    ///
    /// One that knows some list of the batch is not enough: workers whose lists of names change with every batch would
    /// swap memories, and look at all their other lists anew.
    pub fn take(&self, known: impl Fn(&M) -> usize) -> Option<M> {
        let mut free = self.free();
        let (at, _) = free.iter().enumerate().max_by_key(|(_, memory)| known(memory))?;
        Some(free.swap_remove(at))
    }

    /// Gives a memory back.
    pub fn give(&self, memory: M) {
        self.free().push(memory);
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<M>> {
        // A memory that a panicked worker held is gone, not half made.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;
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
        let keys = arrow::array::UInt8Array::from(vec![Some(2), Some(1), Some(0), None, Some(0), Some(1)]);
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
    fn a_list_is_looked_at_once() {
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
        // Equal values in another place are another list.
        let other: DictionaryArray<Int32Type> = ["ab", "b"].into_iter().collect();
        let texts = column.texts(&(Arc::new(other) as ArrayRef));
        assert_eq!(found.get(&texts, str::len), [2, 1]);
    }

    #[test]
    fn a_worker_gets_the_memory_that_knows_its_list() {
        let memories = CachePool::default();
        assert_eq!(memories.take(|_: &usize| 1), None);
        [1, 3, 2].into_iter().for_each(|memory| memories.give(memory));
        // The one that knows most, not the first that knows something.
        assert_eq!(memories.take(|memory| *memory), Some(3));
        assert_eq!(memories.take(|_| 0), Some(2));
        assert_eq!(memories.take(|_| 0), Some(1));
        assert_eq!(memories.take(|_| 0), None);
    }

    #[test]
    fn a_byte_tells_what_trim_tells() {
        for c in (0..=0x10FFFF).filter_map(char::from_u32) {
            for text in [format!("{c}"), format!("{c}甲"), format!("甲{c}"), format!("a{c}"), format!("{c}a")] {
                assert_eq!(is_trimmed(&text), text.trim().len() == text.len(), "U+{:04X}", c as u32);
            }
        }
        assert!(!is_trimmed(""));
    }
}
