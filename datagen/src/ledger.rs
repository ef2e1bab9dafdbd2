//! An account's books: balances that chain, money that must be there before it leaves, bookings taken back.
//! Owns all that an account carries from month to month.
//!
//! **Invariant:** a balance is never negative: what may wait is made smaller or left out, and before what may not wait
//! the owner or a friend puts money in.

use crate::account::{Account, Balances};
use crate::calendar::Month;
use crate::counterparty::{Party, Shown};
use crate::movement::{Direction, Movement};
use crate::plan::Event;
use crate::provider::Clock;
use crate::random::Rng;
use crate::transaction::{Reversal, SECONDS_A_DAY, Transaction};

/// A booking that will be found wrong.
#[derive(Clone, Copy, Debug)]
struct Correction {
    /// When, in seconds since 1970-01-01.
    at: i64,
    wrong: Transaction,
}

/// The state of one account.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) balance_fen: i64,
    /// Principal owed to the bank.
    pub(crate) loan_fen: i64,
    /// Put into a wealth product or a fixed deposit.
    pub(crate) saved_fen: i64,
    corrections: Vec<Correction>,
    /// Rows booked this month.
    number: u32,
    /// The time of the last of them.
    booked: i64,
}

/// What booking a month needs to know besides the ledger.
pub(crate) struct Books<'a> {
    pub(crate) index: u32,
    pub(crate) account: &'a Account,
    pub(crate) month: &'a Month,
    pub(crate) rng: &'a mut Rng,
    pub(crate) rows: &'a mut Vec<Transaction>,
}

impl Ledger {
    /// The books of an account at the start of the feed, or at its opening.
    pub(crate) fn new(account: &Account, first: i32, rng: &mut Rng) -> Ledger {
        let balance_fen =
            if account.opened >= first { 0 } else { account.turnover_fen * i64::from(700 + rng.wide()) / 1_000 };
        Ledger { balance_fen, ..Ledger::default() }
    }

    /// Books a month's events, which come in order of time.
    pub(crate) fn book(&mut self, events: &[Event], last: i32, mut books: Books<'_>) {
        self.number = 0;
        self.booked = i64::from(books.month.first) * SECONDS_A_DAY - 1;
        for event in events {
            self.correct(event.at, &mut books);
            self.settle(event, &mut books);
        }
        if books.account.closed_on == Some(last) {
            self.corrections.clear();
        }
        self.correct(i64::from(last + 1) * SECONDS_A_DAY - 1_800, &mut books);
    }

    fn settle(&mut self, event: &Event, books: &mut Books<'_>) {
        let amount = match (event.movement.spec().direction, event.movement) {
            (Direction::In, _) => event.amount_fen,
            (_, Movement::Closing) => self.balance_fen,
            (_, movement) => match patience(movement) {
                Patience::None => {
                    self.top_up(event, books);
                    event.amount_fen
                }
                Patience::AllOrNothing if event.amount_fen > self.balance_fen => 0,
                Patience::AllOrNothing => event.amount_fen,
                Patience::Elastic => self.affordable(event, books),
            },
        };
        if amount <= 0 {
            return;
        }
        let Some(row) = self.push(event.at, event.movement, event.party, amount, None, books) else {
            return;
        };
        match event.movement {
            Movement::LoanDisbursed => self.loan_fen += amount,
            Movement::LoanRepaid => self.loan_fen -= amount,
            Movement::WealthBought | Movement::DepositPlaced => self.saved_fen += amount,
            Movement::WealthRedeemed | Movement::DepositMatured => self.saved_fen = 0,
            Movement::Supplier | Movement::Person if books.rng.chance(80) => {
                let fee = [200, 500, 500, 1_000, 1_500][books.rng.below(5) as usize];
                let party = Party::Internal(books.rng.below(3) as u8);
                if self.balance_fen >= fee {
                    self.push(event.at + 1, Movement::TransferFee, party, fee, None, books);
                }
            }
            _ => {}
        }
        // About one row in five hundred is taken back: some rows never are.
        if event.movement.spec().reversible && books.rng.chance_ppm(2_600) {
            let after = match books.rng.below(10) {
                0..5 => books.rng.between(60, 7_200),
                5..9 => books.rng.between(40_000, 400_000),
                _ => books.rng.between(1_500_000, 3_000_000),
            };
            self.corrections.push(Correction { at: event.at + i64::from(after), wrong: row });
        }
    }

    /// What is paid now of what may wait: more when money abounds, less when it is short.
    fn affordable(&self, event: &Event, books: &mut Books<'_>) -> i64 {
        let comfortable = (books.account.turnover_fen * 3 / 2).max(1);
        let level = (self.balance_fen.saturating_mul(1_000) / comfortable).clamp(300, 2_500);
        // Round sums stay round.
        let unit = [10_000, 100, 1].into_iter().find(|unit| event.amount_fen % unit == 0).unwrap_or(1);
        let wanted = event.amount_fen.saturating_mul(level) / 1_000 / unit * unit;
        if wanted <= self.balance_fen {
            return wanted;
        }
        let part = self.balance_fen * i64::from(books.rng.between(200, 600)) / 1_000 / unit * unit;
        if part < 100 { 0 } else { part }
    }

    /// Brings in what `event` lacks.
    fn top_up(&mut self, event: &Event, books: &mut Books<'_>) {
        let short = event.amount_fen - self.balance_fen;
        if short <= 0 {
            return;
        }
        let cushion = books.account.turnover_fen / 20;
        let amount = (short + cushion) / 100_000 * 100_000 + 100_000;
        let at = event.at - 60;
        if books.rng.chance(500) {
            self.push(at, Movement::OwnIn, Party::Own(Shown::NameAndAccount, false), amount, None, books);
        } else {
            let friend = (books.account.key >> 20) as u32 % 5_000;
            self.push(at, Movement::TopUp, Party::Person(friend, Shown::NameAndAccount), amount, None, books);
        }
    }

    /// Books the corrections that are due by `until`.
    fn correct(&mut self, until: i64, books: &mut Books<'_>) {
        while let Some(place) = self.corrections.iter().position(|correction| correction.at <= until) {
            let Correction { at, wrong } = self.corrections.swap_remove(place);
            let reversal = match books.rng.below(10) {
                0..5 => Reversal::Linked(wrong.booking()),
                5..8 => Reversal::RedLinked(wrong.booking()),
                _ => Reversal::Red,
            };
            if !wrong.is_in() || self.balance_fen >= wrong.amount_fen {
                self.push(at, wrong.movement, wrong.party, wrong.amount_fen, Some(reversal), books);
            }
        }
    }

    /// Appends a row; none where the month has run out of distinct times.
    fn push(
        &mut self,
        at: i64,
        movement: Movement,
        party: Party,
        amount_fen: i64,
        reversal: Option<Reversal>,
        books: &mut Books<'_>,
    ) -> Option<Transaction> {
        let booked = match books.account.clock() {
            Clock::Seconds => at.max(self.booked + 1),
            Clock::Minutes => (at - at.rem_euclid(60)).max(self.booked),
            Clock::Days => (at - at.rem_euclid(SECONDS_A_DAY)).max(self.booked),
        };
        let booked = if self.number == 0 { booked.max(self.booked + 1) } else { booked };
        if booked >= i64::from(books.month.last + 1) * SECONDS_A_DAY {
            return None;
        }
        let comes_in = (movement.spec().direction == Direction::In) != reversal.is_some();
        self.balance_fen += if comes_in { amount_fen } else { -amount_fen };
        debug_assert!(self.balance_fen >= 0);
        self.number += 1;
        self.booked = booked;
        let balance_shown = match books.account.balances {
            Balances::Always => true,
            Balances::Gaps => !books.rng.chance(60),
            Balances::Never => false,
        };
        let row = Transaction {
            account: books.index,
            booked,
            number: self.number,
            amount_fen,
            balance_fen: self.balance_fen,
            balance_shown,
            movement,
            party,
            wording: (books.rng.next() >> 32) as u32,
            reversal,
        };
        books.rows.push(row);
        Some(row)
    }
}

/// What becomes of a payment when money is short.
enum Patience {
    /// It is paid; the money must be found.
    None,
    /// It is left out.
    AllOrNothing,
    /// It is made smaller, and larger where money abounds.
    Elastic,
}

fn patience(movement: Movement) -> Patience {
    match movement {
        Movement::Payroll
        | Movement::Tax
        | Movement::SocialInsurance
        | Movement::HousingFund
        | Movement::LoanInterest
        | Movement::LoanRepaid
        | Movement::Rent => Patience::None,
        Movement::Supplier
        | Movement::Person
        | Movement::PlatformPayment
        | Movement::CashWithdrawal
        | Movement::OwnOut => Patience::Elastic,
        _ => Patience::AllOrNothing,
    }
}
