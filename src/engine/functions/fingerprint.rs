//! The scalar function `fingerprint`: what distinguishes a row's identifier and content from others'.
//!
//! Owns: the adapter between DataFusion and [`Fingerprinter`]. Does not own: the hashes.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::staging::fingerprint::{Fingerprinter, fingerprint_fields};

/// `fingerprint(txn_id, named_struct('column', column, ...))`: a struct of `id` (16 bytes) and `content` (UInt64). The
/// struct's names are those of the kernel's columns, in its order, so that a value is hashed under its own name whatever
/// becomes of the plan.
#[derive(Debug)]
pub struct FingerprintFunction {
    signature: Signature,
    fingerprinter: Arc<Fingerprinter>,
}

impl FingerprintFunction {
    /// The function over this kernel.
    pub fn udf(fingerprinter: Arc<Fingerprinter>) -> ScalarUDF {
        let signature = Signature::any(2, Volatility::Immutable);
        ScalarUDF::from(FingerprintFunction { signature, fingerprinter })
    }
}

impl ScalarUDFImpl for FingerprintFunction {
    fn name(&self) -> &str {
        "fingerprint"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let names_agree = match arguments {
            [DataType::Utf8View, DataType::Struct(content)] => {
                content.iter().map(|field| field.name().as_str()).eq(self.fingerprinter.columns())
            }
            _ => false,
        };
        if !names_agree {
            return exec_err!("`fingerprint` takes a Utf8View and a struct of the content columns by their names");
        }
        Ok(DataType::Struct(fingerprint_fields()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [ids, content] = arrays.as_slice() else {
            return exec_err!("`fingerprint` takes two arguments");
        };
        let (Some(ids), Some(content)) = (ids.as_string_view_opt(), content.as_struct_opt()) else {
            return exec_err!("`fingerprint`: arguments of other types");
        };
        let columns: Vec<ArrayRef> = content.columns().to_vec();
        debug_assert_eq!(content.null_count(), 0, "a struct of columns has no nulls of its own");
        let fingerprints = self.fingerprinter.fingerprint(ids, &columns)?;
        Ok(ColumnarValue::Array(Arc::new(fingerprints)))
    }
}

// One function a session: two are the same where their kernel is.
impl PartialEq for FingerprintFunction {
    fn eq(&self, other: &FingerprintFunction) -> bool {
        Arc::ptr_eq(&self.fingerprinter, &other.fingerprinter)
    }
}

impl Eq for FingerprintFunction {}

impl std::hash::Hash for FingerprintFunction {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.fingerprinter).hash(state);
    }
}
