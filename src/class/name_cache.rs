//! The cache of names that the classifier has matched, by a hash of the name.
//!
//! Owns: the table, its bound, and its block-wise lookup. Does not own: what is cached of a name, which the classifier
//! computes.
//!
//! A feed has far more names than a CPU cache holds, so lookups wait for memory. They are done in blocks, with prefetch
//! (see [`crate::prefetch`]).

use hashbrown::HashTable;

use super::classifier::{FactsId, Key};
use crate::prefetch::{self, prefetch};

/// What is cached of a name. It does not depend on the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameEntry {
    /// The counterparty's key in halves: with the alignment of one number, an entry would take a third more.
    key: [u64; 2],
    /// The id of the name's facts.
    pub facts: FactsId,
}

impl NameEntry {
    /// A name with this key and these facts.
    pub fn new(key: Key, facts: FactsId) -> NameEntry {
        NameEntry { key: [key as u64, (key >> 64) as u64], facts }
    }

    /// The counterparty's key.
    pub fn key(&self) -> Key {
        let [low, high] = self.key.map(Key::from);
        high << 64 | low
    }
}

/// The bits of a name's hash that an entry keeps: two names with the same bits are taken for one.
type Tag = [u32; 3];

fn tag(hash: u128) -> Tag {
    [0, 32, 64].map(|shift| (hash >> shift) as u32)
}

/// The hash by which the table finds an entry.
fn table_hash(tag: Tag) -> u64 {
    u64::from(tag[0]) << 32 | u64::from(tag[1])
}

/// An entry of the table; two fit a cache line.
#[derive(Debug, Clone, Copy)]
struct Slot {
    tag: Tag,
    facts: FactsId,
    key: [u64; 2],
}

impl Slot {
    fn new(tag: Tag, entry: NameEntry) -> Slot {
        Slot { tag, facts: entry.facts, key: entry.key }
    }

    fn entry(&self) -> NameEntry {
        NameEntry { key: self.key, facts: self.facts }
    }
}

const _: () = assert!(size_of::<Slot>() == 32, "the bound of the cache counts 32 bytes per name");

/// The cache. It grows up to its bound; full, it is cleared.
#[derive(Debug)]
pub(super) struct NameCache {
    table: HashTable<Slot>,
    buckets_max: usize,
    /// Scratch of [`NameCache::look_up`].
    loaded: Vec<u32>,
}

impl NameCache {
    /// The least bound of a cache: room for some 230,000 names.
    pub const BYTES_MIN: usize = 8 << 20;

    /// An empty cache whose entries take at most so many bytes, or [`NameCache::BYTES_MIN`] where that is more. The
    /// table's control bytes, one per entry, come on top.
    pub fn within(bytes: usize) -> NameCache {
        let buckets = bytes.max(NameCache::BYTES_MIN) / size_of::<Slot>();
        NameCache { table: HashTable::new(), buckets_max: 1 << buckets.ilog2(), loaded: Vec::new() }
    }

    /// Appends to `found` the entry of each name, in the order of their hashes (128 random bits each). Where a name is not
    /// in the cache, `make` is called with its position among the hashes.
    pub fn look_up(&mut self, hashes: &[u128], found: &mut Vec<NameEntry>, mut make: impl FnMut(usize) -> NameEntry) {
        let (mut tags, mut table_hashes) = ([[0; 3]; prefetch::BLOCK], [0; prefetch::BLOCK]);
        for (first, block) in (0..).step_by(prefetch::BLOCK).zip(hashes.chunks(prefetch::BLOCK)) {
            for ((tag_of, table_hash_of), hash) in tags.iter_mut().zip(&mut table_hashes).zip(block) {
                *tag_of = tag(*hash);
                *table_hash_of = table_hash(*tag_of);
            }
            prefetch(&self.table, &table_hashes[..block.len()], |slot| slot.facts, &mut self.loaded);
            for (at, tag) in tags[..block.len()].iter().enumerate() {
                let slot = self.table.find(table_hash(*tag), |slot| slot.tag == *tag);
                found.push(match slot {
                    Some(slot) => slot.entry(),
                    None => {
                        let entry = make(first + at);
                        self.insert(*tag, entry);
                        entry
                    }
                });
            }
        }
    }

    /// Inserts a name that is not in the cache.
    fn insert(&mut self, tag: Tag, entry: NameEntry) {
        if self.table.len() == self.table.capacity() && self.table.num_buckets() >= self.buckets_max {
            self.table.clear();
        }
        self.table.insert_unique(table_hash(tag), Slot::new(tag, entry), |slot| table_hash(slot.tag));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn entry(number: u32) -> NameEntry {
        NameEntry::new(Key::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835), number)
    }

    /// Bits as of a hash, but crowded: few table hashes, and tags that differ in a few bits.
    fn crowded_hash(number: u32) -> u128 {
        u128::from(number % 5) | u128::from(number) << 64
    }

    proptest! {
        #[test]
        fn the_cache_agrees_with_a_map(
            batches in prop::collection::vec(prop::collection::vec(0..2_000_u32, 0..300), 1..20),
            is_crowded: bool,
        ) {
            let hash = |number: u32| match is_crowded {
                true => crowded_hash(number),
                false => u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835),
            };
            let (mut cache, mut map) = (NameCache::within(0), HashMap::new());
            for numbers in batches {
                let hashes: Vec<u128> = numbers.iter().map(|number| hash(*number)).collect();
                let (mut found, mut made) = (Vec::new(), Vec::new());
                cache.look_up(&hashes, &mut found, |at| {
                    made.push(numbers[at]);
                    entry(numbers[at])
                });
                // Each name is made when it first comes, and never again.
                let new: Vec<u32> =
                    numbers.iter().copied().filter(|number| map.insert(*number, entry(*number)).is_none()).collect();
                prop_assert_eq!(made, new);
                prop_assert_eq!(found, numbers.iter().map(|number| map[number]).collect::<Vec<_>>());
                prop_assert_eq!(cache.table.len(), map.len());
            }
        }
    }

    #[test]
    fn a_full_cache_is_cleared_and_answers_stay_right() {
        let hash = |number: u32| u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let numbers: Vec<u32> = (1..1 << 18).collect();
        let hashes: Vec<u128> = numbers.iter().map(|number| hash(*number)).collect();
        let mut cache = NameCache::within(0);
        let mut found = Vec::new();
        cache.look_up(&hashes, &mut found, |at| entry(numbers[at]));
        assert_eq!(cache.table.num_buckets() * size_of::<Slot>(), NameCache::BYTES_MIN);
        assert!(cache.table.len() < numbers.len());
        assert!(found.iter().zip(&numbers).all(|(found, number)| *found == entry(*number)));
        // With more memory no name is dropped.
        let mut cache = NameCache::within(16 << 20);
        cache.look_up(&hashes, &mut Vec::new(), |at| entry(numbers[at]));
        cache.look_up(&hashes, &mut Vec::new(), |at| panic!("{at} was dropped"));
    }
}
