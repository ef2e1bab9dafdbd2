//! A booked transaction in its compact form: numbers only, text follows from them when it is written.

use crate::class::Class;
use crate::counterparty::Party;
use crate::movement::{Direction, Movement};

pub(crate) const SECONDS_A_DAY: i64 = 86_400;

/// Names a booking within its account: the day and a running number of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Booking {
    pub(crate) day: i32,
    pub(crate) number: u32,
}

/// How a row takes another back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reversal {
    /// A positive amount and the other's id.
    Linked(Booking),
    /// A negative amount and the other's id.
    RedLinked(Booking),
    /// A negative amount alone.
    Red,
}

/// One row of the feed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transaction {
    /// Index into the economy's accounts.
    pub(crate) account: u32,
    /// Seconds since 1970-01-01, civil time.
    pub(crate) booked: i64,
    /// Its place among the account's rows of the month, from 1.
    pub(crate) number: u32,
    /// Not negative, whatever sign the feed shows.
    pub(crate) amount_fen: i64,
    pub(crate) balance_fen: i64,
    pub(crate) balance_shown: bool,
    pub(crate) movement: Movement,
    pub(crate) party: Party,
    /// Draws the wording: channel, summary, remark, digits.
    pub(crate) wording: u32,
    pub(crate) reversal: Option<Reversal>,
}

impl Transaction {
    pub(crate) fn day(&self) -> i32 {
        self.booked.div_euclid(SECONDS_A_DAY) as i32
    }

    pub(crate) fn booking(&self) -> Booking {
        Booking { day: self.day(), number: self.number }
    }

    pub(crate) fn class(&self) -> Class {
        self.movement.spec().class
    }

    /// The intended sub-class; ordinary trade with nobody named is unidentified.
    pub(crate) fn subclass(&self) -> Option<&'static str> {
        match (self.class(), self.party) {
            (Class::Other, Party::Unknown) => Some("unidentified"),
            _ => self.movement.spec().subclass,
        }
    }

    pub(crate) fn is_in(&self) -> bool {
        self.movement.spec().direction == Direction::In
    }

    /// What the amount column shows.
    pub(crate) fn shown_fen(&self) -> i64 {
        match self.reversal {
            Some(Reversal::RedLinked(_) | Reversal::Red) => -self.amount_fen,
            Some(Reversal::Linked(_)) | None => self.amount_fen,
        }
    }

    /// The sign with which the row counts in its direction.
    pub(crate) fn sign(&self) -> i64 {
        if self.reversal.is_some() { -1 } else { 1 }
    }
}
