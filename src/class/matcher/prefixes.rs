//! Prefixes of codes and account numbers.
//!
//! Owns: the prefixes of one kind of value, with the facts that each gives. Does not own: how a value is compared with a
//! prefix.

use super::{Facts, RuleSet};
use crate::class::rules::{Conditions, Rules};

/// The prefixes of one kind of value, and the facts that each gives.
#[derive(Debug)]
pub(super) struct Prefixes {
    prefixes: Vec<(String, Facts)>,
    /// Whether a prefix begins with this byte. It rules out most values.
    is_first: [bool; 256],
}

impl Prefixes {
    /// The prefixes of all rules that `of` takes from their conditions.
    pub fn new(rules: &Rules, of: impl Fn(&Conditions) -> &Vec<String>) -> Prefixes {
        let mut prefixes: Vec<(String, Facts)> = Vec::new();
        for (index, rule) in rules.rules.iter().enumerate() {
            for (conditions, is_unless) in [(&rule.when, false), (&rule.unless, true)] {
                for prefix in of(conditions) {
                    let mut rules = RuleSet::default();
                    rules.insert(index);
                    let none = RuleSet::default();
                    let facts = match is_unless {
                        false => Facts { hits: rules, bars: none },
                        true => Facts { hits: none, bars: rules },
                    };
                    match prefixes.iter_mut().find(|(known, _)| known == prefix) {
                        Some((_, known)) => known.add(facts),
                        None => prefixes.push((prefix.clone(), facts)),
                    }
                }
            }
        }
        let mut is_first = [false; 256];
        let firsts = prefixes.iter().filter_map(|(prefix, _)| prefix.bytes().next());
        firsts.for_each(|byte| is_first[usize::from(byte)] = true);
        Prefixes { prefixes, is_first }
    }

    /// Whether `value` may begin with a prefix, by its first byte: that of a prefix, or one that the comparison may skip or
    /// change.
    fn may_match(&self, value: Option<&str>) -> bool {
        let first = value.and_then(|value| value.bytes().next());
        let is_sign = |byte: u8| byte.is_ascii_lowercase() || !byte.is_ascii_alphanumeric();
        first.is_some_and(|byte| self.is_first[usize::from(byte)] || is_sign(byte))
    }

    /// The facts of a value; `has_prefix` compares it with a prefix.
    pub fn facts(&self, value: Option<&str>, has_prefix: impl Fn(&str, &str) -> bool) -> Facts {
        let mut facts = Facts::default();
        if let Some(value) = value.filter(|_| self.may_match(value)) {
            let matching = self.prefixes.iter().filter(|(prefix, _)| has_prefix(value, prefix));
            matching.for_each(|(_, more)| facts.add(*more));
        }
        facts
    }
}
