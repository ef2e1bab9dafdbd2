//! Every code of bad input, as rows: what is given, what `rejects.csv` says. A refused feed leaves no product.

use crate::util::{ACCOUNTS_HEADER, TestFeed, USCC, run};
use liushui::publish::format::{FORMATS, Parquet};

const HEADER: &str = "account_id,txn_id,booked_at,seq,direction,amount,balance,currency,kind,channel,counterparty_name,\
                      counterparty_account,counterparty_bank,counterparty_uscc,summary,remark,reversal_of";

fn account(id: &str) -> String {
    format!("{id},P1,示例银行,,{USCC},试验有限公司,,basic,CNY,2020-01-01,,active")
}

fn feed(rows: &[&str], accounts: &[String]) -> TestFeed {
    TestFeed::csv(&format!("{HEADER}\n{}\n", rows.join("\n")), &format!("{ACCOUNTS_HEADER}\n{}\n", accounts.join("\n")))
}

/// Holds the rejects of a feed against what they must be, and sees that no product was written.
#[track_caller]
fn check(feed: &TestFeed, expected: &[&str]) {
    let outcome = run(&feed.options()).unwrap();
    assert_eq!(feed.rejects(), expected);
    assert!(!outcome.refused_files.is_empty());
    assert_eq!(feed.run_json()["status"], "refused");
    let mut left: Vec<_> = std::fs::read_dir(feed.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["rejects.csv", "run.json"]);
}

const GOOD: &str = "A1,T1,2024-01-02 10:00:00,,C,100.00,100.00,,,,,,,,,,";

#[test]
fn each_code_of_a_bad_transaction() {
    let long = "12345678901234567.00";
    let cases = [
        (",T2,2024-01-02,,C,1,,,,,,,,,,,", "account_id,null_required"),
        ("A9,T2,2024-01-02,,C,1,,,,,,,,,,,", "account_id,unknown_account"),
        ("A1,  ,2024-01-02,,C,1,,,,,,,,,,,", "txn_id,null_required"),
        ("A1,T2,,,C,1,,,,,,,,,,,", "booked_at,null_required"),
        ("A1,T2,2024-02-30,,C,1,,,,,,,,,,,", "booked_at,bad_time"),
        ("A1,T2,20240102,,C,1,,,,,,,,,,,", "booked_at,bad_time"),
        ("A1,T2,9999-01-01,,C,1,,,,,,,,,,,", "booked_at,bad_time"),
        ("A1,T2,2024-01-02,x,C,1,,,,,,,,,,,", "seq,bad_type"),
        ("A1,T2,2024-01-02,,,1,,,,,,,,,,,", "direction,null_required"),
        ("A1,T2,2024-01-02,,c,1,,,,,,,,,,,", "direction,bad_direction"),
        ("A1,T2,2024-01-02,,C,,,,,,,,,,,,", "amount,null_required"),
        ("A1,T2,2024-01-02,,C,1e3,,,,,,,,,,,", "amount,bad_type"),
        ("A1,T2,2024-01-02,,C,1.234,,,,,,,,,,,", "amount,bad_type"),
        ("A1,T2,2024-01-02,,C,LONG,,,,,,,,,,,", "amount,amount_range"),
        ("A1,T2,2024-01-02,,C,1,-LONG,,,,,,,,,,", "balance,amount_range"),
        ("A1,T2,2024-01-02,,C,1,,USD,,,,,,,,,", "currency,bad_currency"),
        ("A1,T2,2024-01-02,,C,1,,,transfer,,,,,,,,", "kind,unknown_kind"),
        ("A1,T2,2024-01-02,,C,1,,,,phone,,,,,,,", "channel,bad_value"),
        ("A1,T2,2024-01-02,,C,1,,,,,,,12345,,,,", "counterparty_bank,bad_value"),
        // Of several faults the first column's is told.
        ("A1,T2,2024-02-30,x,c,1e3,,USD,,,,,,,,,", "booked_at,bad_time"),
    ];
    for (row, expected) in cases {
        let row = row.replace("LONG", long);
        let feed = feed(&[GOOD, &row], &[account("A1")]);
        check(&feed, &[&format!("transactions.csv,2,{expected}")]);
    }
}

#[test]
fn each_code_of_a_bad_account() {
    let good = account("A1");
    let cases = [
        (good.replace("A1,", ","), "account_id,null_required"),
        (good.replace(",示例银行,,", ",示例银行,123,"), "bank_code,bad_value"),
        (good.replace(USCC, "91350100M000100Y44"), "subject_uscc,bad_uscc"),
        (good.replace("basic", "checking"), "account_type,bad_value"),
        (good.replace("CNY", "yuan"), "currency,bad_currency"),
        (good.replace("2020-01-01", "2020-13-01"), "opened_on,bad_time"),
        (good.replace("active", ""), "status,null_required"),
    ];
    for (row, expected) in cases {
        let feed = feed(&["A0,T1,2024-01-02,,C,1,,,,,,,,,,,"], &[account("A0"), row]);
        check(&feed, &[&format!("accounts.csv,2,{expected}")]);
    }
}

#[test]
fn transactions_of_a_refused_account_are_listed_once() {
    let rows =
        ["A1,T1,2024-01-02,,C,1,,,,,,,,,,,", "A2,T1,2024-01-02,,C,1,,,,,,,,,,,", "A2,T2,2024-01-03,,x,1,,,,,,,,,,,"];
    let refused = feed(&rows, &[account("A1"), account("A2").replace("CNY", "cny")]);
    let listed = ["accounts.csv,2,currency,bad_currency", "transactions.csv,2,account_id,unknown_account"];
    check(&refused, &listed);
    assert_eq!(refused.run_json()["rows_rejected"], 2);
    // Tolerated, the rest is built.
    let mut options = refused.options();
    options.max_rejects = 1;
    let outcome = run(&options).unwrap();
    assert!(outcome.refused_files.is_empty());
    assert_eq!(refused.rejects(), listed);
    assert_eq!(refused.products("report").len(), 1);
    assert_eq!((outcome.report.rows_read, outcome.report.rows_kept, outcome.report.rows_rejected), (3, 1, 2));
}

#[test]
fn conflicts_go_by_path_and_row() {
    let row = |id: &str, amount: &str| format!("A1,{id},2024-01-02,,C,{amount},,,,,,,,,,,");
    let feed = TestFeed::new();
    feed.write("accounts.csv", format!("{ACCOUNTS_HEADER}\n{}\n", account("A1")));
    feed.write("in/b.csv", format!("{HEADER}\n{}\n{}\n", row("T1", "2"), row("T2", "5")));
    feed.write("in/a.csv", format!("{HEADER}\n{}\n{}\n{}\n", row("T2", "5"), row("T1", "1"), row("T1", "3")));
    let mut options = feed.options();
    options.transactions = vec![feed.path("in")];
    let outcome = run(&options).unwrap();
    assert_eq!(outcome.refused_files.len(), 2);
    let listed = ["in/a.csv,3,txn_id,duplicate_conflict", "in/b.csv,1,txn_id,duplicate_conflict"];
    assert_eq!(feed.rejects(), listed);
    options.max_rejects = 1;
    let outcome = run(&options).unwrap();
    assert_eq!(feed.rejects(), listed);
    assert_eq!((outcome.report.duplicates, outcome.report.rows_kept), (1, 2));
    // The first by path stands: 1 and 5, not 2 or 3.
    let report = &feed.products("report")[0];
    let quarter = report["funds"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(quarter["in_amount"], "6.00");
    // With a bound below, the feed is refused and the products of the run before are gone.
    options.max_rejects = 0;
    run(&options).unwrap();
    assert!(!feed.out("report.ndjson").exists());
}

#[test]
fn equal_accounts_are_one_and_others_conflict() {
    let same = feed(&[GOOD], &[account("A1"), account("A1")]);
    assert!(run(&same.options()).unwrap().refused_files.is_empty());
    let other = feed(&[GOOD], &[account("A1"), account("A1").replace("basic", "general")]);
    check(&other, &["accounts.csv,2,account_id,duplicate_conflict"]);
}

#[test]
fn a_file_as_a_whole() {
    let accounts = format!("{ACCOUNTS_HEADER}\n{}\n", account("A1"));
    let cases: [(&str, Vec<u8>, &[&str]); 6] = [
        ("t.csv", b"account_id,txn_id,booked_at,amount\n".to_vec(), &["t.csv,,direction,missing_column"]),
        (
            "t.csv",
            b"account_id,txn_id\n".to_vec(),
            &["t.csv,,amount,missing_column", "t.csv,,booked_at,missing_column", "t.csv,,direction,missing_column"],
        ),
        (
            "t.csv",
            [HEADER.as_bytes(), b"\nA1,\xff\xff,2024-01-02,,C,1,,,,,,,,,,,\n"].concat(),
            &["t.csv,,,bad_encoding"],
        ),
        ("t.parquet", b"PAR1 and then nothing".to_vec(), &["t.parquet,,,truncated_file"]),
        ("t.parquet", b"no such thing at all".to_vec(), &["t.parquet,,,unreadable_file"]),
        ("t.arrow", b"ARROW1\0\0".to_vec(), &["t.arrow,,,truncated_file"]),
    ];
    for (name, content, expected) in cases {
        let feed = TestFeed::new();
        feed.write("accounts.csv", &accounts);
        feed.write(name, content);
        let mut options = feed.options();
        options.transactions = vec![feed.path(name)];
        let outcome = run(&options).unwrap();
        assert_eq!(feed.rejects(), expected, "{name}");
        assert_eq!(outcome.refused_files.len(), 1);
        assert!(!feed.out("report.ndjson").exists());
    }
}

#[test]
fn damaged_bytes_anywhere_are_a_refusal_and_never_a_panic() {
    for (format, name) in [(datagen::Format::Parquet, "parquet"), (datagen::Format::Arrow, "arrow")] {
        let feed = TestFeed::new();
        let mut options = datagen::Options::new(3, 1, 4, feed.path("feed"));
        options.format = format;
        datagen::generate(&options, &mut |_| {}).unwrap();
        let path = std::fs::read_dir(feed.path("feed/transactions")).unwrap().next().unwrap().unwrap().path();
        let good = std::fs::read(&path).unwrap();
        let mut refused = 0;
        for at in (0..good.len()).step_by(good.len() / 40 + 1) {
            let mut bad = good.clone();
            bad[at] ^= 0x5a;
            feed.write(&format!("bad.{name}"), bad);
            let mut options = feed.options();
            options.transactions = vec![feed.path(&format!("bad.{name}"))];
            options.accounts = vec![feed.path(&format!("feed/accounts.{name}"))];
            options.max_rejects = 1_000_000;
            // A flipped byte of a value is another value, which nothing can tell; the file's structure is checked.
            let outcome = run(&options).unwrap();
            refused += outcome.refused_files.len();
            let cut = good.len() - 1 - at;
            feed.write(&format!("bad.{name}"), &good[..cut]);
            assert_eq!(run(&options).unwrap().refused_files.len(), 1, "{name} cut at {cut}");
        }
        assert!(refused > 0, "{name}");
    }
}

#[test]
fn a_decimal_of_any_width_is_held_to_eighteen_digits() {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray, TimestampMicrosecondArray};
    use arrow::ipc::writer::FileWriter;

    let fen: [i128; 5] = [
        999_999_999_999_999_999,
        -999_999_999_999_999_999,
        1_000_000_000_000_000_000,
        i64::MIN.into(),
        i128::from(i64::MAX) * 1_000,
    ];
    let text = |values: Vec<String>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let batch = RecordBatch::try_from_iter([
        ("account_id", text(vec!["A1".to_string(); 5])),
        ("txn_id", text((0..5).map(|row| format!("T{row}")).collect())),
        ("booked_at", Arc::new(TimestampMicrosecondArray::from_value(1_704_153_600_000_000, 5)) as ArrayRef),
        ("direction", text(vec!["C".to_string(); 5])),
        ("amount", Arc::new(Decimal128Array::from(fen.to_vec()).with_precision_and_scale(38, 2).unwrap())),
    ])
    .unwrap();
    let wide = TestFeed::new();
    wide.write("accounts.csv", format!("{ACCOUNTS_HEADER}\n{}\n", account("A1")));
    let file = std::fs::File::create(wide.path("t.arrow")).unwrap();
    let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let mut options = wide.options();
    options.transactions = vec![wide.path("t.arrow")];
    run(&options).unwrap();
    let listed: Vec<String> = (3..=5).map(|row| format!("t.arrow,{row},amount,amount_range")).collect();
    assert_eq!(wide.rejects(), listed);
}

#[test]
fn a_sum_beyond_64_bits_names_the_account_masked_and_writes_nothing() {
    let amount = "9999999999999999.99";
    let row = |at: usize| format!("622200001111,T{at},2024-01-02,,C,{amount},,,,,,,,,,,");
    let rows: Vec<String> = (0..10).map(row).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let over = feed(&rows, &[account("622200001111")]);
    let mut options = over.options();
    options.formats.push(&Parquet);
    let error = run(&options).unwrap_err();
    assert_eq!(error.exit_code(), 1);
    let message = error.to_string();
    assert!(message.contains("6222****1111") && message.contains("2024-01"), "{message}");
    assert!(!message.contains("99999"), "{message}");
    assert_eq!(std::fs::read_dir(over.path("out")).unwrap().count(), 2);
    assert_eq!(over.run_json()["status"], "refused");
    assert_eq!(over.run_json()["error"], message);
}

#[test]
fn money_beyond_18_digits_names_the_account_masked_and_the_item_in_every_format() {
    let row = |at: usize, amount: &str, balance: &str| {
        format!("622200001111,T{at},2024-01-02 10:00:0{at},,C,{amount},{balance},,,,,,,,,,")
    };
    let (half, rest) = ("5000000000000000.00", "4999999999999999.99");
    let cases: [(&str, Vec<String>); 3] = [
        ("funds[2024-01].in_amount", vec![row(1, half, ""), row(2, half, "")]),
        // The sum of 64 bits that a cell still holds.
        ("funds[2024-01].in_amount", (0..9).map(|at| row(at, "9999999999999999.99", "")).collect()),
        // Before the first row, back to the window's first month, the balance was this row's less its amount.
        ("funds[2021-02].opening_balance", vec![row(1, half, "-5000000000000000.00")]),
    ];
    for (item, rows) in cases {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let over = feed(&rows, &[account("622200001111")]);
        let mut options = over.options();
        for format in FORMATS {
            options.formats = vec![format];
            let error = run(&options).unwrap_err();
            assert_eq!(error.exit_code(), 1);
            let message = error.to_string();
            assert!(message.contains("6222****1111") && message.contains(item), "{message}");
            assert!(!message.contains("5000000"), "{message}");
            assert_eq!(std::fs::read_dir(over.path("out")).unwrap().count(), 2);
            assert_eq!(over.run_json()["status"], "refused");
            assert_eq!(over.run_json()["error"], message);
        }
    }
    // One fen less fits, for both directions of a balance.
    let under = feed(&[&row(1, half, ""), &row(2, rest, rest)], &[account("622200001111")]);
    run(&under.options()).unwrap();
    let summary = &under.products("detail-summary")[0];
    let funds = summary["funds"].as_array().unwrap().last().unwrap();
    assert_eq!(funds["in_amount"], "9999999999999999.99");
}

#[test]
fn rejects_and_errors_hold_no_value() {
    let secret = "张三的秘密";
    let bad =
        feed(&[&format!("A1,{secret},2024-01-02,{secret},{secret},{secret},,,{secret},,,,,,,,")], &[account("A1")]);
    let outcome = run(&bad.options()).unwrap();
    let told = format!("{:?} {} {}", outcome.verdict, bad.rejects().join("\n"), bad.run_json());
    assert!(!told.contains("秘密"), "{told}");
}

#[test]
fn a_rejected_row_decides_no_date() {
    let rows =
        ["A1,T1,2024-03-05,,C,1,,,,,,,,,,,", "A1,T1,2024-03-31,,C,2,,,,,,,,,,,", "A1,T2,2024-05-01,,x,2,,,,,,,,,,,"];
    let feed = feed(&rows, &[account("A1")]);
    let mut options = feed.options();
    options.max_rejects = 2;
    let outcome = run(&options).unwrap();
    assert_eq!(outcome.report.as_of.as_deref(), Some("2024-03-05"));
}

#[test]
fn a_feed_without_a_date_says_so_and_keeps_its_rejects() {
    let bad = feed(&["A1,T1,2024-03-05,,x,1,,,,,,,,,,,"], &[account("A1")]);
    let mut options = bad.options();
    options.max_rejects = 1;
    let error = run(&options).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("no transaction passed the checks"), "{error}");
    assert_eq!(bad.rejects(), ["transactions.csv,1,direction,bad_direction"]);
    assert_eq!(bad.run_json()["status"], "refused");
}

#[test]
fn accounts_that_cannot_be_read_are_told_once_a_file() {
    let rows = ["A1,T1,2024-01-02,,C,1,,,,,,,,,,,", "A2,T1,2024-01-02,,C,1,,,,,,,,,,,"];
    let feed = feed(&rows, &[account("A1")]);
    feed.write("accounts.csv", "account_id,provider_id\nA1,P1\n");
    run(&feed.options()).unwrap();
    let told = feed.rejects();
    let of_rows: Vec<_> = told.iter().filter(|line| line.starts_with("transactions.csv")).collect();
    assert_eq!(of_rows, ["transactions.csv,1,account_id,unknown_account"]);
    assert!(told.iter().any(|line| line == "accounts.csv,,currency,missing_column"), "{told:?}");
}
