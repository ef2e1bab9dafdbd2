//! The warnings of a feed: findings that refuse nothing.

use std::sync::{Mutex, PoisonError};

/// Warnings that workers collect.
#[derive(Default, Debug)]
pub(super) struct Warnings {
    messages: Mutex<Vec<String>>,
}

impl Warnings {
    /// Adds a warning of the columns of a file that its table does not have; none if there are none.
    pub(super) fn add_unknown_columns(&self, file: &str, columns: &[String]) {
        if !columns.is_empty() {
            let message = format!("{file}: unknown columns are ignored: `{}`", columns.join("`, `"));
            self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        }
    }

    /// Takes the warnings so far, sorted.
    pub(super) fn take(&self) -> Vec<String> {
        let mut messages = std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner));
        messages.sort();
        messages
    }
}
