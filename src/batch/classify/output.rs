//! The output file of a classification: one row per transaction, in the feed's order.
//!
//! Owns: columns and bytes of the file, which has a temporary name until it is complete. The bytes depend only on the rows:
//! batches are regrouped to a fixed size before they are written.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, DictionaryArray, PrimitiveArray, StringArray, StringViewArray, UInt8Array,
    UInt16Array, UInt32Array,
};
use arrow::compute::BatchCoalescer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use tempfile::NamedTempFile;

use super::report::subclass_name;
use crate::class::{Class, Evidence, Matcher, Subclass};
use crate::dictionary_column::DictionaryColumn;
use crate::error::Error;
use crate::feed::Feed;
use crate::feed::reject::FeedVerdict;

/// Rows per written batch.
const WRITE_ROWS: usize = 8_192;

/// The destination of classified rows.
pub struct Sink {
    path: PathBuf,
    coalescer: Option<BatchCoalescer>,
    columns: Columns,
    writer: Writer,
}

enum Writer {
    Parquet(Box<ArrowWriter<NamedTempFile>>),
    Csv(Box<csv::Writer<NamedTempFile>>),
}

impl Sink {
    /// A file at `path`, with the format of its extension. Nothing is at `path` until [`Sink::commit`].
    ///
    /// # Errors
    /// [`Error::Usage`] for another extension than `.parquet` or `.csv`, for a folder, for a file in a folder that does not
    /// exist, and for a file of the feed; [`Error::Io`].
    pub fn create(path: &Path, names: bool, feed: &Feed, matcher: &Matcher) -> Result<Sink, Error> {
        let columns = Columns::new(names, feed, matcher);
        let own = path.canonicalize().ok();
        if own.is_some() && feed.file_names().any(|name| Path::new(name).canonicalize().ok() == own) {
            return Err(Error::Usage(format!("`{}` is a file of the feed; give another", path.display())));
        }
        let temporary = || temporary_beside(path);
        let writer = match path.extension().and_then(OsStr::to_str) {
            Some("parquet") => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_created_by(format!("liushui {}", env!("CARGO_PKG_VERSION")))
                    .build();
                let schema = SchemaRef::clone(&columns.schema);
                let writer = ArrowWriter::try_new(temporary()?, schema, Some(properties));
                Writer::Parquet(Box::new(writer.map_err(|error| cannot_write(path, error))?))
            }
            Some("csv") => {
                let mut writer = csv::Writer::from_writer(temporary()?);
                let names = columns.schema.fields().iter().map(|field| field.name());
                writer.write_record(names).map_err(|error| Error::io("cannot write", path, error.into()))?;
                Writer::Csv(Box::new(writer))
            }
            _ => {
                return Err(Error::Usage(format!(
                    "`{}`: the file's extension is its format; give .parquet or .csv",
                    path.display()
                )));
            }
        };
        Ok(Sink { path: path.to_path_buf(), coalescer: None, columns, writer })
    }

    /// Adds rows of `pipelines/classify.sql`, in the order of the file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn push(&mut self, batch: RecordBatch, feed: &Feed) -> Result<(), Error> {
        // Each batch has its own dictionary of names, so batches cannot be combined by key.
        let batch = with_names_as_rows(batch)?;
        let coalescer = self.coalescer.get_or_insert_with(|| BatchCoalescer::new(batch.schema(), WRITE_ROWS));
        coalescer.push_batch(batch)?;
        self.write_complete(feed)
    }

    /// Renames the file into place.
    ///
    /// # Errors
    /// [`Error::Io`]; `path` is then unchanged.
    pub fn commit(mut self, feed: &Feed) -> Result<(), Error> {
        if let Some(coalescer) = &mut self.coalescer {
            coalescer.finish_buffered_batch()?;
        }
        self.write_complete(feed)?;
        let path = self.path;
        let file = match self.writer {
            Writer::Parquet(writer) => writer.into_inner().map_err(|error| cannot_write(&path, error))?,
            Writer::Csv(writer) => {
                writer.into_inner().map_err(|error| Error::io("cannot write", &path, error.into_error()))?
            }
        };
        file.as_file().sync_all().map_err(|error| Error::io("cannot write", &path, error))?;
        file.persist(&path).map_err(|error| Error::io("cannot write", &path, error.error))?;
        Ok(())
    }

    fn write_complete(&mut self, feed: &Feed) -> Result<(), Error> {
        while let Some(batch) = self.coalescer.as_mut().and_then(BatchCoalescer::next_completed_batch) {
            let batch = self.columns.texts(&batch, feed)?;
            match &mut self.writer {
                Writer::Parquet(writer) => writer.write(&batch).map_err(|error| cannot_write(&self.path, error))?,
                Writer::Csv(writer) => {
                    write_csv(writer, &batch).map_err(|error| Error::io("cannot write", &self.path, error.into()))?
                }
            }
        }
        Ok(())
    }
}

/// The batch with its names as texts, row by row.
fn with_names_as_rows(batch: RecordBatch) -> Result<RecordBatch, Error> {
    let (schema, mut columns, _) = batch.into_parts();
    let mut fields = schema.fields().to_vec();
    if let Ok(at) = schema.index_of("counterparty_name") {
        let other = || Error::Internal("rows of another schema".to_string());
        columns[at] = DictionaryColumn::of_array(&columns[at]).ok_or_else(other)?.into_rows()?;
        fields[at] = Arc::new(Field::new("counterparty_name", DataType::Utf8View, true));
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// Writes the rejects, in the format of `rejects.csv`.
///
/// # Errors
/// As of [`Sink::create`].
pub fn write_rejects(path: &Path, verdict: &FeedVerdict) -> Result<(), Error> {
    let mut file = temporary_beside(path)?;
    verdict.write_csv(&mut file).map_err(|error| Error::io("cannot write", path, error))?;
    file.persist(path).map_err(|error| Error::io("cannot write", path, error.error))?;
    Ok(())
}

/// A temporary file in the folder of `path`, to be renamed to `path` once it is complete.
fn temporary_beside(path: &Path) -> Result<NamedTempFile, Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() || !folder.is_dir() {
        let problem = if path.is_dir() { "is a folder" } else { "is in a folder that does not exist" };
        return Err(Error::Usage(format!("`{}` {problem}; give a file", path.display())));
    }
    NamedTempFile::with_prefix_in(".liushui-", folder).map_err(|error| Error::io("cannot write into", folder, error))
}

fn cannot_write(path: &Path, error: ParquetError) -> Error {
    Error::io("cannot write", path, std::io::Error::other(error))
}

/// The file's columns, and the texts of their keys.
struct Columns {
    schema: SchemaRef,
    files: ArrayRef,
    classes: ArrayRef,
    subclasses: ArrayRef,
    rules: ArrayRef,
    evidences: ArrayRef,
    names: bool,
}

impl Columns {
    fn new(names: bool, feed: &Feed, matcher: &Matcher) -> Columns {
        let dictionary = |name, keys, nullable| {
            Field::new(name, DataType::Dictionary(Box::new(keys), Box::new(DataType::Utf8)), nullable)
        };
        let mut fields = vec![
            dictionary("file", DataType::UInt32, false),
            Field::new("row", DataType::UInt64, false),
            Field::new("account_id", DataType::Utf8, false),
            Field::new("txn_id", DataType::Utf8View, false),
            dictionary("class", DataType::UInt8, false),
            dictionary("subclass", DataType::UInt8, true),
            dictionary("rule", DataType::UInt16, false),
            dictionary("evidence", DataType::UInt8, false),
        ];
        if names {
            fields.push(Field::new("counterparty_name", DataType::Utf8View, true));
        }
        let texts = |texts: Vec<Option<&str>>| Arc::new(StringArray::from(texts)) as ArrayRef;
        Columns {
            schema: Arc::new(Schema::new(fields)),
            files: texts(feed.file_names().map(Some).collect()),
            classes: texts(Class::ALL.iter().map(|class| Some(class.name())).collect()),
            subclasses: texts(Subclass::ALL.iter().map(|subclass| subclass_name(*subclass)).collect()),
            rules: texts(matcher.rule_ids().map(Some).collect()),
            evidences: texts(Evidence::ALL.iter().map(|evidence| Some(evidence.name())).collect()),
            names,
        }
    }

    /// A batch of the plan with texts in place of numbers.
    fn texts(&self, batch: &RecordBatch, feed: &Feed) -> Result<RecordBatch, Error> {
        let other = || Error::Internal("rows of another schema".to_string());
        let column = |name: &str| batch.column_by_name(name).ok_or_else(other);
        let verdict = |name: &str| {
            batch
                .column_by_name("verdict")
                .and_then(|verdict| verdict.as_struct_opt()?.column_by_name(name))
                .ok_or_else(other)
        };
        let small = |name: &str| verdict(name)?.as_primitive_opt::<UInt8Type>().cloned().ok_or_else(other);
        let subclasses = known_subclasses(&small("subclass")?);
        let rules: UInt16Array = verdict("rule")?.as_primitive_opt::<UInt16Type>().cloned().ok_or_else(other)?;
        let files: UInt32Array = column("file")?.as_primitive_opt::<UInt32Type>().cloned().ok_or_else(other)?;
        let accounts = column("account")?.as_primitive_opt::<UInt32Type>().ok_or_else(other)?;
        let ids = accounts
            .values()
            .iter()
            .map(|account| feed.accounts.all().get(*account as usize).map(|account| account.account_id.as_str()));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(DictionaryArray::try_new(files, Arc::clone(&self.files))?),
            Arc::clone(column("row")?),
            Arc::new(ids.collect::<StringArray>()),
            Arc::clone(column("txn_id")?),
            Arc::new(DictionaryArray::try_new(small("class")?, Arc::clone(&self.classes))?),
            Arc::new(DictionaryArray::try_new(subclasses, Arc::clone(&self.subclasses))?),
            Arc::new(DictionaryArray::try_new(rules, Arc::clone(&self.rules))?),
            Arc::new(DictionaryArray::try_new(small("evidence")?, Arc::clone(&self.evidences))?),
        ];
        if self.names {
            columns.push(Arc::clone(column("counterparty_name")?));
        }
        Ok(RecordBatch::try_new(SchemaRef::clone(&self.schema), columns)?)
    }
}

/// Sub-classes as keys: null where the class has none.
fn known_subclasses(numbers: &UInt8Array) -> UInt8Array {
    numbers.iter().map(|number| number.filter(|number| *number != Subclass::None as u8)).collect()
}

fn write_csv(writer: &mut csv::Writer<NamedTempFile>, batch: &RecordBatch) -> csv::Result<()> {
    for row in 0..batch.num_rows() {
        for column in batch.columns() {
            match column.data_type() {
                DataType::UInt64 => {
                    let numbers: &PrimitiveArray<UInt64Type> = column.as_primitive();
                    writer.write_field(numbers.value(row).to_string())?;
                }
                DataType::Utf8 => writer.write_field(column.as_string::<i32>().value(row))?,
                DataType::Utf8View => {
                    let texts: &StringViewArray = column.as_string_view();
                    writer.write_field(if texts.is_valid(row) { texts.value(row) } else { "" })?;
                }
                _ => writer.write_field(dictionary_text(column, row))?,
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    Ok(())
}

/// The text at `row` of a dictionary column; empty where it is null.
fn dictionary_text(column: &ArrayRef, row: usize) -> &str {
    let dictionary = column.as_any_dictionary();
    if column.is_null(row) {
        return "";
    }
    // Dictionaries here are short: files, classes, rules.
    let key = match dictionary.keys().data_type() {
        DataType::UInt8 => usize::from(dictionary.keys().as_primitive::<UInt8Type>().value(row)),
        DataType::UInt16 => usize::from(dictionary.keys().as_primitive::<UInt16Type>().value(row)),
        _ => dictionary.keys().as_primitive::<UInt32Type>().value(row) as usize,
    };
    dictionary.values().as_string::<i32>().value(key)
}
