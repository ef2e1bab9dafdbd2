//! An index of account ids: from an id to its position in a list.
//!
//! Owns: the index and its block-wise lookup. Does not own: what a position stands for.
//!
//! A dictionary of a large feed names most accounts, and the index of those is larger than a CPU cache. So lookups are
//! done in blocks, with prefetch (see [`crate::prefetch`]) of entries, then of the ids that they refer to.

use std::hash::BuildHasher as _;
use std::hint::black_box;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use crate::prefetch::{self, prefetch};

/// Ids, each once, by their positions in a list.
#[derive(Default, Debug)]
pub(super) struct Ids {
    /// Positions, by the hashes of their ids.
    table: HashTable<u32>,
    /// All ids, one after another.
    bytes: Vec<u8>,
    /// Where each ends in `bytes`.
    ends: Vec<usize>,
    hasher: RandomState,
}

impl Ids {
    /// The index of ids that differ, in the order of their positions.
    pub(super) fn new<'a>(ids: impl Iterator<Item = &'a str>) -> Ids {
        let mut index = Ids::default();
        for id in ids {
            index.bytes.extend_from_slice(id.as_bytes());
            index.ends.push(index.bytes.len());
        }
        let Ids { table, bytes, ends, hasher } = &mut index;
        let hash = |position: &u32| hasher.hash_one(id(*position, bytes, ends));
        table.reserve(ends.len(), hash);
        for position in 0..ends.len() as u32 {
            table.insert_unique(hash(&position), position, hash);
        }
        index
    }

    /// Appends to `found` what `make` makes of each id's position; an id that is not in the list has none.
    pub(super) fn look_up<'a, T>(
        &self,
        mut ids: impl Iterator<Item = &'a str>,
        found: &mut Vec<T>,
        make: impl Fn(Option<u32>) -> T,
    ) {
        let (mut block, mut hashes, mut candidates) = (Vec::with_capacity(prefetch::BLOCK), Vec::new(), Vec::new());
        loop {
            block.clear();
            block.extend(ids.by_ref().take(prefetch::BLOCK).map(str::as_bytes));
            if block.is_empty() {
                return;
            }
            hashes.clear();
            hashes.extend(block.iter().map(|id| self.hasher.hash_one(*id)));
            prefetch(&self.table, &hashes, |position| *position, &mut candidates);
            let first_bytes = candidates.iter().filter_map(|position| self.bytes.get(start(*position, &self.ends)));
            // Without a use of the bytes, the loads would be optimised away.
            black_box(first_bytes.fold(0_u8, |sum, byte| sum.wrapping_add(*byte)));
            for (wanted, hash) in block.iter().zip(&hashes) {
                let is_same = |position: &u32| id(*position, &self.bytes, &self.ends) == *wanted;
                found.push(make(self.table.find(*hash, is_same).copied()));
            }
        }
    }
}

/// Where the id at this position begins.
fn start(position: u32, ends: &[usize]) -> usize {
    (position as usize).checked_sub(1).map_or(0, |before| ends[before])
}

/// The id at this position.
fn id<'a>(position: u32, bytes: &'a [u8], ends: &[usize]) -> &'a [u8] {
    &bytes[start(position, ends)..ends[position as usize]]
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn positions(index: &Ids, ids: &[String]) -> Vec<Option<u32>> {
        let mut found = Vec::new();
        index.look_up(ids.iter().map(String::as_str), &mut found, |position| position);
        found
    }

    #[test]
    fn every_id_is_at_its_position_and_no_other_is() {
        // One is the beginning of another, two are of two scripts, one is empty.
        let id = |number: u32| match number % 3 {
            0 => format!("{number}"),
            1 => format!("{number}{number}"),
            _ => format!("账户{number}"),
        };
        for ids in [0, 1, 2, 63, 64, 65, 5_000] {
            let mut known: Vec<String> = (0..ids).map(|number| id(2 * number)).collect();
            if let Some(first) = known.first_mut() {
                first.clear();
            }
            let index = Ids::new(known.iter().map(String::as_str));
            assert_eq!(positions(&index, &known), (0..ids).map(Some).collect::<Vec<_>>());
            let unknown: Vec<String> = (0..ids + 100).map(|number| format!("{}x", id(2 * number + 1))).collect();
            assert_eq!(positions(&index, &unknown), vec![None; unknown.len()]);
        }
    }

    proptest! {
        #[test]
        fn the_index_agrees_with_a_map(
            known in prop::collection::hash_set("[ab甲]{0,4}", 0..150),
            wanted in prop::collection::vec("[ab甲]{0,4}", 0..300),
        ) {
            let known: Vec<String> = known.into_iter().collect();
            let map: HashMap<&str, u32> = known.iter().map(String::as_str).zip(0..).collect();
            let index = Ids::new(known.iter().map(String::as_str));
            let expected: Vec<_> = wanted.iter().map(|id| map.get(id.as_str()).copied()).collect();
            prop_assert_eq!(positions(&index, &wanted), expected);
        }
    }

    #[test]
    fn ids_with_equal_hashes_are_compared_as_texts() {
        let ids = ["a", "b", "ab"];
        let mut index = Ids::new(ids.into_iter());
        let wanted = ["a", "b", "ab", "", "abc"];
        // Each id stands under the hash of every text that is looked up, so each lookup compares all of them.
        index.table = HashTable::with_capacity(64);
        for id in wanted {
            let hash = index.hasher.hash_one(id.as_bytes());
            for position in 0..3 {
                index.table.insert_unique(hash, position, |_| 0);
            }
        }
        let positions = positions(&index, &wanted.map(str::to_string));
        assert_eq!(positions, [Some(0), Some(1), Some(2), None, None]);
    }
}
