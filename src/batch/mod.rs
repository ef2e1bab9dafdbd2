//! Batch runs, one per subcommand: they read a whole feed and write files.
//!
//! Owns: the order of each run, its workers, its report and its output folder. Does not own: any figure; intake and publish
//! compute them.

pub mod build;
pub mod classify;
pub mod feed_check;
mod output_folder;
pub mod replay;
pub mod run_report;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Error;
use crate::hash_key::HashKey;

/// Number of threads that the machine can run in parallel: the default of every run.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Runs `work` in a pool of this many threads, which end with it. A panic of a worker becomes an internal error, without
/// the panic's message, which may contain a value.
fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.max(1))
        .thread_name(|number| format!("liushui-{number}"))
        .build()
        .map_err(|error| Error::Internal(format!("cannot start threads: {error}")))?;
    catch_unwind(AssertUnwindSafe(|| pool.install(work)))
        .unwrap_or_else(|_| Err(Error::Internal("a worker panicked".to_string())))
}

/// A random key for one run.
fn draw_key() -> Result<HashKey, Error> {
    HashKey::draw().map_err(|error| Error::Internal(format!("no random numbers: {error}")))
}

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;

    use super::*;

    #[test]
    fn a_panic_of_a_worker_is_an_internal_error() {
        let result: Result<(), Error> = in_pool(2, || resume_unwind(Box::new("a value")));
        assert!(result.is_err_and(|error| error.to_string() == "internal: a worker panicked"));
        assert_eq!(in_pool(3, || Ok(rayon::current_num_threads())).unwrap(), 3);
    }
}
