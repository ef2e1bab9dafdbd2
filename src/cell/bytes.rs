//! The stored form of a cell: versioned, compact, canonical. See `docs/cell-format.md` for the layout.
//!
//! Owns: encoding and decoding. A cell's bytes are two values: its *figures*, which products are computed from, and its
//! *rows*, which only further rows or a merge need (fingerprints, and the order of balances). Equal cells have equal
//! bytes, and bytes that decode encode to themselves. Damaged bytes are an error, never a panic or a
//! large allocation.

use super::{BAND_LOWER_FEN, Balance, CLASSES, Cell, CellError, CellRows, Counterparty, Day, Fingerprint, Order};
use crate::class::Class;
use crate::flow::{Flow, Flows};
use crate::period::{DAY_US, Date};

/// The version that this program writes, the first byte of every cell.
pub const VERSION: u8 = 3;

/// Pairs of flows that every cell holds: funds, classes, bands.
const FLOWS: usize = 1 + CLASSES + BAND_LOWER_FEN.len();

// One bit per flow marks those that are written.
const _: () = assert!(2 * FLOWS <= 32);

/// Bytes of the largest cells that are reserved at once before they are written or read.
const RESERVED_MAX: usize = 1 << 16;

/// Bytes of a row's fingerprint.
const FINGERPRINT_BYTES: usize = 24;

impl Cell {
    /// Appends the figures' canonical bytes. The cell must be settled or sealed.
    pub fn encode_figures(&self, out: &mut Vec<u8>) {
        out.reserve((self.days.len() * 16 + self.counterparties.len() * 24 + 256).min(RESERVED_MAX));
        out.push(VERSION);
        out.extend_from_slice(&self.key_id.to_le_bytes());
        let flows = || [&self.funds].into_iter().chain(&self.classes).chain(&self.bands).flatten();
        let set = (0..).zip(flows()).fold(0_u32, |set, (bit, flow)| set | u32::from(!flow.is_zero()) << bit);
        out.extend_from_slice(&set.to_le_bytes());
        flows().filter(|flow| !flow.is_zero()).for_each(|flow| put_flow(out, flow));
        put_signed(out, self.unidentified_fen);
        put_unsigned(out, self.days.len() as u128);
        let mut before = None;
        for day in &self.days {
            match before {
                None => put_signed(out, i128::from(day.date.0)),
                Some(Date(before)) => put_unsigned(out, (day.date.0 - before) as u128),
            }
            put_day(out, day);
            before = Some(day.date);
        }
        out.push(u8::from(self.opening.is_some()));
        self.opening.iter().for_each(|opening| put_signed(out, i128::from(opening.fen)));
        put_unsigned(out, self.counterparties.len() as u128);
        for counterparty in &self.counterparties {
            let set = |way: usize| u8::from(!counterparty.flows[way].is_zero());
            out.push(counterparty.class as u8 | set(0) << 3 | set(1) << 4);
            out.extend_from_slice(&counterparty.key.to_le_bytes());
            counterparty.flows.iter().filter(|flow| !flow.is_zero()).for_each(|flow| put_flow(out, flow));
        }
        put_unsigned(out, u128::from(self.rows()));
    }

    /// Appends the rows' canonical bytes; of a sealed cell none. The cell must be settled or sealed.
    pub fn encode_rows(&self, out: &mut Vec<u8>) {
        let CellRows::Known(fingerprints) = &self.rows else { return };
        out.reserve((fingerprints.len() * FINGERPRINT_BYTES + self.days.len() * 24 + 64).min(RESERVED_MAX));
        out.push(VERSION);
        for day in &self.days {
            if let Some(order) = day.close.as_ref().and_then(|close| close.order.as_ref()) {
                // A day's rows are booked within it.
                put_unsigned(out, (order.booked_at_us - i64::from(day.date.0) * DAY_US) as u128);
                put_tie(out, order);
            }
        }
        if let Some(order) = self.opening.as_ref().and_then(|opening| opening.order.as_ref()) {
            put_signed(out, i128::from(order.booked_at_us));
            put_tie(out, order);
        }
        for fingerprint in fingerprints {
            let mut bytes = [0; FINGERPRINT_BYTES];
            bytes[..16].copy_from_slice(&fingerprint.id.to_le_bytes());
            bytes[16..].copy_from_slice(&fingerprint.content.to_le_bytes());
            out.extend_from_slice(&bytes);
        }
    }

    /// Decodes an open cell.
    ///
    /// # Errors
    /// [`CellError::OtherVersion`], or [`CellError::Damaged`] where the bytes are not a canonical cell's.
    pub fn decode(figures: &[u8], rows: &[u8]) -> Result<Cell, CellError> {
        let mut cell = Cell::decode_figures(figures)?;
        let mut input = Input::of_version(rows)?;
        for day in &mut cell.days {
            if let Some(close) = &mut day.close {
                let in_day = input.unsigned()?;
                let in_day = i64::try_from(in_day).ok().filter(|us| *us < DAY_US);
                let start = i64::from(day.date.0) * DAY_US;
                let booked_at_us = in_day.map(|us| start + us).ok_or(CellError::Damaged("time"))?;
                close.order = Some(input.tie(booked_at_us)?);
            }
        }
        if let Some(opening) = &mut cell.opening {
            let booked_at_us = input.narrow()?;
            opening.order = Some(input.tie(booked_at_us)?);
        }
        let count = usize::try_from(cell.rows()).map_err(|_| CellError::Damaged("length"))?;
        let fingerprints = input.fingerprints(count)?;
        if !input.bytes.is_empty() {
            return Err(CellError::Damaged("bytes after the end"));
        }
        if !fingerprints.is_sorted_by(|a, b| a.id < b.id) {
            return Err(CellError::Damaged("order"));
        }
        cell.rows = CellRows::Known(fingerprints);
        Ok(cell)
    }

    /// Decodes a cell's figures, as a sealed cell.
    ///
    /// # Errors
    /// Those of [`Cell::decode`].
    pub fn decode_figures(figures: &[u8]) -> Result<Cell, CellError> {
        let mut cell = Cell::empty(0);
        cell.read_figures(figures)?;
        Ok(cell)
    }

    /// Reads a cell's figures into this cell and replaces its content; the lists keep their memory.
    ///
    /// # Errors
    /// Those of [`Cell::decode`]; the cell's content is then undefined.
    pub fn read_figures(&mut self, figures: &[u8]) -> Result<(), CellError> {
        let mut input = Input::of_version(figures)?;
        let cell = self;
        cell.clear();
        cell.key_id = u64::from_le_bytes(input.array()?);
        let set = u32::from_le_bytes(input.array()?);
        if set >> (2 * FLOWS) != 0 {
            return Err(CellError::Damaged("flows"));
        }
        let flows = [&mut cell.funds].into_iter().chain(&mut cell.classes).chain(&mut cell.bands).flatten();
        for (_, flow) in (0..).zip(flows).filter(|(bit, _)| set >> bit & 1 != 0) {
            *flow = input.flow()?;
        }
        cell.unidentified_fen = input.signed()?;
        input.days(&mut cell.days)?;
        cell.opening = if input.flag()? { Some(Balance { order: None, fen: input.narrow()? }) } else { None };
        for left in (0..input.length()?).rev() {
            let counterparty = input.counterparty()?;
            input.reserve(&mut cell.counterparties, left + 1);
            cell.counterparties.push(counterparty);
        }
        let sorted = cell.counterparties.is_sorted_by(|a, b| (a.class as u8, a.key) < (b.class as u8, b.key));
        cell.rows = CellRows::Counted(input.narrow_unsigned()?);
        if !input.bytes.is_empty() {
            return Err(CellError::Damaged("bytes after the end"));
        }
        if sorted { Ok(()) } else { Err(CellError::Damaged("order")) }
    }
}

fn put_unsigned(out: &mut Vec<u8>, mut value: u128) {
    // Few numbers need shifts of 128 bits.
    while value > u128::from(u64::MAX) {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    put_narrow(out, value as u64);
}

/// [`put_unsigned`] of 64 bits, appended at once.
#[inline]
fn put_narrow(out: &mut Vec<u8>, mut value: u64) {
    if value < 0x80 {
        return out.push(value as u8);
    }
    let (mut bytes, mut length) = ([0; 10], 0);
    while value >= 0x80 {
        bytes[length] = value as u8 | 0x80;
        value >>= 7;
        length += 1;
    }
    bytes[length] = value as u8;
    // A copy of fixed length is a few instructions, one of any length a call.
    let end = out.len() + length + 1;
    out.extend_from_slice(&bytes);
    out.truncate(end);
}

/// Zigzag: small magnitudes of either sign are short.
#[inline]
fn put_signed(out: &mut Vec<u8>, value: i128) {
    match i64::try_from(value) {
        Ok(value) => put_narrow(out, ((value << 1) ^ (value >> 63)) as u64),
        Err(_) => put_unsigned(out, ((value << 1) ^ (value >> 127)) as u128),
    }
}

fn put_flow(out: &mut Vec<u8>, flow: &Flow) {
    put_signed(out, i128::from(flow.count));
    put_signed(out, flow.amount_fen);
}

/// The fields of a day that may be zero, in the order of their bits.
fn amounts(day: &Day) -> [i128; 4] {
    let [[a, b], [c, d]] = [day.operating_fen, day.same_name_fen];
    [a, b, c, d]
}

fn put_day(out: &mut Vec<u8>, day: &Day) {
    let seen = u8::from(day.seen[0]) | u8::from(day.seen[1]) << 1 | u8::from(day.close.is_some()) << 6;
    let set = (2..).zip(amounts(day)).fold(seen, |set, (bit, fen)| set | u8::from(fen != 0) << bit);
    out.push(set);
    amounts(day).into_iter().filter(|fen| *fen != 0).for_each(|fen| put_signed(out, fen));
    day.close.iter().for_each(|close| put_signed(out, i128::from(close.fen)));
}

/// The sort key among rows of one booking time.
fn put_tie(out: &mut Vec<u8>, order: &Order) {
    out.push(u8::from(order.seq.is_some()));
    order.seq.iter().for_each(|seq| put_signed(out, i128::from(*seq)));
    put_unsigned(out, order.txn_id.len() as u128);
    out.extend_from_slice(&order.txn_id);
}

/// The remaining input.
struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    /// The bytes after the version, if that is this program's.
    fn of_version(bytes: &'a [u8]) -> Result<Input<'a>, CellError> {
        let mut input = Input { bytes };
        match input.byte()? {
            VERSION => Ok(input),
            other => Err(CellError::OtherVersion(other)),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], CellError> {
        let (head, tail) = self.bytes.split_at_checked(count).ok_or(CellError::Damaged("too short"))?;
        self.bytes = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CellError> {
        self.take(N)?.try_into().map_err(|_| CellError::Damaged("too short"))
    }

    fn byte(&mut self) -> Result<u8, CellError> {
        Ok(self.array::<1>()?[0])
    }

    fn flag(&mut self) -> Result<bool, CellError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(CellError::Damaged("flag")),
        }
    }

    #[inline]
    fn unsigned(&mut self) -> Result<u128, CellError> {
        // The fast path for nearly all numbers: at most nine bytes, 63 bits.
        let mut value = 0_u64;
        for (byte, at) in self.bytes.iter().zip(0..9) {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                if *byte == 0 && at > 0 {
                    return Err(CellError::Damaged("number"));
                }
                self.take(at + 1)?;
                return Ok(u128::from(value));
            }
        }
        self.long_unsigned()
    }

    fn long_unsigned(&mut self) -> Result<u128, CellError> {
        let mut value = 0_u128;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let part = u128::from(byte & 0x7f);
            let shifted = part << shift;
            if shifted >> shift != part || (byte == 0 && shift > 0) {
                return Err(CellError::Damaged("number"));
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(CellError::Damaged("number"))
    }

    fn signed(&mut self) -> Result<i128, CellError> {
        let value = self.unsigned()?;
        Ok((value >> 1) as i128 ^ -((value & 1) as i128))
    }

    fn narrow<T: TryFrom<i128>>(&mut self) -> Result<T, CellError> {
        T::try_from(self.signed()?).map_err(|_| CellError::Damaged("number"))
    }

    /// A count of items of at least one byte each. It cannot exceed the remaining bytes, so a wrong count allocates nothing.
    fn length(&mut self) -> Result<usize, CellError> {
        let length = usize::try_from(self.unsigned()?).map_err(|_| CellError::Damaged("length"))?;
        if length > self.bytes.len() {
            return Err(CellError::Damaged("length"));
        }
        Ok(length)
    }

    fn narrow_unsigned(&mut self) -> Result<u64, CellError> {
        u64::try_from(self.unsigned()?).map_err(|_| CellError::Damaged("number"))
    }

    /// An amount that was written because it is not zero.
    fn nonzero(&mut self) -> Result<i128, CellError> {
        match self.signed()? {
            0 => Err(CellError::Damaged("zero")),
            fen => Ok(fen),
        }
    }

    /// A flow that was written because it is not zero.
    fn flow(&mut self) -> Result<Flow, CellError> {
        let flow = Flow { count: self.narrow()?, amount_fen: self.signed()? };
        if flow.is_zero() { Err(CellError::Damaged("zero")) } else { Ok(flow) }
    }

    /// Reserves memory for this many more items, up to a limit because the count may be damaged.
    fn reserve<T>(&self, list: &mut Vec<T>, more: usize) {
        if list.capacity() == 0 {
            list.reserve_exact(more.min(RESERVED_MAX / size_of::<T>()));
        }
    }

    fn days(&mut self, days: &mut Vec<Day>) -> Result<(), CellError> {
        let mut before: Option<i32> = None;
        for left in (0..self.length()?).rev() {
            let date = match before {
                None => self.narrow()?,
                Some(before) => {
                    let later = i32::try_from(self.unsigned()?).ok().filter(|later| *later > 0);
                    later.and_then(|later| before.checked_add(later)).ok_or(CellError::Damaged("date"))?
                }
            };
            let day = self.day(Date(date))?;
            self.reserve(days, left + 1);
            days.push(day);
            before = Some(date);
        }
        // They ascend, so all are dates if the first and the last are.
        let ends = days.first().into_iter().chain(days.last());
        let are_dates = ends.into_iter().all(|day| Date::from_days(day.date.0).is_some());
        if are_dates { Ok(()) } else { Err(CellError::Damaged("date")) }
    }

    fn day(&mut self, date: Date) -> Result<Day, CellError> {
        let set = self.byte()?;
        if set & 0b11 == 0 || set & 0x80 != 0 {
            return Err(CellError::Damaged("day"));
        }
        let mut day = Day::new(date);
        day.seen = [set & 1 != 0, set & 2 != 0];
        let amounts = day.operating_fen.iter_mut().chain(&mut day.same_name_fen);
        for (_, fen) in (2..).zip(amounts).filter(|(bit, _)| set >> bit & 1 != 0) {
            *fen = self.nonzero()?;
        }
        day.close = if set & 1 << 6 != 0 { Some(Balance { order: None, fen: self.narrow()? }) } else { None };
        Ok(day)
    }

    /// The sort key among rows of this booking time.
    fn tie(&mut self, booked_at_us: i64) -> Result<Order, CellError> {
        let seq = if self.flag()? { Some(self.narrow()?) } else { None };
        let length = self.length()?;
        let txn_id = std::str::from_utf8(self.take(length)?).map_err(|_| CellError::Damaged("text"))?;
        Ok(Order { booked_at_us, seq, txn_id: txn_id.as_bytes().into() })
    }

    fn counterparty(&mut self) -> Result<Counterparty, CellError> {
        let set = self.byte()?;
        if set >> 3 == 0 || set >> 5 != 0 {
            return Err(CellError::Damaged("counterparty"));
        }
        let class = Class::from_u8(set & 0b111).ok_or(CellError::Damaged("class"))?;
        let key = u128::from_le_bytes(self.array()?);
        let mut flows = Flows::default();
        for (_, flow) in (3..).zip(&mut flows).filter(|(bit, _)| set >> bit & 1 != 0) {
            *flow = self.flow()?;
        }
        Ok(Counterparty { class, key, flows })
    }

    fn fingerprints(&mut self, count: usize) -> Result<Vec<Fingerprint>, CellError> {
        let bytes = self.take(count.checked_mul(FINGERPRINT_BYTES).ok_or(CellError::Damaged("length"))?)?;
        let fingerprint = |bytes: &[u8; FINGERPRINT_BYTES]| {
            let (mut id, mut content) = ([0; 16], [0; 8]);
            id.copy_from_slice(&bytes[..16]);
            content.copy_from_slice(&bytes[16..]);
            Fingerprint { id: u128::from_le_bytes(id), content: u64::from_le_bytes(content) }
        };
        Ok(bytes.as_chunks::<FINGERPRINT_BYTES>().0.iter().map(fingerprint).collect())
    }
}
