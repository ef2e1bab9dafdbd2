//! Text columns as dictionaries, so that a text is processed once per dictionary value, not once per row.
//!
//! Owns: the column ([`DictionaryColumn`]), the reader that makes it of a source's column ([`ColumnReader`]), and the cache
//! of what is computed per value ([`ValueCache`]). Does not own: which texts a column allows (`feed::check`), or which
//! worker has a cache ([`crate::cache_pool`]).
//!
//! A source that has dictionaries of its own (Parquet, Arrow IPC) gives many batches over one dictionary. Two batches have
//! the same one where its values lie at the same address. Of a source without dictionaries, each row is a value of its own.

mod reader;
mod value_cache;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, DictionaryArray, Int32Array, StringViewArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow::error::ArrowError;

pub use self::reader::ColumnReader;
pub(crate) use self::reader::{as_view, is_trimmed};
pub use self::value_cache::ValueCache;

/// A text column: the key of each row's value, null where a row has none.
#[derive(Clone, Debug)]
pub struct DictionaryColumn {
    keys: Int32Array,
    // Invariant: a valid key is below its length and refers to no null.
    values: StringViewArray,
    /// The column for the checked table, where the source's own array can be used.
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

    /// A column without a text in any row.
    pub fn none(rows: usize) -> DictionaryColumn {
        DictionaryColumn {
            keys: Int32Array::new_null(rows),
            values: StringViewArray::from_iter_values([""; 0]),
            array: None,
        }
    }

    /// A column of the checked table; `None` where the array has another type.
    pub fn of_array(array: &dyn Array) -> Option<DictionaryColumn> {
        let dictionary = array.as_dictionary_opt::<Int32Type>()?;
        let values = dictionary.values().as_string_view_opt()?.clone();
        Some(DictionaryColumn { keys: dictionary.keys().clone(), values, array: None })
    }

    /// The column for the checked table.
    ///
    /// # Errors
    /// A key outside the values: an internal error.
    pub fn to_array(&self) -> Result<ArrayRef, ArrowError> {
        if let Some(array) = &self.array {
            return Ok(Arc::clone(array));
        }
        Ok(Arc::new(DictionaryArray::try_new(self.keys.clone(), Arc::new(self.values.clone()))?))
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The number of rows without a text.
    pub fn null_count(&self) -> usize {
        self.keys.null_count()
    }

    /// Which rows have a text; `None` where all have.
    pub fn nulls(&self) -> Option<&NullBuffer> {
        self.keys.nulls()
    }

    /// The values, in no order; no row need refer to a value.
    pub fn values(&self) -> &StringViewArray {
        &self.values
    }

    /// The keys of all rows; that of a row without a text is arbitrary.
    pub fn keys(&self) -> &[i32] {
        self.keys.values()
    }

    /// The key of a row.
    pub fn at(&self, row: usize) -> Option<usize> {
        self.keys.is_valid(row).then(|| self.keys.value(row) as usize)
    }

    /// The keys of all rows.
    pub fn iter(&self) -> impl Iterator<Item = Option<usize>> {
        (0..self.len()).map(|row| self.at(row))
    }

    /// For each row, `part` of the element of `found` that belongs to its value; `none` where it has no value. `found` is in
    /// the order of the values, `rows` is filled anew.
    ///
    /// The elements lie scattered in memory. In a loop that does nothing else, the loads of many rows are in flight
    /// together.
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

    /// [`DictionaryColumn::gather_into`] a new list, of whole elements.
    pub fn gather<T: Copy>(&self, found: &[T], none: T) -> Vec<T> {
        let mut rows = Vec::new();
        self.gather_into(found, |found| *found, none, &mut rows);
        rows
    }

    /// Each row's text as a column of its own.
    ///
    /// # Errors
    /// Where Arrow cannot gather the rows: an internal error.
    pub fn into_rows(self) -> Result<ArrayRef, ArrowError> {
        take(&self.values, &self.keys, None)
    }
}

/// Which rows of a column are null, as the set of the rarer kind: only these rows are handled one by one.
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
