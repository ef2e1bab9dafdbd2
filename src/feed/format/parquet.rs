//! Parquet files.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DECIMAL64_MAX_PRECISION, DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Encoding, Type as PhysicalType};
use parquet::file::metadata::ColumnChunkMetaData;

use super::fault::{cannot_open, unreadable};
use super::frame::check_frame;
use super::numbered::numbered;
use super::panics::caught;
use super::{FeedFormat, FileSlice, OpenOptions, OpenedFile, SliceReading};
use crate::feed::guard::{self, Limits};
use crate::feed::raw::BATCH_ROWS;
use crate::feed::reject::FileFault;
use crate::feed::schema::{Column, Typing};

/// The least rows of a slice, but for the last.
const SLICE_ROWS: u64 = 262_144;

const MAGIC: &[u8] = b"PAR1";

/// The format.
pub(super) struct Parquet;

impl FeedFormat for Parquet {
    fn name(&self) -> &'static str {
        "Parquet"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".parquet"]
    }

    fn may_be_compressed(&self) -> bool {
        false
    }

    fn reads_pipes(&self) -> bool {
        false
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(MAGIC)
    }

    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Arc<dyn OpenedFile>, Vec<FileFault>> {
        let metadata = caught(|| metadata(path, &options.limits)).flatten().map_err(|fault| vec![fault])?;
        let file = ParquetFile { path: path.to_path_buf(), metadata, table: options.table, limits: options.limits };
        Ok(Arc::new(file))
    }
}

/// A file whose footer was read.
struct ParquetFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    table: &'static [Column],
    limits: Limits,
}

impl OpenedFile for ParquetFile {
    fn typing(&self) -> Typing {
        Typing::Typed
    }

    fn schema(&self) -> Option<SchemaRef> {
        Some(Arc::clone(self.metadata.schema()))
    }

    fn rows(&self) -> Option<u64> {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).ok()
    }

    fn slices(self: Arc<Self>) -> Vec<FileSlice> {
        let mut slices = Vec::new();
        let (mut first, mut rows_before, mut rows) = (0, 0, 0);
        let groups = self.metadata.metadata().row_groups();
        for (group, group_rows) in groups.iter().map(|group| group.num_rows().max(0) as u64).enumerate() {
            rows += group_rows;
            if rows >= SLICE_ROWS || group + 1 == groups.len() {
                slices.push(Arc::clone(&self).slice(first..group + 1, rows_before));
                (first, rows_before, rows) = (group + 1, rows_before + rows, 0);
            }
        }
        slices
    }

    fn whole(self: Arc<Self>) -> FileSlice {
        let groups = self.metadata.metadata().num_row_groups();
        self.slice(0..groups, 0)
    }
}

impl ParquetFile {
    fn slice(self: Arc<Self>, groups: Range<usize>, rows_before: u64) -> FileSlice {
        FileSlice::new(rows_before, move || {
            let batches = self.batches(groups.clone()).map_err(|fault| vec![fault])?;
            let batches = Box::new(numbered(batches, rows_before, |fault| fault));
            Ok(SliceReading { batches, unknown_columns: Vec::new() })
        })
    }

    /// The batches of some row groups. No batch crosses from one group to the next, since it would lose the dictionaries of
    /// both.
    fn batches(
        &self,
        groups: Range<usize>,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, FileFault>> + Send + use<>, FileFault> {
        let file = File::open(&self.path).map_err(|error| cannot_open(&error))?;
        let known = self.metadata.schema().fields().iter().enumerate();
        let known = known.filter(|(_, field)| self.table.iter().any(|column| column.name == field.name()));
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), known.map(|(root, _)| root));
        let (metadata, limits) = (self.metadata.clone(), self.limits);
        let reader = move |group: usize| {
            let of_group = metadata.metadata().row_group(group);
            let wanted = of_group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
            let rows = of_group.num_rows().max(0) as u64;
            guard::parquet::pages(&file, wanted.map(|(_, chunk)| chunk), rows, &limits)?;
            let file = file.try_clone().map_err(|error| cannot_open(&error))?;
            let options = ArrowReaderOptions::new().with_schema(group_schema(&metadata, group));
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options);
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.map_err(|error| unreadable(&error))?)
                .with_projection(mask.clone())
                .with_row_groups(vec![group])
                .with_batch_size(BATCH_ROWS)
                .build()
                .map_err(|error| unreadable(&error))
        };
        Ok(groups.flat_map(move |group| {
            let (batches, fault) = match reader(group) {
                Ok(batches) => (Some(batches), None),
                Err(fault) => (None, Some(Err(fault))),
            };
            let batches = batches.into_iter().flatten().map(|batch| batch.map_err(|error| unreadable(&error)));
            batches.chain(fault)
        }))
    }
}

/// Reads a file's footer.
fn metadata(path: &Path, limits: &Limits) -> Result<ArrowReaderMetadata, FileFault> {
    let file = File::open(path).map_err(|error| cannot_open(&error))?;
    check_frame(&file, MAGIC)?;
    // Types are those of the Parquet columns, whatever Arrow schema a writer has stored.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    guard::parquet::footer(&file, limits)?;
    let metadata = ArrowReaderMetadata::load(&file, options).map_err(|error| unreadable(&error))?;
    guard::parquet::counts(&file, metadata.metadata(), limits)?;
    Ok(metadata)
}

/// The schema by which a row group is read. A text column whose pages all refer to a dictionary is read as that
/// dictionary, any other text column as views; decimals that are stored in 64 bits stay so.
fn group_schema(metadata: &ArrowReaderMetadata, group: usize) -> SchemaRef {
    let leaves = metadata.parquet_schema();
    let read_as = |(root, field): (usize, &Arc<Field>)| {
        // A column that is neither a list nor a struct has one leaf.
        let leaf = || (0..leaves.num_columns()).find(|leaf| leaves.get_column_root_idx(*leaf) == root);
        let chunk = || leaf().and_then(|leaf| metadata.metadata().row_groups().get(group)?.columns().get(leaf));
        let data_type = match field.data_type() {
            DataType::Utf8 if chunk().is_some_and(is_dictionary) => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            DataType::Utf8 => DataType::Utf8View,
            DataType::Decimal128(precision, scale)
                if *precision <= DECIMAL64_MAX_PRECISION
                    && chunk().is_some_and(|chunk| chunk.column_type() == PhysicalType::INT64) =>
            {
                DataType::Decimal64(*precision, *scale)
            }
            _ => return Field::clone(field),
        };
        field.as_ref().clone().with_data_type(data_type)
    };
    Arc::new(Schema::new(metadata.schema().fields().iter().enumerate().map(read_as).collect::<Vec<_>>()))
}

/// Whether all data pages of a column chunk refer to its dictionary, by the statistics of the footer.
fn is_dictionary(chunk: &ColumnChunkMetaData) -> bool {
    let only = |encoding| chunk.page_encoding_stats_mask().is_some_and(|pages| pages.is_only(encoding));
    chunk.dictionary_page_offset().is_some()
        && [Encoding::RLE_DICTIONARY, Encoding::PLAIN_DICTIONARY].into_iter().any(only)
}
