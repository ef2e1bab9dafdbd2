//! TOML tables, walked key by key, so that each message names a key by its whole path.

use toml::{Table, Value};

use super::error::MappingError;

/// The result of taking a key.
pub(super) type Result<T> = std::result::Result<T, MappingError>;

/// A table whose keys are taken one by one. A key that is left at the end is unknown.
pub(super) struct Keys<'a> {
    pub(super) name: &'a str,
    /// The keys that lead to the table, with points between.
    pub(super) path: String,
    pub(super) table: Table,
}

impl<'a> Keys<'a> {
    /// The path of a key, for messages.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }

    /// The keys of a table within this one.
    pub(super) fn below(&self, key: &str, table: Table) -> Keys<'a> {
        Keys { name: self.name, path: self.path_of(key), table }
    }

    /// Whether a key is there and not taken.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Takes a table.
    pub(super) fn table(&mut self, key: &str) -> Result<Option<Keys<'a>>> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(self.below(key, table))),
            Some(_) => Err(self.error(key, "must be a table")),
        }
    }

    /// Takes a text.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(key, "must be a text")),
        }
    }

    /// Takes a text that must be there.
    pub(super) fn required_text(&mut self, key: &str) -> Result<String> {
        self.text(key)?.ok_or_else(|| self.error(key, "missing"))
    }

    /// Takes a text or a list of texts.
    pub(super) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>> {
        let values = match self.table.remove(key) {
            None => return Ok(None),
            Some(Value::Array(values)) => values,
            Some(value) => vec![value],
        };
        let mut texts = Vec::with_capacity(values.len());
        for value in values {
            let Value::String(text) = value else {
                return Err(self.error(key, "must be a text or a list of texts"));
            };
            texts.push(text);
        }
        Ok(Some(texts))
    }

    /// Checks that no key is left.
    pub(super) fn finish(self) -> Result<()> {
        match self.table.keys().next() {
            Some(key) => Err(self.error(key, "unknown key")),
            None => Ok(()),
        }
    }

    /// The error of a key.
    pub(super) fn error(&self, key: &str, problem: &str) -> MappingError {
        MappingError::Key { name: self.name.to_string(), key: self.path_of(key), problem: problem.to_string() }
    }
}
