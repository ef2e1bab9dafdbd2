//! Where products go: files now; a store or the body of an answer can be others.
//!
//! Owns: the two traits. Workers publish groups of accounts side by side; a sink that has an order brings the groups into
//! it. Nothing here is asynchronous.

use super::error::PublishError;
use crate::account::Account;
use crate::product::render::CheckedProduct;

/// A destination of products.
pub trait Sink: Sync {
    /// Begins a group of accounts. Groups are numbered from 0 and may be begun by any worker; each worker begins its
    /// groups in ascending order and finishes one before it begins the next. Every group is begun by some worker.
    ///
    /// # Errors
    /// Those of the sink.
    fn begin(&self, group: usize) -> Result<Box<dyn GroupSink + '_>, PublishError>;
}

/// The products of one group, which one worker appends. Dropped before it is finished, it ends the groups behind it with an
/// error, so that no worker waits for it forever.
pub trait GroupSink {
    /// Adds one product of an account, by its place in the list of products; accounts come in ascending order of their ids.
    /// The call may wait for groups before this one, but not in the lowest group that is not finished.
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
