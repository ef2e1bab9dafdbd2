//! The header of a CSV file.

use super::HEADER_ROWS_MAX;
use super::records::RecordReader;
use crate::feed::reject::{Code, FileFault};

/// Reads up to and including the header: the first row that holds all of `headings`, or the first row where none are given.
/// The number of the header's row, from 1, comes with it.
pub(super) fn read_header(records: &mut RecordReader, headings: &[String]) -> Result<(Vec<String>, usize), FileFault> {
    for read in 0..HEADER_ROWS_MAX {
        if !records.advance()? {
            let Some(heading) = headings.first().filter(|_| read > 0) else {
                return Err(FileFault::whole(Code::TruncatedFile, "the file is empty: not even a header"));
            };
            return Err(no_header(heading));
        }
        let record = records.record()?;
        let header: Vec<String> = record.fields().map(|name| name.trim().to_string()).collect();
        if headings.iter().all(|heading| header.contains(heading)) {
            return Ok((header, read + 1));
        }
    }
    Err(no_header(headings.first().map_or("", String::as_str)))
}

fn no_header(heading: &str) -> FileFault {
    FileFault::column(Code::MissingColumn, heading, "no line holds the headings that the mapping's `file.header` lists")
}

/// The fields of the header that are wanted columns.
pub(super) fn own_columns(header: &[String], wanted: &[&str]) -> Result<Vec<usize>, FileFault> {
    let mut columns = Vec::new();
    for (index, name) in header.iter().enumerate() {
        if wanted.contains(&name.as_str()) {
            if header[..index].contains(name) {
                return Err(FileFault::column(Code::BadValue, name, "the header names the column twice"));
            }
            columns.push(index);
        }
    }
    Ok(columns)
}
