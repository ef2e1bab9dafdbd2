//! The engine's figures against the generator's own answers, which it has from its intent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int64Type};
use liushui::build::{BuildOptions, OutputFormat};
use liushui::money::money_text;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::util::{GENERATED_AT, TestFeed, run};

/// (account, month, class) to in count, in amount, out count, out amount.
type Totals = BTreeMap<(String, String, String), (i64, String, i64, String)>;

fn read(feed: &TestFeed, name: &str) -> Vec<RecordBatch> {
    let file = File::open(feed.path("feed/expected").join(name)).unwrap();
    let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    batches.map(Result::unwrap).collect()
}

/// Accounts and months with a row whose class nobody could tell: a namesake without a code, a name cut too short.
fn ambiguous(feed: &TestFeed) -> BTreeSet<(String, String)> {
    let mut months = BTreeSet::new();
    for batch in read(feed, "traps.parquet") {
        let text =
            |name: &str, row: usize| batch.column_by_name(name).unwrap().as_string::<i32>().value(row).to_string();
        let is_ambiguous = batch.column_by_name("ambiguous").unwrap().as_boolean();
        for row in (0..batch.num_rows()).filter(|row| is_ambiguous.value(*row)) {
            // The id begins with the day of booking.
            let txn_id = text("txn_id", row);
            months.insert((text("account_id", row), format!("{}-{}", &txn_id[..4], &txn_id[4..6])));
        }
    }
    months
}

fn expected(feed: &TestFeed) -> Totals {
    let mut totals = Totals::new();
    for batch in read(feed, "totals.parquet") {
        let column = |name: &str| batch.column_by_name(name).unwrap();
        let text = |name: &str, row: usize| column(name).as_string::<i32>().value(row).to_string();
        let count = |name: &str, row: usize| column(name).as_primitive::<Int64Type>().value(row);
        let money = |name: &str, row: usize| money_text(column(name).as_primitive::<Decimal128Type>().value(row));
        for row in 0..batch.num_rows() {
            totals.insert(
                (text("account_id", row), text("month", row), text("class", row)),
                (count("in_count", row), money("in_amount", row), count("out_count", row), money("out_amount", row)),
            );
        }
    }
    totals
}

#[test]
fn every_account_month_and_class() {
    let feed = TestFeed::new();
    let options = datagen::Options::new(200, 12, 5, feed.path("feed"));
    datagen::generate(&options, &mut |_| {}).unwrap();
    let mut options = BuildOptions::new(
        feed.path("feed/transactions"),
        feed.path("feed/accounts.parquet"),
        feed.path("out"),
        GENERATED_AT,
    );
    options.formats = vec![OutputFormat::Json];
    let outcome = run(&options).unwrap();
    assert!(outcome.report.reconciliation.unwrap().holds());

    let mut found = Totals::new();
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
                    found.insert((account.to_string(), month, class.to_string()), figures);
                }
            }
        }
    }
    let mut expected = expected(&feed);
    let ambiguous = ambiguous(&feed);
    assert!(ambiguous.len() < 100, "{}", ambiguous.len());
    let is_clear = |key: &(String, String, String)| !ambiguous.contains(&(key.0.clone(), key.1.clone()));
    expected.retain(|key, _| is_clear(key));
    found.retain(|key, _| is_clear(key));
    // A reversed row and its reversal leave an entry of zeros, which a product shows like no entry.
    expected.retain(|_, figures| *figures != (0, "0.00".to_string(), 0, "0.00".to_string()));
    assert!(expected.len() > 5_000, "{}", expected.len());
    for (key, figures) in &expected {
        assert_eq!(found.get(key), Some(figures), "{key:?}");
    }
    assert_eq!(found.len(), expected.len());
}
