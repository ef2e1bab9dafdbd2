//! A seeded synthetic economy of small businesses: their bank accounts' feed, and the answers that the feed should give.
//!
//! Owns the generation of `transactions`, `accounts` and `expected/` from a seed. Knows nothing of the engine that reads
//! them, so that what it expects is an independent answer: classes and totals come from why money was moved, never from
//! the text of a row. The same options give the same bytes on any machine: no clock, no float in a distribution.
//!
//! ```text
//! Economy ── accounts, holders, counterparties: fixed
//!    │ a month at a time, an account at a time
//! Planner ── events: why, when, with whom, about how much
//! Ledger  ── transactions: what was booked, with balances that chain ──▶ totals
//!    │ sorted into booking order over all accounts
//! Dirt    ── repeats, if asked for
//! Feed    ── columns with text ──▶ files of the month, labels
//! ```
//!
//! Memory holds the accounts and one month of rows.

mod account;
mod calendar;
mod class;
mod code;
mod counterparty;
mod csv;
mod dirt;
mod error;
mod expected;
mod feed;
mod industry;
mod ledger;
mod movement;
mod name;
mod output;
mod plan;
mod provider;
mod random;
#[cfg(test)]
mod tests;
mod transaction;

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use arrow::array::BooleanArray;
use arrow::datatypes::SchemaRef;

pub use calendar::Date;
pub use class::Class;
pub use error::Error;

use account::Economy;
use calendar::Month;
use dirt::Dirt;
use expected::{Labels, Totals};
use feed::{ROWS_PER_BATCH, Transactions};
use ledger::{Books, Ledger};
use output::Output;
use plan::Planner;
use random::Rng;
use transaction::{SECONDS_A_DAY, Transaction};

const ACCOUNTS_MAX: u32 = 50_000_000;
const MONTHS_MAX: u32 = 240;
const ROWS_MAX: u32 = 10_000;

const _: () = assert!(ACCOUNTS_MAX <= counterparty::HOLDERS_MAX);

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
    /// The share of rows sent once more (0 to 0.5), listed in `expected/dirt.csv`.
    pub dirty: f64,
    /// Mean rows a month of an open account; 30 if none is given.
    pub rows_per_account_month: Option<u32>,
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
            rows_per_account_month: None,
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
    /// Bytes of the files under `transactions/`.
    pub bytes: u64,
    /// Accounts, those without rows included.
    pub accounts: u64,
    /// Transactions by intended class.
    pub rows_by_class: [(Class, u64); 7],
}

/// Generates a feed. `progress` is told, batch by batch, how many rows of the feed are written.
///
/// `accounts` comes last: a folder without it is an unfinished one.
pub fn generate(options: &Options, progress: &mut dyn FnMut(u64)) -> Result<Summary, Error> {
    options.check()?;
    let end = options.end.unwrap_or_default();
    let months = Month::window(end, options.months);
    let first = months.first().map_or(end.to_days(), |month| month.first);
    let economy = Economy::new(options.seed, options.accounts, (first, end.to_days()));
    let mut run = Run::create(options, &economy, first)?;
    for month in &months {
        run.month(month, month.index + 1 == options.months, progress)?;
    }
    run.close(options)
}

/// The state of a generation.
struct Run<'a> {
    economy: &'a Economy,
    ledgers: Vec<Ledger>,
    mean_rows: u32,
    format: Format,
    folder: PathBuf,
    labels: Labels,
    totals: Totals,
    dirt: Dirt,
    rows: Vec<Transaction>,
    bytes: u64,
    written: u64,
}

impl<'a> Run<'a> {
    fn create(options: &Options, economy: &'a Economy, first: i32) -> Result<Run<'a>, Error> {
        let (folder, expected) = (options.out.join("transactions"), options.out.join("expected"));
        for path in [&folder, &expected, &accounts_path(&options.out, options.format)] {
            if path.exists() {
                return Err(Error::InUse { path: path.clone() });
            }
        }
        for path in [&folder, &expected] {
            fs::create_dir_all(path).map_err(output::io(path))?;
        }
        let ledgers = economy
            .accounts
            .iter()
            .map(|account| Ledger::new(account, first, &mut Rng::new(&[economy.seed, 0x6C65_6467, account.key])));
        // The one float there is, made an integer before anything is drawn.
        let ppm = (options.dirty * 1_000_000.0).round() as u32;
        Ok(Run {
            economy,
            ledgers: ledgers.collect(),
            mean_rows: options.rows_per_account_month.unwrap_or(30),
            format: options.format,
            labels: Labels::create(&expected)?,
            totals: Totals::create(&expected)?,
            dirt: Dirt::create(options.seed, ppm, &expected)?,
            folder,
            rows: Vec::new(),
            bytes: 0,
            written: 0,
        })
    }

    fn month(&mut self, month: &Month, is_last: bool, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        self.book(month)?;
        let order = booking_order(&self.rows, month);
        let (order, repeats) = self.dirt.spread(&mut self.rows, order, is_last);
        let file = format!("{}.{}", month.name, self.format.name());
        self.dirt.list(self.economy, &file, &self.rows, &order, &repeats)?;
        self.write(&file, &order, &repeats, progress)
    }

    /// Lives through the month, account by account, and adds up the totals.
    fn book(&mut self, month: &Month) -> Result<(), Error> {
        self.rows.clear();
        let mut events = Vec::new();
        for (index, (account, ledger)) in self.economy.accounts.iter().zip(&mut self.ledgers).enumerate() {
            let Some((first, last)) = account.open_days(month) else {
                continue;
            };
            let start = self.rows.len();
            let rng = &mut Rng::new(&[self.economy.seed, account.key, u64::from(month.index)]);
            let planner = Planner {
                account,
                counterparties: &self.economy.counterparties,
                month,
                ledger,
                rng,
                first,
                last,
                mean_rows: self.mean_rows,
                events: &mut events,
            };
            planner.plan();
            let books = Books { index: index as u32, account, month, rng, rows: &mut self.rows };
            ledger.book(&events, last, books);
            self.totals.push(&account.id, &month.name, self.rows.get(start..).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Writes a file of the feed, rows in the given order, and the labels of those that are no repeats.
    fn write(
        &mut self,
        file: &str,
        order: &[u32],
        repeats: &[usize],
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Error> {
        let schema = feed::transactions_schema();
        let mut output = Output::create(&self.folder.join(file), &schema, self.format)?;
        let rows = &self.rows;
        let mut repeats = repeats.iter().copied().peekable();
        for (start, part) in order.chunks(ROWS_PER_BATCH).enumerate().map(|(n, part)| (n * ROWS_PER_BATCH, part)) {
            let of_part = || part.iter().filter_map(|index| rows.get(*index as usize));
            let mut transactions = Transactions::new(self.economy, SchemaRef::clone(&schema), part.len())?;
            of_part().for_each(|row| transactions.push(row));
            let batch = transactions.finish()?;
            output.write(&batch)?;
            let end = start + part.len();
            let first = repeats.peek().is_some_and(|place| *place < end).then(|| -> BooleanArray {
                (start..end).map(|place| Some(repeats.next_if_eq(&place).is_none())).collect()
            });
            self.labels.write(&batch, of_part(), first.as_ref())?;
            self.written += part.len() as u64;
            progress(self.written);
        }
        self.bytes += output.close()?;
        Ok(())
    }

    fn close(self, options: &Options) -> Result<Summary, Error> {
        self.labels.close()?;
        let repeats = self.dirt.repeats;
        self.dirt.close()?;
        let rows_by_class = self.totals.close()?;
        let schema = feed::accounts_schema();
        let mut accounts = Output::create(&accounts_path(&options.out, options.format), &schema, options.format)?;
        for part in self.economy.accounts.chunks(ROWS_PER_BATCH) {
            accounts.write(&feed::accounts_batch(part, &schema)?)?;
        }
        accounts.close()?;
        Ok(Summary {
            rows: self.written - repeats,
            repeats,
            bytes: self.bytes,
            accounts: self.economy.accounts.len() as u64,
            rows_by_class,
        })
    }
}

fn accounts_path(out: &Path, format: Format) -> PathBuf {
    out.join(format!("accounts.{}", format.name()))
}

/// Indices of `rows` by time of booking; rows of one account keep their order, accounts that of their ids.
fn booking_order(rows: &[Transaction], month: &Month) -> Vec<u32> {
    let start = i64::from(month.first) * SECONDS_A_DAY;
    // Rows lie account by account, each account's in its own order: the index settles ties.
    let mut keys: Vec<u64> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| ((row.booked - start).unsigned_abs() << 32) | index as u64)
        .collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| key as u32).collect()
}
