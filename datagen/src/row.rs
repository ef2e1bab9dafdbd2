//! A booked transaction in compact form: only numbers, from which the text is rendered when the row is written.
//!
//! Owns the bytes of a row in a spill file.

use crate::calendar::SECONDS_A_DAY;
use crate::class::Label;
use crate::delivery::Delivery;
use crate::movement::{Direction, Movement};
use crate::party::{Party, Role, Shown};

/// Identifies a booking within its account: the day and a running number of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Booking {
    pub(crate) day: i32,
    pub(crate) number: u32,
}

/// How a row reverses another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReversalStyle {
    /// The row is not a reversal.
    None,
    /// A positive amount and the identifier of the other row.
    Linked,
    /// A negative amount and the identifier of the other row.
    RedLinked,
    /// Only a negative amount.
    Red,
}

/// One row of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Not negative, whatever sign the feed shows.
    pub(crate) amount_fen: i64,
    pub(crate) balance_fen: i64,
    /// Days since 1970-01-01 and seconds of the day, in civil time.
    pub(crate) day: i32,
    pub(crate) second: u32,
    pub(crate) account: u32,
    /// The place among the account's rows of the month, from 1.
    pub(crate) number: u32,
    /// Draws the wording: channel, summary, remark, digits. For a reversal: the booking that it reverses.
    pub(crate) wording: u32,
    pub(crate) party: Party,
    pub(crate) movement: Movement,
    pub(crate) label: Label,
    pub(crate) reversal: ReversalStyle,
    pub(crate) bank: u8,
    pub(crate) balance_shown: bool,
    pub(crate) currency_shown: bool,
    pub(crate) kind_shown: bool,
    /// Days between the value date and the booking.
    pub(crate) days_late: u8,
    /// Set on delivery, not on booking.
    pub(crate) delivery: Delivery,
}

/// Bits of `wording` with the number of the reversed row. The other bits hold the days since its booking.
const NUMBER_BITS: u32 = 22;
/// Maximum number of rows of an account and month.
pub(crate) const NUMBER_MAX: u32 = (1 << NUMBER_BITS) - 1;
/// Maximum number of days between a row and its reversal.
pub(crate) const DAYS_BACK_MAX: i32 = (1 << (32 - NUMBER_BITS)) - 1;

impl Row {
    /// Bytes of a row in a spill file.
    pub(crate) const BYTES: usize = 52;

    pub(crate) fn booking(&self) -> Booking {
        Booking { day: self.day, number: self.number }
    }

    /// The reversed booking, if the row names it.
    pub(crate) fn reverses(&self) -> Option<Booking> {
        let named = matches!(self.reversal, ReversalStyle::Linked | ReversalStyle::RedLinked);
        named.then(|| Booking {
            day: self.day - (self.wording >> NUMBER_BITS) as i32,
            number: self.wording & NUMBER_MAX,
        })
    }

    /// The wording of a row that reverses `wrong` on `day`. None if `wrong` is too many days ago.
    pub(crate) fn wording_of_reversal(wrong: Booking, day: i32) -> Option<u32> {
        let back = day - wrong.day;
        (0..=DAYS_BACK_MAX).contains(&back).then_some((back as u32) << NUMBER_BITS | wrong.number & NUMBER_MAX)
    }

    pub(crate) fn is_in(&self) -> bool {
        self.movement.spec().direction == Direction::In
    }

    pub(crate) fn is_reversal(&self) -> bool {
        self.reversal != ReversalStyle::None
    }

    /// The value of the amount column.
    pub(crate) fn shown_fen(&self) -> i64 {
        match self.reversal {
            ReversalStyle::RedLinked | ReversalStyle::Red => -self.amount_fen,
            ReversalStyle::Linked | ReversalStyle::None => self.amount_fen,
        }
    }

    /// The sign of the row's contribution to its direction.
    pub(crate) fn sign(&self) -> i64 {
        if self.is_reversal() { -1 } else { 1 }
    }

    /// Seconds since 1970-01-01.
    pub(crate) fn booked(&self) -> i64 {
        i64::from(self.day) * i64::from(SECONDS_A_DAY) + i64::from(self.second)
    }

    pub(crate) fn push_bytes(&self, out: &mut Vec<u8>) {
        let flags = u8::from(self.balance_shown) | u8::from(self.currency_shown) << 1 | u8::from(self.kind_shown) << 2;
        out.extend_from_slice(&self.amount_fen.to_le_bytes());
        out.extend_from_slice(&self.balance_fen.to_le_bytes());
        for word in [self.day as u32, self.second, self.account, self.number, self.wording, self.party.id] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&self.party.place.to_le_bytes());
        let bytes = [self.party.role as u8, self.party.shown as u8, self.movement as u8, self.label as u8];
        out.extend_from_slice(&bytes);
        out.extend_from_slice(&[self.reversal as u8, self.bank, flags, self.days_late, 0, 0]);
    }

    /// Reads a row from its bytes. `push_bytes` writes only valid bytes; an invalid one is read as the first variant.
    pub(crate) fn from_bytes(bytes: &[u8; Row::BYTES]) -> Row {
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let long = |at: usize| i64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let flag = |bit: u8| bytes[48] >> bit & 1 == 1;
        Row {
            amount_fen: long(0),
            balance_fen: long(8),
            day: word(16) as i32,
            second: word(20),
            account: word(24),
            number: word(28),
            wording: word(32),
            party: Party {
                id: word(36),
                place: u16::from_le_bytes([bytes[40], bytes[41]]),
                role: nth(&Role::ALL, bytes[42]),
                shown: nth(&Shown::ALL, bytes[43]),
            },
            movement: nth(&Movement::ALL, bytes[44]),
            label: nth(&Label::ALL, bytes[45]),
            reversal: nth(
                &[ReversalStyle::None, ReversalStyle::Linked, ReversalStyle::RedLinked, ReversalStyle::Red],
                bytes[46],
            ),
            bank: bytes[47],
            balance_shown: flag(0),
            currency_shown: flag(1),
            kind_shown: flag(2),
            days_late: bytes[49],
            delivery: Delivery::First,
        }
    }
}

fn nth<T: Copy>(items: &[T], index: u8) -> T {
    items.get(usize::from(index)).copied().unwrap_or(items[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_their_bytes() {
        for (index, movement) in Movement::ALL.into_iter().enumerate() {
            let row = Row {
                amount_fen: 123_456_789_012 + index as i64,
                balance_fen: -5,
                day: 20_000,
                second: 86_399,
                account: 4_000_000_000,
                number: 77,
                wording: 0xDEAD_BEEF,
                party: Party {
                    id: index as u32,
                    place: 700,
                    role: Role::ALL[index % Role::ALL.len()],
                    shown: Shown::ALL[index % Shown::ALL.len()],
                },
                movement,
                label: Label::ALL[index % Label::ALL.len()],
                reversal: [ReversalStyle::None, ReversalStyle::Linked, ReversalStyle::RedLinked, ReversalStyle::Red]
                    [index % 4],
                bank: 3,
                balance_shown: index % 2 == 0,
                currency_shown: index % 3 == 0,
                kind_shown: index % 5 == 0,
                days_late: 4,
                delivery: Delivery::First,
            };
            let mut bytes = Vec::new();
            row.push_bytes(&mut bytes);
            assert_eq!(Row::from_bytes(&bytes.try_into().unwrap()), row);
        }
    }

    #[test]
    fn a_reversal_names_the_reversed_row() {
        let wrong = Booking { day: 19_990, number: 123_456 };
        let wording = Row::wording_of_reversal(wrong, 20_030).unwrap();
        assert_eq!(((wording >> NUMBER_BITS) as i32, wording & NUMBER_MAX), (40, 123_456));
        assert!(Row::wording_of_reversal(wrong, 19_989).is_none());
        assert!(Row::wording_of_reversal(wrong, 22_000).is_none());
    }
}
