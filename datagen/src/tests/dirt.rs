//! Dirt: it changes no answer, and `dirt.csv` lists all of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;

use super::{Folder, Row, accounts, feed, key, read, run, second};

#[test]
fn dirt_changes_no_answer() {
    let (clean, _) = run(|options| options.accounts = 100);
    let (dirty, summary) = run(|options| (options.accounts, options.dirty, options.max_rejects) = (100, 0.05, 20));
    let clean_totals = fs::read(clean.0.join("expected/totals.parquet")).unwrap();
    assert_eq!(clean_totals, fs::read(dirty.0.join("expected/totals.parquet")).unwrap());
    let labels = |folder: &Folder| {
        let labels = read(&folder.0.join("expected/labels.parquet"));
        labels.iter().map(|label| (key(label), label["class"].clone())).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(labels(&clean), labels(&dirty));
    assert!(summary.bad_rows > 0 && summary.repeats > 0);
    assert!(!clean.0.join("expected/dirt.csv").exists() && !clean.0.join("expected/refused").exists());
    assert!(dirty.0.join("expected/refused/refused.csv").exists());
}

/// One line of `dirt.csv`.
struct Listed {
    file: String,
    row: usize,
    what: String,
    code: String,
    key: (String, String),
}

fn dirt(folder: &Folder) -> Vec<Listed> {
    let text = fs::read_to_string(folder.0.join("expected/dirt.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("file,row,what,code,account_id,txn_id"));
    let listed = lines.map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let [file, row, what, code, account, txn] = fields[..] else { panic!("{line}") };
        Listed {
            file: file.to_owned(),
            row: row.parse().unwrap_or_default(),
            what: what.to_owned(),
            code: code.to_owned(),
            key: (account.to_owned(), txn.to_owned()),
        }
    });
    listed.collect()
}

#[test]
fn dirt_csv_lists_all_dirt() {
    let (clean, _) = run(|options| options.accounts = 100);
    let known: HashSet<(String, String)> = feed(&clean).iter().map(|(_, row)| key(row)).collect();
    let (folder, summary) = run(|options| (options.accounts, options.dirty, options.max_rejects) = (100, 0.05, 9));
    let mut by_file: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for (file, row) in feed(&folder) {
        by_file.entry(file).or_default().push(row);
    }
    let listed = dirt(&folder);
    let mut whats: HashMap<&str, u64> = HashMap::new();
    let mut bad: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &listed {
        *whats.entry(&entry.what).or_default() += 1;
        match entry.what.as_str() {
            "resent_file" => {
                let original = by_file.iter().filter(|(file, _)| !file.contains("resent"));
                assert!(original.filter(|(_, rows)| **rows == by_file[&entry.file]).count() == 1);
                continue;
            }
            "renamed_file" => {
                assert!(by_file.contains_key(&entry.file) && entry.file.len() == "xx-2025-12.parquet".len());
                continue;
            }
            "max_rejects" => {
                assert_eq!(entry.row as u64, summary.max_rejects);
                continue;
            }
            _ => {}
        }
        let row = &by_file[&entry.file][entry.row - 1];
        assert_eq!(key(row), entry.key);
        let is_new = !known.contains(&entry.key);
        match entry.code.as_str() {
            "" | "duplicate_conflict" => assert!(!is_new, "{row:?}"),
            _ => assert!(is_new, "{row:?}"),
        }
        match entry.code.as_str() {
            "null_required" => assert!(row["direction"].is_empty()),
            "bad_direction" => assert_eq!(row["direction"], "X"),
            "unknown_kind" => assert_eq!(row["kind"], "SALARY"),
            "bad_currency" => assert_eq!(row["currency"], "USD"),
            "amount_range" => assert_eq!(row["amount"], "1000000000000000000"),
            "bad_time" => assert!(second(row) > 15_000_000_000),
            "unknown_account" => assert!(!accounts(&folder).contains_key(&row["account_id"])),
            "bad_value" => assert_eq!(row["channel"], "telegram"),
            _ => {}
        }
        *bad.entry(&entry.file).or_default() += u64::from(entry.what == "bad_row");
    }
    for what in ["repeat", "late_row", "moved_row", "bad_row", "resent_file", "renamed_file", "max_rejects"] {
        assert!(whats.contains_key(what), "{what}");
    }
    assert_eq!(bad.values().sum::<u64>(), summary.bad_rows);
    assert_eq!(bad.values().copied().max(), Some(summary.max_rejects));
    assert!(summary.max_rejects <= 9);
    // Every row is a transaction, a repeat or bad.
    let rows: u64 = by_file.values().map(|rows| rows.len() as u64).sum();
    assert_eq!(rows, summary.rows + summary.repeats + summary.bad_rows);
}

#[test]
fn late_rows_come_a_month_later_and_files_are_out_of_order() {
    let (folder, _) = run(|options| (options.accounts, options.dirty) = (100, 0.05));
    let late = dirt(&folder).into_iter().filter(|entry| entry.what == "late_row");
    let mut count = 0;
    for entry in late {
        let month = entry.file.replace(".parquet", "").split_off(entry.file.find("20").unwrap());
        assert_ne!(month.replace('-', ""), entry.key.1[..6]);
        count += 1;
    }
    assert!(count > 20, "{count}");
    let months = feed(&folder);
    let first: Vec<String> =
        months.chunk_by(|a, b| a.0 == b.0).map(|rows| rows[0].1["txn_id"][..6].to_owned()).collect();
    assert!(!first.is_sorted(), "{first:?}");
}
