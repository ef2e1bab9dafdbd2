//! `liushui build`: the products of all accounts of a feed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use liushui::batch::build::{BuildOptions, BuildOutcome, build};
use liushui::error::Error;
use liushui::feed::raw::BATCH_ROWS;
use liushui::observer::Observer;
use liushui::period::{Date, parse_instant};
use liushui::publish::format::{self, FORMATS, OutputFormat};

use super::dictionary::ProductName;
use super::layout::{LayoutArguments, transactions_help};
use super::progress::Bar;
use super::{grouped, load_rules, now, print, report, report_rejects, size};

/// Compute the products of all accounts of a feed
#[derive(Args)]
#[command(
    after_help = "Example:\n  liushui build --transactions feed/transactions --accounts feed/accounts.parquet --out products\n\n\
    Writes detail-summary and report (.parquet, .ndjson), rejects.csv and run.json.\n\
    A file is accepted whole or not at all: one refused file refuses the build, and\n\
    then only rejects.csv and run.json are written (exit code 1)."
)]
pub struct Build {
    #[arg(long, help = transactions_help(), required = true, num_args = 1.., value_name = "PATH")]
    transactions: Vec<PathBuf>,
    /// Files, folders or globs of `accounts`; not needed if the mapping defines the account
    #[arg(long, num_args = 1.., value_name = "PATH")]
    accounts: Vec<PathBuf>,
    /// Folder for the products, rejects.csv and run.json
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Data cut-off, inclusive [default: the newest booking date in the input]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    as_of: Option<Date>,
    /// First day with complete records, for every account whose `records_from` is not given
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    records_from: Option<Date>,
    /// Products to build
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["detail-summary", "report"])]
    products: Vec<ProductName>,
    /// Output formats
    #[arg(long, value_parser = format_parser(), value_delimiter = ',', default_values = [FORMATS[0].name()])]
    format: Vec<OutputFormat>,
    /// Memory for buffered rows and for plans; rows that do not fit are spilled to temporary files
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_memory)]
    memory: usize,
    /// Workers [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    #[command(flatten)]
    layout: LayoutArguments,
    /// Classification rules: a file that extends or replaces the built-in ones
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Bad rows to tolerate in each file
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_rejects: u64,
    /// Generation time of all products [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    generated_at: Option<i64>,
    /// Folder for temporary files [default: the system's]
    #[arg(long, value_name = "DIR")]
    tmp: Option<PathBuf>,
    /// Rows per batch between operators
    #[arg(long, value_name = "N", default_value_t = BATCH_ROWS as u32, hide = true,
          value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    batch_rows: u32,
    /// Print run.json to standard output instead of a summary
    #[arg(long)]
    json: bool,
    /// No progress bar
    #[arg(long)]
    no_progress: bool,
}

/// The names of the output formats.
fn format_parser() -> impl TypedValueParser<Value = OutputFormat> {
    PossibleValuesParser::new(FORMATS.map(|format| format.name()))
        .try_map(|name| format::find(&name).ok_or("not the name of a format"))
}

/// Smallest memory of a build.
const MEMORY_MIN: usize = 64 << 20;

pub fn parse_memory(text: &str) -> Result<usize, String> {
    let bytes = size::parse(text)?;
    if bytes < MEMORY_MIN { Err("at least 64MiB are needed".to_string()) } else { Ok(bytes) }
}

pub fn parse_date(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "give a date such as 2025-12-31".to_string())
}

fn parse_time(text: &str) -> Result<i64, String> {
    parse_instant(text).ok_or_else(|| "give a time such as 2026-01-01T08:00:00+08:00".to_string())
}

impl Build {
    /// Builds, and prints the result.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (json, bar) = (self.json, Arc::new(Bar::new(self.no_progress)));
        let options = self.options()?;
        let rejects = options.out.join("rejects.csv");
        let observer: Arc<dyn Observer> = Arc::clone(&bar) as _;
        let outcome = build(&options, &observer);
        bar.clear();
        let outcome = outcome?;
        if json {
            print(&format!("{}\n", serde_json::to_string_pretty(&outcome.report)?))?;
        } else if outcome.refused_files.is_empty() {
            print(&summary(&outcome, &options))?;
        }
        report_rejects(&outcome.verdict);
        if outcome.verdict.iter().next().is_some() {
            report(&format!("all faults are listed in {}", rejects.display()));
        }
        if outcome.refused_files.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        Err(Error::Refused { files: outcome.refused_files.len() }.into())
    }

    fn options(self) -> Result<BuildOptions, Error> {
        let mapping = self.layout.mapping()?;
        let rules = load_rules(self.rules.as_deref())?;
        let mut formats: Vec<OutputFormat> = Vec::new();
        for format in self.format {
            if formats.iter().all(|other| other.name() != format.name()) {
                formats.push(format);
            }
        }
        let mut products = Vec::new();
        for kind in self.products.iter().map(|product| product.kind()) {
            if !products.contains(&kind) {
                products.push(kind);
            }
        }
        let defaults = BuildOptions::new(PathBuf::new(), PathBuf::new(), self.out, 0);
        Ok(BuildOptions {
            transactions: self.transactions,
            accounts: self.accounts,
            as_of: self.as_of,
            records_from: self.records_from,
            products,
            formats,
            memory_bytes: self.memory,
            threads: self.threads.map_or(defaults.threads, usize::from),
            batch_rows: self.batch_rows as usize,
            mapping,
            rules,
            max_rejects: self.max_rejects,
            generated_at: self.generated_at.unwrap_or_else(now),
            tmp: self.tmp.unwrap_or(defaults.tmp.clone()),
            ..defaults
        })
    }
}

/// The summary of a finished build.
pub fn summary(outcome: &BuildOutcome, options: &BuildOptions) -> String {
    let report = &outcome.report;
    let mut lines = vec![
        format!("rows read        {:>15}", grouped(report.rows_read)),
        format!("  kept           {:>15}", grouped(report.rows_kept)),
        format!("  duplicates     {:>15}", grouped(report.duplicates)),
        format!("  skipped        {:>15}", grouped(report.skipped)),
        format!("  rejected       {:>15}", grouped(report.rows_rejected)),
        format!(
            "accounts         {:>15}   ({} with rows)",
            grouped(report.accounts),
            grouped(report.accounts_with_rows)
        ),
        format!("as of            {:>15}", report.as_of.as_deref().unwrap_or_default()),
    ];
    if let Some(reconciliation) = &report.reconciliation {
        lines.push(format!(
            "reconciliation   {:>15}   accounts whose rows, cells and periods agree to the fen",
            format!("{}/{}", grouped(reconciliation.accounts_equal), grouped(reconciliation.accounts))
        ));
    }
    lines.push(format!(
        "time             {:>13.2} s   reading {:.2} s, products {:.2} s",
        report.seconds.total, report.seconds.read, report.seconds.products
    ));
    lines.push(format!("rows a second    {:>15}", grouped(report.rows_per_second)));
    if let Some(peak_bytes) = report.peak_bytes {
        lines.push(format!("peak memory      {:>15}", size::text(peak_bytes)));
    }
    if report.spilled_bytes > 0 {
        lines.push(format!("temporary files  {:>15}", size::text(report.spilled_bytes)));
    }
    lines.push(format!("written to       {}", options.out.display()));
    lines.join("\n") + "\n"
}
