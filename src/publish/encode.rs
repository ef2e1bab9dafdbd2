//! Products as encoded output: each group becomes a row group of the Parquet files, or lines of the NDJSON files.
//!
//! Owns: encoding side by side by groups, and putting the pieces into files in order. Groups follow the number of
//! accounts alone, so the bytes do not depend on threads or memory.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::file::writer::SerializedFileWriter;
use tempfile::NamedTempFile;

use crate::batch::build::{OutputFormat, ProductPlan};
use crate::error::Error;
use crate::product::dictionary::Dictionary;
use crate::product::render::json;
use crate::product::render::parquet::{ProductBatchBuilder, properties};
use crate::product::value::Product;

/// A piece of one file, in the order of the file.
pub enum Encoded {
    /// A row group of the file with this number.
    RowGroup(usize, Vec<ArrowColumnChunk>),
    /// Lines of the file with this number.
    Lines(usize, Vec<u8>),
}

/// Rows of a segment gathered before they are handed to the column writers: what 32 accounts with 36 periods have.
const ROWS_PER_BATCH: usize = 32 * 36;

type File = BufWriter<NamedTempFile>;

/// The output files of one build, none of them in place yet.
pub struct ProductFiles {
    files: Vec<ProductFile>,
    dictionaries: Vec<Arc<Dictionary>>,
}

struct ProductFile {
    /// Its name once it is in place.
    name: String,
    /// Which of the build's products it holds.
    product: usize,
    writer: Writer,
}

enum Writer {
    Parquet(Box<SerializedFileWriter<File>>, Arc<ArrowRowGroupWriterFactory>),
    Lines(File),
}

impl ProductFiles {
    /// Begins a file a product and format, under temporary names in the folder that they are meant for.
    pub fn create(out: &Path, plans: &[ProductPlan], formats: &[OutputFormat]) -> Result<ProductFiles, Error> {
        let mut files = Vec::new();
        for (plan, product) in plans.iter().zip(0..) {
            for format in formats {
                let file = NamedTempFile::with_prefix_in(".liushui-", out)
                    .map_err(|error| Error::io("cannot write into", out, error))?;
                let file = BufWriter::with_capacity(1 << 20, file);
                let (ending, writer) = match format {
                    OutputFormat::Parquet => ("parquet", parquet_writer(file, &plan.dictionary)?),
                    OutputFormat::Json => ("ndjson", Writer::Lines(file)),
                };
                files.push(ProductFile { name: format!("{}.{ending}", plan.dictionary.product()), product, writer });
            }
        }
        let dictionaries = plans.iter().map(|plan| Arc::new(plan.dictionary.clone())).collect();
        Ok(ProductFiles { files, dictionaries })
    }

    /// What workers need to encode for these files.
    pub fn encoders(&self) -> GroupEncoder {
        let target = |file: &ProductFile| match &file.writer {
            Writer::Parquet(_, factory) => (file.product, Target::RowGroups(Arc::clone(factory))),
            Writer::Lines(_) => (file.product, Target::Lines),
        };
        GroupEncoder { targets: self.files.iter().map(target).collect(), dictionaries: self.dictionaries.clone() }
    }

    /// Puts a piece into its file.
    pub fn write(&mut self, encoded: Encoded) -> Result<(), Error> {
        let (Encoded::RowGroup(number, _) | Encoded::Lines(number, _)) = encoded;
        match (self.files.get_mut(number).map(|file| &mut file.writer), encoded) {
            (Some(Writer::Parquet(writer, _)), Encoded::RowGroup(_, chunks)) => {
                let mut group = writer.next_row_group()?;
                for chunk in chunks {
                    chunk.append_to_row_group(&mut group)?;
                }
                group.close()?;
                Ok(())
            }
            (Some(Writer::Lines(file)), Encoded::Lines(_, lines)) => {
                file.write_all(&lines).map_err(|error| cannot_write(&error))
            }
            _ => Err(Error::Internal("a piece for another file".to_string())),
        }
    }

    /// Ends the files; each comes back with the name that it is to have.
    pub fn finish(self) -> Result<Vec<(String, NamedTempFile)>, Error> {
        let finish = |file: ProductFile| {
            let inner = match file.writer {
                Writer::Parquet(writer, _) => writer.into_inner()?,
                Writer::Lines(file) => file,
            };
            let inner = inner.into_inner().map_err(|error| cannot_write(error.error()))?;
            Ok((file.name, inner))
        };
        self.files.into_iter().map(finish).collect()
    }
}

fn parquet_writer(file: File, dictionary: &Dictionary) -> Result<Writer, Error> {
    let schema = dictionary.arrow_schema();
    let properties = properties(&schema)?;
    let writer = ArrowWriter::try_new(file, schema, Some(properties))?;
    let (writer, factory) = writer.into_serialized_writer()?;
    Ok(Writer::Parquet(Box::new(writer), Arc::new(factory)))
}

fn unknown_product() -> Error {
    Error::Internal("a product that the build does not make".to_string())
}

fn cannot_write(error: &std::io::Error) -> Error {
    Error::Internal(format!("cannot write products: {error}"))
}

/// Begins the encoding of groups; shared by the workers.
pub struct GroupEncoder {
    targets: Vec<(usize, Target)>,
    dictionaries: Vec<Arc<Dictionary>>,
}

enum Target {
    RowGroups(Arc<ArrowRowGroupWriterFactory>),
    Lines,
}

impl GroupEncoder {
    /// Begins a group; its pieces come at its end.
    pub fn begin(&self, group: usize) -> Result<GroupEncoding, Error> {
        let mut products: Vec<ProductEncoding> = Vec::new();
        for dictionary in &self.dictionaries {
            products.push(ProductEncoding { dictionary: Arc::clone(dictionary), files: Vec::new() });
        }
        for ((product, target), number) in self.targets.iter().zip(0..) {
            let product = products.get_mut(*product).ok_or_else(unknown_product)?;
            let encoding = match target {
                Target::RowGroups(factory) => Encoding::RowGroup {
                    builder: Box::new(ProductBatchBuilder::new(&product.dictionary)),
                    columns: factory.create_column_writers(group)?,
                },
                Target::Lines => Encoding::Lines(Vec::new()),
            };
            product.files.push((number, encoding));
        }
        Ok(GroupEncoding { products })
    }
}

/// One group's output in the making.
pub struct GroupEncoding {
    products: Vec<ProductEncoding>,
}

struct ProductEncoding {
    dictionary: Arc<Dictionary>,
    files: Vec<(usize, Encoding)>,
}

enum Encoding {
    RowGroup { builder: Box<ProductBatchBuilder>, columns: Vec<ArrowColumnWriter> },
    Lines(Vec<u8>),
}

impl GroupEncoding {
    /// Adds one account's product, by the number of the product in the build.
    pub fn append(&mut self, product: usize, account_id: &str, value: &Product) -> Result<(), Error> {
        let product = self.products.get_mut(product).ok_or_else(unknown_product)?;
        for (_, encoding) in &mut product.files {
            match encoding {
                Encoding::RowGroup { builder, columns } => {
                    builder.append(account_id, value).map_err(|error| Error::product(account_id, error))?;
                    if builder.len() * product.dictionary.max_periods() >= ROWS_PER_BATCH {
                        write_batch(builder, columns)?;
                    }
                }
                Encoding::Lines(lines) => {
                    json::write(lines, &product.dictionary, Some(account_id), value, json::Layout::Line)
                        .map_err(|error| Error::product(account_id, error))?;
                }
            }
        }
        Ok(())
    }

    /// Hands the rest on.
    pub fn finish(self) -> Result<Vec<Encoded>, Error> {
        let mut pieces = Vec::new();
        for (number, encoding) in self.products.into_iter().flat_map(|product| product.files) {
            let encoded = match encoding {
                Encoding::RowGroup { mut builder, mut columns } => {
                    write_batch(&mut builder, &mut columns)?;
                    let chunks = columns.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?;
                    Encoded::RowGroup(number, chunks)
                }
                Encoding::Lines(lines) => Encoded::Lines(number, lines),
            };
            pieces.push(encoded);
        }
        Ok(pieces)
    }
}

fn write_batch(builder: &mut ProductBatchBuilder, columns: &mut [ArrowColumnWriter]) -> Result<(), Error> {
    if builder.is_empty() {
        return Ok(());
    }
    let batch = builder.finish()?;
    let mut writers = columns.iter_mut();
    for (field, array) in builder.schema().fields().iter().zip(batch.columns()) {
        for leaf in compute_leaves(field, array)? {
            let writer = writers.next();
            writer
                .ok_or_else(|| Error::Internal("a product has more columns than its file".to_string()))?
                .write(&leaf)?;
        }
    }
    Ok(())
}
