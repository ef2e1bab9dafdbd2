//! Files of record batches in the three formats.
//! Owns the writers' settings; the columns are `feed`'s and `expected`'s.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::{Error, Format, csv};

/// Small enough for a reader to spread one month over its cores, large enough for dictionaries to pay.
const ROWS_PER_ROW_GROUP: usize = 131_072;

enum Writer {
    Parquet(Box<ArrowWriter<File>>),
    Csv(BufWriter<File>),
    Arrow(Box<FileWriter<BufWriter<File>>>),
}

/// One file being written.
pub(crate) struct Output {
    path: PathBuf,
    writer: Writer,
    text: Vec<u8>,
}

impl Output {
    pub(crate) fn create(path: &Path, schema: &SchemaRef, format: Format) -> Result<Output, Error> {
        let file = File::create(path).map_err(io(path))?;
        let mut text = Vec::new();
        let writer = match format {
            Format::Parquet => {
                let writer = ArrowWriter::try_new(file, SchemaRef::clone(schema), Some(properties()?))?;
                Writer::Parquet(Box::new(writer))
            }
            Format::Csv => {
                csv::write_header(&mut text, schema);
                Writer::Csv(BufWriter::new(file))
            }
            Format::Arrow => Writer::Arrow(Box::new(FileWriter::try_new(BufWriter::new(file), schema)?)),
        };
        let mut output = Output { path: path.to_owned(), writer, text };
        output.flush_text()?;
        Ok(output)
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        match &mut self.writer {
            Writer::Parquet(writer) => writer.write(batch)?,
            Writer::Csv(_) => {
                csv::write_rows(&mut self.text, batch)?;
                self.flush_text()?;
            }
            Writer::Arrow(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    fn flush_text(&mut self) -> Result<(), Error> {
        if let Writer::Csv(writer) = &mut self.writer {
            writer.write_all(&self.text).map_err(io(&self.path))?;
            self.text.clear();
        }
        Ok(())
    }

    /// Finishes the file; its size in bytes.
    pub(crate) fn close(self) -> Result<u64, Error> {
        match self.writer {
            Writer::Parquet(writer) => {
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

/// An I/O error that names its file.
pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Io { path: path.to_owned(), source }
}

fn properties() -> Result<WriterProperties, Error> {
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROWS_PER_ROW_GROUP))
        // Every id is another one: its dictionary would be built, found too large and thrown away.
        .set_column_dictionary_enabled(ColumnPath::from("txn_id"), false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build())
}
