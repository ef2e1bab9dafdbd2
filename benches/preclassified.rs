//! The preclassified build: a build whose input contains the class and the counterparty key, as for the peers.
//!
//! ```text
//! cargo bench --bench preclassified -- PREPARED OUT RUN.json [THREADS [TMP]]
//! ```
//!
//! PREPARED is the peers' input (`peers/prepare.py`): the feed with two additional columns. Like the peers, this build reads
//! ten columns, checks only the types of values, and keeps any one of equal identifiers. The as-of date and the generation
//! time are those of RUN.json, the report of a whole build. From the row buffer on, it is the same as a whole build.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{
    Array as _, ArrayRef, BooleanArray, FixedSizeBinaryArray, Int64Array, StructArray, TimestampMicrosecondArray,
    UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use liushui::account::{Accounts as _, KnownAccount};
use liushui::batch::build::{BuildOptions, build_reduced};
use liushui::class::Class;
use liushui::class::classifier::Classifier;
use liushui::dictionary_column::{ColumnReader, ValueCache};
use liushui::error::Error;
use liushui::feed::Feed;
use liushui::feed::convert::Converter;
use liushui::feed::find::find;
use liushui::feed::format::{FileSlice, OpenOptions, OpenedTable, open};
use liushui::feed::guard::Limits;
use liushui::feed::raw::RawBatch;
use liushui::feed::schema::{Column, ColumnType, TRANSACTIONS};
use liushui::hash_key::{HashKey, WideHasher};
use liushui::intake::Intake;
use liushui::observer::{NoObserver, Observer};
use liushui::period::{Date, SHANGHAI_OFFSET_US, parse_time};
use liushui::staging::buffer::BufferWriter;
use liushui::staging::fingerprint::fingerprint_fields;
use liushui::staging::partition::Partitioning;
use liushui::staging::reduced_schema;

// The allocator of the command.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The columns that the peers read.
const COLUMNS: [Column; 10] = {
    let [account_id, txn_id, booked_at, seq, direction, amount, balance, .., reversal_of] = TRANSACTIONS;
    let class = Column { name: "class", kind: ColumnType::Text, required: true };
    let key = Column { name: "counterparty_key", kind: ColumnType::Text, required: false };
    [account_id, txn_id, booked_at, seq, direction, amount, balance, reversal_of, class, key]
};

/// Builds both products of a prepared feed and returns its number of rows.
pub fn run(options: &BuildOptions) -> Result<usize, Error> {
    let rows = AtomicUsize::new(0);
    let fill = |feed: &Feed, intake: &Intake| {
        let mut slices = Vec::new();
        let opening = OpenOptions { table: &COLUMNS, mapping: None, limits: Limits::FEED };
        for (found, file) in find(&options.transactions)?.iter().zip(0..) {
            let opened = Arc::new(open(found.path(), &opening).map_err(|_| unreadable())?);
            slices.extend(opened.slices().into_iter().map(|slice| (Arc::clone(&opened), file, slice)));
        }
        let next = AtomicUsize::new(0);
        let work = || -> Result<(), Error> {
            let mut writer = intake.writer();
            while let Some(slice) = slices.get(next.fetch_add(1, Ordering::Relaxed)) {
                let of_slice = fill_slice(feed, slice, intake.partitioning(), &mut writer)?;
                rows.fetch_add(of_slice, Ordering::Relaxed);
            }
            Ok(writer.finish()?)
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..options.threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| unreadable())?)
        })
    };
    build_reduced(options, fill, &(Arc::new(NoObserver) as Arc<dyn Observer>))?;
    Ok(rows.into_inner())
}

fn unreadable() -> Error {
    Error::Usage("the prepared feed cannot be read: make it with peers/prepare.py".to_string())
}

fn fill_slice(
    feed: &Feed,
    (opened, file, slice): &(Arc<OpenedTable>, u32, FileSlice),
    partitioning: Partitioning,
    writer: &mut BufferWriter,
) -> Result<usize, Error> {
    let mut reducer = Reducer::new(feed, *file);
    let mut rows = 0;
    for raw in slice.read().map_err(|_| unreadable())?.batches {
        let raw = raw.map_err(|_| unreadable())?;
        rows += raw.batch.num_rows();
        writer.push(&reducer.reduce(&raw, opened).ok_or_else(unreadable)?, |account| {
            partitioning.partition_of(account)
        })?;
    }
    Ok(rows)
}

/// Converts batches of one file to reduced rows, with caches of values.
struct Reducer<'a> {
    feed: &'a Feed,
    file: u32,
    hash_key: HashKey,
    ids: WideHasher,
    account: (ColumnReader, ValueCache<Option<KnownAccount>>),
    direction: (ColumnReader, ValueCache<u8>),
    class: (ColumnReader, ValueCache<u8>),
    key: (ColumnReader, ValueCache<u128>),
    reversal: ColumnReader,
}

impl<'a> Reducer<'a> {
    fn new(feed: &'a Feed, file: u32) -> Reducer<'a> {
        let hash_key = HashKey::from_bytes([7; 32]);
        Reducer {
            feed,
            file,
            ids: hash_key.wide_hasher("row id"),
            hash_key,
            account: Default::default(),
            direction: Default::default(),
            class: Default::default(),
            key: Default::default(),
            reversal: ColumnReader::default(),
        }
    }

    /// `None` where a value is not of its type, which no prepared feed has.
    fn reduce(&mut self, raw: &RawBatch, opened: &OpenedTable) -> Option<RecordBatch> {
        let [account_id, txn_id, booked_at, seq, direction, amount, balance, reversal_of, class, key] = &COLUMNS;
        let mut from = Converter::new(&raw.batch, opened.typing);
        let rows = from.rows();

        let texts = from.texts(account_id, &mut self.account.0);
        let known = self.account.1.get_all(&texts, |ids, found| self.feed.accounts.find_all(ids, found));
        let number = |known| match known {
            Some(KnownAccount::Account(number)) => Some(number),
            _ => None,
        };
        let accounts: Vec<u32> = texts.gather(known, None).into_iter().map(number).collect::<Option<_>>()?;
        let texts = from.texts(direction, &mut self.direction.0);
        let directions = texts.gather(self.direction.1.get(&texts, |direction| u8::from(direction == "D")), 0);
        let texts = from.texts(class, &mut self.class.0);
        // The buffer refuses rows with an unknown class.
        let classes = self.class.1.get(&texts, |name| Class::parse(name).map_or(u8::MAX, |class| class as u8));
        let classes = texts.gather(classes, u8::MAX);
        let texts = from.texts(key, &mut self.key.0);
        let keys = self.key.1.get(&texts, |key| self.hash_key.counterparty(key));
        let keys = texts.gather(keys, 0);
        let nulls = NullBuffer::new(BooleanBuffer::collect_bool(rows, |row| keys[row] != 0));
        let keys: Vec<i128> = keys.into_iter().map(|key| key as i128).collect();
        let keys = FixedSizeBinaryArray::try_new(16, Buffer::from_vec(keys), Some(nulls)).ok()?;

        let ids = from.text(txn_id);
        let id_hashes: Vec<u128> =
            ids.iter().map(|id| self.ids.hash(id.unwrap_or_default().as_bytes()).to_le()).collect();
        let id_hashes = FixedSizeBinaryArray::try_new(16, Buffer::from_vec(id_hashes), None).ok()?;
        let amounts = from.money(amount);
        let reversals = from.texts(reversal_of, &mut self.reversal);
        let reverses = BooleanBuffer::collect_bool(rows, |row| reversals.at(row).is_some());
        let times = TimestampMicrosecondArray::new(from.time(booked_at).values().clone(), None);
        // Rule and evidence are zero: staged rows do not contain them.
        let none: ArrayRef = Arc::new(UInt8Array::from(vec![0; rows]));
        let verdict: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from(classes)),
            Arc::clone(&none),
            Arc::new(UInt16Array::from(vec![0; rows])),
            none,
            Arc::new(keys),
        ];
        // Of equal identifiers any one is kept.
        let fingerprint: Vec<ArrayRef> = vec![Arc::new(id_hashes), Arc::new(UInt64Array::from(vec![0; rows]))];
        let DataType::Struct(verdict_fields) = Classifier::data_type() else { return None };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(accounts)),
            Arc::new(times),
            Arc::new(from.integer(seq)),
            Arc::new(ids),
            Arc::new(UInt8Array::from(directions)),
            Arc::new(BooleanArray::new(reverses, None)),
            Arc::new(Int64Array::new(amounts.values().clone(), None)),
            Arc::new(from.money(balance)),
            Arc::new(StructArray::try_new(verdict_fields, verdict, None).ok()?),
            Arc::new(StructArray::try_new(fingerprint_fields(), fingerprint, None).ok()?),
            Arc::new(UInt32Array::from(vec![self.file; rows])),
            Arc::new((0..rows).map(|row| Some(raw.rows.of(row))).collect::<UInt64Array>()),
        ];
        let is_sound = from.faults.is_none() && columns[3].null_count() == 0;
        is_sound.then(|| RecordBatch::try_new(reduced_schema(), columns).ok())?
    }
}

/// The options of a command line; `None` if it is invalid.
fn parse(arguments: &[String]) -> Option<BuildOptions> {
    let [prepared, out, run, rest @ ..] = arguments else { return None };
    let mut options = options(Path::new(prepared), Path::new(out), Path::new(run))?;
    if let [threads, rest @ ..] = rest {
        options.threads = threads.parse().ok()?;
        options.tmp = rest.first().map_or(options.tmp, PathBuf::from);
    }
    Some(options)
}

/// The options of a build of a prepared feed, with the dates of the report `run`.
pub fn options(prepared: &Path, out: &Path, run: &Path) -> Option<BuildOptions> {
    let run: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(run).ok()?).ok()?;
    let generated_us = parse_time(run["generated_at"].as_str()?)? - SHANGHAI_OFFSET_US;
    let (transactions, accounts) = (prepared.join("transactions"), prepared.join("accounts.parquet"));
    let mut options = BuildOptions::new(transactions, accounts, out.to_path_buf(), generated_us / 1_000_000);
    options.as_of = Some(Date::parse(run["as_of"].as_str()?)?);
    Some(options)
}

#[cfg_attr(test, allow(dead_code, reason = "the tests call what it calls"))]
fn main() -> Result<(), Error> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(options) = parse(&arguments) else {
        println!("give a prepared feed: cargo bench --bench preclassified -- PREPARED OUT RUN.json [THREADS [TMP]]");
        return Ok(());
    };
    println!("{} rows", run(&options)?);
    Ok(())
}
