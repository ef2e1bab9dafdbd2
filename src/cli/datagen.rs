//! `liushui datagen`: a synthetic economy with its own expected answers.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use datagen::{Options, Profile, Summary};
use liushui::error::Error;
use liushui::period::Date;

use super::progress::Bar;
use super::table::{Side, Table};
use super::{grouped, print, size};

/// Generate a synthetic economy with its own expected answers
#[derive(Args)]
#[command(after_help = "Examples:\n  liushui datagen --accounts 1000 --months 36 --seed 1 --out feed\n  \
    liushui datagen --print-profile > mine.toml\n  liushui datagen --profile mine.toml --describe --out feed\n\n\
    Writes transactions/ (one file per month, in booking order), accounts and expected/ (labels, totals, traps, files that\n\
    must be refused) into DIR. The same options produce the same bytes on any machine, for any number of threads.")]
pub struct Datagen {
    /// Number of accounts
    #[arg(long, value_name = "N", default_value_t = 1000)]
    accounts: u32,
    /// Number of months, up to that of --end
    #[arg(long, value_name = "M", default_value_t = 36)]
    months: u32,
    /// Another seed gives another economy
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The folder to write to; it must hold no feed yet
    #[arg(long, value_name = "DIR", required_unless_present = "print_profile")]
    out: Option<PathBuf>,
    /// Format of `transactions` and `accounts`
    #[arg(long, value_enum, default_value = "parquet")]
    format: Format,
    /// The last booking date [default: 2025-12-31]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_end)]
    end: Option<datagen::Date>,
    /// Share of rows that are repeated, late, out of order or made bad, listed in expected/dirt.csv
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    dirty: f64,
    /// Most bad rows that --dirty makes in one file; a reader must then tolerate this number
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_rejects: u32,
    /// Mean rows per account and month [default: 30]
    #[arg(long, value_name = "N")]
    rows_per_account_month: Option<u32>,
    /// The figures of the economy: a changed copy of the output of --print-profile
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Print the built-in figures as a commented TOML file and exit
    #[arg(long)]
    print_profile: bool,
    /// Print the generated figures beside those of the profile
    #[arg(long)]
    describe: bool,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
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
    // The generator has its own dates, so that its expected answers do not depend on the engine.
    Date::parse(text).ok_or_else(|| "give a date such as 2025-12-31".to_string())?;
    text.parse().map_err(|_| "give a date such as 2025-12-31".to_string())
}

impl Datagen {
    /// Generates, and prints a summary.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        if self.print_profile {
            print(Profile::BUILT_IN)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut options = Options::new(self.accounts, self.months, self.seed, self.out.unwrap_or_default());
        options.format = match self.format {
            Format::Parquet => datagen::Format::Parquet,
            Format::Csv => datagen::Format::Csv,
            Format::Arrow => datagen::Format::Arrow,
        };
        options.end = self.end;
        options.dirty = self.dirty;
        options.max_rejects = self.max_rejects;
        options.rows_per_account_month = self.rows_per_account_month;
        options.threads = self.threads.map(usize::from);
        let profile = match &self.profile {
            Some(path) => read_profile(path)?,
            None => Profile::default(),
        };
        options.profile = Some(profile.clone());
        let summary = generate(&options, &Bar::new(self.no_progress))?;
        let mut text = table(&summary);
        if self.describe {
            text += &format!("\n{}", summary.shape.report(&profile));
        }
        print(&(text + &format!("written to {}\n", options.out.display())))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn read_profile(path: &Path) -> Result<Profile, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::Usage(format!("cannot read the profile `{}`: {error}", path.display())))?;
    Profile::parse(&text).map_err(|error| Error::Usage(format!("`{}`: {error}", path.display())))
}

/// The summary as text.
fn table(summary: &Summary) -> String {
    let mut table = Table::new(&[("", Side::Left), ("", Side::Right)]);
    let mut row = |name: &str, value: String| table.row([name.to_string(), value]);
    row("rows", grouped(summary.rows));
    for (class, rows) in &summary.rows_by_class {
        row(&format!("  {}", class.name()), grouped(*rows));
    }
    let trapped: u64 = summary.traps.iter().map(|(_, rows, _)| rows).sum();
    row("with a name that is a trap", grouped(trapped));
    row("whose class nobody could tell", grouped(summary.ambiguous));
    row("sent once more", grouped(summary.repeats));
    row("bad rows", grouped(summary.bad_rows));
    row("  in one file, at most", grouped(summary.max_rejects));
    row("accounts", grouped(summary.accounts));
    row("holders", grouped(summary.holders));
    row("bytes of transactions", size::text(summary.bytes));
    table.text().trim_start().to_string()
}

/// Generates with a progress bar. Refused options are wrong usage; other errors are internal errors.
pub fn generate(options: &Options, bar: &Bar) -> Result<Summary, Error> {
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
