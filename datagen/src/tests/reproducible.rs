//! The same options give the same bytes.

use std::path::Path;

use super::{bytes, files, run};
use crate::{Format, Options};

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
fn threads_and_memory_do_not_affect_the_bytes() {
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
    // Parts of a day, single days, and everything in memory.
    for (threads, rows_in_memory) in [(2, None), (3, Some(1_000)), (1, Some(40_000))] {
        assert!(base(threads, rows_in_memory) == one, "{threads} threads, {rows_in_memory:?} rows in memory");
    }
}
