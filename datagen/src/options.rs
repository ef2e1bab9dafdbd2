//! Options of a generation and their ranges.
//!
//! Owns the defaults that are not the profile's.

use std::path::PathBuf;
use std::str::FromStr;

use crate::calendar::Date;
use crate::economy::HOLDERS_MAX;
use crate::error::Error;
use crate::profile::Profile;

const ACCOUNTS_MAX: u32 = 50_000_000;
const MONTHS_MAX: u32 = 240;
const ROWS_MAX: u32 = 10_000;
const THREADS_MAX: usize = 256;

// Each holder has at least one account.
const _: () = assert!(ACCOUNTS_MAX <= HOLDERS_MAX);

/// What to generate and where to write it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of accounts. Some holders have several.
    pub accounts: u32,
    /// Number of months, up to and including the month of the last booking date.
    pub months: u32,
    /// Another seed gives another economy.
    pub seed: u64,
    /// The output folder. It is created if it does not exist, and must not hold a feed yet.
    pub out: PathBuf,
    /// Format of `transactions` and `accounts`. `expected/` is always Parquet.
    pub format: Format,
    /// The last booking date, by default 2025-12-31. The last month ends on that day.
    pub end: Option<Date>,
    /// Share of rows that are repeated, late, out of order or made bad (0 to 0.5). They are listed in
    /// `expected/dirt.csv`.
    pub dirty: f64,
    /// Maximum number of bad rows in one file. With 0 there are none.
    pub max_rejects: u32,
    /// Mean number of rows per month of an open account, by default 30.
    pub rows_per_account_month: Option<u32>,
    /// The figures of the economy, by default the built-in ones.
    pub profile: Option<Profile>,
    /// Number of threads, by default one per core. It does not affect the bytes.
    pub threads: Option<usize>,
    /// Maximum number of rows of a month that are held in memory. Rows of a larger month are spilled to unnamed
    /// temporary files in `out`. It does not affect the bytes.
    pub rows_in_memory: Option<u64>,
}

impl Options {
    /// Options with defaults for everything else: Parquet, the default end, no dirt, the built-in profile.
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

    pub(crate) fn check(&self) -> Result<(), Error> {
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
    /// The name of the format, which is also the extension of its files.
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
