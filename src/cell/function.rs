//! The aggregate function `cell`: rows in, cells out, over DataFusion.
//!
//! Owns: the adapter between Arrow columns and [`Cell`]. Its state *is* the cell: what partial
//! aggregation hands on are the bytes that a store can keep. Does not own: what a cell is.

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
        // Rows of a group mostly stand together, so its heap is looked at once a run.
        let mut first = 0;
        for run in group_indices.chunk_by(|a, b| a == b) {
            let cell = &mut self.cells[run[0]];
            let before = cell.heap_bytes();
            for index in first..first + run.len() {
                if opt_filter.is_some_and(|keep| keep.is_null(index) || !keep.value(index)) {
                    continue;
                }
                let Some(row) = columns.row(index) else { return internal_err!("`cell`: a row without a class") };
                cell.update(&row);
            }
            self.heap_bytes = (self.heap_bytes + cell.heap_bytes()).saturating_sub(before);
            first += run.len();
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{Fingerprint, Row};
    use crate::class::Class;
    use crate::flow::Direction;
    use crate::period::Date;
    use crate::rows::admit::admit;
    use crate::rows::codec::{self, Place};

    /// The cell function's columns for so many rows of one month, and each row's group.
    fn columns(rows: u64) -> Vec<ArrayRef> {
        let first_us = i64::from(Date::parse("2024-01-01").unwrap().0) * crate::period::DAY_US;
        let mut bytes = Vec::new();
        let ids: Vec<String> = (0..rows).map(|row| format!("T{row:03}")).collect();
        for (row, txn_id) in (0..rows).zip(&ids) {
            let row = Row {
                booked_at_us: first_us + (row as i64 % 9) * crate::period::DAY_US,
                seq: (row % 3 == 0).then_some(row as i64),
                txn_id,
                direction: if row % 2 == 0 { Direction::In } else { Direction::Out },
                reversal: row % 11 == 0,
                amount_fen: row as i64 * 1_000,
                balance_fen: (row % 4 != 0).then_some(row as i64),
                class: Class::ALL[row as usize % 7],
                counterparty: (row % 5 != 0).then_some(u128::from(row % 6)),
                fingerprint: Fingerprint { id: row, content: row },
            };
            codec::put(&mut bytes, 0, Place { file: 0, row: row.fingerprint.id }, &row);
        }
        let mut admitted = admit(bytes, 0..1, Date::parse("2024-12-31").unwrap(), |_| None).unwrap();
        let batch = admitted.next_batch(rows as usize).unwrap().unwrap();
        batch.columns()[2..].to_vec()
    }

    fn slice(columns: &[ArrayRef], from: usize, rows: usize) -> Vec<ArrayRef> {
        columns.iter().map(|column| column.slice(from, rows)).collect()
    }

    fn cells(array: &ArrayRef) -> Vec<Vec<u8>> {
        array.as_binary::<i64>().iter().map(|bytes| bytes.unwrap().to_vec()).collect()
    }

    /// Three groups in one go, against two partial aggregations merged in the other order, against rows turned into
    /// states one by one: the same bytes.
    #[test]
    fn partial_states_merge_to_the_same_bytes() {
        let columns = columns(90);
        let groups: Vec<usize> = (0..90).map(|row| row / 7 % 3).collect();
        let mut whole = CellGroups::new(7);
        whole.update_batch(&columns, &groups, None, 3).unwrap();
        let expected = cells(&whole.evaluate(EmitTo::All).unwrap());
        assert_eq!(whole.heap_bytes, 0);

        let (mut first, mut second, mut merged) = (CellGroups::new(7), CellGroups::new(7), CellGroups::new(7));
        first.update_batch(&slice(&columns, 0, 40), &groups[..40], None, 3).unwrap();
        second.update_batch(&slice(&columns, 40, 50), &groups[40..], None, 3).unwrap();
        merged.merge_batch(&second.state(EmitTo::All).unwrap(), &[0, 1, 2], 3).unwrap();
        merged.merge_batch(&first.state(EmitTo::All).unwrap(), &[0, 1, 2], 3).unwrap();
        assert!(merged.size() > 0);
        assert_eq!(cells(&merged.evaluate(EmitTo::All).unwrap()), expected);

        let mut of_rows = CellGroups::new(7);
        let states = of_rows.convert_to_state(&columns, None).unwrap();
        of_rows.merge_batch(&states, &groups, 3).unwrap();
        let head = cells(&of_rows.evaluate(EmitTo::First(2)).unwrap());
        let tail = cells(&of_rows.evaluate(EmitTo::All).unwrap());
        assert_eq!([head, tail].concat(), expected);
    }

    #[test]
    fn a_filter_leaves_rows_out_and_a_shared_row_is_an_error() {
        let columns = columns(10);
        let even = BooleanArray::from((0..10).map(|row| row % 2 == 0).collect::<Vec<_>>());
        let mut filtered = CellGroups::new(7);
        filtered.update_batch(&columns, &[0; 10], Some(&even), 1).unwrap();
        let state = filtered.state(EmitTo::All).unwrap();
        let cell = Cell::decode(&cells(&state[0])[0]).unwrap();
        assert_eq!(cell.rows(), 5);
        filtered.merge_batch(&state, &[0], 1).unwrap();
        assert!(filtered.merge_batch(&state, &[0], 1).is_err());
    }

    #[test]
    fn without_groups_it_is_one_cell() {
        let columns = columns(20);
        let mut groups = CellGroups::new(7);
        groups.update_batch(&columns, &[0; 20], None, 1).unwrap();
        let expected = cells(&groups.evaluate(EmitTo::All).unwrap()).remove(0);
        let mut one = OneCell(CellGroups::new(7));
        one.update_batch(&columns).unwrap();
        assert_eq!(one.evaluate().unwrap(), ScalarValue::LargeBinary(Some(expected)));
        let mut none = OneCell(CellGroups::new(7));
        let ScalarValue::LargeBinary(Some(empty)) = none.evaluate().unwrap() else { panic!("no cell") };
        assert_eq!(Cell::decode(&empty).unwrap(), Cell::empty(7));
    }
}
