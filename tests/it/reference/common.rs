//! The segments that both products have, by month or by quarter.
//!
//! Owns: cover, notes, basic, funds, the six classes, appendix.
//! Does not own: the segments that only the report has.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::exact::{day, int, mean, money, money_rounded, text};
use super::view::{MONTH, Period, Rows, View, WAYS, dates};
use super::{Class, Items, Reason, Segment, put, string};

pub(super) fn common_segments(view: &View, dictionary: &toml::Table, months: i32) -> BTreeMap<&'static str, Segment> {
    let window = view.window(months);
    let mut segments = BTreeMap::from([
        ("cover", Segment::One(cover(view, dictionary))),
        ("notes", Segment::One(notes(view, dictionary, &window))),
        ("basic", Segment::One(basic(view, &window))),
        ("appendix", Segment::One(appendix(view, dictionary, &window))),
    ]);

    let balances = view.daily_balances(months);
    let funds = |period| funds(view, balances.as_ref(), period);
    segments.insert("funds", Segment::Many(each_period(&window, funds)));

    let classes = [
        ("public", Class::Public),
        ("same_name", Class::SameName),
        ("payment_platform", Class::PaymentPlatform),
        ("agency", Class::Agency),
        ("opening_bank", Class::OpeningBank),
        ("other", Class::Other),
    ];
    for (code, class) in classes {
        let class_segment = |period| class_segment(view, class, period);
        segments.insert(code, Segment::Many(each_period(&window, class_segment)));
    }
    segments
}

fn each_period(window: &[Period], items: impl Fn(Period) -> Items) -> Vec<(String, Items)> {
    let object = |period: Period| {
        let mut items = items(period);
        put(&mut items, "period", Ok(text(period.label())));
        (period.label(), items)
    };
    window.iter().map(|period| object(*period)).collect()
}

fn cover(view: &View, dictionary: &toml::Table) -> Items {
    let mut items = Items::new();
    put(&mut items, "report_no", Ok(text(report_no(view, dictionary))));
    put(&mut items, "product_name", Ok(text(string(dictionary, "name"))));
    put(&mut items, "subject_name", Ok(text(&view.account.subject_name)));
    put(&mut items, "user_institution", Ok(text(&view.account.provider_name)));
    put(&mut items, "purpose", Ok(text("precompute")));
    put(&mut items, "queried_at", Err(Reason::NotGiven));
    put(&mut items, "generated_at", Ok(text(&view.setting.generated_at)));
    items
}

fn report_no(view: &View, dictionary: &toml::Table) -> String {
    let query_id = "";
    let as_of = view.as_of.format("%Y-%m-%d").to_string();
    let parts = [
        string(dictionary, "product"),
        &view.account.provider_id,
        &view.account.account_id,
        &as_of,
        string(dictionary, "version"),
        &view.setting.rules_version,
        query_id,
    ];
    let digest = Sha256::digest(parts.join("\u{1f}"));
    digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect()
}

fn notes(view: &View, dictionary: &toml::Table, window: &[Period]) -> Items {
    let period_from = window.first().map(|period| day(view.days_of(*period).0));
    let mut items = Items::new();
    put(&mut items, "product_version", Ok(text(string(dictionary, "version"))));
    put(&mut items, "rules_version", Ok(text(&view.setting.rules_version)));
    put(&mut items, "period_from", period_from.ok_or(Reason::HistoryShort));
    put(&mut items, "period_to", Ok(day(view.as_of)));
    items
}

fn basic(view: &View, window: &[Period]) -> Items {
    let account = view.account;
    let dates = view.rows_of(window).dates();
    let month = |date: Option<&NaiveDate>| match date {
        Some(date) => Ok(text(Period::of(MONTH, *date).label())),
        None => Err(Reason::NoActivity),
    };
    let mut items = Items::new();
    put(&mut items, "subject_name", Ok(text(&account.subject_name)));
    put(&mut items, "subject_uscc", Ok(text(&account.subject_uscc)));
    put(&mut items, "provider_name", Ok(text(&account.provider_name)));
    put(&mut items, "account_no_masked", Ok(text(masked(&account.account_id))));
    put(&mut items, "account_type", Ok(text(&account.account_type)));
    put(&mut items, "currency", Ok(text(&account.currency)));
    put(&mut items, "opened_on", account.opened_on.map(day).ok_or(Reason::NotGiven));
    put(&mut items, "account_status", Ok(text(&account.status)));
    put(&mut items, "first_month", month(dates.first()));
    put(&mut items, "last_month", month(dates.last()));
    items
}

fn masked(account_id: &str) -> String {
    let characters: Vec<char> = account_id.chars().collect();
    if characters.len() < 12 {
        return "****".to_owned();
    }
    let start: String = characters[..4].iter().collect();
    let end: String = characters[characters.len() - 4..].iter().collect();
    format!("{start}****{end}")
}

fn funds(view: &View, balances: Option<&BTreeMap<NaiveDate, i128>>, period: Period) -> Items {
    let rows = view.rows_of(&[period]);
    let (first, last) = view.days_of(period);
    let of_balances = |figure: fn(&[i128]) -> Value| {
        let balances = balances.ok_or(Reason::NoBalance)?;
        let days: Vec<i128> = dates(first, last).map(|date| balances[&date]).collect();
        Ok(figure(&days))
    };
    let mut items = Items::new();
    counts_and_amounts(&mut items, "", &rows);
    put(&mut items, "net_amount", Ok(money(rows.net_amount())));
    put(&mut items, "opening_balance", view.opening_balance(period));
    put(&mut items, "closing_balance", of_balances(|days| money(days[days.len() - 1])));
    put(&mut items, "average_daily_balance", of_balances(|days| money_rounded(&mean(days))));
    put(&mut items, "max_balance", of_balances(|days| money(*days.iter().max().expect("a period has a day"))));
    put(&mut items, "min_balance", of_balances(|days| money(*days.iter().min().expect("a period has a day"))));
    counts_and_amounts(&mut items, "cash_", &rows.only(|row| row.row.class == Class::Cash));
    put(&mut items, "active_days", Ok(int(rows.dates().len())));
    items
}

fn counts_and_amounts(items: &mut Items, prefix: &str, rows: &Rows) {
    for (way, code) in WAYS {
        put(items, format!("{prefix}{code}_count"), Ok(int(rows.count(way))));
        put(items, format!("{prefix}{code}_amount"), Ok(money(rows.amount(way))));
    }
}

fn class_segment(view: &View, class: Class, period: Period) -> Items {
    let rows = view.rows_of(&[period]).only(|row| row.row.class == class);
    let mut items = Items::new();
    counts_and_amounts(&mut items, "", &rows);
    for (way, code) in WAYS {
        let counted = rows.counterparties(way);
        let top = counted.values().max().map(|amount| money(*amount));
        put(&mut items, format!("{code}_counterparties"), Ok(int(counted.len())));
        put(&mut items, format!("top_{code}_amount"), top.ok_or(Reason::NoCounterparty));
    }
    items
}

fn appendix(view: &View, dictionary: &toml::Table, window: &[Period]) -> Items {
    let mut items = Items::new();
    put(&mut items, "terms", Ok(text(string(dictionary, "terms"))));
    put(&mut items, "identified_share", view.rows_of(window).identified_share());
    put(&mut items, "subject_statement", Err(Reason::NotGiven));
    put(&mut items, "dispute_mark", Ok(text("none")));
    items
}
