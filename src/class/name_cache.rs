//! What was found out of names, by a hash of the name: the memory of the scalar function `classify`.
//!
//! Owns: the table and how it is looked up. Does not own: what a name means.
//!
//! NameCache are many more than a cache holds, so a lookup waits for the memory. Lookups that wait one after another make up
//! most of classification; those of this table wait side by side, since the places of many names are read before any
//! name is looked up.

use super::classifier::{FactsId, Key};

/// What is known of a name, whoever's account it is seen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameEntry {
    /// The counterparty's key, in halves: as one number it would be laid out in a third more room, and names of a batch are
    /// many.
    key: [u64; 2],
    /// The number of what the rules say of it.
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

/// Slots of the smallest table.
const SLOTS_MIN: usize = 1 << 10;

/// NameCache whose slots are read before they are looked up: enough to wait for many at once, few enough to stay in the cache.
const BLOCK: usize = 64;

/// A name's slot, two a cache line.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
struct Slot {
    /// 95 bits of the name's hash and [`IS_TAKEN`].
    tag: [u32; 3],
    facts: FactsId,
    key: [u64; 2],
}

impl Slot {
    fn new(tag: [u32; 3], named: NameEntry) -> Slot {
        Slot { tag, facts: named.facts, key: named.key }
    }

    fn is_taken(&self) -> bool {
        self.tag[0] & IS_TAKEN != 0
    }

    fn named(&self) -> NameEntry {
        NameEntry { key: self.key, facts: self.facts }
    }
}

fn tag(hash: u128) -> [u32; 3] {
    let [low, middle, high] = [0, 32, 64].map(|shift| (hash >> shift) as u32);
    [low | IS_TAKEN, middle, high]
}

/// Set in every tag, so that no name's is that of an empty slot.
const IS_TAKEN: u32 = 1;

/// The table: open addressing, linear probing. It grows up to its bound, and full it starts afresh.
#[derive(Debug)]
pub struct NameCache {
    // Invariant: none, or a power of two of which at least a quarter is empty.
    slots: Vec<Slot>,
    taken: usize,
    slots_max: usize,
}

impl NameCache {
    /// An empty table of at most so many bytes, or of [`NameCache::BYTES_MIN`] where that is more.
    pub fn within(bytes: usize) -> NameCache {
        let slots = bytes.max(NameCache::BYTES_MIN) / size_of::<Slot>();
        NameCache { slots: Vec::new(), taken: 0, slots_max: 1 << slots.ilog2() }
    }

    /// What a table may take however little memory there is: room for 196,608 names.
    pub const BYTES_MIN: usize = 8 << 20;

    /// Adds to `found` what is known of each name, in the order of their hashes (128 random bits each); what is not yet
    /// known of a name `find` tells, by its place among the hashes.
    pub fn look_up(&mut self, hashes: &[u128], found: &mut Vec<NameEntry>, mut find: impl FnMut(usize) -> NameEntry) {
        let mut tags = [[0; 3]; BLOCK];
        for (first, block) in (0..).step_by(BLOCK).zip(hashes.chunks(BLOCK)) {
            for (tag_of, hash) in tags.iter_mut().zip(block) {
                *tag_of = tag(*hash);
            }
            let tags = &tags[..block.len()];
            // The sum has no use, but without one the loop would be left out.
            let slots = tags.iter().filter_map(|tag| self.slots.get(self.home(tag)));
            std::hint::black_box(slots.fold(0_u32, |sum, slot| sum.wrapping_add(slot.tag[0])));
            for (at, tag) in tags.iter().enumerate() {
                found.push(match self.get(tag) {
                    Some(named) => named,
                    None => {
                        let named = find(first + at);
                        self.insert(*tag, named);
                        named
                    }
                });
            }
        }
    }

    /// The slot where a name is looked for first.
    fn home(&self, tag: &[u32; 3]) -> usize {
        tag[2] as usize & self.slots.len().wrapping_sub(1)
    }

    /// A name's slot, or the empty one where it would be; `None` in a table without slots.
    fn place(&self, tag: &[u32; 3]) -> Option<usize> {
        let mut place = self.home(tag);
        loop {
            let slot = self.slots.get(place)?;
            if slot.tag == *tag || !slot.is_taken() {
                return Some(place);
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    fn get(&self, tag: &[u32; 3]) -> Option<NameEntry> {
        let slot = self.slots.get(self.place(tag)?)?;
        slot.is_taken().then(|| slot.named())
    }

    fn insert(&mut self, tag: [u32; 3], named: NameEntry) {
        if self.taken >= self.slots.len() / 4 * 3 {
            self.make_room();
        }
        self.put(Slot::new(tag, named));
    }

    /// Doubles the table, or empties it where it may not grow.
    fn make_room(&mut self) {
        self.taken = 0;
        if self.slots.len() >= self.slots_max {
            self.slots.fill(Slot::default());
            return;
        }
        let slots = (2 * self.slots.len()).max(SLOTS_MIN);
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); slots]);
        old.into_iter().filter(Slot::is_taken).for_each(|slot| self.put(slot));
    }

    fn put(&mut self, slot: Slot) {
        let place = self.place(&slot.tag);
        if let Some(place) = place.and_then(|place| self.slots.get_mut(place)) {
            self.taken += usize::from(!place.is_taken());
            *place = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn named(number: u32) -> NameEntry {
        let key = Key::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        NameEntry::new(key, number)
    }

    /// Bits as of a hash, but crowded: few homes, and tags that differ in their last bits only.
    fn hash(number: u32) -> u128 {
        u128::from(number) << 1 | u128::from(number % 5) << 64
    }

    #[test]
    fn names_are_found_as_they_were_told() {
        let mut names = NameCache::within(0);
        let mut told: HashMap<u32, u32> = HashMap::new();
        for round in 0..40 {
            let numbers: Vec<u32> = (0..100).map(|at| (round * 7 + at * at) % 5_000).collect();
            let hashes: Vec<u128> = numbers.iter().map(|number| hash(*number)).collect();
            let mut found = Vec::new();
            names.look_up(&hashes, &mut found, |at| {
                *told.entry(numbers[at]).or_default() += 1;
                named(numbers[at])
            });
            assert_eq!(found, numbers.iter().map(|number| named(*number)).collect::<Vec<_>>());
        }
        // Each name once, also where the table grew in between.
        assert!(names.slots.len() > SLOTS_MIN && told.len() == names.taken);
        assert!(told.values().all(|times| *times == 1));
    }

    #[test]
    fn a_full_table_starts_afresh_and_forgets_no_answer() {
        let mut names = NameCache::within(0);
        let spread = |number: u32| u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let numbers: Vec<u32> = (1..1 << 18).collect();
        let hashes: Vec<u128> = numbers.iter().map(|number| spread(*number)).collect();
        let mut found = Vec::new();
        names.look_up(&hashes, &mut found, |at| named(numbers[at]));
        assert!(names.slots.len() == 1 << 18 && names.taken < numbers.len());
        assert!(found.iter().zip(&numbers).all(|(found, number)| *found == named(*number)));
        // With more memory none is forgotten.
        let mut names = NameCache::within(16 << 20);
        names.look_up(&hashes, &mut Vec::new(), |at| named(numbers[at]));
        names.look_up(&hashes, &mut Vec::new(), |at| panic!("{at} was told"));
    }
}
