//! Hand-computed values of every item of both products.
//!
//! Owns: small accounts written as rows, and the expected value of each item, with the arithmetic beside it. Amounts in
//! comments are yuan. Does not own: windows and statistics, which have their own tests.

mod cases;
mod common;
mod context;
mod features;

use std::sync::Arc;

use crate::account::{Account, account_for_tests};
use crate::cell::{Cell, Fingerprint, Row};
use crate::class::Class::{self, Agency, Cash, OpeningBank, Other, PaymentPlatform, Public, SameName};
use crate::flow::Direction::{self, In, Out};
use crate::money::{FEN_PER_YUAN, money_text, ratio_text};
use crate::period::{DAY_US, Date, Month, instant_text};

use super::dictionary::Dictionary;
use super::history::{Carried, History};
use super::value::{Items, Product, Segment, Value};
use super::{
    Appendix, Context, DisputeMark, ProductKind, Purpose, Query, Withheld, compute, compute_in, item_codes, render,
};

/// Date, direction, class, counterparty (0 = unidentified), yuan (below 0 = a reversal), balance after it in
/// yuan.
type TestRow = (&'static str, Direction, Class, u128, i64, Option<i64>);

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn cells(rows: &[TestRow]) -> Vec<(Month, Cell)> {
    let mut cells: Vec<(Month, Cell)> = Vec::new();
    for (at, (on, direction, class, counterparty, yuan, balance_yuan)) in (0_u32..).zip(rows.iter().copied()) {
        let row = Row {
            booked_at_us: i64::from(date(on).0) * DAY_US,
            seq: Some(at.into()),
            txn_id: b"",
            direction,
            reversal: yuan < 0,
            amount_fen: yuan.abs() * FEN_PER_YUAN,
            balance_fen: balance_yuan.map(|yuan| yuan * FEN_PER_YUAN),
            class,
            counterparty: (counterparty > 0).then_some(counterparty),
            fingerprint: Fingerprint { id: at.into(), content: at.into() },
        };
        let month = date(on).month();
        let place = cells.binary_search_by_key(&month, |(month, _)| *month).unwrap_or_else(|place| {
            cells.insert(place, (month, Cell::empty(0)));
            place
        });
        cells[place].1.update(&row);
    }
    cells.iter_mut().for_each(|(_, cell)| cell.settle());
    cells
}

fn account(opened_on: Option<&str>) -> Account {
    Account { opened_on: opened_on.map(date), ..account_for_tests() }
}

fn context(as_of: &str) -> Context {
    Context::precompute(date(as_of), 0, "7")
}

fn product(kind: ProductKind, opened_on: Option<&str>, as_of: &str, rows: &[TestRow]) -> Product {
    let (account, cells, context) = (account(opened_on), cells(rows), context(as_of));
    compute_of(kind, &History::new(&account, &context, &cells))
}

fn compute_of(kind: ProductKind, history: &History<'_>) -> Product {
    let dictionary = Dictionary::builtin(kind).unwrap();
    let product = compute(&dictionary, history);
    render::check(&dictionary, &product).unwrap();
    product
}

fn report(opened_on: &str, as_of: &str, rows: &[TestRow]) -> Product {
    product(ProductKind::Report, Some(opened_on), as_of, rows)
}

fn show(value: &Value) -> String {
    match value {
        Value::Null(reason) => reason.name().to_string(),
        Value::NoLimit => "no limit".to_string(),
        Value::Text(text) => text.to_string(),
        Value::Count(count) => count.to_string(),
        Value::Money(fen) => money_text(*fen),
        Value::Ratio(millionths) => ratio_text(*millionths),
        Value::Date(date) => date.to_string(),
        Value::Month(month) => month.to_string(),
        Value::Quarter(quarter) => quarter.to_string(),
        Value::Instant(seconds) => instant_text(*seconds),
    }
}

fn codes_and_rows(kind: ProductKind, product: &Product, segment: &str) -> (Vec<&'static str>, Vec<Items>) {
    let codes = item_codes(kind);
    assert_eq!(codes.len(), product.segments.len());
    let at = codes.iter().position(|(code, _)| *code == segment).unwrap();
    (codes[at].1.clone(), rows(&product.segments[at]))
}

fn rows(segment: &Segment) -> Vec<Items> {
    (0..segment.rows()).map(|row| segment.items(row).collect()).collect()
}

/// Checks all items of one row of a segment, in order.
fn check_row(kind: ProductKind, product: &Product, segment: &str, row: usize, expected: &[(&str, &str)]) {
    let (codes, rows) = codes_and_rows(kind, product, segment);
    assert_eq!(codes.len(), rows[row].len(), "{segment}");
    let found: Vec<(&str, String)> = codes.into_iter().zip(rows[row].iter().map(show)).collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(code, text)| (*code, text.as_str())).collect();
    assert_eq!(found, expected, "{segment}, row {row}");
}

/// Checks the one row of a segment of the report.
fn check(product: &Product, segment: &str, expected: &[(&str, &str)]) {
    assert_eq!(codes_and_rows(ProductKind::Report, product, segment).1.len(), 1);
    check_row(ProductKind::Report, product, segment, 0, expected);
}

/// One item of the report.
fn item(product: &Product, segment: &str, code: &str) -> String {
    let (codes, rows) = codes_and_rows(ProductKind::Report, product, segment);
    show(&rows[0][codes.iter().position(|c| *c == code).unwrap()])
}

/// Checks the values of one row, where the codes have been seen in another test.
fn check_values(kind: ProductKind, product: &Product, segment: &str, row: usize, expected: &str) {
    let (_, rows) = codes_and_rows(kind, product, segment);
    let found: Vec<String> = rows[row].iter().map(show).collect();
    assert_eq!(found.join(" "), expected, "{segment}, row {row}");
}

/// Half a year of a small trader, opened on 2024-01-01 and seen on 2024-06-30.
///
/// Operating:   Jan  Feb  Mar  Apr  May   Jun
///   in         600  400  500  200    0  1000
///   out        500  200  300  100  300   100
///   net        100  200  200  100 -300   900
const HALF_YEAR: [TestRow; 22] = [
    ("2024-01-05", In, Other, 1, 600, Some(1_600)),
    ("2024-01-05", Out, Other, 4, 200, None),
    ("2024-01-31", Out, Agency, 0, 300, None),
    ("2024-02-15", In, Other, 1, 300, Some(50)),
    ("2024-02-25", In, Public, 1, 100, None),
    ("2024-02-29", Out, Other, 4, 200, None),
    ("2024-03-29", Out, Other, 4, 200, None),
    ("2024-03-29", Out, Other, 5, 100, None),
    ("2024-03-30", In, Other, 2, 500, None),
    ("2024-04-08", In, Other, 1, 200, Some(600)),
    ("2024-04-09", In, Other, 3, 400, None),
    ("2024-04-20", In, Other, 3, -400, None),
    ("2024-04-30", Out, Public, 6, 100, None),
    ("2024-05-10", In, SameName, 9, 1_000, None),
    ("2024-05-10", Out, SameName, 9, 400, None),
    ("2024-05-11", In, OpeningBank, 0, 5_000, None),
    ("2024-05-31", Out, Other, 5, 300, None),
    ("2024-06-01", In, Cash, 0, 150, None),
    ("2024-06-21", In, Other, 7, 800, Some(800)),
    ("2024-06-21", In, Other, 0, 50, None),
    ("2024-06-21", Out, Other, 4, 100, None),
    ("2024-06-25", Out, OpeningBank, 8, 600, None),
];

fn half_year() -> Product {
    report("2024-01-01", "2024-06-30", &HALF_YEAR)
}

/// Some years of rows of all classes, from a multiplicative sequence.
fn many_cells() -> Vec<(Month, Cell)> {
    let days: Vec<String> = (0..980).map(|day| Date(date("2021-08-09").0 + day).to_string()).collect();
    let mut state = 1_u64;
    let mut cells: Vec<(Month, Cell)> = Vec::new();
    for (at, day) in (0_u32..).zip(&days) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let draw = |shift: u32, below: u64| (state >> shift) % below;
        let row = Row {
            booked_at_us: i64::from(date(day).0) * DAY_US,
            seq: None,
            txn_id: b"",
            direction: Direction::BOTH[draw(20, 2) as usize],
            reversal: draw(24, 9) == 0,
            amount_fen: draw(28, 90_000_000) as i64,
            balance_fen: None,
            class: Class::ALL[draw(40, 7) as usize],
            counterparty: Some(draw(48, 5).into()),
            fingerprint: Fingerprint { id: at.into(), content: at.into() },
        };
        let month = date(day).month();
        if cells.last().is_none_or(|(last, _)| *last != month) {
            cells.push((month, Cell::empty(0)));
        }
        if let Some((_, cell)) = cells.last_mut() {
            cell.update(&row);
        }
    }
    cells.iter_mut().for_each(|(_, cell)| cell.settle());
    cells
}
