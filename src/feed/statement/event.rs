//! The events of a statement file, which both syntaxes give.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::feed::reject::FileFault;
use crate::feed::schema::is_bank_code;
use crate::money::parse_fen;

/// The events of a file, in order; the first fault ends them.
pub(super) type StatementEvents = Box<dyn Iterator<Item = Result<StatementEvent, FileFault>> + Send>;

/// An event of a statement file. A file is a sequence of events, in this order for each statement.
#[derive(Debug)]
pub(super) enum StatementEvent {
    /// A statement begins.
    Begin,
    /// Its account.
    Account(String),
    /// Its opening balance in fen; `None` where it is no amount.
    Opening(Option<i64>, BalanceScope),
    /// Its closing balance.
    Closing(Option<i64>, BalanceScope),
    /// Booked entries.
    Entries(Vec<Entry>),
    /// An entry that is not booked yet.
    Pending,
    /// The statement ends, and is complete.
    End,
}

/// The extent of a balance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BalanceScope {
    /// The whole statement.
    Statement,
    /// A page of a statement that is divided into messages.
    Page,
}

/// An entry of a statement, as texts; an empty text is null.
#[derive(Clone, Default, Debug)]
pub(super) struct Entry {
    /// The bank's reference.
    pub(super) reference: String,
    /// In the format of the feed.
    pub(super) booked_at: String,
    /// Whether the account received the money.
    pub(super) is_credit: bool,
    /// It reverses an earlier entry, which had the other direction.
    pub(super) is_reversal: bool,
    /// Without a sign.
    pub(super) amount: String,
    pub(super) currency: String,
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) account: String,
    pub(super) bank: String,
    pub(super) uscc: String,
    pub(super) summary: String,
    pub(super) remark: String,
}

impl Entry {
    /// The change of the balance in fen; `None` where the amount is no amount.
    pub(super) fn change_fen(&self) -> Option<i64> {
        let fen = parse_fen(&self.amount).filter(|fen| *fen >= 0)?;
        Some(if self.is_credit { fen } else { -fen })
    }

    /// Whether the row's direction is in. A reversal has the direction of the transaction that it reverses.
    pub(super) fn is_in(&self) -> bool {
        self.is_credit != self.is_reversal
    }

    /// A hash of the account and the reference.
    pub(super) fn reference_hash(&self, account: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (account, &self.reference).hash(&mut hasher);
        hasher.finish()
    }
}

/// A text as a unified social credit code, if it is a valid one.
pub(super) fn uscc_of(text: &str) -> Option<String> {
    let upper = text.trim().to_uppercase();
    crate::account::uscc_is_valid(&upper).then_some(upper)
}

/// A text as a CNAPS code, else nothing: no other identifier of a bank is a value of the column.
pub(super) fn bank_code_of(text: &str) -> String {
    Some(text.trim()).filter(|text| is_bank_code(text)).unwrap_or_default().to_string()
}
