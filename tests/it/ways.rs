//! Ways to a product: `build`, the kernels called directly in memory, and merged cells of any split of the rows that went
//! through the pipeline. All give the same bytes, on random accounts.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use chrono::{Duration, NaiveDate};
use liushui::account::{Account, Accounts};
use liushui::cell::Cell;
use liushui::class::{Matcher, Rules};
use liushui::engine::table::partition_of;
use liushui::feed::guard::Limits;
use liushui::feed::schema::checked_schema;
use liushui::feed::{Feed, FeedPaths};
use liushui::hash_key::HashKey;
use liushui::intake::{BuildVisitor, Intake, IntakeOptions, Kernels, in_memory};
use liushui::period::{Date, Month};
use liushui::product::dictionary::Dictionary;
use liushui::product::history::History;
use liushui::product::render::{check, json};
use liushui::product::{Context, ProductKind, compute};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::against_reference::{DrawnAccount, accounts_csv, economies, reference_account, rows_of, transactions_csv};
use crate::testing::property;
use crate::util::{GENERATED_AT, TestFeed, run};

/// Random economies for each property; `LIUSHUI_CASES` asks for more of them.
const CASES: u32 = 48;

/// A feed whose products `build` has made, and what the other ways need.
struct Built {
    feed: TestFeed,
    accounts: Arc<dyn Accounts>,
    checked: Vec<RecordBatch>,
    as_of: Date,
    matcher: Arc<Matcher>,
}

impl Built {
    /// `None` where there is no date to take as the as-of date.
    fn new(last: i64, as_of_after: Option<i64>, drawn: &[DrawnAccount], repeats: bool) -> Option<Built> {
        let last = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + Duration::days(last);
        let mut rows: Vec<_> =
            drawn.iter().enumerate().map(|(number, account)| rows_of(number, account, last)).collect();
        if !repeats {
            rows.iter_mut().for_each(|rows| rows.dedup_by(|b, a| a.txn_id == b.txn_id));
        }
        let newest = rows.iter().flatten().map(|row| row.booked_at_us).max();
        let newest = newest.map(|us| chrono::DateTime::from_timestamp_micros(us).unwrap().date_naive());
        let asked = as_of_after.map(|days| last + Duration::days(days));
        let as_of = Date::parse(&asked.or(newest)?.to_string()).unwrap();
        let accounts: Vec<_> =
            drawn.iter().enumerate().map(|(number, account)| reference_account(number, account, last)).collect();

        let feed = TestFeed::csv(&transactions_csv(&rows), &accounts_csv(&accounts));
        let mut options = feed.options();
        options.as_of = Some(as_of);
        let outcome = run(&options).unwrap();
        assert!(outcome.refused_files.is_empty(), "{:?}", outcome.verdict);

        let opened = Feed::open(&FeedPaths {
            transactions: vec![feed.path("transactions.csv")],
            accounts: vec![feed.path("accounts.csv")],
            mapping: None,
            records_from: None,
            limits: Limits::FEED,
        })
        .unwrap();
        let checked = opened.slices().iter().flat_map(|slice| slice.read(|_| ())).map(Result::unwrap).collect();
        let accounts: Arc<dyn Accounts> = Arc::clone(&opened.accounts) as _;
        Some(Built { feed, accounts, checked, as_of, matcher: Arc::new(Matcher::new(&Rules::builtin())) })
    }

    fn kernels(&self, key: &HashKey) -> Kernels {
        Kernels::new(Arc::clone(&self.matcher), Arc::clone(&self.accounts), key.clone(), 0)
    }

    /// Holds the products of these cells, an entry an account, against those of `build`, byte for byte.
    fn compare(&self, cells: &[Vec<(Month, Cell)>]) {
        let context = Context::precompute(self.as_of, GENERATED_AT, &Rules::builtin().version);
        for kind in ProductKind::ALL {
            let dictionary = Dictionary::builtin(kind).unwrap();
            let mut lines = Vec::new();
            for (number, cells) in (0..).zip(cells) {
                let account: Account = self.accounts.account(number).unwrap().into_owned();
                let history = History::new(&account, &context, cells);
                let product = compute(&dictionary, &history);
                let product = check(&dictionary, &product).unwrap();
                json::write(&mut lines, Some(&account.account_id), product, json::Layout::Line).unwrap();
            }
            let built = std::fs::read(self.feed.out(&format!("{}.ndjson", kind.code()))).unwrap();
            assert_eq!(String::from_utf8(lines).unwrap(), String::from_utf8(built).unwrap(), "{}", kind.code());
        }
    }
}

/// The kernels called directly, with no plan, file or runtime, give the products of `build`; repeats included.
#[test]
fn in_memory_is_the_same_as_build() {
    let strategy = (economies(), any::<[u8; 32]>());
    let result = TestRunner::new(property(CASES)).run(&strategy, |((last, as_of, _, drawn), key)| {
        let Some(built) = Built::new(last, as_of, &drawn, true) else { return Ok(()) };
        let kernels = built.kernels(&HashKey::from_bytes(key));
        let batches = built.checked.iter().cloned();
        let found = in_memory::cells(&kernels, &*built.accounts, batches, built.as_of, 64 << 20).unwrap();
        built.compare(&found.cells);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

/// The rows of each account and month may be split in any way: each share goes through the pipeline on its own, and the
/// merged cells give the products of `build`. The plan and the kernels called directly give the same cells, too.
#[test]
fn merged_cells_of_any_split_are_the_same_as_build() {
    let strategy = (economies(), any::<[u8; 32]>(), 1..5_usize, any::<u64>());
    let result = TestRunner::new(property(CASES)).run(&strategy, |(economy, key, shares, seed)| {
        let (last, as_of, _, drawn) = economy;
        let Some(built) = Built::new(last, as_of, &drawn, false) else { return Ok(()) };
        let key = HashKey::from_bytes(key);
        let mut merged: BTreeMap<(u32, Month), Cell> = BTreeMap::new();
        for share in 0..shares {
            let batches: Vec<RecordBatch> =
                built.checked.iter().map(|batch| share_of(batch, share, shares, seed)).collect();
            let direct =
                in_memory::cells(&built.kernels(&key), &*built.accounts, batches.clone(), built.as_of, 64 << 20);
            let direct = direct.unwrap().cells;
            let piped = through_pipeline(&built, &key, batches);
            for (account, months) in (0..).zip(&piped) {
                prop_assert_eq!(months, &direct[account as usize]);
            }
            for (account, months) in (0_u32..).zip(piped) {
                for (month, cell) in months {
                    let empty = || Cell::empty(key.id());
                    merged.entry((account, month)).or_insert_with(empty).merge(cell).unwrap();
                }
            }
        }
        let mut cells = vec![Vec::new(); built.accounts.count() as usize];
        for ((account, month), cell) in merged {
            cells[account as usize].push((month, cell));
        }
        built.compare(&cells);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

/// The rows of a batch that belong to a share.
fn share_of(batch: &RecordBatch, share: usize, shares: usize, seed: u64) -> RecordBatch {
    let of_row = |row: usize| {
        let mixed = (row as u64 ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        mixed % shares as u64 == share as u64
    };
    let keep: BooleanArray = (0..batch.num_rows()).map(|row| Some(of_row(row))).collect();
    filter_record_batch(batch, &keep).unwrap()
}

/// The open cells of these rows by the plans of `pipelines/*.sql`, an entry an account.
fn through_pipeline(built: &Built, key: &HashKey, batches: Vec<RecordBatch>) -> Vec<Vec<(Month, Cell)>> {
    let options = IntakeOptions { memory_bytes: 64 << 20, workers: 2, batch_rows: 64, spill_folder: None };
    let intake = Intake::new(Arc::clone(&built.accounts), built.kernels(key), &options).unwrap();
    let batches = batches.into_iter().map(Ok::<_, arrow::error::ArrowError>);
    let partition = partition_of(checked_schema(), batches);
    intake.read(vec![partition], &BuildVisitor::new(&built.matcher)).unwrap();
    let mut cells = vec![Vec::new(); built.accounts.count() as usize];
    for group in 0..intake.partitioning().groups() {
        let mut of_group = intake.take_group(group, built.as_of).unwrap();
        while let Some(cell) = of_group.next_up_to(u32::MAX).unwrap() {
            let decoded = Cell::decode(cell.figures, cell.rows).unwrap();
            cells[cell.account as usize].push((cell.month, decoded));
        }
    }
    cells
}
