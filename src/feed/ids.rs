//! Account ids to their places in a list, looked up by blocks.
//!
//! Owns: the table and how it is looked up. Does not own: what an id leads to.
//!
//! A list of values of a large feed names most accounts, and their table is larger than a cache. So before a block of ids
//! is looked up, all that this needs is read, in loops that wait for many places at once: slots, ends, and the ids.

use std::hash::BuildHasher as _;
use std::hint::black_box;

use foldhash::quality::RandomState;

/// Ids that are read for together: enough to wait for many at once, few enough to stay in the cache.
const BLOCK: usize = 64;

/// Where an id is: a part of its hash, and its place plus one; 0 where the slot is empty.
#[derive(Clone, Copy, Default, Debug)]
struct Slot {
    tag: u32,
    entry: u32,
}

/// Ids, each once, by their places in a list.
#[derive(Default, Debug)]
pub(super) struct Ids {
    // Invariant: none, or a power of two of which at least half are empty. Open addressing, linear probing.
    slots: Vec<Slot>,
    /// All ids, one after another.
    bytes: Vec<u8>,
    /// Where each ends in `bytes`.
    ends: Vec<usize>,
    hasher: RandomState,
}

impl Ids {
    /// The table of ids that differ, in the order of their places.
    pub(super) fn new<'a>(ids: impl Iterator<Item = &'a str>) -> Ids {
        let mut table = Ids::default();
        for id in ids {
            table.bytes.extend_from_slice(id.as_bytes());
            table.ends.push(table.bytes.len());
        }
        table.slots = vec![Slot::default(); (2 * table.ends.len()).next_power_of_two()];
        for entry in 1..=table.ends.len() as u32 {
            let id = table.id(entry);
            let hash = table.hasher.hash_one(id);
            let place = table.place(hash, id);
            table.slots[place] = Slot { tag: tag(hash), entry };
        }
        table
    }

    /// Adds to `found` what `told` makes of each id's place; an id that is not in the list has none.
    pub(super) fn look_up<'a, T>(
        &self,
        mut ids: impl Iterator<Item = &'a str>,
        found: &mut Vec<T>,
        told: impl Fn(Option<u32>) -> T,
    ) {
        let (mut block, mut hashes, mut entries) = (Vec::with_capacity(BLOCK), [0; BLOCK], [0; BLOCK]);
        loop {
            block.clear();
            block.extend(ids.by_ref().take(BLOCK).map(str::as_bytes));
            if block.is_empty() {
                return;
            }
            for (hash, id) in hashes.iter_mut().zip(&block) {
                *hash = self.hasher.hash_one(*id);
            }
            // Read ahead. What comes of it has no use, but without one the loops would be left out.
            for (entry, hash) in entries.iter_mut().zip(&hashes[..block.len()]) {
                *entry = self.slots.get(self.home(*hash)).map_or(0, |slot| slot.entry);
            }
            let starts = entries[..block.len()].iter().map(|entry| self.start(*entry));
            let bytes = starts.filter_map(|start| self.bytes.get(start));
            black_box(bytes.fold(0_u8, |sum, byte| sum.wrapping_add(*byte)));
            for (id, hash) in block.iter().zip(&hashes) {
                let entry = self.slots.get(self.place(*hash, id)).map_or(0, |slot| slot.entry);
                found.push(told(entry.checked_sub(1)));
            }
        }
    }

    /// The slot where an id is looked for first.
    fn home(&self, hash: u64) -> usize {
        hash as usize & self.slots.len().wrapping_sub(1)
    }

    /// An id's slot, or the empty one where it would be.
    fn place(&self, hash: u64, id: &[u8]) -> usize {
        let mut place = self.home(hash);
        while let Some(slot) = self.slots.get(place) {
            if slot.entry == 0 || (slot.tag == tag(hash) && self.id(slot.entry) == id) {
                break;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
        place
    }

    /// Where an entry's id begins.
    fn start(&self, entry: u32) -> usize {
        (entry as usize).checked_sub(2).map_or(0, |before| self.ends[before])
    }

    fn id(&self, entry: u32) -> &[u8] {
        &self.bytes[self.start(entry)..self.ends[entry as usize - 1]]
    }
}

/// The bits of a hash that do not say where its slot is.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(table: &Ids, ids: &[String]) -> Vec<Option<u32>> {
        let mut found = Vec::new();
        table.look_up(ids.iter().map(String::as_str), &mut found, |place| place);
        found
    }

    #[test]
    fn every_id_is_at_its_place_and_no_other_is() {
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
            let table = Ids::new(known.iter().map(String::as_str));
            assert_eq!(places(&table, &known), (0..ids).map(Some).collect::<Vec<_>>());
            let unknown: Vec<String> = (0..ids + 100).map(|number| format!("{}x", id(2 * number + 1))).collect();
            assert_eq!(places(&table, &unknown), vec![None; unknown.len()]);
        }
    }

    #[test]
    fn an_id_is_told_by_its_text_where_hashes_agree() {
        let ids = ["a", "b", "ab"];
        let mut table = Ids::new(ids.into_iter());
        // As if all had one hash: each stands behind the other, with one tag.
        table.slots = [1, 2, 3, 0, 0, 0, 0, 0].map(|entry| Slot { tag: 0, entry }).to_vec();
        let entry = |id: &str| table.slots[table.place(0, id.as_bytes())].entry;
        assert_eq!(ids.map(entry), [1, 2, 3]);
        assert_eq!(["", "abc", "c"].map(entry), [0; 3]);
    }
}
