//! Cover, notes, basic information and appendix: who asked what about whom, and what it rests on.
//!
//! Owns: the items that are not figures of a period. Does not own: the texts of the dictionary, which come
//! with the context.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::account::{Account, mask};

use super::coverage::identified_share;
use super::history::{History, MonthFacts};
use super::value::{Reason, Value};
use super::{Context, ProductKind, Purpose};

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
pub fn cover(
    kind: ProductKind,
    account: &Account,
    history: &History<'_>,
    context: &Context,
) -> [Value; COVER_CODES.len()] {
    [
        text(&report_no(kind, account, history, context)),
        shared(&context.product_name),
        text(&account.subject_name),
        user_institution(account, context),
        text(context.query.purpose.name()),
        context.query.queried_at.map_or(Value::Null(Reason::NotGiven), Value::Instant),
        Value::Instant(context.generated_at),
    ]
}

/// `cover.report_no`: 20 hexadecimal digits.
fn report_no(kind: ProductKind, account: &Account, history: &History<'_>, context: &Context) -> String {
    let as_of = history.as_of().to_string();
    let parts = [
        kind.code(),
        &account.provider_id,
        &account.account_id,
        &as_of,
        &context.product_version,
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
fn user_institution(account: &Account, context: &Context) -> Value {
    match (&context.query.user_institution, context.query.purpose) {
        (Some(institution), _) => shared(institution),
        (None, Purpose::OwnQuery) => text(&account.subject_name),
        (None, _) => shared(&account.provider_name),
    }
}

/// Segment `notes`, for the first day of the first period shown.
pub fn notes(kind: ProductKind, history: &History<'_>, context: &Context) -> [Value; NOTES_CODES.len()] {
    let first = window(kind, history).first();
    [
        shared(&context.product_version),
        shared(&context.rules_version),
        first.map_or(Value::Null(Reason::HistoryShort), |facts| Value::Date(facts.first_day)),
        Value::Date(history.as_of()),
    ]
}

/// Segment `basic`.
pub fn basic(kind: ProductKind, account: &Account, history: &History<'_>) -> [Value; BASIC_CODES.len()] {
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
pub fn appendix(kind: ProductKind, history: &History<'_>, context: &Context) -> [Value; APPENDIX_CODES.len()] {
    [
        shared(&context.terms),
        Value::ratio(identified_share(window(kind, history))),
        Value::Null(Reason::NotGiven),
        text("none"),
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
