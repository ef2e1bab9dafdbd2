//! The aggregate function `cell`: rows in, open cells out.
//!
//! Owns: the adapter between Arrow columns and [`Cell`]. Its state and its value are the open cell's two byte values, which
//! a store can keep and merge. Does not own: the cell, or the bytes of rows ([`crate::staging::codec`]).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, LargeBinaryArray, StructArray};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use crate::cell::{Cell, CellError};
use crate::staging::codec;

/// `cell(rows)`: the open cell of the group's rows, each value of `rows` being a run of them, as a struct of `figures` and
/// `rows` (LargeBinary; see `docs/cell-format.md`).
#[derive(Debug)]
pub struct CellFunction {
    signature: Signature,
    key_id: u64,
}

impl CellFunction {
    /// The function for rows whose hashes were made under the key with this id.
    pub fn udaf(key_id: u64) -> AggregateUDF {
        let signature = Signature::exact(vec![DataType::BinaryView], Volatility::Immutable);
        AggregateUDF::from(CellFunction { signature, key_id })
    }

    fn groups(&self) -> CellGroups {
        CellGroups::new(self.key_id)
    }
}

/// The two byte values of a cell.
pub fn cell_fields() -> Fields {
    Fields::from(["figures", "rows"].map(|name| Field::new(name, DataType::LargeBinary, false)).to_vec())
}

// One function a session: two are the same where the key is.
impl PartialEq for CellFunction {
    fn eq(&self, other: &CellFunction) -> bool {
        self.key_id == other.key_id
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
        Ok(DataType::Struct(cell_fields()))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |part| Arc::new(Field::new(format!("{}[{part}]", arguments.name), DataType::LargeBinary, true));
        Ok(vec![field("figures"), field("rows")])
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
    // In boxes: a cell is above a kibibyte, and the list grows.
    cells: Vec<Box<Cell>>,
    /// Heap bytes of `cells`, counted as rows come: the memory pool asks after every batch.
    heap_bytes: usize,
    /// Empty cells whose lists have memory: most months are as long as the ones before.
    spare: Vec<Box<Cell>>,
    /// The room that the next values get: of figures, and of rows.
    bytes_each: [usize; 2],
}

/// Cells that are kept for the rows of others.
const SPARE_CELLS_MAX: usize = 64;

/// A cell with more on the heap is not kept.
const SPARE_BYTES_MAX: usize = 64 << 10;

/// Byte values of a column, written in place.
struct Values {
    bytes: Vec<u8>,
    offsets: Vec<i64>,
}

impl Values {
    /// No values yet, and room for so many of this length: growing would copy what is there.
    fn of(count: usize, bytes_each: usize) -> Values {
        let mut offsets = Vec::with_capacity(count + 1);
        offsets.push(0);
        Values { bytes: Vec::with_capacity(count * bytes_each), offsets }
    }

    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.offsets.push(self.bytes.len() as i64);
    }

    fn finish(self) -> ArrayRef {
        let offsets = OffsetBuffer::new(self.offsets.into());
        Arc::new(LargeBinaryArray::new(offsets, Buffer::from_vec(self.bytes), None))
    }
}

impl CellGroups {
    fn new(key_id: u64) -> CellGroups {
        CellGroups { key_id, cells: Vec::new(), heap_bytes: 0, spare: Vec::new(), bytes_each: [1024; 2] }
    }

    fn grow(&mut self, groups: usize) {
        while self.cells.len() < groups {
            self.cells.push(self.spare.pop().unwrap_or_else(|| Box::new(Cell::empty(self.key_id))));
        }
    }

    /// Takes the first groups out, settled, as figures and rows.
    fn take(&mut self, emit_to: EmitTo) -> [ArrayRef; 2] {
        let cells = emit_to.take_needed(&mut self.cells);
        // Far fewer groups stay than go, so walking them costs less than tracking each group's share.
        self.heap_bytes = self.cells.iter().map(|cell| cell.heap_bytes()).sum();
        // Months of one feed are alike: room for a quarter more than the values of the last batch took.
        let [figures_bytes, rows_bytes] = self.bytes_each;
        let (mut figures, mut rows) = (Values::of(cells.len(), figures_bytes), Values::of(cells.len(), rows_bytes));
        for mut cell in cells {
            cell.settle();
            figures.push(|out| cell.encode_figures(out));
            rows.push(|out| cell.encode_rows(out));
            if self.spare.len() < SPARE_CELLS_MAX && cell.heap_bytes() <= SPARE_BYTES_MAX {
                cell.clear();
                self.spare.push(cell);
            }
        }
        let each = |values: &Values| values.bytes.len() / values.offsets.len() * 5 / 4 + 64;
        self.bytes_each = [each(&figures), each(&rows)];
        [figures.finish(), rows.finish()]
    }

    /// [`CellGroups::take`] as one column.
    fn take_struct(&mut self, emit_to: EmitTo) -> Result<StructArray> {
        Ok(StructArray::try_new(cell_fields(), self.take(emit_to).to_vec(), None)?)
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
        let [figures, rows] = values else { return internal_err!("`cell`: a state of other columns") };
        let (Some(figures), Some(rows)) = (figures.as_binary_opt::<i64>(), rows.as_binary_opt::<i64>()) else {
            return internal_err!("`cell`: a state of another type");
        };
        for (index, group) in group_indices.iter().enumerate() {
            if figures.is_null(index) || rows.is_null(index) {
                continue;
            }
            let cell = &mut self.cells[*group];
            let before = cell.heap_bytes();
            cell.settle();
            let other = Cell::decode(figures.value(index), rows.value(index)).map_err(external)?;
            cell.merge(other).map_err(external)?;
            self.heap_bytes += cell.heap_bytes().saturating_sub(before);
        }
        Ok(())
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(self.take(emit_to).to_vec())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(self.take_struct(emit_to)?))
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
        self.0.take(EmitTo::First(1)).iter().map(|array| ScalarValue::try_from_array(array, 0)).collect()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.grow(1);
        ScalarValue::try_from_array(&self.0.take_struct(EmitTo::First(1))?, 0)
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
                fingerprint: Fingerprint { id: u128::from(row), content: row },
            };
            let mut bytes = Vec::new();
            assert!(codec::put(&mut bytes, 0, Place { file: 0, row: row.fingerprint.content }, &row));
            bytes
        };
        Arc::new(BinaryViewArray::from_iter_values((0..rows).map(run)))
    }

    /// Figures and rows of each cell.
    fn cells(arrays: &[ArrayRef]) -> Vec<[Vec<u8>; 2]> {
        let [figures, rows] = arrays else { panic!("not two columns") };
        let pairs = figures.as_binary::<i64>().iter().zip(rows.as_binary::<i64>().iter());
        pairs.map(|(figures, rows)| [figures.unwrap().to_vec(), rows.unwrap().to_vec()]).collect()
    }

    fn evaluated(groups: &mut CellGroups, emit_to: EmitTo) -> Vec<[Vec<u8>; 2]> {
        cells(groups.evaluate(emit_to).unwrap().as_struct().columns())
    }

    /// Three groups in one go, against two partial aggregations merged in the other order, against rows turned into
    /// states one by one: the same bytes, as states and as values.
    #[test]
    fn partial_states_merge_to_the_same_bytes() {
        let runs = runs(90);
        let groups: Vec<usize> = (0..90).map(|row| row / 7 % 3).collect();
        let whole = || {
            let mut whole = CellGroups::new(7);
            whole.update_batch(&[Arc::clone(&runs)], &groups, None, 3).unwrap();
            whole
        };
        let expected = cells(&whole().state(EmitTo::All).unwrap());
        let mut whole = whole();
        assert_eq!(evaluated(&mut whole, EmitTo::All), expected);
        assert_eq!(whole.heap_bytes, 0);

        let (mut first, mut second, mut merged) = (CellGroups::new(7), CellGroups::new(7), CellGroups::new(7));
        first.update_batch(&[runs.slice(0, 40)], &groups[..40], None, 3).unwrap();
        second.update_batch(&[runs.slice(40, 50)], &groups[40..], None, 3).unwrap();
        merged.merge_batch(&second.state(EmitTo::All).unwrap(), &[0, 1, 2], 3).unwrap();
        merged.merge_batch(&first.state(EmitTo::All).unwrap(), &[0, 1, 2], 3).unwrap();
        assert!(merged.size() > 0);
        assert_eq!(cells(&merged.state(EmitTo::All).unwrap()), expected);

        let mut of_rows = CellGroups::new(7);
        let states = of_rows.convert_to_state(&[Arc::clone(&runs)], None).unwrap();
        of_rows.merge_batch(&states, &groups, 3).unwrap();
        let head = evaluated(&mut of_rows, EmitTo::First(2));
        let tail = evaluated(&mut of_rows, EmitTo::All);
        assert_eq!([head, tail].concat(), expected);
    }

    #[test]
    fn a_filter_leaves_rows_out_and_a_shared_row_is_an_error() {
        let runs = runs(10);
        let even = BooleanArray::from((0..10).map(|row| row % 2 == 0).collect::<Vec<_>>());
        let mut filtered = CellGroups::new(7);
        filtered.update_batch(&[runs], &[0; 10], Some(&even), 1).unwrap();
        let state = filtered.state(EmitTo::All).unwrap();
        let [figures, rows] = &cells(&state)[0];
        assert_eq!(Cell::decode(figures, rows).unwrap().rows(), 5);
        filtered.merge_batch(&state, &[0], 1).unwrap();
        assert!(filtered.merge_batch(&state, &[0], 1).is_err());
    }

    #[test]
    fn damaged_rows_are_an_error() {
        let runs = runs(10);
        let bytes = runs.as_binary_view().value(0);
        let cut: ArrayRef = Arc::new(BinaryViewArray::from_iter_values([&bytes[..bytes.len() - 1]]));
        assert!(CellGroups::new(7).update_batch(&[cut], &[0], None, 1).is_err());
    }

    #[test]
    fn without_groups_it_is_one_cell() {
        let runs = runs(20);
        let mut groups = CellGroups::new(7);
        groups.update_batch(&[Arc::clone(&runs)], &[0; 20], None, 1).unwrap();
        let state = groups.state(EmitTo::All).unwrap();
        let one = || {
            let mut one = OneCell(CellGroups::new(7));
            one.update_batch(&[Arc::clone(&runs)]).unwrap();
            one
        };
        let expected = StructArray::try_new(cell_fields(), state.clone(), None).unwrap();
        assert_eq!(one().evaluate().unwrap(), ScalarValue::Struct(Arc::new(expected)));
        let scalars: Vec<ScalarValue> = one().state().unwrap();
        let arrays: Vec<ArrayRef> = scalars.iter().map(|scalar| scalar.to_array().unwrap()).collect();
        assert_eq!(cells(&arrays), cells(&state));
        let none = OneCell(CellGroups::new(7)).state().unwrap();
        let none: Vec<ArrayRef> = none.iter().map(|scalar| scalar.to_array().unwrap()).collect();
        let [figures, rows] = &cells(&none)[0];
        assert_eq!(Cell::decode(figures, rows).unwrap(), Cell::empty(7));
    }
}
