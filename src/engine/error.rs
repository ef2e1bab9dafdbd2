//! Errors of the engine: a plan that could not be made or run.
//!
//! Owns: the way of an error through DataFusion. An error of ours that crosses a plan comes back as itself, by its type and
//! never by its text.

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

use crate::cell::CellError;
use crate::staging::error::StagingError;

/// Why a plan could not be made or run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Rows that cannot be read back, or cannot wait.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// Cells that cannot be merged or read: an internal error.
    #[error("internal: cell: {0}")]
    Cell(#[from] CellError),
    /// A plan that would have to wait: its input is in this process, so that is an internal error.
    #[error("internal: a plan waits for something outside of it")]
    Waits,
    /// Any other error of a plan.
    #[error("engine: {0}")]
    Plan(#[source] DataFusionError),
}

impl From<DataFusionError> for EngineError {
    fn from(error: DataFusionError) -> EngineError {
        match error {
            DataFusionError::External(inner) => match inner.downcast::<StagingError>() {
                Ok(ours) => EngineError::Staging(*ours),
                Err(other) => match other.downcast::<CellError>() {
                    Ok(cell) => EngineError::Cell(*cell),
                    Err(other) => EngineError::Plan(DataFusionError::External(other)),
                },
            },
            DataFusionError::Context(_, inner) => EngineError::from(*inner),
            other => EngineError::Plan(other),
        }
    }
}

impl From<ArrowError> for EngineError {
    fn from(error: ArrowError) -> EngineError {
        EngineError::Plan(DataFusionError::from(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_ours_crosses_a_plan_as_itself() {
        let external = |error: StagingError| DataFusionError::External(Box::new(error));
        let crossed = EngineError::from(external(StagingError::OutOfMemory { budget_bytes: 7 }).context("in a plan"));
        assert!(matches!(crossed, EngineError::Staging(StagingError::OutOfMemory { budget_bytes: 7 })));
        let crossed = EngineError::from(DataFusionError::External(Box::new(CellError::SharedRow)));
        assert!(matches!(crossed, EngineError::Cell(CellError::SharedRow)));
        let other = EngineError::from(DataFusionError::Internal("x".to_string()));
        assert!(matches!(other, EngineError::Plan(_)));
    }
}
