//! The layout of a delimited text file: encoding, delimiter, header, row lengths.
//!
//! Owns: the description that a mapping gives and the CSV reader follows. Does not own: the mapping of columns
//! ([`mapping`](super::mapping)).

use super::text::Encoding;

/// How a source file is laid out.
#[derive(Clone, PartialEq, Debug)]
pub struct Layout {
    /// Declared encoding; `None` = told from the bytes.
    pub encoding: Option<Encoding>,
    /// Between fields.
    pub delimiter: u8,
    /// The header is the first line that holds all of these; none = the first line.
    pub header: Vec<String>,
    /// What becomes of rows of another length than the header's.
    pub ragged: Ragged,
    /// A row whose first field begins with one of these is skipped.
    pub footer: Vec<String>,
    /// Texts that mean null.
    pub null: Vec<String>,
}

/// What becomes of a row that has more or fewer fields than the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ragged {
    /// It is a bad row.
    Refuse,
    /// Missing fields are null and blank surplus ones are ignored; other surplus makes a bad row.
    Pad,
    /// It is skipped and counted.
    Skip,
}

impl Default for Layout {
    /// The feed's own layout.
    fn default() -> Layout {
        let (header, footer, null) = (Vec::new(), Vec::new(), Vec::new());
        Layout { encoding: None, delimiter: b',', header, ragged: Ragged::Refuse, footer, null }
    }
}
