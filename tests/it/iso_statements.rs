//! Bank statements in ISO 20022 camt.053 and SWIFT MT940, from file to products: the same month in both syntaxes gives the
//! same figures, and a statement whose balances do not hold gives none.

use std::path::PathBuf;

use liushui::batch::build::BuildOutcome;
use liushui::feed::mapping::Mapping;
use liushui::period::Date;

use crate::util::{TestFeed, USCC, run};

/// January 2024 of one account: 1,000.00 before, a customer pays 12,000.00, tax 800.50, a payment to a supplier 2,000.00 that
/// is taken back in part (500.00), interest 3.10. After it 10,702.60.
const CAMT: &str = include_str!("../golden/statements/camt053.xml");
const MT940: &str = include_str!("../golden/statements/mt940.sta");

fn account(pairs: &[(&str, &str)]) -> Mapping {
    let base = [
        ("account_id", "622200001111"),
        ("provider_id", "P1"),
        ("provider_name", "示例银行股份有限公司"),
        ("subject_uscc", USCC),
        ("subject_name", "试验有限公司"),
        ("account_type", "basic"),
        ("currency", "CNY"),
        ("status", "active"),
    ];
    let account: Vec<_> = base.iter().chain(pairs).map(|(name, text)| (name.to_string(), text.to_string())).collect();
    Mapping::of_account(&account).unwrap()
}

/// A build of one statement, whose account is told beside it.
fn build_of(name: &str, text: &str) -> (TestFeed, BuildOutcome) {
    let feed = TestFeed::new();
    feed.write(name, text);
    let mut options = feed.options();
    (options.transactions, options.accounts) = (vec![feed.path(name)], Vec::<PathBuf>::new());
    options.mapping = Some(account(&[]));
    options.as_of = Some(Date::parse("2024-01-31").unwrap());
    let outcome = run(&options).unwrap();
    (feed, outcome)
}

#[test]
fn both_syntaxes_give_the_same_products() {
    let mut summaries = Vec::new();
    for (name, text) in [("a.xml", CAMT), ("a.sta", MT940), ("a.txt", CAMT), ("b.txt", MT940)] {
        let (feed, outcome) = build_of(name, text);
        assert_eq!(outcome.refused_files, [""; 0], "{:?}", outcome.verdict.iter().collect::<Vec<_>>());
        assert_eq!((outcome.report.rows_kept, outcome.report.skipped), (5, 0));
        let product = feed.products("detail-summary").remove(0);
        let funds = &product["funds"][0];
        assert_eq!(funds["period"], "2024-01");
        // By hand: in 12,000.00 and 3.10; out 800.50 and 2,000.00, of which 500.00 came back as a reversal.
        assert_eq!(funds["in_amount"], "12003.10");
        assert_eq!(funds["out_amount"], "2300.50");
        assert_eq!(funds["opening_balance"], "1000.00");
        assert_eq!(funds["closing_balance"], "10702.60");
        summaries.push(product);
    }
    // What differs is not shown: identifiers alone.
    assert!(summaries.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_statement_whose_balances_do_not_hold_gives_no_product() {
    let cases = [
        ("a.xml", CAMT.replace("10702.60", "10702.61")),
        ("a.xml", CAMT.replacen("12000.00", "12000.01", 1)),
        ("a.sta", MT940.replace("10702,60", "10702,61")),
        ("a.sta", MT940.replacen("C12000,", "C12000,01", 1)),
    ];
    for (name, text) in cases {
        let (feed, outcome) = build_of(name, &text);
        assert_eq!(outcome.refused_files.len(), 1);
        assert_eq!(feed.rejects(), [format!("{name},,,statement_mismatch")]);
        assert!(!feed.out("detail-summary.ndjson").exists());
    }
}

#[test]
fn a_statement_is_no_table_of_accounts_and_its_account_must_be_known() {
    let feed = TestFeed::new();
    feed.write("a.xml", CAMT);
    let mut options = feed.options();
    (options.transactions, options.accounts) = (vec![feed.path("a.xml")], vec![feed.path("a.xml")]);
    assert_eq!(run(&options).unwrap().refused_files.len(), 2);
    options.accounts.clear();
    options.mapping = Some(account(&[("account_id", "1")]));
    run(&options).unwrap();
    assert_eq!(
        feed.rejects(),
        (1..=5).map(|row| format!("a.xml,{row},account_id,unknown_account")).collect::<Vec<_>>()
    );
}
