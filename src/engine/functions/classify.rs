//! The scalar function `classify`: an adapter between DataFusion and [`Classifier`].
//!
//! Owns: the function's signature. Does not own: the kernel.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::class::classifier::{Classifier, ClassifyColumns};

/// `classify(account, kind, counterparty_uscc, counterparty_bank, counterparty_account, counterparty_name)`: the struct of
/// [`Classifier::data_type`].
pub fn udf(classifier: Arc<Classifier>) -> ScalarUDF {
    let signature = Signature::exact(ClassifyColumns::data_types().to_vec(), Volatility::Immutable);
    ScalarUDF::from(Classify { signature, classifier })
}

#[derive(Debug)]
struct Classify {
    signature: Signature,
    classifier: Arc<Classifier>,
}

impl ScalarUDFImpl for Classify {
    fn name(&self) -> &str {
        "classify"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(Classifier::data_type())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let Some(columns) = ClassifyColumns::of_arrays(&arrays) else {
            return exec_err!("`classify` takes other columns");
        };
        Ok(ColumnarValue::Array(Arc::new(self.classifier.classify(&columns)?)))
    }
}

// Two functions are equal where they share a classifier.
impl PartialEq for Classify {
    fn eq(&self, other: &Classify) -> bool {
        Arc::ptr_eq(&self.classifier, &other.classifier)
    }
}

impl Eq for Classify {}

impl Hash for Classify {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.classifier).hash(state);
    }
}
