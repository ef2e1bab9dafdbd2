//! Generates a feed and prints the time it takes: `generate ACCOUNTS MONTHS OUT [THREADS [DIRTY [FORMAT [ROWS]]]]`.

use std::io::Write as _;
use std::time::Instant;

use datagen::{Options, generate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize, default: &str| arguments.get(index).cloned().unwrap_or_else(|| default.to_owned());
    let mut options = Options::new(argument(0, "1000").parse()?, argument(1, "12").parse()?, 1, argument(2, "feed"));
    options.threads = Some(argument(3, "1").parse()?);
    options.dirty = argument(4, "0").parse()?;
    options.format = argument(5, "parquet").parse()?;
    options.rows_per_account_month = Some(argument(6, "30").parse()?);
    let start = Instant::now();
    let summary = generate(&options, &mut |_| {})?;
    let seconds = start.elapsed().as_secs_f64();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} rows, {} bytes, {seconds:.2} s, {:.0} rows/s",
        summary.rows,
        summary.bytes,
        summary.rows as f64 / seconds
    )?;
    writeln!(
        out,
        "{} repeats, {} bad rows, {} ambiguous, {:?}, {:?}",
        summary.repeats, summary.bad_rows, summary.ambiguous, summary.rows_by_class, summary.traps
    )?;
    Ok(())
}
