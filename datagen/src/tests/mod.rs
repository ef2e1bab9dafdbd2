//! Generates small economies and reads them back: what must hold of every feed, whatever its figures.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

mod modules;

use crate::{Class, Date, Error, Format, Options, Profile, Summary, Trap, generate};

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

/// The built-in profile with `from` replaced by `to`.
fn profile(changes: &[(&str, &str)]) -> Option<Profile> {
    let mut text = Profile::BUILT_IN.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    Some(Profile::parse(&text).unwrap())
}

/// All files below a folder, sorted by path.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Path below the folder to the bytes.
fn bytes(folder: &Folder) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| (path.strip_prefix(&folder.0).unwrap().to_owned(), fs::read(&path).unwrap());
    files(&folder.0).into_iter().map(read).collect()
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
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Decimal128(_, 2) => column.as_primitive::<Decimal128Type>().value(row).to_string(),
        DataType::Timestamp(..) => column.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
        DataType::Date32 => column.as_primitive::<arrow::datatypes::Date32Type>().value(row).to_string(),
        DataType::List(_) => {
            let names = column.as_list::<i32>().value(row);
            names.as_string::<i32>().iter().flatten().collect::<Vec<_>>().join("|")
        }
        other => panic!("{other}"),
    }
}

/// The rows of the feed with the file each is in, in the order of the paths.
fn feed(folder: &Folder) -> Vec<(String, Row)> {
    let files = files(&folder.0.join("transactions")).into_iter();
    let rows = files.flat_map(|path| {
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        read(&path).into_iter().map(move |row| (file.clone(), row))
    });
    rows.collect()
}

fn accounts(folder: &Folder) -> HashMap<String, Row> {
    let accounts = read(&folder.0.join("accounts.parquet"));
    let count = accounts.len();
    let accounts: HashMap<String, Row> = accounts.into_iter().map(|row| (row["account_id"].clone(), row)).collect();
    assert_eq!(accounts.len(), count);
    accounts
}

fn key(row: &Row) -> (String, String) {
    (row["account_id"].clone(), row["txn_id"].clone())
}

fn fen(row: &Row, column: &str) -> i128 {
    row[column].parse().unwrap()
}

fn second(row: &Row) -> i64 {
    row["booked_at"].parse::<i64>().unwrap() / 1_000_000
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

// --- the same bytes

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
        let (one, two, other) = (bytes(&one), bytes(&two), bytes(&other));
        assert_eq!(one, two);
        let labels = Path::new("expected/labels.parquet");
        assert_ne!(one[labels], other[labels]);
    }
}

#[test]
fn threads_and_memory_change_no_byte() {
    let options = |options: &mut Options| {
        options.accounts = 4_000;
        options.months = 2;
        options.dirty = 0.002;
    };
    let base = |threads: usize, rows_in_memory: Option<u64>| {
        let (folder, summary) = run(|o| {
            options(o);
            o.threads = Some(threads);
            o.rows_in_memory = rows_in_memory;
        });
        assert!(summary.rows > 2 * 100_000);
        assert!(files(&folder.0).iter().all(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.')));
        (bytes(&folder), summary)
    };
    let one = base(1, None);
    // Parts of a day, days, everything in memory.
    for (threads, rows_in_memory) in [(2, None), (3, Some(1_000)), (1, Some(40_000))] {
        assert!(base(threads, rows_in_memory) == one, "{threads} threads, {rows_in_memory:?} rows in memory");
    }
}

// --- the books

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
    // 2.5 % of the accounts may be overdrawn.
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
fn own_transfers_stand_on_both_sides() {
    // With all sides showing the account, each must have its mirror.
    let shown = ("shown = [400, 400, 100, 100]", "shown = [500, 500, 0, 0]");
    let (folder, _) = run(|options| (options.accounts, options.profile) = (300, profile(&[shown])));
    let accounts = accounts(&folder);
    let labels = read(&folder.0.join("expected/labels.parquet"));
    let labels: HashMap<_, _> = labels.iter().map(|label| (key(label), label["class"].clone())).collect();
    // (account, other account, day, amount, direction as the first sees it): one side less the other
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
fn reversals_name_an_earlier_row_alike() {
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
fn taxes_come_on_due_dates_and_late_bookings_tell_their_day() {
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

// --- the expected answers

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
    // What is ambiguous shows no credit code.
    for trap in traps.iter().filter(|trap| trap["ambiguous"] == "true") {
        assert!(rows[&key(trap)]["counterparty_uscc"].is_empty());
    }
}

#[test]
fn accounts_are_valid_and_kept_apart_from_trade() {
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
        // Own names spelled otherwise are equal once width and spaces are put aside, or ambiguous; so are namesakes.
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
    // The balance before the first row: an account whose records are complete begins with nothing.
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
fn what_comes_out_is_what_the_profile_asks_for() {
    let (_, summary) = run(|options| (options.accounts, options.months) = (2_000, 12));
    let mean = summary.rows / summary.accounts / 12;
    assert!((25..=35).contains(&mean), "{mean} rows an account and month");
    let report = summary.shape.report(&Profile::default());
    assert!(report.contains("Holders by industry") && report.contains("Sunday"), "{report}");
    // Shares in percent, asked and got, of the tables that have both.
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

// --- dirt

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
fn dirt_lists_what_was_done() {
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
    // All rows that are no first sending are repeats or bad.
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

// --- formats and limits

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
    let limit = i64::from(end.to_days() + 1) * 86_400;
    let times: Vec<i64> = feed(&folder).iter().map(|(_, row)| second(row)).collect();
    assert!(times.is_sorted());
    assert!(times.iter().all(|time| *time < limit));
    assert!(times.iter().any(|time| *time > limit - 86_400 * 3));
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
    assert!(refused(&|options| options.threads = Some(0)));
    assert!(refused(&|options| options.rows_per_account_month = Some(0)));

    let (folder, _) = run(|options| (options.accounts, options.months) = (1, 1));
    let again = generate(&Options::new(1, 1, 1, &folder.0), &mut |_| {});
    assert!(matches!(again, Err(Error::InUse { .. })));

    // Many rows for an account, the longest feed, and no row at all.
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
fn extreme_profiles_do_not_break_the_books() {
    let changes: [&[(&str, &str)]; 3] = [
        // Everybody fails, borrows, and spells everything otherwise.
        &[
            ("failures_a_year = 60", "failures_a_year = 1000"),
            ("borrowers = 180", "borrowers = 1000"),
            ("trade = 60", "trade = 1000"),
            ("\nown = 40", "\nown = 1000"),
            ("reversals = 2600", "reversals = 500000"),
            ("late = 3000", "late = 500000"),
        ],
        // One industry, no season, giants.
        &[
            ("turnover_yuan = 160000", "turnover_yuan = 100000000"),
            ("rows = 1250", "rows = 100000"),
            ("idle = 3500", "idle = 100000"),
            ("size_sigma = 1150", "size_sigma = 2000"),
            ("principal = [800, 3500]", "principal = [60000, 60000]"),
        ],
        // A month without trade, a trade without weekend.
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
