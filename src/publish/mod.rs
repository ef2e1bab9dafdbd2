//! Publish: an account's row, its cells and a context in, products out into a sink.
//!
//! Owns: pure functions from cells to checked products ([`ProductPlan`]), the traits of a sink ([`Sink`]), files of products
//! ([`files`]) in their formats ([`mod@format`]), and the reconciliation ([`reconcile`]). Does not own: how cells are made, the
//! workers, or the place of finished files.
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
