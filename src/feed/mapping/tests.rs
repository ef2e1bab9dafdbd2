//! Mappings as TOML, the rows that they make, and the messages for faulty ones.

use std::collections::BTreeMap;

use arrow::array::{Array as _, StringArray};

use super::*;
use crate::feed::csv::{CsvOptions, open};
use crate::feed::raw::RawBatch;
use crate::feed::schema::{self, ACCOUNTS, TRANSACTIONS};

fn parse(toml: &str) -> Mapping {
    Mapping::parse("test", toml).unwrap()
}

/// Each row of a file as its values by column, under the mapping.
fn rows_of(path: &Path, table: &TableMapping, columns: &[schema::Column]) -> Vec<BTreeMap<&'static str, String>> {
    let wanted: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let opened =
        open(path, &wanted, CsvOptions { mapping: Some(table), batch_rows: 1_000, dictionaries: false }).unwrap();
    let mut rows = Vec::new();
    for raw in opened.batches {
        let RawBatch { batch, faults, .. } = raw.unwrap();
        assert!(faults.is_empty());
        for index in 0..batch.num_rows() {
            let value = |column: &arrow::array::ArrayRef| {
                column.as_any().downcast_ref::<StringArray>().unwrap().value(index).to_string()
            };
            rows.push(table.columns().zip(batch.columns().iter().map(value)).collect());
        }
    }
    rows
}

fn rows(text: &str, table: &TableMapping) -> Vec<BTreeMap<&'static str, String>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.csv");
    std::fs::write(&path, text).unwrap();
    rows_of(&path, table, &TRANSACTIONS)
}

const REST: &str = r#"
    account_id = { constant = "1" }
    txn_id = { constant = "1" }
    direction = { constant = "C" }
    amount = { constant = "1" }
    booked_at = { constant = "1" }
"#;

/// Checks the values of some columns under a mapping; the other required columns are constant.
fn check(columns: &str, rules: &str, text: &str, expected: &[&str]) {
    let given = |line: &&str| !columns.contains(&format!("{} =", line.split('=').next().unwrap_or("").trim()));
    let amount_makes_direction = columns.contains("sign") || columns.contains("{ in =");
    let rest: Vec<&str> =
        REST.lines().filter(given).filter(|line| !(amount_makes_direction && line.contains("direction"))).collect();
    let mapping = parse(&format!("[columns]\n{columns}\n{}\n{rules}", rest.join("\n")));
    let constant = |name: &str| rest.iter().any(|line| line.trim_start().starts_with(name));
    let table = mapping.transactions.as_ref().unwrap();
    let made: Vec<String> = rows(text, table)
        .iter()
        .map(|row| {
            let values: Vec<&str> =
                table.columns().filter(|name| !constant(name)).map(|name| row[name].as_str()).collect();
            values.join("|")
        })
        .collect();
    assert_eq!(made, expected, "{columns} {rules}");
}

#[test]
fn columns() {
    check("summary = 'x'", "", "x,y\n 1 ,2\n", &["1"]);
    check("currency = { constant = 'CNY' }", "", "x\n1\n", &["CNY"]);
    check("remark = { column = 'x', null = ['0', '-'] }", "", "x\n0\n-\n1\n", &["", "", "1"]);
    let values = "channel = { column = 'x', values = { '柜台' = 'counter', '' = 'none' } }";
    check(values, "", "x,y\n柜台,\n别的,\n,\n", &["counter", "别的", "none"]);
    let values = "channel = { column = 'x', values = { '柜台' = 'counter' }, otherwise = 'system' }";
    check(values, "", "x,y\n柜台,\n别的,\n,\n", &["counter", "system", ""]);
    let join = "summary = { join = ['x', { constant = 'no.' }, 'y'], with = ' ' }";
    check(join, "", "x,y\n1,2\n,2\n1,\n,\n", &["1 no. 2", "no. 2", "1 no.", ""]);
}

#[test]
fn money() {
    check("balance = { column = 'x', thousands = ',' }", "", "x\n\"1,234.50\"\nx\n", &["1234.50", "x"]);
    check("amount = { column = 'x', direction = 'sign' }", "", "x\n-1.5\n+2\n", &["D|1.5", "C|2"]);
    let columns = "amount = { in = 'x', out = 'y', thousands = ',' }";
    check(columns, "", "x,y\n\"1,000\",\n0.00,3\n1,1\n,\n", &["C|1000", "D|3", "both|1", "|"]);
}

#[test]
fn times() {
    let cases = [
        ("{ column = 'x', format = '%y%m%d' }", vec!["1993-01-31", "931301", ""]),
        ("{ column = 'x', format = ['%y%m%d', '%y%d%m'] }", vec!["1993-01-31", "1993-01-13", ""]),
        (
            "{ date = { column = 'x', format = '%y%m%d' }, time = { column = 'y', format = '%H%M%S' } }",
            vec!["1993-01-31T12:30:00", "931301 9999", ""],
        ),
    ];
    for (source, expected) in cases {
        check(&format!("booked_at = {source}"), "", "x,y\n930131,123000\n931301,9999\n,\n", &expected);
    }
    let two = "booked_at = { date = { column = 'x', format = '%y%m%d' }, time = { column = 'y', format = '%H%M' } }";
    check(two, "", "x,y\n930131,\n930131,x\n", &["1993-01-31", "930131 x"]);
}

#[test]
fn rules_apply_in_order() {
    let text = "x,y\n1,a\n2,ab\n3,\n4,c\n";
    let rules = "
        [[row]]
        when = { x = ['1', '2'] }
        set = { kind = 'FEE' }
        [[row]]
        when = { y = { starts = 'a' } }
        set = { kind = 'TAX', channel = 'pos' }
        [[row]]
        when = { y = { contains = 'b', not = ['b', 'bb'] } }
        set = { summary = 'with b' }
        [[row]]
        when = { y = '' }
        skip = true
        [[row]]
        set = { channel = 'system' }";
    check("summary = 'y'", rules, text, &["FEE|pos|a", "FEE|pos|with b", "|system|c"]);
    // A rule that skips applies wherever it is in the list.
    let rules = "[[row]]\nset = { kind = 'FEE' }\n[[row]]\nwhen = { x = { not = '4' } }\nskip = true";
    check("summary = 'y'", rules, text, &["FEE|c"]);
}

#[test]
fn a_missing_txn_id_is_made_of_content_and_row() {
    let mapping = parse(&format!("[columns]\n{}", REST.replace("txn_id", "summary")));
    assert!(mapping.transactions.as_ref().unwrap().makes_txn_id());
    let dir = tempfile::tempdir().unwrap();
    let text = b"x\n1\n2\n".as_slice();
    let (plain, packed) = (dir.path().join("x.csv"), dir.path().join("x.csv.zst"));
    std::fs::write(&plain, text).unwrap();
    std::fs::write(&packed, zstd::encode_all(text, 1).unwrap()).unwrap();
    let ids = |path: &Path| -> Vec<String> {
        let rows = rows_of(path, mapping.transactions.as_ref().unwrap(), &TRANSACTIONS);
        rows.iter().map(|row| row["txn_id"].clone()).collect()
    };
    // printf 'x\n1\n2\n' | sha256sum
    assert_eq!(ids(&plain), ["aea284871ddeeeba-1", "aea284871ddeeeba-2"]);
    assert_eq!(ids(&plain), ids(&packed));
}

#[test]
fn errors_name_the_key() {
    let columns = format!("[columns]\n{REST}");
    let with = |more: &str| format!("{columns}{more}");
    let cases = [
        (String::new(), "`columns`: missing"),
        (with("acount = 'x'"), "`columns.acount`: unknown key"),
        (with("summary = 1"), "`columns.summary`: must be a source column's name or a table"),
        (with("summary = {}"), "`columns.summary`: needs one of"),
        (with("summary = { column = 'x', fromat = 'y' }"), "`columns.summary.fromat`: unknown key"),
        (
            with("summary = { column = 'x', format = '%Y' }"),
            "`columns.summary.format`: `%Y` is no form of a whole date",
        ),
        (with("summary = { column = 'x', format = '%F' }"), "`columns.summary.format`: only columns of dates"),
        (with("summary = { column = 'x', thousands = ',' }"), "`columns.summary.thousands`: only amounts"),
        (with("balance = { column = 'x', thousands = '.' }"), "`columns.balance.thousands`: must be one character"),
        (with("balance = { column = 'x', direction = 'sign' }"), "`columns.balance.direction`: only `amount`"),
        (with("summary = { join = [1] }"), "`columns.summary.join`: a part is"),
        (with("summary = { column = 'x', otherwise = 'y' }"), "`columns.summary.values`: missing"),
        (columns.replace("account_id", "remark"), "`columns.account_id`: missing, and the feed requires it"),
        (
            columns.replace("amount = { constant = \"1\" }", "amount = { column = 'x', direction = 'sign' }"),
            "`columns.direction`: given twice",
        ),
        (with("[file]\ndelimiter = ';;'"), "`file.delimiter`: must be one ASCII character"),
        (with("[file]\nencoding = 'latin1'"), "`file.encoding`: must be `utf-8` or `gb18030`"),
        (with("[file]\nheadr = 'x'"), "`file.headr`: unknown key"),
        (with("[[row]]\nwhen = { x = 'y' }"), "`row[1].set`: a rule has either"),
        (with("[[row]]\nset = { kind = 'FEE' }\nskip = true"), "`row[1].set`: a rule has either"),
        (with("[[row]]\nset = { knd = 'FEE' }"), "`row[1].set.knd`: unknown key"),
        (with("[[row]]\nskip = true\n[[row]]\nwhen = { x = 1 }\nskip = true"), "`row[2].when.x`: must be a text"),
        (with("[[row]]\nwhen = { x = {} }\nskip = true"), "`row[1].when.x`: needs one of"),
        (with("[row]\nskip = true"), "`row`: must be written `[[row]]`"),
        (with("[fiel]"), "`fiel`: unknown key"),
        (with("[accounts.constants]\naccount_id = '1'"), "`accounts.constants.provider_id`: missing"),
        (with("[accounts]\ncolumns = {}\nconstants = {}"), "`accounts.constants.account_id`: missing"),
        (with("[accounts]"), "`accounts.columns`: missing"),
        (with("x = "), "not TOML"),
    ];
    for (toml, problem) in cases {
        let error = Mapping::parse("test", &toml).unwrap_err().to_string();
        assert!(error.starts_with("mapping `test`: ") && error.contains(problem), "{problem}\n{error}\n{toml}");
    }
    let error = Mapping::load(Path::new("brka"), &[]).unwrap_err().to_string();
    assert!(error.contains("`brka`") && error.contains("berka"), "{error}");
}

#[test]
fn constants_make_an_account() {
    let constants = "
        [accounts.constants]
        account_id = '1'
        provider_id = 'p'
        provider_name = 'P'
        subject_uscc = '91350100M000100Y43'
        subject_name = 'S'
        account_type = 'basic'
        currency = 'CNY'
        status = 'active'";
    let mapping = parse(&format!("[columns]\n{REST}\n{constants}"));
    let AccountsMapping::Constants(account) = mapping.accounts else { panic!() };
    assert_eq!(account[0], ("account_id", "1".to_string()));
    assert_eq!(account.len(), 8);
    assert_eq!(parse(&format!("[columns]\n{REST}")).accounts, AccountsMapping::Own);
}

#[test]
fn berka() {
    let mapping = Mapping::load(Path::new("berka"), &[]).unwrap();
    let text = "trans_id;account_id;date;type;operation;amount;balance;k_symbol;bank;account\r\n\
        6145;25;960728;credit;credit in cash;900.00;900.00;;;\r\n\
        6294;25;961006;withdrawal;remittance to another bank;1110.00;79599.50; ;AB;79838293\r\n\
        1;2;981231;withdrawal in cash;withdrawal in cash;1.20;3.40;household;;0\r\n\
        1;2;981332;refund;;1.20;3.40;;;0\r\n";
    let made = rows(text, mapping.transactions.as_ref().unwrap());
    let lines: Vec<String> = made
        .iter()
        .map(|row| {
            mapping
                .transactions
                .as_ref()
                .unwrap()
                .columns()
                .map(|name| row[name].as_str())
                .collect::<Vec<_>>()
                .join("|")
        })
        .collect();
    let columns: Vec<&str> = mapping.transactions.as_ref().unwrap().columns().collect();
    assert_eq!(
        columns.join("|"),
        "account_id|txn_id|booked_at|direction|amount|balance|currency|kind|counterparty_account|summary"
    );
    assert_eq!(
        lines,
        [
            "25|6145|1996-07-28|C|900.00|900.00|CZK|CASH_DEPOSIT||",
            "25|6294|1996-10-06|D|1110.00|79599.50|CZK|TRANSFER|79838293|",
            "2|1|1998-12-31|D|1.20|3.40|CZK|CASH_WITHDRAWAL||household",
            "2|1|981332|refund|1.20|3.40|CZK|||",
        ]
    );
    let AccountsMapping::Table(accounts) = mapping.accounts else { panic!() };
    let made =
        rows("\"account_id\";\"district_id\";\"frequency\";\"date\"\n576;55;\"monthly issuance\";930101\n", &accounts);
    assert_eq!(made[0]["account_id"], "576");
    assert_eq!(made[0]["opened_on"], "1993-01-01");
    assert!(crate::account::uscc_is_valid(&made[0]["subject_uscc"]));
}

/// Every row of the real files gets the kind of the data's description.
#[test]
fn berka_whole() {
    let Some(data) = crate::testing::shared_data("data/berka") else { return };
    let mapping = Mapping::load(Path::new("berka"), &[]).unwrap();
    let made = rows_of(&data.join("trans_comp.csv"), mapping.transactions.as_ref().unwrap(), &TRANSACTIONS);
    assert_eq!(made.len(), 30_200);
    let mut kinds = BTreeMap::new();
    for row in &made {
        assert!(crate::period::Date::parse(&row["booked_at"]).is_some());
        assert!(crate::money::parse_fen(&row["amount"]).is_some_and(|fen| fen > 0));
        assert!(crate::money::parse_fen(&row["balance"]).is_some());
        *kinds.entry((row["direction"].as_str(), row["kind"].as_str())).or_insert(0) += 1;
    }
    let expected = [
        (("C", "CASH_DEPOSIT"), 5_304),
        (("C", "INTEREST"), 5_130),
        (("C", "TRANSFER"), 1_448),
        (("D", "CASH_WITHDRAWAL"), 9_757 + 856 + 47 + 54),
        (("D", "FEE"), 3_186),
        (("D", "INTEREST"), 43),
        (("D", "TRANSFER"), 2_145 + 681 + 1_549),
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    let AccountsMapping::Table(accounts) = mapping.accounts else { panic!() };
    let made = rows_of(&data.join("account.csv"), &accounts, &ACCOUNTS);
    assert_eq!(made.len(), 4_500);
    assert!(made.iter().all(|row| row["opened_on"].starts_with("199")));
}
