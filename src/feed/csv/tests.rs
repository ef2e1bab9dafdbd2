//! CSV files of every kind, and the rows and faults that they give.

use std::io::Write as _;

use arrow::array::StringArray;

use super::*;
use crate::feed::mapping::Mapping;
use crate::feed::raw::{RawBatch, RowNumbers};

const WANTED: [&str; 3] = ["a", "b", "c"];

fn write(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The rows of a file as `number:value|value`, then its bad rows and its fault.
fn read_path(path: &Path, mapping: Option<&TableMapping>, batch_rows: usize) -> String {
    let opened = match open(path, &WANTED, CsvOptions { mapping, batch_rows, dictionaries: false }) {
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
fn a_file_without_rows_gives_an_empty_batch() {
    let dir = tempfile::tempdir().unwrap();
    let open = |text: &str| {
        let path = write(&dir, "x.csv", text.as_bytes());
        open(&path, &WANTED, CsvOptions { mapping: None, batch_rows: 10, dictionaries: true }).unwrap()
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
fn a_late_character_decides_the_encoding() {
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
    let two_frames = [zstd::encode_all(&b"a,b\n1,2\n"[..], 3).unwrap(), zstd::encode_all(&b"3,4\n"[..], 3).unwrap()];
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
fn a_folder_and_a_missing_file_are_unreadable() {
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
    let opened = open(&path, &WANTED, CsvOptions { mapping: None, batch_rows: 100_000, dictionaries: false }).unwrap();
    let sizes: Vec<usize> = opened.batches.map(|raw| raw.unwrap().batch.num_rows()).collect();
    assert_eq!(sizes, [84, 84, 32]);
}

/// The rows of a file under a mapping of two of its columns.
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
