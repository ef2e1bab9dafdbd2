//! CSV files as raw batches, in the feed's own layout or in another that a mapping converts.
//!
//! Owns: opening a file or a slice of it. [`header`] owns the header, [`records`] how text is split into records and fields,
//! [`batches`] rows and their numbers, [`column`] the columns that rows are collected in, [`slices`] where a file may be
//! split. [`text`](super::text) owns bytes and encodings, [`mapping`](super::mapping) the meaning of another layout's columns.
//! Does not own: checks. Values pass unchanged; the checks read an empty text as null.
//!
//! The syntax is RFC 4180 with any of its line ends, line breaks within quotes, and empty lines ignored. A row with more or
//! fewer fields than the header is a bad row (`bad_type`), not a bad file. A last row that lacks fields and has no line end,
//! and a quote that is never closed, mean that the file is cut (`truncated_file`). A row above [`ROW_BYTES_MAX`] or with more
//! than [`FIELDS_MAX`] fields makes the file unreadable (`unreadable_file`).
//!
//! A large uncompressed UTF-8 file is read in slices, in parallel. Together they give what the whole file gives.
//!
//! **Invariant:** memory is bounded by a batch of [`BATCH_BYTES_MAX`] and a row, whatever the file holds. A fault never
//! carries a value.

mod batches;
mod column;
mod header;
mod records;
mod slices;

use std::path::Path;

use self::batches::{CsvBatches, RowSource};
use self::header::{own_columns, read_header};
use self::records::RecordReader;
pub use self::slices::{CsvSlice, find_slices};
use super::layout::Layout;
use super::mapping::{JOIN_PARTS_MAX, TableMapping};
use super::raw::RawBatches;
use super::reject::FileFault;
use super::text::TextChunks;

/// The largest row, in bytes of its fields.
pub const ROW_BYTES_MAX: usize = 1 << 20;

/// The most fields of a row.
pub const FIELDS_MAX: usize = 4_096;

/// A batch ends when its text reaches this size, however few rows it has.
pub const BATCH_BYTES_MAX: usize = 8 << 20;

/// The first rows, among which the header that a mapping describes must be.
pub const HEADER_ROWS_MAX: usize = 1_000;

// The offsets of a column are i32. A batch holds BATCH_BYTES_MAX of text and one more row, which a mapping may have joined
// of many parts.
const _: () = assert!(BATCH_BYTES_MAX + 2 * JOIN_PARTS_MAX * ROW_BYTES_MAX < i32::MAX as usize);

/// How a CSV file is read.
#[derive(Clone, Copy, Debug)]
pub struct CsvOptions<'a> {
    /// The layout and its conversion; `None` = the feed's own layout.
    pub mapping: Option<&'a TableMapping>,
    /// The most rows of a batch.
    pub batch_rows: usize,
    /// Whether columns of `transactions` whose texts mostly repeat become dictionaries. Else all are strings.
    pub dictionaries: bool,
}

/// A CSV file whose header was read.
pub struct CsvReading {
    /// Its rows. There is at least one batch, if an empty one, so that the file's columns are known.
    pub batches: RawBatches,
    /// Headings that the table does not have, for a warning. Only of a file in the feed's own layout, and only where the
    /// table has some of the headings: else the first line is likely data, which no message may show.
    pub unknown_columns: Vec<String>,
}

/// Opens a CSV file, compressed as its name says, and reads its header.
///
/// `wanted` are the table's columns. A file in the feed's own layout gives those of them that it has, in its own order;
/// headings are trimmed, and one that comes twice is a fault of that column (`bad_value`). With a mapping, the mapping's
/// columns are given; a source column that the mapping names and the file lacks is a fault (`missing_column`).
pub fn open(path: &Path, wanted: &[&str], options: CsvOptions<'_>) -> Result<CsvReading, FileFault> {
    open_slice(path, wanted, options, None)
}

/// The same for a slice of the file; `None` = the whole file. Only the first slice reports unknown columns.
pub fn open_slice(
    path: &Path,
    wanted: &[&str],
    options: CsvOptions<'_>,
    slice: Option<&CsvSlice>,
) -> Result<CsvReading, FileFault> {
    let own = Layout::default();
    let layout = options.mapping.map_or(&own, TableMapping::layout);
    let wants_id = options.mapping.is_some_and(TableMapping::makes_txn_id);
    let (text, content_id) = match slice {
        None => TextChunks::open(path, layout.encoding, wants_id)?,
        Some(slice) => {
            // The header is in the first slice. The others read that slice as far as the header.
            let end = if slice.start > 0 { slice.start } else { slice.end };
            (TextChunks::open_slice(path, 0, Some(end))?, slice.content_id.as_deref().map(String::from))
        }
    };
    let mut records = RecordReader::new(text, layout.delimiter);
    let (header, _) = read_header(&mut records, &layout.header)?;
    let is_first = slice.is_none_or(|slice| slice.start == 0);
    if let Some(slice) = slice.filter(|_| !is_first) {
        records.continue_with(TextChunks::open_slice(path, slice.start, Some(slice.end))?);
    }
    let mut unknown_columns = Vec::new();
    let (names, source) = match options.mapping {
        None => {
            let columns = own_columns(&header, wanted)?;
            let names: Vec<&str> = columns.iter().map(|column| header[*column].as_str()).collect();
            if is_first && !names.is_empty() {
                let unknown = header.iter().filter(|name| !name.is_empty() && !wanted.contains(&name.as_str()));
                unknown_columns.extend(unknown.cloned());
            }
            (names, RowSource::Fields(columns))
        }
        Some(mapping) => {
            let bound = mapping.bind(&header, content_id)?;
            (mapping.columns().collect(), RowSource::Mapping(Box::new(bound)))
        }
    };
    let rows_before = slice.map_or(0, |slice| slice.rows_before);
    let batches = CsvBatches::new(records, source, &names, options, header.len(), layout.clone(), rows_before);
    Ok(CsvReading { batches: Box::new(batches), unknown_columns })
}

/// The fields of a file's first records, trimmed, where `delimiter` is between fields.
pub(super) fn first_records(path: &Path, delimiter: u8, count: usize) -> Result<Vec<Vec<String>>, FileFault> {
    let (text, _) = TextChunks::open(path, None, false)?;
    let mut records = RecordReader::new(text, delimiter);
    let mut first = Vec::new();
    while first.len() < count && records.advance()? {
        first.push(records.record()?.fields().map(|field| field.trim().to_string()).collect());
    }
    Ok(first)
}

#[cfg(test)]
mod tests;
