//! The second half of a build: group after group of accounts becomes cells, products and encoded output.
//!
//! Workers take groups in order and the writer takes their output in order, so that the files are the same whoever
//! was faster. **Invariant:** a worker holds one part of rows at a time, and at most [`groups_in_flight`] groups are
//! in work or wait to be written.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{Int32Type, SchemaRef, UInt32Type};
use datafusion::common::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::encode::{Encoded, GroupEncoder, ProductFiles};
use super::reconcile::{AccountCells, Reconciliation};
use crate::account::{Account, mask};
use crate::batch::build::{OutputFormat, ProductPlan};
use crate::cell::depot::Depot;
use crate::engine::Engine;
use crate::engine::functions::cell::CellFunction;
use crate::engine::pipelines;
use crate::error::Error;
use crate::feed::Feed;
use crate::feed::reject::Code;
use crate::observer::Observer;
use crate::period::{Date, Month};
use crate::product::compute_in;
use crate::product::history::History;
use crate::product::value::Product;
use crate::staging::buffer::{Partitioning, RowBuffer};
use crate::staging::dedup::{AccountSums, Deduped, Dropped, Scratch, dedup_in};
use crate::staging::runs_schema;

/// What producing needs.
pub struct Job {
    pub feed: Arc<Feed>,
    pub engine: Engine,
    pub store: Arc<RowBuffer>,
    pub cut: Partitioning,
    /// A part with more bytes of rows is divided before it is deduped.
    pub part_bytes_max: usize,
    pub key_id: u64,
    pub as_of: Date,
    pub plans: Arc<Vec<ProductPlan>>,
    pub formats: Vec<OutputFormat>,
    pub workers: usize,
    pub observer: Arc<dyn Observer>,
    /// The feed is refused already: only conflicts are looked for.
    pub checks_only: bool,
}

/// What all groups came to.
#[derive(Clone, Copy, Default, Debug)]
pub struct Produced {
    pub dropped: Dropped,
    pub accounts_with_rows: u64,
    pub reconciliation: Reconciliation,
}

impl Produced {
    fn add(&mut self, other: &Produced) {
        self.dropped.add(&other.dropped);
        self.accounts_with_rows += other.accounts_with_rows;
        self.reconciliation.add(&other.reconciliation);
    }
}

/// Groups that may be in work or wait to be written.
fn groups_in_flight(workers: usize) -> usize {
    workers + 2
}

/// Encoded pieces of one group that may wait to be written: enough for every file's row group.
const PIECES_WAITING: usize = 4;

/// Encoded output on its way to the writer.
type Sender = mpsc::Sender<Encoded>;

/// Computes and writes all products into files that are not yet in place; `None` where only checks were asked for.
pub async fn produce(job: Job, out: &Path) -> Result<(Produced, Option<ProductFiles>), Error> {
    let groups = job.cut.groups();
    let workers = job.workers.clamp(1, groups.max(1));
    let in_flight = Arc::new(Semaphore::new(groups_in_flight(workers)));
    let (senders, mut receivers): (Vec<_>, Vec<_>) = (0..groups).map(|_| mpsc::channel(PIECES_WAITING)).unzip();
    let senders = Arc::new(senders.into_iter().map(|sender| Mutex::new(Some(sender))).collect::<Vec<_>>());
    let mut files = match job.checks_only {
        true => None,
        false => Some(ProductFiles::create(out, &job.plans, &job.formats)?),
    };
    let encoders = files.as_ref().map(ProductFiles::encoders);
    let shared = Arc::new(Shared { job, senders, encoders, in_flight, next: AtomicUsize::new(0) });
    let tasks: Vec<_> = (0..workers).map(|_| tokio::spawn(work(Arc::clone(&shared)))).collect();
    for receiver in &mut receivers {
        while let Some(encoded) = receiver.recv().await {
            if let Some(files) = &mut files {
                files.write(encoded)?;
            }
        }
        // The group is written, or its worker failed: either way another may begin.
        shared.in_flight.add_permits(1);
    }
    // Of several failures the one of the lowest group is told, whoever met its own first.
    let mut produced = Produced::default();
    let mut failure: Option<(usize, Error)> = None;
    for task in tasks {
        match task.await.map_err(|error| (0, Error::from(error))).flatten() {
            Ok(of_worker) => produced.add(&of_worker),
            Err(other) if failure.as_ref().is_none_or(|(group, _)| other.0 < *group) => failure = Some(other),
            Err(_) => {}
        }
    }
    match failure {
        None => Ok((produced, files)),
        Some((_, error)) => Err(error),
    }
}

/// What the workers share.
struct Shared {
    job: Job,
    /// By group; taken by the worker that takes the group, and dropped with it.
    senders: Arc<Vec<Mutex<Option<Sender>>>>,
    encoders: Option<GroupEncoder>,
    in_flight: Arc<Semaphore>,
    next: AtomicUsize,
}

/// Ends the work of all: no group is taken any more, and the writer waits for none. Done on drop, so that neither an
/// error nor a panic of one worker leaves the others, or the writer, waiting forever.
struct HangUp<'a>(&'a Shared);

impl Drop for HangUp<'_> {
    fn drop(&mut self) {
        self.0.next.store(self.0.senders.len(), Ordering::Relaxed);
        self.0.senders.iter().for_each(|sender| drop(take(sender)));
    }
}

/// Takes group after group until none is left; an error comes with the group that it is of.
async fn work(shared: Arc<Shared>) -> Result<Produced, (usize, Error)> {
    let mut produced = Produced::default();
    loop {
        // The writer gives the permit back once the group is written.
        let permit = Arc::clone(&shared.in_flight).acquire_owned().await;
        permit.map(OwnedSemaphorePermit::forget).map_err(|_| (0, Error::Internal("no permits".to_string())))?;
        let group = shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(sender) = shared.senders.get(group) else { return Ok(produced) };
        let Some(sender) = take(sender) else { return Ok(produced) };
        let hang_up = HangUp(&shared);
        let of_group = produce_group(&shared, group, &sender).await.map_err(|error| (group, error))?;
        std::mem::forget(hang_up);
        produced.add(&of_group);
    }
}

fn take(sender: &Mutex<Option<Sender>>) -> Option<Sender> {
    sender.lock().unwrap_or_else(PoisonError::into_inner).take()
}

async fn produce_group(shared: &Arc<Shared>, group: usize, sender: &Sender) -> Result<Produced, Error> {
    let job = &shared.job;
    let mut rows = GroupRows::new(Arc::clone(shared), group);
    let ledger = Arc::clone(&rows.ledger);
    let Some(encoder) = shared.encoders.as_ref().filter(|_| !job.checks_only) else {
        while rows.next_part()? {}
        return Ok(Produced { dropped: ledger.lock().dropped, ..Produced::default() });
    };
    let numbers = rows.numbers();
    let table = Arc::new(GroupTable { schema: runs_schema(), rows: Mutex::new(Some(rows)) });
    let depot = Arc::new(Depot::default());
    let function = CellFunction::udaf_into(job.key_id, Arc::clone(&depot));
    let plan = pipelines::cells(&job.engine, table, function).await?;
    let mut cells = CellStream { batches: plan.plan.execute(0, plan.context)?, batch: None, row: 0, depot };
    let mut encoding = encoder.begin(group, sender.clone())?;
    let mut produced = Produced::default();
    // Each is filled again for every account.
    let mut products: Vec<Product> = job.plans.iter().map(|plan| Product::new(&plan.dictionary)).collect();
    let mut of_account = AccountCells::default();
    for number in numbers {
        let Some(account) = job.feed.accounts.get(number) else { continue };
        cells.of_account(number, account, &mut of_account).await?;
        // Cells come once all rows of their account were deduped, so its sums are complete by now.
        let sums = ledger.sums_of(number);
        produced.accounts_with_rows += u64::from(sums.rows > 0);
        let products_hold = encode_account(job, account, &of_account, &mut products, &mut encoding).await?;
        produced.reconciliation.check(&sums, &of_account, products_hold);
        cells.depot.reuse(of_account.cells.drain(..).map(|(_, cell)| cell));
        job.observer.advance(1);
    }
    if cells.has_more().await? {
        return Err(Error::Internal("cells of an account that the group does not hold".to_string()));
    }
    encoding.finish().await?;
    produced.dropped = ledger.lock().dropped;
    Ok(produced)
}

/// Computes and encodes all products of an account; whether in each the classes add up to the funds comes back.
async fn encode_account(
    job: &Job,
    account: &Account,
    cells: &AccountCells,
    products: &mut [Product],
    encoding: &mut super::encode::GroupEncoding,
) -> Result<bool, Error> {
    let history = History::new(account, job.as_of, &cells.cells);
    let mut holds = true;
    for (number, (plan, product)) in job.plans.iter().zip(products).enumerate() {
        compute_in(product, plan.dictionary.kind(), account, &history, &plan.context);
        holds &= plan.funds_check.holds(product);
        job.observer.product(account, cells.rows, plan.dictionary.kind(), product);
        encoding.append(number, &account.account_id, product).await?;
    }
    Ok(holds)
}

/// The rows of a group, deduped part after part as they are asked for.
struct GroupRows {
    shared: Arc<Shared>,
    parts: Range<usize>,
    /// A part that was too large, in a store of its own; deduped bucket after bucket.
    divided: Option<Divided>,
    deduped: Option<Deduped>,
    /// The memory of the parts before.
    scratch: Scratch,
    ledger: Arc<Ledger>,
}

/// Rows as pieces of bytes, and the accounts that they are of.
type RowsOf = (Vec<Vec<u8>>, Range<u32>);

/// A part with more bytes of rows is divided, whatever the memory: within a buffer Arrow counts with 32 bits.
const PART_BYTES_MAX: usize = 1 << 30;

struct Divided {
    store: RowBuffer,
    buckets: Range<usize>,
    accounts: Range<u32>,
}

/// What admission found in a group so far; shared with the worker that reads the group's cells.
struct Ledger {
    accounts: Range<u32>,
    found: Mutex<Found>,
}

struct Found {
    /// By account of the group.
    sums: Vec<AccountSums>,
    dropped: Dropped,
}

impl Ledger {
    fn new(accounts: Range<u32>) -> Ledger {
        let sums = vec![AccountSums::default(); accounts.len()];
        Ledger { accounts, found: Mutex::new(Found { sums, dropped: Dropped::default() }) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a part, or a bucket of one, holds of these accounts.
    fn note(&self, accounts: &Range<u32>, deduped: &Deduped) {
        let mut found = self.lock();
        found.dropped.add(&deduped.dropped);
        let first = (accounts.start - self.accounts.start) as usize;
        for (sums, more) in found.sums.iter_mut().skip(first).zip(&deduped.sums) {
            sums.add(more);
        }
    }

    fn sums_of(&self, account: u32) -> AccountSums {
        let place = (account - self.accounts.start) as usize;
        self.lock().sums.get(place).copied().unwrap_or_default()
    }
}

impl GroupRows {
    fn new(shared: Arc<Shared>, group: usize) -> GroupRows {
        let cut = shared.job.cut;
        let parts = cut.parts_of(group);
        let last = parts.end.max(parts.start + 1) - 1;
        let ledger = Arc::new(Ledger::new(cut.accounts_of(parts.start).start..cut.accounts_of(last).end));
        GroupRows { shared, parts, divided: None, deduped: None, scratch: Scratch::default(), ledger }
    }

    /// The accounts of the group.
    fn numbers(&self) -> Range<u32> {
        self.ledger.accounts.clone()
    }

    /// The rows of the next part, or of the next bucket of a part that was too large, and the accounts they are of.
    fn next_rows(&mut self) -> Result<Option<RowsOf>, Error> {
        let job = &self.shared.job;
        loop {
            if let Some(divided) = &mut self.divided {
                if let Some(bucket) = divided.buckets.next() {
                    return Ok(Some((divided.store.take(bucket)?, divided.accounts.clone())));
                }
                self.divided = None;
            }
            let Some(part) = self.parts.next() else { return Ok(None) };
            let accounts = job.cut.accounts_of(part);
            let bytes_max = job.part_bytes_max.min(PART_BYTES_MAX);
            if job.store.bytes(part) <= bytes_max {
                return Ok(Some((job.store.take(part)?, accounts)));
            }
            let store = job.store.divide(part, bytes_max)?;
            self.divided = Some(Divided { buckets: 0..store.buckets(), store, accounts });
        }
    }

    /// Admits the next rows; `false` after the last.
    fn next_part(&mut self) -> Result<bool, Error> {
        // The rows before are let go of first, so that a worker never holds two large parts.
        if let Some(deduped) = self.deduped.take() {
            deduped.leave(&mut self.scratch);
        }
        let Some((pieces, accounts)) = self.next_rows()? else { return Ok(false) };
        let job = &self.shared.job;
        let opened_on = |number: u32| job.feed.accounts.get(number).and_then(|account| account.opened_on);
        let deduped = dedup_in(&mut self.scratch, pieces, accounts.clone(), job.as_of, opened_on)?;
        for (_, place) in &deduped.conflicts {
            if let Some(file) = job.feed.file(place.file) {
                file.rejects().note(Some(place.row), Some("txn_id"), Code::DuplicateConflict);
            }
        }
        self.ledger.note(&accounts, &deduped);
        self.deduped = Some(deduped);
        Ok(true)
    }

    /// The next runs of rows; `None` after the last part.
    fn next_batch(&mut self, runs: usize) -> Result<Option<RecordBatch>, Error> {
        loop {
            if let Some(batch) = self.deduped.as_mut().map(|part| part.next_batch(runs)).transpose()?.flatten() {
                return Ok(Some(batch));
            }
            if !self.next_part()? {
                return Ok(None);
            }
        }
    }
}

/// A group's rows as the only partition of the `runs` table, to be read once.
struct GroupTable {
    schema: SchemaRef,
    rows: Mutex<Option<GroupRows>>,
}

impl std::fmt::Debug for GroupTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GroupTable")
    }
}

impl PartitionStream for GroupTable {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        let batch_rows = context.session_config().batch_size();
        let batches = std::iter::from_fn(move || {
            let batch = rows.as_mut()?.next_batch(batch_rows);
            batch.map_err(|error| DataFusionError::External(Box::new(error))).transpose()
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), futures::stream::iter(batches)))
    }
}

/// The cells of a group, ascending by (account, month), handed out account by account.
struct CellStream {
    batches: SendableRecordBatchStream,
    batch: Option<RecordBatch>,
    row: usize,
    /// Where the cells themselves are.
    depot: Arc<Depot>,
}

impl CellStream {
    /// Fills in the cells of the account with this number; accounts are asked for in ascending order.
    async fn of_account(&mut self, number: u32, account: &Account, found: &mut AccountCells) -> Result<(), Error> {
        found.cells.clear();
        found.rows = 0;
        while self.has_more().await? {
            let Some(batch) = &self.batch else { break };
            let [accounts, months, cells] = batch.columns() else {
                return Err(Error::Internal("cells in other columns than their own".to_string()));
            };
            if accounts.as_primitive::<UInt32Type>().value(self.row) != number {
                break;
            }
            let month = Month(months.as_primitive::<Int32Type>().value(self.row));
            let cell = self.depot.take(cells.as_primitive::<UInt32Type>().value(self.row));
            let cell = cell.ok_or_else(|| Error::Internal("a cell that nobody made".to_string()))?;
            cell.check_range()
                .map_err(|_| Error::Overflow { account: mask(&account.account_id), month: month.to_string() })?;
            found.rows += cell.rows();
            found.cells.push((month, cell));
            self.row += 1;
        }
        Ok(())
    }

    /// Whether a cell is left; then `batch` and `row` point at it.
    async fn has_more(&mut self) -> Result<bool, Error> {
        while self.batch.as_ref().is_none_or(|batch| self.row >= batch.num_rows()) {
            match self.batches.next().await {
                Some(batch) => (self.batch, self.row) = (Some(batch?), 0),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}
