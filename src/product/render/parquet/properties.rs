//! The properties of a product file: compression, pages, encodings, statistics.

use ::parquet::arrow::ArrowSchemaConverter;
use ::parquet::basic::{Compression, Encoding, LogicalType, Type as PhysicalType};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::schema::types::ColumnPath;
use arrow::datatypes::Schema;

use crate::product::dictionary::ACCOUNT_ID;
use crate::product::render::RenderError;

/// The most accounts of a page. The levels of a page take more memory than its encoded size suggests.
const ACCOUNTS_PER_PAGE: usize = 512;

/// The most bytes of a page. Each of some two hundred columns holds one page that is not compressed yet.
const PAGE_BYTES: usize = 64 << 10;

/// The name of the writer in the file.
const CREATED_BY: &str = concat!("liushui version ", env!("CARGO_PKG_VERSION"));

/// The properties of a product file.
pub fn properties(schema: &Schema) -> Result<WriterProperties, RenderError> {
    // Snappy, since a file has some two hundred columns and Zstandard holds a context for each.
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_string())
        .set_compression(Compression::SNAPPY)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(ACCOUNTS_PER_PAGE)
        .set_dictionary_page_size_limit(PAGE_BYTES)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_column_statistics_enabled(ColumnPath::from(ACCOUNT_ID), EnabledStatistics::Chunk);
    // The fastest encoding for each kind of column. Names, periods and paths repeat from account to account: a dictionary.
    // Counts and dates are small: deltas. Amounts are neither: plain.
    for leaf in ArrowSchemaConverter::new().convert(schema)?.columns() {
        let path = leaf.path();
        let is_amount = matches!(leaf.logical_type_ref(), Some(LogicalType::Decimal(_)));
        let is_number = !is_amount && matches!(leaf.physical_type(), PhysicalType::INT64 | PhysicalType::INT32);
        if is_number {
            properties = properties.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        if is_amount || is_number || path.string() == ACCOUNT_ID {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
    }
    Ok(properties.build())
}
