//! Each bench of `benches/` at a small size: that it runs and does all its work. Times decide nothing here.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, RecordBatchReader as _, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema};
use liushui::batch::build::{BuildOptions, build};
use liushui::batch::classify::{ClassifyOptions, classify};
use liushui::class::{key_input, normalise};
use liushui::observer::{NoObserver, Observer};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

#[path = "../../benches/decode.rs"]
mod decode_bench;
#[path = "../../benches/kernels.rs"]
mod kernels;
#[path = "../../benches/preclassified.rs"]
mod preclassified;

fn feed(folder: &Path, accounts: u32) -> u64 {
    datagen::generate(&datagen::Options::new(accounts, 3, 5, folder), &mut |_| {}).unwrap().rows
}

#[test]
fn kernels_take_every_row_and_account() {
    let folder = tempfile::tempdir().unwrap();
    let rows = feed(folder.path(), 20);
    let steps = kernels::run(&folder.path().join("transactions"), &folder.path().join("accounts.parquet")).unwrap();
    let of = |unit: &str| steps.iter().filter(|step| step.unit == unit).map(|step| step.count).collect::<Vec<_>>();
    assert_eq!(of("row"), [rows; 7]);
    assert_eq!(of("account"), [20; 6]);
    assert!(of("cell").iter().all(|count| (1..=20 * 3 * 2).contains(count)));
    assert_eq!(kernels::table(&steps).lines().count(), steps.len() + 1);
}

#[test]
fn a_build_of_given_classes_and_keys_makes_the_same_products() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let rows = feed(&at("feed"), 20);
    let (transactions, accounts) = (at("feed/transactions"), at("feed/accounts.parquet"));
    let observer = Arc::new(NoObserver) as Arc<dyn Observer>;
    let whole = BuildOptions::new(transactions.clone(), accounts.clone(), at("whole"), 1_767_225_600);
    build(&whole, &observer).unwrap();
    let classes = ClassifyOptions::new(transactions.clone(), accounts.clone(), at("classes.parquet"));
    classify(&classes, &observer).unwrap();
    prepare(&transactions, &at("classes.parquet"), &at("prepared/transactions"));
    std::fs::copy(&accounts, at("prepared/accounts.parquet")).unwrap();

    let options = preclassified::options(&at("prepared"), &at("given"), &at("whole/run.json")).unwrap();
    assert_eq!(preclassified::run(&options).unwrap() as u64, rows);
    for product in ["detail-summary.parquet", "report.parquet"] {
        let bytes = |folder: &str| std::fs::read(at(folder).join(product)).unwrap();
        assert!(bytes("given") == bytes("whole"), "{product}");
    }
}

/// The feed with class and counterparty key as columns, as `peers/prepare.py` makes it.
fn prepare(transactions: &Path, classes: &Path, prepared: &Path) {
    std::fs::create_dir_all(prepared).unwrap();
    let classes = read(classes);
    let mut first = 0;
    let mut files: Vec<_> = std::fs::read_dir(transactions).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for path in files {
        let table = read(&path);
        let texts = |name: &str| cast(table.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
        let [uscc, name, account] = ["counterparty_uscc", "counterparty_name", "counterparty_account"].map(texts);
        let keys: StringArray = (0..table.num_rows())
            .map(|row| {
                let text = |array: &ArrayRef| {
                    let texts = array.as_string::<i32>();
                    texts.is_valid(row).then(|| texts.value(row).trim().to_string())
                };
                let (mut normalised, mut scratch) = (String::new(), String::new());
                normalise(&text(&name).unwrap_or_default(), &mut normalised);
                key_input(text(&uscc).as_deref(), &normalised, text(&account).as_deref(), &mut scratch)
                    .map(String::from)
            })
            .collect();
        let class = classes.column_by_name("class").unwrap().slice(first, table.num_rows());
        first += table.num_rows();
        let mut fields = table.schema().fields().to_vec();
        fields.push(Arc::new(Field::new("class", class.data_type().clone(), true)));
        fields.push(Arc::new(Field::new("counterparty_key", DataType::Utf8, true)));
        let mut columns = table.columns().to_vec();
        columns.extend([class, Arc::new(keys) as ArrayRef]);
        let table = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        let file = File::create(prepared.join(path.file_name().unwrap())).unwrap();
        let mut writer = ArrowWriter::try_new(file, table.schema(), None).unwrap();
        writer.write(&table).unwrap();
        writer.close().unwrap();
    }
    assert_eq!(first, classes.num_rows());
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    let schema = reader.schema();
    concat_batches(&schema, &reader.map(Result::unwrap).collect::<Vec<_>>()).unwrap()
}

#[test]
fn light_decodes_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let rows = feed(folder.path(), 20);
    let files = std::fs::read_dir(folder.path().join("transactions")).unwrap();
    let decoded: usize = files.map(|file| decode_bench::decode(&file.unwrap().path()).unwrap().0).sum();
    assert_eq!(decoded as u64, rows);
}

/// Needs Python with the peers, as `benches/peers/setup.sh` makes it: `LIUSHUI_PEERS_PYTHON` tells the interpreter.
#[test]
fn peers_compute_the_same_values() {
    let Some(python) = std::env::var_os("LIUSHUI_PEERS_PYTHON") else {
        return eprintln!("skipped: LIUSHUI_PEERS_PYTHON names no Python with the peers");
    };
    let folder = tempfile::tempdir().unwrap();
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/run.py");
    let compared = std::process::Command::new(&python)
        .arg(run)
        .args(["--selftest", "--liushui", env!("CARGO_BIN_EXE_liushui")])
        .arg("--python")
        .arg(&python)
        .arg("--work")
        .arg(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&compared.stderr);
    assert!(compared.status.success(), "{told}");
    for peer in ["duckdb", "polars", "datafusion"] {
        let is_equal = |line: &str| line.starts_with(peer) && line.ends_with("values compared, 0 differences");
        assert!(told.lines().any(is_equal), "{told}");
    }
}
