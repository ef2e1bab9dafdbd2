//! Bank statements as rows of the feed: ISO 20022 camt.053 ([`camt`]) and SWIFT MT940 ([`mt940`]).
//!
//! Owns: the two passes over a statement file. Each syntax turns text ([`text`]) into events ([`event`]). The first pass
//! checks every statement against its balances and finds references that are not unique ([`balances`]); the second gives rows
//! ([`rows`]). So no row of a file whose balances do not hold is given, and memory is bounded by a batch and a few bytes a
//! statement. Does not own: the checks of values (`feed::check`).

mod balances;
mod camt;
mod event;
mod mt940;
mod rows;
mod text;

use std::path::Path;

use self::balances::FirstPass;
use self::event::StatementEvents;
use self::rows::StatementRows;
use self::text::StatementText;
use super::raw::RawBatches;
use super::reject::{Code, FileFault};

/// The syntax of a statement: the way from text to events.
#[derive(Clone, Copy)]
pub struct Syntax(fn(StatementText) -> StatementEvents);

/// ISO 20022 camt.053, any version: XML.
pub const CAMT053: Syntax = Syntax(|text| Box::new(camt::CamtReader::new(text)));

/// SWIFT MT940: tagged lines.
pub const MT940: Syntax = Syntax(|text| Box::new(mt940::Mt940Reader::new(text)));

/// The longest value of a field in bytes. A longer one makes the file unreadable.
const FIELD_BYTES_MAX: usize = 64 << 10;

/// Opens a statement file, compressed as its name says, and checks its statements against their balances.
///
/// # Errors
/// [`Code::StatementMismatch`] where the opening balance and the entries of a statement do not add up to its closing
/// balance, or one of the balances is missing; any fault that makes the file unreadable.
pub fn open(path: &Path, syntax: Syntax, batch_rows: usize) -> Result<RawBatches, FileFault> {
    let (text, _) = StatementText::open(path, false)?;
    let first_pass = FirstPass::of(syntax.0(text))?;
    let (text, content_id) = StatementText::open(path, true)?;
    Ok(Box::new(StatementRows::new(syntax.0(text), content_id, first_pass, batch_rows)))
}

fn changed() -> FileFault {
    unreadable("the file changed while it was read")
}

fn unreadable(hint: impl Into<String>) -> FileFault {
    FileFault::whole(Code::UnreadableFile, hint)
}

fn truncated() -> FileFault {
    FileFault::whole(Code::TruncatedFile, "the file ends within a statement; have it sent again")
}

#[cfg(test)]
mod tests;
