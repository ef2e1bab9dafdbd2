//! Hand-computed figures for every item of both products.
//!
//! Owns: small accounts written as rows, and what each item must be, with the arithmetic beside it. Amounts
//! in comments are yuan. Does not own: windows and statistics, which have their own tests.

use std::sync::Arc;

use crate::account::{Account, account_for_tests};
use crate::cell::{Cell, Fingerprint, Row};
use crate::class::Class::{self, Agency, Cash, OpeningBank, Other, PaymentPlatform, Public, SameName};
use crate::flow::Direction::{self, In, Out};
use crate::money::{FEN_PER_YUAN, money_text, ratio_text};
use crate::period::{DAY_US, Date, Month, instant_text};

use super::dictionary::Dictionary;
use super::history::{Carried, History};
use super::value::{Items, Product, Segment, Value};
use super::{
    Appendix, Context, DisputeMark, ProductKind, Purpose, Query, Withheld, compute, compute_in, item_codes, render,
};

/// Date, direction, class, counterparty (0 = unidentified), yuan (below 0 = a reversal), balance after it in
/// yuan.
type TestRow = (&'static str, Direction, Class, u128, i64, Option<i64>);

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn cells(rows: &[TestRow]) -> Vec<(Month, Cell)> {
    let mut cells: Vec<(Month, Cell)> = Vec::new();
    for (at, (on, direction, class, party, yuan, balance_yuan)) in (0_u32..).zip(rows.iter().copied()) {
        let row = Row {
            booked_at_us: i64::from(date(on).0) * DAY_US,
            seq: Some(at.into()),
            txn_id: b"",
            direction,
            reversal: yuan < 0,
            amount_fen: yuan.abs() * FEN_PER_YUAN,
            balance_fen: balance_yuan.map(|yuan| yuan * FEN_PER_YUAN),
            class,
            counterparty: (party > 0).then_some(party),
            fingerprint: Fingerprint { id: at.into(), content: at.into() },
        };
        let month = date(on).month();
        let place = cells.binary_search_by_key(&month, |(month, _)| *month).unwrap_or_else(|place| {
            cells.insert(place, (month, Cell::empty(0)));
            place
        });
        cells[place].1.update(&row);
    }
    cells.iter_mut().for_each(|(_, cell)| cell.settle());
    cells
}

fn account(opened_on: Option<&str>) -> Account {
    Account { opened_on: opened_on.map(date), ..account_for_tests() }
}

fn context(as_of: &str) -> Context {
    Context::precompute(date(as_of), 0, "7")
}

fn product(kind: ProductKind, opened_on: Option<&str>, as_of: &str, rows: &[TestRow]) -> Product {
    let (account, cells, context) = (account(opened_on), cells(rows), context(as_of));
    compute_of(kind, &History::new(&account, &context, &cells))
}

fn compute_of(kind: ProductKind, history: &History<'_>) -> Product {
    let dictionary = Dictionary::builtin(kind).unwrap();
    let product = compute(&dictionary, history);
    render::check(&dictionary, &product).unwrap();
    product
}

fn report(opened_on: &str, as_of: &str, rows: &[TestRow]) -> Product {
    product(ProductKind::Report, Some(opened_on), as_of, rows)
}

fn show(value: &Value) -> String {
    match value {
        Value::Null(reason) => reason.name().to_string(),
        Value::NoLimit => "no limit".to_string(),
        Value::Text(text) => text.to_string(),
        Value::Count(count) => count.to_string(),
        Value::Money(fen) => money_text(*fen),
        Value::Ratio(millionths) => ratio_text(*millionths),
        Value::Date(date) => date.to_string(),
        Value::Month(month) => month.to_string(),
        Value::Quarter(quarter) => quarter.to_string(),
        Value::Instant(seconds) => instant_text(*seconds),
    }
}

fn codes_and_rows(kind: ProductKind, product: &Product, segment: &str) -> (Vec<&'static str>, Vec<Items>) {
    let codes = item_codes(kind);
    assert_eq!(codes.len(), product.segments.len());
    let at = codes.iter().position(|(code, _)| *code == segment).unwrap();
    (codes[at].1.clone(), rows(&product.segments[at]))
}

fn rows(segment: &Segment) -> Vec<Items> {
    (0..segment.rows()).map(|row| segment.items(row).collect()).collect()
}

/// Checks all items of one row of a segment, in order.
fn check_row(kind: ProductKind, product: &Product, segment: &str, row: usize, expected: &[(&str, &str)]) {
    let (codes, rows) = codes_and_rows(kind, product, segment);
    assert_eq!(codes.len(), rows[row].len(), "{segment}");
    let found: Vec<(&str, String)> = codes.into_iter().zip(rows[row].iter().map(show)).collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(code, text)| (*code, text.as_str())).collect();
    assert_eq!(found, expected, "{segment}, row {row}");
}

/// Checks the one row of a segment of the report.
fn check(product: &Product, segment: &str, expected: &[(&str, &str)]) {
    assert_eq!(codes_and_rows(ProductKind::Report, product, segment).1.len(), 1);
    check_row(ProductKind::Report, product, segment, 0, expected);
}

/// One item of the report.
fn item(product: &Product, segment: &str, code: &str) -> String {
    let (codes, rows) = codes_and_rows(ProductKind::Report, product, segment);
    show(&rows[0][codes.iter().position(|c| *c == code).unwrap()])
}

/// Checks the values of one row, where the codes have been seen in another test.
fn check_values(kind: ProductKind, product: &Product, segment: &str, row: usize, expected: &str) {
    let (_, rows) = codes_and_rows(kind, product, segment);
    let found: Vec<String> = rows[row].iter().map(show).collect();
    assert_eq!(found.join(" "), expected, "{segment}, row {row}");
}

/// Half a year of a small trader, opened on 2024-01-01 and seen on 2024-06-30.
///
/// Operating:   Jan  Feb  Mar  Apr  May   Jun
///   in         600  400  500  200    0  1000
///   out        500  200  300  100  300   100
///   net        100  200  200  100 -300   900
const HALF_YEAR: [TestRow; 22] = [
    ("2024-01-05", In, Other, 1, 600, Some(1_600)),
    ("2024-01-05", Out, Other, 4, 200, None),
    ("2024-01-31", Out, Agency, 0, 300, None),
    ("2024-02-15", In, Other, 1, 300, Some(50)),
    ("2024-02-25", In, Public, 1, 100, None),
    ("2024-02-29", Out, Other, 4, 200, None),
    ("2024-03-29", Out, Other, 4, 200, None),
    ("2024-03-29", Out, Other, 5, 100, None),
    ("2024-03-30", In, Other, 2, 500, None),
    ("2024-04-08", In, Other, 1, 200, Some(600)),
    ("2024-04-09", In, Other, 3, 400, None),
    ("2024-04-20", In, Other, 3, -400, None),
    ("2024-04-30", Out, Public, 6, 100, None),
    ("2024-05-10", In, SameName, 9, 1_000, None),
    ("2024-05-10", Out, SameName, 9, 400, None),
    ("2024-05-11", In, OpeningBank, 0, 5_000, None),
    ("2024-05-31", Out, Other, 5, 300, None),
    ("2024-06-01", In, Cash, 0, 150, None),
    ("2024-06-21", In, Other, 7, 800, Some(800)),
    ("2024-06-21", In, Other, 0, 50, None),
    ("2024-06-21", Out, Other, 4, 100, None),
    ("2024-06-25", Out, OpeningBank, 8, 600, None),
];

fn half_year() -> Product {
    report("2024-01-01", "2024-06-30", &HALF_YEAR)
}

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

/// Some years of rows of all classes, from a multiplicative sequence.
fn many_cells() -> Vec<(Month, Cell)> {
    let days: Vec<String> = (0..980).map(|day| Date(date("2021-08-09").0 + day).to_string()).collect();
    let mut state = 1_u64;
    let mut cells: Vec<(Month, Cell)> = Vec::new();
    for (at, day) in (0_u32..).zip(&days) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let draw = |shift: u32, below: u64| (state >> shift) % below;
        let row = Row {
            booked_at_us: i64::from(date(day).0) * DAY_US,
            seq: None,
            txn_id: b"",
            direction: Direction::BOTH[draw(20, 2) as usize],
            reversal: draw(24, 9) == 0,
            amount_fen: draw(28, 90_000_000) as i64,
            balance_fen: None,
            class: Class::ALL[draw(40, 7) as usize],
            counterparty: Some(draw(48, 5).into()),
            fingerprint: Fingerprint { id: at.into(), content: at.into() },
        };
        let month = date(day).month();
        if cells.last().is_none_or(|(last, _)| *last != month) {
            cells.push((month, Cell::empty(0)));
        }
        if let Some((_, cell)) = cells.last_mut() {
            cell.update(&row);
        }
    }
    cells.iter_mut().for_each(|(_, cell)| cell.settle());
    cells
}

/// A product as of 2024-06-30 with a first month.
fn seen_from(kind: ProductKind, first_month: &str, account: &Account, rows: &[TestRow]) -> Product {
    let context = Context { first_month: Month::parse(first_month), ..context("2024-06-30") };
    compute_of(kind, &History::new(account, &context, &cells(rows)))
}

#[test]
fn months_before_the_first_one_are_not_seen() {
    let account = account(Some("2024-01-01"));
    let summary = seen_from(ProductKind::DetailSummary, "2024-04", &account, &HALF_YEAR);
    let funds = codes_and_rows(ProductKind::DetailSummary, &summary, "funds").1;
    assert_eq!((show(&funds[0][0]), funds.len()), ("2024-04".into(), 3));
    // The 50 of March are not carried in: before Apr 8 there were 600 - 200. (7 * 400 + 23 * 600) / 30 = 553.333.
    let april = "2024-04 1 200.00 1 100.00 100.00 400.00 600.00 553.33 600.00 400.00 0 0.00 0 0.00 4";
    check_values(ProductKind::DetailSummary, &summary, "funds", 0, april);
    check_values(ProductKind::DetailSummary, &summary, "notes", 0, "1.0 7 2024-04-01 2024-06-30");

    let report = seen_from(ProductKind::Report, "2024-04", &account, &HALF_YEAR);
    assert_eq!(codes_and_rows(ProductKind::Report, &report, "funds").1.len(), 1);
    let cases = [
        // W is April to June. Counterparty 1: 200, 7: 800; 3 came to nothing.
        ("concentration", "in_top1_share", "0.800000"),
        ("concentration", "in_counterparties", "2"),
        // (200 + 0 + 1000) / 3
        ("stability", "in_monthly_mean", "400.00"),
        ("trend", "in_qoq", "no_prior_period"),
        ("counterparty_turnover", "in_new_ratio", "no_prior_period"),
        ("basic", "first_month", "2024-04"),
        ("activity", "observed_months", "3"),
        // The account is as old as it is.
        ("basic", "opened_on", "2024-01-01"),
        ("activity", "account_age_months", "5"),
        ("notes", "period_from", "2024-04-01"),
        // Out of 200 + 1000 + 5000 + 1000 in and 100 + 1000 + 400 out, 50 are unidentified: 8650 / 8700.
        ("appendix", "identified_share", "0.994253"),
    ];
    for (segment, code, expected) in cases {
        assert_eq!(item(&report, segment, code), expected, "{segment}.{code}");
    }
}

#[test]
fn no_balance_and_no_date_of_an_unseen_row_is_used() {
    let rows = [("2024-01-05", In, Other, 1, 70, Some(70)), ("2024-05-20", In, Other, 1, 5, None)];
    let undated = account(None);
    let summary = |first_month| seen_from(ProductKind::DetailSummary, first_month, &undated, &rows);
    // From January the balance of 70 is carried, from February there is none.
    assert_eq!(show(&codes_and_rows(ProductKind::DetailSummary, &summary("2024-01"), "funds").1[5][7]), "70.00");
    let (_, funds) = codes_and_rows(ProductKind::DetailSummary, &summary("2024-02"), "funds");
    assert_eq!((show(&funds[0][0]), show(&funds[4][7])), ("2024-02".into(), "no_balance".into()));
    // Without a date of its own the account begins with the first month, wherever its rows do.
    for (first_month, from) in [("2023-12", "2023-12-01"), ("2024-04", "2024-04-01"), ("2024-06", "2024-06-01")] {
        check_values(
            ProductKind::DetailSummary,
            &summary(first_month),
            "notes",
            0,
            &format!("1.0 7 {from} 2024-06-30"),
        );
    }
    // The opening date is kept where it is later.
    let opened = account(Some("2024-05-10"));
    let later = seen_from(ProductKind::DetailSummary, "2024-04", &opened, &rows[1..]);
    check_values(ProductKind::DetailSummary, &later, "notes", 0, "1.0 7 2024-05-10 2024-06-30");
    // A first month after the as-of date leaves no period.
    let none = seen_from(ProductKind::DetailSummary, "2024-07", &undated, &rows);
    assert_eq!(codes_and_rows(ProductKind::DetailSummary, &none, "funds").1.len(), 0);
}

#[test]
fn a_first_month_is_a_records_from_over_the_cells_that_it_leaves() {
    let cells = many_cells();
    for (opened_on, records_from) in
        [(Some("2021-08-09"), None), (None, None), (Some("2021-08-09"), Some("2022-11-20")), (None, Some("2023-05-31"))]
    {
        let account = Account { records_from: records_from.map(date), ..account(opened_on) };
        for back in 0..40 {
            let first = Month::parse("2024-04").unwrap().plus(-back);
            let cut = Account { records_from: account.records_from.max(Some(first.first_day())), ..account.clone() };
            let left: Vec<(Month, Cell)> = cells.iter().filter(|(month, _)| *month >= first).cloned().collect();
            let whole = context("2024-04-14");
            let seen = Context { first_month: Some(first), ..whole.clone() };
            for kind in ProductKind::ALL {
                let expected = compute_of(kind, &History::new(&cut, &whole, &left));
                assert_eq!(compute_of(kind, &History::new(&account, &seen, &cells)), expected, "{first}");
            }
        }
    }
}

#[test]
fn withheld_segments_are_empty_and_change_no_other() {
    let (account, cells, context) = (account(Some("2024-01-01")), cells(&HALF_YEAR), context("2024-06-30"));
    let codes = ["public", "other", "concentration", "amount_bands"];
    let withholding = Context { withheld: Withheld::new(codes).unwrap(), ..context.clone() };
    for kind in ProductKind::ALL {
        let whole = compute_of(kind, &History::new(&account, &context, &cells));
        let product = compute_of(kind, &History::new(&account, &withholding, &cells));
        let dictionary = Dictionary::builtin(kind).unwrap();
        let mut paths: Vec<(String, &str)> = render::null_reasons(render::check(&dictionary, &whole).unwrap());
        for ((def, segment), of_whole) in dictionary.segments().zip(&product.segments).zip(&whole.segments) {
            if codes.contains(&def.code.as_str()) {
                assert!(segment.is_withheld() && segment.rows() == 0 && segment.items(0).next().is_none());
                assert!(segment.missing().is_empty());
            } else {
                assert_eq!(segment, of_whole, "{}", def.code);
            }
        }
        // One reason, keyed by the segment alone.
        paths.retain(|(path, _)| !codes.iter().any(|code| path.starts_with(code)));
        let mut found = render::null_reasons(render::check(&dictionary, &product).unwrap());
        let withheld: Vec<_> =
            found.extract_if(.., |(_, reason)| *reason == "withheld").map(|(path, _)| path).collect();
        assert_eq!(withheld, codes[..if kind == ProductKind::Report { 4 } else { 2 }]);
        assert_eq!(found, paths);
        // The memory of a withheld product serves another account.
        let mut reused = product;
        compute_in(&mut reused, &dictionary, &History::new(&account, &context, &cells));
        assert_eq!(reused, whole);
    }
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
