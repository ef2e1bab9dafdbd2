//! CSV files as raw batches: the feed's own layout, or another that a mapping turns into it.
//!
//! Owns: the header, row numbers, ragged rows, batches of text columns. [`text`](super::text) owns bytes and encodings, [`records`] how
//! they are taken apart, [`mapping`](crate::feed::mapping) what another layout's columns mean. Does not own: checks; every
//! value passes as it stands, and an empty text is left to the check stage to read as null.
//!
//! What is read: RFC 4180 with any of its line ends, line breaks within quotes, empty lines ignored. A row with
//! more or fewer fields than the header is a bad row (`bad_type`), not a bad file; a last row that lacks fields
//! and has no line end, and a quote that is never closed, mean that the file is cut (`truncated_file`). A row
//! above [`ROW_BYTES_MAX`] or with more than [`FIELDS_MAX`] fields is none (`unreadable_file`).
//!
//! A large plain file in UTF-8 is read in parts, side by side ([`cut`]); the parts give what the whole gives.
//!
//! **Invariant:** memory is bounded by a batch of [`BATCH_BYTES_MAX`] and a row, whatever the file holds. A fault
//! never carries a value.

mod column;
mod cut;
mod records;

use std::path::Path;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use self::column::TextColumn;
pub use self::cut::{CsvSlice, cut};
use self::records::{Records, field_of};
use super::layout::{Layout, Ragged};
use super::mapping::{Bound, JOIN_PARTS_MAX, TableMapping};
use super::raw::{RawBatch, RawBatches, RowNumbers, SkipReason};
use super::reject::{Code, FileFault};
use super::text::TextChunks;

/// Largest row, in bytes of its fields.
pub const ROW_BYTES_MAX: usize = 1 << 20;

/// Most fields of a row.
pub const FIELDS_MAX: usize = 4_096;

/// A batch ends when its text reaches this, however few rows it has.
pub const BATCH_BYTES_MAX: usize = 8 << 20;

/// Plain records that are taken into the columns at once: enough for lookups to wait side by side, few enough to be in
/// the cache still.
const BLOCK_ROWS: usize = 128;

/// Rows within which a mapping's header must come.
pub const HEADER_ROWS_MAX: usize = 1_000;

// A column's offsets are i32: a full batch and one more row, which a mapping may have joined of many parts.
const _: () = assert!(BATCH_BYTES_MAX + 2 * JOIN_PARTS_MAX * ROW_BYTES_MAX < i32::MAX as usize);

/// How a CSV file is read.
#[derive(Clone, Copy, Debug)]
pub struct CsvOptions<'a> {
    /// What turns the file's layout into the feed's; `None` = it is in the feed's own.
    pub mapping: Option<&'a TableMapping>,
    /// Most rows of a batch.
    pub batch_rows: usize,
    /// Columns of `transactions` whose texts repeat come as dictionaries; else all are plain texts.
    pub numbered: bool,
}

/// A CSV file whose header was read.
pub struct CsvReading {
    /// Its rows. There is at least one batch, if an empty one: its columns tell what the file has.
    pub batches: RawBatches,
    /// Headings of a file in the feed's own layout that the table does not know, for a warning. Empty where the
    /// table knows none of them: then the first line is likely no header but data, which no message may show.
    pub unknown_columns: Vec<String>,
}

/// Opens a CSV file, plain or compressed as its name says, and reads its header.
///
/// `wanted` are the table's columns. A file in the feed's own layout gives those of them that it has, in its own
/// order; headings are trimmed, and one that comes twice is a fault of that column (`bad_value`). With a mapping,
/// the mapping's columns come, and a source column that it names and the file lacks is a `missing_column`.
pub fn open(path: &Path, wanted: &[&str], options: CsvOptions<'_>) -> Result<CsvReading, FileFault> {
    open_slice(path, wanted, options, None)
}

/// The same for a part of the file, or all of it. Only the first part tells of unknown columns.
pub fn open_slice(
    path: &Path,
    wanted: &[&str],
    options: CsvOptions<'_>,
    part: Option<&CsvSlice>,
) -> Result<CsvReading, FileFault> {
    let own = Layout::default();
    let layout = options.mapping.map_or(&own, TableMapping::layout);
    let wants_id = options.mapping.is_some_and(TableMapping::makes_txn_id);
    let (text, content_id) = match part {
        None => TextChunks::open(path, layout.encoding, wants_id)?,
        Some(part) => {
            // The header stands in the first part, which the others read so far.
            let end = if part.start > 0 { part.start } else { part.end };
            (TextChunks::open_slice(path, 0, Some(end))?, part.content_id.as_deref().map(String::from))
        }
    };
    let mut records = Records::new(text, layout.delimiter);
    let (header, _) = read_header(&mut records, &layout.header)?;
    let is_first = part.is_none_or(|part| part.start == 0);
    if let Some(part) = part.filter(|_| !is_first) {
        records.go_on_with(TextChunks::open_slice(path, part.start, Some(part.end))?);
    }
    let mut unknown_columns = Vec::new();
    let (names, fill) = match options.mapping {
        None => {
            let columns = own_columns(&header, wanted)?;
            let names: Vec<&str> = columns.iter().map(|column| header[*column].as_str()).collect();
            if is_first && !names.is_empty() {
                let unknown = header.iter().filter(|name| !name.is_empty() && !wanted.contains(&name.as_str()));
                unknown_columns.extend(unknown.cloned());
            }
            (names, Fill::Own(columns))
        }
        Some(mapping) => {
            let bound = mapping.bind(&header, content_id)?;
            (mapping.columns().collect(), Fill::Mapped(Box::new(bound)))
        }
    };
    let columns: Vec<TextColumn> = names.iter().map(|name| TextColumn::new(name, options.numbered)).collect();
    let field = |(name, column): (&&str, &TextColumn)| Field::new(*name, column.data_type(), true);
    let fields: Vec<Field> = names.iter().zip(&columns).map(field).collect();
    let batches = Batches {
        columns,
        schema: Arc::new(Schema::new(fields)),
        records,
        fill,
        bounds: Vec::new(),
        width: header.len(),
        layout: layout.clone(),
        batch_rows: options.batch_rows.max(1),
        row: part.map_or(0, |part| part.rows_before),
        begun: false,
        ended: false,
        fault: None,
    };
    Ok(CsvReading { batches: Box::new(batches), unknown_columns })
}

/// The fields of a file's first records, as they stand, split at this delimiter.
pub(super) fn head(path: &Path, delimiter: u8, count: usize) -> Result<Vec<Vec<String>>, FileFault> {
    let (text, _) = TextChunks::open(path, None, false)?;
    let mut records = Records::new(text, delimiter);
    let mut head = Vec::new();
    while head.len() < count && records.advance()? {
        head.push(records.record()?.fields().map(|field| field.trim().to_string()).collect());
    }
    Ok(head)
}

/// Reads up to and with the header: the first row that holds all of `headings`; the first at all where none is
/// given. Tells too which row it is, from 1.
fn read_header(records: &mut Records, headings: &[String]) -> Result<(Vec<String>, usize), FileFault> {
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

/// Where the header has the wanted columns.
fn own_columns(header: &[String], wanted: &[&str]) -> Result<Vec<usize>, FileFault> {
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

/// The rows of a file after its header.
struct Batches {
    records: Records,
    fill: Fill,
    /// Of the records of a block, see [`Records::advance_block`].
    bounds: Vec<usize>,
    /// Fields of the header, and so of each row.
    width: usize,
    layout: Layout,
    schema: SchemaRef,
    columns: Vec<TextColumn>,
    batch_rows: usize,
    /// Number of the last data row read.
    row: u64,
    /// A batch was given.
    begun: bool,
    ended: bool,
    /// Comes after the batch of the rows before it.
    fault: Option<FileFault>,
}

/// How a record becomes a row of the batch.
enum Fill {
    /// These fields are the columns.
    Own(Vec<usize>),
    /// A mapping makes them.
    Mapped(Box<Bound>),
}

/// What became of a record.
enum Outcome {
    Row,
    Skipped(SkipReason),
    Bad(Code),
}

impl Iterator for Batches {
    type Item = Result<RawBatch, FileFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(fault) = self.fault.take() {
            self.ended = true;
            return Some(Err(fault));
        }
        if self.ended {
            return None;
        }
        let (mut rows, mut faults, mut skips) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let rows_left = self.batch_rows.saturating_sub(rows.len() + faults.len());
            let bytes_left = BATCH_BYTES_MAX.saturating_sub(self.text_bytes());
            if rows_left == 0 || bytes_left == 0 {
                break;
            }
            let block = self.read_block(rows_left, bytes_left) as u64;
            if block > 0 {
                rows.extend(self.row + 1..=self.row + block);
                self.row += block;
                continue;
            }
            match self.read_row() {
                Ok(Some(Outcome::Row)) => rows.push(self.row),
                Ok(Some(Outcome::Skipped(why))) => skips.push((self.row, why)),
                Ok(Some(Outcome::Bad(code))) => faults.push((self.row, code)),
                Ok(None) => {
                    self.ended = true;
                    break;
                }
                Err(fault) => {
                    // The file as a whole is meant, so no row is blamed; the console tells how far it was good.
                    let hint = format!("beyond data row {}: {}", self.row, fault.hint);
                    self.fault = Some(FileFault { hint, ..fault });
                    break;
                }
            }
        }
        if self.begun && rows.is_empty() && faults.is_empty() && skips.is_empty() {
            return self.next_fault();
        }
        self.begun = true;
        let batch = match self.finish(rows.len()) {
            Ok(batch) => batch,
            Err(fault) => {
                self.ended = true;
                return Some(Err(fault));
            }
        };
        let rows = match (rows.first(), rows.last()) {
            (Some(first), Some(last)) if last - first + 1 > rows.len() as u64 => RowNumbers::Each(rows),
            (first, _) => RowNumbers::From(first.copied().unwrap_or(self.row + 1)),
        };
        Some(Ok(RawBatch { batch, rows, skips, faults }))
    }
}

impl Batches {
    fn next_fault(&mut self) -> Option<Result<RawBatch, FileFault>> {
        self.ended = true;
        self.fault.take().map(Err)
    }

    fn text_bytes(&self) -> usize {
        self.columns.iter().map(|column| column.values.len()).sum()
    }

    /// Reads plain records into the columns, column after column, and says how many: none where the next record is to be
    /// looked at by itself.
    fn read_block(&mut self, rows_left: usize, bytes_left: usize) -> usize {
        let Fill::Own(fields) = &self.fill else { return 0 };
        if !self.layout.footer.is_empty() {
            return 0;
        }
        self.records.advance_block(rows_left.min(BLOCK_ROWS), bytes_left, self.width, &mut self.bounds);
        let chunk = self.records.chunk();
        let records = self.bounds.chunks_exact(self.width + 1);
        for (column, field) in self.columns.iter_mut().zip(fields) {
            let text = |bounds: &[usize]| &chunk[bounds[*field]..bounds[*field + 1] - 1];
            column.push_all(&records.clone().map(text).collect::<Vec<_>>());
        }
        records.len()
    }

    /// Reads one record into the columns; `None` at the end of the file.
    fn read_row(&mut self) -> Result<Option<Outcome>, FileFault> {
        if !self.records.advance()? {
            return Ok(None);
        }
        self.row += 1;
        let fields = self.records.fields_count;
        if !self.layout.footer.is_empty() {
            let record = self.records.record()?;
            let first = record.field(0).trim();
            if self.layout.footer.iter().any(|start| first.starts_with(start.as_str())) {
                return Ok(Some(Outcome::Skipped(SkipReason::Footer)));
            }
        }
        if fields != self.width {
            match self.layout.ragged {
                Ragged::Skip => return Ok(Some(Outcome::Skipped(SkipReason::Ragged))),
                // A line of white space is no row.
                Ragged::Pad if self.records.record()?.is_blank_from(0) => {
                    return Ok(Some(Outcome::Skipped(SkipReason::Blank)));
                }
                Ragged::Pad if fields < self.width || self.records.record()?.is_blank_from(self.width) => {}
                _ if fields < self.width && self.records.cut => {
                    self.row -= 1;
                    let hint = "the last line lacks fields and its line end: the file is cut";
                    return Err(FileFault::whole(Code::TruncatedFile, hint));
                }
                _ => return Ok(Some(Outcome::Bad(Code::BadType))),
            }
        }
        match &mut self.fill {
            Fill::Own(fields) => {
                // What the record's fields lie in is looked up once a row, not once a field.
                let (bytes, ends, gap) = self.records.parts();
                for (column, field) in self.columns.iter_mut().zip(fields.iter()) {
                    column.push(field_of(bytes, ends, gap, *field));
                }
                return Ok(Some(Outcome::Row));
            }
            Fill::Mapped(bound) => {
                let outs = self.columns.iter_mut().map(|column| &mut column.values);
                if let Err(rule) = bound.apply(self.records.record()?, self.row, outs) {
                    return Ok(Some(Outcome::Skipped(SkipReason::Rule(rule))));
                }
            }
        }
        for column in &mut self.columns {
            column.end_value();
        }
        Ok(Some(Outcome::Row))
    }

    fn finish(&mut self, rows: usize) -> Result<RecordBatch, FileFault> {
        let arrays: Result<Vec<ArrayRef>, _> = self.columns.iter_mut().map(TextColumn::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        arrays
            .and_then(|arrays| RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options))
            // Text that passed the file's first pass and fails here: the file is being written to.
            .map_err(|_| FileFault::whole(Code::BadEncoding, "the file changed while it was read"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use arrow::array::StringArray;

    use super::super::mapping::Mapping;
    use super::*;

    const WANTED: [&str; 3] = ["a", "b", "c"];

    fn write(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The rows of a file as `number:value|value`, then what ended or spoilt it.
    fn read_path(path: &Path, mapping: Option<&TableMapping>, batch_rows: usize) -> String {
        let opened = match open(path, &WANTED, CsvOptions { mapping, batch_rows, numbered: false }) {
            Ok(opened) => opened,
            Err(fault) => return show(&fault),
        };
        let (mut lines, mut skipped) = (Vec::new(), 0);
        for item in opened.batches {
            let raw = match item {
                Ok(raw) => raw,
                Err(fault) => {
                    lines.push(show(&fault));
                    continue;
                }
            };
            assert!(raw.batch.num_rows() <= batch_rows);
            let columns: Vec<&StringArray> =
                raw.batch.columns().iter().map(|column| column.as_any().downcast_ref().unwrap()).collect();
            for index in 0..raw.batch.num_rows() {
                let values: Vec<&str> = columns.iter().map(|column| column.value(index)).collect();
                lines.push(format!("{}:{}", raw.rows.of(index), values.join("|")));
            }
            lines.extend(raw.faults.iter().map(|(row, code)| format!("{row}!{code}")));
            skipped += raw.skips.len();
        }
        if skipped > 0 {
            lines.push(format!("skipped {skipped}"));
        }
        lines.join(" ")
    }

    fn show(fault: &FileFault) -> String {
        let row = fault.hint.strip_prefix("beyond data row ").and_then(|hint| hint.split_once(':'));
        let row = row.map_or(String::new(), |(row, _)| format!("@{row}"));
        let column = fault.column.as_ref().map_or(String::new(), |column| format!("({column})"));
        format!("{}{row}{column}", fault.code)
    }

    fn read(name: &str, bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = write(&dir, name, bytes);
        let whole = read_path(&path, None, 1_000);
        let one_by_one = read_path(&path, None, 1);
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split(' ').map(str::to_string).collect();
            words.sort();
            words
        };
        assert_eq!(sorted(&whole), sorted(&one_by_one), "batches of one row");
        whole
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn records() {
        let cases: [(&str, &str); 27] = [
            ("a,b,c\n1,2,3\n", "1:1|2|3"),
            ("a,b,c\r\n1,2,3\r\n4,5,6", "1:1|2|3 2:4|5|6"),
            ("a,b,c\r1,2,3\r", "1:1|2|3"),
            ("\u{feff}a,b\n1,2\n", "1:1|2"),
            ("\u{feff}\"a\",b\n1,2\n", "1:1|2"),
            // A mark elsewhere is text, however the records before it are read; a second one at the start is none.
            ("a,b\n\u{feff}1,\"2\"\n", "1:\u{feff}1|2"),
            ("a,b\n\u{feff}1,2\n", "1:\u{feff}1|2"),
            ("\u{feff}\u{feff}a,b\n1,2\n", "1:1|2"),
            (" a ,\"b\"\n1,2\n", "1:1|2"),
            ("c,x,a\n3,9,1\n", "1:3|1"),
            ("a,b\n,\n", "1:|"),
            ("a,b\n\"1,\"\"x\"\"\",2\n", "1:1,\"x\"|2"),
            ("a,b\n\"1\n\n1\",2\n3,4\n", "1:1\n\n1|2 2:3|4"),
            ("a,b\n\n1,2\n\n\r\n3,4\n\n", "1:1|2 2:3|4"),
            ("a,b\n1,2\"3\n", "1:1|2\"3"),
            ("a,b\n1\n2,3\n4,5,6\n7,8\n", "2:2|3 4:7|8 1!bad_type 3!bad_type"),
            ("a,b\n1,2\n3\n", "1:1|2 2!bad_type"),
            ("a,b\n1,2\n3", "1:1|2 truncated_file@1"),
            ("a,b\n1,2\n3,4,5", "1:1|2 2!bad_type"),
            ("a,b\n1,2\n3,\"4", "1:1|2 truncated_file@1"),
            ("a,b\n1,2\n3,\"4\n5,6\n", "1:1|2 truncated_file@1"),
            ("a,b\n1,\"2\"", "1:1|2"),
            ("a,\"b", "truncated_file"),
            ("a,b\n", ""),
            ("", "truncated_file"),
            ("\n\n", "truncated_file"),
            ("a,b,a\n1,2,3\n", "bad_value(a)"),
        ];
        for (text, rows) in cases {
            assert_eq!(read("x.csv", text.as_bytes()), rows, "{text:?}");
        }
    }

    #[test]
    fn a_file_without_rows_gives_a_batch_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let open = |text: &str| {
            let path = write(&dir, "x.csv", text.as_bytes());
            open(&path, &WANTED, CsvOptions { mapping: None, batch_rows: 10, numbered: true }).unwrap()
        };
        let opened = open("b,y,a,z\n");
        assert_eq!(opened.unknown_columns, ["y", "z"]);
        let batches: Vec<RawBatch> = opened.batches.map(Result::unwrap).collect();
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].rows, RowNumbers::From(1));
        let names: Vec<String> = batches[0].batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["b", "a"]);
        // A file whose header is missing shows no data in a warning.
        let opened = open("6222000012345678,90.00\n6222000012345678,91.00\n");
        assert!(opened.unknown_columns.is_empty());
        let batches: Vec<RawBatch> = opened.batches.map(Result::unwrap).collect();
        assert_eq!((batches.len(), batches[0].batch.num_rows(), batches[0].batch.num_columns()), (1, 1, 0));
    }

    #[test]
    fn encodings() {
        let text = "a,b\n1,财付通\n2,㐀€\n";
        let gb18030 = encoding_rs::GB18030.encode(text).0.into_owned();
        assert!(std::str::from_utf8(&gb18030).is_err());
        let rows = "1:1|财付通 2:2|㐀€";
        assert_eq!(read("x.csv", text.as_bytes()), rows);
        assert_eq!(read("x.csv", &gb18030), rows);
        assert_eq!(read("x.csv.gz", &gzip(&gb18030)), rows);
        assert_eq!(read("x.csv", &[b"\x84\x31\x95\x33".as_slice(), &gb18030].concat()), rows, "GB18030's own mark");
        // Valid in neither; valid GB18030 behind a UTF-8 mark.
        assert_eq!(read("x.csv", b"a,b\n1,2\n3,\xff\n"), "bad_encoding@0");
        assert_eq!(read("x.csv", b"\xef\xbb\xbfa,b\n1,\xd6\xd0\n"), "bad_encoding");
        assert_eq!(read("x.csv", b"\xff\xfea\0,\0b\0\n\0"), "bad_encoding", "UTF-16");
        // Cut within a character.
        let cut = &text.as_bytes()[..text.len() - 2];
        assert_eq!(read("x.csv", cut), "1:1|财付通 truncated_file@1");
        let cut = encoding_rs::GB18030.encode("a,b\n1,财付通").0;
        assert_eq!(read("x.csv", &cut[..cut.len() - 1]), "truncated_file@0");
    }

    #[test]
    fn a_late_character_tells_the_encoding() {
        // The first character outside ASCII comes after several chunks, across the end of one.
        for shift in 0..4 {
            let mut text = "a,b\n".to_string();
            text.push_str(&"x".repeat(shift));
            while text.len() < 700_000 {
                text.push_str("1,2\n");
            }
            text.push_str("3,");
            text.push_str(&"付".repeat(300_000));
            text.push('\n');
            let gb18030 = encoding_rs::GB18030.encode(&text).0.into_owned();
            let dir = tempfile::tempdir().unwrap();
            let (utf8, gb18030) = (write(&dir, "u.csv", text.as_bytes()), write(&dir, "g.csv", &gb18030));
            let rows = read_path(&utf8, None, 1_000);
            assert!(rows.ends_with('付'));
            assert_eq!(rows, read_path(&gb18030, None, 1_000));
        }
    }

    #[test]
    fn compressed_files() {
        let text = b"a,b\n1,2\n3,4\n".as_slice();
        let rows = "1:1|2 2:3|4";
        let (gz, zst) = (gzip(text), zstd::encode_all(text, 3).unwrap());
        assert_eq!(read("x.csv.gz", &gz), rows);
        assert_eq!(read("x.csv.GZ", &gz), rows);
        assert_eq!(read("x.csv.zst", &zst), rows);
        let two_members = [gzip(b"a,b\n1,2\n"), gzip(b"3,4\n")].concat();
        assert_eq!(read("x.csv.gz", &two_members), rows);
        let two_frames =
            [zstd::encode_all(&b"a,b\n1,2\n"[..], 3).unwrap(), zstd::encode_all(&b"3,4\n"[..], 3).unwrap()];
        assert_eq!(read("x.csv.zst", &two_frames.concat()), rows);
        for (name, bytes) in [("x.csv.gz", &gz), ("x.csv.zst", &zst)] {
            for length in 0..bytes.len() {
                assert_eq!(read(name, &bytes[..length]), "truncated_file", "{name} cut at {length}");
            }
            assert_eq!(read(name, text), "unreadable_file", "{name} not packed");
            assert_eq!(read("x.csv", bytes), "unreadable_file", "{name} not named so");
            let trailed = [bytes.as_slice(), b"garbage garbage"].concat();
            assert_eq!(read(name, &trailed), "unreadable_file", "{name} with garbage behind");
        }
        let mut damaged = gz.clone();
        let crc = damaged.len() - 5;
        damaged[crc] ^= 1;
        assert_eq!(read("x.csv.gz", &damaged), "unreadable_file");
    }

    #[test]
    fn what_is_no_file_is_unreadable() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_path(dir.path(), None, 1), "unreadable_file");
        assert_eq!(read_path(&dir.path().join("none.csv"), None, 1), "unreadable_file");
    }

    #[test]
    fn rows_have_a_bound() {
        let long = "x".repeat(ROW_BYTES_MAX);
        assert_eq!(read("x.csv", format!("a,b\n1,2\n{long},3\n").as_bytes()), "1:1|2 unreadable_file@1");
        let open_quote = format!("a,b\n1,2\n\"{}", "x,y\n".repeat(ROW_BYTES_MAX / 4));
        assert_eq!(read("x.csv", open_quote.as_bytes()), "1:1|2 unreadable_file@1");
        let wide = ",".repeat(FIELDS_MAX);
        assert_eq!(read("x.csv", format!("a,b\n1,2\n{wide}\n").as_bytes()), "1:1|2 unreadable_file@1");
        assert_eq!(read("x.csv", format!("a,b{}\n", ",x".repeat(FIELDS_MAX)).as_bytes()), "unreadable_file");
    }

    #[test]
    fn batches_have_a_bound() {
        let value = "x".repeat(100_000);
        let rows = format!("{value},1\n").repeat(200);
        let dir = tempfile::tempdir().unwrap();
        let path = write(&dir, "x.csv", format!("a,b\n{rows}").as_bytes());
        let opened = open(&path, &WANTED, CsvOptions { mapping: None, batch_rows: 100_000, numbered: false }).unwrap();
        let sizes: Vec<usize> = opened.batches.map(|raw| raw.unwrap().batch.num_rows()).collect();
        assert_eq!(sizes, [84, 84, 32]);
    }

    /// A mapping of three columns that stand for the feed's.
    fn mapped(file: &str, rest: &str, bytes: &[u8]) -> String {
        let toml = format!(
            "[file]\n{file}\n[columns]\naccount_id = \"a\"\ntxn_id = \"b\"\nbooked_at = {{ constant = \"\" }}\n\
             direction = {{ constant = \"\" }}\namount = {{ constant = \"\" }}\n{rest}"
        );
        let mapping = Mapping::parse("test", &toml).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = write(&dir, "x.csv", bytes);
        read_path(&path, mapping.transactions.as_ref(), 1_000)
    }

    #[test]
    fn layouts() {
        let cases = [
            ("", "a,b\n 1 ,2\t\n", "1:1|2|||"),
            ("delimiter = ';'", "a;b\n1;2\n", "1:1|2|||"),
            ("delimiter = \"\\t\"", "a\tb\n1\t2\n", "1:1|2|||"),
            ("header = ['b', 'a']", "title\n\na,x\nb,a,c\n1,2,3\n", "1:2|1|||"),
            ("header = ['b', 'q']", "title\nb,a,c\n1,2,3\n", "missing_column(b)"),
            ("null = ['--', '/']", "a,b\n--,/\n -- ,-\n", "1:|||| 2:|-|||"),
            ("footer = ['Sum', '=']", "a,b\n1,2\nSum: 1\n3,4\n==\n", "1:1|2||| 3:3|4||| skipped 2"),
            ("ragged = 'refuse'", "a,b\n1\n1,2,\n1,2\n", "3:1|2||| 1!bad_type 2!bad_type"),
            ("ragged = 'pad'", "a,b\n1\n1,2, \n1,2,3\n1", "1:1|||| 2:1|2||| 4:1|||| 3!bad_type"),
            ("ragged = 'pad'", "a,b\n \n1,2\n , , \n", "2:1|2||| skipped 2"),
            ("ragged = 'skip'", "a,b\n1\n1,2,3\n1,2\n1", "3:1|2||| skipped 3"),
            ("", "a,x\n1,2\n", "missing_column(b)"),
            ("", "a,b,b\n1,2,3\n", "bad_value(b)"),
            ("", "a,b,x,x\n1,2,3,4\n", "1:1|2|||"),
            ("encoding = 'gb18030'", "a,b\n1,2\n", "1:1|2|||"),
        ];
        for (file, text, rows) in cases {
            assert_eq!(mapped(file, "", text.as_bytes()), rows, "{file} {text:?}");
        }
        let gb18030 = encoding_rs::GB18030.encode("a,b\n1,联通\n").0;
        assert_eq!(mapped("encoding = 'gb18030'", "", &gb18030), "1:1|联通|||");
        assert_eq!(mapped("encoding = 'utf-8'", "", &gb18030), "bad_encoding@0");
    }

    #[test]
    fn skipped_rows_keep_their_numbers() {
        let rule = "[[row]]\nwhen = { a = 'x' }\nskip = true\n";
        assert_eq!(mapped("", rule, b"a,b\n1,2\nx,2\n3,4\nx,5\n"), "1:1|2||| 3:3|4||| skipped 2");
    }
}
