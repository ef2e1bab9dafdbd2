//! The scalar function `keyed_hash`: 64 bits of any columns, under the run's secret.
//!
//! Owns: how values of each type enter the hash. Null differs from every value, and columns do not run into each
//! other.

use std::hash::Hasher as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType, UInt8Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use siphasher::sip::SipHasher13;

use crate::secret::Secret;

/// `keyed_hash(column, ...)`: columns of type Utf8View, Int64, UInt8 or timestamp in microseconds.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct KeyedHash {
    signature: Signature,
    secret: Secret,
}

impl KeyedHash {
    /// The function under this secret.
    pub fn udf(secret: Secret) -> ScalarUDF {
        ScalarUDF::from(KeyedHash { signature: Signature::variadic_any(Volatility::Immutable), secret })
    }
}

impl ScalarUDFImpl for KeyedHash {
    fn name(&self) -> &str {
        "keyed_hash"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::UInt64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let mut hashers = vec![self.secret.fingerprint_hasher(); arguments.number_rows];
        for array in &arrays {
            feed(array, &mut hashers)?;
        }
        let hashes: UInt64Array = hashers.iter().map(|hasher| Some(hasher.finish())).collect();
        Ok(ColumnarValue::Array(Arc::new(hashes)))
    }
}

/// Adds a column to each row's hasher: a mark for null or value, then the value, a text with its length.
fn feed(array: &ArrayRef, hashers: &mut [SipHasher13]) -> Result<()> {
    let mut integers = |value: &dyn Fn(usize) -> i64| {
        for (row, hasher) in hashers.iter_mut().enumerate() {
            hasher.write_u8(u8::from(array.is_valid(row)));
            if array.is_valid(row) {
                hasher.write_i64(value(row));
            }
        }
    };
    match array.data_type() {
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            integers(&|row| values.value(row));
        }
        DataType::UInt8 => {
            let values = array.as_primitive::<UInt8Type>();
            integers(&|row| i64::from(values.value(row)));
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            integers(&|row| values.value(row));
        }
        DataType::Utf8View => {
            let values = array.as_string_view();
            for (row, hasher) in hashers.iter_mut().enumerate() {
                hasher.write_u8(u8::from(values.is_valid(row)));
                if values.is_valid(row) {
                    hasher.write_u64(values.value(row).len() as u64);
                    hasher.write(values.value(row).as_bytes());
                }
            }
        }
        other => return exec_err!("`keyed_hash` takes no column of type {other}"),
    }
    Ok(())
}
