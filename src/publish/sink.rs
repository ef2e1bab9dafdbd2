//! Destinations of products: files now; a store or the body of an HTTP answer can be others.
//!
//! Owns: the two traits. Workers publish groups of accounts in parallel; a sink that needs an order puts the groups into
//! order itself. Calls are synchronous.

use super::error::PublishError;
use crate::account::Account;
use crate::product::render::CheckedProduct;

/// A destination of products.
pub trait Sink: Sync {
    /// Begins a group of accounts. Groups are numbered from 0, and every group is begun by one worker. A worker begins its
    /// groups in ascending order and finishes each before it begins the next.
    ///
    /// # Errors
    /// Those of the sink.
    fn begin(&self, group: usize) -> Result<Box<dyn GroupSink + '_>, PublishError>;
}

/// The products of one group, which one worker appends. If it is dropped before it is finished, later groups end with an
/// error, so that no worker waits for it forever.
pub trait GroupSink {
    /// Adds one product of an account; `product` is its place in the list of products. Accounts come in ascending order of
    /// their ids. The call may wait for earlier groups, but never in the lowest group that is not finished.
    ///
    /// # Errors
    /// Those of the sink.
    fn append(&mut self, product: usize, account: &Account, value: CheckedProduct<'_>) -> Result<(), PublishError>;

    /// Ends the group. May wait as [`GroupSink::append`] does.
    ///
    /// # Errors
    /// Those of the sink.
    fn finish(self: Box<Self>) -> Result<(), PublishError>;
}
