//! The aggregate function `cell`: rows in, cells out, over DataFusion.
//!
//! Owns: the adapter between Arrow columns and [`Cell`]. Its state *is* the cell: what partial
//! aggregation hands on are the bytes that a store can keep and merge. Its final value is the sealed cell: as bytes, or,
//! for a plan whose output is read in the process that runs it, as a number in a [`Depot`]. Does not own: what a cell is,
//! or the bytes of rows ([`crate::staging::codec`]).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, LargeBinaryArray, LargeBinaryBuilder, UInt32Array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use crate::cell::depot::Depot;
use crate::cell::{Cell, CellError};
use crate::staging::codec;

/// `cell(rows)`: the sealed cell of the group's rows; each value is a run of rows, one after another.
#[derive(Debug)]
pub struct CellFunction {
    signature: Signature,
    key_id: u64,
    depot: Option<Arc<Depot>>,
}

impl CellFunction {
    /// The function for rows whose hashes were made under the secret with this id; cells leave as bytes (LargeBinary).
    pub fn udaf(key_id: u64) -> AggregateUDF {
        CellFunction::function(key_id, None)
    }

    /// The same, but cells leave by this depot, each as its number there (UInt32).
    pub fn udaf_into(key_id: u64, depot: Arc<Depot>) -> AggregateUDF {
        CellFunction::function(key_id, Some(depot))
    }

    fn function(key_id: u64, depot: Option<Arc<Depot>>) -> AggregateUDF {
        let signature = Signature::exact(vec![DataType::BinaryView], Volatility::Immutable);
        AggregateUDF::from(CellFunction { signature, key_id, depot })
    }

    fn groups(&self) -> CellGroups {
        CellGroups { depot: self.depot.clone(), ..CellGroups::new(self.key_id) }
    }
}

// One function a session: two are the same where the secret and the way out are.
impl PartialEq for CellFunction {
    fn eq(&self, other: &CellFunction) -> bool {
        self.key_id == other.key_id && self.depot.is_some() == other.depot.is_some()
    }
}

impl Eq for CellFunction {}

impl std::hash::Hash for CellFunction {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key_id.hash(state);
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
        Ok(if self.depot.is_some() { DataType::UInt32 } else { DataType::LargeBinary })
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[cell]", arguments.name), DataType::LargeBinary, true))])
    }

    fn accumulator(&self, _arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneCell(self.groups())))
    }

    fn groups_accumulator_supported(&self, _arguments: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.groups()))
    }
}

/// One cell a group.
#[derive(Debug)]
struct CellGroups {
    key_id: u64,
    // In boxes, since they are handed on several times.
    cells: Vec<Box<Cell>>,
    /// Heap bytes of `cells`, counted as rows come: the memory pool asks after every batch.
    heap_bytes: usize,
    /// Where complete cells go, and where cells without rows come from.
    depot: Option<Arc<Depot>>,
}

impl CellGroups {
    fn new(key_id: u64) -> CellGroups {
        CellGroups { key_id, cells: Vec::new(), heap_bytes: 0, depot: None }
    }

    fn grow(&mut self, groups: usize) {
        let before = self.cells.len();
        if let Some(depot) = &self.depot {
            self.cells.extend(depot.spare(groups.saturating_sub(before)));
        }
        self.heap_bytes += self.cells[before..].iter().map(|cell| cell.heap_bytes()).sum::<usize>();
        while self.cells.len() < groups {
            self.cells.push(Box::new(Cell::empty(self.key_id)));
        }
    }

    /// Takes the first groups out.
    fn take(&mut self, emit_to: EmitTo) -> Vec<Box<Cell>> {
        let cells = emit_to.take_needed(&mut self.cells);
        // What stays is far less than what goes, so walking it costs less than tracking each group's share.
        self.heap_bytes = self.cells.iter().map(|cell| cell.heap_bytes()).sum();
        cells
    }

    /// The first groups as cells that can still be merged, as bytes.
    fn settled(&mut self, emit_to: EmitTo) -> ArrayRef {
        let mut cells = self.take(emit_to);
        cells.iter_mut().for_each(|cell| cell.settle());
        Arc::new(bytes_of(&cells))
    }

    /// The first groups as complete cells, as bytes or by number.
    fn sealed(&mut self, emit_to: EmitTo) -> ArrayRef {
        let mut cells = self.take(emit_to);
        cells.iter_mut().for_each(|cell| cell.seal());
        match &self.depot {
            Some(depot) => Arc::new(UInt32Array::from(depot.put(cells))),
            None => Arc::new(bytes_of(&cells)),
        }
    }
}

fn bytes_of(cells: &[Box<Cell>]) -> LargeBinaryArray {
    let mut builder = LargeBinaryBuilder::with_capacity(cells.len(), cells.len() * 512);
    let mut buffer = Vec::new();
    for cell in cells {
        buffer.clear();
        cell.encode(&mut buffer);
        builder.append_value(&buffer);
    }
    builder.finish()
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
        let Some(runs) = values.first().and_then(|array| array.as_binary_view_opt()) else {
            return internal_err!("`cell`: rows of another type");
        };
        for (index, group) in group_indices.iter().enumerate() {
            if runs.is_null(index) || opt_filter.is_some_and(|keep| keep.is_null(index) || !keep.value(index)) {
                continue;
            }
            let cell = &mut self.cells[*group];
            let before = cell.heap_bytes();
            cell.reserve(codec::rows_at_most(runs.value(index).len()));
            let mut update = cell.updating();
            if codec::each(runs.value(index), |row| update.add(row)).is_none() {
                return internal_err!("`cell`: bytes that are no rows");
            }
            update.finish();
            self.heap_bytes = (self.heap_bytes + cell.heap_bytes()).saturating_sub(before);
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
        Ok(vec![self.settled(emit_to)])
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(self.sealed(emit_to))
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |array| array.len());
        let mut single = CellGroups::new(self.key_id);
        let groups: Vec<usize> = (0..rows).collect();
        single.update_batch(values, &groups, opt_filter, rows)?;
        single.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.cells.capacity() * size_of::<Box<Cell>>() + self.cells.len() * size_of::<Cell>() + self.heap_bytes
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
        self.0.grow(1);
        Ok(vec![ScalarValue::try_from_array(&*self.0.settled(EmitTo::First(1)), 0)?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.grow(1);
        ScalarValue::try_from_array(&*self.0.sealed(EmitTo::First(1)), 0)
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
    use arrow::array::BinaryViewArray;
    use arrow::datatypes::UInt32Type;

    use super::*;
    use crate::cell::{Fingerprint, Row};
    use crate::class::Class;
    use crate::flow::Direction;
    use crate::period::Date;
    use crate::staging::codec::Place;

    /// So many rows of one month, each a run of its own.
    fn runs(rows: u64) -> ArrayRef {
        let first_us = i64::from(Date::parse("2024-01-01").unwrap().0) * crate::period::DAY_US;
        let run = |row: u64| {
            let txn_id = format!("T{row:03}");
            let row = Row {
                booked_at_us: first_us + (row as i64 % 9) * crate::period::DAY_US,
                seq: row.is_multiple_of(3).then_some(row as i64),
                txn_id: txn_id.as_bytes(),
                direction: if row.is_multiple_of(2) { Direction::In } else { Direction::Out },
                reversal: row.is_multiple_of(11),
                amount_fen: row as i64 * 1_000,
                balance_fen: (!row.is_multiple_of(4)).then_some(row as i64),
                class: Class::ALL[row as usize % 7],
                counterparty: (!row.is_multiple_of(5)).then_some(u128::from(row % 6)),
                fingerprint: Fingerprint { id: row, content: row },
            };
            let mut bytes = Vec::new();
            assert!(codec::put(&mut bytes, 0, Place { file: 0, row: row.fingerprint.id }, &row));
            bytes
        };
        Arc::new(BinaryViewArray::from_iter_values((0..rows).map(run)))
    }

    fn cells(array: &ArrayRef) -> Vec<Vec<u8>> {
        array.as_binary::<i64>().iter().map(|bytes| bytes.unwrap().to_vec()).collect()
    }

    /// The cell of these bytes, sealed, as bytes.
    fn sealed(bytes: &[u8]) -> Vec<u8> {
        let mut cell = Cell::decode(bytes).unwrap();
        assert!(!cell.is_sealed());
        cell.seal();
        let mut bytes = Vec::new();
        cell.encode(&mut bytes);
        bytes
    }

    /// Three groups in one go, against two partial aggregations merged in the other order, against rows turned into
    /// states one by one: the same bytes, as states and as final values.
    #[test]
    fn partial_states_merge_to_the_same_bytes() {
        let runs = runs(90);
        let groups: Vec<usize> = (0..90).map(|row| row / 7 % 3).collect();
        let whole = || {
            let mut whole = CellGroups::new(7);
            whole.update_batch(&[Arc::clone(&runs)], &groups, None, 3).unwrap();
            whole
        };
        let expected = cells(&whole().state(EmitTo::All).unwrap()[0]);
        let mut whole = whole();
        let of_products = cells(&whole.evaluate(EmitTo::All).unwrap());
        assert_eq!(whole.heap_bytes, 0);
        assert_eq!(of_products, expected.iter().map(|bytes| sealed(bytes)).collect::<Vec<_>>());

        let (mut first, mut second, mut merged) = (CellGroups::new(7), CellGroups::new(7), CellGroups::new(7));
        first.update_batch(&[runs.slice(0, 40)], &groups[..40], None, 3).unwrap();
        second.update_batch(&[runs.slice(40, 50)], &groups[40..], None, 3).unwrap();
        merged.merge_batch(&second.state(EmitTo::All).unwrap(), &[0, 1, 2], 3).unwrap();
        merged.merge_batch(&first.state(EmitTo::All).unwrap(), &[0, 1, 2], 3).unwrap();
        assert!(merged.size() > 0);
        assert_eq!(cells(&merged.state(EmitTo::All).unwrap()[0]), expected);

        let mut of_rows = CellGroups::new(7);
        let states = of_rows.convert_to_state(&[Arc::clone(&runs)], None).unwrap();
        of_rows.merge_batch(&states, &groups, 3).unwrap();
        let head = cells(&of_rows.evaluate(EmitTo::First(2)).unwrap());
        let tail = cells(&of_rows.evaluate(EmitTo::All).unwrap());
        assert_eq!([head, tail].concat(), of_products);
    }

    #[test]
    fn a_filter_leaves_rows_out_and_a_shared_row_is_an_error() {
        let runs = runs(10);
        let even = BooleanArray::from((0..10).map(|row| row % 2 == 0).collect::<Vec<_>>());
        let mut filtered = CellGroups::new(7);
        filtered.update_batch(&[runs], &[0; 10], Some(&even), 1).unwrap();
        let state = filtered.state(EmitTo::All).unwrap();
        let cell = Cell::decode(&cells(&state[0])[0]).unwrap();
        assert_eq!(cell.rows(), 5);
        filtered.merge_batch(&state, &[0], 1).unwrap();
        assert!(filtered.merge_batch(&state, &[0], 1).is_err());
    }

    /// What goes into products cannot be merged again, and bytes that are no rows are told.
    #[test]
    fn a_final_value_is_no_state_and_damage_is_an_error() {
        let runs = runs(10);
        let mut groups = CellGroups::new(7);
        groups.update_batch(&[Arc::clone(&runs)], &[0; 10], None, 1).unwrap();
        let complete = groups.evaluate(EmitTo::All).unwrap();
        assert!(CellGroups::new(7).merge_batch(&[complete], &[0], 1).is_err());
        let bytes = runs.as_binary_view().value(0);
        let cut: ArrayRef = Arc::new(BinaryViewArray::from_iter_values([&bytes[..bytes.len() - 1]]));
        assert!(CellGroups::new(7).update_batch(&[cut], &[0], None, 1).is_err());
    }

    /// By way of a depot come the cells that the bytes are of, in the same order.
    #[test]
    fn a_depot_hands_over_what_the_bytes_say() {
        let (runs, depot) = (runs(90), Arc::new(Depot::default()));
        let groups: Vec<usize> = (0..90).map(|row| row / 30).collect();
        let evaluate = |mut cells: CellGroups| {
            cells.update_batch(&[Arc::clone(&runs)], &groups, None, 3).unwrap();
            [EmitTo::First(1), EmitTo::All].map(|emit_to| cells.evaluate(emit_to).unwrap())
        };
        let expected: Vec<_> = evaluate(CellGroups::new(7)).iter().flat_map(cells).collect();
        // The second time cells are made of spare ones.
        for _ in 0..2 {
            let numbers = evaluate(CellGroups { depot: Some(Arc::clone(&depot)), ..CellGroups::new(7) });
            let numbers = numbers.iter().flat_map(|array| array.as_primitive::<UInt32Type>().values().to_vec());
            let taken: Vec<_> = numbers.map(|number| depot.take(number).unwrap()).collect();
            let expected: Vec<_> = expected.iter().map(|bytes| Box::new(Cell::decode(bytes).unwrap())).collect();
            assert_eq!(taken, expected);
            depot.reuse(taken);
        }
    }

    #[test]
    fn without_groups_it_is_one_cell() {
        let runs = runs(20);
        let mut groups = CellGroups::new(7);
        groups.update_batch(&[Arc::clone(&runs)], &[0; 20], None, 1).unwrap();
        let state = cells(&groups.state(EmitTo::All).unwrap()[0]).remove(0);
        let one = || {
            let mut one = OneCell(CellGroups::new(7));
            one.update_batch(&[Arc::clone(&runs)]).unwrap();
            one
        };
        assert_eq!(one().evaluate().unwrap(), ScalarValue::LargeBinary(Some(sealed(&state))));
        assert_eq!(one().state().unwrap(), [ScalarValue::LargeBinary(Some(state))]);
        let mut none = OneCell(CellGroups::new(7));
        let ScalarValue::LargeBinary(Some(empty)) = none.state().unwrap().remove(0) else { panic!("no cell") };
        assert_eq!(Cell::decode(&empty).unwrap(), Cell::empty(7));
    }
}
