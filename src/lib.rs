//! Liushui (流水): bank transaction feeds in, small-business cash-flow credit products out.
//!
//! ```text
//! feed ─▶ intake: class, rows, dedup ─▶ open cells ─▶ publish: history, product ─▶ Parquet, NDJSON, a sink
//! ```
//!
//! A [`feed`] is read into checked batches. [`intake`] makes open [`cell`]s of them, one an account and month, that merge
//! with any others; [`publish`] makes [`product`]s of an account's cells. [`batch`] has the runs of the command line: a
//! whole feed in, files out. `ARCHITECTURE.md` has the map, the layers and the invariants.
//!
//! A run over files:
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
//!
//! One account's report from rows in memory: no file, no temporary folder, no runtime, no plan.
//!
//! ```
//! use std::sync::Arc;
//! use arrow::array::{ArrayRef, RecordBatch, StringArray};
//! use liushui::account::Accounts;
//! use liushui::class::{Matcher, Rules};
//! use liushui::feed::{in_memory as tables, schema::Typing};
//! use liushui::hash_key::HashKey;
//! use liushui::intake::{Kernels, in_memory};
//! use liushui::period::Date;
//! use liushui::product::{Context, ProductKind, render::check, render::json};
//! use liushui::publish::ProductPlan;
//!
//! let table = |columns: &[(&str, Vec<&str>)]| {
//!     let column = |texts: &Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(texts.clone())) };
//!     RecordBatch::try_from_iter(columns.iter().map(|(name, texts)| (*name, column(texts))))
//! };
//! let accounts = table(&[
//!     ("account_id", vec!["622200001111"]),
//!     ("provider_id", vec!["P1"]),
//!     ("provider_name", vec!["示例银行股份有限公司"]),
//!     ("subject_uscc", vec!["91350100M000100Y43"]),
//!     ("subject_name", vec!["试验有限公司"]),
//!     ("account_type", vec!["basic"]),
//!     ("currency", vec!["CNY"]),
//!     ("opened_on", vec!["2024-01-01"]),
//!     ("status", vec!["active"]),
//! ])?;
//! let rows = table(&[
//!     ("account_id", vec!["622200001111"; 3]),
//!     ("txn_id", vec!["T1", "T2", "T3"]),
//!     ("booked_at", vec!["2024-01-05 09:30:00", "2024-02-15 16:05:00", "2024-03-21"]),
//!     ("direction", vec!["C", "D", "C"]),
//!     ("amount", vec!["12000.00", "800.50", "3.10"]),
//!     ("balance", vec!["12000.00", "11199.50", "11202.60"]),
//!     ("kind", vec!["TRANSFER", "TAX", "INTEREST"]),
//!     ("counterparty_name", vec!["甲乙贸易有限公司", "待报解预算收入", ""]),
//! ])?;
//!
//! // Checked as a feed's files are; every column here is text, as in CSV.
//! let refused = |verdict| format!("refused: {verdict:?}");
//! let accounts: Arc<dyn Accounts> = Arc::new(tables::accounts(accounts, Typing::AllText).map_err(refused)?);
//! let checked = tables::transactions(rows, Typing::AllText, &accounts).map_err(refused)?;
//!
//! let (rules, as_of) = (Rules::builtin(), Date::parse("2024-03-31").ok_or("no date")?);
//! let kernels = Kernels::new(Arc::new(Matcher::new(&rules)), Arc::clone(&accounts), HashKey::draw()?, 0);
//! let found = in_memory::cells(&kernels, &*accounts, [checked], as_of, 64 << 20)?;
//!
//! let context = Context::precompute(as_of, 1_711_900_800, &rules.version);
//! let account = accounts.account(0).ok_or("no account")?;
//! let plan = ProductPlan::new(ProductKind::Report)?;
//! let report = plan.product(&account, &context, &found.cells[0])?;
//! let mut text = Vec::new();
//! json::write(&mut text, None, check(plan.dictionary(), &report)?, json::Layout::Line)?;
//! let report: serde_json::Value = serde_json::from_slice(&text)?;
//! assert_eq!(report["funds"][0]["period"], "2024Q1");
//! assert_eq!(report["funds"][0]["in_amount"], "12003.10");
//! assert_eq!(report["public"][0]["out_amount"], "800.50");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod account;
pub mod batch;
pub mod cell;
pub mod class;
pub mod error;
pub mod feed;
pub mod flow;
pub mod hash_key;
pub mod intake;
pub mod money;
pub mod observer;
pub mod period;
pub mod product;
pub mod publish;

// Open to this repository's benches, fuzz targets and integration tests; no part of the API.
#[doc(hidden)]
pub mod dictionary_column;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod staging;

mod cache_pool;
mod prefetch;
#[cfg(test)]
mod testing;
