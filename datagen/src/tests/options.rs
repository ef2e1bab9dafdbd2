//! Formats, limits of the options, and extreme profiles.

use std::fs;

use super::{Folder, feed, files, profile, read, run, second};
use crate::{Date, Error, Format, Options, generate};

#[test]
fn csv_and_parquet_hold_the_same_values() {
    let change = |options: &mut Options| {
        options.accounts = 5;
        options.months = 1;
    };
    let (parquet, summary) = run(change);
    let (text, _) = run(|options| {
        change(options);
        options.format = Format::Csv;
    });
    let path = files(&text.0.join("transactions")).remove(0);
    assert_eq!(path.file_name().unwrap(), "2025-12.csv");
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count() as u64, summary.rows + 1);
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    for (line, (_, row)) in text.lines().skip(1).zip(feed(&parquet)) {
        for (column, value) in header.iter().zip(line.split(',')) {
            match *column {
                "booked_at" => assert!(value.starts_with("2025-12-") && value.len() == 19, "{value}"),
                "amount" | "balance" => assert_eq!(value.replace('.', ""), money(&row[*column]), "{column}"),
                _ => assert_eq!(value, row[*column], "{column}"),
            }
        }
    }
}

/// Fen as in CSV without the point: at least three digits.
fn money(fen: &str) -> String {
    match fen.strip_prefix('-') {
        Some(digits) => format!("-{digits:0>3}"),
        None if fen.is_empty() => String::new(),
        None => format!("{fen:0>3}"),
    }
}

#[test]
fn the_last_month_stops_at_the_end() {
    let end = Date::new(2024, 2, 9).unwrap();
    let (folder, _) = run(|options| {
        options.end = Some(end);
        options.months = 2;
    });
    let limit = i64::from(end.to_days() + 1) * 86_400;
    let times: Vec<i64> = feed(&folder).iter().map(|(_, row)| second(row)).collect();
    assert!(times.is_sorted());
    assert!(times.iter().all(|time| *time < limit));
    assert!(times.iter().any(|time| *time > limit - 86_400 * 3));
}

#[test]
fn unusual_options_are_refused_or_work() {
    let refused = |change: &dyn Fn(&mut Options)| {
        let folder = Folder::new();
        let mut options = Options::new(2, 1, 1, &folder.0);
        change(&mut options);
        matches!(generate(&options, &mut |_| {}), Err(Error::Option { .. }))
    };
    assert!(refused(&|options| options.accounts = 0));
    assert!(refused(&|options| options.months = 0));
    assert!(refused(&|options| options.months = 100_000));
    assert!(refused(&|options| options.dirty = f64::NAN));
    assert!(refused(&|options| options.dirty = 0.9));
    assert!(refused(&|options| options.threads = Some(0)));
    assert!(refused(&|options| options.rows_per_account_month = Some(0)));

    let (folder, _) = run(|options| (options.accounts, options.months) = (1, 1));
    let again = generate(&Options::new(1, 1, 1, &folder.0), &mut |_| {});
    assert!(matches!(again, Err(Error::InUse { .. })));

    // Many rows per account, the longest feed, and feeds of few rows.
    let (_, summary) = run(|options| {
        (options.accounts, options.months) = (2, 1);
        options.rows_per_account_month = Some(5_000);
    });
    assert!(summary.rows > 1_000);
    let (_, summary) = run(|options| (options.accounts, options.months) = (1, 240));
    assert!(summary.rows > 0);
    for end in ["1990-01-01", "2100-12-31"] {
        run(|options| (options.months, options.end, options.dirty) = (1, Some(end.parse().unwrap()), 0.5));
    }
}

#[test]
fn extreme_profiles_generate_complete_feeds() {
    let changes: [&[(&str, &str)]; 3] = [
        // All businesses fail and borrow, and all names are spelled in another way.
        &[
            ("failures_a_year = 60", "failures_a_year = 1000"),
            ("borrowers = 180", "borrowers = 1000"),
            ("trade = 60", "trade = 1000"),
            ("\nown = 40", "\nown = 1000"),
            ("reversals = 2600", "reversals = 500000"),
            ("late = 3000", "late = 500000"),
        ],
        // A very large industry with the widest distributions.
        &[
            ("turnover_yuan = 160000", "turnover_yuan = 100000000"),
            ("rows = 1250", "rows = 100000"),
            ("idle = 3500", "idle = 100000"),
            ("size_sigma = 1150", "size_sigma = 2000"),
            ("principal = [800, 3500]", "principal = [60000, 60000]"),
        ],
        // A month without trade, and trade without weekends.
        &[
            ("season = [1120, 980", "season = [0, 10000"),
            ("weekend = 900", "weekend = 0"),
            ("customers = 40", "customers = 1"),
        ],
    ];
    for changes in changes {
        let (folder, summary) = run(|options| options.profile = profile(changes));
        assert!(summary.rows > 1_000);
        assert_eq!(read(&folder.0.join("expected/labels.parquet")).len() as u64, summary.rows);
    }
}
