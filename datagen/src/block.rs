//! Blocks: a range of holders that one worker takes through a month, from plans to booked rows and their sums.
//!
//! Owns the state that a block carries from month to month. A block does not depend on any other, so blocks run in
//! parallel.

use crate::calendar::Month;
use crate::class::Class;
use crate::economy::{Economy, HolderRange};
use crate::holder::Holder;
use crate::ledger::{Books, Ledger, Pending, State, Sums};
use crate::plan::{Event, Planner};
use crate::random::Rng;
use crate::row::Row;
use crate::shape::Shape;
use crate::trading_days::TradingDays;

/// A range of holders with the state of their accounts.
pub(crate) struct Block {
    range: HolderRange,
    states: Vec<State>,
    /// Ordered by account, then by time.
    pending: Vec<Pending>,
}

/// The result of one block and month.
pub(crate) struct BlockMonth {
    pub(crate) rows: Vec<Row>,
    pub(crate) totals: Vec<Total>,
    pub(crate) shape: Shape,
}

/// The sums of one account, month and class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Total {
    pub(crate) account: u32,
    pub(crate) bank: u8,
    pub(crate) class: Class,
    pub(crate) sums: Sums,
}

impl Block {
    pub(crate) fn new(range: HolderRange) -> Block {
        Block { range, states: Vec::new(), pending: Vec::new() }
    }

    /// Runs the block through `month`. Months must come in order.
    pub(crate) fn run_month(&mut self, economy: &Economy, month: &Month, trading_days: &TradingDays) -> BlockMonth {
        let mut result = BlockMonth { rows: Vec::new(), totals: Vec::new(), shape: Shape::default() };
        result.rows.reserve(self.range.accounts as usize * economy.mean_rows as usize * 5 / 4);
        let mut pending = std::mem::take(&mut self.pending).into_iter().peekable();
        let mut events = Vec::new();
        let mut account = self.range.first_account;
        let opens = self.states.is_empty();
        for ordinal in self.range.first_holder..self.range.first_holder + self.range.holders {
            let holder = Holder::new(economy, ordinal, account);
            let first = (account - self.range.first_account) as usize;
            account += holder.accounts.len() as u32;
            if opens {
                self.states.extend(
                    holder
                        .accounts
                        .iter()
                        .map(|account| State { balance_fen: account.opening_balance(economy), saved_fen: 0 }),
                );
            }
            let of_holder = std::iter::from_fn(|| pending.next_if(|pending| pending.account < account)).collect();
            let states = &mut self.states[first..first + holder.accounts.len()];
            let left = run_holder(economy, month, trading_days, &holder, states, of_holder, &mut events, &mut result);
            self.pending.extend(left);
        }
        result
    }
}

/// Runs one holder through a month and returns the bookings that remain pending.
#[allow(clippy::too_many_arguments)] // A struct for one call would not be clearer.
fn run_holder(
    economy: &Economy,
    month: &Month,
    trading_days: &TradingDays,
    holder: &Holder,
    states: &mut [State],
    mut pending: Vec<Pending>,
    events: &mut Vec<Event>,
    result: &mut BlockMonth,
) -> Vec<Pending> {
    let mut books: Vec<Books> = holder
        .accounts
        .iter()
        .zip(states.iter())
        .map(|(account, state)| Books::new(*state, account.open_days(month)))
        .collect();
    if books.iter().all(|books| books.open.is_none()) {
        return Vec::new();
    }
    let rng = &mut Rng::new(&[economy.seed, u64::from(holder.subject.ordinal), month.count().unsigned_abs().into()]);
    events.clear();
    for (account, books) in holder.accounts.iter().zip(&books) {
        let Some((first, last)) = books.open else { continue };
        let (balance_fen, saved_fen) = (books.state.balance_fen, books.state.saved_fen);
        Planner { economy, month, trading_days, holder, account, balance_fen, saved_fen, first, last, rng, events }
            .plan();
    }
    events.sort_by_key(|event| event.at);
    let start = result.rows.len();
    let rows = &mut result.rows;
    Ledger { economy, month, holder, books: &mut books, pending: &mut pending, rng, rows }.book(events);
    result.shape.add(holder, month, holder.trade_level(economy, month), result.rows.get(start..).unwrap_or_default());
    for ((account, books), state) in holder.accounts.iter().zip(&books).zip(states) {
        *state = books.state;
        for (class, sums) in Class::ALL.into_iter().zip(books.sums).filter(|(_, sums)| sums.rows > 0) {
            result.totals.push(Total { account: account.ordinal, bank: account.bank, class, sums });
        }
    }
    pending.sort_by_key(|pending| pending.account);
    pending
}
