//! What can go wrong: refused options, a folder in use, the disk, the writers of the formats.

use std::path::PathBuf;

/// An error of [`generate`](crate::generate).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option has a value that cannot be used.
    #[error("{name}: {reason}")]
    Option {
        /// The option's name as on the command line.
        name: &'static str,
        /// Why it was refused.
        reason: String,
    },
    /// The output folder already holds a feed, whose files would mix with the new ones.
    #[error("out: `{}` already exists; give an empty folder", path.display())]
    InUse {
        /// What is in the way.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot write `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Rows could not be made into Arrow columns.
    #[error("cannot build columns")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A Parquet file could not be written.
    #[error("cannot write Parquet")]
    Parquet(#[from] parquet::errors::ParquetError),
}
