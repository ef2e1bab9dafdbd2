//! One generation from start to end: months in turn, within a month first lives, then files.
//! Owns the order of things and the files of the output folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use arrow::array::{ArrayRef, RecordBatch};

use crate::calendar::Month;
use crate::class::Class;
use crate::delivery::Delivery;
use crate::dirt::Dirt;
use crate::economy::{Economy, Span};
use crate::error::Error;
use crate::expected::{self, Totals};
use crate::feed::{self, ROWS_PER_BATCH, Transactions};
use crate::holder::{Account, Holder};
use crate::life::Block;
use crate::name::Trap;
use crate::options::Options;
use crate::output::{self, Encoded, Encoder, Output, ROWS_PER_ROW_GROUP};
use crate::parallel;
use crate::refused::{self, Sample};
use crate::row::Row;
use crate::shape::Shape;
use crate::shelf::Shelf;
use crate::summary::Summary;
use crate::tempo::Tempo;

/// Default limit of the rows of a month that stay in memory: about half a GiB.
const ROWS_IN_MEMORY: u64 = 8_000_000;
/// Good rows from which the refused files are made.
const ROWS_IN_SAMPLE: usize = 40;

/// Generates a feed. `progress` is called after each part of a file with the number of rows of the feed written so far.
///
/// `accounts` is written last: a folder without it is incomplete.
pub fn generate(options: &Options, progress: &mut dyn FnMut(u64)) -> Result<Summary, Error> {
    options.check()?;
    let end = options.end.unwrap_or_default();
    let months = Month::window(end, options.months);
    let first = months.first().map_or(end.to_days(), |month| month.first);
    let profile = options.profile.clone().unwrap_or_default();
    let mean_rows = options.rows_per_account_month.unwrap_or(30);
    let economy = Economy::new(options.seed, profile, options.accounts, (first, end.to_days()), mean_rows);
    let mut run = Run::create(options, &economy)?;
    for month in &months {
        run.month(month, progress)?;
    }
    run.close()
}

/// The state of a generation.
struct Run<'a> {
    options: &'a Options,
    economy: &'a Economy,
    threads: usize,
    blocks: Vec<Block>,
    folder: PathBuf,
    labels: Output,
    traps: Output,
    totals: Totals,
    dirt: Dirt<'a>,
    /// Good rows, of which files are made that must be refused.
    sample: Vec<Row>,
    shape: Shape,
    counts: Counts,
    bytes: u64,
    /// Rows of the feed written so far.
    written: u64,
}

/// What is counted of the rows that are sent for the first time.
#[derive(Clone, Debug, Default)]
struct Counts {
    rows: u64,
    by_class: [u64; Class::ALL.len()],
    /// By trap, all and those whose label nobody could tell.
    traps: [(u64, u64); Trap::ALL.len()],
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.rows += other.rows;
        self.by_class.iter_mut().zip(other.by_class).for_each(|(mine, others)| *mine += others);
        for (mine, others) in self.traps.iter_mut().zip(other.traps) {
            mine.0 += others.0;
            mine.1 += others.1;
        }
    }
}

impl<'a> Run<'a> {
    fn create(options: &'a Options, economy: &'a Economy) -> Result<Run<'a>, Error> {
        let (folder, expected) = (options.out.join("transactions"), options.out.join("expected"));
        for path in [&folder, &expected, &accounts_path(options)] {
            if path.exists() {
                return Err(Error::InUse { path: path.clone() });
            }
        }
        for path in [&folder, &expected] {
            fs::create_dir_all(path).map_err(output::io(path))?;
        }
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        // The one float there is, made an integer before anything is drawn.
        let ppm = (options.dirty * 1_000_000.0).round() as u32;
        Ok(Run {
            options,
            economy,
            threads: options.threads.unwrap_or_else(cores),
            blocks: economy.spans().into_iter().map(Block::new).collect(),
            labels: expected::labels(&expected, feed::distinct_columns(economy.accounts))?,
            traps: expected::traps(&expected)?,
            totals: Totals::create(&expected)?,
            dirt: Dirt::create(economy, options.format, ppm, options.max_rejects, options.months, &expected)?,
            sample: Vec::new(),
            shape: Shape::default(),
            counts: Counts::default(),
            folder,
            bytes: 0,
            written: 0,
        })
    }

    fn month(&mut self, month: &Month, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        let rows = u64::from(self.economy.accounts) * u64::from(self.economy.mean_rows) * 5 / 4;
        let in_memory = self.options.rows_in_memory.unwrap_or(ROWS_IN_MEMORY).max(1);
        let mut shelf = Shelf::new(month, rows, in_memory, &self.options.out)?;
        self.live(month, &mut shelf)?;
        self.send(month, shelf, progress)
    }

    /// Lives through the month, runs of holders in parallel.
    fn live(&mut self, month: &Month, shelf: &mut Shelf) -> Result<(), Error> {
        let economy = self.economy;
        let tempo = Tempo::new(&economy.profile, month);
        let (totals, shape) = (&mut self.totals, &mut self.shape);
        parallel::in_order(
            self.threads,
            self.blocks.iter_mut().map(Ok),
            |block| block.live(economy, month, &tempo),
            |lived| {
                shape.merge(&lived.shape);
                totals.write(economy, &month.name, &lived.totals)?;
                shelf.put(&lived.rows)
            },
        )
    }

    /// Writes the month's file, row groups in parallel.
    fn send(&mut self, month: &Month, shelf: Shelf, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        let economy = self.economy;
        let file = self.dirt.begin(month)?;
        let schema = feed::transactions_schema(!self.dirt.is_none());
        let distinct = feed::distinct_columns(economy.accounts);
        let mut output = Output::create(&self.folder.join(file), &schema, self.options.format, distinct)?;
        let (feed, labels) = (output.encoder(), self.labels.encoder());
        let chunks = Chunks { parts: shelf.into_sorted(), dirt: &mut self.dirt, rows: Vec::new(), is_done: false };
        let sample = &mut self.sample;
        let chunks = chunks.inspect(|chunk| {
            if let Ok(rows) = chunk
                && sample.is_empty()
            {
                sample.extend(rows.iter().filter(|row| row.delivery == Delivery::First).take(ROWS_IN_SAMPLE));
            }
        });
        parallel::in_order(
            self.threads,
            chunks,
            |rows| render(economy, &rows, &feed, &labels),
            |rendered| {
                let rendered = rendered?;
                self.written += rendered.rows;
                self.counts.add(&rendered.counts);
                output.append(rendered.feed)?;
                self.labels.append(rendered.labels)?;
                for columns in &rendered.traps {
                    self.traps.write(columns)?;
                }
                progress(self.written);
                Ok(())
            },
        )?;
        self.bytes += output.close()?;
        self.bytes += self.dirt.send_again(month, &self.folder)?;
        Ok(())
    }

    fn close(self) -> Result<Summary, Error> {
        self.labels.close()?;
        self.traps.close()?;
        let done = self.dirt.close()?;
        let rows_by_class = self.totals.close()?;
        debug_assert_eq!(rows_by_class.map(|(_, rows)| rows), self.counts.by_class);
        if self.options.dirty > 0.0 {
            let folder = self.options.out.join("expected").join("refused");
            refused::write(&folder, &sample(self.economy, &self.sample)?)?;
        }
        write_accounts(self.options, self.economy, self.threads)?;
        let traps = Trap::ALL.into_iter().zip(self.counts.traps).filter(|(_, (rows, _))| *rows > 0);
        let traps: Vec<(Trap, u64, u64)> = traps.map(|(trap, (rows, ambiguous))| (trap, rows, ambiguous)).collect();
        Ok(Summary {
            rows: self.counts.rows,
            repeats: done.repeats,
            bad_rows: done.bad_rows,
            max_rejects: done.max_rejects,
            bytes: self.bytes,
            accounts: self.economy.accounts.into(),
            holders: self.economy.holders.into(),
            rows_by_class,
            ambiguous: traps.iter().map(|(_, _, ambiguous)| ambiguous).sum(),
            traps,
            shape: self.shape,
        })
    }
}

/// A month's rows in the order of sending, cut into row groups.
struct Chunks<'a, 'b, P> {
    parts: P,
    dirt: &'a mut Dirt<'b>,
    rows: Vec<Row>,
    is_done: bool,
}

impl<P: Iterator<Item = Result<Vec<Row>, Error>>> Chunks<'_, '_, P> {
    /// Collects rows until there are enough for a row group, or no more.
    fn fill(&mut self) -> Result<(), Error> {
        while self.rows.len() < ROWS_PER_ROW_GROUP && !self.is_done {
            match self.parts.next() {
                Some(rows) if self.dirt.is_none() => self.rows.extend(rows?),
                Some(rows) => self.dirt.send(rows?, &mut self.rows)?,
                None => {
                    self.is_done = true;
                    self.dirt.end(&mut self.rows)?;
                }
            }
        }
        Ok(())
    }
}

impl<P: Iterator<Item = Result<Vec<Row>, Error>>> Iterator for Chunks<'_, '_, P> {
    type Item = Result<Vec<Row>, Error>;

    fn next(&mut self) -> Option<Result<Vec<Row>, Error>> {
        if let Err(error) = self.fill() {
            return Some(Err(error));
        }
        let count = self.rows.len().min(ROWS_PER_ROW_GROUP);
        let rest = self.rows.split_off(count);
        let chunk = std::mem::replace(&mut self.rows, rest);
        (!chunk.is_empty()).then_some(Ok(chunk))
    }
}

/// A row group of the feed with what is expected of it.
struct Rendered {
    rows: u64,
    feed: Encoded,
    labels: Encoded,
    /// Columns of `traps.parquet`, batch by batch.
    traps: Vec<Vec<ArrayRef>>,
    counts: Counts,
}

/// Renders and encodes the rows of a row group.
fn render(economy: &Economy, rows: &[Row], feed: &Encoder, labels: &Encoder) -> Result<Rendered, Error> {
    let (mut feed, mut labels) = (feed.start()?, labels.start()?);
    let (mut traps, mut counts) = (Vec::new(), Counts::default());
    for part in rows.chunks(ROWS_PER_BATCH) {
        let mut transactions = Transactions::new(economy, part.len());
        part.iter().for_each(|row| transactions.push(row));
        let batch = transactions.finish()?;
        feed.write(&batch.columns)?;
        let columns = expected::label_columns(&batch)?;
        counts.rows += columns.first().map_or(0, |column| column.len() as u64);
        labels.write(&columns)?;
        expected::count_labels(&batch, &mut counts.by_class);
        if !batch.trapped.is_empty() {
            traps.push(expected::trap_columns(&batch)?);
        }
        for trapped in &batch.trapped {
            let count = &mut counts.traps[trapped.trap as usize];
            count.0 += 1;
            count.1 += u64::from(trapped.ambiguous);
        }
    }
    Ok(Rendered { rows: rows.len() as u64, feed: feed.finish()?, labels: labels.finish()?, traps, counts })
}

/// Writes `accounts`, holders derived in parallel.
fn write_accounts(options: &Options, economy: &Economy, threads: usize) -> Result<(), Error> {
    let schema = feed::accounts_schema();
    let distinct = ["account_id", "subject_uscc", "subject_name"];
    let mut accounts = Output::create(&accounts_path(options), &schema, options.format, &distinct)?;
    parallel::in_order(
        threads,
        economy.spans().into_iter().map(Ok),
        |span| feed::accounts_columns(economy, &holders(economy, span)),
        |columns| accounts.write(&columns),
    )?;
    accounts.close()?;
    Ok(())
}

fn holders(economy: &Economy, span: Span) -> Vec<Holder> {
    let mut account = span.first_account;
    (span.first_holder..span.first_holder + span.holders)
        .map(|ordinal| {
            let holder = Holder::new(economy, ordinal, account);
            account += holder.accounts.len() as u32;
            holder
        })
        .collect()
}

/// A few good rows with their accounts, as record batches.
fn sample(economy: &Economy, rows: &[Row]) -> Result<Sample, Error> {
    let mut transactions = Transactions::new(economy, rows.len());
    rows.iter().for_each(|row| transactions.push(row));
    let transactions = RecordBatch::try_new(feed::transactions_schema(false), transactions.finish()?.columns)?;
    let of_sample = |account: &Account| rows.iter().any(|row| row.account == account.ordinal);
    let holders: Vec<Holder> = economy
        .spans()
        .into_iter()
        .filter(|span| {
            rows.iter().any(|row| (span.first_account..span.first_account + span.accounts).contains(&row.account))
        })
        .flat_map(|span| holders(economy, span))
        .filter(|holder| holder.accounts.iter().any(of_sample))
        .collect();
    let accounts = RecordBatch::try_new(feed::accounts_schema(), feed::accounts_columns(economy, &holders))?;
    Ok(Sample { transactions, accounts })
}

fn accounts_path(options: &Options) -> PathBuf {
    let name = format!("accounts.{}", options.format.name());
    Path::new(&options.out).join(name)
}
