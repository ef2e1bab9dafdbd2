//! A CSV file's bytes as UTF-8 text, chunk by chunk.
//!
//! Owns: decompression (`.gz` and `.zst`, told by name), byte order marks, which encoding a file is in, strict
//! decoding. Does not own: records. Memory is a few chunks, whatever the file holds.
//!
//! The encoding is, in this order: UTF-8 where the file begins with its byte order mark; what the mapping
//! declares; UTF-8 where the whole file is valid UTF-8; GB18030. The third is decided by a pass of its own over
//! the file, so the first character outside ASCII may come as late as it likes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{Decoder, DecoderResult, GB18030};
use sha2::{Digest as _, Sha256};

use super::reject::{Code, FileFault};

/// Bytes read from a file at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Largest window a .zst file may ask for: 32 MiB, as up to `zstd -20`.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;

const UTF8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];
const GZIP_MAGIC: &[u8] = &[0x1F, 0x8B];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];

/// An encoding that a feed's text may be in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark.
    Utf8,
    /// GB18030, and with it GBK and GB 2312.
    Gb18030,
}

/// The text of one file.
pub(super) struct Text {
    source: Source,
    decoding: Decoding,
    /// What is handed out; beyond `ready` stands the start of a character that the next chunk completes.
    buffer: Vec<u8>,
    ready: usize,
    /// End of what `buffer` holds.
    filled: usize,
    ended: bool,
}

enum Decoding {
    /// Bytes are text already; they are validated unless the pass over the file has done so.
    Utf8 { validated: bool },
    /// Raw bytes wait in `raw` until they are decoded.
    Gb18030 { decoder: Box<Decoder>, raw: Vec<u8>, begun: bool },
}

impl Text {
    /// Opens a file's text, and gives its [`content_id`] where that is wanted.
    pub(super) fn open(
        path: &Path,
        declared: Option<Encoding>,
        wants_id: bool,
    ) -> Result<(Text, Option<String>), FileFault> {
        let mut source = Source::open(path)?;
        let decoding = match (source.marked, declared) {
            (true, _) | (false, Some(Encoding::Utf8)) => Decoding::Utf8 { validated: false },
            (false, Some(Encoding::Gb18030)) => Decoding::gb18030(),
            (false, None) => match validity(&mut source)? {
                Validity::Utf8 => Decoding::Utf8 { validated: true },
                Validity::Utf8Cut => Decoding::Utf8 { validated: false },
                Validity::Other => Decoding::gb18030(),
            },
        };
        let id = if wants_id { Some(content_id(Source::open(path)?)?) } else { None };
        // A pass may have read on: begin again. A file that changes in between fails the strict decoding at worst.
        let source = if declared.is_none() && !source.marked { Source::open(path)? } else { source };
        let text = Text { source, decoding, buffer: Vec::new(), ready: 0, filled: 0, ended: false };
        Ok((text, id))
    }

    /// A part of a plain file that a [`pass`] found to be UTF-8, between two places behind its byte order mark.
    pub(super) fn part(path: &Path, start: u64, end: Option<u64>) -> Result<Text, FileFault> {
        let source = Source::part(path, start, end)?;
        let decoding = Decoding::Utf8 { validated: true };
        Ok(Text { source, decoding, buffer: Vec::new(), ready: 0, filled: 0, ended: false })
    }

    /// What the last [`advance`](Text::advance) brought.
    pub(super) fn chunk(&self) -> &[u8] {
        &self.buffer[..self.ready]
    }

    /// Brings the next chunk, which replaces the one before; false at the end of the file.
    pub(super) fn advance(&mut self) -> Result<bool, FileFault> {
        self.buffer.resize(CHUNK_BYTES, 0);
        loop {
            if self.ended {
                self.ready = 0;
                return Ok(false);
            }
            match &mut self.decoding {
                Decoding::Utf8 { validated } => {
                    let validated = *validated;
                    self.advance_utf8(validated)?;
                }
                Decoding::Gb18030 { decoder, raw, begun } => {
                    raw.resize(CHUNK_BYTES / 2, 0);
                    let read = self.source.read(raw)?;
                    self.ended = read == 0;
                    self.ready = decode(decoder, &raw[..read], self.ended, &mut self.buffer)?;
                    if !*begun && self.ready > 0 {
                        *begun = true;
                        // GB18030 has a byte order mark of its own, which decodes to the same character.
                        if self.buffer[..self.ready].starts_with(UTF8_MARK) {
                            self.buffer.copy_within(UTF8_MARK.len()..self.ready, 0);
                            self.ready -= UTF8_MARK.len();
                        }
                    }
                }
            }
            if self.ready > 0 {
                return match self.buffer[..self.ready].contains(&0) {
                    true => Err(has_nul()),
                    false => Ok(true),
                };
            }
        }
    }

    fn advance_utf8(&mut self, validated: bool) -> Result<(), FileFault> {
        self.buffer.copy_within(self.ready..self.filled, 0);
        let kept = self.filled - self.ready;
        let read = self.source.read(&mut self.buffer[kept..])?;
        self.filled = kept + read;
        self.ended = read == 0;
        self.ready =
            if validated { self.filled } else { utf8_prefix(&self.buffer[..self.filled]).ok_or_else(not_utf8)? };
        if self.ended && self.ready < self.filled {
            return Err(cut_character());
        }
        Ok(())
    }
}

impl Decoding {
    fn gb18030() -> Decoding {
        let decoder = Box::new(GB18030.new_decoder_without_bom_handling());
        Decoding::Gb18030 { decoder, raw: Vec::new(), begun: false }
    }
}

/// Decodes `raw` into `out` and says how much text there is; at the end of the file `raw` is empty.
fn decode(decoder: &mut Decoder, raw: &[u8], last: bool, out: &mut [u8]) -> Result<usize, FileFault> {
    // `out` is twice as long as `raw`. Two bytes of GB18030 make at most three of UTF-8; only a run of the byte
    // 0x80, which is no text, could fill it.
    let (result, _, written) = decoder.decode_to_utf8_without_replacement(raw, out, last);
    match result {
        DecoderResult::InputEmpty => Ok(written),
        DecoderResult::Malformed(..) if last => Err(cut_character()),
        DecoderResult::OutputFull | DecoderResult::Malformed(..) => {
            Err(FileFault::whole(Code::BadEncoding, "the text is neither UTF-8 nor GB18030"))
        }
    }
}

fn not_utf8() -> FileFault {
    FileFault::whole(Code::BadEncoding, "the text is not UTF-8, which its byte order mark or the mapping declares")
}

fn cut_character() -> FileFault {
    FileFault::whole(Code::TruncatedFile, "the text ends within a character")
}

/// Length of the valid text that `bytes` begin with, up to a character cut at their end; `None` where they are
/// not UTF-8.
fn utf8_prefix(bytes: &[u8]) -> Option<usize> {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(_) => Some(bytes.len()),
        Err(error) => error.error_len().is_none().then_some(error.valid_up_to()),
    }
}

/// What a pass over a whole file says of its encoding.
enum Validity {
    Utf8,
    /// UTF-8 that ends within a character.
    Utf8Cut,
    Other,
}

fn validity(source: &mut Source) -> Result<Validity, FileFault> {
    let (mut buffer, mut kept, mut ascii) = (vec![0; CHUNK_BYTES], 0, true);
    loop {
        let read = source.read(&mut buffer[kept..])?;
        if read == 0 {
            return Ok(match kept {
                0 => Validity::Utf8,
                // A lone first half of a character, after nothing but ASCII, is no evidence of UTF-8.
                _ if ascii => Validity::Other,
                _ => Validity::Utf8Cut,
            });
        }
        let filled = kept + read;
        let Some(valid) = utf8_prefix(&buffer[..filled]) else {
            return Ok(Validity::Other);
        };
        ascii = ascii && buffer[..valid].is_ascii();
        buffer.copy_within(valid..filled, 0);
        kept = filled - valid;
    }
}

/// Shows a plain file's bytes, without byte order mark, chunk by chunk until `see` says no, and then gives its
/// [`content_id`] where that is wanted. `None` where the file is not plain, not good UTF-8, or `see` said no.
pub(super) fn pass(
    path: &Path,
    declared: Option<Encoding>,
    wants_id: bool,
    see: &mut dyn FnMut(&[u8]) -> bool,
) -> Option<Option<String>> {
    let mut source = Source::open(path).ok()?;
    if source.packed != Packing::None || (declared == Some(Encoding::Gb18030) && !source.marked) {
        return None;
    }
    let (mut hash, mut buffer, mut kept) = (Sha256::new(), vec![0; CHUNK_BYTES], 0);
    loop {
        let read = source.read(&mut buffer[kept..]).ok()?;
        if read == 0 {
            return (kept == 0).then(|| wants_id.then(|| first_digits(hash)));
        }
        let filled = kept + read;
        let valid = utf8_prefix(&buffer[..filled])?;
        let text = &buffer[..valid];
        if text.contains(&0) || !see(text) {
            return None;
        }
        if wants_id {
            hash.update(text);
        }
        buffer.copy_within(valid..filled, 0);
        kept = filled - valid;
    }
}

/// The first 16 hexadecimal digits of the SHA-256 of a file's content, decompressed and before decoding, without
/// a UTF-8 byte order mark: the same for a file and its .gz.
fn content_id(mut source: Source) -> Result<String, FileFault> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; CHUNK_BYTES]);
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    Ok(first_digits(hash))
}

fn first_digits(hash: Sha256) -> String {
    let mut id = String::with_capacity(16);
    for byte in hash.finalize().iter().take(8) {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

fn has_nul() -> FileFault {
    FileFault::whole(
        Code::BadEncoding,
        "it holds NUL bytes, as text in UTF-16 or no text does; send it as UTF-8 or GB18030",
    )
}

/// What is packed may expand to so many times its size; text of a feed packs to a tenth or a thirtieth ...
const RATIO_MAX: u64 = 100;

/// ... and to so many bytes whatever its size.
const EXPANDED_BYTES_FREE: u64 = 64 << 20;

/// A file whose bytes are counted as they are read.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A file's bytes, decompressed, without a UTF-8 byte order mark.
struct Source {
    bytes: Box<dyn Read + Send>,
    packed: Packing,
    /// Bytes of the file that were read, and what they expanded to.
    packed_bytes: Arc<AtomicU64>,
    expanded_bytes: u64,
    /// Bytes that are still to come, where the source ends before the file does.
    left: Option<u64>,
    /// Bytes read ahead for the byte order mark.
    head: Vec<u8>,
    /// The file begins with UTF-8's byte order mark.
    marked: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Source {
    fn open(path: &Path) -> Result<Source, FileFault> {
        // A FIFO would block at its opening already.
        let metadata = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
        if !metadata.is_file() {
            return Err(FileFault::whole(Code::UnreadableFile, "not a regular file"));
        }
        let mut file = File::open(path).map_err(|error| unreadable(&error))?;
        let packed = Packing::of(path);
        let mut magic = Vec::new();
        file.by_ref().take(4).read_to_end(&mut magic).map_err(|error| unreadable(&error))?;
        packed.check(&magic)?;
        let packed_bytes = Arc::new(AtomicU64::new(0));
        let file = Counted { inner: io::Cursor::new(magic).chain(file), count: Arc::clone(&packed_bytes) };
        let bytes: Box<dyn Read + Send> = match packed {
            Packing::None => Box::new(file),
            Packing::Gzip => {
                Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(CHUNK_BYTES, file)))
            }
            Packing::Zstd => {
                let mut decoder = zstd::Decoder::new(file).map_err(|error| unreadable(&error))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|error| unreadable(&error))?;
                Box::new(decoder)
            }
        };
        let (head, marked) = (Vec::new(), false);
        let mut source = Source { bytes, packed, packed_bytes, expanded_bytes: 0, left: None, head, marked };
        let mut head = [0; 3];
        let mut length = 0;
        while length < head.len() {
            let read = source.read(&mut head[length..])?;
            if read == 0 {
                break;
            }
            length += read;
        }
        source.marked = &head[..length] == UTF8_MARK;
        if !source.marked {
            source.head = head[..length].to_vec();
        }
        Ok(source)
    }

    /// A plain file between two places behind its byte order mark.
    fn part(path: &Path, start: u64, end: Option<u64>) -> Result<Source, FileFault> {
        let mut source = Source::open(path)?;
        if source.packed != Packing::None {
            return Err(FileFault::whole(Code::UnreadableFile, "a compressed file has no parts"));
        }
        let mut file = File::open(path).map_err(|error| unreadable(&error))?;
        let mark = if source.marked { UTF8_MARK.len() as u64 } else { 0 };
        file.seek(SeekFrom::Start(mark.saturating_add(start))).map_err(|error| unreadable(&error))?;
        source.bytes = Box::new(file);
        source.head.clear();
        source.left = end.map(|end| end.saturating_sub(start));
        Ok(source)
    }

    /// Reads some bytes; 0 at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, FileFault> {
        if !self.head.is_empty() {
            let taken = self.head.len().min(buffer.len());
            buffer[..taken].copy_from_slice(&self.head[..taken]);
            self.head.drain(..taken);
            return Ok(taken);
        }
        let wanted = self.left.map_or(buffer.len(), |left| left.min(buffer.len() as u64) as usize);
        loop {
            match self.bytes.read(&mut buffer[..wanted]) {
                Ok(0) if wanted > 0 && self.left.is_some() => {
                    return Err(FileFault::whole(Code::TruncatedFile, "the file changed while it was read"));
                }
                Ok(read) => {
                    self.left = self.left.map(|left| left.saturating_sub(read as u64));
                    self.expanded_bytes += read as u64;
                    return self.check_ratio().map(|()| read);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.packed.fault(&error)),
            }
        }
    }
}

impl Source {
    fn check_ratio(&self) -> Result<(), FileFault> {
        let packed_bytes = self.packed_bytes.load(Ordering::Relaxed);
        let is_bomb = self.packed != Packing::None
            && self.expanded_bytes > EXPANDED_BYTES_FREE
            && self.expanded_bytes > packed_bytes.saturating_mul(RATIO_MAX);
        match is_bomb {
            true => {
                let hint = "it expands to more than a hundred times its size; send it as plain CSV if it is right";
                Err(FileFault::whole(Code::UnreadableFile, hint))
            }
            false => Ok(()),
        }
    }
}

impl Packing {
    fn of(path: &Path) -> Packing {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if extension.eq_ignore_ascii_case("gz") => Packing::Gzip,
            Some(extension) if extension.eq_ignore_ascii_case("zst") => Packing::Zstd,
            _ => Packing::None,
        }
    }

    /// Checks the file's first bytes against what its name says.
    fn check(self, magic: &[u8]) -> Result<(), FileFault> {
        let (expected, name) = match self {
            Packing::Gzip => (GZIP_MAGIC, "gzip"),
            Packing::Zstd => (ZSTD_MAGIC, "zstd"),
            Packing::None => {
                let packed = [(GZIP_MAGIC, ".gz"), (ZSTD_MAGIC, ".zst")];
                return match packed.iter().find(|(packed_magic, _)| magic.starts_with(packed_magic)) {
                    Some((_, ending)) => {
                        let hint = format!("the file is compressed: its name should end in `{ending}`");
                        Err(FileFault::whole(Code::UnreadableFile, hint))
                    }
                    None => Ok(()),
                };
            }
        };
        let held = &magic[..magic.len().min(expected.len())];
        if held == expected {
            Ok(())
        } else if expected.starts_with(held) {
            Err(FileFault::whole(Code::TruncatedFile, format!("the {name} file ends within its first bytes")))
        } else {
            Err(FileFault::whole(Code::UnreadableFile, format!("not a {name} file, though its name says so")))
        }
    }

    fn fault(self, error: &io::Error) -> FileFault {
        let name = match self {
            Packing::None => return unreadable(error),
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        };
        if error.kind() == ErrorKind::UnexpectedEof {
            FileFault::whole(Code::TruncatedFile, format!("the {name} data end too early"))
        } else {
            FileFault::whole(Code::UnreadableFile, format!("the {name} data are damaged"))
        }
    }
}

fn unreadable(error: &io::Error) -> FileFault {
    FileFault::whole(Code::UnreadableFile, error.kind().to_string())
}
