//! `classify` over whole feeds: every row once, in the feed's order, and the same whatever threads, batches and layout.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt64Type};
use liushui::batch::classify::{ClassifyOptions, ClassifyOutcome, classify};
use liushui::error::Error;
use liushui::observer::{NoObserver, Observer};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::util::{ACCOUNTS_HEADER, TestFeed, USCC};

fn run(options: &ClassifyOptions) -> Result<ClassifyOutcome, Error> {
    let observer: Arc<dyn Observer> = Arc::new(NoObserver);
    classify(options, &observer)
}

/// A feed of one account and five rows, each decided by something else.
fn small_feed() -> TestFeed {
    TestFeed::csv(
        "account_id,txn_id,booked_at,direction,amount,kind,counterparty_uscc,counterparty_name,reversal_of\n\
         A1,T1,2024-01-02,C,100.00,CASH_DEPOSIT,,,\n\
         A1,T2,2024-01-03,D,40.00,,,国家税务总局某市税务局,\n\
         A1,T3,2024-01-03,D,20.00,,12310000000000000X,某某单位,\n\
         A1,T3,2024-01-03,D,20.00,,12310000000000000X,某某单位,\n\
         A1,T4,2024-01-04,D,-20.00,,12310000000000000X,某某单位,\n\
         A1,T5,2024-01-05,C,60.00,,,,\n",
        &format!("{ACCOUNTS_HEADER}\nA1,P1,示例银行,,{USCC},试验有限公司,,basic,CNY,2020-01-01,,active\n"),
    )
}

fn small_options(feed: &TestFeed, out: &str) -> ClassifyOptions {
    ClassifyOptions::new(feed.path("transactions.csv"), feed.path("accounts.csv"), feed.path(out))
}

/// The columns of a Parquet file as texts, a line a row.
fn lines(path: &Path) -> Vec<String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    let mut lines = Vec::new();
    for batch in reader.map(Result::unwrap) {
        let texts: Vec<_> = batch.columns().iter().map(|column| cast(column, &DataType::Utf8).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let fields: Vec<&str> = texts
                .iter()
                .map(|column| column.as_string::<i32>())
                .map(|column| if arrow::array::Array::is_null(column, row) { "" } else { column.value(row) })
                .collect();
            lines.push(fields.join(","));
        }
    }
    lines
}

#[test]
fn each_row_has_its_class_rule_and_evidence() {
    let feed = small_feed();
    let outcome = run(&ClassifyOptions { names: true, ..small_options(&feed, "c.csv") }).unwrap();
    assert!(outcome.refused_files.is_empty());
    let file = feed.path("transactions.csv").display().to_string();
    let text = std::fs::read_to_string(feed.path("c.csv")).unwrap().replace(&file, "t");
    let expected = "file,row,account_id,txn_id,class,subclass,rule,evidence,counterparty_name\n\
                    t,1,A1,T1,CASH,,cash,kind,\n\
                    t,2,A1,T2,PUBLIC,tax,name-tax,name,国家税务总局某市税务局\n\
                    t,3,A1,T3,PUBLIC,other_public,uscc-public,uscc,某某单位\n\
                    t,4,A1,T3,PUBLIC,other_public,uscc-public,uscc,某某单位\n\
                    t,5,A1,T4,PUBLIC,other_public,uscc-public,uscc,某某单位\n\
                    t,6,A1,T5,OTHER,unidentified,unidentified,none,\n";
    assert_eq!(text, expected);
    run(&ClassifyOptions { names: true, ..small_options(&feed, "c.parquet") }).unwrap();
    let of_parquet: Vec<String> =
        lines(&feed.path("c.parquet")).into_iter().map(|line| line.replace(&file, "t")).collect();
    assert_eq!(of_parquet, expected.lines().skip(1).collect::<Vec<_>>());
    // Without being asked for, no name is written.
    run(&small_options(&feed, "bare.csv")).unwrap();
    assert!(!std::fs::read_to_string(feed.path("bare.csv")).unwrap().contains("某某单位"));
}

#[test]
fn the_report_adds_up_rows_and_money() {
    let feed = small_feed();
    let outcome = run(&ClassifyOptions { out: None, ..small_options(&feed, "none") }).unwrap();
    let report = serde_json::to_value(&outcome.report).unwrap();
    assert_eq!(report["status"], "done");
    assert_eq!((&report["rows_read"], &report["classified"]["rows"]), (&6.into(), &6.into()));
    let told: Vec<String> = report["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or("-").to_string();
            let (rows, count) = (&line["rows"], &line["out_count"]);
            format!(
                "{} {} {rows} {} {count} {} {}",
                text("class"),
                text("subclass"),
                text("in_amount"),
                text("out_amount"),
                text("share")
            )
        })
        .collect();
    // 100 + 60 in; 40 + 20 + 20 - 20 out: 220 in all.
    assert_eq!(
        told,
        [
            "CASH - 1 100.00 0 0.00 0.454545",
            "PUBLIC tax 1 0.00 1 40.00 0.181818",
            "PUBLIC other_public 3 0.00 1 20.00 0.090909",
            "OTHER unidentified 1 60.00 0 0.00 0.272727"
        ]
    );
    let shares = ["uscc", "bank_code", "kind", "account", "name", "none"].map(|key| &report["evidence"][key]["share"]);
    assert_eq!(shares, ["0.090909", "0.000000", "0.454545", "0.000000", "0.181818", "0.272727"]);
    assert_eq!(report["rules"].as_array().unwrap().len(), 4);
}

/// The build tells the same of the same feed in `run.json`.
#[test]
fn run_json_tells_what_evidence_decides_how_much_money() {
    let feed = small_feed();
    crate::util::run(&feed.options()).unwrap();
    let outcome = run(&ClassifyOptions { out: None, ..small_options(&feed, "none") }).unwrap();
    let of_classify = serde_json::to_value(&outcome.report.evidence).unwrap();
    assert_eq!(feed.run_json()["evidence"], of_classify);
    assert_eq!(of_classify["uscc"]["rows"], 3);
}

#[test]
fn a_refused_feed_writes_nothing_and_an_old_file_stays() {
    let feed = small_feed();
    let text = std::fs::read_to_string(feed.path("transactions.csv")).unwrap().replace("60.00", "60.001");
    feed.write("transactions.csv", text);
    feed.write("c.csv", "of an earlier run");
    let outcome = run(&small_options(&feed, "c.csv")).unwrap();
    assert_eq!(outcome.refused_files.len(), 1);
    assert_eq!(std::fs::read_to_string(feed.path("c.csv")).unwrap(), "of an earlier run");
    // One bad row may be tolerated; the others have their classes.
    let outcome = run(&ClassifyOptions { max_rejects: 1, ..small_options(&feed, "c.csv") }).unwrap();
    assert_eq!((outcome.report.rows_rejected, outcome.report.classified.rows), (1, 5));
    assert_eq!(std::fs::read_to_string(feed.path("c.csv")).unwrap().lines().count(), 6);
    let left = std::fs::read_dir(feed.folder.path()).unwrap().count();
    assert_eq!(left, 3, "a temporary file is left");
    let error = run(&small_options(&feed, "c.txt")).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains(".parquet or .csv"), "{error}");
    assert_eq!(run(&small_options(&feed, "no/such/c.csv")).unwrap_err().exit_code(), 2);
    let error = run(&small_options(&feed, "transactions.csv")).unwrap_err();
    assert!(error.to_string().contains("is a file of the feed"), "{error}");
    // All bad rows are listed where that is asked for.
    let options = small_options(&feed, "other.csv");
    run(&ClassifyOptions { rejects: Some(feed.path("bad.csv")), ..options }).unwrap();
    let listed = std::fs::read_to_string(feed.path("bad.csv")).unwrap();
    assert!(listed.ends_with("transactions.csv,6,amount,bad_type\n") && !feed.path("other.csv").exists(), "{listed}");
}

/// Class, sub-class, rule and evidence of each row, by account, identifier and month's file.
fn by_row(path: &Path) -> BTreeMap<String, Vec<String>> {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines(path) {
        let fields: Vec<&str> = line.splitn(5, ',').collect();
        rows.entry(format!("{} {}", fields[2], fields[3])).or_default().push(fields[4].to_string());
    }
    rows.values_mut().for_each(|classes| classes.sort());
    rows
}

#[test]
fn threads_and_batches_do_not_show_and_order_and_layout_change_no_class() {
    let feed = TestFeed::new();
    feed.economy(200, 6, 7, datagen::Format::Csv);
    let classified = |transactions: &str, out: &str, threads: usize, batch_rows: usize| {
        let options = ClassifyOptions::new(feed.path(transactions), feed.path("feed/accounts.csv"), feed.path(out));
        let outcome = run(&ClassifyOptions { threads, batch_rows, ..options }).unwrap();
        assert!(outcome.refused_files.is_empty());
        std::fs::read(feed.path(out)).unwrap()
    };
    let expected = classified("feed/transactions", "one.parquet", 1, 8192);
    assert!(classified("feed/transactions", "three.parquet", 3, 8192) == expected, "threads show");
    assert!(classified("feed/transactions", "small.parquet", 2, 13) == expected, "the batch size shows");
    // In the order of the feed: rows of a file from 1 on.
    let mut last = (String::new(), 0);
    let reader = File::open(feed.path("one.parquet")).unwrap();
    for batch in ParquetRecordBatchReaderBuilder::try_new(reader).unwrap().build().unwrap().map(Result::unwrap) {
        let files = cast(batch.column(0), &DataType::Utf8).unwrap();
        let rows = batch.column(1).as_primitive::<UInt64Type>().values().to_vec();
        for (file, row) in files.as_string::<i32>().iter().zip(rows) {
            let file = file.unwrap().to_string();
            assert!(if file == last.0 { row == last.1 + 1 } else { file > last.0 && row == 1 }, "{file} {row}");
            last = (file, row);
        }
    }
    // The same rows in another order, in files of other sizes.
    let (count, _) = feed.shuffle(2, None);
    classified("shuffled", "shuffled.parquet", 2, 100);
    let (ordered, shuffled) = (by_row(&feed.path("one.parquet")), by_row(&feed.path("shuffled.parquet")));
    assert_eq!(ordered.values().map(Vec::len).sum::<usize>(), count);
    assert!(ordered == shuffled, "order or layout changes a class");
}
