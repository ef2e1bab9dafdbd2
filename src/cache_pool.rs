//! A pool of caches that workers share.
//!
//! Owns: which worker has which cache. Does not own: what a cache holds.

use std::sync::{Mutex, PoisonError};

/// Caches that workers take for a batch and give back.
#[derive(Debug)]
pub struct CachePool<C>(Mutex<Vec<C>>);

impl<C> Default for CachePool<C> {
    fn default() -> CachePool<C> {
        CachePool(Mutex::default())
    }
}

impl<C> CachePool<C> {
    /// The free cache that has most of the batch's values, as `known` counts them; of several, the one given back last.
    /// `None` where all are taken.
    ///
    /// A cache that has any dictionary of the batch is not enough: workers whose dictionary of names changes with every
    /// batch would swap caches, and compute all other dictionaries again.
    pub fn take(&self, known: impl Fn(&C) -> usize) -> Option<C> {
        let mut free = self.free();
        let (at, _) = free.iter().enumerate().max_by_key(|(_, cache)| known(cache))?;
        Some(free.swap_remove(at))
    }

    /// Gives a cache back.
    pub fn give(&self, cache: C) {
        self.free().push(cache);
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<C>> {
        // A cache that a panicked worker held is lost; those in the pool are whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_gets_the_cache_that_has_its_values() {
        let pool = CachePool::default();
        assert_eq!(pool.take(|_: &usize| 1), None);
        [1, 3, 2].into_iter().for_each(|cache| pool.give(cache));
        // The one that has most, not the first that has any.
        assert_eq!(pool.take(|cache| *cache), Some(3));
        assert_eq!(pool.take(|_| 0), Some(2));
        assert_eq!(pool.take(|_| 0), Some(1));
        assert_eq!(pool.take(|_| 0), None);
    }
}
