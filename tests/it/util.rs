//! Feeds in temporary folders, builds over them, and what tests need from outside: programs, and by re-export shared data and
//! seeds.

use std::path::PathBuf;
use std::sync::Arc;

use liushui::batch::build::{BuildOptions, BuildOutcome, build};
use liushui::error::Error;
use liushui::observer::{NoObserver, Observer};
use liushui::publish::format::Ndjson;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use crate::testing::{property, seed, shared_data};

/// The `generated_at` of the products of tests.
pub const GENERATED_AT: i64 = 1_767_225_600;
/// The same in the form of the products.
pub const GENERATED_AT_TEXT: &str = "2026-01-01T08:00:00+08:00";

/// A valid code (the standard's specimen).
pub const USCC: &str = "91350100M000100Y43";

/// The header of an accounts table.
pub const ACCOUNTS_HEADER: &str = "account_id,provider_id,provider_name,bank_code,subject_uscc,subject_name,former_names,\
                                   account_type,currency,opened_on,closed_on,status";

/// A feed in a temporary folder of its own.
pub struct TestFeed {
    pub folder: TempDir,
}

impl TestFeed {
    /// An empty folder.
    pub fn new() -> TestFeed {
        TestFeed { folder: TempDir::new().unwrap() }
    }

    /// A feed of two CSV texts.
    pub fn csv(transactions: &str, accounts: &str) -> TestFeed {
        let feed = TestFeed::new();
        feed.write("transactions.csv", transactions);
        feed.write("accounts.csv", accounts);
        feed
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Options over the two CSV files: NDJSON out, one worker.
    pub fn options(&self) -> BuildOptions {
        let (transactions, accounts) = (self.path("transactions.csv"), self.path("accounts.csv"));
        let mut options = BuildOptions::new(transactions, accounts, self.path("out"), GENERATED_AT);
        options.formats = vec![&Ndjson];
        options.threads = 1;
        options.tmp = self.folder.path().to_path_buf();
        options
    }

    /// A synthetic economy under `feed/`.
    pub fn economy(&self, accounts: u32, months: u32, seed: u64, format: datagen::Format) {
        let mut options = datagen::Options::new(accounts, months, seed, self.path("feed"));
        options.format = format;
        datagen::generate(&options, &mut |_| {}).unwrap();
    }

    /// Writes the rows of `feed/transactions` (CSV) in another order to `shuffled/`, in files of unequal length that all
    /// overlap in time. With `repeats` N every Nth row is there twice. Returns the number of rows and that of repeats.
    pub fn shuffle(&self, files: usize, repeats: Option<usize>) -> (usize, usize) {
        let (mut rows, mut header) = (Vec::new(), String::new());
        for entry in std::fs::read_dir(self.path("feed/transactions")).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            header = text.lines().next().unwrap().to_string();
            rows.extend(text.lines().skip(1).map(String::from));
        }
        rows.sort_by_key(|line| line.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31) ^ u64::from(byte)));
        let count = rows.len();
        let repeats: Vec<String> = repeats.map_or(Vec::new(), |one_in| rows.iter().step_by(one_in).cloned().collect());
        rows.extend(repeats.iter().cloned());
        for (at, part) in rows.chunks(rows.len() / files + 7).enumerate() {
            self.write(&format!("shuffled/{at}.csv"), format!("{header}\n{}\n", part.join("\n")));
        }
        (count, repeats.len())
    }

    pub fn out(&self, name: &str) -> PathBuf {
        self.path("out").join(name)
    }

    /// `rejects.csv` without its header and without the folders of the files.
    pub fn rejects(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.out("rejects.csv")).unwrap();
        let folder = format!("{}/", self.folder.path().display());
        let mut lines = text.lines().map(|line| line.replace(&folder, ""));
        assert_eq!(lines.next().as_deref(), Some("file,row,column,code"));
        lines.collect()
    }

    pub fn run_json(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.out("run.json")).unwrap()).unwrap()
    }

    /// The products of one kind: one object for each account.
    pub fn products(&self, product: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.out(&format!("{product}.ndjson"))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Builds without an observer.
pub fn run(options: &BuildOptions) -> Result<BuildOutcome, Error> {
    let observer: Arc<dyn Observer> = Arc::new(NoObserver);
    build(options, &observer)
}

/// The path of a program that a test runs. `None` if it is not installed; then the reason is printed, and the test is
/// skipped.
pub fn program(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: the program `{name}` is not installed");
    }
    found
}
