//! The engine against the reference implementation: random feeds with reversals, duplicates, gaps, late openings,
//! missing balances and extreme amounts; every item of both products, and every null's reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{Duration, NaiveDate};
use liushui::money::{AMOUNT_FEN_MAX, money_text};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::reference::{self, Class, Row, Setting};
use crate::util::{GENERATED_AT_TEXT, TestFeed, USCC, run};

/// What a row may say of its other side, with the class and key that follow from it by `classes.md`.
struct Side {
    kind: &'static str,
    name: &'static str,
    account: &'static str,
    bank: &'static str,
    uscc: &'static str,
    class: Class,
    key: Option<&'static str>,
}

const fn side([kind, name, account, bank, uscc]: [&'static str; 5], class: Class, key: Option<&'static str>) -> Side {
    Side { kind, name, account, bank, uscc, class, key }
}

const SIDES: &[Side] = &[
    side(["CASH_DEPOSIT", "", "", "", ""], Class::Cash, None),
    side(["CASH_WITHDRAWAL", "甲有限公司", "", "", ""], Class::Cash, Some("n:甲有限公司")),
    side(["FEE", "", "", "", ""], Class::OpeningBank, None),
    side(["LOAN_DISBURSEMENT", "某银行", "", "", ""], Class::OpeningBank, Some("n:某银行")),
    side(["", "随便", "", "", USCC], Class::SameName, Some("u:91350100M000100Y43")),
    side(["TRANSFER", "试验 (有限) 公司", "", "", ""], Class::SameName, Some("n:试验有限公司")),
    side(["TAX", "", "", "", ""], Class::Public, None),
    side(["TAX", "甲有限公司", "", "", ""], Class::Public, Some("n:甲有限公司")),
    side(["", "某局", "", "", "11350100m000100y4x"], Class::Public, Some("u:11350100M000100Y4X")),
    side(["", "国库", "", "011100000003", ""], Class::Public, Some("n:国库")),
    side(
        ["", "支付宝（中国）网络技术有限公司客户备付金", "", "", ""],
        Class::PaymentPlatform,
        Some("n:支付宝中国网络技术有限公司客户备付金"),
    ),
    side(["PAYROLL", "", "", "", ""], Class::Agency, None),
    side(["AGENCY_COLLECTION", "", "62-28 x", "", ""], Class::Agency, Some("a:6228X")),
    side(["TRANSFER", "甲有限公司", "1", "", ""], Class::Other, Some("n:甲有限公司")),
    side(["", "甲（有限公司）", "", "", ""], Class::Other, Some("n:甲有限公司")),
    side(["", "乙商行", "", "", ""], Class::Other, Some("n:乙商行")),
    side(["", "丙工厂", "", "", "91110000802100433B"], Class::Other, Some("u:91110000802100433B")),
    side(["", "", "6222 0000", "", ""], Class::Other, Some("a:62220000")),
    side(["", "", "--", "", ""], Class::Other, None),
    side(["", "", "", "", ""], Class::Other, None),
];

/// A row as it is drawn: days before the last one, and the rest.
#[derive(Clone, Debug)]
pub struct Drawn {
    days_back: i64,
    minute: i64,
    seq: Option<i64>,
    inward: bool,
    amount_fen: i64,
    reverses: bool,
    balance_fen: Option<i64>,
    side: usize,
    repeated: bool,
}

/// An account as it is drawn: days from its opening and from the begin of its records to the last day, where they are
/// given, and its rows.
#[derive(Clone, Debug)]
pub struct DrawnAccount {
    opened_back: Option<i64>,
    records_back: Option<i64>,
    rows: Vec<Drawn>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let amounts = prop_oneof![
        8 => 0..60_000_000_i64,
        4 => prop::sample::select(vec![0, 99_999, 100_000, 1_000_000, 5_000_000, 20_000_000, 50_000_000, 200_000_000]),
        1 => Just(AMOUNT_FEN_MAX / 40),
    ];
    (
        (prop_oneof![4 => 0..420_i64, 2 => 0..1200_i64, 1 => 0..40_i64], 0..3_i64, prop::option::of(0..2_i64)),
        (any::<bool>(), amounts, prop::bool::weighted(0.06), prop::bool::weighted(0.04)),
        (prop::option::weighted(0.6, -20_000_000..90_000_000_i64), 0..SIDES.len(), prop::bool::weighted(0.05)),
    )
        .prop_map(|((days_back, minute, seq), (inward, fen, red, reverses), (balance_fen, side, repeated))| {
            Drawn {
                days_back,
                minute,
                seq,
                inward,
                amount_fen: if red { -fen } else { fen },
                reverses,
                balance_fen,
                side,
                repeated,
            }
        })
}

fn accounts() -> impl Strategy<Value = Vec<DrawnAccount>> {
    let rows = prop_oneof![1 => Just(0..1), 3 => Just(1..12), 3 => Just(40..90)]
        .prop_flat_map(|count| prop::collection::vec(drawn(), count));
    let with_balance = (rows, prop::bool::weighted(0.85)).prop_map(|(mut rows, balances)| {
        if !balances {
            rows.iter_mut().for_each(|row| row.balance_fen = None);
        }
        rows
    });
    let account =
        (prop::option::weighted(0.7, -20..1300_i64), prop::option::weighted(0.3, -20..1300_i64), with_balance);
    let drawn = account.prop_map(|(opened_back, records_back, rows)| DrawnAccount { opened_back, records_back, rows });
    prop::collection::vec(drawn, 1..5)
}

/// The whole economy of a case: the last day with rows, the as-of date, `--records-from` and the accounts.
pub fn economies() -> impl Strategy<Value = (i64, Option<i64>, Option<i64>, Vec<DrawnAccount>)> {
    (0..400_i64, prop::option::of(-20..60_i64), prop::option::weighted(0.2, -20..1300_i64), accounts())
}

fn account_id(number: usize) -> String {
    format!("6222{number:08}0001")
}

/// The rows of an account, in the order of the file.
pub fn rows_of(number: usize, account: &DrawnAccount, last: NaiveDate) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, drawn) in account.rows.iter().enumerate() {
        let side = &SIDES[drawn.side];
        let date = last - Duration::days(drawn.days_back);
        let minutes = (date - NaiveDate::default()).num_minutes() + 540 + drawn.minute;
        let row = Row {
            account_id: account_id(number),
            txn_id: format!("T{}", (at * 7919) % 1000),
            booked_at_us: minutes * 60_000_000,
            seq: drawn.seq,
            inward: drawn.inward,
            amount_fen: drawn.amount_fen,
            reversal: drawn.reverses,
            balance_fen: drawn.balance_fen,
            class: side.class,
            key: side.key.map(String::from),
            content: format!("{}", drawn.side),
        };
        rows.extend(std::iter::repeat_n(row, 1 + usize::from(drawn.repeated)));
    }
    rows
}

pub fn transactions_csv(accounts: &[Vec<Row>]) -> String {
    let mut text = "account_id,txn_id,booked_at,seq,direction,amount,balance,kind,counterparty_name,\
                    counterparty_account,counterparty_bank,counterparty_uscc,reversal_of\n"
        .to_string();
    for row in accounts.iter().flatten() {
        let side = &SIDES[row.content.parse::<usize>().unwrap()];
        let time = chrono::DateTime::from_timestamp_micros(row.booked_at_us).unwrap().naive_utc();
        let seq = row.seq.map(|seq| seq.to_string()).unwrap_or_default();
        let balance = row.balance_fen.map(|fen| money_text(fen.into())).unwrap_or_default();
        writeln!(
            text,
            "{},{},{},{seq},{},{},{balance},{},{},{},{},{},{}",
            row.account_id,
            row.txn_id,
            time.format("%Y-%m-%d %H:%M:%S"),
            if row.inward { "C" } else { "D" },
            money_text(row.amount_fen.into()),
            side.kind,
            side.name,
            side.account,
            side.bank,
            side.uscc,
            if row.reversal { "T0" } else { "" },
        )
        .unwrap();
    }
    text
}

pub fn accounts_csv(accounts: &[reference::Account]) -> String {
    let mut text = "account_id,provider_id,provider_name,bank_code,subject_uscc,subject_name,former_names,\
                    account_type,currency,opened_on,closed_on,records_from,status\n"
        .to_string();
    for account in accounts {
        let date = |date: Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
        writeln!(
            text,
            "{},P1,示例银行,,{USCC},试验有限公司,旧试验公司|更旧公司,basic,CNY,{},,{},active",
            account.account_id,
            date(account.opened_on),
            date(account.records_from)
        )
        .unwrap();
    }
    text
}

pub fn reference_account(number: usize, drawn: &DrawnAccount, last: NaiveDate) -> reference::Account {
    reference::Account {
        account_id: account_id(number),
        provider_id: "P1".to_string(),
        provider_name: "示例银行".to_string(),
        subject_uscc: USCC.to_string(),
        subject_name: "试验有限公司".to_string(),
        account_type: "basic".to_string(),
        currency: "CNY".to_string(),
        status: "active".to_string(),
        opened_on: drawn.opened_back.map(|days| last - Duration::days(days)),
        records_from: drawn.records_back.map(|days| last - Duration::days(days)),
    }
}

/// Items that hold a logarithm: equal within one millionth.
fn is_approximate(path: &str) -> bool {
    path.ends_with("_class_entropy") && !path.contains("null_reasons")
}

/// Holds two products against each other, item by item; the first difference is told with its path.
fn compare(ours: &Value, theirs: &Value, path: &str) -> Result<(), TestCaseError> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            prop_assert_eq!(keys(ours), keys(theirs), "keys of {}", path);
            ours.iter().try_for_each(|(key, value)| compare(value, &theirs[key], &format!("{path}.{key}")))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            prop_assert_eq!(ours.len(), theirs.len(), "rows of {}", path);
            let pairs = ours.iter().zip(theirs).enumerate();
            pairs.into_iter().try_for_each(|(at, (a, b))| compare(a, b, &format!("{path}[{at}]")))
        }
        (Value::String(ours), Value::String(theirs)) if is_approximate(path) => {
            let millionths = |text: &str| (text.parse::<f64>().unwrap() * 1e6).round();
            prop_assert!((millionths(ours) - millionths(theirs)).abs() <= 1.0, "{path}: {ours} and {theirs}");
            Ok(())
        }
        _ => {
            prop_assert_eq!(ours, theirs, "{}", path);
            Ok(())
        }
    }
}

fn dictionary(name: &str) -> toml::Table {
    let path = format!("{}/schemas/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

/// Random economies for the engine and the reference; `LIUSHUI_CASES` asks for more of them.
const CASES: u32 = 96;

fn cases() -> u32 {
    std::env::var("LIUSHUI_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
}

#[test]
fn every_item_of_random_feeds() {
    let dictionaries = (dictionary("detail-summary"), dictionary("report"));
    let config = Config { cases: cases(), failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let result = TestRunner::new(config).run(&economies(), |(last, as_of_after, records_back, drawn)| {
        let last = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + Duration::days(last);
        let rows: Vec<Vec<Row>> =
            drawn.iter().enumerate().map(|(number, account)| rows_of(number, account, last)).collect();
        let mut accounts: Vec<reference::Account> =
            drawn.iter().enumerate().map(|(number, account)| reference_account(number, account, last)).collect();
        let newest = rows.iter().flatten().map(|row| row.booked_at_us).max();
        let newest = newest.map(|us| chrono::DateTime::from_timestamp_micros(us).unwrap().date_naive());
        let asked = as_of_after.map(|days| last + Duration::days(days));
        let Some(as_of) = asked.or(newest) else { return Ok(()) };

        let feed = TestFeed::csv(&transactions_csv(&rows), &accounts_csv(&accounts));
        let mut options = feed.options();
        let date = |date: NaiveDate| liushui::period::Date::parse(&date.to_string()).unwrap();
        options.as_of = asked.map(date);
        let records_from = records_back.map(|days| last - Duration::days(days));
        options.records_from = records_from.map(date);
        // The file has an account's own; the option is for the others.
        accounts.iter_mut().for_each(|account| account.records_from = account.records_from.or(records_from));
        let rules_version = options.rules.version.clone();
        let outcome = run(&options).unwrap();
        prop_assert_eq!(outcome.refused_files.len(), 0, "{:?}", outcome.verdict);
        prop_assert!(outcome.report.reconciliation.unwrap().holds());

        let setting = Setting { as_of: Some(as_of), generated_at: GENERATED_AT_TEXT.to_string(), rules_version };
        let by_id = |products: Vec<Value>| -> BTreeMap<String, Value> {
            products.into_iter().map(|product| (product["account_id"].as_str().unwrap().to_string(), product)).collect()
        };
        let (summaries, reports) = (by_id(feed.products("detail-summary")), by_id(feed.products("report")));
        prop_assert_eq!(summaries.len(), accounts.len());
        for (account, rows) in accounts.iter().zip(&rows) {
            let (summary, report) =
                reference::products(account, rows, as_of, &setting, (&dictionaries.0, &dictionaries.1));
            compare(&summaries[&account.account_id], &summary, "detail-summary")?;
            compare(&reports[&account.account_id], &report, "report")?;
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
