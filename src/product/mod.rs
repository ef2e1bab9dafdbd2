//! The two credit products: from an account's cells to typed values.
//!
//! Owns: the segments of both products in order, and the formulas of their items, one file per family of segments. Does not
//! own: the items' names and types (`dictionary`), their renderings (`render`), or cells.
//!
//! **Invariant:** a product is a pure function of the account's row, its cells and the context; no formula reads a clock,
//! does I/O or panics.

pub mod context;
pub mod dictionary;
pub mod history;
pub mod render;
pub mod value;
pub mod window;

mod activity;
mod bands;
mod classes;
mod concentration;
mod counterparties;
mod cover;
mod coverage;
mod distribution;
mod funds;
mod stability;
mod stats;
mod trend;
mod turnover;
mod year;

#[cfg(test)]
mod goldens;

use crate::cell::CLASSES;
use crate::class::Class;
use crate::money::ratio;

pub use classes::SEGMENTS as CLASS_SEGMENTS;
pub use context::{Appendix, Context, DisputeMark, Purpose, Query, Withheld};

use counterparties::{CountedFlows, Counterparties, counted_in};
use dictionary::Dictionary;
use history::{History, MonthFacts, period_classes};
use value::{Product, Reason, Segment, Value};
use year::Year;

/// One of the two products.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProductKind {
    /// 企业账户资金流信用信息明细汇总产品: one row per month.
    DetailSummary,
    /// 企业账户资金流信用信息报告: one row per quarter, and the feature variables.
    Report,
}

impl ProductKind {
    /// Both.
    pub const ALL: [ProductKind; 2] = [ProductKind::DetailSummary, ProductKind::Report];

    /// The product's code in dictionaries, file names and commands.
    pub fn code(self) -> &'static str {
        match self {
            ProductKind::DetailSummary => "detail-summary",
            ProductKind::Report => "report",
        }
    }

    /// The product of a code.
    pub fn from_code(code: &str) -> Option<ProductKind> {
        ProductKind::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// Computes a dictionary's product of an account. Withheld segments are empty.
pub fn compute(dictionary: &Dictionary, history: &History<'_>) -> Product {
    let mut product = Product::new(dictionary);
    compute_in(&mut product, dictionary, history);
    product
}

/// [`compute`] in the memory of the same product of another account.
pub fn compute_in(product: &mut Product, dictionary: &Dictionary, history: &History<'_>) {
    compute_whole_in(product, dictionary, history);
    product.withhold(dictionary, &history.context().withheld);
}

/// As [`compute_in`], but nothing is withheld, so that the whole can be checked. [`Product::withhold`] must follow.
pub(crate) fn compute_whole_in(product: &mut Product, dictionary: &Dictionary, history: &History<'_>) {
    product.clear();
    let kind = dictionary.kind();
    let segments = &mut product.segments.iter_mut();
    push_to(segments, cover::cover(dictionary, history));
    push_to(segments, cover::notes(dictionary, history));
    push_to(segments, cover::basic(kind, history));
    match kind {
        ProductKind::DetailSummary => {
            let months = history.months();
            let periods = months.chunks(1).zip(months).map(|(period, facts)| (Value::Month(facts.month), period));
            let counted = |period: &[MonthFacts<'_>]| period.first().map(counted_in).unwrap_or_default();
            fill_periods(segments, periods, counted);
        }
        ProductKind::Report => {
            let periods = history.quarters().map(|(quarter, period)| (Value::Quarter(quarter), period));
            let mut counterparties = Counterparties::of(history.months());
            fill_periods(segments, periods, |period| counterparties.counted(period));
            fill_features(segments, history, &mut counterparties);
        }
    }
    push_to(segments, cover::appendix(dictionary, history));
}

/// Item codes of each segment, in the order in which [`compute`] emits them.
pub fn item_codes(kind: ProductKind) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut codes = vec![
        ("cover", cover::COVER_CODES.to_vec()),
        ("notes", cover::NOTES_CODES.to_vec()),
        ("basic", cover::BASIC_CODES.to_vec()),
        ("funds", funds::CODES.to_vec()),
    ];
    codes.extend(classes::SEGMENTS.map(|(segment, _)| (segment, classes::CODES.to_vec())));
    if kind == ProductKind::Report {
        codes.extend([
            ("concentration", concentration::CODES.concat()),
            ("stability", stability::codes()),
            ("distribution", distribution::CODES.concat()),
            ("counterparty_turnover", turnover::CODES.concat()),
            ("trend", trend::CODES.concat()),
            ("amount_bands", bands::CODES.to_vec()),
            ("activity", activity::CODES.to_vec()),
        ]);
    }
    codes.push(("appendix", cover::APPENDIX_CODES.to_vec()));
    codes
}

/// The segments that are not filled yet.
type Segments<'p> = std::slice::IterMut<'p, Segment>;

/// Fills the only row of the next segment.
fn push_to(segments: &mut Segments<'_>, row: impl IntoIterator<Item = Value>) {
    if let Some(segment) = segments.next() {
        segment.push(row);
    }
}

/// Fills segment `funds` and the six class segments, one row per period.
fn fill_periods<'h, 'a: 'h>(
    segments: &mut Segments<'_>,
    periods: impl Iterator<Item = (Value, &'h [MonthFacts<'a>])>,
    mut counted: impl FnMut(&[MonthFacts<'a>]) -> [CountedFlows; CLASSES],
) {
    let Some(of_funds) = segments.next() else { return };
    let mut of_classes: Vec<(Class, &mut Segment)> =
        classes::SEGMENTS.into_iter().map(|(_, class)| class).zip(segments).collect();
    for (label, period) in periods {
        let (flows, counted) = (period_classes(period), counted(period));
        for (class, segment) in &mut of_classes {
            let (flows, counted) = (&flows[*class as usize], &counted[*class as usize]);
            segment.push_row(|row| classes::fill(row, &label, flows, counted));
        }
        of_funds.push_row(|row| funds::fill(row, label, period, &flows[Class::Cash as usize]));
    }
}

/// Fills the feature variables of the report.
fn fill_features(segments: &mut Segments<'_>, history: &History<'_>, counterparties: &mut Counterparties<'_>) {
    let year = history.year().map(|months| Year::new(months, counterparties));
    let year = year.as_ref().map_err(|reason| *reason);
    push_to(segments, concentration::row(year));
    push_to(segments, stability::row(year));
    push_to(segments, distribution::row(year, history));
    push_to(segments, turnover::row(history, counterparties));
    push_to(segments, trend::row(year, history));
    if let Some(segment) = segments.next() {
        bands::fill(segment, year, history);
    }
    push_to(segments, activity::row(year, history));
}

/// A row of nulls with the same reason.
fn nulls<const N: usize>(reason: Reason) -> [Value; N] {
    std::array::from_fn(|_| Value::Null(reason))
}

/// A part of a whole, millionths.
///
/// # Errors
/// [`Reason::NoActivity`] where the whole is 0.
fn share(part: i128, whole: i128) -> Result<i128, Reason> {
    ratio(part, whole).ok_or(Reason::NoActivity)
}
