//! The reconciliation: what went in equals what came out, for every account, every time.
//!
//! Owns: three checks. The feed's good rows, added up as they leave the checks, are held against what reaches cells and
//! what is dropped on the way, so that no row is lost or doubled. Each account's rows, added up before classes are
//! looked at, are held against its cells, window or not. In each product each period's classes and cash are held
//! against its funds.

use serde::Serialize;

use crate::error::Error;
use crate::flow::{Flows, RowFlows};
use crate::intake::AccountCells;
use crate::product::dictionary::{Dictionary, Rows};
use crate::product::value::{Column, Product, Segment};
use crate::staging::dedup::AccountSums;

/// How a build reconciled.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Reconciliation {
    /// Accounts checked: all of them.
    pub accounts: u64,
    /// Accounts for which every check held.
    pub accounts_equal: u64,
    /// The feed's good rows, as the checks saw them.
    pub feed: RowFlows,
    /// Rows that reach no cell: repeats, conflicts and cut-offs.
    pub dropped: RowFlows,
    /// Rows that reach cells.
    pub rows: RowFlows,
    /// What all cells hold.
    pub cells: RowFlows,
}

impl Reconciliation {
    /// Whether every account reconciled, and no row was lost or doubled between the checks and the cells.
    pub fn holds(&self) -> bool {
        let mut seen = self.dropped;
        seen.add(&self.rows);
        self.accounts == self.accounts_equal && self.rows == self.cells && self.feed == seen
    }

    /// Adds that of other accounts.
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

/// The reconciliation as `run.json` shows it.
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

/// Where a product keeps what must add up: `funds` on one side, its cash and the six classes on the other.
pub struct FundsCheck {
    /// Segment `funds`, then the six classes.
    funds: usize,
    classes: Vec<usize>,
    /// For each summed item: its place in `funds`, that of its cash twin, and its place in the classes.
    items: Vec<[usize; 3]>,
}

/// The items that add up over classes and cash.
const SUMMED: [&str; 4] = ["in_count", "in_amount", "out_count", "out_amount"];

impl FundsCheck {
    /// Finds the places by the dictionary's codes.
    ///
    /// # Errors
    /// [`Error::Internal`] for a dictionary without them.
    pub fn new(dictionary: &Dictionary) -> Result<FundsCheck, Error> {
        let missing = || Error::Internal("the dictionary has no segment `funds` with six classes after it".to_string());
        let per_period: Vec<_> =
            dictionary.segments().enumerate().filter(|(_, segment)| segment.rows == Rows::PerPeriod).collect();
        let [(funds, funds_def), classes @ ..] = per_period.as_slice() else { return Err(missing()) };
        let (Some((_, class_def)), 6, "funds") = (classes.first(), classes.len(), funds_def.code.as_str()) else {
            return Err(missing());
        };
        let place = |items: &[crate::product::dictionary::ItemDef], code: &str| {
            items.iter().position(|item| item.code == code).ok_or_else(missing)
        };
        let items = SUMMED
            .iter()
            .map(|code| {
                let cash = place(&funds_def.items, &format!("cash_{code}"))?;
                Ok([place(&funds_def.items, code)?, cash, place(&class_def.items, code)?])
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(FundsCheck { funds: *funds, classes: classes.iter().map(|(at, _)| *at).collect(), items })
    }

    /// Whether each period's classes and cash add up to its funds.
    pub fn holds(&self, product: &Product) -> bool {
        let Some(funds) = product.segments.get(self.funds) else { return false };
        let classes = || self.classes.iter().map(|class| product.segments.get(*class));
        self.items.iter().all(|[whole, cash, part]| {
            let mut sums = vec![0; funds.rows()];
            add(&mut sums, Some(funds), *whole, -1)
                && add(&mut sums, Some(funds), *cash, 1)
                && classes().all(|class| add(&mut sums, class, *part, 1))
                && sums.iter().all(|sum| *sum == 0)
        })
    }
}

/// Adds an item's counts or amounts to the sums of their rows, so many times; `false` where one is missing.
fn add(sums: &mut [i128], segment: Option<&Segment>, item: usize, times: i128) -> bool {
    let Some(segment) = segment.filter(|segment| segment.rows() == sums.len()) else { return false };
    match segment.columns().get(item) {
        Some(Column::Count(counts)) => {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += times * i128::from(*count));
        }
        Some(Column::Money(fen)) => sums.iter_mut().zip(fen).for_each(|(sum, fen)| *sum += times * fen),
        _ => return false,
    }
    segment.missing().iter().all(|missing| missing.item != item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::flow::Flow;
    use crate::period::Month;
    use crate::product::ProductKind;
    use crate::product::value::{Reason, Value};

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
        // A row lost between the checks and the parts, or doubled there.
        assert!(!holds(|_, _, reconciliation| reconciliation.feed.rows += 1));
        assert!(!holds(|_, _, reconciliation| reconciliation.feed.flows[1].amount_fen += 1));
        // What is dropped is part of the account.
        assert!(holds(|_, _, reconciliation| {
            reconciliation.feed.rows += 1;
            reconciliation.dropped.rows += 1;
        }));
        let mut reconciliation = Reconciliation::default();
        reconciliation.check(&AccountSums::default(), &AccountCells::default(), false);
        assert!(!reconciliation.holds());
    }

    #[test]
    fn a_product_whose_classes_do_not_add_up_is_seen() {
        let dictionary = Dictionary::builtin(ProductKind::DetailSummary).unwrap();
        let check = FundsCheck::new(&dictionary).unwrap();
        let mut product = Product::new(&dictionary);
        for (segment, filled) in dictionary.segments().zip(&mut product.segments) {
            let value = |item: &crate::product::dictionary::ItemDef| match item.code.ends_with("_amount") {
                true => Value::Money(0),
                false => Value::Count(0),
            };
            filled.push(segment.items.iter().map(value));
        }
        assert!(check.holds(&product));
        for [whole, cash, part] in &check.items {
            for (segment, item) in [(check.funds, *whole), (check.funds, *cash), (check.classes[3], *part)] {
                let other = |value: fn(&Value) -> Value| {
                    let mut other = product.clone();
                    other.segments[segment].change(|rows| rows[0][item] = value(&rows[0][item]));
                    check.holds(&other)
                };
                let larger = |value: &Value| match value {
                    Value::Money(_) => Value::Money(1),
                    _ => Value::Count(1),
                };
                assert!(!other(larger), "segment {segment}, item {item}");
                assert!(!other(|_| Value::Null(Reason::NoActivity)), "segment {segment}, item {item}");
            }
        }
    }
}
