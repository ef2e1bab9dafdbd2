//! The layout of a delimited text file: encoding, delimiter, header, row lengths.
//!
//! Owns: the description that a mapping gives and the CSV reader follows. Does not own: the mapping of columns
//! ([`mapping`](super::mapping)).

use super::text::Encoding;

/// The layout of a delimited text file.
#[derive(Clone, PartialEq, Debug)]
pub struct Layout {
    /// The encoding; `None` = detected from the bytes.
    pub encoding: Option<Encoding>,
    /// The byte between fields.
    pub delimiter: u8,
    /// The header is the first row that holds all of these; none = the first row.
    pub header: Vec<String>,
    /// The treatment of rows with more or fewer fields than the header.
    pub ragged: Ragged,
    /// A row whose first field begins with one of these is skipped.
    pub footer: Vec<String>,
    /// Texts that mean null.
    pub null: Vec<String>,
}

/// The treatment of rows with more or fewer fields than the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ragged {
    /// They are bad rows.
    Refuse,
    /// Missing fields are null and blank surplus fields are ignored; a row with other surplus fields is bad.
    Pad,
    /// They are skipped and counted.
    Skip,
}

impl Default for Layout {
    /// The feed's own layout.
    fn default() -> Layout {
        let (header, footer, null) = (Vec::new(), Vec::new(), Vec::new());
        Layout { encoding: None, delimiter: b',', header, ragged: Ragged::Refuse, footer, null }
    }
}
