//! Generates a feed and prints how fast: `generate ACCOUNTS MONTHS OUT [THREADS] [DIRTY] [FORMAT]`.

use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize, default: &str| arguments.get(index).cloned().unwrap_or_else(|| default.to_owned());
    let (accounts, months) = (argument(0, "1000").parse()?, argument(1, "12").parse()?);
    let mut options = datagen::Options::new(accounts, months, 1, argument(2, "feed"));
    options.threads = Some(argument(3, "1").parse()?);
    options.dirty = argument(4, "0").parse()?;
    options.format = argument(5, "parquet").parse()?;
    let start = Instant::now();
    let summary = datagen::generate(&options, &mut |_| {})?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} rows, {seconds:.2} s, {:.0} rows/s, {} bytes",
        summary.rows,
        summary.rows as f64 / seconds,
        summary.bytes
    );
    println!("{} repeats, {} bad, {} ambiguous", summary.repeats, summary.bad_rows, summary.ambiguous);
    println!("{:?}\n{:?}", summary.rows_by_class, summary.traps);
    println!("{}", summary.shape.report(&datagen::Profile::default()));
    Ok(())
}
