//! The feed doctor: what a bank should know of its feed before products are made of it.
//!
//! Owns: reading a feed once and looking at it twice: row by row on the way into the store ([`seen`]), then account after
//! account in the order of booking ([`balance`], gaps, repeats); and the report ([`report`]). Does not own: the checks that
//! refuse rows ([`crate::feed`]), or how rows wait ([`crate::staging`]). Nothing is written.

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

/// What the doctor is asked to look at.
#[derive(Clone, Debug)]
pub struct FeedCheckOptions {
    /// Files, folders and globs of `transactions`; `-` is an Arrow stream on standard input.
    pub transactions: Vec<PathBuf>,
    /// Files, folders and globs of `accounts`.
    pub accounts: Vec<PathBuf>,
    /// The layout, where it is not the feed's own.
    pub mapping: Option<Mapping>,
    /// The classification rules, which tell by what evidence rows are classified.
    pub rules: Rules,
    /// Bad rows that a file may have.
    pub max_rejects: u64,
    /// Bytes that waiting rows may take.
    pub memory_bytes: usize,
    /// Workers.
    pub threads: usize,
    /// Where temporary files go.
    pub tmp: PathBuf,
}

impl FeedCheckOptions {
    /// A feed with every default: our rules, a worker a core, 2 GiB, no bad row.
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

/// What the doctor found.
#[derive(Clone, Debug)]
pub struct FeedCheckOutcome {
    /// File by file and account by account.
    pub report: FeedCheckReport,
    /// What is wrong with single rows, or keeps files from being read.
    pub verdict: FeedVerdict,
    /// The files that a build would refuse.
    pub refused_files: Vec<String>,
}

/// Looks at a feed.
///
/// # Errors
/// [`Error::Usage`] for paths that lead nowhere; failures of our own. A feed with faults is no error: the [`FeedCheckOutcome`]
/// tells them.
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
    let looked = look_at_partitions(&feed, &intake, observer)?;

    let (verdict, rows_rejected) = feed.verdict();
    let refused_files: Vec<String> = verdict.refused_files(options.max_rejects).into_iter().map(String::from).collect();
    let report = FeedCheckReport::new(&feed, &visitor, looked, &verdict, rows_rejected, !refused_files.is_empty());
    Ok(FeedCheckOutcome { report, verdict, refused_files })
}

/// What the rows of one account came to, in the order of booking and without repeats.
#[derive(Clone, Default, Debug)]
pub struct AccountLook {
    /// Rows that stand.
    pub rows: u64,
    /// Rows with the identifier of an earlier one, and in conflict with it or not.
    pub again: Repeat,
    /// Dates with rows, and the gaps between.
    pub calendar: Calendar,
    /// Its balance chain.
    pub balances: Balances,
}

/// Rows with the identifier of an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Repeat {
    /// The same row once more; a build leaves it out.
    pub duplicates: u64,
    /// Another content; a build refuses it.
    pub conflicts: u64,
}

/// Dates with rows, and the gaps between.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Calendar {
    /// Dates with rows.
    pub days: u64,
    /// The first of them.
    pub first: Option<Date>,
    /// The last.
    pub last: Option<Date>,
    /// Months without a row between the first and the last.
    pub empty_months: u64,
    /// Most days without a row between two with rows.
    pub longest_gap_days: u64,
}

impl Calendar {
    /// Takes in the next date with rows, in ascending order; the same date counts once.
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

/// What came of looking at accounts; sums of several workers add up.
#[derive(Clone, Default, Debug)]
pub struct Looked {
    /// By number of the account.
    pub accounts: Vec<AccountLook>,
    /// By number of the file: repeats, days whose chain its row breaks, and swapped signs.
    pub files: Vec<FileLook>,
}

/// What looking at accounts tells of a file.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct FileLook {
    /// Its rows with the identifier of an earlier one.
    pub again: Repeat,
    /// Days whose closing balance stands in this file and does not hold.
    pub days_broken: u64,
    /// Its rows after which the balance moved the other way.
    pub sign_swaps: u64,
}

/// Looks at the accounts of all partitions in parallel.
fn look_at_partitions(feed: &Feed, intake: &Intake, observer: &Arc<dyn Observer>) -> Result<Looked, Error> {
    let files = feed.file_names().count();
    let look_at = |partition: usize| -> Result<PartLook, Error> {
        let mut look = PartLook::new(intake.partitioning().accounts_of(partition), files);
        let mut rows = intake.rows_of(partition..partition + 1);
        while let Some((chunks, _)) = rows.next_rows()? {
            look.add(chunks, feed)?;
        }
        look.finish_month()?;
        look.finish_account();
        observer.advance(look.looks.len() as u64);
        Ok(look)
    };
    let partitions = 0..intake.partitioning().partitions();
    let looks: Vec<PartLook> = partitions.into_par_iter().map(look_at).collect::<Result<_, Error>>()?;
    let mut looked = Looked {
        accounts: vec![AccountLook::default(); feed.accounts.all().len()],
        files: vec![FileLook::default(); files],
    };
    for look in looks {
        for (mine, theirs) in looked.accounts.iter_mut().skip(look.accounts.start as usize).zip(look.looks) {
            *mine = theirs;
        }
        for (mine, theirs) in looked.files.iter_mut().zip(look.files) {
            mine.again.duplicates += theirs.again.duplicates;
            mine.again.conflicts += theirs.again.conflicts;
            mine.days_broken += theirs.days_broken;
            mine.sign_swaps += theirs.sign_swaps;
        }
    }
    Ok(looked)
}

/// After every time that the checks let pass: the doctor looks at all rows.
const NO_CUT_OFF: Date = Date(200_000);

/// What came of the accounts of one part.
struct PartLook {
    accounts: Range<u32>,
    looks: Vec<AccountLook>,
    files: Vec<FileLook>,
    /// The rows of the month in the making, and its account and month.
    month: Vec<Ordered>,
    of: Option<(u32, Month)>,
    /// The identifiers of `month`, one after another.
    ids: Vec<u8>,
    chain: Chain,
}

/// A row and its identifier, which decides the order where nothing else does.
struct Ordered {
    entry: Entry,
    id: Range<usize>,
}

impl PartLook {
    fn new(accounts: Range<u32>, files: usize) -> PartLook {
        PartLook {
            looks: vec![AccountLook::default(); accounts.len()],
            accounts,
            files: vec![FileLook::default(); files],
            month: Vec::new(),
            of: None,
            ids: Vec::new(),
            chain: Chain::default(),
        }
    }

    /// Looks at rows, which follow those before by account and month.
    fn add(&mut self, chunks: Vec<Vec<u8>>, feed: &Feed) -> Result<(), StagingError> {
        let mut deduped = dedup(chunks, self.accounts.clone(), NO_CUT_OFF, |_| None)?;
        for (account, place) in &deduped.duplicates {
            self.look(*account)?.again.duplicates += 1;
            self.files.get_mut(place.file as usize).ok_or(DamagedRows)?.again.duplicates += 1;
        }
        for (account, place) in &deduped.conflicts {
            self.look(*account)?.again.conflicts += 1;
            self.files.get_mut(place.file as usize).ok_or(DamagedRows)?.again.conflicts += 1;
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
                let of = (accounts.value(at), Month(months.value(at)));
                if self.of != Some(of) {
                    self.finish_month()?;
                    if self.of.is_none_or(|(account, _)| account != of.0) {
                        self.finish_account();
                    }
                    self.of = Some(of);
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

    /// Brings the month's rows into order and looks at them.
    fn finish_month(&mut self) -> Result<(), StagingError> {
        let Some((account, _)) = self.of else { return Ok(()) };
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
        let look = self.look(account)?;
        look.rows += entries.len() as u64;
        entries.iter().for_each(|row| look.calendar.add(Date::of_time(row.booked_at_us)));
        month.clear();
        self.month = month;
        Ok(())
    }

    /// Notes the account's chain and begins that of the next.
    fn finish_account(&mut self) {
        let chain = std::mem::take(&mut self.chain);
        if let Some((account, _)) = self.of
            && let Ok(look) = self.look(account)
        {
            look.balances = chain.found();
        }
    }

    fn look(&mut self, account: u32) -> Result<&mut AccountLook, DamagedRows> {
        let place = account.checked_sub(self.accounts.start).ok_or(DamagedRows)?;
        self.looks.get_mut(place as usize).ok_or(DamagedRows)
    }
}
