//! An explanation of the class of one name, for authors of rules.
//!
//! Owns: the list of rules that match, and what became of each. Does not own: matching, which is the matcher's own, so that
//! an explanation cannot differ from a decision.

use std::fmt;

use serde::Serialize;

use super::matcher::{PatternMatch, Role, Spans};
use super::rules::Anchor;
use super::{Class, Counterparty, Holder, Matcher, Subclass, normalise};

/// Why a name has its class, in a row with no other values.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Explanation {
    /// The name.
    pub name: String,
    /// Its normalised form.
    pub normalised: String,
    /// The bodies that it may have, the whole name first.
    pub bodies: Vec<String>,
    /// The rules that have a pattern of their own in the name, in the order in which they are tried.
    pub tried: Vec<Tried>,
    /// The number of rules that have none.
    pub silent: usize,
    /// The class.
    pub class: &'static str,
    /// The sub-class; null where the class has none.
    pub subclass: Option<&'static str>,
    /// The rule that decides: one of the file's, or one of the code's own.
    pub rule: String,
}

/// A rule that has a pattern of its own in the name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Tried {
    /// Its id.
    pub rule: String,
    /// The class that it gives.
    pub class: &'static str,
    /// Whether it decides, or why not.
    pub outcome: TriedOutcome,
    /// Its own patterns in the name.
    pub hits: Vec<Mark>,
    /// The patterns that bar it.
    pub bars: Vec<Mark>,
}

/// Whether a rule that has a pattern in the name decides, or why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TriedOutcome {
    /// It gives the class and the sub-class.
    Decides,
    /// It matches, but an earlier rule decides.
    ComesLater,
    /// One of its `unless` holds.
    Barred,
    /// It has an `and`, and none of its conditions holds.
    LacksAnd,
}

/// A pattern in the name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Mark {
    /// Its condition, such as `unless.name.contains`.
    pub condition: String,
    /// Its text, normalised.
    pub pattern: String,
}

/// The classes that rules give, in the order in which their rules are tried.
const TRIED: [Class; 5] = [Class::Public, Class::PaymentPlatform, Class::Agency, Class::OpeningBank, Class::Other];

/// Explains the class of a name.
pub fn explain(matcher: &Matcher, name: &str) -> Explanation {
    let mut normalised = String::new();
    normalise(name, &mut normalised);
    let name_facts = matcher.name_facts(name, &normalised);
    let row = Counterparty { normalised_name: &normalised, name_facts, ..Counterparty::default() };
    let decision = matcher.decide(&Holder::default(), &row);
    let decides = matcher.rule_id(decision);

    let mut found = Vec::new();
    matcher.names().scan(name, &normalised, |mark| found.push(mark));
    let mut tried = Vec::new();
    for class in TRIED {
        for (index, rule) in matcher.outcomes().iter().enumerate().filter(|(_, rule)| rule.class == class) {
            let hits = marks(matcher, &found, |mark| mark.role != Role::Unless && mark.rules.holds(index));
            if !found.iter().any(|mark| mark.role == Role::When && mark.rules.holds(index)) {
                continue;
            }
            let bars = bars(matcher, &found, index);
            let outcome = match () {
                () if rule.id == decides => TriedOutcome::Decides,
                () if !name_facts.hits.holds(index) => TriedOutcome::LacksAnd,
                () if bars.is_empty() => TriedOutcome::ComesLater,
                () => TriedOutcome::Barred,
            };
            tried.push(Tried { rule: rule.id.clone(), class: class.name(), outcome, hits, bars });
        }
    }
    Explanation {
        silent: matcher.outcomes().len() - tried.len(),
        tried,
        bodies: matcher.names().bodies(name, &normalised).into_iter().map(str::to_string).collect(),
        class: decision.class.name(),
        subclass: (decision.subclass != Subclass::None).then(|| decision.subclass.name()),
        rule: decides.to_string(),
        name: name.to_string(),
        normalised,
    }
}

/// The matches that bar the rule with this index.
fn bars(matcher: &Matcher, found: &[PatternMatch], index: usize) -> Vec<Mark> {
    let mut spans = Spans::default();
    found.iter().filter(|hit| hit.role == Role::When).for_each(|hit| spans.add(hit));
    marks(matcher, found, |mark| match (mark.role, mark.anchor) {
        (Role::When | Role::And, _) => false,
        (Role::Unless, Anchor::FollowedBy | Anchor::PrecededBy) => spans.barred_by(mark).holds(index),
        (Role::Unless, _) => mark.rules.holds(index),
    })
}

fn marks(matcher: &Matcher, found: &[PatternMatch], is_one: impl Fn(&PatternMatch) -> bool) -> Vec<Mark> {
    let mark = |found: &PatternMatch| Mark {
        condition: format!("{}name.{}", found.role.path(), found.anchor.key()),
        pattern: matcher.names().text(found.pattern).to_string(),
    };
    let mut marks: Vec<Mark> = found.iter().filter(|found| is_one(found)).map(mark).collect();
    marks.sort();
    marks.dedup();
    marks
}

/// For people: one line per rule, and one for the decision.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "name        {}", shown(&self.name))?;
        writeln!(f, "normalised  {}", shown(&self.normalised))?;
        if let [_, shorter @ ..] = self.bodies.as_slice()
            && !shorter.is_empty()
        {
            writeln!(f, "body        {}", shown(&shorter.join(" or ")))?;
        }
        for tried in &self.tried {
            let outcome = match tried.outcome {
                TriedOutcome::Decides => "decides",
                TriedOutcome::ComesLater => "matches, but another rule comes first",
                TriedOutcome::Barred => "is barred",
                TriedOutcome::LacksAnd => "lacks what its `and` asks for",
            };
            writeln!(f, "tried       {} ({}) {outcome}", tried.rule, tried.class)?;
            for mark in tried.hits.iter().chain(&tried.bars) {
                writeln!(f, "              {} = {}", mark.condition, mark.pattern)?;
            }
        }
        writeln!(f, "silent      {} rules have no pattern in the name", self.silent)?;
        let subclass = self.subclass.map(|subclass| format!(", {subclass}")).unwrap_or_default();
        writeln!(f, "class       {}{subclass} by {}", self.class, self.rule)
    }
}

/// The text without control characters: a name cannot send escape sequences to the terminal or add a line.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::*;

    const RULES: &str = r#"
        version = "1"
        tails = ["专户"]
        [[rule]]
        id = "late"
        class = "AGENCY"
        name.contains = ["税务"]
        [[rule]]
        id = "barred"
        class = "PUBLIC"
        name.contains = ["局"]
        unless.name.followed_by = ["公司"]
        [[rule]]
        id = "tax"
        class = "PUBLIC"
        subclass = "tax"
        name.body_ends = ["税务局"]
        [[rule]]
        id = "silent"
        class = "OTHER"
        name.is = ["局"]
    "#;

    fn explained(name: &str) -> String {
        let rules = Rules::parse(RULES).unwrap_or_else(|error| panic!("{error}"));
        explain(&Matcher::new(&rules), name).to_string()
    }

    #[test]
    fn a_name_that_a_rule_decides() {
        assert_eq!(
            explained("某市税务局（公司）专户"),
            "name        某市税务局（公司）专户\n\
             normalised  某市税务局公司专户\n\
             body        某市税务局公司\n\
             tried       barred (PUBLIC) is barred\n              name.contains = 局\n              \
             unless.name.followed_by = 公司\n\
             tried       late (AGENCY) decides\n              name.contains = 税务\n\
             silent      2 rules have no pattern in the name\n\
             class       AGENCY by late\n"
        );
        assert_eq!(
            explained("某市税务局专户"),
            "name        某市税务局专户\n\
             normalised  某市税务局专户\n\
             body        某市税务局\n\
             tried       barred (PUBLIC) decides\n              name.contains = 局\n\
             tried       tax (PUBLIC) matches, but another rule comes first\n              name.body_ends = 税务局\n\
             tried       late (AGENCY) matches, but another rule comes first\n              name.contains = 税务\n\
             silent      1 rules have no pattern in the name\n\
             class       PUBLIC, other_public by barred\n"
        );
    }

    #[test]
    fn names_that_no_rule_matches() {
        assert!(
            explained("某某商行")
                .ends_with("silent      4 rules have no pattern in the name\nclass       OTHER, trade by trade\n")
        );
        assert!(explained("（）").ends_with("class       OTHER, unidentified by unidentified\n"));
        assert!(explained("甲\u{1b}[2J\nclass").starts_with("name        甲\u{FFFD}[2J\u{FFFD}class\n"));
    }
}
