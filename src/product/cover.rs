//! Segments `cover`, `notes`, `basic` and `appendix`: query, versions, subject, account, terms.
//!
//! Owns: the items that are not figures of a period, and the report number. Does not own: most of their values, which come
//! from the account's row, the dictionary and the context.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::account::{Account, mask};

use super::coverage::identified_share;
use super::dictionary::Dictionary;
use super::history::{History, MonthFacts};
use super::value::{Reason, Value};
use super::{ProductKind, Purpose, Query};

/// Items of segment `cover`.
pub const COVER_CODES: [&str; 7] =
    ["report_no", "product_name", "subject_name", "user_institution", "purpose", "queried_at", "generated_at"];

/// Items of segment `notes`.
pub const NOTES_CODES: [&str; 4] = ["product_version", "rules_version", "period_from", "period_to"];

/// Items of segment `basic`.
pub const BASIC_CODES: [&str; 10] = [
    "subject_name",
    "subject_uscc",
    "provider_name",
    "account_no_masked",
    "account_type",
    "currency",
    "opened_on",
    "account_status",
    "first_month",
    "last_month",
];

/// Items of segment `appendix`.
pub const APPENDIX_CODES: [&str; 4] = ["terms", "identified_share", "subject_statement", "dispute_mark"];

/// Joins the parts of a report number.
const UNIT_SEPARATOR: u8 = 0x1F;

/// Segment `cover`.
pub fn cover(dictionary: &Dictionary, history: &History<'_>) -> [Value; COVER_CODES.len()] {
    let (account, context) = (history.account(), history.context());
    [
        text(&report_no(dictionary, history)),
        shared(dictionary.name()),
        text(&account.subject_name),
        user_institution(account, &context.query),
        text(context.query.purpose.name()),
        context.query.queried_at.map_or(Value::Null(Reason::NotGiven), Value::Instant),
        Value::Instant(context.generated_at),
    ]
}

/// `cover.report_no`: 20 hexadecimal digits.
fn report_no(dictionary: &Dictionary, history: &History<'_>) -> String {
    let (account, context) = (history.account(), history.context());
    let as_of = context.as_of.to_string();
    let parts = [
        dictionary.product(),
        &account.provider_id,
        context.query.binding_id.as_deref().unwrap_or(&account.account_id),
        &as_of,
        dictionary.version(),
        &context.rules_version,
        &context.query.query_id,
    ];
    let mut hash = Sha256::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hash.update([UNIT_SEPARATOR]);
        }
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(10).fold(String::with_capacity(20), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// `cover.user_institution`.
fn user_institution(account: &Account, query: &Query) -> Value {
    match (&query.user_institution, query.purpose) {
        (Some(institution), _) => shared(institution),
        (None, Purpose::OwnQuery) => text(&account.subject_name),
        (None, _) => shared(&account.provider_name),
    }
}

/// Segment `notes`, for the first day of the first period shown.
pub fn notes(dictionary: &Dictionary, history: &History<'_>) -> [Value; NOTES_CODES.len()] {
    let first = window(dictionary.kind(), history).first();
    [
        shared(dictionary.version()),
        shared(&history.context().rules_version),
        first.map_or(Value::Null(Reason::HistoryShort), |facts| Value::Date(facts.first_day)),
        Value::Date(history.as_of()),
    ]
}

/// Segment `basic`.
pub fn basic(kind: ProductKind, history: &History<'_>) -> [Value; BASIC_CODES.len()] {
    let account = history.account();
    let with_rows = |facts: &&MonthFacts<'_>| !facts.dates().is_empty();
    let month = |facts: Option<&MonthFacts<'_>>| -> Value {
        facts.map_or(Value::Null(Reason::NoActivity), |facts| Value::Month(facts.month))
    };
    let months = window(kind, history);
    [
        text(&account.subject_name),
        text(&account.subject_uscc),
        shared(&account.provider_name),
        text(&mask(&account.account_id)),
        text(account.account_type),
        shared(&account.currency),
        account.opened_on.map_or(Value::Null(Reason::NotGiven), Value::Date),
        text(account.status),
        month(months.iter().find(with_rows)),
        month(months.iter().rfind(with_rows)),
    ]
}

/// Segment `appendix`.
pub fn appendix(dictionary: &Dictionary, history: &History<'_>) -> [Value; APPENDIX_CODES.len()] {
    let appendix = &history.context().appendix;
    [
        shared(dictionary.terms()),
        Value::ratio(identified_share(window(dictionary.kind(), history))),
        appendix.subject_statement.as_ref().map_or(Value::Null(Reason::NotGiven), shared),
        text(appendix.dispute_mark.name()),
    ]
}

/// The product's window.
fn window<'h, 'a>(kind: ProductKind, history: &'h History<'a>) -> &'h [MonthFacts<'a>] {
    match kind {
        ProductKind::DetailSummary => history.months(),
        ProductKind::Report => history.quarter_months(),
    }
}

fn text(text: &str) -> Value {
    Value::Text(Arc::from(text))
}

fn shared(text: &Arc<str>) -> Value {
    Value::Text(Arc::clone(text))
}
