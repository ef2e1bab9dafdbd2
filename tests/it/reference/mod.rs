//! The two products computed the slow and plain way, straight from `features.md` and the dictionaries.
//!
//! Owns: a second answer, for comparison with the engine on any input. It shares no code, type or idea of
//! state with the engine: every item filters the account's rows anew, every day's balance is written down,
//! every quotient is an exact fraction until it is printed.
//! Does not own: reading feeds, checking rows, classes and counterparty keys (they come with the rows),
//! conflicts, queries (both products are those of a precomputation), Parquet, speed.

mod common;
mod exact;
mod features;
mod view;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use common::common_segments;
use exact::text;
use features::{activity, amount_bands, concentration, counterparty_turnover, distribution, stability, trend};
use view::{MONTH, QUARTER, View};

/// Who is on the other side of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Class {
    Cash,
    OpeningBank,
    SameName,
    Public,
    PaymentPlatform,
    Agency,
    Other,
}

/// One booked transaction after checks, in file order.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    pub account_id: String,
    pub txn_id: String,
    /// Civil time of Asia/Shanghai, as microseconds since 1970-01-01T00:00 of that civil time.
    pub booked_at_us: i64,
    pub seq: Option<i64>,
    /// Direction `C`.
    pub inward: bool,
    /// Below 0 is a red-ink correction.
    pub amount_fen: i64,
    /// `reversal_of` was set.
    pub reversal: bool,
    pub balance_fen: Option<i64>,
    pub class: Class,
    /// Counterparty key.
    pub key: Option<String>,
    /// The rest of the row's content, so that rows are equal exactly if their contents are.
    pub content: String,
}

/// What a product tells of the account itself.
#[derive(Clone, Debug)]
pub struct Account {
    pub account_id: String,
    pub provider_id: String,
    pub provider_name: String,
    pub subject_uscc: String,
    pub subject_name: String,
    pub account_type: String,
    pub currency: String,
    pub status: String,
    pub opened_on: Option<NaiveDate>,
    pub records_from: Option<NaiveDate>,
}

/// What holds for a whole build.
#[derive(Clone, Debug)]
pub struct Setting {
    /// None: the newest booking date in the input, which only the caller sees.
    pub as_of: Option<NaiveDate>,
    /// RFC 3339 text, put as is.
    pub generated_at: String,
    pub rules_version: String,
}

/// Both products of one account, `detail-summary` first, for a precomputation. `rows` are the account's own;
/// `dictionaries` are `detail-summary.toml` and `report.toml`. Panics where items and dictionary differ.
pub fn products(
    account: &Account,
    rows: &[Row],
    as_of: NaiveDate,
    setting: &Setting,
    dictionaries: (&toml::Table, &toml::Table),
) -> (Value, Value) {
    assert!(setting.as_of.is_none_or(|day| day == as_of), "as_of: the setting names another day");
    let view = View::new(account, rows, as_of, setting);
    let (detail_summary, report) = dictionaries;

    let monthly = common_segments(&view, detail_summary, MONTH);

    let mut quarterly = common_segments(&view, report, QUARTER);
    quarterly.insert("concentration", Segment::One(concentration(&view)));
    quarterly.insert("stability", Segment::One(stability(&view)));
    quarterly.insert("distribution", Segment::One(distribution(&view)));
    quarterly.insert("counterparty_turnover", Segment::One(counterparty_turnover(&view)));
    quarterly.insert("trend", Segment::One(trend(&view)));
    quarterly.insert("amount_bands", Segment::Many(amount_bands(&view)));
    quarterly.insert("activity", Segment::One(activity(&view)));

    (shape(detail_summary, account, monthly), shape(report, account, quarterly))
}

// ---- Items and their order

/// Why a value is null, in order of precedence.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Reason {
    NotGiven,
    HistoryShort,
    NoPriorPeriod,
    NoBalance,
    NoCounterparty,
    NoActivity,
    NotDefined,
    /// The open end of the last band, the one null that `null_reasons` does not list.
    Unlisted,
}

impl Reason {
    fn text(self) -> Option<&'static str> {
        match self {
            Reason::NotGiven => Some("not_given"),
            Reason::HistoryShort => Some("history_short"),
            Reason::NoPriorPeriod => Some("no_prior_period"),
            Reason::NoBalance => Some("no_balance"),
            Reason::NoCounterparty => Some("no_counterparty"),
            Reason::NoActivity => Some("no_activity"),
            Reason::NotDefined => Some("not_defined"),
            Reason::Unlisted => None,
        }
    }
}

/// One item's value, or why there is none.
type Figure = Result<Value, Reason>;

/// Item code to value; the order of items is the dictionary's business.
type Items = BTreeMap<String, Figure>;

enum Segment {
    One(Items),
    /// Each object with its label in `null_reasons`: a period or a lower bound.
    Many(Vec<(String, Items)>),
}

fn put(items: &mut Items, code: impl Into<String>, figure: Figure) {
    let code = code.into();
    assert!(!items.contains_key(&code), "item `{code}` was computed twice");
    items.insert(code, figure);
}

/// Puts what was computed into the dictionary's order and gathers the reasons of the nulls.
fn shape(dictionary: &toml::Table, account: &Account, mut computed: BTreeMap<&str, Segment>) -> Value {
    let mut product = Map::new();
    let mut reasons = Map::new();
    product.insert("account_id".to_owned(), text(&account.account_id));
    for segment in tables(dictionary, "unit").flat_map(|unit| tables(unit, "segment")) {
        let code = string(segment, "code");
        let found = computed.remove(code).unwrap_or_else(|| panic!("segment `{code}` was not computed"));
        let value = match (string(segment, "rows"), found) {
            ("one", Segment::One(items)) => Value::Object(object(segment, code, items, &mut reasons)),
            ("per_period" | "per_band", Segment::Many(objects)) => objects
                .into_iter()
                .map(|(label, items)| object(segment, &format!("{code}[{label}]"), items, &mut reasons))
                .collect(),
            (rows, _) => panic!("segment `{code}` was not computed as `{rows}`"),
        };
        product.insert(code.to_owned(), value);
    }
    assert!(computed.is_empty(), "segments outside the dictionary: {:?}", computed.keys());
    product.insert("null_reasons".to_owned(), Value::Object(reasons));
    Value::Object(product)
}

fn object(segment: &toml::Table, path: &str, mut items: Items, reasons: &mut Map<String, Value>) -> Map<String, Value> {
    let mut object = Map::new();
    for item in tables(segment, "items") {
        let code = string(item, "code");
        let figure = items.remove(code).unwrap_or_else(|| panic!("item `{path}.{code}` was not computed"));
        if let Err(reason) = figure {
            assert!(string(item, "type").ends_with('?'), "item `{path}.{code}` may not be null");
            if let Some(reason) = reason.text() {
                reasons.insert(format!("{path}.{code}"), text(reason));
            }
        }
        object.insert(code.to_owned(), figure.unwrap_or(Value::Null));
    }
    assert!(items.is_empty(), "items of `{path}` outside the dictionary: {:?}", items.keys());
    object
}

fn tables<'a>(table: &'a toml::Table, key: &str) -> impl Iterator<Item = &'a toml::Table> {
    let array = table[key].as_array().unwrap_or_else(|| panic!("dictionary: `{key}` is no array"));
    array.iter().map(|entry| entry.as_table().expect("a dictionary's arrays hold tables"))
}

fn string<'a>(table: &'a toml::Table, key: &str) -> &'a str {
    table[key].as_str().unwrap_or_else(|| panic!("dictionary: `{key}` is no string"))
}
