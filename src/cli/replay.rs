//! `liushui replay`: sends a feed's transactions in booking order, at a given speed.

use std::io::StdoutLock;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use clap::Args;
use liushui::batch::cores;
use liushui::batch::replay::pace::{Clock, Pauses, Speed};
use liushui::batch::replay::{Destination, ReplayOptions, replay};
use liushui::error::Error;
use liushui::feed::typed::transactions_schema;
use liushui::period::Date;
use signal_hook::consts::{SIGCONT, SIGUSR1};

use super::build::{parse_date, parse_memory};
use super::layout::{LayoutArguments, transaction_files_help};
use super::progress::Bar;
use super::{grouped, report, report_rejects};

/// Send a feed in booking order, at a given speed
#[derive(Args)]
#[command(
    after_help = "Examples:\n  liushui replay --transactions feed/transactions --speed 86400 --to - | consumer\n  \
    liushui replay --transactions feed/transactions --speed max --to - | \\\n    \
    liushui build --transactions - --accounts feed/accounts.parquet --out products\n\n\
    At --speed 86400 a day takes a second. Rows go to standard output as an Arrow stream of the feed\'s own columns.\n\
    SIGUSR1 pauses and, sent again, resumes; Ctrl-Z and fg do the same. A feed with a value that\n\
    cannot be read is refused before its first row is sent (exit code 1)."
)]
pub struct Replay {
    #[arg(long, help = transaction_files_help(), required = true, num_args = 1.., value_name = "PATH")]
    transactions: Vec<PathBuf>,
    /// Speed as a multiple of real time, or `max`
    #[arg(long, value_name = "N|max", default_value = "max", value_parser = parse_speed)]
    speed: Speed,
    /// Destination of the rows: `-` is standard output
    #[arg(long, value_name = "-", default_value = "-", value_parser = ["-"])]
    to: String,
    /// The first booking date to send [default: the feed's first]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    from: Option<Date>,
    /// The last booking date to send, inclusive [default: the feed's last]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    until: Option<Date>,
    #[command(flatten)]
    layout: LayoutArguments,
    /// Memory for rows of files that overlap in time
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = parse_memory)]
    memory: usize,
    /// Workers that scan the feed before it is sent [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress bar
    #[arg(long)]
    no_progress: bool,
}

fn parse_speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    let times: u32 = text.parse().unwrap_or(0);
    if times == 0 { Err("give a whole number from 1 on, or `max`".to_string()) } else { Ok(Speed::Times(times)) }
}

impl Replay {
    /// Sends, and prints the result.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let options = ReplayOptions {
            transactions: self.transactions,
            mapping: self.layout.mapping()?,
            speed: self.speed,
            from: self.from,
            until: self.until,
            memory_bytes: self.memory,
            threads: self.threads.map_or_else(cores, usize::from),
        };
        let signals = Signals::new()?;
        let bar = Bar::new(self.no_progress);
        let mut out = StandardOutput { writer: None };
        let outcome = replay(&options, &mut out, &SystemClock(Instant::now()), &signals, &bar);
        bar.clear();
        let outcome = outcome?;
        report_rejects(&outcome.verdict);
        if !outcome.refused_files.is_empty() {
            return Err(Error::Refused { files: outcome.refused_files.len() }.into());
        }
        out.finish()?;
        report(&format!("{} of {} rows sent", grouped(outcome.rows), grouped(outcome.rows_read)));
        Ok(ExitCode::SUCCESS)
    }
}

/// The monotonic clock of the system, since an instant.
struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Signals that pause a replay: a thread waits for them, and the replay checks its flags several times per second.
#[derive(Default)]
struct Signals {
    paused: Arc<AtomicBool>,
    /// Set by SIGCONT: the process was stopped.
    continued: Arc<AtomicBool>,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        let mut received = signal_hook::iterator::Signals::new([SIGUSR1, SIGCONT])?;
        let signals = Signals::default();
        let (paused, continued) = (Arc::clone(&signals.paused), Arc::clone(&signals.continued));
        std::thread::spawn(move || {
            for signal in received.forever() {
                match signal {
                    SIGUSR1 => {
                        let was_paused = paused.fetch_xor(true, Ordering::Relaxed);
                        report(if was_paused { "resumed" } else { "paused; send SIGUSR1 again to resume" });
                    }
                    _ => continued.store(true, Ordering::Relaxed),
                }
            }
        });
        Ok(signals)
    }
}

impl Pauses for Signals {
    fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    fn was_stopped(&self) -> bool {
        self.continued.swap(false, Ordering::Relaxed)
    }
}

/// Standard output as an Arrow stream, which begins with the first rows.
struct StandardOutput {
    writer: Option<StreamWriter<StdoutLock<'static>>>,
}

impl StandardOutput {
    fn writer(&mut self) -> Result<&mut StreamWriter<StdoutLock<'static>>, Error> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => StreamWriter::try_new(std::io::stdout().lock(), &transactions_schema()).map_err(cannot_write)?,
        };
        Ok(self.writer.insert(writer))
    }

    /// Ends the stream; a stream without rows is valid.
    fn finish(&mut self) -> Result<(), Error> {
        self.writer()?.finish().map_err(cannot_write)
    }
}

impl Destination for StandardOutput {
    fn send(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let writer = self.writer()?;
        writer.write(rows).and_then(|()| writer.flush()).map_err(cannot_write)
    }
}

fn cannot_write(error: arrow::error::ArrowError) -> Error {
    match error {
        arrow::error::ArrowError::IoError(_, error) => Error::io("cannot write to", "standard output".as_ref(), error),
        other => Error::Internal(other.to_string()),
    }
}
