//! The doctor's report: file by file and account by account, for machines; commands show parts of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::balance_chain::Balances;
use super::visitor::{ClockVerdict, FeedVisitor, evidence_shares};
use super::{Calendar, Looked};
use crate::feed::Feed;
use crate::feed::reject::FeedVerdict;
use crate::period::Date;

/// How the feed is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// A build would take it, and nothing looks wrong.
    Sound,
    /// A build would take it, but something looks wrong.
    Suspect,
    /// A build would refuse it.
    Refused,
}

/// What the doctor found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FeedCheckReport {
    /// How the feed is.
    pub health: Health,
    /// Data rows read, skipped ones included.
    pub rows_read: u64,
    /// Rows that the mapping skipped.
    pub rows_skipped: u64,
    /// Rows that do not pass the checks.
    pub rows_rejected: u64,
    /// Listed rejects by code.
    pub rejects: BTreeMap<&'static str, u64>,
    /// What was found, added up over all accounts.
    pub findings: Findings,
    /// By path.
    pub files: Vec<FileReport>,
    /// The accounts with rows, by id.
    pub accounts: Vec<AccountReport>,
}

/// What was found, added up over all accounts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Findings {
    /// Rows sent again as they were; a build leaves them out.
    pub duplicates: u64,
    /// Rows with the identifier of an earlier one and other content; a build refuses them.
    pub conflicts: u64,
    /// Days whose closing balance was held against the one before.
    pub days_checked: u64,
    /// Those that do not hold.
    pub days_broken: u64,
    /// Rows after which the balance moved by their amount the other way.
    pub sign_swaps: u64,
    /// Files whose times look shifted by eight hours.
    pub files_with_wrong_clock: u64,
    /// Accounts whose times do. That alone makes no feed suspect: payouts of platforms are booked by night.
    pub accounts_with_wrong_clock: u64,
    /// Months without a row between an account's first and last.
    pub empty_months: u64,
}

impl Findings {
    /// Whether something would make products wrong that a build does not refuse. Repeats and empty months do not, and the
    /// hours of single accounts tell too little.
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
    /// Rows that do not.
    pub rows_rejected: u64,
    /// Its dates.
    #[serde(flatten)]
    pub dates: Dates,
    /// Rows sent again as they were.
    pub duplicates: u64,
    /// Rows with the identifier of an earlier one and other content.
    pub conflicts: u64,
    /// Days whose closing balance stands in this file and does not hold.
    pub days_broken: u64,
    /// Rows after which the balance moved the other way.
    pub sign_swaps: u64,
    /// What its times look like.
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
    /// Rows sent again as they were.
    pub duplicates: u64,
    /// Rows with the identifier of an earlier one and other content.
    pub conflicts: u64,
    /// Its balance chain.
    pub balances: Balances,
    /// What its times look like.
    pub clock: ClockVerdict,
    /// Share of rows by the kind of evidence that decided their class.
    pub evidence: BTreeMap<&'static str, String>,
}

/// Dates with rows, and the gaps between.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Dates {
    /// Dates with rows.
    pub days: u64,
    /// The first.
    pub first_day: Option<Date>,
    /// The last.
    pub last_day: Option<Date>,
    /// Months without a row between them.
    pub empty_months: u64,
    /// Most days in a row without a row.
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
    /// Faults that would make products wrong, more important ones first; for choosing what to show.
    pub fn faults(&self) -> (u64, u64) {
        (self.conflicts + self.balances.days_broken, self.balances.sign_swaps)
    }
}

impl FeedCheckReport {
    pub(super) fn new(
        feed: &Feed,
        seen: &FeedVisitor,
        looked: Looked,
        verdict: &FeedVerdict,
        rows_rejected: u64,
        is_refused: bool,
    ) -> FeedCheckReport {
        let rejected: BTreeMap<&str, u64> =
            verdict.files.iter().map(|(path, verdict)| (path.as_str(), verdict.rows)).collect();
        let files = feed.file_names().zip(&seen.files).zip(&looked.files).map(|((name, seen), looked)| {
            let mut calendar = Calendar::default();
            seen.dates.iter().for_each(|date| calendar.add(*date));
            FileReport {
                file: name.to_string(),
                rows: seen.rows,
                rows_rejected: rejected.get(name).copied().unwrap_or(0),
                dates: Dates::of(&calendar),
                duplicates: looked.again.duplicates,
                conflicts: looked.again.conflicts,
                days_broken: looked.days_broken,
                sign_swaps: looked.sign_swaps,
                clock: seen.clock.verdict(),
                evidence: evidence_shares(&seen.evidence),
            }
        });
        let files = files.collect();
        let accounts = feed.accounts.all().iter().zip(&seen.accounts).zip(&looked.accounts);
        let accounts = accounts.filter(|((_, seen), _)| seen.rows > 0).map(|((account, seen), looked)| AccountReport {
            account_id: account.account_id.clone(),
            rows: seen.rows,
            dates: Dates::of(&looked.calendar),
            duplicates: looked.again.duplicates,
            conflicts: looked.again.conflicts,
            balances: looked.balances,
            clock: seen.clock.verdict(),
            evidence: evidence_shares(&seen.evidence),
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
        report.findings = report.found();
        report.health = match (is_refused, report.findings.are_suspect()) {
            (true, _) => Health::Refused,
            (false, true) => Health::Suspect,
            (false, false) => Health::Sound,
        };
        report
    }

    fn found(&self) -> Findings {
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
