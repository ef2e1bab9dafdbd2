//! Where a plain CSV file may be cut, so that workers read its parts side by side.
//!
//! Owns: the pass that finds the ends of records whatever their quoting, and counts them. Does not own: what a record
//! holds (the reader's), how bytes become text ([`text`](crate::feed::text)).
//!
//! **Invariant:** the parts of a file give the rows, numbers and faults that the file as a whole gives. What could end the
//! reading before the file's end (an encoding, a NUL, an open quote, a row too large) therefore leaves a file in one.

use std::path::Path;
use std::sync::Arc;

use super::{FIELDS_MAX, ROW_BYTES_MAX, Records, TableMapping, read_header};
use crate::feed::layout::Layout;
use crate::feed::text::{self, TextChunks};

/// A part of a plain CSV file, from the start of a record to the end of another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CsvSlice {
    /// Where it starts, in bytes behind a byte order mark.
    pub(super) start: u64,
    /// Where it ends: the last one where the file did when it was cut, so that one that has shrunk since is noticed.
    pub(super) end: u64,
    /// Data rows of the file before it.
    pub rows_before: u64,
    /// The file's, where the mapping wants one.
    pub(super) content_id: Option<Arc<str>>,
}

/// The parts of about `part_bytes` of a plain file in UTF-8; none where it is to be read as a whole.
pub fn cut(path: &Path, mapping: Option<&TableMapping>, part_bytes: u64) -> Vec<CsvSlice> {
    let is_small = std::fs::metadata(path).map_or(true, |metadata| metadata.len() < 2 * part_bytes);
    if is_small { Vec::new() } else { parts(path, mapping, part_bytes).unwrap_or_default() }
}

fn parts(path: &Path, mapping: Option<&TableMapping>, part_bytes: u64) -> Option<Vec<CsvSlice>> {
    let own = Layout::default();
    let layout = mapping.map_or(&own, TableMapping::layout);
    let mut records = Records::new(TextChunks::open_slice(path, 0, None).ok()?, layout.delimiter);
    let (_, header_records) = read_header(&mut records, &layout.header).ok()?;
    let mut scan = Scan::new(layout.delimiter, header_records as u64, part_bytes);
    let wants_id = mapping.is_some_and(TableMapping::makes_txn_id);
    let id = text::scan(path, layout.encoding, wants_id, &mut |bytes| scan.see(bytes).is_some())?;
    let content_id = id.map(Arc::from);
    let file_end = scan.offset;
    let mut starts = scan.finish()?;
    starts.insert(0, (0, 0));
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([file_end]);
    let part = |((start, rows_before), end): (&(u64, u64), u64)| {
        let (start, rows_before, content_id) = (*start, *rows_before, content_id.clone());
        CsvSlice { start, end, rows_before, content_id }
    };
    Some(starts.iter().zip(ends).map(part).collect()).filter(|parts: &Vec<CsvSlice>| parts.len() > 1)
}

/// What the next byte belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A record that has not begun: line ends are passed over.
    Record,
    /// The first byte of a field, which alone may open a quote.
    Field,
    /// A field without quotes, or behind its closing quote.
    Plain,
    Quoted,
    /// Behind a quote within quotes: it closed them, or is half of a doubled one.
    Quote,
}

/// Follows the records of a file as csv-core does, and stops only where one may end.
struct Scan {
    delimiter: u8,
    header_records: u64,
    part_bytes: u64,
    state: State,
    /// Bytes seen before the chunk.
    offset: u64,
    /// The last byte before the chunk.
    before: u8,
    /// Where the current record starts.
    record_start: u64,
    /// Delimiters of the current record in the chunks before, within quotes or not.
    delimiters: usize,
    records: u64,
    /// Where parts start behind the first, and the data rows before them.
    starts: Vec<(u64, u64)>,
}

impl Scan {
    fn new(delimiter: u8, header_records: u64, part_bytes: u64) -> Scan {
        Scan {
            delimiter,
            header_records,
            part_bytes,
            state: State::Record,
            offset: 0,
            before: 0,
            record_start: 0,
            delimiters: 0,
            records: 0,
            starts: Vec::new(),
        }
    }

    /// Goes on through a chunk; `None` where the file is not to be cut.
    fn see(&mut self, chunk: &[u8]) -> Option<()> {
        let mut at = 0;
        if self.offset == 0 && chunk.starts_with("\u{feff}".as_bytes()) {
            // A second byte order mark is the reader's to judge.
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
        let seen = self.offset + chunk.len() as u64;
        if self.state != State::Record {
            if seen - self.record_start >= ROW_BYTES_MAX as u64 / 2 {
                return None;
            }
            self.delimiters += self.count(&chunk[self.in_chunk(self.record_start)..]);
        }
        (self.offset, self.before) = (seen, chunk.last().copied().unwrap_or(self.before));
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
        // What comes before a quote in a plain field is plain too, so a delimiter there is one.
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
        let part_start = self.starts.last().map_or(0, |(start, _)| *start);
        if self.records > self.header_records && end + 1 - part_start >= self.part_bytes {
            self.starts.push((end + 1, self.records - self.header_records));
        }
        Some(self.to(State::Record, at + 1))
    }

    /// A place as an index into the current chunk; 0 where it lies before.
    fn in_chunk(&self, place: u64) -> usize {
        place.saturating_sub(self.offset) as usize
    }

    fn count(&self, bytes: &[u8]) -> usize {
        memchr::memchr_iter(self.delimiter, bytes).count()
    }

    /// The starts of all parts but the first; `None` where a quote is open at the end.
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

    /// What rows, bad rows, skipped rows and faults there are, a line each.
    fn told(opened: CsvReading) -> Vec<String> {
        let mut told = Vec::new();
        for raw in opened.batches {
            let raw = match raw {
                Ok(raw) => raw,
                Err(fault) => {
                    told.push(format!("{fault:?}"));
                    continue;
                }
            };
            let columns: Vec<_> = raw.batch.columns().iter().map(|column| column.as_string::<i32>()).collect();
            for index in 0..raw.batch.num_rows() {
                let values: Vec<_> = columns.iter().map(|column| column.value(index)).collect();
                told.push(format!("{} {values:?}", raw.rows.of(index)));
            }
            told.extend(raw.faults.iter().map(|fault| format!("{fault:?}")));
            told.extend(raw.skips.iter().map(|skip| format!("{skip:?}")));
        }
        told.sort();
        told
    }

    /// Reads a file whole and in parts, holds one against the other, and says how many parts there were.
    fn compare(bytes: &[u8], mapping: Option<&TableMapping>, part_bytes: u64) -> usize {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, bytes).unwrap();
        let options = CsvOptions { mapping, batch_rows: 3, numbered: false };
        let parts = parts(&path, mapping, part_bytes).unwrap_or_default();
        if parts.is_empty() {
            return 1;
        }
        let whole = told(open(&path, &WANTED, options).unwrap());
        let mut in_parts = Vec::new();
        for part in &parts {
            in_parts.extend(told(open_slice(&path, &WANTED, options, Some(part)).unwrap()));
        }
        in_parts.sort();
        assert_eq!(whole, in_parts, "{:?}", String::from_utf8_lossy(bytes));
        parts.len()
    }

    fn mapping(file: &str) -> Mapping {
        let toml = format!(
            "[file]\n{file}\n[columns]\naccount_id = 'a'\nbooked_at = {{ constant = '' }}\n\
             amount = {{ constant = '' }}\ndirection = {{ constant = '' }}\n"
        );
        Mapping::parse("test", &toml).unwrap()
    }

    #[test]
    fn a_file_is_cut_between_records_whatever_their_quoting() {
        let text = "a,b\n1,\"x\ny\"\r\n\"2\"\"\n\",z\"\n\n3,4\r5,6\n\"7\"8\",9\n0,0";
        assert_eq!(compare(text.as_bytes(), None, 1), 6);
        assert_eq!(compare(format!("\u{feff}{text}\r\n").as_bytes(), None, 1), 6);
    }

    #[test]
    fn a_file_that_shrinks_after_it_was_cut_is_noticed_in_each_part() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        let text = format!("\u{feff}a,b\n{}", "1,2\n".repeat(100));
        std::fs::write(&path, &text).unwrap();
        let parts = parts(&path, None, 150).unwrap();
        let faults = || {
            let options = CsvOptions { mapping: None, batch_rows: 1_000, numbered: true };
            let read = |part| open_slice(&path, &WANTED, options, Some(part)).map(|opened| told(opened).join(" "));
            parts.iter().map(|part| read(part).unwrap().matches("TruncatedFile").count()).collect::<Vec<_>>()
        };
        assert_eq!(faults(), [0, 0, 0]);
        std::fs::write(&path, &text[..text.len() - 4]).unwrap();
        assert_eq!(faults(), [0, 0, 1]);
        std::fs::write(&path, &text[..200]).unwrap();
        assert_eq!(faults(), [0, 1, 1]);
    }

    #[test]
    fn what_may_end_the_reading_early_leaves_a_file_in_one() {
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
        fn parts_give_what_the_whole_gives(
            body in "([12甲\u{feff}]|,|,|\"|\"\"|\n|\r|\r\n|\",\"|\n\"){0,60}",
            mark in any::<bool>(),
            preamble in "(title[\"\n,x]{0,6}\n)?",
            part_bytes in 1_u64..40,
        ) {
            let mark = if mark { "\u{feff}" } else { "" };
            compare(format!("{mark}a,b\n{body}").as_bytes(), None, part_bytes);
            for file in ["", "ragged = 'skip'", "ragged = 'pad'\nfooter = ['1']", "delimiter = '2'"] {
                let file = format!("header = ['a', 'b']\n{file}");
                let header = if file.ends_with("'2'") { "a2b" } else { "a,b" };
                let text = format!("{mark}{preamble}{header}\n{body}");
                compare(text.as_bytes(), mapping(&file).transactions.as_ref(), part_bytes);
            }
        }
    }
}
