//! The segments that both products have: cover, notes, basic, funds, the six classes, appendix.
//!
//! Owns: their values over half a year of a small trader.

use super::*;

#[test]
fn front_of_a_product() {
    let report = half_year();
    check(
        &report,
        "cover",
        &[
            // sha256("report␟P1␟6222020000001234␟2024-06-30␟1.0␟7␟"), computed outside.
            ("report_no", "138ec30bea05bf3dc247"),
            ("product_name", "企业账户资金流信用信息报告"),
            ("subject_name", "示例商贸有限公司"),
            ("user_institution", "示例银行"),
            ("purpose", "precompute"),
            ("queried_at", "not_given"),
            ("generated_at", "1970-01-01T08:00:00+08:00"),
        ],
    );
    check(
        &report,
        "notes",
        &[
            ("product_version", "1.0"),
            ("rules_version", "7"),
            ("period_from", "2024-01-01"),
            ("period_to", "2024-06-30"),
        ],
    );
    check(
        &report,
        "basic",
        &[
            ("subject_name", "示例商贸有限公司"),
            ("subject_uscc", "91350100M000100Y43"),
            ("provider_name", "示例银行"),
            ("account_no_masked", "6222****1234"),
            ("account_type", "basic"),
            ("currency", "CNY"),
            ("opened_on", "2024-01-01"),
            ("account_status", "active"),
            ("first_month", "2024-01"),
            ("last_month", "2024-06"),
        ],
    );
    let terms = Arc::clone(Dictionary::builtin(ProductKind::Report).unwrap().terms());
    check(
        &report,
        "appendix",
        &[
            ("terms", terms.as_ref()),
            // In 1500 + 7200, out 1000 + 1500; 50 came from nobody known: 11150 / 11200.
            ("identified_share", "0.995536"),
            ("subject_statement", "not_given"),
            ("dispute_mark", "none"),
        ],
    );
}

#[test]
fn who_asked_is_on_the_cover() {
    let (account, cells) = (account(Some("2024-01-01")), cells(&HALF_YEAR));
    let cover = |query: Query| {
        let context = Context { query, ..context("2024-06-30") };
        let product = compute_of(ProductKind::Report, &History::new(&account, &context, &cells));
        ["report_no", "user_institution", "purpose", "queried_at"].map(|code| item(&product, "cover", code))
    };
    let own = cover(Query { purpose: Purpose::OwnQuery, queried_at: Some(0), ..Query::default() });
    assert_eq!(own[1..], ["示例商贸有限公司", "self", "1970-01-01T08:00:00+08:00"]);
    let lender: Option<Arc<str>> = Some("放款银行".into());
    let asked = Query {
        user_institution: lender,
        purpose: Purpose::PreLoan,
        queried_at: Some(0),
        query_id: "qry_1".into(),
        binding_id: Some("bnd_2".into()),
    };
    // sha256("report␟P1␟bnd_2␟2024-06-30␟1.0␟7␟qry_1"), computed outside.
    let expected = ["e0ad718593de2123b92b", "放款银行", "pre_loan", "1970-01-01T08:00:00+08:00"];
    assert_eq!(cover(asked), expected);
}

#[test]
fn statement_and_dispute_mark_stand_in_the_appendix() {
    let (account, cells) = (account(Some("2024-01-01")), cells(&HALF_YEAR));
    for dispute_mark in DisputeMark::ALL {
        let appendix = Appendix { subject_statement: Some("六月的一笔有误".into()), dispute_mark };
        let context = Context { appendix, ..context("2024-06-30") };
        let report = compute_of(ProductKind::Report, &History::new(&account, &context, &cells));
        assert_eq!(item(&report, "appendix", "subject_statement"), "六月的一笔有误");
        assert_eq!(item(&report, "appendix", "dispute_mark"), dispute_mark.name());
    }
}

#[test]
fn funds() {
    let report = half_year();
    check_row(
        ProductKind::Report,
        &report,
        "funds",
        0,
        &[
            ("period", "2024Q1"),
            ("in_count", "4"),
            // 600 + 300 + 100 + 500
            ("in_amount", "1500.00"),
            ("out_count", "5"),
            // 200 + 300 + 200 + 200 + 100
            ("out_amount", "1000.00"),
            ("net_amount", "500.00"),
            // The first row with a balance found 1600 - 600.
            ("opening_balance", "1000.00"),
            ("closing_balance", "50.00"),
            // 4 * 1000 + 27 * 1600 + 14 * 1600 + 15 * 50 + 31 * 50 = 71900 over 91 days = 790.109
            ("average_daily_balance", "790.11"),
            ("max_balance", "1600.00"),
            ("min_balance", "50.00"),
            ("cash_in_count", "0"),
            ("cash_in_amount", "0.00"),
            ("cash_out_count", "0"),
            ("cash_out_amount", "0.00"),
            // Jan 5, 31, Feb 15, 25, 29, Mar 29, 30
            ("active_days", "7"),
        ],
    );
    // In 1 + 1 - 1 + 1 + 1 + 1 + 1 + 1 rows, 200 + 400 - 400 + 1000 + 5000 + 150 + 800 + 50; out 5 rows, 100
    // + 400 + 300 + 100 + 600. Opening 600 - 200, though March closed with 50: balances need not chain. (7 *
    // 50 + 23 * 600 + 31 * 600 + 20 * 600 + 10 * 800) / 91 = 52750 / 91 = 579.670.
    let expected = "2024Q2 6 7200.00 5 1500.00 5700.00 400.00 800.00 579.67 800.00 50.00 1 150.00 0 0.00 10";
    check_values(ProductKind::Report, &report, "funds", 1, expected);

    let summary = product(ProductKind::DetailSummary, Some("2024-01-01"), "2024-06-30", &HALF_YEAR);
    // (4 * 1000 + 27 * 1600) / 31 = 1522.580; February (14 * 1600 + 15 * 50) / 29 = 798.275.
    let months = [
        "2024-01 1 600.00 2 500.00 100.00 1000.00 1600.00 1522.58 1600.00 1000.00 0 0.00 0 0.00 2",
        "2024-02 2 400.00 1 200.00 200.00 -250.00 50.00 798.28 1600.00 50.00 0 0.00 0 0.00 3",
        "2024-03 1 500.00 2 300.00 200.00 50.00 50.00 50.00 50.00 50.00 0 0.00 0 0.00 2",
    ];
    for (row, expected) in months.into_iter().enumerate() {
        check_values(ProductKind::DetailSummary, &summary, "funds", row, expected);
    }
}

#[test]
fn classes() {
    let report = half_year();
    check_row(
        ProductKind::Report,
        &report,
        "other",
        0,
        &[
            ("period", "2024Q1"),
            ("in_count", "3"),
            // 600 + 300 + 500
            ("in_amount", "1400.00"),
            ("out_count", "4"),
            ("out_amount", "700.00"),
            // Counterparty 1 in two months is one; with 2 they are two.
            ("in_counterparties", "2"),
            ("out_counterparties", "2"),
            // Counterparty 1: 600 + 300.
            ("top_in_amount", "900.00"),
            // Counterparty 4: 200 + 200 + 200.
            ("top_out_amount", "600.00"),
        ],
    );
    let rows = [
        // Counterparty 3 came and was taken back: net count 0, so 1 and 7 are left; the unidentified row adds
        // 50.
        ("other", 1, "2024Q2 3 1050.00 2 400.00 2 2 800.00 300.00"),
        ("public", 0, "2024Q1 1 100.00 0 0.00 1 0 100.00 no_counterparty"),
        ("public", 1, "2024Q2 0 0.00 1 100.00 0 1 no_counterparty 100.00"),
        ("same_name", 1, "2024Q2 1 1000.00 1 400.00 1 1 1000.00 400.00"),
        ("payment_platform", 1, "2024Q2 0 0.00 0 0.00 0 0 no_counterparty no_counterparty"),
        ("agency", 0, "2024Q1 0 0.00 1 300.00 0 0 no_counterparty no_counterparty"),
        ("opening_bank", 1, "2024Q2 1 5000.00 1 600.00 0 1 no_counterparty 600.00"),
    ];
    for (segment, row, expected) in rows {
        check_values(ProductKind::Report, &report, segment, row, expected);
    }
    let summary = product(ProductKind::DetailSummary, Some("2024-01-01"), "2024-06-30", &HALF_YEAR);
    let april = "2024-04 1 200.00 0 0.00 1 0 200.00 no_counterparty";
    check_values(ProductKind::DetailSummary, &summary, "other", 3, april);
}
