//! The row buffer: holds rows by partitions of accounts, in memory up to a budget and beyond it in spill files.
//!
//! Owns: the memory of waiting rows, and which of them are spilled. Rows wait in chunks of one size, so the counted bytes
//! are the allocated ones: no chunk is moved to grow, and a chunk that one worker frees can be filled by any other. Each
//! worker fills chunks of its own, one a partition, so rows take no lock. Does not own: the spill files ([`super::spill`])
//! or the repeats among a partition's rows ([`super::dedup`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::record_batch::RecordBatch;

use super::codec::{self, Head};
use super::error::{DamagedRows, StagingError};
use super::spill::SpillFile;
use super::{MonthOf, RowColumns};
use crate::period::Month;

/// Rows of one bucket in a spill file: whole rows.
struct SpillChunk {
    file: usize,
    offset: u64,
    length: usize,
}

/// Largest size of a spill chunk, unless a single row is larger: a chunk is written and read back at once.
const SPILL_CHUNK_BYTES: usize = 1 << 20;

/// Memory of waiting rows, counted by allocated bytes; shared by a buffer and those that its buckets are divided into.
struct BufferMemory {
    /// Bytes that waiting rows may take.
    budget_bytes: usize,
    /// Size of a chunk; only a single larger row gets a larger chunk of its own.
    chunk_bytes: usize,
    /// Allocated bytes of all chunks with rows.
    waiting_bytes: AtomicUsize,
    spilled_bytes: AtomicUsize,
    /// Empty chunks, reused by any worker.
    free: Mutex<Vec<Chunk>>,
}

/// Whole rows, one after another. It never grows.
type Chunk = Vec<u8>;

/// Largest size of a chunk: with more, only the unused space of the open chunks would grow.
const CHUNK_BYTES_MAX: usize = 32 << 10;

/// Smallest size of a chunk, whatever the budget.
const CHUNK_BYTES_MIN: usize = 1 << 10;

/// Chunks of each bucket and worker within the budget. The open chunk is half empty on average, so a thirty-second of the
/// memory is unused.
const CHUNKS_EACH: usize = 16;

impl BufferMemory {
    fn new(buckets: usize, workers: usize, budget_bytes: usize) -> BufferMemory {
        let chunk_bytes = budget_bytes / (buckets.max(1) * workers.max(1) * CHUNKS_EACH);
        BufferMemory {
            budget_bytes,
            chunk_bytes: chunk_bytes.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX),
            waiting_bytes: AtomicUsize::new(0),
            spilled_bytes: AtomicUsize::new(0),
            free: Mutex::default(),
        }
    }

    /// A chunk with space for this many bytes.
    fn chunk(&self, bytes: usize) -> Chunk {
        let reused = if bytes <= self.chunk_bytes { lock(&self.free).pop() } else { None };
        let chunk = reused.unwrap_or_else(|| Vec::with_capacity(bytes.max(self.chunk_bytes)));
        self.waiting_bytes.fetch_add(chunk.capacity(), Ordering::Relaxed);
        chunk
    }

    /// Takes back a chunk whose rows are stored elsewhere, for reuse.
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

/// Rows by bucket, shared by all writers: in memory within the budget, in spill files beyond it.
///
/// A bucket is a partition, or a range of months of a partition that is too large to be deduplicated at once.
pub struct RowBuffer {
    memory: Arc<BufferMemory>,
    /// Bytes of the chunks in this buffer's buckets: those that can be spilled.
    held_bytes: AtomicUsize,
    /// `None`: rows beyond the budget are an error.
    spill_folder: Option<PathBuf>,
    key: [u8; 32],
    buckets: Vec<Mutex<Bucket>>,
    spill_files: Mutex<Vec<Arc<Mutex<SpillFile>>>>,
}

#[derive(Default)]
struct Bucket {
    /// In memory: full chunks, and the last of each worker.
    chunks: Vec<Chunk>,
    /// In temporary files.
    spilled: Vec<SpillChunk>,
}

impl RowBuffer {
    /// A buffer for this many buckets and workers. Rows beyond the budget are spilled to files in the given folder; without
    /// one they are an error. A file is created there at once, so that a folder that is not writable is an error before the
    /// first row is read.
    ///
    /// # Errors
    /// [`StagingError::Io`] where the folder is not writable; [`StagingError::Internal`] where the system has no random
    /// numbers.
    pub fn new(
        buckets: usize,
        workers: usize,
        budget_bytes: usize,
        spill_folder: Option<&Path>,
    ) -> Result<RowBuffer, StagingError> {
        RowBuffer::within(Arc::new(BufferMemory::new(buckets, workers, budget_bytes)), buckets, spill_folder)
    }

    fn within(
        memory: Arc<BufferMemory>,
        buckets: usize,
        spill_folder: Option<&Path>,
    ) -> Result<RowBuffer, StagingError> {
        let mut key = [0; 32];
        if let Some(folder) = spill_folder {
            getrandom::fill(&mut key).map_err(|_| StagingError::Internal("the system has no random numbers"))?;
            let file = tempfile::tempfile_in(folder);
            file.map_err(|error| io_error("cannot make temporary files in", folder, error))?;
        }
        Ok(RowBuffer {
            memory,
            held_bytes: AtomicUsize::new(0),
            spill_folder: spill_folder.map(Path::to_path_buf),
            key,
            buckets: (0..buckets).map(|_| Mutex::default()).collect(),
            spill_files: Mutex::default(),
        })
    }

    /// Moves a bucket that is too large to be deduplicated at once into a buffer of its own, with buckets of at most
    /// `bytes_max`, ascending by (account, month). Only a single month of a single account can be larger. The
    /// rows are read twice and written once; the feed is not read a second time.
    ///
    /// # Errors
    /// Temporary files that cannot be written or read; [`DamagedRows`].
    pub fn divide(&self, bucket: usize, bytes_max: usize) -> Result<RowBuffer, StagingError> {
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
        let divided =
            Arc::new(RowBuffer::within(Arc::clone(&self.memory), starts.len(), self.spill_folder.as_deref())?);
        let mut writer = BufferWriter::new(Arc::clone(&divided));
        self.drain(bucket, |rows| {
            let each = |head: &Head, row: &[u8]| {
                let key = months.key(head);
                let bucket = starts.partition_point(|start| *start <= key).saturating_sub(1);
                divided.append(bucket, &mut writer.open[bucket], row);
            };
            codec::each_head(&rows, each).ok_or(DamagedRows)?;
            writer.keep_to_budget()
        })?;
        writer.finish()?;
        Arc::into_inner(divided).ok_or(StagingError::Internal("a divided buffer is still in use"))
    }

    /// Number of buckets.
    pub fn buckets(&self) -> usize {
        self.buckets.len()
    }

    /// Bytes written to temporary files.
    pub fn spilled_bytes(&self) -> usize {
        self.memory.spilled_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of the rows in a bucket.
    pub fn bytes(&self, bucket: usize) -> usize {
        let Some(bucket) = self.buckets.get(bucket) else { return 0 };
        let bucket = lock(bucket);
        let spilled: usize = bucket.spilled.iter().map(|chunk| chunk.length).sum();
        spilled + bucket.chunks.iter().map(Vec::len).sum::<usize>()
    }

    /// Visits the rows of a bucket, chunk by chunk, in no particular order. The rows stay in the buffer.
    ///
    /// # Errors
    /// A temporary file that cannot be read back; the errors of `visit`.
    pub fn visit(
        &self,
        bucket: usize,
        mut visit: impl FnMut(&[u8]) -> Result<(), StagingError>,
    ) -> Result<(), StagingError> {
        let Some(bucket) = self.buckets.get(bucket) else { return Ok(()) };
        let bucket = lock(bucket);
        for chunk in &bucket.spilled {
            visit(&self.read(chunk)?)?;
        }
        bucket.chunks.iter().try_for_each(|chunk| visit(chunk))
    }

    /// Takes the rows of a bucket out of the buffer, chunk by chunk, in no particular order.
    ///
    /// # Errors
    /// Those of [`RowBuffer::visit`].
    fn drain(
        &self,
        bucket: usize,
        mut visit: impl FnMut(Chunk) -> Result<(), StagingError>,
    ) -> Result<(), StagingError> {
        let Some(bucket) = self.buckets.get(bucket) else { return Ok(()) };
        let bucket = std::mem::take(&mut *lock(bucket));
        for chunk in &bucket.spilled {
            visit(self.read(chunk)?)?;
        }
        for chunk in bucket.chunks {
            let bytes = chunk.capacity();
            visit(chunk)?;
            self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.memory.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes all rows of a bucket out of the buffer, as chunks of whole rows in no particular order.
    ///
    /// # Errors
    /// Those of [`RowBuffer::visit`].
    pub fn take(&self, bucket: usize) -> Result<Vec<Vec<u8>>, StagingError> {
        let mut chunks = Vec::new();
        self.drain(bucket, |chunk| {
            chunks.push(chunk);
            Ok(())
        })?;
        Ok(chunks)
    }

    fn read(&self, chunk: &SpillChunk) -> Result<Vec<u8>, StagingError> {
        let file = lock(&self.spill_files).get(chunk.file).cloned();
        let (Some(file), Some(folder)) = (file, &self.spill_folder) else {
            return Err(StagingError::Internal("a spill file is missing"));
        };
        let mut bytes = vec![0; chunk.length];
        let read = lock(&file).read(chunk.offset, &mut bytes);
        read.map_err(|error| io_error("cannot read temporary files in", folder, error))?;
        Ok(bytes)
    }

    /// Appends a row to a worker's open chunk of a bucket; a chunk without space for it is moved into its bucket, and
    /// another is opened.
    #[inline]
    fn append(&self, bucket: usize, open: &mut Chunk, row: &[u8]) {
        if open.capacity() - open.len() < row.len() {
            self.keep(bucket, std::mem::replace(open, self.memory.chunk(row.len())));
        }
        open.extend_from_slice(row);
    }

    /// Moves a chunk into its bucket, if it has rows.
    fn keep(&self, bucket: usize, chunk: Chunk) {
        if !chunk.is_empty() {
            self.held_bytes.fetch_add(chunk.capacity(), Ordering::Relaxed);
            lock(&self.buckets[bucket]).chunks.push(chunk);
        }
    }
}

/// Writes the rows of one worker, into chunks and a spill file of its own.
pub struct BufferWriter {
    buffer: Arc<RowBuffer>,
    /// The open chunk of each bucket; empty before the first row.
    open: Vec<Chunk>,
    /// The encoded rows of the batch, in its order: columns are read from front to back, and only whole rows are copied out
    /// of order.
    packed: Vec<u8>,
    /// The end of each row in `packed`.
    ends: Vec<usize>,
    /// Each row's bucket.
    bucket_of_row: Vec<u32>,
    /// The start of each bucket's rows in `rows`, and the end of the last one's.
    starts: Vec<u32>,
    /// Numbers of rows, by bucket: a bucket's rows of a batch are written one after another, so there is at most one cache
    /// miss per bucket and batch.
    rows: Vec<u32>,
    spill: Option<(usize, Arc<Mutex<SpillFile>>)>,
    /// The next chunk of the spill file.
    spill_chunk: Vec<u8>,
}

/// A buffer with fewer bytes does not spill: its spill chunks would be too small.
const SPILL_BYTES_MIN: usize = 1 << 20;

impl BufferWriter {
    /// An empty writer.
    pub fn new(buffer: Arc<RowBuffer>) -> BufferWriter {
        let open = buffer.buckets.iter().map(|_| Chunk::new()).collect();
        BufferWriter {
            buffer,
            open,
            packed: Vec::new(),
            ends: Vec::new(),
            bucket_of_row: Vec::new(),
            starts: Vec::new(),
            rows: Vec::new(),
            spill: None,
            spill_chunk: Vec::new(),
        }
    }

    /// Adds the rows of a batch of [`super::reduced_schema`], each to the bucket of its account.
    ///
    /// # Errors
    /// A temporary file that cannot be written; a batch of another schema.
    pub fn push(&mut self, batch: &RecordBatch, bucket_of: impl Fn(u32) -> usize) -> Result<(), StagingError> {
        let other = || StagingError::Internal("rows of another schema");
        let columns = RowColumns::new(batch).ok_or_else(other)?;
        self.sort(columns.accounts(), bucket_of).ok_or_else(other)?;
        self.pack(&columns)?;
        let BufferWriter { buffer, open, packed, ends, starts, rows, .. } = self;
        for (bucket, (open, range)) in open.iter_mut().zip(starts.windows(2)).enumerate() {
            for row in &rows[range[0] as usize..range[1] as usize] {
                let row = *row as usize;
                let start = if row == 0 { 0 } else { ends[row - 1] };
                buffer.append(bucket, open, &packed[start..ends[row]]);
            }
        }
        self.keep_to_budget()
    }

    /// Encodes the rows of a batch into `packed` and `ends`.
    fn pack(&mut self, columns: &RowColumns<'_>) -> Result<(), StagingError> {
        self.packed.clear();
        self.ends.clear();
        for index in 0..columns.accounts().len() {
            let row = columns.row(index).ok_or(StagingError::Internal("a row with an unknown class"))?;
            let (account, place) = columns.place(index);
            if !codec::put(&mut self.packed, account, place, &row) {
                return Err(StagingError::Internal(
                    "a row of 4 GiB, or beyond the files and rows that the codec can encode",
                ));
            }
            self.ends.push(self.packed.len());
        }
        Ok(())
    }

    /// Counts and lists the rows of a batch by bucket, each bucket's in the batch's order; `None` where the
    /// buffer has no such bucket.
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
        // From the back: each start begins at its bucket's end and is decremented for each row down to the bucket's start.
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

    /// Spills if waiting rows exceed the budget and this buffer has enough of them.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    fn keep_to_budget(&mut self) -> Result<(), StagingError> {
        let memory = &self.buffer.memory;
        if memory.is_over(memory.budget_bytes) && self.buffer.held_bytes.load(Ordering::Relaxed) > SPILL_BYTES_MIN {
            self.spill(memory.budget_bytes / 4 * 3)?;
        }
        Ok(())
    }

    /// Moves the open chunks of this worker into their buckets.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub fn finish(mut self) -> Result<(), StagingError> {
        for (bucket, chunk) in std::mem::take(&mut self.open).into_iter().enumerate() {
            self.buffer.keep(bucket, chunk);
        }
        self.keep_to_budget()?;
        lock(&self.buffer.memory.free).clear();
        Ok(())
    }

    /// Writes buckets to this worker's spill file, from the last bucket down, until waiting rows take at most this many
    /// bytes. The first buckets are read first, so they are spilled last.
    fn spill(&mut self, keep_bytes: usize) -> Result<(), StagingError> {
        let buffer = Arc::clone(&self.buffer);
        let Some(folder) = &buffer.spill_folder else {
            return Err(StagingError::OutOfMemory { budget_bytes: buffer.memory.budget_bytes });
        };
        let cannot = |error| io_error("cannot write temporary files in", folder, error);
        let (number, file) = match self.spill.take() {
            Some(spill) => spill,
            None => {
                let mut files = lock(&buffer.spill_files);
                let number = files.len();
                let file = Arc::new(Mutex::new(SpillFile::create(folder, &buffer.key, number).map_err(cannot)?));
                files.push(Arc::clone(&file));
                (number, file)
            }
        };
        for bucket in buffer.buckets.iter().rev() {
            if !buffer.memory.is_over(keep_bytes) {
                break;
            }
            let chunks = std::mem::take(&mut lock(bucket).chunks);
            let mut chunks = chunks.into_iter().peekable();
            while let Some(chunk) = chunks.next() {
                self.spill_chunk.extend_from_slice(&chunk);
                buffer.held_bytes.fetch_sub(chunk.capacity(), Ordering::Relaxed);
                buffer.memory.reuse(chunk);
                if chunks.peek().is_some_and(|next| self.spill_chunk.len() + next.len() <= SPILL_CHUNK_BYTES) {
                    continue;
                }
                let length = self.spill_chunk.len();
                let offset = lock(&file).append(&mut self.spill_chunk).map_err(cannot)?;
                lock(bucket).spilled.push(SpillChunk { file: number, offset, length });
                buffer.memory.spilled_bytes.fetch_add(length, Ordering::Relaxed);
                self.spill_chunk.clear();
            }
        }
        self.spill = Some((number, file));
        let spilled_bytes = buffer.memory.spilled_bytes.load(Ordering::Relaxed);
        tracing::debug!(spilled_bytes, budget_bytes = buffer.memory.budget_bytes, "rows were spilled");
        Ok(())
    }
}

fn io_error(action: &'static str, folder: &Path, source: std::io::Error) -> StagingError {
    StagingError::Io { action, path: folder.to_path_buf(), source }
}

/// Locks a mutex. Poison is ignored, because a worker that panicked ends the run anyway.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staging::codec::Place;

    /// A row of this account and day of 1970, with this identifier.
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
            fingerprint: crate::cell::Fingerprint { id: u128::from(place), content: 0 },
        };
        (account, Place { file: 0, row: place }, row)
    }

    /// Rows as a batch of the schema that the pipeline gives.
    fn batch(rows: &[(u32, Place, crate::cell::Row<'_>)]) -> RecordBatch {
        use arrow::array::*;
        let count = rows.len();
        let ids = rows.iter().map(|row| row.2.fingerprint.id.to_le_bytes());
        let schema = crate::staging::reduced_schema();
        let of_struct = |name: &str, columns: Vec<ArrayRef>| -> ArrayRef {
            let arrow::datatypes::DataType::Struct(fields) = schema.field_with_name(name).unwrap().data_type() else {
                panic!("`{name}` is no struct")
            };
            Arc::new(StructArray::new(fields.clone(), columns, None))
        };
        let verdict: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from(vec![6; count])),
            Arc::new(UInt8Array::from(vec![0; count])),
            Arc::new(UInt16Array::from(vec![0; count])),
            Arc::new(UInt8Array::from(vec![0; count])),
            Arc::new(FixedSizeBinaryArray::new_null(16, count)),
        ];
        let fingerprint: Vec<ArrayRef> = vec![
            Arc::new(FixedSizeBinaryArray::try_from_iter(ids).unwrap()),
            Arc::new(UInt64Array::from(vec![0; count])),
        ];
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
            of_struct("verdict", verdict),
            of_struct("fingerprint", fingerprint),
            Arc::new(UInt32Array::from(vec![0; count])),
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.1.row))),
        ];
        RecordBatch::try_new(schema, columns).unwrap()
    }

    /// Account, data row and encoded size of each of a bucket's rows, ascending.
    fn places(chunks: &[Vec<u8>]) -> Vec<(u32, u64, usize)> {
        let mut found = Vec::new();
        for chunk in chunks {
            codec::each_head(chunk, |head, row| found.push((head.account, head.place.row, row.len()))).unwrap();
        }
        found.sort_unstable();
        found
    }

    const TEXTS: [&str; 3] = ["", "a text", "流水"];

    /// Rows of 40 accounts over half a year, pushed by two writers in turn, some of them larger than a chunk.
    fn filled(buffer: &Arc<RowBuffer>, batches: u64) -> BTreeMap<u32, Vec<(u32, u64, usize)>> {
        let long = "x".repeat(CHUNK_BYTES_MAX + 1);
        let mut expected: BTreeMap<u32, Vec<(u32, u64, usize)>> = BTreeMap::new();
        let mut writer = [BufferWriter::new(Arc::clone(buffer)), BufferWriter::new(Arc::clone(buffer))];
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

    /// Waiting rows are counted by allocated bytes and stay within the budget plus the smallest spill; every row is returned
    /// once, from memory or from a file.
    #[test]
    fn rows_come_back_from_memory_and_files_and_their_memory_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        for (budget, spills) in [(64 << 20, false), (3 << 20, true), (0, true)] {
            let buffer = Arc::new(RowBuffer::new(40, 2, budget, Some(folder.path())).unwrap());
            let expected = filled(&buffer, 200);
            assert_eq!(buffer.spilled_bytes() > 0, spills);
            let allocated = || -> usize {
                buffer.buckets.iter().map(|bucket| lock(bucket).chunks.iter().map(Vec::capacity).sum::<usize>()).sum()
            };
            let waiting = || buffer.memory.waiting_bytes.load(Ordering::Relaxed);
            assert_eq!(waiting(), allocated());
            assert_eq!(buffer.held_bytes.load(Ordering::Relaxed), allocated());
            assert!(waiting() <= budget.max(SPILL_BYTES_MIN), "{budget}");
            for account in 0..40 {
                let rows = &expected[&account];
                assert_eq!(buffer.bytes(account as usize), rows.iter().map(|row| row.2).sum::<usize>());
                let mut visited = Vec::new();
                let keep = |chunk: &[u8]| {
                    visited.push(chunk.to_vec());
                    Ok(())
                };
                buffer.visit(account as usize, keep).unwrap();
                assert_eq!(&places(&visited), rows);
                assert_eq!(&places(&buffer.take(account as usize).unwrap()), rows);
                assert!(buffer.take(account as usize).unwrap().is_empty());
            }
            assert_eq!((waiting(), allocated()), (0, 0));
        }
    }

    /// A divided bucket has the same rows in ascending buckets; only a single month may be above the limit.
    #[test]
    fn a_divided_bucket_holds_the_same_rows_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for (budget, limit) in [(64 << 20, 40_000), (3 << 20, 40_000), (3 << 20, 1), (0, 1 << 30)] {
            let buffer = Arc::new(RowBuffer::new(1, 1, budget, Some(folder.path())).unwrap());
            let rows: Vec<_> =
                (0..30_000).map(|place| row((place % 3) as u32, place, (place * 11 % 180) as i64, "t")).collect();
            let mut writer = BufferWriter::new(Arc::clone(&buffer));
            rows.chunks(1000).for_each(|rows| writer.push(&batch(rows), |_| 0).unwrap());
            writer.finish().unwrap();
            let mut expected: Vec<_> = rows.iter().map(|(of, at, row)| (*of, at.row, codec::length(row))).collect();
            expected.sort_unstable();

            let divided = buffer.divide(0, limit).unwrap();
            assert_eq!(buffer.bytes(0), 0);
            assert_eq!(divided.buckets() > 1, limit < 1 << 30);
            let (mut found, mut last) = (Vec::new(), None);
            for bucket in 0..divided.buckets() {
                let bytes = divided.bytes(bucket);
                let chunks = divided.take(bucket).unwrap();
                let (mut keys, mut calendar) = (Vec::new(), MonthOf::default());
                for chunk in &chunks {
                    codec::each_head(chunk, |head, _| keys.push(calendar.key(head))).unwrap();
                }
                keys.sort_unstable();
                keys.dedup();
                assert!(last < keys.first().copied());
                last = keys.last().copied();
                assert!(bytes <= limit || keys.len() == 1);
                found.extend(places(&chunks));
            }
            found.sort_unstable();
            assert_eq!(found, expected);
            assert_eq!(buffer.memory.waiting_bytes.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn a_row_of_no_bucket_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = BufferWriter::new(Arc::new(RowBuffer::new(2, 1, 1 << 20, Some(folder.path())).unwrap()));
        let rows = [row(1, 1, 1, "")];
        assert!(writer.push(&batch(&rows), |account| account as usize).is_ok());
        assert!(writer.push(&batch(&rows), |account| account as usize + 1).is_err());
    }
}
