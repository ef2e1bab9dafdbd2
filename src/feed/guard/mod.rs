//! Limits for hostile and damaged files, checked before a reader of a library trusts a file.
//!
//! Readers of Parquet and Arrow allocate by the counts and sizes that a file claims, recurse as deeply as its schema nests,
//! and decompress a small page to any size. So a file could take all memory, or end the process where no error can be caught.
//! Owns: the limits, and the checks of [`parquet`] and [`ipc`] files against them. Does not own: reading files
//! (`feed::format`).
//!
//! Memory that is not limited here is bounded by the size of the file.

pub mod ipc;
pub mod parquet;
mod thrift;

use super::reject::{Code, FileFault};

/// The bounds that a file must keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of a footer, or of the description of a message.
    pub description_bytes: u64,
    /// Columns, nested ones included.
    pub columns: usize,
    /// The nesting of columns.
    pub depth: usize,
    /// Column chunks of a file: row groups times columns.
    pub chunks: usize,
    /// Rows for each byte of the file.
    pub rows_per_byte: u64,
    /// Bytes in memory at once, as a multiple of their bytes in the file ...
    pub ratio: u64,
    /// ... and the bytes that are allowed beyond that.
    pub free_bytes: u64,
    /// Bytes in memory at once, whatever the size of the file: a page and a dictionary of each column of a row group, or an
    /// Arrow batch.
    pub held_bytes: u64,
}

/// The least bytes of a file that a worker may have in memory at once: twice a page and a dictionary of 1 MiB for each of a
/// feed's columns.
const HELD_BYTES_MIN: u64 = 48 << 20;

impl Default for Limits {
    fn default() -> Limits {
        Limits::FEED
    }
}

impl Limits {
    /// The limits of every file of a feed. For comparison: writers make pages of about 1 MiB, and footers of a few kilobytes
    /// for each row group.
    pub const FEED: Limits = Limits {
        description_bytes: 8 << 20,
        columns: 4_096,
        depth: 16,
        chunks: 65_536,
        rows_per_byte: 64,
        ratio: 100,
        free_bytes: 32 << 20,
        held_bytes: 256 << 20,
    };

    /// [`Limits::FEED`] for workers that share `memory_bytes`. A worker has at most its share of a quarter of them in memory,
    /// or [`HELD_BYTES_MIN`] where that is more.
    pub fn within(memory_bytes: usize, workers: usize) -> Limits {
        let share = (memory_bytes / 4 / workers.max(1)) as u64;
        let held_bytes = share.clamp(HELD_BYTES_MIN, Limits::FEED.held_bytes);
        Limits { held_bytes, ..Limits::FEED }
    }

    /// No limits, as a reader has by itself.
    pub const NONE: Limits = Limits {
        description_bytes: u64::MAX,
        columns: usize::MAX,
        depth: usize::MAX,
        chunks: usize::MAX,
        rows_per_byte: u64::MAX,
        ratio: u64::MAX,
        free_bytes: u64::MAX,
        held_bytes: u64::MAX,
    };

    /// The same for a file of `bytes` bytes, which cannot need more memory than it may expand to.
    pub fn of_file(self, bytes: u64) -> Limits {
        let held_bytes = bytes.saturating_mul(self.ratio).saturating_add(self.free_bytes).min(self.held_bytes);
        Limits { held_bytes, ..self }
    }

    fn description(&self, bytes: u64) -> Result<(), FileFault> {
        match bytes > self.description_bytes {
            true => Err(too_much("its footer, or a message's description, is longer than 8 MiB")),
            false => Ok(()),
        }
    }

    fn rows(&self, rows: u64, bytes: u64) -> Result<(), FileFault> {
        match rows > bytes.saturating_mul(self.rows_per_byte) {
            true => Err(too_much("it claims more rows than its size can hold")),
            false => Ok(()),
        }
    }
}

/// Bytes that a reader has in memory at once.
#[derive(Clone, Copy, Default, Debug)]
struct HeldBytes {
    bytes: u64,
    /// The part of them beyond the ratio, added up piece by piece.
    inflated: u64,
}

impl HeldBytes {
    fn add(&mut self, bytes: u64, in_file: u64, limits: &Limits) {
        self.bytes = self.bytes.saturating_add(bytes);
        let inflated = bytes.saturating_sub(in_file.saturating_mul(limits.ratio));
        self.inflated = self.inflated.saturating_add(inflated);
    }

    fn check(&self, limits: &Limits) -> Result<(), FileFault> {
        match (self.inflated > limits.free_bytes, self.bytes > limits.held_bytes) {
            (true, _) => Err(too_much("its content expands to more than a hundred times its size")),
            (_, true) => {
                // More memory helps only where the limit is below that of every feed.
                let or_memory =
                    if limits.held_bytes < Limits::FEED.held_bytes { ", or give more --memory" } else { "" };
                Err(too_much(&format!(
                    "it needs more than {} MiB at once; write it in smaller row groups, pages or batches{or_memory}",
                    limits.held_bytes >> 20
                )))
            }
            _ => Ok(()),
        }
    }
}

fn too_much(hint: &str) -> FileFault {
    FileFault::whole(Code::UnreadableFile, hint)
}

fn damaged() -> FileFault {
    too_much("its own description of its content is damaged")
}
