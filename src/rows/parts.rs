//! Rows gathered by parts of accounts: in memory as far as the budget goes, beyond it in temporary files.
//!
//! Owns: the cut of accounts into parts, the budget of waiting rows, the temporary files. A file is unlinked as
//! soon as it is open and enciphered under a key that only this process holds, so nothing readable reaches the
//! disk. Does not own: what is done with a part's rows ([`super::admit`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::AsArray as _;
use arrow::datatypes::{UInt32Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _, StreamCipherSeek as _};

use super::admit::DamagedPart;
use super::codec::{self, Place, Stored};
use super::{Columns, cell_fields};
use crate::error::Error;
use crate::period::Month;

/// How accounts, numbered in the order of their ids, are cut: into parts, which are admitted one at a time, and
/// groups of parts, which are the row groups of the products' Parquet files.
///
/// Both depend on the number of accounts alone: neither memory nor threads may show in a product's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    accounts: u32,
    part_accounts: u32,
    group_parts: u32,
}

/// At most so many parts: each holds an open buffer while the feed is read.
const PARTS_MAX: u32 = 1024;

/// At least so many accounts a group, where there are as many: fewer would make Parquet's row groups mostly headers.
const GROUP_ACCOUNTS_MIN: u32 = 128;

impl Cut {
    /// The cut of so many accounts.
    pub fn new(accounts: u32) -> Cut {
        let part_accounts = accounts.div_ceil(PARTS_MAX).max(1);
        Cut { accounts, part_accounts, group_parts: GROUP_ACCOUNTS_MIN.div_ceil(part_accounts) }
    }

    /// Number of parts.
    pub fn parts(self) -> usize {
        self.accounts.div_ceil(self.part_accounts) as usize
    }

    /// Number of groups.
    pub fn groups(self) -> usize {
        self.parts().div_ceil(self.group_parts as usize)
    }

    /// The part an account belongs to.
    pub fn part_of(self, account: u32) -> usize {
        (account / self.part_accounts) as usize
    }

    /// The accounts of a part.
    pub fn accounts_of(self, part: usize) -> Range<u32> {
        let first = part as u32 * self.part_accounts;
        first.min(self.accounts)..(first + self.part_accounts).min(self.accounts)
    }

    /// The parts of a group.
    pub fn parts_of(self, group: usize) -> Range<usize> {
        let first = group * self.group_parts as usize;
        first.min(self.parts())..(first + self.group_parts as usize).min(self.parts())
    }
}

/// A piece of one part in a temporary file.
struct Piece {
    file: usize,
    offset: u64,
    length: usize,
}

/// A temporary file, enciphered; position and keystream move together.
struct Spill {
    file: File,
    cipher: ChaCha20,
    length: u64,
}

impl Spill {
    fn create(tmp: &Path, key: &[u8; 32], number: usize) -> io::Result<Spill> {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let cipher = ChaCha20::new(&(*key).into(), &nonce.into());
        Ok(Spill { file: tempfile::tempfile_in(tmp)?, cipher, length: 0 })
    }

    /// Appends bytes, which are enciphered in place.
    fn append(&mut self, bytes: &mut [u8]) -> io::Result<u64> {
        let offset = self.length;
        self.apply(offset, bytes)?;
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(offset)
    }

    fn read(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(out)?;
        self.apply(offset, out)
    }

    fn apply(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let full = || io::Error::new(io::ErrorKind::StorageFull, "a temporary file may hold 256 GiB");
        self.cipher.try_seek(offset).map_err(|_| full())?;
        self.cipher.try_apply_keystream(bytes).map_err(|_| full())
    }
}

/// What all gatherers share: rows by bucket, the budget, and where rows go that exceed it.
///
/// A bucket is a part, or a range of months of a part that is too large to be admitted at once.
pub struct Store {
    /// Bytes that waiting rows may take in memory.
    budget_bytes: usize,
    waiting_bytes: AtomicUsize,
    /// Shared with stores that a bucket is divided into.
    spilled_bytes: Arc<AtomicUsize>,
    tmp: PathBuf,
    key: [u8; 32],
    buckets: Vec<Mutex<Bucket>>,
    spills: Mutex<Vec<Arc<Mutex<Spill>>>>,
}

#[derive(Default)]
struct Bucket {
    buffers: Vec<Vec<u8>>,
    pieces: Vec<Piece>,
}

impl Store {
    /// A store of so many buckets. That temporary files can be made is tried at once, not at the first spill.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder takes no files; [`Error::Internal`] where the system gives no random key.
    pub fn new(buckets: usize, budget_bytes: usize, tmp: &Path) -> Result<Store, Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
        tempfile::tempfile_in(tmp).map_err(|error| Error::io("cannot make temporary files in", tmp, error))?;
        Ok(Store {
            budget_bytes,
            waiting_bytes: AtomicUsize::new(0),
            spilled_bytes: Arc::default(),
            tmp: tmp.to_path_buf(),
            key,
            buckets: (0..buckets).map(|_| Mutex::default()).collect(),
            spills: Mutex::default(),
        })
    }

    /// Takes a bucket that is too large to be admitted at once out of this store and into one of its own, with
    /// buckets of at most `bytes_max`, ascending by (account, month). Only a single month of a single account is
    /// ever larger. The rows are read twice and written once; the feed is not read again.
    ///
    /// # Errors
    /// Temporary files that cannot be written or read; [`DamagedPart`].
    pub fn divide(&self, bucket: usize, bytes_max: usize) -> Result<Store, Error> {
        let mut sizes: BTreeMap<(u32, Month), usize> = BTreeMap::new();
        self.visit(bucket, |piece| {
            codec::each(piece, |stored, length| *sizes.entry(stored.key()).or_default() += length)
                .ok_or(DamagedPart)?;
            Ok(())
        })?;
        // The first key of each new bucket.
        let mut starts: Vec<(u32, Month)> = Vec::new();
        let mut filled = 0;
        for (key, size) in sizes {
            if starts.is_empty() || filled + size > bytes_max {
                starts.push(key);
                filled = 0;
            }
            filled += size;
        }
        let left = self.budget_bytes.saturating_sub(self.waiting_bytes.load(Ordering::Relaxed));
        let mut store = Store::new(starts.len(), left, &self.tmp)?;
        store.spilled_bytes = Arc::clone(&self.spilled_bytes);
        let store = Arc::new(store);
        let mut gatherer = Gatherer::new(Arc::clone(&store));
        self.drain(bucket, |piece| {
            let each = |stored: Stored<'_>, _| {
                let bucket = starts.partition_point(|start| *start <= stored.key());
                gatherer.put(bucket.saturating_sub(1), &stored);
            };
            codec::each(piece, each).ok_or(DamagedPart)?;
            gatherer.keep_to_budget()
        })?;
        gatherer.finish()?;
        Arc::into_inner(store).ok_or_else(|| Error::Internal("a divided store is still in use".to_string()))
    }

    /// Number of buckets.
    pub fn buckets(&self) -> usize {
        self.buckets.len()
    }

    /// Bytes that went to temporary files.
    pub fn spilled_bytes(&self) -> usize {
        self.spilled_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of the rows in a bucket.
    pub fn bytes(&self, bucket: usize) -> usize {
        let Some(bucket) = self.buckets.get(bucket) else { return 0 };
        let bucket = lock(bucket);
        let spilled: usize = bucket.pieces.iter().map(|piece| piece.length).sum();
        spilled + bucket.buffers.iter().map(Vec::len).sum::<usize>()
    }

    /// Shows the rows of a bucket, piece by piece, in no particular order, and keeps them.
    ///
    /// # Errors
    /// A temporary file that cannot be read back; whatever `visit` returns.
    pub fn visit(&self, bucket: usize, mut visit: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let Some(bucket) = self.buckets.get(bucket) else { return Ok(()) };
        let bucket = lock(bucket);
        for piece in &bucket.pieces {
            visit(&self.read(piece)?)?;
        }
        bucket.buffers.iter().try_for_each(|buffer| visit(buffer))
    }

    /// Takes the rows of a bucket out of the store, piece by piece, in no particular order.
    ///
    /// # Errors
    /// Those of [`Store::visit`].
    pub fn drain(&self, bucket: usize, mut visit: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let Some(bucket) = self.buckets.get(bucket) else { return Ok(()) };
        let Bucket { buffers, pieces } = std::mem::take(&mut *lock(bucket));
        for piece in &pieces {
            visit(&self.read(piece)?)?;
        }
        for buffer in buffers {
            visit(&buffer)?;
            self.waiting_bytes.fetch_sub(buffer.capacity(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// A copy of all rows of a bucket.
    ///
    /// # Errors
    /// Those of [`Store::visit`].
    pub fn copy(&self, bucket: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(self.bytes(bucket));
        self.visit(bucket, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Takes all rows of a bucket out of the store at once.
    ///
    /// # Errors
    /// Those of [`Store::visit`].
    pub fn take(&self, bucket: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(self.bytes(bucket));
        self.drain(bucket, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    fn read(&self, piece: &Piece) -> Result<Vec<u8>, Error> {
        let spill = lock(&self.spills).get(piece.file).cloned();
        let spill = spill.ok_or_else(|| Error::Internal("a temporary file is missing".to_string()))?;
        let mut bytes = vec![0; piece.length];
        let read = lock(&spill).read(piece.offset, &mut bytes);
        read.map_err(|error| Error::io("cannot read temporary files in", &self.tmp, error))?;
        Ok(bytes)
    }
}

/// One worker's end of the store: buffers of its own, so that rows cross no lock.
pub struct Gatherer {
    store: Arc<Store>,
    buffers: Vec<Vec<u8>>,
    own_bytes: usize,
    spill: Option<(usize, Arc<Mutex<Spill>>)>,
}

/// A gatherer with less than this does not spill: its pieces would be crumbs.
const SPILL_BYTES_MIN: usize = 1 << 20;

impl Gatherer {
    /// An empty gatherer.
    pub fn new(store: Arc<Store>) -> Gatherer {
        let buffers = vec![Vec::new(); store.buckets.len()];
        Gatherer { store, buffers, own_bytes: 0, spill: None }
    }

    /// Adds the rows of a batch of [`super::reduced_schema`], each to the bucket of its account.
    ///
    /// # Errors
    /// A temporary file that cannot be written; a batch of another schema.
    pub fn push(&mut self, batch: &RecordBatch, bucket_of: impl Fn(u32) -> usize) -> Result<(), Error> {
        let other = || Error::Internal("rows of another schema".to_string());
        let columns = ReducedColumns::new(batch).ok_or_else(other)?;
        for index in 0..batch.num_rows() {
            let (account, place, row) = columns.row(index).ok_or_else(other)?;
            self.put(bucket_of(account), &Stored { account, place, row });
        }
        self.keep_to_budget()
    }

    /// Adds one row; [`Gatherer::keep_to_budget`] follows after some.
    pub fn put(&mut self, bucket: usize, stored: &Stored<'_>) {
        let buffer = &mut self.buffers[bucket];
        // Grow by a quarter, not by doubling: the slack of all buffers counts against the budget.
        let room = buffer.capacity() - buffer.len();
        if room < ROW_BYTES_ABOUT + stored.row.txn_id.len() {
            let more = (buffer.len() / 4).max(32 * ROW_BYTES_ABOUT) + stored.row.txn_id.len();
            buffer.reserve_exact(more);
            let grown = buffer.capacity() - buffer.len() - room;
            self.own_bytes += grown;
            self.store.waiting_bytes.fetch_add(grown, Ordering::Relaxed);
        }
        codec::put(buffer, stored.account, stored.place, &stored.row);
    }

    /// Spills if all gatherers together hold too much and this one holds enough to matter.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub fn keep_to_budget(&mut self) -> Result<(), Error> {
        if self.is_over_budget() && self.own_bytes > SPILL_BYTES_MIN {
            // Half of it, from the last bucket down: the first are needed first and so are best kept.
            self.spill(self.own_bytes / 2)?;
        }
        Ok(())
    }

    /// Hands what is left to the store.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub fn finish(mut self) -> Result<(), Error> {
        // What is handed over no longer spills, so it must not leave the others without room.
        if self.is_over_budget() {
            self.spill(0)?;
        }
        for (bucket, buffer) in self.buffers.drain(..).enumerate() {
            if !buffer.is_empty() {
                lock(&self.store.buckets[bucket]).buffers.push(buffer);
            }
        }
        Ok(())
    }

    fn is_over_budget(&self) -> bool {
        self.store.waiting_bytes.load(Ordering::Relaxed) > self.store.budget_bytes
    }

    /// Writes buffers, from the last bucket down, until no more than `keep_bytes` are left.
    fn spill(&mut self, keep_bytes: usize) -> Result<(), Error> {
        let cannot = |error| Error::io("cannot write temporary files in", &self.store.tmp, error);
        let (file, spill) = match self.spill.take() {
            Some(spill) => spill,
            None => {
                let mut spills = lock(&self.store.spills);
                let number = spills.len();
                let spill =
                    Arc::new(Mutex::new(Spill::create(&self.store.tmp, &self.store.key, number).map_err(cannot)?));
                spills.push(Arc::clone(&spill));
                (number, spill)
            }
        };
        let (mut freed, mut written) = (0, 0);
        for (bucket, buffer) in self.buffers.iter_mut().enumerate().rev() {
            if self.own_bytes - freed <= keep_bytes {
                break;
            }
            if buffer.is_empty() {
                continue;
            }
            let mut bytes = std::mem::take(buffer);
            let offset = lock(&spill).append(&mut bytes).map_err(cannot)?;
            lock(&self.store.buckets[bucket]).pieces.push(Piece { file, offset, length: bytes.len() });
            written += bytes.len();
            freed += bytes.capacity();
        }
        self.own_bytes -= freed;
        self.store.waiting_bytes.fetch_sub(freed, Ordering::Relaxed);
        self.store.spilled_bytes.fetch_add(written, Ordering::Relaxed);
        self.spill = Some((file, spill));
        Ok(())
    }
}

/// A row's bytes without its identifier, at most.
pub const ROW_BYTES_ABOUT: usize = 96;

/// A batch of [`super::reduced_schema`], typed.
struct ReducedColumns<'a> {
    account: &'a [u32],
    columns: Columns<'a>,
    file: &'a [u32],
    row: &'a [u64],
}

impl<'a> ReducedColumns<'a> {
    fn new(batch: &'a RecordBatch) -> Option<ReducedColumns<'a>> {
        let (first, rest) = batch.columns().split_first()?;
        let (cell, places) = rest.split_at_checked(cell_fields().len())?;
        let [file, row, ..] = places else { return None };
        Some(ReducedColumns {
            account: first.as_primitive_opt::<UInt32Type>()?.values(),
            columns: Columns::new(cell)?,
            file: file.as_primitive_opt::<UInt32Type>()?.values(),
            row: row.as_primitive_opt::<UInt64Type>()?.values(),
        })
    }

    fn row(&self, index: usize) -> Option<(u32, Place, crate::cell::Row<'a>)> {
        let place = Place { file: self.file[index], row: self.row[index] };
        Some((self.account[index], place, self.columns.row(index)?))
    }
}

/// A lock whose holder cannot have left it half changed: a panicked worker ends the run anyway.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_is_in_one_part_and_one_group() {
        for accounts in [0, 1, 127, 128, 129, 1024, 1025, 10_000, 1_000_003] {
            let cut = Cut::new(accounts);
            assert!(cut.parts() <= PARTS_MAX as usize);
            let mut next = 0;
            for part in (0..cut.groups()).flat_map(|group| cut.parts_of(group)) {
                let numbers = cut.accounts_of(part);
                assert_eq!(numbers.start, next);
                assert!(numbers.clone().all(|account| cut.part_of(account) == part));
                next = numbers.end;
            }
            assert_eq!(next, accounts);
        }
    }

    #[test]
    fn what_is_spilled_comes_back_and_is_not_in_clear() {
        let folder = tempfile::tempdir().unwrap();
        let key = [3; 32];
        let mut spill = Spill::create(folder.path(), &key, 0).unwrap();
        let texts: [&[u8]; 2] = [b"the first piece of rows", b"and a second one of another length"];
        let places = texts.map(|text| (spill.append(&mut text.to_vec()).unwrap(), text));
        for (offset, text) in places.into_iter().rev() {
            let mut read = vec![0; text.len()];
            spill.read(offset, &mut read).unwrap();
            assert_eq!(read, text);
        }
        let mut raw = Vec::new();
        spill.file.seek(SeekFrom::Start(0)).unwrap();
        spill.file.read_to_end(&mut raw).unwrap();
        assert_eq!(raw.len(), texts.iter().map(|text| text.len()).sum::<usize>());
        assert!(!texts.iter().any(|text| raw.windows(5).any(|part| part == &text[..5])));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
