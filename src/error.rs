//! The library's error: the fault, its place and the next step. No error contains a value of a feed.

use std::io;
use std::path::{Path, PathBuf};

use crate::account::mask;
use crate::class::RulesError;
use crate::engine::error::EngineError;
use crate::feed::error::FeedError;
use crate::feed::mapping::MappingError;
use crate::intake::IntakeError;
use crate::product::dictionary::DictionaryError;
use crate::product::render::RenderError;
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
    /// A sum of one account and month is beyond 64-bit fen.
    #[error("account {account}: a sum of {month} leaves the range of 64-bit fen; are the amounts right?")]
    Overflow {
        /// The account, masked as on the product.
        account: String,
        /// The month, `YYYY-MM`.
        month: String,
    },
    /// The feed cannot be opened.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A money item of a product has more than 18 digits of fen.
    #[error("account {account}: `{item}` has more than 18 digits of fen; are the amounts right?")]
    MoneyRange {
        /// The account, masked as on the product.
        account: String,
        /// The item's path, as in `null_reasons`.
        item: String,
    },
    /// The mapping is inconsistent.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The rules are inconsistent.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A dictionary is inconsistent: an internal error.
    #[error(transparent)]
    Dictionary(#[from] DictionaryError),
    /// A product that does not fit its dictionary: an internal error.
    #[error("product: {0}")]
    Render(#[from] RenderError),
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

    /// A fault of an account's product; if its amounts are out of range, the error names the account.
    pub fn product(account_id: &str, error: RenderError) -> Error {
        match error {
            RenderError::Money { item } => Error::MoneyRange { account: mask(account_id), item },
            other => Error::Render(other),
        }
    }

    /// The exit code of a command that ends with this error: 1 input refused, 2 usage, 3 internal error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Refused { .. } | Error::Changed { .. } | Error::Overflow { .. } | Error::MoneyRange { .. } => 1,
            Error::Usage(_) | Error::Mapping(_) | Error::Rules(_) => 2,
            Error::Feed(error) if error.is_usage() => 2,
            _ => 3,
        }
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
