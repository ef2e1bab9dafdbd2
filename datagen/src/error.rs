//! The errors of a generation: refused options, a folder in use, I/O, and the writers of the formats.

use std::path::PathBuf;

/// An error of [`generate`](crate::generate).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option has an invalid value.
    #[error("{name}: {reason}")]
    Option {
        /// The name of the option on the command line.
        name: &'static str,
        /// Why it is refused.
        reason: String,
    },
    /// The output folder already holds a feed. The new files would mix with it.
    #[error("out: `{}` already exists; give an empty folder", path.display())]
    InUse {
        /// The existing file or folder.
        path: PathBuf,
    },
    /// An operation of the file system failed.
    #[error("cannot write `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The Arrow columns cannot be built.
    #[error("cannot build columns")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A Parquet file cannot be written.
    #[error("cannot write Parquet")]
    Parquet(#[from] parquet::errors::ParquetError),
}
