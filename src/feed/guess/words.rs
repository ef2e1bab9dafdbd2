//! The values that are known: sums, directions, nulls, currencies.

/// The first words of rows that are sums, not transactions.
pub(super) const FOOTERS: [&str; 12] = [
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

/// Words for money in.
pub(super) const WORDS_IN: [&str; 18] = [
    "收入", "收", "贷", "贷方", "进", "转入", "存入", "deposit", "Deposit", "C", "CR", "Cr", "Credit", "credit",
    "CREDIT", "In", "IN", "+",
];

/// Words for money out.
pub(super) const WORDS_OUT: [&str; 18] = [
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

/// Texts that mean null.
const NULLS: [&str; 8] = ["--", "-", "/", "NULL", "null", "N/A", "n/a", "无"];

/// Names of currencies, and their codes.
pub(super) const CURRENCIES: [(&str, &str); 6] =
    [("人民币", "CNY"), ("人民币元", "CNY"), ("RMB", "CNY"), ("美元", "USD"), ("港币", "HKD"), ("欧元", "EUR")];

/// Whether a text means null.
pub(super) fn is_null(value: &str) -> bool {
    NULLS.contains(&value) || value.len() > 2 && value.bytes().all(|byte| byte == b'-')
}
