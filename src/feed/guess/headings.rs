//! The headings that are known, and the columns of a header that have them.

/// The meaning of a column.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Meaning {
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

/// Known headings of each meaning, in lower case and without white space, the most specific first. A heading that only
/// contains one of them is taken where no heading equals one, and is marked as unsure.
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

/// A column whose meaning is known.
#[derive(Clone, Copy)]
pub(super) struct KnownColumn {
    pub(super) meaning: Meaning,
    pub(super) column: usize,
    /// Its heading equals a known one.
    pub(super) is_sure: bool,
}

/// The columns of a header whose meaning is known. Each meaning and each column comes once. Headings that equal a known one
/// come first; of several that fit, the first column that `has_values` is taken.
pub(super) fn known_columns(header: &[String], has_values: impl Fn(usize) -> bool) -> Vec<KnownColumn> {
    let plain = |heading: &str| -> String {
        let heading = heading.to_lowercase();
        heading.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '(' | ')' | '（' | '）' | '元')).collect()
    };
    let headings: Vec<String> = header.iter().map(|heading| plain(heading)).collect();
    let mut found: Vec<KnownColumn> = Vec::new();
    for is_sure in [true, false] {
        for (meaning, names) in KNOWN {
            if found.iter().any(|found| found.meaning == meaning) {
                continue;
            }
            let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
            let fits = |heading: &str, name: &str| match is_sure {
                true => heading == name,
                // A short name is part of too many headings.
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
                found.push(KnownColumn { meaning, column, is_sure });
            }
        }
    }
    found
}
