//! The text of a table's cells.
//!
//! Owns: thousands separators, words for missing values, padding and line breaks by display width.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::super::ValueText;
use crate::product::value::{Reason, Value};

/// The sign of a missing value.
pub(super) const MISSING: &str = "—";

/// A value for a reader, without a reason if it is missing.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null(_) | Value::NoLimit => MISSING.to_string(),
        Value::Text(text) => printable(text),
        Value::Count(_) | Value::Money(_) => grouped(&ValueText(value).to_string()),
        other => ValueText(other).to_string(),
    }
}

/// A decimal with thousands separators.
fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, decimals) = digits.find('.').map_or((digits, ""), |at| digits.split_at(at));
    let mut text = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + decimals
}

/// A text from a feed. Characters that could move the cursor or reverse the text are replaced.
fn printable(text: &str) -> String {
    let is_unsafe = |c: char| {
        c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

pub(super) fn reason_word(reason: Reason) -> &'static str {
    match reason {
        Reason::NotGiven => "未提供",
        Reason::HistoryShort => "历史不足",
        Reason::NoPriorPeriod => "无对比期",
        Reason::NoBalance => "无余额",
        Reason::NoCounterparty => "无对手",
        Reason::NoActivity => "无发生额",
        Reason::NotDefined => "无定义",
        Reason::Withheld => "未授权",
    }
}

pub(super) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

pub(super) fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
}

/// Lines of at most `width` columns, broken at a space or before a wide character.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut line_width = 0;
    for c in text.chars() {
        let char_width = c.width().unwrap_or_default();
        if line_width + char_width > width && !line.is_empty() {
            let rest = if char_width > 1 || c == ' ' { None } else { line.rfind(' ') };
            let carried = rest.map_or_else(String::new, |at| line.split_off(at));
            lines.push(std::mem::take(&mut line).trim_end().to_string());
            line.push_str(carried.trim_start());
            line_width = line.width();
        }
        if !(line.is_empty() && c == ' ' && !lines.is_empty()) {
            line.push(c);
            line_width += char_width;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let cases =
            [("0", "0"), ("999", "999"), ("1000", "1,000"), ("-123456.78", "-123,456.78"), ("-100.00", "-100.00")];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn lines_break_at_spaces_or_between_wide_characters() {
        let cases: [(&str, &[&str]); 5] = [
            ("one two three", &["one two", "three"]),
            ("two ten x", &["two ten", "x"]),
            ("abcdefghijk", &["abcdefgh", "ijk"]),
            ("资金流信用信息", &["资金流信", "用信息"]),
            ("", &[""]),
        ];
        for (text, lines) in cases {
            assert_eq!(wrap(text, 8), lines, "{text}");
        }
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[31m\u{202e}b\n"), "a\u{fffd}[31m\u{fffd}b\u{fffd}");
    }
}
