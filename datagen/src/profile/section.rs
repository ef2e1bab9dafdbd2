//! Tables of a TOML file, read key by key and checked against ranges.
//!
//! Owns the wording of the errors. Each one names the table and the key. An unknown key is an error.

use crate::error::Error;

/// A table that records which keys were read.
pub(super) struct Section<'a> {
    path: String,
    table: &'a toml::Table,
    keys_read: Vec<String>,
}

impl<'a> Section<'a> {
    pub(super) fn new(path: &str, table: &'a toml::Table) -> Section<'a> {
        Section { path: path.to_owned(), table, keys_read: Vec::new() }
    }

    pub(super) fn section(&mut self, key: &str) -> Result<Section<'a>, Error> {
        let path = self.name(key);
        match self.value(key)? {
            toml::Value::Table(table) => Ok(Section::new(&path, table)),
            _ => Err(self.refused(key, "not a table")),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// An integer from `low` to `high`.
    pub(super) fn int(&mut self, key: &str, range: (i64, i64)) -> Result<u32, Error> {
        let value = self.value(key)?.as_integer().ok_or_else(|| self.refused(key, "not an integer"))?;
        Ok(self.checked(key, value, range)? as u32)
    }

    /// An array of `N` integers, each from `low` to `high`.
    pub(super) fn ints<const N: usize>(&mut self, key: &str, range: (i64, i64)) -> Result<[u32; N], Error> {
        Ok(self.array(key, range)?.map(|value| value as u32))
    }

    /// An array of `N` weights that are not all 0.
    pub(super) fn weights<const N: usize>(&mut self, key: &str) -> Result<[u32; N], Error> {
        let weights = self.ints(key, (0, 1_000_000))?;
        if weights.iter().all(|weight| *weight == 0) {
            return Err(self.refused(key, "at least one must be above 0"));
        }
        Ok(weights)
    }

    /// Two integers, the lower one first.
    pub(super) fn range(&mut self, key: &str, range: (i64, i64)) -> Result<[i64; 2], Error> {
        let [low, high] = self.array(key, range)?;
        if low > high {
            return Err(self.refused(key, &format!("{low} is more than {high}")));
        }
        Ok([low, high])
    }

    fn array<const N: usize>(&mut self, key: &str, range: (i64, i64)) -> Result<[i64; N], Error> {
        let wrong = format!("not an array of {N} integers");
        let items = self.value(key)?.as_array().ok_or_else(|| self.refused(key, &wrong))?;
        let items: Option<Vec<i64>> = items.iter().map(toml::Value::as_integer).collect();
        let items = items.and_then(|items| <[i64; N]>::try_from(items).ok());
        let items = items.ok_or_else(|| self.refused(key, &wrong))?;
        for item in items {
            self.checked(key, item, range)?;
        }
        Ok(items)
    }

    fn checked(&self, key: &str, value: i64, (low, high): (i64, i64)) -> Result<i64, Error> {
        if (low..=high).contains(&value) {
            return Ok(value);
        }
        Err(self.refused(key, &format!("{value} is not between {low} and {high}")))
    }

    fn value(&mut self, key: &str) -> Result<&'a toml::Value, Error> {
        self.keys_read.push(key.to_owned());
        self.table.get(key).ok_or_else(|| error(format!("`{}` is missing", self.name(key))))
    }

    /// An error about `key`.
    pub(super) fn refused(&self, key: &str, reason: &str) -> Error {
        error(format!("`{}`: {reason}", self.name(key)))
    }

    /// Ends the table: a key that was not read is an error.
    pub(super) fn finish(self) -> Result<(), Error> {
        match self.table.keys().find(|key| !self.keys_read.contains(key)) {
            Some(key) => Err(error(format!("`{}` is unknown", self.name(key)))),
            None => Ok(()),
        }
    }

    fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn error(reason: String) -> Error {
    Error::Option { name: "profile", reason }
}
