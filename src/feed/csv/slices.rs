//! The slices of a large uncompressed CSV file, which workers read in parallel.
//!
//! Owns: the pass over a file that finds and counts the ends of records, whatever their quoting. Does not own: reading records
//! ([`records`](super::records)), or how bytes become text ([`text`](crate::feed::text)).
//!
//! **Invariant:** the slices of a file give the rows, numbers and faults that the whole file gives. So a file that holds
//! anything that could end the reading early (invalid UTF-8, a NUL, an open quote, a row too large) is not split.

use std::path::Path;
use std::sync::Arc;

use super::header::read_header;
use super::records::RecordReader;
use super::{FIELDS_MAX, ROW_BYTES_MAX};
use crate::feed::layout::Layout;
use crate::feed::mapping::TableMapping;
use crate::feed::text::{self, TextChunks};

/// A slice of an uncompressed CSV file, from the start of a record to the end of another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CsvSlice {
    /// Its first byte, counted from behind a byte order mark.
    pub(super) start: u64,
    /// The byte behind its last. That of the last slice is the end of the file when it was scanned, so that a file that has
    /// shrunk since is noticed.
    pub(super) end: u64,
    /// Data rows of the file before it.
    pub rows_before: u64,
    /// The identifier of the file's content, where the mapping needs one.
    pub(super) content_id: Option<Arc<str>>,
}

/// The slices of about `slice_bytes` of an uncompressed UTF-8 file; none where it must be read as a whole.
pub fn find_slices(path: &Path, mapping: Option<&TableMapping>, slice_bytes: u64) -> Vec<CsvSlice> {
    let is_small = std::fs::metadata(path).map_or(true, |metadata| metadata.len() < 2 * slice_bytes);
    if is_small { Vec::new() } else { split(path, mapping, slice_bytes).unwrap_or_default() }
}

fn split(path: &Path, mapping: Option<&TableMapping>, slice_bytes: u64) -> Option<Vec<CsvSlice>> {
    let own = Layout::default();
    let layout = mapping.map_or(&own, TableMapping::layout);
    let mut records = RecordReader::new(TextChunks::open_slice(path, 0, None).ok()?, layout.delimiter);
    let (_, header_records) = read_header(&mut records, &layout.header).ok()?;
    let mut scanner = RecordScanner::new(layout.delimiter, header_records as u64, slice_bytes);
    let wants_id = mapping.is_some_and(TableMapping::makes_txn_id);
    let id = text::scan(path, layout.encoding, wants_id, &mut |bytes| scanner.scan(bytes).is_some())?;
    let content_id = id.map(Arc::from);
    let file_end = scanner.offset;
    let mut starts = scanner.finish()?;
    starts.insert(0, (0, 0));
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([file_end]);
    let slice = |((start, rows_before), end): (&(u64, u64), u64)| {
        let (start, rows_before, content_id) = (*start, *rows_before, content_id.clone());
        CsvSlice { start, end, rows_before, content_id }
    };
    Some(starts.iter().zip(ends).map(slice).collect()).filter(|slices: &Vec<CsvSlice>| slices.len() > 1)
}

/// The place of the next byte in its record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a record: line ends are skipped.
    Record,
    /// The first byte of a field: only this may open a quote.
    Field,
    /// Within a field without quotes, or behind its closing quote.
    Plain,
    /// Within quotes.
    Quoted,
    /// Behind a quote within quotes, which is the closing one or half of a doubled one.
    Quote,
}

/// Follows the records of a file as csv-core does, and looks only for the bytes that may change the state.
struct RecordScanner {
    delimiter: u8,
    header_records: u64,
    slice_bytes: u64,
    state: State,
    /// Bytes of the chunks before.
    offset: u64,
    /// The last byte of the chunk before.
    before: u8,
    /// The start of the current record.
    record_start: u64,
    /// Delimiters of the current record in the chunks before, including those within quotes.
    delimiters: usize,
    records: u64,
    /// The starts of all slices but the first, and the data rows before them.
    starts: Vec<(u64, u64)>,
}

impl RecordScanner {
    fn new(delimiter: u8, header_records: u64, slice_bytes: u64) -> RecordScanner {
        RecordScanner {
            delimiter,
            header_records,
            slice_bytes,
            state: State::Record,
            offset: 0,
            before: 0,
            record_start: 0,
            delimiters: 0,
            records: 0,
            starts: Vec::new(),
        }
    }

    /// Scans a chunk; `None` where the file must not be split.
    fn scan(&mut self, chunk: &[u8]) -> Option<()> {
        let mut at = 0;
        if self.offset == 0 && chunk.starts_with("\u{feff}".as_bytes()) {
            // A second byte order mark is left to the reader.
            return None;
        }
        while at < chunk.len() {
            at = match self.state {
                State::Record => self.begin_record(chunk, at),
                State::Field if chunk[at] == b'"' => self.to(State::Quoted, at + 1),
                State::Field => self.to(State::Plain, at),
                State::Plain => self.plain(chunk, at)?,
                State::Quoted => match memchr::memchr(b'"', &chunk[at..]) {
                    Some(length) => self.to(State::Quote, at + length + 1),
                    None => chunk.len(),
                },
                State::Quote => match chunk[at] {
                    b'"' => self.to(State::Quoted, at + 1),
                    b'\r' | b'\n' => self.end_record(chunk, at)?,
                    byte if byte == self.delimiter => self.to(State::Field, at + 1),
                    _ => self.to(State::Plain, at + 1),
                },
            };
        }
        let scanned = self.offset + chunk.len() as u64;
        if self.state != State::Record {
            if scanned - self.record_start >= ROW_BYTES_MAX as u64 / 2 {
                return None;
            }
            self.delimiters += self.count(&chunk[self.in_chunk(self.record_start)..]);
        }
        (self.offset, self.before) = (scanned, chunk.last().copied().unwrap_or(self.before));
        Some(())
    }

    fn to(&mut self, state: State, at: usize) -> usize {
        self.state = state;
        at
    }

    fn begin_record(&mut self, chunk: &[u8], at: usize) -> usize {
        let blank = chunk[at..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if at + blank < chunk.len() {
            self.state = State::Field;
            self.record_start = self.offset + (at + blank) as u64;
            self.delimiters = 0;
        }
        at + blank
    }

    fn plain(&mut self, chunk: &[u8], at: usize) -> Option<usize> {
        let Some(length) = memchr::memchr3(b'"', b'\r', b'\n', &chunk[at..]) else { return Some(chunk.len()) };
        let end = at + length;
        if chunk[end] != b'"' {
            return self.end_record(chunk, end);
        }
        // The byte before a quote in a plain field is outside quotes, so if it is the delimiter, the quote opens a field.
        let before = if end == 0 { self.before } else { chunk[end - 1] };
        let state = if before == self.delimiter { State::Quoted } else { State::Plain };
        Some(self.to(state, end + 1))
    }

    fn end_record(&mut self, chunk: &[u8], at: usize) -> Option<usize> {
        let end = self.offset + at as u64;
        let bytes = end - self.record_start;
        if bytes >= FIELDS_MAX as u64 {
            let fields = self.delimiters + self.count(&chunk[self.in_chunk(self.record_start)..at]) + 1;
            if bytes >= ROW_BYTES_MAX as u64 / 2 || fields >= FIELDS_MAX {
                return None;
            }
        }
        self.records += 1;
        let slice_start = self.starts.last().map_or(0, |(start, _)| *start);
        if self.records > self.header_records && end + 1 - slice_start >= self.slice_bytes {
            self.starts.push((end + 1, self.records - self.header_records));
        }
        Some(self.to(State::Record, at + 1))
    }

    /// An offset in the file as an index into the current chunk; 0 where it is before the chunk.
    fn in_chunk(&self, place: u64) -> usize {
        place.saturating_sub(self.offset) as usize
    }

    fn count(&self, bytes: &[u8]) -> usize {
        memchr::memchr_iter(self.delimiter, bytes).count()
    }

    /// The starts of all slices but the first; `None` where a quote is open at the end.
    fn finish(mut self) -> Option<Vec<(u64, u64)>> {
        if self.state == State::Quoted {
            return None;
        }
        let is_empty = |start: &(u64, u64)| start.1 + self.header_records == self.records;
        if self.state == State::Record && self.starts.last().is_some_and(is_empty) {
            self.starts.pop();
        }
        Some(self.starts)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use proptest::prelude::*;

    use super::super::{CsvOptions, CsvReading, open, open_slice};
    use super::*;
    use crate::feed::mapping::Mapping;

    const WANTED: [&str; 3] = ["a", "b", "txn_id"];

    /// The rows, bad rows, skipped rows and faults of a file, a line each.
    fn lines(opened: CsvReading) -> Vec<String> {
        let mut lines = Vec::new();
        for raw in opened.batches {
            let raw = match raw {
                Ok(raw) => raw,
                Err(fault) => {
                    lines.push(format!("{fault:?}"));
                    continue;
                }
            };
            let columns: Vec<_> = raw.batch.columns().iter().map(|column| column.as_string::<i32>()).collect();
            for index in 0..raw.batch.num_rows() {
                let values: Vec<_> = columns.iter().map(|column| column.value(index)).collect();
                lines.push(format!("{} {values:?}", raw.rows.of(index)));
            }
            lines.extend(raw.faults.iter().map(|fault| format!("{fault:?}")));
            lines.extend(raw.skips.iter().map(|skip| format!("{skip:?}")));
        }
        lines.sort();
        lines
    }

    /// Compares a file read as a whole with the same file read in slices, and returns the number of slices.
    fn compare(bytes: &[u8], mapping: Option<&TableMapping>, slice_bytes: u64) -> usize {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, bytes).unwrap();
        let options = CsvOptions { mapping, batch_rows: 3, dictionaries: false };
        let slices = split(&path, mapping, slice_bytes).unwrap_or_default();
        if slices.is_empty() {
            return 1;
        }
        let whole = lines(open(&path, &WANTED, options).unwrap());
        let mut in_slices = Vec::new();
        for slice in &slices {
            in_slices.extend(lines(open_slice(&path, &WANTED, options, Some(slice)).unwrap()));
        }
        in_slices.sort();
        assert_eq!(whole, in_slices, "{:?}", String::from_utf8_lossy(bytes));
        slices.len()
    }

    fn mapping(file: &str) -> Mapping {
        let toml = format!(
            "[file]\n{file}\n[columns]\naccount_id = 'a'\nbooked_at = {{ constant = '' }}\n\
             amount = {{ constant = '' }}\ndirection = {{ constant = '' }}\n"
        );
        Mapping::parse("test", &toml).unwrap()
    }

    #[test]
    fn a_file_is_split_between_records_whatever_their_quoting() {
        let text = "a,b\n1,\"x\ny\"\r\n\"2\"\"\n\",z\"\n\n3,4\r5,6\n\"7\"8\",9\n0,0";
        assert_eq!(compare(text.as_bytes(), None, 1), 6);
        assert_eq!(compare(format!("\u{feff}{text}\r\n").as_bytes(), None, 1), 6);
    }

    #[test]
    fn a_file_that_shrinks_after_it_was_split_is_noticed_in_each_slice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        let text = format!("\u{feff}a,b\n{}", "1,2\n".repeat(100));
        std::fs::write(&path, &text).unwrap();
        let slices = split(&path, None, 150).unwrap();
        let faults = || {
            let options = CsvOptions { mapping: None, batch_rows: 1_000, dictionaries: true };
            let read = |slice| open_slice(&path, &WANTED, options, Some(slice)).map(|opened| lines(opened).join(" "));
            slices.iter().map(|slice| read(slice).unwrap().matches("TruncatedFile").count()).collect::<Vec<_>>()
        };
        assert_eq!(faults(), [0, 0, 0]);
        std::fs::write(&path, &text[..text.len() - 4]).unwrap();
        assert_eq!(faults(), [0, 0, 1]);
        std::fs::write(&path, &text[..200]).unwrap();
        assert_eq!(faults(), [0, 1, 1]);
    }

    #[test]
    fn a_file_whose_reading_may_end_early_is_not_split() {
        let rows = "1,2\n".repeat(100);
        let cases = [
            format!("a,b\n{rows}").into_bytes(),
            format!("a,b\n{rows}\"x,1\n2,3\n").into_bytes(),
            format!("a,b\n{rows}\0,1\n").into_bytes(),
            [format!("a,b\n{rows}").as_bytes(), b"\xff,1\n"].concat(),
            [format!("a,b\n{rows}1,2").as_bytes(), b"\xe7"].concat(),
            format!("a,b\n{rows}{}\n", ",".repeat(FIELDS_MAX)).into_bytes(),
            format!("a,b\n{rows}\"{}\",1\n", "x".repeat(ROW_BYTES_MAX)).into_bytes(),
            format!("\u{feff}\u{feff}a,b\n{rows}").into_bytes(),
            b"".to_vec(),
        ];
        let counts = cases.map(|bytes| compare(&bytes, None, 40));
        assert!(counts[0] > 1);
        assert_eq!(counts[1..], [1; 8]);
    }

    proptest! {
        #![proptest_config(crate::testing::property(256))]
        #[test]
        fn slices_give_the_rows_of_the_whole_file(
            body in "([12甲\u{feff}]|,|,|\"|\"\"|\n|\r|\r\n|\",\"|\n\"){0,60}",
            mark in any::<bool>(),
            preamble in "(title[\"\n,x]{0,6}\n)?",
            slice_bytes in 1_u64..40,
        ) {
            let mark = if mark { "\u{feff}" } else { "" };
            compare(format!("{mark}a,b\n{body}").as_bytes(), None, slice_bytes);
            for file in ["", "ragged = 'skip'", "ragged = 'pad'\nfooter = ['1']", "delimiter = '2'"] {
                let file = format!("header = ['a', 'b']\n{file}");
                let header = if file.ends_with("'2'") { "a2b" } else { "a,b" };
                let text = format!("{mark}{preamble}{header}\n{body}");
                compare(text.as_bytes(), mapping(&file).transactions.as_ref(), slice_bytes);
            }
        }
    }
}
