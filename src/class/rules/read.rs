//! Reads a rules file.
//!
//! Owns: the grammar and its checks. Does not own: the checked form ([`super::Rules`]).

use std::collections::{HashMap, HashSet};

use toml::{Table, Value};

use super::{Anchor, CODE_RULES, Conditions, PATTERN_BYTES_MAX, Rule, Rules, RulesError, of_file, too_many_bytes};
use crate::class::{Class, Kind, Subclass, normalise};

/// Named lists of patterns.
type Lists = HashMap<String, Vec<String>>;

/// A file whose lists are read, but not its rules, which need all lists.
#[derive(Default)]
pub(super) struct RulesFile {
    version: String,
    /// Whether the built-in rules are joined.
    pub extends: bool,
    tails: Vec<String>,
    lists: Lists,
    rules: Vec<Value>,
    /// Ids of built-in rules to leave out.
    remove: Vec<String>,
    /// More conditions for built-in rules.
    amend: Vec<Value>,
}

impl RulesFile {
    pub fn read(text: &str) -> Result<RulesFile, RulesError> {
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
                return Err(of_file(field, "needs `extends = \"builtin\"`".to_string()));
            }
        }
        Ok(file)
    }

    /// The rules of this file alone.
    pub fn rules(self) -> Result<Rules, RulesError> {
        let rules = read_rules(&self.rules, &self.lists, &[])?;
        Rules::new(self.version, rules, self.tails)
    }

    /// These rules behind those of `own`, without the rules that it removes and with its amendments. Lists and tails are
    /// joined, so that a pattern added to a list counts in these rules too.
    pub fn extended_by(self, own: RulesFile) -> Result<Rules, RulesError> {
        let mut lists = self.lists;
        for (name, patterns) in own.lists {
            lists.entry(name).or_default().extend(patterns);
        }
        let mut builtin = read_rules(&self.rules, &lists, &[])?;
        for id in &own.remove {
            let at = builtin.iter().position(|rule| rule.id == *id);
            let at = at
                .ok_or_else(|| of_file("remove", format!("there is no built-in rule `{id}`, or it is listed twice")))?;
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

/// Adds an entry's conditions to the built-in rule that it names.
fn amend(builtin: &mut [Rule], index: usize, entry: &Value, lists: &Lists) -> Result<(), RulesError> {
    let (id, table) = read_entry(index, entry)?;
    let wrong = |(field, problem)| RulesError::Rule { rule: id.to_string(), field, problem };
    let fields = read_fields(table, lists).map_err(wrong)?;
    for (field, is_given) in [("class", fields.class.is_some()), ("subclass", fields.subclass.is_some())] {
        if is_given {
            let problem = "cannot be amended; remove the rule and give one of your own".to_string();
            return Err(wrong((field.to_string(), problem)));
        }
    }
    let rule = builtin.iter_mut().find(|rule| rule.id == id);
    let rule = rule.ok_or_else(|| wrong(("id".to_string(), "is no built-in rule's, or it was removed".to_string())))?;
    if !fields.and.is_empty() && rule.and.is_empty() {
        let problem = "would narrow a rule that has none; remove the rule and give one of your own".to_string();
        return Err(wrong(("and".to_string(), problem)));
    }
    rule.when.join(fields.when);
    rule.and.join(fields.and);
    rule.unless.join(fields.unless);
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
        // A short file may repeat a long list, so the size is bounded while it grows.
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

/// Whether a text can be written to tables and products as it is.
fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(char::is_control)
}

/// A field and its mistake; the caller adds the rule.
type FieldProblem = (String, String);

/// The fields of an entry, except its id.
#[derive(Default)]
struct EntryFields {
    class: Option<Class>,
    subclass: Option<Subclass>,
    when: Conditions,
    and: Conditions,
    unless: Conditions,
}

fn read_fields(table: &Table, lists: &Lists) -> Result<EntryFields, FieldProblem> {
    let mut fields = EntryFields::default();
    for (key, value) in table {
        match key.as_str() {
            "id" => {}
            "class" => fields.class = Some(read_class(value).map_err(|problem| (key.clone(), problem))?),
            "subclass" => fields.subclass = Some(read_subclass(value).map_err(|problem| (key.clone(), problem))?),
            "and" => {
                fields.and = read_conditions(key, value, lists)?;
                if let Some(other) = value.as_table().and_then(|table| table.keys().find(|inner| *inner != "name")) {
                    return Err((format!("and.{other}"), "is not allowed here, only `name` is".to_string()));
                }
            }
            "unless" => fields.unless = read_conditions(key, value, lists)?,
            _ => read_condition("", key, value, lists, &mut fields.when)?,
        }
    }
    if fields.when.is_empty() && fields.and.is_empty() && fields.unless.is_empty() {
        return Err(("rule".to_string(), "has no condition".to_string()));
    }
    Ok(fields)
}

fn read_rule(id: &str, table: &Table, lists: &Lists) -> Result<Rule, FieldProblem> {
    let EntryFields { class, subclass, when, and, unless } = read_fields(table, lists)?;
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

/// `followed_by`, `preceded_by` and `and` apply to the name conditions of a rule, so they need some.
fn check_names(rule: &Rule) -> Result<(), FieldProblem> {
    for anchor in [Anchor::FollowedBy, Anchor::PrecededBy] {
        for (path, conditions) in [("", &rule.when), ("and.", &rule.and)] {
            if conditions.names.iter().any(|(used, _)| *used == anchor) {
                return Err((format!("{path}name.{}", anchor.key()), "is allowed in `unless` only".to_string()));
            }
        }
    }
    if rule.when.names.is_empty() {
        if !rule.and.is_empty() {
            return Err(("and".to_string(), "needs a name condition in the rule".to_string()));
        }
        for anchor in [Anchor::FollowedBy, Anchor::PrecededBy] {
            if rule.unless.names.iter().any(|(used, _)| *used == anchor) {
                return Err((
                    format!("unless.name.{}", anchor.key()),
                    "needs a name condition in the rule".to_string(),
                ));
            }
        }
    }
    Ok(())
}

/// The conditions under `and` or `unless`.
fn read_conditions(key: &str, value: &Value, lists: &Lists) -> Result<Conditions, FieldProblem> {
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

fn read_condition(
    path: &str,
    key: &str,
    value: &Value,
    lists: &Lists,
    to: &mut Conditions,
) -> Result<(), FieldProblem> {
    let at = |problem| (format!("{path}{key}"), problem);
    match key {
        "kind" => {
            for text in read_texts(value).map_err(at)? {
                let kind = Kind::parse(text).ok_or_else(|| at(format!("`{text}` is not a kind")))?;
                to.kinds.push(kind);
            }
        }
        "uscc_prefix" => to.uscc_prefixes = read_prefixes(value, 18, Length::Never).map_err(at)?,
        "bank_prefix" => to.bank_prefixes = read_prefixes(value, 12, Length::Never).map_err(at)?,
        "account_prefix" => to.account_prefixes = read_prefixes(value, 40, Length::Optional).map_err(at)?,
        "name" => {
            let Value::Table(table) = value else {
                return Err(at("must be a table such as `{ contains = [..] }`".to_string()));
            };
            for (inner, value) in table {
                let at = |problem| (format!("{path}name.{inner}"), problem);
                let anchor = Anchor::ALL.iter().find(|(name, _)| name == inner);
                let (_, anchor) = anchor.ok_or_else(|| at("is not a known key".to_string()))?;
                for pattern in read_patterns_or_lists(value, lists).map_err(at)? {
                    if pattern.starts_with('?') && !anchor.may_be_preceded() {
                        return Err(at(format!("`{pattern}`: `?` is not allowed here")));
                    }
                    to.names.push((*anchor, pattern));
                }
            }
        }
        _ => return Err(at("is not a known key".to_string())),
    }
    Ok(())
}

/// Whether a prefix may state the length of the whole value.
#[derive(Clone, Copy, PartialEq)]
enum Length {
    /// It may not: a code has a fixed length.
    Never,
    /// As in `2088/16`, for a value of sixteen letters and digits.
    Optional,
}

/// Prefixes of codes: ASCII letters and digits, upper-cased as the feed's codes are.
fn read_prefixes(value: &Value, chars_max: usize, length: Length) -> Result<Vec<String>, String> {
    let texts = read_texts(value)?.into_iter();
    let checked = texts.map(|text| {
        let (code, stated) = match text.split_once('/') {
            Some((code, stated)) if length == Length::Optional => (code, Some(stated)),
            _ => (text, None),
        };
        let is_code = !code.is_empty() && code.len() <= chars_max && code.chars().all(|c| c.is_ascii_alphanumeric());
        if !is_code {
            return Err(format!("`{text}` must be 1 to {chars_max} ASCII letters or digits"));
        }
        let fits = |stated: &str| stated.parse().is_ok_and(|length| (code.len()..=chars_max).contains(&length));
        if let Some(stated) = stated
            && !(stated.bytes().all(|byte| byte.is_ascii_digit()) && fits(stated))
        {
            return Err(format!("`{text}`: a length must be a number from {} to {chars_max}", code.len()));
        }
        Ok(text.to_ascii_uppercase())
    });
    checked.collect()
}

/// Patterns; `@list` is replaced by the patterns of that list.
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
        Some(tail) => Err(format!("`{tail}`: `?` is not allowed here")),
        None => Ok(tails),
    }
}

fn read_patterns(value: &Value) -> Result<Vec<String>, String> {
    read_texts(value)?.into_iter().map(read_pattern).collect()
}

fn read_pattern(text: &str) -> Result<String, String> {
    if text.starts_with('@') {
        return Err(format!("`{text}`: a list is not allowed here"));
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
