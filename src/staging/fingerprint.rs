//! The scalar function `fingerprint`: what tells a row's identifier and its content from others', 64 bits each, under the
//! run's secret.
//!
//! Owns: how values of each type enter the hashes. Null differs from every value, and columns do not run into each other.
//!
//! 128 bits of SipHash-1-3 over the identifier are its hash and a pad, 64 bits each. The content is hashed column by
//! column. With w_c a column's 64-bit word (the number itself, or a hash of the text), k_c 128 random bits of the secret's,
//! and a last word that tells which columns are null, it is
//!
//! ```text
//! ( (sum over c of k_c * w_c  mod 2^128) >> 64 )  xor  pad
//! ```
//!
//! The sum is strongly universal: two rows that differ in a word agree with probability 2^-64 (D. Lemire, O. Kaser,
//! "Strongly universal string hashing is fast", 2014). Contents are compared where identifiers are equal, and so are the
//! pads then. Where they are not, the pad hides the sum from who sees the hash but not the secret.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray, StructArray, UInt64Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int64Type, TimeUnit, TimestampMicrosecondType, UInt8Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::dictionary_column::{CachePool, DictionaryColumn, Nulls, ValueCache};
use crate::hash_key::{HashKey, TextHasher};

/// `fingerprint(txn_id, column, ...)`: a struct of `id` and `content`, 64 bits each. The identifier is of type Utf8View and
/// always given; the columns are of type Int64, UInt8, timestamp in microseconds, or text by dictionary
/// ([`DictionaryColumn::data_type`]), 63 at most.
#[derive(Debug)]
pub struct Fingerprints {
    signature: Signature,
    secret: HashKey,
    /// k_c, by column; the last is for the nulls.
    factors: [u128; COLUMNS_MAX + 1],
    texts: TextHasher,
    /// What was seen so far.
    memories: CachePool<Memory>,
}

/// What one worker has seen so far: k_c w_c of each text of the last list of values, by column.
#[derive(Debug)]
struct Memory(Vec<ValueCache<u128>>);

const COLUMNS_MAX: usize = 63;

/// Rows that are hashed together: what is kept of them stays in the nearest cache from column to column.
const BLOCK: usize = 512;

impl Fingerprints {
    /// The function under this secret.
    pub fn udf(secret: HashKey) -> ScalarUDF {
        let factors = std::array::from_fn(|column| secret.bits_for(&format!("fingerprint column {column}")));
        ScalarUDF::from(Fingerprints {
            signature: Signature::variadic_any(Volatility::Immutable),
            factors,
            texts: secret.text_hasher("fingerprint texts"),
            secret,
            memories: CachePool::default(),
        })
    }

    /// The hashes of identifiers and of contents.
    fn hashes(&self, ids: &StringViewArray, arrays: &[ArrayRef], memory: &mut Memory) -> Result<[Vec<u64>; 2]> {
        let texts: Vec<Option<DictionaryColumn>> =
            arrays.iter().map(|array| DictionaryColumn::of_array(array)).collect();
        let mut columns = Vec::with_capacity(arrays.len());
        for (((array, texts), per_value), factor) in arrays.iter().zip(&texts).zip(&mut memory.0).zip(self.factors) {
            let product = |text: &str| factor.wrapping_mul(u128::from(self.texts.short(text)));
            let words = match texts {
                Some(texts) => Some(Words::Texts(texts.keys(), per_value.get(texts, product))),
                None => Words::of_numbers(array),
            };
            let Some(words) = words else {
                return exec_err!("`fingerprint` takes no column of type {}", array.data_type());
            };
            columns.push(Hashed { words, nulls: array.nulls(), factor });
        }
        let rows = ids.len();
        let hasher = self.secret.fingerprint_hasher();
        let (id_hashes, mut contents): (Vec<u64>, Vec<u64>) =
            (0..rows).map(|row| hasher.hash(ids.value(row).as_bytes()).as_u64()).unzip();
        for start in (0..rows).step_by(BLOCK) {
            let rows = start..rows.min(start + BLOCK);
            self.hash_block(&columns, &rows, &mut contents[rows.clone()]);
        }
        Ok([id_hashes, contents])
    }

    /// Brings the sums of a block of rows to their pads.
    fn hash_block(&self, columns: &[Hashed<'_>], rows: &Range<usize>, pads: &mut [u64]) {
        let mut sums = [0_u128; BLOCK];
        let sums = &mut sums[..rows.len()];
        // Which columns are null; of those in `null_but_for`, which are not.
        let (mut nulls, mut null_but_for) = ([0_u64; BLOCK], 0_u64);
        for (number, column) in columns.iter().enumerate() {
            let bit = 1_u64 << number;
            let of_block = Nulls::of(column.nulls.map(|nulls| nulls.slice(rows.start, rows.len())).as_ref());
            match &of_block {
                Nulls::None => {}
                Nulls::These(absent) => absent.set_indices().for_each(|row| nulls[row] |= bit),
                Nulls::AllBut(given) => {
                    null_but_for |= bit;
                    given.set_indices().for_each(|row| nulls[row] |= bit);
                }
            }
            column.add_to(sums, &of_block, rows);
        }
        let factor = self.factors[COLUMNS_MAX];
        for (pad, (sum, nulls)) in pads.iter_mut().zip(sums.iter().zip(nulls)) {
            let sum = sum.wrapping_add(factor.wrapping_mul(u128::from(nulls ^ null_but_for)));
            *pad ^= (sum >> 64) as u64;
        }
    }

    fn memory_for(&self, arrays: &[ArrayRef]) -> Memory {
        let texts: Vec<Option<DictionaryColumn>> =
            arrays.iter().map(|array| DictionaryColumn::of_array(array)).collect();
        let known = |memory: &Memory| {
            let of_columns = texts.iter().zip(&memory.0);
            of_columns.filter_map(|(texts, seen)| Some(seen.known(texts.as_ref()?))).sum()
        };
        let new = || Memory(arrays.iter().map(|_| ValueCache::default()).collect());
        self.memories.take(known).unwrap_or_else(new)
    }
}

/// One column while it is hashed.
struct Hashed<'a> {
    words: Words<'a>,
    nulls: Option<&'a NullBuffer>,
    /// k_c.
    factor: u128,
}

/// The values of all rows; under a null anything may stand.
enum Words<'a> {
    Wide(&'a [i64]),
    Bytes(&'a [u8]),
    /// The numbers of texts, and of each text k_c w_c.
    Texts(&'a [i32], &'a [u128]),
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

impl Hashed<'_> {
    /// Adds k_c w_c to the sum of each of these rows whose value is given.
    fn add_to(&self, sums: &mut [u128], nulls: &Nulls, rows: &Range<usize>) {
        let rows = rows.clone();
        match self.words {
            Words::Wide(values) => add(sums, nulls, &values[rows], |value| self.product(*value as u64)),
            Words::Bytes(values) => add(sums, nulls, &values[rows], |value| self.product(u64::from(*value))),
            Words::Texts(keys, products) => {
                add(sums, nulls, &keys[rows], |key| products.get(*key as usize).copied().unwrap_or_default());
            }
        }
    }

    fn product(&self, word: u64) -> u128 {
        self.factor.wrapping_mul(u128::from(word))
    }
}

/// Adds what is made of each value that is given to the sum of its row.
fn add<T>(sums: &mut [u128], nulls: &Nulls, values: &[T], product: impl Fn(&T) -> u128) {
    let add_all = |sums: &mut [u128]| {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum = sum.wrapping_add(product(value)));
    };
    match nulls {
        Nulls::None => add_all(sums),
        Nulls::These(absent) => {
            add_all(sums);
            absent.set_indices().for_each(|row| sums[row] = sums[row].wrapping_sub(product(&values[row])));
        }
        Nulls::AllBut(given) => {
            given.set_indices().for_each(|row| sums[row] = sums[row].wrapping_add(product(&values[row])));
        }
    }
}

fn fields() -> Fields {
    Fields::from(["id", "content"].map(|name| Field::new(name, DataType::UInt64, false)).to_vec())
}

impl ScalarUDFImpl for Fingerprints {
    fn name(&self) -> &str {
        "fingerprint"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let Some((ids, columns)) = arrays.split_first().filter(|(_, columns)| columns.len() <= COLUMNS_MAX) else {
            return exec_err!("`fingerprint` takes an identifier and at most {COLUMNS_MAX} columns");
        };
        let Some(ids) = ids.as_string_view_opt().filter(|ids| ids.null_count() == 0) else {
            return exec_err!("`fingerprint` takes an identifier that is always given");
        };
        let mut memory = self.memory_for(columns);
        let hashes = self.hashes(ids, columns, &mut memory);
        self.memories.give(memory);
        let hashes = hashes?.map(|hashes| Arc::new(UInt64Array::from(hashes)) as ArrayRef);
        Ok(ColumnarValue::Array(Arc::new(StructArray::new(fields(), hashes.to_vec(), None))))
    }
}

// One function a session: two are the same where the secret is, which no other session shares.
impl PartialEq for Fingerprints {
    fn eq(&self, other: &Fingerprints) -> bool {
        self.secret == other.secret
    }
}

impl Eq for Fingerprints {}

impl std::hash::Hash for Fingerprints {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.secret.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use arrow::array::Int64Array;

    use super::*;
    use crate::dictionary_column::ColumnReader;

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        let view: ArrayRef = Arc::new(values.iter().copied().collect::<StringViewArray>());
        ColumnReader::default().texts(&view).to_array().unwrap()
    }

    /// Hashes of the identifiers, and of the contents.
    fn hashes(secret: u8, ids: &StringViewArray, columns: &[ArrayRef]) -> [Vec<u64>; 2] {
        let function = Fingerprints::udf(HashKey::from_bytes([secret; 32]));
        let function = function.inner().downcast_ref::<Fingerprints>().unwrap();
        let mut memory = function.memory_for(columns);
        function.hashes(ids, columns, &mut memory).unwrap()
    }

    /// The hashes of contents, of rows with one identifier.
    fn contents(secret: u8, columns: &[ArrayRef]) -> Vec<u64> {
        let ids = StringViewArray::from_iter_values(vec!["流水-1"; columns[0].len()]);
        let [ids, contents] = hashes(secret, &ids, columns);
        assert!(ids.windows(2).all(|two| two[0] == two[1]));
        contents
    }

    /// Equal contents of rows with equal identifiers have equal hashes; with others nothing tells that they are equal.
    #[test]
    fn identifiers_differ_and_hide_their_contents() {
        let ids = StringViewArray::from_iter_values(["a", "b", "", "a", "a rather long identifier of a row", "a"]);
        let amounts: ArrayRef = Arc::new(Int64Array::from(vec![1, 1, 1, 1, 1, 2]));
        let [id_hashes, contents] = hashes(1, &ids, &[Arc::clone(&amounts)]);
        let differ = |hashes: &[u64], rows: &[usize]| {
            let of_rows: HashSet<u64> = rows.iter().map(|row| hashes[*row]).collect();
            of_rows.len() == rows.len()
        };
        assert!(differ(&id_hashes, &[0, 1, 2, 4]) && differ(&contents, &[0, 1, 2, 4, 5]));
        assert_eq!((id_hashes[0], contents[0]), (id_hashes[3], contents[3]));
        assert_eq!(id_hashes[0], id_hashes[5]);
        let [others, other_contents] = hashes(2, &ids, &[amounts]);
        assert!((0..6).all(|row| others[row] != id_hashes[row] && other_contents[row] != contents[row]));
    }

    /// Rows that differ in any way have different hashes; equal rows have equal ones, whatever list their texts are in.
    #[test]
    fn rows_differ_by_any_value_and_by_its_place() {
        let numbers: ArrayRef =
            Arc::new(Int64Array::from(vec![Some(1), Some(1), Some(0), None, None, Some(1), Some(2)]));
        let first = texts(&[Some("a"), Some("b"), Some("a"), Some("a"), None, None, Some("a")]);
        let second = texts(&[Some("b"), Some("a"), Some("b"), Some("b"), Some("b"), Some("b"), None]);
        let all = contents(1, &[Arc::clone(&numbers), first, second]);
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        let again = contents(1, &[numbers.slice(0, 2), texts(&[Some("a"), Some("b")]), texts(&[Some("b"), Some("a")])]);
        assert_eq!(again, all[..2]);
        assert_ne!(contents(2, &[numbers.slice(0, 1), texts(&[Some("a")]), texts(&[Some("b")])])[0], all[0]);
    }
}
