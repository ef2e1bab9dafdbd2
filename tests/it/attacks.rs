//! The list of attacks on feeds: files, Parquet and Arrow, values. Each case is a test whose name begins with its id. Cases
//! about uploads and institutions are tested with the nearest thing that a feed has.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{Field, Schema};
use arrow::ipc::writer::StreamWriter;
use liushui::account::uscc_is_valid;
use liushui::batch::build::BuildOptions;
use liushui::error::Error;
use liushui::period::Date;
use liushui::publish::PublishError;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::util::{ACCOUNTS_HEADER, TestFeed, USCC, property, run, shared_data};
use crate::{fuzz, hostile};

/// The cases of the three groups: id, and the outcome that the test demands.
const CASES: [(&str, &str); 33] = [
    ("F02", "a file cut at any byte is refused"),
    ("F03", "a statement whose totals do not hold is refused; a feed has no manifest"),
    ("F05", "any line end ends a row, and is text within quotes"),
    ("F06", "a quote that is never closed is refused"),
    ("F08", "missing and repeated columns are refused; their order is free; unknown columns are ignored"),
    ("F09", "NUL bytes, other delimiters and stray carriage returns are refused"),
    ("F11", "concatenated members are read; bombs, garbage and wrong sums are refused"),
    ("F12", "a zip archive is refused unread"),
    ("F14", "no upload: a stream that ends early, or goes on after its end, leaves no product"),
    ("F15", "no upload to resume: parts that overlap, in any order, give the products of the whole"),
    ("F17", "one bad row refuses the feed, and the report has no value of it"),
    ("F18", "one institution for a build: rows of an account that is not in `accounts` are refused"),
    ("P01", "wrong magic bytes are refused"),
    ("P02", "a footer of a wrong length is refused"),
    ("P04", "wrong counts and sizes are refused or read within bounds"),
    ("P05", "wrong levels, runs and indices are refused or read within bounds"),
    ("P07", "amounts that are no decimals of two digits are refused; the scale of a decimal is free"),
    ("P08", "row groups, columns and nesting beyond the caps are refused"),
    ("P10", "every unit and zone of a timestamp gives the same civil time"),
    ("P11", "the reader of Parquet does not panic; this is a short run, docs/fuzzing.md has the long one"),
    ("V01", "the largest amount is kept, larger ones and sums are errors"),
    ("V02", "only the specified forms of an amount are read"),
    ("V04", "sums are exact"),
    ("V05", "a negative amount is a reversal; a missing direction is refused; zero is counted"),
    ("V07", "only CNY is read; a missing currency is CNY"),
    ("V08", "impossible and undeclared dates are refused; days outside the window are kept and not shown"),
    ("V10", "names are compared after one normalisation, which merges no look-alikes"),
    ("V11", "rare characters are read from UTF-8 and GB18030 alike"),
    ("V13", "invalid credit codes are refused"),
    ("V14", "businesses of the same name stay separate"),
    ("V16", "one account may have all rows, each of another counterparty"),
    ("V17", "the order of rows does not change a byte"),
    ("V19", "accounts with few rows have defined products"),
];

/// Every case of the list has a test, and every test with an id is in the list.
#[test]
fn the_list_and_the_tests_agree() {
    let listed: Vec<String> = CASES.iter().map(|(id, _)| id.to_lowercase()).collect();
    // Ids have a letter and two digits.
    let id = |line: &str| {
        let (id, _) = line.strip_prefix("fn ")?.split_once('_')?;
        let is_id = id.len() == 3 && id[1..].bytes().all(|byte| byte.is_ascii_digit());
        is_id.then(|| id.to_string())
    };
    let lines: Vec<&str> = include_str!("attacks.rs").lines().collect();
    let tested: Vec<String> =
        lines.windows(2).filter(|pair| pair[0] == "#[test]").filter_map(|pair| id(pair[1])).collect();
    assert_eq!(tested, listed, "the tests stand in the order of the list");
}

/// The list has every case about feeds of the specification, and no other.
#[test]
fn the_list_is_complete() {
    let Some(path) = shared_data("reference/attacks.csv") else { return };
    let mut list = csv::Reader::from_path(path).unwrap();
    let of_feeds = |group: &str| group.starts_with("Feed files") || group.starts_with("Values");
    let specified: BTreeSet<String> =
        list.records().map(Result::unwrap).filter(|row| of_feeds(&row[1])).map(|row| row[0].to_string()).collect();
    let listed: BTreeSet<String> = CASES.iter().map(|(id, _)| (*id).to_string()).collect();
    assert_eq!(listed, specified);
}

const HEADER: &str = "account_id,txn_id,booked_at,direction,amount,currency,counterparty_name";

fn account(id: &str) -> String {
    format!("{id},P1,示例银行,,{USCC},试验有限公司,,basic,CNY,2020-01-01,,active\n")
}

fn accounts() -> String {
    format!("{ACCOUNTS_HEADER}\n{}", account("A1"))
}

/// A feed with one file of transactions.
fn feed_of(name: &str, content: impl AsRef<[u8]>) -> (TestFeed, BuildOptions) {
    let feed = TestFeed::new();
    feed.write("accounts.csv", accounts());
    feed.write(name, content);
    let mut options = feed.options();
    options.transactions = vec![feed.path(name)];
    options.as_of = Some(Date::parse("2024-03-31").unwrap());
    (feed, options)
}

/// `rejects.csv` of a feed that must be refused.
#[track_caller]
fn refused(name: &str, content: impl AsRef<[u8]>) -> Vec<String> {
    let (feed, options) = feed_of(name, content);
    let outcome = run(&options).unwrap();
    assert!(!outcome.refused_files.is_empty());
    assert!(!feed.out("report.ndjson").exists());
    feed.rejects()
}

/// The number of rows kept of a feed that must be accepted, and its products as text.
#[track_caller]
fn taken(name: &str, content: impl AsRef<[u8]>) -> (u64, String) {
    let (feed, options) = feed_of(name, content);
    let outcome = run(&options).unwrap();
    assert!(outcome.refused_files.is_empty(), "{:?}", feed.rejects());
    let products =
        ["detail-summary", "report"].map(|p| std::fs::read_to_string(feed.out(&format!("{p}.ndjson"))).unwrap());
    (outcome.report.rows_kept, products.concat())
}

fn row(id: usize, amount: &str) -> String {
    format!("A1,T{id},2024-01-02 10:00:00,C,{amount},CNY,甲")
}

fn rows(count: usize) -> String {
    (0..count).map(|id| row(id, "1.00") + "\n").collect()
}

fn csv_of(rows: &str) -> String {
    format!("{HEADER}\n{rows}")
}

/// The incoming amount of January 2024.
fn january_in(products: &str) -> String {
    let summary: serde_json::Value = serde_json::from_str(products.lines().next().unwrap()).unwrap();
    let funds = summary["funds"].as_array().unwrap();
    let january = funds.iter().find(|month| month["period"] == "2024-01").unwrap();
    january["in_amount"].as_str().unwrap().to_string()
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn f02_torn_files() {
    let whole = packed(csv_of(&rows(20)).as_bytes());
    for end in 0..whole.len() {
        let rejects = refused("t.csv.gz", &whole[..end]);
        assert!(rejects[0].contains("truncated_file") || rejects[0].contains("unreadable_file"), "{end}: {rejects:?}");
    }
    let text = csv_of(&rows(3));
    let cut = text.trim_end().rfind(',').unwrap();
    assert_eq!(refused("t.csv", &text[..cut]), ["t.csv,,,truncated_file"]);
}

/// A feed has no manifest. Statements contain their totals, and these are checked.
#[test]
fn f03_control_totals() {
    let text = include_str!("../golden/statements/mt940.sta");
    assert_eq!(refused("t.sta", text.replace("10702,60", "10702,59")), ["t.sta,,,statement_mismatch"]);
    assert_eq!(refused("t.sta", text.replace("D800,50", "D80,50")), ["t.sta,,,statement_mismatch"]);
}

#[test]
fn f05_line_ends() {
    let text = csv_of(&(rows(2) + "A1,T9,2024-01-02,C,1.00,CNY,\"甲\n乙\u{2028}丙\"\n"));
    let (kept, products) = taken("t.csv", &text);
    assert_eq!(kept, 3);
    // Within quotes a line break is text and keeps its form; outside, each form of it ends a row.
    let outside = |end: &str| text.replace("\nA1", &format!("{end}A1"));
    for end in ["\r\n", "\r", "\n\n"] {
        assert_eq!(taken("t.csv", outside(end)), (3, products.clone()));
    }
}

#[test]
fn f06_open_quote() {
    let text = csv_of(&format!("A1,\"T1{}", "x,\n".repeat(1 << 20)));
    assert_eq!(refused("t.csv", text), ["t.csv,,,unreadable_file"]);
}

#[test]
fn f08_headers() {
    let text = csv_of(&rows(3));
    assert_eq!(refused("t.csv", text.replace("direction", "way")), ["t.csv,,direction,missing_column"]);
    assert_eq!(refused("t.csv", text.replace("currency", "amount")), ["t.csv,,amount,bad_value"]);
    let (kept, products) = taken("t.csv", &text);
    assert_eq!(taken("t.csv", text.replace("\n", ",x\n")), (kept, products.clone()));
    // The order of columns is free.
    let turned: String = text.lines().map(|line| line.rsplit(',').collect::<Vec<_>>().join(",") + "\n").collect();
    assert_eq!(taken("t.csv", turned), (kept, products));
    assert_eq!(refused("t.csv", text.replace("A1,T1,", "A1,T1,,")), ["t.csv,2,,bad_type"]);
}

#[test]
fn f09_strange_bytes() {
    assert_eq!(refused("t.csv", csv_of(&row(1, "1\u{0}"))), ["t.csv,,,bad_encoding"]);
    for delimiter in ["\t", "，", ";"] {
        let rejects = refused("t.csv", csv_of(&rows(2)).replace(',', delimiter));
        assert!(rejects.iter().all(|line| line.ends_with("missing_column")), "{rejects:?}");
    }
    // A stray carriage return ends a row, so fields are missing from both halves.
    let rejects = refused("t.csv", csv_of("A1,T1,2024-01-02,C\r,1.00,CNY,甲\n"));
    assert_eq!(rejects, ["t.csv,1,,bad_type", "t.csv,2,,bad_type"]);
}

#[test]
fn f11_gzip() {
    let (first, second) = (packed(csv_of(&rows(2)).as_bytes()), packed(row(7, "1.00").as_bytes()));
    assert_eq!(taken("t.csv.gz", [first.clone(), second.clone()].concat()).0, 3);
    let garbage = refused("t.csv.gz", [first.clone(), vec![0x55; 40]].concat());
    assert_eq!(garbage, ["t.csv.gz,,,unreadable_file"]);
    for from_end in [1, 5] {
        let mut bytes = first.clone();
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        assert_eq!(refused("t.csv.gz", bytes), ["t.csv.gz,,,unreadable_file"]);
    }
    let bomb = [first, packed(&vec![b'\n'; 80 << 20])].concat();
    assert_eq!(refused("t.csv.gz", bomb), ["t.csv.gz,,,unreadable_file"]);
}

#[test]
fn f12_zip() {
    let archive = b"PK\x03\x04\x14\0\0\0\x08\0../../etc/x.csv";
    assert_eq!(refused("t.zip", archive), ["t.zip,,,bad_encoding"]);
}

/// A feed is no upload, but it can be a stream on standard input.
#[test]
fn f14_streams_of_a_wrong_length() {
    let (feed, options) = feed_of("t.csv", csv_of(&rows(2)));
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; 3])) };
    let batch = RecordBatch::try_from_iter([
        ("account_id", text("A1")),
        ("txn_id", Arc::new(StringArray::from(vec!["T1", "T2", "T3"])) as ArrayRef),
        ("booked_at", micros(3)),
        ("direction", text("C")),
        ("amount", fen(vec![100; 3], 18, 2)),
    ])
    .unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    let stream = writer.into_inner().unwrap();
    let build = |bytes: &[u8]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_liushui"))
            .args(["build", "--transactions", "-", "--format", "json", "--accounts"])
            .arg(feed.path("accounts.csv"))
            .arg("--out")
            .arg(&options.out)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The program may end before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(bytes);
        child.wait().unwrap().code()
    };
    assert_eq!(build(&stream), Some(0));
    assert!(feed.out("report.ndjson").exists());
    for end in [0, 1, stream.len() / 2, stream.len() - 8, stream.len() - 1] {
        assert_eq!(build(&stream[..end]), Some(1), "{end} of {}", stream.len());
        assert!(!feed.out("report.ndjson").exists(), "{end}");
        assert_eq!(build(&stream), Some(0));
    }
    let longer = [stream.as_slice(), b"A1,T4"].concat();
    assert_eq!(build(&longer), Some(1));
    assert!(!feed.out("report.ndjson").exists());
}

/// A feed is not resumed, but its files may overlap.
#[test]
fn f15_parts_that_overlap_in_any_order() {
    let lines: Vec<String> = (0..60).map(|id| row(id, &format!("{id}.10"))).collect();
    let whole = taken("t.csv", csv_of(&lines.join("\n")));
    let parts = [&lines[..30], &lines[20..50], &lines[40..]];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let (feed, mut options) = feed_of("t/0.csv", csv_of(&parts[order[0]].join("\n")));
        for (at, part) in order.into_iter().enumerate() {
            feed.write(&format!("t/{at}.csv"), csv_of(&parts[part].join("\n")));
        }
        options.transactions = vec![feed.path("t")];
        let outcome = run(&options).unwrap();
        let products =
            ["detail-summary", "report"].map(|p| std::fs::read_to_string(feed.out(&format!("{p}.ndjson"))).unwrap());
        assert_eq!((outcome.report.rows_kept, products.concat()), whole, "{order:?}");
        assert_eq!(outcome.report.rows_read, 80);
    }
}

#[test]
fn f17_one_bad_row() {
    let text = csv_of(&rows(50_000)).replace("T31415,2024-01-02 10:00:00,C,1.00", "T31415,2024-01-02 10:00:00,C,1.001");
    assert_eq!(refused("t.csv", text), ["t.csv,31416,amount,bad_type"]);
}

/// A build has one institution, and its accounts are those of the table.
#[test]
fn f18_rows_of_an_account_of_someone_else() {
    let text = csv_of(&format!("{}\n{}\n", row(1, "1.00"), row(2, "2.00").replace("A1,", "A2,")));
    assert_eq!(refused("t.csv", text), ["t.csv,2,account_id,unknown_account"]);
}

fn columns(amounts: ArrayRef, times: ArrayRef) -> Vec<u8> {
    let rows = amounts.len();
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; rows])) };
    let ids: StringArray = (0..rows).map(|row| Some(format!("T{row}"))).collect();
    let arrays: Vec<(&str, ArrayRef)> = vec![
        ("account_id", text("A1")),
        ("txn_id", Arc::new(ids)),
        ("booked_at", times),
        ("direction", text("C")),
        ("amount", amounts),
        ("counterparty_name", text("甲")),
    ];
    let fields: Vec<Field> =
        arrays.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = arrays.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn fen(values: Vec<i128>, precision: u8, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap())
}

/// 2024-01-02 10:00:00.
const BOOKED_S: i64 = 1_704_189_600;

fn micros(rows: usize) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(vec![BOOKED_S * 1_000_000; rows]))
}

fn small_parquet() -> Vec<u8> {
    columns(fen(vec![100; 40], 18, 2), micros(40))
}

#[test]
fn p01_parquet_magic() {
    assert_eq!(taken("t.parquet", small_parquet()).0, 40);
    let mut bytes = small_parquet();
    bytes[0] = b'Q';
    assert_eq!(refused("t.parquet", &bytes), ["t.parquet,,,unreadable_file"]);
    let noise: Vec<u8> = (0..999_u32).map(|at| ((at * 193) >> 3) as u8).collect();
    let framed = [b"PAR1".as_slice(), &noise, b"PAR1"].concat();
    assert_eq!(refused("t.parquet", framed), ["t.parquet,,,unreadable_file"]);
}

#[test]
fn p02_parquet_footer() {
    for length in [0, 1, 7, i32::MAX as u32, u32::MAX, 1 << 31] {
        let mut bytes = small_parquet();
        let at = bytes.len() - 8;
        bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
        assert_eq!(refused("t.parquet", bytes), ["t.parquet,,,unreadable_file"], "{length}");
    }
}

/// Changes in the footer, which has counts, sizes and offsets.
#[test]
fn p04_parquet_counts() {
    let whole = small_parquet();
    let tail = whole.len() - 8;
    let length = u32::from_le_bytes(whole[tail..tail + 4].try_into().unwrap()) as usize;
    changed(&whole, tail - length..tail, 17);
}

/// Changes in the pages, which have levels, dictionary indices and runs.
#[test]
fn p05_parquet_levels() {
    let whole = small_parquet();
    let tail = whole.len() - 8;
    let length = u32::from_le_bytes(whole[tail..tail + 4].try_into().unwrap()) as usize;
    changed(&whole, 4..tail - length, 7);
}

/// A file with a changed byte is refused or read; no panic leaves the reader.
fn changed(whole: &[u8], bytes: std::ops::Range<usize>, step: usize) {
    let (mut refused, mut taken) = (0, 0);
    for at in bytes.step_by(step) {
        for flip in [0x01, 0x80, 0xFF] {
            let mut bytes = whole.to_vec();
            bytes[at] ^= flip;
            let (_feed, options) = feed_of("t.parquet", bytes);
            match run(&options) {
                Ok(outcome) if outcome.refused_files.is_empty() => taken += 1,
                // A sum may be too large for a product, which is an error and no panic.
                Ok(_) | Err(Error::Publish(PublishError::Overflow { .. } | PublishError::MoneyRange { .. })) => {
                    refused += 1
                }
                Err(error) => panic!("byte {at}: {error}"),
            }
        }
    }
    assert!(refused > 0, "{refused} refused, {taken} taken");
}

#[test]
fn p07_parquet_types() {
    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let integers: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    for amounts in [doubles, integers, fen(vec![10_000], 10, 4)] {
        assert_eq!(refused("t.parquet", columns(amounts, micros(1))), ["t.parquet,,amount,bad_type"]);
    }
    // The scale may differ from file to file; the amount is the same.
    for amounts in [fen(vec![100], 18, 2), fen(vec![10], 10, 1), fen(vec![1], 5, 0)] {
        assert_eq!(january_in(&taken("t.parquet", columns(amounts, micros(1))).1), "1.00");
    }
}

#[test]
fn p08_structure_beyond_the_caps() {
    // Nested columns, columns, row groups.
    let files = [hostile::nested(1_000), hostile::flat(100_000, 0, 0), hostile::flat(17, 1_000_000, 0)];
    for (case, file) in files.into_iter().enumerate() {
        assert_eq!(refused("t.parquet", file), ["t.parquet,,,unreadable_file"], "{case}");
    }
}

#[test]
fn p10_parquet_times() {
    let given: [ArrayRef; 5] = [
        micros(1),
        Arc::new(TimestampMillisecondArray::from(vec![BOOKED_S * 1_000])),
        Arc::new(TimestampNanosecondArray::from(vec![BOOKED_S * 1_000_000_000])),
        // An instant in UTC is eight hours before the same civil time.
        Arc::new(TimestampMicrosecondArray::from(vec![(BOOKED_S - 28_800) * 1_000_000]).with_timezone("UTC")),
        Arc::new(TimestampMillisecondArray::from(vec![(BOOKED_S - 28_800) * 1_000]).with_timezone("Europe/Paris")),
    ];
    let products: BTreeSet<String> =
        given.into_iter().map(|times| taken("t.parquet", columns(fen(vec![100], 18, 2), times)).1).collect();
    assert_eq!(products.len(), 1);
}

#[test]
fn p11_a_short_run_of_the_fuzz_target() {
    let (files, runs) = fuzz::run_target("parquet", 200);
    assert!(files > 0 && runs >= 200, "{files} files, {runs} runs");
}

#[test]
fn v01_amounts_at_the_edge() {
    let largest = "9999999999999999.99";
    assert_eq!(january_in(&taken("t.csv", csv_of(&row(1, largest))).1), largest);
    for amount in
        ["10000000000000000.00", "92233720368547758.07", "-92233720368547758.08", &("1".to_string() + &"0".repeat(30))]
    {
        assert_eq!(refused("t.csv", csv_of(&row(1, amount))), ["t.csv,1,amount,amount_range"], "{amount}");
    }
    for value in [i128::from(i64::MAX), i128::from(i64::MIN), 10_i128.pow(30)] {
        let rejects = refused("t.parquet", columns(fen(vec![value], 38, 2), micros(1)));
        assert_eq!(rejects, ["t.parquet,1,amount,amount_range"]);
    }
    // The sum of many of the largest does not fit into 64 bits, that of two not into the digits of a product. Both are errors.
    let ended = |rows: usize| {
        let many: String = (0..rows).map(|id| row(id, largest) + "\n").collect();
        let (_feed, options) = feed_of("t.csv", csv_of(&many));
        run(&options)
    };
    assert!(matches!(ended(1_000), Err(Error::Publish(PublishError::Overflow { .. }))), "{:?}", ended(1_000));
    assert!(matches!(ended(2), Err(Error::Publish(PublishError::MoneyRange { .. }))), "{:?}", ended(2));
}

#[test]
fn v02_forms_of_money() {
    let refused_forms = [
        "1e5",
        "NaN",
        "Infinity",
        "0x10",
        "12.00-",
        "--5",
        "\"1,234.56\"",
        "\"1.234,56\"",
        "¥12.00",
        "12.345",
        "12.",
        ".5",
        "１２",
        "1 2",
    ];
    for form in refused_forms {
        assert_eq!(refused("t.csv", csv_of(&row(1, form))), ["t.csv,1,amount,bad_type"], "{form}");
    }
    assert_eq!(refused("t.csv", csv_of(&row(1, ""))), ["t.csv,1,amount,null_required"]);
    // The specification allows a sign and spaces around.
    for (form, amount) in [("-0", "0.00"), ("+12.00", "12.00"), (" 12", "12.00"), ("007.5", "7.50")] {
        assert_eq!(january_in(&taken("t.csv", csv_of(&row(1, form))).1), amount, "{form}");
    }
}

#[test]
fn v04_no_drift() {
    let many: String = (0..20_000).map(|id| row(id, if id % 2 == 0 { "0.10" } else { "0.20" }) + "\n").collect();
    assert_eq!(january_in(&taken("t.csv", csv_of(&many)).1), "3000.00");
}

#[test]
fn v05_signs_and_flags() {
    // A negative amount is a reversal.
    assert_eq!(january_in(&taken("t.csv", csv_of(&format!("{}\n{}\n", row(1, "5.00"), row(2, "-2.00")))).1), "3.00");
    assert_eq!(refused("t.csv", csv_of(&row(1, "1.00").replace(",C,", ",,"))), ["t.csv,1,direction,null_required"]);
    let (kept, products) = taken("t.csv", csv_of(&row(1, "0.00")));
    assert_eq!((kept, january_in(&products).as_str()), (1, "0.00"));
}

#[test]
fn v07_currencies() {
    for currency in ["cny", "XXX", "USD", "JPY", "元"] {
        let text = csv_of(&row(1, "1.00").replace("CNY", currency));
        assert_eq!(refused("t.csv", text), ["t.csv,1,currency,bad_currency"]);
    }
    assert_eq!(taken("t.csv", csv_of(&row(1, "1.00").replace("CNY", ""))).0, 1);
}

#[test]
fn v08_dates() {
    let at = |time: &str| csv_of(&row(1, "1.00").replace("2024-01-02 10:00:00", time));
    for time in [
        "2026-02-30",
        "0000-00-00",
        "2999-01-01",
        "2024-01-02 24:00:00",
        "20260102",
        "02/01/2026",
        "2024-1-2",
        "2024-01-02 10:00:61",
    ] {
        assert_eq!(refused("t.csv", at(time)), ["t.csv,1,booked_at,bad_time"], "{time}");
    }
    // A row booked before the opening or after the as-of date is kept, but in no product.
    for time in ["2019-12-31 10:00:00", "2024-04-01 10:00:00"] {
        let (feed, options) = feed_of("t.csv", at(time));
        let report = run(&options).unwrap().report;
        assert_eq!((report.rows_kept, report.rows_before_opening + report.rows_after_as_of), (1, 1));
        assert_eq!(january_in(&std::fs::read_to_string(feed.out("detail-summary.ndjson")).unwrap()), "0.00");
    }
}

/// The number of counterparties of class OTHER in January.
fn counterparties(names: &[&str]) -> u64 {
    let rows: String = names.iter().enumerate().map(|(id, name)| row(id, "1.00").replace('甲', name) + "\n").collect();
    let (_, products) = taken("t.csv", csv_of(&rows));
    let summary: serde_json::Value = serde_json::from_str(products.lines().next().unwrap()).unwrap();
    let months = summary["other"].as_array().unwrap();
    months.iter().find(|month| month["period"] == "2024-01").unwrap()["in_counterparties"].as_u64().unwrap()
}

#[test]
fn v10_names_in_several_forms() {
    // Composed or not, wide or narrow, with or without spaces: the normalisation makes them one counterparty.
    assert_eq!(counterparties(&["Café 甲", "Cafe\u{301}甲", "ＣＡＦＥ\u{301} 甲"]), 1);
    // Look-alikes and invisible characters are kept, so different texts are never merged by mistake.
    assert_eq!(counterparties(&["ABC", "АBC", "A\u{200B}BC", "\u{202E}ABC"]), 4);
}

#[test]
fn v11_rare_characters() {
    let text = csv_of(&format!("{}\n", row(1, "1.00").replace('甲', "\u{20BB7}野家㐀\u{9FA6}")));
    let (encoded, _, lost) = encoding_rs::GB18030.encode(&text);
    assert!(!lost && encoded.as_ref() != text.as_bytes());
    assert_eq!(taken("t.csv", &text), taken("t.csv", &encoded));
    // The cut is within a character of four bytes.
    assert_eq!(refused("t.csv", &encoded[..encoded.len() - 2])[0].rsplit(',').next(), Some("truncated_file"));
}

#[test]
fn v13_credit_codes() {
    assert!(uscc_is_valid(USCC));
    let bad = [
        "91350100M000100Y44",
        "91350100m000100Y43",
        "91350100I000100Y43",
        "9135010OM000100Y43",
        "91350100S000100Y43",
        "91350100V000100Y43",
        "91350100Z000100Y43",
        "1350100M000100Y43",
        "991350100M000100Y43",
    ];
    for code in bad {
        let (feed, options) = feed_of("t.csv", csv_of(&row(1, "1.00")));
        feed.write("accounts.csv", accounts().replace(USCC, code));
        assert!(!run(&options).unwrap().refused_files.is_empty());
        assert_eq!(feed.rejects()[0], "accounts.csv,1,subject_uscc,bad_uscc", "{code}");
    }
}

/// Two businesses of the same name stay separate, since the credit code identifies them.
#[test]
fn v14_equal_names() {
    let other = "0123456789ABCDEFGHJKLMNPQRTUWXY"
        .chars()
        .map(|check| format!("91350100M000200Y4{check}"))
        .find(|code| uscc_is_valid(code))
        .unwrap();
    let (feed, options) =
        feed_of("t.csv", csv_of(&format!("{}\n{}\n", row(1, "1.00"), row(2, "2.00").replace("A1", "A2"))));
    feed.write("accounts.csv", accounts() + &account("A2").replace(USCC, &other));
    run(&options).unwrap();
    let products = std::fs::read_to_string(feed.out("detail-summary.ndjson")).unwrap();
    let amounts: Vec<String> = products.lines().map(january_in).collect();
    assert_eq!(amounts, ["1.00", "2.00"]);
    assert!(products.lines().next().unwrap().contains(USCC) && products.lines().nth(1).unwrap().contains(&other));
}

/// All rows on one account, each of another counterparty. The tests of the hash key show that outsiders cannot make keys
/// collide; time is measured by a bench.
#[test]
fn v16_one_account_with_all_rows() {
    let many: String = (0..50_000).map(|id| row(id, "1.00").replace('甲', &format!("客户{id}")) + "\n").collect();
    let (kept, products) = taken("t.csv", csv_of(&many));
    assert_eq!((kept, january_in(&products).as_str()), (50_000, "50000.00"));
}

#[test]
fn v17_permutations() {
    let lines: Vec<String> = (0..60)
        .map(|id| {
            row(id, &format!("{id}.10"))
                .replace("-02 10", &format!("-{:02} 10", 1 + id % 28))
                .replace('甲', ["甲", "乙", "丙"][id % 3])
        })
        .collect();
    let expected = taken("t.csv", csv_of(&lines.join("\n")));
    let shuffled = Just(lines).prop_shuffle();
    let result = TestRunner::new(property(20)).run(&shuffled, |lines| {
        prop_assert_eq!(&taken("t.csv", csv_of(&lines.join("\n"))), &expected);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn v19_accounts_with_little() {
    let out: String = (0..36)
        .map(|month| format!("A1,M{month},{}-{:02}-05,D,1.00,CNY,甲\n", 2021 + month / 12, 1 + month % 12))
        .collect();
    for rows in [String::new(), row(1, "1.00"), row(1, "-1.00"), out] {
        let (_, products) = taken("t.csv", csv_of(&rows));
        assert_eq!(products.lines().count(), 2);
        assert!(!products.contains("NaN") && !products.contains("inf,"));
    }
}
