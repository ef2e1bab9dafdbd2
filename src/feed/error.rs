//! Why a feed cannot be opened at all. Bad files and rows are no errors: they are rejects (`feed::reject`).

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;

/// Why a feed cannot be opened or sampled. It names paths and options, never a value of the feed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Paths or options that lead to no feed.
    #[error("{0}")]
    Usage(String),
    /// A folder or pattern that cannot be read.
    #[error("{what} `{path}`: {source}", path = path.display())]
    Io {
        /// The operation that failed.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Arrow cannot build a batch: an internal error.
    #[error("internal: {0}")]
    Arrow(#[from] ArrowError),
    /// An invariant does not hold: an internal error.
    #[error("internal: {0}")]
    Internal(String),
}

impl FeedError {
    /// A [`FeedError::Io`].
    pub(super) fn io(what: &'static str, path: &Path, source: io::Error) -> FeedError {
        FeedError::Io { what, path: path.to_path_buf(), source }
    }

    /// Whether the caller's paths or options are to blame, as opposed to the system or the program.
    pub fn is_usage(&self) -> bool {
        matches!(self, FeedError::Usage(_))
    }
}
