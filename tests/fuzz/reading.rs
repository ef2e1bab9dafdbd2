//! The body of the fuzz targets: reads bytes as a file of one format and checks every row, without a panic.
//!
//! Shared by the targets (`tests/fuzz/targets/`, run by libFuzzer) and by a short run in the tests (`tests/it/fuzz.rs`).

use std::path::PathBuf;
use std::sync::Arc;

use liushui::feed::accounts::AccountIndex;
use liushui::feed::check::Checker;
use liushui::feed::find::find;
use liushui::feed::format::{OpenOptions, open};
use liushui::feed::guard::Limits;
use liushui::feed::mapping::Mapping;
use liushui::feed::reject::FileRejects;
use liushui::feed::sample::sample;
use liushui::feed::schema::TRANSACTIONS;

/// The targets, each with the extension of its files.
pub const TARGETS: [(&str, &str); 6] = [
    ("csv", "csv"),
    ("mapping", "toml"),
    ("arrow", "arrow"),
    ("parquet", "parquet"),
    ("camt", "xml"),
    ("mt940", "sta"),
];

/// Reads bytes as a target does.
pub fn read(target: &str, bytes: &[u8]) {
    match target {
        "mapping" => read_mapping(bytes),
        "arrow" if !bytes.starts_with(b"ARROW1") => read_file("arrows", bytes),
        other => {
            let ending = TARGETS.iter().find(|(name, _)| *name == other).map_or(other, |(_, ending)| *ending);
            read_file(ending, bytes);
        }
    }
}

/// Writes the bytes to a temporary file of this process and thread.
fn file(ending: &str, bytes: &[u8]) -> PathBuf {
    let name = format!("liushui-fuzz-{}-{:?}.{ending}", std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, bytes).expect("the folder for temporary files takes files");
    path
}

fn read_file(ending: &str, bytes: &[u8]) {
    let path = file(ending, bytes);
    let found = find(std::slice::from_ref(&path)).expect("the file is there");
    let options = OpenOptions { table: &TRANSACTIONS, mapping: None, limits: Limits::FEED };
    if let Ok(opened) = open(found[0].path(), &options) {
        for slice in opened.slices() {
            let rejects = FileRejects::default();
            let mut checker = Checker::new(opened.typing, 0, Arc::new(AccountIndex::default()));
            let Ok(reading) = slice.read() else { continue };
            for raw in reading.batches.map_while(Result::ok) {
                let checked = checker.check(&raw, &rejects).expect("columns can be put together");
                assert!(checked.num_rows() <= raw.batch.num_rows());
            }
        }
    }
    std::fs::remove_file(path).ok();
}

/// Reads a mapping and, after a line of `===`, a file for it.
fn read_mapping(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (toml, csv) = text.split_once("\n===\n").unwrap_or((&text, "a,b,c\n1,2,3\n"));
    let Ok(mapping) = Mapping::parse("fuzz", toml) else { return };
    let path = file("csv", csv.as_bytes());
    // The mapping may not fit the file; only a panic is a failure.
    let _ = sample(&mapping, &path, 100);
    std::fs::remove_file(path).ok();
}
