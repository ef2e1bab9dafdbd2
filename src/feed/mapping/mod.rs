//! Mappings: the conversion of another layout's columns to the feed's.
//!
//! Owns: the grammar of a mapping file ([`parse`]), the binding of its columns to a file's header and the
//! conversion of records ([`bind`]). Does not own: records and encodings ([`csv`](super::csv)), or checks. A value that a
//! mapping cannot convert passes unchanged, and the checks refuse it.
//!
//! ```toml
//! [file]                       # all optional
//! encoding = "gb18030"         # or "utf-8"; absent = detected from the bytes
//! delimiter = ";"              # absent = ","
//! header = ["date", "amount"]  # the header is the first line that holds these; absent = the first line
//! ragged = "refuse"            # rows of other length: "refuse", "pad" (short: null; long: blank surplus), "skip"
//! footer = ["Total"]           # a row whose first field begins so is skipped
//! null = ["--", "/"]           # texts that mean null in any column
//!
//! [columns]                    # column of the feed = its source
//! account_id = "acct"                                             # a source column
//! currency = { constant = "CNY" }
//! channel = { column = "via", values = { "Counter" = "counter" }, otherwise = "" } # absent otherwise = unchanged
//! counterparty_account = { column = "other", null = ["0"] }
//! summary = { join = ["a", { constant = "no." }, "b"], with = " " } # null parts are left out
//! opened_on = { column = "date", format = "%y%m%d" }              # %y: 70 to 99 = 19yy, 00 to 69 = 20yy
//! booked_at = { date = { column = "d", format = "%Y%m%d" }, time = { column = "t", format = "%H%M%S" } }
//! balance = { column = "bal", thousands = "," }
//! amount = { column = "amt", thousands = ",", direction = "sign" } # makes `direction` too: `-` is D
//! # or  { in = "received", out = "paid", thousands = "," }         # likewise, from two columns
//!
//! [[row]]                      # in order
//! when = { via = "x", note = ["a", ""], memo = { starts = "q" } }  # all must hold; "" is null
//! set = { kind = "FEE" }       # or: skip = true
//!
//! [accounts.file] [accounts.columns] [[accounts.row]]  # a second source table, in the same words
//! # or [accounts.constants]    # the one account of a statement that carries none; `account_id` may be left out of
//!                              # [columns] then
//! # absent                     # accounts come in the feed's own layout
//! ```
//!
//! Source values are trimmed first. Of the `[[row]]` rules that match a row, the first that sets a column decides its value,
//! before `[columns]`; if one of them skips, the row is skipped, whatever the others do. A `format` may be a list, tried in
//! order. A mapping without `txn_id` makes one from the file's content and the row number.

mod bind;
mod error;
mod keys;
mod money;
mod parse;
mod rule;
mod shipped;
mod source;
mod time;

use std::path::Path;

pub(super) use self::bind::BoundMapping;
pub use self::error::MappingError;
pub(super) use self::money::plain_money;
use self::rule::RowRule;
use self::shipped::SHIPPED;
use self::source::{Output, Slot, ValueSource};
pub(super) use self::time::{TimeFormat, parse_any};
use super::layout::Layout;

/// The most parts that a column may be joined of.
pub const JOIN_PARTS_MAX: usize = 16;

/// The conversion of a provider's layout to the feed's two tables.
#[derive(Clone, PartialEq, Debug)]
pub struct Mapping {
    /// The name of a shipped mapping, or the path.
    pub name: String,
    /// The conversion of transactions; `None` where the mapping gives only the account, since the files are statements in a
    /// format of their own.
    pub transactions: Option<TableMapping>,
    /// The source of the accounts.
    pub accounts: AccountsMapping,
}

/// The source of the accounts.
#[derive(Clone, PartialEq, Debug)]
pub enum AccountsMapping {
    /// Files in the feed's own layout.
    Own,
    /// Files in another layout.
    Table(TableMapping),
    /// The mapping itself: one account, as columns and texts.
    Constants(Vec<(&'static str, String)>),
}

/// The conversion of one source table to a table of the feed.
#[derive(Clone, PartialEq, Debug)]
pub struct TableMapping {
    layout: Layout,
    /// Source columns, which outputs and rules refer to by index.
    slots: Vec<Slot>,
    /// In the order of the feed's columns.
    outputs: Vec<Output>,
    rules: Vec<RowRule>,
}

impl Mapping {
    /// Loads a shipped mapping by its name, or a file. `account` gives columns of the one account of a statement that names
    /// none; they take precedence over the mapping's `[accounts.constants]`.
    ///
    /// # Errors
    /// [`MappingError`], also for an account that lacks a required column.
    pub fn load(name: &Path, account: &[(String, String)]) -> Result<Mapping, MappingError> {
        let shown = name.display().to_string();
        if let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == shown) {
            return parse::mapping(&shown, text, account);
        }
        let text = std::fs::read_to_string(name).map_err(|error| MappingError::Unreadable {
            name: shown.clone(),
            problem: error.kind().to_string(),
            shipped: SHIPPED.map(|(shipped, _)| shipped).join(", "),
        })?;
        parse::mapping(&shown, &text, account)
    }

    /// A mapping of no layout, only of the one account of files that have everything else, such as bank statements.
    ///
    /// # Errors
    /// [`MappingError`] for an account that lacks a required column.
    pub fn of_account(account: &[(String, String)]) -> Result<Mapping, MappingError> {
        parse::account_alone(account)
    }

    /// Parses a mapping; `name` is for messages.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn parse(name: &str, toml: &str) -> Result<Mapping, MappingError> {
        parse::mapping(name, toml, &[])
    }
}

impl TableMapping {
    /// The layout of its files.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The columns that it gives, in the order of the feed's columns.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.outputs.iter().map(|output| output.name)
    }

    /// Whether it makes `txn_id` from the file's content, which takes one more pass over the file.
    pub fn makes_txn_id(&self) -> bool {
        self.outputs.iter().any(|output| output.source == ValueSource::RowId)
    }
}

#[cfg(test)]
mod tests;
