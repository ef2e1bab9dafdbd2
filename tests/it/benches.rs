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
