//! Where a provider's records begin: `records_from` of an account, and `--records-from` for accounts without it.

use liushui::batch::build::BuildOutcome;
use liushui::period::Date;
use serde_json::{Value, json};

use crate::util::{TestFeed, USCC, run};

const TRANSACTIONS: &str = "account_id,txn_id,booked_at,direction,amount,balance
A1,T1,2024-01-20,C,100.00,100.00
A1,T2,2024-02-20,C,200.00,300.00
A1,T3,2024-03-09,C,400.00,700.00
A1,T4,2024-03-10,C,800.00,
A1,T5,2024-05-15,D,50.00,850.00
A1,T6,2024-06-30,C,1.00,851.00
";

const HEADER: &str = "account_id,provider_id,provider_name,subject_uscc,subject_name,account_type,currency,opened_on,\
                      records_from,status";

/// Builds both products of the rows above; `--records-from` is the last argument.
fn built(opened_on: &str, records_from: &str, option: Option<&str>) -> (TestFeed, BuildOutcome) {
    let account = format!("A1,P1,示例银行,{USCC},试验有限公司,basic,CNY,{opened_on},{records_from},active");
    let feed = TestFeed::csv(TRANSACTIONS, &format!("{HEADER}\n{account}\n"));
    let mut options = feed.options();
    options.records_from = option.map(|date| Date::parse(date).unwrap());
    let outcome = run(&options).unwrap();
    (feed, outcome)
}

/// The periods of a product's funds with their incoming amounts.
fn periods(product: &Value) -> Vec<String> {
    let funds = product["funds"].as_array().unwrap().iter();
    funds.map(|row| format!("{} {}", row["period"].as_str().unwrap(), row["in_amount"].as_str().unwrap())).collect()
}

/// The first day, the opening date and the age that a report shows.
fn dates(feed: &TestFeed) -> [Value; 3] {
    let report = &feed.products("report")[0];
    [("notes", "period_from"), ("basic", "opened_on"), ("activity", "account_age_months")]
        .map(|(segment, item)| report[segment][item].clone())
}

#[test]
fn months_before_the_records_are_not_shown_as_months_without_business() {
    let (feed, outcome) = built("2020-01-01", "2024-03-10", None);
    // T4 has no balance, and what came before it is not seen: T5's row tells the balance before.
    let summary = &feed.products("detail-summary")[0];
    assert_eq!(periods(summary), ["2024-03 800.00", "2024-04 0.00", "2024-05 0.00", "2024-06 1.00"]);
    assert_eq!(summary["notes"]["period_from"], "2024-03-10");
    assert_eq!(
        (&summary["funds"][0]["opening_balance"], &summary["funds"][0]["active_days"]),
        (&json!("900.00"), &json!(1))
    );
    let report = &feed.products("report")[0];
    assert_eq!(periods(report), ["2024Q1 800.00", "2024Q2 1.00"]);
    assert_eq!(report["activity"]["observed_months"], 3);
    // Only 2024Q2 is complete.
    assert_eq!(report["null_reasons"]["trend.in_qoq"], "no_prior_period");
    // What the account tells of its opening is untouched.
    assert_eq!(dates(&feed), [json!("2024-03-10"), json!("2020-01-01"), json!(53)]);
    assert_eq!((outcome.report.rows_before_opening, outcome.report.rows_kept), (3, 6));
}

#[test]
fn the_later_of_both_dates_counts_whichever_are_given() {
    // opened_on, records_from, --records-from, the first period of the summary and its first day
    let cases = [
        ("2020-01-01", "", None, "2021-07 0.00", "2021-07-01"),
        ("2024-02-10", "2024-01-01", None, "2024-02 200.00", "2024-02-10"),
        ("", "2023-12-31", None, "2023-12 0.00", "2023-12-31"),
        ("", "", None, "2024-01 100.00", "2024-01-20"),
        ("2020-01-01", "", Some("2024-02-01"), "2024-02 200.00", "2024-02-01"),
        ("", "", Some("2024-03-01"), "2024-03 1200.00", "2024-03-01"),
        // An account's own is not replaced, be it earlier or later.
        ("2020-01-01", "2024-01-01", Some("2024-03-01"), "2024-01 100.00", "2024-01-01"),
        ("2020-01-01", "2024-04-01", Some("2024-03-01"), "2024-04 0.00", "2024-04-01"),
    ];
    for (opened_on, records_from, option, first, from) in cases {
        let (feed, _) = built(opened_on, records_from, option);
        let summary = &feed.products("detail-summary")[0];
        assert_eq!(periods(summary)[0], first, "{opened_on} {records_from} {option:?}");
        assert_eq!(summary["notes"]["period_from"], from, "{opened_on} {records_from} {option:?}");
        let opened = if opened_on.is_empty() { Value::Null } else { opened_on.into() };
        let [_, shown, age] = dates(&feed);
        assert_eq!((&shown, age.is_null()), (&opened, opened.is_null()), "{opened_on} {records_from} {option:?}");
    }
}

#[test]
fn records_that_begin_after_the_as_of_date_leave_no_periods() {
    let (feed, outcome) = built("2020-01-01", "2024-07-01", None);
    for product in ["detail-summary", "report"] {
        assert_eq!(feed.products(product)[0]["funds"], Value::Array(Vec::new()));
    }
    assert_eq!(outcome.report.rows_before_opening, 6);
    assert_eq!(dates(&feed), [Value::Null, json!("2020-01-01"), json!(53)]);
}

#[test]
fn the_option_is_for_all_accounts_without_their_own() {
    let account = |id: &str, records_from: &str| {
        format!("{id},P1,示例银行,{USCC},试验有限公司,basic,CNY,2020-01-01,{records_from},active\n")
    };
    let accounts = format!("{HEADER}\n{}{}{}", account("A1", ""), account("A2", "2024-06-01"), account("A3", ""));
    let feed = TestFeed::csv(TRANSACTIONS, &accounts);
    let mut options = feed.options();
    options.records_from = Date::parse("2024-05-15");
    run(&options).unwrap();
    let first = |product: &Value| product["notes"]["period_from"].clone();
    for product in ["detail-summary", "report"] {
        let shown: Vec<Value> = feed.products(product).iter().map(first).collect();
        assert_eq!(shown, ["2024-05-15", "2024-06-01", "2024-05-15"], "{product}");
    }
}

#[test]
fn a_date_that_is_none_refuses_the_account() {
    let account = format!("A1,P1,示例银行,{USCC},试验有限公司,basic,CNY,2020-01-01,2024-02-30,active");
    let feed = TestFeed::csv(TRANSACTIONS, &format!("{HEADER}\n{account}\n"));
    assert_eq!(run(&feed.options()).unwrap().refused_files.len(), 2);
    assert_eq!(
        feed.rejects(),
        ["accounts.csv,1,records_from,bad_time", "transactions.csv,1,account_id,unknown_account"]
    );
}
