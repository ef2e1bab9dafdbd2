//! What a feed is refused for: codes, places, and the `rejects.csv` that lists them.
//!
//! Owns: the codes of bad input and their order in the list. Does not own: the checks themselves. A reject names
//! file, row and column, never a value.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{self, Write};
use std::sync::Mutex;

/// Why a row or a file is refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Code {
    /// A required column is not there.
    MissingColumn,
    /// A column's type, or a text value, is not of the column's type.
    BadType,
    /// A required value is null.
    NullRequired,
    /// `kind` is none of the feed's kinds.
    UnknownKind,
    /// `direction` is neither `C` nor `D`.
    BadDirection,
    /// Not a currency code, or another currency than the account's.
    BadCurrency,
    /// An amount or balance has more than 18 digits of fen.
    AmountRange,
    /// Not a time, or outside the years 1900 to 2199.
    BadTime,
    /// The account is not in `accounts`, or its row there was refused.
    UnknownAccount,
    /// The holder's code fails the check of GB 32100-2015.
    BadUscc,
    /// Another enumeration or code has a value that it does not allow.
    BadValue,
    /// The same identifier with other content.
    DuplicateConflict,
    /// Text that is not in the file's encoding.
    BadEncoding,
    /// The file ends before its content does.
    TruncatedFile,
    /// The file cannot be opened or is not of its format.
    UnreadableFile,
    /// The entries of a statement do not lead from its opening to its closing balance.
    StatementMismatch,
}

impl Code {
    /// The code as `rejects.csv` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Code::MissingColumn => "missing_column",
            Code::BadType => "bad_type",
            Code::NullRequired => "null_required",
            Code::UnknownKind => "unknown_kind",
            Code::BadDirection => "bad_direction",
            Code::BadCurrency => "bad_currency",
            Code::AmountRange => "amount_range",
            Code::BadTime => "bad_time",
            Code::UnknownAccount => "unknown_account",
            Code::BadUscc => "bad_uscc",
            Code::BadValue => "bad_value",
            Code::DuplicateConflict => "duplicate_conflict",
            Code::BadEncoding => "bad_encoding",
            Code::TruncatedFile => "truncated_file",
            Code::UnreadableFile => "unreadable_file",
            Code::StatementMismatch => "statement_mismatch",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A file that cannot be taken at all, with the column where one is to blame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileFault {
    /// Why.
    pub code: Code,
    /// Which column, where it is one column's fault.
    pub column: Option<String>,
    /// What to do about it, for the console; never a value of the feed.
    pub hint: String,
}

impl FileFault {
    /// A fault of the file as a whole.
    pub fn whole(code: Code, hint: impl Into<String>) -> FileFault {
        FileFault { code, column: None, hint: hint.into() }
    }

    /// A fault of one column.
    pub fn column(code: Code, column: &str, hint: impl Into<String>) -> FileFault {
        FileFault { code, column: Some(column.to_string()), hint: hint.into() }
    }
}

/// One refusal: a bad row, or a file as a whole.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reject {
    /// Data row from 1; `None` = the file as a whole.
    pub row: Option<u64>,
    /// The column to blame, where there is one.
    pub column: Option<Cow<'static, str>>,
    /// Why.
    pub code: Code,
}

/// What one file was refused for so far. Workers that read parts of one file share it.
#[derive(Default)]
pub struct FileRejects {
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    rejects: Vec<Reject>,
    /// Hints of faults of the file as a whole.
    hints: Vec<String>,
    /// By refused account: the first of its rows, and how many there are.
    refused_accounts: HashMap<u32, (u64, u64)>,
}

impl FileRejects {
    /// Notes a bad row, or with no row a fault of the file as a whole.
    pub fn note(&self, row: Option<u64>, column: Option<&'static str>, code: Code) {
        self.lock().rejects.push(Reject { row, column: column.map(Cow::Borrowed), code });
    }

    /// Notes a fault that keeps the file from being read.
    pub fn note_fault(&self, fault: FileFault) {
        let mut found = self.lock();
        let reject = Reject { row: None, column: fault.column.map(Cow::Owned), code: fault.code };
        if !found.rejects.contains(&reject) {
            found.rejects.push(reject);
            found.hints.push(fault.hint);
        }
    }

    /// Notes rows of an account whose own row was refused: `count` of them, the first at `first`.
    pub fn note_refused_account(&self, refusal: u32, first: u64, count: u64) {
        let mut found = self.lock();
        let (earliest, total) = found.refused_accounts.entry(refusal).or_insert((first, 0));
        *earliest = first.min(*earliest);
        *total += count;
    }

    /// Whether the file may not be taken as far as is known by now, with so many bad rows tolerated.
    pub fn refuses(&self, max_rejects: u64) -> bool {
        let found = self.lock();
        !found.hints.is_empty() || (found.rejects.len() + found.refused_accounts.len()) as u64 > max_rejects
    }

    /// Everything found, in order.
    pub fn finish(&self) -> FileVerdict {
        let mut found = self.lock();
        let found = std::mem::take(&mut *found);
        let mut rejects = found.rejects;
        let bad_rows = rejects.iter().filter(|reject| reject.row.is_some()).count() as u64;
        let of_refused: u64 = found.refused_accounts.values().map(|(_, count)| count).sum();
        rejects.extend(found.refused_accounts.values().map(|(first, _)| Reject {
            row: Some(*first),
            column: Some(Cow::Borrowed("account_id")),
            code: Code::UnknownAccount,
        }));
        rejects.sort();
        FileVerdict { unreadable: !found.hints.is_empty(), rejects, hints: found.hints, rows: bad_rows + of_refused }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Found> {
        // A list of rejects is whole after every push, whatever became of the thread that pushed.
        self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What became of one file.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct FileVerdict {
    /// The file has a fault as a whole.
    pub unreadable: bool,
    /// Its rejects, in the order of rows.
    pub rejects: Vec<Reject>,
    /// What to do about its faults.
    pub hints: Vec<String>,
    /// Rows that are not taken: those of a refused account are listed once and counted each.
    pub rows: u64,
}

impl FileVerdict {
    /// Whether the file may not be taken, with so many bad rows tolerated.
    pub fn refuses(&self, max_rejects: u64) -> bool {
        self.unreadable || self.rejects.len() as u64 > max_rejects
    }
}

/// The rejects of all files of a feed, by path.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct FeedVerdict {
    /// Path and verdict, ascending by the path's bytes.
    pub files: Vec<(String, FileVerdict)>,
}

impl FeedVerdict {
    /// Collects verdicts; the same path may come as an accounts file and as a transactions file.
    pub fn new(mut files: Vec<(String, FileVerdict)>) -> FeedVerdict {
        files.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
        FeedVerdict { files }
    }

    /// The files that may not be taken.
    pub fn refused_files(&self, max_rejects: u64) -> Vec<&str> {
        let refused = self.files.iter().filter(|(_, verdict)| verdict.refuses(max_rejects));
        refused.map(|(path, _)| path.as_str()).collect()
    }

    /// All rejects with their file's path, in the order of `rejects.csv`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Reject)> {
        self.files.iter().flat_map(|(path, verdict)| verdict.rejects.iter().map(move |reject| (path.as_str(), reject)))
    }

    /// Listed rejects by code.
    pub fn by_code(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        self.iter().for_each(|(_, reject)| *counts.entry(reject.code.name()).or_insert(0) += 1);
        counts
    }

    /// Writes `rejects.csv`: `file,row,column,code`, always with its header.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_csv(&self, out: impl Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(["file", "row", "column", "code"])?;
        for (path, reject) in self.iter() {
            let row = reject.row.map(|row| row.to_string()).unwrap_or_default();
            csv.write_record([path, &row, reject.column.as_deref().unwrap_or_default(), reject.code.name()])?;
        }
        csv.flush()
    }
}
