//! Products as Arrow columns for Parquet: one row per account, one column per segment.
//!
//! Owns: the layout of the arrays, the properties of the file, the bounds on memory. Does not own: the schema
//! (`product::dictionary`), the order of accounts, which the caller decides, or the file itself.
//!
//! ```text
//! account_id | cover {report_no, ...} | ... | funds [{period, ...}, ...] | ... | null_reasons {path: reason, ...}
//! ```

mod columns;
mod properties;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBufferBuilder, ListArray, MapArray, RecordBatch, StringBuilder, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Fields, SchemaRef};
use arrow::error::ArrowError;

use self::columns::{ItemColumn, Offsets, finish_texts};
pub use self::properties::properties;
use super::{CheckedProduct, Labels, RenderError, TEXT_BYTES_MAX, shape, visit_null_reasons};
use crate::product::Withheld;
use crate::product::dictionary::{ACCOUNT_ID, Dictionary, Rows, SegmentDef};
use crate::product::value::Segment;

/// The most accounts of a batch. With 36 months an account takes about 32 KiB, so a batch takes 64 MiB.
pub const ACCOUNTS_PER_BATCH_MAX: usize = 2_048;

// No text column of a full batch reaches the end of its 32-bit offsets.
const _: () = assert!(ACCOUNTS_PER_BATCH_MAX * TEXT_BYTES_MAX < i32::MAX as usize);

/// Collects products into a record batch.
pub struct ProductBatchBuilder {
    dictionary: Dictionary,
    schema: SchemaRef,
    account_ids: StringBuilder,
    segments: Vec<SegmentColumns>,
    reasons: ReasonColumns,
    labels: Labels,
    accounts: usize,
}

impl ProductBatchBuilder {
    /// An empty builder for the products of one dictionary.
    pub fn new(dictionary: &Dictionary) -> ProductBatchBuilder {
        ProductBatchBuilder::withholding(dictionary, &Withheld::default())
    }

    /// An empty builder for the products of one dictionary, of which these segments may be withheld.
    pub fn withholding(dictionary: &Dictionary, withheld: &Withheld) -> ProductBatchBuilder {
        let segment = |segment: &SegmentDef| SegmentColumns::new(segment, withheld.contains(&segment.code));
        ProductBatchBuilder {
            dictionary: dictionary.clone(),
            schema: dictionary.arrow_schema_withholding(withheld),
            account_ids: StringBuilder::new(),
            segments: dictionary.segments().map(segment).collect(),
            reasons: ReasonColumns::new(),
            labels: Labels::default(),
            accounts: 0,
        }
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The number of accounts in the batch.
    pub fn len(&self) -> usize {
        self.accounts
    }

    /// Whether the batch has no account.
    pub fn is_empty(&self) -> bool {
        self.accounts == 0
    }

    /// Adds one account's product, which must be of the builder's dictionary.
    ///
    /// # Errors
    /// For a full batch, an id that is too long, a withheld segment whose column is never null; then nothing of the
    /// product is in the batch.
    pub fn append(&mut self, account_id: &str, product: CheckedProduct<'_>) -> Result<(), RenderError> {
        if self.accounts >= ACCOUNTS_PER_BATCH_MAX {
            return Err(RenderError::BatchFull { max: ACCOUNTS_PER_BATCH_MAX });
        }
        if account_id.len() > TEXT_BYTES_MAX {
            return Err(RenderError::TextLength { place: ACCOUNT_ID.to_string() });
        }
        let (expected, found) = (self.dictionary.product(), product.dictionary().product());
        if product.dictionary().counts() != self.dictionary.counts() || found != expected {
            return Err(shape(found, "items", self.dictionary.counts().items, product.dictionary().counts().items));
        }
        self.check_withheld(product)?;
        self.account_ids.append_value(account_id);
        for (columns, (_, segment)) in self.segments.iter_mut().zip(product.segments()) {
            columns.append(segment, &mut self.labels)?;
        }
        self.reasons.append(product, &mut self.labels)?;
        self.accounts += 1;
        Ok(())
    }

    /// Whether each segment that is withheld has a column that may be null.
    fn check_withheld(&self, product: CheckedProduct<'_>) -> Result<(), RenderError> {
        let mut segments = product.segments().zip(&self.segments);
        match segments.find(|((_, segment), columns)| segment.is_withheld() && columns.given.is_none()) {
            Some(((def, _), _)) => Err(RenderError::Withheld { segment: def.code.clone() }),
            None => Ok(()),
        }
    }

    /// The batch of the accounts added so far; the builder is empty again.
    pub fn finish(&mut self) -> Result<RecordBatch, RenderError> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        let fields = Arc::clone(&self.schema);
        let mut types = fields.fields().iter().skip(1).map(|field| field.data_type());
        columns.push(finish_texts(&mut self.account_ids));
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
    /// Which accounts' segments are not withheld; `None` where none may be.
    given: Option<BooleanBufferBuilder>,
}

impl SegmentColumns {
    fn new(def: &SegmentDef, is_nullable: bool) -> SegmentColumns {
        let items = def.items.iter().map(|item| ItemColumn::new(&item.item_type)).collect();
        let offsets = (def.rows != Rows::One).then(Offsets::new);
        SegmentColumns { items, offsets, given: is_nullable.then(|| BooleanBufferBuilder::new(0)) }
    }

    /// Adds the rows of one account. The check of the product has compared their types.
    fn append(&mut self, segment: &Segment, labels: &mut Labels) -> Result<(), RenderError> {
        if let Some(given) = &mut self.given {
            given.append(!segment.is_withheld());
        }
        if segment.is_withheld() && self.offsets.is_none() {
            self.items.iter_mut().for_each(ItemColumn::append_placeholder);
            return Ok(());
        }
        for (item, (column, given)) in self.items.iter_mut().zip(segment.columns()).enumerate() {
            column.append(given, |row| segment.is_missing(row, item), labels);
        }
        for missing in segment.missing() {
            if let Some(column) = self.items.get_mut(missing.item) {
                column.set_null(segment.rows() - missing.row);
            }
        }
        match &mut self.offsets {
            Some(offsets) => offsets.push(segment.rows()),
            None => Ok(()),
        }
    }

    fn finish(&mut self, data_type: &DataType, accounts: usize) -> Result<ArrayRef, RenderError> {
        let items: Vec<ArrayRef> = self.items.iter_mut().map(ItemColumn::finish).collect();
        let nulls = self.given.as_mut().map(|given| NullBuffer::new(given.finish()));
        match (data_type, &mut self.offsets) {
            (DataType::Struct(fields), None) => {
                Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), items, nulls, accounts)?))
            }
            (DataType::List(element), Some(offsets)) => {
                let rows = StructArray::try_new(struct_fields(element.data_type())?, items, None)?;
                let list = ListArray::try_new(Arc::clone(element), offsets.finish(), Arc::new(rows), nulls)?;
                Ok(Arc::new(list))
            }
            (other, _) => Err(unexpected(other)),
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

    fn append(&mut self, product: CheckedProduct<'_>, labels: &mut Labels) -> Result<(), RenderError> {
        let mut entries = 0;
        visit_null_reasons::<RenderError>(product, labels, |path, reason| {
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
        let columns = vec![finish_texts(&mut self.paths), finish_texts(&mut self.reasons)];
        let map = StructArray::try_new(struct_fields(entries.data_type())?, columns, None)?;
        Ok(Arc::new(MapArray::try_new(Arc::clone(entries), self.offsets.finish(), map, None, *sorted)?))
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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Seek as _, Write as _};

    use ::parquet::arrow::ArrowWriter;
    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use ::parquet::basic::{LogicalType, Type as PhysicalType};
    use arrow::array::{Array, AsArray as _};
    use arrow::datatypes::{Date32Type, Decimal128Type, Int64Type, TimestampMillisecondType};
    use chrono::{DateTime, FixedOffset, SecondsFormat};
    use serde_json::Value as Json;

    use super::super::check;
    use super::super::json::{Layout, write};
    use super::super::samples::{Dice, product};
    use super::*;
    use crate::product::ProductKind;
    use crate::product::dictionary::ItemKind;
    use crate::product::value::Product;

    fn products(dictionary: &Dictionary, accounts: usize, seed: u64) -> Vec<(String, Product)> {
        let dice = &mut Dice(seed);
        let periods = |account| account % (dictionary.max_periods() + 1);
        (0..accounts).map(|at| (format!("账户{at:06}"), product(dictionary, periods(at), dice))).collect()
    }

    fn parquet(dictionary: &Dictionary, products: &[(String, Product)]) -> Vec<u8> {
        written(ProductBatchBuilder::new(dictionary), products)
    }

    fn written(mut builder: ProductBatchBuilder, products: &[(String, Product)]) -> Vec<u8> {
        let properties = properties(builder.schema()).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(builder.schema()), Some(properties)).unwrap();
        for products in products.chunks(64) {
            for (account_id, product) in products {
                builder.append(account_id, check(&builder.dictionary.clone(), product).unwrap()).unwrap();
            }
            writer.write(&builder.finish().unwrap()).unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn open(bytes: &[u8]) -> ParquetRecordBatchReaderBuilder<File> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        ParquetRecordBatchReaderBuilder::try_new(file).unwrap()
    }

    /// What a reader of Arrow makes of a value, with Arrow's and chrono's own text forms.
    fn json(array: &dyn Array, at: usize) -> Json {
        if array.is_null(at) {
            return Json::Null;
        }
        let seq = |list: &dyn Array| (0..list.len()).map(|at| json(list, at)).collect();
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().value(at).into(),
            DataType::Int64 => array.as_primitive::<Int64Type>().value(at).into(),
            DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(at).into(),
            DataType::Date32 => array.as_primitive::<Date32Type>().value_as_date(at).unwrap().to_string().into(),
            DataType::Timestamp(..) => {
                let milliseconds = array.as_primitive::<TimestampMillisecondType>().value(at);
                let zone = FixedOffset::east_opt(8 * 3_600).unwrap();
                let time = DateTime::from_timestamp_millis(milliseconds).unwrap().with_timezone(&zone);
                time.to_rfc3339_opts(SecondsFormat::Secs, true).into()
            }
            DataType::Struct(fields) => {
                let columns = fields.iter().zip(array.as_struct().columns());
                Json::Object(columns.map(|(field, column)| (field.name().clone(), json(column, at))).collect())
            }
            DataType::List(_) => Json::Array(seq(&array.as_list::<i32>().value(at))),
            DataType::Map(..) => {
                let entries = array.as_map().value(at);
                let (keys, values) = (entries.column(0).as_string::<i32>(), entries.column(1));
                Json::Object((0..entries.len()).map(|at| (keys.value(at).to_string(), json(values, at))).collect())
            }
            other => panic!("no column of a product is {other}"),
        }
    }

    #[test]
    fn json_and_parquet_hold_the_same_values() {
        for kind in ProductKind::ALL {
            let dictionary = Dictionary::builtin(kind).unwrap();
            let products = products(&dictionary, 300, 11);
            let reader = open(&parquet(&dictionary, &products));
            assert_eq!(reader.schema(), &dictionary.arrow_schema());
            assert_same_values(reader, &dictionary, &products);
        }
    }

    fn assert_same_values(
        reader: ParquetRecordBatchReaderBuilder<File>,
        dictionary: &Dictionary,
        products: &[(String, Product)],
    ) {
        let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| (batch, at)));
        assert_eq!(rows.clone().count(), products.len());
        for ((batch, at), (account_id, product)) in rows.zip(products) {
            let row = StructArray::from(batch.clone());
            let mut line = Vec::new();
            write(&mut line, Some(account_id), check(dictionary, product).unwrap(), Layout::Line).unwrap();
            assert_eq!(json(&row, at), serde_json::from_slice::<Json>(&line).unwrap());
        }
    }

    #[test]
    fn withheld_segments_are_null_in_columns_that_may_be() {
        let codes = ["public", "other", "concentration", "amount_bands"];
        let withheld = Withheld::new(codes).unwrap();
        for kind in ProductKind::ALL {
            let dictionary = Dictionary::builtin(kind).unwrap();
            let mut products = products(&dictionary, 200, 13);
            let dice = &mut Dice(14);
            for (_, product) in &mut products {
                let some: Vec<&str> = codes.into_iter().filter(|_| dice.roll(2) == 0).collect();
                product.withhold(&dictionary, &Withheld::new(some).unwrap());
            }
            let reader = open(&written(ProductBatchBuilder::withholding(&dictionary, &withheld), &products));
            for field in reader.schema().fields() {
                assert_eq!(field.is_nullable(), codes.contains(&field.name().as_str()), "{}", field.name());
            }
            assert_same_values(reader, &dictionary, &products);
        }
    }

    #[test]
    fn a_withheld_segment_needs_a_column_that_may_be_null() {
        let dictionary = Dictionary::builtin(ProductKind::Report).unwrap();
        let mut product = product(&dictionary, 2, &mut Dice(16));
        product.withhold(&dictionary, &Withheld::new(["trend"]).unwrap());
        let other = Withheld::new(["activity"]).unwrap();
        for mut builder in
            [ProductBatchBuilder::new(&dictionary), ProductBatchBuilder::withholding(&dictionary, &other)]
        {
            let error = builder.append("a", check(&dictionary, &product).unwrap()).unwrap_err();
            assert!(matches!(&error, RenderError::Withheld { segment } if segment == "trend"), "{error}");
            assert!(builder.is_empty());
        }
    }

    #[test]
    fn money_is_64_bits_wide_and_ratios_are_not() {
        for kind in ProductKind::ALL {
            let dictionary = Dictionary::builtin(kind).unwrap();
            let reader = open(&parquet(&dictionary, &products(&dictionary, 2, 12)));
            let types = dictionary.segments().flat_map(|segment| &segment.items).map(|item| &item.item_type.kind);
            // Before the items stands the account's id.
            let columns = reader.parquet_schema().columns().iter().skip(1);
            for (column, kind) in columns.zip(types) {
                let physical = column.physical_type();
                match kind {
                    ItemKind::Money => assert_eq!(physical, PhysicalType::INT64, "{}", column.path()),
                    ItemKind::Ratio => assert_eq!(physical, PhysicalType::FIXED_LEN_BYTE_ARRAY, "{}", column.path()),
                    _ => assert!(!matches!(column.logical_type_ref(), Some(LogicalType::Decimal(_)))),
                }
            }
        }
    }

    #[test]
    fn no_account_is_a_file_too() {
        let dictionary = Dictionary::builtin(ProductKind::DetailSummary).unwrap();
        let reader = open(&parquet(&dictionary, &[]));
        assert_eq!(reader.schema(), &dictionary.arrow_schema());
        assert_eq!(reader.build().unwrap().count(), 0);
    }

    #[test]
    fn a_product_that_is_refused_leaves_no_trace_in_its_batch() {
        let [other, dictionary] = ProductKind::ALL.map(|kind| Dictionary::builtin(kind).unwrap());
        let mut builder = ProductBatchBuilder::new(&dictionary);
        let good = product(&dictionary, 4, &mut Dice(15));
        let (good, of_other) = (check(&dictionary, &good).unwrap(), product(&other, 4, &mut Dice(17)));
        builder.append("a", good).unwrap();
        let refused = builder.append("b", check(&other, &of_other).unwrap());
        assert!(matches!(refused, Err(RenderError::Shape { .. })));
        let refused = builder.append(&"b".repeat(TEXT_BYTES_MAX + 1), good);
        assert!(matches!(refused, Err(RenderError::TextLength { .. })));
        builder.append("c", good).unwrap();
        let batch = builder.finish().unwrap();
        assert_eq!((batch.num_rows(), builder.len()), (2, 0));
        assert_eq!(batch.column(0).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["a", "c"]);
    }
}
