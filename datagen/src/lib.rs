//! A seeded synthetic economy of small businesses: the feed of their bank accounts, and the answers expected of it.
//!
//! Owns the generation of `transactions`, `accounts` and `expected/` from a seed. The crate does not depend on the
//! engine that reads them, so the expected answers are independent: classes and totals follow from the reason why money
//! moves, never from the text of a row. The same options give the same bytes on any machine with any number of threads.
//! There is no clock, and no float in a distribution.
//!
//! ```text
//! Economy      who is who: holders, accounts and counterparties are computed from their numbers
//!   │          one month at a time, blocks of holders in parallel
//! Planner      events: reason, time, counterparty, intended amount
//! Ledger       rows: bookings with balances that chain, both sides of own transfers ──▶ totals, shape
//!   │          in the order of the blocks
//! MonthBuffer  rows by day, in memory or spilled to temporary files; sorted into booking order over all accounts
//! Dirt         repeats, late rows and bad rows, on request
//!   │          row groups in parallel
//! Transactions columns with text ──▶ files of the month, labels, traps
//! ```
//!
//! Memory holds a few bytes per account and the rows of one month. If a month has too many rows, memory holds only a
//! part of one day.

mod block;
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
mod month_buffer;
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
mod summary;
#[cfg(test)]
mod tests;
mod trading_days;

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
