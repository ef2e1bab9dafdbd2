//! Files of record batches in the three formats, made of pieces that workers encode apart.
//! Owns the writers' settings; the columns are `feed`'s and `expected`'s.
//!
//! ```text
//! Output ──encoder()──▶ Encoder (shared by workers) ──start()──▶ Piece ◀─ write columns
//!    ▲                                                             │ finish
//!    └──────────── append, in order ◀── Encoded ◀──────────────────┘
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

/// One file being written.
pub(crate) struct Output {
    path: PathBuf,
    schema: SchemaRef,
    writer: Writer,
    /// What `write` has collected.
    piece: Option<Piece>,
    rows: usize,
}

/// Makes pieces of a file, on any thread.
#[derive(Clone)]
pub(crate) struct Encoder {
    schema: SchemaRef,
    /// Of Parquet.
    factory: Option<Arc<ArrowRowGroupWriterFactory>>,
    is_csv: bool,
}

/// A part of a file that is being encoded: in Parquet a row group.
pub(crate) struct Piece {
    schema: SchemaRef,
    form: Form,
}

enum Form {
    Parquet(Vec<ArrowColumnWriter>),
    Csv(Vec<u8>),
    Arrow(Vec<RecordBatch>),
}

/// A part of a file that only has to be appended.
pub(crate) enum Encoded {
    Parquet(Vec<ArrowColumnChunk>),
    Csv(Vec<u8>),
    Arrow(Vec<RecordBatch>),
}

impl Output {
    /// Creates the file. Columns named in `distinct` hold mostly different values: a dictionary of them would be built,
    /// found too large and thrown away.
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
        Ok(Output { path: path.to_owned(), schema: SchemaRef::clone(schema), writer, piece: None, rows: 0 })
    }

    pub(crate) fn encoder(&self) -> Encoder {
        let factory = match &self.writer {
            Writer::Parquet(_, factory) => Some(Arc::clone(factory)),
            _ => None,
        };
        Encoder { schema: SchemaRef::clone(&self.schema), factory, is_csv: matches!(self.writer, Writer::Csv(_)) }
    }

    /// Appends a piece that a worker has encoded.
    pub(crate) fn append(&mut self, encoded: Encoded) -> Result<(), Error> {
        match (&mut self.writer, encoded) {
            (Writer::Parquet(writer, _), Encoded::Parquet(chunks)) => {
                let mut group = writer.next_row_group()?;
                for chunk in chunks {
                    chunk.append_to_row_group(&mut group)?;
                }
                group.close()?;
            }
            (Writer::Csv(writer), Encoded::Csv(text)) => writer.write_all(&text).map_err(io(&self.path))?,
            (Writer::Arrow(writer), Encoded::Arrow(batches)) => {
                batches.iter().try_for_each(|batch| writer.write(batch))?;
            }
            // Pieces come from this output's own encoder.
            _ => debug_assert!(false, "a piece of another format"),
        }
        Ok(())
    }

    /// Appends a batch, encoded on this thread.
    pub(crate) fn write(&mut self, columns: &[ArrayRef]) -> Result<(), Error> {
        let encoder = self.encoder();
        let piece = match &mut self.piece {
            Some(piece) => piece,
            None => self.piece.insert(encoder.start()?),
        };
        piece.write(columns)?;
        self.rows += columns.first().map_or(0, |column| column.len());
        if self.rows >= ROWS_PER_ROW_GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.rows = 0;
        match self.piece.take() {
            Some(piece) => self.append(piece.finish()?),
            None => Ok(()),
        }
    }

    /// Finishes the file; its size in bytes.
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

impl Encoder {
    pub(crate) fn start(&self) -> Result<Piece, Error> {
        let form = match &self.factory {
            // The index would only matter to encryption.
            Some(factory) => Form::Parquet(factory.create_column_writers(0)?),
            None if self.is_csv => Form::Csv(Vec::new()),
            None => Form::Arrow(Vec::new()),
        };
        Ok(Piece { schema: SchemaRef::clone(&self.schema), form })
    }
}

impl Piece {
    /// Encodes a batch of rows.
    pub(crate) fn write(&mut self, columns: &[ArrayRef]) -> Result<(), Error> {
        let batch = || RecordBatch::try_new(SchemaRef::clone(&self.schema), columns.to_vec());
        match &mut self.form {
            Form::Parquet(writers) => {
                let mut writers = writers.iter_mut();
                for (field, column) in self.schema.fields().iter().zip(columns) {
                    for leaf in compute_leaves(field, column)? {
                        if let Some(writer) = writers.next() {
                            writer.write(&leaf)?;
                        }
                    }
                }
            }
            Form::Csv(text) => csv::write_rows(text, &batch()?)?,
            Form::Arrow(batches) => batches.push(batch()?),
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Encoded, Error> {
        Ok(match self.form {
            Form::Parquet(writers) => {
                Encoded::Parquet(writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?)
            }
            Form::Csv(text) => Encoded::Csv(text),
            Form::Arrow(batches) => Encoded::Arrow(batches),
        })
    }
}

/// An I/O error that names its file.
pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Io { path: path.to_owned(), source }
}

fn properties(distinct: &[&str]) -> Result<WriterProperties, Error> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROWS_PER_ROW_GROUP))
        // Row groups are cut by time, which is what readers skip by; the least and greatest name helps nobody.
        .set_statistics_enabled(EnabledStatistics::None)
        .set_column_statistics_enabled(ColumnPath::from("booked_at"), EnabledStatistics::Chunk);
    for name in distinct {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(*name), false);
    }
    Ok(properties.build())
}
