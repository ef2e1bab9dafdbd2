//! Publish: an account's row, its cells and a context in, products out into a sink.

pub mod encode;
pub mod in_order;
pub mod reconcile;
