//! The profile: the figures of an economy, read from a TOML file that users copy and change.
//!
//! Owns their meaning and their ranges. `section` reads the tables and words the errors. All values are integers, so
//! that no float affects a byte.

mod section;

use crate::error::Error;
use crate::industry::Industry;
use crate::movement::{Direction, Movement};
use crate::name::{Bearer, Trap};
use crate::random::LogNormal;
use section::Section;

/// The figures of an economy.
#[derive(Clone, Debug)]
pub struct Profile {
    pub(crate) holders: Holders,
    pub(crate) life: Life,
    pub(crate) calendar: Calendar,
    pub(crate) statement: Statement,
    pub(crate) counterparties: Counterparties,
    pub(crate) own_transfers: OwnTransfers,
    pub(crate) wages: Wages,
    pub(crate) taxes: Taxes,
    pub(crate) credit: Credit,
    pub(crate) savings: Savings,
    pub(crate) corrections: Corrections,
    pub(crate) names: Names,
    /// In the order of `Industry::ALL`.
    pub(crate) industries: Vec<IndustryFigures>,
}

#[derive(Clone, Debug)]
pub(crate) struct Holders {
    pub(crate) accounts: [u32; 4],
    pub(crate) account_share: [u32; 4],
    pub(crate) size: LogNormal,
    pub(crate) activity: LogNormal,
    pub(crate) renamed: u32,
    pub(crate) banks: [u32; 4],
}

#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) ages: [u32; 3],
    pub(crate) openings_a_year: u32,
    pub(crate) failures_a_year: u32,
    pub(crate) failing_months: [i32; 2],
    pub(crate) closed: u32,
    pub(crate) growth_a_year: [i32; 2],
    pub(crate) dormant: u32,
    pub(crate) frozen: u32,
    pub(crate) undated: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    pub(crate) due_day: u32,
    pub(crate) festival_days: [i32; 2],
    pub(crate) month_end: u32,
    pub(crate) month_end_days: i32,
}

#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) balances: [u32; 3],
    pub(crate) balance_gaps: u32,
    pub(crate) currency_shown: u32,
    pub(crate) kinds_shown: u32,
    pub(crate) kinds_hidden: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Counterparties {
    pub(crate) universe: u32,
    pub(crate) shared: u32,
    pub(crate) stays_quarters: [u32; 2],
    pub(crate) unknown: u32,
    pub(crate) name_only: u32,
    pub(crate) account_only: u32,
    pub(crate) with_code: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct OwnTransfers {
    pub(crate) inside: u32,
    pub(crate) shown: [u32; 4],
}

#[derive(Clone, Debug)]
pub(crate) struct Wages {
    pub(crate) employers: u32,
    pub(crate) payday: [u32; 2],
    pub(crate) social_insurance: i64,
    pub(crate) housing_fund: [u32; 2],
    pub(crate) housing_fund_payers: u32,
    pub(crate) income_tax: [u32; 2],
}

#[derive(Clone, Debug)]
pub(crate) struct Taxes {
    pub(crate) free_up_to_fen: i64,
    pub(crate) small_rate: i64,
    pub(crate) small_up_to_fen: i64,
    pub(crate) general_rate: [u32; 2],
    pub(crate) surcharges: i64,
    pub(crate) profit_tax: [u32; 2],
}

#[derive(Clone, Debug)]
pub(crate) struct Credit {
    pub(crate) borrowers: u32,
    pub(crate) principal: [u32; 2],
    pub(crate) terms_months: [u32; 4],
    pub(crate) term_weights: [u32; 4],
    pub(crate) instalments: u32,
    pub(crate) prime_rate: u32,
    pub(crate) margin: [u32; 2],
    pub(crate) overdrafts: u32,
    pub(crate) overdraft: [u32; 2],
}

#[derive(Clone, Debug)]
pub(crate) struct Savings {
    pub(crate) idle: i64,
    pub(crate) wealth: u32,
    pub(crate) demand_rate: i64,
    pub(crate) term_rate: [u32; 2],
    pub(crate) wealth_rate: [u32; 2],
}

#[derive(Clone, Debug)]
pub(crate) struct Corrections {
    pub(crate) reversals_ppm: u32,
    pub(crate) reversed: [u32; 3],
    pub(crate) styles: [u32; 3],
    pub(crate) late_ppm: u32,
    pub(crate) late_days: [u32; 2],
}

/// How often and how a name is spelled in another way than registered.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) near_misses: u32,
    pub(crate) namesakes_ppm: u32,
    /// By bearer, in the order of `Bearer::ALL`: share of names in another spelling.
    spelled: [u32; Bearer::ALL.len()],
    /// By trap, in the order of `Trap::ALL`.
    weights: [u32; Trap::ALL.len()],
}

impl Names {
    /// The trap of a name of `bearer`, drawn by `draw`.
    pub(crate) fn trap(&self, bearer: Bearer, draw: u64) -> Trap {
        let at = Bearer::ALL.iter().position(|known| *known == bearer).unwrap_or_default();
        if ((draw & 0xFFFF) * 1_000) >> 16 >= u64::from(self.spelled[at]) {
            return Trap::None;
        }
        let suits = |trap: Trap| match (trap, bearer) {
            // These are parties of their own, which the plan chooses.
            (Trap::None | Trap::NearMiss | Trap::Namesake, _) => false,
            // The mark of a platform precedes the name of its customer.
            (Trap::PlatformPrefix, _) => bearer == Bearer::Platform,
            _ => trap.suits(bearer),
        };
        let weighted = || Trap::ALL.into_iter().zip(self.weights).filter(|(trap, _)| suits(*trap));
        let total: u64 = weighted().map(|(_, weight)| u64::from(weight)).sum();
        let mut left = ((draw >> 16 & 0xFFFF) * total) >> 16;
        for (trap, weight) in weighted() {
            if left < u64::from(weight) {
                return trap;
            }
            left -= u64::from(weight);
        }
        Trap::None
    }
}

/// An everyday movement of an industry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trade {
    pub(crate) movement: Movement,
    /// Share of the everyday rows, relative to the other movements.
    pub(crate) rows: u32,
    /// Size of a row, relative to the other movements of the same direction.
    pub(crate) size: u32,
}

/// The figures of an industry.
#[derive(Clone, Debug)]
pub(crate) struct IndustryFigures {
    pub(crate) weight: u32,
    pub(crate) sole: u32,
    pub(crate) turnover_fen: i64,
    pub(crate) rows: u32,
    pub(crate) customers: u32,
    pub(crate) people: u32,
    pub(crate) suppliers: u32,
    pub(crate) farmers: u32,
    pub(crate) amounts: LogNormal,
    pub(crate) payroll: i64,
    pub(crate) weekend: u32,
    pub(crate) festival: u32,
    pub(crate) season: [u32; 12],
    pub(crate) mix: Vec<Trade>,
}

impl IndustryFigures {
    /// Sum of rows times size over the movements of one direction.
    pub(crate) fn volume(&self, direction: Direction) -> i64 {
        let trades = self.mix.iter().filter(|trade| trade.movement.spec().direction == direction);
        trades.map(|trade| i64::from(trade.rows) * i64::from(trade.size)).sum::<i64>().max(1)
    }

    /// Sum of the shares of rows.
    pub(crate) fn rows_total(&self) -> u32 {
        self.mix.iter().map(|trade| trade.rows).sum::<u32>().max(1)
    }
}

impl Profile {
    /// The text of the built-in profile, to copy and change.
    pub const BUILT_IN: &'static str = include_str!("../profile.toml");

    /// Parses a profile. An error names the table and the key.
    pub fn parse(text: &str) -> Result<Profile, Error> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| Error::Option {
            name: "profile",
            reason: error.to_string().trim_end().to_owned(),
        })?;
        let mut root = Section::new("", &table);
        let profile = Profile {
            holders: holders(&mut root)?,
            life: life(&mut root)?,
            calendar: calendar(&mut root)?,
            statement: statement(&mut root)?,
            counterparties: counterparties(&mut root)?,
            own_transfers: own_transfers(&mut root)?,
            wages: wages(&mut root)?,
            taxes: taxes(&mut root)?,
            credit: credit(&mut root)?,
            savings: savings(&mut root)?,
            corrections: corrections(&mut root)?,
            names: names(&mut root)?,
            industries: industries(&mut root)?,
        };
        root.finish()?;
        Ok(profile)
    }

    pub(crate) fn figures(&self, industry: Industry) -> &IndustryFigures {
        &self.industries[industry as usize]
    }
}

impl Default for Profile {
    fn default() -> Profile {
        // A test parses the built-in text.
        Profile::parse(Profile::BUILT_IN).expect("the built-in profile is valid")
    }
}

/// In thousandths.
const SHARE: (i64, i64) = (0, 1_000);
const WEIGHT: (i64, i64) = (0, 1_000_000);
const PPM: (i64, i64) = (0, 1_000_000);
const SIGMA: (i64, i64) = (0, 2_000);
/// Hundredths of a percent per year.
const RATE: (i64, i64) = (0, 10_000);

fn holders(root: &mut Section<'_>) -> Result<Holders, Error> {
    let mut section = root.section("holders")?;
    let holders = Holders {
        accounts: section.weights("accounts")?,
        account_share: section.ints("account_share", (1, 10_000))?,
        size: LogNormal::new(section.int("size_sigma", SIGMA)?),
        activity: LogNormal::new(section.int("activity_sigma", SIGMA)?),
        renamed: section.int("renamed", SHARE)?,
        banks: section.weights("banks")?,
    };
    section.finish()?;
    Ok(holders)
}

fn life(root: &mut Section<'_>) -> Result<Life, Error> {
    let mut section = root.section("life")?;
    let life = Life {
        ages: section.weights("ages")?,
        openings_a_year: section.int("openings_a_year", SHARE)?,
        failures_a_year: section.int("failures_a_year", SHARE)?,
        failing_months: section.range("failing_months", (1, 60))?.map(|months| months as i32),
        closed: section.int("closed", SHARE)?,
        growth_a_year: section.range("growth_a_year", (-900, 3_000))?.map(|growth| growth as i32),
        dormant: section.int("dormant", SHARE)?,
        frozen: section.int("frozen", SHARE)?,
        undated: section.int("undated", SHARE)?,
    };
    section.finish()?;
    Ok(life)
}

fn calendar(root: &mut Section<'_>) -> Result<Calendar, Error> {
    let mut section = root.section("calendar")?;
    let calendar = Calendar {
        due_day: section.int("due_day", (1, 25))?,
        festival_days: section.ints("festival_days", (0, 20))?.map(|days: u32| days as i32),
        month_end: section.int("month_end", (0, 20_000))?,
        month_end_days: section.int("month_end_days", (1, 10))? as i32,
    };
    section.finish()?;
    Ok(calendar)
}

fn statement(root: &mut Section<'_>) -> Result<Statement, Error> {
    let mut section = root.section("statement")?;
    let statement = Statement {
        balances: section.weights("balances")?,
        balance_gaps: section.int("balance_gaps", SHARE)?,
        currency_shown: section.int("currency_shown", SHARE)?,
        kinds_shown: section.int("kinds_shown", SHARE)?,
        kinds_hidden: section.int("kinds_hidden", SHARE)?,
    };
    section.finish()?;
    Ok(statement)
}

fn counterparties(root: &mut Section<'_>) -> Result<Counterparties, Error> {
    let mut section = root.section("counterparties")?;
    let trading = Counterparties {
        universe: section.int("universe", (1, 1_000))?,
        shared: section.int("shared", SHARE)?,
        stays_quarters: section.range("stays_quarters", (1, 400))?.map(|quarters| quarters as u32),
        unknown: section.int("unknown", SHARE)?,
        name_only: section.int("name_only", SHARE)?,
        account_only: section.int("account_only", SHARE)?,
        with_code: section.int("with_code", SHARE)?,
    };
    if trading.unknown + trading.name_only + trading.account_only > 1_000 {
        return Err(section.refused("unknown", "with `name_only` and `account_only` it is more than 1000"));
    }
    section.finish()?;
    Ok(trading)
}

fn own_transfers(root: &mut Section<'_>) -> Result<OwnTransfers, Error> {
    let mut section = root.section("own_transfers")?;
    let own = OwnTransfers { inside: section.int("inside", SHARE)?, shown: section.weights("shown")? };
    section.finish()?;
    Ok(own)
}

fn wages(root: &mut Section<'_>) -> Result<Wages, Error> {
    let mut section = root.section("wages")?;
    let wages = Wages {
        employers: section.int("employers", SHARE)?,
        payday: section.range("payday", (1, 26))?.map(|day| day as u32),
        social_insurance: section.int("social_insurance", SHARE)?.into(),
        housing_fund: section.range("housing_fund", SHARE)?.map(|share| share as u32),
        housing_fund_payers: section.int("housing_fund_payers", SHARE)?,
        income_tax: section.range("income_tax", SHARE)?.map(|share| share as u32),
    };
    section.finish()?;
    Ok(wages)
}

fn taxes(root: &mut Section<'_>) -> Result<Taxes, Error> {
    let mut section = root.section("taxes")?;
    let taxes = Taxes {
        free_up_to_fen: i64::from(section.int("free_up_to_yuan", (0, 100_000_000))?) * 100,
        small_rate: section.int("small_rate", SHARE)?.into(),
        small_up_to_fen: i64::from(section.int("small_up_to_yuan", (0, 1_000_000_000))?) * 100,
        general_rate: section.range("general_rate", SHARE)?.map(|share| share as u32),
        surcharges: section.int("surcharges", SHARE)?.into(),
        profit_tax: section.range("profit_tax", SHARE)?.map(|share| share as u32),
    };
    section.finish()?;
    Ok(taxes)
}

fn credit(root: &mut Section<'_>) -> Result<Credit, Error> {
    let mut section = root.section("credit")?;
    let credit = Credit {
        borrowers: section.int("borrowers", SHARE)?,
        principal: section.range("principal", (1, 60_000))?.map(|share| share as u32),
        terms_months: section.ints("terms_months", (1, 120))?,
        term_weights: section.weights("term_weights")?,
        instalments: section.int("instalments", SHARE)?,
        prime_rate: section.int("prime_rate", RATE)?,
        margin: section.range("margin", RATE)?.map(|rate| rate as u32),
        overdrafts: section.int("overdrafts", SHARE)?,
        overdraft: section.range("overdraft", (1, 10_000))?.map(|share| share as u32),
    };
    section.finish()?;
    Ok(credit)
}

fn savings(root: &mut Section<'_>) -> Result<Savings, Error> {
    let mut section = root.section("savings")?;
    let savings = Savings {
        idle: section.int("idle", (0, 100_000))?.into(),
        wealth: section.int("wealth", SHARE)?,
        demand_rate: section.int("demand_rate", RATE)?.into(),
        term_rate: section.range("term_rate", RATE)?.map(|rate| rate as u32),
        wealth_rate: section.range("wealth_rate", RATE)?.map(|rate| rate as u32),
    };
    section.finish()?;
    Ok(savings)
}

fn corrections(root: &mut Section<'_>) -> Result<Corrections, Error> {
    let mut section = root.section("corrections")?;
    let corrections = Corrections {
        reversals_ppm: section.int("reversals", PPM)?,
        reversed: section.weights("reversed")?,
        styles: section.weights("styles")?,
        late_ppm: section.int("late", PPM)?,
        late_days: section.range("late_days", (1, 20))?.map(|days| days as u32),
    };
    section.finish()?;
    Ok(corrections)
}

fn names(root: &mut Section<'_>) -> Result<Names, Error> {
    let mut section = root.section("names")?;
    let mut names = Names {
        near_misses: section.int("near_misses", SHARE)?,
        namesakes_ppm: section.int("namesakes", PPM)?,
        spelled: [0; Bearer::ALL.len()],
        weights: [0; Trap::ALL.len()],
    };
    for (share, bearer) in names.spelled.iter_mut().zip(Bearer::ALL) {
        *share = section.int(share_of(bearer), SHARE)?;
    }
    for (weight, trap) in names.weights.iter_mut().zip(Trap::ALL) {
        if !matches!(trap, Trap::None | Trap::NearMiss | Trap::Namesake) {
            *weight = section.int(trap.name(), WEIGHT)?;
        }
    }
    section.finish()?;
    Ok(names)
}

/// The key of the share of a bearer's names in another spelling.
fn share_of(bearer: Bearer) -> &'static str {
    match bearer {
        Bearer::Holder => "own",
        Bearer::Company | Bearer::Shop | Bearer::Person => "trade",
        Bearer::Body | Bearer::TreasuryAccount => "bodies",
        Bearer::Platform => "platforms",
        Bearer::BankAccount => "bank",
        Bearer::Utility => "utilities",
    }
}

fn industries(root: &mut Section<'_>) -> Result<Vec<IndustryFigures>, Error> {
    let mut section = root.section("industry")?;
    let industries: Result<Vec<IndustryFigures>, Error> =
        Industry::ALL.into_iter().map(|industry| figures(&mut section, industry)).collect();
    let industries = industries?;
    if industries.iter().all(|figures| figures.weight == 0) {
        return Err(section.refused("*.weight", "at least one must be above 0"));
    }
    section.finish()?;
    Ok(industries)
}

fn figures(industries: &mut Section<'_>, industry: Industry) -> Result<IndustryFigures, Error> {
    let mut section = industries.section(industry.name())?;
    let figures = IndustryFigures {
        weight: section.int("weight", WEIGHT)?,
        sole: section.int("sole", SHARE)?,
        turnover_fen: i64::from(section.int("turnover_yuan", (1_000, 100_000_000))?) * 100,
        rows: section.int("rows", (1, 100_000))?,
        customers: section.int("customers", (1, 1_000_000))?,
        people: section.int("people", SHARE)?,
        suppliers: section.int("suppliers", (1, 1_000_000))?,
        farmers: section.int("farmers", SHARE)?,
        amounts: LogNormal::new(section.int("amount_sigma", SIGMA)?),
        payroll: section.int("payroll", SHARE)?.into(),
        weekend: section.int("weekend", (0, 10_000))?,
        festival: section.int("festival", (0, 10_000))?,
        season: section.ints("season", (0, 10_000))?,
        mix: mix(&mut section)?,
    };
    section.finish()?;
    Ok(figures)
}

fn mix(industry: &mut Section<'_>) -> Result<Vec<Trade>, Error> {
    let mut section = industry.section("mix")?;
    let mut mix = Vec::new();
    for movement in Movement::ALL.into_iter().take(Movement::EVERYDAY) {
        if section.has(movement.key()) {
            let [rows, size] = section.ints(movement.key(), (0, 100_000))?;
            mix.push(Trade { movement, rows, size });
        }
    }
    if mix.iter().all(|trade| trade.rows == 0) {
        return Err(section.refused("*", "at least one movement must have rows"));
    }
    section.finish()?;
    Ok(mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error of the built-in text with `from` replaced by `to`.
    fn error(from: &str, to: &str) -> String {
        assert!(Profile::BUILT_IN.contains(from), "{from}");
        Profile::parse(&Profile::BUILT_IN.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn the_built_in_text_is_valid() {
        let profile = Profile::default();
        assert_eq!(profile.industries.len(), Industry::COUNT);
        for figures in &profile.industries {
            let mean = figures.season.iter().sum::<u32>() / 12;
            assert!((985..=1_015).contains(&mean), "{figures:?}");
        }
    }

    #[test]
    fn errors_name_table_and_key() {
        let cases = [
            ("renamed = 60", "renamed = 1060", "profile: `holders.renamed`: 1060 is not between 0 and 1000"),
            ("renamed = 60", "renamed = 6.5", "profile: `holders.renamed`: not an integer"),
            ("renamed = 60", "", "profile: `holders.renamed` is missing"),
            ("renamed = 60", "renamed = 60\nrename = 1", "profile: `holders.rename` is unknown"),
            ("[life]", "[lives]\n[life]", "profile: `lives` is unknown"),
            ("payday = [5, 15]", "payday = [15, 5]", "profile: `wages.payday`: 15 is more than 5"),
            ("payday = [5, 15]", "payday = [5]", "profile: `wages.payday`: not an array of 2 integers"),
            ("settlement = [400, 100]", "sale = [400, 100]", "profile: `industry.retail.mix.sale` is unknown"),
            ("ages = [494, 329, 177]", "ages = [0, 0, 0]", "profile: `life.ages`: at least one must be above 0"),
            ("[savings]", "[saving]", "profile: `savings` is missing"),
        ];
        for (from, to, expected) in cases {
            assert_eq!(error(from, to), expected);
        }
        assert!(error("[savings]", "[savings").contains("line"));
    }
}
