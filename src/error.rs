//! The library's error: the fault, its place and the next step. No error contains a value of a feed.

use std::io;
use std::path::{Path, PathBuf};

use crate::class::RulesError;
use crate::engine::error::EngineError;
use crate::feed::error::FeedError;
use crate::feed::mapping::MappingError;
use crate::intake::IntakeError;
use crate::product::dictionary::DictionaryError;
use crate::product::render::RenderError;
use crate::publish::PublishError;
use crate::publish::in_order::Stopped;
use crate::staging::error::StagingError;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Options or settings that are invalid.
    #[error("{0}")]
    Usage(String),
    /// The feed was refused; the report contains the reasons.
    #[error("{files} of the feed's files refused")]
    Refused {
        /// Number of refused files.
        files: usize,
    },
    /// A file changed after it was scanned.
    #[error("`{file}` changed while it was being sent; the rows sent are not the whole feed")]
    Changed {
        /// The file.
        file: String,
    },
    /// The feed cannot be opened.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The mapping does not hold together.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The rules are inconsistent.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Products could not be computed or written.
    #[error(transparent)]
    Publish(PublishError),
    /// Rows could not become cells.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// Another worker failed; its error is the one to report.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A file or folder of the run, not of the feed.
    #[error("{what} `{path}`: {source}", path = path.display())]
    Io {
        /// The operation that failed.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A plan could not be built or run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// An invariant does not hold: an internal error.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// An [`Error::Io`].
    pub fn io(what: &'static str, path: &Path, source: io::Error) -> Error {
        Error::Io { what, path: path.to_path_buf(), source }
    }

    /// The exit code of a command that ends with this error: 1 input refused, 2 usage, 3 internal error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Refused { .. } | Error::Changed { .. } => 1,
            Error::Publish(error) if error.is_input() => 1,
            Error::Usage(_) | Error::Mapping(_) | Error::Rules(_) => 2,
            Error::Feed(error) if error.is_usage() => 2,
            _ => 3,
        }
    }
}

impl From<PublishError> for Error {
    fn from(error: PublishError) -> Error {
        match error {
            PublishError::Stopped(stopped) => Error::Stopped(stopped),
            other => Error::Publish(other),
        }
    }
}

impl From<DictionaryError> for Error {
    fn from(error: DictionaryError) -> Error {
        Error::Publish(error.into())
    }
}

impl From<RenderError> for Error {
    fn from(error: RenderError) -> Error {
        Error::Publish(error.into())
    }
}

impl From<StagingError> for Error {
    fn from(error: StagingError) -> Error {
        Error::Intake(IntakeError::from(error))
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Error {
        Error::Internal(error.to_string())
    }
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(error: parquet::errors::ParquetError) -> Error {
        Error::Internal(format!("writing Parquet: {error}"))
    }
}
