//! The depot: cells on their way out of a plan, within the process that made them.
//!
//! Owns: cells that a plan has made and nobody has taken yet, each under a number, and cells without rows whose memory the
//! next ones can use. What leaves a plan is an Arrow column, and there a cell would have to become bytes only to be read
//! back at once. Does not own: the bytes ([`super::bytes`]), which are for stores and for other processes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Cell, SPARE_BYTES_MAX};

/// Hands cells from the function that makes them to who reads the plan's output.
#[derive(Debug, Default)]
pub struct Depot(Mutex<Cells>);

#[derive(Debug, Default)]
struct Cells {
    /// By number.
    made: Vec<Option<Box<Cell>>>,
    /// Numbers whose cell was taken.
    free: Vec<u32>,
    /// Cells without rows: most months are as long as the ones before.
    spare: Vec<Box<Cell>>,
}

/// Spare cells that are kept: those of a batch of common months.
const SPARE_CELLS_MAX: usize = 256;

impl Depot {
    /// Puts cells in, in this order; the number of each comes back.
    pub fn put(&self, cells: Vec<Box<Cell>>) -> Vec<u32> {
        let mut depot = self.lock();
        let number = |cell| match depot.free.pop() {
            Some(number) => {
                depot.made[number as usize] = Some(cell);
                number
            }
            None => {
                depot.made.push(Some(cell));
                depot.made.len() as u32 - 1
            }
        };
        cells.into_iter().map(number).collect()
    }

    /// Takes the cell with this number out; `None` where there is none.
    pub fn take(&self, number: u32) -> Option<Box<Cell>> {
        let mut depot = self.lock();
        let cell = depot.made.get_mut(number as usize)?.take()?;
        depot.free.push(number);
        Some(cell)
    }

    /// Takes back cells that are done with, for the memory of their lists.
    pub fn reuse(&self, cells: impl IntoIterator<Item = Box<Cell>>) {
        let spare = &mut self.lock().spare;
        let room = SPARE_CELLS_MAX - spare.len();
        spare.extend(cells.into_iter().filter(|cell| cell.heap_bytes() <= SPARE_BYTES_MAX).take(room).map(
            |mut cell| {
                cell.clear();
                cell
            },
        ));
    }

    /// At most so many cells without rows.
    pub(crate) fn spare(&self, count: usize) -> Vec<Box<Cell>> {
        let spare = &mut self.lock().spare;
        let kept = spare.len().saturating_sub(count);
        spare.split_off(kept)
    }

    fn lock(&self) -> MutexGuard<'_, Cells> {
        // A panicked worker ends the run anyway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(key_id: u64) -> Box<Cell> {
        Box::new(Cell::empty(key_id))
    }

    #[test]
    fn a_cell_is_taken_once_and_its_number_is_used_again() {
        let depot = Depot::default();
        let numbers = depot.put([1, 2, 3].map(empty).into());
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(depot.take(1), Some(empty(2)));
        assert_eq!(depot.take(1), None);
        assert_eq!(depot.take(3), None);
        assert_eq!(depot.put([4, 5].map(empty).into()), [1, 3]);
        let left: Vec<_> = [0, 1, 2, 3].map(|number| depot.take(number)).into_iter().flatten().collect();
        assert_eq!(left, [1, 4, 3, 5].map(empty));
    }

    #[test]
    fn spare_cells_are_bounded_and_without_rows() {
        let depot = Depot::default();
        let mut long = empty(1);
        long.reserve(SPARE_BYTES_MAX);
        depot.reuse([long]);
        assert!(depot.spare(1).is_empty());
        let mut used = empty(1);
        used.seal();
        depot.reuse(vec![used; SPARE_CELLS_MAX + 1]);
        assert_eq!(depot.spare(1), [empty(1)]);
        assert_eq!(depot.spare(usize::MAX).len(), SPARE_CELLS_MAX - 1);
    }
}
