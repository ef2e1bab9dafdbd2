//! Reads any bytes as a `csv` file.

#![no_main]

#[path = "../fuzzing.rs"]
mod fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::run("csv", bytes));
