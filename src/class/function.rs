//! The scalar function `classify`: the class and the counterparty of each row, over DataFusion.
//!
//! Owns: the adapter between Arrow columns and [`Matcher`], and the memory of names already seen: a name is normalised,
//! matched and hashed once a distinct value and worker, as long as the memory holds it. Does not own: which class a row has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, PrimitiveArray, StringViewArray, StructArray, UInt8Builder,
    UInt16Builder,
};
use arrow::datatypes::{DataType, Field, Fields, Int64Type, UInt8Type, UInt16Type, UInt32Type};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::{Counterparty, Evidence, Facts, Holder, Kind, Matcher, Tally, key_input, normalise};
use crate::account::Account;
use crate::flow::{Direction, Flow};
use crate::secret::Secret;

/// `classify(account, kind, counterparty_uscc, counterparty_bank, counterparty_account, counterparty_name)`: a
/// struct of `class`, `subclass`, `rule`, `evidence` (numbers) and `counterparty` (keyed hash; null = unidentified).
#[derive(Debug)]
pub struct Classify {
    signature: Signature,
    matcher: Arc<Matcher>,
    holders: Vec<Holder>,
    secret: Secret,
    /// Memories of names, one for each worker that is not using its own just now.
    memories: Mutex<Vec<Memory>>,
}

/// Names remembered at most by one worker, and their bytes together; then it starts afresh.
const NAMES_MAX: usize = 65_536;
const NAME_BYTES_MAX: usize = 8 << 20;

/// Names already seen by one worker.
#[derive(Debug, Default)]
struct Memory {
    names: HashMap<Box<str>, Remembered>,
    bytes: usize,
}

/// What is known of a name, whoever's account it is seen on.
#[derive(Debug)]
struct Remembered {
    normalised: Box<str>,
    facts: Facts,
    /// Hash of its key; `None` where nothing is left after normalisation.
    key: Option<u128>,
}

impl Classify {
    /// The function over these accounts, by their numbers.
    pub fn udf(matcher: Arc<Matcher>, accounts: &[Account], secret: Secret) -> ScalarUDF {
        let view = DataType::Utf8View;
        let types = vec![DataType::UInt32, DataType::UInt8, view.clone(), view.clone(), view.clone(), view];
        ScalarUDF::from(Classify {
            signature: Signature::exact(types, Volatility::Immutable),
            matcher,
            holders: accounts.iter().map(holder).collect(),
            secret,
            memories: Mutex::default(),
        })
    }

    fn classify(&self, columns: &RowColumns<'_>, memory: &mut Memory) -> Result<StructArray> {
        let rows = columns.account.len();
        let [mut classes, mut subclasses, mut evidences] = [(); 3].map(|()| UInt8Builder::with_capacity(rows));
        let mut rules = UInt16Builder::with_capacity(rows);
        let mut keys = FixedSizeBinaryBuilder::with_capacity(rows, 16);
        let nobody = Remembered { normalised: "".into(), facts: Facts::default(), key: None };
        let mut scratch = String::new();
        for row in 0..rows {
            let Some(holder) = self.holders.get(columns.account.value(row) as usize) else {
                return exec_err!("`classify`: an account without a number");
            };
            let (uscc, account) = (text(columns.uscc, row), text(columns.counterparty_account, row));
            let name = match text(columns.name, row) {
                Some(name) => self.recall(name, memory, &mut scratch),
                None => &nobody,
            };
            let decision = self.matcher.decide(
                holder,
                &Counterparty {
                    kind: columns.kind.is_valid(row).then(|| Kind::from_u8(columns.kind.value(row))).flatten(),
                    uscc,
                    bank_code: text(columns.bank, row),
                    account,
                    normalised_name: &name.normalised,
                    name_facts: name.facts,
                },
            );
            classes.append_value(decision.class as u8);
            subclasses.append_value(decision.subclass as u8);
            rules.append_value(decision.rule);
            evidences.append_value(decision.evidence as u8);
            let key = match (uscc, name.key) {
                (None, Some(key)) => Some(key),
                _ => key_input(uscc, &name.normalised, account, &mut scratch).map(|key| self.secret.counterparty(key)),
            };
            match key {
                Some(key) => keys.append_value(key.to_le_bytes())?,
                None => keys.append_null(),
            }
        }
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(classes.finish()),
            Arc::new(subclasses.finish()),
            Arc::new(rules.finish()),
            Arc::new(evidences.finish()),
            Arc::new(keys.finish()),
        ];
        Ok(StructArray::new(verdict_fields(), arrays, None))
    }

    fn recall<'m>(&self, name: &str, memory: &'m mut Memory, scratch: &mut String) -> &'m Remembered {
        if !memory.names.contains_key(name) {
            if memory.names.len() >= NAMES_MAX || memory.bytes >= NAME_BYTES_MAX {
                *memory = Memory::default();
            }
            let mut normalised = String::new();
            normalise(name, &mut normalised);
            let facts = self.matcher.name_facts(name, &normalised);
            let key = key_input(None, &normalised, None, scratch).map(|key| self.secret.counterparty(key));
            memory.bytes += name.len() + normalised.len();
            memory.names.insert(name.into(), Remembered { normalised: normalised.into(), facts, key });
        }
        &memory.names[name]
    }
}

/// Adds a batch's rows to a tally: its columns `direction`, `reversal`, `amount_fen`, `rule` and `evidence`. `None` where
/// it has others, or a rule of other rules.
pub fn tally_batch(batch: &RecordBatch, tally: &mut Tally) -> Option<()> {
    let direction = batch.column_by_name("direction")?.as_primitive_opt::<UInt8Type>()?.values();
    let reversal = batch.column_by_name("reversal")?.as_boolean_opt()?;
    let amount_fen = batch.column_by_name("amount_fen")?.as_primitive_opt::<Int64Type>()?.values();
    let rule = batch.column_by_name("rule")?.as_primitive_opt::<UInt16Type>()?.values();
    let evidence = batch.column_by_name("evidence")?.as_primitive_opt::<UInt8Type>()?.values();
    for row in 0..batch.num_rows() {
        let sign = if reversal.value(row) { -1 } else { 1 };
        let direction = if direction[row] == 0 { Direction::In } else { Direction::Out };
        let evidence = Evidence::from_u8(evidence[row])?;
        tally.add(
            usize::from(rule[row]),
            evidence,
            direction,
            Flow { count: sign, amount_fen: i128::from(sign * amount_fen[row]) },
        )?;
    }
    Some(())
}

/// The holder as the matcher needs it.
fn holder(account: &Account) -> Holder {
    let normalised = |text: &str| {
        let mut out = String::new();
        normalise(text, &mut out);
        out
    };
    let names = std::iter::once(&account.subject_name).chain(&account.former_names);
    Holder {
        uscc: account.subject_uscc.clone(),
        names: names.map(|name| normalised(name)).collect(),
        provider_name: normalised(&account.provider_name),
    }
}

fn verdict_fields() -> Fields {
    Fields::from(vec![
        Field::new("class", DataType::UInt8, false),
        Field::new("subclass", DataType::UInt8, false),
        Field::new("rule", DataType::UInt16, false),
        Field::new("evidence", DataType::UInt8, false),
        Field::new("counterparty", DataType::FixedSizeBinary(16), true),
    ])
}

fn text(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

struct RowColumns<'a> {
    account: &'a PrimitiveArray<UInt32Type>,
    kind: &'a PrimitiveArray<UInt8Type>,
    uscc: &'a StringViewArray,
    bank: &'a StringViewArray,
    counterparty_account: &'a StringViewArray,
    name: &'a StringViewArray,
}

impl<'a> RowColumns<'a> {
    fn new(arrays: &'a [ArrayRef]) -> Option<RowColumns<'a>> {
        let [account, kind, uscc, bank, counterparty_account, name] = arrays else { return None };
        Some(RowColumns {
            account: account.as_primitive_opt()?,
            kind: kind.as_primitive_opt()?,
            uscc: uscc.as_string_view_opt()?,
            bank: bank.as_string_view_opt()?,
            counterparty_account: counterparty_account.as_string_view_opt()?,
            name: name.as_string_view_opt()?,
        })
    }
}

impl ScalarUDFImpl for Classify {
    fn name(&self) -> &str {
        "classify"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(verdict_fields()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let Some(columns) = RowColumns::new(&arrays) else {
            return exec_err!("`classify`: other columns than its own");
        };
        let mut memory = self.memories().pop().unwrap_or_default();
        let verdicts = self.classify(&columns, &mut memory);
        self.memories().push(memory);
        Ok(ColumnarValue::Array(Arc::new(verdicts?)))
    }
}

impl Classify {
    fn memories(&self) -> std::sync::MutexGuard<'_, Vec<Memory>> {
        // A memory that a panicked worker held is gone, not half made.
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// One function a session: two are the same where the secret is, which no other session shares.
impl PartialEq for Classify {
    fn eq(&self, other: &Classify) -> bool {
        self.secret == other.secret
    }
}

impl Eq for Classify {}

impl std::hash::Hash for Classify {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.secret.hash(state);
    }
}
