//! The rules file: reads it, checks it, and holds it in checked form. Owns the grammar, which the head of
//! `pipelines/classes.toml` tells in words. It does not match anything.

use std::collections::{HashMap, HashSet};

use toml::{Table, Value};

use super::{Class, Kind, Subclass, normalise::normalise};

/// The most rules that one file may hold: what matched is kept as a fixed set of bits.
pub const MAX_RULES: usize = 256;

/// The most bytes that all name patterns may hold together, lists counted at each use.
const PATTERN_BYTES_MAX: usize = 4 << 20;

/// Ids of what the code decides before, between and after the rules of the file. A file may not use them.
pub(super) const CODE_RULES: [&str; 7] =
    ["cash", "bank-principal", "same-uscc", "same-name", "provider-name", "unidentified", "trade"];

const BUILTIN: &str = include_str!("../../pipelines/classes.toml");

/// A rules file, checked.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The file's version, which goes into every product.
    pub version: String,
    /// In the file's order. Invariant: at most [`MAX_RULES`], ids unique.
    pub(super) rules: Vec<Rule>,
    /// Normalised words that a statement hangs behind a name; the `body_` matchers look past them.
    pub(super) tails: Vec<String>,
}

/// One rule: a row of its class if any condition of `when` holds and none of `unless`.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub id: String,
    pub class: Class,
    pub subclass: Subclass,
    pub when: Conditions,
    /// Names only: where it holds anything, the name conditions of `when` count only if one of these holds too.
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
    /// Normalised patterns and where each must lie. A pattern may begin with `?`s, which no normalised name holds:
    /// so many characters must stand before it. Invariant: no pattern is empty, nor all `?`.
    pub names: Vec<(Place, String)>,
}

/// Where a pattern must lie in a normalised name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Is,
    Contains,
    Starts,
    Ends,
    /// As `Is`, on the body: the name without what a statement hangs behind it.
    BodyIs,
    /// As `Ends`, on the body.
    BodyEnds,
    /// Behind the last place where the rule's own name patterns lie. Only in `unless`.
    FollowedBy,
    /// Before the first place where the rule's own name patterns lie. Only in `unless`.
    PrecededBy,
}

impl Place {
    /// Whether other characters may stand before a pattern here.
    fn may_lie_inside(self) -> bool {
        matches!(self, Place::Contains | Place::Ends | Place::BodyEnds)
    }

    /// The key of a name condition.
    pub(super) fn key(self) -> &'static str {
        Place::ALL.iter().find(|(_, place)| *place == self).map_or("", |(key, _)| key)
    }

    const ALL: [(&str, Place); 8] = [
        ("is", Place::Is),
        ("contains", Place::Contains),
        ("starts", Place::Starts),
        ("ends", Place::Ends),
        ("body_is", Place::BodyIs),
        ("body_ends", Place::BodyEnds),
        ("followed_by", Place::FollowedBy),
        ("preceded_by", Place::PrecededBy),
    ];
}

/// What is wrong with a rules file.
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
        /// What is wrong with it.
        problem: String,
    },
    /// A rule is wrong.
    #[error("rule `{rule}`, `{field}`: {problem}")]
    Rule {
        /// The rule's id, or `#` and its number from 1 where the id itself is missing.
        rule: String,
        /// The key inside the rule, such as `unless.name.contains`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Rules {
    /// Reads a rules file. One that says `extends = "builtin"` is joined with the rules that come with the program.
    ///
    /// # Errors
    /// The first thing that is wrong, with the rule and the field: no TOML; an unknown key, class,
    /// sub-class, kind or list; a value of the wrong type; an id that is missing, given twice or one of
    /// the code's own; a class that rules cannot give; a sub-class of another class; a rule that can never
    /// match; a pattern with nothing left after normalisation; a rule to remove or amend that is not built in; too many
    /// rules or patterns.
    pub fn parse(text: &str) -> Result<Rules, RulesError> {
        let own = RulesFile::read(text)?;
        if own.extends { RulesFile::read(BUILTIN)?.extended_by(own) } else { own.rules() }
    }

    /// The rules that come with the program.
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

/// Named lists of patterns.
type Lists = HashMap<String, Vec<String>>;

/// A file before its rules are read, which need all lists.
#[derive(Default)]
struct RulesFile {
    version: String,
    extends: bool,
    tails: Vec<String>,
    lists: Lists,
    rules: Vec<Value>,
    /// Ids of built-in rules that fall away.
    remove: Vec<String>,
    /// Conditions for built-in rules.
    amend: Vec<Value>,
}

impl RulesFile {
    fn read(text: &str) -> Result<RulesFile, RulesError> {
        let table: Table = toml::from_str(text).map_err(|error| RulesError::Syntax(error.to_string()))?;
        let mut file = RulesFile::default();
        for (key, value) in table {
            match (key.as_str(), value) {
                ("version", Value::String(text)) if is_label(&text) => file.version = text,
                ("version", _) => {
                    return Err(of_file(&key, "must be a text of one line that is not empty".to_string()));
                }
                ("extends", Value::String(text)) if text == "builtin" => file.extends = true,
                ("extends", _) => return Err(of_file(&key, "must be \"builtin\"".to_string())),
                ("tails", value) => file.tails = read_tails(&value).map_err(|problem| of_file(&key, problem))?,
                ("lists", Value::Table(table)) => {
                    for (name, value) in table {
                        let list = read_patterns(&value);
                        let list = list.map_err(|problem| of_file(&format!("lists.{name}"), problem))?;
                        file.lists.insert(name, list);
                    }
                }
                ("lists", _) => return Err(of_file(&key, "must be a table of lists".to_string())),
                ("rule", Value::Array(array)) => file.rules = array,
                ("amend", Value::Array(array)) => file.amend = array,
                ("rule" | "amend", _) => return Err(of_file(&key, format!("must be written as `[[{key}]]`"))),
                ("remove", value) => {
                    let ids = read_texts(&value).map_err(|problem| of_file(&key, problem))?;
                    file.remove = ids.into_iter().map(str::to_string).collect();
                }
                _ => return Err(of_file(&key, "is not a known key".to_string())),
            }
        }
        if file.version.is_empty() {
            return Err(of_file("version", "is missing".to_string()));
        }
        for (field, is_given) in [("remove", !file.remove.is_empty()), ("amend", !file.amend.is_empty())] {
            if is_given && !file.extends {
                return Err(of_file(field, "is for a file that says `extends = \"builtin\"`".to_string()));
            }
        }
        Ok(file)
    }

    /// The rules of this file alone.
    fn rules(self) -> Result<Rules, RulesError> {
        let rules = read_rules(&self.rules, &self.lists, &[])?;
        Rules::new(self.version, rules, self.tails)
    }

    /// These rules without what `own` removes, with what it amends, behind its own ones. Lists and tails are joined, so
    /// that a word more in a list counts in these rules too.
    fn extended_by(self, own: RulesFile) -> Result<Rules, RulesError> {
        let mut lists = self.lists;
        for (name, patterns) in own.lists {
            lists.entry(name).or_default().extend(patterns);
        }
        let mut builtin = read_rules(&self.rules, &lists, &[])?;
        for id in &own.remove {
            let at = builtin.iter().position(|rule| rule.id == *id);
            let at = at.ok_or_else(|| {
                of_file("remove", format!("there is no built-in rule `{id}`, or it stands here twice"))
            })?;
            builtin.remove(at);
        }
        for (index, entry) in own.amend.iter().enumerate() {
            amend(&mut builtin, index, entry, &lists)?;
        }
        let mut rules = read_rules(&own.rules, &lists, &builtin)?;
        rules.append(&mut builtin);
        let tails = self.tails.into_iter().chain(own.tails).collect();
        Rules::new(format!("{}+{}", self.version, own.version), rules, tails)
    }
}

fn too_many_bytes() -> String {
    format!("name patterns and tails hold more than the {PATTERN_BYTES_MAX} bytes allowed together")
}

fn of_file(field: &str, problem: String) -> RulesError {
    RulesError::File { field: field.to_string(), problem }
}

/// Adds an entry's conditions to the built-in rule that it names.
fn amend(builtin: &mut [Rule], index: usize, entry: &Value, lists: &Lists) -> Result<(), RulesError> {
    let (id, table) = read_entry(index, entry)?;
    let wrong = |(field, problem)| RulesError::Rule { rule: id.to_string(), field, problem };
    let parts = read_parts(table, lists).map_err(wrong)?;
    for (field, is_given) in [("class", parts.class.is_some()), ("subclass", parts.subclass.is_some())] {
        if is_given {
            let problem = "cannot be amended; remove the rule and give one of your own".to_string();
            return Err(wrong((field.to_string(), problem)));
        }
    }
    let rule = builtin.iter_mut().find(|rule| rule.id == id);
    let rule = rule.ok_or_else(|| wrong(("id".to_string(), "is no built-in rule's, or it was removed".to_string())))?;
    if !parts.and.is_empty() && rule.and.is_empty() {
        let problem = "would narrow a rule that has none; remove the rule and give one of your own".to_string();
        return Err(wrong(("and".to_string(), problem)));
    }
    rule.when.join(parts.when);
    rule.and.join(parts.and);
    rule.unless.join(parts.unless);
    check_names(rule).map_err(wrong)
}

/// Reads entries of `[[rule]]`; their ids must be none of `others`.
fn read_rules(entries: &[Value], lists: &Lists, others: &[Rule]) -> Result<Vec<Rule>, RulesError> {
    let mut seen: HashSet<&str> = CODE_RULES.into_iter().chain(others.iter().map(|rule| rule.id.as_str())).collect();
    let mut rules = Vec::with_capacity(entries.len());
    let mut bytes = 0;
    for (index, entry) in entries.iter().enumerate() {
        let (id, table) = read_entry(index, entry)?;
        let wrong = |(field, problem)| RulesError::Rule { rule: id.to_string(), field, problem };
        if !seen.insert(id) {
            return Err(wrong(("id".to_string(), "is taken, by another rule or by the code".to_string())));
        }
        let rule = read_rule(id, table, lists).map_err(wrong)?;
        // Lists may make much of little: what is held is bounded while it grows.
        bytes += rule.patterns().map(String::len).sum::<usize>();
        if bytes > PATTERN_BYTES_MAX {
            return Err(of_file("rule", too_many_bytes()));
        }
        rules.push(rule);
    }
    Ok(rules)
}

/// The id of an entry and its table.
fn read_entry(index: usize, entry: &Value) -> Result<(&str, &Table), RulesError> {
    let numbered = |field: &str, problem: &str| RulesError::Rule {
        rule: format!("#{}", index + 1),
        field: field.to_string(),
        problem: problem.to_string(),
    };
    let Value::Table(table) = entry else { return Err(numbered("rule", "must be a table")) };
    let id = table.get("id").and_then(Value::as_str).unwrap_or_default().trim();
    if is_label(id) { Ok((id, table)) } else { Err(numbered("id", "must be a text of one line that is not empty")) }
}

/// Whether a text can stand in tables and products as it is.
fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(char::is_control)
}

/// A field and what is wrong with it; the caller knows the rule.
type Wrong = (String, String);

/// What an entry holds beside its id.
#[derive(Default)]
struct Parts {
    class: Option<Class>,
    subclass: Option<Subclass>,
    when: Conditions,
    and: Conditions,
    unless: Conditions,
}

fn read_parts(table: &Table, lists: &Lists) -> Result<Parts, Wrong> {
    let mut parts = Parts::default();
    for (key, value) in table {
        match key.as_str() {
            "id" => {}
            "class" => parts.class = Some(read_class(value).map_err(|problem| (key.clone(), problem))?),
            "subclass" => parts.subclass = Some(read_subclass(value).map_err(|problem| (key.clone(), problem))?),
            "and" => {
                parts.and = read_conditions(key, value, lists)?;
                if let Some(other) = value.as_table().and_then(|table| table.keys().find(|inner| *inner != "name")) {
                    return Err((format!("and.{other}"), "cannot stand here: only names can".to_string()));
                }
            }
            "unless" => parts.unless = read_conditions(key, value, lists)?,
            _ => read_condition("", key, value, lists, &mut parts.when)?,
        }
    }
    if parts.when.is_empty() && parts.and.is_empty() && parts.unless.is_empty() {
        return Err(("rule".to_string(), "has no condition".to_string()));
    }
    Ok(parts)
}

fn read_rule(id: &str, table: &Table, lists: &Lists) -> Result<Rule, Wrong> {
    let Parts { class, subclass, when, and, unless } = read_parts(table, lists)?;
    let class = class.ok_or_else(|| ("class".to_string(), "is missing".to_string()))?;
    let subclass = match (subclass, class) {
        (None, Class::Public) => Subclass::OtherPublic,
        (None, Class::Other) => Subclass::Trade,
        (None, _) => Subclass::None,
        (Some(subclass), _) if subclass.class() == Some(class) => subclass,
        (Some(subclass), _) => {
            let problem = format!("`{}` is not a sub-class of {}", subclass.name(), class.name());
            return Err(("subclass".to_string(), problem));
        }
    };
    if when.is_empty() {
        return Err(("rule".to_string(), "has no condition, so it can never match".to_string()));
    }
    let rule = Rule { id: id.to_string(), class, subclass, when, and, unless };
    check_names(&rule)?;
    Ok(rule)
}

/// Some places mean something beside a rule's own patterns only, and `and` something beside name conditions only.
fn check_names(rule: &Rule) -> Result<(), Wrong> {
    for place in [Place::FollowedBy, Place::PrecededBy] {
        for (path, conditions) in [("", &rule.when), ("and.", &rule.and)] {
            if conditions.names.iter().any(|(used, _)| *used == place) {
                return Err((format!("{path}name.{}", place.key()), "is for `unless` only".to_string()));
            }
        }
    }
    if rule.when.names.is_empty() {
        if !rule.and.is_empty() {
            return Err(("and".to_string(), "is for rules with a name condition".to_string()));
        }
        for place in [Place::FollowedBy, Place::PrecededBy] {
            if rule.unless.names.iter().any(|(used, _)| *used == place) {
                return Err((format!("unless.name.{}", place.key()), "is for rules with a name condition".to_string()));
            }
        }
    }
    Ok(())
}

/// The conditions under `and` or `unless`.
fn read_conditions(key: &str, value: &Value, lists: &Lists) -> Result<Conditions, Wrong> {
    let Value::Table(table) = value else {
        return Err((key.to_string(), "must be a table of conditions".to_string()));
    };
    let mut conditions = Conditions::default();
    for (inner, value) in table {
        read_condition(&format!("{key}."), inner, value, lists, &mut conditions)?;
    }
    if conditions.is_empty() {
        return Err((key.to_string(), "holds no condition".to_string()));
    }
    Ok(conditions)
}

fn read_class(value: &Value) -> Result<Class, String> {
    let text = read_text(value)?;
    match Class::parse(text) {
        Some(class @ (Class::Cash | Class::SameName)) => {
            Err(format!("{} is decided by the code and cannot be given by a rule", class.name()))
        }
        Some(class) => Ok(class),
        None => Err(format!("`{text}` is not a class")),
    }
}

fn read_subclass(value: &Value) -> Result<Subclass, String> {
    let text = read_text(value)?;
    match Subclass::parse(text) {
        Some(Subclass::Unidentified) => Err("`unidentified` is decided by the code".to_string()),
        Some(Subclass::None) | None => Err(format!("`{text}` is not a sub-class")),
        Some(subclass) => Ok(subclass),
    }
}

fn read_condition(path: &str, key: &str, value: &Value, lists: &Lists, to: &mut Conditions) -> Result<(), Wrong> {
    let at = |problem| (format!("{path}{key}"), problem);
    match key {
        "kind" => {
            for text in read_texts(value).map_err(at)? {
                let kind = Kind::parse(text).ok_or_else(|| at(format!("`{text}` is not a kind")))?;
                to.kinds.push(kind);
            }
        }
        "uscc_prefix" => to.uscc_prefixes = read_prefixes(value, 18, Length::Any).map_err(at)?,
        "bank_prefix" => to.bank_prefixes = read_prefixes(value, 12, Length::Any).map_err(at)?,
        "account_prefix" => to.account_prefixes = read_prefixes(value, 40, Length::MayBeTold).map_err(at)?,
        "name" => {
            let Value::Table(table) = value else {
                return Err(at("must be a table such as `{ contains = [..] }`".to_string()));
            };
            for (inner, value) in table {
                let at = |problem| (format!("{path}name.{inner}"), problem);
                let place = Place::ALL.iter().find(|(name, _)| name == inner);
                let (_, place) = place.ok_or_else(|| at("is not a known key".to_string()))?;
                for pattern in read_patterns_or_lists(value, lists).map_err(at)? {
                    if pattern.starts_with('?') && !place.may_lie_inside() {
                        return Err(at(format!("`{pattern}`: nothing can stand before it here")));
                    }
                    to.names.push((*place, pattern));
                }
            }
        }
        _ => return Err(at("is not a known key".to_string())),
    }
    Ok(())
}

/// Whether a prefix may tell how long the whole is.
#[derive(Clone, Copy, PartialEq)]
enum Length {
    /// Codes have the length that they have.
    Any,
    /// `2088/16`: the prefix of sixteen letters and digits.
    MayBeTold,
}

/// Prefixes of codes: ASCII letters and digits, upper-cased as the feed's codes are.
fn read_prefixes(value: &Value, chars_max: usize, length: Length) -> Result<Vec<String>, String> {
    let texts = read_texts(value)?.into_iter();
    let checked = texts.map(|text| {
        let (code, told) = match text.split_once('/') {
            Some((code, told)) if length == Length::MayBeTold => (code, Some(told)),
            _ => (text, None),
        };
        let is_code = !code.is_empty() && code.len() <= chars_max && code.chars().all(|c| c.is_ascii_alphanumeric());
        if !is_code {
            return Err(format!("`{text}` must be 1 to {chars_max} ASCII letters or digits"));
        }
        let fits = |told: &str| told.parse().is_ok_and(|told| (code.len()..=chars_max).contains(&told));
        if let Some(told) = told
            && !(told.bytes().all(|byte| byte.is_ascii_digit()) && fits(told))
        {
            return Err(format!("`{text}`: a length must be a number from {} to {chars_max}", code.len()));
        }
        Ok(text.to_ascii_uppercase())
    });
    checked.collect()
}

/// Patterns, with `@list` standing for the patterns of that list.
fn read_patterns_or_lists(value: &Value, lists: &Lists) -> Result<Vec<String>, String> {
    let (mut patterns, mut bytes) = (Vec::new(), 0);
    for text in read_texts(value)? {
        match text.strip_prefix('@') {
            Some(name) => {
                let list = lists.get(name).ok_or_else(|| format!("there is no list `{name}`"))?;
                patterns.extend_from_slice(list);
                bytes += list.iter().map(String::len).sum::<usize>();
                if bytes > PATTERN_BYTES_MAX {
                    return Err(too_many_bytes());
                }
            }
            None => patterns.push(read_pattern(text)?),
        }
    }
    Ok(patterns)
}

fn read_tails(value: &Value) -> Result<Vec<String>, String> {
    let tails = read_patterns(value)?;
    match tails.iter().find(|tail| tail.starts_with('?')) {
        Some(tail) => Err(format!("`{tail}`: nothing can stand before it here")),
        None => Ok(tails),
    }
}

fn read_patterns(value: &Value) -> Result<Vec<String>, String> {
    read_texts(value)?.into_iter().map(read_pattern).collect()
}

fn read_pattern(text: &str) -> Result<String, String> {
    if text.starts_with('@') {
        return Err(format!("`{text}`: a list cannot stand here"));
    }
    // Normalisation would drop the `?`s.
    let named = text.trim_start_matches('?');
    let mut pattern = String::new();
    normalise(named, &mut pattern);
    if pattern.is_empty() {
        return Err(format!("`{text}` is empty after normalisation"));
    }
    pattern.insert_str(0, &text[..text.len() - named.len()]);
    Ok(pattern)
}

fn read_texts(value: &Value) -> Result<Vec<&str>, String> {
    let Value::Array(values) = value else {
        return Err("must be a list of texts".to_string());
    };
    if values.is_empty() {
        return Err("must not be empty".to_string());
    }
    values.iter().map(read_text).collect()
}

fn read_text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("holds a {} where a text belongs", value.type_str()))
}

impl Conditions {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_file_is_right() {
        let rules = Rules::parse(BUILTIN).unwrap_or_else(|error| panic!("{error}"));
        assert!(!rules.rules.is_empty());
    }

    #[test]
    fn patterns_are_normalised_and_lists_unfolded() {
        let text = r#"
            version = "1"
            [lists]
            firm = ["有限 公司", "ｌｔｄ."]
            [[rule]]
            id = "a"
            class = "PUBLIC"
            uscc_prefix = ["1a"]
            name = { ends = ["（某）局"] }
            unless = { name = { followed_by = ["@firm", "店"] } }
        "#;
        let rules = Rules::parse(text).unwrap_or_else(|error| panic!("{error}"));
        let [rule] = &rules.rules[..] else { panic!("one rule") };
        assert_eq!(rule.subclass, Subclass::OtherPublic);
        assert_eq!(rule.when.uscc_prefixes, ["1A"]);
        assert_eq!(rule.when.names, [(Place::Ends, "某局".to_string())]);
        let after = ["有限公司", "LTD", "店"].map(|text| (Place::FollowedBy, text.to_string()));
        assert_eq!(rule.unless.names, after);
    }

    /// Each row: the file without its version, and what the message must say.
    #[test]
    fn a_bad_file_is_told_by_rule_and_field() {
        let rule = |body: &str| format!("[[rule]]\nid = \"a\"\n{body}");
        let public = |body: &str| rule(&format!("class = \"PUBLIC\"\n{body}"));
        let fine = public("name = { is = [\"甲\"] }");
        let extending = |body: &str| format!("extends = \"builtin\"\n{body}");
        for (text, expected) in [
            ("rule = 3".to_string(), "rules, `rule`: must be written as `[[rule]]`"),
            ("rule = [3]".to_string(), "rule `#1`, `rule`: must be a table"),
            ("extends = \"ours\"".to_string(), "rules, `extends`: must be \"builtin\""),
            ("remove = [\"name-tax\"]".to_string(), "rules, `remove`: is for a file that says `extends"),
            ("[[amend]]\nid = \"name-tax\"".to_string(), "rules, `amend`: is for a file that says `extends"),
            (extending("remove = [\"name-taxes\"]"), "rules, `remove`: there is no built-in rule `name-taxes`"),
            (extending("remove = 3"), "rules, `remove`: must be a list of texts"),
            (extending("amend = 3"), "rules, `amend`: must be written as `[[amend]]`"),
            (extending("[[amend]]\nid = \"name-tax\""), "rule `name-tax`, `rule`: has no condition"),
            (extending("[[amend]]\nname.is = [\"甲\"]"), "rule `#1`, `id`: must be a text"),
            (extending("[[amend]]\nid = \"a\"\nname.is = [\"甲\"]"), "rule `a`, `id`: is no built-in rule's"),
            (
                extending("[[amend]]\nid = \"name-tax\"\nclass = \"OTHER\"\nname.is = [\"甲\"]"),
                "rule `name-tax`, `class`: cannot be amended",
            ),
            (
                extending("[[amend]]\nid = \"name-tax\"\nname.followed_by = [\"甲\"]"),
                "rule `name-tax`, `name.followed_by`: is for `unless` only",
            ),
            (
                extending("[[rule]]\nid = \"name-tax\"\nclass = \"PUBLIC\"\nname.is = [\"甲\"]"),
                "rule `name-tax`, `id`: is taken",
            ),
            ("colour = 3".to_string(), "rules, `colour`: is not a known key"),
            ("tails = [\"（\"]".to_string(), "rules, `tails`: `（` is empty after normalisation"),
            ("lists = [\"a\"]".to_string(), "rules, `lists`: must be a table"),
            ("[lists]\na = []".to_string(), "rules, `lists.a`: must not be empty"),
            ("[lists]\na = [\"@b\"]".to_string(), "rules, `lists.a`: `@b`: a list cannot stand here"),
            ("[[rule]]\nclass = \"PUBLIC\"".to_string(), "rule `#1`, `id`: must be"),
            (format!("{fine}\n{fine}"), "rule `a`, `id`: is taken"),
            (fine.replace("\"a\"", "\"cash\""), "rule `cash`, `id`: is taken"),
            (fine.replace("class", "klass"), "rule `a`, `klass`: is not a known key"),
            (rule("kind = [\"TAX\"]"), "rule `a`, `class`: is missing"),
            (fine.replace("PUBLIC", "public"), "rule `a`, `class`: `public` is not a class"),
            (fine.replace("PUBLIC", "CASH"), "rule `a`, `class`: CASH is decided by the code"),
            (fine.replace("PUBLIC", "SAME_NAME"), "rule `a`, `class`: SAME_NAME is decided by the code"),
            (fine.replace("\"PUBLIC\"", "3"), "rule `a`, `class`: holds a integer where a text belongs"),
            (public("subclass = \"none\""), "rule `a`, `subclass`: `none` is not a sub-class"),
            (public("subclass = \"taxes\""), "rule `a`, `subclass`: `taxes` is not a sub-class"),
            (
                public("subclass = \"trade\"\nkind = [\"TAX\"]"),
                "rule `a`, `subclass`: `trade` is not a sub-class of PUBLIC",
            ),
            (
                rule("class = \"OTHER\"\nsubclass = \"unidentified\""),
                "rule `a`, `subclass`: `unidentified` is decided by the code",
            ),
            (
                rule("class = \"AGENCY\"\nsubclass = \"tax\"\nkind = [\"TAX\"]"),
                "rule `a`, `subclass`: `tax` is not a sub-class of AGENCY",
            ),
            (public(""), "rule `a`, `rule`: has no condition"),
            (public("unless = { kind = [\"TAX\"] }"), "rule `a`, `rule`: has no condition"),
            (public("name = {}"), "rule `a`, `rule`: has no condition"),
            (public("kind = \"TAX\""), "rule `a`, `kind`: must be a list of texts"),
            (public("kind = []"), "rule `a`, `kind`: must not be empty"),
            (public("kind = [\"TAXES\"]"), "rule `a`, `kind`: `TAXES` is not a kind"),
            (public("uscc_prefix = [\"\"]"), "rule `a`, `uscc_prefix`: `` must be 1 to 18"),
            (public("bank_prefix = [\"0110000000000\"]"), "rule `a`, `bank_prefix`: `0110000000000` must be"),
            (public("account_prefix = [\"20-88\"]"), "rule `a`, `account_prefix`: `20-88` must be"),
            (public("account_prefix = [\"2088/2\"]"), "rule `a`, `account_prefix`: `2088/2`: a length must be"),
            (public("account_prefix = [\"2088/+16\"]"), "rule `a`, `account_prefix`: `2088/+16`: a length must be"),
            (public("account_prefix = [\"2088/99999999999999999999\"]"), "rule `a`, `account_prefix`: `2088/9"),
            (
                public("kind = [\"TAX\"]\nunless.name.followed_by = [\"甲\"]"),
                "rule `a`, `unless.name.followed_by`: is for rules with a name condition",
            ),
            ("[[rule]]\nid = \"a\\nb\"".to_string(), "rule `#1`, `id`: must be a text of one line"),
            (
                extending("[[amend]]\nid = \"name-police\"\nand.name.contains = [\"甲\"]"),
                "rule `name-police`, `and`: would narrow a rule that has none",
            ),
            (
                extending("remove = [\"name-tax\", \"name-tax\"]"),
                "rules, `remove`: there is no built-in rule `name-tax`, or",
            ),
            (public("name = [\"甲\"]"), "rule `a`, `name`: must be a table"),
            (public("name = { has = [\"甲\"] }"), "rule `a`, `name.has`: is not a known key"),
            (public("name = { is = [\"（ ）\"] }"), "rule `a`, `name.is`: `（ ）` is empty after normalisation"),
            (public("name = { is = [\"@firm\"] }"), "rule `a`, `name.is`: there is no list `firm`"),
            (public("name = { followed_by = [\"甲\"] }"), "rule `a`, `name.followed_by`: is for `unless` only"),
            (public("name = { preceded_by = [\"甲\"] }"), "rule `a`, `name.preceded_by`: is for `unless` only"),
            (public("name = { is = [\"?甲\"] }"), "rule `a`, `name.is`: `?甲`: nothing can stand before it here"),
            (public("name = { contains = [\"?\"] }"), "rule `a`, `name.contains`: `?` is empty after normalisation"),
            ("tails = [\"?甲\"]".to_string(), "rules, `tails`: `?甲`: nothing can stand before it here"),
            (public("kind = [\"TAX\"]\nand.name.is = [\"甲\"]"), "rule `a`, `and`: is for rules with a name condition"),
            (public("name.is = [\"甲\"]\nand = {}"), "rule `a`, `and`: holds no condition"),
            (public("name.is = [\"甲\"]\nand = { kind = [\"TAX\"] }"), "rule `a`, `and.kind`: cannot stand here"),
            (
                public("name.is = [\"甲\"]\nand.name.followed_by = [\"乙\"]"),
                "rule `a`, `and.name.followed_by`: is for `unless` only",
            ),
            (format!("{fine}\nunless = 3"), "rule `a`, `unless`: must be a table"),
            (format!("{fine}\nunless = {{}}"), "rule `a`, `unless`: holds no condition"),
            (format!("{fine}\nunless = {{ id = [\"b\"] }}"), "rule `a`, `unless.id`: is not a known key"),
            (
                format!("{fine}\nunless = {{ name = {{ ends = [\"-\"] }} }}"),
                "rule `a`, `unless.name.ends`: `-` is empty after normalisation",
            ),
            ("[[rule".to_string(), "rules: not TOML: "),
        ] {
            let text = format!("version = \"1\"\n{text}");
            let error = Rules::parse(&text).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "expected {expected:?}, got {error:?}");
        }
    }

    #[test]
    fn a_file_may_extend_the_builtin_rules() {
        let text = r#"
            version = "mine"
            extends = "builtin"
            tails = ["某某户"]
            remove = ["kind-tax"]
            [lists]
            firm = ["某某社"]
            own = ["某某中心"]
            [[rule]]
            id = "kind-tax"
            class = "PUBLIC"
            subclass = "fiscal"
            kind = ["TAX"]
            name.contains = ["@own"]
            [[amend]]
            id = "name-tax"
            name.contains = ["某某税站"]
            unless.name.is = ["某某税务局之友"]
        "#;
        let (builtin, rules) = (Rules::builtin(), Rules::parse(text).unwrap_or_else(|error| panic!("{error}")));
        assert_eq!(rules.version, format!("{}+mine", builtin.version));
        assert_eq!(rules.rules.len(), builtin.rules.len());
        let first = &rules.rules[0];
        assert_eq!((first.id.as_str(), first.subclass), ("kind-tax", Subclass::Fiscal));
        assert_eq!(first.when.names, [(Place::Contains, "某某中心".to_string())]);
        let rule = |id: &str| rules.rules.iter().find(|rule| rule.id == id).unwrap_or_else(|| panic!("{id}"));
        let tax = rule("name-tax");
        assert!(tax.when.names.contains(&(Place::Contains, "某某税站".to_string())));
        assert!(tax.when.names.contains(&(Place::Contains, "税务局".to_string())));
        assert!(tax.unless.names.contains(&(Place::Is, "某某税务局之友".to_string())));
        // A word more in a list counts in the built-in rules that use it.
        assert!(tax.unless.names.contains(&(Place::FollowedBy, "某某社".to_string())));
        assert_eq!(rules.tails.last().map(String::as_str), Some("某某户"));
    }

    /// Lists that are used again and again are bounded by what they come to, not by what is written.
    #[test]
    fn lists_do_not_make_much_of_little() {
        let big: Vec<String> = (0..100_000).map(|number| format!("\"甲{number}\"")).collect();
        let head = format!("version = \"1\"\n[lists]\nbig = [{}]\n", big.join(","));
        let rule = |index: usize, place: &str| {
            format!("[[rule]]\nid = \"r{index}\"\nclass = \"OTHER\"\nname.is = [\"乙\"]\n{place} = [\"@big\"]\n")
        };
        for place in ["name.contains", "and.name.contains", "unless.name.contains"] {
            let text = head.clone() + &(0..10).map(|index| rule(index, place)).collect::<String>();
            let error = Rules::parse(&text).expect_err(place).to_string();
            assert!(error.ends_with("4194304 bytes allowed together"), "{place}: {error}");
        }
        let again = ["\"@big\""; 10].join(",");
        let text = head + &rule(0, "name.ends").replace("\"@big\"", &again);
        let error = Rules::parse(&text).expect_err("one condition").to_string();
        assert!(error.starts_with("rule `r0`, `name.ends`: name patterns"), "{error}");
    }

    #[test]
    fn a_file_needs_a_version_and_has_a_bound() {
        for (text, expected) in [
            ("", "rules, `version`: is missing"),
            ("version = 1", "rules, `version`: must be a text of one line that is not empty"),
            ("version = \" \"", "rules, `version`: must be a text of one line that is not empty"),
        ] {
            assert_eq!(Rules::parse(text).expect_err(expected).to_string(), expected);
        }
        let rule = |index| format!("[[rule]]\nid = \"r{index}\"\nclass = \"OTHER\"\nkind = [\"BILL\"]\n");
        let file = |count| format!("version = \"1\"\n{}", (0..count).map(rule).collect::<String>());
        assert!(Rules::parse(&file(MAX_RULES)).is_ok());
        let error = Rules::parse(&file(MAX_RULES + 1)).expect_err("too many").to_string();
        assert_eq!(error, "rules, `rule`: holds 257 rules, more than the 256 allowed");
    }
}
