//! The facts of one value: which rules a name, a code, an account number or a kind hits, and which it bars.
//!
//! Owns: the conditions of all rules in a form that is fast to match. Does not own: the order in which rules decide
//! ([`super::decide`]).

mod body;
mod name_patterns;
mod prefixes;
mod rule_set;

pub(super) use self::name_patterns::{NamePatterns, PatternMatch, Role, Spans};
use self::prefixes::Prefixes;
pub(super) use self::rule_set::RuleSet;
use super::counterparty_key::{key_chars, key_length};
use super::rules::{CODE_RULES, Rule, Rules};
use super::{Class, Decision, Kind, Subclass};

/// Checked rules, ready to match. It is built once and shared by all threads.
#[derive(Debug)]
pub struct Matcher {
    version: String,
    /// The outcomes of the file's rules, by index.
    outcomes: Vec<RuleOutcome>,
    /// For each class, the file's rules that give it.
    of_class: [RuleSet; Class::ALL.len()],
    kinds: [Facts; Kind::ALL.len()],
    usccs: Prefixes,
    banks: Prefixes,
    accounts: Prefixes,
    names: NamePatterns,
}

/// A rule's id, and the class and sub-class that it gives.
#[derive(Debug)]
pub(super) struct RuleOutcome {
    pub id: String,
    pub class: Class,
    pub subclass: Subclass,
}

/// The facts of one value, of which a row has several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Rules with a condition that holds.
    pub(super) hits: RuleSet,
    /// Rules with an `unless` that holds.
    pub(super) bars: RuleSet,
}

impl Facts {
    fn add(&mut self, other: Facts) {
        self.hits.add(other.hits);
        self.bars.add(other.bars);
    }
}

/// The characters by which statements mask digits.
const MASKS: [char; 5] = ['*', '＊', '•', '●', '×'];

impl Matcher {
    /// Builds the matcher.
    pub fn new(rules: &Rules) -> Matcher {
        let mut of_class = [RuleSet::default(); Class::ALL.len()];
        let mut kinds = [Facts::default(); Kind::ALL.len()];
        for (index, rule) in rules.rules.iter().enumerate() {
            of_class[rule.class as usize].insert(index);
            for kind in &rule.when.kinds {
                kinds[*kind as usize].hits.insert(index);
            }
            for kind in &rule.unless.kinds {
                kinds[*kind as usize].bars.insert(index);
            }
        }
        let outcome = |rule: &Rule| RuleOutcome { id: rule.id.clone(), class: rule.class, subclass: rule.subclass };
        Matcher {
            version: rules.version.clone(),
            outcomes: rules.rules.iter().map(outcome).collect(),
            of_class,
            kinds,
            usccs: Prefixes::new(rules, |conditions| &conditions.uscc_prefixes),
            banks: Prefixes::new(rules, |conditions| &conditions.bank_prefixes),
            accounts: Prefixes::new(rules, |conditions| &conditions.account_prefixes),
            names: NamePatterns::new(rules),
        }
    }

    /// The version of the rules.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The id of the rule that made a decision: one of the file's, or one of the code's own.
    pub fn rule_id(&self, decision: Decision) -> &str {
        let index = usize::from(decision.rule);
        match CODE_RULES.get(index) {
            Some(id) => id,
            None => self.rule_of_file(index).0,
        }
    }

    /// The ids of all rules, those of the code first, by number.
    pub fn rule_ids(&self) -> impl Iterator<Item = &str> {
        CODE_RULES.into_iter().chain(self.outcomes.iter().map(|rule| rule.id.as_str()))
    }

    /// The number of rules, those of the code included.
    pub fn rule_count(&self) -> usize {
        CODE_RULES.len() + self.outcomes.len()
    }

    /// The facts of a name. `name` is the text of the feed, `normalised` its normalised form: the brackets and dashes of the
    /// former mark where the name ends and a statement's additions begin.
    pub fn name_facts(&self, name: &str, normalised: &str) -> Facts {
        self.names.facts(name, normalised)
    }

    /// The name patterns of all rules.
    pub(super) fn names(&self) -> &NamePatterns {
        &self.names
    }

    /// The outcomes of the file's rules, by index.
    pub(super) fn outcomes(&self) -> &[RuleOutcome] {
        &self.outcomes
    }

    /// The facts of a unified social credit code.
    pub(super) fn uscc_facts(&self, uscc: Option<&str>) -> Facts {
        self.usccs.facts(uscc, |uscc, prefix| uscc.starts_with(prefix))
    }

    /// The facts of a bank's code.
    pub(super) fn bank_facts(&self, bank_code: Option<&str>) -> Facts {
        self.banks.facts(bank_code, |code, prefix| code.starts_with(prefix))
    }

    /// The facts of an account number.
    pub(super) fn account_facts(&self, account: Option<&str>) -> Facts {
        self.accounts.facts(account, |account, prefix| {
            let (prefix, length) = prefix.split_once('/').unwrap_or((prefix, ""));
            // A prefix must lie before the first mask: characters behind a mask are not the beginning.
            let mut chars = key_chars(account.chars().take_while(|c| !MASKS.contains(c)));
            if !prefix.chars().all(|c| chars.next() == Some(c)) {
                return false;
            }
            // A mask stands for any number of digits: many statements print six stars wherever they mask.
            let digits = key_length(account);
            let fits = |length: usize| digits == length || (digits < length && account.contains(MASKS));
            length.is_empty() || length.parse().is_ok_and(fits)
        })
    }

    /// The facts of a kind.
    pub(super) fn kind_facts(&self, kind: Option<Kind>) -> Facts {
        kind.map_or(Facts::default(), |kind| self.kinds[kind as usize])
    }

    /// The file's rules that give this class.
    pub(super) fn of_class(&self, class: Class) -> RuleSet {
        self.of_class[class as usize]
    }

    /// Id, class and sub-class of a rule of the file; `index` counts the code's rules first.
    pub(super) fn rule_of_file(&self, index: usize) -> (&str, Class, Subclass) {
        let rule = index.checked_sub(CODE_RULES.len()).and_then(|index| self.outcomes.get(index));
        rule.map_or(("", Class::Other, Subclass::None), |rule| (rule.id.as_str(), rule.class, rule.subclass))
    }

    /// The sub-class of the file's rule with this index.
    pub(super) fn subclass(&self, index: usize) -> Subclass {
        self.outcomes.get(index).map_or(Subclass::None, |rule| rule.subclass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_applies_to_names_only() {
        let text = "version = \"1\"\n[[rule]]\nid = \"a\"\nclass = \"PUBLIC\"\nkind = [\"TAX\"]\n\
                    name.contains = [\"甲\"]\nand.name.contains = [\"乙\"]";
        let matcher = Matcher::new(&Rules::parse(text).unwrap_or_else(|error| panic!("{error}")));
        assert!(!matcher.kind_facts(Some(Kind::Tax)).hits.is_empty());
        assert!(matcher.name_facts("甲", "甲").hits.is_empty());
        assert!(!matcher.name_facts("乙甲", "乙甲").hits.is_empty());
    }
}
