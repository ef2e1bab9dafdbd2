//! Errors of the intake. Never a value of a row.

use arrow::error::ArrowError;

use crate::cell::CellError;
use crate::engine::error::EngineError;
use crate::staging::error::{DamagedRows, StagingError};

/// Why an intake could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// Rows that cannot wait, or cannot be read back.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// A plan that could not be made or run.
    #[error(transparent)]
    Engine(EngineError),
    /// Cells that cannot be read: an internal error.
    #[error("internal: cell: {0}")]
    Cell(#[from] CellError),
    /// Columns that Arrow cannot put together: an internal error.
    #[error("internal: {0}")]
    Arrow(#[from] ArrowError),
    /// An internal error.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl From<EngineError> for IntakeError {
    fn from(error: EngineError) -> IntakeError {
        match error {
            EngineError::Staging(error) => IntakeError::Staging(error),
            EngineError::Cell(error) => IntakeError::Cell(error),
            other => IntakeError::Engine(other),
        }
    }
}

impl From<DamagedRows> for IntakeError {
    fn from(error: DamagedRows) -> IntakeError {
        IntakeError::Staging(error.into())
    }
}
