//! The feature variables of the report.
//!
//! Owns: their values over half a year of a small trader, and of accounts made for one segment.

use super::*;

#[test]
fn concentration() {
    check(
        &half_year(),
        "concentration",
        &[
            // Counterparty 1: 600 + 300 + 100 + 200 = 1200 (OTHER and PUBLIC), 2: 500, 7: 800; A = 2500.
            ("in_top1_share", "0.480000"),
            ("in_top3_share", "1.000000"),
            ("in_top5_share", "1.000000"),
            ("in_top10_share", "1.000000"),
            // (144 + 25 + 64) / 625
            ("in_hhi", "0.372800"),
            // 625 / 233
            ("in_effective_counterparties", "2.682403"),
            ("in_counterparties", "3"),
            // Counterparty 4: 700, 5: 400, 6: 100; A = 1200.
            ("out_top1_share", "0.583333"),
            ("out_top3_share", "1.000000"),
            ("out_top5_share", "1.000000"),
            ("out_top10_share", "1.000000"),
            // (49 + 16 + 1) / 144
            ("out_hhi", "0.458333"),
            // 144 / 66
            ("out_effective_counterparties", "2.181818"),
            ("out_counterparties", "3"),
        ],
    );
}

#[test]
fn largest_shares_of_many_counterparties() {
    // Eleven counterparties with 1 to 11 yuan: A = 66.
    let rows: Vec<TestRow> =
        (1..=11).map(|k: i64| ("2024-04-01", In, Other, k.unsigned_abs().into(), k, None)).collect();
    let report = report("2024-04-01", "2024-06-30", &rows);
    let items = ["in_top1_share", "in_top3_share", "in_top5_share", "in_top10_share", "in_hhi", "in_counterparties"];
    // 11, 11 + 10 + 9 = 30, + 8 + 7 = 45, all but 1 = 65 over 66; squares 506 / 4356.
    let expected = ["0.166667", "0.454545", "0.681818", "0.984848", "0.116162", "11"];
    assert_eq!(items.map(|code| item(&report, "concentration", code)), expected);
}

#[test]
fn stability() {
    check(
        &half_year(),
        "stability",
        &[
            // 2700 / 6
            ("in_monthly_mean", "450.00"),
            // Squares 1810000: sqrt(6 * 1810000 - 2700^2) / 6 = sqrt(3570000) / 6 = 314.9074
            ("in_monthly_sd", "314.91"),
            // sqrt(3570000) / 2700
            ("in_monthly_cv", "0.699794"),
            // All but May.
            ("in_active_month_ratio", "0.833333"),
            ("in_longest_zero_run", "1"),
            // Three of six months: counterparty 1 alone; 1200 / 2500.
            ("in_recurring_share", "0.480000"),
            // 1500 / 6
            ("out_monthly_mean", "250.00"),
            // sqrt(6 * 490000 - 1500^2) / 6 = sqrt(690000) / 6 = 138.4437
            ("out_monthly_sd", "138.44"),
            ("out_monthly_cv", "0.553775"),
            ("out_active_month_ratio", "1.000000"),
            ("out_longest_zero_run", "0"),
            // Counterparty 4 in January, February, March and June; 700 / 1200.
            ("out_recurring_share", "0.583333"),
            // Days at 1000: 4, 1600: 41, 50: 53, 600: 74, 800: 10, so 124650 over 182 days, squares
            // 142132500: sqrt(182 * 142132500 - 124650^2) / 124650 = sqrt(10330492500) / 124650
            ("balance_cv", "0.815395"),
            // A tenth of the mean is 68.49: the 53 days at 50.
            ("low_balance_day_share", "0.291209"),
            // May.
            ("negative_net_month_share", "0.166667"),
            // March: 50 / (124650 / 182)
            ("lowest_month_mean_ratio", "0.073004"),
        ],
    );
}

#[test]
fn distribution() {
    check(
        &half_year(),
        "distribution",
        &[
            // Dates in: Jan 5 600, Feb 15 300, Feb 25 100, Mar 30 500, Apr 8 200, Apr 9 400, Apr 20 -400 as
            // 0, Jun 1 150, Jun 21 850: 3100 in all, of which 1350, 300 and 1450.
            ("in_first_ten_days_share", "0.435484"),
            ("in_middle_ten_days_share", "0.096774"),
            ("in_last_days_share", "0.467742"),
            // Not Feb 25, Mar 30, Jun 1: 2350 / 3100
            ("in_weekday_share", "0.758065"),
            // Two complete quarters only.
            ("in_peak_quarter_share", "history_short"),
            // Cash 150, opening bank 5000, same name 1000, public 100, other 2450 of 8700.
            ("in_class_entropy", "0.537120"),
            // Jan 5 200 of 1500; the rest lies on days 29 to 31 and Jun 21, all Monday to Friday.
            ("out_first_ten_days_share", "0.133333"),
            ("out_middle_ten_days_share", "0.000000"),
            ("out_last_days_share", "0.866667"),
            ("out_weekday_share", "1.000000"),
            ("out_peak_quarter_share", "history_short"),
            // Opening bank 600, same name 400, public 100, agency 300, other 1100 of 2500.
            ("out_class_entropy", "0.709251"),
        ],
    );
}

#[test]
fn entropy_of_even_mixes() {
    let entropy = |classes: &[Class]| {
        let rows: Vec<TestRow> = classes.iter().map(|class| ("2024-04-01", In, *class, 0, 7, None)).collect();
        item(&report("2024-04-01", "2024-06-30", &rows), "distribution", "in_class_entropy")
    };
    // ln 1 / ln 7, ln 2 / ln 7, ln 4 / ln 7, ln 7 / ln 7
    assert_eq!(entropy(&[Other]), "0.000000");
    assert_eq!(entropy(&[Other, Cash]), "0.356207");
    assert_eq!(entropy(&[Other, Public, SameName, PaymentPlatform]), "0.712414");
    assert_eq!(entropy(&Class::ALL), "1.000000");
}

#[test]
fn turnover() {
    check(
        &half_year(),
        "counterparty_turnover",
        &[
            // C = {1, 7}, P = {1, 2}; 200 of 1000 yuan in Q0 came from 1.
            ("in_new_ratio", "0.500000"),
            ("in_lost_ratio", "0.500000"),
            ("in_turnover_rate", "0.500000"),
            ("in_jaccard", "0.333333"),
            ("in_retained_amount_share", "0.200000"),
            // C = {4, 5, 6}, P = {4, 5}; 400 of 500 yuan in Q0 went to 4 and 5.
            ("out_new_ratio", "0.333333"),
            ("out_lost_ratio", "0.000000"),
            ("out_turnover_rate", "0.200000"),
            ("out_jaccard", "0.666667"),
            ("out_retained_amount_share", "0.800000"),
        ],
    );
}

#[test]
fn trend() {
    check(
        &half_year(),
        "trend",
        &[
            // (1200 - 1500) / 1500
            ("in_qoq", "-0.200000"),
            ("in_yoy", "no_prior_period"),
            // Slopes -300 -250 -200 -200 -150 -133.3 -133.3 *-100* -50 80 100 150 166.7 400 1000; mean 450.
            ("in_theil_sen_slope", "-0.222222"),
            // 6 pairs up, 9 down: -3 / 15
            ("in_mann_kendall_tau", "-0.200000"),
            // 1200 / 1500
            ("in_recent_to_prior_ratio", "0.800000"),
            ("out_qoq", "-0.500000"),
            ("out_yoy", "no_prior_period"),
            // Slopes -300 -200 -200 -133.3 -100 -80 -66.7 *-50* -50 -25 0 0 33.3 100 200; mean 250.
            ("out_theil_sen_slope", "-0.200000"),
            // 3 up, 10 down, 2 tied: -7 / sqrt(13 * 15)
            ("out_mann_kendall_tau", "-0.501280"),
            ("out_recent_to_prior_ratio", "0.500000"),
            // (700 - 500) / 500
            ("net_qoq", "0.400000"),
            ("net_yoy", "no_prior_period"),
            // Slopes -400 -250 -166.7 -100 -100 -50 0 *0* 50 100 160 175 233.3 400 1200.
            ("net_theil_sen_slope", "0.000000"),
            // 7 up, 6 down, 2 tied: 1 / sqrt(13 * 15)
            ("net_mann_kendall_tau", "0.071611"),
            // 700 / 500
            ("net_recent_to_prior_ratio", "1.400000"),
        ],
    );
}

#[test]
fn bands() {
    let report = report(
        "2024-01-01",
        "2024-06-30",
        &[
            ("2024-02-01", In, Other, 1, 900, None),
            ("2024-02-02", In, Other, 1, 1_000, None),
            ("2024-02-03", In, Other, 1, 98_100, None),
            ("2024-02-04", Out, Other, 1, 2_000_000, None),
            ("2024-04-01", In, Other, 1, 5_000, None),
            ("2024-04-02", In, Other, 1, 10_000, None),
            ("2024-04-03", In, Other, 1, -15_000, None),
            ("2024-04-04", In, Other, 1, 55_000, None),
            ("2024-04-05", In, Other, 1, 340_000, None),
            ("2024-04-06", Out, Other, 1, 500_000, None),
            ("2024-04-07", Out, Other, 1, 300, None),
            // Neither is an operating transaction.
            ("2024-04-08", In, SameName, 2, 500_000, None),
            ("2024-04-09", Out, OpeningBank, 0, 500_000, None),
        ],
    );
    check_row(
        ProductKind::Report,
        &report,
        "amount_bands",
        1,
        &[
            ("lower_bound", "1000.00"),
            ("upper_bound", "10000.00"),
            ("quarter_in_count", "1"),
            ("quarter_in_amount", "5000.00"),
            // Q0 in: 5000 + 55000 + 340000 = 400000; the band whose net is -5000 counts as 0.
            ("quarter_in_share", "0.012500"),
            ("quarter_out_count", "0"),
            ("quarter_out_amount", "0.00"),
            ("quarter_out_share", "0.000000"),
            ("year_in_count", "2"),
            ("year_in_amount", "6000.00"),
            // W in: 900 + 6000 + 153100 + 340000 = 500000.
            ("year_in_share", "0.012000"),
            ("year_out_count", "0"),
            ("year_out_amount", "0.00"),
            ("year_out_share", "0.000000"),
        ],
    );
    // Q0 out: 500300. W out: 2500300.
    let none = "0 0.00 0.000000";
    let rows = [
        format!("0.00 1000.00 {none} 1 300.00 0.000600 1 900.00 0.001800 1 300.00 0.000120"),
        String::new(),
        format!("10000.00 50000.00 0 -5000.00 0.000000 {none} 0 -5000.00 0.000000 {none}"),
        format!("50000.00 200000.00 1 55000.00 0.137500 {none} 2 153100.00 0.306200 {none}"),
        format!("200000.00 500000.00 1 340000.00 0.850000 {none} 1 340000.00 0.680000 {none}"),
        format!("500000.00 2000000.00 {none} 1 500000.00 0.999400 {none} 1 500000.00 0.199976"),
        format!("2000000.00 no limit {none} {none} {none} 1 2000000.00 0.799904"),
    ];
    for (row, expected) in rows.iter().enumerate().filter(|(row, _)| *row != 1) {
        check_values(ProductKind::Report, &report, "amount_bands", row, expected);
    }
}

#[test]
fn activity() {
    check(
        &half_year(),
        "activity",
        &[
            ("account_age_months", "5"),
            ("observed_months", "6"),
            // 7 + 10 dates of 182 days
            ("active_day_ratio", "0.093407"),
            // Jun 21
            ("days_since_last_in", "9"),
            // Jun 25
            ("days_since_last_out", "5"),
            // Mar 1 to 28
            ("longest_gap_days", "28"),
            // In by date: 600 300 100 500 200 400 1000 150 850 = 4100 (Apr 20 as 0, no loan); passed on the
            // same day: 200 on Jan 5, 400 on May 10, 100 on Jun 21.
            ("pass_through_ratio", "0.170732"),
            ("identified_amount_ratio", "0.995536"),
        ],
    );
}

#[test]
fn age_in_whole_months() {
    let age = |opened: &str, as_of: &str| item(&report(opened, as_of, &[]), "activity", "account_age_months");
    let cases = [
        ("2023-05-31", "2024-05-30", "11"),
        ("2023-05-31", "2024-05-31", "12"),
        ("2024-01-31", "2024-02-29", "0"),
        ("2024-05-31", "2024-05-31", "0"),
    ];
    for (opened, as_of, months) in cases {
        assert_eq!(age(opened, as_of), months, "{opened} to {as_of}");
    }
}
