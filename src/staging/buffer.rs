//! Rows gathered by parts of accounts: in memory as far as the budget goes, beyond it in temporary files.
//!
//! Owns: the cut of accounts into parts, the memory of waiting rows, the temporary files. Rows wait in chunks of one
//! size, so that what is counted is what is allocated: nothing is ever moved to grow, and what one worker lets go of
//! any other can use. Each worker fills chunks of its own, one a part, so rows take no lock. A file is unlinked as soon
//! as it is open and enciphered under a key that only this process holds, so nothing readable reaches the disk. Does not
//! own: what is done with a part's rows ([`super::dedup`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::AsArray as _;
use arrow::datatypes::{UInt32Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _, StreamCipherSeek as _};

use super::codec::{self, Head, Place};
use super::dedup::DamagedRows;
use super::{Columns, MonthOf, cell_fields};
use crate::error::Error;
use crate::period::Month;

/// How accounts, numbered in the order of their ids, are cut: into parts, which are deduped one at a time, and
/// groups of parts, which are the row groups of the products' Parquet files.
///
/// Both depend on the number of accounts alone: neither memory nor threads may show in a product's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Partitioning {
    accounts: u32,
    part_accounts: u32,
    group_parts: u32,
}

/// At most so many parts: each holds an open buffer while the feed is read.
const PARTS_MAX: u32 = 1024;

/// Accounts of a group: at least so many, where there are as many, since fewer would make Parquet's row groups mostly
/// headers; at most so many, since a worker holds a group's columns.
const GROUP_ACCOUNTS: RangeInclusive<u32> = 128..=512;

/// Groups of a feed with accounts enough: workers finish at about the same time where each takes several.
const GROUPS: u32 = 32;

impl Partitioning {
    /// The cut of so many accounts.
    pub fn new(accounts: u32) -> Partitioning {
        let part_accounts = accounts.div_ceil(PARTS_MAX).max(1);
        let group_accounts = (accounts / GROUPS).clamp(*GROUP_ACCOUNTS.start(), *GROUP_ACCOUNTS.end());
        Partitioning { accounts, part_accounts, group_parts: group_accounts.div_ceil(part_accounts) }
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

/// A piece of one bucket in a temporary file: whole rows.
struct Piece {
    file: usize,
    offset: u64,
    length: usize,
}

/// A piece is at most so long, but for a single row that is longer: it is written and read back at once.
const PIECE_BYTES: usize = 1 << 20;

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

/// Memory of waiting rows, counted by what is allocated; shared by a store and those that its buckets are divided into.
struct Memory {
    /// Bytes that waiting rows may take.
    budget_bytes: usize,
    /// Of one chunk; only a row that is larger has a larger one of its own.
    chunk_bytes: usize,
    /// Of all chunks.
    waiting_bytes: AtomicUsize,
    spilled_bytes: AtomicUsize,
    /// Chunks without rows, to be used again whoever allocated them.
    free: Mutex<Vec<Chunk>>,
}

/// Whole rows, one after another. It never grows.
type Chunk = Vec<u8>;

/// A chunk is at most so long: more would only leave more of the last chunks empty.
const CHUNK_BYTES_MAX: usize = 32 << 10;

/// A chunk is at least so long, whatever the budget.
const CHUNK_BYTES_MIN: usize = 1 << 10;

/// Chunks that the budget has room for, for each bucket and worker: the one that a worker fills is half empty, and so at
/// most a thirty-second of the memory is.
const CHUNKS_EACH: usize = 16;

impl Memory {
    fn new(buckets: usize, workers: usize, budget_bytes: usize) -> Memory {
        let chunk_bytes = budget_bytes / (buckets.max(1) * workers.max(1) * CHUNKS_EACH);
        Memory {
            budget_bytes,
            chunk_bytes: chunk_bytes.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX),
            waiting_bytes: AtomicUsize::new(0),
            spilled_bytes: AtomicUsize::new(0),
            free: Mutex::default(),
        }
    }

    /// A chunk with room for so many bytes.
    fn chunk(&self, bytes: usize) -> Chunk {
        let reused = if bytes <= self.chunk_bytes { lock(&self.free).pop() } else { None };
        let chunk = reused.unwrap_or_else(|| Vec::with_capacity(bytes.max(self.chunk_bytes)));
        self.waiting_bytes.fetch_add(chunk.capacity(), Ordering::Relaxed);
        chunk
    }

    /// Takes back a chunk whose rows went elsewhere, to be used again.
    fn reuse(&self, mut chunk: Chunk) {
        self.waiting_bytes.fetch_sub(chunk.capacity(), Ordering::Relaxed);
        if chunk.capacity() == self.chunk_bytes {
            chunk.clear();
            lock(&self.free).push(chunk);
        }
    }

    fn is_over(&self, bytes: usize) -> bool {
        self.waiting_bytes.load(Ordering::Relaxed) > bytes
    }
}

/// Rows by bucket, shared by all writer: in memory within the budget, in temporary files beyond it.
///
/// A bucket is a part, or a range of months of a part that is too large to be deduped at once.
pub struct RowBuffer {
    memory: Arc<Memory>,
    /// Bytes of the chunks in this store's buckets: those that can be spilled.
    held_bytes: AtomicUsize,
    tmp: PathBuf,
    key: [u8; 32],
    buckets: Vec<Mutex<Bucket>>,
    spills: Mutex<Vec<Arc<Mutex<Spill>>>>,
}

#[derive(Default)]
struct Bucket {
    /// In memory: full, or the last that a worker filled.
    chunks: Vec<Chunk>,
    /// In temporary files.
    pieces: Vec<Piece>,
}

impl RowBuffer {
    /// A store of so many buckets, filled by so many workers. That temporary files can be made is tried at once, not at
    /// the first spill.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder takes no files; [`Error::Internal`] where the system gives no random key.
    pub fn new(buckets: usize, workers: usize, budget_bytes: usize, tmp: &Path) -> Result<RowBuffer, Error> {
        RowBuffer::within(Arc::new(Memory::new(buckets, workers, budget_bytes)), buckets, tmp)
    }

    fn within(memory: Arc<Memory>, buckets: usize, tmp: &Path) -> Result<RowBuffer, Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
        tempfile::tempfile_in(tmp).map_err(|error| Error::io("cannot make temporary files in", tmp, error))?;
        Ok(RowBuffer {
            memory,
            held_bytes: AtomicUsize::new(0),
            tmp: tmp.to_path_buf(),
            key,
            buckets: (0..buckets).map(|_| Mutex::default()).collect(),
            spills: Mutex::default(),
        })
    }

    /// Takes a bucket that is too large to be deduped at once out of this store and into one of its own, with
    /// buckets of at most `bytes_max`, ascending by (account, month). Only a single month of a single account is
    /// ever larger. The rows are read twice and written once; the feed is not read again.
    ///
    /// # Errors
    /// Temporary files that cannot be written or read; [`DamagedRows`].
    pub fn divide(&self, bucket: usize, bytes_max: usize) -> Result<RowBuffer, Error> {
        let mut sizes: BTreeMap<(u32, Month), usize> = BTreeMap::new();
        let mut months = MonthOf::default();
        self.visit(bucket, |rows| {
            let count = |head: &Head, row: &[u8]| *sizes.entry(months.key(head)).or_default() += row.len();
            codec::each_head(rows, count).ok_or(DamagedRows)?;
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
        let store = Arc::new(RowBuffer::within(Arc::clone(&self.memory), starts.len(), &self.tmp)?);
        let mut writer = BufferWriter::new(Arc::clone(&store));
        self.drain(bucket, |rows| {
            let each = |head: &Head, row: &[u8]| {
                let key = months.key(head);
                let bucket = starts.partition_point(|start| *start <= key).saturating_sub(1);
                store.append(bucket, &mut writer.open[bucket], row);
            };
            codec::each_head(&rows, each).ok_or(DamagedRows)?;
            writer.keep_to_budget()
        })?;
        writer.finish()?;
        Arc::into_inner(store).ok_or_else(|| Error::Internal("a divided store is still in use".to_string()))
    }

    /// Number of buckets.
    pub fn buckets(&self) -> usize {
        self.buckets.len()
    }

    /// Bytes that went to temporary files.
    pub fn spilled_bytes(&self) -> usize {
        self.memory.spilled_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of the rows in a bucket.
    pub fn bytes(&self, bucket: usize) -> usize {
        let Some(bucket) = self.buckets.get(bucket) else { return 0 };
        let bucket = lock(bucket);
        let spilled: usize = bucket.pieces.iter().map(|piece| piece.length).sum();
        spilled + bucket.chunks.iter().map(Vec::len).sum::<usize>()
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
        bucket.chunks.iter().try_for_each(|chunk| visit(chunk))
    }

    /// Takes the rows of a bucket out of the store, piece by piece, in no particular order.
    ///
    /// # Errors
    /// Those of [`RowBuffer::visit`].
    fn drain(&self, bucket: usize, mut visit: impl FnMut(Chunk) -> Result<(), Error>) -> Result<(), Error> {
        let Some(bucket) = self.buckets.get(bucket) else { return Ok(()) };
        let bucket = std::mem::take(&mut *lock(bucket));
        for piece in &bucket.pieces {
            visit(self.read(piece)?)?;
        }
        for chunk in bucket.chunks {
            let bytes = chunk.capacity();
            visit(chunk)?;
            self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.memory.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes all rows of a bucket out of the store, as pieces of whole rows in no particular order.
    ///
    /// # Errors
    /// Those of [`RowBuffer::visit`].
    pub fn take(&self, bucket: usize) -> Result<Vec<Vec<u8>>, Error> {
        let mut pieces = Vec::new();
        self.drain(bucket, |piece| {
            pieces.push(piece);
            Ok(())
        })?;
        Ok(pieces)
    }

    fn read(&self, piece: &Piece) -> Result<Vec<u8>, Error> {
        let spill = lock(&self.spills).get(piece.file).cloned();
        let spill = spill.ok_or_else(|| Error::Internal("a temporary file is missing".to_string()))?;
        let mut bytes = vec![0; piece.length];
        let read = lock(&spill).read(piece.offset, &mut bytes);
        read.map_err(|error| Error::io("cannot read temporary files in", &self.tmp, error))?;
        Ok(bytes)
    }

    /// Appends a row to a worker's open chunk of a bucket; a chunk without room for it is kept, and another opened.
    #[inline]
    fn append(&self, bucket: usize, open: &mut Chunk, row: &[u8]) {
        if open.capacity() - open.len() < row.len() {
            self.keep(bucket, std::mem::replace(open, self.memory.chunk(row.len())));
        }
        open.extend_from_slice(row);
    }

    /// Puts a chunk into its bucket, if it has rows.
    fn keep(&self, bucket: usize, chunk: Chunk) {
        if !chunk.is_empty() {
            self.held_bytes.fetch_add(chunk.capacity(), Ordering::Relaxed);
            lock(&self.buckets[bucket]).chunks.push(chunk);
        }
    }
}

/// One worker's way into the store: it fills chunks of its own, and has a temporary file of its own.
pub struct BufferWriter {
    store: Arc<RowBuffer>,
    /// Each bucket's chunk that takes the next rows; empty before the first.
    open: Vec<Chunk>,
    /// The batch's rows as bytes, in its order: columns are read from front to back, and only whole rows out of order.
    packed: Vec<u8>,
    /// Where each row ends in `packed`.
    ends: Vec<usize>,
    /// Each row's bucket.
    bucket_of_row: Vec<u32>,
    /// Where each bucket's rows begin in `rows`, and where the last one's end.
    starts: Vec<u32>,
    /// Numbers of rows, by bucket: a bucket's rows of a batch are written one after another, so a line of memory that is
    /// not near by is waited for once.
    rows: Vec<u32>,
    spill: Option<(usize, Arc<Mutex<Spill>>)>,
    /// The next piece of a temporary file.
    piece: Vec<u8>,
}

/// A store with less than this does not spill: its pieces would be crumbs.
const SPILL_BYTES_MIN: usize = 1 << 20;

impl BufferWriter {
    /// An empty writer.
    pub fn new(store: Arc<RowBuffer>) -> BufferWriter {
        let open = store.buckets.iter().map(|_| Chunk::new()).collect();
        BufferWriter {
            store,
            open,
            packed: Vec::new(),
            ends: Vec::new(),
            bucket_of_row: Vec::new(),
            starts: Vec::new(),
            rows: Vec::new(),
            spill: None,
            piece: Vec::new(),
        }
    }

    /// Adds the rows of a batch of [`super::reduced_schema`], each to the bucket of its account.
    ///
    /// # Errors
    /// A temporary file that cannot be written; a batch of another schema.
    pub fn push(&mut self, batch: &RecordBatch, bucket_of: impl Fn(u32) -> usize) -> Result<(), Error> {
        let other = || Error::Internal("rows of another schema".to_string());
        let columns = ReducedColumns::new(batch).ok_or_else(other)?;
        self.sort(columns.account, bucket_of).ok_or_else(other)?;
        self.pack(&columns)?;
        let BufferWriter { store, open, packed, ends, starts, rows, .. } = self;
        for (bucket, (open, range)) in open.iter_mut().zip(starts.windows(2)).enumerate() {
            for row in &rows[range[0] as usize..range[1] as usize] {
                let row = *row as usize;
                let start = if row == 0 { 0 } else { ends[row - 1] };
                store.append(bucket, open, &packed[start..ends[row]]);
            }
        }
        self.keep_to_budget()
    }

    /// Fills `packed` and `ends` anew.
    fn pack(&mut self, columns: &ReducedColumns<'_>) -> Result<(), Error> {
        self.packed.clear();
        self.ends.clear();
        for index in 0..columns.account.len() {
            let row = columns.row(index).ok_or_else(|| Error::Internal("a row of no class".to_string()))?;
            let (account, place, row) = row;
            if !codec::put(&mut self.packed, account, place, &row) {
                return Err(Error::Internal("a row of 4 GiB, or one that stands too far in its feed".to_string()));
            }
            self.ends.push(self.packed.len());
        }
        Ok(())
    }

    /// Counts and lists the rows of a batch by bucket, each bucket's in the batch's order; `None` where a bucket is
    /// none of the store's.
    fn sort(&mut self, accounts: &[u32], bucket_of: impl Fn(u32) -> usize) -> Option<()> {
        self.starts.clear();
        self.starts.resize(self.open.len() + 1, 0);
        self.bucket_of_row.clear();
        for account in accounts {
            let bucket = bucket_of(*account);
            *self.starts[1..].get_mut(bucket)? += 1;
            self.bucket_of_row.push(bucket as u32);
        }
        let mut end = 0;
        for start in &mut self.starts {
            end += *start;
            *start = end;
        }
        // From the back: each start first stands at its bucket's end, and has come down to its begin once all are set.
        self.rows.clear();
        self.rows.resize(accounts.len(), 0);
        for (row, bucket) in self.bucket_of_row.iter().enumerate().rev() {
            let end = &mut self.starts[*bucket as usize + 1];
            *end -= 1;
            self.rows[*end as usize] = row as u32;
        }
        self.starts.rotate_left(1);
        *self.starts.last_mut()? = end;
        Some(())
    }

    /// Spills where rows wait in more than the budget and this store has enough of them to matter.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    fn keep_to_budget(&mut self) -> Result<(), Error> {
        let memory = &self.store.memory;
        if memory.is_over(memory.budget_bytes) && self.store.held_bytes.load(Ordering::Relaxed) > SPILL_BYTES_MIN {
            self.spill(memory.budget_bytes / 4 * 3)?;
        }
        Ok(())
    }

    /// Ends the gathering of this worker.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub fn finish(mut self) -> Result<(), Error> {
        for (bucket, chunk) in std::mem::take(&mut self.open).into_iter().enumerate() {
            self.store.keep(bucket, chunk);
        }
        self.keep_to_budget()?;
        lock(&self.store.memory.free).clear();
        Ok(())
    }

    /// Writes buckets, from the last down, until rows wait in no more than so many bytes. The first buckets are needed
    /// first and so are best kept.
    fn spill(&mut self, keep_bytes: usize) -> Result<(), Error> {
        let store = Arc::clone(&self.store);
        let cannot = |error| Error::io("cannot write temporary files in", &store.tmp, error);
        let (file, spill) = match self.spill.take() {
            Some(spill) => spill,
            None => {
                let mut spills = lock(&store.spills);
                let number = spills.len();
                let spill = Arc::new(Mutex::new(Spill::create(&store.tmp, &store.key, number).map_err(cannot)?));
                spills.push(Arc::clone(&spill));
                (number, spill)
            }
        };
        for bucket in store.buckets.iter().rev() {
            if !store.memory.is_over(keep_bytes) {
                break;
            }
            let chunks = std::mem::take(&mut lock(bucket).chunks);
            let mut chunks = chunks.into_iter().peekable();
            while let Some(chunk) = chunks.next() {
                self.piece.extend_from_slice(&chunk);
                store.held_bytes.fetch_sub(chunk.capacity(), Ordering::Relaxed);
                store.memory.reuse(chunk);
                if chunks.peek().is_some_and(|next| self.piece.len() + next.len() <= PIECE_BYTES) {
                    continue;
                }
                let length = self.piece.len();
                let offset = lock(&spill).append(&mut self.piece).map_err(cannot)?;
                lock(bucket).pieces.push(Piece { file, offset, length });
                store.memory.spilled_bytes.fetch_add(length, Ordering::Relaxed);
                self.piece.clear();
            }
        }
        self.spill = Some((file, spill));
        Ok(())
    }
}

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

    #[inline(always)]
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
            let cut = Partitioning::new(accounts);
            assert!(cut.parts() <= PARTS_MAX as usize);
            // All groups but the last are of one size, and none is cut inside a part.
            let of_group = cut.group_parts * cut.part_accounts;
            let smallest = 128.max((accounts / 32).min(512));
            assert!(of_group >= smallest && of_group < smallest + cut.part_accounts, "{accounts}: {of_group}");
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

    /// A row of this account and day of 1970, with an identifier of so many bytes.
    fn row(account: u32, place: u64, day: i64, text: &str) -> (u32, Place, crate::cell::Row<'_>) {
        let row = crate::cell::Row {
            booked_at_us: day * crate::period::DAY_US,
            seq: None,
            txn_id: text.as_bytes(),
            direction: crate::flow::Direction::In,
            reversal: false,
            amount_fen: 1,
            balance_fen: Some(1),
            class: crate::class::Class::Other,
            counterparty: None,
            fingerprint: crate::cell::Fingerprint { id: place, content: 0 },
        };
        (account, Place { file: 0, row: place }, row)
    }

    /// Rows as a batch of the schema that the pipeline gives.
    fn batch(rows: &[(u32, Place, crate::cell::Row<'_>)]) -> RecordBatch {
        use arrow::array::*;
        let count = rows.len();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.0))),
            Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.2.booked_at_us))),
            Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.2.seq))),
            Arc::new(StringViewArray::from_iter_values(
                rows.iter().map(|row| std::str::from_utf8(row.2.txn_id).unwrap()),
            )),
            Arc::new(UInt8Array::from(vec![0; count])),
            Arc::new(BooleanArray::from(vec![false; count])),
            Arc::new(Int64Array::from(vec![1; count])),
            Arc::new(Int64Array::from(vec![1; count])),
            Arc::new(UInt8Array::from(vec![6; count])),
            Arc::new(FixedSizeBinaryArray::new_null(16, count)),
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.2.fingerprint.id))),
            Arc::new(UInt64Array::from(vec![0; count])),
            Arc::new(UInt32Array::from(vec![0; count])),
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.1.row))),
            Arc::new(UInt16Array::from(vec![0; count])),
            Arc::new(UInt8Array::from(vec![0; count])),
        ];
        RecordBatch::try_new(crate::staging::reduced_schema(), columns).unwrap()
    }

    /// The places of a bucket's rows, ascending, and what the bytes hold of each.
    fn places(pieces: &[Vec<u8>]) -> Vec<(u32, u64, usize)> {
        let mut found = Vec::new();
        for piece in pieces {
            codec::each_head(piece, |head, row| found.push((head.account, head.place.row, row.len()))).unwrap();
        }
        found.sort_unstable();
        found
    }

    const TEXTS: [&str; 3] = ["", "a text", "流水"];

    /// Rows of 40 accounts over half a year pushed by two writer in turn, some of them larger than a chunk.
    fn filled(store: &Arc<RowBuffer>, batches: u64) -> BTreeMap<u32, Vec<(u32, u64, usize)>> {
        let long = "x".repeat(CHUNK_BYTES_MAX + 1);
        let mut expected: BTreeMap<u32, Vec<(u32, u64, usize)>> = BTreeMap::new();
        let mut writer = [BufferWriter::new(Arc::clone(store)), BufferWriter::new(Arc::clone(store))];
        for number in 0..batches {
            let text = |place: u64| if place.is_multiple_of(1999) { long.as_str() } else { TEXTS[place as usize % 3] };
            let rows: Vec<_> = (number * 500..(number + 1) * 500)
                .map(|place| row((place * 7 % 40) as u32, place, (place % 180) as i64, text(place)))
                .collect();
            for (account, place, row) in &rows {
                expected.entry(*account).or_default().push((*account, place.row, codec::length(row)));
            }
            writer[number as usize % 2].push(&batch(&rows), |account| account as usize).unwrap();
        }
        writer.into_iter().for_each(|writer| writer.finish().unwrap());
        expected
    }

    /// What waits is counted as it is allocated, stays within the budget and a spill's least, and every row comes back
    /// once, from wherever it was.
    #[test]
    fn rows_come_back_from_memory_and_files_and_their_memory_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        for (budget, spills) in [(64 << 20, false), (3 << 20, true), (0, true)] {
            let store = Arc::new(RowBuffer::new(40, 2, budget, folder.path()).unwrap());
            let expected = filled(&store, 200);
            assert_eq!(store.spilled_bytes() > 0, spills);
            let allocated = || -> usize {
                store.buckets.iter().map(|bucket| lock(bucket).chunks.iter().map(Vec::capacity).sum::<usize>()).sum()
            };
            let waiting = || store.memory.waiting_bytes.load(Ordering::Relaxed);
            assert_eq!(waiting(), allocated());
            assert_eq!(store.held_bytes.load(Ordering::Relaxed), allocated());
            assert!(waiting() <= budget.max(SPILL_BYTES_MIN), "{budget}");
            for account in 0..40 {
                let rows = &expected[&account];
                assert_eq!(store.bytes(account as usize), rows.iter().map(|row| row.2).sum::<usize>());
                let mut visited = Vec::new();
                let keep = |piece: &[u8]| {
                    visited.push(piece.to_vec());
                    Ok(())
                };
                store.visit(account as usize, keep).unwrap();
                assert_eq!(&places(&visited), rows);
                assert_eq!(&places(&store.take(account as usize).unwrap()), rows);
                assert!(store.take(account as usize).unwrap().is_empty());
            }
            assert_eq!((waiting(), allocated()), (0, 0));
        }
    }

    /// A bucket divided has the same rows in buckets that ascend, none above the limit but a single month.
    #[test]
    fn a_divided_bucket_holds_the_same_rows_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for (budget, limit) in [(64 << 20, 40_000), (3 << 20, 40_000), (3 << 20, 1), (0, 1 << 30)] {
            let store = Arc::new(RowBuffer::new(1, 1, budget, folder.path()).unwrap());
            let rows: Vec<_> =
                (0..30_000).map(|place| row((place % 3) as u32, place, (place * 11 % 180) as i64, "t")).collect();
            let mut writer = BufferWriter::new(Arc::clone(&store));
            rows.chunks(1000).for_each(|rows| writer.push(&batch(rows), |_| 0).unwrap());
            writer.finish().unwrap();
            let mut expected: Vec<_> = rows.iter().map(|(of, at, row)| (*of, at.row, codec::length(row))).collect();
            expected.sort_unstable();

            let divided = store.divide(0, limit).unwrap();
            assert_eq!(store.bytes(0), 0);
            assert_eq!(divided.buckets() > 1, limit < 1 << 30);
            let (mut found, mut last) = (Vec::new(), None);
            for bucket in 0..divided.buckets() {
                let bytes = divided.bytes(bucket);
                let pieces = divided.take(bucket).unwrap();
                let (mut keys, mut calendar) = (Vec::new(), MonthOf::default());
                for piece in &pieces {
                    codec::each_head(piece, |head, _| keys.push(calendar.key(head))).unwrap();
                }
                keys.sort_unstable();
                keys.dedup();
                assert!(last < keys.first().copied());
                last = keys.last().copied();
                assert!(bytes <= limit || keys.len() == 1);
                found.extend(places(&pieces));
            }
            found.sort_unstable();
            assert_eq!(found, expected);
            assert_eq!(store.memory.waiting_bytes.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn a_row_of_no_bucket_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = BufferWriter::new(Arc::new(RowBuffer::new(2, 1, 1 << 20, folder.path()).unwrap()));
        let rows = [row(1, 1, 1, "")];
        assert!(writer.push(&batch(&rows), |account| account as usize).is_ok());
        assert!(writer.push(&batch(&rows), |account| account as usize + 1).is_err());
    }
}
