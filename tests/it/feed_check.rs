//! The feed check: a sound feed passes, each fault is reported where it stands, and threads and memory have no influence.

use std::process::Command;
use std::sync::Arc;

use liushui::batch::feed_check::report::{FeedCheckReport, Health};
use liushui::batch::feed_check::visitor::ClockVerdict;
use liushui::batch::feed_check::{FeedCheckOptions, check};
use liushui::observer::{NoObserver, Observer};

use crate::util::{ACCOUNTS_HEADER, TestFeed, USCC};

fn report(options: &FeedCheckOptions) -> FeedCheckReport {
    let observer: Arc<dyn Observer> = Arc::new(NoObserver);
    check(options, &observer).unwrap().report
}

fn options(feed: &TestFeed) -> FeedCheckOptions {
    let mut options = FeedCheckOptions::new(feed.path("transactions.csv"), feed.path("accounts.csv"));
    options.tmp = feed.folder.path().to_path_buf();
    options
}

/// One account, and these rows: txn_id, booked_at, direction, amount, balance.
fn feed(rows: &[[&str; 5]]) -> TestFeed {
    let rows: Vec<String> = rows.iter().map(|row| format!("A1,{}\n", row.join(","))).collect();
    TestFeed::csv(
        &format!("account_id,txn_id,booked_at,direction,amount,balance\n{}", rows.concat()),
        &format!("{ACCOUNTS_HEADER}\nA1,P1,示例银行,,{USCC},试验有限公司,,basic,CNY,2020-01-01,,active\n"),
    )
}

const SOUND: [[&str; 5]; 4] = [
    ["T1", "2024-01-02T09:00:00", "C", "100.00", "1100.00"],
    ["T2", "2024-01-02T10:00:00", "D", "40.00", "1060.00"],
    ["T3", "2024-01-05T09:00:00", "D", "60.00", "1000.00"],
    ["T4", "2024-04-01T09:00:00", "C", "5.00", "1005.00"],
];

#[test]
fn a_sound_feed_and_its_gaps() {
    let report = report(&options(&feed(&SOUND)));
    assert_eq!(report.health, Health::Sound);
    let [account] = report.accounts.as_slice() else { panic!("one account") };
    let dates = account.dates;
    assert_eq!((account.rows, dates.days, dates.empty_months, dates.longest_gap_days), (4, 3, 2, 86));
    assert_eq!((account.balances.days_checked, account.balances.days_broken), (3, 0));
    assert_eq!(account.clock, ClockVerdict::TooFewTimes);
    assert_eq!(account.evidence["none"], "1.000000");
    assert_eq!(report.files[0].dates, dates);
}

/// Each fault alone, and what is told of it: health, duplicates, conflicts, days broken, signs swapped.
#[test]
fn each_fault_is_found() {
    let with = |at: usize, row: [&'static str; 5]| {
        let mut rows = SOUND.to_vec();
        rows.insert(at, row);
        rows
    };
    let cases = [
        ("the row again", with(1, SOUND[0]), (Health::Sound, 1, 0, 0, 0)),
        (
            "an identifier again",
            with(4, ["T1", "2024-01-06T09:00:00", "C", "7.00", "1007.00"]),
            (Health::Refused, 0, 1, 0, 0),
        ),
        ("a row is missing", [&SOUND[..2], &SOUND[3..]].concat(), (Health::Suspect, 0, 0, 1, 0)),
        (
            "a sign is swapped",
            [&SOUND[..2], &[["T3", "2024-01-05T09:00:00", "C", "60.00", "1000.00"]], &SOUND[3..]].concat(),
            (Health::Suspect, 0, 0, 1, 1),
        ),
    ];
    for (what, rows, expected) in cases {
        let report = report(&options(&feed(&rows)));
        let found = report.findings;
        let got = (report.health, found.duplicates, found.conflicts, found.days_broken, found.sign_swaps);
        assert_eq!(got, expected, "{what}");
        let file = &report.files[0];
        let of_file = (report.health, file.duplicates, file.conflicts, file.days_broken, file.sign_swaps);
        assert_eq!(of_file, expected, "{what}, by file");
    }
}

/// Business hours as UTC, as they would come where local time was asked for.
#[test]
fn a_wrong_time_zone_is_told() {
    let rows = |first_hour: usize| -> Vec<[String; 3]> {
        (0..60)
            .map(|row| {
                let time = format!("2024-01-{:02}T{:02}:30:00", 1 + row / 12, (first_hour + row % 12) % 24);
                [format!("T{row}"), time, "C".to_string()]
            })
            .collect()
    };
    for (first_hour, clock, health) in [
        (8, ClockVerdict::Plausible, Health::Sound),
        (0, ClockVerdict::LooksLikeUtc, Health::Suspect),
        (16, ClockVerdict::LooksAddedTwice, Health::Suspect),
    ] {
        let rows = rows(first_hour);
        let rows: Vec<[&str; 5]> = rows.iter().map(|[id, time, way]| [id, time, way, "1.00", ""]).collect();
        let report = report(&options(&feed(&rows)));
        assert_eq!((report.files[0].clock, report.health), (clock, health), "from {first_hour} h");
        assert_eq!(report.accounts[0].clock, clock);
    }
}

/// A generated economy is sound, and the report is the same whatever the threads and the memory.
#[test]
fn a_generated_feed_is_sound_whatever_threads_and_memory() {
    let feed = TestFeed::new();
    feed.economy(20, 6, 3, datagen::Format::Parquet);
    let mut options = FeedCheckOptions::new(feed.path("feed/transactions"), feed.path("feed/accounts.parquet"));
    options.tmp = feed.folder.path().to_path_buf();
    options.threads = 1;
    let one = report(&options);
    assert_eq!(one.health, Health::Sound, "{:?}", one.findings);
    assert!(one.findings.days_checked > 500 && one.accounts.len() == 20);
    options.threads = 3;
    options.memory_bytes = 1 << 20;
    assert_eq!(report(&options), one);
}

/// The table for people, the JSON for machines, and the exit code.
#[test]
fn the_command_tells_people_and_machines() {
    let rows = [&SOUND[..2], &SOUND[3..]].concat();
    let feed = feed(&rows);
    let paths = ["--transactions", "transactions.csv", "--accounts", "accounts.csv", "--no-progress"];
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_liushui"));
        let output = command.args(["feed", "check"]).args(paths).args(more).current_dir(feed.folder.path()).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = run(&[]);
    assert_eq!(code, Some(1));
    assert!(text.contains("balance chain: 1 of 2 days do not hold"), "{text}");
    assert!(text.contains("the feed is suspect"), "{text}");
    assert!(!text.contains("1100"), "no value of a row: {text}");
    let (code, json) = run(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json["accounts"][0]["account_id"].as_str()), (Some(1), Some("A1")));
    assert_eq!(json["accounts"][0]["balances"]["first_broken"], "2024-04-01");
}
