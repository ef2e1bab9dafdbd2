//! The feed: files in, checked transactions and rejects out.
//!
//! Owns: finding files ([`find`]), their formats ([`mod@format`], with the readers [`csv`] and [`statement`]), the layouts of
//! other banks ([`mapping`], with [`guess`] and [`sample`]), limits for hostile files ([`guard`]), the checks ([`check`],
//! [`accounts`]) and the rejects ([`reject`]). Does not own: classes, cells, or where checked rows go.
//!
//! ```text
//! paths ─▶ find ─▶ format ─▶ slices ─▶ raw batches ─▶ check ─▶ checked batches
//!                    │                     │            └────▶ rejects
//!            parquet, arrow, csv,      mapping
//!            camt.053, MT940
//! ```
//!
//! **Invariant:** every data row of a feed is in the checked batches or in the rejects, or it is skipped and counted.

mod account_files;
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
pub mod in_memory;
pub mod layout;
pub mod mapping;
pub mod raw;
mod record;
pub mod reject;
pub mod sample;
pub mod schema;
mod slice;
pub mod statement;
pub mod text;
pub mod typed;
mod warnings;

use std::path::PathBuf;
use std::sync::Arc;

use crate::flow::RowFlows;
use crate::period::Date;
use accounts::AccountIndex;
use error::FeedError;
use format::{FileSlice, OpenOptions, OpenedTable};
use guard::Limits;
use mapping::Mapping;
use reject::{FeedVerdict, FileRejects};
use schema::TRANSACTIONS;
use slice::GoodRows;
use warnings::Warnings;

pub use slice::{FeedFile, FeedSlice};

/// The paths of a feed, and how its files are read.
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

/// A feed whose accounts are read and whose files of transactions are open.
pub struct Feed {
    /// The good accounts.
    pub accounts: Arc<AccountIndex>,
    account_files: Vec<(String, FileRejects)>,
    files: Vec<Arc<FeedFile>>,
    warnings: Arc<Warnings>,
    good: Arc<GoodRows>,
}

impl Feed {
    /// Finds and opens all files, and reads the accounts.
    ///
    /// # Errors
    /// [`FeedError::Usage`] for paths that lead to no feed. Faults of files are no error: see [`Feed::verdict`].
    pub fn open(paths: &FeedPaths) -> Result<Feed, FeedError> {
        let transaction_files = find::find(&paths.transactions)?;
        let warnings = Warnings::default();
        let mapping = paths.mapping.as_ref();
        let mut read = account_files::read_accounts(&paths.accounts, mapping, paths.limits, &warnings)?;
        if let Some(date) = paths.records_from {
            read.accounts.set_records_from(date);
        }
        let mapping = mapping.and_then(|mapping| mapping.transactions.as_ref());
        let open = |(found, number): (&find::FoundFile, u32)| {
            // Standard input is an Arrow stream in the feed's own columns, so the mapping is for its accounts alone.
            let mapping = mapping.filter(|_| found.name != "-");
            let options = OpenOptions { table: &TRANSACTIONS, mapping, limits: paths.limits };
            Arc::new(FeedFile::open(number, found, &options, &warnings))
        };
        let files = transaction_files.iter().zip(0..).map(open).collect();
        let (accounts, account_files) = (Arc::new(read.accounts), read.files);
        Ok(Feed { accounts, account_files, files, warnings: Arc::new(warnings), good: Arc::default() })
    }

    /// The rows of all files, where they are known before they are read.
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

    /// Takes the warnings so far, such as unknown columns.
    pub fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// The rows that passed the checks so far, added up.
    pub fn good_rows(&self) -> RowFlows {
        self.good.get()
    }

    /// Data rows read so far, skipped ones included.
    pub fn rows_read(&self) -> u64 {
        self.files.iter().map(|file| file.rows_read()).sum::<u64>() + self.skipped()
    }

    /// Rows skipped so far.
    pub fn skipped(&self) -> u64 {
        self.files.iter().map(|file| file.rows_skipped()).sum()
    }

    /// Whether the rejects so far refuse a file, where `max_rejects` bad rows are tolerated in each.
    pub fn refuses(&self, max_rejects: u64) -> bool {
        self.account_files.iter().any(|(_, rejects)| rejects.refuses(max_rejects))
            || self.files.iter().any(|file| file.rejects.refuses(max_rejects))
    }

    /// The verdict on all files, and the number of rejected rows of `transactions`. Call it once, after all rows were read.
    pub fn verdict(&self) -> (FeedVerdict, u64) {
        let of_transactions: Vec<_> =
            self.files.iter().map(|file| (file.name.clone(), file.rejects.finish())).collect();
        let rows = of_transactions.iter().map(|(_, verdict)| verdict.rows).sum();
        let of_accounts = self.account_files.iter().map(|(name, rejects)| (name.clone(), rejects.finish()));
        (FeedVerdict::new(of_accounts.chain(of_transactions).collect()), rows)
    }
}
