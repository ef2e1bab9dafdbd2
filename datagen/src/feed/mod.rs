//! The two tables of a feed as Arrow columns.
//! Owns their schemas and the text in them. Files are written by `output`.

mod accounts;
mod transactions;

pub(crate) use accounts::{accounts_columns, accounts_schema};
pub(crate) use transactions::{Batch, ROWS_PER_BATCH, Transactions, distinct_columns, transactions_schema};
