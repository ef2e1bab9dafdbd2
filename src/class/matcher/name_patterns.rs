//! The name patterns of all rules.
//!
//! Owns: the automaton that finds all patterns in one pass over a name, and which matches count for which rules. Does not
//! own: the grammar of rules ([`crate::class::rules`]), or the body of a name ([`super::body`]).

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::body::{Body, Tails, has_chars, lead_of};
use super::{Facts, RuleSet};
use crate::class::rules::{Anchor, Conditions, Rules};

/// The name patterns of all rules, ready to match.
#[derive(Debug)]
pub(in crate::class) struct NamePatterns {
    /// All patterns, each once.
    automaton: AhoCorasick,
    /// The texts of the automaton's patterns, by their numbers.
    texts: Vec<String>,
    /// The uses of each pattern, by its number.
    uses: Vec<Vec<PatternUse>>,
    /// Rules with an `and`: their own patterns count only in a name that has one of the patterns of the `and` too.
    with_and: RuleSet,
    tails: Tails,
}

/// A use of a pattern: what it does to which rules where it matches at `anchor`, behind at least `before` characters.
#[derive(Debug)]
struct PatternUse {
    anchor: Anchor,
    before: usize,
    role: Role,
    rules: RuleSet,
}

/// The effect of a condition that holds on its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::class) enum Role {
    /// Hits it.
    When,
    /// Lets its hits count: see `NamePatterns::with_and`.
    And,
    /// Bars it.
    Unless,
}

impl Role {
    /// The path to the condition's key in the file.
    pub fn path(self) -> &'static str {
        match self {
            Role::When => "",
            Role::And => "and.",
            Role::Unless => "unless.",
        }
    }
}

/// A match of a pattern in a name, for one of its uses.
pub(in crate::class) struct PatternMatch {
    /// The pattern's number.
    pub pattern: usize,
    start: usize,
    end: usize,
    pub anchor: Anchor,
    pub role: Role,
    pub rules: RuleSet,
}

/// The span of each rule's own patterns in a name: from the start of the first match to the end of the last.
#[derive(Default)]
pub(in crate::class) struct Spans(Vec<(usize, usize, usize)>);

impl Spans {
    /// Adds a match of a rule's own pattern.
    pub fn add(&mut self, hit: &PatternMatch) {
        for rule in hit.rules.iter() {
            match self.0.iter_mut().find(|(known, ..)| *known == rule) {
                Some((_, start, end)) => (*start, *end) = (hit.start.min(*start), hit.end.max(*end)),
                None => self.0.push((rule, hit.start, hit.end)),
            }
        }
    }

    /// The rules that `bar` bars because it lies clear of their span, on its side of it.
    pub fn barred_by(&self, bar: &PatternMatch) -> RuleSet {
        let mut barred = RuleSet::default();
        for (rule, start, end) in &self.0 {
            let lies_clear = match bar.anchor {
                Anchor::PrecededBy => bar.end <= *start,
                _ => *end <= bar.start,
            };
            if lies_clear && bar.rules.holds(*rule) {
                barred.insert(*rule);
            }
        }
        barred
    }
}

impl NamePatterns {
    /// The patterns of these rules.
    pub fn new(rules: &Rules) -> NamePatterns {
        let mut builder = Builder::default();
        let mut with_and = RuleSet::default();
        for (index, rule) in rules.rules.iter().enumerate() {
            builder.add(index, Role::When, &rule.when);
            builder.add(index, Role::And, &rule.and);
            builder.add(index, Role::Unless, &rule.unless);
            if !rule.and.names.is_empty() {
                with_and.insert(index);
            }
        }
        // Cannot fail: the only error is a pattern set too large, and `Rules` bounds its bytes.
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&builder.texts)
            .expect("the bytes of all patterns are bounded");
        NamePatterns { automaton, texts: builder.texts, uses: builder.uses, with_and, tails: Tails::new(&rules.tails) }
    }

    /// The facts of a name: see [`Matcher::name_facts`](super::Matcher::name_facts).
    pub fn facts(&self, name: &str, normalised: &str) -> Facts {
        let mut facts = Facts::default();
        let mut spans = Spans::default();
        // Matches that bar rules by lying before or behind their spans, which are known in the end only.
        let mut beside: Vec<PatternMatch> = Vec::new();
        let mut lacks_and = self.with_and;
        self.scan(name, normalised, |found| match (found.role, found.anchor) {
            (Role::Unless, Anchor::FollowedBy | Anchor::PrecededBy) => beside.push(found),
            (Role::Unless, _) => facts.bars.add(found.rules),
            (Role::And, _) => lacks_and.remove(found.rules),
            (Role::When, _) => {
                facts.hits.add(found.rules);
                spans.add(&found);
            }
        });
        facts.hits.remove(lacks_and);
        beside.iter().for_each(|bar| facts.bars.add(spans.barred_by(bar)));
        facts
    }

    /// Calls `visit` with each match that lies at its anchor. `followed_by` and `preceded_by` match anywhere: their side is
    /// for [`Spans`] to decide.
    pub fn scan(&self, name: &str, normalised: &str, mut visit: impl FnMut(PatternMatch)) {
        let mut body = None;
        let mut lead = None;
        for found in self.automaton.find_overlapping_iter(normalised) {
            let (start, end, pattern) = (found.start(), found.end(), found.pattern().as_usize());
            for u in &self.uses[pattern] {
                let mut body = || *body.get_or_insert_with(|| Body::new(name, normalised, &self.tails));
                let is_anchored = match u.anchor {
                    Anchor::Contains | Anchor::FollowedBy | Anchor::PrecededBy => true,
                    Anchor::Is => start == 0 && end == normalised.len(),
                    Anchor::Starts => start == 0,
                    Anchor::Ends => end == normalised.len(),
                    Anchor::BodyIs => body().starts_at(start) && body().ends_at(end),
                    Anchor::BodyEnds => body().ends_at(end),
                };
                let mut lead = || *lead.get_or_insert_with(|| lead_of(normalised));
                if is_anchored && (u.before == 0 || has_chars(normalised.get(lead()..start), u.before)) {
                    visit(PatternMatch { pattern, start, end, anchor: u.anchor, role: u.role, rules: u.rules });
                }
            }
        }
    }

    /// The bodies that the name may have, the whole name first.
    pub fn bodies<'n>(&self, name: &str, normalised: &'n str) -> Vec<&'n str> {
        Body::new(name, normalised, &self.tails).all(normalised)
    }

    /// The text of a pattern.
    pub fn text(&self, pattern: usize) -> &str {
        self.texts.get(pattern).map_or("", String::as_str)
    }
}

/// Collects the patterns of all rules: each text once, with all its uses.
#[derive(Default)]
struct Builder {
    numbers: HashMap<String, usize>,
    texts: Vec<String>,
    uses: Vec<Vec<PatternUse>>,
}

impl Builder {
    fn add(&mut self, rule: usize, role: Role, conditions: &Conditions) {
        for (anchor, pattern) in &conditions.names {
            let text = pattern.trim_start_matches('?');
            let before = pattern.len() - text.len();
            let number = *self.numbers.entry(text.to_string()).or_insert_with(|| {
                self.texts.push(text.to_string());
                self.uses.push(Vec::new());
                self.texts.len() - 1
            });
            let uses = &mut self.uses[number];
            match uses.iter_mut().find(|u| (u.anchor, u.before, u.role) == (*anchor, before, role)) {
                Some(u) => u.rules.insert(rule),
                None => {
                    let mut rules = RuleSet::default();
                    rules.insert(rule);
                    uses.push(PatternUse { anchor: *anchor, before, role, rules });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::{Matcher, normalise};

    fn hits(condition: &str, name: &str) -> bool {
        let text = format!(
            "version = \"1\"\ntails = [\"专户\", \"财政\"]\n[[rule]]\nid = \"a\"\nclass = \"PUBLIC\"\n{condition}"
        );
        let rules = Rules::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        let mut normalised = String::new();
        normalise(name, &mut normalised);
        let facts = Matcher::new(&rules).name_facts(name, &normalised);
        !facts.hits.is_empty() && facts.bars.is_empty()
    }

    #[test]
    fn anchors() {
        for (condition, name, expected) in [
            ("name.is = [\"海关\"]", "（海）关", true),
            ("name.is = [\"海关\"]", "海关1", false),
            ("name.starts = [\"海关\"]", "海关总署", true),
            ("name.starts = [\"海关\"]", "某海关", false),
            ("name.ends = [\"海关\"]", "某海关", true),
            ("name.ends = [\"海关\"]", "某海关（专户）", false),
            ("name.contains = [\"海关\"]", "某海关大楼", true),
            ("name.contains = [\"海关\"]", "上海", false),
            ("name.body_ends = [\"海关\"]", "某海关", true),
            ("name.body_ends = [\"海关\"]", "某海关专户", true),
            ("name.body_ends = [\"海关\"]", "某海关财政专户", true),
            ("name.body_ends = [\"海关\"]", "某海关（待缴库税款）0012", true),
            ("name.body_ends = [\"海关\"]", "某海关（甲）（乙）", true),
            ("name.body_ends = [\"海关\"]", "某海关（待缴库", true),
            ("name.body_ends = [\"海关\"]", "某海关(甲)乙", false),
            ("name.body_ends = [\"海关\"]", "某海关-税款", true),
            ("name.body_ends = [\"海关\"]", "某海关大楼", false),
            ("name.body_ends = [\"海关\"]", "某海关RMB01", true),
            // So many characters must stand before it, digits in front not counted.
            ("name.body_ends = [\"??海关\"]", "上海海关（专户）", true),
            ("name.body_ends = [\"??海关\"]", "王海关", false),
            ("name.body_ends = [\"??海关\"]", "0012王海关", false),
            ("name.contains = [\"??海关\"]", "上海海关大楼", true),
            ("name.contains = [\"??海关\"]", "海关海关", true),
            ("name.body_is = [\"支付宝\"]", "支付宝-李四", true),
            ("name.body_is = [\"支付宝\"]", "001支付宝2088", true),
            ("name.body_is = [\"支付宝\"]", "某支付宝", false),
            ("name.body_is = [\"支付宝\"]", "支付宝贝", false),
        ] {
            assert_eq!(hits(condition, name), expected, "{condition} on {name}");
        }
    }

    #[test]
    fn and() {
        let both = "name.contains = [\"畜牧\"]\nand.name.body_ends = [\"站\", \"??所\"]";
        let barred = format!("{both}\nunless.name.preceded_by = [\"公司\"]");
        for (condition, name, expected) in [
            (both, "某乡畜牧站", true),
            (both, "某乡畜牧兽医站（专户）", true),
            (both, "站畜牧", false),
            (both, "某乡畜牧店", false),
            (both, "某乡兽医站", false),
            (both, "畜牧所", true),
            (barred.as_str(), "某乡畜牧站", true),
            (barred.as_str(), "某公司畜牧站", false),
        ] {
            assert_eq!(hits(condition, name), expected, "{condition} on {name}");
        }
    }

    #[test]
    fn unless() {
        let firm = "name.contains = [\"税务局\", \"总局\"]\nunless.name.followed_by = [\"有限公司\", \"局子\"]";
        let bank = "name.contains = [\"市政府\"]\nunless.name.preceded_by = [\"银行\"]";
        for (condition, name, expected) in [
            ("name.ends = [\"局\"]\nunless.name.contains = [\"邮\"]", "税务局", true),
            ("name.ends = [\"局\"]\nunless.name.contains = [\"邮\"]", "邮局", false),
            (firm, "某税务局", true),
            (firm, "某税务局服务有限公司", false),
            (firm, "某有限公司税务局", true),
            (firm, "总局有限公司税务局", true),
            // The bar must lie behind the pattern, not across it.
            (firm, "税务局子", true),
            (bank, "某某银行市政府支行", false),
            (bank, "市政府（某某银行）", true),
            (bank, "市政府某某银行市政府", true),
        ] {
            assert_eq!(hits(condition, name), expected, "{condition} on {name}");
        }
    }
}
