//! Money of another layout as money of the feed.
//!
//! Owns: signs, thousands separators, amounts in two columns. A text that is no money passes unchanged, so that the checks
//! refuse it with its row and column.

use std::borrow::Cow;

use crate::money::parse_fen;

/// Money without its thousands separators, if they are in the right places.
pub(in crate::feed) fn plain_money(text: &str, thousands: Option<char>) -> Cow<'_, str> {
    let Some(separator) = thousands.filter(|separator| text.contains(*separator)) else {
        return Cow::Borrowed(text);
    };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = digits.split_once('.').map_or(digits, |(whole, _)| whole);
    let in_place = whole.split(separator).enumerate().all(|(index, group)| {
        let length_fits = if index == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 };
        length_fits && group.bytes().all(|byte| byte.is_ascii_digit())
    });
    if in_place { Cow::Owned(text.replace(separator, "")) } else { Cow::Borrowed(text) }
}

/// Amount and direction of money with a sign: `-` is out. Both are empty where the text is.
pub(super) fn signed_money(text: &str, thousands: Option<char>) -> (Cow<'_, str>, &'static str) {
    if text.is_empty() {
        return (Cow::Borrowed(""), "");
    }
    let direction = if text.starts_with('-') { "D" } else { "C" };
    let amount = text.strip_prefix(['+', '-']).unwrap_or(text);
    // A text with two signs is no amount. It keeps both, and the checks refuse it.
    let amount = if amount.starts_with(['+', '-']) { text } else { amount };
    (plain_money(amount, thousands), direction)
}

/// Amount and direction of money in two columns, of which one is empty or zero.
///
/// A row with money in both columns gets the direction `both`, which the checks refuse.
pub(super) fn in_or_out<'a>(
    in_text: &'a str,
    out_text: &'a str,
    thousands: Option<char>,
) -> (Cow<'a, str>, &'static str) {
    let (credit, debit) = (plain_money(in_text, thousands), plain_money(out_text, thousands));
    let is_given = |money: &str| !money.is_empty() && parse_fen(money) != Some(0);
    match (is_given(&credit), is_given(&debit)) {
        (true, true) => (credit, "both"),
        (true, false) => (credit, "C"),
        (false, true) => (debit, "D"),
        (false, false) if !credit.is_empty() => (credit, "C"),
        (false, false) if !debit.is_empty() => (debit, "D"),
        (false, false) => (credit, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_separators_go_where_they_are_in_place() {
        let cases = [
            ("1,234.50", "1234.50"),
            ("-12,345,678", "-12345678"),
            ("123", "123"),
            ("1234.5", "1234.5"),
            ("1,23", "1,23"),
            ("1234,567", "1234,567"),
            (",123", ",123"),
            ("xx,yyyy.zz", "xx,yyyy.zz"),
        ];
        for (text, plain) in cases {
            assert_eq!(plain_money(text, Some(',')), plain, "{text}");
        }
        assert_eq!(plain_money("1,234.50", None), "1,234.50");
    }

    #[test]
    fn signs_and_columns_give_directions() {
        let signed = [
            ("+10.00", "10.00", "C"),
            ("10", "10", "C"),
            ("-1,234.5", "1234.5", "D"),
            ("-0.00", "0.00", "D"),
            ("--1", "--1", "D"),
            ("x", "x", "C"),
            ("", "", ""),
        ];
        for (text, amount, direction) in signed {
            assert_eq!(signed_money(text, Some(',')), (amount.into(), direction), "{text}");
        }
        let columns = [
            ("1,000.00", "", "1000.00", "C"),
            ("", "2.50", "2.50", "D"),
            ("0.00", "2.50", "2.50", "D"),
            ("-3.00", "", "-3.00", "C"),
            ("0.00", "", "0.00", "C"),
            ("", "0", "0", "D"),
            ("1", "2", "1", "both"),
            ("xx", "", "xx", "C"),
            ("", "", "", ""),
        ];
        for (credit, debit, amount, direction) in columns {
            assert_eq!(in_or_out(credit, debit, Some(',')), (amount.into(), direction), "{credit} {debit}");
        }
    }
}
