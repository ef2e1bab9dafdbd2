//! A generation from start to end: for each month first the simulation, then the files.
//!
//! Owns the order of the steps and the files of the output folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use arrow::array::{ArrayRef, RecordBatch};

use crate::block::Block;
use crate::calendar::Month;
use crate::class::Class;
use crate::delivery::Delivery;
use crate::dirt::Dirt;
use crate::economy::{Economy, HolderRange};
use crate::error::Error;
use crate::expected::{self, Totals};
use crate::feed::{self, ROWS_PER_BATCH, Transactions};
use crate::holder::{Account, Holder};
use crate::month_buffer::MonthBuffer;
use crate::name::Trap;
use crate::options::Options;
use crate::output::{self, EncodedRows, EncoderFactory, Output, ROWS_PER_ROW_GROUP};
use crate::parallel;
use crate::refused::{self, Sample};
use crate::row::Row;
use crate::shape::Shape;
use crate::summary::Summary;
use crate::trading_days::TradingDays;

/// Default limit of the rows of a month in memory: about half a GiB.
const ROWS_IN_MEMORY: u64 = 8_000_000;
/// Good rows from which the refused files are made.
const ROWS_IN_SAMPLE: usize = 40;

/// Generates a feed. `progress` is called after each group of rows with the number of rows of the feed written so far.
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
    /// Good rows from which the refused files are made.
    sample: Vec<Row>,
    shape: Shape,
    counts: Counts,
    bytes: u64,
    /// Rows of the feed written so far.
    written: u64,
}

/// Counts of transactions. Repeats and bad rows do not count.
#[derive(Clone, Debug, Default)]
struct Counts {
    rows: u64,
    by_class: [u64; Class::ALL.len()],
    /// By trap: all transactions, and those with an ambiguous label.
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
        // The only float. It becomes an integer before anything is drawn.
        let ppm = (options.dirty * 1_000_000.0).round() as u32;
        Ok(Run {
            options,
            economy,
            threads: options.threads.unwrap_or_else(cores),
            blocks: economy.holder_ranges().into_iter().map(Block::new).collect(),
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
        let mut buffer = MonthBuffer::new(month, rows, in_memory, &self.options.out)?;
        self.simulate(month, &mut buffer)?;
        self.write_month(month, buffer, progress)
    }

    /// Simulates the month, blocks of holders in parallel.
    fn simulate(&mut self, month: &Month, buffer: &mut MonthBuffer) -> Result<(), Error> {
        let economy = self.economy;
        let trading_days = TradingDays::new(&economy.profile, month);
        let (totals, shape) = (&mut self.totals, &mut self.shape);
        parallel::in_order(
            self.threads,
            self.blocks.iter_mut().map(Ok),
            |block| block.run_month(economy, month, &trading_days),
            |result| {
                shape.merge(&result.shape);
                totals.write(economy, &month.name, &result.totals)?;
                buffer.put(&result.rows)
            },
        )
    }

    /// Writes the file of the month, row groups in parallel.
    fn write_month(&mut self, month: &Month, buffer: MonthBuffer, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        let economy = self.economy;
        let file = self.dirt.begin(month)?;
        let schema = feed::transactions_schema(!self.dirt.is_none());
        let distinct = feed::distinct_columns(economy.accounts);
        let mut output = Output::create(&self.folder.join(file), &schema, self.options.format, distinct)?;
        let (feed, labels) = (output.encoder_factory(), self.labels.encoder_factory());
        let groups = RowGroups { sorted: buffer.into_sorted(), dirt: &mut self.dirt, rows: Vec::new(), is_done: false };
        let sample = &mut self.sample;
        let groups = groups.inspect(|group| {
            if let Ok(rows) = group
                && sample.is_empty()
            {
                sample.extend(rows.iter().filter(|row| row.delivery == Delivery::First).take(ROWS_IN_SAMPLE));
            }
        });
        parallel::in_order(
            self.threads,
            groups,
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
        self.bytes += self.dirt.resend_file(month, &self.folder)?;
        Ok(())
    }

    fn close(self) -> Result<Summary, Error> {
        self.labels.close()?;
        self.traps.close()?;
        let dirt = self.dirt.close()?;
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
            repeats: dirt.repeats,
            bad_rows: dirt.bad_rows,
            max_rejects: dirt.max_rejects,
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

/// The rows of a month in the order of delivery, cut into row groups.
struct RowGroups<'a, 'b, P> {
    sorted: P,
    dirt: &'a mut Dirt<'b>,
    rows: Vec<Row>,
    is_done: bool,
}

impl<P: Iterator<Item = Result<Vec<Row>, Error>>> RowGroups<'_, '_, P> {
    /// Collects rows until there are enough for a row group, or no more rows.
    fn fill(&mut self) -> Result<(), Error> {
        while self.rows.len() < ROWS_PER_ROW_GROUP && !self.is_done {
            match self.sorted.next() {
                Some(rows) if self.dirt.is_none() => self.rows.extend(rows?),
                Some(rows) => self.dirt.deliver(rows?, &mut self.rows)?,
                None => {
                    self.is_done = true;
                    self.dirt.end(&mut self.rows)?;
                }
            }
        }
        Ok(())
    }
}

impl<P: Iterator<Item = Result<Vec<Row>, Error>>> Iterator for RowGroups<'_, '_, P> {
    type Item = Result<Vec<Row>, Error>;

    fn next(&mut self) -> Option<Result<Vec<Row>, Error>> {
        if let Err(error) = self.fill() {
            return Some(Err(error));
        }
        let count = self.rows.len().min(ROWS_PER_ROW_GROUP);
        let rest = self.rows.split_off(count);
        let group = std::mem::replace(&mut self.rows, rest);
        (!group.is_empty()).then_some(Ok(group))
    }
}

/// A row group of the feed with its expected answers.
struct Rendered {
    rows: u64,
    feed: EncodedRows,
    labels: EncodedRows,
    /// Columns of `traps.parquet` by batch.
    traps: Vec<Vec<ArrayRef>>,
    counts: Counts,
}

/// Renders and encodes the rows of a row group.
fn render(economy: &Economy, rows: &[Row], feed: &EncoderFactory, labels: &EncoderFactory) -> Result<Rendered, Error> {
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
        if !batch.trap_rows.is_empty() {
            traps.push(expected::trap_columns(&batch)?);
        }
        for row in &batch.trap_rows {
            let count = &mut counts.traps[row.trap as usize];
            count.0 += 1;
            count.1 += u64::from(row.ambiguous);
        }
    }
    Ok(Rendered { rows: rows.len() as u64, feed: feed.finish()?, labels: labels.finish()?, traps, counts })
}

/// Writes `accounts`, with holders computed in parallel.
fn write_accounts(options: &Options, economy: &Economy, threads: usize) -> Result<(), Error> {
    let schema = feed::accounts_schema();
    let distinct = ["account_id", "subject_uscc", "subject_name"];
    let mut accounts = Output::create(&accounts_path(options), &schema, options.format, &distinct)?;
    parallel::in_order(
        threads,
        economy.holder_ranges().into_iter().map(Ok),
        |range| feed::accounts_columns(economy, &holders(economy, range)),
        |columns| accounts.write(&columns),
    )?;
    accounts.close()?;
    Ok(())
}

fn holders(economy: &Economy, range: HolderRange) -> Vec<Holder> {
    let mut account = range.first_account;
    (range.first_holder..range.first_holder + range.holders)
        .map(|ordinal| {
            let holder = Holder::new(economy, ordinal, account);
            account += holder.accounts.len() as u32;
            holder
        })
        .collect()
}

/// A few good rows with their accounts as record batches.
fn sample(economy: &Economy, rows: &[Row]) -> Result<Sample, Error> {
    let mut transactions = Transactions::new(economy, rows.len());
    rows.iter().for_each(|row| transactions.push(row));
    let transactions = RecordBatch::try_new(feed::transactions_schema(false), transactions.finish()?.columns)?;
    let of_sample = |account: &Account| rows.iter().any(|row| row.account == account.ordinal);
    let holders: Vec<Holder> = economy
        .holder_ranges()
        .into_iter()
        .filter(|range| {
            rows.iter().any(|row| (range.first_account..range.first_account + range.accounts).contains(&row.account))
        })
        .flat_map(|range| holders(economy, range))
        .filter(|holder| holder.accounts.iter().any(of_sample))
        .collect();
    let accounts = RecordBatch::try_new(feed::accounts_schema(), feed::accounts_columns(economy, &holders))?;
    Ok(Sample { transactions, accounts })
}

fn accounts_path(options: &Options) -> PathBuf {
    let name = format!("accounts.{}", options.format.name());
    Path::new(&options.out).join(name)
}
