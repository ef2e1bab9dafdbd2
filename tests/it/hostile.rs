//! Hostile and damaged files: each is refused with a code, within bounded memory and without a panic, and only the report is
//! written. The table is printed; `docs/hostile-files.md` shows a run of it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use liushui::feed::find::find;
use liushui::feed::format::{OpenOptions, open};
use liushui::feed::guard::{Limits, ipc, parquet as guard};
use liushui::feed::schema::TRANSACTIONS;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use crate::util::{ACCOUNTS_HEADER, TestFeed, USCC, program};

/// Memory that the command may take beyond `--memory`, the program itself included.
const BEYOND_BUDGET_BYTES: u64 = 64 << 20;
const MEMORY: (&str, u64) = ("64MiB", 64 << 20);

const HEADER: &str = "account_id,txn_id,booked_at,direction,amount,remark";
const ROW: &str = "A1,T1,2024-01-02 10:00:00,C,1.00,x";

/// A feed of one account and some files of transactions.
fn feed() -> TestFeed {
    let feed = TestFeed::new();
    let account = format!("A1,P1,示例银行,,{USCC},试验有限公司,,basic,CNY,2020-01-01,,active");
    feed.write("accounts.csv", format!("{ACCOUNTS_HEADER}\n{account}\n"));
    feed
}

fn build(feed: &TestFeed, name: &str) -> Output {
    let path = |name: &str| feed.path(name).display().to_string();
    Command::new(env!("CARGO_BIN_EXE_liushui"))
        .args(["build", "--transactions", &path(name), "--accounts", &path("accounts.csv"), "--out", &path("out")])
        .args(["--memory", MEMORY.0, "--threads", "2"])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Rows with the feed's own columns.
fn batch(rows: usize, remark: &str) -> RecordBatch {
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; rows])) };
    let ids: StringArray = (0..rows).map(|row| Some(format!("T{row}"))).collect();
    let amount = arrow::array::Decimal128Array::from(vec![100_i128; rows]).with_precision_and_scale(18, 2).unwrap();
    let booked = arrow::array::TimestampMicrosecondArray::from(vec![1_704_160_800_000_000_i64; rows]);
    RecordBatch::try_from_iter([
        ("account_id", text("A1")),
        ("txn_id", Arc::new(ids)),
        ("booked_at", Arc::new(booked)),
        ("direction", text("C")),
        ("amount", Arc::new(amount)),
        ("remark", text(remark)),
    ])
    .unwrap()
}

fn parquet(batch: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn small_parquet() -> Vec<u8> {
    parquet(&batch(20, "r"), WriterProperties::builder().set_compression(Compression::SNAPPY).build())
}

fn arrow_stream(batch: &RecordBatch, compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn arrow_file(batch: &RecordBatch, compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

/// A Parquet file of a footer alone.
fn framed(footer: &[u8]) -> Vec<u8> {
    let mut bytes = b"PAR1".to_vec();
    bytes.extend_from_slice(footer);
    bytes.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    bytes.extend_from_slice(b"PAR1");
    bytes
}

fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A footer in Thrift's compact protocol: elements of a schema, each with its number of children, and empty row groups.
fn footer(children: &[u32], groups: usize, rows: u64) -> Vec<u8> {
    let mut out = vec![0x15, 2, 0x19];
    let list = |out: &mut Vec<u8>, count: usize| {
        out.push(0xFC);
        put_unsigned(out, count as u64);
    };
    list(&mut out, children.len());
    for (number, count) in children.iter().enumerate() {
        match count {
            // A leaf: type byte array, optional.
            0 => out.extend_from_slice(&[0x15, 12, 0x25, 2]),
            _ if number == 0 => {}
            _ => out.extend_from_slice(&[0x35, 2]),
        }
        out.push(if number == 0 && *count > 0 { 0x48 } else { 0x18 });
        out.extend_from_slice(&[1, b'c']);
        if *count > 0 {
            out.push(0x15);
            put_unsigned(&mut out, u64::from(*count) << 1);
        }
        out.push(0);
    }
    out.push(0x16);
    put_unsigned(&mut out, rows << 1);
    out.push(0x19);
    list(&mut out, groups);
    out.extend(std::iter::repeat_n(0, groups));
    out.push(0);
    out
}

/// A file whose schema is nested to this depth.
pub fn nested(depth: usize) -> Vec<u8> {
    let mut children = vec![1; depth];
    children.push(0);
    framed(&footer(&children, 0, 0))
}

pub fn flat(columns: usize, groups: usize, rows: u64) -> Vec<u8> {
    let mut children = vec![columns as u32];
    children.resize(columns + 1, 0);
    framed(&footer(&children, groups, rows))
}

/// A file with a page that is far larger than its compressed form.
fn page_bomb(dictionary: bool) -> Vec<u8> {
    let zeros = "a".repeat(1 << 20);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(dictionary)
        .set_dictionary_page_size_limit(1 << 30)
        .set_data_page_size_limit(1 << 30)
        .set_write_batch_size(1 << 20);
    let mut rows = batch(160, "");
    if dictionary {
        let remarks: StringArray = (0..160).map(|row| Some(format!("{row}{zeros}"))).collect();
        let mut columns = rows.columns().to_vec();
        columns[5] = Arc::new(remarks);
        rows = RecordBatch::try_new(rows.schema(), columns).unwrap();
    } else {
        rows = batch(160, &zeros);
    }
    parquet(&rows, properties.build())
}

fn gzip(chunk: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    (0..times).for_each(|_| encoder.write_all(chunk).unwrap());
    encoder.finish().unwrap()
}

fn zst(chunk: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    (0..times).for_each(|_| encoder.write_all(chunk).unwrap());
    encoder.finish().unwrap()
}

/// Replaces a number of eight bytes by another, wherever it occurs.
fn with_number(mut bytes: Vec<u8>, old: i64, new: i64) -> Vec<u8> {
    let at: Vec<usize> =
        bytes.windows(8).enumerate().filter(|(_, part)| *part == old.to_le_bytes()).map(|(at, _)| at).collect();
    assert!(!at.is_empty(), "no {old} among the bytes");
    for at in at {
        bytes[at..at + 8].copy_from_slice(&new.to_le_bytes());
    }
    bytes
}

fn tail_length(length: u32) -> Vec<u8> {
    let mut bytes = small_parquet();
    let at = bytes.len() - 8;
    bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// The name of the case, the name of the file, its content, and the code of the reject.
fn cases() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let csv = |rows: &str| format!("{HEADER}\n{rows}").into_bytes();
    let line = [ROW.as_bytes(), b"\n"].concat().repeat(1000);
    let good = batch(2000, "r");
    let nested_column = {
        let inner: ArrayRef = Arc::new(StringArray::from(vec!["x"; 2]));
        let fields = Fields::from(vec![Field::new("a", DataType::Utf8, true)]);
        let amount: ArrayRef = Arc::new(arrow::array::StructArray::new(fields, vec![inner], None));
        let mut columns = batch(2, "r");
        let mut arrays = columns.columns().to_vec();
        arrays[4] = amount;
        let schema = columns.schema();
        let mut fields: Vec<Field> = schema.fields().iter().map(|field| Field::clone(field)).collect();
        fields[4] = Field::new("amount", arrays[4].data_type().clone(), true);
        columns = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        parquet(&columns, WriterProperties::default())
    };
    let body = |bytes: &[u8]| -> i64 {
        // The length of the body is taken from the messages of the stream.
        let mut reader = arrow::ipc::reader::StreamReader::try_new(bytes, None).unwrap();
        assert!(reader.next().unwrap().is_ok());
        let mut lengths = Vec::new();
        let mut at = 0;
        while let Some(length) = bytes.get(at + 4..at + 8).map(|b| i32::from_le_bytes(b.try_into().unwrap())) {
            let message = arrow::ipc::root_as_message(&bytes[at + 8..at + 8 + length as usize]);
            let Ok(message) = message else { break };
            lengths.push(message.bodyLength());
            at += 8 + length as usize + message.bodyLength() as usize;
        }
        lengths.into_iter().max().unwrap()
    };
    let plain_stream = arrow_stream(&good, None);
    let plain_body = body(&plain_stream);
    let packed_stream = arrow_stream(&good, Some(CompressionType::ZSTD));
    let packed_file = arrow_file(&good, Some(CompressionType::ZSTD));
    let bomb_batch = batch(64, &"a".repeat(1 << 20));
    // 2,000 rows of 16 bytes of an amount, before compression.
    let claimed = 2000 * 16;
    vec![
        ("CSV: empty", "x.csv", Vec::new(), "truncated_file"),
        ("CSV: a header alone, other columns", "x.csv", b"a,b\n1,2\n".to_vec(), "missing_column"),
        ("CSV: last row cut", "x.csv", csv("A1,T1,2024-01-02,C"), "truncated_file"),
        ("CSV: quote never closed, 40 MB", "x.csv", csv(&format!("A1,\"{}", "q".repeat(40 << 20))), "unreadable_file"),
        ("CSV: a row of 100 MB", "x.csv", csv(&format!("A1,{},", "q".repeat(100 << 20))), "unreadable_file"),
        ("CSV: 10,000 columns", "x.csv", format!("{HEADER}{}\n", ",c".repeat(10_000)).into_bytes(), "unreadable_file"),
        ("CSV: NUL bytes", "x.csv", csv("A1,T\u{0}1,2024-01-02,C,1.00,x\n"), "bad_encoding"),
        ("CSV: UTF-16", "x.csv", HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect(), "bad_encoding"),
        ("CSV: neither UTF-8 nor GB18030", "x.csv", [csv("A1,T1,"), vec![0xFF, 0xFF, b'\n']].concat(), "bad_encoding"),
        ("CSV: Parquet under this name", "x.csv", small_parquet(), "bad_encoding"),
        ("CSV: not packed under .gz", "x.csv.gz", csv(ROW), "unreadable_file"),
        (".gz: cut", "x.csv.gz", gzip(&line, 3)[..60].to_vec(), "truncated_file"),
        (".gz: wrong check sum", "x.csv.gz", flip_from_end(gzip(&csv(ROW), 1), 6), "unreadable_file"),
        (".gz: bomb, 1 GiB", "x.csv.gz", gzip(&vec![b'a'; 1 << 20], 1 << 10), "unreadable_file"),
        (
            ".gz: bomb of rows, 1 GiB",
            "x.csv.gz",
            [gzip(&csv(""), 1), gzip(&line, 32 << 10)].concat(),
            "unreadable_file",
        ),
        (".zst: cut", "x.csv.zst", zst(&line, 3)[..40].to_vec(), "truncated_file"),
        (
            ".zst: bomb of rows, 1 GiB",
            "x.csv.zst",
            [zst(&csv(""), 1), zst(&line, 32 << 10)].concat(),
            "unreadable_file",
        ),
        ("Parquet: empty", "x.parquet", Vec::new(), "truncated_file"),
        ("Parquet: other magic", "x.parquet", b"PAR2....PAR2....".to_vec(), "unreadable_file"),
        ("Parquet: noise between the magics", "x.parquet", framed(&[0xA5; 999]), "unreadable_file"),
        ("Parquet: half of it", "x.parquet", small_parquet()[..700].to_vec(), "truncated_file"),
        ("Parquet: footer of length 0", "x.parquet", tail_length(0), "unreadable_file"),
        ("Parquet: footer longer than the file", "x.parquet", tail_length(1 << 20), "unreadable_file"),
        ("Parquet: footer of 2^31-1", "x.parquet", tail_length(i32::MAX as u32), "unreadable_file"),
        ("Parquet: footer of -1", "x.parquet", tail_length(u32::MAX), "unreadable_file"),
        ("Parquet: 400,000 columns within each other", "x.parquet", nested(400_000), "unreadable_file"),
        ("Parquet: 100,000 columns", "x.parquet", flat(100_000, 0, 0), "unreadable_file"),
        ("Parquet: 1,000,000 row groups", "x.parquet", flat(17, 1_000_000, 0), "unreadable_file"),
        ("Parquet: 2^60 rows in no row group", "x.parquet", flat(17, 0, 1 << 60), "unreadable_file"),
        ("Parquet: page bomb, 160 MiB", "x.parquet", page_bomb(false), "unreadable_file"),
        ("Parquet: dictionary bomb, 160 MiB", "x.parquet", page_bomb(true), "unreadable_file"),
        ("Parquet: amount is a struct", "x.parquet", nested_column, "bad_type"),
        ("Arrow file: empty", "x.arrow", Vec::new(), "truncated_file"),
        ("Arrow file: noise between the magics", "x.arrow", noise_between_magics(), "unreadable_file"),
        (
            "Arrow file: a buffer of 2^40 when unpacked",
            "x.arrow",
            with_number(packed_file, claimed, 1 << 40),
            "unreadable_file",
        ),
        (
            "Arrow stream: a body of 2^40",
            "x.arrows",
            with_number(plain_stream.clone(), plain_body, 1 << 40),
            "unreadable_file",
        ),
        ("Arrow stream: 2^40 rows", "x.arrows", with_number(plain_stream.clone(), 2000, 1 << 40), "unreadable_file"),
        (
            "Arrow stream: a buffer of 2^40 when unpacked",
            "x.arrows",
            with_number(packed_stream, claimed, 1 << 40),
            "unreadable_file",
        ),
        (
            "Arrow stream: bomb, 64 MiB",
            "x.arrows",
            arrow_stream(&bomb_batch, Some(CompressionType::ZSTD)),
            "unreadable_file",
        ),
        ("Arrow stream: no end mark", "x.arrows", plain_stream[..plain_stream.len() - 8].to_vec(), "truncated_file"),
        (
            "camt.053: a document type",
            "x.xml",
            b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"bbbb\">]><Document/>".to_vec(),
            "unreadable_file",
        ),
        (
            "camt.053: a field of 8 MB",
            "x.xml",
            format!("<Document><BkToCstmrStmt><Stmt><Id>{}", "x".repeat(8 << 20)).into_bytes(),
            "unreadable_file",
        ),
        (
            "camt.053: 100,000 elements within each other",
            "x.xml",
            format!("<Document><BkToCstmrStmt>{}", "<a>".repeat(100_000)).into_bytes(),
            "unreadable_file",
        ),
        ("MT940: no closing balance", "x.sta", b":20:A\n:25:A1\n:60F:C240105CNY1,00\n".to_vec(), "truncated_file"),
        ("MT940: noise", "x.sta", vec![b'z'; 1 << 20], "unreadable_file"),
    ]
}

fn flip_from_end(mut bytes: Vec<u8>, from_end: usize) -> Vec<u8> {
    let at = bytes.len() - from_end;
    bytes[at] ^= 0x55;
    bytes
}

fn noise_between_magics() -> Vec<u8> {
    let noise = vec![0x3C_u8; 500];
    [b"ARROW1\0\0".as_slice(), &noise, &100_i32.to_le_bytes(), b"ARROW1"].concat()
}

#[test]
fn each_hostile_file_is_refused_within_bounds() {
    println!("{:<46} {:<16} {:>4} {:>8} {:>9}", "case", "outcome", "exit", "seconds", "peak MiB");
    // The control: a sound file is read within the same memory.
    let sound = feed();
    sound.write("x.csv", format!("{HEADER}\n{ROW}\n"));
    assert_eq!(build(&sound, "x.csv").status.code(), Some(0));
    for (case, name, content, code) in cases() {
        let feed = feed();
        feed.write(name, content);
        let started = Instant::now();
        let output = build(&feed, name);
        let seconds = started.elapsed().as_secs_f64();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{case}: {stderr}");
        assert!(!stderr.contains("panic"), "{case}: {stderr}");
        assert!(stderr.contains(name) && stderr.contains(code), "{case}: {stderr}");
        let rejects = feed.rejects();
        assert!(rejects.iter().all(|line| line.starts_with(name) && line.ends_with(code)), "{case}: {rejects:?}");
        assert!(!rejects.is_empty(), "{case}");
        let mut written: Vec<_> =
            std::fs::read_dir(feed.path("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        written.sort();
        assert_eq!(written, ["rejects.csv", "run.json"], "{case}");
        let peak = feed.run_json()["peak_bytes"].as_u64().unwrap();
        println!("{case:<46} {code:<16} {:>4} {seconds:>8.2} {:>9}", 1, peak >> 20);
        assert!(peak <= MEMORY.1 + BEYOND_BUDGET_BYTES, "{case}: peak of {} MiB", peak >> 20);
    }
}

/// The control: without limits the same files pass the guards, and sound files pass within the limits.
#[test]
fn the_guards_refuse_what_their_limits_say_and_nothing_else() {
    let feed = feed();
    let file = |content: &[u8]| {
        feed.write("x", content);
        std::fs::File::open(feed.path("x")).unwrap()
    };
    for hostile in [nested(400), flat(5_000, 0, 0), flat(17, 70_000, 0)] {
        assert!(guard::footer(&file(&hostile), &Limits::FEED).is_err());
        assert!(guard::footer(&file(&hostile), &Limits::NONE).is_ok());
    }
    let pages = |content: &[u8], limits: &Limits| {
        let file = file(content);
        guard::footer(&file, limits).unwrap();
        let reader = SerializedFileReader::new(file.try_clone().unwrap()).unwrap();
        guard::counts(&file, reader.metadata(), limits).unwrap();
        let group = reader.metadata().row_group(0);
        guard::pages(&file, group.columns().iter(), group.num_rows() as u64, limits).is_ok()
    };
    for bomb in [page_bomb(false), page_bomb(true)] {
        assert!(!pages(&bomb, &Limits::FEED) && pages(&bomb, &Limits::NONE));
    }
    assert!(pages(&small_parquet(), &Limits::FEED));
    let many = parquet(&batch(300_000, "the same remark in every row"), WriterProperties::default());
    assert!(pages(&many, &Limits::FEED));

    let bomb = arrow_file(&batch(64, &"a".repeat(1 << 20)), Some(CompressionType::ZSTD));
    assert!(ipc::file(&file(&bomb), &Limits::FEED).is_err() && ipc::file(&file(&bomb), &Limits::NONE).is_ok());
    for sound in [None, Some(CompressionType::ZSTD), Some(CompressionType::LZ4_FRAME)] {
        assert!(ipc::file(&file(&arrow_file(&batch(9_000, "r"), sound)), &Limits::FEED).is_ok());
    }
}

/// Rows of a file, or the code that refuses it. Reading stops at a fault.
fn read(path: &Path) -> Result<usize, String> {
    let code = |faults: Vec<liushui::feed::reject::FileFault>| faults[0].code.name().to_string();
    let found = find(&[path.to_path_buf()]).unwrap();
    let opened = open(found[0].path(), &OpenOptions { table: &TRANSACTIONS, mapping: None, limits: Limits::FEED })
        .map_err(code)?;
    let mut rows = 0;
    for raw in opened.whole().read().map_err(code)?.batches {
        rows += raw.map_err(|fault| fault.code.name().to_string())?.batch.num_rows();
    }
    Ok(rows)
}

/// Small sound files, one of each format.
fn sound_files() -> Vec<(&'static str, Vec<u8>)> {
    let csv = format!("{HEADER}\n{}", format!("{ROW}\n").repeat(9)).into_bytes();
    let rows = batch(9, "一笔货款");
    vec![
        ("x.csv.gz", gzip(&csv, 1)),
        ("x.csv.zst", zst(&csv, 1)),
        ("x.csv", csv),
        ("x.parquet", parquet(&rows, WriterProperties::builder().set_compression(Compression::SNAPPY).build())),
        ("x.arrow", arrow_file(&rows, Some(CompressionType::ZSTD))),
        ("y.arrow", arrow_file(&rows, None)),
        ("x.arrows", arrow_stream(&rows, Some(CompressionType::LZ4_FRAME))),
        ("y.arrows", arrow_stream(&rows, None)),
    ]
}

/// Every file cut at any length is refused, except a CSV that is cut at the end of a row.
#[test]
fn a_file_cut_anywhere_is_refused() {
    let feed = feed();
    for (name, content) in sound_files() {
        feed.write(name, &content);
        assert_eq!(read(&feed.path(name)), Ok(9), "{name}");
        let mut passed = 0;
        for end in 0..content.len() {
            feed.write(name, &content[..end]);
            match read(&feed.path(name)) {
                Err(code) => {
                    assert!(["truncated_file", "unreadable_file", "missing_column"].contains(&&*code), "{name}")
                }
                Ok(rows) => {
                    assert!(rows < 10 && name == "x.csv", "{name} cut at {end}");
                    passed += 1;
                }
            }
        }
        // A CSV cut within the last field of a row looks like a complete one.
        assert!(passed <= 40, "{name}: {passed}");
    }
}

/// A file with a changed byte is refused, or it has no more rows than its size allows. A panic of a reader is caught and
/// reported as damage.
#[test]
fn a_file_with_a_byte_changed_is_refused_or_read() {
    let feed = feed();
    for (name, content) in sound_files() {
        let (mut refused, step) = (0, content.len().div_ceil(1_500));
        for at in (0..content.len()).step_by(step) {
            let mut bytes = content.clone();
            bytes[at] ^= 1 << (at % 8);
            feed.write(name, &bytes);
            match read(&feed.path(name)) {
                Err(_) => refused += 1,
                Ok(rows) => assert!(rows <= 64 * content.len(), "{name}: {rows} rows"),
            }
        }
        assert!(refused > 0, "{name}");
    }
}

#[test]
#[cfg(unix)]
fn folders_and_broken_links_are_refused() {
    let feed = feed();
    std::fs::create_dir(feed.path("x.parquet")).unwrap();
    std::os::unix::fs::symlink(feed.path("b.csv"), feed.path("a.csv")).unwrap();
    std::os::unix::fs::symlink(feed.path("a.csv"), feed.path("b.csv")).unwrap();
    // None of these is a file, which is wrong usage.
    for name in ["x.parquet", "a.csv", "none.csv"] {
        let output = build(&feed, name);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(name));
        assert!(!feed.path("out").join("report.parquet").exists());
    }
    // A folder with a link to itself, and a link in it that ends nowhere, which must not be left out silently.
    std::fs::create_dir(feed.path("folder")).unwrap();
    std::os::unix::fs::symlink(feed.path("folder"), feed.path("folder/again")).unwrap();
    std::os::unix::fs::symlink(feed.path("a.csv"), feed.path("folder/a.csv")).unwrap();
    assert_eq!(build(&feed, "folder").status.code(), Some(1));
    assert_eq!(feed.rejects(), ["folder/a.csv,,,unreadable_file"]);
}

#[test]
#[cfg(unix)]
fn a_named_pipe_is_refused_and_not_waited_for() {
    let Some(mkfifo) = program("mkfifo") else { return };
    let feed = feed();
    for name in ["pipe.parquet", "pipe.csv", "pipe.xml", "pipe.arrows"] {
        assert!(Command::new(&mkfifo).arg(feed.path(name)).status().unwrap().success());
        let started = Instant::now();
        assert_eq!(build(&feed, name).status.code(), Some(1), "{name}");
        assert!(started.elapsed() < Duration::from_secs(60));
        assert_eq!(feed.rejects(), [format!("{name},,,unreadable_file")]);
    }
}

/// A file that changes between opening and reading.
#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let feed = feed();
    let rows = parquet(&batch(5_000, "r"), WriterProperties::default());
    let other = parquet(&batch(4_000, "another remark"), WriterProperties::default());
    let changes: [(&str, Option<&[u8]>); 3] =
        [("removed", None), ("cut", Some(&rows[..900])), ("replaced", Some(&other))];
    for (change, content) in changes {
        feed.write("x.parquet", &rows);
        let found = find(&[feed.path("x.parquet")]).unwrap();
        let opened =
            open(found[0].path(), &OpenOptions { table: &TRANSACTIONS, mapping: None, limits: Limits::FEED }).unwrap();
        match content {
            Some(content) => feed.write("x.parquet", content),
            None => std::fs::remove_file(feed.path("x.parquet")).unwrap(),
        }
        let read = opened.whole().read().map_err(|_| ()).and_then(|reading| {
            let rows: Result<Vec<_>, _> = reading.batches.collect();
            rows.map_err(|_| ())
        });
        assert!(read.is_err(), "{change}");
    }
}

/// A binary column is no text, even if Parquet can present it as one.
#[test]
fn bytes_are_no_text() {
    let feed = feed();
    let rows = batch(2, "r");
    let mut columns = rows.columns().to_vec();
    columns[1] = Arc::new(BinaryArray::from(vec![b"T1".as_slice(), &[0xFF, 0xFE]]));
    let schema = rows.schema();
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| Field::clone(field)).collect();
    fields[1] = Field::new("txn_id", DataType::Binary, false);
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    feed.write("x.parquet", parquet(&rows, WriterProperties::default()));
    assert_eq!(build(&feed, "x.parquet").status.code(), Some(1));
    assert_eq!(feed.rejects(), ["x.parquet,,txn_id,bad_type"]);
}
