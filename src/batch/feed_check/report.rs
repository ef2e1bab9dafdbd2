//! The report of a feed check: findings by file and account. The JSON has all of it, the command's table only a part.

use std::collections::BTreeMap;

use serde::Serialize;

use super::balance_chain::Balances;
use super::visitor::{ClockVerdict, FeedVisitor, evidence_shares};
use super::{Calendar, Summaries};
use crate::feed::Feed;
use crate::feed::reject::FeedVerdict;
use crate::period::Date;

/// Overall result of a feed check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// A build would accept the feed, and no suspect finding.
    Sound,
    /// A build would accept the feed, but there are suspect findings.
    Suspect,
    /// A build would refuse the feed.
    Refused,
}

/// The report of a feed check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FeedCheckReport {
    /// Overall result of a feed check.
    pub health: Health,
    /// Data rows read, skipped ones included.
    pub rows_read: u64,
    /// Rows that the mapping skipped.
    pub rows_skipped: u64,
    /// Rows that do not pass the checks.
    pub rows_rejected: u64,
    /// Listed rejects by code.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Findings, added up over all accounts.
    pub findings: Findings,
    /// By path.
    pub files: Vec<FileReport>,
    /// The accounts with rows, by id.
    pub accounts: Vec<AccountReport>,
}

/// Findings, added up over all accounts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Findings {
    /// Rows equal to an earlier row; a build drops them.
    pub duplicates: u64,
    /// Rows with the identifier of an earlier row and other content; a build rejects them.
    pub conflicts: u64,
    /// Days whose closing balance was checked against the one before.
    pub days_checked: u64,
    /// Days whose closing balance is not the expected one.
    pub days_broken: u64,
    /// Rows after which the balance moved by their amount in the other direction.
    pub sign_swaps: u64,
    /// Files whose times appear to be shifted by eight hours.
    pub files_with_wrong_clock: u64,
    /// Accounts whose times appear to be shifted. They do not make a feed suspect: payouts of platforms are booked at night.
    pub accounts_with_wrong_clock: u64,
    /// Months without rows between an account's first and last.
    pub empty_months: u64,
}

impl Findings {
    /// Whether there are faults that would make products wrong and that a build does not refuse. Duplicates and empty months
    /// do not, and the hours of single accounts are too weak as evidence.
    pub fn are_suspect(&self) -> bool {
        self.days_broken + self.sign_swaps + self.files_with_wrong_clock > 0
    }
}

/// One file of `transactions`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FileReport {
    /// Its path.
    pub file: String,
    /// Rows that pass the checks, repeats included.
    pub rows: u64,
    /// Rows that do not pass the checks.
    pub rows_rejected: u64,
    /// Its dates.
    #[serde(flatten)]
    pub dates: Dates,
    /// Rows equal to an earlier row.
    pub duplicates: u64,
    /// Rows with the identifier of an earlier row and other content.
    pub conflicts: u64,
    /// Broken days whose closing balance is in this file.
    pub days_broken: u64,
    /// Rows after which the balance moved in the other direction.
    pub sign_swaps: u64,
    /// Result of the check of its times.
    pub clock: ClockVerdict,
    /// Share of rows by the kind of evidence that decided their class.
    pub evidence: BTreeMap<&'static str, String>,
}

/// One account with rows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AccountReport {
    /// The account.
    pub account_id: String,
    /// Rows that pass the checks, repeats included.
    pub rows: u64,
    /// Its dates.
    #[serde(flatten)]
    pub dates: Dates,
    /// Rows equal to an earlier row.
    pub duplicates: u64,
    /// Rows with the identifier of an earlier row and other content.
    pub conflicts: u64,
    /// Its balance chain.
    pub balances: Balances,
    /// Result of the check of its times.
    pub clock: ClockVerdict,
    /// Share of rows by the kind of evidence that decided their class.
    pub evidence: BTreeMap<&'static str, String>,
}

/// Dates with rows, and the gaps between.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Dates {
    /// Dates with rows.
    pub days: u64,
    /// The first date.
    pub first_day: Option<Date>,
    /// The last date.
    pub last_day: Option<Date>,
    /// Months without rows between them.
    pub empty_months: u64,
    /// Length of the longest run of days without rows.
    pub longest_gap_days: u64,
}

impl Dates {
    fn of(calendar: &Calendar) -> Dates {
        Dates {
            days: calendar.days,
            first_day: calendar.first,
            last_day: calendar.last,
            empty_months: calendar.empty_months,
            longest_gap_days: calendar.longest_gap_days,
        }
    }
}

impl AccountReport {
    /// Number of faults that would make products wrong, in order of importance: the sort key of the command's table.
    pub fn faults(&self) -> (u64, u64) {
        (self.conflicts + self.balances.days_broken, self.balances.sign_swaps)
    }
}

impl FeedCheckReport {
    pub(super) fn new(
        feed: &Feed,
        visitor: &FeedVisitor,
        summaries: Summaries,
        verdict: &FeedVerdict,
        rows_rejected: u64,
        is_refused: bool,
    ) -> FeedCheckReport {
        let rejected: BTreeMap<&str, u64> =
            verdict.files.iter().map(|(path, verdict)| (path.as_str(), verdict.rows)).collect();
        let files = feed.file_names().zip(&visitor.files).zip(&summaries.files).map(|((name, counts), summary)| {
            let mut calendar = Calendar::default();
            counts.dates.iter().for_each(|date| calendar.add(*date));
            FileReport {
                file: name.to_string(),
                rows: counts.rows,
                rows_rejected: rejected.get(name).copied().unwrap_or(0),
                dates: Dates::of(&calendar),
                duplicates: summary.repeats.duplicates,
                conflicts: summary.repeats.conflicts,
                days_broken: summary.days_broken,
                sign_swaps: summary.sign_swaps,
                clock: counts.clock.verdict(),
                evidence: evidence_shares(&counts.evidence),
            }
        });
        let files = files.collect();
        let accounts = feed.accounts.all().iter().zip(&visitor.accounts).zip(&summaries.accounts);
        let accounts =
            accounts.filter(|((_, counts), _)| counts.rows > 0).map(|((account, counts), summary)| AccountReport {
                account_id: account.account_id.clone(),
                rows: counts.rows,
                dates: Dates::of(&summary.calendar),
                duplicates: summary.repeats.duplicates,
                conflicts: summary.repeats.conflicts,
                balances: summary.balances,
                clock: counts.clock.verdict(),
                evidence: evidence_shares(&counts.evidence),
            });
        let mut report = FeedCheckReport {
            health: Health::Sound,
            rows_read: feed.rows_read(),
            rows_skipped: feed.skipped(),
            rows_rejected,
            rejects: verdict.by_code(),
            findings: Findings::default(),
            files,
            accounts: accounts.collect(),
        };
        report.findings = report.count_findings();
        report.health = match (is_refused, report.findings.are_suspect()) {
            (true, _) => Health::Refused,
            (false, true) => Health::Suspect,
            (false, false) => Health::Sound,
        };
        report
    }

    fn count_findings(&self) -> Findings {
        let mut found = Findings {
            files_with_wrong_clock: self.files.iter().filter(|file| file.clock.is_wrong()).count() as u64,
            ..Findings::default()
        };
        for account in &self.accounts {
            found.duplicates += account.duplicates;
            found.conflicts += account.conflicts;
            found.days_checked += account.balances.days_checked;
            found.days_broken += account.balances.days_broken;
            found.sign_swaps += account.balances.sign_swaps;
            found.accounts_with_wrong_clock += u64::from(account.clock.is_wrong());
            found.empty_months += account.dates.empty_months;
        }
        found
    }
}
