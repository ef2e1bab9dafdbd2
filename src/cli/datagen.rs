//! `liushui datagen`: a synthetic economy with its own expected answers.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use liushui::error::Error;
use liushui::period::Date;

use super::progress::Bar;
use super::{grouped, print, size};

/// Generate a synthetic economy with its own expected answers
#[derive(Args)]
#[command(after_help = "Example:\n  liushui datagen --accounts 1000 --months 36 --seed 1 --out feed\n\n\
    Writes transactions/ (a file a month, in booking order), accounts and expected/ (labels, totals) into DIR.\n\
    The same options make the same bytes.")]
pub struct Datagen {
    /// How many accounts
    #[arg(long, value_name = "N", default_value_t = 1000)]
    accounts: u32,
    /// How many months, up to that of --end
    #[arg(long, value_name = "M", default_value_t = 36)]
    months: u32,
    /// Another seed gives another economy
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Format of `transactions` and `accounts`
    #[arg(long, value_enum, default_value = "parquet")]
    format: Format,
    /// The last booking date [default: 2025-12-31]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_end)]
    end: Option<datagen::Date>,
    /// Share of rows that are sent twice, listed in expected/dirt.csv
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    dirty: f64,
    /// Mean rows a month of an account [default: 30]
    #[arg(long, value_name = "N")]
    rows_per_account_month: Option<u32>,
    /// No progress bar
    #[arg(long)]
    no_progress: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Parquet,
    Csv,
    Arrow,
}

fn parse_end(text: &str) -> Result<datagen::Date, String> {
    // The generator's dates are its own, so that nothing of the engine decides what it expects.
    Date::parse(text).ok_or_else(|| "give a date such as 2025-12-31".to_string())?;
    text.parse().map_err(|_| "give a date such as 2025-12-31".to_string())
}

impl Datagen {
    /// Generates, and tells what.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut options = datagen::Options::new(self.accounts, self.months, self.seed, self.out);
        options.format = match self.format {
            Format::Parquet => datagen::Format::Parquet,
            Format::Csv => datagen::Format::Csv,
            Format::Arrow => datagen::Format::Arrow,
        };
        options.end = self.end;
        options.dirty = self.dirty;
        options.rows_per_account_month = self.rows_per_account_month;
        let summary = generate(&options, &Bar::new(self.no_progress))?;
        let mut text = format!(
            "rows      {:>15}\nrepeats   {:>15}\naccounts  {:>15}\nbytes     {:>15}\n",
            grouped(summary.rows),
            grouped(summary.repeats),
            grouped(summary.accounts),
            size::text(summary.bytes)
        );
        for (class, rows) in summary.rows_by_class {
            text += &format!("  {:<17} {:>12}\n", class.name(), grouped(rows));
        }
        print(&(text + &format!("written to {}\n", options.out.display())))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Generates under a progress bar. What the generator refuses is wrong usage; what it cannot write is our failure.
pub fn generate(options: &datagen::Options, bar: &Bar) -> Result<datagen::Summary, Error> {
    bar.begin("datagen", "rows", None);
    let mut done = 0;
    let summary = datagen::generate(options, &mut |rows| {
        bar.advance(rows.saturating_sub(done));
        done = rows;
    });
    bar.clear();
    summary.map_err(|error| match error {
        datagen::Error::Option { .. } | datagen::Error::InUse { .. } => Error::Usage(error.to_string()),
        other => Error::Internal(other.to_string()),
    })
}
