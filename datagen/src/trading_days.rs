//! How the trade of an industry is spread over the days of a month.
//!
//! Owns weekends, month-ends and the Spring Festival. Seasons and growth are `plan`'s, since they change amounts too.

use crate::calendar::{self, Month};
use crate::industry::Industry;
use crate::profile::{IndustryFigures, Profile};
use crate::random::Rng;

/// The weights of the days of a month.
#[derive(Clone, Debug)]
pub(crate) struct DayWeights {
    first: i32,
    /// For each day the sum of the weights of the days before it.
    before: Vec<u32>,
}

impl DayWeights {
    fn new(profile: &Profile, figures: &IndustryFigures, month: &Month) -> DayWeights {
        let mut before = vec![0];
        let mut sum = 0;
        for day in month.first..=month.last {
            sum += weight(profile, figures, month, day);
            before.push(sum);
        }
        DayWeights { first: month.first, before }
    }

    /// Draws a day from `first` to `last`, both within the month.
    pub(crate) fn draw(&self, first: i32, last: i32, rng: &mut Rng) -> i32 {
        let at = |day: i32| (day - self.first).max(0) as usize;
        let sum = |index: usize| self.before.get(index).copied().unwrap_or_default();
        let (low, high) = (sum(at(first)), sum(at(last) + 1));
        if low >= high {
            return first + rng.below((last - first + 1).unsigned_abs()) as i32;
        }
        let place = low + rng.below(high - low);
        self.first + self.before.partition_point(|sum| *sum <= place) as i32 - 1
    }
}

/// The weight of a day, in thousandths of a usual one.
pub(crate) fn weight(profile: &Profile, figures: &IndustryFigures, month: &Month, day: i32) -> u32 {
    let calendar = &profile.calendar;
    let [before, after] = calendar.festival_days;
    let mut weight = 1_000;
    if (month.new_year - before..month.new_year + after).contains(&day) {
        weight = weight * figures.festival / 1_000;
    } else if calendar::weekday(day) >= 5 {
        weight = weight * figures.weekend / 1_000;
    }
    if day > month.last - calendar.month_end_days {
        weight = weight * calendar.month_end / 1_000;
    }
    weight
}

/// The weights of all industries in one month.
pub(crate) struct TradingDays(Vec<DayWeights>);

impl TradingDays {
    pub(crate) fn new(profile: &Profile, month: &Month) -> TradingDays {
        TradingDays(profile.industries.iter().map(|figures| DayWeights::new(profile, figures, month)).collect())
    }

    pub(crate) fn days(&self, industry: Industry) -> &DayWeights {
        &self.0[industry as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Date;

    #[test]
    fn days_are_drawn_by_weight_and_stay_inside() {
        let profile = Profile::default();
        // 1 March 2025 was a Saturday.
        let month = Month::window(Date::new(2025, 3, 31).unwrap(), 1).remove(0);
        let days = TradingDays::new(&profile, &month).days(Industry::Manufacturing).clone();
        let mut rng = Rng::new(&[3]);
        let mut seen = [0u32; 31];
        for _ in 0..100_000 {
            seen[(days.draw(month.first, month.last, &mut rng) - month.first) as usize] += 1;
        }
        // Monday the 3rd, Sunday the 2nd, Monday the 31st.
        let share = seen[1] * 1_000 / seen[2];
        assert!((200..300).contains(&share), "{share}");
        assert!((1_500..1_900).contains(&(seen[30] * 1_000 / seen[2])));
        for _ in 0..1_000 {
            let day = days.draw(month.first + 4, month.first + 6, &mut rng);
            assert!((month.first + 4..=month.first + 6).contains(&day));
        }
    }
}
