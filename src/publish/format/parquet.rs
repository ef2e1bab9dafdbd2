//! Products as Parquet: one row per account, one row group per group of accounts.
//!
//! Owns: encoding a group into column chunks on the worker's thread, and the row groups of a file. Does not own: the arrays
//! of a product, or the properties of the file ([`crate::product::render::parquet`]).

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::file::writer::SerializedFileWriter;

use super::{File, FileGroup, FileOptions, ProductFile, ProductFormat};
use crate::product::dictionary::Dictionary;
use crate::product::render::CheckedProduct;
use crate::product::render::parquet::{ProductBatchBuilder, properties};
use crate::publish::error::PublishError;
use crate::publish::in_order::{Consumer, InOrder, Task};

/// Rows of a segment in a batch for the column writers: 32 accounts with 36 periods.
const ROWS_PER_BATCH: usize = 32 * 36;

/// The format Parquet.
pub struct Parquet;

impl ProductFormat for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn ending(&self) -> &'static str {
        "parquet"
    }

    fn create(
        &self,
        file: File,
        dictionary: &Dictionary,
        options: FileOptions,
    ) -> Result<Box<dyn ProductFile>, PublishError> {
        let schema = dictionary.arrow_schema();
        let properties = properties(&schema)?;
        let writer = ArrowWriter::try_new(file, schema, Some(properties))?;
        let (writer, columns) = writer.into_serialized_writer()?;
        let row_groups = InOrder::new(RowGroupWriter(writer), options.waiting_bytes_max);
        Ok(Box::new(ParquetFile { dictionary: dictionary.clone(), row_groups, columns }))
    }
}

struct ParquetFile {
    dictionary: Dictionary,
    row_groups: InOrder<RowGroup, RowGroupWriter>,
    /// Makes the column writers of a group.
    columns: ArrowRowGroupWriterFactory,
}

/// The encoded columns of a group.
type RowGroup = Vec<ArrowColumnChunk>;

/// Appends row groups to the file.
struct RowGroupWriter(SerializedFileWriter<File>);

impl Consumer<RowGroup> for RowGroupWriter {
    type Error = PublishError;

    fn consume(&mut self, chunks: RowGroup) -> Result<(), PublishError> {
        let mut group = self.0.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }
}

impl ProductFile for ParquetFile {
    fn begin(&self, group: usize) -> Result<Box<dyn FileGroup + '_>, PublishError> {
        Ok(Box::new(ParquetGroup {
            task: self.row_groups.begin(group)?,
            accounts_per_batch: (ROWS_PER_BATCH / self.dictionary.max_periods().max(1)).max(1),
            builder: ProductBatchBuilder::new(&self.dictionary),
            columns: self.columns.create_column_writers(group)?,
        }))
    }

    fn finish(self: Box<Self>) -> Result<File, PublishError> {
        Ok(self.row_groups.finish()?.0.into_inner()?)
    }
}

struct ParquetGroup<'f> {
    task: Task<'f, RowGroup, RowGroupWriter>,
    builder: ProductBatchBuilder,
    accounts_per_batch: usize,
    columns: Vec<ArrowColumnWriter>,
}

impl ParquetGroup<'_> {
    /// Encodes the accounts of the batch.
    fn encode(&mut self) -> Result<(), PublishError> {
        if self.builder.is_empty() {
            return Ok(());
        }
        let batch = self.builder.finish()?;
        let mut writers = self.columns.iter_mut();
        for (field, array) in self.builder.schema().fields().iter().zip(batch.columns()) {
            for leaf in compute_leaves(field, array)? {
                let writer =
                    writers.next().ok_or(PublishError::Internal("a product has more columns than its file"))?;
                writer.write(&leaf)?;
            }
        }
        Ok(())
    }
}

impl FileGroup for ParquetGroup<'_> {
    fn append(&mut self, account_id: &str, product: CheckedProduct<'_>) -> Result<(), PublishError> {
        self.builder.append(account_id, product)?;
        if self.builder.len() >= self.accounts_per_batch { self.encode() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<(), PublishError> {
        self.encode()?;
        let ParquetGroup { mut task, columns, .. } = *self;
        let chunks: RowGroup = columns.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?;
        let bytes = chunks.iter().map(|chunk| chunk.close().bytes_written as usize).sum();
        task.put(chunks, bytes)?;
        task.end()
    }
}
