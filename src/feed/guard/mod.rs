//! What a file claims, held against what it is, before a library's reader believes it.
//!
//! Readers of Parquet and Arrow allocate what a file's counts and sizes ask for, recurse as deeply as its schema nests, and
//! inflate whatever a small page expands to. A damaged or hostile file can so take any memory, or end the process where no
//! error can be caught. Owns: the limits, and what is looked at in [`parquet`] and [`ipc`] files to hold them. Does not own:
//! the reading itself ([`super::format`](mod@super::format)).
//!
//! What is not limited here is bounded by the file's own size.

mod compact;
pub mod ipc;
pub mod parquet;

use super::reject::{Code, FileFault};

/// The bounds that a file must keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of a footer, or of one message's description.
    pub description_bytes: u64,
    /// Columns, nested ones included.
    pub columns: usize,
    /// Columns within each other.
    pub depth: usize,
    /// Column chunks of a file: row groups times columns.
    pub chunks: usize,
    /// Rows a byte of file.
    pub rows_per_byte: u64,
    /// What is held at once may be so many times its bytes in the file ...
    pub ratio: u64,
    /// ... and so many bytes beyond that.
    pub free_bytes: u64,
    /// Bytes that are held at once, whatever the file's size: a page and a dictionary of each column of a row group, or an
    /// Arrow batch.
    pub held_bytes: u64,
}

/// What a worker may hold of a file at once however little memory there is: twice a page and a dictionary of 1 MiB for
/// each of a feed's columns.
const HELD_BYTES_MIN: u64 = 48 << 20;

impl Default for Limits {
    fn default() -> Limits {
        Limits::FEED
    }
}

impl Limits {
    /// Those that every file of a feed must keep. Writers make pages of about 1 MiB, and footers of a few kilobytes a row
    /// group.
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

    /// [`Limits::FEED`] for workers that share so much memory: no worker holds more of a file at once than its share of a
    /// quarter, or than [`HELD_BYTES_MIN`] where that is more.
    pub fn within(memory_bytes: usize, workers: usize) -> Limits {
        let share = (memory_bytes / 4 / workers.max(1)) as u64;
        let held_bytes = share.clamp(HELD_BYTES_MIN, Limits::FEED.held_bytes);
        Limits { held_bytes, ..Limits::FEED }
    }

    /// No bounds: what a reader does without them.
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

    /// The same for a file of so many bytes: it can hold no more at once than it may expand to.
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

/// What is held at once, and its bytes in the file.
#[derive(Clone, Copy, Default, Debug)]
struct Held {
    bytes: u64,
    /// Beyond the ratio, added up piece by piece.
    inflated: u64,
}

impl Held {
    fn add(&mut self, bytes: u64, in_file: u64, limits: &Limits) {
        self.bytes = self.bytes.saturating_add(bytes);
        let inflated = bytes.saturating_sub(in_file.saturating_mul(limits.ratio));
        self.inflated = self.inflated.saturating_add(inflated);
    }

    fn check(&self, limits: &Limits) -> Result<(), FileFault> {
        match (self.inflated > limits.free_bytes, self.bytes > limits.held_bytes) {
            (true, _) => Err(too_much("its content expands to more than a hundred times its size")),
            (_, true) => {
                // More memory helps only where the bound is less than that of every feed.
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
