//! Errors of publishing. They name accounts by their masked ids and items by their paths, never a value.

use std::io;
use std::path::PathBuf;

use parquet::errors::ParquetError;

use super::in_order::Stopped;
use crate::product::dictionary::DictionaryError;
use crate::product::render::RenderError;

/// Why products could not be computed or put into their sink.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A sum of one account and month leaves 64-bit fen.
    #[error("account {account}: a sum of {month} leaves the range of 64-bit fen; are the amounts right?")]
    Overflow {
        /// The account, masked as on the product.
        account: String,
        /// The month, `YYYY-MM`.
        month: String,
    },
    /// A money item of a product has more than 18 digits of fen.
    #[error("account {account}: `{item}` has more than 18 digits of fen; are the amounts right?")]
    MoneyRange {
        /// The account, masked as on the product.
        account: String,
        /// The item's path, as `null_reasons` spells it.
        item: String,
    },
    /// A dictionary does not hold together: an internal error.
    #[error(transparent)]
    Dictionary(#[from] DictionaryError),
    /// A product that does not fit its dictionary: an internal error.
    #[error("product: {0}")]
    Render(#[from] RenderError),
    /// The classes of a product do not add up to its funds: an internal error.
    #[error("internal: account {account}: the classes of `{product}` do not add up to its funds")]
    FundsDiffer {
        /// The account, masked as on the product.
        account: String,
        /// The product's code.
        product: &'static str,
    },
    /// A file of products cannot be made.
    #[error("cannot write into `{path}`: {source}", path = path.display())]
    Create {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file of products cannot be written.
    #[error("cannot write products: {0}")]
    Write(#[from] io::Error),
    /// The Parquet writer failed.
    #[error("cannot write Parquet: {0}")]
    Parquet(#[from] ParquetError),
    /// Another worker failed; its error is the one to report.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// An internal error.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl PublishError {
    /// Whether the amounts of an account are to blame, as opposed to the system or the program.
    pub fn is_input(&self) -> bool {
        matches!(self, PublishError::Overflow { .. } | PublishError::MoneyRange { .. })
    }
}
