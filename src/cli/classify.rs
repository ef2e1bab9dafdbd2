//! `liushui classify`: the class of each row of a feed, and its evidence.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use liushui::batch::classify::report::ClassReport;
use liushui::batch::classify::{ClassifyOptions, classify};
use liushui::batch::cores;
use liushui::class::{Evidence, Matcher, Rules, Share, explain};
use liushui::error::Error;
use liushui::feed::raw::BATCH_ROWS;
use liushui::money::money_text;
use liushui::observer::Observer;

use super::layout::{LayoutArguments, transactions_help};
use super::progress::Bar;
use super::table::{Side, Table};
use super::{grouped, load_rules, print, report_rejects};

/// Classify each row of a feed and report the evidence
#[derive(Args)]
#[command(
    after_help = "Examples:\n  liushui classify --transactions feed/transactions --accounts feed/accounts.parquet --out classes.parquet\n  \
    liushui classify --explain '国家税务总局某市税务局（社保费）'\n\n\
    Writes one row per transaction that passes the checks, in the feed's order: file, row, account_id, txn_id, class,\n\
    subclass, rule, evidence. Repeats are included. Without --out only the summary is printed.\n\
    A feed with a bad row is refused (exit code 1) and no file is written; --max-rejects tolerates some."
)]
pub struct Classify {
    #[arg(long, help = transactions_help(), required_unless_present = "explain", num_args = 1.., value_name = "PATH")]
    transactions: Vec<PathBuf>,
    /// Files, folders or globs of `accounts`; not needed if the mapping defines the account
    #[arg(long, num_args = 1.., value_name = "PATH")]
    accounts: Vec<PathBuf>,
    /// The file to write: .parquet or .csv
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// List all bad rows in this file, as CSV: file, row, column, code
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Include each row's counterparty name in the file
    #[arg(long)]
    names: bool,
    /// Print the rules that are tried on a name, and the one that decides; may be given several times
    #[arg(long, value_name = "NAME", conflicts_with_all = ["transactions", "accounts", "out"])]
    explain: Vec<String>,
    #[command(flatten)]
    layout: LayoutArguments,
    /// Classification rules: a file that extends or replaces the built-in ones
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Bad rows to tolerate in each file
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_rejects: u64,
    /// Workers [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    /// No progress bar
    #[arg(long)]
    no_progress: bool,
}

impl Classify {
    /// Classifies, and prints the result.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let rules = load_rules(self.rules.as_deref())?;
        if !self.explain.is_empty() {
            return explain_names(&self.explain, &rules, self.json);
        }
        let (json, bar) = (self.json, Arc::new(Bar::new(self.no_progress)));
        let options = ClassifyOptions {
            transactions: self.transactions,
            accounts: self.accounts,
            out: self.out,
            rejects: self.rejects,
            names: self.names,
            mapping: self.layout.mapping()?,
            rules,
            max_rejects: self.max_rejects,
            threads: self.threads.map_or_else(cores, usize::from),
            batch_rows: BATCH_ROWS,
        };
        let observer: Arc<dyn Observer> = Arc::clone(&bar) as _;
        let outcome = classify(&options, &observer);
        bar.clear();
        let outcome = outcome?;
        if json {
            print(&format!("{}\n", serde_json::to_string_pretty(&outcome.report)?))?;
        } else if outcome.refused_files.is_empty() {
            print(&summary(&outcome.report, &options))?;
        }
        report_rejects(&outcome.verdict);
        if outcome.refused_files.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        Err(Error::Refused { files: outcome.refused_files.len() }.into())
    }
}

/// The summary as text: rows and money by class, by rule and by evidence.
fn summary(report: &ClassReport, options: &ClassifyOptions) -> String {
    let mut text = Vec::new();

    let mut classes =
        Table::new(&[("class", Side::Left), ("sub-class", Side::Left)].into_iter().chain(FIGURES).collect::<Vec<_>>());
    for line in &report.classes {
        let [rows, money_in, money_out, share] = figures(&line.share);
        let subclass = line.subclass.unwrap_or_default().to_string();
        classes.row([line.class.to_string(), subclass, rows, money_in, money_out, share]);
    }
    text.push(classes.text());

    let heads = [("rule", Side::Left), ("class", Side::Left), ("evidence", Side::Left)];
    let mut rules = Table::new(&heads.into_iter().chain(FIGURES).collect::<Vec<_>>());
    for line in &report.rules {
        let [rows, money_in, money_out, share] = figures(&line.share);
        rules.row([
            line.rule.clone(),
            line.class.to_string(),
            line.evidence.to_string(),
            rows,
            money_in,
            money_out,
            share,
        ]);
    }
    text.push(rules.text());

    let mut evidences = Table::new(&[("evidence", Side::Left)].into_iter().chain(FIGURES).collect::<Vec<_>>());
    for evidence in Evidence::ALL {
        if let Some(share) = report.evidence.get(evidence.name()) {
            let [rows, money_in, money_out, share] = figures(share);
            evidences.row([evidence.name().to_string(), rows, money_in, money_out, share]);
        }
    }
    text.push(evidences.text());

    let mut end = format!(
        "{} rows read, {} classified, {} skipped, {} rejected; rules {}; {:.2} s\n",
        grouped(report.rows_read),
        grouped(report.classified.rows),
        grouped(report.skipped),
        grouped(report.rows_rejected),
        report.rules_version,
        report.seconds,
    );
    if let Some(out) = &options.out {
        end += &format!("written to {}\n", out.display());
    }
    text.push(end);
    text.join("\n")
}

/// Columns of the figures of a share.
const FIGURES: [(&str, Side); 4] =
    [("rows", Side::Right), ("in, yuan", Side::Right), ("out, yuan", Side::Right), ("of money", Side::Right)];

fn figures(share: &Share) -> [String; 4] {
    let [money_in, money_out] = share.sum.flows.map(|flow| money_text(flow.amount_fen));
    [grouped(share.sum.rows), money_in, money_out, percent(share)]
}

/// A share in percent with two decimals, truncated: a share below one is never shown as 100 %.
fn percent(share: &Share) -> String {
    let Some(millionths) = share.share else { return "-".to_string() };
    let hundredths = millionths / 100;
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02} %", hundredths.abs() / 100, hundredths.abs() % 100)
}

fn explain_names(names: &[String], rules: &Rules, json: bool) -> anyhow::Result<ExitCode> {
    let matcher = Matcher::new(rules);
    let explanations: Vec<_> = names.iter().map(|name| explain(&matcher, name)).collect();
    if json {
        print(&format!("{}\n", serde_json::to_string_pretty(&explanations)?))?;
    } else {
        let texts: Vec<String> = explanations.iter().map(ToString::to_string).collect();
        print(&texts.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
