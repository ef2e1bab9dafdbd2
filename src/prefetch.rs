//! Prefetch for hash tables that are larger than a CPU cache.
//!
//! Owns: how the entries of a block of lookups are loaded ahead. Does not own: the tables, which are
//! [`hashbrown::HashTable`], or how an entry is compared.
//!
//! A lookup waits for memory twice or more: for its entry, and for what the entry refers to. Lookups in a loop overlap
//! little of this, since the CPU cannot run far ahead through comparisons. So the caller hashes a block of keys first, loads
//! the entries of all of them in a loop that does nothing else, and then does the lookups, which find everything in the
//! cache.

use std::hint::black_box;

use hashbrown::HashTable;

/// Lookups to prefetch together: enough to have many loads in flight, few enough for all entries to stay in the cache.
pub(crate) const BLOCK: usize = 64;

/// Loads the entries that lookups of these hashes compare first. `parts` is filled anew with a part of each, for a caller
/// that prefetches what the entries refer to; where no entry has a hash like that of a lookup, there is none.
///
/// A part may be of another key with a similar hash, so it is no answer.
#[inline]
pub(crate) fn prefetch<T, P>(table: &HashTable<T>, hashes: &[u64], part: impl Fn(&T) -> P, parts: &mut Vec<P>) {
    parts.clear();
    parts.extend(hashes.iter().filter_map(|hash| table.find(*hash, |_| true)).map(part));
    // Without a use of the parts, the loads would be optimised away.
    black_box(parts.as_slice());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_all_keys_in_the_table_are_loaded() {
        let hash = |key: u64| key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut table = HashTable::new();
        let mut parts = vec![1];
        prefetch(&table, &[hash(1), hash(2)], |key: &u64| *key, &mut parts);
        assert!(parts.is_empty());
        for key in 0..1_000 {
            table.insert_unique(hash(key), key, |key| hash(*key));
        }
        let hashes: Vec<u64> = (0..1_000).map(hash).collect();
        prefetch(&table, &hashes, |key| *key, &mut parts);
        assert_eq!(parts.len(), 1_000);
        // Nearly all candidates are the keys themselves.
        assert!(parts.iter().zip(0..).filter(|(part, key)| **part == *key).count() > 900);
    }
}
