//! Errors of staging: rows that cannot be buffered, or cannot be read back. No error contains a value of a row.

use std::io;
use std::path::PathBuf;

/// Why rows could not be staged.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// Waiting rows outgrow their memory and there is no folder to spill to.
    #[error("rows need more than the {budget_bytes} bytes that they may take, and there is no folder to spill to")]
    OutOfMemory {
        /// The bound.
        budget_bytes: usize,
    },
    /// A spill file cannot be made, written or read.
    #[error("{action} `{path}`: {source}", path = path.display())]
    Io {
        /// The operation that failed.
        action: &'static str,
        /// The folder of spill files.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Bytes that [`super::codec::put`] did not write: an internal error.
    #[error(transparent)]
    Damaged(#[from] DamagedRows),
    /// A batch whose columns are not those of [`super::reduced_schema`], or a row beyond the codec's limits: an internal
    /// error.
    #[error("internal: {0}")]
    Internal(&'static str),
}

/// The bytes of rows were not written by [`super::codec::put`]: an internal error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("internal: staged rows cannot be read back")]
pub struct DamagedRows;
