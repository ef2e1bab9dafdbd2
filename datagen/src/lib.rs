//! A seeded synthetic economy of small businesses: their bank accounts' feed, and the answers that the feed should give.
//!
//! Owns the generation of `transactions`, `accounts` and `expected/` from a seed. Knows nothing of the engine that reads
//! them, so that what it expects is an independent answer: classes and totals come from why money was moved, never from
//! the text of a row. The same options give the same bytes on any machine and any number of threads: no clock, no float
//! in a distribution.
//!
//! ```text
//! Economy ── who is who: holders, accounts and counterparties follow from their numbers
//!    │ a month at a time, a run of holders at a time, runs in parallel
//! Planner ── events: why, when, with whom, about how much
//! Ledger  ── rows: what was booked, with balances that chain, on both sides of own transfers ──▶ totals, shape
//!    │ in the order of the runs
//! Shelf   ── rows by day, in memory or in temporary files; sorted into booking order over all accounts
//! Dirt    ── repeats, late and bad rows, if asked for
//!    │ row groups in parallel
//! Feed    ── columns with text ──▶ files of the month, labels, traps
//! ```
//!
//! Memory holds some bytes an account, and one month of rows, or of a large month a part of one day.

mod calendar;
mod class;
mod code;
mod counterparty;
mod csv;
mod delivery;
mod dirt;
mod economy;
mod error;
mod expected;
mod feed;
mod holder;
mod identifier;
mod industry;
mod ledger;
mod life;
mod movement;
mod name;
mod options;
mod output;
mod parallel;
mod party;
mod plan;
mod pool;
mod profile;
mod provider;
mod random;
mod refused;
mod row;
mod run;
mod shape;
mod shelf;
mod summary;
mod tempo;
#[cfg(test)]
mod tests;

pub use calendar::Date;
pub use class::Class;
pub use error::Error;
pub use industry::Industry;
pub use name::Trap;
pub use options::{Format, Options};
pub use profile::Profile;
pub use run::generate;
pub use shape::Shape;
pub use summary::Summary;
