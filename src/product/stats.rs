//! Exact statistics over integers: deviation, coefficient of variation, median slope, rank correlation.
//!
//! Owns: formulas over series of integers. Does not own: rounding and roots (`money`), or the series. There is no float:
//! slopes have a common denominator, and roots are integer roots.

use arrow::datatypes::i256;

use crate::money::{RATIO_ONE, ratio, sqrt_half_even};

/// Count, sum and sum of squares of a series, from which its population deviation follows exactly.
///
/// A series has at most 12 values below 2^68 (flows) or 366 below 2^62 (balances), so all products are below 2^192.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moments {
    /// The number of values.
    pub count: i64,
    /// Their sum.
    pub sum: i128,
    /// The sum of their squares.
    pub square_sum: i256,
}

impl Moments {
    /// The moments of a series.
    pub fn of(series: &[i128]) -> Moments {
        Moments {
            count: series.len() as i64,
            sum: series.iter().sum(),
            square_sum: series.iter().map(|x| square(*x)).fold(i256::ZERO, i256::wrapping_add),
        }
    }

    /// Population standard deviation in the series' unit, half to even; `None` of an empty series.
    pub fn deviation(&self) -> Option<i128> {
        sqrt_half_even(self.spread(), square(self.count.into()))
    }

    /// Population standard deviation over the mean, millionths, with the mean's sign; `None` with a mean of
    /// 0.
    pub fn variation(&self) -> Option<i128> {
        // (sqrt(spread) / n) / (sum / n), with the millionths' square moved under the root.
        let numerator = self.spread().checked_mul(square(RATIO_ONE))?;
        let magnitude = sqrt_half_even(numerator, square(self.sum))?;
        Some(magnitude * self.sum.signum())
    }

    /// n^2 times the variance: n * sum of squares - square of the sum.
    fn spread(&self) -> i256 {
        i256::from_i128(self.count.into()).wrapping_mul(self.square_sum).wrapping_sub(square(self.sum))
    }
}

/// A square in 256 bits, which hold that of any i128.
fn square(x: i128) -> i256 {
    i256::from_i128(x).wrapping_mul(i256::from_i128(x))
}

/// Least common multiple of 1 to 11, the distances between months of W. Slopes are integers in this unit.
const SLOPE_UNIT: i128 = 27_720;

/// Median of the pairwise slopes (x_j - x_i) / (j - i) over the mean of |x|, millionths.
///
/// `None` where all values are 0 or there are fewer than two. The series holds at most twelve values.
pub fn theil_sen(series: &[i128]) -> Option<i128> {
    debug_assert!(series.len() <= 12, "distances divide the unit");
    let mut slopes: Vec<i128> = pairs(series).map(|(xi, xj, apart)| (xj - xi) * SLOPE_UNIT / apart).collect();
    slopes.sort_unstable();
    let upper = slopes.get(slopes.len() / 2)?;
    let lower = slopes.get((slopes.len() - 1) / 2)?;
    let absolute: i128 = series.iter().map(|x| x.abs()).sum();
    ratio((lower + upper) * series.len() as i128, 2 * SLOPE_UNIT * absolute)
}

/// Mann-Kendall tau-b of a series against time, millionths; `None` where all values are equal.
///
/// (concordant - discordant) / sqrt((n0 - n1) n0): time has no ties, n1 counts the tied pairs of values.
pub fn mann_kendall(series: &[i128]) -> Option<i128> {
    let (mut balance, mut all, mut untied) = (0_i128, 0_i128, 0_i128);
    for (xi, xj, _) in pairs(series) {
        let sign = (xj - xi).signum();
        balance += sign;
        all += 1;
        untied += sign.abs();
    }
    let magnitude = sqrt_half_even(square(balance * RATIO_ONE), i256::from_i128(untied * all))?;
    Some(magnitude * balance.signum())
}

/// All pairs of a series, the earlier value first, and their distance.
fn pairs(series: &[i128]) -> impl Iterator<Item = (i128, i128, i128)> {
    series
        .iter()
        .enumerate()
        .flat_map(move |(i, xi)| series[i + 1..].iter().zip(1..).map(move |(xj, apart)| (*xi, *xj, apart)))
}

/// Length of the longest run of `true`.
pub fn longest_run(flags: impl Iterator<Item = bool>) -> i64 {
    let (mut longest, mut run) = (0, 0);
    for flag in flags {
        run = if flag { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviation_and_variation() {
        // 2, 4, 4, 4, 5, 5, 7, 9: the textbook series with mean 5 and deviation 2.
        let moments = Moments::of(&[2, 4, 4, 4, 5, 5, 7, 9]);
        assert_eq!((moments.deviation(), moments.variation()), (Some(2), Some(400_000)));
        // Mean -2, variance 8/3: deviation 1.632993, so 2 as an integer; over the mean -0.81649658.
        let moments = Moments::of(&[-4, -2, 0]);
        assert_eq!((moments.deviation(), moments.variation()), (Some(2), Some(-816_497)));
        // 1, 2: variance 1/4, deviation 0.5 goes to the even 0.
        assert_eq!(Moments::of(&[1, 2]).deviation(), Some(0));
        assert_eq!(Moments::of(&[-1, 1]).variation(), None);
        assert_eq!(Moments::of(&[]).deviation(), None);
        let largest = i128::from(i64::MAX) * 7;
        assert_eq!(Moments::of(&[largest; 12]).variation(), Some(0));
        assert_eq!(Moments::of(&[largest, 0]).variation(), Some(1_000_000));
    }

    #[test]
    fn median_slope() {
        // Slopes 1, 2, 3 and (0..2) 1.5, (1..3) 2.5, (0..3) 2: median of six is 2; mean of |x| is 10/4.
        assert_eq!(theil_sen(&[0, 1, 3, 6]), Some(800_000));
        // Slopes -3, 2 and (0..2) -1/2: median -1/2; mean of |x| 4/3; -3/8.
        assert_eq!(theil_sen(&[2, -1, 1]), Some(-375_000));
        assert_eq!(theil_sen(&[0, 0, 0]), None);
        assert_eq!(theil_sen(&[]), None);
    }

    #[test]
    fn rank_correlation() {
        assert_eq!(mann_kendall(&[1, 2, 3, 4]), Some(1_000_000));
        assert_eq!(mann_kendall(&[4, 3, 2, 1]), Some(-1_000_000));
        // Pairs 6, one tied (2, 2), up 4 and down 1: 3 / sqrt(5 * 6) = 0.5477225575...
        assert_eq!(mann_kendall(&[1, 2, 4, 2]), Some(547_723));
        assert_eq!(mann_kendall(&[5, 5, 5]), None);
    }

    #[test]
    fn runs() {
        let run = |flags: &[u8]| longest_run(flags.iter().map(|flag| *flag == 1));
        assert_eq!((run(&[]), run(&[0, 0]), run(&[1, 1, 0, 1]), run(&[0, 1, 0, 1, 1, 1])), (0, 0, 2, 3));
    }
}
