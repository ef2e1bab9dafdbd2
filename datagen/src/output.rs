//! Files of record batches in the three formats, with groups of rows that workers encode separately.
//!
//! Owns the settings of the writers. The columns are `feed`'s and `expected`'s.
//!
//! ```text
//! Output ──encoder_factory()──▶ EncoderFactory (shared by workers) ──start()──▶ Encoder ◀── write columns
//!    ▲                                                                             │ finish()
//!    └───────────────── append(), in order ◀── EncodedRows ◀───────────────────────┘
//! ```

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use crate::csv;
use crate::error::Error;
use crate::options::Format;

/// Small enough for a reader to spread one month over its cores, large enough for dictionaries to pay.
pub(crate) const ROWS_PER_ROW_GROUP: usize = 131_072;

enum Writer {
    Parquet(Box<SerializedFileWriter<File>>, Arc<ArrowRowGroupWriterFactory>),
    Csv(BufWriter<File>),
    Arrow(Box<FileWriter<BufWriter<File>>>),
}

/// A file that is being written.
pub(crate) struct Output {
    path: PathBuf,
    schema: SchemaRef,
    writer: Writer,
    /// The rows that `write` has collected.
    encoder: Option<Encoder>,
    rows: usize,
}

/// Starts encoders of a file on any thread.
#[derive(Clone)]
pub(crate) struct EncoderFactory {
    schema: SchemaRef,
    /// Parquet only.
    factory: Option<Arc<ArrowRowGroupWriterFactory>>,
    is_csv: bool,
}

/// Encodes a group of rows: in Parquet a row group.
pub(crate) struct Encoder {
    schema: SchemaRef,
    state: EncoderState,
}

enum EncoderState {
    Parquet(Vec<ArrowColumnWriter>),
    Csv(Vec<u8>),
    Arrow(Vec<RecordBatch>),
}

/// A group of encoded rows that only has to be appended.
pub(crate) enum EncodedRows {
    Parquet(Vec<ArrowColumnChunk>),
    Csv(Vec<u8>),
    Arrow(Vec<RecordBatch>),
}

impl Output {
    /// Creates the file. The columns named in `distinct` get no Parquet dictionary: their values rarely repeat, so the
    /// dictionary would grow too large and be discarded.
    pub(crate) fn create(path: &Path, schema: &SchemaRef, format: Format, distinct: &[&str]) -> Result<Output, Error> {
        let file = File::create(path).map_err(io(path))?;
        let writer = match format {
            Format::Parquet => {
                let writer = ArrowWriter::try_new(file, SchemaRef::clone(schema), Some(properties(distinct)?))?;
                let (writer, factory) = writer.into_serialized_writer()?;
                Writer::Parquet(Box::new(writer), Arc::new(factory))
            }
            Format::Csv => {
                let mut text = Vec::new();
                csv::write_header(&mut text, schema);
                let mut writer = BufWriter::new(file);
                writer.write_all(&text).map_err(io(path))?;
                Writer::Csv(writer)
            }
            Format::Arrow => Writer::Arrow(Box::new(FileWriter::try_new(BufWriter::new(file), schema)?)),
        };
        Ok(Output { path: path.to_owned(), schema: SchemaRef::clone(schema), writer, encoder: None, rows: 0 })
    }

    pub(crate) fn encoder_factory(&self) -> EncoderFactory {
        let factory = match &self.writer {
            Writer::Parquet(_, factory) => Some(Arc::clone(factory)),
            _ => None,
        };
        EncoderFactory {
            schema: SchemaRef::clone(&self.schema),
            factory,
            is_csv: matches!(self.writer, Writer::Csv(_)),
        }
    }

    /// Appends rows that a worker has encoded.
    pub(crate) fn append(&mut self, encoded: EncodedRows) -> Result<(), Error> {
        match (&mut self.writer, encoded) {
            (Writer::Parquet(writer, _), EncodedRows::Parquet(chunks)) => {
                let mut group = writer.next_row_group()?;
                for chunk in chunks {
                    chunk.append_to_row_group(&mut group)?;
                }
                group.close()?;
            }
            (Writer::Csv(writer), EncodedRows::Csv(text)) => writer.write_all(&text).map_err(io(&self.path))?,
            (Writer::Arrow(writer), EncodedRows::Arrow(batches)) => {
                batches.iter().try_for_each(|batch| writer.write(batch))?;
            }
            // Encoded rows come from an encoder of this output.
            _ => debug_assert!(false, "rows of another format"),
        }
        Ok(())
    }

    /// Appends a batch, encoded on this thread.
    pub(crate) fn write(&mut self, columns: &[ArrayRef]) -> Result<(), Error> {
        let factory = self.encoder_factory();
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            None => self.encoder.insert(factory.start()?),
        };
        encoder.write(columns)?;
        self.rows += columns.first().map_or(0, |column| column.len());
        if self.rows >= ROWS_PER_ROW_GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.rows = 0;
        match self.encoder.take() {
            Some(encoder) => self.append(encoder.finish()?),
            None => Ok(()),
        }
    }

    /// Finishes the file and returns its size in bytes.
    pub(crate) fn close(mut self) -> Result<u64, Error> {
        self.flush()?;
        match self.writer {
            Writer::Parquet(writer, _) => {
                writer.close()?;
            }
            Writer::Csv(mut writer) => writer.flush().map_err(io(&self.path))?,
            Writer::Arrow(mut writer) => {
                writer.finish()?;
                writer.into_inner()?.flush().map_err(io(&self.path))?;
            }
        }
        Ok(std::fs::metadata(&self.path).map_err(io(&self.path))?.len())
    }
}

impl EncoderFactory {
    pub(crate) fn start(&self) -> Result<Encoder, Error> {
        let state = match &self.factory {
            // The index matters only for encryption.
            Some(factory) => EncoderState::Parquet(factory.create_column_writers(0)?),
            None if self.is_csv => EncoderState::Csv(Vec::new()),
            None => EncoderState::Arrow(Vec::new()),
        };
        Ok(Encoder { schema: SchemaRef::clone(&self.schema), state })
    }
}

impl Encoder {
    /// Encodes a batch of rows.
    pub(crate) fn write(&mut self, columns: &[ArrayRef]) -> Result<(), Error> {
        let batch = || RecordBatch::try_new(SchemaRef::clone(&self.schema), columns.to_vec());
        match &mut self.state {
            EncoderState::Parquet(writers) => {
                let mut writers = writers.iter_mut();
                for (field, column) in self.schema.fields().iter().zip(columns) {
                    for leaf in compute_leaves(field, column)? {
                        if let Some(writer) = writers.next() {
                            writer.write(&leaf)?;
                        }
                    }
                }
            }
            EncoderState::Csv(text) => csv::write_rows(text, &batch()?)?,
            EncoderState::Arrow(batches) => batches.push(batch()?),
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<EncodedRows, Error> {
        Ok(match self.state {
            EncoderState::Parquet(writers) => {
                EncodedRows::Parquet(writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?)
            }
            EncoderState::Csv(text) => EncodedRows::Csv(text),
            EncoderState::Arrow(batches) => EncodedRows::Arrow(batches),
        })
    }
}

/// Adds the path to an I/O error.
pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Io { path: path.to_owned(), source }
}

fn properties(distinct: &[&str]) -> Result<WriterProperties, Error> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROWS_PER_ROW_GROUP))
        // Row groups are cut by time, so only the statistics of the time let a reader skip one.
        .set_statistics_enabled(EnabledStatistics::None)
        .set_column_statistics_enabled(ColumnPath::from("booked_at"), EnabledStatistics::Chunk);
    for name in distinct {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(*name), false);
    }
    Ok(properties.build())
}
