//! The feed check: finds faults of a feed before products are built from it.
//!
//! Owns: one pass over the feed, with two kinds of checks: row by row while the rows are buffered ([`visitor`]), then
//! account by account in the order of booking ([`balance_chain`], gaps, repeats); and the report ([`report`]). Does not own:
//! the checks that reject rows ([`crate::feed`]) or the buffer ([`crate::staging`]). Nothing is written.

pub mod balance_chain;
pub mod report;
pub mod visitor;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::{Int32Type, UInt32Type};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{cores, draw_key, in_pool};
use crate::account::Accounts;
use crate::class::{Matcher, Rules};
use crate::engine::table::feed_partitions;
use crate::error::Error;
use crate::feed::guard::Limits;
use crate::feed::mapping::Mapping;
use crate::feed::raw::BATCH_ROWS;
use crate::feed::reject::{Code, FeedVerdict};
use crate::feed::{Feed, FeedPaths};
use crate::intake::{Intake, IntakeOptions, Kernels};
use crate::observer::{Observer, Stage};
use crate::period::{Date, Month};
use crate::staging::codec;
use crate::staging::dedup::{Deduped, dedup};
use crate::staging::error::{DamagedRows, StagingError};
use balance_chain::{Balances, Chain, Entry, Fault};
use report::FeedCheckReport;
use visitor::FeedVisitor;

/// Options of a feed check.
#[derive(Clone, Debug)]
pub struct FeedCheckOptions {
    /// Files, folders and globs of `transactions`; `-` is an Arrow stream on standard input.
    pub transactions: Vec<PathBuf>,
    /// Files, folders and globs of `accounts`.
    pub accounts: Vec<PathBuf>,
    /// The mapping, where the feed has another layout than its own.
    pub mapping: Option<Mapping>,
    /// The classification rules, for the shares of evidence.
    pub rules: Rules,
    /// Bad rows that a file may have.
    pub max_rejects: u64,
    /// Bytes that waiting rows may take.
    pub memory_bytes: usize,
    /// Workers.
    pub threads: usize,
    /// Folder for temporary files.
    pub tmp: PathBuf,
}

impl FeedCheckOptions {
    /// The defaults: the built-in rules, one worker per core, 2 GiB, no bad rows.
    pub fn new(transactions: PathBuf, accounts: PathBuf) -> FeedCheckOptions {
        FeedCheckOptions {
            transactions: vec![transactions],
            accounts: vec![accounts],
            mapping: None,
            rules: Rules::builtin(),
            max_rejects: 0,
            memory_bytes: 2 << 30,
            threads: cores(),
            tmp: std::env::temp_dir(),
        }
    }
}

/// The result of a feed check.
#[derive(Clone, Debug)]
pub struct FeedCheckOutcome {
    /// Findings by file and account.
    pub report: FeedCheckReport,
    /// Faults of single rows, and of files that cannot be read.
    pub verdict: FeedVerdict,
    /// The files that a build would refuse.
    pub refused_files: Vec<String>,
}

/// Checks a feed.
///
/// # Errors
/// [`Error::Usage`] for paths without a file; internal errors. A feed with faults is not an error: the
/// [`FeedCheckOutcome`] reports them.
pub fn check(options: &FeedCheckOptions, observer: &Arc<dyn Observer>) -> Result<FeedCheckOutcome, Error> {
    in_pool(options.threads, || check_in_pool(options, observer))
}

fn check_in_pool(options: &FeedCheckOptions, observer: &Arc<dyn Observer>) -> Result<FeedCheckOutcome, Error> {
    let feed = Feed::open(&FeedPaths {
        transactions: options.transactions.clone(),
        accounts: options.accounts.clone(),
        mapping: options.mapping.clone(),
        records_from: None,
        limits: Limits::within(options.memory_bytes, options.threads),
    })?;
    let accounts: Arc<dyn Accounts> = Arc::clone(&feed.accounts) as _;
    let matcher = Arc::new(Matcher::new(&options.rules));
    let cache_bytes = options.memory_bytes / 16 / options.threads.max(1);
    let kernels = Kernels::new(matcher, Arc::clone(&accounts), draw_key()?, cache_bytes);
    let intake_options = IntakeOptions {
        memory_bytes: options.memory_bytes,
        workers: options.threads,
        batch_rows: BATCH_ROWS,
        spill_folder: Some(options.tmp.clone()),
    };
    let count = accounts.count();
    let intake = Intake::new(accounts, kernels, &intake_options)?;

    observer.stage(Stage::Read, feed.rows());
    let mut visitor = FeedVisitor::new(feed.file_names().count(), count as usize);
    let progress = {
        let observer = Arc::clone(observer);
        Arc::new(move |rows| observer.advance(rows)) as _
    };
    intake.read(feed_partitions(&feed, &progress), &visitor)?.into_iter().for_each(|other| visitor.add(other));
    feed.take_warnings().iter().for_each(|warning| observer.warn(warning));

    observer.stage(Stage::Accounts, Some(u64::from(count)));
    let summaries = check_partitions(&feed, &intake, observer)?;

    let (verdict, rows_rejected) = feed.verdict();
    let refused_files: Vec<String> = verdict.refused_files(options.max_rejects).into_iter().map(String::from).collect();
    let report = FeedCheckReport::new(&feed, &visitor, summaries, &verdict, rows_rejected, !refused_files.is_empty());
    Ok(FeedCheckOutcome { report, verdict, refused_files })
}

/// Results for one account, from its rows in the order of booking and without repeats.
#[derive(Clone, Default, Debug)]
pub struct AccountSummary {
    /// Rows that are kept.
    pub rows: u64,
    /// Rows with the identifier of an earlier row.
    pub repeats: Repeats,
    /// Dates with rows, and the gaps between.
    pub calendar: Calendar,
    /// Its balance chain.
    pub balances: Balances,
}

/// Counts of rows with the identifier of an earlier row.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Repeats {
    /// Rows equal to the earlier row; a build drops them.
    pub duplicates: u64,
    /// Rows with other content; a build rejects them.
    pub conflicts: u64,
}

/// Dates with rows, and the gaps between.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Calendar {
    /// Dates with rows.
    pub days: u64,
    /// The first date.
    pub first: Option<Date>,
    /// The last date.
    pub last: Option<Date>,
    /// Months without rows between the first and the last date.
    pub empty_months: u64,
    /// Length of the longest run of days without rows.
    pub longest_gap_days: u64,
}

impl Calendar {
    /// Adds the next date with rows, in ascending order; a repeated date counts once.
    pub fn add(&mut self, date: Date) {
        if self.last == Some(date) {
            return;
        }
        if let Some(last) = self.last {
            // Dates ascend, so neither difference is below zero.
            let gap = u64::try_from(date.0 - last.0 - 1).unwrap_or(0);
            self.longest_gap_days = self.longest_gap_days.max(gap);
            self.empty_months += u64::try_from(date.month().0 - last.month().0 - 1).unwrap_or(0);
        }
        self.days += 1;
        self.first = self.first.or(Some(date));
        self.last = Some(date);
    }
}

/// Results of all accounts and files.
#[derive(Clone, Default, Debug)]
pub struct Summaries {
    /// By number of the account.
    pub accounts: Vec<AccountSummary>,
    /// By number of the file.
    pub files: Vec<FileSummary>,
}

/// Results for one file, from the checks of accounts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct FileSummary {
    /// Its rows with the identifier of an earlier row.
    pub repeats: Repeats,
    /// Broken days whose closing balance is in this file.
    pub days_broken: u64,
    /// Its rows after which the balance moved in the other direction.
    pub sign_swaps: u64,
}

/// Checks the accounts of all partitions in parallel.
fn check_partitions(feed: &Feed, intake: &Intake, observer: &Arc<dyn Observer>) -> Result<Summaries, Error> {
    let files = feed.file_names().count();
    let check = |partition: usize| -> Result<PartitionCheck, Error> {
        let mut check = PartitionCheck::new(intake.partitioning().accounts_of(partition), files);
        let mut rows = intake.rows_of(partition..partition + 1);
        while let Some((chunks, _)) = rows.next_rows()? {
            check.add(chunks, feed)?;
        }
        check.finish_month()?;
        check.finish_account();
        observer.advance(check.summaries.len() as u64);
        Ok(check)
    };
    let partitions = 0..intake.partitioning().partitions();
    let checks: Vec<PartitionCheck> = partitions.into_par_iter().map(check).collect::<Result<_, Error>>()?;
    let mut summaries = Summaries {
        accounts: vec![AccountSummary::default(); feed.accounts.all().len()],
        files: vec![FileSummary::default(); files],
    };
    for check in checks {
        for (mine, theirs) in summaries.accounts.iter_mut().skip(check.accounts.start as usize).zip(check.summaries) {
            *mine = theirs;
        }
        for (mine, theirs) in summaries.files.iter_mut().zip(check.files) {
            mine.repeats.duplicates += theirs.repeats.duplicates;
            mine.repeats.conflicts += theirs.repeats.conflicts;
            mine.days_broken += theirs.days_broken;
            mine.sign_swaps += theirs.sign_swaps;
        }
    }
    Ok(summaries)
}

/// Later than every date that passes the checks: the feed check takes all rows.
const NO_CUT_OFF: Date = Date(200_000);

/// The check of the accounts of one partition.
struct PartitionCheck {
    accounts: Range<u32>,
    summaries: Vec<AccountSummary>,
    files: Vec<FileSummary>,
    /// The rows of the current month, and its account and month.
    month: Vec<Ordered>,
    month_key: Option<(u32, Month)>,
    /// The identifiers of `month`, one after another.
    ids: Vec<u8>,
    chain: Chain,
}

/// A row and its identifier, the last key of the order of booking.
struct Ordered {
    entry: Entry,
    id: Range<usize>,
}

impl PartitionCheck {
    fn new(accounts: Range<u32>, files: usize) -> PartitionCheck {
        PartitionCheck {
            summaries: vec![AccountSummary::default(); accounts.len()],
            accounts,
            files: vec![FileSummary::default(); files],
            month: Vec::new(),
            month_key: None,
            ids: Vec::new(),
            chain: Chain::default(),
        }
    }

    /// Checks rows, which follow the earlier ones by account and month.
    fn add(&mut self, chunks: Vec<Vec<u8>>, feed: &Feed) -> Result<(), StagingError> {
        let mut deduped = dedup(chunks, self.accounts.clone(), NO_CUT_OFF, |_| None)?;
        for (account, place) in &deduped.duplicates {
            self.summary_of(*account)?.repeats.duplicates += 1;
            self.files.get_mut(place.file as usize).ok_or(DamagedRows)?.repeats.duplicates += 1;
        }
        for (account, place) in &deduped.conflicts {
            self.summary_of(*account)?.repeats.conflicts += 1;
            self.files.get_mut(place.file as usize).ok_or(DamagedRows)?.repeats.conflicts += 1;
            if let Some(file) = feed.file(place.file) {
                file.rejects().note(Some(place.row), Some("txn_id"), Code::DuplicateConflict);
            }
        }
        self.add_runs(&mut deduped)
    }

    fn add_runs(&mut self, deduped: &mut Deduped) -> Result<(), StagingError> {
        while let Some(batch) = deduped.next_batch(BATCH_ROWS)? {
            let [accounts, months, rows] = batch.columns() else { return Err(DamagedRows.into()) };
            let (accounts, months) = (accounts.as_primitive::<UInt32Type>(), months.as_primitive::<Int32Type>());
            for (at, mut bytes) in rows.as_binary_view().iter().flatten().enumerate() {
                let key = (accounts.value(at), Month(months.value(at)));
                if self.month_key != Some(key) {
                    self.finish_month()?;
                    if self.month_key.is_none_or(|(account, _)| account != key.0) {
                        self.finish_account();
                    }
                    self.month_key = Some(key);
                }
                while !bytes.is_empty() {
                    let file = codec::head(bytes).ok_or(DamagedRows)?.place.file;
                    let (row, rest) = codec::get(bytes).ok_or(DamagedRows)?;
                    let start = self.ids.len();
                    self.ids.extend_from_slice(row.txn_id);
                    let entry = Entry {
                        booked_at_us: row.booked_at_us,
                        seq: row.seq,
                        change_fen: row.balance_change_fen(),
                        balance_fen: row.balance_fen,
                        file,
                    };
                    self.month.push(Ordered { entry, id: start..self.ids.len() });
                    bytes = rest;
                }
            }
        }
        Ok(())
    }

    /// Sorts the month's rows and checks them.
    fn finish_month(&mut self) -> Result<(), StagingError> {
        let Some((account, _)) = self.month_key else { return Ok(()) };
        let (mut month, ids) = (std::mem::take(&mut self.month), std::mem::take(&mut self.ids));
        let key = |row: &Ordered| (row.entry.booked_at_us, row.entry.seq, ids.get(row.id.clone()).unwrap_or_default());
        month.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        let entries: Vec<Entry> = month.iter().map(|row| row.entry).collect();
        let files = &mut self.files;
        self.chain.add(&entries, |fault, row| {
            let Some(file) = files.get_mut(row.file as usize) else { return };
            match fault {
                Fault::Broken => file.days_broken += 1,
                Fault::Swapped => file.sign_swaps += 1,
            }
        });
        let summary = self.summary_of(account)?;
        summary.rows += entries.len() as u64;
        entries.iter().for_each(|row| summary.calendar.add(Date::of_time(row.booked_at_us)));
        month.clear();
        self.month = month;
        Ok(())
    }

    /// Stores the result of the account's chain and begins the next chain.
    fn finish_account(&mut self) {
        let chain = std::mem::take(&mut self.chain);
        if let Some((account, _)) = self.month_key
            && let Ok(summary) = self.summary_of(account)
        {
            summary.balances = chain.found();
        }
    }

    fn summary_of(&mut self, account: u32) -> Result<&mut AccountSummary, DamagedRows> {
        let place = account.checked_sub(self.accounts.start).ok_or(DamagedRows)?;
        self.summaries.get_mut(place as usize).ok_or(DamagedRows)
    }
}
