//! Real rows: the Berka data, built through its mapping and held against sums over the CSV itself.

use std::collections::BTreeMap;

use liushui::feed::mapping::Mapping;
use liushui::money::money_text;
use serde_json::Value;

use crate::util::{TestFeed, run, shared_data};

/// Months (or quarters) of one account, from the CSV alone: in count, in fen, out count, out fen.
type Periods = BTreeMap<String, [i64; 4]>;

/// Cuts a date `YYMMDD` to its period.
fn month(date: &str) -> String {
    format!("19{}-{}", &date[..2], &date[2..4])
}

fn quarter(date: &str) -> String {
    format!("19{}Q{}", &date[..2], (date[2..4].parse::<u32>().unwrap() - 1) / 3 + 1)
}

/// Sums rows of an account by period, where `wanted` says so; columns are those of the CSV.
fn sums(csv: &str, account: &str, period: fn(&str) -> String, wanted: impl Fn(&[&str]) -> bool) -> Periods {
    let mut periods = Periods::new();
    for line in csv.lines().skip(1) {
        let fields: Vec<&str> = line.split(';').collect();
        if fields[1] != account || !wanted(&fields) {
            continue;
        }
        let (yuan, fen) = fields[5].split_once('.').unwrap();
        let fen = yuan.parse::<i64>().unwrap() * 100 + format!("{fen:0<2}").parse::<i64>().unwrap();
        let sums = periods.entry(period(fields[2])).or_default();
        let way = if fields[3] == "credit" { 0 } else { 2 };
        sums[way] += 1;
        sums[way + 1] += fen;
    }
    periods
}

/// Holds a segment's periods against sums from the CSV.
fn check(product: &Value, segment: &str, prefix: &str, expected: &Periods) {
    let rows = product[segment].as_array().unwrap();
    for row in rows {
        let period = row["period"].as_str().unwrap();
        let [in_count, in_fen, out_count, out_fen] = expected.get(period).copied().unwrap_or_default();
        let item = |code: &str| &row[format!("{prefix}{code}")];
        assert_eq!(item("in_count"), in_count, "{segment} {period}");
        assert_eq!(item("in_amount"), &money_text(in_fen.into()), "{segment} {period}");
        assert_eq!(item("out_count"), out_count, "{segment} {period}");
        assert_eq!(item("out_amount"), &money_text(out_fen.into()), "{segment} {period}");
    }
    // The window ends in 1998-12 and begins no later than the account's first row within 36 months or 12 quarters.
    let first = if rows[0]["period"].as_str().unwrap().contains('Q') { "1996Q1" } else { "1996-01" };
    let shown: Vec<&str> = rows.iter().map(|row| row["period"].as_str().unwrap()).collect();
    assert!(expected.keys().filter(|period| period.as_str() >= first).all(|period| shown.contains(&period.as_str())));
    assert!(shown.last().is_some_and(|last| ["1998-12", "1998Q4"].contains(last)), "{segment}: {shown:?}");
}

#[test]
fn months_quarters_and_classes_equal_the_csv() {
    let Some(data) = shared_data("data/berka") else { return };
    let feed = TestFeed::new();
    let mut options = feed.options();
    options.transactions = vec![data.join("trans_comp.csv")];
    options.accounts = vec![data.join("account.csv")];
    options.mapping = Some(Mapping::load("berka".as_ref(), &[]).unwrap());
    let outcome = run(&options).unwrap();
    let report = &outcome.report;
    assert_eq!((report.rows_read, report.rows_kept, report.accounts), (30_200, 30_200, 4_500));
    assert_eq!(report.accounts_with_rows, 354);
    assert_eq!(report.as_of.as_deref(), Some("1998-12-05"));
    let reconciliation = report.reconciliation.unwrap();
    assert!(reconciliation.holds());
    assert_eq!(reconciliation.accounts_equal, 4_500);

    let csv = std::fs::read_to_string(data.join("trans_comp.csv")).unwrap();
    let is_cash = |f: &[&str]| {
        let by_bank = matches!(f[7], "payment for statement" | "sanction interest if negative balance");
        matches!(f[4], "withdrawal in cash" | "credit in cash" | "credit card withdrawal") && !by_bank
    };
    let is_bank = |f: &[&str]| {
        matches!(f[7], "payment for statement" | "sanction interest if negative balance" | "interest credited")
    };
    let is_other = |f: &[&str]| !is_cash(f) && !is_bank(f);
    let mut accounts: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.split(';').nth(1)).collect();
    accounts.sort_unstable();
    accounts.dedup();
    assert_eq!(accounts.len(), 354);
    // Accounts without rows are counted, not parsed.
    let products = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(feed.out(&format!("{name}.ndjson"))).unwrap();
        assert_eq!(text.lines().count(), 4_500);
        let id = |line: &str| line.split('"').nth(3).unwrap().to_string();
        let lines = text.lines().filter(|line| accounts.contains(&id(line).as_str()));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (summaries, reports) = (products("detail-summary"), products("report"));
    assert!(reports.iter().all(|report| report["funds"].as_array().unwrap().len() <= 12));
    for account in &accounts {
        let of = |products: &[Value]| products.iter().find(|p| p["account_id"] == **account).unwrap().clone();
        for (product, period) in [(of(&summaries), month as fn(&str) -> String), (of(&reports), quarter)] {
            check(&product, "funds", "", &sums(&csv, account, period, |_| true));
            check(&product, "funds", "cash_", &sums(&csv, account, period, is_cash).or_all(&product));
            check(&product, "opening_bank", "", &sums(&csv, account, period, is_bank).or_all(&product));
            check(&product, "other", "", &sums(&csv, account, period, is_other).or_all(&product));
        }
    }
}

/// Lets a class without rows pass the guard against comparing nothing: its periods are all zero.
trait OrAll {
    fn or_all(self, product: &Value) -> Self;
}

impl OrAll for Periods {
    fn or_all(mut self, product: &Value) -> Periods {
        for row in product["funds"].as_array().unwrap() {
            self.entry(row["period"].as_str().unwrap().to_string()).or_default();
        }
        self
    }
}
