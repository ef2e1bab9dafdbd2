//! Thrift's compact protocol, as far as Parquet footers and page headers need it.
//!
//! Owns: reading numbers, fields and list heads, and skipping values, without allocating. Invalid bytes give `None`. Source:
//! the Apache Thrift compact protocol specification.

/// The type of a field or of the elements of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ThriftType {
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

impl ThriftType {
    fn of(code: u8) -> Option<ThriftType> {
        Some(match code {
            1 => ThriftType::True,
            2 => ThriftType::False,
            3 => ThriftType::Byte,
            4..=6 => ThriftType::Integer,
            7 => ThriftType::Double,
            8 => ThriftType::Binary,
            9 | 10 => ThriftType::List,
            11 => ThriftType::Map,
            12 => ThriftType::Struct,
            13 => ThriftType::Uuid,
            _ => return None,
        })
    }
}

/// The deepest nesting of skipped values. Deeper nesting is damage or an attack.
const SKIPPED_DEPTH_MAX: usize = 32;

/// Reads values from bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThriftReader<'a> {
    bytes: &'a [u8],
}

impl<'a> ThriftReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> ThriftReader<'a> {
        ThriftReader { bytes }
    }

    /// Bytes not read yet.
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

    /// Reads the value of an integer field: a zigzag number.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Reads the head of the next field of a struct: its number and type. `before` is the number of the field before it.
    /// `Some(None)` at the end of the struct.
    #[expect(clippy::option_option, reason = "damage and the end are two things")]
    pub(super) fn field(&mut self, before: &mut i64) -> Option<Option<(i64, ThriftType)>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        *before = match head >> 4 {
            0 => self.integer()?,
            step => before.checked_add(i64::from(step))?,
        };
        Some(Some((*before, ThriftType::of(head & 0x0F)?)))
    }

    /// Reads the head of a list: the number and the type of its elements.
    pub(super) fn list(&mut self) -> Option<(u64, ThriftType)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.unsigned()?,
            count => u64::from(count),
        };
        // Each element takes at least a byte.
        (count <= self.left() as u64).then_some((count, ThriftType::of(head & 0x0F)?))
    }

    /// Skips the value of a field.
    pub(super) fn skip(&mut self, kind: ThriftType) -> Option<()> {
        match kind {
            ThriftType::True | ThriftType::False => Some(()),
            other => self.skip_within(other, SKIPPED_DEPTH_MAX),
        }
    }

    fn skip_within(&mut self, kind: ThriftType, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            // Of an element. The value of a field is in its head.
            ThriftType::True | ThriftType::False | ThriftType::Byte => self.skip_bytes(1),
            ThriftType::Integer => self.unsigned().map(|_| ()),
            ThriftType::Double => self.skip_bytes(8),
            ThriftType::Uuid => self.skip_bytes(16),
            ThriftType::Binary => {
                let length = self.unsigned()?;
                self.skip_bytes(length)
            }
            ThriftType::List => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.skip_within(kind, depth))
            }
            ThriftType::Map => self.skip_map(depth),
            ThriftType::Struct => {
                let mut before = 0;
                while let Some((_, kind)) = self.field(&mut before)? {
                    if !matches!(kind, ThriftType::True | ThriftType::False) {
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
        let (key, value) = (ThriftType::of(kinds >> 4)?, ThriftType::of(kinds & 0x0F)?);
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
    fn fields_lists_and_skipped_values() {
        // 1: i32 -3, 2: list of 2 strings, 4: struct { 1: true }, 5: map of byte to i16, 20: i64 300
        let bytes =
            [0x15, 5, 0x19, 0x28, 1, b'a', 2, b'b', b'c', 0x2C, 0x11, 0, 0x1B, 1, 0x34, 7, 4, 0x06, 40, 0xD8, 0x04, 0];
        let (mut reader, mut before, mut seen) = (ThriftReader::new(&bytes), 0, Vec::new());
        while let Some((number, kind)) = reader.field(&mut before).unwrap() {
            seen.push((number, kind));
            match number {
                1 => assert_eq!(reader.integer(), Some(-3)),
                20 => assert_eq!(reader.integer(), Some(300)),
                _ => reader.skip(kind).unwrap(),
            }
        }
        let kinds = [
            (1, ThriftType::Integer),
            (2, ThriftType::List),
            (4, ThriftType::Struct),
            (5, ThriftType::Map),
            (20, ThriftType::Integer),
        ];
        assert_eq!((seen.as_slice(), reader.left()), (kinds.as_slice(), 0));
        for end in 0..bytes.len() {
            let (mut reader, mut before) = (ThriftReader::new(&bytes[..end]), 0);
            let mut all = || -> Option<()> {
                while let Some((_, kind)) = reader.field(&mut before)? {
                    reader.skip(kind)?;
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
        assert_eq!(ThriftReader::new(&deep).skip(ThriftType::List), None);
        assert_eq!(ThriftReader::new(&[0xF8, 0xFF, 0xFF, 0x7F]).list(), None);
        assert_eq!(ThriftReader::new(&[0xFF; 20]).integer(), None);
    }
}
