//! The kernels of an intake: a checked batch becomes rows of integers and keyed hashes.
//!
//! Owns: which columns are content, and the order of the columns of rows. `pipelines/rows.sql` is the same as a plan; a test
//! holds the two together. Does not own: the kernels themselves.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _};
use arrow::compute::is_not_null;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::account::Accounts;
use crate::class::Matcher;
use crate::class::classifier::{Classifier, ClassifyColumns};
use crate::hash_key::HashKey;
use crate::staging::fingerprint::Fingerprinter;
use crate::staging::reduced_schema;

/// The columns whose values are a row's content: all of the checked feed but the identifier, and the currency, which is the
/// account's.
pub const CONTENT_COLUMNS: [&str; 14] = [
    "booked_at",
    "seq",
    "direction",
    "amount_fen",
    "balance_fen",
    "kind",
    "channel",
    "counterparty_name",
    "counterparty_account",
    "counterparty_bank",
    "counterparty_uscc",
    "summary",
    "remark",
    "reversal_of",
];

/// What turns checked rows into rows: the classifier and the fingerprinter, under one key.
#[derive(Clone, Debug)]
pub struct Kernels {
    classifier: Arc<Classifier>,
    fingerprinter: Arc<Fingerprinter>,
    key_id: u64,
}

impl Kernels {
    /// Kernels for rows of these accounts. Each worker's cache of names takes at most `cache_bytes`, or 8 MiB where that is
    /// more.
    pub fn new(matcher: Arc<Matcher>, accounts: Arc<dyn Accounts>, key: HashKey, cache_bytes: usize) -> Kernels {
        let key_id = key.id();
        let fingerprinter = Arc::new(Fingerprinter::new(&key, CONTENT_COLUMNS));
        let classifier = Arc::new(Classifier::new(matcher, accounts, key, cache_bytes));
        Kernels { classifier, fingerprinter, key_id }
    }

    /// The classifier.
    pub fn classifier(&self) -> &Arc<Classifier> {
        &self.classifier
    }

    /// The fingerprinter, for [`CONTENT_COLUMNS`].
    pub fn fingerprinter(&self) -> &Arc<Fingerprinter> {
        &self.fingerprinter
    }

    /// The key's id ([`HashKey::id`]), which the cells carry.
    pub fn key_id(&self) -> u64 {
        self.key_id
    }

    /// The rows of a checked batch ([`crate::feed::schema::checked_schema`]), in [`reduced_schema`].
    ///
    /// # Errors
    /// A batch of another schema: an internal error.
    pub fn reduce(&self, checked: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let other = |name: &str| ArrowError::SchemaError(format!("no column `{name}` of the checked feed's type"));
        let column = |name: &str| checked.column_by_name(name).map(Arc::clone).ok_or_else(|| other(name));
        let classify = ClassifyColumns::NAMES.iter().map(|name| column(name)).collect::<Result<Vec<_>, _>>()?;
        let classify = ClassifyColumns::of_arrays(&classify).ok_or_else(|| other("counterparty_name"))?;
        let verdicts = self.classifier.classify(&classify)?;
        let txn_id = column("txn_id")?;
        let ids = txn_id.as_string_view_opt().ok_or_else(|| other("txn_id"))?;
        let content = CONTENT_COLUMNS.iter().map(|name| column(name)).collect::<Result<Vec<_>, _>>()?;
        let fingerprints = self.fingerprinter.fingerprint(ids, &content)?;
        let reverses: ArrayRef = Arc::new(is_not_null(&column("reversal_of")?)?);
        let columns = vec![
            column("account")?,
            column("booked_at")?,
            column("seq")?,
            Arc::clone(&txn_id),
            column("direction")?,
            reverses,
            column("amount_fen")?,
            column("balance_fen")?,
            Arc::new(verdicts),
            Arc::new(fingerprints),
            column("file")?,
            column("row")?,
        ];
        RecordBatch::try_new(reduced_schema(), columns)
    }
}
