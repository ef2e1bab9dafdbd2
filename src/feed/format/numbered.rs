//! The batches of a library's reader as raw batches.

use arrow::record_batch::RecordBatch;

use super::panics::caught;
use crate::feed::raw::{BATCH_ROWS, RawBatch, RowNumbers};
use crate::feed::reject::FileFault;

/// Numbers the rows of a reader's batches, cuts large batches to the usual size, and turns errors and panics into faults.
/// A fault is the last item.
pub(super) fn numbered<E: 'static>(
    mut reader: impl Iterator<Item = Result<RecordBatch, E>>,
    rows_before: u64,
    fault: impl Fn(E) -> FileFault,
) -> impl Iterator<Item = Result<RawBatch, FileFault>> {
    let mut next_row = rows_before + 1;
    let mut rest: Option<RecordBatch> = None;
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let batch = match rest.take() {
            Some(batch) => batch,
            None => match caught(|| reader.next()) {
                Ok(Some(Ok(batch))) => batch,
                Ok(None) => return None,
                Ok(Some(Err(error))) => {
                    ended = true;
                    return Some(Err(fault(error)));
                }
                Err(panicked) => {
                    ended = true;
                    return Some(Err(panicked));
                }
            },
        };
        let now = batch.num_rows().min(BATCH_ROWS);
        if now < batch.num_rows() {
            rest = Some(batch.slice(now, batch.num_rows() - now));
        }
        let rows = RowNumbers::From(next_row);
        next_row += now as u64;
        Some(Ok(RawBatch { batch: batch.slice(0, now), rows, skips: Vec::new(), faults: Vec::new() }))
    })
}
