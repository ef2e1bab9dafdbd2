//! Generates small economies and reads them back: what must hold of every feed, whatever its figures.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{Class, Date, Error, Format, Options, Summary, generate};

/// A folder that is removed with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("datagen-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Folder(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind is no reason to fail.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A cell as text; null as an empty one.
type Row = HashMap<String, String>;

fn run(change: impl FnOnce(&mut Options)) -> (Folder, Summary) {
    let folder = Folder::new();
    let mut options = Options::new(60, 7, 11, &folder.0);
    change(&mut options);
    let summary = generate(&options, &mut |_| {}).unwrap();
    (folder, summary)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn read(path: &Path) -> Vec<Row> {
    let file = fs::File::open(path).unwrap();
    let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    batches.flat_map(|batch| rows(&batch.unwrap())).collect()
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let schema = batch.schema();
    let cells = |row: usize| {
        let columns = schema.fields().iter().zip(batch.columns());
        columns.map(|(field, column)| (field.name().clone(), cell(column.as_ref(), row))).collect()
    };
    (0..batch.num_rows()).map(cells).collect()
}

fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Decimal128(_, 2) => column.as_primitive::<Decimal128Type>().value(row).to_string(),
        DataType::Timestamp(..) => column.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
        DataType::List(_) => {
            let names = column.as_list::<i32>().value(row);
            names.as_string::<i32>().iter().flatten().collect::<Vec<_>>().join("|")
        }
        _ => String::new(),
    }
}

fn feed(folder: &Folder) -> Vec<(String, Row)> {
    let months = files(&folder.0.join("transactions")).into_iter();
    let rows = months.flat_map(|path| {
        let month = path.file_stem().unwrap().to_str().unwrap().to_owned();
        read(&path).into_iter().map(move |row| (month.clone(), row))
    });
    rows.collect()
}

fn fen(row: &Row, column: &str) -> i128 {
    row[column].parse().unwrap()
}

/// What the row adds to the balance, and its sign as a contribution to its direction.
fn effect(row: &Row) -> (i128, i128) {
    let amount = fen(row, "amount");
    let sign = if amount < 0 || !row["reversal_of"].is_empty() { -1 } else { 1 };
    let direction = if row["direction"] == "C" { 1 } else { -1 };
    (direction * sign * amount.abs(), sign)
}

/// The code's check character, written apart from the generator's.
fn is_uscc(code: &str) -> bool {
    let values: Option<Vec<usize>> =
        code.chars().map(|c| "0123456789ABCDEFGHJKLMNPQRTUWXY".chars().position(|known| known == c)).collect();
    let Some(values) = values.filter(|values| values.len() == 18) else {
        return false;
    };
    let weights = std::iter::successors(Some(1), |weight| Some(weight * 3 % 31));
    let sum: usize = values.iter().take(17).zip(weights).map(|(value, weight)| value * weight).sum();
    (sum + values[17]).is_multiple_of(31)
}

#[test]
fn same_options_same_bytes() {
    for format in [Format::Parquet, Format::Csv, Format::Arrow] {
        let options = |options: &mut Options| {
            options.format = format;
            options.dirty = 0.01;
            options.months = 3;
        };
        let ((one, _), (two, _)) = (run(options), run(options));
        let (other, _) = run(|o| {
            options(o);
            o.seed += 1;
        });
        for part in ["transactions", "expected", ""] {
            let names = files(&one.0.join(part)).into_iter().filter(|path| path.is_file());
            for path in names {
                let name = path.strip_prefix(&one.0).unwrap();
                let bytes = fs::read(&path).unwrap();
                assert_eq!(bytes, fs::read(two.0.join(name)).unwrap(), "{}", name.display());
                assert_ne!(bytes, fs::read(other.0.join(name)).unwrap(), "{}", name.display());
            }
        }
    }
}

#[test]
fn balances_chain_in_the_feeds_order() {
    let (folder, _) = run(|_| {});
    let mut accounts: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for (_, row) in feed(&folder) {
        accounts.entry(row["account_id"].clone()).or_default().push(row);
    }
    let (mut checked, mut without) = (0, 0);
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
            assert!(shown >= 0);
            assert_eq!(balance.unwrap_or(shown), shown, "{row:?}");
            balance = Some(shown);
            checked += 1;
        }
    }
    assert!(checked > 5_000 && without > 0, "{checked} {without}");
}

#[test]
fn labels_and_totals_are_those_of_the_rows() {
    let (folder, summary) = run(|options| options.dirty = 0.02);
    let mut labels: HashMap<(String, String), String> = HashMap::new();
    for label in read(&folder.0.join("expected/labels.parquet")) {
        let key = (label["account_id"].clone(), label["txn_id"].clone());
        assert!(labels.insert(key, label["class"].clone()).is_none());
    }
    assert_eq!(labels.len() as u64, summary.rows);
    assert_eq!(summary.rows_by_class.iter().map(|(_, rows)| rows).sum::<u64>(), summary.rows);

    let mut sums: BTreeMap<(String, String, String), [i128; 4]> = BTreeMap::new();
    let mut seen: HashMap<(String, String), Row> = HashMap::new();
    let mut repeats = 0;
    for (_, row) in feed(&folder) {
        let key = (row["account_id"].clone(), row["txn_id"].clone());
        if let Some(first) = seen.get(&key) {
            assert_eq!(*first, row);
            repeats += 1;
            continue;
        }
        // The id begins with the day, so the month is the row's own whatever file repeats it.
        let month = format!("{}-{}", &row["txn_id"][..4], &row["txn_id"][4..6]);
        let sum = sums.entry((month, key.0.clone(), labels[&key].clone())).or_default();
        let (change, sign) = effect(&row);
        let side = if row["direction"] == "C" { 0 } else { 2 };
        sum[side] += sign;
        sum[side + 1] += if side == 0 { change } else { -change };
        seen.insert(key, row);
    }
    assert_eq!(seen.len() as u64, summary.rows);
    assert!(repeats > 0 && repeats == summary.repeats);
    let dirt = fs::read_to_string(folder.0.join("expected/dirt.csv")).unwrap();
    assert_eq!(dirt.lines().count() as u64, repeats + 1);

    let totals = read(&folder.0.join("expected/totals.parquet"));
    let keys: Vec<_> =
        totals.iter().map(|t| (t["month"].clone(), t["account_id"].clone(), t["class"].clone())).collect();
    assert!(keys.is_sorted());
    let columns = ["in_count", "in_amount", "out_count", "out_amount"];
    let totals: BTreeMap<_, _> = keys.into_iter().zip(totals.iter().map(|t| columns.map(|c| fen(t, c)))).collect();
    assert_eq!(totals, sums);
}

#[test]
fn dirt_lists_where_the_repeats_are() {
    let (folder, _) = run(|options| options.dirty = 0.05);
    let feed = feed(&folder);
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (month, row) in &feed {
        let number = numbers.entry(month).or_default();
        *number += 1;
        if !seen.insert((&row["account_id"], &row["txn_id"])) {
            found.push(format!("{month}.parquet,{number},repeat,{},{}", row["account_id"], row["txn_id"]));
        }
    }
    let dirt = fs::read_to_string(folder.0.join("expected/dirt.csv")).unwrap();
    assert_eq!(dirt.lines().skip(1).collect::<Vec<_>>(), found);
    assert!(found.len() > 200);
}

#[test]
fn reversals_name_an_earlier_row_alike() {
    let (folder, summary) = run(|options| options.accounts = 300);
    let mut earlier: HashMap<(String, String), Row> = HashMap::new();
    let mut reversals = 0;
    for (_, row) in feed(&folder) {
        let account = row["account_id"].clone();
        reversals += u64::from(effect(&row).1 < 0);
        if !row["reversal_of"].is_empty() {
            let wrong = &earlier[&(account.clone(), row["reversal_of"].clone())];
            assert_eq!(fen(wrong, "amount"), fen(&row, "amount").abs());
            for column in ["direction", "kind", "counterparty_name", "counterparty_uscc"] {
                assert_eq!(wrong[column], row[column]);
            }
        }
        earlier.insert((account, row["txn_id"].clone()), row);
    }
    assert!((1_000..4_000).contains(&(reversals * 1_000_000 / summary.rows)), "{reversals} of {}", summary.rows);
}

#[test]
fn accounts_are_valid_and_kept_apart_from_trade() {
    let (folder, summary) = run(|options| options.accounts = 400);
    let accounts = read(&folder.0.join("accounts.parquet"));
    assert_eq!(accounts.len() as u64, summary.accounts);
    let accounts: HashMap<String, Row> = accounts.into_iter().map(|row| (row["account_id"].clone(), row)).collect();
    assert_eq!(accounts.len() as u64, summary.accounts);
    assert!(accounts.values().all(|row| is_uscc(&row["subject_uscc"])));
    let labels = read(&folder.0.join("expected/labels.parquet"));
    let mut counterparty_codes = 0;
    for (label, (_, row)) in labels.iter().zip(feed(&folder)) {
        assert_eq!((&label["account_id"], &label["txn_id"]), (&row["account_id"], &row["txn_id"]));
        let account = &accounts[&row["account_id"]];
        let (uscc, name) = (&row["counterparty_uscc"], &row["counterparty_name"]);
        assert!(uscc.is_empty() || is_uscc(uscc), "{uscc}");
        counterparty_codes += u32::from(!uscc.is_empty());
        let same_code = *uscc == account["subject_uscc"];
        let same_name = uscc.is_empty()
            && !name.is_empty()
            && (*name == account["subject_name"] || *name == account["former_names"]);
        assert_eq!(label["class"] == "SAME_NAME", same_code || same_name, "{row:?}");
        assert_eq!(label["class"] == "CASH", row["kind"].starts_with("CASH_"));
        let unknown = [uscc, name, &row["counterparty_account"]].into_iter().all(|text| text.is_empty());
        if label["class"] == "OTHER" {
            assert_eq!(label["subclass"] == "unidentified", unknown, "{row:?}");
        }
        if !account["closed_on"].is_empty() {
            assert_eq!(account["status"], "closed");
        }
    }
    assert!(counterparty_codes > 1_000);
}

#[test]
fn every_class_occurs() {
    let (_, summary) = run(|options| options.accounts = 300);
    for (class, rows) in summary.rows_by_class {
        assert!(rows > 0, "{class:?}");
    }
    assert_eq!(summary.rows_by_class.map(|(class, _)| class), Class::ALL);
}

#[test]
fn csv_says_what_parquet_says() {
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

/// Fen as CSV shows them, without the point: at least three digits.
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
    let limit = i64::from(end.to_days() + 1) * 86_400_000_000;
    let times: Vec<i64> = feed(&folder).iter().map(|(_, row)| row["booked_at"].parse().unwrap()).collect();
    assert!(times.is_sorted());
    assert!(times.iter().all(|time| *time < limit));
    assert!(times.iter().any(|time| *time > limit - 86_400_000_000 * 3));
}

#[test]
fn odd_options_are_refused_or_served() {
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
    assert!(refused(&|options| options.rows_per_account_month = Some(0)));

    let (folder, _) = run(|options| (options.accounts, options.months) = (1, 1));
    let again = generate(&Options::new(1, 1, 1, &folder.0), &mut |_| {});
    assert!(matches!(again, Err(Error::InUse { .. })));

    // Far more rows than a day has seconds for must end in fewer rows, not in a wrong order.
    let (_, summary) = run(|options| {
        (options.accounts, options.months) = (2, 1);
        options.rows_per_account_month = Some(5_000);
    });
    assert!(summary.rows > 1_000);
}
