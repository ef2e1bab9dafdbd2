//! Reads any bytes as an `mt940` file.

#![no_main]

#[path = "../fuzzing.rs"]
mod fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::run("mt940", bytes));
