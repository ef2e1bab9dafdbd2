//! Values and exact numbers.
//!
//! Owns: fractions, roots, rounding and the text of money and ratios.
//! Does not own: what is added or divided.

use chrono::NaiveDate;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use serde_json::Value;

use super::{Figure, Reason};

const MILLION: i128 = 1_000_000;

pub(super) fn text(value: impl Into<String>) -> Value {
    Value::String(value.into())
}

pub(super) fn day(date: NaiveDate) -> Value {
    text(date.format("%Y-%m-%d").to_string())
}

pub(super) fn int(value: impl TryInto<i64>) -> Value {
    let value = value.try_into().ok().expect("a count fits 64 bits");
    Value::from(value)
}

pub(super) fn money(fen: i128) -> Value {
    text(decimal(&BigInt::from(fen), 2))
}

pub(super) fn money_rounded(fen: &BigRational) -> Value {
    text(decimal(&half_even(fen), 2))
}

pub(super) fn ratio(value: &BigRational) -> Value {
    text(decimal(&half_even(&(value * fraction(MILLION, 1))), 6))
}

/// `part / whole`, for counts and net amounts.
pub(super) fn share(part: i128, whole: i128) -> Figure {
    divided(&fraction(part, 1), &fraction(whole, 1), Reason::NoActivity)
}

pub(super) fn divided(part: &BigRational, whole: &BigRational, if_zero: Reason) -> Figure {
    if whole.is_zero() { Err(if_zero) } else { Ok(ratio(&(part / whole))) }
}

/// `sign * sqrt(square)` as a ratio, rounded once.
pub(super) fn ratio_of_root(square: &BigRational, negative: bool) -> Value {
    let millionths = root_half_even(&(square * fraction(MILLION * MILLION, 1)));
    text(decimal(&if negative { -millionths } else { millionths }, 6))
}

pub(super) fn fraction(numerator: i128, denominator: i128) -> BigRational {
    BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
}

/// Decimal text of `units` of 10^-digits. A zero has no sign, since an integer zero has none.
pub(super) fn decimal(units: &BigInt, digits: usize) -> String {
    let sign = if units.is_negative() { "-" } else { "" };
    let figures = format!("{:0>width$}", units.abs().to_string(), width = digits + 1);
    let (whole, part) = figures.split_at(figures.len() - digits);
    format!("{sign}{whole}.{part}")
}

fn half_even(value: &BigRational) -> BigInt {
    let below = value.floor().to_integer();
    nearer(&below, value - BigRational::from(below.clone()), &fraction(1, 2))
}

/// The integer nearest to the square root of `value`, a tie to the even one. sqrt(value) lies above `below +
/// 1/2` if and only if value lies above (below + 1/2)^2, so nothing irrational is ever held.
pub(super) fn root_half_even(value: &BigRational) -> BigInt {
    let below = value.floor().to_integer().sqrt();
    let middle = BigRational::from(below.clone()) + fraction(1, 2);
    nearer(&below, value.clone(), &(&middle * &middle))
}

/// `below` or the integer after it, as `value` lies under or over `middle`; the even one where they are
/// equal.
fn nearer(below: &BigInt, value: BigRational, middle: &BigRational) -> BigInt {
    let odd = !(below % BigInt::from(2)).is_zero();
    if value > *middle || (value == *middle && odd) { below + BigInt::from(1) } else { below.clone() }
}

pub(super) fn mean(values: &[i128]) -> BigRational {
    fraction(values.iter().sum(), count_of(values))
}

/// Population variance.
pub(super) fn variance(values: &[i128]) -> BigRational {
    let mean = mean(values);
    let squares = values.iter().map(|value| {
        let distance = fraction(*value, 1) - &mean;
        &distance * &distance
    });
    squares.sum::<BigRational>() / fraction(count_of(values), 1)
}

/// Standard deviation / mean.
pub(super) fn variation(values: &[i128]) -> Figure {
    let mean = mean(values);
    if mean.is_zero() {
        return Err(Reason::NotDefined);
    }
    Ok(ratio_of_root(&(variance(values) / (&mean * &mean)), mean.is_negative()))
}

pub(super) fn count_of<T>(values: &[T]) -> i128 {
    i128::try_from(values.len()).expect("a length fits 128 bits")
}

/// A part of a whole: below 0 it counts as 0.
pub(super) fn part(amount: i128) -> i128 {
    amount.max(0)
}

pub(super) fn longest_run(marks: impl IntoIterator<Item = bool>) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for mark in marks {
        run = if mark { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
