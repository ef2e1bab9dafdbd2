//! The books: balances, own transfers, reversals, due dates, openings and closings of accounts.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Row, accounts, effect, feed, fen, key, profile, read, run, second};
use crate::Date;

#[test]
fn balances_chain_in_the_feeds_order() {
    let (folder, _) = run(|options| options.accounts = 300);
    let mut accounts: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for (_, row) in feed(&folder) {
        accounts.entry(row["account_id"].clone()).or_default().push(row);
    }
    let (mut checked, mut without, mut overdrawn) = (0, 0, HashSet::new());
    for rows in accounts.values_mut() {
        rows.sort_by_key(|row| {
            let seq: i64 = row["seq"].parse().unwrap_or(i64::MIN);
            (row["booked_at"].parse::<i64>().unwrap(), seq, row["txn_id"].clone())
        });
        let mut balance: Option<i128> = None;
        for row in rows.iter() {
            balance = balance.map(|balance| balance + effect(row).0);
            if row["balance"].is_empty() {
                without += 1;
                continue;
            }
            let shown = fen(row, "balance");
            if shown < 0 {
                overdrawn.insert(row["account_id"].clone());
            }
            assert_eq!(balance.unwrap_or(shown), shown, "{row:?}");
            balance = Some(shown);
            checked += 1;
        }
    }
    assert!(checked > 30_000 && without > 0, "{checked} {without}");
    // 2.5 % of the accounts have an overdraft.
    assert!(overdrawn.len() < 30, "{}", overdrawn.len());
}

#[test]
fn only_accounts_with_an_overdraft_go_below_zero() {
    let balances = |share: &str| {
        let (folder, _) = run(|options| options.profile = profile(&[("overdrafts = 25", share)]));
        feed(&folder).iter().any(|(_, row)| row["balance"].starts_with('-'))
    };
    assert!(!balances("overdrafts = 0"));
    assert!(balances("overdrafts = 1000"));
}

#[test]
fn both_sides_book_own_transfers() {
    // If all rows show the account, each transfer has a mirror row.
    let shown = ("shown = [400, 400, 100, 100]", "shown = [500, 500, 0, 0]");
    let (folder, _) = run(|options| (options.accounts, options.profile) = (300, profile(&[shown])));
    let accounts = accounts(&folder);
    let labels = read(&folder.0.join("expected/labels.parquet"));
    let labels: HashMap<_, _> = labels.iter().map(|label| (key(label), label["class"].clone())).collect();
    // (account, other account, day, amount, whether the first receives): rows of the first less rows of the other
    let mut sides: HashMap<(String, String, i64, i128, bool), i32> = HashMap::new();
    let mut transfers = 0;
    for (_, row) in feed(&folder) {
        let (account, other) = (row["account_id"].clone(), row["counterparty_account"].clone());
        if accounts.contains_key(&other) {
            assert_eq!(labels[&key(&row)], "SAME_NAME");
            assert_eq!(accounts[&account]["subject_uscc"], accounts[&other]["subject_uscc"]);
            assert_eq!(row["counterparty_bank"], accounts[&other]["bank_code"]);
            let (day, amount) = (second(&row).div_euclid(86_400), fen(&row, "amount"));
            let comes_in = row["direction"] == "C";
            *sides.entry((account.clone(), other.clone(), day, amount, comes_in)).or_default() += 1;
            *sides.entry((other, account, day, amount, !comes_in)).or_default() -= 1;
            transfers += 1;
        }
    }
    assert!(transfers > 1_000 && sides.values().all(|count| *count == 0));
}

#[test]
fn reversals_name_an_earlier_row_with_the_same_values() {
    let (folder, summary) = run(|options| options.accounts = 300);
    let mut earlier: HashMap<(String, String), Row> = HashMap::new();
    let (mut reversals, mut later_month) = (0, 0);
    for (file, row) in feed(&folder) {
        let account = row["account_id"].clone();
        reversals += u64::from(effect(&row).1 < 0);
        if !row["reversal_of"].is_empty() {
            let wrong = &earlier[&(account.clone(), row["reversal_of"].clone())];
            assert_eq!(fen(wrong, "amount"), fen(&row, "amount").abs());
            for column in ["direction", "kind", "counterparty_name", "counterparty_uscc"] {
                assert_eq!(wrong[column], row[column]);
            }
            later_month += u64::from(file[..7].replace('-', "") != wrong["txn_id"][..6]);
        }
        earlier.insert((account, row["txn_id"].clone()), row);
    }
    assert!((800..4_000).contains(&(reversals * 1_000_000 / summary.rows)), "{reversals} of {}", summary.rows);
    assert!(later_month > 0);
}

#[test]
fn taxes_are_on_due_dates_and_late_bookings_name_their_day() {
    let (folder, _) = run(|options| options.accounts = 300);
    let (mut taxes, mut late) = (0, 0);
    for (_, row) in feed(&folder) {
        let days = second(&row).div_euclid(86_400) as i32;
        let (_, month, day) = crate::calendar::civil(days);
        if row["kind"] == "TAX" && effect(&row).1 > 0 {
            assert!((8..=17).contains(&day), "{row:?}");
            taxes += 1;
        }
        if let Some(value) = row["remark"].strip_prefix("补记") {
            let value: u32 = value[..4].parse().unwrap();
            assert_ne!(value, month * 100 + day);
            late += 1;
        }
    }
    assert!(taxes > 300 && late > 20, "{taxes} {late}");
}

#[test]
fn businesses_fail_and_close() {
    let failing = ("failures_a_year = 60", "failures_a_year = 700");
    let (folder, _) = run(|options| {
        (options.accounts, options.months, options.profile) = (200, 24, profile(&[failing]));
    });
    let accounts = accounts(&folder);
    let mut last: HashMap<String, (i64, i128)> = HashMap::new();
    for (_, row) in feed(&folder) {
        let balance = if row["balance"].is_empty() { -1 } else { fen(&row, "balance") };
        last.insert(row["account_id"].clone(), (second(&row).div_euclid(86_400), balance));
    }
    let (mut closed, mut dormant) = (0, 0);
    for (id, account) in &accounts {
        if account["closed_on"].is_empty() {
            dormant += u32::from(account["status"] == "dormant");
            continue;
        }
        assert_eq!(account["status"], "closed");
        closed += 1;
        let Some((day, balance)) = last.get(id) else { continue };
        assert!(*day <= account["closed_on"].parse::<i64>().unwrap());
        assert!(*balance <= 0, "{id} closed with {balance}");
    }
    assert!(closed > 20 && dormant > 10, "{closed} {dormant}");
}

#[test]
fn records_begin_with_the_economy_or_with_the_account() {
    let openings = ("openings_a_year = 80", "openings_a_year = 700");
    let (folder, _) = run(|options| (options.accounts, options.profile) = (300, profile(&[openings])));
    let accounts = accounts(&folder);
    let first = Date::new(2025, 6, 1).unwrap().to_days();
    let (mut before, mut within, mut undated) = (0, 0, 0);
    for account in accounts.values() {
        let records_from = account["records_from"].parse::<i32>().ok();
        assert!(records_from.is_none_or(|day| day == first), "{account:?}");
        match account["opened_on"].parse::<i32>() {
            Ok(opened_on) => {
                assert_eq!(records_from.is_some(), opened_on < first, "{account:?}");
                *(if opened_on < first { &mut before } else { &mut within }) += 1;
            }
            Err(_) => undated += 1,
        }
    }
    assert!(before > 50 && within > 50 && undated > 3, "{before} {within} {undated}");
    // The balance before the first row is zero in an account with complete records.
    let mut seen = HashSet::new();
    let (mut complete, mut carried) = (0, 0);
    for (_, row) in feed(&folder) {
        if seen.insert(row["account_id"].clone()) && !row["balance"].is_empty() {
            let opening = fen(&row, "balance") - effect(&row).0;
            if accounts[&row["account_id"]]["records_from"].is_empty() {
                assert_eq!(opening, 0, "{row:?}");
                complete += 1;
            } else {
                carried += u32::from(opening != 0);
            }
        }
    }
    assert!(complete > 50 && carried > 50, "{complete} {carried}");
}
