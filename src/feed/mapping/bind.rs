//! A table mapping bound to a file's header: it converts the file's records to rows of the feed.
//!
//! Owns: the field of each source column, the evaluation of rules, and the conversion of each column. Does not own: the
//! conversions of single values ([`money`](super::money), [`time`](super::time)).

use super::TableMapping;
use super::money::{in_or_out, plain_money, signed_money};
use super::rule::{Condition, RowRule, RuleAction, TextTest};
use super::source::{JoinPart, MoneyColumns, MoneyForm, MoneyPart, Slot, SourceColumn, TimeColumn, ValueSource};
use super::time::{parse_any, push_iso};
use crate::feed::record::Record;
use crate::feed::reject::{Code, FileFault};

/// A mapping with the positions of its columns in one file.
pub(in crate::feed) struct BoundMapping {
    mapping: TableMapping,
    /// The field of each slot.
    fields: Vec<usize>,
    /// The beginning of each `txn_id` that is made.
    content_id: String,
    /// For each output, the rule that sets it in the current record, and the index of its setting.
    chosen: Vec<Option<(usize, usize)>>,
}

impl TableMapping {
    /// Finds the source columns in a header. `content_id` is needed where the mapping makes `txn_id`.
    pub(in crate::feed) fn bind(
        &self,
        header: &[String],
        content_id: Option<String>,
    ) -> Result<BoundMapping, FileFault> {
        let field = |slot: &Slot| {
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
        Ok(BoundMapping { mapping: self.clone(), fields, content_id: content_id.unwrap_or_default(), chosen })
    }
}

impl BoundMapping {
    /// Appends the values of a record to the outputs, one to each.
    ///
    /// # Errors
    /// The number of the rule that skips the record, from 1. Then nothing is appended.
    pub(in crate::feed) fn apply<'o>(
        &mut self,
        record: Record<'_>,
        row: u64,
        outs: impl Iterator<Item = &'o mut Vec<u8>>,
    ) -> Result<(), usize> {
        let BoundMapping { mapping, fields, content_id, chosen } = self;
        let values = Values { mapping, fields, content_id, record, row };
        chosen.fill(None);
        for (index, rule) in mapping.rules.iter().enumerate().filter(|(_, rule)| values.match_rule(rule)) {
            let RuleAction::Set(sets) = &rule.action else {
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

impl RuleAction {
    fn text(&self, nth: usize) -> Option<&str> {
        match self {
            RuleAction::Set(sets) => sets.get(nth).map(|(_, text)| text.as_str()),
            RuleAction::Skip => None,
        }
    }
}

/// The values of a record, by the mapping's source columns.
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

    fn column(&self, column: &SourceColumn) -> &'a str {
        let value = self.slot(column.slot);
        if column.null.iter().any(|null| null == value) { "" } else { value }
    }

    fn match_rule(&self, rule: &RowRule) -> bool {
        rule.when.iter().all(|condition| self.holds(condition))
    }

    fn holds(&self, condition: &Condition) -> bool {
        let value = self.slot(condition.slot);
        condition.tests.iter().all(|test| match test {
            TextTest::Is(texts) => texts.iter().any(|text| text == value),
            TextTest::Not(texts) => texts.iter().all(|text| text != value),
            TextTest::Starts(texts) => texts.iter().any(|text| value.starts_with(text.as_str())),
            TextTest::Contains(texts) => texts.iter().any(|text| value.contains(text.as_str())),
        })
    }

    /// Appends the value of a source.
    fn push(&self, source: &ValueSource, out: &mut Vec<u8>) {
        match source {
            ValueSource::Null => {}
            ValueSource::Constant(text) => out.extend_from_slice(text.as_bytes()),
            ValueSource::RowId => out.extend_from_slice(format!("{}-{}", self.content_id, self.row).as_bytes()),
            ValueSource::Column(column) => out.extend_from_slice(self.column(column).as_bytes()),
            ValueSource::Translated { column, values, otherwise } => {
                let value = self.column(column);
                let text = match values.iter().find(|(from, _)| from == value) {
                    Some((_, to)) => to,
                    None if value.is_empty() => "",
                    None => otherwise.as_deref().unwrap_or(value),
                };
                out.extend_from_slice(text.as_bytes());
            }
            ValueSource::Joined { parts, with } => self.push_joined(parts, with, out),
            ValueSource::Time { date, time, date_only } => self.push_time(date, time.as_ref(), *date_only, out),
            ValueSource::Money(columns, part) => self.push_money(columns, *part, out),
        }
    }

    /// Joins the parts that are not null; nothing where all columns are null.
    fn push_joined(&self, parts: &[JoinPart], with: &str, out: &mut Vec<u8>) {
        if !parts.iter().any(|part| matches!(part, JoinPart::Column(slot) if !self.slot(*slot).is_empty())) {
            return;
        }
        let mut joined = false;
        for part in parts {
            let text = match part {
                JoinPart::Column(slot) => self.slot(*slot),
                JoinPart::Constant(text) => text,
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
        let parts = parse_any(&date.formats, date_text);
        // A date without a time is midnight.
        let clock = match time {
            Some(time) if !time_text.is_empty() => parse_any(&time.formats, time_text).map(Some),
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
