//! Properties of every feed, whatever its figures: the tests generate small economies and read them back.

mod answers;
mod books;
mod dirt;
mod modules;
mod options;
mod reproducible;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{Options, Profile, Summary, generate};

/// A temporary folder that is removed on drop.
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
        // A folder that cannot be removed is no reason to fail.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The cells of a row as text by column. Null is an empty text.
type Row = HashMap<String, String>;

fn run(change: impl FnOnce(&mut Options)) -> (Folder, Summary) {
    let folder = Folder::new();
    let mut options = Options::new(60, 7, 11, &folder.0);
    change(&mut options);
    let summary = generate(&options, &mut |_| {}).unwrap();
    (folder, summary)
}

/// The built-in profile with each first text replaced by the second.
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

/// The bytes of all files by path within the folder.
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

/// The rows of the feed with the name of their file, in the order of the paths.
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

/// The change of the balance by the row, and the sign of its contribution to its direction.
fn effect(row: &Row) -> (i128, i128) {
    let amount = fen(row, "amount");
    let sign = if amount < 0 || !row["reversal_of"].is_empty() { -1 } else { 1 };
    let direction = if row["direction"] == "C" { 1 } else { -1 };
    (direction * sign * amount.abs(), sign)
}

/// The check of the code, written independently of the generator.
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
