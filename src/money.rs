//! Money as integer fen, and the exact arithmetic of ratios, means and roots over it.
//!
//! Owns: text forms of money and ratios, rounding half to even, wide integer products. Does not own: sums,
//! which cells and products compute. No float is used.

use std::fmt::Write as _;

use arrow::datatypes::i256;

/// Fen in a yuan.
pub const FEN_PER_YUAN: i64 = 100;

/// Largest absolute amount a feed may carry: 18 decimal digits of fen, as in `decimal128(18,2)`.
pub const AMOUNT_FEN_MAX: i64 = 999_999_999_999_999_999;

// A balance minus a signed amount is held in an i64 as well: twice the largest amount must fit.
const _: () = assert!(AMOUNT_FEN_MAX < i64::MAX / 2);

/// Units of the sixth decimal in a ratio of 1.
pub const RATIO_ONE: i128 = 1_000_000;

/// Money as a decimal with two digits: `-1234.50`.
pub fn money_text(fen: i128) -> String {
    decimal_text(fen, 2)
}

/// A ratio in millionths as a decimal with six digits: `0.123457`.
pub fn ratio_text(millionths: i128) -> String {
    decimal_text(millionths, 6)
}

fn decimal_text(value: i128, digits: u32) -> String {
    let unit = 10_u128.pow(digits);
    let (whole, part) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    let mut text = String::with_capacity(24);
    if value < 0 {
        text.push('-');
    }
    // Writing to a String cannot fail.
    let _ = write!(text, "{whole}.{part:0width$}", width = digits as usize);
    text
}

/// `numerator / denominator` rounded half to even; `None` where the denominator is 0 or the result leaves i128.
pub fn divide_half_even(numerator: i256, denominator: i256) -> Option<i128> {
    if denominator == i256::ZERO {
        return None;
    }
    let negative = (numerator < i256::ZERO) != (denominator < i256::ZERO);
    let (n, d) = (numerator.wrapping_abs(), denominator.wrapping_abs());
    let (quotient, rest) = (n.checked_div(d)?, n.checked_rem(d)?);
    let twice = rest.checked_add(rest)?;
    let odd = quotient.checked_rem(i256::from_i128(2))? == i256::ONE;
    let up = twice > d || (twice == d && odd);
    let rounded = if up { quotient.checked_add(i256::ONE)? } else { quotient };
    let magnitude = rounded.to_i128()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// [`divide_half_even`] where both fit 128 bits, as nearly always, which is several times as fast.
fn divide_narrow(numerator: i128, denominator: i128) -> Option<i128> {
    let (quotient, rest) = (numerator.checked_div(denominator)?, numerator.checked_rem(denominator)?);
    // Twice an absolute rest fits u128, whose range is that of i128 twice over.
    let (twice, whole) = (rest.unsigned_abs() * 2, denominator.unsigned_abs());
    let up = twice > whole || (twice == whole && quotient % 2 != 0);
    let away = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
    if up { quotient.checked_add(away) } else { Some(quotient) }
}

/// `numerator / denominator` in millionths, half to even; `None` where the denominator is 0.
pub fn ratio(numerator: i128, denominator: i128) -> Option<i128> {
    match numerator.checked_mul(RATIO_ONE) {
        Some(scaled) => divide_narrow(scaled, denominator),
        None => ratio_wide(i256::from_i128(numerator), i256::from_i128(denominator)),
    }
}

/// [`ratio`] of wide operands.
pub fn ratio_wide(numerator: i256, denominator: i256) -> Option<i128> {
    divide_half_even(numerator.checked_mul(i256::from_i128(RATIO_ONE))?, denominator)
}

/// The mean of a sum over `count` values, half to even; `None` where `count` is 0.
pub fn mean(sum: i128, count: u64) -> Option<i128> {
    divide_narrow(sum, i128::from(count))
}

/// The largest integer whose square is not above `value`; 0 for negative values.
pub fn integer_sqrt(value: i256) -> i256 {
    if value <= i256::ZERO {
        return i256::ZERO;
    }
    // Newton's method from above: it starts at a power of two not below the root and decreases until it converges.
    let bits = 256 - value.leading_zeros();
    let mut root = i256::ONE.wrapping_shl_by(bits.div_ceil(2));
    loop {
        let next = match value.checked_div(root).and_then(|q| q.checked_add(root)) {
            Some(sum) => sum.checked_div(i256::from_i128(2)).unwrap_or(i256::ZERO),
            None => return root,
        };
        if next >= root {
            return root;
        }
        root = next;
    }
}

/// Shift left by whole bits, for the start of Newton's method.
trait ShiftLeft {
    fn wrapping_shl_by(self, bits: u32) -> Self;
}

impl ShiftLeft for i256 {
    fn wrapping_shl_by(self, bits: u32) -> Self {
        // The root of a positive i256 is below 2^128, so the shift is at most 128 bits.
        if bits >= 255 { i256::MAX } else { self << (bits as u8) }
    }
}

/// `sqrt(numerator / denominator)` rounded half to even to an integer; `None` where the denominator is not
/// positive, the numerator is negative, or a product leaves 256 bits.
///
/// Exact: with `r = floor(sqrt(n/d))` the root rounds up when `n/d > (r + 1/2)^2`, that is when
/// `4n > d (2r + 1)^2`; equality is the tie, which goes to the even neighbour.
pub fn sqrt_half_even(numerator: i256, denominator: i256) -> Option<i128> {
    if denominator <= i256::ZERO || numerator < i256::ZERO {
        return None;
    }
    let root = integer_sqrt(numerator.checked_div(denominator)?);
    let odd = root.checked_add(root)?.checked_add(i256::ONE)?;
    let (left, right) = (numerator.checked_mul(i256::from_i128(4))?, odd.checked_mul(odd)?.checked_mul(denominator)?);
    let root_is_odd = root.checked_rem(i256::from_i128(2))? == i256::ONE;
    let up = left > right || (left == right && root_is_odd);
    let rounded = if up { root.checked_add(i256::ONE)? } else { root };
    rounded.to_i128()
}

/// Parses feed money: digits, an optional sign, and a point with up to two decimals; nothing else.
///
/// Returns fen, or `None` where the text is not such a number or has more than 18 digits of fen.
pub fn parse_fen(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let (whole, decimals) = match digits.iter().position(|b| *b == b'.') {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &digits[digits.len()..]),
    };
    let point = whole.len() != digits.len();
    if whole.is_empty() || decimals.len() > 2 || (point && decimals.is_empty()) {
        return None;
    }
    let mut fen: i64 = 0;
    let padded = decimals.iter().copied().chain(std::iter::repeat_n(b'0', 2 - decimals.len()));
    for byte in whole.iter().copied().chain(padded) {
        if !byte.is_ascii_digit() {
            return None;
        }
        fen = fen.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
    }
    (fen <= AMOUNT_FEN_MAX).then_some(if negative { -fen } else { fen })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(value: i128) -> i256 {
        i256::from_i128(value)
    }

    #[test]
    fn text_forms() {
        let cases = [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_450, "1234.50"), (-100, "-1.00")];
        for (fen, text) in cases {
            assert_eq!(money_text(fen), text);
        }
        assert_eq!(ratio_text(123_457), "0.123457");
        assert_eq!(ratio_text(-1_500_000), "-1.500000");
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let cases = [(1, 2, 0), (3, 2, 2), (5, 2, 2), (-1, 2, 0), (-3, 2, -2), (7, -2, -4), (10, 3, 3), (11, 3, 4)];
        for (n, d, rounded) in cases {
            assert_eq!(divide_half_even(wide(n), wide(d)), Some(rounded), "{n}/{d}");
            assert_eq!(divide_narrow(n, d), Some(rounded), "{n}/{d}");
        }
        for (n, d) in [(i128::MIN, 3), (i128::MAX, -2), (i128::MAX, i128::MAX), (i128::MIN, i128::MAX), (7, i128::MIN)]
        {
            assert_eq!(divide_narrow(n, d), divide_half_even(wide(n), wide(d)), "{n}/{d}");
        }
        assert_eq!(divide_narrow(1, 0), None);
        assert_eq!(divide_half_even(wide(1), wide(0)), None);
    }

    #[test]
    fn roots_are_exact() {
        for n in 0..5_000_i128 {
            let root = integer_sqrt(wide(n)).to_i128().unwrap();
            assert!(root * root <= n && (root + 1) * (root + 1) > n, "{n}");
        }
        let large = wide(i128::MAX).checked_mul(wide(i128::MAX)).unwrap();
        assert_eq!(integer_sqrt(large), wide(i128::MAX));
        assert!(integer_sqrt(i256::MAX) > wide(i128::MAX));
        // sqrt(9/4) = 1.5 ties to 2; sqrt(1/4) = 0.5 ties to 0; sqrt(2) = 1.41 down; sqrt(3) = 1.73 up.
        let cases = [(9, 4, 2), (1, 4, 0), (2, 1, 1), (3, 1, 2), (0, 5, 0), (25, 4, 2)];
        for (n, d, rounded) in cases {
            assert_eq!(sqrt_half_even(wide(n), wide(d)), Some(rounded), "{n}/{d}");
        }
    }

    #[test]
    fn feed_money() {
        let good = [
            ("0", 0),
            ("12", 1_200),
            ("12.3", 1_230),
            ("-12.34", -1_234),
            ("+0.05", 5),
            ("9999999999999999.99", AMOUNT_FEN_MAX),
        ];
        for (text, fen) in good {
            assert_eq!(parse_fen(text), Some(fen), "{text}");
        }
        for text in ["", "-", ".5", "1.", "1.234", "1e5", "1,000", " 1", "１", "10000000000000000", "0x1"] {
            assert_eq!(parse_fen(text), None, "{text}");
        }
    }
}
