//! The books of the accounts of a holder in one month: balances that chain, payments that need cover, transfers that
//! both sides book, and reversals.
//!
//! Owns everything that an account carries from month to month.
//!
//! **Invariant:** a balance is never below zero by more than the overdraft of the account. A payment that may wait is
//! reduced or left out. Before a payment that may not wait, the owner or a friend puts money in.

use crate::calendar::{Month, SECONDS_A_DAY};
use crate::class::{Class, Label};
use crate::delivery::Delivery;
use crate::economy::Economy;
use crate::holder::{Account, Balances, Holder};
use crate::movement::{BankAccount, Direction, Movement, Shortfall, Spec};
use crate::party::{Party, Role, Shown};
use crate::plan::{Event, bank_party, own_party};
use crate::provider::TimeResolution;
use crate::random::Rng;
use crate::row::{NUMBER_MAX, ReversalStyle, Row};

/// An account above this balance receives nothing more, so that balances fit the eighteen digits of the feed.
const BALANCE_MAX_FEN: i64 = 100_000_000_000_000_000;

/// The state that an account carries from one month to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) balance_fen: i64,
    /// Held in a wealth product or a fixed deposit.
    pub(crate) saved_fen: i64,
}

/// A booking on a later day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) account: u32,
    /// Seconds since 1970-01-01.
    at: i64,
    kind: PendingKind,
}

#[derive(Clone, Copy, Debug)]
enum PendingKind {
    /// The row is wrong and is reversed.
    Correction(Row),
    /// A movement that is booked the given number of days late.
    Late(Event, u8),
}

/// Sums of one account, month and class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) rows: u64,
    pub(crate) in_count: i64,
    pub(crate) in_fen: i128,
    pub(crate) out_count: i64,
    pub(crate) out_fen: i128,
}

/// The books of one account in a month.
pub(crate) struct Books {
    pub(crate) state: State,
    /// By class, in the order of `Class::ALL`.
    pub(crate) sums: [Sums; Class::ALL.len()],
    /// Rows booked this month.
    number: u32,
    /// The time of the last of them, in seconds of the month.
    booked: u32,
    /// The first and last day in the month on which the account is open.
    pub(crate) open: Option<(i32, i32)>,
}

impl Books {
    pub(crate) fn new(state: State, open: Option<(i32, i32)>) -> Books {
        Books { state, sums: Default::default(), number: 0, booked: 0, open }
    }
}

/// The books of one holder in one month.
pub(crate) struct Ledger<'a> {
    pub(crate) economy: &'a Economy,
    pub(crate) month: &'a Month,
    pub(crate) holder: &'a Holder,
    pub(crate) books: &'a mut [Books],
    /// Ordered by time.
    pub(crate) pending: &'a mut Vec<Pending>,
    pub(crate) rng: &'a mut Rng,
    pub(crate) rows: &'a mut Vec<Row>,
}

impl Ledger<'_> {
    /// Books the events of a month, which are ordered by time.
    pub(crate) fn book(&mut self, events: &[Event]) {
        for event in events {
            self.book_pending(event.at);
            self.settle(event, 0);
        }
        self.book_pending(self.month.seconds().saturating_sub(1_800));
    }

    /// Books the pending bookings that are due by `until`, a second of the month.
    fn book_pending(&mut self, until: u32) {
        let limit = self.start() + i64::from(until);
        while self.pending.first().is_some_and(|pending| pending.at <= limit) {
            let pending = self.pending.remove(0);
            let at = (pending.at - self.start()).clamp(0, i64::from(u32::MAX)) as u32;
            let nth = pending.account.wrapping_sub(self.holder.accounts[0].ordinal) as u8;
            match pending.kind {
                PendingKind::Correction(wrong) => self.book_reversal(at, nth, &wrong),
                PendingKind::Late(event, days) => self.settle(&Event { at, ..event }, days),
            }
        }
    }

    /// The beginning of the month in seconds since 1970-01-01.
    fn start(&self) -> i64 {
        i64::from(self.month.first) * i64::from(SECONDS_A_DAY)
    }

    fn postpone(&mut self, account: u32, at: i64, kind: PendingKind) {
        let place = self.pending.partition_point(|pending| pending.at <= at);
        self.pending.insert(place, Pending { account, at, kind });
    }

    fn account(&self, nth: u8) -> &Account {
        // Invariant: events and pending bookings name accounts of this holder.
        &self.holder.accounts[usize::from(nth)]
    }

    /// The amount that can leave the account.
    fn available(&self, nth: u8) -> i64 {
        self.books[usize::from(nth)].state.balance_fen + self.account(nth).overdraft_fen
    }

    fn is_open(&self, nth: u8, at: u32) -> bool {
        let day = self.month.first + (at / SECONDS_A_DAY) as i32;
        self.books[usize::from(nth)].open.is_some_and(|(first, last)| (first..=last).contains(&day))
    }

    // --- one movement

    fn settle(&mut self, event: &Event, days_late: u8) {
        let corrections = &self.economy.profile.corrections;
        let spec = event.movement.spec();
        if !self.is_open(event.nth, event.at) {
            return;
        }
        if days_late == 0 && spec.reversible && self.rng.chance_ppm(corrections.late_ppm) {
            let days = self.rng.between(corrections.late_days[0], corrections.late_days[1]);
            let at = self.start() + i64::from(event.at) + i64::from(days * SECONDS_A_DAY);
            return self.postpone(self.account(event.nth).ordinal, at, PendingKind::Late(*event, days as u8));
        }
        if event.movement == Movement::Closing {
            return self.close(event);
        }
        let amount = self.payable(event);
        if amount <= 0 {
            return;
        }
        if let Some(other) = other_account_in_feed(&event.party) {
            let (from, to) = if spec.direction == Direction::Out { (event.nth, other) } else { (other, event.nth) };
            self.transfer(from, to, event.at, amount);
            return;
        }
        let Some(row) = self.push(event.nth, event.at, event.movement, event.party, amount, days_late) else {
            return;
        };
        self.book_consequences(event, &row, amount);
    }

    /// The part of the event's amount that is paid or received.
    fn payable(&mut self, event: &Event) -> i64 {
        let spec = event.movement.spec();
        let payer = match (spec.direction, other_account_in_feed(&event.party)) {
            (Direction::Out, _) => event.nth,
            (Direction::In, Some(other)) => other,
            (Direction::In, None) if self.available(event.nth) > BALANCE_MAX_FEN => return 0,
            (Direction::In, None) => return event.amount_fen,
        };
        let shortfall = if other_account_in_feed(&event.party).is_some() { Shortfall::Scale } else { spec.shortfall };
        match shortfall {
            Shortfall::TopUp => {
                self.top_up(event);
                // The payment is left out if no money could be put in on that day.
                if self.available(event.nth) >= event.amount_fen { event.amount_fen } else { 0 }
            }
            Shortfall::Skip if event.amount_fen > self.available(payer) => 0,
            Shortfall::Skip => event.amount_fen,
            Shortfall::Scale => self.affordable(event, payer),
        }
    }

    /// The amount of a payment that may wait: larger if the account has plenty of money, smaller if it is short.
    fn affordable(&mut self, event: &Event, payer: u8) -> i64 {
        let available = self.available(payer);
        let comfortable = (self.account(payer).turnover_fen * 3 / 2).max(1);
        let level = (available.saturating_mul(1_000) / comfortable).clamp(300, 2_500);
        // Round amounts stay round.
        let unit = [10_000, 100, 1].into_iter().find(|unit| event.amount_fen % unit == 0).unwrap_or(1);
        let wanted = event.amount_fen.saturating_mul(level) / 1_000 / unit * unit;
        if wanted <= available {
            return wanted;
        }
        let part = available.max(0) * i64::from(self.rng.between(200, 600)) / 1_000 / unit * unit;
        if part < 100 { 0 } else { part }
    }

    /// Puts in the money that `event` lacks: from another account of the holder in the feed, from one outside, or from
    /// a friend.
    fn top_up(&mut self, event: &Event) {
        let short = event.amount_fen - self.available(event.nth);
        if short <= 0 {
            return;
        }
        let cushion = self.account(event.nth).turnover_fen / 20;
        let amount = (short + cushion) / 100_000 * 100_000 + 100_000;
        let day = event.at / SECONDS_A_DAY * SECONDS_A_DAY;
        let at = event.at.saturating_sub(240).max(day);
        let rich = (0..self.books.len() as u8)
            .find(|other| *other != event.nth && self.books[usize::from(*other)].state.balance_fen >= amount);
        if let Some(other) = rich
            && self.transfer(other, event.nth, at, amount)
        {
            return;
        }
        let account = &self.holder.accounts[usize::from(event.nth)];
        if self.rng.chance(500) {
            let party = own_party(self.economy, self.holder, account, None, self.rng);
            self.push(event.nth, at, Movement::OwnIn, party, amount, 0);
        } else {
            let friend = (account.key >> 20) as u32 % self.economy.universe;
            let party = Party::new(Role::Person, Shown::NameAndAccount, friend);
            self.push(event.nth, at, Movement::TopUp, party, amount, 0);
        }
    }

    /// Transfers money between two accounts of the holder in the feed. Both book it on the same day, or neither does.
    fn transfer(&mut self, from: u8, to: u8, at: u32, amount: i64) -> bool {
        let lag = self.rng.between(1, 170);
        let day = at / SECONDS_A_DAY;
        let (Some(out), Some(into)) = (self.time(from, at), self.time(to, at + lag)) else {
            return false;
        };
        let same_day = out / SECONDS_A_DAY == day && into / SECONDS_A_DAY == day;
        if !same_day || !self.is_open(from, at) || !self.is_open(to, at) || self.available(from) < amount {
            return false;
        }
        for (mine, other, at, movement) in [(from, to, at, Movement::OwnOut), (to, from, at + lag, Movement::OwnIn)] {
            let account = &self.holder.accounts[usize::from(mine)];
            let party = own_party(self.economy, self.holder, account, Some(other), self.rng);
            self.push(mine, at, movement, party, amount, 0);
        }
        true
    }

    /// Books the consequences of a booking: money put away, a fee, an error that is found later.
    fn book_consequences(&mut self, event: &Event, row: &Row, amount: i64) {
        let state = &mut self.books[usize::from(event.nth)].state;
        match event.movement {
            Movement::WealthBought | Movement::DepositPlaced => state.saved_fen += amount,
            Movement::WealthRedeemed | Movement::DepositMatured => state.saved_fen = 0,
            Movement::Supplier | Movement::Person if self.rng.chance(80) => {
                let fee = [200, 500, 500, 1_000, 1_500][self.rng.below(5) as usize];
                let party = bank_party(&self.holder.accounts[usize::from(event.nth)], Movement::TransferFee, self.rng);
                if self.available(event.nth) >= fee {
                    self.push(event.nth, event.at + 1, Movement::TransferFee, party, fee, 0);
                }
            }
            _ => {}
        }
        let corrections = &self.economy.profile.corrections;
        if event.movement.spec().reversible && self.rng.chance_ppm(corrections.reversals_ppm) {
            let after = match self.rng.weighted(&corrections.reversed) {
                0 => self.rng.between(60, 7_200),
                1 => self.rng.between(40_000, 400_000),
                _ => self.rng.between(1_500_000, 3_000_000),
            };
            let at = self.start() + i64::from(event.at) + i64::from(after);
            self.postpone(row.account, at, PendingKind::Correction(*row));
        }
    }

    fn book_reversal(&mut self, at: u32, nth: u8, wrong: &Row) {
        let reversal = [ReversalStyle::Linked, ReversalStyle::RedLinked, ReversalStyle::Red]
            [self.rng.weighted(&self.economy.profile.corrections.styles)];
        if !self.is_open(nth, at) || (wrong.is_in() && self.available(nth) < wrong.amount_fen) {
            return;
        }
        let Some(booked) = self.time(nth, at) else { return };
        let day = self.month.first + (booked / SECONDS_A_DAY) as i32;
        let Some(wording) = Row::wording_of_reversal(wrong.booking(), day) else { return };
        self.enter(nth, booked, Row { reversal, wording, days_late: 0, ..*wrong });
    }

    /// Books the last row of an account, which empties it.
    fn close(&mut self, event: &Event) {
        let nth = event.nth;
        let first = self.holder.accounts[0].ordinal;
        self.pending.retain(|pending| pending.account != first + u32::from(nth));
        let balance = self.books[usize::from(nth)].state.balance_fen;
        if balance < 0 {
            let account = &self.holder.accounts[usize::from(nth)];
            let party = own_party(self.economy, self.holder, account, None, self.rng);
            self.push(nth, event.at, Movement::OwnIn, party, -balance, 0);
        }
        if balance <= 0 {
            return;
        }
        if let Some(other) = other_account_in_feed(&event.party)
            && self.transfer(nth, other, event.at, balance)
        {
            return;
        }
        let account = &self.holder.accounts[usize::from(nth)];
        let party = own_party(self.economy, self.holder, account, None, self.rng);
        self.push(nth, event.at, Movement::Closing, party, balance, 0);
    }

    // --- one row

    /// The second at which a booking of second `at` is entered. Banks record times coarsely, and books only go forward.
    /// None if there is no time left in the month.
    fn time(&self, nth: u8, at: u32) -> Option<u32> {
        let books = &self.books[usize::from(nth)];
        let booked = match self.account(nth).time_resolution() {
            TimeResolution::Seconds if books.number > 0 => at.max(books.booked + 1),
            TimeResolution::Seconds => at,
            TimeResolution::Minutes => (at - at % 60).max(books.booked),
            TimeResolution::Days => (at - at % SECONDS_A_DAY).max(books.booked),
        };
        let last = books.open.map_or(0, |(_, last)| (last - self.month.first + 1).max(0).unsigned_abs());
        (booked < last * SECONDS_A_DAY && books.number < NUMBER_MAX).then_some(booked)
    }

    fn push(
        &mut self,
        nth: u8,
        at: u32,
        movement: Movement,
        party: Party,
        amount_fen: i64,
        days_late: u8,
    ) -> Option<Row> {
        let booked = self.time(nth, at)?;
        let spec = movement.spec();
        let hides = spec.kind_may_be_hidden() && name_shows_class(&party, spec);
        let account = &self.holder.accounts[usize::from(nth)];
        let kind_shown = match spec.kind {
            "TRANSFER" => account.kind_shown,
            _ if hides => !self.rng.chance(self.economy.profile.statement.kinds_hidden),
            _ => true,
        };
        let row = Row {
            amount_fen,
            balance_fen: 0,
            day: 0,
            second: 0,
            account: account.ordinal,
            number: 0,
            wording: (self.rng.next() >> 32) as u32,
            party,
            movement,
            label: label(movement, &party, kind_shown),
            reversal: ReversalStyle::None,
            bank: account.bank,
            balance_shown: true,
            currency_shown: account.currency_shown,
            kind_shown,
            days_late,
            delivery: Delivery::First,
        };
        Some(self.enter(nth, booked, row))
    }

    /// Enters a row at a second returned by `time`, and sets its number and balance.
    fn enter(&mut self, nth: u8, booked: u32, row: Row) -> Row {
        let account = &self.holder.accounts[usize::from(nth)];
        let balance_shown = match account.balances {
            Balances::Always => true,
            Balances::Gaps => !self.rng.chance(self.economy.profile.statement.balance_gaps),
            Balances::Never => false,
        };
        let books = &mut self.books[usize::from(nth)];
        let comes_in = row.is_in() != row.is_reversal();
        books.state.balance_fen += if comes_in { row.amount_fen } else { -row.amount_fen };
        debug_assert!(books.state.balance_fen >= -account.overdraft_fen, "{row:?}");
        books.number += 1;
        books.booked = booked;
        let row = Row {
            balance_fen: books.state.balance_fen,
            day: self.month.first + (booked / SECONDS_A_DAY) as i32,
            second: booked % SECONDS_A_DAY,
            number: books.number,
            balance_shown,
            ..row
        };
        let sums = &mut books.sums[row.label.class() as usize];
        let (count, fen) = (row.sign(), i128::from(row.sign() * row.amount_fen));
        sums.rows += 1;
        if row.is_in() {
            sums.in_count += count;
            sums.in_fen += fen;
        } else {
            sums.out_count += count;
            sums.out_fen += fen;
        }
        self.rows.push(row);
        row
    }
}

/// The holder's other account of an own transfer, if it is in the feed.
fn other_account_in_feed(party: &Party) -> Option<u8> {
    if party.role == Role::Own { party.other_account() } else { None }
}

/// The intended label of a movement with `party`. Transactions with public bodies other than taxes follow the body. A
/// payment to the treasury without a kind is the treasury's. Ordinary trade without a counterparty is unidentified.
fn label(movement: Movement, party: &Party, kind_shown: bool) -> Label {
    let label = movement.spec().label;
    match (movement, party.role) {
        (Movement::PublicCustomer | Movement::Fine | Movement::Subsidy, Role::Body) => {
            Label::public(party.which_body().subclass())
        }
        (Movement::Tax, Role::TreasuryAccount) if !kind_shown => Label::Treasury,
        (_, Role::Unknown) if label == Label::Trade => Label::Unidentified,
        _ => label,
    }
}

/// Whether the name of the counterparty shows the class of a row whose kind is hidden.
fn name_shows_class(party: &Party, spec: &Spec) -> bool {
    match party.role {
        Role::BankAccount => spec.bank_account != BankAccount::None,
        Role::Body | Role::TreasuryAccount => true,
        _ => false,
    }
}
