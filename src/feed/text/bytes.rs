//! The bytes of a text file.
//!
//! Owns: decompression (`.gz` and `.zst`, by name), the bound on what compressed content expands to, UTF-8's byte order mark.
//! Does not own: encodings.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::CHUNK_BYTES;
use crate::feed::reject::{Code, FileFault};

/// The largest window that a .zst file may ask for: 32 MiB, enough for `zstd -20`.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;

/// The byte order mark of UTF-8.
pub(super) const UTF8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

const GZIP_MAGIC: &[u8] = &[0x1F, 0x8B];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];

/// The most that compressed content may expand to, as a multiple of its size. Text of a feed compresses to a tenth or a
/// thirtieth of its size.
const RATIO_MAX: u64 = 100;

/// Below this many bytes of content the ratio is not checked.
const EXPANDED_BYTES_FREE: u64 = 64 << 20;

/// A reader that counts the bytes that are read.
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

/// The bytes of a file, decompressed, without a UTF-8 byte order mark.
pub(super) struct FileBytes {
    bytes: Box<dyn Read + Send>,
    compression: Compression,
    /// Bytes of the file that were read.
    compressed_bytes: Arc<AtomicU64>,
    /// Bytes of content that they expanded to.
    expanded_bytes: u64,
    /// Bytes still to be read, where the slice ends before the file does.
    left: Option<u64>,
    /// Bytes that were read to find a byte order mark, and are still to be returned.
    head: Vec<u8>,
    has_mark: bool,
}

/// The endings of compressed files, behind the ending of their format.
pub(in crate::feed) const COMPRESSED_ENDINGS: [&str; 2] = [".gz", ".zst"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

impl FileBytes {
    /// Opens a file, compressed as its name says.
    pub(super) fn open(path: &Path) -> Result<FileBytes, FileFault> {
        // Opening a FIFO could block.
        let metadata = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
        if !metadata.is_file() {
            return Err(FileFault::whole(Code::UnreadableFile, "not a regular file"));
        }
        let mut file = File::open(path).map_err(|error| unreadable(&error))?;
        let compression = Compression::of(path);
        let mut magic = Vec::new();
        file.by_ref().take(4).read_to_end(&mut magic).map_err(|error| unreadable(&error))?;
        compression.check(&magic)?;
        let compressed_bytes = Arc::new(AtomicU64::new(0));
        let file = Counted { inner: io::Cursor::new(magic).chain(file), count: Arc::clone(&compressed_bytes) };
        let bytes: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(file),
            Compression::Gzip => {
                Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(CHUNK_BYTES, file)))
            }
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::new(file).map_err(|error| unreadable(&error))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|error| unreadable(&error))?;
                Box::new(decoder)
            }
        };
        let (head, has_mark) = (Vec::new(), false);
        let mut source =
            FileBytes { bytes, compression, compressed_bytes, expanded_bytes: 0, left: None, head, has_mark };
        let mut head = [0; 3];
        let mut length = 0;
        while length < head.len() {
            let read = source.read(&mut head[length..])?;
            if read == 0 {
                break;
            }
            length += read;
        }
        source.has_mark = &head[..length] == UTF8_MARK;
        if !source.has_mark {
            source.head = head[..length].to_vec();
        }
        Ok(source)
    }

    /// Opens an uncompressed file from `start` to `end`, which count from behind its byte order mark.
    pub(super) fn open_slice(path: &Path, start: u64, end: Option<u64>) -> Result<FileBytes, FileFault> {
        let mut source = FileBytes::open(path)?;
        if source.is_compressed() {
            return Err(FileFault::whole(Code::UnreadableFile, "a compressed file has no parts"));
        }
        let mut file = File::open(path).map_err(|error| unreadable(&error))?;
        let mark = if source.has_mark { UTF8_MARK.len() as u64 } else { 0 };
        file.seek(SeekFrom::Start(mark.saturating_add(start))).map_err(|error| unreadable(&error))?;
        source.bytes = Box::new(file);
        source.head.clear();
        source.left = end.map(|end| end.saturating_sub(start));
        Ok(source)
    }

    /// Whether the file begins with the byte order mark of UTF-8.
    pub(super) fn has_mark(&self) -> bool {
        self.has_mark
    }

    /// Whether the file is compressed.
    pub(super) fn is_compressed(&self) -> bool {
        self.compression != Compression::None
    }

    /// Reads some bytes; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, FileFault> {
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
                Err(error) => return Err(self.compression.fault(&error)),
            }
        }
    }

    fn check_ratio(&self) -> Result<(), FileFault> {
        let compressed_bytes = self.compressed_bytes.load(Ordering::Relaxed);
        let is_bomb = self.is_compressed()
            && self.expanded_bytes > EXPANDED_BYTES_FREE
            && self.expanded_bytes > compressed_bytes.saturating_mul(RATIO_MAX);
        match is_bomb {
            true => {
                let hint = "it expands to more than a hundred times its size; send it as plain CSV if it is right";
                Err(FileFault::whole(Code::UnreadableFile, hint))
            }
            false => Ok(()),
        }
    }
}

impl Compression {
    fn of(path: &Path) -> Compression {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if extension.eq_ignore_ascii_case("gz") => Compression::Gzip,
            Some(extension) if extension.eq_ignore_ascii_case("zst") => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// Checks the first bytes of a file against its name.
    fn check(self, magic: &[u8]) -> Result<(), FileFault> {
        let (expected, name) = match self {
            Compression::Gzip => (GZIP_MAGIC, "gzip"),
            Compression::Zstd => (ZSTD_MAGIC, "zstd"),
            Compression::None => {
                let known = [(GZIP_MAGIC, ".gz"), (ZSTD_MAGIC, ".zst")];
                return match known.iter().find(|(known, _)| magic.starts_with(known)) {
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
            Compression::None => return unreadable(error),
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
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
