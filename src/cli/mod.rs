//! The command line: one file per subcommand, and their shared functions.
//!
//! Owns: options, output on the terminal, exit codes. Does not own: any work that a user of the library would need. Data go
//! to standard output or to files, everything else to standard error. Exit codes: 0 done, 1 input refused, 2 wrong usage,
//! 3 internal error.

mod build;
mod classify;
mod completions;
mod datagen;
mod demo;
mod dictionary;
mod feed;
mod layout;
mod man;
mod mapping;
mod progress;
mod replay;
mod size;
mod table;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use liushui::class::Rules;
use liushui::error::Error;
use liushui::feed::reject::FeedVerdict;

/// Bank transaction feeds in, small-business cash-flow credit products out.
#[derive(Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 input refused, 2 wrong usage, 3 internal error.";

#[derive(Subcommand)]
enum Command {
    /// Generate a small synthetic economy, build its products and show one account
    Demo(demo::Demo),
    /// Compute the products of all accounts of a feed
    Build(Box<build::Build>),
    /// Classify each row of a feed and report the evidence
    Classify(Box<classify::Classify>),
    /// Check a feed before products are built from it
    #[command(subcommand)]
    Feed(feed::FeedCommand),
    /// Try a mapping on a file
    #[command(subcommand)]
    Mapping(mapping::MappingCommand),
    /// Generate a synthetic economy with its own expected answers
    Datagen(datagen::Datagen),
    /// Send a feed in booking order, at a given speed
    Replay(replay::Replay),
    /// Show the items of a product, their types and formulas
    Dictionary(dictionary::ShowDictionary),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Write the man pages, one for each subcommand
    #[command(hide = true)]
    Man(man::Man),
}

/// Runs the command.
///
/// # Errors
/// The error that ends the command; [`fail`] turns it into a message and an exit code.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Demo(command) => command.run(),
        Command::Build(command) => command.run(),
        Command::Classify(command) => command.run(),
        Command::Feed(command) => command.run(),
        Command::Mapping(command) => command.run(),
        Command::Datagen(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Dictionary(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    }
}

/// Prints the error and returns its exit code. A closed pipe is not an error.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    let pipe = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    if pipe.into_iter().any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    report(&format!("error: {error}"));
    ExitCode::from(error.downcast_ref::<Error>().map_or(3, Error::exit_code))
}

/// Prints data to standard output; a write error ends the command through [`fail`].
fn print(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a line to standard error; a closed pipe is ignored.
pub fn report(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The rules from a file, or the built-in rules.
fn load_rules(path: Option<&Path>) -> Result<Rules, Error> {
    let Some(path) = path else { return Ok(Rules::builtin()) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::Usage(format!("cannot read the rules `{}`: {error}", path.display())))?;
    Ok(Rules::parse(&text)?)
}

/// Most rejects printed on the console.
const REJECTS_SHOWN: usize = 20;

/// Prints the first rejects, the number of the others, and hints for refused files.
fn report_rejects(verdict: &FeedVerdict) {
    for (path, reject) in verdict.iter().take(REJECTS_SHOWN) {
        let row = reject.row.map(|row| format!(", row {row}")).unwrap_or_default();
        let column = reject.column.as_deref().map(|column| format!(", column `{column}`")).unwrap_or_default();
        report(&format!("{path}{row}{column}: {}", reject.code));
    }
    let more = verdict.iter().count().saturating_sub(REJECTS_SHOWN);
    if more > 0 {
        report(&format!("... and {} more", grouped(more as u64)));
    }
    for (path, verdict) in &verdict.files {
        verdict.hints.iter().for_each(|hint| report(&format!("hint: {path}: {hint}")));
    }
}

/// Columns of the terminal, or a default that fits a page.
fn width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(120)
}

/// Seconds since 1970: the only place where a command reads the clock.
fn now() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.map_or(0, |time| time.as_secs() as i64)
}

/// A number with grouped thousands: `30 200`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
