//! The shape of an economy: distributions of the generated rows beside those of the profile.
//!
//! Owns counters that are filled during the simulation, and their rendering as text histograms.

use std::fmt::Write as _;

use crate::calendar::{self, Month};
use crate::holder::Holder;
use crate::industry::Industry;
use crate::movement::{Direction, Movement};
use crate::party::Role;
use crate::profile::{IndustryFigures, Profile};
use crate::row::Row;

/// Powers of ten of yuan: below 1, 1 to 10, and so on.
const DECADES: usize = 10;
/// Octaves of numbers of counterparties: 1, 2 to 3, 4 to 7, and so on.
const OCTAVES: usize = 8;

/// Distributions of the generated rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Everyday rows by power of ten of their amount in yuan.
    amounts: [u64; DECADES],
    /// Account-months by octave of the number of their customers and suppliers.
    partners: [u64; OCTAVES],
    industries: [IndustryShape; Industry::COUNT],
}

/// Counters of an industry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct IndustryShape {
    holders: u64,
    /// Turnover of its accounts by calendar month without seasons, and the actual inflow. In yuan.
    usual_yuan: [u64; 12],
    inflow_yuan: [u64; 12],
    /// Rows with customers and suppliers by weekday, Monday first.
    weekdays: [u64; 7],
    /// By number of rows with customers: account-months, and customers in them.
    by_rows: Vec<(u64, u64)>,
}

impl Shape {
    /// Adds the month of a holder.
    pub(crate) fn add(&mut self, holder: &Holder, month: &Month, trade_level: i64, rows: &[Row]) {
        let industry_shape = &mut self.industries[holder.subject.industry as usize];
        let at = (month.month as usize - 1) % 12;
        industry_shape.holders += u64::from(month.index == 0);
        for account in &holder.accounts {
            let Some((first, last)) = account.open_days(month) else { continue };
            if account.is_abandoned(month.first) {
                continue;
            }
            let yuan = account.turnover_fen / 100 * trade_level / 1_000 * i64::from(last - first + 1) / 30;
            industry_shape.usual_yuan[at] += yuan.unsigned_abs();
        }
        let mut customers: Vec<(u32, u32)> = Vec::new();
        let mut partners: Vec<(u32, u8, u32)> = Vec::new();
        for row in rows {
            let everyday = (row.movement as usize) < Movement::EVERYDAY && row.party.role != Role::Own;
            if !everyday || row.is_reversal() || row.movement == Movement::Verification {
                continue;
            }
            let yuan = row.amount_fen.unsigned_abs() / 100;
            self.amounts[(yuan.checked_ilog10().map_or(0, |log| log as usize + 1)).min(DECADES - 1)] += 1;
            if row.is_in() {
                industry_shape.inflow_yuan[at] += yuan;
            }
            let trades = matches!(row.movement, Movement::Customer | Movement::Supplier);
            if trades {
                industry_shape.weekdays[calendar::weekday(row.day) as usize % 7] += 1;
            }
            if trades && matches!(row.party.role, Role::Business | Role::Person | Role::NearMiss) {
                partners.push((row.account, row.movement as u8, row.party.id));
                if row.movement == Movement::Customer {
                    customers.push((row.account, row.party.id));
                }
            }
        }
        self.count_partners(&mut partners);
        self.count_customers(holder.subject.industry, &mut customers);
    }

    fn count_partners(&mut self, partners: &mut Vec<(u32, u8, u32)>) {
        partners.sort_unstable();
        partners.dedup();
        for of_account in partners.chunk_by(|a, b| a.0 == b.0) {
            self.partners[(of_account.len().ilog2() as usize).min(OCTAVES - 1)] += 1;
        }
    }

    fn count_customers(&mut self, industry: Industry, customers: &mut [(u32, u32)]) {
        customers.sort_unstable();
        let by_rows = &mut self.industries[industry as usize].by_rows;
        for of_account in customers.chunk_by(|a, b| a.0 == b.0) {
            let rows = of_account.len().min(ROWS_COUNTED);
            if by_rows.len() <= rows {
                by_rows.resize(rows + 1, (0, 0));
            }
            by_rows[rows].0 += 1;
            by_rows[rows].1 += of_account.chunk_by(|a, b| a == b).count() as u64;
        }
    }

    /// Adds the counters of another block.
    pub(crate) fn merge(&mut self, other: &Shape) {
        add(&mut self.amounts, &other.amounts);
        add(&mut self.partners, &other.partners);
        for (mine, others) in self.industries.iter_mut().zip(&other.industries) {
            mine.holders += others.holders;
            add(&mut mine.usual_yuan, &others.usual_yuan);
            add(&mut mine.inflow_yuan, &others.inflow_yuan);
            add(&mut mine.weekdays, &others.weekdays);
            if mine.by_rows.len() < others.by_rows.len() {
                mine.by_rows.resize(others.by_rows.len(), (0, 0));
            }
            for (mine, others) in mine.by_rows.iter_mut().zip(&others.by_rows) {
                mine.0 += others.0;
                mine.1 += others.1;
            }
        }
    }

    /// Text histograms: the distributions of `profile` beside the generated ones.
    pub fn report(&self, profile: &Profile) -> String {
        let mut out = String::new();
        self.report_holders(profile, &mut out);
        self.report_amounts(profile, &mut out);
        self.report_partners(profile, &mut out);
        self.report_seasons(profile, &mut out);
        self.report_weekdays(profile, &mut out);
        out
    }

    fn report_holders(&self, profile: &Profile, out: &mut String) {
        let asked = profile.industries.iter().map(|figures| u64::from(figures.weight)).collect();
        let got = self.industries.iter().map(|industry| industry.holders).collect();
        let names = Industry::ALL.map(|industry| industry.name().to_owned());
        bars(out, "Holders by industry", &names, asked, got);
    }

    fn report_amounts(&self, profile: &Profile, out: &mut String) {
        let names: Vec<String> = (0..DECADES)
            .map(|decade| match decade {
                0 => "below 1 yuan".to_owned(),
                _ => format!("from 1{} yuan", "0".repeat(decade - 1)),
            })
            .collect();
        bars(out, "Amounts of everyday rows", &names, asked_amounts(profile), self.amounts.to_vec());
    }

    fn report_partners(&self, profile: &Profile, out: &mut String) {
        let names: Vec<String> = (0..OCTAVES).map(|octave| format!("{} and more", 1u32 << octave)).collect();
        let total: u64 = self.partners.iter().sum();
        let _ = writeln!(out, "Customers and suppliers of an account in a month\n");
        for (name, count) in names.iter().zip(self.partners) {
            let _ = writeln!(out, "  {name:<20} {:>17}  {}", percent(count, total), bar(count, total));
        }
        let _ = writeln!(out, "\nCustomers of an account in a month, mean, by industry\n");
        let _ = writeln!(out, "  {:<20} {:>9} {:>9} {:>9}", "", "rows", "asked", "got");
        for (industry, figures) in self.industries.iter().zip(&profile.industries) {
            let months: u64 = industry.by_rows.iter().map(|(months, _)| months).sum();
            let rows: u64 = industry.by_rows.iter().enumerate().map(|(rows, (months, _))| rows as u64 * months).sum();
            let got: u64 = industry.by_rows.iter().map(|(_, customers)| customers).sum();
            let expected = expected_distinct(figures.customers, industry.by_rows.len());
            let asked: u64 =
                industry.by_rows.iter().zip(expected).map(|((months, _), thousandths)| months * thousandths / 10).sum();
            let _ = writeln!(
                out,
                "  {:<20} {:>9} {:>9} {:>9}",
                Industry::ALL[position(profile, figures)].name(),
                hundredths(rows * 100, months),
                hundredths(asked, months),
                hundredths(got * 100, months),
            );
        }
        out.push('\n');
    }

    fn report_seasons(&self, profile: &Profile, out: &mut String) {
        let _ = writeln!(out, "Inflow by month, thousandths of the year's mean: asked / got\n");
        let _ = write!(out, "  {:<14}", "");
        for month in 1..=12 {
            let _ = write!(out, " {month:>9}");
        }
        out.push('\n');
        for (industry, figures) in self.industries.iter().zip(&profile.industries) {
            let _ = write!(out, "  {:<14}", Industry::ALL[position(profile, figures)].name());
            let level = |month: usize| {
                (industry.usual_yuan[month] > 0).then(|| {
                    u128::from(industry.inflow_yuan[month]) * 1_000_000 / u128::from(industry.usual_yuan[month])
                })
            };
            let levels: Vec<u128> = (0..12).filter_map(level).collect();
            let mean = (levels.iter().sum::<u128>() / (levels.len() as u128).max(1)).max(1);
            let seasons: Vec<u32> =
                (0..12).filter(|month| level(*month).is_some()).map(|month| figures.season[month]).collect();
            let mean_season = (seasons.iter().sum::<u32>() / (seasons.len() as u32).max(1)).max(1);
            for month in 0..12 {
                let asked = figures.season[month] * 1_000 / mean_season;
                match level(month) {
                    Some(level) => {
                        let _ = write!(out, " {asked:>4}/{:<4}", level * 1_000 / mean);
                    }
                    None => {
                        let _ = write!(out, " {:>9}", "-");
                    }
                }
            }
            out.push('\n');
        }
        out.push('\n');
    }

    fn report_weekdays(&self, profile: &Profile, out: &mut String) {
        let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"].map(str::to_owned);
        let mut asked = vec![0; 7];
        for (industry, figures) in self.industries.iter().zip(&profile.industries) {
            let rows: u64 = industry.weekdays.iter().sum();
            let week = u64::from(5_000 + 2 * figures.weekend);
            for (weekday, asked) in asked.iter_mut().enumerate() {
                let weight = if weekday < 5 { 1_000 } else { u64::from(figures.weekend) };
                *asked += rows * weight / week;
            }
        }
        let got = (0..7).map(|day| self.industries.iter().map(|industry| industry.weekdays[day]).sum()).collect();
        bars(out, "Rows with customers and suppliers by weekday", &names, asked, got);
    }
}

/// Account-months with more rows are counted together.
const ROWS_COUNTED: usize = 255;

fn position(profile: &Profile, figures: &IndustryFigures) -> usize {
    profile.industries.iter().position(|known| std::ptr::eq(known, figures)).unwrap_or_default()
}

fn add<const N: usize>(mine: &mut [u64; N], others: &[u64; N]) {
    mine.iter_mut().zip(others).for_each(|(mine, others)| *mine += others);
}

/// How often the distributions of the profile give an amount of each power of ten: over all movements of all
/// industries, the sizes of holders and the amounts, each in 64 equal parts.
fn asked_amounts(profile: &Profile) -> Vec<u64> {
    let mut asked = vec![0; DECADES];
    for figures in &profile.industries {
        for size in profile.holders.size.middles() {
            // The formulas of `holder` and `plan`, at mean activity.
            let turnover = figures.turnover_fen * (3 * size + 1_000) / 4_000
                * (1_200 - 600 * i64::from(figures.sole) / 1_000)
                / 1_000;
            let rows = (i64::from(figures.rows) * (2_000 + size) / 3_000).max(20) * 30 / 1_000;
            let inflow = turnover.saturating_mul(figures.rows_total().into()) / rows.max(1);
            for trade in &figures.mix {
                if matches!(trade.movement, Movement::OwnIn | Movement::OwnOut | Movement::Verification) {
                    continue;
                }
                let direction = trade.movement.spec().direction;
                let share = if direction == Direction::In { 100 } else { 66 };
                let mean = (inflow / 100 * share / figures.volume(direction)).saturating_mul(trade.size.into());
                for amount in figures.amounts.middles() {
                    let yuan = (mean.saturating_mul(amount) / 100_000).unsigned_abs();
                    let decade = yuan.checked_ilog10().map_or(0, |log| log as usize + 1).min(DECADES - 1);
                    let weight = u64::from(figures.weight) * u64::from(figures.rows) * rows.unsigned_abs();
                    asked[decade] += weight / 1_000 * u64::from(trade.rows);
                }
            }
        }
    }
    asked
}

/// The expected number of distinct places among `pool` that `Rng::rank` draws in 0, 1, 2 .. `rows - 1` draws, in
/// thousandths.
fn expected_distinct(pool: u32, rows: usize) -> Vec<u64> {
    const ONE: u64 = 1 << 32;
    let octaves = 32 - pool.max(1).leading_zeros();
    // For each octave: its places, the probability that a draw misses one of them, and that all draws so far did.
    let mut missing: Vec<(u64, u64, u64)> = (0..octaves)
        .map(|octave| {
            let low = 1u64 << octave;
            let places = low.min(u64::from(pool) + 1 - low);
            // Ranks of the last octave beyond the pool are spread evenly over all places.
            let beyond = (1u64 << octaves) - 1 - u64::from(pool);
            let again = ONE / u64::from(octaves) * beyond / (1 << (octaves - 1)) / u64::from(pool);
            (places, ONE - ONE / u64::from(octaves) / low - again, ONE)
        })
        .collect();
    (0..rows)
        .map(|_| {
            let named: u128 =
                missing.iter().map(|(places, _, not_yet)| u128::from(*places) * u128::from(ONE - *not_yet)).sum();
            for (_, step, not_yet) in &mut missing {
                *not_yet = ((u128::from(*not_yet) * u128::from(*step)) >> 32) as u64;
            }
            ((named * 1_000) >> 32) as u64
        })
        .collect()
}

/// A table of shares with a bar for each.
fn bars(out: &mut String, title: &str, names: &[String], asked: Vec<u64>, got: Vec<u64>) {
    let (all_asked, all_got) = (asked.iter().sum(), got.iter().sum());
    let _ = writeln!(out, "{title}\n\n  {:<20} {:>8} {:>8}", "", "asked", "got");
    for ((name, asked), got) in names.iter().zip(asked).zip(got) {
        let (a, g) = (percent(asked, all_asked), percent(got, all_got));
        let _ = writeln!(out, "  {name:<20} {a:>8} {g:>8}  {}", bar(got, all_got));
    }
    out.push('\n');
}

fn percent(part: u64, whole: u64) -> String {
    let tenths = u128::from(part) * 1_000 / u128::from(whole.max(1));
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn hundredths(part: u64, whole: u64) -> String {
    let value = part / whole.max(1);
    format!("{}.{:02}", value / 100, value % 100)
}

fn bar(part: u64, whole: u64) -> String {
    "#".repeat((u128::from(part) * 60 / u128::from(whole.max(1))) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;
    use std::collections::HashSet;

    #[test]
    fn expected_distinct_places_agree_with_draws() {
        for pool in [1, 14, 40, 120] {
            let expected = expected_distinct(pool, 31)[30];
            let mut rng = Rng::new(&[u64::from(pool)]);
            let named = |_| (0..30).map(|_| rng.rank(pool)).collect::<HashSet<_>>().len() as u64;
            let mean = (0..2_000).map(named).sum::<u64>() / 2;
            assert!(mean.abs_diff(expected) <= expected / 50, "{pool}: {mean} {expected}");
        }
    }
}
