//! Products as Parquet: one row an account, a column a segment.
//!
//! Owns: the arrays' layout, the file's properties, the bounds on memory. Does not own: the schema (see
//! `dictionary`), the order of accounts, which is the caller's, or the file itself.
//!
//! ```text
//! account_id | cover {report_no, ...} | ... | funds [{period, ...}, ...] | ... | null_reasons {path: reason, ...}
//! ```

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

use ::parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use ::parquet::basic::{Compression, Type as PhysicalType, ZstdLevel};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::schema::types::ColumnPath;
use arrow::array::{
    ArrayRef, Date32Builder, Decimal128Builder, Int64Builder, ListArray, MapArray, RecordBatch, StringBuilder,
    StructArray, TimestampSecondBuilder,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::{RenderError, ValueText, check, visit_null_reasons, wrong_kind};
use crate::product::dictionary::{
    ACCOUNT_ID, DECIMAL_PRECISION, Dictionary, ItemKind, ItemType, MONEY_SCALE, RATIO_SCALE, Rows, SegmentDef,
    TIME_ZONE,
};
use crate::product::value::{Product, Segment, Value};

/// Most accounts of a batch: at 36 months about 32 KiB each, so 64 MiB.
pub const ACCOUNTS_PER_BATCH_MAX: usize = 2_048;

/// Accounts that [`ProductWriter`] gathers before it encodes them: about 4 MiB.
const ACCOUNTS_PER_BATCH: usize = 128;

/// A row group ends at so many accounts ...
const ACCOUNTS_PER_GROUP: usize = 8_192;

/// ... or once so much of it is encoded: it stays in memory until it ends. Both are functions of the products
/// alone, so equal products make equal files.
const GROUP_BYTES: usize = 16 << 20;

/// Pages are small, since each of some hundred columns holds one that is not yet compressed.
const PAGE_BYTES: usize = 64 << 10;

/// Small numbers and repeated zeros compress well already at the first level.
const ZSTD_LEVEL: i32 = 1;

/// What the file says of its writer.
const CREATED_BY: &str = concat!("liushui version ", env!("CARGO_PKG_VERSION"));

// A full batch of the writer never hits the builder's bound.
const _: () = assert!(ACCOUNTS_PER_BATCH < ACCOUNTS_PER_BATCH_MAX);

/// Gathers products into one record batch.
pub struct ProductBatchBuilder {
    dictionary: Dictionary,
    schema: SchemaRef,
    account_ids: StringBuilder,
    segments: Vec<SegmentColumns>,
    reasons: ReasonColumns,
    accounts: usize,
}

impl ProductBatchBuilder {
    /// An empty builder for the products of one dictionary.
    pub fn new(dictionary: &Dictionary) -> ProductBatchBuilder {
        ProductBatchBuilder {
            dictionary: dictionary.clone(),
            schema: dictionary.arrow_schema(),
            account_ids: StringBuilder::new(),
            segments: dictionary.segments().map(SegmentColumns::new).collect(),
            reasons: ReasonColumns::new(),
            accounts: 0,
        }
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Accounts gathered so far.
    pub fn len(&self) -> usize {
        self.accounts
    }

    /// Whether no account has been gathered.
    pub fn is_empty(&self) -> bool {
        self.accounts == 0
    }

    /// Adds one account's product. After an error of its check nothing of it is in the batch.
    pub fn append(&mut self, account_id: &str, product: &Product) -> Result<(), RenderError> {
        if self.accounts >= ACCOUNTS_PER_BATCH_MAX {
            return Err(RenderError::BatchFull { max: ACCOUNTS_PER_BATCH_MAX });
        }
        check(&self.dictionary, product)?;
        self.account_ids.append_value(account_id);
        let defs = self.dictionary.segments();
        for ((def, columns), segment) in defs.zip(&mut self.segments).zip(&product.segments) {
            columns.append(def, segment)?;
        }
        self.reasons.append(&self.dictionary, product)?;
        self.accounts += 1;
        Ok(())
    }

    /// The batch of what was gathered; the builder is empty again.
    pub fn finish(&mut self) -> Result<RecordBatch, RenderError> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        let fields = Arc::clone(&self.schema);
        let mut types = fields.fields().iter().skip(1).map(|field| field.data_type());
        columns.push(Arc::new(self.account_ids.finish()));
        for (segment, data_type) in self.segments.iter_mut().zip(&mut types) {
            columns.push(segment.finish(data_type, self.accounts)?);
        }
        for data_type in types {
            columns.push(self.reasons.finish(data_type)?);
        }
        self.accounts = 0;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// The columns of one segment.
struct SegmentColumns {
    items: Vec<ItemColumn>,
    /// Where each account's rows end; `None` where each account has one row.
    offsets: Option<Offsets>,
}

impl SegmentColumns {
    fn new(def: &SegmentDef) -> SegmentColumns {
        let offsets = (def.rows != Rows::One).then(Offsets::new);
        SegmentColumns { items: def.items.iter().map(|item| ItemColumn::new(&item.item_type)).collect(), offsets }
    }

    fn append(&mut self, def: &SegmentDef, segment: &Segment) -> Result<(), RenderError> {
        for (index, (column, item)) in self.items.iter_mut().zip(&def.items).enumerate() {
            let values = segment.rows.iter().filter_map(|row| row.get(index));
            if !column.append(values) {
                return Err(wrong_kind(def, item));
            }
        }
        match &mut self.offsets {
            Some(offsets) => offsets.push(segment.rows.len()),
            None => Ok(()),
        }
    }

    fn finish(&mut self, data_type: &DataType, accounts: usize) -> Result<ArrayRef, RenderError> {
        let items: Vec<ArrayRef> = self.items.iter_mut().map(ItemColumn::finish).collect();
        match (data_type, &mut self.offsets) {
            (DataType::Struct(fields), None) => {
                Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), items, None, accounts)?))
            }
            (DataType::List(element), Some(offsets)) => {
                let rows = StructArray::try_new(struct_fields(element.data_type())?, items, None)?;
                let list = ListArray::try_new(Arc::clone(element), offsets.finish(), Arc::new(rows), None)?;
                Ok(Arc::new(list))
            }
            (other, _) => Err(unexpected(other)),
        }
    }
}

/// One item's values, in their Arrow type.
enum ItemColumn {
    Text(StringBuilder),
    /// Months and quarters, which are text in the file.
    Period(StringBuilder),
    Count(Int64Builder),
    Money(Decimal128Builder),
    Ratio(Decimal128Builder),
    Date(Date32Builder),
    Instant(TimestampSecondBuilder),
}

impl ItemColumn {
    fn new(item_type: &ItemType) -> ItemColumn {
        let decimal = |scale| {
            let data_type = DataType::Decimal128(DECIMAL_PRECISION, scale);
            Decimal128Builder::new().with_data_type(data_type)
        };
        match item_type.kind {
            ItemKind::String | ItemKind::Text | ItemKind::Enum(_) => ItemColumn::Text(StringBuilder::new()),
            ItemKind::Month | ItemKind::Period(_) => ItemColumn::Period(StringBuilder::new()),
            ItemKind::Int => ItemColumn::Count(Int64Builder::new()),
            ItemKind::Money => ItemColumn::Money(decimal(MONEY_SCALE)),
            ItemKind::Ratio => ItemColumn::Ratio(decimal(RATIO_SCALE)),
            ItemKind::Date => ItemColumn::Date(Date32Builder::new()),
            ItemKind::Timestamp => ItemColumn::Instant(TimestampSecondBuilder::new().with_timezone(TIME_ZONE)),
        }
    }

    /// Adds values; false at the first that is not of the column's type. The column is chosen once, not once a value.
    fn append<'a>(&mut self, values: impl Iterator<Item = &'a Value>) -> bool {
        /// The loop of one column: a value of its kind, null, or not ours.
        macro_rules! each {
            ($builder:ident, $($kind:pat => $value:expr),+) => {
                for value in values {
                    match value {
                        $($kind => $builder.append_value($value),)+
                        Value::Null(_) | Value::NoLimit => $builder.append_null(),
                        _ => return false,
                    }
                }
            };
        }
        match self {
            ItemColumn::Text(builder) => each!(builder, Value::Text(text) => text),
            ItemColumn::Count(builder) => each!(builder, Value::Count(count) => *count),
            ItemColumn::Money(builder) => each!(builder, Value::Money(fen) => *fen),
            ItemColumn::Ratio(builder) => each!(builder, Value::Ratio(millionths) => *millionths),
            ItemColumn::Date(builder) => each!(builder, Value::Date(date) => date.0),
            ItemColumn::Instant(builder) => each!(builder, Value::Instant(seconds) => *seconds),
            ItemColumn::Period(builder) => {
                for value in values {
                    match value {
                        Value::Month(_) | Value::Quarter(_) => {
                            // Writing to the builder's buffer cannot fail; the empty value ends what was written.
                            let _ = write!(builder, "{}", ValueText(value));
                            builder.append_value("");
                        }
                        Value::Null(_) | Value::NoLimit => builder.append_null(),
                        _ => return false,
                    }
                }
            }
        }
        true
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            ItemColumn::Text(builder) | ItemColumn::Period(builder) => Arc::new(builder.finish()),
            ItemColumn::Count(builder) => Arc::new(builder.finish()),
            ItemColumn::Money(builder) | ItemColumn::Ratio(builder) => Arc::new(builder.finish()),
            ItemColumn::Date(builder) => Arc::new(builder.finish()),
            ItemColumn::Instant(builder) => Arc::new(builder.finish()),
        }
    }
}

/// The map of null reasons.
struct ReasonColumns {
    paths: StringBuilder,
    reasons: StringBuilder,
    offsets: Offsets,
}

impl ReasonColumns {
    fn new() -> ReasonColumns {
        ReasonColumns { paths: StringBuilder::new(), reasons: StringBuilder::new(), offsets: Offsets::new() }
    }

    fn append(&mut self, dictionary: &Dictionary, product: &Product) -> Result<(), RenderError> {
        let mut entries = 0;
        visit_null_reasons::<RenderError>(dictionary, product, |path, reason| {
            self.paths.append_value(path);
            self.reasons.append_value(reason.name());
            entries += 1;
            Ok(())
        })?;
        self.offsets.push(entries)
    }

    fn finish(&mut self, data_type: &DataType) -> Result<ArrayRef, RenderError> {
        let DataType::Map(entries, sorted) = data_type else {
            return Err(unexpected(data_type));
        };
        let columns: Vec<ArrayRef> = vec![Arc::new(self.paths.finish()), Arc::new(self.reasons.finish())];
        let map = StructArray::try_new(struct_fields(entries.data_type())?, columns, None)?;
        Ok(Arc::new(MapArray::try_new(Arc::clone(entries), self.offsets.finish(), map, None, *sorted)?))
    }
}

/// Where the rows of each account end.
struct Offsets {
    // Invariant: begins with 0 and never falls.
    ends: Vec<i32>,
}

impl Offsets {
    fn new() -> Offsets {
        Offsets { ends: vec![0] }
    }

    fn push(&mut self, rows: usize) -> Result<(), RenderError> {
        let last = self.ends.last().copied().unwrap_or_default();
        let end = i32::try_from(rows).ok().and_then(|rows| last.checked_add(rows));
        self.ends.push(end.ok_or(RenderError::BatchFull { max: ACCOUNTS_PER_BATCH_MAX })?);
        Ok(())
    }

    fn finish(&mut self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.ends, vec![0])))
    }
}

fn struct_fields(data_type: &DataType) -> Result<Fields, RenderError> {
    match data_type {
        DataType::Struct(fields) => Ok(fields.clone()),
        other => Err(unexpected(other)),
    }
}

fn unexpected(data_type: &DataType) -> RenderError {
    ArrowError::SchemaError(format!("a product has no column of type {data_type}")).into()
}

/// Writes products to one Parquet file.
pub struct ProductWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    builder: ProductBatchBuilder,
    /// The account written last: the next must be above it.
    last: Option<String>,
}

impl<W: Write + Send> ProductWriter<W> {
    /// Begins a file.
    pub fn new(out: W, dictionary: &Dictionary) -> Result<ProductWriter<W>, RenderError> {
        let builder = ProductBatchBuilder::new(dictionary);
        let properties = properties(builder.schema())?;
        let writer = ArrowWriter::try_new(out, Arc::clone(builder.schema()), Some(properties))?;
        Ok(ProductWriter { writer, builder, last: None })
    }

    /// Adds one account's product; accounts come in ascending order of their id's bytes.
    pub fn append(&mut self, account_id: &str, product: &Product) -> Result<(), RenderError> {
        match &mut self.last {
            Some(last) if last.as_str() >= account_id => return Err(RenderError::Order),
            Some(last) => {
                last.clear();
                last.push_str(account_id);
            }
            none => *none = Some(account_id.to_string()),
        }
        self.builder.append(account_id, product)?;
        if self.builder.len() >= ACCOUNTS_PER_BATCH {
            self.encode()?;
        }
        Ok(())
    }

    /// Writes what is left and the footer; returns the output.
    pub fn finish(mut self) -> Result<W, RenderError> {
        if !self.builder.is_empty() {
            self.encode()?;
        }
        Ok(self.writer.into_inner()?)
    }

    fn encode(&mut self) -> Result<(), RenderError> {
        let batch = self.builder.finish()?;
        self.writer.write(&batch)?;
        if self.writer.in_progress_rows() >= ACCOUNTS_PER_GROUP || self.writer.in_progress_size() >= GROUP_BYTES {
            self.writer.flush()?;
        }
        Ok(())
    }
}

/// The properties of a product file.
pub fn properties(schema: &Schema) -> Result<WriterProperties, RenderError> {
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_string())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(PAGE_BYTES)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_column_statistics_enabled(ColumnPath::from(ACCOUNT_ID), EnabledStatistics::Chunk);
    // Periods, names and paths repeat from account to account; amounts do not, and would only be hashed in vain.
    for leaf in ArrowSchemaConverter::new().convert(schema)?.columns() {
        if leaf.physical_type() == PhysicalType::BYTE_ARRAY && leaf.path().string() != ACCOUNT_ID {
            properties = properties.set_column_dictionary_enabled(leaf.path().clone(), true);
        }
    }
    Ok(properties.build())
}
