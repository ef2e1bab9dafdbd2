//! The segments that only the report has.
//!
//! Owns: concentration, stability, distribution, turnover, trend, bands, activity.
//! Does not own: W, quarters, counted counterparties and balances, which it asks of the view.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use num_bigint::BigInt;
use num_rational::BigRational;

use super::exact::{
    count_of, decimal, divided, fraction, int, longest_run, mean, money, money_rounded, part, ratio, ratio_of_root,
    root_half_even, share, text, variance, variation,
};
use super::view::{MONTH, Period, QUARTER, Rows, View, WAYS, Way, Year, dates};
use super::{Class, Figure, Items, Reason, put};

pub(super) fn concentration(view: &View) -> Items {
    let mut items = Items::new();
    for (way, code) in WAYS {
        for top in [1, 3, 5, 10] {
            let top_share = view.over_year(|year| {
                let parts = parts_of_trade(year, way)?;
                share(parts.iter().take(top).sum(), parts.iter().sum())
            });
            put(&mut items, format!("{code}_top{top}_share"), top_share);
        }
        let index = view.over_year(|year| Ok(ratio(&hhi(&parts_of_trade(year, way)?))));
        put(&mut items, format!("{code}_hhi"), index);
        let effective = view.over_year(|year| Ok(ratio(&hhi(&parts_of_trade(year, way)?).recip())));
        put(&mut items, format!("{code}_effective_counterparties"), effective);
        let counted = view.over_year(|year| Ok(int(year.rows.trade_counterparties(way).len())));
        put(&mut items, format!("{code}_counterparties"), counted);
    }
    items
}

/// The counted trade counterparties' parts of A, largest first; their sum is above 0.
fn parts_of_trade(year: &Year, way: Way) -> Result<Vec<i128>, Reason> {
    let counted = year.rows.trade_counterparties(way);
    if counted.is_empty() {
        return Err(Reason::NoCounterparty);
    }
    let mut parts: Vec<i128> = counted.into_values().map(part).collect();
    parts.sort();
    parts.reverse();
    if parts[0] == 0 { Err(Reason::NoActivity) } else { Ok(parts) }
}

fn hhi(parts: &[i128]) -> BigRational {
    let whole = parts.iter().sum();
    let squares = parts.iter().map(|part| {
        let share = fraction(*part, whole);
        &share * &share
    });
    squares.sum()
}

pub(super) fn stability(view: &View) -> Items {
    let mut items = Items::new();
    for (way, code) in WAYS {
        let of_amounts =
            |figure: fn(&[i128]) -> Figure| view.over_year(|year| figure(&year.monthly(|rows| rows.amount(way))));
        put(&mut items, format!("{code}_monthly_mean"), of_amounts(|months| Ok(money_rounded(&mean(months)))));
        let deviation = |months: &[i128]| Ok(text(decimal(&root_half_even(&variance(months)), 2)));
        put(&mut items, format!("{code}_monthly_sd"), of_amounts(deviation));
        put(&mut items, format!("{code}_monthly_cv"), of_amounts(variation));

        let active = |year: &Year| year.monthly(|rows| rows.count(way) > 0);
        let active_ratio = view.over_year(|year| {
            let months: Vec<bool> = active(year).into_iter().filter(|active| *active).collect();
            share(count_of(&months), year.length())
        });
        put(&mut items, format!("{code}_active_month_ratio"), active_ratio);
        let zero_run = view.over_year(|year| Ok(int(longest_run(active(year).into_iter().map(|active| !active)))));
        put(&mut items, format!("{code}_longest_zero_run"), zero_run);
        put(&mut items, format!("{code}_recurring_share"), view.over_year(|year| recurring_share(year, way)));
    }
    let negative_months = view.over_year(|year| {
        let months: Vec<i128> = year.monthly(|rows| rows.net_amount()).into_iter().filter(|net| *net < 0).collect();
        share(count_of(&months), year.length())
    });
    put(&mut items, "negative_net_month_share", negative_months);
    balance_stability(view, &mut items);
    items
}

fn recurring_share(year: &Year, way: Way) -> Figure {
    let whole = parts_of_trade(year, way)?.iter().sum();
    let monthly: Vec<BTreeMap<&str, i128>> =
        year.months.iter().map(|month| year.rows_of(*month).trade_counterparties(way)).collect();
    let recurring = |key: &str| {
        let months = monthly.iter().filter(|counted| counted.contains_key(key)).count();
        months >= year.months.len().div_ceil(2)
    };
    let counted = year.rows.trade_counterparties(way);
    let parts = counted.into_iter().filter(|(key, _)| recurring(key)).map(|(_, amount)| part(amount));
    share(parts.sum(), whole)
}

fn balance_stability(view: &View, items: &mut Items) {
    let daily = view.daily_balances(QUARTER);
    let balances = |days: Vec<NaiveDate>| -> Result<Vec<i128>, Reason> {
        let daily = daily.as_ref().ok_or(Reason::NoBalance)?;
        Ok(days.iter().map(|date| daily[date]).collect())
    };

    put(items, "balance_cv", view.over_year(|year| variation(&balances(year.days())?)));

    let low_days = view.over_year(|year| {
        let days = balances(year.days())?;
        let mean = mean(&days);
        let low: Vec<i128> = days.iter().copied().filter(|day| fraction(day * 10, 1) < mean).collect();
        share(count_of(&low), count_of(&days))
    });
    put(items, "low_balance_day_share", low_days);

    let lowest_month = view.over_year(|year| {
        let of_month = |month: &Period| balances(dates(month.first(), month.last()).collect());
        let months: Vec<Vec<i128>> = year.months.iter().map(of_month).collect::<Result<_, _>>()?;
        let lowest = months.iter().map(|days| mean(days)).min().expect("W has a month");
        divided(&lowest, &mean(&balances(year.days())?), Reason::NotDefined)
    });
    put(items, "lowest_month_mean_ratio", lowest_month);
}

pub(super) fn distribution(view: &View) -> Items {
    let mut items = Items::new();
    for (way, code) in WAYS {
        let share_of_dates = |chosen: fn(NaiveDate) -> bool| {
            view.over_year(|year| {
                let rows = year.rows.operating();
                let on = |date: &NaiveDate| part(rows.only(|row| row.date == *date).amount(way));
                let whole = rows.dates().iter().map(on).sum();
                share(rows.dates().iter().filter(|date| chosen(**date)).map(on).sum(), whole)
            })
        };
        put(&mut items, format!("{code}_first_ten_days_share"), share_of_dates(|date| date.day() <= 10));
        let middle = share_of_dates(|date| (11..=20).contains(&date.day()));
        put(&mut items, format!("{code}_middle_ten_days_share"), middle);
        put(&mut items, format!("{code}_last_days_share"), share_of_dates(|date| date.day() >= 21));
        let weekday = share_of_dates(|date| date.weekday().number_from_monday() <= 5);
        put(&mut items, format!("{code}_weekday_share"), weekday);
        put(&mut items, format!("{code}_peak_quarter_share"), peak_quarter_share(view, way));
        put(&mut items, format!("{code}_class_entropy"), view.over_year(|year| class_entropy(year, way)));
    }
    items
}

fn peak_quarter_share(view: &View, way: Way) -> Figure {
    let mut parts = Vec::new();
    for before_q0 in 0..4 {
        let quarter = view.quarter(before_q0).map_err(|_| Reason::HistoryShort)?;
        parts.push(part(view.rows_of(&[quarter]).operating().amount(way)));
    }
    let peak = parts.iter().copied().max().expect("four quarters have a highest");
    share(peak, parts.iter().sum())
}

/// The one figure that is not exact: the logarithm is a float, good to far more than 1e-6.
fn class_entropy(year: &Year, way: Way) -> Figure {
    let classes = [
        Class::Cash,
        Class::OpeningBank,
        Class::SameName,
        Class::Public,
        Class::PaymentPlatform,
        Class::Agency,
        Class::Other,
    ];
    let parts = classes.map(|class| part(year.rows.only(|row| row.row.class == class).amount(way)));
    let whole: i128 = parts.iter().sum();
    if whole == 0 {
        return Err(Reason::NoActivity);
    }
    let shares = parts.iter().filter(|part| **part > 0).map(|part| *part as f64 / whole as f64);
    let entropy = -shares.map(|share| share * share.ln()).sum::<f64>() / 7f64.ln();
    let millionths = (entropy * 1e6).round_ties_even() as i64;
    Ok(text(decimal(&BigInt::from(millionths), 6)))
}

/// C and P are the counted trade counterparties of Q0 and of Q1.
pub(super) fn counterparty_turnover(view: &View) -> Items {
    let figures: [(&str, OfSets); 5] = [
        ("new_ratio", new_ratio),
        ("lost_ratio", lost_ratio),
        ("turnover_rate", turnover_rate),
        ("jaccard", jaccard),
        ("retained_amount_share", retained_amount_share),
    ];
    let mut items = Items::new();
    for (way, code) in WAYS {
        let counted = |quarter| view.rows_of(&[quarter]).trade_counterparties(way);
        for (item, figure) in figures {
            let quarters = view.quarter(0).and_then(|q0| Ok((q0, view.quarter(1)?)));
            let figure = quarters.and_then(|(q0, q1)| figure(&counted(q0), &counted(q1)));
            put(&mut items, format!("{code}_{item}"), figure);
        }
    }
    items
}

/// Counted counterparties with their net amounts.
type Counted<'a> = BTreeMap<&'a str, i128>;

/// A figure of C and P.
type OfSets = fn(&Counted, &Counted) -> Figure;

fn both(c: &Counted, p: &Counted) -> usize {
    c.keys().filter(|key| p.contains_key(*key)).count()
}

fn new_ratio(c: &Counted, p: &Counted) -> Figure {
    quotient_of_sets(c.len() - both(c, p), c.len())
}

fn lost_ratio(c: &Counted, p: &Counted) -> Figure {
    quotient_of_sets(p.len() - both(c, p), p.len())
}

/// 1 - 2|C and P| / (|C| + |P|), over one denominator.
fn turnover_rate(c: &Counted, p: &Counted) -> Figure {
    let sizes = c.len() + p.len();
    quotient_of_sets(sizes - 2 * both(c, p), sizes)
}

fn jaccard(c: &Counted, p: &Counted) -> Figure {
    let either: BTreeSet<&str> = c.keys().chain(p.keys()).copied().collect();
    quotient_of_sets(both(c, p), either.len())
}

fn retained_amount_share(c: &Counted, p: &Counted) -> Figure {
    if c.is_empty() {
        return Err(Reason::NoCounterparty);
    }
    let retained = c.iter().filter(|(key, _)| p.contains_key(*key));
    let retained = retained.map(|(_, amount)| part(*amount)).sum();
    share(retained, c.values().map(|amount| part(*amount)).sum())
}

fn quotient_of_sets(above: usize, below: usize) -> Figure {
    let size = |count: usize| fraction(i128::try_from(count).expect("a size fits 128 bits"), 1);
    divided(&size(above), &size(below), Reason::NoCounterparty)
}

pub(super) fn trend(view: &View) -> Items {
    let flows: [(&str, Flow); 3] =
        [("in", |rows| rows.amount(Way::In)), ("out", |rows| rows.amount(Way::Out)), ("net", |rows| rows.net_amount())];
    let mut items = Items::new();
    for (code, flow) in flows {
        put(&mut items, format!("{code}_qoq"), change(view, flow, 1));
        put(&mut items, format!("{code}_yoy"), change(view, flow, 4));

        let of_series = |figure: fn(&[i128]) -> Figure| {
            view.over_year(|year| {
                let series = year.monthly(flow);
                if series.len() < 6 { Err(Reason::HistoryShort) } else { figure(&series) }
            })
        };
        put(&mut items, format!("{code}_theil_sen_slope"), of_series(theil_sen_slope));
        put(&mut items, format!("{code}_mann_kendall_tau"), of_series(mann_kendall_tau));
        put(&mut items, format!("{code}_recent_to_prior_ratio"), of_series(recent_to_prior_ratio));
    }
    items
}

/// The amount that a trend follows.
type Flow = fn(&Rows) -> i128;

/// From the quarter so many before Q0 to Q0, over the former's absolute amount.
fn change(view: &View, flow: Flow, before_q0: i32) -> Figure {
    let amount = |quarter| flow(&view.rows_of(&[quarter]).operating());
    let now = amount(view.quarter(0)?);
    let then = amount(view.quarter(before_q0)?);
    divided(&fraction(now - then, 1), &fraction(then.abs(), 1), Reason::NoActivity)
}

/// Each pair of months, the earlier first: how far apart they are and by how much the later one is higher.
fn pairs(series: &[i128]) -> Vec<(i128, i128)> {
    let places: Vec<(i128, i128)> = (0..).zip(series.iter().copied()).collect();
    let later = |i: i128| places.iter().filter(move |(j, _)| *j > i);
    places.iter().flat_map(|(i, x_i)| later(*i).map(move |(j, x_j)| (j - i, x_j - x_i))).collect()
}

fn theil_sen_slope(series: &[i128]) -> Figure {
    let mut slopes: Vec<BigRational> =
        pairs(series).into_iter().map(|(distance, rise)| fraction(rise, distance)).collect();
    slopes.sort();
    let middle = slopes.len() / 2;
    let median = if slopes.len() % 2 == 1 {
        slopes[middle].clone()
    } else {
        (&slopes[middle - 1] + &slopes[middle]) / fraction(2, 1)
    };
    let sizes: Vec<i128> = series.iter().map(|amount| amount.abs()).collect();
    divided(&median, &mean(&sizes), Reason::NoActivity)
}

/// (concordant - discordant) / sqrt((n0 - n1)(n0 - n2)); no two months are the same, so n2 is 0.
fn mann_kendall_tau(series: &[i128]) -> Figure {
    let concordant_less_discordant: i128 = pairs(series).into_iter().map(|(_, rise)| rise.signum()).sum();
    let n0 = count_of(series) * (count_of(series) - 1) / 2;
    let values: BTreeSet<i128> = series.iter().copied().collect();
    let ties = |value: &i128| {
        let equal: Vec<&i128> = series.iter().filter(|other| *other == value).collect();
        count_of(&equal) * (count_of(&equal) - 1) / 2
    };
    let n1: i128 = values.iter().map(ties).sum();
    if n0 == n1 {
        return Err(Reason::NotDefined);
    }
    let square = fraction(concordant_less_discordant.pow(2), (n0 - n1) * n0);
    Ok(ratio_of_root(&square, concordant_less_discordant < 0))
}

fn recent_to_prior_ratio(series: &[i128]) -> Figure {
    let (prior, recent) = series.split_at(series.len() - 3);
    divided(&mean(recent), &mean(prior), Reason::NoActivity)
}

/// Lower bounds in yuan.
const BANDS: [i128; 7] = [0, 1_000, 10_000, 50_000, 200_000, 500_000, 2_000_000];

pub(super) fn amount_bands(view: &View) -> Vec<(String, Items)> {
    let q0 = view.quarter(0).map(|quarter| view.rows_of(&[quarter]).operating());
    let year = view.year().map(|year| year.rows.operating());
    let band = |number: usize| {
        let (lower, upper) = bounds_fen(number);
        let mut items = Items::new();
        put(&mut items, "lower_bound", Ok(money(lower)));
        put(&mut items, "upper_bound", upper.map(money).ok_or(Reason::Unlisted));
        for (span, rows) in [("quarter", &q0), ("year", &year)] {
            for (way, code) in WAYS {
                let figure = |of_rows: fn(&Rows, usize, Way) -> Figure| match rows {
                    Ok(rows) => of_rows(rows, number, way),
                    Err(reason) => Err(*reason),
                };
                let count = figure(|rows, number, way| Ok(int(in_band(rows, number).count(way))));
                let amount = figure(|rows, number, way| Ok(money(in_band(rows, number).amount(way))));
                put(&mut items, format!("{span}_{code}_count"), count);
                put(&mut items, format!("{span}_{code}_amount"), amount);
                put(&mut items, format!("{span}_{code}_share"), figure(band_share));
            }
        }
        (decimal(&BigInt::from(lower), 2), items)
    };
    (0..BANDS.len()).map(band).collect()
}

/// The lower bound, inclusive, and the upper one, exclusive.
fn bounds_fen(band: usize) -> (i128, Option<i128>) {
    (BANDS[band] * 100, BANDS.get(band + 1).map(|yuan| yuan * 100))
}

fn in_band<'a>(rows: &Rows<'a>, band: usize) -> Rows<'a> {
    let (lower, upper) = bounds_fen(band);
    rows.only(|row| lower <= row.amount.abs() && upper.is_none_or(|upper| row.amount.abs() < upper))
}

fn band_share(rows: &Rows, band: usize, way: Way) -> Figure {
    let part_of = |band| part(in_band(rows, band).amount(way));
    share(part_of(band), (0..BANDS.len()).map(part_of).sum())
}

pub(super) fn activity(view: &View) -> Items {
    let window = view.rows_of(&view.window(QUARTER));
    let months: BTreeSet<Period> = window.dates().iter().map(|date| Period::of(MONTH, *date)).collect();
    let mut items = Items::new();
    put(&mut items, "account_age_months", account_age_months(view));
    put(&mut items, "observed_months", Ok(int(months.len())));
    for (way, code) in WAYS {
        let dates = window.only(|row| row.way == way).dates();
        let days = dates.last().map(|last| int((view.as_of - *last).num_days()));
        put(&mut items, format!("days_since_last_{code}"), days.ok_or(Reason::NoActivity));
    }

    let active_day_ratio = view.over_year(|year| {
        let active: Vec<NaiveDate> = year.rows.dates().into_iter().collect();
        share(count_of(&active), count_of(&year.days()))
    });
    put(&mut items, "active_day_ratio", active_day_ratio);
    let longest_gap_days = view.over_year(|year| {
        let active = year.rows.dates();
        Ok(int(longest_run(year.days().iter().map(|date| !active.contains(date)))))
    });
    put(&mut items, "longest_gap_days", longest_gap_days);
    put(&mut items, "pass_through_ratio", view.over_year(pass_through_ratio));
    put(&mut items, "identified_amount_ratio", view.over_year(|year| year.rows.identified_share()));
    items
}

fn account_age_months(view: &View) -> Figure {
    let opened = view.account.opened_on.ok_or(Reason::NotGiven)?;
    if opened > view.as_of {
        return Err(Reason::HistoryShort);
    }
    let begun = Period::of(MONTH, view.as_of).number - Period::of(MONTH, opened).number;
    let whole = if view.as_of.day() >= opened.day() { begun } else { begun - 1 };
    Ok(int(whole))
}

fn pass_through_ratio(year: &Year) -> Figure {
    let rows = year.rows.only(|row| row.row.class != Class::OpeningBank);
    let mut passed = 0;
    let mut received = 0;
    for date in year.days() {
        let of_day = rows.only(|row| row.date == date);
        let (inward, outward) = (part(of_day.amount(Way::In)), part(of_day.amount(Way::Out)));
        passed += inward.min(outward);
        received += inward;
    }
    share(passed, received)
}
