//! The same bytes whatever the threads, the batch size, the memory, the file layout and the order of rows.

use std::path::Path;

use liushui::build::{BuildOptions, OutputFormat};

use crate::util::{GENERATED_AT, TestFeed, run};

/// Files whose bytes must not change.
const FILES: [&str; 4] = ["detail-summary.parquet", "detail-summary.ndjson", "report.parquet", "report.ndjson"];

fn built(transactions: &Path, accounts: &Path, out: &Path, change: impl FnOnce(&mut BuildOptions)) -> Vec<Vec<u8>> {
    let mut options = BuildOptions::new(transactions.into(), accounts.into(), out.into(), GENERATED_AT);
    options.formats = vec![OutputFormat::Parquet, OutputFormat::Json];
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
    let mut lines = Vec::new();
    let mut header = String::new();
    for entry in std::fs::read_dir(feed.path("feed/transactions")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut all = text.lines().map(String::from);
        header = all.next().unwrap();
        lines.extend(all);
    }
    let accounts = feed.path("feed/accounts.csv");
    let expected = built(&feed.path("feed/transactions"), &accounts, &feed.path("by-month"), |_| {});
    // Another order, cut into three files of unequal length, with some rows sent twice.
    lines.sort_by_key(|line| line.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31) ^ u64::from(byte)));
    let repeats: Vec<String> = lines.iter().step_by(97).cloned().collect();
    lines.extend(repeats.iter().cloned());
    for (at, part) in lines.chunks(lines.len() / 2 - 5).enumerate() {
        feed.write(&format!("shuffled/{at}.csv"), format!("{header}\n{}\n", part.join("\n")));
    }
    let shuffled = built(&feed.path("shuffled"), &accounts, &feed.path("of-shuffled"), |_| {});
    assert!(shuffled == expected, "order or layout shows in the products");
    let report = std::fs::read_to_string(feed.path("of-shuffled/run.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["duplicates"], repeats.len());
}
