//! The codec of staged rows: compact bytes of a row while it is in the buffer. They never leave the process unencrypted.
//!
//! Owns: one row to bytes and back. Every value of fixed size has a fixed offset, whether the row has the value or not:
//! nearly all rows have nearly all values, so rows are encoded and decoded without branches. `seq` and `txn_id` follow
//! where the row has them; `txn_id` is the only text, and only of rows with a balance, whose order it may decide. The bytes
//! exist only within one process: they have no version, and bytes that are not a row are an internal error.
//!
//! ```text
//! 0       4        8      16              24      32  48       56   72       80
//! length  account  place  time and flags  amount  id  content  key  balance  [seq] [txn_id]
//! ```

use crate::cell::{Fingerprint, Row, flow_of};
use crate::class::Class;
use crate::flow::{Direction, Flow};
use crate::period::Date;

/// A row's place in the feed: the file's number in path order, and the data row in it, from 1.
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

/// Bytes of the fixed values of a row, and of its head, the first of them, which dedup needs.
const FIXED_BYTES: usize = 80;
const HEAD_BYTES: usize = 56;

/// Bits of the place for the data row; the file's number takes the rest.
const ROW_BITS: u32 = 40;

/// Bits below the booking time that the flags take.
const FLAG_BITS: u32 = u8::BITS;

/// The head of a row: the values that dedup needs.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Bytes of the whole row, its head included.
    pub length: usize,
    flags: u8,
    /// The account's number.
    pub account: u32,
    /// The row's place in the feed.
    pub place: Place,
    /// Booking time, civil Shanghai microseconds.
    pub booked_at_us: i64,
    amount_fen: i64,
    /// Fingerprint, unique among the account's other rows of the month.
    pub fingerprint: Fingerprint,
}

impl Head {
    /// The date of booking.
    pub fn date(&self) -> Date {
        Date::of_time(self.booked_at_us)
    }

    /// Direction, as the row has it.
    pub fn direction(&self) -> Direction {
        if self.flags & 1 == 0 { Direction::In } else { Direction::Out }
    }

    /// The row's flow in its direction.
    pub fn flow(&self) -> Flow {
        flow_of(self.flags & REVERSAL != 0, self.amount_fen)
    }
}

/// Bytes that [`put`] appends for this row.
#[inline]
pub fn length(row: &Row<'_>) -> usize {
    FIXED_BYTES + if row.seq.is_some() { 8 } else { 0 } + if row.balance_fen.is_some() { row.txn_id.len() } else { 0 }
}

/// Most rows that this many bytes can hold.
pub fn rows_at_most(bytes: usize) -> usize {
    bytes / FIXED_BYTES
}

/// Appends a row. Returns `false` and appends nothing for a row beyond the limits: 4 GiB or more, 2^24 files, 2^40 rows of
/// a file, or a booking time more than 2^55 microseconds from 1970, which no checked row has.
#[must_use]
#[inline(always)]
pub fn put(out: &mut Vec<u8>, account: u32, place: Place, row: &Row<'_>) -> bool {
    let Ok(length) = u32::try_from(length(row)) else { return false };
    let has_room = place.row >> ROW_BITS == 0 && u64::from(place.file) >> (u64::BITS - ROW_BITS) == 0;
    let timed = row.booked_at_us << FLAG_BITS;
    if !has_room || timed >> FLAG_BITS != row.booked_at_us {
        return false;
    }
    let mut flags = row.direction as u8 | (row.class as u8) << CLASS_SHIFT;
    flags |= if row.reversal { REVERSAL } else { 0 };
    flags |= if row.seq.is_some() { HAS_SEQ } else { 0 };
    flags |= if row.balance_fen.is_some() { HAS_BALANCE } else { 0 };
    flags |= if row.counterparty.is_some() { HAS_KEY } else { 0 };
    let mut fixed = [0; FIXED_BYTES];
    fixed[0..4].copy_from_slice(&length.to_le_bytes());
    fixed[4..8].copy_from_slice(&account.to_le_bytes());
    fixed[8..16].copy_from_slice(&(u64::from(place.file) << ROW_BITS | place.row).to_le_bytes());
    fixed[16..24].copy_from_slice(&(timed | i64::from(flags)).to_le_bytes());
    fixed[24..32].copy_from_slice(&row.amount_fen.to_le_bytes());
    fixed[32..48].copy_from_slice(&row.fingerprint.id.to_le_bytes());
    fixed[48..56].copy_from_slice(&row.fingerprint.content.to_le_bytes());
    fixed[56..72].copy_from_slice(&row.counterparty.unwrap_or_default().to_le_bytes());
    fixed[72..80].copy_from_slice(&row.balance_fen.unwrap_or_default().to_le_bytes());
    out.extend_from_slice(&fixed);
    if let Some(seq) = row.seq {
        out.extend_from_slice(&seq.to_le_bytes());
    }
    if row.balance_fen.is_some() {
        out.extend_from_slice(row.txn_id);
    }
    true
}

/// Reads the head of the row that `bytes` begin with; `None` where they are not a row.
#[inline]
pub fn head(bytes: &[u8]) -> Option<Head> {
    let (head, _) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    let mut input = Input(head);
    let length = u32::from_le_bytes(input.array()?) as usize;
    let account = u32::from_le_bytes(input.array()?);
    let (place, timed) = (input.u64()?, input.i64()?);
    let place = Place { file: (place >> ROW_BITS) as u32, row: place & ((1 << ROW_BITS) - 1) };
    let (booked_at_us, flags) = (timed >> FLAG_BITS, timed as u8);
    let amount_fen = input.i64()?;
    let fingerprint = Fingerprint { id: u128::from_le_bytes(input.array()?), content: input.u64()? };
    let is_whole = (FIXED_BYTES..=bytes.len()).contains(&length);
    is_whole.then_some(Head { length, flags, account, place, booked_at_us, amount_fen, fingerprint })
}

/// Reads the head of row after row, each with the bytes of its row; `None` where the bytes are not rows.
#[inline]
pub fn each_head<'a>(mut bytes: &'a [u8], mut visit: impl FnMut(&Head, &'a [u8])) -> Option<()> {
    while !bytes.is_empty() {
        let head = head(bytes)?;
        let (row, rest) = bytes.split_at_checked(head.length)?;
        visit(&head, row);
        bytes = rest;
    }
    Some(())
}

/// Reads row after row; `None` where the bytes are not rows.
#[inline]
pub fn each<'a>(mut bytes: &'a [u8], mut visit: impl FnMut(&Row<'a>)) -> Option<()> {
    while !bytes.is_empty() {
        let (row, rest) = get(bytes)?;
        visit(&row);
        bytes = rest;
    }
    Some(())
}

/// Reads the row that `bytes` begin with, and what follows it; `None` where they are not a row.
#[inline]
pub fn get(bytes: &[u8]) -> Option<(Row<'_>, &[u8])> {
    let head = head(bytes)?;
    let (row, rest) = bytes.split_at_checked(head.length)?;
    let mut input = Input(row.get(HEAD_BYTES..)?);
    let (key, balance_fen) = (u128::from_le_bytes(input.array()?), input.i64()?);
    let counterparty = (head.flags & HAS_KEY != 0).then_some(key);
    let balance_fen = (head.flags & HAS_BALANCE != 0).then_some(balance_fen);
    let seq = if head.flags & HAS_SEQ != 0 { Some(input.i64()?) } else { None };
    if balance_fen.is_none() && !input.0.is_empty() {
        return None;
    }
    let row = Row {
        booked_at_us: head.booked_at_us,
        seq,
        txn_id: input.0,
        direction: head.direction(),
        reversal: head.flags & REVERSAL != 0,
        amount_fen: head.amount_fen,
        balance_fen,
        class: Class::from_u8(head.flags >> CLASS_SHIFT)?,
        counterparty,
        fingerprint: head.fingerprint,
    };
    Some((row, rest))
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    #[inline]
    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    #[inline]
    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn full() -> Row<'static> {
        Row {
            booked_at_us: -5,
            seq: Some(3),
            txn_id: "流水-1".as_bytes(),
            direction: Direction::Out,
            reversal: true,
            amount_fen: 123,
            balance_fen: Some(-7),
            class: Class::Other,
            counterparty: Some(u128::MAX - 1),
            fingerprint: Fingerprint { id: 1, content: 2 },
        }
    }

    #[test]
    fn rows_come_back() {
        let full = full();
        let bare = Row { seq: None, txn_id: b"", balance_fen: None, counterparty: None, ..full };
        let mut bytes = Vec::new();
        assert!(put(&mut bytes, 9, Place { file: 2, row: 77 }, &full));
        assert!(put(&mut bytes, 10, Place { file: 3, row: 1 }, &bare));
        let (first, rest) = get(&bytes).unwrap();
        let (second, end) = get(rest).unwrap();
        assert!(end.is_empty());
        assert_eq!(format!("{first:?}"), format!("{full:?}"));
        assert_eq!(format!("{second:?}"), format!("{bare:?}"));
        let mut heads = Vec::new();
        each_head(&bytes, |head, row| heads.push((head.account, head.place, head.flow(), row.len()))).unwrap();
        let expected = [(9, Place { file: 2, row: 77 }, &full), (10, Place { file: 3, row: 1 }, &bare)];
        assert_eq!(heads, expected.map(|(account, place, row)| (account, place, row.flow(), length(row))));
        for cut in 0..bytes.len() - rest.len() {
            assert!(get(&bytes[..cut]).is_none(), "{cut}");
        }
    }

    #[test]
    fn rows_beyond_the_limits_are_refused() {
        let (place, row) = (Place { file: (1 << 24) - 1, row: (1 << 40) - 1 }, full());
        let far = 1_i64 << 55;
        let cases = [
            (place, far - 1, true),
            (place, -far, true),
            (place, far, false),
            (place, -far - 1, false),
            (Place { file: 1 << 24, ..place }, 0, false),
            (Place { row: 1 << 40, ..place }, 0, false),
        ];
        for (place, booked_at_us, fits) in cases {
            let mut bytes = Vec::new();
            assert_eq!(put(&mut bytes, 9, place, &Row { booked_at_us, ..row }), fits, "{place:?} {booked_at_us}");
            let back = head(&bytes).map(|head| (head.place, head.booked_at_us, head.flow()));
            assert_eq!(back, fits.then_some((place, booked_at_us, row.flow())));
        }
    }

    #[test]
    fn the_text_of_a_row_without_balance_is_not_encoded() {
        let mut bytes = Vec::new();
        assert!(put(&mut bytes, 9, Place { file: 2, row: 77 }, &Row { balance_fen: None, ..full() }));
        assert_eq!(get(&bytes).unwrap().0.txn_id, b"");
        assert!(!bytes.windows(3).any(|window| window == "流".as_bytes()));
    }

    proptest! {
        #![proptest_config(crate::testing::property(512))]

        /// Any sequence of rows is decoded unchanged; damaged bytes are refused or decode to other rows, never a panic.
        #[test]
        fn any_rows_come_back(
            drawn in proptest::collection::vec(
                (any::<(i64, i64, bool, bool, u32, u32, u64)>(), any::<(Option<i64>, Option<i64>, Option<u128>)>(),
                 any::<(u128, u64)>(), 0..Class::ALL.len() as u8, ".{0,40}"),
                0..8,
            ),
            at in any::<prop::sample::Index>(),
            flip in any::<u8>(),
        ) {
            let mut bytes = Vec::new();
            let (mut expected, mut ends) = (Vec::new(), Vec::new());
            for ((booked_at_us, amount, out, reversal, account, file, place), (seq, balance, key), prints, class, id) in &drawn
            {
                let row = Row {
                    booked_at_us: *booked_at_us >> FLAG_BITS,
                    seq: *seq,
                    txn_id: if balance.is_some() { id.as_bytes() } else { b"" },
                    direction: if *out { Direction::Out } else { Direction::In },
                    reversal: *reversal,
                    amount_fen: *amount,
                    balance_fen: *balance,
                    class: Class::from_u8(*class).unwrap(),
                    counterparty: *key,
                    fingerprint: Fingerprint { id: prints.0, content: prints.1 },
                };
                let place = Place { file: *file >> 8, row: *place >> 24 };
                let before = bytes.len();
                prop_assert!(put(&mut bytes, *account, place, &row));
                prop_assert_eq!(bytes.len() - before, length(&row));
                let head = head(&bytes[before..]).unwrap();
                prop_assert_eq!((head.account, head.place, head.flow()), (*account, place, row.flow()));
                expected.push(format!("{row:?}"));
                ends.push(bytes.len());
            }
            let mut read = Vec::new();
            each(&bytes, |row| read.push(format!("{row:?}"))).unwrap();
            prop_assert_eq!(read, expected);
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                prop_assert_eq!(each(&bytes[..at], |_| {}).is_some(), at == 0 || ends.contains(&at));
                bytes[at] ^= flip;
                let _ = each(&bytes, |_| {});
                let _ = each_head(&bytes, |_, _| {});
            }
        }
    }
}
