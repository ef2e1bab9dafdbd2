//! Decode: the time that the parquet crate alone needs to decode the feed's columns, on one core.
//!
//! ```text
//! cargo bench --bench decode -- feed/transactions/*.parquet
//! ```
//!
//! Prints rows, seconds (median of five runs after a warm-up) and rows per second. Builds of the same files are compared with
//! this time; no code of Liushui runs here.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use arrow::array::{Array as _, RecordBatchReader as _};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::Result;

/// The columns of `transactions`.
const COLUMNS: [&str; 17] = [
    "account_id",
    "txn_id",
    "booked_at",
    "seq",
    "direction",
    "amount",
    "balance",
    "currency",
    "kind",
    "channel",
    "counterparty_name",
    "counterparty_account",
    "counterparty_bank",
    "counterparty_uscc",
    "summary",
    "remark",
    "reversal_of",
];

const RUNS: usize = 5;

/// Decodes a file. Returns the numbers of rows and nulls, so that no column can be skipped.
pub fn decode(path: &Path) -> Result<(usize, usize)> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let roots = builder.schema().fields().iter().enumerate();
    let roots: Vec<usize> =
        roots.filter(|(_, field)| COLUMNS.contains(&field.name().as_str())).map(|(root, _)| root).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader = builder.with_projection(mask).with_batch_size(8192).build()?;
    assert!(!reader.schema().fields().is_empty(), "{} has no column of a feed", path.display());
    let (mut rows, mut nulls) = (0, 0);
    for batch in reader {
        let batch = batch?;
        rows += batch.num_rows();
        nulls += batch.columns().iter().map(|column| column.null_count()).sum::<usize>();
    }
    Ok((rows, nulls))
}

#[cfg_attr(test, allow(dead_code, reason = "the tests call what it calls"))]
fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let files: Vec<_> = std::env::args_os().skip(1).filter(|argument| argument != "--bench").collect();
    if files.is_empty() {
        println!("give the Parquet files of a feed: cargo bench --bench decode -- feed/transactions/*.parquet");
        return Ok(());
    }
    let mut seconds = Vec::new();
    let mut counted = (0, 0);
    for _ in 0..=RUNS {
        let started = Instant::now();
        counted = (0, 0);
        for file in &files {
            let (rows, nulls) = decode(Path::new(file))?;
            counted = (counted.0 + rows, counted.1 + nulls);
        }
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.remove(0);
    seconds.sort_by(f64::total_cmp);
    let (rows, nulls) = counted;
    let median = seconds[RUNS / 2];
    println!("decode only, one core, {} times: {rows} rows, {nulls} nulls", RUNS + 1);
    println!(
        "seconds: median {median:.2}, min {:.2}, max {:.2}; {:.0} rows a second",
        seconds[0],
        seconds[RUNS - 1],
        rows as f64 / median
    );
    Ok(())
}
