//! The compact bytes of a row while it waits for its account's turn. They never leave the process in clear.
//!
//! Owns: one row to bytes and back. `txn_id` is the only text, and only of rows with a balance, whose order it may
//! decide. The bytes are ours and short-lived: no version, and reading past their end is a mistake of our own.

use crate::cell::{Fingerprint, Row};
use crate::class::Class;
use crate::flow::Direction;
use crate::period::{Date, Month};

/// Where a row stands in the feed: the file's number in path order, and the data row in it, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// Number of the file.
    pub file: u32,
    /// Data row, from 1.
    pub row: u64,
}

const REVERSAL: u8 = 1 << 1;
const HAS_SEQ: u8 = 1 << 2;
const HAS_BALANCE: u8 = 1 << 3;
const HAS_KEY: u8 = 1 << 4;
const CLASS_SHIFT: u8 = 5;

// Direction takes bit 0 and the class the three bits from `CLASS_SHIFT` on.
const _: () = assert!(Class::ALL.len() <= 8 && CLASS_SHIFT + 3 == 8);

/// Appends a row.
pub fn put(out: &mut Vec<u8>, account: u32, place: Place, row: &Row<'_>) {
    let mut flags = row.direction as u8 | (row.class as u8) << CLASS_SHIFT;
    flags |= if row.reversal { REVERSAL } else { 0 };
    flags |= if row.seq.is_some() { HAS_SEQ } else { 0 };
    flags |= if row.balance_fen.is_some() { HAS_BALANCE } else { 0 };
    flags |= if row.counterparty.is_some() { HAS_KEY } else { 0 };
    out.push(flags);
    out.extend_from_slice(&account.to_le_bytes());
    out.extend_from_slice(&place.file.to_le_bytes());
    out.extend_from_slice(&place.row.to_le_bytes());
    out.extend_from_slice(&row.booked_at_us.to_le_bytes());
    out.extend_from_slice(&row.amount_fen.to_le_bytes());
    out.extend_from_slice(&row.fingerprint.id.to_le_bytes());
    out.extend_from_slice(&row.fingerprint.content.to_le_bytes());
    if let Some(seq) = row.seq {
        out.extend_from_slice(&seq.to_le_bytes());
    }
    if let Some(key) = row.counterparty {
        out.extend_from_slice(&key.to_le_bytes());
    }
    if let Some(balance_fen) = row.balance_fen {
        out.extend_from_slice(&balance_fen.to_le_bytes());
        out.extend_from_slice(&(row.txn_id.len() as u32).to_le_bytes());
        out.extend_from_slice(row.txn_id.as_bytes());
    }
}

/// One row and what the cell does not need of it.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The account's number.
    pub account: u32,
    /// Where the row came from.
    pub place: Place,
    /// The row.
    pub row: Row<'a>,
}

impl Stored<'_> {
    /// What rows are ordered by before they meet cells: the account and the month of booking.
    pub fn key(&self) -> (u32, Month) {
        (self.account, Date::of_time(self.row.booked_at_us).month())
    }
}

/// Reads row after row, each with the length of its bytes; `None` where the bytes are no rows.
pub fn each<'a>(mut bytes: &'a [u8], mut visit: impl FnMut(Stored<'a>, usize)) -> Option<()> {
    while !bytes.is_empty() {
        let (stored, rest) = get(bytes)?;
        visit(stored, bytes.len() - rest.len());
        bytes = rest;
    }
    Some(())
}

/// Reads the row at the head of `bytes`, and what follows it; `None` where the bytes are no row.
pub fn get(bytes: &[u8]) -> Option<(Stored<'_>, &[u8])> {
    let mut input = Input(bytes);
    let [flags] = input.array()?;
    let account = u32::from_le_bytes(input.array()?);
    let place = Place { file: u32::from_le_bytes(input.array()?), row: input.u64()? };
    let booked_at_us = input.i64()?;
    let amount_fen = input.i64()?;
    let fingerprint = Fingerprint { id: input.u64()?, content: input.u64()? };
    let seq = if flags & HAS_SEQ != 0 { Some(input.i64()?) } else { None };
    let counterparty = if flags & HAS_KEY != 0 { Some(u128::from_le_bytes(input.array()?)) } else { None };
    let (balance_fen, txn_id) = if flags & HAS_BALANCE != 0 {
        let balance_fen = input.i64()?;
        let length = u32::from_le_bytes(input.array()?) as usize;
        (Some(balance_fen), std::str::from_utf8(input.take(length)?).ok()?)
    } else {
        (None, "")
    };
    let row = Row {
        booked_at_us,
        seq,
        txn_id,
        direction: if flags & 1 == 0 { Direction::In } else { Direction::Out },
        reversal: flags & REVERSAL != 0,
        amount_fen,
        balance_fen,
        class: Class::from_u8(flags >> CLASS_SHIFT)?,
        counterparty,
        fingerprint,
    };
    Some((Stored { account, place, row }, input.0))
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let full = Row {
            booked_at_us: -5,
            seq: Some(3),
            txn_id: "流水-1",
            direction: Direction::Out,
            reversal: true,
            amount_fen: 123,
            balance_fen: Some(-7),
            class: Class::Other,
            counterparty: Some(u128::MAX - 1),
            fingerprint: Fingerprint { id: 1, content: 2 },
        };
        let bare = Row { seq: None, txn_id: "", balance_fen: None, counterparty: None, ..full };
        let mut bytes = Vec::new();
        put(&mut bytes, 9, Place { file: 2, row: 77 }, &full);
        put(&mut bytes, 10, Place { file: 3, row: 1 }, &bare);
        let (first, rest) = get(&bytes).unwrap();
        let (second, end) = get(rest).unwrap();
        assert!(end.is_empty());
        assert_eq!((first.account, first.place), (9, Place { file: 2, row: 77 }));
        assert_eq!(format!("{:?}", first.row), format!("{full:?}"));
        assert_eq!(format!("{:?}", second.row), format!("{bare:?}"));
        for cut in 0..bytes.len() - rest.len() {
            assert!(get(&bytes[..cut]).is_none(), "{cut}");
        }
    }
}
