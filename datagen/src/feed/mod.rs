//! The two tables of a feed as Arrow columns.
//!
//! Owns their schemas and values. `output` writes the files.

mod accounts;
mod transactions;

pub(crate) use accounts::{accounts_columns, accounts_schema};
pub(crate) use transactions::{Batch, ROWS_PER_BATCH, Transactions, distinct_columns, transactions_schema};
