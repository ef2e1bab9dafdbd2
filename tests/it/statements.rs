//! Real statements of three banks and a payment platform, read through the mappings of `tests/mappings/`: the class of every
//! row, with what decided it. Skipped, saying so, where the shared data are absent.

use std::sync::Arc;

use liushui::classify::{ClassifyOptions, classify};
use liushui::feed::mapping::Mapping;
use liushui::observer::{NoObserver, Observer};

use crate::util::{TestFeed, shared_data};

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

#[test]
fn every_row_of_the_statements() {
    let Some(folder) = shared_data("cn-statements") else { return };
    for (name, [read, classified, skipped], expected) in STATEMENTS {
        let feed = TestFeed::new();
        let mapping = format!("{}/tests/mappings/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let mut options =
            ClassifyOptions::new(folder.join(format!("{name}.csv")), Default::default(), feed.path("classes.csv"));
        options.accounts.clear();
        options.mapping = Some(Mapping::load(mapping.as_ref()).unwrap());
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
