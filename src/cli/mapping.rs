//! `liushui mapping`: tests a mapping on a file's first rows (`check`), or drafts one from them (`guess`).

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use liushui::error::Error;
use liushui::feed::guess::guess;
use liushui::feed::mapping::Mapping;
use liushui::feed::raw::SkipReason;
use liushui::feed::reject::FileFault;
use liushui::feed::sample::{Sample, SampleOutcome, sample};

use super::layout::parse_account;
use super::{print, report};

#[derive(Subcommand)]
pub enum MappingCommand {
    /// Apply a mapping to the first rows of a file and show the result
    Check(Check),
    /// Draft a mapping from a file's header and first rows
    Guess(Guess),
}

impl MappingCommand {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            MappingCommand::Check(command) => command.run(),
            MappingCommand::Guess(command) => command.run(),
        }
    }
}

/// Show what the first rows of a file become under a mapping
#[derive(Args)]
#[command(after_help = "Example:\n  liushui mapping check my-bank.toml --sample export.csv --rows 5\n\n\
    Each row is taken, skipped by the mapping (with the reason), or refused by the checks (with columns and codes). Each\n\
    column of the feed is shown with its converted value; columns without a value are omitted. If accounts are a\n\
    separate table, no row's account is looked up. This command prints values of the file, as no other command does: it\n\
    is meant for the owner of the file.\n\n\
    Exit codes: 0 no row of the sample is refused; 1 one is, or the file cannot be read; 2 wrong usage, such as an\n\
    inconsistent mapping; 3 internal error.")]
pub struct Check {
    /// A TOML file, or the name of a mapping that is shipped (abc, alipay, berka, boc, icbc)
    #[arg(value_name = "FILE")]
    mapping: PathBuf,
    /// The file to try it on (.csv, .csv.gz, .csv.zst)
    #[arg(long, value_name = "PATH")]
    sample: PathBuf,
    /// Rows to show, not counting those that the mapping skips
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rows: u32,
    /// A column of the account, for a statement that does not contain it, such as account_id=6222; may be given several times
    #[arg(long, value_name = "COLUMN=TEXT", value_parser = parse_account)]
    account: Vec<(String, String)>,
}

impl Check {
    fn run(self) -> anyhow::Result<ExitCode> {
        let mapping = Mapping::load(&self.mapping, &self.account).map_err(Error::from)?;
        let sample = match sample(&mapping, &self.sample, self.rows as usize).map_err(Error::from)? {
            Ok(sample) => sample,
            Err(fault) => return refuse(&self.sample.display().to_string(), &fault),
        };
        print(&text(&sample))?;
        if let Some(fault) = &sample.fault {
            return refuse(&self.sample.display().to_string(), fault);
        }
        match sample.rows.iter().any(|row| matches!(row.outcome, SampleOutcome::Refused(_))) {
            true => Ok(ExitCode::FAILURE),
            false => Ok(ExitCode::SUCCESS),
        }
    }
}

/// Draft a mapping from a file's header and first rows
#[derive(Args)]
#[command(after_help = "Example:\n  liushui mapping guess export.csv > my-bank.toml\n\n\
    Recognises Chinese and English headings, preambles before the header, sums at the end, GB18030, the usual delimiters,\n\
    date formats, money in one column or two, signs and words for the direction. Uncertain lines are marked\n\
    (`# unsure: ...`), and their number is printed to standard error. Review them, then run: liushui mapping check.")]
pub struct Guess {
    /// The file (.csv, .csv.gz, .csv.zst)
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

impl Guess {
    fn run(self) -> anyhow::Result<ExitCode> {
        match guess(&self.path) {
            Ok(draft) => {
                print(&draft.toml)?;
                if draft.unsure > 0 {
                    report(&format!("unsure lines: {}; look for `# unsure`", draft.unsure));
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(fault) => refuse(&self.path.display().to_string(), &fault),
        }
    }
}

fn refuse(path: &str, fault: &FileFault) -> anyhow::Result<ExitCode> {
    let column = fault.column.as_deref().map(|column| format!(", column `{column}`")).unwrap_or_default();
    report(&format!("{path}{column}: {}", fault.code));
    report(&format!("hint: {path}: {}", fault.hint));
    Ok(ExitCode::FAILURE)
}

/// The sample as text: each row with its columns below it, and the totals.
fn text(sample: &Sample) -> String {
    let mut text = String::new();
    for reject in &sample.account_rejects {
        let column = reject.column.as_deref().unwrap_or("account_id");
        text += &format!("account   refused: `{column}` {}; see `[accounts.constants]` and --account\n", reject.code);
    }
    let (mut taken, mut skipped, mut refused) = (0, 0, 0);
    for row in &sample.rows {
        let outcome = match &row.outcome {
            SampleOutcome::Taken => {
                taken += 1;
                "taken".to_string()
            }
            SampleOutcome::Skipped(why) => {
                skipped += 1;
                format!("skipped: {}", skipped_by(*why))
            }
            SampleOutcome::Refused(rejects) => {
                refused += 1;
                let why = rejects.iter().map(|reject| match &reject.column {
                    Some(column) => format!("`{column}` {}", reject.code),
                    None => reject.code.to_string(),
                });
                format!("refused: {}", why.collect::<Vec<_>>().join(", "))
            }
        };
        text += &format!("row {:<5} {outcome}\n", row.number);
        for (name, value) in &row.values {
            text += &format!("  {name:<21} {value}\n");
        }
    }
    text += &format!("{taken} taken, {skipped} skipped, {refused} refused");
    text += match sample.accounts_unknown {
        true => "; accounts are a table of their own and were not looked up\n",
        false => "\n",
    };
    text
}

fn skipped_by(why: SkipReason) -> String {
    match why {
        SkipReason::Footer => "it begins as in `file.footer`".to_string(),
        SkipReason::Ragged => "its length differs from the header's (`file.ragged`)".to_string(),
        SkipReason::Blank => "it is blank".to_string(),
        SkipReason::Pending => "it is not booked".to_string(),
        SkipReason::Rule(number) => format!("`[[row]]` number {number} skips it"),
    }
}
