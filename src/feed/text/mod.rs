//! Text files as UTF-8, chunk by chunk.
//!
//! Owns: which encoding a file is in, strict decoding, the identifier of a file's content. [`bytes`] owns decompression and
//! byte order marks. Does not own: records, or the meaning of a text. Memory is a few chunks, whatever the size of the file.
//!
//! The encoding is the first of these that applies:
//! 1. UTF-8, where the file begins with its byte order mark;
//! 2. the encoding that the mapping declares;
//! 3. UTF-8, where the whole file is valid UTF-8: a pass over the file decides, since the first character outside ASCII may
//!    come late;
//! 4. GB18030.

mod bytes;

use std::fmt::Write as _;
use std::path::Path;

use encoding_rs::{Decoder, DecoderResult, GB18030};
use sha2::{Digest as _, Sha256};

pub(super) use self::bytes::COMPRESSED_ENDINGS;
use self::bytes::{FileBytes, UTF8_MARK};
use super::reject::{Code, FileFault};

/// Bytes read from a file at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// An encoding of text files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark.
    Utf8,
    /// GB18030, and so GBK and GB 2312.
    Gb18030,
}

/// The text of one file, chunk by chunk.
pub(super) struct TextChunks {
    source: FileBytes,
    decoding: Decoding,
    /// The chunk up to `ready`; behind it the start of a character that the next chunk completes.
    buffer: Vec<u8>,
    ready: usize,
    /// The end of the bytes in `buffer`.
    filled: usize,
    is_ended: bool,
}

enum Decoding {
    /// Bytes are text as they are. They are validated here unless a pass over the file has done it.
    Utf8 { is_validated: bool },
    /// Bytes are read into `raw` and decoded from there.
    Gb18030 { decoder: Box<Decoder>, raw: Vec<u8>, has_begun: bool },
}

impl TextChunks {
    /// Opens a file. Its [`content_id`] comes with it where `wants_id` is set.
    pub(super) fn open(
        path: &Path,
        declared: Option<Encoding>,
        wants_id: bool,
    ) -> Result<(TextChunks, Option<String>), FileFault> {
        let mut source = FileBytes::open(path)?;
        let decoding = match (source.has_mark(), declared) {
            (true, _) | (false, Some(Encoding::Utf8)) => Decoding::Utf8 { is_validated: false },
            (false, Some(Encoding::Gb18030)) => Decoding::gb18030(),
            (false, None) => match check_utf8(&mut source)? {
                Utf8Check::Valid => Decoding::Utf8 { is_validated: true },
                Utf8Check::Cut => Decoding::Utf8 { is_validated: false },
                Utf8Check::Invalid => Decoding::gb18030(),
            },
        };
        let id = if wants_id { Some(content_id(FileBytes::open(path)?)?) } else { None };
        // The pass has read the source, so it is opened again. If the file changes in between, strict decoding fails.
        let source = if declared.is_none() && !source.has_mark() { FileBytes::open(path)? } else { source };
        let text = TextChunks { source, decoding, buffer: Vec::new(), ready: 0, filled: 0, is_ended: false };
        Ok((text, id))
    }

    /// Opens a slice of an uncompressed file that a [`scan`] has found to be UTF-8, from `start` to `end`, which count from
    /// behind its byte order mark.
    pub(super) fn open_slice(path: &Path, start: u64, end: Option<u64>) -> Result<TextChunks, FileFault> {
        let source = FileBytes::open_slice(path, start, end)?;
        let decoding = Decoding::Utf8 { is_validated: true };
        Ok(TextChunks { source, decoding, buffer: Vec::new(), ready: 0, filled: 0, is_ended: false })
    }

    /// The current chunk.
    pub(super) fn chunk(&self) -> &[u8] {
        &self.buffer[..self.ready]
    }

    /// Reads the next chunk in place of the current one; false at the end of the file.
    pub(super) fn advance(&mut self) -> Result<bool, FileFault> {
        self.buffer.resize(CHUNK_BYTES, 0);
        loop {
            if self.is_ended {
                self.ready = 0;
                return Ok(false);
            }
            match &mut self.decoding {
                Decoding::Utf8 { is_validated } => {
                    let is_validated = *is_validated;
                    self.advance_utf8(is_validated)?;
                }
                Decoding::Gb18030 { decoder, raw, has_begun } => {
                    raw.resize(CHUNK_BYTES / 2, 0);
                    let read = self.source.read(raw)?;
                    self.is_ended = read == 0;
                    self.ready = decode(decoder, &raw[..read], self.is_ended, &mut self.buffer)?;
                    if !*has_begun && self.ready > 0 {
                        *has_begun = true;
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

    fn advance_utf8(&mut self, is_validated: bool) -> Result<(), FileFault> {
        self.buffer.copy_within(self.ready..self.filled, 0);
        let kept = self.filled - self.ready;
        let read = self.source.read(&mut self.buffer[kept..])?;
        self.filled = kept + read;
        self.is_ended = read == 0;
        self.ready =
            if is_validated { self.filled } else { utf8_prefix(&self.buffer[..self.filled]).ok_or_else(not_utf8)? };
        if self.is_ended && self.ready < self.filled {
            return Err(cut_character());
        }
        Ok(())
    }
}

impl Decoding {
    fn gb18030() -> Decoding {
        let decoder = Box::new(GB18030.new_decoder_without_bom_handling());
        Decoding::Gb18030 { decoder, raw: Vec::new(), has_begun: false }
    }
}

/// Decodes `raw` into `out` and returns the length of the text; at the end of the file `raw` is empty.
fn decode(decoder: &mut Decoder, raw: &[u8], last: bool, out: &mut [u8]) -> Result<usize, FileFault> {
    // `out` is twice as long as `raw`. Two bytes of GB18030 become at most three of UTF-8; only a run of the byte 0x80,
    // which is no text, could fill it.
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

/// The length of the valid text at the start of `bytes`, without a character that is cut at their end; `None` where they
/// are not UTF-8.
fn utf8_prefix(bytes: &[u8]) -> Option<usize> {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(_) => Some(bytes.len()),
        Err(error) => error.error_len().is_none().then_some(error.valid_up_to()),
    }
}

/// Whether a whole file is UTF-8.
enum Utf8Check {
    Valid,
    /// It is, and ends within a character.
    Cut,
    Invalid,
}

fn check_utf8(source: &mut FileBytes) -> Result<Utf8Check, FileFault> {
    let (mut buffer, mut kept, mut is_ascii) = (vec![0; CHUNK_BYTES], 0, true);
    loop {
        let read = source.read(&mut buffer[kept..])?;
        if read == 0 {
            return Ok(match kept {
                0 => Utf8Check::Valid,
                // One incomplete character after nothing but ASCII is no evidence of UTF-8.
                _ if is_ascii => Utf8Check::Invalid,
                _ => Utf8Check::Cut,
            });
        }
        let filled = kept + read;
        let Some(valid) = utf8_prefix(&buffer[..filled]) else {
            return Ok(Utf8Check::Invalid);
        };
        is_ascii = is_ascii && buffer[..valid].is_ascii();
        buffer.copy_within(valid..filled, 0);
        kept = filled - valid;
    }
}

/// Passes the text of an uncompressed UTF-8 file to `visit`, chunk by chunk, and returns its [`content_id`] where
/// `wants_id` is set. `None` where the file is compressed or not valid UTF-8, or where `visit` returns false, which ends
/// the scan.
pub(super) fn scan(
    path: &Path,
    declared: Option<Encoding>,
    wants_id: bool,
    visit: &mut dyn FnMut(&[u8]) -> bool,
) -> Option<Option<String>> {
    let mut source = FileBytes::open(path).ok()?;
    if source.is_compressed() || (declared == Some(Encoding::Gb18030) && !source.has_mark()) {
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
        if text.contains(&0) || !visit(text) {
            return None;
        }
        if wants_id {
            hash.update(text);
        }
        buffer.copy_within(valid..filled, 0);
        kept = filled - valid;
    }
}

/// The identifier of a file's content: the first 16 hexadecimal digits of the SHA-256 of its bytes, decompressed, not
/// decoded, without a UTF-8 byte order mark. So it is the same for a file and its .gz.
fn content_id(mut source: FileBytes) -> Result<String, FileFault> {
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
