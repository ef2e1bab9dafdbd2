//! The feed: files in, checked transactions and rejects out.
//!
//! Owns: the way from bytes to the checked `transactions` table: finding files ([`find`]), their formats ([`format`]:
//! [`csv`], Parquet, Arrow IPC, bank [`statement`]s), layouts of other banks ([`mapping`]), the checks ([`check`], [`accounts`]) and what
//! was refused ([`reject`]). Does not own: classes and cells.
//!
//! **Invariant:** every data row of a feed is in the checked table, in the rejects, or skipped by the mapping and counted.

pub mod accounts;
pub mod check;
pub mod convert;
pub mod csv;
pub mod error;
pub mod find;
pub mod format;
pub mod guard;
pub mod guess;
mod ids;
pub mod layout;
pub mod mapping;
pub mod raw;
mod record;
pub mod reject;
pub mod sample;
pub mod schema;
pub mod statement;
pub mod text;
pub mod typed;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::flow::RowFlows;
use crate::period::Date;
use accounts::{AccountIndex, AccountsBuilder};
use check::Checker;
use error::FeedError;
use find::{FoundFile, find};
use format::{FileSlice, OpenOptions, OpenedTable};
use guard::Limits;
use mapping::{AccountsMapping, Mapping, TableMapping};
use reject::{FeedVerdict, FileFault, FileRejects};
use schema::{ACCOUNTS, TRANSACTIONS, Typing};

/// What a feed is made of.
#[derive(Clone, Debug, Default)]
pub struct FeedPaths {
    /// Files, folders and globs of `transactions`; `-` is an Arrow stream on standard input.
    pub transactions: Vec<PathBuf>,
    /// Files, folders and globs of `accounts`; empty where the mapping gives the account itself.
    pub accounts: Vec<PathBuf>,
    /// The layout, where it is not the feed's own.
    pub mapping: Option<Mapping>,
    /// `records_from` of every account that has none.
    pub records_from: Option<Date>,
    /// The bounds that each file must keep.
    pub limits: Limits,
}

/// A feed whose accounts are read and whose transaction files are open.
pub struct Feed {
    /// The accounts that stand.
    pub accounts: Arc<AccountIndex>,
    /// Things to know that refuse nothing, such as unknown columns.
    warnings: Arc<Mutex<Vec<String>>>,
    account_files: Vec<(String, FileRejects)>,
    files: Vec<Arc<FeedFile>>,
    good: Arc<Mutex<RowFlows>>,
}

/// One file of `transactions`.
pub struct FeedFile {
    number: u32,
    name: String,
    /// `None` where it could not be opened; its rejects tell why.
    opened: Option<OpenedTable>,
    rejects: FileRejects,
    rows_read: AtomicU64,
    skipped: AtomicU64,
}

impl Feed {
    /// Finds and opens all files, and reads the accounts.
    ///
    /// # Errors
    /// [`FeedError::Usage`] for paths that lead to no feed. What is wrong inside files is told by [`Feed::verdict`].
    pub fn open(paths: &FeedPaths) -> Result<Feed, FeedError> {
        let transaction_files = find(&paths.transactions)?;
        let mut warnings = Vec::new();
        let (mut accounts, account_files) = read_accounts(paths, &mut warnings)?;
        if let Some(date) = paths.records_from {
            accounts.set_records_from(date);
        }
        let mapping = paths.mapping.as_ref().and_then(|mapping| mapping.transactions.as_ref());
        let mut files = Vec::with_capacity(transaction_files.len());
        for (found, number) in transaction_files.iter().zip(0..) {
            let rejects = FileRejects::default();
            // Standard input is an Arrow stream in the feed's own columns: a mapping is for its accounts then.
            let mapping = mapping.filter(|_| found.name != "-");
            let opened = match format::open(
                found.path(),
                &OpenOptions { table: &TRANSACTIONS, mapping, limits: paths.limits },
            ) {
                Ok(opened) => {
                    warn_unknown(&found.name, &opened.unknown_columns, &mut warnings);
                    Some(opened)
                }
                Err(faults) => {
                    faults.into_iter().for_each(|fault| rejects.note_fault(fault));
                    None
                }
            };
            let (rows_read, skipped) = (AtomicU64::new(0), AtomicU64::new(0));
            files.push(Arc::new(FeedFile { number, name: found.name.clone(), opened, rejects, rows_read, skipped }));
        }
        let warnings = Arc::new(Mutex::new(warnings));
        Ok(Feed { accounts: Arc::new(accounts), warnings, account_files, files, good: Arc::default() })
    }

    /// Rows of all files, where every file tells.
    pub fn rows(&self) -> Option<u64> {
        self.files.iter().filter_map(|file| file.opened.as_ref()).map(OpenedTable::rows).sum()
    }

    /// The slices of all files, in the order of files. Workers may read them in parallel and in any order.
    pub fn slices(&self) -> Vec<FeedSlice> {
        let slice = |file: &Arc<FeedFile>, slice: FileSlice| FeedSlice {
            file: Arc::clone(file),
            slice,
            accounts: Arc::clone(&self.accounts),
            warnings: Arc::clone(&self.warnings),
            good: Arc::clone(&self.good),
        };
        let of_file = |file: &Arc<FeedFile>| -> Vec<FeedSlice> {
            file.opened.iter().flat_map(OpenedTable::slices).map(|part| slice(file, part)).collect()
        };
        self.files.iter().flat_map(of_file).collect()
    }

    /// The names of all files of `transactions`, by number.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }

    /// The file with this number.
    pub fn file(&self, number: u32) -> Option<&FeedFile> {
        self.files.get(number as usize).map(Arc::as_ref)
    }

    /// Takes what there is to know by now that refuses nothing, such as unknown columns.
    pub fn take_warnings(&self) -> Vec<String> {
        let mut warnings = std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner));
        warnings.sort();
        warnings
    }

    /// The rows that passed the checks so far.
    pub fn good_rows(&self) -> RowFlows {
        *self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Data rows read so far, skipped ones included.
    pub fn rows_read(&self) -> u64 {
        self.files.iter().map(|file| file.rows_read.load(Ordering::Relaxed)).sum::<u64>() + self.skipped()
    }

    /// Rows that the mapping skipped so far.
    pub fn skipped(&self) -> u64 {
        self.files.iter().map(|file| file.skipped.load(Ordering::Relaxed)).sum()
    }

    /// Whether a file may not be taken as far as is known by now, with so many bad rows tolerated a file.
    pub fn refuses(&self, max_rejects: u64) -> bool {
        self.account_files.iter().any(|(_, rejects)| rejects.refuses(max_rejects))
            || self.files.iter().any(|file| file.rejects.refuses(max_rejects))
    }

    /// What was refused, and the rows of `transactions` that were; to be asked once, after all rows were read.
    pub fn verdict(&self) -> (FeedVerdict, u64) {
        let of_transactions: Vec<_> =
            self.files.iter().map(|file| (file.name.clone(), file.rejects.finish())).collect();
        let rows = of_transactions.iter().map(|(_, verdict)| verdict.rows).sum();
        let of_accounts = self.account_files.iter().map(|(name, rejects)| (name.clone(), rejects.finish()));
        (FeedVerdict::new(of_accounts.chain(of_transactions).collect()), rows)
    }
}

impl FeedFile {
    /// Where the file's rejects go.
    pub fn rejects(&self) -> &FileRejects {
        &self.rejects
    }
}

/// Every file of `accounts` with its rejects, by name.
type AccountFiles = Vec<(String, FileRejects)>;

fn read_accounts(paths: &FeedPaths, warnings: &mut Vec<String>) -> Result<(AccountIndex, AccountFiles), FeedError> {
    let mut builder = AccountsBuilder::default();
    let mapping = match paths.mapping.as_ref().map(|mapping| (&mapping.accounts, &mapping.name)) {
        Some((AccountsMapping::Constants(constants), name)) => {
            if !paths.accounts.is_empty() {
                return Err(FeedError::Usage("the mapping gives the account itself; leave --accounts out".to_string()));
            }
            let rejects = FileRejects::default();
            builder.add_constants(constants, &rejects)?;
            return Ok((builder.finish(), vec![(name.clone(), rejects)]));
        }
        Some((AccountsMapping::Table(table), _)) => Some(table),
        Some((AccountsMapping::Own, _)) | None => None,
    };
    if paths.accounts.is_empty() {
        return Err(FeedError::Usage("give the accounts of the feed: --accounts PATH".to_string()));
    }
    let mut files = Vec::new();
    let mut is_incomplete = false;
    for found in find(&paths.accounts)? {
        let rejects = FileRejects::default();
        if let Err(faults) = read_accounts_file(&found, mapping, paths.limits, &mut builder, &rejects, warnings) {
            faults.into_iter().for_each(|fault| rejects.note_fault(fault));
            is_incomplete = true;
        }
        files.push((found.name, rejects));
    }
    let mut accounts = builder.finish();
    if is_incomplete {
        accounts.set_incomplete();
    }
    Ok((accounts, files))
}

fn read_accounts_file(
    found: &FoundFile,
    mapping: Option<&TableMapping>,
    limits: Limits,
    builder: &mut AccountsBuilder,
    rejects: &FileRejects,
    warnings: &mut Vec<String>,
) -> Result<(), Vec<FileFault>> {
    let opened = format::open(found.path(), &OpenOptions { table: &ACCOUNTS, mapping, limits })?;
    let reading = opened.whole().read()?;
    warn_unknown(&found.name, &opened.unknown_columns, warnings);
    warn_unknown(&found.name, &reading.unknown_columns, warnings);
    for raw in reading.batches {
        let raw = raw.map_err(|fault| vec![fault])?;
        raw.faults.iter().for_each(|(row, code)| rejects.note(Some(*row), None, *code));
        builder.add(&raw, opened.typing, rejects);
    }
    Ok(())
}

fn warn_unknown(name: &str, unknown_columns: &[String], warnings: &mut Vec<String>) {
    if !unknown_columns.is_empty() {
        warnings.push(format!("{name}: unknown columns are ignored: `{}`", unknown_columns.join("`, `")));
    }
}

fn note_good(good: &Mutex<RowFlows>, batch: &RecordBatch) {
    let flows = check::add_up(batch).unwrap_or_default();
    let mut good = good.lock().unwrap_or_else(PoisonError::into_inner);
    good.add(&RowFlows { rows: batch.num_rows() as u64, flows });
}

impl std::fmt::Debug for FeedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FeedFile({})", self.name)
    }
}

/// A slice of one transaction file, with everything that reading it needs: owned, and cheap to clone.
#[derive(Clone, Debug)]
pub struct FeedSlice {
    file: Arc<FeedFile>,
    slice: FileSlice,
    accounts: Arc<AccountIndex>,
    warnings: Arc<Mutex<Vec<String>>>,
    good: Arc<Mutex<RowFlows>>,
}

impl FeedSlice {
    /// Reads and checks the slice: batches in [`checked_schema`](schema::checked_schema). Bad rows go to the file's
    /// rejects. A fault of the file ends the slice and is noted there too; it is no error of the iterator, so that the
    /// other slices are read and all faults are reported at once. `progress` gets the number of rows of each batch.
    ///
    /// # Errors
    /// The iterator yields an error only where Arrow cannot build a batch: an internal error.
    pub fn read<P: Fn(u64) + Send + 'static>(
        &self,
        progress: P,
    ) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + use<P> {
        let file = Arc::clone(&self.file);
        let good = Arc::clone(&self.good);
        let typing = file.opened.as_ref().map_or(Typing::Typed, |opened| opened.typing);
        let raws = match self.slice.read() {
            Ok(reading) => {
                let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
                warn_unknown(&file.name, &reading.unknown_columns, &mut warnings);
                Some(reading.batches)
            }
            Err(faults) => {
                faults.into_iter().for_each(|fault| file.rejects.note_fault(fault));
                None
            }
        };
        let mut checker = Checker::new(typing, file.number, Arc::clone(&self.accounts) as _);
        raws.into_iter().flatten().map_while(move |raw| match raw {
            Ok(raw) => {
                for (row, code) in &raw.faults {
                    file.rejects.note(Some(*row), None, *code);
                }
                let rows = raw.batch.num_rows() as u64 + raw.faults.len() as u64;
                file.rows_read.fetch_add(rows, Ordering::Relaxed);
                let skipped = raw.skips.len() as u64;
                file.skipped.fetch_add(skipped, Ordering::Relaxed);
                progress(rows + skipped);
                Some(checker.check(&raw, &file.rejects).inspect(|batch| note_good(&good, batch)))
            }
            Err(fault) => {
                file.rejects.note_fault(fault);
                None
            }
        })
    }
}
