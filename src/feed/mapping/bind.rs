//! A table mapping bound to a file's header: it makes the feed's rows of the file's records.
//!
//! Owns: which field a source column is, the rules, and which conversion a column gets.

use super::convert::{in_or_out, parse_any, plain_money, push_iso, signed_money};
use super::{
    Action, Column, Condition, MoneyColumns, MoneyForm, MoneyPart, Part, Rule, Source, TableMapping, Test, TimeColumn,
};
use crate::feed::record::Record;
use crate::feed::reject::{Code, FileFault};

/// A mapping that knows where its columns stand in one file.
pub(in crate::feed) struct Bound {
    mapping: TableMapping,
    /// The field of each slot.
    fields: Vec<usize>,
    /// What made `txn_id`s begin with.
    content_id: String,
    /// For each output the rule that sets the current record's value, and which of its settings.
    chosen: Vec<Option<(usize, usize)>>,
}

impl TableMapping {
    /// Finds the source columns in a header. `content_id` is wanted where the mapping makes `txn_id`.
    pub(in crate::feed) fn bind(&self, header: &[String], content_id: Option<String>) -> Result<Bound, FileFault> {
        let field = |slot: &super::Slot| {
            let mut found = header.iter().enumerate().filter(|(_, name)| **name == slot.column);
            match (found.next(), found.next()) {
                (Some((index, _)), None) => Ok(index),
                (None, _) => {
                    let hint = format!("the mapping's `{}` takes this column, which the file lacks", slot.key);
                    Err(FileFault::column(Code::MissingColumn, &slot.column, hint))
                }
                (Some(_), Some(_)) => {
                    let hint = format!("the header names the column twice; the mapping's `{}` takes it", slot.key);
                    Err(FileFault::column(Code::BadValue, &slot.column, hint))
                }
            }
        };
        let fields = self.slots.iter().map(field).collect::<Result<_, _>>()?;
        let chosen = vec![None; self.outputs.len()];
        Ok(Bound { mapping: self.clone(), fields, content_id: content_id.unwrap_or_default(), chosen })
    }
}

impl Bound {
    /// Appends a record's values to the outputs, one each.
    ///
    /// # Errors
    /// Where a rule skips the record: its number, from 1. Nothing is appended then.
    pub(in crate::feed) fn apply<'o>(
        &mut self,
        record: Record<'_>,
        row: u64,
        outs: impl Iterator<Item = &'o mut Vec<u8>>,
    ) -> Result<(), usize> {
        let Bound { mapping, fields, content_id, chosen } = self;
        let values = Values { mapping, fields, content_id, record, row };
        chosen.fill(None);
        for (index, rule) in mapping.rules.iter().enumerate().filter(|(_, rule)| values.match_rule(rule)) {
            let Action::Set(sets) = &rule.action else {
                return Err(index + 1);
            };
            for (nth, (output, _)) in sets.iter().enumerate() {
                chosen[*output].get_or_insert((index, nth));
            }
        }
        for ((output, chosen), out) in mapping.outputs.iter().zip(chosen).zip(outs) {
            match chosen.and_then(|(rule, nth)| mapping.rules[rule].action.text(nth)) {
                Some(text) => out.extend_from_slice(text.as_bytes()),
                None => values.push(&output.source, out),
            }
        }
        Ok(())
    }
}

impl Action {
    fn text(&self, nth: usize) -> Option<&str> {
        match self {
            Action::Set(sets) => sets.get(nth).map(|(_, text)| text.as_str()),
            Action::Skip => None,
        }
    }
}

/// A record's values, as the mapping names them.
struct Values<'a> {
    mapping: &'a TableMapping,
    fields: &'a [usize],
    content_id: &'a str,
    record: Record<'a>,
    row: u64,
}

impl<'a> Values<'a> {
    /// A source value, trimmed; empty where it means null.
    fn slot(&self, slot: usize) -> &'a str {
        let value = self.record.field(self.fields[slot]).trim();
        if self.mapping.layout.null.iter().any(|null| null == value) { "" } else { value }
    }

    fn column(&self, column: &Column) -> &'a str {
        let value = self.slot(column.slot);
        if column.null.iter().any(|null| null == value) { "" } else { value }
    }

    fn match_rule(&self, rule: &Rule) -> bool {
        rule.when.iter().all(|condition| self.holds(condition))
    }

    fn holds(&self, condition: &Condition) -> bool {
        let value = self.slot(condition.slot);
        condition.tests.iter().all(|test| match test {
            Test::Is(texts) => texts.iter().any(|text| text == value),
            Test::Not(texts) => texts.iter().all(|text| text != value),
            Test::Starts(texts) => texts.iter().any(|text| value.starts_with(text.as_str())),
            Test::Contains(texts) => texts.iter().any(|text| value.contains(text.as_str())),
        })
    }

    /// Appends the value of a source.
    fn push(&self, source: &Source, out: &mut Vec<u8>) {
        match source {
            Source::Null => {}
            Source::Constant(text) => out.extend_from_slice(text.as_bytes()),
            Source::RowId => out.extend_from_slice(format!("{}-{}", self.content_id, self.row).as_bytes()),
            Source::Column(column) => out.extend_from_slice(self.column(column).as_bytes()),
            Source::Translated { column, values, otherwise } => {
                let value = self.column(column);
                let text = match values.iter().find(|(from, _)| from == value) {
                    Some((_, to)) => to,
                    None if value.is_empty() => "",
                    None => otherwise.as_deref().unwrap_or(value),
                };
                out.extend_from_slice(text.as_bytes());
            }
            Source::Joined { parts, with } => self.push_joined(parts, with, out),
            Source::Time { date, time, date_only } => self.push_time(date, time.as_ref(), *date_only, out),
            Source::Money(columns, part) => self.push_money(columns, *part, out),
        }
    }

    /// Joins what is not null; nothing where all columns are null.
    fn push_joined(&self, parts: &[Part], with: &str, out: &mut Vec<u8>) {
        if !parts.iter().any(|part| matches!(part, Part::Column(slot) if !self.slot(*slot).is_empty())) {
            return;
        }
        let mut joined = false;
        for part in parts {
            let text = match part {
                Part::Column(slot) => self.slot(*slot),
                Part::Constant(text) => text,
            };
            if text.is_empty() {
                continue;
            }
            if joined {
                out.extend_from_slice(with.as_bytes());
            }
            out.extend_from_slice(text.as_bytes());
            joined = true;
        }
    }

    fn push_time(&self, date: &TimeColumn, time: Option<&TimeColumn>, date_only: bool, out: &mut Vec<u8>) {
        let date_text = self.column(&date.column);
        let time_text = time.map_or("", |time| self.column(&time.column));
        let parts = parse_any(&date.forms, date_text);
        // A date whose time is null is its midnight.
        let clock = match time {
            Some(time) if !time_text.is_empty() => parse_any(&time.forms, time_text).map(Some),
            _ => Some(None),
        };
        match (parts.and_then(|parts| Some((parts, parts.date?))), clock) {
            (Some((_, day)), Some(_)) if date_only => push_iso(day, None, None, out),
            (Some((_, day)), Some(Some(clock))) => push_iso(day, clock.time, clock.zone, out),
            (Some((parts, day)), Some(None)) => push_iso(day, parts.time, parts.zone, out),
            _ => {
                out.extend_from_slice(date_text.as_bytes());
                if !time_text.is_empty() {
                    out.push(b' ');
                    out.extend_from_slice(time_text.as_bytes());
                }
            }
        }
    }

    fn push_money(&self, columns: &MoneyColumns, part: MoneyPart, out: &mut Vec<u8>) {
        let (amount, direction) = match &columns.form {
            MoneyForm::Plain(column) => (plain_money(self.column(column), columns.thousands), ""),
            MoneyForm::Signed(column) => signed_money(self.column(column), columns.thousands),
            MoneyForm::InOut(credit, debit) => in_or_out(self.column(credit), self.column(debit), columns.thousands),
        };
        out.extend_from_slice(match part {
            MoneyPart::Amount => amount.as_bytes(),
            MoneyPart::Direction => direction.as_bytes(),
        });
    }
}
