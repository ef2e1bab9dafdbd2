//! A mapping drafted from a file's header and first rows, for a person to review.
//!
//! Owns: the known headings ([`headings`]) and values ([`words`]), and the conclusions from both: date formats ([`times`]),
//! signs, directions and separators ([`money`]), nulls. Does not own: the grammar of mappings
//! ([`mapping`](super::mapping)).
//!
//! The draft is text, because most of it is for a person: a line that is not certain says so. It holds headings of the
//! file, and of its values only known words and texts that mean null.

mod draft;
mod headings;
mod money;
mod sections;
mod table;
mod times;
mod words;

use std::path::Path;

use self::table::FileTable;
use super::csv;
use super::reject::{Code, FileFault};

/// Records that are read.
const RECORDS: usize = 2_000;

/// The delimiters that are tried, the most common first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A draft, and how many of its lines are unsure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MappingDraft {
    /// A mapping as TOML, with comments.
    pub toml: String,
    /// Lines that a person should check.
    pub unsure: usize,
}

/// Drafts a mapping of a CSV file.
///
/// # Errors
/// A fault of the file: it cannot be read, or none of its first lines has known headings for a date and money.
pub fn guess(path: &Path) -> Result<MappingDraft, FileFault> {
    let mut best: Option<(usize, FileTable)> = None;
    let mut fault = None;
    for delimiter in DELIMITERS {
        match csv::first_records(path, delimiter, RECORDS) {
            Ok(records) => {
                if let Some((score, table)) = FileTable::find(records, delimiter)
                    && best.as_ref().is_none_or(|(highest, _)| score > *highest)
                {
                    best = Some((score, table));
                }
            }
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    match (best, fault) {
        (Some((_, table)), _) => Ok(sections::write_draft(&table)),
        (None, Some(fault)) => Err(fault),
        (None, None) => {
            let hint = "none of the first 100 lines has headings for a date and money that we know; write the mapping by \
                        hand (docs/mapping.md)";
            Err(FileFault::whole(Code::MissingColumn, hint))
        }
    }
}
