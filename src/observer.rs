//! The observer of a run: receives progress, warnings and products while the run is in progress.

use crate::account::Account;
use crate::product::ProductKind;
use crate::product::value::Product;

/// Receives the events of a run, on any thread. The default methods do nothing.
pub trait Observer: Send + Sync {
    /// A stage begins; `total` is its length, if known.
    fn stage(&self, _stage: Stage, _total: Option<u64>) {}
    /// This many more rows (reading) or accounts (products) are done.
    fn advance(&self, _count: u64) {}
    /// A warning, which does not stop the run.
    fn warn(&self, _message: &str) {}
    /// A product was computed, from this many rows. Accounts of one partition are in order; partitions run in parallel.
    fn product(&self, _account: &Account, _rows: u64, _kind: ProductKind, _product: &Product) {}
}

/// The stages of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Decoding, checking and classifying rows.
    Read,
    /// Cells and products, by partitions of accounts.
    Products,
    /// Checking accounts, by partitions.
    Accounts,
    /// Sending rows in booking order.
    Send,
}

/// An observer that ignores all events.
pub struct NoObserver;

impl Observer for NoObserver {}
