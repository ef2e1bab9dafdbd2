//! The report of a classification: rows and money by class, by rule and by evidence.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::batch::run_report::Status;
use crate::class::{Class, Entry, Evidence, Matcher, Share, Subclass, Tally};
use crate::error::Error;
use crate::feed::Feed;
use crate::feed::reject::FeedVerdict;
use crate::flow::RowFlows;

/// The report of a classification. `rows_read` = `rows.rows` + `skipped` + `rows_rejected`.
#[derive(Clone, Debug, Serialize)]
pub struct ClassReport {
    /// Done or refused.
    pub status: Status,
    /// Data rows of all `transactions` files.
    pub rows_read: u64,
    /// Rows that passed the checks, each of which has a class.
    pub classified: RowFlows,
    /// Rows that the mapping skipped.
    pub skipped: u64,
    /// Rows that were rejected.
    pub rows_rejected: u64,
    /// Rejects by code, those of accounts and of whole files included.
    pub rejects: BTreeMap<&'static str, u64>,
    /// By class and sub-class, in the order of products.
    pub classes: Vec<OfClass>,
    /// By rule and evidence; among rules of one class, those with most rows first.
    pub rules: Vec<OfRule>,
    /// By the strongest evidence for the class.
    pub evidence: BTreeMap<&'static str, Share>,
    /// Version of the rules.
    pub rules_version: String,
    /// Wall time, in seconds.
    pub seconds: f64,
}

/// The rows of one class and sub-class.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OfClass {
    /// The class.
    pub class: &'static str,
    /// The sub-class; null where the class has none.
    pub subclass: Option<&'static str>,
    /// Its rows and their share of all money.
    #[serde(flatten)]
    pub share: Share,
}

/// The rows that one rule decided on one kind of evidence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OfRule {
    /// The rule's id.
    pub rule: String,
    /// The class that it gives.
    pub class: &'static str,
    /// The sub-class; null where the class has none.
    pub subclass: Option<&'static str>,
    /// The strongest evidence.
    pub evidence: &'static str,
    /// Its rows and their share of all money.
    #[serde(flatten)]
    pub share: Share,
}

impl ClassReport {
    /// The report of a tally, with the status `refused` until [`ClassReport::closed`].
    pub fn new(feed: &Feed, matcher: &Matcher, tally: &Tally) -> ClassReport {
        let total = tally.total();
        ClassReport {
            status: Status::Refused,
            rows_read: feed.rows_read(),
            classified: total,
            skipped: feed.skipped(),
            rows_rejected: 0,
            rejects: BTreeMap::new(),
            classes: by_class(matcher, tally, &total),
            rules: by_rule(matcher, tally, &total),
            evidence: tally.by_evidence(),
            rules_version: matcher.version().to_string(),
            seconds: 0.0,
        }
    }

    /// The report once the feed's verdict is known.
    pub fn closed(self, verdict: &FeedVerdict, rows_rejected: u64, is_done: bool, took: Duration) -> ClassReport {
        let status = if is_done { Status::Done } else { Status::Refused };
        ClassReport { status, rows_rejected, rejects: verdict.by_code(), seconds: took.as_secs_f64(), ..self }
    }

    /// Whether every row that was read is in one of the counts, and all rows of `feed` that passed have a class.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn check(&self, feed: &Feed) -> Result<(), Error> {
        let counted = self.classified.rows + self.skipped + self.rows_rejected;
        if counted == self.rows_read && self.classified == feed.good_rows() {
            return Ok(());
        }
        Err(Error::Internal("rows were lost between the checks and the classes".to_string()))
    }
}

fn by_class(matcher: &Matcher, tally: &Tally, total: &RowFlows) -> Vec<OfClass> {
    let mut sums: BTreeMap<(Class, Subclass), RowFlows> = BTreeMap::new();
    for entry in tally.entries(matcher) {
        sums.entry((entry.class, entry.subclass)).or_default().add(&entry.sum);
    }
    let of_class = |((class, subclass), sum): ((Class, Subclass), RowFlows)| OfClass {
        class: class.name(),
        subclass: subclass_name(subclass),
        share: Share::new(sum, total),
    };
    sums.into_iter().map(of_class).collect()
}

fn by_rule(matcher: &Matcher, tally: &Tally, total: &RowFlows) -> Vec<OfRule> {
    let mut entries: Vec<Entry<'_>> = tally.entries(matcher).collect();
    // The sort is stable: equal counts stay in the order of rules and evidence.
    entries.sort_by_key(|entry| (entry.class, std::cmp::Reverse(entry.sum.rows)));
    let of_rule = |entry: Entry<'_>| OfRule {
        rule: entry.rule.to_string(),
        class: entry.class.name(),
        subclass: subclass_name(entry.subclass),
        evidence: Evidence::name(entry.evidence),
        share: Share::new(entry.sum, total),
    };
    entries.into_iter().map(of_rule).collect()
}

/// The sub-class in reports and files; `None` where the class has none.
pub fn subclass_name(subclass: Subclass) -> Option<&'static str> {
    (subclass != Subclass::None).then(|| subclass.name())
}
