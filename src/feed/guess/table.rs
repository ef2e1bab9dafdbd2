//! The header of a file and the rows below it.

use super::headings::{KnownColumn, Meaning, known_columns};
use super::words::is_null;

/// The first records, among which the header must be.
const HEADER_WITHIN: usize = 100;

/// A file split into records: its header, and the rows below it.
pub(super) struct FileTable {
    pub(super) delimiter: u8,
    /// Records before the header.
    pub(super) preamble: usize,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl FileTable {
    /// Finds the header: the record with the most known headings, among them a date and money. The number of known headings
    /// comes with the table.
    pub(super) fn find(records: Vec<Vec<String>>, delimiter: u8) -> Option<(usize, FileTable)> {
        let score = |record: &Vec<String>| {
            let known = known_columns(record, |_| true);
            let has = |meaning| known.iter().any(|column| column.meaning == meaning);
            let has_money = has(Meaning::Amount) || has(Meaning::MoneyIn) && has(Meaning::MoneyOut);
            (has(Meaning::Date) && has_money).then_some(known.len())
        };
        let scores = records.iter().take(HEADER_WITHIN).enumerate();
        let scores = scores.filter_map(|(at, record)| Some((score(record)?, at)));
        // Of equal scores the first record's.
        let (score, preamble) = scores.max_by_key(|(score, at)| (*score, std::cmp::Reverse(*at)))?;
        let mut records = records.into_iter();
        let header = records.by_ref().nth(preamble)?;
        Some((score, FileTable { delimiter, preamble, header, rows: records.collect() }))
    }

    /// The columns whose meaning is known.
    pub(super) fn known_columns(&self) -> Vec<KnownColumn> {
        let has_values = |column: usize| self.texts(column).any(|text| !text.is_empty() && !is_null(text));
        known_columns(&self.header, has_values)
    }

    /// The texts of a column.
    pub(super) fn texts(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str)
    }
}
