//! Publish: an account's row, its cells and a context in, products out into a sink.
//!
//! Owns: the way from cells to checked products ([`ProductPlan`], pure functions), the traits of a sink ([`Sink`]), the
//! files of products ([`files`]) in their formats ([`mod@format`]), and the checks that what comes out equals what went in
//! ([`reconcile`]). Does not own: how cells come about, which accounts are published by which worker, or where finished
//! files are put.
//!
//! ```text
//! account, context, cells ─▶ history ─▶ fill, each product ─▶ GroupSink::append ─▶ in order of groups ─▶ file
//! ```

pub mod error;
pub mod files;
pub mod format;
mod funds_check;
pub mod in_order;
mod plan;
pub mod reconcile;
mod sink;

pub use error::PublishError;
pub use plan::{FilledProduct, ProductPlan, history};
pub use sink::{GroupSink, Sink};
