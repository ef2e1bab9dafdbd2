//! The lines of `amount`, `direction` and `balance`.

use super::draft::{Draft, quoted};
use super::headings::{KnownColumn, Meaning};
use super::words::{WORDS_IN, WORDS_OUT};
use crate::feed::mapping::plain_money;
use crate::money::parse_fen;

const NOT_PLAIN: &str = "some values are not plain amounts";

/// Writes `amount`, `direction` and `balance`.
pub(super) fn write_money(draft: &mut Draft<'_>) {
    match (draft.column(Meaning::MoneyIn), draft.column(Meaning::MoneyOut), draft.column(Meaning::Amount)) {
        (Some(money_in), Some(money_out), amount)
            if amount.is_none_or(|amount| !amount.is_sure) || (money_in.is_sure && money_out.is_sure) =>
        {
            write_two_columns(draft, &money_in, &money_out);
        }
        (_, _, Some(amount)) => write_one_column(draft, &amount),
        // A header without either is none.
        _ => {}
    }
    if let Some(balance) = draft.column(Meaning::Balance) {
        let heading = draft.heading(&balance);
        let line = match thousands(draft, &[balance]) {
            "" => format!("balance = {heading}"),
            thousands => format!("balance = {{ column = {heading}{thousands} }}"),
        };
        match is_money(draft, &balance) {
            true => draft.line(&line, None),
            false => draft.line(&format!("# {line}"), Some(NOT_PLAIN)),
        }
    }
}

/// Money in and money out in two columns.
fn write_two_columns(draft: &mut Draft<'_>, money_in: &KnownColumn, money_out: &KnownColumn) {
    let line = format!(
        "amount = {{ in = {}, out = {}{} }}",
        draft.heading(money_in),
        draft.heading(money_out),
        thousands(draft, &[*money_in, *money_out])
    );
    let doubt = (!is_money(draft, money_in) || !is_money(draft, money_out)).then_some(NOT_PLAIN);
    let like = (!money_in.is_sure || !money_out.is_sure).then_some("the headings are like ones that we know");
    draft.line(&line, doubt.or(like));
}

/// Amounts in one column, whose direction is in another column or is the sign.
fn write_one_column(draft: &mut Draft<'_>, amount: &KnownColumn) {
    let heading = draft.heading(amount);
    let thousands = thousands(draft, &[*amount]);
    let doubt = (!is_money(draft, amount)).then_some(NOT_PLAIN);
    let direction = draft.column(Meaning::Direction).map(|column| (column, draft.values(column.column)));
    let is_known = |word: &&str| WORDS_IN.contains(word) || WORDS_OUT.contains(word);
    let Some((column, words)) = direction.filter(|(_, words)| words.iter().any(is_known)) else {
        let is_signed = draft.values(amount.column).iter().any(|value| value.starts_with('-'));
        let no_sign = (!is_signed).then_some("no amount has a sign; what tells the direction?");
        let line = format!("amount = {{ column = {heading}{thousands}, direction = \"sign\" }}");
        return draft.line(&line, doubt.or(no_sign));
    };
    let money = if thousands.is_empty() { heading } else { format!("{{ column = {heading}{thousands} }}") };
    let pairs = |known: &[&str], to: &str| -> Vec<String> {
        let used = known.iter().filter(|known| words.contains(known));
        used.map(|known| format!("{} = {}", quoted(known), quoted(to))).collect()
    };
    let pairs = [pairs(&WORDS_IN, "C"), pairs(&WORDS_OUT, "D")].concat();
    let others = words.iter().filter(|word| !is_known(word)).count();
    let other = format!("{others} rows have a direction that we do not know; add them, or skip them in a [[row]]");
    let line = format!("direction = {{ column = {}, values = {{ {} }} }}", draft.heading(&column), pairs.join(", "));
    draft.line(&line, (others > 0).then_some(other.as_str()));
    draft.line(&format!("amount = {money}"), doubt);
}

/// The setting of a thousands separator, where a value has one.
fn thousands(draft: &Draft<'_>, columns: &[KnownColumn]) -> &'static str {
    let has = columns.iter().any(|column| draft.values(column.column).iter().any(|value| value.contains(',')));
    if has { ", thousands = \",\"" } else { "" }
}

/// Whether nearly all values of a column are money.
fn is_money(draft: &Draft<'_>, column: &KnownColumn) -> bool {
    let values = draft.values(column.column);
    let money = values.iter().filter(|value| {
        let value = value.strip_prefix(['+', '-']).unwrap_or(value);
        parse_fen(&plain_money(value, Some(','))).is_some()
    });
    money.count() * 10 >= values.len() * 9
}
