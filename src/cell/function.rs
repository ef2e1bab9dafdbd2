//! The aggregate function `cell`: rows in, cells out, over DataFusion.
//!
//! Owns: the adapter between Arrow columns and [`Cell`]. Its state *is* the cell: partial aggregation, spilling
//! and the store all carry the same bytes. Does not own: what a cell is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, LargeBinaryArray, LargeBinaryBuilder};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use super::{Cell, CellError};
use crate::rows::{Columns, cell_fields};

/// `cell(booked_at, seq, txn_id, direction, reversal, amount_fen, balance_fen, class, counterparty, id_hash,
/// content_hash)`: the cell of the group's rows, as bytes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CellFunction {
    signature: Signature,
    secret_id: u64,
}

impl CellFunction {
    /// The function for rows whose hashes were made under the secret with this id.
    pub fn udaf(secret_id: u64) -> AggregateUDF {
        let types = cell_fields().iter().map(|field| field.data_type().clone()).collect();
        AggregateUDF::from(CellFunction { signature: Signature::exact(types, Volatility::Immutable), secret_id })
    }
}

impl AggregateUDFImpl for CellFunction {
    fn name(&self) -> &str {
        "cell"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::LargeBinary)
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[cell]", arguments.name), DataType::LargeBinary, true))])
    }

    fn accumulator(&self, _arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneCell(CellGroups::new(self.secret_id))))
    }

    fn groups_accumulator_supported(&self, _arguments: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(CellGroups::new(self.secret_id)))
    }
}

/// One cell a group.
#[derive(Debug)]
struct CellGroups {
    secret_id: u64,
    cells: Vec<Cell>,
    /// Heap bytes of `cells`, counted as rows come: the memory pool asks after every batch.
    heap_bytes: usize,
}

/// What a row adds to a cell's heap, at most and about: a fingerprint, a counterparty, half a day.
const ROW_HEAP_BYTES: usize = 16 + 96 + 64;

impl CellGroups {
    fn new(secret_id: u64) -> CellGroups {
        CellGroups { secret_id, cells: Vec::new(), heap_bytes: 0 }
    }

    fn grow(&mut self, groups: usize) {
        if self.cells.len() < groups {
            self.cells.resize_with(groups, || Cell::empty(self.secret_id));
        }
    }

    /// Takes the first groups out, settled.
    fn take(&mut self, emit_to: EmitTo) -> Vec<Cell> {
        let mut cells = emit_to.take_needed(&mut self.cells);
        cells.iter_mut().for_each(Cell::settle);
        // What stays is far less than what goes, so walking it costs less than tracking each group's share.
        self.heap_bytes = self.cells.iter().map(Cell::heap_bytes).sum();
        cells
    }

    fn bytes(cells: &[Cell]) -> LargeBinaryArray {
        let mut builder = LargeBinaryBuilder::with_capacity(cells.len(), cells.len() * 512);
        let mut buffer = Vec::new();
        for cell in cells {
            buffer.clear();
            cell.encode(&mut buffer);
            builder.append_value(&buffer);
        }
        builder.finish()
    }
}

impl GroupsAccumulator for CellGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let Some(columns) = Columns::new(values) else { return internal_err!("`cell`: other columns than its own") };
        for (index, group) in group_indices.iter().enumerate() {
            if opt_filter.is_some_and(|keep| keep.is_null(index) || !keep.value(index)) {
                continue;
            }
            let Some(row) = columns.row(index) else { return internal_err!("`cell`: a row without a class") };
            self.cells[*group].update(&row);
        }
        self.heap_bytes += group_indices.len() * ROW_HEAP_BYTES;
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        let Some(states) = values.first().and_then(|array| array.as_binary_opt::<i64>()) else {
            return internal_err!("`cell`: a state of another type");
        };
        for (index, group) in group_indices.iter().enumerate() {
            if states.is_null(index) {
                continue;
            }
            let cell = &mut self.cells[*group];
            let before = cell.heap_bytes();
            cell.settle();
            cell.merge(Cell::decode(states.value(index)).map_err(external)?).map_err(external)?;
            self.heap_bytes += cell.heap_bytes().saturating_sub(before);
        }
        Ok(())
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let cells = self.take(emit_to);
        Ok(vec![Arc::new(CellGroups::bytes(&cells))])
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let cells = self.take(emit_to);
        Ok(Arc::new(CellGroups::bytes(&cells)))
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |array| array.len());
        let mut single = CellGroups::new(self.secret_id);
        let groups: Vec<usize> = (0..rows).collect();
        single.update_batch(values, &groups, opt_filter, rows)?;
        single.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>() + self.heap_bytes
    }
}

/// The same for a query without groups.
#[derive(Debug)]
struct OneCell(CellGroups);

impl Accumulator for OneCell {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |array| array.len());
        self.0.update_batch(values, &vec![0; rows], None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |array| array.len());
        self.0.merge_batch(states, &vec![0; rows], 1)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.grow(1);
        let cells = self.0.take(EmitTo::First(1));
        ScalarValue::try_from_array(&CellGroups::bytes(&cells), 0)
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

fn external(error: CellError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
