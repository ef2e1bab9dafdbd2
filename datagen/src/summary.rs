//! The summary of a generation: counts of rows, files and answers.
//!
//! Owns the fields only; `run` counts.

use crate::class::Class;
use crate::name::Trap;
use crate::shape::Shape;

/// Counts of what was generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Transactions, each counted once.
    pub rows: u64,
    /// Repeated rows, in addition to `rows`.
    pub repeats: u64,
    /// Bad rows, in addition to `rows` and `repeats`.
    pub bad_rows: u64,
    /// The highest number of bad rows in one file. A reader must tolerate that many.
    pub max_rejects: u64,
    /// Bytes of the files under `transactions/`.
    pub bytes: u64,
    /// Accounts, including those without rows.
    pub accounts: u64,
    /// Holders of the accounts.
    pub holders: u64,
    /// Transactions by intended class.
    pub rows_by_class: [(Class, u64); 7],
    /// By trap: transactions whose counterparty name is a trap, and how many of them have an ambiguous label.
    pub traps: Vec<(Trap, u64, u64)>,
    /// Transactions with an ambiguous label: nobody could derive it from the row.
    pub ambiguous: u64,
    /// Distributions of the generated rows, for comparison with the profile.
    pub shape: Shape,
}
