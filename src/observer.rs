//! Who is told of a run as it goes on: progress, warnings, products. Owns nothing that is told.

use crate::account::Account;
use crate::product::ProductKind;
use crate::product::value::Product;

/// Told of a run as it goes on, from any thread. Whatever is not wanted may be left to the defaults, which do nothing.
pub trait Observer: Send + Sync {
    /// A stage begins; `total` is its length where that is known.
    fn stage(&self, _stage: Stage, _total: Option<u64>) {}
    /// So many rows (reading) or accounts (products) more are done.
    fn advance(&self, _count: u64) {}
    /// Something to know that stops nothing.
    fn warn(&self, _message: &str) {}
    /// A product was computed, from so many rows in sight; accounts of one part come in order, parts side by side.
    fn product(&self, _account: &Account, _rows: u64, _kind: ProductKind, _product: &Product) {}
}

/// The stages of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Decoding, checking and classifying rows.
    Read,
    /// Cells and products, by parts of accounts.
    Products,
    /// Looking at accounts, by parts.
    Accounts,
    /// Sending rows in booking order.
    Send,
}

/// No one to tell.
pub struct NoObserver;

impl Observer for NoObserver {}
