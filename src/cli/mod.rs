//! The command line: one file a subcommand, and what they share. No logic that a library user would miss.
//!
//! Data go to standard output or to files, all else to standard error. Exit codes: 0 done, 1 input refused, 2 wrong
//! usage, 3 failure of our own.

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

const EXIT_CODES: &str = "Exit codes: 0 done, 1 input refused, 2 wrong usage, 3 failure of our own.";

#[derive(Subcommand)]
enum Command {
    /// The whole thing on a small synthetic economy, in this process, with nothing to install
    Demo(demo::Demo),
    /// Compute the products of all accounts of a feed
    Build(Box<build::Build>),
    /// Tell the class of each row of a feed, and what decided it
    Classify(Box<classify::Classify>),
    /// Look at a feed before products are made of it
    #[command(subcommand)]
    Feed(feed::FeedCommand),
    /// Try a mapping on a file
    #[command(subcommand)]
    Mapping(mapping::MappingCommand),
    /// Generate a synthetic economy with its own expected answers
    Datagen(datagen::Datagen),
    /// Send a feed in booking order, at a pace
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
/// Whatever keeps the command from its work; [`fail`] turns it into a message and an exit code.
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

/// Tells the error and gives its exit code. A reader that went away is no failure.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    let pipe = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    if pipe.into_iter().any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    tell(&format!("error: {error}"));
    ExitCode::from(error.downcast_ref::<Error>().map_or(3, Error::exit_code))
}

/// Standard output for data; a write error ends the command through [`fail`].
fn print(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A line on standard error; a reader that went away is no failure.
pub fn tell(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The rules of a file, or the built-in ones.
fn load_rules(path: Option<&Path>) -> Result<Rules, Error> {
    let Some(path) = path else { return Ok(Rules::builtin()) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::Usage(format!("cannot read the rules `{}`: {error}", path.display())))?;
    Ok(Rules::parse(&text)?)
}

/// Rejects that the console shows.
const REJECTS_SHOWN: usize = 20;

/// Tells the first rejects, how many are left untold, and what to do about whole files.
fn tell_rejects(verdict: &FeedVerdict) {
    for (path, reject) in verdict.iter().take(REJECTS_SHOWN) {
        let row = reject.row.map(|row| format!(", row {row}")).unwrap_or_default();
        let column = reject.column.as_deref().map(|column| format!(", column `{column}`")).unwrap_or_default();
        tell(&format!("{path}{row}{column}: {}", reject.code));
    }
    let more = verdict.iter().count().saturating_sub(REJECTS_SHOWN);
    if more > 0 {
        tell(&format!("... and {} more", grouped(more as u64)));
    }
    for (path, verdict) in &verdict.files {
        verdict.hints.iter().for_each(|hint| tell(&format!("hint: {path}: {hint}")));
    }
}

/// Columns of the terminal, or a width that fits a page.
fn width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(120)
}

/// Seconds since 1970: the only place where a command reads the clock.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() as i64)
}

/// A number with thousands set apart: `30 200`.
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
