//! What tests take from their environment: the shared data, and the seed and the number of cases of property tests.
//!
//! Owns: the variables `LIUSHUI_REQUIRE_DATA`, `LIUSHUI_SEED` and `LIUSHUI_CASES`. Does not own: a test. The integration tests
//! include this file as well, since they do not see items of the library that exist only in its tests.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::test_runner::{Config, RngSeed};

/// A folder or file of the data that tests share.
///
/// `None` if it is absent; then the reason is printed, and the test is skipped. With `LIUSHUI_REQUIRE_DATA=1` the test fails
/// instead.
pub(crate) fn shared_data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    if path.exists() {
        return Some(path);
    }
    let is_required = std::env::var_os("LIUSHUI_REQUIRE_DATA").is_some_and(|value| value == "1");
    assert!(!is_required, "LIUSHUI_REQUIRE_DATA=1, but ../shared/{name} does not exist");
    eprintln!("skipped: ../shared/{name} does not exist");
    None
}

/// The seed of all random cases: always the same, unless `LIUSHUI_SEED` is another number or `random`.
///
/// A seed that is not the usual one is printed, so that a failure can be repeated.
pub(crate) fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    let Ok(wanted) = std::env::var("LIUSHUI_SEED") else { return 1 };
    let seed = *SEED.get_or_init(|| match wanted.as_str() {
        "random" => RandomState::new().hash_one(0),
        number => number.parse().unwrap_or_else(|_| panic!("LIUSHUI_SEED is a number or `random`, not `{number}`")),
    });
    eprintln!("LIUSHUI_SEED={seed}");
    seed
}

/// The configuration of a property test with so many cases, or as many as `LIUSHUI_CASES` asks for.
pub(crate) fn property(cases: u32) -> Config {
    let cases = std::env::var("LIUSHUI_CASES").map_or(cases, |wanted| {
        wanted.parse().unwrap_or_else(|_| panic!("LIUSHUI_CASES is a number of cases, not `{wanted}`"))
    });
    // The seed repeats a failure, so no file of failures is kept.
    Config { cases, rng_seed: RngSeed::Fixed(seed()), failure_persistence: None, ..Config::default() }
}
