//! Checks of Arrow IPC files and streams: of each message before a reader allocates for it.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};

use arrow::ipc::{Field, Message, RecordBatch, root_as_footer, root_as_message};

use super::{HeldBytes, Limits, damaged};
use crate::feed::reject::FileFault;

/// The fields of a schema, or of a field.
type Fields<'a> = Box<dyn Iterator<Item = Field<'a>> + 'a>;

/// Bytes behind the footer of a file: its length and the magic.
const TAIL_BYTES: u64 = 10;

/// A compressed buffer begins with its length before compression.
const PREFIX_BYTES: usize = 8;

/// Checks a file: its footer, and each message that the footer lists.
///
/// # Errors
/// A fault of the file.
pub fn file(mut file: &File, limits: &Limits) -> Result<(), FileFault> {
    let size = file.metadata().map_err(|_| damaged())?.len();
    let mut read = |at: u64, out: &mut [u8]| {
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(out)).map_err(|_| damaged())
    };
    let mut tail = [0; 4];
    read(size.checked_sub(TAIL_BYTES).ok_or_else(damaged)?, &mut tail)?;
    let length = u64::try_from(i32::from_le_bytes(tail)).map_err(|_| damaged())?;
    let start = size.checked_sub(TAIL_BYTES + length).ok_or_else(damaged)?;
    limits.description(length)?;
    let mut footer = vec![0; length as usize];
    read(start, &mut footer)?;
    let footer = root_as_footer(&footer).map_err(|_| damaged())?;
    fields(
        footer.schema().and_then(|schema| Some(Box::new(schema.fields()?.iter()) as Fields<'_>)),
        1,
        &mut 0,
        limits,
    )?;
    let (mut dictionaries, mut rows, mut ranges) = (HeldBytes::default(), 0_u64, Vec::new());
    let blocks = footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten());
    for block in blocks {
        let unsigned = |value: i64| u64::try_from(value).map_err(|_| damaged());
        let (at, body_bytes) = (unsigned(block.offset())?, unsigned(block.bodyLength())?);
        let description_bytes = unsigned(i64::from(block.metaDataLength()))?;
        limits.description(description_bytes)?;
        let body_at = at.checked_add(description_bytes).ok_or_else(damaged)?;
        if body_at.checked_add(body_bytes).is_none_or(|end| end > size) {
            return Err(damaged());
        }
        let mut description = vec![0; description_bytes as usize];
        read(at, &mut description)?;
        let buffers = BodyBuffers::of(unframed(&description), body_bytes, limits)?;
        // Blocks that share bytes would be read many times.
        ranges.push(at..body_at + body_bytes);
        rows = rows.saturating_add(buffers.rows);
        let mut held = buffers.held(dictionaries, limits)?;
        for (offset, length) in &buffers.compressed {
            let mut prefix = [0; PREFIX_BYTES];
            read(body_at + offset, &mut prefix)?;
            add_inflated(&mut held, prefix, *length, limits)?;
        }
        if buffers.is_dictionary {
            dictionaries = held;
        }
    }
    ranges.sort_unstable_by_key(|range| range.start);
    if ranges.windows(2).any(|pair| pair[0].end > pair[1].start) && *limits != Limits::NONE {
        return Err(damaged());
    }
    limits.rows(rows, size)
}

/// Counts the fields of a schema, nested ones included. A reader allocates each of them, even if they share bytes.
fn fields(of: Option<Fields<'_>>, depth: usize, count: &mut usize, limits: &Limits) -> Result<(), FileFault> {
    for field in of.into_iter().flatten() {
        *count += 1;
        if *count > limits.columns || depth > limits.depth {
            return Err(super::too_much("it has more than 4,096 columns, or they are nested too deeply"));
        }
        let children = field.children().map(|fields| Box::new(fields.iter()) as Fields<'_>);
        fields(children, depth + 1, count, limits)?;
    }
    Ok(())
}

/// The description of a message without its frame: a continuation mark and a length.
fn unframed(description: &[u8]) -> &[u8] {
    match description.strip_prefix(&[0xFF; 4]) {
        Some(rest) => rest.get(4..).unwrap_or_default(),
        None => description.get(4..).unwrap_or_default(),
    }
}

/// The buffers of a message's body.
#[derive(Default)]
struct BodyBuffers {
    body_bytes: u64,
    /// The rows of a batch; 0 for a dictionary.
    rows: u64,
    /// Whether it is a dictionary, which a reader keeps.
    is_dictionary: bool,
    /// The offset and length of each compressed buffer that is not empty.
    compressed: Vec<(u64, u64)>,
}

impl BodyBuffers {
    fn of(description: &[u8], body_bytes: u64, limits: &Limits) -> Result<BodyBuffers, FileFault> {
        let message = root_as_message(description).map_err(|_| damaged())?;
        if u64::try_from(message.bodyLength()) != Ok(body_bytes) {
            return Err(damaged());
        }
        let mut buffers = BodyBuffers { body_bytes, ..BodyBuffers::default() };
        let schema = message.header_as_schema().and_then(|schema| schema.fields());
        fields(schema.map(|fields| Box::new(fields.iter()) as Fields<'_>), 1, &mut 0, limits)?;
        if let Some(batch) = batch_of(&message) {
            buffers.is_dictionary = message.header_as_dictionary_batch().is_some();
            buffers.add(batch, description.len() as u64 + body_bytes, limits)?;
        }
        Ok(buffers)
    }

    fn add(&mut self, batch: RecordBatch<'_>, bytes: u64, limits: &Limits) -> Result<(), FileFault> {
        let lengths = batch.nodes().into_iter().flatten().map(|node| node.length()).chain([batch.length()]);
        for length in lengths {
            limits.rows(u64::try_from(length).map_err(|_| damaged())?, bytes)?;
        }
        self.rows = if self.is_dictionary { 0 } else { batch.length().max(0) as u64 };
        if batch.variadicBufferCounts().into_iter().flatten().any(|count| !(0..=1 << 20).contains(&count)) {
            return Err(damaged());
        }
        for buffer in batch.buffers().into_iter().flatten() {
            let unsigned = |value: i64| u64::try_from(value).map_err(|_| damaged());
            let (offset, length) = (unsigned(buffer.offset())?, unsigned(buffer.length())?);
            if offset.checked_add(length).is_none_or(|end| end > self.body_bytes) {
                return Err(damaged());
            }
            if batch.compression().is_some() && length > 0 {
                if length < PREFIX_BYTES as u64 {
                    return Err(damaged());
                }
                self.compressed.push((offset, length));
            }
        }
        Ok(())
    }

    /// The bytes in memory: the whole body, and the dictionaries before it.
    fn held(&self, dictionaries: HeldBytes, limits: &Limits) -> Result<HeldBytes, FileFault> {
        let mut held = dictionaries;
        held.add(self.body_bytes, self.body_bytes, limits);
        held.check(limits)?;
        Ok(held)
    }
}

fn batch_of<'a>(message: &Message<'a>) -> Option<RecordBatch<'a>> {
    message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch()?.data())
}

fn add_inflated(
    held: &mut HeldBytes,
    prefix: [u8; PREFIX_BYTES],
    length: u64,
    limits: &Limits,
) -> Result<(), FileFault> {
    // -1 means that the buffer is not compressed.
    let bytes = match i64::from_le_bytes(prefix) {
        -1 => length,
        claimed => u64::try_from(claimed).map_err(|_| damaged())?,
    };
    held.add(bytes, length, limits);
    held.check(limits)
}

/// A stream that checks each message before the reader gets it.
pub struct GuardedStream<R> {
    inner: R,
    limits: Limits,
    /// Bytes that are checked and not yet returned: the frame and description of a message.
    ready: io::Cursor<Vec<u8>>,
    body: MessageBody,
    /// The dictionaries so far, which the reader keeps.
    dictionaries: HeldBytes,
    /// Rows and bytes of all messages so far.
    rows: u64,
    bytes: u64,
    /// The fault behind an I/O error, which cannot carry it.
    fault: Option<FileFault>,
}

/// The body of a message while it is read.
#[derive(Default)]
struct MessageBody {
    left: u64,
    at: u64,
    /// Compressed buffers, by descending offset, whose first bytes were not read yet.
    ahead: Vec<(u64, u64)>,
    prefix: Vec<u8>,
    held: HeldBytes,
    rows: u64,
    is_dictionary: bool,
}

impl<R: Read> GuardedStream<R> {
    /// A stream with these limits.
    pub fn new(inner: R, limits: Limits) -> GuardedStream<R> {
        let (ready, body, dictionaries) = (io::Cursor::default(), MessageBody::default(), HeldBytes::default());
        GuardedStream { inner, limits, ready, body, dictionaries, rows: 0, bytes: 0, fault: None }
    }

    /// The fault, after reading has failed.
    pub fn take_fault(&mut self) -> Option<FileFault> {
        self.fault.take()
    }

    /// The underlying stream.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// Reads and checks the frame and description of the next message; nothing at the end of the stream.
    fn next_message(&mut self) -> io::Result<()> {
        if self.body.is_dictionary {
            self.dictionaries = self.body.held;
        }
        let mut bytes = Vec::new();
        let head = |inner: &mut R, bytes: &mut Vec<u8>| inner.by_ref().take(4).read_to_end(bytes);
        head(&mut self.inner, &mut bytes)?;
        if bytes == [0xFF; 4] {
            head(&mut self.inner, &mut bytes)?;
        }
        let length =
            bytes.last_chunk::<4>().filter(|_| bytes.len().is_multiple_of(4)).map(|last| i32::from_le_bytes(*last));
        let length = length.filter(|length| *length > 0).unwrap_or(0) as u64;
        if length > 0 {
            self.limits.description(length).map_err(|fault| self.refuse(fault))?;
            let start = bytes.len();
            self.inner.by_ref().take(length).read_to_end(&mut bytes)?;
            // A description that ends early is left to the reader.
            if let Some(description) = bytes.get(start..).filter(|rest| rest.len() as u64 == length) {
                let body = MessageBody::of(description, self.dictionaries, &self.limits);
                self.body = body.map_err(|fault| self.refuse(fault))?;
                self.rows = self.rows.saturating_add(self.body.rows);
                self.bytes = self.bytes.saturating_add(length + self.body.left);
                self.limits.rows(self.rows, self.bytes).map_err(|fault| self.refuse(fault))?;
            }
        }
        self.ready = io::Cursor::new(bytes);
        Ok(())
    }

    fn refuse(&mut self, fault: FileFault) -> io::Error {
        self.fault = Some(fault);
        io::ErrorKind::InvalidData.into()
    }
}

impl MessageBody {
    fn of(description: &[u8], dictionaries: HeldBytes, limits: &Limits) -> Result<MessageBody, FileFault> {
        let message = root_as_message(description).map_err(|_| damaged())?;
        let left = u64::try_from(message.bodyLength()).map_err(|_| damaged())?;
        let mut buffers = BodyBuffers::of(description, left, limits)?;
        let held = buffers.held(dictionaries, limits)?;
        let (rows, is_dictionary) = (buffers.rows, buffers.is_dictionary);
        buffers.compressed.sort_unstable_by_key(|(offset, _)| std::cmp::Reverse(*offset));
        Ok(MessageBody { left, at: 0, ahead: buffers.compressed, prefix: Vec::new(), held, rows, is_dictionary })
    }

    /// Checks bytes of the body before they are returned.
    fn pass(&mut self, mut bytes: &[u8], limits: &Limits) -> Result<(), FileFault> {
        self.left -= bytes.len() as u64;
        while let Some((offset, length)) = self.ahead.last().copied() {
            let wanted = offset + self.prefix.len() as u64;
            // The buffers of a sound file do not overlap.
            let skipped = usize::try_from(wanted.checked_sub(self.at).ok_or_else(damaged)?).map_err(|_| damaged())?;
            let Some(rest) = bytes.get(skipped..).filter(|rest| !rest.is_empty()) else { break };
            let taken = rest.len().min(PREFIX_BYTES - self.prefix.len());
            self.prefix.extend_from_slice(&rest[..taken]);
            self.at += (skipped + taken) as u64;
            bytes = &rest[taken..];
            if let Ok(prefix) = <[u8; PREFIX_BYTES]>::try_from(self.prefix.as_slice()) {
                add_inflated(&mut self.held, prefix, length, limits)?;
                self.prefix.clear();
                self.ahead.pop();
            }
        }
        self.at += bytes.len() as u64;
        Ok(())
    }
}

impl<R: Read> Read for GuardedStream<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.body.left == 0 && self.ready.position() == self.ready.get_ref().len() as u64 && !out.is_empty() {
            self.next_message()?;
        }
        let count = self.ready.read(out)?;
        if count > 0 || self.body.left == 0 {
            return Ok(count);
        }
        let room = out.len().min(usize::try_from(self.body.left).unwrap_or(usize::MAX));
        let count = self.inner.read(&mut out[..room])?;
        let limits = self.limits;
        self.body.pass(&out[..count], &limits).map_err(|fault| self.refuse(fault))?;
        Ok(count)
    }
}
