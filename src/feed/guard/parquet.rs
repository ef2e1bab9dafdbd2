//! Checks of Parquet files: of the footer before it is decoded, and of the pages of a row group before they are.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use parquet::basic::Type;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::thrift::{ThriftReader, ThriftType};
use super::{HeldBytes, Limits, damaged};
use crate::feed::reject::FileFault;

/// Bytes behind the footer: its length and the magic.
const TAIL_BYTES: u64 = 8;

/// Bytes of a page header that are read first. A header with statistics may be longer and is then read again.
const HEADER_BYTES: u64 = 256;

/// The longest page header that is read.
const HEADER_BYTES_MAX: u64 = 256 << 10;

/// Checks a file's footer before it is decoded: its length, and the number and nesting of columns.
///
/// # Errors
/// A fault of the file.
pub fn footer(file: &File, limits: &Limits) -> Result<(), FileFault> {
    let size = size_of(file)?;
    let mut tail = [0; TAIL_BYTES as usize];
    read_at(file, size.checked_sub(TAIL_BYTES).ok_or_else(damaged)?, &mut tail)?;
    let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    let start = size.checked_sub(TAIL_BYTES + length).ok_or_else(damaged)?;
    limits.description(length)?;
    let mut footer = vec![0; length as usize];
    read_at(file, start, &mut footer)?;
    let (columns, groups) = read_footer(&footer, limits).ok_or_else(damaged)??;
    match columns.saturating_mul(groups) > limits.chunks {
        true => Err(super::too_much("it has more than 65,536 column chunks; write it in larger row groups")),
        false => Ok(()),
    }
}

/// The number of columns and of row groups in a footer; `None` where it is damaged.
fn read_footer(footer: &[u8], limits: &Limits) -> Option<Result<(usize, usize), FileFault>> {
    let (mut reader, mut before, mut found) = (ThriftReader::new(footer), 0, (0, 0));
    let mut last = 0;
    while let Some((number, kind)) = reader.field(&mut before)? {
        // A field that comes twice would be counted once and decoded twice.
        (number > last).then_some(())?;
        last = number;
        match (number, kind) {
            (2, ThriftType::List) => match read_schema(&mut reader, limits)? {
                Ok(columns) => found.0 = columns,
                Err(fault) => return Some(Err(fault)),
            },
            (_, ThriftType::List) => {
                // The head is read twice: once to count, once to skip the list.
                let count = usize::try_from(ThriftReader::clone(&reader).list()?.0).ok()?;
                if number == 4 {
                    found.1 = count;
                } else if count > limits.chunks {
                    return Some(Err(super::too_much("its footer lists more than 65,536 things of a kind")));
                }
                reader.skip(kind)?;
            }
            _ => reader.skip(kind)?,
        }
    }
    Some(Ok(found))
}

/// The number of columns of a schema, whose elements are listed depth first, each with the number of its children.
fn read_schema(reader: &mut ThriftReader<'_>, limits: &Limits) -> Option<Result<usize, FileFault>> {
    let (count, kind) = reader.list()?;
    if kind != ThriftType::Struct {
        return None;
    }
    let columns = usize::try_from(count).ok()?;
    if columns > limits.columns {
        return Some(Err(super::too_much("it has more than 4,096 columns")));
    }
    // The children of each open element that are still to come.
    let mut open: Vec<i64> = Vec::new();
    for _ in 0..count {
        while open.last().is_some_and(|left| *left == 0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        let (mut before, mut children) = (0, 0);
        while let Some((number, kind)) = reader.field(&mut before)? {
            match (number, kind) {
                (5, ThriftType::Integer) => children = reader.integer()?,
                _ => reader.skip(kind)?,
            }
        }
        if children < 0 {
            return None;
        }
        open.push(children);
        if open.len() > limits.depth {
            return Some(Err(super::too_much("its columns are nested too deeply")));
        }
    }
    Some(Ok(columns))
}

/// Checks the decoded footer: the number of rows, and the ranges of column chunks.
///
/// # Errors
/// A fault of the file.
pub fn counts(file: &File, metadata: &ParquetMetaData, limits: &Limits) -> Result<(), FileFault> {
    let size = size_of(file)?;
    let mut rows = 0_u64;
    for group in metadata.row_groups() {
        rows = rows.saturating_add(u64::try_from(group.num_rows()).map_err(|_| damaged())?);
        for chunk in group.columns() {
            let (start, length) = range_of(chunk).ok_or_else(damaged)?;
            if start.checked_add(length).is_none_or(|end| end > size) || chunk.num_values() < 0 {
                return Err(damaged());
            }
        }
    }
    if u64::try_from(metadata.file_metadata().num_rows()) != Ok(rows) {
        return Err(damaged());
    }
    limits.rows(rows, size)
}

/// The start of a chunk's first page, and the bytes of all its pages.
fn range_of(chunk: &ColumnChunkMetaData) -> Option<(u64, u64)> {
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    Some((u64::try_from(start).ok()?, u64::try_from(chunk.compressed_size()).ok()?))
}

/// Checks the pages of some columns of a row group by their headers; nothing is decompressed. A reader has a dictionary and
/// a page of each column in memory.
///
/// # Errors
/// A fault of the file.
pub fn pages<'a>(
    file: &File,
    chunks: impl Iterator<Item = &'a ColumnChunkMetaData>,
    rows: u64,
    limits: &Limits,
) -> Result<(), FileFault> {
    let mut held = HeldBytes::default();
    for chunk in chunks {
        let (start, length) = range_of(chunk).ok_or_else(damaged)?;
        let rows = rows.max(chunk.num_values().max(0) as u64);
        chunk_pages(file, start..start.saturating_add(length), (rows, value_bytes_min(chunk)), &mut held, limits)?;
    }
    held.check(limits)
}

/// The least bytes of a value in a dictionary.
fn value_bytes_min(chunk: &ColumnChunkMetaData) -> u64 {
    match chunk.column_type() {
        Type::BOOLEAN => 1,
        // A string begins with its length.
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(chunk.column_descr().type_length()).unwrap_or(0).max(1),
    }
}

/// Checks the pages of a chunk of at most `rows` rows, whose values take at least `value_bytes_min` bytes.
fn chunk_pages(
    file: &File,
    range: Range<u64>,
    (rows, value_bytes_min): (u64, u64),
    held: &mut HeldBytes,
    limits: &Limits,
) -> Result<(), FileFault> {
    let (mut at, mut pages, mut values, end) = (range.start, 0_u64, 0_u64, range.end);
    let mut largest = (0_u64, 0_u64);
    while at < end {
        let header = page_header(file, at, end)?;
        if header.is_dictionary {
            held.add(header.uncompressed, header.compressed, limits);
            // A reader allocates for as many values as the page claims.
            if header.values.saturating_mul(value_bytes_min) > header.uncompressed && *limits != Limits::NONE {
                return Err(damaged());
            }
        } else {
            values = values.saturating_add(header.values);
            largest = largest.max((header.uncompressed, header.compressed));
        }
        pages += 1;
        at = at.saturating_add(header.length).saturating_add(header.compressed);
        // A writer may make a page without values for an empty chunk.
        if at > end || values > rows || pages > rows.saturating_add(2) {
            return Err(damaged());
        }
    }
    held.add(largest.0, largest.1, limits);
    Ok(())
}

/// The header of a page.
#[derive(Default)]
struct PageHeader {
    /// Bytes of the header itself.
    length: u64,
    uncompressed: u64,
    compressed: u64,
    values: u64,
    is_dictionary: bool,
}

fn page_header(file: &File, at: u64, end: u64) -> Result<PageHeader, FileFault> {
    let mut wanted = HEADER_BYTES;
    loop {
        let available = wanted.min(end - at);
        let mut bytes = vec![0; available as usize];
        read_at(file, at, &mut bytes)?;
        match parse_page_header(&bytes) {
            Some(header) => return Ok(header),
            None if available == wanted && wanted < HEADER_BYTES_MAX => wanted *= 16,
            None => return Err(damaged()),
        }
    }
}

fn parse_page_header(bytes: &[u8]) -> Option<PageHeader> {
    let (mut reader, mut before, mut header) = (ThriftReader::new(bytes), 0, PageHeader::default());
    let (mut last, mut page_type) = (0, None);
    while let Some((number, kind)) = reader.field(&mut before)? {
        // A field that comes twice, or a page of two types, could be read one way here and another way by the reader.
        (number > last).then_some(())?;
        last = number;
        match (number, kind) {
            (1, ThriftType::Integer) => page_type = Some(reader.integer()?),
            (2, ThriftType::Integer) => header.uncompressed = u64::try_from(reader.integer()?).ok()?,
            (3, ThriftType::Integer) => header.compressed = u64::try_from(reader.integer()?).ok()?,
            // Data page, dictionary page, data page of version 2: the first field of each is its number of values.
            (5 | 7 | 8, ThriftType::Struct) => {
                let expected = match page_type? {
                    0 => 5,
                    2 => 7,
                    3 => 8,
                    _ => return None,
                };
                (number == expected).then_some(())?;
                header.is_dictionary = number == 7;
                let mut before = 0;
                while let Some((number, kind)) = reader.field(&mut before)? {
                    match (number, kind) {
                        (1, ThriftType::Integer) => header.values = u64::try_from(reader.integer()?).ok()?,
                        _ => reader.skip(kind)?,
                    }
                }
            }
            _ => reader.skip(kind)?,
        }
    }
    header.length = (bytes.len() - reader.left()) as u64;
    Some(header)
}

fn size_of(file: &File) -> Result<u64, FileFault> {
    file.metadata().map(|metadata| metadata.len()).map_err(|_| damaged())
}

fn read_at(mut file: &File, at: u64, out: &mut [u8]) -> Result<(), FileFault> {
    file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(out)).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A page header of a type and sizes, with structs by the number of their field, each with a number of values.
    fn header(page_type: u8, uncompressed: u64, compressed: u64, structs: &[(u8, u64)]) -> Vec<u8> {
        let mut out = vec![0x15, page_type << 1];
        let put = |out: &mut Vec<u8>, mut value: u64| {
            value <<= 1;
            while value >= 0x80 {
                out.push(value as u8 | 0x80);
                value >>= 7;
            }
            out.push(value as u8);
        };
        for size in [uncompressed, compressed] {
            out.push(0x15);
            put(&mut out, size);
        }
        let mut before = 3;
        for (number, values) in structs {
            out.extend_from_slice(&[(number - before) << 4 | 0x0C, 0x15]);
            put(&mut out, *values);
            out.push(0);
            before = *number;
        }
        out.push(0);
        out
    }

    /// A header, and the number of bytes behind it.
    type Page = (Vec<u8>, usize);
    type Pages = Vec<Page>;

    /// Whether a chunk of these pages, of ten rows of strings, keeps the limits.
    fn holds(pages: &[Page], limits: &Limits) -> bool {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> =
            pages.iter().flat_map(|(header, body)| header.iter().copied().chain(vec![7; *body])).collect();
        file.write_all(&bytes).unwrap();
        let mut held = HeldBytes::default();
        let followed = chunk_pages(&file, 0..bytes.len() as u64, (10, 4), &mut held, limits);
        followed.and_then(|()| held.check(limits)).is_ok()
    }

    #[test]
    fn pages_as_rows() {
        let dictionary = (header(2, 40, 40, &[(7, 10)]), 40);
        let data = (header(0, 20, 20, &[(5, 10)]), 20);
        let cases: [(&str, Pages, bool); 10] = [
            ("sound", vec![dictionary.clone(), data.clone()], true),
            ("version 2", vec![(header(3, 20, 20, &[(8, 10)]), 20)], true),
            ("more values than rows", vec![(header(0, 20, 20, &[(5, 11)]), 20)], false),
            ("a page beyond the chunk", vec![(header(0, 20, 200, &[(5, 10)]), 20)], false),
            ("a size of 2^31-1", vec![(header(0, (1 << 31) - 1, 20, &[(5, 10)]), 20)], false),
            ("a dictionary of 2^31-1", vec![(header(2, (1 << 31) - 1, 20, &[(7, 1)]), 20)], false),
            ("more dictionary values than bytes", vec![(header(2, 40, 40, &[(7, 11)]), 40), data.clone()], false),
            ("a page of two types", vec![(header(2, 40, 40, &[(7, 1 << 30), (8, 1)]), 40)], false),
            ("another type than its struct", vec![(header(0, 40, 40, &[(7, 1)]), 40)], false),
            ("no struct's type", vec![(header(9, 40, 40, &[(5, 1)]), 40)], false),
        ];
        for (case, pages, expected) in cases {
            assert_eq!(holds(&pages, &Limits::FEED), expected, "{case}");
        }
        // The control: without limits the sizes pass.
        assert!(holds(&[(header(0, (1 << 31) - 1, 20, &[(5, 10)]), 20)], &Limits::NONE));
        assert!(holds(&[(header(2, 40, 40, &[(7, 11)]), 40), data], &Limits::NONE));
    }

    #[test]
    fn a_worker_keeps_to_its_share_of_the_memory() {
        // A page that expands ninety times is no bomb, but may exceed a worker's share.
        let page = (header(0, 90 << 20, 1 << 20, &[(5, 10)]), 1 << 20);
        let holds = |memory_bytes, workers| holds(std::slice::from_ref(&page), &Limits::within(memory_bytes, workers));
        assert!(holds(2 << 30, 1) && holds(2 << 30, 5));
        assert!(!holds(2 << 30, 6) && !holds(64 << 20, 1));
        // Never more than the limit of every feed, and never less than the pages of a feed need.
        assert_eq!(Limits::within(64 << 30, 1), Limits::FEED);
        assert_eq!(Limits::within(0, 64).held_bytes, 48 << 20);
    }
}
