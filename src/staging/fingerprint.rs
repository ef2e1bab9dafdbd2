//! The fingerprint of a row: its identifier's hash and its content's hash, by the stored hash scheme.
//!
//! Owns: how values of each type enter the hashes. A null differs from every value, columns are keyed by their names, and
//! a column that is null in every row leaves the hashes as they are without it. Does not own: the key and its primitives
//! ([`crate::hash_key`]) or which columns are content (`pipelines/rows.sql` and the callers of the kernel).
//!
//! The identifier's hash is SipHash-2-4 with 128 bits. The content's hash combines a word of 64 bits a column. With w_c the
//! word of column c (the number itself in two's complement, or SipHash-1-3 of the text's UTF-8 bytes), and k_c and m_c two
//! numbers of 128 bits that the key gives for the column's name,
//!
//! ```text
//! sum     = sum over the columns c that are given of (k_c * w_c + m_c)      mod 2^128
//! content = SipHash-1-3 (64 bits) of: the identifier's hash, the upper 64 bits of sum     (24 bytes, little-endian)
//! ```
//!
//! The upper half of the sum is strongly universal: rows of one identifier that differ in a value agree with probability
//! 2^-64 (D. Lemire, O. Kaser, "Strongly universal string hashing is fast", 2014). The last step hides the sum from
//! everyone who has the hash but not the key, and equal contents of different identifiers have unrelated hashes.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, StringViewArray, StructArray, UInt64Array};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int64Type, TimeUnit, TimestampMicrosecondType, UInt8Type};
use arrow::error::ArrowError;

use crate::cache_pool::CachePool;
use crate::dictionary_column::{DictionaryColumn, Nulls, ValueCache};
use crate::hash_key::{HashKey, Hasher, WideHasher};

/// Bytes of an identifier's hash.
pub const ID_BYTES: i32 = size_of::<u128>() as i32;

/// Rows that are hashed together: their sums stay in the L1 cache from column to column.
const BLOCK: usize = 512;

/// Computes fingerprints of rows with these content columns; shared by all workers of a run.
#[derive(Debug)]
pub struct Fingerprinter {
    id: WideHasher,
    content: Hasher,
    texts: Hasher,
    columns: Vec<ColumnKey>,
    caches: CachePool<TextCache>,
}

/// A content column's name and numbers.
#[derive(Debug)]
struct ColumnKey {
    name: String,
    /// k_c.
    factor: u128,
    /// m_c.
    offset: u128,
}

/// k_c w_c + m_c of each text of the last list of values, by column.
type TextCache = Vec<ValueCache<u128>>;

impl Fingerprinter {
    /// For content columns of these names, in the order in which they are given to [`Fingerprinter::fingerprint`]; the
    /// order has no influence on the hashes.
    pub fn new<'a>(key: &HashKey, columns: impl IntoIterator<Item = &'a str>) -> Fingerprinter {
        let column = |name: &str| ColumnKey {
            name: name.to_string(),
            factor: key.subkey(&format!("content factor {name}")),
            offset: key.subkey(&format!("content offset {name}")),
        };
        Fingerprinter {
            id: key.wide_hasher("row id"),
            content: key.hasher("content"),
            texts: key.hasher("content text"),
            columns: columns.into_iter().map(column).collect(),
            caches: CachePool::default(),
        }
    }

    /// The names of the content columns, in their order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The fingerprints of rows, of type [`fingerprint_fields`]. The identifiers have no nulls; a content column is of type
    /// Int64, UInt8, timestamp in microseconds, or a [`DictionaryColumn`].
    ///
    /// # Errors
    /// [`ArrowError::InvalidArgumentError`] for a column of another type or too few columns: an internal error.
    pub fn fingerprint(&self, ids: &StringViewArray, columns: &[ArrayRef]) -> Result<StructArray, ArrowError> {
        if columns.len() != self.columns.len() || ids.null_count() > 0 {
            let message = "`fingerprint` takes an identifier that is always given and all content columns";
            return Err(ArrowError::InvalidArgumentError(message.to_string()));
        }
        let mut cache = self.cache_for(columns);
        let hashes = self.hashes(ids, columns, &mut cache);
        self.caches.give(cache);
        let (id_hashes, contents) = hashes?;
        let ids = FixedSizeBinaryArray::try_new(ID_BYTES, Buffer::from_vec(id_hashes), None)?;
        let arrays: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(UInt64Array::from(contents))];
        StructArray::try_new(fingerprint_fields(), arrays, None)
    }

    fn hashes(
        &self,
        ids: &StringViewArray,
        arrays: &[ArrayRef],
        cache: &mut TextCache,
    ) -> Result<(Vec<u128>, Vec<u64>), ArrowError> {
        let texts: Vec<Option<DictionaryColumn>> =
            arrays.iter().map(|array| DictionaryColumn::of_array(array)).collect();
        let mut columns = Vec::with_capacity(arrays.len());
        for (((array, texts), values), key) in arrays.iter().zip(&texts).zip(cache).zip(&self.columns) {
            let words = match texts {
                Some(texts) => {
                    let term = |text: &str| key.term(self.texts.hash(text.as_bytes()));
                    Some(Words::Terms(texts.keys(), values.get(texts, term)))
                }
                None => Words::of_numbers(array),
            };
            let Some(words) = words else {
                let message = format!("`fingerprint` takes no column of type {}", array.data_type());
                return Err(ArrowError::InvalidArgumentError(message));
            };
            columns.push(ContentColumn { words, nulls: array.nulls(), key });
        }
        let rows = ids.len();
        // The bytes of these numbers are the hashes' bytes, least significant first, on any platform.
        let id_hashes: Vec<u128> = (0..rows).map(|row| self.id.hash(ids.value(row).as_bytes()).to_le()).collect();
        let mut contents = vec![0; rows];
        for start in (0..rows).step_by(BLOCK) {
            let rows = start..rows.min(start + BLOCK);
            self.hash_block(&columns, &rows, &id_hashes[rows.clone()], &mut contents[rows.clone()]);
        }
        Ok((id_hashes, contents))
    }

    fn hash_block(&self, columns: &[ContentColumn<'_>], rows: &Range<usize>, ids: &[u128], contents: &mut [u64]) {
        let mut sums = [0_u128; BLOCK];
        let sums = &mut sums[..rows.len()];
        columns.iter().for_each(|column| column.add_to(sums, rows));
        for ((content, sum), id) in contents.iter_mut().zip(sums).zip(ids) {
            let mut bytes = [0; 24];
            bytes[..16].copy_from_slice(&id.to_ne_bytes());
            bytes[16..].copy_from_slice(&((*sum >> 64) as u64).to_le_bytes());
            *content = self.content.hash(&bytes);
        }
    }

    /// A cache for these columns: of those in the pool the one that has the most of their texts.
    fn cache_for(&self, arrays: &[ArrayRef]) -> TextCache {
        let texts: Vec<Option<DictionaryColumn>> =
            arrays.iter().map(|array| DictionaryColumn::of_array(array)).collect();
        let known = |cache: &TextCache| {
            let of_columns = texts.iter().zip(cache);
            of_columns.filter_map(|(texts, values)| Some(values.known(texts.as_ref()?))).sum()
        };
        self.caches.take(known).unwrap_or_else(|| arrays.iter().map(|_| ValueCache::default()).collect())
    }
}

/// The fields of a fingerprint: the identifier's hash (16 bytes) and the content's.
pub fn fingerprint_fields() -> Fields {
    Fields::from(vec![
        Field::new("id", DataType::FixedSizeBinary(ID_BYTES), false),
        Field::new("content", DataType::UInt64, false),
    ])
}

impl ColumnKey {
    /// k_c w + m_c.
    #[inline]
    fn term(&self, word: u64) -> u128 {
        self.factor.wrapping_mul(u128::from(word)).wrapping_add(self.offset)
    }
}

/// One column while it is hashed.
struct ContentColumn<'a> {
    words: Words<'a>,
    nulls: Option<&'a NullBuffer>,
    key: &'a ColumnKey,
}

/// The values of all rows; the value of a null is arbitrary.
enum Words<'a> {
    Wide(&'a [i64]),
    Bytes(&'a [u8]),
    /// The keys of texts, and each text's term.
    Terms(&'a [i32], &'a [u128]),
}

impl<'a> Words<'a> {
    /// A column of numbers; `None` where it is of another type.
    fn of_numbers(array: &'a ArrayRef) -> Option<Words<'a>> {
        match array.data_type() {
            DataType::Int64 => Some(Words::Wide(array.as_primitive::<Int64Type>().values())),
            DataType::UInt8 => Some(Words::Bytes(array.as_primitive::<UInt8Type>().values())),
            DataType::Timestamp(TimeUnit::Microsecond, None) => {
                Some(Words::Wide(array.as_primitive::<TimestampMicrosecondType>().values()))
            }
            _ => None,
        }
    }
}

impl ContentColumn<'_> {
    /// Adds the column's terms to the sums of these rows.
    fn add_to(&self, sums: &mut [u128], rows: &Range<usize>) {
        let nulls = Nulls::of(self.nulls.map(|nulls| nulls.slice(rows.start, rows.len())).as_ref());
        let rows = rows.clone();
        match self.words {
            Words::Wide(values) => add(sums, &nulls, &values[rows], |value| self.key.term(*value as u64)),
            Words::Bytes(values) => add(sums, &nulls, &values[rows], |value| self.key.term(u64::from(*value))),
            Words::Terms(keys, terms) => {
                add(sums, &nulls, &keys[rows], |key| terms.get(*key as usize).copied().unwrap_or_default());
            }
        }
    }
}

/// Adds the term of each value that is not null to the sum of its row.
fn add<T>(sums: &mut [u128], nulls: &Nulls, values: &[T], term: impl Fn(&T) -> u128) {
    let add_all = |sums: &mut [u128]| {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum = sum.wrapping_add(term(value)));
    };
    match nulls {
        Nulls::None => add_all(sums),
        Nulls::These(absent) => {
            add_all(sums);
            absent.set_indices().for_each(|row| sums[row] = sums[row].wrapping_sub(term(&values[row])));
        }
        Nulls::AllBut(given) => {
            given.set_indices().for_each(|row| sums[row] = sums[row].wrapping_add(term(&values[row])));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use arrow::array::{Int64Array, TimestampMicrosecondArray, UInt8Array};

    use super::*;
    use crate::dictionary_column::ColumnReader;

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        let view: ArrayRef = Arc::new(values.iter().copied().collect::<StringViewArray>());
        ColumnReader::default().texts(&view).to_array().unwrap()
    }

    /// Hashes of the identifiers, and of the contents.
    fn hashes(key: u8, ids: &[&str], columns: &[(&str, ArrayRef)]) -> (Vec<u128>, Vec<u64>) {
        let fingerprinter = Fingerprinter::new(&HashKey::from_bytes([key; 32]), columns.iter().map(|(name, _)| *name));
        let arrays: Vec<ArrayRef> = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
        of(&fingerprinter, ids, &arrays)
    }

    fn of(fingerprinter: &Fingerprinter, ids: &[&str], arrays: &[ArrayRef]) -> (Vec<u128>, Vec<u64>) {
        let ids = StringViewArray::from_iter_values(ids);
        let fingerprints = fingerprinter.fingerprint(&ids, arrays).unwrap();
        let id_hashes = fingerprints.column(0).as_fixed_size_binary().iter().flatten();
        let id_hashes = id_hashes.map(|bytes| u128::from_le_bytes(bytes.try_into().unwrap()));
        let contents = fingerprints.column(1).as_primitive::<arrow::datatypes::UInt64Type>().values().to_vec();
        (id_hashes.collect(), contents)
    }

    /// The hashes of contents, of rows with one identifier.
    fn contents(key: u8, columns: &[(&str, ArrayRef)]) -> Vec<u64> {
        let ids = vec!["流水-1"; columns[0].1.len()];
        let (ids, contents) = hashes(key, &ids, columns);
        assert!(ids.windows(2).all(|two| two[0] == two[1]));
        contents
    }

    fn differ<T: Copy + Eq + std::hash::Hash>(hashes: &[T], rows: &[usize]) -> bool {
        rows.iter().map(|row| hashes[*row]).collect::<HashSet<T>>().len() == rows.len()
    }

    /// Equal contents of rows with equal identifiers have equal hashes; of other identifiers unrelated ones.
    #[test]
    fn identifiers_differ_and_hide_their_contents() {
        let ids = ["a", "b", "", "a", "a rather long identifier of a row", "a"];
        let amounts: ArrayRef = Arc::new(Int64Array::from(vec![1, 1, 1, 1, 1, 2]));
        let (id_hashes, contents) = hashes(1, &ids, &[("amount", Arc::clone(&amounts))]);
        assert!(differ(&id_hashes, &[0, 1, 2, 4]) && differ(&contents, &[0, 1, 2, 4, 5]));
        assert_eq!((id_hashes[0], contents[0]), (id_hashes[3], contents[3]));
        assert_eq!(id_hashes[0], id_hashes[5]);
        let (others, other_contents) = hashes(2, &ids, &[("amount", amounts)]);
        assert!((0..6).all(|row| others[row] != id_hashes[row] && other_contents[row] != contents[row]));
    }

    /// Rows that differ in any way have different hashes; equal rows have equal ones, whatever list their texts are in.
    #[test]
    fn rows_differ_by_any_value_and_by_its_column() {
        let numbers: ArrayRef =
            Arc::new(Int64Array::from(vec![Some(1), Some(1), Some(0), None, None, Some(1), Some(2)]));
        let first = texts(&[Some("a"), Some("b"), Some("a"), Some("a"), None, None, Some("a")]);
        let second = texts(&[Some("b"), Some("a"), Some("b"), Some("b"), Some("b"), Some("b"), None]);
        let columns = |numbers: &ArrayRef, first: ArrayRef, second: ArrayRef| {
            [("n", Arc::clone(numbers)), ("first", first), ("second", second)]
        };
        let all = contents(1, &columns(&numbers, first, second));
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        let two = numbers.slice(0, 2);
        let reordered = contents(1, &columns(&two, texts(&[Some("a"), Some("b")]), texts(&[Some("b"), Some("a")])));
        assert_eq!(reordered, all[..2]);
        let one = numbers.slice(0, 1);
        assert_ne!(contents(2, &columns(&one, texts(&[Some("a")]), texts(&[Some("b")])))[0], all[0]);
    }

    /// The order of columns has no influence, their names have, and a column without a value has none.
    #[test]
    fn columns_count_by_name() {
        let (a, b): (ArrayRef, ArrayRef) = (Arc::new(Int64Array::from(vec![5])), Arc::new(Int64Array::from(vec![7])));
        let null: ArrayRef = Arc::new(Int64Array::new_null(1));
        let pair = |names: [&'static str; 2], arrays: [&ArrayRef; 2]| {
            contents(1, &[(names[0], Arc::clone(arrays[0])), (names[1], Arc::clone(arrays[1]))])
        };
        let expected = pair(["a", "b"], [&a, &b]);
        assert_eq!(pair(["b", "a"], [&b, &a]), expected);
        assert_ne!(pair(["b", "a"], [&a, &b]), expected);
        assert_ne!(pair(["a", "c"], [&a, &b]), expected);
        assert_eq!(pair(["a", "c"], [&a, &null]), contents(1, &[("a", a)]));
    }

    /// The pinned vectors of the scheme: hashes of these rows may never change, since stores hold them.
    #[test]
    fn vectors_are_pinned() {
        let key = HashKey::from_bytes(std::array::from_fn(|at| at as u8));
        let names = ["booked_at", "seq", "direction", "amount_fen", "counterparty_name"];
        let fingerprinter = Fingerprinter::new(&key, names);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(TimestampMicrosecondArray::from(vec![1_704_447_000_000_000, 0])),
            Arc::new(Int64Array::from(vec![None, Some(3)])),
            Arc::new(UInt8Array::from(vec![0, 1])),
            Arc::new(Int64Array::from(vec![1_200_000, -5])),
            texts(&[Some("甲乙贸易有限公司"), None]),
        ];
        let (ids, contents) = of(&fingerprinter, &["T1", "流水-2"], &columns);
        let hex: Vec<String> =
            ids.iter().zip(&contents).map(|(id, content)| format!("{id:032x} {content:016x}")).collect();
        let expected =
            ["e6fc31791b4c8c0c172938b7beb2dda3 4807ac597e5e3100", "99e0cc2d43155e9cbd5194eab72c1c53 7f5fa14e4cee8281"];
        assert_eq!(hex, expected);
        // These and the rows above were computed by a second program, from docs/hash-scheme.md.
        assert_eq!(format!("{:032x}", key.counterparty("n:甲乙贸易有限公司")), "4f455f97ed1875770df628a70f47827d");
        assert_eq!(format!("{:032x}", key.subkey("content factor amount_fen")), "d01f537021fa16ad6a789891f122ef17");
    }
}
