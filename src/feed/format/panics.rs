//! Panics of the readers of libraries.
//!
//! Some readers panic on damaged content. That is the file's fault and becomes one. Owns: the boundary around such
//! readers, and a flag by which a panic hook distinguishes these panics from those of the program.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::fault::unreadable;
use crate::feed::reject::FileFault;

thread_local! {
    static IN_READER: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs a reader of a library: a panic now becomes a fault of the file.
pub fn is_in_reader() -> bool {
    IN_READER.get()
}

/// Runs a reader of a library; its panic becomes a fault of the file.
pub(super) fn caught<T>(read: impl FnOnce() -> T) -> Result<T, FileFault> {
    IN_READER.set(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    IN_READER.set(false);
    result.map_err(|_| unreadable(&()))
}
