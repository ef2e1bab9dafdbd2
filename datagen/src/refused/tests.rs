//! Tests of the refused files: each is listed, none is readable as a good feed, and the bytes are reproducible.

use super::*;
use arrow::array::{Date32Array, ListBuilder, StringBuilder, TimestampMicrosecondArray};
use arrow::ipc::reader::{FileReader, StreamReader};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeSet;
use std::io::{Cursor, Read as _};

use crate::feed;

const ROWS: usize = 24;

fn text(value: impl Fn(usize) -> Option<String>) -> ArrayRef {
    Arc::new((0..ROWS).map(value).collect::<StringArray>())
}

fn same(value: &'static str) -> ArrayRef {
    text(move |_| Some(value.to_owned()))
}

fn sample() -> Sample {
    let money = |fen: fn(usize) -> i128| -> ArrayRef {
        let column = Decimal128Array::from_iter_values((0..ROWS).map(fen));
        Arc::new(column.with_precision_and_scale(18, 2).unwrap())
    };
    // 2025-01-02 09:00:00, one hour per row.
    let time = |row: usize| (1_735_808_400 + 3_600 * row as i64) * 1_000_000;
    let transactions: Vec<ArrayRef> = vec![
        text(|row| Some(format!("600100000000000{}", row % 2))),
        text(|row| Some(format!("T{row:05}"))),
        Arc::new(TimestampMicrosecondArray::from_iter_values((0..ROWS).map(time))),
        Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| row as i64))),
        text(|row| Some(if row % 3 == 0 { "D" } else { "C" }.to_owned())),
        money(|row| 10_000 + row as i128),
        money(|row| 900_000 - row as i128),
        text(|row| (row % 2 == 0).then(|| "CNY".to_owned())),
        same("TRANSFER"),
        same("netbank"),
        text(|row| Some(format!("江州翊源{row}商贸有限公司"))),
        text(|row| Some(format!("{:015}", 31 * row))),
        text(|_| None),
        text(|_| None),
        same("货款"),
        text(|row| (row % 5 == 0).then(|| "合同, \"二\"".to_owned())),
        text(|_| None),
    ];
    let mut former_names = ListBuilder::new(StringBuilder::new());
    (0..2).for_each(|_| former_names.append(false));
    let pair = |values: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let usccs: Vec<String> = (0..2).map(uscc).collect();
    let accounts: Vec<ArrayRef> = vec![
        pair(["6001000000000000", "6001000000000001"]),
        pair(["JZYH"; 2]),
        pair(["江州银行股份有限公司"; 2]),
        pair(["313990100014"; 2]),
        pair([&usccs[0], &usccs[1]]),
        pair(["江州沐源商贸有限公司", "云泽霁达建材有限公司"]),
        Arc::new(former_names.finish()),
        pair(["basic"; 2]),
        pair(["CNY"; 2]),
        Arc::new(Date32Array::from(vec![Some(18_000), None])),
        Arc::new(Date32Array::from(vec![None, None])),
        Arc::new(Date32Array::from(vec![Some(20_089), None])),
        pair(["active"; 2]),
    ];
    Sample {
        transactions: RecordBatch::try_new(feed::transactions_schema(false), transactions).unwrap(),
        accounts: RecordBatch::try_new(feed::accounts_schema(), accounts).unwrap(),
    }
}

fn uscc(ordinal: u64) -> String {
    let mut code = String::new();
    crate::code::push_uscc(&mut code, "91", 7, ordinal);
    code
}

/// A temporary folder that is removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("refused-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// All files with their bytes, by path within the folder.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for (prefix, folder) in [("", self.0.clone()), ("accounts/", self.0.join("accounts"))] {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
                if entry.file_type().unwrap().is_file() {
                    let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
                    files.push((name, fs::read(entry.path()).unwrap()));
                }
            }
        }
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

const CODES: [&str; 15] = [
    "amount_range",
    "bad_currency",
    "bad_direction",
    "bad_encoding",
    "bad_time",
    "bad_type",
    "bad_uscc",
    "bad_value",
    "duplicate_conflict",
    "missing_column",
    "null_required",
    "truncated_file",
    "unknown_account",
    "unknown_kind",
    "unreadable_file",
];

#[test]
fn every_code_has_a_file_and_every_file_is_listed() {
    let folder = Folder::new("listed");
    let listed = write(&folder.0, &sample()).unwrap();
    let codes: BTreeSet<&str> = listed.iter().map(|refused| refused.code).collect();
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), CODES);
    let known: BTreeSet<&str> = listed.iter().map(|refused| refused.file.as_str()).collect();
    assert_eq!(known.len(), listed.len(), "a file was written twice");
    let beside = ["accounts.csv", "refused.csv", "transactions.csv"];
    let found = folder.files();
    let found: BTreeSet<&str> =
        found.iter().map(|(file, _)| file.as_str()).filter(|file| !beside.contains(file)).collect();
    assert_eq!(found, known);
    let list = fs::read_to_string(folder.0.join("refused.csv")).unwrap();
    assert_eq!(list.lines().count(), listed.len() + 1);
    assert!(list.lines().all(|line| line.split(',').count() == 5));
}

#[test]
fn the_same_sample_gives_the_same_bytes() {
    let (first, second) = (Folder::new("first"), Folder::new("second"));
    write(&first.0, &sample()).unwrap();
    write(&second.0, &sample()).unwrap();
    assert_eq!(first.files(), second.files());
}

#[test]
fn a_bad_row_differs_from_the_good_ones_in_one_field() {
    let folder = Folder::new("rows");
    let listed = write(&folder.0, &sample()).unwrap();
    let read = |file: &str| fs::read(folder.0.join(file)).unwrap();
    let lines = |bytes: &[u8]| -> Vec<Vec<u8>> { bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect() };
    for refused in listed.iter().filter(|refused| refused.row.is_some() && refused.file.ends_with(".csv")) {
        let good = if refused.file.starts_with("accounts/") { "accounts.csv" } else { "transactions.csv" };
        let (good, bad) = (lines(&read(good)), lines(&read(&refused.file)));
        let differing: Vec<usize> = (0..bad.len()).filter(|at| good.get(*at) != bad.get(*at)).collect();
        let row = refused.row.unwrap();
        if refused.code == "duplicate_conflict" {
            // The additional row moves the empty part after the last line.
            assert_eq!(differing, [row, row + 1], "{}", refused.file);
        } else {
            assert_eq!(differing, [row], "{}", refused.file);
        }
    }
}

/// Whether a plain reader of the format reads the file to its end.
fn reads(path: &Path) -> bool {
    let file = path.to_str().unwrap();
    let bytes = fs::read(path).unwrap();
    let csv = |text: Vec<u8>| is_text(&text) && text.iter().filter(|byte| **byte == b'"').count() % 2 == 0;
    if file.ends_with(".parquet") {
        let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap());
        return reader.and_then(|reader| reader.build()).is_ok_and(|mut rows| rows.all(|batch| batch.is_ok()));
    }
    if file.ends_with(".arrow") {
        return FileReader::try_new(Cursor::new(bytes), None).is_ok_and(|mut rows| rows.all(|batch| batch.is_ok()));
    }
    if file.ends_with(".arrows") {
        let complete = bytes.ends_with(&[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]);
        let reader = StreamReader::try_new(Cursor::new(bytes), None);
        return complete && reader.is_ok_and(|mut rows| rows.all(|batch| batch.is_ok()));
    }
    if file.ends_with(".gz") {
        let mut text = Vec::new();
        return flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut text).is_ok() && csv(text);
    }
    if file.ends_with(".zst") {
        return zstd::decode_all(bytes.as_slice()).is_ok_and(csv);
    }
    csv(bytes)
}

/// Whether the bytes are UTF-8, or GB18030 as far as its characters of one and two bytes are concerned. After the byte
/// order mark of UTF-8 only UTF-8 is allowed.
fn is_text(bytes: &[u8]) -> bool {
    let gb18030 = || {
        let mut rest = bytes;
        loop {
            rest = match rest {
                [] => return true,
                [0..=0x7F, rest @ ..] => rest,
                [0x81..=0xFE, 0x40..=0x7E | 0x80..=0xFE, rest @ ..] => rest,
                _ => return false,
            }
        }
    };
    std::str::from_utf8(bytes).is_ok() || (!bytes.starts_with(b"\xEF\xBB\xBF") && gb18030())
}

#[test]
fn no_plain_reader_reads_a_file_with_a_fault_of_the_whole_file() {
    let folder = Folder::new("readers");
    let listed = write(&folder.0, &sample()).unwrap();
    for RefusedFile { file, code, .. } in listed {
        let whole = ["bad_encoding", "truncated_file", "unreadable_file"].contains(&code);
        assert_eq!(reads(&folder.0.join(&file)), !whole, "{file}");
    }
}

#[test]
fn the_same_files_are_readable_without_the_fault() {
    let folder = Folder::new("good");
    let Sample { transactions, .. } = sample();
    let table = Table::of(&transactions).unwrap();
    let chinese = in_gb18030(&table).csv();
    assert!(std::str::from_utf8(&chinese).is_err());
    for (file, bytes) in [
        ("good.parquet", parquet_bytes(&transactions).unwrap()),
        ("good.arrow", file_bytes(&transactions).unwrap()),
        ("good.arrows", stream_bytes(&transactions).unwrap()),
        ("good.csv.gz", gzip(&table.csv()).unwrap()),
        ("good.csv.zst", zstd(&table.csv()).unwrap()),
        ("good.csv", table.csv()),
        ("chinese.csv", chinese),
    ] {
        let path = folder.0.join(file);
        fs::write(&path, bytes).unwrap();
        assert!(reads(&path), "{file}");
    }
}

#[test]
fn a_sample_without_rows_gives_no_files() {
    let folder = Folder::new("empty");
    let Sample { transactions, accounts } = sample();
    let empty = Sample { transactions: transactions.slice(0, 0), accounts };
    assert_eq!(write(&folder.0, &empty).unwrap(), []);
    assert!(fs::read_dir(&folder.0).unwrap().next().is_none());
}
