//! CSV, in the feed's own layout or under a mapping. The reader is [`csv`](crate::feed::csv).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::{FeedFormat, FileSlice, OpenOptions, OpenedFile, SliceReading};
use crate::feed::csv;
use crate::feed::mapping::TableMapping;
use crate::feed::raw::BATCH_ROWS;
use crate::feed::reject::FileFault;
use crate::feed::schema::{Column, Typing, check_schema};

/// Rows that are read at once, unless they are long: the values of a dictionary column are inspected once for all of them.
const READ_ROWS: usize = 8 * BATCH_ROWS;

/// The size of a slice of a plain file.
const SLICE_BYTES: u64 = 16 << 20;

/// The format.
pub(super) struct Csv;

impl FeedFormat for Csv {
    fn name(&self) -> &'static str {
        "CSV"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".csv"]
    }

    fn may_be_compressed(&self) -> bool {
        true
    }

    fn reads_pipes(&self) -> bool {
        false
    }

    fn recognises(&self, _head: &[u8]) -> bool {
        // It has no mark of its own: it is what remains.
        false
    }

    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Arc<dyn OpenedFile>, Vec<FileFault>> {
        let mapping = options.mapping.cloned();
        Ok(Arc::new(CsvFile { path: path.to_path_buf(), mapping, table: options.table }))
    }
}

struct CsvFile {
    path: PathBuf,
    mapping: Option<TableMapping>,
    table: &'static [Column],
}

impl OpenedFile for CsvFile {
    fn typing(&self) -> Typing {
        Typing::AllText
    }

    fn schema(&self) -> Option<SchemaRef> {
        None
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn slices(self: Arc<Self>) -> Vec<FileSlice> {
        let slices = csv::find_slices(&self.path, self.mapping.as_ref(), SLICE_BYTES);
        if slices.is_empty() {
            return vec![self.whole()];
        }
        let slice = |slice: csv::CsvSlice| {
            let file = Arc::clone(&self);
            FileSlice::new(slice.rows_before, move || file.read(Some(&slice)))
        };
        slices.into_iter().map(slice).collect()
    }

    fn whole(self: Arc<Self>) -> FileSlice {
        FileSlice::new(0, move || self.read(None))
    }
}

impl CsvFile {
    fn read(&self, slice: Option<&csv::CsvSlice>) -> Result<SliceReading, Vec<FileFault>> {
        let wanted: Vec<&str> = self.table.iter().map(|column| column.name).collect();
        let options = csv::CsvOptions { mapping: self.mapping.as_ref(), batch_rows: READ_ROWS, dictionaries: true };
        let csv::CsvReading { mut batches, unknown_columns } =
            csv::open_slice(&self.path, &wanted, options, slice).map_err(|fault| vec![fault])?;
        // There is at least one batch, if an empty one; its columns are the file's.
        let first = batches.next();
        if let Some(Ok(raw)) = &first {
            let faults = check_schema(self.table, &raw.batch.schema(), Typing::AllText);
            if !faults.is_empty() {
                return Err(faults);
            }
        }
        let batches = first.into_iter().chain(batches);
        let batches = batches.flat_map(|raw| match raw {
            Ok(raw) => raw.split(BATCH_ROWS).into_iter().map(Ok).collect::<Vec<_>>(),
            Err(fault) => vec![Err(fault)],
        });
        Ok(SliceReading { batches: Box::new(batches), unknown_columns })
    }
}
