//! The context of a product: its inputs beside the account's row and its cells.
//!
//! Owns: cut-offs, query, withheld segments, values of the appendix, and their codes. Does not own: whether a query is
//! allowed, or how an item shows a value of the context (`product::cover`).

use std::sync::Arc;

use super::{ProductKind, item_codes};
use crate::account::Account;
use crate::period::{Date, Month};

/// The inputs of a product beside the account's row and its cells. One context serves both products.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context {
    /// D, the data cut-off, inclusive. Cells hold no row after it.
    pub as_of: Date,
    /// The first month that is seen: its first day acts as the account's `records_from` where it is later, and nothing of
    /// the months before it takes part in any figure. `None` = no such limit.
    pub first_month: Option<Month>,
    /// Segments that the subject withheld.
    pub withheld: Withheld,
    /// Who asked.
    pub query: Query,
    /// Statement and objection in the appendix.
    pub appendix: Appendix,
    /// When the product is generated, seconds since 1970 in UTC.
    pub generated_at: i64,
    /// Version of the classification rules.
    pub rules_version: Arc<str>,
}

impl Context {
    /// The context of a precomputation: nobody asked, nothing is withheld, all months are seen.
    pub fn precompute(as_of: Date, generated_at: i64, rules_version: &str) -> Context {
        Context {
            as_of,
            first_month: None,
            withheld: Withheld::default(),
            query: Query::default(),
            appendix: Appendix::default(),
            generated_at,
            rules_version: rules_version.into(),
        }
    }

    /// The cells that are seen, of all cells of an account ascending by month: none of a month before the first one.
    pub fn seen<'c, C>(&self, cells: &'c [(Month, C)]) -> &'c [(Month, C)] {
        let unseen = self.first_month.map_or(0, |first| cells.partition_point(|(month, _)| *month < first));
        &cells[unseen..]
    }

    /// O where it does not depend on rows: the later of the account's own dates and the first day of the first month,
    /// whichever are given.
    pub fn opening(&self, account: &Account) -> Option<Date> {
        account.opening().max(self.first_month.map(Month::first_day))
    }
}

/// Why a product was queried.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Purpose {
    /// Before the loan.
    PreLoan,
    /// During the loan.
    InLoan,
    /// After the loan.
    PostLoan,
    /// By the subject itself.
    OwnQuery,
    /// By nobody yet.
    #[default]
    Precompute,
}

impl Purpose {
    /// Its code in `cover.purpose`.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::PreLoan => "pre_loan",
            Purpose::InLoan => "in_loan",
            Purpose::PostLoan => "post_loan",
            Purpose::OwnQuery => "self",
            Purpose::Precompute => "precompute",
        }
    }
}

/// Who asked, why and when: the values of the cover. The default is a precomputation, which nobody asked for.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Query {
    /// Name of the institution that queried; `None` = the provider in a precomputation, the subject in a
    /// query of its own. A lender's query always names the lender.
    pub user_institution: Option<Arc<str>>,
    /// Why.
    pub purpose: Purpose,
    /// When it was accepted, seconds since 1970 in UTC.
    pub queried_at: Option<i64>,
    /// Its identifier; empty in a precomputation.
    pub query_id: String,
    /// Replaces the account's id in the report number; `None` in a precomputation.
    pub binding_id: Option<String>,
}

/// Values of the appendix that no cell holds.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Appendix {
    /// The subject's statement on file.
    pub subject_statement: Option<Arc<str>>,
    /// State of an objection that touches the account.
    pub dispute_mark: DisputeMark,
}

/// State of an objection that touches an account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum DisputeMark {
    /// There is none.
    #[default]
    None,
    /// It is open.
    Disputed,
    /// It led to a correction.
    Corrected,
    /// It could not be decided.
    Unverifiable,
}

impl DisputeMark {
    /// All of them.
    pub const ALL: [DisputeMark; 4] =
        [DisputeMark::None, DisputeMark::Disputed, DisputeMark::Corrected, DisputeMark::Unverifiable];

    /// Its code in `appendix.dispute_mark`.
    pub fn name(self) -> &'static str {
        match self {
            DisputeMark::None => "none",
            DisputeMark::Disputed => "disputed",
            DisputeMark::Corrected => "corrected",
            DisputeMark::Unverifiable => "unverifiable",
        }
    }
}

/// Segments that the subject withheld, by code. A code that only the other product has is ignored.
///
/// Which segments may be withheld, and which only together, is a rule of consent.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Withheld {
    // Invariant: codes of segments of either product.
    codes: Vec<&'static str>,
}

/// A code that no product has a segment of.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no product has a segment `{code}`")]
pub struct UnknownSegment {
    /// The code.
    pub code: String,
}

impl Withheld {
    /// These segments.
    ///
    /// # Errors
    /// [`UnknownSegment`]: a misspelt code must not leave its segment in the product.
    pub fn new<'c>(codes: impl IntoIterator<Item = &'c str>) -> Result<Withheld, UnknownSegment> {
        let segments: Vec<&'static str> =
            ProductKind::ALL.into_iter().flat_map(item_codes).map(|(segment, _)| segment).collect();
        let known = |code: &str| segments.iter().find(|segment| **segment == code).copied();
        let codes = codes.into_iter().map(|code| known(code).ok_or_else(|| UnknownSegment { code: code.to_string() }));
        Ok(Withheld { codes: codes.collect::<Result<_, _>>()? })
    }

    /// Whether no segment is withheld.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Whether the segment with this code is withheld.
    pub fn contains(&self, segment: &str) -> bool {
        self.codes.contains(&segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withheld_segment_is_one_of_a_product() {
        let withheld = Withheld::new(["public", "trend"]).unwrap();
        assert_eq!(["public", "trend", "other"].map(|code| withheld.contains(code)), [true, true, false]);
        assert!(Withheld::new([]).unwrap().is_empty());
        for wrong in ["cash", "Public", "", "funds.in_count"] {
            assert_eq!(Withheld::new(["other", wrong]), Err(UnknownSegment { code: wrong.to_string() }));
        }
    }
}
