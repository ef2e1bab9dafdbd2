//! A draft while it is written: its lines, and the table that they are about.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::MappingDraft;
use super::headings::{KnownColumn, Meaning};
use super::table::FileTable;
use super::words::is_null;

/// A draft while it is written.
pub(super) struct Draft<'t> {
    pub(super) table: &'t FileTable,
    /// The columns whose meaning is known.
    pub(super) columns: Vec<KnownColumn>,
    /// The texts that mean null.
    pub(super) nulls: BTreeSet<&'t str>,
    toml: String,
    unsure: usize,
}

/// The texts of a table that mean null.
fn nulls<'t>(table: &'t FileTable, columns: &[KnownColumn]) -> BTreeSet<&'t str> {
    // A sign alone is a direction.
    let direction = columns.iter().find(|column| column.meaning == Meaning::Direction).map(|column| column.column);
    let texts = table.rows.iter().flat_map(|row| row.iter().enumerate()).filter(|(at, _)| Some(*at) != direction);
    texts.map(|(_, text)| text.as_str()).filter(|text| is_null(text)).collect()
}

impl<'t> Draft<'t> {
    /// A draft without lines.
    pub(super) fn new(table: &'t FileTable) -> Draft<'t> {
        let columns = table.known_columns();
        let nulls = nulls(table, &columns);
        Draft { table, columns, nulls, toml: String::new(), unsure: 0 }
    }

    /// The draft as it was written.
    pub(super) fn finish(self) -> MappingDraft {
        MappingDraft { toml: self.toml, unsure: self.unsure }
    }

    /// The column with a meaning.
    pub(super) fn column(&self, meaning: Meaning) -> Option<KnownColumn> {
        self.columns.iter().find(|column| column.meaning == meaning).copied()
    }

    /// The values of a column, without nulls.
    pub(super) fn values(&self, column: usize) -> Vec<&'t str> {
        self.table.texts(column).filter(|value| !value.is_empty() && !self.nulls.contains(value)).collect()
    }

    /// The heading of a column, quoted.
    pub(super) fn heading(&self, column: &KnownColumn) -> String {
        quoted(&self.table.header[column.column])
    }

    /// The doubt about a column whose heading is not sure.
    pub(super) fn doubt(&self, column: &KnownColumn) -> Option<&'static str> {
        (!column.is_sure).then_some("the heading is like one that we know")
    }

    /// Writes a line, with the doubt about it.
    pub(super) fn line(&mut self, line: &str, doubt: Option<&str>) {
        self.toml += line;
        if let Some(doubt) = doubt {
            self.unsure += 1;
            // Writing to a String cannot fail.
            let _ = write!(self.toml, " # unsure: {doubt}");
        }
        self.toml.push('\n');
    }
}

/// A text as a TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
