//! `mapping check`: each row of a sample is taken, skipped or refused, and told why.

use std::process::{Command, Output};

use crate::util::TestFeed;

fn check(feed: &TestFeed, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_liushui"));
    command.args(["mapping", "check"]).args(arguments).current_dir(feed.folder.path()).output().unwrap()
}

const MAPPING: &str = "\
[file]
ragged = 'pad'
footer = ['Total']

[columns]
txn_id = 'no'
booked_at = { column = 'date', format = '%d/%m/%Y' }
amount = { in = 'paid in', out = 'paid out', thousands = ',' }
summary = 'text'

[[row]]
when = { text = { starts = 'B/F' } }
skip = true
";

const ACCOUNT: [&str; 12] = [
    "--account",
    "account_id=A1",
    "--account",
    "subject_uscc=91350100M000100Y43",
    "--account",
    "subject_name=X",
    "--account",
    "provider_id=P1",
    "--account",
    "provider_name=Bank",
    "--account",
    "currency=CNY",
];

const REST: [&str; 4] = ["--account", "account_type=basic", "--account", "status=active"];

#[test]
fn every_fate_of_a_row_is_told() {
    let feed = TestFeed::new();
    feed.write("m.toml", MAPPING);
    feed.write(
        "x.csv",
        "no,date,paid in,paid out,text\n1,31/01/2024,\"1,200.50\",,Rent\n2,01/02/2024,,,B/F\n3,2024-02-01,,3.00,Fee\n\
         4,02/02/2024,1.00\n5,03/02/2024,1,2,Both\n,,\nTotal,,,,\n",
    );
    let output = check(&feed, &[&["m.toml", "--sample", "x.csv"], &ACCOUNT[..], &REST[..]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = "\
row 1     taken
  account_id            A1
  txn_id                1
  booked_at             2024-01-31
  direction             C
  amount                1200.50
  summary               Rent
row 2     skipped: `[[row]]` number 1 skips it
row 3     refused: `booked_at` bad_time
  account_id            A1
  txn_id                3
  booked_at             2024-02-01
";
    // A date in the feed's own form stands as it is, whatever the mapping's form.
    let expected = expected.replace("refused: `booked_at` bad_time", "taken");
    assert!(text.starts_with(&expected), "{text}");
    for line in [
        "row 4     taken",
        "row 5     refused: `direction` bad_direction",
        "row 6     skipped: nothing stands in it",
        "row 7     skipped: it begins as `file.footer` says",
        "3 taken, 3 skipped, 1 refused",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_cannot_be_tried_is_told() {
    let feed = TestFeed::new();
    feed.write("m.toml", MAPPING);
    feed.write("x.csv", "no,date,text\n");
    let output = check(&feed, &[&["m.toml", "--sample", "x.csv"], &ACCOUNT[..], &REST[..]].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("missing_column") && told.contains("paid in"), "{told}");
    let output = check(&feed, &[&["m.toml", "--sample", "x.csv"], &ACCOUNT[..]].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("--account account_type="), "{told}");
}
