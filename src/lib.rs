//! Liushui (流水): bank transaction feeds in, small-business cash-flow credit products out.
//!
//! ```text
//! feed ─▶ class ─▶ rows ─▶ cell ─▶ product ─▶ Parquet, NDJSON
//! ```
//!
//! A [`feed`] is read into checked transactions; each gets a [`class`]; reduced to integers and keyed hashes as
//! [`rows`], they wait by parts of accounts; a part's rows become [`cell`]s, one an account and month; a [`product`]
//! is a pure function of an account's cells. [`build`] runs the whole way, [`classify`] as far as the class; [`doctor`] looks at rows on their way and tells what is odd
//! about a feed; [`pipeline`] and [`engine`] run the SQL between. Arrows point down only: see `ARCHITECTURE.md` for the map and the invariants.
//!
//! The shortest use as a library:
//!
//! ```no_run
//! use std::sync::Arc;
//! use liushui::batch::build::{BuildOptions, build};
//! use liushui::observer::{NoObserver, Observer};
//!
//! let options = BuildOptions::new("transactions".into(), "accounts.parquet".into(), "out".into(), 0);
//! let observer: Arc<dyn Observer> = Arc::new(NoObserver);
//! let outcome = build(&options, &observer)?;
//! println!("{} rows", outcome.report.rows_read);
//! # Ok::<(), liushui::error::Error>(())
//! ```

pub mod account;
pub mod batch;
pub mod cache_pool;
pub mod cell;
pub mod class;
pub mod dictionary_column;
pub mod engine;
pub mod error;
pub mod feed;
pub mod flow;
pub mod hash_key;
pub mod intake;
pub mod money;
pub mod observer;
pub mod period;
mod prefetch;
pub mod product;
pub mod publish;
pub mod staging;
#[cfg(test)]
mod testing;
