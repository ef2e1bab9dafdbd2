//! The rules file.
//!
//! Owns: the rules in checked form, their bounds, and (in [`read`]) the grammar, which the head of `pipelines/classes.toml`
//! describes. Does not own: matching ([`super::matcher`]).

mod read;
#[cfg(test)]
mod tests;

use self::read::RulesFile;
use super::{Class, Kind, Subclass};

/// The most rules that one file may hold: a set of rules is a fixed number of bits.
pub const MAX_RULES: usize = 256;

/// The most bytes that all name patterns may hold together, lists counted at each use.
const PATTERN_BYTES_MAX: usize = 4 << 20;

/// The ids of the code's own rules, which decide before, between and after those of the file. A file may not use them.
pub(super) const CODE_RULES: [&str; 7] =
    ["cash", "bank-principal", "same-uscc", "same-name", "provider-name", "unidentified", "trade"];

const BUILTIN: &str = include_str!("../../../pipelines/classes.toml");

/// A rules file, checked.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The file's version, which goes into every product.
    pub version: String,
    /// In the file's order. Invariant: at most [`MAX_RULES`], ids unique.
    pub(super) rules: Vec<Rule>,
    /// Normalised words that statements append to names; the `body_` conditions ignore them.
    pub(super) tails: Vec<String>,
}

/// One rule: a row of its class if any condition of `when` holds and none of `unless`.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub id: String,
    pub class: Class,
    pub subclass: Subclass,
    pub when: Conditions,
    /// Of names only. Where there are any, the name conditions of `when` count only if one of these holds too.
    pub and: Conditions,
    pub unless: Conditions,
}

impl Rule {
    fn patterns(&self) -> impl Iterator<Item = &String> {
        [&self.when, &self.and, &self.unless].into_iter().flat_map(|conditions| &conditions.names).map(|(_, text)| text)
    }
}

/// Conditions joined by *or*.
#[derive(Debug, Clone, Default)]
pub(super) struct Conditions {
    pub kinds: Vec<Kind>,
    pub uscc_prefixes: Vec<String>,
    pub bank_prefixes: Vec<String>,
    pub account_prefixes: Vec<String>,
    /// Normalised patterns and where each must lie. A pattern may begin with `?`s, which no normalised name has: at least so
    /// many characters must precede it. Invariant: no pattern is empty, nor all `?`.
    pub names: Vec<(Anchor, String)>,
}

/// Where a pattern must lie in a normalised name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Anchor {
    Is,
    Contains,
    Starts,
    Ends,
    /// As `Is`, on the body: the name without a statement's additions.
    BodyIs,
    /// As `Ends`, on the body.
    BodyEnds,
    /// Behind the last place where the rule's own name patterns lie. Only in `unless`.
    FollowedBy,
    /// Before the first place where the rule's own name patterns lie. Only in `unless`.
    PrecededBy,
}

impl Anchor {
    /// Whether other characters may precede a pattern.
    fn may_be_preceded(self) -> bool {
        matches!(self, Anchor::Contains | Anchor::Ends | Anchor::BodyEnds)
    }

    /// The key of a name condition.
    pub(super) fn key(self) -> &'static str {
        Anchor::ALL.iter().find(|(_, anchor)| *anchor == self).map_or("", |(key, _)| key)
    }

    const ALL: [(&str, Anchor); 8] = [
        ("is", Anchor::Is),
        ("contains", Anchor::Contains),
        ("starts", Anchor::Starts),
        ("ends", Anchor::Ends),
        ("body_is", Anchor::BodyIs),
        ("body_ends", Anchor::BodyEnds),
        ("followed_by", Anchor::FollowedBy),
        ("preceded_by", Anchor::PrecededBy),
    ];
}

impl Conditions {
    /// Adds the conditions of another rule.
    fn join(&mut self, more: Conditions) {
        self.kinds.extend(more.kinds);
        self.uscc_prefixes.extend(more.uscc_prefixes);
        self.bank_prefixes.extend(more.bank_prefixes);
        self.account_prefixes.extend(more.account_prefixes);
        self.names.extend(more.names);
    }

    fn is_empty(&self) -> bool {
        self.kinds.is_empty()
            && self.uscc_prefixes.is_empty()
            && self.bank_prefixes.is_empty()
            && self.account_prefixes.is_empty()
            && self.names.is_empty()
    }
}

/// A mistake in a rules file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// The text is not TOML.
    #[error("rules: not TOML: {0}")]
    Syntax(String),
    /// A key outside the rules is wrong.
    #[error("rules, `{field}`: {problem}")]
    File {
        /// The key.
        field: String,
        /// The mistake.
        problem: String,
    },
    /// A rule is wrong.
    #[error("rule `{rule}`, `{field}`: {problem}")]
    Rule {
        /// The rule's id, or `#` and its number from 1 where the id itself is missing.
        rule: String,
        /// The key inside the rule, such as `unless.name.contains`.
        field: String,
        /// The mistake.
        problem: String,
    },
}

impl Rules {
    /// Reads a rules file. With `extends = "builtin"`, its rules are joined with the built-in ones.
    ///
    /// # Errors
    /// The first mistake, with its rule and field: no TOML; an unknown key, class,
    /// sub-class, kind or list; a value of the wrong type; an id that is missing, given twice or one of
    /// the code's own; a class that rules cannot give; a sub-class of another class; a rule that can never
    /// match; a pattern with nothing left after normalisation; a rule to remove or amend that is not built in; too many
    /// rules or patterns.
    pub fn parse(text: &str) -> Result<Rules, RulesError> {
        let own = RulesFile::read(text)?;
        if own.extends { RulesFile::read(BUILTIN)?.extended_by(own) } else { own.rules() }
    }

    /// The built-in rules.
    pub fn builtin() -> Rules {
        // Cannot fail: the text is compiled in, and a test parses it.
        Rules::parse(BUILTIN).expect("pipelines/classes.toml is checked by a test")
    }

    fn new(version: String, rules: Vec<Rule>, tails: Vec<String>) -> Result<Rules, RulesError> {
        if rules.len() > MAX_RULES {
            return Err(of_file("rule", format!("holds {} rules, more than the {MAX_RULES} allowed", rules.len())));
        }
        let patterns = rules.iter().flat_map(Rule::patterns).chain(&tails);
        let bytes: usize = patterns.map(String::len).sum();
        if bytes > PATTERN_BYTES_MAX {
            return Err(of_file("rule", too_many_bytes()));
        }
        Ok(Rules { version, rules, tails })
    }
}

fn too_many_bytes() -> String {
    format!("name patterns and tails hold more than the {PATTERN_BYTES_MAX} bytes allowed together")
}

fn of_file(field: &str, problem: String) -> RulesError {
    RulesError::File { field: field.to_string(), problem }
}
