//! Kernels: the time of each step of a build by itself, on one core.
//!
//! ```text
//! cargo bench --bench kernels                                                    # a generated feed of 1,000 accounts
//! cargo bench --bench kernels -- FEED/transactions FEED/accounts.parquet
//! ```
//!
//! The input of each step is the output of the step before, which is held in memory, so a feed should have a few million rows
//! at most. Prints the number of rows, cells or accounts of each step, and nanoseconds for each.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::AsArray as _;
use arrow::datatypes::{Int32Type, UInt32Type};
use arrow::record_batch::RecordBatch;
use liushui::cell::Cell;
use liushui::class::classifier::{Classifier, ClassifyColumns};
use liushui::class::{Matcher, Rules};
use liushui::feed::check::Checker;
use liushui::feed::find::find;
use liushui::feed::format::{OpenOptions, open};
use liushui::feed::guard::Limits;
use liushui::feed::reject::FileRejects;
use liushui::feed::schema::TRANSACTIONS;
use liushui::feed::{Feed, FeedPaths};
use liushui::hash_key::HashKey;
use liushui::intake::{CONTENT_COLUMNS, Kernels};
use liushui::period::{Date, Month};
use liushui::product::dictionary::Dictionary;
use liushui::product::history::History;
use liushui::product::render::{self, json, parquet};
use liushui::product::{Context, ProductKind, compute};
use liushui::staging::buffer::{BufferWriter, RowBuffer};
use liushui::staging::codec;
use liushui::staging::dedup::dedup;
use liushui::staging::fingerprint::Fingerprinter;
use liushui::staging::partition::Partitioning;

/// The time of a step.
pub struct Timed {
    /// The step.
    pub step: &'static str,
    /// The unit of `count`.
    pub unit: &'static str,
    /// Number of units.
    pub count: u64,
    /// Time for all of them.
    pub time: Duration,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Cells by account and month.
type Cells = BTreeMap<u32, Vec<(Month, Cell)>>;

/// Runs each step once over a feed.
pub fn run(transactions: &Path, accounts: &Path) -> Result<Vec<Timed>> {
    let mut steps = Vec::new();
    let hash_key = HashKey::from_bytes([7; 32]);
    let feed = Feed::open(&FeedPaths {
        transactions: vec![transactions.to_path_buf()],
        accounts: vec![accounts.to_path_buf()],
        mapping: None,
        records_from: None,
        limits: Limits::FEED,
    })?;
    let checked = check(&feed, transactions, &mut steps)?;
    let rows: u64 = checked.iter().map(|batch| batch.num_rows() as u64).sum();
    functions(&feed, &checked, &hash_key, rows, &mut steps)?;
    drop(checked);
    let (cells, as_of) = cells(&feed, &hash_key, rows, &mut steps)?;
    products(&feed, &cells, as_of, &mut steps)?;
    Ok(steps)
}

/// Runs `work` and adds its time as a step.
fn timed<T>(steps: &mut Vec<Timed>, step: &'static str, unit: &'static str, count: u64, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let made = black_box(work());
    steps.push(Timed { step, unit, count, time: started.elapsed() });
    made
}

/// Decodes and checks all files.
fn check(feed: &Feed, transactions: &Path, steps: &mut Vec<Timed>) -> Result<Vec<RecordBatch>> {
    let mut checked = Vec::new();
    let (mut decoding, mut checking, mut rows) = (Duration::ZERO, Duration::ZERO, 0);
    let options = OpenOptions { table: &TRANSACTIONS, mapping: None, limits: Limits::FEED };
    for (found, file) in find(&[transactions.to_path_buf()])?.iter().zip(0..) {
        let hint =
            |faults: Vec<liushui::feed::reject::FileFault>| faults.first().map(|f| f.hint.clone()).unwrap_or_default();
        let opened = open(found.path(), &options).map_err(hint)?;
        let rejects = FileRejects::default();
        for slice in opened.slices() {
            let mut checker = Checker::new(opened.typing, file, Arc::clone(&feed.accounts) as _);
            let mut batches = slice.read().map_err(hint)?.batches;
            loop {
                let started = Instant::now();
                let Some(raw) = batches.next() else { break };
                let raw = raw.map_err(|fault| fault.hint)?;
                decoding += started.elapsed();
                let started = Instant::now();
                let batch = checker.check(&raw, &rejects)?;
                checking += started.elapsed();
                rows += batch.num_rows() as u64;
                checked.push(batch);
            }
        }
    }
    steps.push(Timed { step: "decode", unit: "row", count: rows, time: decoding });
    steps.push(Timed { step: "check", unit: "row", count: rows, time: checking });
    Ok(checked)
}

/// Classes and hashes of checked rows.
fn functions(
    feed: &Feed,
    checked: &[RecordBatch],
    hash_key: &HashKey,
    rows: u64,
    steps: &mut Vec<Timed>,
) -> Result<()> {
    let classifier = classifier(feed, hash_key);
    timed(steps, "classify, key", "row", rows, || -> Result<()> {
        for batch in checked {
            let columns = ClassifyColumns::of_batch(batch).ok_or("a column is missing")?;
            black_box(classifier.classify(&columns)?);
        }
        Ok(())
    })?;
    let fingerprinter = Fingerprinter::new(hash_key, CONTENT_COLUMNS);
    timed(steps, "fingerprint", "row", rows, || -> Result<()> {
        for batch in checked {
            let column = |name: &str| batch.column_by_name(name).cloned().ok_or("a column is missing");
            let content =
                CONTENT_COLUMNS.iter().map(|name| column(name)).collect::<std::result::Result<Vec<_>, _>>()?;
            let ids = column("txn_id")?;
            black_box(fingerprinter.fingerprint(ids.as_string_view(), &content)?);
        }
        Ok(())
    })
}

/// A classifier under the built-in rules, with the smallest name cache.
fn classifier(feed: &Feed, hash_key: &HashKey) -> Classifier {
    let matcher = Arc::new(Matcher::new(&Rules::builtin()));
    Classifier::new(matcher, Arc::clone(&feed.accounts) as _, hash_key.clone(), 0)
}

/// Buffers and dedups rows and adds them to cells. Returns the cells and the last booking date.
fn cells(feed: &Feed, hash_key: &HashKey, rows: u64, steps: &mut Vec<Timed>) -> Result<(Cells, Date)> {
    let reduced = reduced(feed, hash_key)?;
    let partitioning = Partitioning::new(feed.accounts.all().len() as u32);
    let buffer = Arc::new(RowBuffer::new(partitioning.partitions(), 1, usize::MAX / 2, None)?);
    timed(steps, "buffer", "row", rows, || {
        let mut writer = BufferWriter::new(Arc::clone(&buffer));
        reduced.iter().try_for_each(|batch| writer.push(batch, |account| partitioning.partition_of(account)))?;
        writer.finish()
    })?;
    drop(reduced);
    let as_of = Date::from_ymd(2199, 12, 31).unwrap_or(Date(0));
    let runs: Vec<RecordBatch> = timed(steps, "dedup", "row", rows, || -> Result<Vec<RecordBatch>> {
        let mut runs = Vec::new();
        for partition in 0..partitioning.partitions() {
            let mut deduped = dedup(buffer.take(partition)?, partitioning.accounts_of(partition), as_of, |_| None)?;
            while let Some(batch) = deduped.next_batch(8_192)? {
                runs.push(batch);
            }
        }
        Ok(runs)
    })?;

    // Two cells of each month, one of its first half and one of its second, as input of the merge.
    let mut halves: Vec<(u32, Month, Cell, Cell)> = Vec::new();
    let mut newest = 0;
    timed(steps, "update", "row", rows, || -> Result<()> {
        for batch in &runs {
            let (accounts, months) =
                (batch.column(0).as_primitive::<UInt32Type>(), batch.column(1).as_primitive::<Int32Type>());
            let bytes = batch.column(2).as_binary_view();
            for run in 0..batch.num_rows() {
                let (account, month) = (accounts.value(run), Month(months.value(run)));
                let is_new = halves.last().is_none_or(|(last, of, ..)| (*last, *of) != (account, month));
                if is_new {
                    halves.push((account, month, Cell::empty(hash_key.id()), Cell::empty(hash_key.id())));
                }
                let Some((.., first, second)) = halves.last_mut() else { continue };
                let mut at = 0;
                let update = |row: &liushui::cell::Row<'_>| {
                    if at % 2 == 0 {
                        first.update(row)
                    } else {
                        second.update(row)
                    }
                    at += 1;
                    newest = newest.max(row.booked_at_us);
                };
                codec::each(bytes.value(run), update).ok_or("rows of a run cannot be read")?;
            }
        }
        Ok(())
    })?;
    let count = halves.len() as u64;
    timed(steps, "settle", "cell", 2 * count, || {
        for (.., first, second) in &mut halves {
            first.settle();
            second.settle();
        }
    });
    let mut cells = Cells::new();
    timed(steps, "merge", "cell", count, || -> Result<()> {
        for (account, month, mut first, second) in halves {
            first.merge(second)?;
            cells.entry(account).or_default().push((month, first));
        }
        Ok(())
    })?;
    let encoded: Vec<[Vec<u8>; 2]> = timed(steps, "encode", "cell", count, || {
        let encode = |(_, cell): &(Month, Cell)| {
            let mut bytes = [Vec::new(), Vec::new()];
            cell.encode_figures(&mut bytes[0]);
            cell.encode_rows(&mut bytes[1]);
            bytes
        };
        cells.values().flatten().map(encode).collect()
    });
    timed(steps, "decode cell", "cell", count, || -> Result<()> {
        encoded.iter().try_for_each(|[figures, rows]| {
            black_box(Cell::decode(figures, rows)?);
            Ok(())
        })
    })?;
    timed(steps, "decode figures", "cell", count, || -> Result<()> {
        let mut cell = Cell::empty(0);
        encoded.iter().try_for_each(|[figures, _]| Ok(black_box(&mut cell).read_figures(figures)?))
    })?;
    Ok((cells, Date::of_time(newest)))
}

/// The feed's rows as `pipelines/rows.sql` makes them.
fn reduced(feed: &Feed, hash_key: &HashKey) -> Result<Vec<RecordBatch>> {
    let matcher = Arc::new(Matcher::new(&Rules::builtin()));
    let kernels = Kernels::new(matcher, Arc::clone(&feed.accounts) as _, hash_key.clone(), 0);
    let slices = feed.slices();
    let batches = slices.iter().flat_map(|slice| slice.read(|_| ()));
    Ok(batches.map(|batch| kernels.reduce(&batch?)).collect::<std::result::Result<_, _>>()?)
}

/// Both products of all accounts, and their renderings.
fn products(feed: &Feed, cells: &Cells, as_of: Date, steps: &mut Vec<Timed>) -> Result<()> {
    let count = feed.accounts.all().len() as u64;
    for (kind, compute_step, parquet_step, json_step) in [
        (ProductKind::DetailSummary, "detail-summary: compute", "detail-summary: Parquet", "detail-summary: JSON"),
        (ProductKind::Report, "report: compute", "report: Parquet", "report: JSON"),
    ] {
        let dictionary = Dictionary::builtin(kind)?;
        let context = Context::precompute(as_of, 0, "");
        let accounts = feed.accounts.all().iter().zip(0..);
        let made: Vec<_> = timed(steps, compute_step, "account", count, || {
            accounts
                .map(|(account, number)| {
                    let cells = cells.get(&number).map_or(&[][..], Vec::as_slice);
                    (account.account_id.as_str(), compute(&dictionary, &History::new(account, &context, cells)))
                })
                .collect()
        });
        timed(steps, parquet_step, "account", count, || -> Result<()> {
            let mut builder = parquet::ProductBatchBuilder::new(&dictionary);
            let properties = parquet::properties(builder.schema())?;
            let schema = Arc::clone(builder.schema());
            let mut writer = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), schema, Some(properties))?;
            for some in made.chunks(32) {
                some.iter().try_for_each(|(id, product)| builder.append(id, render::check(&dictionary, product)?))?;
                writer.write(&builder.finish()?)?;
                if writer.in_progress_rows() >= 128 {
                    writer.flush()?;
                }
            }
            black_box(writer.into_inner()?);
            Ok(())
        })?;
        timed(steps, json_step, "account", count, || -> Result<()> {
            let mut lines = Vec::new();
            for (id, product) in &made {
                lines.clear();
                json::write(&mut lines, Some(id), render::check(&dictionary, product)?, json::Layout::Line)?;
                black_box(&lines);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The table, a line a step.
pub fn table(steps: &[Timed]) -> String {
    let mut lines = format!("{:<26}{:>10}  {:<8}{:>10}{:>12}\n", "step", "count", "of", "seconds", "ns each");
    for Timed { step, unit, count, time } in steps {
        let each = time.as_nanos() / u128::from((*count).max(1));
        lines += &format!("{step:<26}{count:>10}  {unit:<8}{:>10.3}{each:>12}\n", time.as_secs_f64());
    }
    lines
}

#[cfg_attr(test, allow(dead_code, reason = "the tests call what it calls"))]
fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let given: Vec<PathBuf> =
        std::env::args_os().skip(1).filter(|argument| argument != "--bench").map(PathBuf::from).collect();
    let folder = tempfile::tempdir()?;
    let (transactions, accounts) = match given.as_slice() {
        [transactions, accounts] => (transactions.clone(), accounts.clone()),
        [] => {
            datagen::generate(&datagen::Options::new(1_000, 36, 1, folder.path()), &mut |_| ())?;
            (folder.path().join("transactions"), folder.path().join("accounts.parquet"))
        }
        _ => return Err("give transactions and accounts, or nothing".into()),
    };
    print!("{}", table(&run(&transactions, &accounts)?));
    Ok(())
}
