//! `mapping check`: each row of a sample is taken, skipped or refused, and told why. `mapping guess`: a draft makes the rows
//! that a mapping made by hand does.

use std::path::Path;
use std::process::{Command, Output};

use liushui::feed::guess::guess;
use liushui::feed::mapping::Mapping;
use liushui::feed::sample::{SampleOutcome, sample};

use crate::util::{TestFeed, USCC, shared_data};

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
        "row 6     skipped: it is blank",
        "row 7     skipped: it begins as in `file.footer`",
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

#[test]
fn an_account_that_is_refused_is_told_first_and_all_its_rows_with_it() {
    let feed = TestFeed::new();
    feed.write("m.toml", MAPPING);
    feed.write("x.csv", "no,date,paid in,paid out,text\n1,31/01/2024,1.00,,Rent\n2,01/02/2024,2.00,,Rent\n");
    let mut account = ACCOUNT;
    account[3] = "subject_uscc=91350100M000100Y44";
    let output = check(&feed, &[&["m.toml", "--sample", "x.csv"], &account[..], &REST[..]].concat());
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.starts_with("account   refused: `subject_uscc` bad_uscc; see"), "{told}");
    assert!(told.ends_with("0 taken, 0 skipped, 2 refused\n"), "{told}");
    assert_eq!(told.matches("refused: `account_id` unknown_account\n").count(), 2, "{told}");
}

fn account() -> Vec<(String, String)> {
    let columns = [
        ("account_id", "A1"),
        ("subject_uscc", USCC),
        ("subject_name", "X"),
        ("provider_id", "P1"),
        ("provider_name", "Bank"),
    ];
    columns.map(|(column, text)| (column.to_string(), text.to_string())).to_vec()
}

/// A row: number, whether taken, and what says when and how much.
type Row = (u64, bool, Vec<(&'static str, String)>);

/// The rows of a file under a mapping that it does not skip.
fn rows(mapping: &Mapping, path: &Path) -> Vec<Row> {
    let sample = sample(mapping, path, 10_000).unwrap().unwrap();
    assert_eq!(sample.fault, None);
    let figures = |values: Vec<(&'static str, String)>| {
        let kept = ["booked_at", "direction", "amount", "balance", "counterparty_name"];
        values.into_iter().filter(|(name, _)| kept.contains(name)).collect()
    };
    let rows = sample.rows.into_iter().filter(|row| !matches!(row.outcome, SampleOutcome::Skipped(_)));
    rows.map(|row| (row.number, row.outcome == SampleOutcome::Taken, figures(row.values))).collect()
}

/// The draft as a mapping, and how many of its lines are unsure.
fn drafted(path: &Path) -> (Mapping, usize, String) {
    let draft = guess(path).unwrap();
    let feed = TestFeed::new();
    feed.write("draft.toml", &draft.toml);
    let mapping = Mapping::load(&feed.path("draft.toml"), &account()).unwrap_or_else(|error| {
        panic!("{error}: {}", draft.toml);
    });
    assert_eq!(draft.toml.matches("# unsure").count(), draft.unsure);
    (mapping, draft.unsure, draft.toml)
}

/// A draft of each real statement makes the same rows as the shipped mapping, but for what no header tells.
#[test]
fn drafts_of_real_statements() {
    let Some(folder) = shared_data("data/cn-statements") else { return };
    for name in ["boc", "abc", "icbc"] {
        let path = folder.join(format!("{name}.csv"));
        let (mapping, _, toml) = drafted(&path);
        let shipped = Mapping::load(name.as_ref(), &account()).unwrap();
        assert_eq!(rows(&mapping, &path), rows(&shipped, &path), "{name}: {toml}");
    }
    // What counts neither as income nor as expense has to be decided by a person, and the draft says so.
    let (mapping, unsure, toml) = drafted(&folder.join("alipay.csv"));
    assert!(unsure > 0 && toml.contains("rows have a direction that we do not know"), "{toml}");
    let known = rows(&mapping, &folder.join("alipay.csv"));
    let shipped = rows(&Mapping::load("alipay".as_ref(), &account()).unwrap(), &folder.join("alipay.csv"));
    let of_shipped = |number: u64| shipped.iter().find(|row| row.0 == number);
    let equal = known.iter().filter(|row| row.1 && of_shipped(row.0) == Some(row)).count();
    assert!(equal >= 5, "{known:?} {shipped:?} {toml}");
}

/// Layouts that the drafts were not written for.
#[test]
fn drafts_of_other_layouts() {
    let english = "Statement of account;;;;;;\nPeriod;01/03/2024 - 31/03/2024;;;;;\n\n\
        Posting Date;Value Date;Details;Paid Out;Paid In;Running Balance;Transaction Reference\n\
        13/03/2024;13/03/2024;Card payment;12.50;;\"1,987.50\";R1\n28/03/2024;28/03/2024;Salary;;\"1,000.00\";\"2,987.50\";R2\n";
    let chinese = "序号,交易日期,交易时间,借贷标志,交易金额,账户余额,对方户名,对方账号,摘要,币种\n\
        1,20240313,093005,借,12.50,1987.50,甲公司,6222,货款,人民币\n2,20240328,,贷,1000.00,2987.50,--,,工资,人民币\n合计,,,,1012.50,,,,,\n";
    let expected = |first: &str, last: &str, names: [Option<&str>; 2]| {
        let row = |number: u64, time: &str, way: &str, amount: &str, balance: &str, name: Option<&str>| {
            let values = [("booked_at", time), ("direction", way), ("amount", amount), ("balance", balance)];
            let name = name.map(|name| ("counterparty_name", name));
            let values = values.into_iter().chain(name).map(|(name, text)| (name, text.to_string())).collect();
            (number, true, values)
        };
        vec![row(1, first, "D", "12.50", "1987.50", names[0]), row(2, last, "C", "1000.00", "2987.50", names[1])]
    };
    for (text, expected) in [
        (english.to_string(), expected("2024-03-13", "2024-03-28", [None, None])),
        (chinese.to_string(), expected("2024-03-13T09:30:05", "2024-03-28", [Some("甲公司"), None])),
    ] {
        let feed = TestFeed::new();
        feed.write("x.csv", &text);
        let (mapping, _, toml) = drafted(&feed.path("x.csv"));
        assert_eq!(rows(&mapping, &feed.path("x.csv")), expected, "{toml}");
        // A running number begins anew with every statement, and identifies nothing.
        assert!(!toml.contains("txn_id = \"序号\""), "{toml}");
    }
}

#[test]
fn a_file_without_headings_is_told() {
    let feed = TestFeed::new();
    feed.write("x.csv", "1,2,3\n4,5,6\n");
    let output = Command::new(env!("CARGO_BIN_EXE_liushui"))
        .args(["mapping", "guess", "x.csv"])
        .current_dir(feed.folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{told}");
    assert!(told.contains("missing_column") && told.contains("docs/mapping.md"), "{told}");
}
