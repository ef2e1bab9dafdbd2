//! Thrift's compact protocol, as far as a footer or a page header of Parquet needs to be walked.
//!
//! Owns: numbers, fields, lists, and stepping over what is of no interest, without allocating. Bytes that are not of the
//! protocol give `None`. Source: the Apache Thrift compact protocol specification.

/// The type of a field or of a list's elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    True,
    False,
    Byte,
    Integer,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

impl Kind {
    fn of(code: u8) -> Option<Kind> {
        Some(match code {
            1 => Kind::True,
            2 => Kind::False,
            3 => Kind::Byte,
            4..=6 => Kind::Integer,
            7 => Kind::Double,
            8 => Kind::Binary,
            9 | 10 => Kind::List,
            11 => Kind::Map,
            12 => Kind::Struct,
            13 => Kind::Uuid,
            _ => return None,
        })
    }
}

/// What is stepped over may be nested so deeply; more is damage, or worse.
const SKIPPED_DEPTH_MAX: usize = 32;

/// Bytes that are walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Walk<'a> {
        Walk { bytes }
    }

    /// Bytes not walked yet.
    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn skip_bytes(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A zigzag number: the value of an integer field.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The next field of a struct, its number after the one `before`; `Some(None)` at the struct's end.
    #[expect(clippy::option_option, reason = "damage and the end are two things")]
    pub(super) fn field(&mut self, before: &mut i64) -> Option<Option<(i64, Kind)>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        *before = match head >> 4 {
            0 => self.integer()?,
            step => before.checked_add(i64::from(step))?,
        };
        Some(Some((*before, Kind::of(head & 0x0F)?)))
    }

    /// A list's head: how many elements, and of which type.
    pub(super) fn list(&mut self) -> Option<(u64, Kind)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.unsigned()?,
            count => u64::from(count),
        };
        // Each element takes a byte at least.
        (count <= self.left() as u64).then_some((count, Kind::of(head & 0x0F)?))
    }

    /// Steps over a field's value.
    pub(super) fn skip(&mut self, kind: Kind) -> Option<()> {
        match kind {
            Kind::True | Kind::False => Some(()),
            other => self.skip_within(other, SKIPPED_DEPTH_MAX),
        }
    }

    fn skip_within(&mut self, kind: Kind, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            // Of an element; of a field, the head says it all.
            Kind::True | Kind::False | Kind::Byte => self.skip_bytes(1),
            Kind::Integer => self.unsigned().map(|_| ()),
            Kind::Double => self.skip_bytes(8),
            Kind::Uuid => self.skip_bytes(16),
            Kind::Binary => {
                let length = self.unsigned()?;
                self.skip_bytes(length)
            }
            Kind::List => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.skip_within(kind, depth))
            }
            Kind::Map => self.skip_map(depth),
            Kind::Struct => {
                let mut before = 0;
                while let Some((_, kind)) = self.field(&mut before)? {
                    if !matches!(kind, Kind::True | Kind::False) {
                        self.skip_within(kind, depth)?;
                    }
                }
                Some(())
            }
        }
    }

    fn skip_map(&mut self, depth: usize) -> Option<()> {
        let count = self.unsigned()?;
        if count == 0 {
            return Some(());
        }
        let kinds = self.byte()?;
        let (key, value) = (Kind::of(kinds >> 4)?, Kind::of(kinds & 0x0F)?);
        (count <= self.left() as u64).then_some(())?;
        (0..count).try_for_each(|_| {
            self.skip_within(key, depth)?;
            self.skip_within(value, depth)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lists_and_what_is_stepped_over() {
        // 1: i32 -3, 2: list of 2 strings, 4: struct { 1: true }, 5: map of byte to i16, 20: i64 300
        let bytes =
            [0x15, 5, 0x19, 0x28, 1, b'a', 2, b'b', b'c', 0x2C, 0x11, 0, 0x1B, 1, 0x34, 7, 4, 0x06, 40, 0xD8, 0x04, 0];
        let (mut walk, mut before, mut seen) = (Walk::new(&bytes), 0, Vec::new());
        while let Some((number, kind)) = walk.field(&mut before).unwrap() {
            seen.push((number, kind));
            match number {
                1 => assert_eq!(walk.integer(), Some(-3)),
                20 => assert_eq!(walk.integer(), Some(300)),
                _ => walk.skip(kind).unwrap(),
            }
        }
        let kinds = [(1, Kind::Integer), (2, Kind::List), (4, Kind::Struct), (5, Kind::Map), (20, Kind::Integer)];
        assert_eq!((seen.as_slice(), walk.left()), (kinds.as_slice(), 0));
        for end in 0..bytes.len() {
            let (mut walk, mut before) = (Walk::new(&bytes[..end]), 0);
            let mut all = || -> Option<()> {
                while let Some((_, kind)) = walk.field(&mut before)? {
                    walk.skip(kind)?;
                }
                Some(())
            };
            assert_eq!(all(), None, "cut at {end}");
        }
    }

    #[test]
    fn depth_and_counts_are_bounded() {
        // A list of lists of lists, and a list that claims more elements than there are bytes.
        let deep = [0x19; 200];
        assert_eq!(Walk::new(&deep).skip(Kind::List), None);
        assert_eq!(Walk::new(&[0xF8, 0xFF, 0xFF, 0x7F]).list(), None);
        assert_eq!(Walk::new(&[0xFF; 20]).integer(), None);
    }
}
