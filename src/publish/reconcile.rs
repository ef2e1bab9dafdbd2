//! The reconciliation of a build: rows, cells and products agree to the fen, for every account.
//!
//! Owns: two checks, and the totals that `run.json` shows. The feed's good rows, added up as they leave the checks, equal
//! the rows that reach cells and those that are dropped on the way, so no row is lost or doubled. Each account's rows,
//! added up before classification, equal its cells, inside the windows or not. Does not own: the check inside a product
//! (`funds_check`).

use serde::Serialize;

use crate::flow::{Flows, RowFlows};
use crate::intake::AccountCells;
use crate::staging::dedup::AccountSums;

/// The result of the reconciliation.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Reconciliation {
    /// All accounts.
    pub accounts: u64,
    /// Accounts for which every check held.
    pub accounts_equal: u64,
    /// The feed's good rows, as the checks saw them.
    pub feed: RowFlows,
    /// Rows that reach no cell: repeats, conflicts and cut-offs.
    pub dropped: RowFlows,
    /// Rows that reach cells.
    pub rows: RowFlows,
    /// The sums of all cells.
    pub cells: RowFlows,
}

impl Reconciliation {
    /// Whether every account reconciled, and no row was lost or doubled between the checks and the cells.
    pub fn holds(&self) -> bool {
        let mut seen = self.dropped;
        seen.add(&self.rows);
        self.accounts == self.accounts_equal && self.rows == self.cells && self.feed == seen
    }

    /// Adds the result of other accounts.
    pub fn add(&mut self, other: &Reconciliation) {
        self.accounts += other.accounts;
        self.accounts_equal += other.accounts_equal;
        self.feed.add(&other.feed);
        self.dropped.add(&other.dropped);
        self.rows.add(&other.rows);
        self.cells.add(&other.cells);
    }

    /// Checks one account's cells against its rows and notes the result together with that of its products.
    pub fn check(&mut self, sums: &AccountSums, cells: &AccountCells, products_hold: bool) {
        let rows = RowFlows { rows: sums.rows, flows: sums.flows };
        let mut of_cells = RowFlows { rows: cells.rows, flows: Flows::default() };
        let mut funds = Flows::default();
        for (_, cell) in &cells.cells {
            for way in 0..2 {
                funds[way].add(cell.funds()[way]);
                of_cells.flows[way].add(cell.classes.iter().map(|flows| flows[way]).sum());
            }
        }
        let equal = of_cells == rows && funds == rows.flows && products_hold;
        self.accounts += 1;
        self.accounts_equal += u64::from(equal);
        self.rows.add(&rows);
        self.cells.add(&of_cells);
    }
}

/// The result as `run.json` shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Shown {
    accounts: u64,
    accounts_equal: u64,
    holds: bool,
    feed: RowFlows,
    dropped: RowFlows,
    rows: RowFlows,
    cells: RowFlows,
}

impl Serialize for Reconciliation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shown {
            accounts: self.accounts,
            accounts_equal: self.accounts_equal,
            holds: self.holds(),
            feed: self.feed,
            dropped: self.dropped,
            rows: self.rows,
            cells: self.cells,
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::flow::Flow;
    use crate::period::Month;

    fn sums(count: i64, amount_fen: i128, rows: u64) -> AccountSums {
        AccountSums { flows: [Flow { count, amount_fen }, Flow::default()], rows }
    }

    /// An account whose one cell holds one row of OTHER, 100 fen in.
    fn cells() -> AccountCells {
        let flows = [Flow { count: 1, amount_fen: 100 }, Flow::default()];
        let mut cell = Cell::empty(0);
        cell.funds = flows;
        cell.classes[6] = flows;
        AccountCells { cells: vec![(Month(600), Box::new(cell))], rows: 1 }
    }

    fn holds(change: impl FnOnce(&mut AccountSums, &mut AccountCells, &mut Reconciliation)) -> bool {
        let (mut sums, mut cells) = (sums(1, 100, 1), cells());
        let feed = RowFlows { rows: 1, flows: sums.flows };
        let mut reconciliation = Reconciliation { feed, ..Reconciliation::default() };
        change(&mut sums, &mut cells, &mut reconciliation);
        reconciliation.check(&sums, &cells, true);
        reconciliation.holds()
    }

    #[test]
    fn every_difference_is_seen() {
        assert!(holds(|_, _, _| {}));
        assert!(!holds(|sums, _, _| sums.flows[0].amount_fen += 1));
        assert!(!holds(|sums, _, _| sums.flows[0].count -= 1));
        assert!(!holds(|_, cells, _| cells.cells[0].1.classes[6][0].amount_fen -= 1));
        assert!(!holds(|_, cells, _| cells.cells[0].1.funds[0].amount_fen -= 1));
        assert!(!holds(|_, cells, _| cells.rows += 1));
        assert!(!holds(|_, cells, _| cells.cells.clear()));
        // A row lost between the checks and the partitions, or doubled there.
        assert!(!holds(|_, _, reconciliation| reconciliation.feed.rows += 1));
        assert!(!holds(|_, _, reconciliation| reconciliation.feed.flows[1].amount_fen += 1));
        // Dropped rows are part of the account.
        assert!(holds(|_, _, reconciliation| {
            reconciliation.feed.rows += 1;
            reconciliation.dropped.rows += 1;
        }));
        let mut reconciliation = Reconciliation::default();
        reconciliation.check(&AccountSums::default(), &AccountCells::default(), false);
        assert!(!reconciliation.holds());
    }
}
