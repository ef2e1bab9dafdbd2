//! A mapping drafted from a file's header and first rows, for a person to look over.
//!
//! Owns: the headings that we know, and what the values below them tell: forms of dates, signs, thousands, what means null.
//! The draft is text, since most of it is what a person should look at: a line that is not sure says so. It holds headings
//! of the file, and of its values only words that we know and marks that mean null.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::csv;
use super::mapping::{TimeFormat, parse_any, plain_money};
use super::reject::{Code, FileFault};
use crate::money::parse_fen;

/// Records that are looked at.
const RECORDS: usize = 2_000;

/// The header is among so many first records.
const HEADER_WITHIN: usize = 100;

/// Delimiters that are tried, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What a heading may stand for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Meaning {
    AccountId,
    TxnId,
    Date,
    Time,
    Amount,
    MoneyIn,
    MoneyOut,
    Direction,
    Balance,
    Currency,
    Name,
    Account,
    Bank,
    Uscc,
    Summary,
    Remark,
}

/// Headings that we know, without white space and in lower case, likelier ones first; a heading that only contains one of
/// them is taken where nothing else is, and said to be unsure.
const KNOWN: [(Meaning, &[&str]); 16] = [
    (
        Meaning::AccountId,
        &["accountid", "account_id", "本方账号", "本方帐号", "账号", "帐号", "卡号", "accountnumber", "iban", "账户"],
    ),
    (
        Meaning::TxnId,
        &[
            "交易流水号",
            "流水号",
            "核心流水号",
            "交易序号",
            "凭证号",
            "交易单号",
            "交易订单号",
            "订单号",
            "transactionid",
            "transactionno",
            "transactionnumber",
            "reference",
            "bankreference",
            "txnid",
        ],
    ),
    (
        Meaning::Date,
        &[
            "交易日期",
            "记账日期",
            "记账日",
            "入账日期",
            "交易时间",
            "记账时间",
            "日期",
            "发生日期",
            "bookingdate",
            "transactiondate",
            "postingdate",
            "posteddate",
            "bookeddate",
            "date",
            "valuedate",
            "buchungstag",
            "buchungsdatum",
        ],
    ),
    (Meaning::Time, &["记账时间", "交易时间", "入账时间", "时间", "transactiontime", "time"]),
    (
        Meaning::MoneyIn,
        &[
            "收入金额",
            "收入",
            "贷方发生额",
            "贷方金额",
            "贷方",
            "存入金额",
            "存入",
            "转入金额",
            "credit",
            "creditamount",
            "paidin",
            "moneyin",
            "deposit",
            "deposits",
            "received",
            "inflow",
        ],
    ),
    (
        Meaning::MoneyOut,
        &[
            "支出金额",
            "支出",
            "借方发生额",
            "借方金额",
            "借方",
            "支取金额",
            "取出",
            "转出金额",
            "debit",
            "debitamount",
            "paidout",
            "moneyout",
            "withdrawal",
            "withdrawals",
            "paid",
            "outflow",
        ],
    ),
    (
        Meaning::Direction,
        &[
            "收/支",
            "收支",
            "收支类型",
            "借贷标志",
            "借贷方向",
            "借贷",
            "借/贷",
            "收支方向",
            "方向",
            "debit/credit",
            "credit/debit",
            "dr/cr",
            "cr/dr",
            "drcr",
            "direction",
            "sign",
            "type",
        ],
    ),
    (Meaning::Amount, &["交易金额", "金额", "发生额", "记账金额", "amount", "transactionamount", "betrag", "value"]),
    (
        Meaning::Balance,
        &["余额", "账户余额", "本次余额", "交易后余额", "联机余额", "balance", "runningbalance", "saldo"],
    ),
    (Meaning::Currency, &["币种", "货币", "交易币种", "记账币种", "currency", "ccy"]),
    (
        Meaning::Name,
        &[
            "对方户名",
            "对方账户名",
            "对方名称",
            "交易对方",
            "对手信息",
            "对手户名",
            "交易对手",
            "对方姓名",
            "收/付方名称",
            "对方账号与户名",
            "counterparty",
            "counterpartyname",
            "payee",
            "beneficiary",
            "name",
            "payer/payee",
        ],
    ),
    (
        Meaning::Account,
        &[
            "对方账号",
            "对方帐号",
            "对方账户",
            "对方卡号/账号",
            "对方卡号",
            "对手账号",
            "交易对手账号",
            "counterpartyaccount",
            "counterpartyiban",
            "beneficiaryaccount",
            "otheraccount",
        ],
    ),
    (Meaning::Bank, &["对方行号", "对方开户行行号", "counterpartybank", "counterpartybic"]),
    (Meaning::Uscc, &["对方统一社会信用代码", "counterpartyuscc"]),
    (
        Meaning::Summary,
        &[
            "摘要",
            "交易摘要",
            "交易名称",
            "交易类型",
            "交易分类",
            "业务类型",
            "description",
            "details",
            "narrative",
            "particulars",
            "transactiontype",
            "verwendungszweck",
        ],
    ),
    (Meaning::Remark, &["附言", "备注", "交易附言", "用途", "商品说明", "memo", "remark", "remarks", "note", "notes"]),
];

/// First words of rows that are sums, not transactions.
const FOOTERS: [&str; 12] = [
    "人民币合计",
    "合计",
    "总计",
    "小计",
    "本页合计",
    "期末余额",
    "期初余额",
    "Total",
    "TOTAL",
    "Sum",
    "Closing balance",
    "Opening balance",
];

const WAYS_IN: [&str; 18] = [
    "收入", "收", "贷", "贷方", "进", "转入", "存入", "deposit", "Deposit", "C", "CR", "Cr", "Credit", "credit",
    "CREDIT", "In", "IN", "+",
];
const WAYS_OUT: [&str; 18] = [
    "支出",
    "支",
    "借",
    "借方",
    "出",
    "转出",
    "支取",
    "withdrawal",
    "Withdrawal",
    "D",
    "DR",
    "Dr",
    "Debit",
    "debit",
    "DEBIT",
    "Out",
    "OUT",
    "-",
];

const NULLS: [&str; 8] = ["--", "-", "/", "NULL", "null", "N/A", "n/a", "无"];

const CURRENCIES: [(&str, &str); 6] =
    [("人民币", "CNY"), ("人民币元", "CNY"), ("RMB", "CNY"), ("美元", "USD"), ("港币", "HKD"), ("欧元", "EUR")];

const DATE_FORMS: [&str; 15] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%Y-%-m-%-d",
    "%Y/%-m/%-d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%-d/%-m/%Y",
    "%-m/%-d/%Y",
    "%d %b %Y",
    "%y%m%d",
];
const TIME_FORMS: [&str; 4] = ["%H:%M:%S", "%H:%M", "%H%M%S", "%-H:%M"];
const BETWEEN: [&str; 3] = [" ", "T", ""];

/// A draft, and how many of its lines are unsure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// A mapping as TOML, with remarks.
    pub toml: String,
    /// Lines that a person should look at.
    pub unsure: usize,
}

/// A file's header and the rows below it.
struct Table {
    delimiter: u8,
    /// Records before the header.
    preamble: usize,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A column that stands for something.
#[derive(Clone, Copy)]
struct Found {
    meaning: Meaning,
    column: usize,
    sure: bool,
}

/// Drafts a mapping of a CSV file.
///
/// # Errors
/// A file that cannot be read, or one without a line of headings that we know.
pub fn guess(path: &Path) -> Result<Draft, FileFault> {
    let mut best: Option<(usize, Table)> = None;
    let mut fault = None;
    for delimiter in DELIMITERS {
        match csv::first_records(path, delimiter, RECORDS) {
            Ok(records) => {
                if let Some((score, table)) = find_header(records, delimiter)
                    && best.as_ref().is_none_or(|(highest, _)| score > *highest)
                {
                    best = Some((score, table));
                }
            }
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    match (best, fault) {
        (Some((_, table)), _) => Ok(draft(&table)),
        (None, Some(fault)) => Err(fault),
        (None, None) => {
            let hint = "none of the first 100 lines has headings for a date and money that we know; write the mapping by \
                        hand (docs/mapping.md)";
            Err(FileFault::whole(Code::MissingColumn, hint))
        }
    }
}

/// The record with most headings that we know, if they tell a date and money.
fn find_header(records: Vec<Vec<String>>, delimiter: u8) -> Option<(usize, Table)> {
    let score = |record: &Vec<String>| {
        let found = meanings(record, |_| true);
        let has = |meaning| found.iter().any(|found| found.meaning == meaning);
        let has_money = has(Meaning::Amount) || has(Meaning::MoneyIn) && has(Meaning::MoneyOut);
        (has(Meaning::Date) && has_money).then_some(found.len())
    };
    let scores = records.iter().take(HEADER_WITHIN).enumerate().filter_map(|(at, record)| Some((score(record)?, at)));
    // The first of equal ones.
    let (score, at) = scores.max_by_key(|(score, at)| (*score, std::cmp::Reverse(*at)))?;
    let mut records = records.into_iter();
    let preamble = at;
    let header = records.by_ref().nth(at)?;
    Some((score, Table { delimiter, preamble, header, rows: records.collect() }))
}

/// What a record of headings stands for: each meaning once, each column once, exact headings first, and of several that fit
/// the first that `has_values`.
fn meanings(header: &[String], has_values: impl Fn(usize) -> bool) -> Vec<Found> {
    let plain = |heading: &str| -> String {
        let heading = heading.to_lowercase();
        heading.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '(' | ')' | '（' | '）' | '元')).collect()
    };
    let headings: Vec<String> = header.iter().map(|heading| plain(heading)).collect();
    let mut found: Vec<Found> = Vec::new();
    for sure in [true, false] {
        for (meaning, names) in KNOWN {
            if found.iter().any(|found| found.meaning == meaning) {
                continue;
            }
            let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
            let fits = |heading: &str, name: &str| match sure {
                true => heading == name,
                // A short name is part of too much.
                false => name.chars().count() > 1 && name != "name" && name != "type" && heading.contains(name),
            };
            let free = |column: &usize| found.iter().all(|found| found.column != *column);
            let of_name = |name: &String| {
                let columns = headings.iter().enumerate().filter(|(_, heading)| fits(heading, name));
                columns.map(|(column, _)| column).filter(free).collect::<Vec<_>>()
            };
            let columns: Vec<usize> = names.iter().flat_map(of_name).collect();
            let column = columns.iter().find(|column| has_values(**column)).or(columns.first());
            if let Some(column) = column.copied() {
                found.push(Found { meaning, column, sure });
            }
        }
    }
    found
}

/// The draft in the making.
struct Writer {
    toml: String,
    unsure: usize,
}

impl Writer {
    fn line(&mut self, line: &str, doubt: Option<&str>) {
        self.toml += line;
        if let Some(doubt) = doubt {
            self.unsure += 1;
            // Writing to a String cannot fail.
            let _ = write!(self.toml, " # unsure: {doubt}");
        }
        self.toml.push('\n');
    }
}

fn draft(table: &Table) -> Draft {
    let has_values = |column: usize| {
        let mut values = table.rows.iter().filter_map(|row| row.get(column)).map(String::as_str);
        values.any(|value| !value.is_empty() && !is_null(value))
    };
    let found = meanings(&table.header, has_values);
    let column = |meaning: Meaning| found.iter().find(|found| found.meaning == meaning).copied();
    let mut writer = Writer { toml: String::new(), unsure: 0 };
    writer.line(
        "# Drafted from the header and the first rows; look at what is unsure, then try it: liushui mapping check",
        None,
    );
    writer.line("", None);
    let nulls = file_section(table, &found, &mut writer);
    writer.line("", None);
    writer.line("[columns]", None);
    let values = |column: usize| -> Vec<&str> {
        let values = table.rows.iter().filter_map(|row| row.get(column)).map(String::as_str);
        values.filter(|value| !value.is_empty() && !nulls.contains(value)).collect()
    };
    let named = |found: &Found| quoted(&table.header[found.column]);
    let doubt = |found: &Found| (!found.sure).then_some("the heading is like one that we know");
    let account = column(Meaning::AccountId);
    match account {
        Some(found) if found.sure => writer.line(&format!("account_id = {}", named(&found)), None),
        Some(found) => {
            let doubt = "it may be the account's number; the account is given below instead";
            writer.line(&format!("# account_id = {}", named(&found)), Some(doubt));
        }
        None => {}
    }
    if let Some(found) = column(Meaning::TxnId) {
        let given = values(found.column);
        let distinct: BTreeSet<&&str> = given.iter().collect();
        match distinct.len() == given.len() && !given.is_empty() {
            true => writer.line(&format!("txn_id = {}", named(&found)), doubt(&found)),
            false => writer.line(
                &format!("# txn_id = {}", named(&found)),
                Some("its values repeat, so identifiers are made from the file instead"),
            ),
        }
    }
    if let Some(date) = column(Meaning::Date) {
        time_line(&date, column(Meaning::Time), &named, &values, &mut writer);
    }
    money_lines(&column, &named, &values, &mut writer);
    if let Some(found) = column(Meaning::Currency) {
        let known = values(found.column);
        let pairs: Vec<String> = CURRENCIES
            .iter()
            .filter(|(from, _)| known.contains(from))
            .map(|(from, to)| format!("{} = {}", quoted(from), quoted(to)))
            .collect();
        let is_code = |value: &&str| value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_uppercase());
        let unknown = known.iter().any(|value| !is_code(value) && !CURRENCIES.iter().any(|(from, _)| from == value));
        let line = match pairs.as_slice() {
            [] => format!("currency = {}", named(&found)),
            pairs => format!("currency = {{ column = {}, values = {{ {} }} }}", named(&found), pairs.join(", ")),
        };
        writer.line(&line, unknown.then_some("some values are no currency that we know").or(doubt(&found)));
    }
    for (meaning, name) in [
        (Meaning::Name, "counterparty_name"),
        (Meaning::Account, "counterparty_account"),
        (Meaning::Bank, "counterparty_bank"),
        (Meaning::Uscc, "counterparty_uscc"),
        (Meaning::Summary, "summary"),
        (Meaning::Remark, "remark"),
    ] {
        if let Some(found) = column(meaning) {
            writer.line(&format!("{name} = {}", named(&found)), doubt(&found));
        }
    }
    let unused = (0..table.header.len()).filter(|at| found.iter().all(|found| found.column != *at));
    let unused: Vec<&str> = unused.map(|at| table.header[at].as_str()).filter(|name| !name.is_empty()).collect();
    if !unused.is_empty() {
        writer.line(&format!("# not used: {}", unused.join(", ").replace(['\n', '\r'], " ")), None);
    }
    writer.line("", None);
    if account.is_some_and(|found| found.sure) {
        writer.line("# Accounts come in the feed's own layout: --accounts PATH.", None);
    } else {
        writer.line(
            "# The file names no account. Give the rest by --account COLUMN=TEXT, or here: account_id, provider_id,",
            None,
        );
        writer.line("# provider_name, subject_uscc, subject_name.", None);
        writer.line("[accounts.constants]", None);
        writer.line("account_type = \"general\"", Some("basic, general, special or temporary"));
        writer.line("currency = \"CNY\"", Some("the file is not asked"));
        writer.line("status = \"active\"", None);
    }
    Draft { toml: writer.toml, unsure: writer.unsure }
}

/// Writes `[file]`; the texts that mean null come back.
fn file_section<'t>(table: &'t Table, found: &[Found], writer: &mut Writer) -> BTreeSet<&'t str> {
    writer.line("[file]", None);
    if table.delimiter != b',' {
        writer.line(&format!("delimiter = {}", quoted(&char::from(table.delimiter).to_string())), None);
    }
    if table.preamble > 0 {
        let headings: Vec<String> =
            found.iter().filter(|found| found.sure).take(3).map(|found| quoted(&table.header[found.column])).collect();
        let headings = if headings.is_empty() { vec![quoted(&table.header[0])] } else { headings };
        writer.line(&format!("header = [{}]", headings.join(", ")), None);
    }
    if table.rows.iter().any(|row| row.len() != table.header.len()) {
        writer.line("ragged = \"pad\"", Some("some rows are shorter or longer than the header"));
    }
    let footers: Vec<String> = FOOTERS
        .iter()
        .filter(|footer| table.rows.iter().any(|row| row.first().is_some_and(|first| first.starts_with(**footer))))
        .map(|footer| quoted(footer))
        .collect();
    if !footers.is_empty() {
        writer.line(&format!("footer = [{}]", footers.join(", ")), None);
    }
    // A sign alone tells a direction.
    let way = found.iter().find(|found| found.meaning == Meaning::Direction).map(|found| found.column);
    let texts = table.rows.iter().flat_map(|row| row.iter().enumerate()).filter(|(at, _)| Some(*at) != way);
    let nulls: BTreeSet<&str> = texts.map(|(_, text)| text.as_str()).filter(|text| is_null(text)).collect();
    if !nulls.is_empty() {
        let texts: Vec<String> = nulls.iter().map(|text| quoted(text)).collect();
        writer.line(&format!("null = [{}]", texts.join(", ")), None);
    }
    nulls
}

/// Whether a value is a mark that nothing stands here.
fn is_null(value: &str) -> bool {
    NULLS.contains(&value) || value.len() > 2 && value.bytes().all(|byte| byte == b'-')
}

/// Writes `booked_at`, from one column or two.
fn time_line<'t>(
    date: &Found,
    time: Option<Found>,
    named: &impl Fn(&Found) -> String,
    values: &impl Fn(usize) -> Vec<&'t str>,
    writer: &mut Writer,
) {
    let dates: Vec<&str> = values(date.column);
    let joined = DATE_FORMS.iter().flat_map(|date| {
        BETWEEN.iter().flat_map(move |between| TIME_FORMS.iter().map(move |time| format!("{date}{between}{time}")))
    });
    let forms = DATE_FORMS.iter().map(|form| (*form).to_string()).chain(joined);
    let fitting: Vec<String> = fitting(forms, &dates);
    let Some(form) = fitting.first() else {
        let line = format!("booked_at = {}", named(date));
        return writer.line(&line, Some("the form of its values is not known to us; see `format` in docs/mapping.md"));
    };
    // Day and month can only be told apart where a day is above 12.
    let swapped = fitting.iter().any(|other| {
        let (day, month) = (form.find("%d").or(form.find("%-d")), form.find("%m").or(form.find("%-m")));
        let (other_day, other_month) = (other.find("%d").or(other.find("%-d")), other.find("%m").or(other.find("%-m")));
        (day < month) != (other_day < other_month)
    });
    let doubt = swapped.then_some("day and month could be the other way round");
    let doubt = doubt.or((!date.sure).then_some("the heading is like one that we know"));
    let times = time.map(|time| (time, values(time.column)));
    let clock = times.and_then(|(time, times)| {
        let forms = TIME_FORMS.iter().map(|form| (*form).to_string());
        let has_time = form.contains("%H") || form.contains("%-H");
        Some((time, fitting_times(forms, &times).filter(|_| !has_time)?))
    });
    let line = match clock {
        Some((time, clock)) => format!(
            "booked_at = {{ date = {{ column = {}, format = {} }}, time = {{ column = {}, format = {} }} }}",
            named(date),
            quoted(form),
            named(&time),
            quoted(&clock)
        ),
        None => format!("booked_at = {{ column = {}, format = {} }}", named(date), quoted(form)),
    };
    writer.line(&line, doubt);
}

/// The forms in which nearly all values are dates: a row below the table may hold a remark instead.
fn fitting(forms: impl Iterator<Item = String>, values: &[&str]) -> Vec<String> {
    let fits = |form: &String| {
        let Some(form) = TimeFormat::new(form) else { return false };
        let form = [form];
        let fitting = values.iter().filter(|value| parse_any(&form, value).is_some_and(|parts| parts.date.is_some()));
        fitting.count() * 10 >= values.len() * 9 && !values.is_empty()
    };
    forms.filter(fits).collect()
}

/// The first form in which nearly all values are times of day.
fn fitting_times(mut forms: impl Iterator<Item = String>, values: &[&str]) -> Option<String> {
    // A time alone is no form of a mapping's date, so it is tried behind one.
    let fits = |form: &String| {
        let Some(form) = TimeFormat::new(&format!("%Y-%m-%d {form}")) else { return false };
        let form = [form];
        let fitting = values.iter().filter(|value| parse_any(&form, &format!("2024-01-02 {value}")).is_some());
        fitting.count() * 10 >= values.len() * 9 && !values.is_empty()
    };
    forms.find(fits)
}

/// Writes `amount`, `direction` and `balance`.
fn money_lines<'t>(
    column: &impl Fn(Meaning) -> Option<Found>,
    named: &impl Fn(&Found) -> String,
    values: &impl Fn(usize) -> Vec<&'t str>,
    writer: &mut Writer,
) {
    let thousands = |columns: &[Found]| {
        let has = columns.iter().any(|found| values(found.column).iter().any(|value| value.contains(',')));
        if has { ", thousands = \",\"" } else { "" }
    };
    let is_money = |found: &Found| {
        let values = values(found.column);
        let money = values.iter().filter(|value| {
            let value = value.strip_prefix(['+', '-']).unwrap_or(value);
            parse_fen(&plain_money(value, Some(','))).is_some()
        });
        money.count() * 10 >= values.len() * 9
    };
    let strange = "some values are not plain amounts";
    match (column(Meaning::MoneyIn), column(Meaning::MoneyOut), column(Meaning::Amount)) {
        (Some(money_in), Some(money_out), amount)
            if amount.is_none_or(|amount| !amount.sure) || (money_in.sure && money_out.sure) =>
        {
            let line = format!(
                "amount = {{ in = {}, out = {}{} }}",
                named(&money_in),
                named(&money_out),
                thousands(&[money_in, money_out])
            );
            let doubt = (!is_money(&money_in) || !is_money(&money_out)).then_some(strange);
            let like = (!money_in.sure || !money_out.sure).then_some("the headings are like ones that we know");
            writer.line(&line, doubt.or(like));
        }
        (_, _, Some(amount)) => {
            let thousands = thousands(&[amount]);
            let doubt = (!is_money(&amount)).then_some(strange);
            let ways = column(Meaning::Direction).map(|way| (way, values(way.column)));
            let is_way = |value: &&&str| WAYS_IN.contains(*value) || WAYS_OUT.contains(*value);
            match ways.filter(|(_, ways)| ways.iter().any(|way| is_way(&way))) {
                Some((way, ways)) => {
                    let money = if thousands.is_empty() {
                        named(&amount)
                    } else {
                        format!("{{ column = {}{thousands} }}", named(&amount))
                    };
                    let pairs = |known: &[&str], to: &str| -> Vec<String> {
                        let seen = known.iter().filter(|known| ways.contains(known));
                        seen.map(|known| format!("{} = {}", quoted(known), quoted(to))).collect()
                    };
                    let pairs = [pairs(&WAYS_IN, "C"), pairs(&WAYS_OUT, "D")].concat();
                    let others = ways.iter().filter(|way| !is_way(way)).count();
                    let other = format!(
                        "{others} rows have a direction that we do not know; add them, or skip them in a [[row]]"
                    );
                    let line =
                        format!("direction = {{ column = {}, values = {{ {} }} }}", named(&way), pairs.join(", "));
                    writer.line(&line, (others > 0).then_some(other.as_str()));
                    writer.line(&format!("amount = {money}"), doubt);
                }
                None => {
                    let signed = values(amount.column).iter().any(|value| value.starts_with('-'));
                    let line = format!("amount = {{ column = {}{thousands}, direction = \"sign\" }}", named(&amount));
                    writer
                        .line(&line, doubt.or((!signed).then_some("no amount has a sign; what tells the direction?")));
                }
            }
        }
        // `find_header` asks for one or the other.
        _ => {}
    }
    if let Some(balance) = column(Meaning::Balance) {
        let thousands = thousands(&[balance]);
        let line = match thousands {
            "" => format!("balance = {}", named(&balance)),
            _ => format!("balance = {{ column = {}{thousands} }}", named(&balance)),
        };
        match is_money(&balance) {
            true => writer.line(&line, None),
            false => writer.line(&format!("# {line}"), Some(strange)),
        }
    }
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
