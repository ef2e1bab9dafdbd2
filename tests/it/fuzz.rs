//! A short run of the fuzz targets: every file of their corpus, and copies with bytes changed, removed and repeated, by the
//! seed of the tests. Longer runs use libFuzzer (docs/fuzzing.md).

use std::path::Path;

use crate::util::seed;

#[path = "../fuzz/reading.rs"]
mod reading;

/// Numbers from a seed (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

#[test]
fn no_target_panics_on_its_corpus_or_near_it() {
    for (target, _) in reading::TARGETS {
        let (files, runs) = run_target(target, 60);
        println!("{target}: {files} files, {runs} changed copies");
        assert!(files > 0, "{target} has no corpus");
    }
}

/// Runs a target on its corpus, and on so many changed copies of each file. Returns the number of files and of copies.
pub fn run_target(target: &str, copies: usize) -> (usize, usize) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut numbers = Numbers(target.bytes().fold(seed(), |seed, byte| seed.wrapping_mul(31) ^ u64::from(byte)));
    let mut paths: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        reading::read(target, &bytes);
        for _ in 0..copies {
            reading::read(target, &changed(&bytes, &mut numbers));
        }
    }
    (paths.len(), paths.len() * copies)
}

fn changed(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        match numbers.below(4) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = numbers.below(256) as u8,
            2 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            _ => {
                let length = numbers.below(40).min(bytes.len() - at.min(bytes.len()));
                let part = bytes[at.min(bytes.len())..][..length].to_vec();
                bytes.extend_from_slice(&part);
            }
        }
    }
    bytes
}
