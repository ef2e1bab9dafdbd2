//! The expected answers: labels, totals and traps agree with the rows, and the shape with the profile.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Row, accounts, effect, feed, fen, is_uscc, key, read, run};
use crate::{Class, Profile, Trap};

#[test]
fn labels_and_totals_are_those_of_the_rows() {
    let (folder, summary) = run(|options| (options.dirty, options.max_rejects) = (0.02, 0));
    let mut labels: HashMap<(String, String), String> = HashMap::new();
    for label in read(&folder.0.join("expected/labels.parquet")) {
        assert!(labels.insert(key(&label), label["class"].clone()).is_none());
    }
    assert_eq!(labels.len() as u64, summary.rows);
    assert_eq!(summary.rows_by_class.iter().map(|(_, rows)| rows).sum::<u64>(), summary.rows);

    let mut sums: BTreeMap<(String, String, String), [i128; 4]> = BTreeMap::new();
    let mut seen: HashMap<(String, String), Row> = HashMap::new();
    let mut repeats = 0;
    for (_, row) in feed(&folder) {
        let key = key(&row);
        if let Some(first) = seen.get(&key) {
            assert_eq!(*first, row);
            repeats += 1;
            continue;
        }
        // The identifier begins with the day, so the month is right whichever file holds the row.
        let month = format!("{}-{}", &row["txn_id"][..4], &row["txn_id"][4..6]);
        let sum = sums.entry((month, key.0.clone(), labels[&key].clone())).or_default();
        let (change, sign) = effect(&row);
        let side = if row["direction"] == "C" { 0 } else { 2 };
        sum[side] += sign;
        sum[side + 1] += if side == 0 { change } else { -change };
        seen.insert(key, row);
    }
    assert_eq!(seen.len() as u64, summary.rows);
    assert!(repeats > 0 && repeats == summary.repeats, "{repeats} {}", summary.repeats);

    let totals = read(&folder.0.join("expected/totals.parquet"));
    let months: Vec<&String> = totals.iter().map(|total| &total["month"]).collect();
    assert!(months.is_sorted());
    let columns = ["in_count", "in_amount", "out_count", "out_amount"];
    let totals: BTreeMap<_, _> = totals
        .iter()
        .map(|t| ((t["month"].clone(), t["account_id"].clone(), t["class"].clone()), columns.map(|c| fen(t, c))))
        .collect();
    assert_eq!(totals, sums);
}

#[test]
fn traps_are_rows_of_the_feed_and_ambiguity_is_counted() {
    let (folder, summary) = run(|options| options.accounts = 400);
    let rows: HashMap<_, _> = feed(&folder).into_iter().map(|(_, row)| (key(&row), row)).collect();
    let traps = read(&folder.0.join("expected/traps.parquet"));
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut seen = HashSet::new();
    for trap in &traps {
        assert!(seen.insert(key(trap)));
        assert!(!rows[&key(trap)]["counterparty_name"].is_empty());
        let count = counts.entry(trap["trap"].clone()).or_default();
        count.0 += 1;
        count.1 += u64::from(trap["ambiguous"] == "true");
    }
    let expected: BTreeMap<String, (u64, u64)> =
        summary.traps.iter().map(|(trap, rows, ambiguous)| (trap.name().to_owned(), (*rows, *ambiguous))).collect();
    assert_eq!(counts, expected);
    assert_eq!(summary.ambiguous, counts.values().map(|(_, ambiguous)| ambiguous).sum::<u64>());
    assert!(counts.len() >= Trap::ALL.len() - 2, "{counts:?}");
    // An ambiguous row shows no credit code.
    for trap in traps.iter().filter(|trap| trap["ambiguous"] == "true") {
        assert!(rows[&key(trap)]["counterparty_uscc"].is_empty());
    }
}

#[test]
fn accounts_are_valid_and_differ_from_counterparties() {
    let (folder, summary) = run(|options| options.accounts = 400);
    let accounts = accounts(&folder);
    assert_eq!(accounts.len() as u64, summary.accounts);
    let holders: HashSet<&String> = accounts.values().map(|row| &row["subject_uscc"]).collect();
    assert_eq!(holders.len() as u64, summary.holders);
    assert!(accounts.values().all(|row| is_uscc(&row["subject_uscc"])));
    let labels = read(&folder.0.join("expected/labels.parquet"));
    let traps = read(&folder.0.join("expected/traps.parquet"));
    let traps: HashMap<_, _> = traps.iter().map(|trap| (key(trap), trap["trap"].as_str())).collect();
    let mut counterparty_codes = 0;
    for (label, (_, row)) in labels.iter().zip(feed(&folder)) {
        assert_eq!(key(label), key(&row));
        let account = &accounts[&row["account_id"]];
        let (uscc, name) = (&row["counterparty_uscc"], &row["counterparty_name"]);
        assert!(uscc.is_empty() || is_uscc(uscc), "{uscc}");
        counterparty_codes += u32::from(!uscc.is_empty());
        let same_code = *uscc == account["subject_uscc"];
        let same_name = uscc.is_empty()
            && !name.is_empty()
            && (*name == account["subject_name"] || *name == account["former_names"]);
        // Own names in another spelling are either equal apart from width and spaces, or ambiguous. Namesakes are
        // ambiguous.
        if !traps.contains_key(&key(&row)) {
            assert_eq!(label["class"] == "SAME_NAME", same_code || same_name, "{row:?}");
        }
        assert_eq!(label["class"] == "CASH", row["kind"].starts_with("CASH_"));
        let unknown = [uscc, name, &row["counterparty_account"]].into_iter().all(|text| text.is_empty());
        if label["class"] == "OTHER" {
            assert_eq!(label["subclass"] == "unidentified", unknown, "{row:?}");
        }
    }
    assert!(counterparty_codes > 1_000);
}

#[test]
fn every_class_and_sub_class_occurs() {
    let (folder, summary) = run(|options| options.accounts = 600);
    for (class, rows) in summary.rows_by_class {
        assert!(rows > 0, "{class:?}");
    }
    assert_eq!(summary.rows_by_class.map(|(class, _)| class), Class::ALL);
    let labels = read(&folder.0.join("expected/labels.parquet"));
    let subclasses: HashSet<&str> = labels.iter().map(|label| label["subclass"].as_str()).collect();
    for subclass in [
        "",
        "tax",
        "treasury",
        "social_insurance",
        "housing_fund",
        "customs",
        "fiscal",
        "judicial",
        "education_health",
        "other_public",
        "utility",
        "unidentified",
        "trade",
    ] {
        assert!(subclasses.contains(subclass), "{subclass}");
    }
}

#[test]
fn generated_shares_agree_with_the_profile() {
    let (_, summary) = run(|options| (options.accounts, options.months) = (2_000, 12));
    let mean = summary.rows / summary.accounts / 12;
    assert!((25..=35).contains(&mean), "{mean} rows an account and month");
    let report = summary.shape.report(&Profile::default());
    assert!(report.contains("Holders by industry") && report.contains("Sunday"), "{report}");
    // Asked and generated shares in percent, from the tables that have both.
    let shares: Vec<(f64, f64)> = report
        .lines()
        .filter_map(|line| {
            let mut values = line.get(22..)?.split('%').map(|value| value.trim().parse::<f64>());
            Some((values.next()?.ok()?, values.next()?.ok()?))
        })
        .collect();
    assert_eq!(shares.len(), 8 + 10 + 7);
    for (asked, got) in shares {
        assert!((asked - got).abs() < 5.0, "{asked} {got}\n{report}");
    }
}
