//! Rejects: the bad rows and files of a feed, by code and place, and the `rejects.csv` that lists them.
//!
//! Owns: the codes, and the order of the list. Does not own: the checks. A reject names file, row and column, never a value.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{self, Write};
use std::sync::Mutex;

/// Why a row or a file is refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Code {
    /// A required column is missing.
    MissingColumn,
    /// A column has another type, or a text cannot be read as the column's type.
    BadType,
    /// A required value is null.
    NullRequired,
    /// `kind` is not one of the feed's kinds.
    UnknownKind,
    /// `direction` is neither `C` nor `D`.
    BadDirection,
    /// Not a currency code, or not the account's currency.
    BadCurrency,
    /// An amount or balance has more than 18 digits of fen.
    AmountRange,
    /// Not a time, or outside the years 1900 to 2199.
    BadTime,
    /// The account is not in `accounts`, or its row there was refused.
    UnknownAccount,
    /// The check character of the holder's code is wrong (GB 32100-2015).
    BadUscc,
    /// A value that another enumeration or code does not allow.
    BadValue,
    /// The same identifier with different content.
    DuplicateConflict,
    /// Text that is not in the file's encoding.
    BadEncoding,
    /// The file ends before its content does.
    TruncatedFile,
    /// The file cannot be opened or is not of its format.
    UnreadableFile,
    /// The opening balance and the entries of a statement do not add up to its closing balance.
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

/// A fault by which a file as a whole is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileFault {
    /// Why.
    pub code: Code,
    /// The column at fault, where it is one column.
    pub column: Option<String>,
    /// What is wrong and what to do, for the console; never a value of the feed.
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
    /// The column at fault, where there is one.
    pub column: Option<Cow<'static, str>>,
    /// Why.
    pub code: Code,
}

/// The rejects of one file so far. Workers that read slices of one file share it.
#[derive(Default)]
pub struct FileRejects {
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    rejects: Vec<Reject>,
    /// Hints of faults of the file as a whole.
    hints: Vec<String>,
    /// The first row and the number of rows of each refused account.
    refused_accounts: HashMap<u32, (u64, u64)>,
}

impl FileRejects {
    /// Notes a bad row, or, without a row, a fault of the file as a whole.
    pub fn note(&self, row: Option<u64>, column: Option<&'static str>, code: Code) {
        self.lock().rejects.push(Reject { row, column: column.map(Cow::Borrowed), code });
    }

    /// Notes a fault of the file as a whole. The same fault is noted once, whichever slices meet it.
    pub fn note_fault(&self, fault: FileFault) {
        let mut noted = self.lock();
        let reject = Reject { row: None, column: fault.column.map(Cow::Owned), code: fault.code };
        if !noted.rejects.contains(&reject) {
            noted.rejects.push(reject);
            noted.hints.push(fault.hint);
        }
    }

    /// Notes `count` rows of an account whose own row was refused, the first of them at `first`.
    pub fn note_refused_account(&self, refusal: u32, first: u64, count: u64) {
        let mut noted = self.lock();
        let (earliest, total) = noted.refused_accounts.entry(refusal).or_insert((first, 0));
        *earliest = first.min(*earliest);
        *total += count;
    }

    /// Whether the rejects so far refuse the file, where `max_rejects` bad rows are tolerated.
    pub fn refuses(&self, max_rejects: u64) -> bool {
        let noted = self.lock();
        !noted.hints.is_empty() || (noted.rejects.len() + noted.refused_accounts.len()) as u64 > max_rejects
    }

    /// The verdict on the file. Call it once, after all rows were read.
    pub fn finish(&self) -> FileVerdict {
        let mut noted = self.lock();
        let noted = std::mem::take(&mut *noted);
        let mut rejects = noted.rejects;
        let bad_rows = rejects.iter().filter(|reject| reject.row.is_some()).count() as u64;
        let of_refused: u64 = noted.refused_accounts.values().map(|(_, count)| count).sum();
        rejects.extend(noted.refused_accounts.values().map(|(first, _)| Reject {
            row: Some(*first),
            column: Some(Cow::Borrowed("account_id")),
            code: Code::UnknownAccount,
        }));
        rejects.sort();
        FileVerdict { unreadable: !noted.hints.is_empty(), rejects, hints: noted.hints, rows: bad_rows + of_refused }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Noted> {
        // Every change leaves the lists consistent, so a panic in another thread does no harm.
        self.noted.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The verdict on one file.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct FileVerdict {
    /// The file has a fault as a whole.
    pub unreadable: bool,
    /// Its rejects, in the order of rows.
    pub rejects: Vec<Reject>,
    /// The hints of its faults.
    pub hints: Vec<String>,
    /// Rows that are not taken. Those of a refused account are listed as one reject and counted one by one.
    pub rows: u64,
}

impl FileVerdict {
    /// Whether the file is refused, where `max_rejects` bad rows are tolerated.
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
    /// Sorts verdicts by path. A path may come twice, as a file of accounts and of transactions.
    pub fn new(mut files: Vec<(String, FileVerdict)>) -> FeedVerdict {
        files.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
        FeedVerdict { files }
    }

    /// The files that are refused.
    pub fn refused_files(&self, max_rejects: u64) -> Vec<&str> {
        let refused = self.files.iter().filter(|(_, verdict)| verdict.refuses(max_rejects));
        refused.map(|(path, _)| path.as_str()).collect()
    }

    /// All rejects with their file's path, in the order of `rejects.csv`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Reject)> {
        self.files.iter().flat_map(|(path, verdict)| verdict.rejects.iter().map(move |reject| (path.as_str(), reject)))
    }

    /// The number of listed rejects by code.
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
