//! The engine's answers against the generator's own, which it has from its intent: the class of every row, the sums of every
//! account, month and class, what is done with dirt, and files that must be refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use arrow::record_batch::RecordBatch;
use liushui::batch::build::BuildOptions;
use liushui::batch::classify::{ClassifyOptions, classify};
use liushui::money::money_text;
use liushui::observer::{NoObserver, Observer};
use liushui::publish::format::Ndjson;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::util::{GENERATED_AT, TestFeed, run};

/// (account, month, class) to in count, in amount, out count, out amount.
type Totals = BTreeMap<(String, String, String), (i64, String, i64, String)>;

/// A transaction: its account and its identifier.
type Id = (String, String);

fn batches(path: &Path) -> impl Iterator<Item = RecordBatch> {
    let file = File::open(path).unwrap();
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap)
}

/// A text column of a batch; null is empty.
fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
    let column = cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
    column.as_string::<i32>().iter().map(|text| text.unwrap_or_default().to_string()).collect()
}

/// Rows of a Parquet file by their transactions, with the texts of one more column.
fn by_id(path: &Path, column: &str) -> HashMap<Id, String> {
    let mut rows = HashMap::new();
    for batch in batches(path) {
        let (accounts, ids, texts) = (texts(&batch, "account_id"), texts(&batch, "txn_id"), texts(&batch, column));
        rows.extend(accounts.into_iter().zip(ids).zip(texts));
    }
    rows
}

/// Transactions whose label nobody could tell from what the feed shows.
fn ambiguous(feed: &TestFeed) -> BTreeSet<Id> {
    let traps = by_id(&feed.path("feed/expected/traps.parquet"), "ambiguous");
    traps.into_iter().filter(|(_, ambiguous)| ambiguous == "true").map(|(id, _)| id).collect()
}

fn expected_totals(feed: &TestFeed) -> Totals {
    let mut totals = Totals::new();
    for batch in batches(&feed.path("feed/expected/totals.parquet")) {
        let [accounts, months, classes] = ["account_id", "month", "class"].map(|name| texts(&batch, name));
        let counts = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().clone();
        let money = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Decimal128Type>().clone();
        let [in_count, out_count] = ["in_count", "out_count"].map(counts);
        let [in_amount, out_amount] = ["in_amount", "out_amount"].map(money);
        for row in 0..batch.num_rows() {
            let figures = (
                in_count.value(row),
                money_text(in_amount.value(row)),
                out_count.value(row),
                money_text(out_amount.value(row)),
            );
            totals.insert((accounts[row].clone(), months[row].clone(), classes[row].clone()), figures);
        }
    }
    // A reversed row and its reversal leave an entry of zeros, which a product shows like no entry.
    totals.retain(|_, figures| *figures != (0, "0.00".to_string(), 0, "0.00".to_string()));
    totals
}

/// The six classes and cash of every account and month, from the detail summary.
fn built_totals(feed: &TestFeed) -> Totals {
    let mut totals = Totals::new();
    let segments = [
        ("funds", "cash_", "CASH"),
        ("public", "", "PUBLIC"),
        ("same_name", "", "SAME_NAME"),
        ("payment_platform", "", "PAYMENT_PLATFORM"),
        ("agency", "", "AGENCY"),
        ("opening_bank", "", "OPENING_BANK"),
        ("other", "", "OTHER"),
    ];
    for product in feed.products("detail-summary") {
        let account = product["account_id"].as_str().unwrap();
        for (segment, prefix, class) in segments {
            for row in product[segment].as_array().unwrap() {
                let count = |code: &str| row[format!("{prefix}{code}_count")].as_i64().unwrap();
                let money = |code: &str| row[format!("{prefix}{code}_amount")].as_str().unwrap().to_string();
                let figures = (count("in"), money("in"), count("out"), money("out"));
                if figures != (0, "0.00".to_string(), 0, "0.00".to_string()) {
                    let month = row["period"].as_str().unwrap().to_string();
                    totals.insert((account.to_string(), month, class.to_string()), figures);
                }
            }
        }
    }
    totals
}

fn build_options(feed: &TestFeed) -> BuildOptions {
    let (transactions, accounts) = (feed.path("feed/transactions"), feed.path("feed/accounts.parquet"));
    let mut options = BuildOptions::new(transactions, accounts, feed.path("out"), GENERATED_AT);
    options.formats = vec![&Ndjson];
    options
}

/// Holds the build's totals against the generator's; account-months with an ambiguous row are left out and counted.
fn check_totals(feed: &TestFeed) -> (usize, usize) {
    let ambiguous = ambiguous(feed);
    // Where a row's class is a guess, so are its account's sums of that month: the identifier begins with the date.
    let left_out: BTreeSet<(String, String)> = ambiguous
        .iter()
        .map(|(account, txn_id)| (account.clone(), format!("{}-{}", &txn_id[..4], &txn_id[4..6])))
        .collect();
    let is_sure = |key: &(String, String, String)| !left_out.contains(&(key.0.clone(), key.1.clone()));
    let (expected, mut found) = (expected_totals(feed), built_totals(feed));
    found.retain(|key, _| is_sure(key));
    let sure: Totals = expected.iter().filter(|(key, _)| is_sure(key)).map(|(k, v)| (k.clone(), v.clone())).collect();
    for (key, figures) in &sure {
        assert_eq!(found.get(key), Some(figures), "{key:?}");
    }
    assert_eq!(found.len(), sure.len());
    (sure.len(), expected.len() - sure.len())
}

#[test]
fn every_account_month_and_class() {
    let feed = TestFeed::new();
    datagen::generate(&datagen::Options::new(300, 12, 5, feed.path("feed")), &mut |_| {}).unwrap();
    let outcome = run(&build_options(&feed)).unwrap();
    assert!(outcome.report.reconciliation.unwrap().holds());
    let (sure, left_out) = check_totals(&feed);
    assert!(sure > 10_000 && left_out < sure / 50, "{sure} sums compared, {left_out} left out");
}

#[test]
fn every_row_has_the_class_that_was_meant() {
    let feed = TestFeed::new();
    datagen::generate(&datagen::Options::new(400, 9, 8, feed.path("feed")), &mut |_| {}).unwrap();
    let (transactions, accounts) = (feed.path("feed/transactions"), feed.path("feed/accounts.parquet"));
    let options = ClassifyOptions::new(transactions, accounts, feed.path("classes.parquet"));
    let observer: Arc<dyn Observer> = Arc::new(NoObserver);
    assert!(classify(&options, &observer).unwrap().refused_files.is_empty());
    let found = by_id(&feed.path("classes.parquet"), "class");
    let meant = by_id(&feed.path("feed/expected/labels.parquet"), "class");
    let traps = by_id(&feed.path("feed/expected/traps.parquet"), "trap");
    let ambiguous = ambiguous(&feed);
    assert_eq!(found.len(), meant.len());
    // By trap: rows, and those of another class than was meant.
    let mut confusion: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (id, class) in &meant {
        let trap = if ambiguous.contains(id) { "ambiguous" } else { traps.get(id).map_or("none", String::as_str) };
        let counts = confusion.entry(trap).or_default();
        counts.0 += 1;
        counts.1 += usize::from(found.get(id) != Some(class));
    }
    println!("{confusion:?}");
    let wrong = |trap: &str| confusion.get(trap).copied().unwrap_or_default();
    let sure: (usize, usize) = confusion
        .iter()
        .filter(|(trap, _)| **trap != "ambiguous")
        .fold((0, 0), |sum, (_, counts)| (sum.0 + counts.0, sum.1 + counts.1));
    // The control: labels that nobody could tell are wrong now and then, or they would be no traps.
    assert!(wrong("ambiguous").1 > 0 && wrong("ambiguous").0 * 200 < sure.0, "{confusion:?}");
    assert!(confusion.len() > 10 && sure.0 > 80_000, "{confusion:?}");
    // One in ten thousand may be a name that the rules do not know.
    assert!(sure.1 * 10_000 <= sure.0, "{confusion:?}");
}

#[test]
fn dirt_changes_nothing_but_the_counts() {
    let feed = TestFeed::new();
    let mut options = datagen::Options::new(200, 6, 3, feed.path("feed"));
    (options.dirty, options.max_rejects) = (0.02, 20);
    let summary = datagen::generate(&options, &mut |_| {}).unwrap();
    assert!(summary.bad_rows > 50 && summary.repeats > 500, "{summary:?}");
    let mut options = build_options(&feed);
    let strict = run(&options).unwrap();
    assert!(!strict.refused_files.is_empty(), "bad rows are refused where none is tolerated");
    options.max_rejects = summary.max_rejects;
    let outcome = run(&options).unwrap();
    assert!(outcome.refused_files.is_empty());
    let report = &outcome.report;
    assert_eq!(
        (report.rows_kept, report.duplicates, report.rows_rejected),
        (summary.rows, summary.repeats, summary.bad_rows)
    );
    // Each bad row is rejected where it stands and for what was done to it.
    let folder = format!("{}/", feed.path("feed/transactions").display());
    let dirt = std::fs::read_to_string(feed.path("feed/expected/dirt.csv")).unwrap();
    let place = |file: &str, row: &str, code: &str| format!("{file},{row},{code}");
    let mut made: Vec<String> = dirt
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|fields| fields[2] == "bad_row")
        .map(|fields| place(fields[0], fields[1], fields[3]))
        .collect();
    let rejects = std::fs::read_to_string(feed.out("rejects.csv")).unwrap();
    let mut found: Vec<String> = rejects
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|fields| place(&fields[0].replace(&folder, ""), fields[1], fields[3]))
        .collect();
    made.sort();
    found.sort();
    assert_eq!(found, made);
    check_totals(&feed);
}

#[test]
fn files_that_must_be_refused_are() {
    let feed = TestFeed::new();
    let mut options = datagen::Options::new(30, 2, 3, feed.path("feed"));
    options.dirty = 0.01;
    datagen::generate(&options, &mut |_| {}).unwrap();
    let folder = feed.path("feed/expected/refused");
    let good = |name: &str| folder.join(name);
    let built = |transactions: &Path, accounts: &Path| {
        let mut options = BuildOptions::new(transactions.into(), accounts.into(), feed.path("out"), GENERATED_AT);
        options.formats = vec![&Ndjson];
        run(&options).unwrap().refused_files.len()
    };
    assert_eq!(built(&good("transactions.csv"), &good("accounts.csv")), 0);
    let list = std::fs::read_to_string(good("refused.csv")).unwrap();
    let mut codes = BTreeSet::new();
    for line in list.lines().skip(1) {
        let fields: Vec<&str> = line.splitn(5, ',').collect();
        let [file, code, row, column] = [fields[0], fields[1], fields[2], fields[3]];
        let is_accounts = file.starts_with("accounts/");
        let refused = match is_accounts {
            true => built(&good("transactions.csv"), &good(file)),
            false => built(&good(file), &good("accounts.csv")),
        };
        let told = std::fs::read_to_string(feed.out("rejects.csv")).unwrap();
        let expected = format!("{},{row},{column},{code}", good(file).display());
        assert!(told.lines().any(|told| told == expected), "{line}: {told}");
        assert!(refused > 0 && !feed.out("report.ndjson").exists(), "{line}");
        codes.insert(code.to_string());
    }
    // Every code that a build can give.
    assert_eq!(codes.len(), 15, "{codes:?}");
}
