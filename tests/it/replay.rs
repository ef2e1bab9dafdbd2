//! The replay: the rows of a feed in booking order, whatever the order of its files, and when they are due. The products of a
//! replayed feed are those of the feed.

use std::cell::Cell;
use std::io::{BufRead as _, BufReader, Cursor, Write as _};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use arrow::array::AsArray as _;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use liushui::batch::replay::pace::{Clock, NoPauses, Speed};
use liushui::batch::replay::{Destination, ReplayOptions};
use liushui::error::Error;
use liushui::feed::typed::transactions_schema;
use liushui::observer::NoObserver;

use crate::util::{ACCOUNTS_HEADER, TestFeed, USCC, program};

fn replay(feed: &TestFeed, transactions: &str, more: &[&str]) -> Output {
    let path = feed.path(transactions).display().to_string();
    let arguments = [&["replay", "--transactions", &path], more].concat();
    Command::new(env!("CARGO_BIN_EXE_liushui")).args(arguments).output().unwrap()
}

/// Booking time, account and identifier of each row of a stream.
fn rows(stream: &[u8]) -> Vec<(i64, String, String)> {
    let reader = StreamReader::try_new(Cursor::new(stream), None).unwrap();
    assert_eq!(reader.schema(), transactions_schema());
    let mut rows = Vec::new();
    for batch in reader.map(Result::unwrap) {
        let (accounts, ids) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        let times = batch.column(2).as_primitive::<TimestampMicrosecondType>();
        rows.extend(
            (0..batch.num_rows())
                .map(|row| (times.value(row), accounts.value(row).to_string(), ids.value(row).to_string())),
        );
    }
    rows
}

#[test]
fn rows_come_in_booking_order_each_once() {
    let feed = TestFeed::new();
    feed.economy(60, 5, 9, datagen::Format::Csv);
    let (count, _) = feed.shuffle(3, None);
    let (ordered, shuffled) = (replay(&feed, "feed/transactions", &[]), replay(&feed, "shuffled", &[]));
    assert_eq!(ordered.status.code(), Some(0), "{}", String::from_utf8_lossy(&ordered.stderr));
    let (ordered, shuffled) = (rows(&ordered.stdout), rows(&shuffled.stdout));
    assert_eq!(ordered.len(), count);
    assert!(ordered.is_sorted_by_key(|row| (row.0, row.1.clone())));
    assert_eq!(ordered, shuffled);
    // A window of days includes its first and its last day.
    let (from, until) = ("2025-09-10", "2025-10-20");
    let [first, last] = [from, until].map(|text| liushui::period::Date::parse(text).unwrap().0);
    let window = rows(&replay(&feed, "shuffled", &["--from", from, "--until", until]).stdout);
    let within =
        |row: &&(i64, String, String)| (i64::from(first)..=i64::from(last)).contains(&row.0.div_euclid(86_400_000_000));
    let expected: Vec<_> = ordered.iter().filter(within).cloned().collect();
    assert!(!expected.is_empty() && expected.len() < count);
    assert_eq!(window, expected);
}

#[test]
fn products_of_a_replayed_feed_are_those_of_the_feed() {
    let feed = TestFeed::new();
    feed.economy(60, 5, 9, datagen::Format::Parquet);
    let path = |name: &str| feed.path(name).display().to_string();
    let build = |transactions: &str, out: &str, input: &[u8]| {
        let (accounts, out) = (path("feed/accounts.parquet"), path(out));
        let arguments = ["build", "--transactions", transactions, "--accounts", &accounts, "--out", &out];
        let mut child = Command::new(env!("CARGO_BIN_EXE_liushui"))
            .args(arguments)
            .args(["--generated-at", "2026-01-01T08:00:00+08:00"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        assert!(child.wait().unwrap().success());
    };
    build(&path("feed/transactions"), "of-files", &[]);
    build("-", "of-stream", &replay(&feed, "feed/transactions", &["--to", "-"]).stdout);
    for product in ["detail-summary.parquet", "report.parquet"] {
        let bytes = |out: &str| std::fs::read(feed.path(out).join(product)).unwrap();
        assert!(bytes("of-files") == bytes("of-stream"), "{product}");
    }
}

#[test]
fn a_feed_with_a_fault_is_refused_before_its_first_row() {
    let header = "account_id,txn_id,booked_at,direction,amount";
    let feed = TestFeed::new();
    feed.write("t/1.csv", format!("{header}\nA1,T1,2024-01-02,C,1.00\n"));
    feed.write("t/2.csv", format!("{header}\nA1,T2,2024-01-03,C,1.005\n"));
    let output = replay(&feed, "t", &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("2.csv, row 1, column `amount`: bad_type") && !stderr.contains("1.005"), "{stderr}");
    // A feed without rows is a stream without rows.
    feed.write("t/1.csv", format!("{header}\n"));
    feed.write("t/2.csv", format!("{header}\n"));
    assert!(rows(&replay(&feed, "t", &[]).stdout).is_empty());
}

#[test]
fn wrong_usage_is_reported() {
    let feed = TestFeed::new();
    feed.economy(60, 5, 9, datagen::Format::Csv);
    feed.shuffle(3, None);
    for (more, expected) in [
        (&["--from", "2025-02-01", "--until", "2025-01-31"][..], "ends (2025-01-31) before it begins"),
        (&["--speed", "0"][..], "whole number from 1 on"),
        (&["--to", "elsewhere"][..], "'elsewhere'"),
        (&["--from", "2025-13-01"][..], "date such as"),
    ] {
        let output = replay(&feed, "shuffled", more);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{more:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(expected), "{stderr}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_liushui")).args(["replay", "--transactions", "-"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("reads its feed twice"));
}

/// The first row is due at once, the second in years; between them a signal pauses and resumes the replay. When rows are
/// sent after a pause is tested with a manual clock.
#[cfg(unix)]
#[test]
fn a_signal_pauses_and_resumes() {
    let Some(kill) = program("kill") else { return };
    let feed = TestFeed::csv(
        "account_id,txn_id,booked_at,direction,amount\nA1,T1,2024-01-02,C,1.00\nA1,T2,2034-01-02,C,1.00\n",
        &format!("{ACCOUNTS_HEADER}\nA1,P1,示例银行,,{USCC},试验有限公司,,basic,CNY,2020-01-01,,active\n"),
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_liushui"))
        .args(["replay", "--speed", "1", "--transactions"])
        .arg(feed.path("transactions.csv"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Once the first row is sent, the handlers are in place.
    let mut stream = StreamReader::try_new(child.stdout.take().unwrap(), None).unwrap();
    assert_eq!(stream.next().unwrap().unwrap().num_rows(), 1);
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines();
    for expected in ["paused; send SIGUSR1 again to resume", "resumed"] {
        assert!(Command::new(&kill).args(["-USR1", &child.id().to_string()]).status().unwrap().success());
        assert_eq!(messages.next().unwrap().unwrap(), expected);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A clock that only `sleep` moves.
#[derive(Default)]
struct ManualClock(Cell<Duration>);

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        self.0.get()
    }

    fn sleep(&self, time: Duration) {
        self.0.set(self.0.get() + time);
    }
}

/// The seconds of the clock at which rows come, each with their number.
struct Arrivals<'a>(&'a ManualClock, Vec<(u64, usize)>);

impl Destination for Arrivals<'_> {
    fn send(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        self.1.push((self.0.now().as_secs(), rows.num_rows()));
        Ok(())
    }
}

fn options(feed: &TestFeed, transactions: &str, speed: Speed) -> ReplayOptions {
    ReplayOptions {
        transactions: vec![feed.path(transactions)],
        mapping: None,
        speed,
        from: None,
        until: None,
        memory_bytes: 1 << 20,
        threads: 2,
    }
}

#[test]
fn rows_are_sent_when_they_are_due() {
    let feed = TestFeed::new();
    let rows = "A1,T1,2024-01-02,C,1.00\nA1,T2,2024-01-02,C,1.00\nA1,T3,2024-01-04,C,1.00\n";
    feed.write("t/1.csv", format!("account_id,txn_id,booked_at,direction,amount\n{rows}"));
    feed.write("t/2.csv", "account_id,txn_id,booked_at,direction,amount\nA1,T4,2024-01-03 12:00:00,C,1.00\n");
    // A day in ten seconds; then as fast as they are taken.
    for (speed, expected) in
        [(Speed::Times(8_640), &[(0, 2), (15, 1), (20, 1)][..]), (Speed::Max, &[(0, 2), (0, 2)][..])]
    {
        let clock = ManualClock::default();
        let mut arrivals = Arrivals(&clock, Vec::new());
        let options = options(&feed, "t", speed);
        liushui::batch::replay::replay(&options, &mut arrivals, &clock, &NoPauses, &NoObserver).unwrap();
        assert_eq!(arrivals.1, expected, "{speed:?}");
    }
}

/// A destination that changes the feed's last file when the first rows come.
struct Meddler<'a> {
    feed: &'a TestFeed,
    change: Option<fn(&TestFeed)>,
    rows: usize,
}

impl Destination for Meddler<'_> {
    fn send(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        self.rows += rows.num_rows();
        if let Some(change) = self.change.take() {
            change(self.feed);
        }
        Ok(())
    }
}

/// A file that changes between the two reads ends the replay with an error, whatever changed.
#[test]
fn a_file_that_changes_between_the_reads_is_reported() {
    const HEADER: &str = "account_id,txn_id,booked_at,direction,amount";
    let changes: [Option<fn(&TestFeed)>; 4] = [
        None,
        Some(|feed| std::fs::remove_file(feed.path("t/30.csv")).unwrap()),
        Some(|feed| feed.write("t/30.csv", format!("{HEADER}\nA1,T30,2024-01-30,C,1.005\n"))),
        // The same number of rows with the same times, but more bytes.
        Some(|feed| feed.write("t/30.csv", format!("{HEADER}\nA1,T30,2024-01-30,C,10.00\n"))),
    ];
    for change in changes {
        // More files than the replay prepares while others are sent.
        let feed = TestFeed::new();
        for day in 1..=30 {
            feed.write(&format!("t/{day:02}.csv"), format!("{HEADER}\nA1,T{day},2024-01-{day:02},C,1.00\n"));
        }
        let (options, clock) = (options(&feed, "t", Speed::Max), ManualClock::default());
        let mut meddler = Meddler { feed: &feed, change, rows: 0 };
        let outcome = liushui::batch::replay::replay(&options, &mut meddler, &clock, &NoPauses, &NoObserver);
        match change {
            None => assert_eq!((outcome.unwrap().rows, meddler.rows), (30, 30)),
            Some(_) => {
                let error = outcome.unwrap_err();
                assert_eq!((error.exit_code(), meddler.rows), (1, 29), "{error}");
                assert!(error.to_string().contains("30.csv"), "{error}");
            }
        }
    }
}

/// Files that all overlap are put in order within bounded memory, or refused with a message that names the option.
#[test]
fn overlapping_files_need_memory() {
    let feed = TestFeed::new();
    feed.economy(60, 5, 9, datagen::Format::Csv);
    feed.shuffle(3, None);
    let output = replay(&feed, "shuffled", &["--memory", "64MiB"]);
    assert_eq!(output.status.code(), Some(0));
    let (options, clock) = (options(&feed, "shuffled", Speed::Max), ManualClock::default());
    let mut nobody = Meddler { feed: &feed, change: None, rows: 0 };
    let error = liushui::batch::replay::replay(&options, &mut nobody, &clock, &NoPauses, &NoObserver).unwrap_err();
    assert_eq!((error.exit_code(), nobody.rows), (2, 0), "{error}");
    assert!(error.to_string().contains("--memory"), "{error}");
}
