//! The same bytes whatever the threads, the batch size, the memory, the file layout and the order of rows.

use std::path::Path;

use liushui::batch::build::BuildOptions;
use liushui::publish::format::{Ndjson, Parquet};

use crate::util::{GENERATED_AT, TestFeed, run};

/// Files whose bytes must not change.
const FILES: [&str; 4] = ["detail-summary.parquet", "detail-summary.ndjson", "report.parquet", "report.ndjson"];

fn built(transactions: &Path, accounts: &Path, out: &Path, change: impl FnOnce(&mut BuildOptions)) -> Vec<Vec<u8>> {
    let mut options = BuildOptions::new(transactions.into(), accounts.into(), out.into(), GENERATED_AT);
    options.formats = vec![&Parquet, &Ndjson];
    options.tmp = out.parent().unwrap().to_path_buf();
    change(&mut options);
    let outcome = run(&options).unwrap();
    assert!(outcome.refused_files.is_empty(), "{:?}", outcome.verdict);
    FILES.map(|file| std::fs::read(out.join(file)).unwrap()).to_vec()
}

fn economy(feed: &TestFeed, name: &str, format: datagen::Format) {
    let mut options = datagen::Options::new(300, 8, 11, feed.path(name));
    options.format = format;
    datagen::generate(&options, &mut |_| {}).unwrap();
}

#[test]
fn threads_batches_memory_and_formats_do_not_show() {
    let feed = TestFeed::new();
    economy(&feed, "parquet", datagen::Format::Parquet);
    economy(&feed, "csv", datagen::Format::Csv);
    economy(&feed, "arrow", datagen::Format::Arrow);
    let (transactions, accounts) = (feed.path("parquet/transactions"), feed.path("parquet/accounts.parquet"));
    let expected = built(&transactions, &accounts, &feed.path("one"), |options| options.threads = 1);
    let threads = built(&transactions, &accounts, &feed.path("three"), |options| {
        options.threads = 3;
        options.batch_rows = 17;
    });
    assert!(threads == expected, "threads or batch size show in the products");
    let little = built(&transactions, &accounts, &feed.path("little"), |options| {
        options.threads = 2;
        // So little that nearly every batch spills; the control below sees that it did.
        options.memory_bytes = 1 << 20;
    });
    assert!(little == expected, "memory shows in the products");
    for format in ["csv", "arrow"] {
        let (transactions, accounts) =
            (feed.path(&format!("{format}/transactions")), feed.path(&format!("{format}/accounts.{format}")));
        let other = built(&transactions, &accounts, &feed.path(&format!("of-{format}")), |_| {});
        assert!(other == expected, "format {format} shows in the products");
    }
}

#[test]
fn little_memory_spills_and_much_does_not() {
    let feed = TestFeed::new();
    economy(&feed, "feed", datagen::Format::Parquet);
    let spilled = |memory_bytes: usize, out: &str| {
        let mut options = BuildOptions::new(
            feed.path("feed/transactions"),
            feed.path("feed/accounts.parquet"),
            feed.path(out),
            GENERATED_AT,
        );
        options.memory_bytes = memory_bytes;
        options.tmp = feed.folder.path().to_path_buf();
        run(&options).unwrap().report.spilled_bytes
    };
    assert!(spilled(1 << 20, "little") > 0);
    assert_eq!(spilled(1 << 30, "much"), 0);
    // Temporary files are unlinked at once and leave nothing behind.
    let left: Vec<_> = std::fs::read_dir(feed.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn file_layout_and_order_of_rows_do_not_show() {
    let feed = TestFeed::new();
    economy(&feed, "feed", datagen::Format::Csv);
    let accounts = feed.path("feed/accounts.csv");
    let expected = built(&feed.path("feed/transactions"), &accounts, &feed.path("by-month"), |_| {});
    // Another order, cut into files of unequal length, with some rows sent twice.
    let (_, repeats) = feed.shuffle(2, Some(97));
    let shuffled = built(&feed.path("shuffled"), &accounts, &feed.path("of-shuffled"), |_| {});
    assert!(shuffled == expected, "order or layout shows in the products");
    let report = std::fs::read_to_string(feed.path("of-shuffled/run.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["duplicates"], repeats);
}

/// One account with nearly all rows: its part is divided by months, and the products are those of much memory.
#[test]
fn an_account_larger_than_its_share_of_memory() {
    let feed = TestFeed::new();
    let mut options = datagen::Options::new(2, 30, 3, feed.path("feed"));
    options.rows_per_account_month = Some(1_500);
    datagen::generate(&options, &mut |_| {}).unwrap();
    let (transactions, accounts) = (feed.path("feed/transactions"), feed.path("feed/accounts.parquet"));
    let expected = built(&transactions, &accounts, &feed.path("much"), |_| {});
    // An eighth of it for a part: less than the account's two megabytes and more.
    let little = built(&transactions, &accounts, &feed.path("little"), |options| {
        options.memory_bytes = 4 << 20;
        options.threads = 1;
    });
    assert!(little == expected, "dividing a part shows in the products");
}

/// Row numbers and the winner of a conflict in the second slice of a Parquet file.
#[test]
fn rows_of_a_later_slice_are_numbered_on() {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray, TimestampMicrosecondArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;

    // More rows than a slice holds, in row groups that end within one; the last row is bad, and one before is a
    // conflict with the first.
    let rows = 300_000;
    let text = |value: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new((0..rows).map(|row| Some(value(row))).collect::<StringArray>())
    };
    let amounts = Decimal128Array::from_iter_values((0..rows).map(|row| row as i128));
    let times = TimestampMicrosecondArray::from_value(1_704_153_600_000_000, rows);
    let batch = RecordBatch::try_from_iter([
        ("account_id", text(&|_| "A1".to_string())),
        ("txn_id", text(&|row| if row == 299_998 { "T0".to_string() } else { format!("T{row}") })),
        ("booked_at", Arc::new(times) as ArrayRef),
        ("direction", text(&|row| if row == 299_999 { "X" } else { "C" }.to_string())),
        ("amount", Arc::new(amounts.with_precision_and_scale(18, 2).unwrap())),
    ])
    .unwrap();
    let feed = TestFeed::new();
    feed.write(
        "accounts.csv",
        format!(
            "{}\nA1,P1,示例银行,,{},试验有限公司,,basic,CNY,2020-01-01,,active\n",
            crate::util::ACCOUNTS_HEADER,
            crate::util::USCC
        ),
    );
    let file = std::fs::File::create(feed.path("t.parquet")).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(100_000)).build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let mut options = feed.options();
    options.transactions = vec![feed.path("t.parquet")];
    options.threads = 2;
    options.max_rejects = 2;
    let outcome = run(&options).unwrap();
    assert!(outcome.refused_files.is_empty());
    let listed = ["t.parquet,299999,txn_id,duplicate_conflict", "t.parquet,300000,direction,bad_direction"];
    assert_eq!(feed.rejects(), listed);
    assert_eq!((outcome.report.rows_read, outcome.report.rows_kept), (300_000, 299_998));
}
