//! Accounts that are special as a whole: long, short, empty, with more reversals than money.
//!
//! Owns: the values and null reasons over which they differ, and the sums that hold for any account.

use super::*;

/// Two and a half years of one counterparty, seen on 2024-07-15: Q0 = 2024Q2, W = 2023-07 to 2024-06.
const YEARS: [TestRow; 7] = [
    ("2023-02-10", In, Other, 1, 999, None),
    ("2023-05-10", In, Other, 1, 200, None),
    ("2023-08-10", In, Other, 1, 100, None),
    ("2023-11-11", In, Other, 1, 400, None),
    ("2024-02-10", In, Other, 1, -100, None),
    ("2024-05-31", In, Other, 1, 300, None),
    ("2024-07-01", In, Other, 1, 5_000, None),
];

#[test]
fn a_full_year_and_complete_quarters() {
    let report = report("2022-01-01", "2024-07-15", &YEARS);
    let cases = [
        // (300 - -100) / |-100|, (300 - 200) / 200
        ("trend", "in_qoq", "4.000000"),
        ("trend", "in_yoy", "0.500000"),
        // Mean 100 of the last three months over 400 / 9.
        ("trend", "in_recent_to_prior_ratio", "2.250000"),
        ("trend", "out_qoq", "no_activity"),
        ("trend", "out_yoy", "no_activity"),
        ("trend", "out_theil_sen_slope", "no_activity"),
        ("trend", "out_mann_kendall_tau", "not_defined"),
        ("trend", "out_recent_to_prior_ratio", "no_activity"),
        // 400 / (100 + 400 + 0 + 300): 2024Q1 counts as 0.
        ("distribution", "in_peak_quarter_share", "0.500000"),
        ("distribution", "out_peak_quarter_share", "no_activity"),
        // Aug 10 100, May 31 300, Nov 11 (a Saturday) 400.
        ("distribution", "in_first_ten_days_share", "0.125000"),
        ("distribution", "in_middle_ten_days_share", "0.500000"),
        ("distribution", "in_last_days_share", "0.375000"),
        ("distribution", "in_weekday_share", "0.500000"),
        ("distribution", "out_weekday_share", "no_activity"),
        ("distribution", "out_class_entropy", "no_activity"),
        // 700 / 12
        ("stability", "in_monthly_mean", "58.33"),
        // Aug, Nov, May; not Feb, whose count is -1.
        ("stability", "in_active_month_ratio", "0.250000"),
        // Dec to Apr
        ("stability", "in_longest_zero_run", "5"),
        // Three months are fewer than six.
        ("stability", "in_recurring_share", "0.000000"),
        ("stability", "out_monthly_cv", "not_defined"),
        ("stability", "out_longest_zero_run", "12"),
        ("stability", "out_recurring_share", "no_counterparty"),
        ("stability", "balance_cv", "no_balance"),
        ("stability", "low_balance_day_share", "no_balance"),
        ("stability", "lowest_month_mean_ratio", "no_balance"),
        ("stability", "negative_net_month_share", "0.083333"),
        ("concentration", "in_top1_share", "1.000000"),
        ("activity", "account_age_months", "30"),
        ("activity", "observed_months", "7"),
        ("activity", "days_since_last_in", "14"),
        ("activity", "days_since_last_out", "no_activity"),
        // 4 of 366 days
        ("activity", "active_day_ratio", "0.010929"),
        // 2024-02-11 to 2024-05-30
        ("activity", "longest_gap_days", "110"),
        ("basic", "first_month", "2023-02"),
        ("basic", "last_month", "2024-07"),
        ("notes", "period_from", "2022-01-01"),
    ];
    for (segment, code, expected) in cases {
        assert_eq!(item(&report, segment, code), expected, "{segment}.{code}");
    }
    let (_, quarters) = codes_and_rows(ProductKind::Report, &report, "funds");
    assert_eq!((show(&quarters[0][0]), show(&quarters[10][0]), quarters.len()), ("2022Q1".into(), "2024Q3".into(), 11));
    assert_eq!(show(&quarters[0][6]), "no_balance");
}

/// A counterparty that is counted (three rows, one taken back) while more money went back than came.
const BELOW_ZERO: [TestRow; 4] = [
    ("2024-04-01", In, Other, 1, 10, None),
    ("2024-04-02", In, Other, 1, 10, None),
    ("2024-04-03", In, Other, 1, 10, None),
    ("2024-04-04", In, Other, 1, -100, None),
];

#[test]
fn parts_below_zero_count_as_zero_and_signs_stay_elsewhere() {
    let report = report("2024-01-01", "2024-06-30", &BELOW_ZERO);
    check_values(ProductKind::Report, &report, "other", 1, "2024Q2 2 -70.00 0 0.00 1 0 -70.00 no_counterparty");
    let cases = [
        ("concentration", "in_top1_share", "no_activity"),
        ("concentration", "in_hhi", "no_activity"),
        ("concentration", "in_effective_counterparties", "no_activity"),
        ("concentration", "in_counterparties", "1"),
        ("concentration", "out_hhi", "no_counterparty"),
        ("concentration", "out_counterparties", "0"),
        // -70 / 6; sqrt(6 * 4900 - 4900) / 6; sqrt(24500) / -70 = -sqrt(5)
        ("stability", "in_monthly_mean", "-11.67"),
        ("stability", "in_monthly_sd", "26.09"),
        ("stability", "in_monthly_cv", "-2.236068"),
        ("stability", "in_active_month_ratio", "0.166667"),
        ("stability", "in_recurring_share", "no_activity"),
        ("stability", "negative_net_month_share", "0.166667"),
        ("distribution", "in_first_ten_days_share", "1.000000"),
        ("distribution", "in_class_entropy", "no_activity"),
        // C = {1}, P = {}
        ("counterparty_turnover", "in_new_ratio", "1.000000"),
        ("counterparty_turnover", "in_lost_ratio", "no_counterparty"),
        ("counterparty_turnover", "in_turnover_rate", "1.000000"),
        ("counterparty_turnover", "in_jaccard", "0.000000"),
        ("counterparty_turnover", "in_retained_amount_share", "no_activity"),
        ("counterparty_turnover", "out_new_ratio", "no_counterparty"),
        ("counterparty_turnover", "out_turnover_rate", "no_counterparty"),
        ("counterparty_turnover", "out_jaccard", "no_counterparty"),
        ("counterparty_turnover", "out_retained_amount_share", "no_counterparty"),
        ("trend", "in_qoq", "no_activity"),
        ("trend", "in_theil_sen_slope", "0.000000"),
        // 2 up, 3 down, 10 tied: -1 / sqrt(5 * 15)
        ("trend", "in_mann_kendall_tau", "-0.115470"),
        ("trend", "in_recent_to_prior_ratio", "no_activity"),
        ("activity", "pass_through_ratio", "0.000000"),
        ("activity", "identified_amount_ratio", "no_activity"),
        ("appendix", "identified_share", "no_activity"),
    ];
    for (segment, code, expected) in cases {
        assert_eq!(item(&report, segment, code), expected, "{segment}.{code}");
    }
    let shares_of_nothing =
        "0.00 1000.00 2 -70.00 no_activity 0 0.00 no_activity 2 -70.00 no_activity 0 0.00 no_activity";
    check_values(ProductKind::Report, &report, "amount_bands", 0, shares_of_nothing);
}

#[test]
fn an_account_without_periods() {
    let report = report("2024-07-01", "2024-06-30", &[]);
    for (segment, codes) in item_codes(ProductKind::Report) {
        let (_, rows) = codes_and_rows(ProductKind::Report, &report, segment);
        let reason = match segment {
            "funds" | "public" | "same_name" | "payment_platform" | "agency" | "opening_bank" | "other" => {
                assert!(rows.is_empty(), "{segment}");
                continue;
            }
            "concentration" | "stability" | "distribution" => "history_short",
            "counterparty_turnover" => "no_prior_period",
            _ => continue,
        };
        assert!(rows[0].iter().all(|value| show(value) == reason), "{segment}");
        assert_eq!(rows[0].len(), codes.len());
    }
    let growth = "no_prior_period no_prior_period history_short history_short history_short";
    check_values(ProductKind::Report, &report, "trend", 0, &[growth; 3].join(" "));
    let band = [["no_prior_period"; 6], ["history_short"; 6]].concat().join(" ");
    check_values(ProductKind::Report, &report, "amount_bands", 6, &format!("2000000.00 no limit {band}"));
    let activity = "history_short 0 history_short no_activity no_activity history_short history_short history_short";
    check_values(ProductKind::Report, &report, "activity", 0, activity);
    check_values(ProductKind::Report, &report, "notes", 0, "1.0 7 history_short 2024-06-30");
    assert_eq!(item(&report, "basic", "first_month"), "no_activity");
    assert_eq!(item(&report, "appendix", "identified_share"), "no_activity");
}

#[test]
fn an_account_with_neither_opening_date_nor_row() {
    let report = product(ProductKind::Report, None, "2024-06-30", &[]);
    assert_eq!(item(&report, "basic", "opened_on"), "not_given");
    assert_eq!(item(&report, "activity", "account_age_months"), "not_given");
    assert_eq!(item(&report, "notes", "period_from"), "history_short");
}

#[test]
fn a_quarter_without_rows() {
    let report = report("2024-04-01", "2024-06-30", &[]);
    let none = "no_counterparty no_counterparty no_counterparty no_counterparty no_counterparty no_counterparty 0";
    check_values(ProductKind::Report, &report, "concentration", 0, &[none; 2].join(" "));
    let flows = "0.00 0.00 not_defined 0.000000 3 no_counterparty";
    let levels = "no_balance no_balance 0.000000 no_balance";
    check_values(ProductKind::Report, &report, "stability", 0, &[flows, flows, levels].join(" "));
    let dates = "no_activity no_activity no_activity no_activity history_short no_activity";
    check_values(ProductKind::Report, &report, "distribution", 0, &[dates; 2].join(" "));
    let growth = "no_prior_period no_prior_period history_short history_short history_short";
    check_values(ProductKind::Report, &report, "trend", 0, &[growth; 3].join(" "));
    let activity = "2 0 0.000000 no_activity no_activity 91 no_activity no_activity";
    check_values(ProductKind::Report, &report, "activity", 0, activity);
}

#[test]
fn a_mean_balance_of_zero() {
    // 30 days at 61, 61 days at -30.
    let rows = [("2024-04-01", In, Other, 1, 61, Some(61)), ("2024-05-01", Out, Other, 1, 91, Some(-30))];
    let report = report("2024-04-01", "2024-06-30", &rows);
    assert_eq!(item(&report, "stability", "balance_cv"), "not_defined");
    assert_eq!(item(&report, "stability", "lowest_month_mean_ratio"), "not_defined");
    // 61 of 91 days are below 0.
    assert_eq!(item(&report, "stability", "low_balance_day_share"), "0.670330");
}

#[test]
fn days_run_from_the_opening_to_the_as_of_date() {
    let rows = [("2024-01-20", In, Other, 1, 100, Some(300))];
    let summary = product(ProductKind::DetailSummary, Some("2024-01-10"), "2024-02-10", &rows);
    // Jan 10 to 19 at 200, Jan 20 to 31 at 300: 5600 / 22 = 254.545; ten days at 300.
    let january = "2024-01 1 100.00 0 0.00 100.00 200.00 300.00 254.55 300.00 200.00 0 0.00 0 0.00 1";
    let february = "2024-02 0 0.00 0 0.00 0.00 300.00 300.00 300.00 300.00 300.00 0 0.00 0 0.00 0";
    check_values(ProductKind::DetailSummary, &summary, "funds", 0, january);
    check_values(ProductKind::DetailSummary, &summary, "funds", 1, february);
    check_values(ProductKind::DetailSummary, &summary, "notes", 0, "1.0 7 2024-01-10 2024-02-10");
    assert_eq!(codes_and_rows(ProductKind::DetailSummary, &summary, "funds").1.len(), 2);
}

#[test]
fn of_older_cells_only_the_first_date_and_the_last_balance_are_seen() {
    let rows = [
        ("2020-01-05", In, Other, 1, 70, Some(70)),
        ("2020-03-05", In, Other, 1, 5, None),
        ("2024-06-10", Out, Other, 1, 20, Some(30)),
    ];
    let (account, cells, context) = (account(None), cells(&rows), context("2024-06-30"));
    let whole = History::new(&account, &context, &cells);
    let mut carried = Carried::default();
    cells[..2].iter().for_each(|(_, cell)| carried.add(cell));
    let resumed = History::resume(&account, &context, carried, &cells[2..]);
    for kind in ProductKind::ALL {
        let product = compute_of(kind, &whole);
        assert_eq!(product, compute_of(kind, &resumed));
        let (_, funds) = codes_and_rows(kind, &product, "funds");
        // 70 carried in and through; the row of June found 50.
        assert_eq!(show(&funds[0][6]), "70.00");
        assert_eq!(show(&funds[funds.len() - 1][7]), "30.00");
    }
    assert_eq!(whole.opened(), Some(date("2020-01-05")));
    assert_eq!((whole.months().len(), whole.quarters().count()), (36, 12));
}

#[test]
fn classes_add_up_to_funds_and_months_to_quarters() {
    let (account, cells, context) = (account(Some("2021-08-09")), many_cells(), context("2024-05-20"));
    let history = History::new(&account, &context, &cells);
    let [summary, report] = [ProductKind::DetailSummary, ProductKind::Report].map(|kind| compute_of(kind, &history));
    let cash = |row: &Items| -> [i128; 4] { [11, 12, 13, 14].map(|at: usize| number(&row[at])) };
    let flows = |row: &Items| -> [i128; 4] { [1, 2, 3, 4].map(|at: usize| number(&row[at])) };
    for product in [&summary, &report] {
        for (row, funds) in rows(&product.segments[3]).iter().enumerate() {
            let mut sum = cash(funds);
            for class in &product.segments[4..10] {
                let of_class = flows(&rows(class)[row]);
                sum.iter_mut().zip(of_class).for_each(|(sum, part)| *sum += part);
            }
            assert_eq!(sum, flows(funds));
        }
    }
    for segment in 3..10 {
        let months = rows(&summary.segments[segment]);
        for quarter in rows(&report.segments[segment]) {
            let Value::Quarter(label) = quarter[0] else { panic!("a quarter's label") };
            let of_quarter = |row: &&Items| matches!(row[0], Value::Month(month) if month.quarter() == label);
            let mut sum = [0; 4];
            for month in months.iter().filter(of_quarter) {
                sum.iter_mut().zip(flows(month)).for_each(|(sum, part)| *sum += part);
            }
            assert_eq!(sum, flows(&quarter), "{label}");
        }
    }
}

fn number(value: &Value) -> i128 {
    match value {
        Value::Count(count) => (*count).into(),
        Value::Money(fen) => *fen,
        other => panic!("{other:?} is no number"),
    }
}
