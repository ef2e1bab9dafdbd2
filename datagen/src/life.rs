//! Life: a run of holders through one month, from plans to booked rows and their sums.
//! Owns what the run carries from month to month. A run depends on no other, so that runs are lived in parallel.

use crate::calendar::Month;
use crate::class::Class;
use crate::economy::{Economy, Span};
use crate::holder::Holder;
use crate::ledger::{Books, Ledger, Pending, State, Sums};
use crate::plan::{Event, Planner};
use crate::random::Rng;
use crate::row::Row;
use crate::shape::Shape;
use crate::tempo::Tempo;

/// A run of holders with the state of their accounts.
pub(crate) struct Block {
    span: Span,
    states: Vec<State>,
    /// By account, then by time.
    pending: Vec<Pending>,
}

/// What a run of holders did in a month.
pub(crate) struct Lived {
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
    pub(crate) fn new(span: Span) -> Block {
        Block { span, states: Vec::new(), pending: Vec::new() }
    }

    /// Lives through `month`.
    pub(crate) fn live(&mut self, economy: &Economy, month: &Month, tempo: &Tempo) -> Lived {
        let mut lived = Lived { rows: Vec::new(), totals: Vec::new(), shape: Shape::default() };
        lived.rows.reserve(self.span.accounts as usize * economy.mean_rows as usize * 5 / 4);
        let mut pending = std::mem::take(&mut self.pending).into_iter().peekable();
        let mut events = Vec::new();
        let mut account = self.span.first_account;
        let opens = self.states.is_empty();
        for ordinal in self.span.first_holder..self.span.first_holder + self.span.holders {
            let holder = Holder::new(economy, ordinal, account);
            let first = (account - self.span.first_account) as usize;
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
            let left = live_one(economy, month, tempo, &holder, states, of_holder, &mut events, &mut lived);
            self.pending.extend(left);
        }
        lived
    }
}

/// One holder's month; what remains pending.
#[allow(clippy::too_many_arguments)] // A struct for one call would hide more than it tells.
fn live_one(
    economy: &Economy,
    month: &Month,
    tempo: &Tempo,
    holder: &Holder,
    states: &mut [State],
    mut pending: Vec<Pending>,
    events: &mut Vec<Event>,
    lived: &mut Lived,
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
        Planner { economy, month, tempo, holder, account, balance_fen, saved_fen, first, last, rng, events }.plan();
    }
    events.sort_by_key(|event| event.at);
    let start = lived.rows.len();
    let rows = &mut lived.rows;
    Ledger { economy, month, holder, books: &mut books, pending: &mut pending, rng, rows }.book(events);
    lived.shape.add(holder, month, holder.vigour(economy, month), lived.rows.get(start..).unwrap_or_default());
    for ((account, books), state) in holder.accounts.iter().zip(&books).zip(states) {
        *state = books.state;
        for (class, sums) in Class::ALL.into_iter().zip(books.sums).filter(|(_, sums)| sums.rows > 0) {
            lived.totals.push(Total { account: account.ordinal, bank: account.bank, class, sums });
        }
    }
    pending.sort_by_key(|pending| pending.account);
    pending
}
