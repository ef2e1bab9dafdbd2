//! The history of an account: its months with their cells and daily balances.
//!
//! Owns: the list of months, and the slices of it that belong to a window. Does not own: the limits of the windows
//! (`product::window`), or the formulas over a slice (one file per family of segments).
//!
//! A period is a slice of consecutive months: one month, a quarter or W.

use std::borrow::Borrow;

use crate::account::Account;
use crate::cell::{BAND_LOWER_FEN, CLASSES, Cell, Day};
use crate::class::Class;
use crate::flow::{Direction, Flow, Flows};
use crate::period::{Date, Month, Quarter};

use super::Context;
use super::value::Reason;
use super::window::Windows;

/// The part of cells older than the month window that products see: the first row's date and the last known balance.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Carried {
    /// Date of the account's first row.
    pub first_day: Option<Date>,
    /// Balance after the last row that carried one, fen.
    pub balance_fen: Option<i64>,
}

impl Carried {
    /// Adds the next cell; cells come oldest first.
    pub fn add(&mut self, cell: &Cell) {
        self.first_day = self.first_day.or(cell.days.first().map(|day| day.date));
        self.balance_fen = last_close_fen(cell).or(self.balance_fen);
    }
}

/// Balance after the cell's last row that carries one, fen.
fn last_close_fen(cell: &Cell) -> Option<i64> {
    cell.days.iter().rev().find_map(|day| day.close.as_ref()).map(|close| close.fen)
}

/// The account's months from the oldest of the month window to that of the as-of date, with the balance carried into it.
#[derive(Clone, Debug)]
pub struct History<'a> {
    account: &'a Account,
    context: &'a Context,
    windows: Option<Windows>,
    // Invariant: one entry per month of the month window, oldest first; empty without windows.
    months: Vec<MonthFacts<'a>>,
}

/// One month of the month window.
#[derive(Clone, Copy, Debug)]
pub struct MonthFacts<'a> {
    /// The month.
    pub month: Month,
    /// Its first day, or the opening date if later.
    pub first_day: Date,
    /// Its last day, or the as-of date if earlier.
    pub last_day: Date,
    /// Its cell; `None` without rows.
    pub cell: Option<&'a Cell>,
    /// Its daily balances; `None` where no row up to the as-of date carries one.
    pub balances: Option<Balances>,
}

/// Sums over the end-of-day balances of one month.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Balances {
    /// Balance of the day before the first, fen; before the first known balance, the balance before that row.
    pub entering_fen: i64,
    /// Balance of the last day, fen.
    pub closing_fen: i64,
    /// Sum over the days, fen.
    pub sum_fen: i128,
    /// Sum of squares over the days, square fen.
    pub square_sum: i128,
    /// Highest, fen.
    pub max_fen: i64,
    /// Lowest, fen.
    pub min_fen: i64,
}

// A balance, or a balance minus an amount, is below twice the largest amount, 2 * 10^18. The squares of 31 such balances
// fit an i128.
const _: () = assert!(2_i128 * 1_000_000_000_000_000_000 < i64::MAX as i128);
const _: () = assert!(31 * (2_i128 * 1_000_000_000_000_000_000).pow(2) < i128::MAX);

impl<'a> History<'a> {
    /// The history of an account from all its cells.
    ///
    /// `cells` are canonical, ascending by month, and hold no row before the account's O or after D (cut-offs come
    /// before cells). Those of months before the context's first month are skipped whole: neither their balances nor
    /// their first row's date are seen.
    pub fn new<C: Borrow<Cell>>(account: &'a Account, context: &'a Context, cells: &'a [(Month, C)]) -> History<'a> {
        History::resume(account, context, Carried::default(), cells)
    }

    /// As [`History::new`], from a summary of older cells and the cells after them. The summary has no cell of a month
    /// before the context's first month.
    pub fn resume<C: Borrow<Cell>>(
        account: &'a Account,
        context: &'a Context,
        mut carried: Carried,
        cells: &'a [(Month, C)],
    ) -> History<'a> {
        debug_assert!(cells.is_sorted_by(|(a, _), (b, _)| a < b), "cells ascend by month");
        let cells = context.seen(cells);
        let first_day =
            carried.first_day.or(cells.iter().find_map(|(_, cell)| cell.borrow().days.first()).map(|day| day.date));
        let Some(windows) = Windows::new(context.opening(account).or(first_day), context.as_of) else {
            return History { account, context, windows: None, months: Vec::new() };
        };
        let older = cells.partition_point(|(month, _)| *month < windows.first_month());
        for (_, cell) in &cells[..older] {
            carried.add(cell.borrow());
        }
        let months = months_of(&windows, carried.balance_fen, &cells[older..]);
        History { account, context, windows: Some(windows), months }
    }

    /// The account.
    pub fn account(&self) -> &'a Account {
        self.account
    }

    /// The context.
    pub fn context(&self) -> &'a Context {
        self.context
    }

    /// D, the as-of date.
    pub fn as_of(&self) -> Date {
        self.context.as_of
    }

    /// O, the opening date; `None` where the account has no periods.
    pub fn opened(&self) -> Option<Date> {
        self.windows.map(|windows| windows.opened())
    }

    /// The month window, oldest first; empty where the account has no periods.
    pub fn months(&self) -> &[MonthFacts<'a>] {
        &self.months
    }

    /// The months of the quarter window.
    pub fn quarter_months(&self) -> &[MonthFacts<'a>] {
        match self.windows {
            Some(windows) => self.between(windows.first_quarter().first_month(), windows.last_month()),
            None => &[],
        }
    }

    /// The quarters of the quarter window with their months, oldest first.
    pub fn quarters(&self) -> impl Iterator<Item = (Quarter, &[MonthFacts<'a>])> {
        self.quarter_months()
            .chunk_by(|a, b| a.month.quarter() == b.month.quarter())
            .map(|months| (months[0].month.quarter(), months))
    }

    /// W: the last complete months, at most twelve.
    ///
    /// # Errors
    /// [`Reason::HistoryShort`] with fewer than three complete months.
    pub fn year(&self) -> Result<&[MonthFacts<'a>], Reason> {
        let year = self.windows.and_then(|windows| windows.year()).ok_or(Reason::HistoryShort)?;
        Ok(self.between(*year.start(), *year.end()))
    }

    /// The months of the complete quarter `back` quarters before Q0.
    ///
    /// # Errors
    /// [`Reason::NoPriorPeriod`] where there is none.
    pub fn complete_quarter(&self, back: i32) -> Result<&[MonthFacts<'a>], Reason> {
        let quarter = self.windows.and_then(|windows| windows.complete_quarter(back)).ok_or(Reason::NoPriorPeriod)?;
        Ok(self.between(quarter.first_month(), quarter.last_month()))
    }

    /// The window's months from one to another, both inclusive.
    fn between(&self, first: Month, last: Month) -> &[MonthFacts<'a>] {
        let from = self.months.partition_point(|facts| facts.month < first);
        let to = self.months.partition_point(|facts| facts.month <= last);
        &self.months[from..to]
    }
}

/// The months of the window with their cells, and the daily balance carried through them.
fn months_of<'a, C: Borrow<Cell>>(
    windows: &Windows,
    carried_fen: Option<i64>,
    cells: &'a [(Month, C)],
) -> Vec<MonthFacts<'a>> {
    let first_known = || cells.iter().find_map(|(_, cell)| cell.borrow().opening.as_ref()).map(|opening| opening.fen);
    let mut level_fen = carried_fen.or_else(first_known);
    let mut cells = cells.iter().peekable();
    let (first, last) = (windows.first_month().0, windows.last_month().0);
    let mut months = Vec::with_capacity((last - first + 1).unsigned_abs() as usize);
    for month in (first..=last).map(Month) {
        let cell = cells.next_if(|(of, _)| *of == month).map(|(_, cell)| cell.borrow());
        let (first_day, last_day) = windows.days_of(month);
        let mut facts = MonthFacts { month, first_day, last_day, cell, balances: None };
        facts.balances = level_fen.map(|entering_fen| facts.balances_from(entering_fen));
        level_fen = facts.balances.map(|balances| balances.closing_fen);
        months.push(facts);
    }
    months
}

impl MonthFacts<'_> {
    /// Days of the month between O and D.
    pub fn days(&self) -> i64 {
        days_between(self.first_day, self.last_day.next())
    }

    /// The dates with rows, ascending.
    pub fn dates(&self) -> &[Day] {
        self.cell.map_or(&[], |cell| &cell.days)
    }

    /// Net operating flow one way: all classes but SAME_NAME and OPENING_BANK.
    pub fn operating(&self, way: Direction) -> Flow {
        let operating = |class: &&Class| !matches!(class, Class::SameName | Class::OpeningBank);
        let Some(cell) = self.cell else {
            return Flow::default();
        };
        Class::ALL.iter().filter(operating).map(|class| cell.classes[*class as usize][way as usize]).sum()
    }

    /// Balance before the month's first row with a balance, fen.
    pub fn row_opening_fen(&self) -> Option<i64> {
        self.cell.and_then(|cell| cell.opening.as_ref()).map(|opening| opening.fen)
    }

    /// Visits runs of equal end-of-day balances: the balance in fen and the number of days.
    pub fn each_balance(&self, mut visit: impl FnMut(i64, i64)) {
        let Some(balances) = self.balances else { return };
        self.each_balance_from(balances.entering_fen, &mut visit);
    }

    fn each_balance_from(&self, entering_fen: i64, visit: &mut impl FnMut(i64, i64)) {
        let (mut level_fen, mut from) = (entering_fen, self.first_day);
        for day in self.dates() {
            let Some(close) = &day.close else { continue };
            if day.date > from {
                visit(level_fen, days_between(from, day.date));
            }
            (level_fen, from) = (close.fen, day.date);
        }
        visit(level_fen, days_between(from, self.last_day.next()));
    }

    fn balances_from(&self, entering_fen: i64) -> Balances {
        let mut sums = Balances {
            entering_fen,
            closing_fen: entering_fen,
            sum_fen: 0,
            square_sum: 0,
            max_fen: i64::MIN,
            min_fen: i64::MAX,
        };
        self.each_balance_from(entering_fen, &mut |fen, days| {
            sums.closing_fen = fen;
            sums.sum_fen += i128::from(fen) * i128::from(days);
            sums.square_sum += i128::from(fen) * i128::from(fen) * i128::from(days);
            sums.max_fen = sums.max_fen.max(fen);
            sums.min_fen = sums.min_fen.min(fen);
        });
        sums
    }
}

/// Days from one date to a later one, which is not counted.
pub fn days_between(from: Date, to: Date) -> i64 {
    i64::from(to.0) - i64::from(from.0)
}

/// Days of a period between O and D.
pub fn period_days(period: &[MonthFacts<'_>]) -> i64 {
    period.iter().map(MonthFacts::days).sum()
}

/// Net flows of all rows of a period.
pub fn period_funds(period: &[MonthFacts<'_>]) -> Flows {
    sum_flows(period.iter().filter_map(|facts| facts.cell).map(|cell| [cell.funds]))[0]
}

/// Net flows of all rows of a period by class.
pub fn period_classes(period: &[MonthFacts<'_>]) -> [Flows; CLASSES] {
    sum_flows(period.iter().filter_map(|facts| facts.cell).map(|cell| cell.classes))
}

/// Net flows of the operating rows of a period by band.
pub fn period_bands(period: &[MonthFacts<'_>]) -> [Flows; BAND_LOWER_FEN.len()] {
    sum_flows(period.iter().filter_map(|facts| facts.cell).map(|cell| cell.bands))
}

/// Adds up rows of flows, place by place.
pub fn sum_flows<const N: usize>(rows: impl Iterator<Item = [Flows; N]>) -> [Flows; N] {
    rows.fold([Flows::default(); N], |mut sums, row| {
        for (sum, flows) in sums.iter_mut().zip(row) {
            sum[0].add(flows[0]);
            sum[1].add(flows[1]);
        }
        sums
    })
}

/// Net operating flow of a period one way.
pub fn period_operating(period: &[MonthFacts<'_>], way: Direction) -> Flow {
    period.iter().map(|facts| facts.operating(way)).sum()
}
