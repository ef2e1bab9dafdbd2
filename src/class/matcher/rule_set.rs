//! A set of rules.
//!
//! Owns: the bits and their operations. Does not own: what a set is used for.

use crate::class::rules::{CODE_RULES, MAX_RULES};

/// A set of rules by their index in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(in crate::class) struct RuleSet([u64; RuleSet::WORDS]);

impl RuleSet {
    const WORDS: usize = MAX_RULES / 64;

    /// Whether the set has the rule with this index.
    pub fn holds(self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// Adds a rule.
    pub fn insert(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    /// Adds the rules of another set.
    pub fn add(&mut self, other: RuleSet) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// Removes the rules of another set.
    pub fn remove(&mut self, other: RuleSet) {
        for (word, less) in self.0.iter_mut().zip(other.0) {
            *word &= !less;
        }
    }

    /// The rules that are in both sets.
    pub fn and(self, other: RuleSet) -> RuleSet {
        let mut both = self;
        for (word, mask) in both.0.iter_mut().zip(other.0) {
            *word &= mask;
        }
        both
    }

    /// Whether there is no rule in the set.
    pub fn is_empty(self) -> bool {
        self.0 == [0; RuleSet::WORDS]
    }

    /// The indices in the set, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(at, word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                left &= left.checked_sub(1)?;
                Some(at * 64 + bit)
            })
        })
    }

    /// The smallest index in the set.
    pub fn first(self) -> Option<usize> {
        let word = self.0.iter().position(|&word| word != 0)?;
        Some(word * 64 + self.0[word].trailing_zeros() as usize)
    }
}

const _: () = assert!(MAX_RULES.is_multiple_of(64), "a rule set is made of whole words");
const _: () = assert!(MAX_RULES + CODE_RULES.len() <= u16::MAX as usize, "a rule's number fits in a decision");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let mut set = RuleSet::default();
        assert_eq!(set.first(), None);
        set.insert(255);
        set.insert(64);
        assert_eq!(set.first(), Some(64));
        let mut less = RuleSet::default();
        less.insert(64);
        set.remove(less);
        assert_eq!(set.first(), Some(255));
        assert!(set.and(less).is_empty());
    }
}
