//! The reconciliation: what went in equals what came out, for every account, every time.
//!
//! Owns: two checks that share no arithmetic with what they check. Rows are added up before classes are looked at
//! and held against the account's cells, window or not; and in each product each period's classes and cash are held
//! against its funds.

use serde::Serialize;

use crate::cell::Cell;
use crate::error::Error;
use crate::flow::{Flow, Flows};
use crate::money::money_text;
use crate::product::dictionary::{Dictionary, Rows};
use crate::product::value::{Product, Value};
use crate::rows::admit::AccountSums;

/// How the accounts of a build reconciled.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Reconciliation {
    /// Accounts checked: all of them.
    pub accounts: u64,
    /// Accounts for which every check held.
    pub accounts_equal: u64,
    /// What all rows add up to, by direction.
    pub rows: Flows,
    /// What all cells add up to, by direction.
    pub cells: Flows,
}

impl Reconciliation {
    /// Whether every account reconciled.
    pub fn holds(&self) -> bool {
        self.accounts == self.accounts_equal && self.rows == self.cells
    }

    /// Adds those of another part.
    pub fn add(&mut self, other: &Reconciliation) {
        self.accounts += other.accounts;
        self.accounts_equal += other.accounts_equal;
        for way in 0..2 {
            self.rows[way].add(other.rows[way]);
            self.cells[way].add(other.cells[way]);
        }
    }

    /// Checks one account's cells against its rows and notes the result together with that of its products.
    pub fn check<'a>(&mut self, sums: &AccountSums, cells: impl Iterator<Item = &'a Cell>, products_hold: bool) {
        let (mut funds, mut classes, mut rows) = (Flows::default(), Flows::default(), 0);
        for cell in cells {
            rows += cell.rows() as u64;
            for way in 0..2 {
                funds[way].add(cell.funds()[way]);
                classes[way].add(cell.classes.iter().map(|flows| flows[way]).sum());
            }
        }
        let equal = funds == sums.flows && classes == sums.flows && rows == sums.rows && products_hold;
        self.accounts += 1;
        self.accounts_equal += u64::from(equal);
        for way in 0..2 {
            self.rows[way].add(sums.flows[way]);
            self.cells[way].add(classes[way]);
        }
    }
}

/// The reconciliation as `run.json` shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Shown {
    accounts: u64,
    accounts_equal: u64,
    holds: bool,
    rows: ShownFlows,
    cells: ShownFlows,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct ShownFlows {
    in_count: i64,
    in_amount: String,
    out_count: i64,
    out_amount: String,
}

impl ShownFlows {
    fn new([money_in, money_out]: Flows) -> ShownFlows {
        let text = |flow: Flow| money_text(flow.amount_fen);
        ShownFlows {
            in_count: money_in.count,
            in_amount: text(money_in),
            out_count: money_out.count,
            out_amount: text(money_out),
        }
    }
}

impl Serialize for Reconciliation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shown {
            accounts: self.accounts,
            accounts_equal: self.accounts_equal,
            holds: self.holds(),
            rows: ShownFlows::new(self.rows),
            cells: ShownFlows::new(self.cells),
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
        let number =
            |segment: usize, row: usize, item: usize| match product.segments.get(segment)?.rows.get(row)?.get(item)? {
                Value::Count(count) => Some(i128::from(*count)),
                Value::Money(fen) => Some(*fen),
                _ => None,
            };
        let periods = product.segments.get(self.funds).map_or(0, |segment| segment.rows.len());
        (0..periods).all(|row| {
            self.items.iter().all(|[whole, cash, part]| {
                let of_classes: Option<i128> = self.classes.iter().map(|class| number(*class, row, *part)).sum();
                let sum = of_classes.zip(number(self.funds, row, *cash)).map(|(classes, cash)| classes + cash);
                sum.is_some() && sum == number(self.funds, row, *whole)
            })
        })
    }
}
