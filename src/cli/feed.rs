//! `liushui feed check`: the feed check.

use std::cmp::Reverse;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use liushui::account::mask;
use liushui::batch::cores;
use liushui::batch::feed_check::report::{Dates, FeedCheckReport, Health};
use liushui::batch::feed_check::visitor::ClockVerdict;
use liushui::batch::feed_check::{FeedCheckOptions, check};
use liushui::error::Error;
use liushui::observer::Observer;

use super::build::parse_memory;
use super::layout::{LayoutArguments, transactions_help};
use super::progress::Bar;
use super::table::{Side, Table};
use super::{grouped, load_rules, print, report, report_rejects};

#[derive(Subcommand)]
pub enum FeedCommand {
    /// Check rows, balances, signs and times of a feed before products are built from it
    Check(Box<Check>),
}

impl FeedCommand {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            FeedCommand::Check(command) => command.run(),
        }
    }
}

/// Check rows, balances, signs and times of a feed before products are built from it
#[derive(Args)]
#[command(
    after_help = "Example:\n  liushui feed check --transactions feed/transactions --accounts feed/accounts.parquet\n\n\
    For each file and account: rows, days with rows, gaps between them, rows equal to an earlier row (duplicates) or with\n\
    the identifier of an earlier row and other content (conflicts), the balance chain (opening + in - out = closing, for\n\
    each day), rows after which the balance moved in the other direction (sign swaps), times that are eight hours early or\n\
    late (clock), and the share of rows by the evidence that decides their class. Account numbers are masked in the table\n\
    and complete in the JSON. Nothing is written.\n\n\
    Exit codes: 0 sound; 1 a build would refuse the feed, or its balances, signs or times are suspect; 2 wrong usage;\n\
    3 internal error."
)]
pub struct Check {
    #[arg(long, help = transactions_help(), required = true, num_args = 1.., value_name = "PATH")]
    transactions: Vec<PathBuf>,
    /// Files, folders or globs of `accounts`; not needed if the mapping defines the account
    #[arg(long, num_args = 1.., value_name = "PATH")]
    accounts: Vec<PathBuf>,
    #[command(flatten)]
    layout: LayoutArguments,
    /// Classification rules: a file that extends or replaces the built-in ones
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Bad rows to tolerate in each file
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_rejects: u64,
    /// Files and accounts to show in the table, those with the most faults first; the JSON has all
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: usize,
    /// Memory for buffered rows; rows that do not fit are spilled to temporary files
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_memory)]
    memory: usize,
    /// Folder for temporary files [default: the system's]
    #[arg(long, value_name = "DIR")]
    tmp: Option<PathBuf>,
    /// Workers [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// No progress bar
    #[arg(long)]
    no_progress: bool,
}

impl Check {
    fn run(self) -> anyhow::Result<ExitCode> {
        let bar = Arc::new(Bar::new(self.no_progress));
        let options = FeedCheckOptions {
            transactions: self.transactions,
            accounts: self.accounts,
            mapping: self.layout.mapping()?,
            rules: load_rules(self.rules.as_deref())?,
            max_rejects: self.max_rejects,
            memory_bytes: self.memory,
            threads: self.threads.map_or_else(cores, usize::from),
            tmp: self.tmp.unwrap_or_else(std::env::temp_dir),
        };
        let observer: Arc<dyn Observer> = Arc::clone(&bar) as _;
        let outcome = check(&options, &observer);
        bar.clear();
        let outcome = outcome?;
        if self.json {
            print(&format!("{}\n", serde_json::to_string_pretty(&outcome.report)?))?;
        } else {
            print(&summary(&outcome.report, self.show))?;
        }
        report_rejects(&outcome.verdict);
        match outcome.report.health {
            Health::Sound => Ok(ExitCode::SUCCESS),
            Health::Suspect => {
                report("a build would accept this feed, but the findings above are suspect");
                Ok(ExitCode::FAILURE)
            }
            Health::Refused => Err(Error::Refused { files: outcome.refused_files.len() }.into()),
        }
    }
}

/// The summary as text: files, accounts and findings.
fn summary(report: &FeedCheckReport, show: usize) -> String {
    let mut files = report.files.iter().collect::<Vec<_>>();
    files.sort_by_key(|file| Reverse((file.conflicts + file.days_broken, file.sign_swaps, file.clock.is_wrong())));
    let mut table = Table::new(&columns("file"));
    for file in files.iter().take(show) {
        table.row(line(
            file.file.clone(),
            file.rows,
            &file.dates,
            [file.duplicates, file.conflicts, file.days_broken, file.sign_swaps],
            file.clock,
            &evidence(&file.evidence),
        ));
    }
    let mut text = table.text() + &left_out(files.len(), show, "files");

    let mut accounts = report.accounts.iter().collect::<Vec<_>>();
    accounts.sort_by_key(|account| Reverse(account.faults()));
    let mut table = Table::new(&columns("account"));
    for account in accounts.iter().take(show) {
        table.row(line(
            mask(&account.account_id),
            account.rows,
            &account.dates,
            [account.duplicates, account.conflicts, account.balances.days_broken, account.balances.sign_swaps],
            account.clock,
            &evidence(&account.evidence),
        ));
    }
    text += "\n";
    text += &(table.text() + &left_out(accounts.len(), show, "accounts"));

    let found = &report.findings;
    let health = match report.health {
        Health::Sound => "sound",
        Health::Suspect => "suspect",
        Health::Refused => "refused",
    };
    text += &format!(
        "\n{} rows read, {} skipped, {} rejected; {} duplicates, {} conflicts\n\
         balance chain: {} of {} days do not hold; {} rows with a swapped sign\n\
         times: {} files look eight hours off ({} accounts do); {} months without a row\n\
         the feed is {health}\n",
        grouped(report.rows_read),
        grouped(report.rows_skipped),
        grouped(report.rows_rejected),
        grouped(found.duplicates),
        grouped(found.conflicts),
        grouped(found.days_broken),
        grouped(found.days_checked),
        grouped(found.sign_swaps),
        grouped(found.files_with_wrong_clock),
        grouped(found.accounts_with_wrong_clock),
        grouped(found.empty_months),
    );
    text
}

fn columns(of: &str) -> [(&str, Side); 12] {
    [
        (of, Side::Left),
        ("rows", Side::Right),
        ("days", Side::Right),
        ("first", Side::Left),
        ("last", Side::Left),
        ("gap, days", Side::Right),
        ("again", Side::Right),
        ("conflicts", Side::Right),
        ("chain", Side::Right),
        ("swaps", Side::Right),
        ("clock", Side::Left),
        ("evidence", Side::Left),
    ]
}

fn line(name: String, rows: u64, dates: &Dates, faults: [u64; 4], clock: ClockVerdict, evidence: &str) -> [String; 12] {
    let date = |date: Option<liushui::period::Date>| date.map_or_else(|| "-".to_string(), |date| date.to_string());
    let [duplicates, conflicts, days_broken, sign_swaps] = faults.map(grouped);
    let clock = match clock {
        ClockVerdict::TooFewTimes => "-",
        ClockVerdict::Plausible => "plausible",
        ClockVerdict::LooksLikeUtc => "8 h early",
        ClockVerdict::LooksAddedTwice => "8 h late",
    };
    [
        name,
        grouped(rows),
        grouped(dates.days),
        date(dates.first_day),
        date(dates.last_day),
        grouped(dates.longest_gap_days),
        duplicates,
        conflicts,
        days_broken,
        sign_swaps,
        clock.to_string(),
        evidence.to_string(),
    ]
}

/// The kinds of evidence with a share, whole percent: `name 61 %, none 39 %`.
fn evidence(shares: &std::collections::BTreeMap<&'static str, String>) -> String {
    let percent = |share: &str| {
        let digits: String = share.chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u64>().map_or(0, |millionths| millionths / 10_000)
    };
    let shown = shares.iter().filter(|(_, share)| percent(share) > 0);
    shown.map(|(name, share)| format!("{name} {} %", percent(share))).collect::<Vec<_>>().join(", ")
}

fn left_out(count: usize, show: usize, what: &str) -> String {
    match count.checked_sub(show) {
        None | Some(0) => String::new(),
        Some(more) => format!("... and {} more {what}\n", grouped(more as u64)),
    }
}
