//! The grammar of mapping files: from TOML to [`Mapping`](super::Mapping).
//!
//! Owns: every key, the values that it may have, and the message for any other value. Does not own: the walk through TOML
//! tables ([`keys`](super::keys)).

use toml::{Table, Value};

use super::error::MappingError;
use super::keys::{Keys, Result};
use super::rule::{Condition, RowRule, RuleAction, TextTest};
use super::source::{
    JoinPart, MoneyColumns, MoneyForm, MoneyPart, Output, Slot, SourceColumn, TimeColumn, ValueSource,
};
use super::time::TimeFormat;
use super::{AccountsMapping, JOIN_PARTS_MAX, Mapping, TableMapping};
use crate::feed::layout::{Layout, Ragged};
use crate::feed::schema::{ACCOUNTS, Column, ColumnType, TRANSACTIONS};
use crate::feed::text::Encoding;

/// Parses a mapping. `account` are columns of its one account, which take precedence over its constants.
pub(super) fn mapping(name: &str, toml: &str, account: &[(String, String)]) -> Result<Mapping> {
    let table: Table = toml.parse().map_err(|error: toml::de::Error| MappingError::Syntax {
        name: name.to_string(),
        problem: error.to_string(),
    })?;
    let mut keys = Keys { name, path: String::new(), table };
    let accounts = accounts_mapping(&mut keys, account)?;
    let account_id = match &accounts {
        AccountsMapping::Constants(columns) => columns.iter().find(|(name, _)| *name == "account_id"),
        AccountsMapping::Own | AccountsMapping::Table(_) => None,
    };
    let transactions = table_mapping(&mut keys, &TRANSACTIONS, account_id.map(|(_, text)| text.as_str()))?;
    keys.finish()?;
    Ok(Mapping { name: name.to_string(), transactions: Some(transactions), accounts })
}

/// A mapping of no layout, only of an account: for statements, which name their account but not its holder.
pub(super) fn account_alone(account: &[(String, String)]) -> Result<Mapping> {
    let keys = Keys { name: "--account", path: String::new(), table: Table::new() };
    let accounts = AccountsMapping::Constants(account_constants(keys, account)?);
    Ok(Mapping { name: "--account".to_string(), transactions: None, accounts })
}

fn accounts_mapping(keys: &mut Keys<'_>, account: &[(String, String)]) -> Result<AccountsMapping> {
    let Some(mut accounts) = keys.table("accounts")? else {
        return match account {
            [] => Ok(AccountsMapping::Own),
            account => {
                let none = Keys { name: keys.name, path: "accounts.constants".to_string(), table: Table::new() };
                Ok(AccountsMapping::Constants(account_constants(none, account)?))
            }
        };
    };
    let mapped = match accounts.table("constants")? {
        Some(constants) => AccountsMapping::Constants(account_constants(constants, account)?),
        None if !account.is_empty() => {
            let problem = "the mapping reads accounts from a table of their own; leave --account out";
            return Err(accounts.error("columns", problem));
        }
        None => AccountsMapping::Table(table_mapping(&mut accounts, &ACCOUNTS, None)?),
    };
    accounts.finish()?;
    Ok(mapped)
}

/// The columns of the one account: those of `account`, then those of the table.
fn account_constants(mut keys: Keys<'_>, account: &[(String, String)]) -> Result<Vec<(&'static str, String)>> {
    if let Some((unknown, _)) = account.iter().find(|(name, _)| !ACCOUNTS.iter().any(|column| column.name == name)) {
        let columns: Vec<&str> = ACCOUNTS.iter().map(|column| column.name).collect();
        return Err(keys.error(unknown, &format!("no column of `accounts`; those are {}", columns.join(", "))));
    }
    let mut constants = Vec::new();
    for column in &ACCOUNTS {
        let of_table = keys.text(column.name)?;
        let given = account.iter().rev().find(|(name, _)| name == column.name).map(|(_, text)| text.clone());
        match given.or(of_table) {
            Some(text) => constants.push((column.name, text)),
            None if column.required => {
                let problem =
                    format!("missing, and the feed requires it; give it here or by --account {}=..", column.name);
                return Err(keys.error(column.name, &problem));
            }
            None => {}
        }
    }
    keys.finish()?;
    Ok(constants)
}

/// Takes `file`, `columns` and `row`; the other keys are left to the caller. `account_id` is that of the one account, where
/// there is one: rows without an account belong to it.
fn table_mapping(keys: &mut Keys<'_>, table: &[Column], account_id: Option<&str>) -> Result<TableMapping> {
    let layout = match keys.table("file")? {
        Some(file) => layout(file)?,
        None => Layout::default(),
    };
    let Some(mut columns) = keys.table("columns")? else {
        return Err(keys.error("columns", "missing"));
    };
    let mut slots = Slots(Vec::new());
    let mut outputs: Vec<Output> = Vec::new();
    for column in table {
        let name = column.name;
        let Some(value) = columns.table.remove(name) else {
            continue;
        };
        let source = source(&columns, column, value, &mut slots)?;
        if let ValueSource::Money(money, MoneyPart::Amount) = &source
            && !matches!(money.form, MoneyForm::Plain(_))
        {
            if outputs.iter().any(|output| output.name == "direction") {
                return Err(columns.error("direction", "given twice: `amount` makes it already"));
            }
            outputs.push(Output { name: "direction", source: ValueSource::Money(money.clone(), MoneyPart::Direction) });
        }
        outputs.push(Output { name, source });
    }
    if table.iter().any(|column| column.name == "txn_id") && !outputs.iter().any(|output| output.name == "txn_id") {
        outputs.push(Output { name: "txn_id", source: ValueSource::RowId });
    }
    if let Some(account_id) = account_id.filter(|_| !outputs.iter().any(|output| output.name == "account_id")) {
        outputs.push(Output { name: "account_id", source: ValueSource::Constant(account_id.to_string()) });
    }
    let drafts = rules(keys, table, &mut slots)?;
    for (name, _) in drafts.iter().flat_map(|draft| &draft.set) {
        if !outputs.iter().any(|output| output.name == *name) {
            outputs.push(Output { name, source: ValueSource::Null });
        }
    }
    let place = |name: &str| table.iter().position(|column| column.name == name);
    outputs.sort_by_key(|output| place(output.name));
    for column in table.iter().filter(|column| column.required) {
        if !outputs.iter().any(|output| output.name == column.name) {
            return Err(columns.error(column.name, "missing, and the feed requires it"));
        }
    }
    columns.finish()?;
    let rules = drafts.into_iter().map(|draft| draft.rule(&outputs)).collect();
    Ok(TableMapping { layout, slots: slots.0, outputs, rules })
}

fn layout(mut keys: Keys<'_>) -> Result<Layout> {
    let encoding = match keys.text("encoding")?.as_deref() {
        None => None,
        Some("utf-8") => Some(Encoding::Utf8),
        Some("gb18030") => Some(Encoding::Gb18030),
        Some(_) => return Err(keys.error("encoding", "must be `utf-8` or `gb18030`")),
    };
    let delimiter = match keys.text("delimiter")?.as_deref().map(str::as_bytes) {
        None => b',',
        Some([byte]) if byte.is_ascii() && !b"\"\r\n".contains(byte) => *byte,
        Some(_) => return Err(keys.error("delimiter", "must be one ASCII character, no quote or line end")),
    };
    let ragged = match keys.text("ragged")?.as_deref() {
        None | Some("refuse") => Ragged::Refuse,
        Some("pad") => Ragged::Pad,
        Some("skip") => Ragged::Skip,
        Some(_) => return Err(keys.error("ragged", "must be `refuse`, `pad` or `skip`")),
    };
    let header = keys.texts("header")?.unwrap_or_default();
    let footer = keys.texts("footer")?.unwrap_or_default();
    if footer.iter().any(String::is_empty) {
        return Err(keys.error("footer", "every row begins with an empty text"));
    }
    let null = keys.texts("null")?.unwrap_or_default();
    keys.finish()?;
    Ok(Layout { encoding, delimiter, header, ragged, footer, null })
}

/// The source columns so far.
struct Slots(Vec<Slot>);

impl Slots {
    fn place(&mut self, column: String, key: String) -> usize {
        if let Some(place) = self.0.iter().position(|slot| slot.column == column) {
            return place;
        }
        self.0.push(Slot { column, key });
        self.0.len() - 1
    }
}

/// One entry of `[columns]`.
fn source(columns: &Keys<'_>, target: &Column, value: Value, slots: &mut Slots) -> Result<ValueSource> {
    let name = target.name;
    let is_money = target.kind == ColumnType::Money;
    let mut keys = match value {
        Value::String(column) => {
            let slot = slots.place(column, columns.path_of(name));
            return Ok(plain(SourceColumn { slot, null: Vec::new() }, None, is_money));
        }
        Value::Table(table) => columns.below(name, table),
        _ => return Err(columns.error(name, "must be a source column's name or a table")),
    };
    let source = if let Some(text) = keys.text("constant")? {
        ValueSource::Constant(text)
    } else if keys.has("join") {
        joined(&mut keys, slots)?
    } else if keys.has("date") || keys.has("time") {
        if target.kind != ColumnType::Time {
            return Err(keys.error("date", "only `booked_at` has a date and a time"));
        }
        two_column_time(&mut keys, slots)?
    } else if keys.has("in") || keys.has("out") {
        if name != "amount" {
            return Err(keys.error("in", "only `amount` is made of two columns"));
        }
        let (money_in, money_out) = (keys.required_text("in")?, keys.required_text("out")?);
        let null = keys.texts("null")?.unwrap_or_default();
        let money_in = SourceColumn { slot: slots.place(money_in, keys.path_of("in")), null: null.clone() };
        let money_out = SourceColumn { slot: slots.place(money_out, keys.path_of("out")), null };
        let thousands = thousands(&mut keys, true)?;
        ValueSource::Money(MoneyColumns { form: MoneyForm::InOut(money_in, money_out), thousands }, MoneyPart::Amount)
    } else if keys.has("column") {
        one_column(&mut keys, target, slots)?
    } else {
        return Err(columns.error(name, "needs one of `column`, `constant`, `join`, `date` and `time`, `in` and `out`"));
    };
    keys.finish()?;
    Ok(source)
}

fn plain(column: SourceColumn, thousands: Option<char>, is_money: bool) -> ValueSource {
    if is_money {
        ValueSource::Money(MoneyColumns { form: MoneyForm::Plain(column), thousands }, MoneyPart::Amount)
    } else {
        ValueSource::Column(column)
    }
}

/// `{ column = .. }` with at most one conversion.
fn one_column(keys: &mut Keys<'_>, target: &Column, slots: &mut Slots) -> Result<ValueSource> {
    let is_money = target.kind == ColumnType::Money;
    let date_only = target.kind == ColumnType::Date;
    let column = column(keys, slots)?;
    if keys.has("format") {
        let formats = formats(keys, true)?;
        if !date_only && target.kind != ColumnType::Time {
            return Err(keys.error("format", "only columns of dates and times have one"));
        }
        return Ok(ValueSource::Time { date: TimeColumn { column, formats }, time: None, date_only });
    }
    if keys.has("values") || keys.has("otherwise") {
        let Some(mut table) = keys.table("values")? else {
            return Err(keys.error("values", "missing beside `otherwise`"));
        };
        let from: Vec<String> = table.table.keys().cloned().collect();
        let mut values = Vec::new();
        for from in from {
            let to = table.required_text(&from)?;
            values.push((from, to));
        }
        return Ok(ValueSource::Translated { column, values, otherwise: keys.text("otherwise")? });
    }
    let thousands = thousands(keys, is_money)?;
    match keys.text("direction")?.as_deref() {
        Some("sign") if target.name == "amount" => {
            Ok(ValueSource::Money(MoneyColumns { form: MoneyForm::Signed(column), thousands }, MoneyPart::Amount))
        }
        Some("sign") => Err(keys.error("direction", "only `amount` has a sign that tells it")),
        Some(_) => Err(keys.error("direction", "must be `sign`")),
        None => Ok(plain(column, thousands, is_money)),
    }
}

/// Takes `column` and `null`.
fn column(keys: &mut Keys<'_>, slots: &mut Slots) -> Result<SourceColumn> {
    let column = keys.required_text("column")?;
    let null = keys.texts("null")?.unwrap_or_default();
    Ok(SourceColumn { slot: slots.place(column, keys.path_of("column")), null })
}

fn thousands(keys: &mut Keys<'_>, is_money: bool) -> Result<Option<char>> {
    let Some(text) = keys.text("thousands")? else {
        return Ok(None);
    };
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        _ if !is_money => Err(keys.error("thousands", "only amounts and balances have such separators")),
        (Some(separator), None) if !separator.is_ascii_digit() && !"+-.".contains(separator) => Ok(Some(separator)),
        _ => Err(keys.error("thousands", "must be one character, no digit, sign or point")),
    }
}

fn joined(keys: &mut Keys<'_>, slots: &mut Slots) -> Result<ValueSource> {
    let Some(Value::Array(values)) = keys.table.remove("join") else {
        return Err(keys.error("join", "must be a list"));
    };
    if values.is_empty() || values.len() > JOIN_PARTS_MAX {
        return Err(keys.error("join", &format!("must have 1 to {JOIN_PARTS_MAX} parts")));
    }
    let mut parts = Vec::new();
    for value in values {
        parts.push(match value {
            Value::String(column) => JoinPart::Column(slots.place(column, keys.path_of("join"))),
            Value::Table(table) => {
                let mut part = keys.below("join", table);
                let text = part.required_text("constant")?;
                part.finish()?;
                JoinPart::Constant(text)
            }
            _ => return Err(keys.error("join", "a part is a source column's name or `{ constant = .. }`")),
        });
    }
    Ok(ValueSource::Joined { parts, with: keys.text("with")?.unwrap_or_default() })
}

fn two_column_time(keys: &mut Keys<'_>, slots: &mut Slots) -> Result<ValueSource> {
    let mut part = |key: &str| {
        let Some(mut below) = keys.table(key)? else {
            return Err(keys.error(key, "missing"));
        };
        let column = column(&mut below, slots)?;
        let formats = formats(&mut below, key == "date")?;
        if key == "date" && formats.iter().any(TimeFormat::has_time) {
            return Err(below.error("format", "has a time of day, which the other column has too"));
        }
        below.finish()?;
        Ok(TimeColumn { column, formats })
    };
    let (date, time) = (part("date")?, part("time")?);
    Ok(ValueSource::Time { date, time: Some(time), date_only: false })
}

/// Takes `format`: one or several formats, of dates or else of times of day.
fn formats(keys: &mut Keys<'_>, of_dates: bool) -> Result<Vec<TimeFormat>> {
    let texts = keys.texts("format")?.ok_or_else(|| keys.error("format", "missing"))?;
    let mut formats = Vec::new();
    for text in &texts {
        let format =
            TimeFormat::new(text).filter(|format| if of_dates { format.has_date() } else { format.has_time() });
        match format {
            Some(format) => formats.push(format),
            None if of_dates => {
                return Err(keys.error("format", &format!("`{text}` is no form of a whole date")));
            }
            None => return Err(keys.error("format", &format!("`{text}` is no form of a time of day"))),
        }
    }
    if formats.is_empty() {
        return Err(keys.error("format", "lists none"));
    }
    Ok(formats)
}

/// A rule whose columns have no indexes yet.
struct RuleDraft {
    when: Vec<Condition>,
    skip: bool,
    set: Vec<(&'static str, String)>,
}

impl RuleDraft {
    fn rule(self, outputs: &[Output]) -> RowRule {
        let place = |name: &str| outputs.iter().position(|output| output.name == name);
        let set = self.set.into_iter().filter_map(|(name, text)| Some((place(name)?, text))).collect();
        RowRule { when: self.when, action: if self.skip { RuleAction::Skip } else { RuleAction::Set(set) } }
    }
}

/// Takes `row`.
fn rules(keys: &mut Keys<'_>, table: &[Column], slots: &mut Slots) -> Result<Vec<RuleDraft>> {
    let Some(value) = keys.table.remove("row") else {
        return Ok(Vec::new());
    };
    let Value::Array(values) = value else {
        return Err(keys.error("row", "must be written `[[row]]`"));
    };
    let mut drafts = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let Value::Table(given) = value else {
            return Err(keys.error("row", "must be written `[[row]]`"));
        };
        let mut rule = keys.below(&format!("row[{}]", index + 1), given);
        let when = match rule.table("when")? {
            Some(when) => conditions(when, slots)?,
            None => Vec::new(),
        };
        let skip = match rule.table.remove("skip") {
            None => false,
            Some(Value::Boolean(true)) => true,
            Some(_) => return Err(rule.error("skip", "can only be true")),
        };
        let mut set = Vec::new();
        if let Some(mut settings) = rule.table("set")? {
            for column in table {
                if let Some(text) = settings.text(column.name)? {
                    set.push((column.name, text));
                }
            }
            settings.finish()?;
        }
        if skip != set.is_empty() {
            return Err(rule.error("set", "a rule has either `set`, with a column, or `skip`"));
        }
        rule.finish()?;
        drafts.push(RuleDraft { when, skip, set });
    }
    Ok(drafts)
}

fn conditions(mut keys: Keys<'_>, slots: &mut Slots) -> Result<Vec<Condition>> {
    let columns: Vec<String> = keys.table.keys().cloned().collect();
    let mut conditions = Vec::new();
    for column in columns {
        let slot = slots.place(column.clone(), keys.path_of(&column));
        let tests = if let Some(Value::Table(_)) = keys.table.get(&column) {
            let Some(mut given) = keys.table(&column)? else {
                continue;
            };
            let mut tests = Vec::new();
            tests.extend(given.texts("is")?.map(TextTest::Is));
            tests.extend(given.texts("not")?.map(TextTest::Not));
            tests.extend(given.texts("starts")?.map(TextTest::Starts));
            tests.extend(given.texts("contains")?.map(TextTest::Contains));
            given.finish()?;
            tests
        } else {
            keys.texts(&column)?.map(TextTest::Is).into_iter().collect()
        };
        if tests.is_empty() {
            return Err(keys.error(&column, "needs one of `is`, `not`, `starts`, `contains`"));
        }
        conditions.push(Condition { slot, tests });
    }
    Ok(conditions)
}
