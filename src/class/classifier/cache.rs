//! The cache that a worker fills while it classifies.
//!
//! Owns: the layout of the cache, and the packing of a row's facts into one number. Does not own: what is cached, which
//! the [classifier](super) computes.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{ClassifyColumns, Key};
use crate::class::decide::{Decision, Relation, RowFacts, Verdict};
use crate::class::name_cache::{NameCache, NameEntry};
use crate::class::{Facts, Kind};
use crate::dictionary_column::ValueCache;

/// Sets of facts, and combinations of them, in one cache. Real feeds have some hundred; a cache that holds more is
/// dropped.
const FACTS_MAX: usize = 1 << 14;

/// The facts, keys and verdicts that one worker has computed.
#[derive(Debug)]
pub(super) struct ClassifyCache {
    pub uscc: ValueCache<UsccEntry>,
    pub bank: ValueCache<FactsId>,
    pub account: ValueCache<ValueFacts>,
    /// [`NO_KEY`](super::NO_KEY) until a row needs the key.
    pub account_keys: ValueCache<Key>,
    pub name: ValueCache<NameEntry>,
    pub names: NameCache,
    pub facts: FactsTable,
    /// By [`RowFactIds::packed`].
    pub verdicts: HashMap<u128, CachedVerdict, RandomState>,
    pub scratch: BatchScratch,
}

impl ClassifyCache {
    /// An empty cache whose names take at most so many bytes, or [`NameCache::BYTES_MIN`] where that is more.
    pub fn new(name_cache_bytes: usize) -> ClassifyCache {
        ClassifyCache {
            uscc: ValueCache::default(),
            bank: ValueCache::default(),
            account: ValueCache::default(),
            account_keys: ValueCache::default(),
            name: ValueCache::default(),
            names: NameCache::within(name_cache_bytes),
            facts: FactsTable::default(),
            verdicts: HashMap::default(),
            scratch: BatchScratch::default(),
        }
    }

    /// How many values of these columns are cached.
    pub fn known_values(&self, columns: &ClassifyColumns) -> usize {
        self.uscc.known(&columns.uscc)
            + self.bank.known(&columns.bank)
            + self.account.known(&columns.counterparty_account)
            + self.name.known(&columns.name)
    }

    /// Whether the cache has reached its bound.
    pub fn is_full(&self) -> bool {
        self.facts.all.len() >= FACTS_MAX || self.verdicts.len() >= FACTS_MAX
    }
}

/// Values gathered by row of one batch. The vectors are reused from batch to batch: they are some hundred kilobytes, which an
/// allocator may otherwise take from the system and return to it with every batch.
#[derive(Debug, Default)]
pub(super) struct BatchScratch {
    pub usccs: Vec<ValueFacts>,
    pub banks: Vec<FactsId>,
    pub accounts: Vec<ValueFacts>,
    pub names: Vec<NameEntry>,
    pub relations: Vec<Relation>,
    /// Hashes of the dictionary's names, not of rows.
    pub hashes: Vec<u128>,
}

/// The id of some facts in a [`FactsTable`]; 0 is the id of no facts.
pub(in crate::class) type FactsId = u32;

/// The distinct sets of facts, by id.
#[derive(Debug)]
pub(super) struct FactsTable {
    all: Vec<Facts>,
    ids: HashMap<Facts, FactsId, RandomState>,
}

impl Default for FactsTable {
    fn default() -> FactsTable {
        let none = Facts::default();
        FactsTable { all: vec![none], ids: HashMap::from_iter([(none, 0)]) }
    }
}

impl FactsTable {
    /// The id of these facts.
    pub fn id_of(&mut self, facts: Facts) -> FactsId {
        // Most values have none, and those have the first id.
        if facts == Facts::default() {
            return 0;
        }
        *self.ids.entry(facts).or_insert_with(|| {
            self.all.push(facts);
            // Far fewer than 2^32: see `FACTS_MAX`.
            self.all.len() as FactsId - 1
        })
    }

    /// The facts with this id.
    fn get(&self, id: FactsId) -> Facts {
        self.all.get(id as usize).copied().unwrap_or_default()
    }
}

/// A code's key and facts.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsccEntry {
    pub key: Key,
    pub facts: ValueFacts,
}

/// The facts of a code or of an account number, without its key: small, since it is gathered by row. The default stands
/// for no value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ValueFacts {
    pub facts: FactsId,
    /// Whether it identifies the counterparty.
    pub is_identifying: bool,
    /// Whether it is the code of a business.
    pub is_business: bool,
}

/// The facts of a row by id: all that decides its class, but for its account.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowFactIds {
    pub kind: Option<Kind>,
    pub uscc: FactsId,
    pub bank: FactsId,
    pub account: FactsId,
    pub name: FactsId,
    pub is_business: bool,
    pub is_identified: bool,
}

impl RowFactIds {
    /// The same as one number, which is faster to look up than its fields.
    pub fn packed(&self) -> u128 {
        // Ids stay below 2^24: a cache with more than `FACTS_MAX` is dropped, and one batch adds fewer.
        let kind = self.kind.map_or(0, |kind| kind as u32 + 1);
        let flags = u32::from(self.is_business) | u32::from(self.is_identified) << 1;
        let parts = [self.uscc, self.bank, self.account, self.name, kind << 2 | flags];
        parts.into_iter().fold(0, |packed, part| packed << 24 | u128::from(part))
    }

    /// The facts behind the ids.
    pub fn row_facts(&self, facts: &FactsTable) -> RowFacts {
        RowFacts {
            kind: self.kind,
            uscc: facts.get(self.uscc),
            bank: facts.get(self.bank),
            account: facts.get(self.account),
            name: facts.get(self.name),
            is_business: self.is_business,
            is_identified: self.is_identified,
        }
    }
}

/// The verdict on a combination of facts.
#[derive(Debug, Clone, Copy)]
pub(super) struct CachedVerdict {
    pub verdict: Verdict,
    /// The decision where the counterparty is not related to the account, as in nearly all rows.
    pub unrelated: Decision,
}
