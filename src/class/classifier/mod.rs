//! The classifier: the class and the counterparty key of each row of a batch.
//!
//! Owns: the kernel between Arrow columns and [`Matcher`], and how rows are grouped so that little is computed per row.
//! A code, an account number or a name is matched once per dictionary value (see [`crate::dictionary_column`]), a name
//! once per name as long as the [name cache](super::name_cache) holds it, and a verdict is reached once per combination
//! of facts. Does not own: which class a row has ([`super::decide`]), or how a pipeline calls it (`engine`).

mod cache;
mod holders;

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, FixedSizeBinaryArray, StructArray, UInt8Array, UInt16Array, UInt32Array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

pub(super) use self::cache::FactsId;
use self::cache::{BatchScratch, CachedVerdict, ClassifyCache, RowFactIds, UsccEntry, ValueFacts};
use self::holders::Holders;
use super::counterparty_key::has_key_chars;
use super::decide::{HolderIdentity as _, Relation, is_business};
use super::name_cache::NameEntry;
use super::{Kind, Matcher, key_input, normalise};
use crate::account::Accounts;
use crate::cache_pool::CachePool;
use crate::dictionary_column::DictionaryColumn;
use crate::hash_key::{HashKey, TextHasher};

/// A counterparty's key: a keyed hash, or [`NO_KEY`].
pub(super) type Key = u128;

/// The key of a row that has nothing to identify its counterparty by. No hash equals it, but for a chance of 2^-128.
pub(super) const NO_KEY: Key = 0;

/// Classifies rows of the checked table. Workers share one classifier.
#[derive(Debug)]
pub struct Classifier {
    matcher: Arc<Matcher>,
    holders: Holders,
    key: HashKey,
    /// Hashes of names, for the name cache.
    name_hasher: TextHasher,
    name_cache_bytes: usize,
    caches: CachePool<ClassifyCache>,
}

impl Classifier {
    /// A classifier for rows of these accounts. The name cache of each worker holds at most `cache_bytes`, or 8 MiB where
    /// that is more.
    pub fn new(matcher: Arc<Matcher>, accounts: Arc<dyn Accounts>, key: HashKey, cache_bytes: usize) -> Classifier {
        Classifier {
            matcher,
            holders: Holders::new(accounts),
            name_hasher: key.text_hasher("classify names"),
            name_cache_bytes: cache_bytes,
            key,
            caches: CachePool::default(),
        }
    }

    /// The type of what [`Classifier::classify`] returns: `class`, `subclass`, `rule` and `evidence` (numbers), and
    /// `counterparty` (keyed hash; null = unidentified).
    pub fn data_type() -> DataType {
        DataType::Struct(fields())
    }

    /// The class and the counterparty of each row, as a struct of [`Classifier::data_type`].
    ///
    /// # Errors
    /// An account number that no account has: an internal error.
    pub fn classify(&self, columns: &ClassifyColumns) -> Result<StructArray, ArrowError> {
        let cache = self.caches.take(|cache| cache.known_values(columns));
        let mut cache = cache.unwrap_or_else(|| ClassifyCache::new(self.name_cache_bytes));
        self.match_values(columns, &mut cache);
        let keys = self.relate_rows(columns, &mut cache);
        let classified = keys.and_then(|keys| self.decide_rows(columns, keys, &mut cache));
        if !cache.is_full() {
            self.caches.give(cache);
        }
        classified
    }

    /// Fills the caches with the facts and keys of these columns' values, and gathers them by row.
    fn match_values(&self, columns: &ClassifyColumns, cache: &mut ClassifyCache) {
        let ClassifyCache { uscc, bank, account, account_keys, name, names, facts, scratch, .. } = cache;
        let BatchScratch { usccs, banks, accounts, names: row_names, hashes, .. } = scratch;
        let matcher = &self.matcher;
        let mut key_text = String::new();
        let uscc = uscc.get(&columns.uscc, |uscc| {
            let key = key_of(&self.key, Some(uscc), "", None, &mut key_text);
            let facts = facts.id_of(matcher.uscc_facts(Some(uscc)));
            let is_business = is_business(uscc);
            UsccEntry { key, facts: ValueFacts { facts, is_identifying: key != NO_KEY, is_business } }
        });
        let bank = bank.get(&columns.bank, |code| facts.id_of(matcher.bank_facts(Some(code))));
        account_keys.get(&columns.counterparty_account, |_| NO_KEY);
        let account = account.get(&columns.counterparty_account, |account| ValueFacts {
            facts: facts.id_of(matcher.account_facts(Some(account))),
            is_identifying: has_key_chars(account),
            is_business: false,
        });
        let mut normalised = String::new();
        let name = name.get_all(&columns.name, |values, found| {
            hashes.clear();
            hashes.extend(values.iter().map(|name| self.name_hasher.long(name.unwrap_or_default())));
            names.look_up(hashes, found, |at| {
                let name = if values.is_valid(at) { values.value(at) } else { "" };
                normalise(name, &mut normalised);
                let facts = facts.id_of(matcher.name_facts(name, &normalised));
                let key = key_of(&self.key, None, &normalised, None, &mut key_text);
                NameEntry::new(key, facts)
            });
        });

        let absent = ValueFacts::default();
        columns.uscc.gather_into(uscc, |entry| entry.facts, absent, usccs);
        columns.bank.gather_into(bank, |facts| *facts, 0, banks);
        columns.counterparty_account.gather_into(account, |facts| *facts, absent, accounts);
        columns.name.gather_into(name, |entry| *entry, NameEntry::new(NO_KEY, 0), row_names);
    }

    /// The counterparty key of each row, and its relation to the row's account.
    ///
    /// Accounts come in any order, so a row's holder is seldom in the cache. The loop is short and its branches are
    /// predictable, so that the loads of many rows are in flight together.
    fn relate_rows(&self, columns: &ClassifyColumns, cache: &mut ClassifyCache) -> Result<Vec<i128>, ArrowError> {
        let ClassifyCache { uscc, account_keys, scratch, .. } = cache;
        let BatchScratch { usccs, accounts, names, relations, .. } = scratch;
        let (uscc_entries, account_keys) = (uscc.found(), account_keys.found());
        let mut key_text = String::new();
        let mut keys = Vec::with_capacity(columns.account.len());
        relations.clear();
        let values = usccs.iter().zip(names).zip(accounts);
        for (row, (((uscc, name), account), number)) in values.zip(columns.account.values()).enumerate() {
            let holder = self.holders.get(*number, &self.key).ok_or_else(no_such_account)?;
            let uscc_key = match uscc.is_identifying {
                true => columns.uscc.at(row).and_then(|at| uscc_entries.get(at)).map_or(NO_KEY, |entry| entry.key),
                false => NO_KEY,
            };
            let name_key = name.key();
            relations.push(holder.relation(not_absent(uscc_key), not_absent(name_key)));
            let key = match (uscc_key, name_key) {
                (NO_KEY, NO_KEY) if account.is_identifying => {
                    let at = columns.counterparty_account.at(row).unwrap_or_default();
                    let key = &mut account_keys[at];
                    if *key == NO_KEY {
                        let account = columns.counterparty_account.values().value(at);
                        *key = key_of(&self.key, None, "", Some(account), &mut key_text);
                    }
                    *key
                }
                (NO_KEY, name) => name,
                (uscc, _) => uscc,
            };
            keys.push(key as i128);
        }
        Ok(keys)
    }

    /// The class of each row, from its values' facts, its key and its relation.
    fn decide_rows(
        &self,
        columns: &ClassifyColumns,
        keys: Vec<i128>,
        cache: &mut ClassifyCache,
    ) -> Result<StructArray, ArrowError> {
        let rows = columns.account.len();
        let ClassifyCache { facts, verdicts, scratch, .. } = cache;
        let BatchScratch { usccs, banks, accounts, names, relations, .. } = scratch;
        let [mut classes, mut subclasses, mut evidences] = [(); 3].map(|()| Vec::with_capacity(rows));
        let mut rules = Vec::with_capacity(rows);
        let values = usccs.iter().zip(banks).zip(names.iter().zip(accounts));
        let others = columns.kind.values().iter().zip(&keys).zip(relations);
        for (row, (((uscc, bank), (name, account)), ((kind, key), relation))) in values.zip(others).enumerate() {
            let ids = RowFactIds {
                kind: if columns.kind.is_valid(row) { Kind::from_u8(*kind) } else { None },
                uscc: uscc.facts,
                bank: *bank,
                account: account.facts,
                name: name.facts,
                is_business: uscc.is_business,
                is_identified: *key != NO_KEY as i128,
            };
            let cached = verdicts.entry(ids.packed()).or_insert_with(|| {
                let verdict = self.matcher.verdict(&ids.row_facts(facts));
                CachedVerdict { verdict, unrelated: verdict.of(Relation::default()) }
            });
            let decision = match *relation == Relation::default() {
                true => cached.unrelated,
                false => cached.verdict.of(*relation),
            };
            classes.push(decision.class as u8);
            subclasses.push(decision.subclass as u8);
            rules.push(decision.rule);
            evidences.push(decision.evidence as u8);
        }
        let nulls = NullBuffer::new(BooleanBuffer::collect_bool(rows, |row| keys[row] != NO_KEY as i128));
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from(classes)),
            Arc::new(UInt8Array::from(subclasses)),
            Arc::new(UInt16Array::from(rules)),
            Arc::new(UInt8Array::from(evidences)),
            Arc::new(FixedSizeBinaryArray::try_new(size_of::<Key>() as i32, Buffer::from_vec(keys), Some(nulls))?),
        ];
        StructArray::try_new(fields(), arrays, None)
    }
}

fn fields() -> Fields {
    Fields::from(vec![
        Field::new("class", DataType::UInt8, false),
        Field::new("subclass", DataType::UInt8, false),
        Field::new("rule", DataType::UInt16, false),
        Field::new("evidence", DataType::UInt8, false),
        Field::new("counterparty", DataType::FixedSizeBinary(16), true),
    ])
}

fn no_such_account() -> ArrowError {
    ArrowError::ComputeError("internal error: a row's account number is no account's".to_string())
}

/// A key that is compared; `None` where there is nothing to compare.
fn not_absent(key: Key) -> Option<Key> {
    (key != NO_KEY).then_some(key)
}

/// The key of what identifies a counterparty; [`NO_KEY`] where nothing does.
fn key_of(
    key: &HashKey,
    uscc: Option<&str>,
    normalised_name: &str,
    account: Option<&str>,
    key_text: &mut String,
) -> Key {
    key_input(uscc, normalised_name, account, key_text).map_or(NO_KEY, |text| key.counterparty(text))
}

/// The columns of the checked table that decide a row's class. All have the same length.
#[derive(Debug)]
pub struct ClassifyColumns {
    account: UInt32Array,
    kind: UInt8Array,
    uscc: DictionaryColumn,
    bank: DictionaryColumn,
    counterparty_account: DictionaryColumn,
    name: DictionaryColumn,
}

impl ClassifyColumns {
    /// Their names in the checked table, in the order of [`ClassifyColumns::of_arrays`].
    pub const NAMES: [&str; 6] =
        ["account", "kind", "counterparty_uscc", "counterparty_bank", "counterparty_account", "counterparty_name"];

    /// Their types, in the same order.
    pub fn data_types() -> [DataType; 6] {
        let text = DictionaryColumn::data_type;
        [DataType::UInt32, DataType::UInt8, text(), text(), text(), text()]
    }

    /// The columns of a batch of the checked table; `None` where it has another schema.
    pub fn of_batch(batch: &RecordBatch) -> Option<ClassifyColumns> {
        let arrays: Option<Vec<ArrayRef>> =
            ClassifyColumns::NAMES.iter().map(|name| batch.column_by_name(name).cloned()).collect();
        ClassifyColumns::of_arrays(&arrays?)
    }

    /// The columns in the order of [`ClassifyColumns::NAMES`]; `None` where their number, a type or a length differs.
    pub fn of_arrays(arrays: &[ArrayRef]) -> Option<ClassifyColumns> {
        let [account, kind, uscc, bank, counterparty_account, name] = arrays else { return None };
        let rows = account.len();
        if arrays.iter().any(|array| array.len() != rows) {
            return None;
        }
        Some(ClassifyColumns {
            account: account.as_primitive_opt()?.clone(),
            kind: kind.as_primitive_opt()?.clone(),
            uscc: DictionaryColumn::of_array(uscc)?,
            bank: DictionaryColumn::of_array(bank)?,
            counterparty_account: DictionaryColumn::of_array(counterparty_account)?,
            name: DictionaryColumn::of_array(name)?,
        })
    }
}

#[cfg(test)]
mod tests;
