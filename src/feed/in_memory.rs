//! Tables in memory: the same checks as for files, without files.
//!
//! Owns: the way from one batch to accounts or checked transactions. Does not own: the checks.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use super::accounts::{AccountIndex, AccountsBuilder};
use super::check::Checker;
use super::raw::{RawBatch, RowNumbers};
use super::reject::{Code, FileFault, FileRejects, FileVerdict};
use super::schema::{ACCOUNTS, Column, TRANSACTIONS, Typing, check_schema};
use crate::account::Accounts;

/// The accounts of a batch of the table `accounts`.
///
/// # Errors
/// The verdict on the batch, where a column or a row does not pass the checks.
pub fn accounts(batch: RecordBatch, typing: Typing) -> Result<AccountIndex, FileVerdict> {
    let rejects = checked_columns(&ACCOUNTS, &batch, typing)?;
    let mut builder = AccountsBuilder::default();
    builder.add(&raw(batch), typing, &rejects);
    let verdict = rejects.finish();
    if verdict.refuses(0) { Err(verdict) } else { Ok(builder.finish()) }
}

/// The checked rows of a batch of the table `transactions`, in [`checked_schema`](super::schema::checked_schema).
///
/// # Errors
/// The verdict on the batch, where a column or a row does not pass the checks.
pub fn transactions(
    batch: RecordBatch,
    typing: Typing,
    accounts: &Arc<dyn Accounts>,
) -> Result<RecordBatch, FileVerdict> {
    let rejects = checked_columns(&TRANSACTIONS, &batch, typing)?;
    let checked = Checker::new(typing, 0, Arc::clone(accounts)).check(&raw(batch), &rejects);
    let checked = checked.map_err(|_| {
        rejects.note_fault(FileFault::whole(Code::UnreadableFile, "internal: the columns cannot be put together"));
        rejects.finish()
    })?;
    let verdict = rejects.finish();
    if verdict.refuses(0) { Err(verdict) } else { Ok(checked) }
}

fn checked_columns(table: &[Column], batch: &RecordBatch, typing: Typing) -> Result<FileRejects, FileVerdict> {
    let rejects = FileRejects::default();
    let faults = check_schema(table, &batch.schema(), typing);
    if faults.is_empty() {
        return Ok(rejects);
    }
    faults.into_iter().for_each(|fault| rejects.note_fault(fault));
    Err(rejects.finish())
}

fn raw(batch: RecordBatch) -> RawBatch {
    RawBatch { batch, rows: RowNumbers::From(1), skips: Vec::new(), faults: Vec::new() }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, StringArray};

    use super::*;

    fn batch(columns: &[(&str, &str)]) -> RecordBatch {
        let column =
            |(name, text): &(&str, &str)| (name.to_string(), Arc::new(StringArray::from(vec![*text])) as ArrayRef);
        RecordBatch::try_from_iter(columns.iter().map(column)).unwrap()
    }

    const ACCOUNT: [(&str, &str); 8] = [
        ("account_id", "A1"),
        ("provider_id", "P1"),
        ("provider_name", "示例银行"),
        ("subject_uscc", "91350100M000100Y43"),
        ("subject_name", "试验有限公司"),
        ("account_type", "basic"),
        ("currency", "CNY"),
        ("status", "active"),
    ];

    #[test]
    fn bad_columns_and_bad_rows_are_refused() {
        let known: Arc<dyn Accounts> = Arc::new(accounts(batch(&ACCOUNT), Typing::AllText).unwrap());
        let codes = |verdict: FileVerdict| verdict.rejects.iter().map(|reject| reject.code).collect::<Vec<_>>();
        assert_eq!(codes(accounts(batch(&ACCOUNT[..7]), Typing::AllText).unwrap_err()), [Code::MissingColumn]);
        let row = |account: &'static str, amount: &'static str| {
            let columns = [
                ("account_id", account),
                ("txn_id", "T1"),
                ("booked_at", "2024-01-05"),
                ("direction", "C"),
                ("amount", amount),
            ];
            transactions(batch(&columns), Typing::AllText, &known)
        };
        assert_eq!(row("A1", "1.00").unwrap().num_rows(), 1);
        assert_eq!(codes(row("A2", "1.00").unwrap_err()), [Code::UnknownAccount]);
        assert_eq!(codes(row("A1", "1.001").unwrap_err()), [Code::BadType]);
    }
}
