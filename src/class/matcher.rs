//! What the rules say of one value: a name, a code, an account, a kind. Owns the automaton over all name
//! patterns and the sets of rules that each value calls. In which order the rules decide is not its concern.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::counterparty_key::{key_chars, key_length};
use super::normalise::normalise;
use super::rules::{CODE_RULES, Conditions, MAX_RULES, Place, Rule, Rules};
use super::{Class, Decision, Kind, Subclass};

/// Checked rules, ready to be asked. Built once, shared by all threads.
#[derive(Debug)]
pub struct Matcher {
    version: String,
    /// Ids, classes and sub-classes of the file's rules, by index.
    outcomes: Vec<(String, Class, Subclass)>,
    /// For each class, the file's rules that give it.
    of_class: [RuleSet; Class::ALL.len()],
    kinds: [Facts; Kind::ALL.len()],
    usccs: Prefixes,
    banks: Prefixes,
    accounts: Prefixes,
    /// All name patterns, each once.
    automaton: AhoCorasick,
    /// The texts of the automaton's patterns, by their numbers.
    patterns: Vec<String>,
    /// What each pattern means, by its number.
    uses: Vec<Vec<Use>>,
    /// Rules with an `and`: their name patterns count only in a name that has one of its patterns too.
    asking: RuleSet,
    tails: Tails,
}

/// What the rules say of one value, before rows and order are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Rules with a condition that holds.
    pub(super) hits: RuleSet,
    /// Rules with an `unless` that holds.
    pub(super) bars: RuleSet,
}

/// A pattern's meaning: what it does to which rules if it lies at `place`, behind at least `before` characters.
#[derive(Debug)]
struct Use {
    place: Place,
    before: usize,
    role: Role,
    rules: RuleSet,
}

/// What a condition that holds does to its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Hits it.
    When,
    /// Lets its hits count: see `Matcher::asking`.
    And,
    /// Bars it.
    Unless,
}

impl Role {
    /// What stands before the condition's key in the file.
    pub fn path(self) -> &'static str {
        match self {
            Role::When => "",
            Role::And => "and.",
            Role::Unless => "unless.",
        }
    }
}

/// What statements put in the place of digits that they hide.
const MASKS: [char; 5] = ['*', '＊', '•', '●', '×'];

/// A pattern found in a name, and what it means there.
pub(super) struct Found {
    /// Its number among the patterns.
    pub pattern: usize,
    start: usize,
    end: usize,
    pub place: Place,
    pub role: Role,
    pub rules: RuleSet,
}

/// Where each rule's own patterns lie in a name: from the start of the first to the end of the last.
#[derive(Default)]
pub(super) struct Spans(Vec<(usize, usize, usize)>);

impl Spans {
    /// Adds a pattern of a rule's own.
    pub fn add(&mut self, hit: &Found) {
        for rule in hit.rules.iter() {
            match self.0.iter_mut().find(|(known, ..)| *known == rule) {
                Some((_, start, end)) => (*start, *end) = (hit.start.min(*start), hit.end.max(*end)),
                None => self.0.push((rule, hit.start, hit.end)),
            }
        }
    }

    /// The rules that `bar` bars because it lies clear of all their own patterns, on its side of them.
    pub fn barred_by(&self, bar: &Found) -> RuleSet {
        let mut barred = RuleSet::default();
        for (rule, start, end) in &self.0 {
            let lies_clear = match bar.place {
                Place::PrecededBy => bar.end <= *start,
                _ => *end <= bar.start,
            };
            if lies_clear && bar.rules.holds(*rule) {
                barred.insert(*rule);
            }
        }
        barred
    }
}

impl Matcher {
    /// Builds the matcher.
    pub fn new(rules: &Rules) -> Matcher {
        let mut of_class = [RuleSet::default(); Class::ALL.len()];
        let mut kinds = [Facts::default(); Kind::ALL.len()];
        let mut names = NameTable::default();
        let mut asking = RuleSet::default();
        for (index, rule) in rules.rules.iter().enumerate() {
            of_class[rule.class as usize].insert(index);
            for kind in &rule.when.kinds {
                kinds[*kind as usize].hits.insert(index);
            }
            for kind in &rule.unless.kinds {
                kinds[*kind as usize].bars.insert(index);
            }
            names.add(index, Role::When, &rule.when);
            names.add(index, Role::And, &rule.and);
            names.add(index, Role::Unless, &rule.unless);
            if !rule.and.names.is_empty() {
                asking.insert(index);
            }
        }
        // Cannot fail: the only error is a pattern set too large, and `Rules` bounds its bytes.
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&names.patterns)
            .expect("the bytes of all patterns are bounded");
        let outcome = |rule: &Rule| (rule.id.clone(), rule.class, rule.subclass);
        Matcher {
            version: rules.version.clone(),
            outcomes: rules.rules.iter().map(outcome).collect(),
            of_class,
            kinds,
            usccs: Prefixes::new(rules, |conditions| &conditions.uscc_prefixes),
            banks: Prefixes::new(rules, |conditions| &conditions.bank_prefixes),
            accounts: Prefixes::new(rules, |conditions| &conditions.account_prefixes),
            automaton,
            patterns: names.patterns,
            uses: names.uses,
            asking,
            tails: tails_by_end(&rules.tails),
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
        CODE_RULES.into_iter().chain(self.outcomes.iter().map(|(id, _, _)| id.as_str()))
    }

    /// How many rules there are, those of the code included.
    pub fn rule_count(&self) -> usize {
        CODE_RULES.len() + self.outcomes.len()
    }

    /// What the rules say of a name. `name` is the text of the feed, `normalised` its normalised form: the
    /// brackets and dashes of the former tell where the name ends and a statement's additions begin.
    pub fn name_facts(&self, name: &str, normalised: &str) -> Facts {
        let mut facts = Facts::default();
        // Where rules' own patterns lie, and patterns that bar rules by lying before or behind those.
        let mut spans = Spans::default();
        let mut beside: Vec<Found> = Vec::new();
        let mut unanswered = self.asking;
        self.scan(name, normalised, |found| match (found.role, found.place) {
            (Role::Unless, Place::FollowedBy | Place::PrecededBy) => beside.push(found),
            (Role::Unless, _) => facts.bars.add(found.rules),
            (Role::And, _) => unanswered.remove(found.rules),
            (Role::When, _) => {
                facts.hits.add(found.rules);
                spans.add(&found);
            }
        });
        facts.hits.remove(unanswered);
        beside.iter().for_each(|bar| facts.bars.add(spans.barred_by(bar)));
        facts
    }

    /// Shows each pattern that lies in the name where it has to; those that bar by lying before or behind others are
    /// shown wherever they lie.
    pub(super) fn scan(&self, name: &str, normalised: &str, mut see: impl FnMut(Found)) {
        let mut body = None;
        let mut lead = None;
        for found in self.automaton.find_overlapping_iter(normalised) {
            let (start, end, pattern) = (found.start(), found.end(), found.pattern().as_usize());
            for u in &self.uses[pattern] {
                let mut body = || *body.get_or_insert_with(|| Body::new(name, normalised, &self.tails));
                let lies_there = match u.place {
                    Place::Contains | Place::FollowedBy | Place::PrecededBy => true,
                    Place::Is => start == 0 && end == normalised.len(),
                    Place::Starts => start == 0,
                    Place::Ends => end == normalised.len(),
                    Place::BodyIs => body().starts_at(start) && body().ends_at(end),
                    Place::BodyEnds => body().ends_at(end),
                };
                let mut lead = || *lead.get_or_insert_with(|| lead_of(normalised));
                if lies_there && (u.before == 0 || has_chars(normalised.get(lead()..start), u.before)) {
                    see(Found { pattern, start, end, place: u.place, role: u.role, rules: u.rules });
                }
            }
        }
    }

    /// The bodies that the name may have, the whole name first.
    pub(super) fn bodies<'n>(&self, name: &str, normalised: &'n str) -> Vec<&'n str> {
        let body = Body::new(name, normalised, &self.tails);
        body.ends[..body.count].iter().filter_map(|end| normalised.get(..*end)).collect()
    }

    /// Ids, classes and sub-classes of the file's rules, by index.
    pub(super) fn outcomes(&self) -> &[(String, Class, Subclass)] {
        &self.outcomes
    }

    /// The text of a pattern.
    pub(super) fn pattern(&self, number: usize) -> &str {
        self.patterns.get(number).map_or("", String::as_str)
    }

    pub(super) fn uscc_facts(&self, uscc: Option<&str>) -> Facts {
        self.usccs.facts(uscc, |uscc, prefix| uscc.starts_with(prefix))
    }

    pub(super) fn bank_facts(&self, bank_code: Option<&str>) -> Facts {
        self.banks.facts(bank_code, |code, prefix| code.starts_with(prefix))
    }

    pub(super) fn account_facts(&self, account: Option<&str>) -> Facts {
        self.accounts.facts(account, |account, prefix| {
            let (prefix, length) = prefix.split_once('/').unwrap_or((prefix, ""));
            // What a mask hides is not known to be the prefix, and what follows it is not the beginning.
            let mut chars = key_chars(account.chars().take_while(|c| !MASKS.contains(c)));
            if !prefix.chars().all(|c| chars.next() == Some(c)) {
                return false;
            }
            // A mask stands for any number of digits: many statements put six stars wherever they mask.
            let digits = key_length(account);
            let fits = |length: usize| digits == length || (digits < length && account.contains(MASKS));
            length.is_empty() || length.parse().is_ok_and(fits)
        })
    }

    pub(super) fn kind_facts(&self, kind: Option<Kind>) -> Facts {
        kind.map_or(Facts::default(), |kind| self.kinds[kind as usize])
    }

    /// The file's rules that give this class.
    pub(super) fn of_class(&self, class: Class) -> RuleSet {
        self.of_class[class as usize]
    }

    /// Id, class and sub-class of the file's rule whose number, the code's rules counted first, is `index`.
    pub(super) fn rule_of_file(&self, index: usize) -> (&str, Class, Subclass) {
        let rule = index.checked_sub(CODE_RULES.len()).and_then(|index| self.outcomes.get(index));
        rule.map_or(("", Class::Other, Subclass::None), |(id, class, subclass)| (id.as_str(), *class, *subclass))
    }

    pub(super) fn subclass(&self, index: usize) -> Subclass {
        self.outcomes.get(index).map_or(Subclass::None, |(_, _, subclass)| *subclass)
    }
}

/// The name patterns of all rules while they are collected: each text once, with all its meanings.
#[derive(Default)]
struct NameTable {
    numbers: HashMap<String, usize>,
    patterns: Vec<String>,
    uses: Vec<Vec<Use>>,
}

impl NameTable {
    fn add(&mut self, rule: usize, role: Role, conditions: &Conditions) {
        for (place, pattern) in &conditions.names {
            let text = pattern.trim_start_matches('?');
            let before = pattern.len() - text.len();
            let number = *self.numbers.entry(text.to_string()).or_insert_with(|| {
                self.patterns.push(text.to_string());
                self.uses.push(Vec::new());
                self.patterns.len() - 1
            });
            let uses = &mut self.uses[number];
            match uses.iter_mut().find(|u| (u.place, u.before, u.role) == (*place, before, role)) {
                Some(u) => u.rules.insert(rule),
                None => {
                    let mut rules = RuleSet::default();
                    rules.insert(rule);
                    uses.push(Use { place: *place, before, role, rules });
                }
            }
        }
    }
}

/// Prefixes of one code and the facts that each calls.
#[derive(Debug)]
struct Prefixes {
    prefixes: Vec<(String, Facts)>,
    /// Whether a prefix begins with this byte. Most values are known by it to call nothing.
    is_first: [bool; 256],
}

impl Prefixes {
    fn new(rules: &Rules, of: impl Fn(&Conditions) -> &Vec<String>) -> Prefixes {
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

    /// Whether `value` may have one of the prefixes, or a sign before one.
    fn may_call(&self, value: Option<&str>) -> bool {
        let first = value.and_then(|value| value.bytes().next());
        let is_sign = |byte: u8| byte.is_ascii_lowercase() || !byte.is_ascii_alphanumeric();
        first.is_some_and(|byte| self.is_first[usize::from(byte)] || is_sign(byte))
    }

    fn facts(&self, value: Option<&str>, has_prefix: impl Fn(&str, &str) -> bool) -> Facts {
        let mut facts = Facts::default();
        if let Some(value) = value.filter(|_| self.may_call(value)) {
            let called = self.prefixes.iter().filter(|(prefix, _)| has_prefix(value, prefix));
            called.for_each(|(_, more)| facts.add(*more));
        }
        facts
    }
}

impl Facts {
    fn add(&mut self, other: Facts) {
        self.hits.add(other.hits);
        self.bars.add(other.bars);
    }
}

/// Words that a statement hangs behind a name, by their last characters: few of them end like any one name.
type Tails = HashMap<char, Vec<String>>;

fn tails_by_end(tails: &[String]) -> Tails {
    let mut by_end = Tails::new();
    for tail in tails {
        if let Some(end) = tail.chars().next_back() {
            by_end.entry(end).or_default().push(tail.clone());
        }
    }
    by_end
}

/// The ends that a name's body may have: a statement may hang digits and Latin letters, a bracket, a part behind
/// a dash or a word of account purpose behind it, and several of them.
///
/// ```text
/// 国家金库某市中心支库（待缴库税款）0012    body ends before 0012, and before 待缴库税款
/// ```
#[derive(Debug, Clone, Copy)]
struct Body {
    /// Byte length of the digits in front, which may belong to an account number.
    lead: usize,
    ends: [usize; Body::ENDS_MAX],
    count: usize,
}

impl Body {
    /// More ends than real names have; further ones are not looked for.
    const ENDS_MAX: usize = 12;

    fn new(name: &str, normalised: &str, tails: &Tails) -> Body {
        let mut body = Body { lead: lead_of(normalised), ends: [0; Body::ENDS_MAX], count: 0 };
        body.push(normalised.len());
        // Only dropped punctuation can mark an edge, and then the lengths differ.
        if name.len() != normalised.len() {
            let mut scratch = String::new();
            // Each edge costs the name's length again, and a name may be long.
            for cut in edges(name).take(Body::ENDS_MAX) {
                normalise(&name[..cut], &mut scratch);
                body.push(scratch.len());
            }
        }
        let mut next = 0;
        while next < body.count {
            let text = &normalised[..body.ends[next]];
            body.push(text.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len());
            let end = text.chars().next_back();
            for tail in end.and_then(|end| tails.get(&end)).into_iter().flatten() {
                if let Some(rest) = text.strip_suffix(tail.as_str()) {
                    body.push(rest.len());
                }
            }
            next += 1;
        }
        body
    }

    fn push(&mut self, end: usize) {
        let is_new = end > 0 && !self.ends[..self.count].contains(&end);
        if is_new && self.count < Body::ENDS_MAX {
            self.ends[self.count] = end;
            self.count += 1;
        }
    }

    fn starts_at(&self, start: usize) -> bool {
        start == 0 || start == self.lead
    }

    fn ends_at(&self, end: usize) -> bool {
        self.ends[..self.count].contains(&end)
    }
}

/// Byte length of the digits in front of a name: they may belong to an account number.
fn lead_of(normalised: &str) -> usize {
    normalised.len() - normalised.trim_start_matches(is_digit).len()
}

/// Whether `text` has so many characters.
fn has_chars(text: Option<&str>, count: usize) -> bool {
    text.is_some_and(|text| text.chars().take(count).count() == count)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Where `name` may be cut: before a bracket that closes it (or that truncation left open), and at dashes.
fn edges(name: &str) -> impl Iterator<Item = usize> {
    const OPENERS: [char; 10] = ['(', '（', '[', '［', '【', '〔', '{', '｛', '<', '《'];
    const CLOSERS: [char; 10] = [')', '）', ']', '］', '】', '〕', '}', '｝', '>', '》'];
    const DASHES: [char; 8] = ['-', '－', '—', '–', '_', '＿', ':', '：'];
    let mut rest = name;
    let brackets = std::iter::from_fn(move || {
        rest = rest.trim_end_matches(|c: char| is_digit(c) || c.is_whitespace());
        let open = rest.rfind(OPENERS)?;
        let is_last = match rest.rfind(CLOSERS) {
            Some(close) => close < open || rest.ends_with(CLOSERS),
            None => true,
        };
        rest = &rest[..open];
        is_last.then_some(open)
    });
    brackets.chain(name.match_indices(DASHES).map(|(at, _)| at))
}

/// A set of rules by their index in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct RuleSet([u64; RuleSet::WORDS]);

impl RuleSet {
    const WORDS: usize = MAX_RULES / 64;

    pub(super) fn holds(self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    fn insert(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    pub(super) fn add(&mut self, other: RuleSet) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    pub(super) fn remove(&mut self, other: RuleSet) {
        for (word, less) in self.0.iter_mut().zip(other.0) {
            *word &= !less;
        }
    }

    pub(super) fn and(self, other: RuleSet) -> RuleSet {
        let mut both = self;
        for (word, mask) in both.0.iter_mut().zip(other.0) {
            *word &= mask;
        }
        both
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == [0; RuleSet::WORDS]
    }

    /// The indices in the set, ascending.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
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
    pub(super) fn first(self) -> Option<usize> {
        let word = self.0.iter().position(|&word| word != 0)?;
        Some(word * 64 + self.0[word].trailing_zeros() as usize)
    }
}

const _: () = assert!(MAX_RULES.is_multiple_of(64), "a rule set is made of whole words");
const _: () = assert!(MAX_RULES + CODE_RULES.len() <= u16::MAX as usize, "a rule's number fits in a decision");

#[cfg(test)]
mod tests {
    use super::*;

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
    fn places() {
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
    fn and_is_asked_of_names_only() {
        let text = "version = \"1\"\n[[rule]]\nid = \"a\"\nclass = \"PUBLIC\"\nkind = [\"TAX\"]\n\
                    name.contains = [\"甲\"]\nand.name.contains = [\"乙\"]";
        let matcher = Matcher::new(&Rules::parse(text).unwrap_or_else(|error| panic!("{error}")));
        assert!(!matcher.kind_facts(Some(Kind::Tax)).hits.is_empty());
        assert!(matcher.name_facts("甲", "甲").hits.is_empty());
        assert!(!matcher.name_facts("乙甲", "乙甲").hits.is_empty());
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
