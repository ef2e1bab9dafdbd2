//! A CSV text taken apart into records and fields.
//!
//! Owns: quoting, line ends, the end of the text, the bounds of a record. Nearly all records are plain: without a quote, whole
//! in the chunk of text at hand. Those are taken apart where they stand, alone or in blocks; csv-core takes the others.
//! Does not own: what a record means.

use std::ops::Range;

use csv_core::ReadRecordResult;

use super::{FIELDS_MAX, ROW_BYTES_MAX};
use crate::feed::record::Record;
use crate::feed::reject::{Code, FileFault};
use crate::feed::text::TextChunks;

/// The records of a text.
pub(super) struct Records {
    text: TextChunks,
    /// How far the text's chunk is used up.
    at: usize,
    tail: Tail,
    parser: csv_core::Reader,
    delimiter: u8,
    /// The fields of a record that the parser took apart, one after another.
    fields: Vec<u8>,
    /// Where a plain record stands in the text's chunk; `None` where the fields are in `fields`.
    plain: Option<Range<usize>>,
    ends: Vec<usize>,
    /// Fields of the current record.
    pub(super) fields_count: usize,
    /// The current record is the file's last and has no line end.
    pub(super) cut: bool,
}

/// How far the end of the text is told to the parser. A line end is given first, then nothing: a record that only
/// the second completes stands within a quote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    Ahead,
    Newline,
    Nothing,
}

impl Records {
    pub(super) fn new(text: TextChunks, delimiter: u8) -> Records {
        let parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Records {
            text,
            at: 0,
            tail: Tail::Ahead,
            parser,
            delimiter,
            fields: vec![0; 4_096],
            plain: None,
            ends: vec![0; 64],
            fields_count: 0,
            cut: false,
        }
    }

    /// Goes on with another text, at the start of a record.
    pub(super) fn go_on_with(&mut self, text: TextChunks) {
        (self.text, self.at, self.tail) = (text, 0, Tail::Ahead);
    }

    /// What of the text is at hand; records of a block stand in it.
    pub(super) fn chunk(&self) -> &[u8] {
        self.text.chunk()
    }

    /// Reads the next record; false where there is none.
    pub(super) fn advance(&mut self) -> Result<bool, FileFault> {
        self.plain = None;
        if self.tail == Tail::Ahead && self.advance_plain()? {
            return Ok(true);
        }
        let mut written = 0;
        self.fields_count = 0;
        loop {
            if self.tail == Tail::Ahead && self.at == self.text.chunk().len() {
                self.at = 0;
                if !self.text.advance()? {
                    self.tail = Tail::Newline;
                }
            }
            let input = match self.tail {
                Tail::Ahead => &self.text.chunk()[self.at..],
                Tail::Newline => b"\n",
                Tail::Nothing => b"",
            };
            let (result, read, wrote, ended) =
                self.parser.read_record(input, &mut self.fields[written..], &mut self.ends[self.fields_count..]);
            written += wrote;
            self.fields_count += ended;
            let fed = self.tail;
            match fed {
                Tail::Ahead => self.at += read,
                Tail::Newline if read > 0 => self.tail = Tail::Nothing,
                Tail::Newline | Tail::Nothing => {}
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => grow(&mut self.fields, ROW_BYTES_MAX, "bytes")?,
                ReadRecordResult::OutputEndsFull => grow(&mut self.ends, FIELDS_MAX, "fields")?,
                ReadRecordResult::Record if fed == Tail::Nothing => {
                    return Err(FileFault::whole(Code::TruncatedFile, "a quote is open at the end of the file"));
                }
                ReadRecordResult::Record => {
                    self.cut = fed == Tail::Newline;
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// Reads the next record where it stands in the chunk as a whole and has no quote: then its fields are what is between
    /// its delimiters. Nearly all records are such, and need no automaton that goes byte by byte.
    fn advance_plain(&mut self) -> Result<bool, FileFault> {
        let chunk = self.text.chunk();
        let Some(record) = plain_record(&chunk[self.at..]) else { return Ok(false) };
        let (start, end, length) = (self.at + record.start, self.at + record.end, record.len());
        let mut count = 0;
        for at in memchr::memchr_iter(self.delimiter, &chunk[start..end]).chain([length]) {
            if count == self.ends.len() {
                grow(&mut self.ends, FIELDS_MAX, "fields")?;
            }
            self.ends[count] = at;
            count += 1;
        }
        (self.fields_count, self.cut, self.at, self.plain) = (count, false, end + 1, Some(start..end));
        Ok(true)
    }

    /// Reads on over plain records (see [`Records::advance_plain`]) of so many fields that stand in the chunk: at most
    /// `rows`, and to the one that brings them to `bytes`. `bounds` tells of each where its first field begins and, one
    /// beyond its end, where the one behind each field would. There may be none.
    pub(super) fn advance_block(&mut self, rows: usize, bytes: usize, fields: usize, bounds: &mut Vec<usize>) {
        bounds.clear();
        if self.tail != Tail::Ahead {
            return;
        }
        let (chunk, end_at) = (self.text.chunk(), self.at.saturating_add(bytes));
        for _ in 0..rows {
            if self.at >= end_at {
                break;
            }
            let Some(record) = plain_record(&chunk[self.at..]) else { break };
            let (start, end) = (self.at + record.start, self.at + record.end);
            let before = bounds.len();
            bounds.push(start);
            for window in (start..end).step_by(64) {
                let mut bits = equal_bits(&chunk[window..], self.delimiter);
                if let Some(beyond) = (window + 64).checked_sub(end) {
                    bits &= u64::MAX >> beyond;
                }
                while bits != 0 {
                    bounds.push(window + bits.trailing_zeros() as usize + 1);
                    bits &= bits - 1;
                }
            }
            bounds.push(end + 1);
            if bounds.len() - before != fields + 1 {
                bounds.truncate(before);
                break;
            }
            self.at = end + 1;
        }
    }

    /// The bytes that the current record's fields end in, and what lies between two of them.
    fn bytes(&self) -> (&[u8], usize) {
        match &self.plain {
            Some(range) => (&self.text.chunk()[range.clone()], 1),
            None => (&self.fields, 0),
        }
    }

    /// What the current record's fields lie in, where each ends, and what lies between two of them.
    pub(super) fn parts(&self) -> (&[u8], &[usize], usize) {
        let (bytes, gap) = self.bytes();
        (bytes, &self.ends[..self.fields_count], gap)
    }

    /// The current record as text.
    pub(super) fn record(&self) -> Result<Record<'_>, FileFault> {
        let ends = &self.ends[..self.fields_count];
        let (bytes, gap) = self.bytes();
        let bytes = &bytes[..ends.last().copied().unwrap_or_default()];
        let text = std::str::from_utf8(bytes)
            .map_err(|_| FileFault::whole(Code::BadEncoding, "the file changed while it was read"))?;
        Ok(Record::new(text, ends, gap))
    }
}

/// Where the next record stands in what is left of a chunk; `None` where it does not end there or has a quote.
#[inline]
fn plain_record(chunk: &[u8]) -> Option<Range<usize>> {
    // Line ends before a record are empty lines, or the second half of one.
    let start = chunk.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let end = start + memchr::memchr3(b'"', b'\r', b'\n', &chunk[start..])?;
    (chunk[end] != b'"').then_some(start..end)
}

/// Which of the first 64 bytes are `byte`, a bit each from the lowest. Fields are short, so that a search for the next
/// delimiter alone costs more than this does for several.
#[inline]
fn equal_bits(bytes: &[u8], byte: u8) -> u64 {
    let mut padded = [0; 64];
    let window = bytes.first_chunk::<64>().unwrap_or_else(|| {
        padded[..bytes.len()].copy_from_slice(bytes);
        &padded
    });
    let mut marks = [0_u8; 64];
    for (at, (mark, of)) in marks.iter_mut().zip(window).enumerate() {
        *mark = if *of == byte { 1 << (at % 8) } else { 0 };
    }
    // Eight marks have no bit in common, so their sum is all of them: it is the highest byte of the product.
    let gathered = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0101_0101_0101_0101) >> 56;
    let (eights, _) = marks.as_chunks::<8>();
    eights.iter().rev().fold(0, |bits, eight| bits << 8 | gathered(eight))
}

/// A field of a record, as bytes; empty beyond the last.
#[inline]
pub(super) fn field_of<'a>(bytes: &'a [u8], ends: &[usize], gap: usize, index: usize) -> &'a [u8] {
    let Some(end) = ends.get(index) else { return b"" };
    let start = if index == 0 { 0 } else { ends[index - 1] + gap };
    bytes.get(start..*end).unwrap_or_default()
}

/// Doubles a buffer of the current record, up to a limit.
fn grow<T: Clone + Default>(buffer: &mut Vec<T>, max: usize, unit: &str) -> Result<(), FileFault> {
    if buffer.len() >= max {
        let hint = format!("a row of more than {max} {unit}: is a quote open, or the delimiter another?");
        return Err(FileFault::whole(Code::UnreadableFile, hint));
    }
    buffer.resize((buffer.len() * 2).min(max), T::default());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_tell_where_a_byte_is() {
        let bytes: Vec<u8> =
            (0..200).map(|at: u32| if at % 7 == 3 || at % 64 == 63 { b',' } else { (at + 1) as u8 }).collect();
        for start in 0..bytes.len() {
            let expected = bytes[start..].iter().take(64).enumerate().filter(|(_, byte)| **byte == b',');
            let expected = expected.fold(0, |bits, (at, _)| bits | 1 << at);
            assert_eq!(equal_bits(&bytes[start..], b','), expected, "from {start}");
        }
        assert_eq!(equal_bits(&[], b','), 0);
    }
}
