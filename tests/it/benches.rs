//! Each bench of `benches/` at a small size: that it runs and does all its work. Times decide nothing here.

use std::path::Path;

#[path = "../../benches/kernels.rs"]
mod kernels;
#[path = "../../benches/light.rs"]
mod light;

fn feed(folder: &Path, accounts: u32) -> u64 {
    datagen::generate(&datagen::Options::new(accounts, 3, 5, folder), &mut |_| {}).unwrap().rows
}

#[test]
fn kernels_take_every_row_and_account() {
    let folder = tempfile::tempdir().unwrap();
    let rows = feed(folder.path(), 20);
    let steps = kernels::run(&folder.path().join("transactions"), &folder.path().join("accounts.parquet")).unwrap();
    let of = |unit: &str| steps.iter().filter(|step| step.unit == unit).map(|step| step.count).collect::<Vec<_>>();
    assert_eq!(of("row"), [rows; 8]);
    assert_eq!(of("account"), [20; 6]);
    assert!(of("cell").iter().all(|count| (1..=20 * 3 * 2).contains(count)));
    assert_eq!(kernels::table(&steps).lines().count(), steps.len() + 1);
}

#[test]
fn light_decodes_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let rows = feed(folder.path(), 20);
    let files = std::fs::read_dir(folder.path().join("transactions")).unwrap();
    let decoded: usize = files.map(|file| light::decode(&file.unwrap().path()).unwrap().0).sum();
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
