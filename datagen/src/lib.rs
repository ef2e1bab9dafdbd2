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
mod dirt;
mod economy;
mod error;
mod expected;
mod feed;
mod holder;
mod industry;
mod ledger;
mod life;
mod movement;
mod name;
mod output;
mod parallel;
mod plan;
mod profile;
mod provider;
mod random;
mod refused;
mod row;
mod run;
mod shape;
mod shelf;
mod tempo;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::str::FromStr;

pub use calendar::Date;
pub use class::Class;
pub use error::Error;
pub use industry::Industry;
pub use name::Trap;
pub use profile::Profile;
pub use shape::Shape;

const ACCOUNTS_MAX: u32 = 50_000_000;
const MONTHS_MAX: u32 = 240;
const ROWS_MAX: u32 = 10_000;
const THREADS_MAX: usize = 256;
/// Rows of a month that stay in memory: about half a GiB.
const ROWS_IN_MEMORY: u64 = 8_000_000;

// Each holder has at least one account.
const _: () = assert!(ACCOUNTS_MAX <= economy::HOLDERS_MAX);

/// What to generate and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many accounts. Some holders have several.
    pub accounts: u32,
    /// How many months, up to and including that of the last booking date.
    pub months: u32,
    /// Another seed gives another economy.
    pub seed: u64,
    /// The folder to write to. Created where absent; must not hold a feed yet.
    pub out: PathBuf,
    /// Format of `transactions` and `accounts`. `expected/` is always Parquet.
    pub format: Format,
    /// The last booking date; 2025-12-31 if none is given. The last month stops there.
    pub end: Option<Date>,
    /// The share of rows sent again, late, out of order or made bad (0 to 0.5), listed in `expected/dirt.csv`.
    pub dirty: f64,
    /// The most bad rows in one file; none if 0.
    pub max_rejects: u32,
    /// Mean rows a month of an open account; 30 if none is given.
    pub rows_per_account_month: Option<u32>,
    /// The figures of the economy; the built-in ones if none are given.
    pub profile: Option<Profile>,
    /// Threads to use, one a core if none is given. The bytes do not depend on it.
    pub threads: Option<usize>,
    /// Rows of a month held in memory; those of a larger month wait in unnamed temporary files in `out`. The bytes do
    /// not depend on it.
    pub rows_in_memory: Option<u64>,
}

impl Options {
    /// Options with defaults for all that is not named: Parquet, the default end, no dirt, usual activity.
    pub fn new(accounts: u32, months: u32, seed: u64, out: impl Into<PathBuf>) -> Options {
        Options {
            accounts,
            months,
            seed,
            out: out.into(),
            format: Format::Parquet,
            end: None,
            dirty: 0.0,
            max_rejects: 0,
            rows_per_account_month: None,
            profile: None,
            threads: None,
            rows_in_memory: None,
        }
    }

    fn check(&self) -> Result<(), Error> {
        let rows = self.rows_per_account_month.unwrap_or(1);
        let refused = |name, reason: String| Err(Error::Option { name, reason });
        if self.accounts == 0 || self.accounts > ACCOUNTS_MAX {
            return refused("accounts", format!("{} is not between 1 and {ACCOUNTS_MAX}", self.accounts));
        }
        if self.months == 0 || self.months > MONTHS_MAX {
            return refused("months", format!("{} is not between 1 and {MONTHS_MAX}", self.months));
        }
        if rows == 0 || rows > ROWS_MAX {
            return refused("rows_per_account_month", format!("{rows} is not between 1 and {ROWS_MAX}"));
        }
        if !(0.0..=0.5).contains(&self.dirty) {
            return refused("dirty", format!("{} is not between 0 and 0.5", self.dirty));
        }
        if let Some(threads) = self.threads.filter(|threads| !(1..=THREADS_MAX).contains(threads)) {
            return refused("threads", format!("{threads} is not between 1 and {THREADS_MAX}"));
        }
        Ok(())
    }
}

/// A format of the feed's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Parquet with zstd, in row groups of 131,072 rows.
    #[default]
    Parquet,
    /// CSV with a header line.
    Csv,
    /// Arrow IPC files.
    Arrow,
}

impl Format {
    /// The name, which is also the extension of the files.
    pub fn name(self) -> &'static str {
        match self {
            Format::Parquet => "parquet",
            Format::Csv => "csv",
            Format::Arrow => "arrow",
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Format, Error> {
        let known = [Format::Parquet, Format::Csv, Format::Arrow].into_iter().find(|format| format.name() == text);
        known.ok_or_else(|| Error::Option {
            name: "format",
            reason: format!("`{text}` is none of `parquet`, `csv`, `arrow`"),
        })
    }
}

/// What was generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Transactions, each counted once.
    pub rows: u64,
    /// Rows sent once more, on top of `rows`.
    pub repeats: u64,
    /// Bad rows, on top of both.
    pub bad_rows: u64,
    /// The most bad rows in one file: what a reader must put up with.
    pub max_rejects: u64,
    /// Bytes of the files under `transactions/`.
    pub bytes: u64,
    /// Accounts, those without rows included.
    pub accounts: u64,
    /// Their holders.
    pub holders: u64,
    /// Transactions by intended class.
    pub rows_by_class: [(Class, u64); 7],
    /// Transactions whose counterparty's name is a trap, by trap, and those of them whose label nobody could tell.
    pub traps: Vec<(Trap, u64, u64)>,
    /// Transactions whose label nobody could tell.
    pub ambiguous: u64,
    /// What came out, to be compared with what the profile asked for.
    pub shape: Shape,
}

/// Generates a feed. `progress` is told, part by part, how many rows of the feed are written.
///
/// `accounts` comes last: a folder without it is an unfinished one.
pub fn generate(options: &Options, progress: &mut dyn FnMut(u64)) -> Result<Summary, Error> {
    options.check()?;
    run::run(options, progress)
}
