//! Real statements of three banks and a payment platform, read through the mappings that the program carries: both products
//! of each, and the class of every row, with what decided it. Skipped, saying so, where the shared data are absent.

use std::sync::Arc;

use liushui::batch::classify::{ClassifyOptions, classify};
use liushui::feed::mapping::Mapping;
use liushui::observer::{NoObserver, Observer};

use crate::util::{TestFeed, USCC, run, shared_data};

/// File; rows read, classified and skipped; then each row with its class, sub-class, rule and evidence.
const STATEMENTS: [(&str, [u64; 3], &[&str]); 4] = [
    (
        "boc",
        [17, 17, 0],
        &[
            "1 OTHER trade trade none",
            "2 PAYMENT_PLATFORM  alipay account",
            "3 PAYMENT_PLATFORM  alipay name",
            "4 PAYMENT_PLATFORM  alipay account",
            "5 PAYMENT_PLATFORM  alipay account",
            "6 OTHER trade trade none",
            "7 OTHER trade trade none",
            "8 OTHER trade trade none",
            "9 PAYMENT_PLATFORM  alipay account",
            "10 PAYMENT_PLATFORM  alipay name",
            "11 PAYMENT_PLATFORM  alipay name",
            "12 OTHER trade trade none",
            "13 OTHER trade trade none",
            "14 PAYMENT_PLATFORM  alipay account",
            "15 PAYMENT_PLATFORM  alipay account",
            "16 OTHER trade trade none",
            "17 OTHER trade trade none",
        ],
    ),
    (
        "abc",
        [5, 5, 0],
        &[
            "1 OTHER trade trade none",
            "2 PAYMENT_PLATFORM  tenpay name",
            "3 OTHER trade trade none",
            "4 OPENING_BANK  bank-principal kind",
            "5 OPENING_BANK  bank-principal kind",
        ],
    ),
    (
        "icbc",
        [13, 11, 2],
        &[
            "1 PAYMENT_PLATFORM  tenpay name",
            "2 OTHER trade trade none",
            "3 OTHER trade trade none",
            "4 PAYMENT_PLATFORM  payment-brand name",
            "5 OTHER trade trade none",
            "6 OTHER trade trade none",
            "7 PAYMENT_PLATFORM  alipay name",
            "8 OTHER trade trade none",
            "9 OTHER trade trade none",
            "10 PAYMENT_PLATFORM  tenpay name",
            "11 PAYMENT_PLATFORM  tenpay name",
        ],
    ),
    (
        "alipay",
        [10, 8, 2],
        &[
            "1 OTHER trade trade none",
            "2 OTHER trade trade none",
            "3 OTHER trade trade none",
            "4 OTHER trade trade none",
            "5 OTHER trade trade none",
            "7 OTHER trade trade none",
            "9 OTHER trade trade none",
            "10 OTHER trade trade none",
        ],
    ),
];

/// The one account of a statement: made up, with a valid code.
fn account() -> Vec<(String, String)> {
    let columns = [("account_id", "6222000000001234"), ("subject_uscc", USCC), ("subject_name", "试验账户持有人")];
    columns.map(|(column, text)| (column.to_string(), text.to_string())).to_vec()
}

/// Both products of each statement: all rows are kept, and they reconcile.
#[test]
fn both_products_of_each_statement() {
    let Some(folder) = shared_data("data/cn-statements") else { return };
    for (name, [_, classified, skipped], _) in STATEMENTS {
        let feed = TestFeed::new();
        let mut options = feed.options();
        options.transactions = vec![folder.join(format!("{name}.csv"))];
        options.accounts.clear();
        options.mapping = Some(Mapping::load(name.as_ref(), &account()).unwrap());
        let outcome = run(&options).unwrap();
        assert!(outcome.refused_files.is_empty(), "{name}: {:?}", outcome.verdict);
        let report = &outcome.report;
        assert_eq!([report.rows_kept, report.skipped, report.rows_rejected], [classified, skipped, 0], "{name}");
        assert_eq!(report.reconciliation.map(|sums| (sums.accounts_equal, sums.rows.rows)), Some((1, classified)));
        for product in ["detail-summary", "report"] {
            let products = feed.products(product);
            assert_eq!(products.len(), 1, "{name}: {product}");
            assert_eq!(products[0]["account_id"], "6222000000001234");
        }
    }
}

/// Without an account a shipped mapping tells what is missing and how to give it; so does a column that there is none of.
#[test]
fn a_statement_needs_its_account() {
    let told = |account: &[(String, String)]| Mapping::load("boc".as_ref(), account).unwrap_err().to_string();
    let missing = told(&account()[1..]);
    assert!(
        missing.contains("accounts.constants.account_id") && missing.contains("--account account_id="),
        "{missing}"
    );
    let unknown = told(&[("acount_id".to_string(), "1".to_string())]);
    assert!(unknown.contains("acount_id") && unknown.contains("subject_uscc"), "{unknown}");
    let of_table = Mapping::load("berka".as_ref(), &account()).unwrap_err().to_string();
    assert!(of_table.contains("leave --account out"), "{of_table}");
}

#[test]
fn every_row_of_the_statements() {
    let Some(folder) = shared_data("data/cn-statements") else { return };
    for (name, [read, classified, skipped], expected) in STATEMENTS {
        let feed = TestFeed::new();
        let mut options =
            ClassifyOptions::new(folder.join(format!("{name}.csv")), Default::default(), feed.path("classes.csv"));
        options.accounts.clear();
        options.mapping = Some(Mapping::load(name.as_ref(), &account()).unwrap());
        let observer: Arc<dyn Observer> = Arc::new(NoObserver);
        let outcome = classify(&options, &observer).unwrap();
        assert!(outcome.refused_files.is_empty(), "{name}: {:?}", outcome.verdict);
        let report = outcome.report;
        assert_eq!([report.rows_read, report.classified.rows, report.skipped], [read, classified, skipped], "{name}");
        let text = std::fs::read_to_string(feed.path("classes.csv")).unwrap();
        let told: Vec<String> = text
            .lines()
            .skip(1)
            .map(|line| {
                let fields: Vec<&str> = line.split(',').collect();
                [1, 4, 5, 6, 7].map(|at| fields[at]).join(" ")
            })
            .collect();
        assert_eq!(told, expected, "{name}");
    }
}
