//! The stored form of a cell: versioned, compact, canonical. The layout is described in `docs/cell-format.md`.
//!
//! Owns: encoding and decoding. Equal cells have equal bytes, and bytes that decode encode to themselves.
//! Decoding trusts nothing: damaged bytes are an error, never a panic or a large allocation.

use super::{BAND_LOWER_FEN, Balance, CLASSES, Cell, CellError, Counterparty, Day, Fingerprint, Order};
use crate::class::Class;
use crate::flow::{Flow, Flows};
use crate::period::Date;

/// The version that this program writes, the first byte of every cell.
pub const VERSION: u8 = 1;

impl Cell {
    /// Appends the canonical bytes. The cell must be settled.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        out.extend_from_slice(&self.secret_id.to_le_bytes());
        put_flows(out, &self.funds);
        self.classes.iter().for_each(|flows| put_flows(out, flows));
        self.bands.iter().for_each(|flows| put_flows(out, flows));
        put_signed(out, self.unidentified_fen);
        put_unsigned(out, self.days.len() as u128);
        self.days.iter().for_each(|day| put_day(out, day));
        put_balance(out, self.opening.as_ref());
        put_unsigned(out, self.counterparties.len() as u128);
        for counterparty in &self.counterparties {
            out.push(counterparty.class as u8);
            out.extend_from_slice(&counterparty.key.to_le_bytes());
            put_flows(out, &counterparty.flows);
        }
        put_unsigned(out, self.fingerprints.len() as u128);
        for fingerprint in &self.fingerprints {
            out.extend_from_slice(&fingerprint.id.to_le_bytes());
            out.extend_from_slice(&fingerprint.content.to_le_bytes());
        }
    }

    /// Reads a cell back.
    ///
    /// # Errors
    /// [`CellError::OtherVersion`], or [`CellError::Damaged`] where the bytes are not a canonical cell.
    pub fn decode(bytes: &[u8]) -> Result<Cell, CellError> {
        let mut input = Input { bytes };
        let version = input.byte()?;
        if version != VERSION {
            return Err(CellError::OtherVersion(version));
        }
        let mut cell = Cell::empty(u64::from_le_bytes(input.array()?));
        cell.funds = input.flows()?;
        for at in 0..CLASSES {
            cell.classes[at] = input.flows()?;
        }
        for at in 0..BAND_LOWER_FEN.len() {
            cell.bands[at] = input.flows()?;
        }
        cell.unidentified_fen = input.signed()?;
        for _ in 0..input.length()? {
            cell.days.push(input.day()?);
        }
        cell.opening = input.balance()?;
        for _ in 0..input.length()? {
            let class = Class::from_u8(input.byte()?).ok_or(CellError::Damaged("class"))?;
            let key = u128::from_le_bytes(input.array()?);
            cell.counterparties.push(Counterparty { class, key, flows: input.flows()? });
        }
        for _ in 0..input.length()? {
            let id = u64::from_le_bytes(input.array()?);
            cell.fingerprints.push(Fingerprint { id, content: u64::from_le_bytes(input.array()?) });
        }
        if !input.bytes.is_empty() {
            return Err(CellError::Damaged("bytes after the end"));
        }
        cell.check_canonical()?;
        Ok(cell)
    }

    fn check_canonical(&self) -> Result<(), CellError> {
        let days = self.days.is_sorted_by(|a, b| a.date < b.date);
        let counterparties = self.counterparties.is_sorted_by(|a, b| (a.class as u8, a.key) < (b.class as u8, b.key))
            && self.counterparties.iter().all(|c| c.flows.iter().any(|flow| !flow.is_zero()));
        let fingerprints = self.fingerprints.is_sorted_by(|a, b| a.id < b.id);
        if days && counterparties && fingerprints { Ok(()) } else { Err(CellError::Damaged("order")) }
    }
}

fn put_unsigned(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Zigzag: small magnitudes of either sign are short.
fn put_signed(out: &mut Vec<u8>, value: i128) {
    put_unsigned(out, ((value << 1) ^ (value >> 127)) as u128);
}

fn put_flows(out: &mut Vec<u8>, flows: &Flows) {
    for flow in flows {
        put_signed(out, i128::from(flow.count));
        put_signed(out, flow.amount_fen);
    }
}

fn put_day(out: &mut Vec<u8>, day: &Day) {
    put_signed(out, i128::from(day.date.0));
    out.push(u8::from(day.seen[0]) | u8::from(day.seen[1]) << 1);
    for fen in day.operating_fen.iter().chain(&day.same_name_fen) {
        put_signed(out, *fen);
    }
    put_balance(out, day.close.as_ref());
}

fn put_balance(out: &mut Vec<u8>, balance: Option<&Balance>) {
    let Some(balance) = balance else { return out.push(0) };
    out.push(if balance.order.seq.is_some() { 2 } else { 1 });
    put_signed(out, i128::from(balance.order.booked_at_us));
    if let Some(seq) = balance.order.seq {
        put_signed(out, i128::from(seq));
    }
    put_unsigned(out, balance.order.txn_id.len() as u128);
    out.extend_from_slice(balance.order.txn_id.as_bytes());
    put_signed(out, i128::from(balance.fen));
}

/// What is left to read.
struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
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

    fn unsigned(&mut self) -> Result<u128, CellError> {
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

    /// A count of things that take at least a byte each, so that a wrong one is met before it costs memory.
    fn length(&mut self) -> Result<usize, CellError> {
        let length = usize::try_from(self.unsigned()?).map_err(|_| CellError::Damaged("length"))?;
        if length > self.bytes.len() {
            return Err(CellError::Damaged("length"));
        }
        Ok(length)
    }

    fn flows(&mut self) -> Result<Flows, CellError> {
        let mut flow = || Ok(Flow { count: self.narrow()?, amount_fen: self.signed()? });
        Ok([flow()?, flow()?])
    }

    fn day(&mut self) -> Result<Day, CellError> {
        let date = Date::from_days(self.narrow()?).ok_or(CellError::Damaged("date"))?;
        let mut day = Day::new(date);
        let seen = self.byte()?;
        if seen == 0 || seen > 3 {
            return Err(CellError::Damaged("day"));
        }
        day.seen = [seen & 1 != 0, seen & 2 != 0];
        day.operating_fen = [self.signed()?, self.signed()?];
        day.same_name_fen = [self.signed()?, self.signed()?];
        day.close = self.balance()?;
        Ok(day)
    }

    fn balance(&mut self) -> Result<Option<Balance>, CellError> {
        let tag = self.byte()?;
        if tag == 0 {
            return Ok(None);
        }
        if tag > 2 {
            return Err(CellError::Damaged("balance"));
        }
        let booked_at_us = self.narrow()?;
        let seq = if tag == 2 { Some(self.narrow()?) } else { None };
        let length = self.length()?;
        let txn_id = std::str::from_utf8(self.take(length)?).map_err(|_| CellError::Damaged("text"))?.into();
        let order = Order { booked_at_us, seq, txn_id };
        Ok(Some(Balance { order, fen: self.narrow()? }))
    }
}
