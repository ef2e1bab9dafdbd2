//! CSV text split into records and fields.
//!
//! Owns: quoting, line ends, the end of the text, the bounds of a record. Does not own: the meaning of a record.
//!
//! Nearly all records are plain: they have no quote and are whole in the current chunk of text. Those are split where they
//! are, one by one or in blocks. csv-core splits the others.

use std::ops::Range;

use csv_core::ReadRecordResult;

use super::{FIELDS_MAX, ROW_BYTES_MAX};
use crate::feed::record::Record;
use crate::feed::reject::{Code, FileFault};
use crate::feed::text::TextChunks;

/// Reads the records of a text.
pub(super) struct RecordReader {
    text: TextChunks,
    /// The end of the last record in the current chunk.
    at: usize,
    input: ParserInput,
    parser: csv_core::Reader,
    delimiter: u8,
    /// The fields of a record that the parser has split, one after another.
    fields: Vec<u8>,
    /// The range of a plain record in the current chunk; `None` where the fields are in `fields`.
    plain: Option<Range<usize>>,
    ends: Vec<usize>,
    /// Fields of the current record.
    pub(super) fields_count: usize,
    /// The current record is the last of the file and has no line end.
    pub(super) is_cut: bool,
}

/// What the parser gets next. After the text it gets a line end, then the end of input. A record that only the end of
/// input completes has an open quote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ParserInput {
    Text,
    LineEnd,
    End,
}

impl RecordReader {
    pub(super) fn new(text: TextChunks, delimiter: u8) -> RecordReader {
        let parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        RecordReader {
            text,
            at: 0,
            input: ParserInput::Text,
            parser,
            delimiter,
            fields: vec![0; 4_096],
            plain: None,
            ends: vec![0; 64],
            fields_count: 0,
            is_cut: false,
        }
    }

    /// Continues with another text, which begins with a record.
    pub(super) fn continue_with(&mut self, text: TextChunks) {
        (self.text, self.at, self.input) = (text, 0, ParserInput::Text);
    }

    /// The current chunk of text, in which the records of a block are.
    pub(super) fn chunk(&self) -> &[u8] {
        self.text.chunk()
    }

    /// Reads the next record; false where there is none.
    pub(super) fn advance(&mut self) -> Result<bool, FileFault> {
        self.plain = None;
        if self.input == ParserInput::Text && self.advance_plain()? {
            return Ok(true);
        }
        let mut written = 0;
        self.fields_count = 0;
        loop {
            if self.input == ParserInput::Text && self.at == self.text.chunk().len() {
                self.at = 0;
                if !self.text.advance()? {
                    self.input = ParserInput::LineEnd;
                }
            }
            let bytes = match self.input {
                ParserInput::Text => &self.text.chunk()[self.at..],
                ParserInput::LineEnd => b"\n",
                ParserInput::End => b"",
            };
            let (result, read, wrote, ended) =
                self.parser.read_record(bytes, &mut self.fields[written..], &mut self.ends[self.fields_count..]);
            written += wrote;
            self.fields_count += ended;
            let fed = self.input;
            match fed {
                ParserInput::Text => self.at += read,
                ParserInput::LineEnd if read > 0 => self.input = ParserInput::End,
                ParserInput::LineEnd | ParserInput::End => {}
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => grow(&mut self.fields, ROW_BYTES_MAX, "bytes")?,
                ReadRecordResult::OutputEndsFull => grow(&mut self.ends, FIELDS_MAX, "fields")?,
                ReadRecordResult::Record if fed == ParserInput::End => {
                    return Err(FileFault::whole(Code::TruncatedFile, "a quote is open at the end of the file"));
                }
                ReadRecordResult::Record => {
                    self.is_cut = fed == ParserInput::LineEnd;
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// Reads the next record if it is plain: whole in the chunk, and without a quote. Then its fields are the bytes between
    /// delimiters, and no parser is needed.
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
        (self.fields_count, self.is_cut, self.at, self.plain) = (count, false, end + 1, Some(start..end));
        Ok(true)
    }

    /// Reads plain records (see [`RecordReader::advance_plain`]) of `fields` fields in the current chunk: at most `rows`, and
    /// none after the one that brings them to `bytes`. There may be none. `bounds` gets `fields + 1` numbers a record: the
    /// start of its first field, and for each field the start of a field that would follow it.
    pub(super) fn advance_block(&mut self, rows: usize, bytes: usize, fields: usize, bounds: &mut Vec<usize>) {
        bounds.clear();
        if self.input != ParserInput::Text {
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

    /// The bytes of the current record's fields, and the number of bytes between two fields.
    fn bytes(&self) -> (&[u8], usize) {
        match &self.plain {
            Some(range) => (&self.text.chunk()[range.clone()], 1),
            None => (&self.fields, 0),
        }
    }

    /// The bytes of the current record's fields, where each field ends, and the number of bytes between two fields.
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

/// The range of the next record in the rest of a chunk; `None` where it does not end there or has a quote.
#[inline]
fn plain_record(chunk: &[u8]) -> Option<Range<usize>> {
    // Line ends before a record are empty lines, or the second byte of a CR LF.
    let start = chunk.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let end = start + memchr::memchr3(b'"', b'\r', b'\n', &chunk[start..])?;
    (chunk[end] != b'"').then_some(start..end)
}

/// A bit for each of the first 64 bytes, from the lowest, set where the byte is `byte`. Fields are short, so this is faster
/// than a search for one delimiter after another.
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
    // Eight marks have no bit in common, so their sum has the bits of all. It is the highest byte of the product.
    let gathered = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0101_0101_0101_0101) >> 56;
    let (eights, _) = marks.as_chunks::<8>();
    eights.iter().rev().fold(0, |bits, eight| bits << 8 | gathered(eight))
}

/// The bytes of a field; empty beyond the last field.
#[inline]
pub(super) fn field_of<'a>(bytes: &'a [u8], ends: &[usize], gap: usize, index: usize) -> &'a [u8] {
    let Some(end) = ends.get(index) else { return b"" };
    let start = if index == 0 { 0 } else { ends[index - 1] + gap };
    bytes.get(start..*end).unwrap_or_default()
}

/// Doubles a buffer of the current record, up to `max`.
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
    fn bits_mark_the_bytes_that_are_equal() {
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
