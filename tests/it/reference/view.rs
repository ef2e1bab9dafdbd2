//! What a product sees of an account: the rows between O and D, their contributions, periods and balances.
//!
//! Owns: cut-offs, duplicates, row order, windows, W, Q0 and its forerunners, counted counterparties, daily
//! balances.
//! Does not own: the items made of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate};

use super::exact::{count_of, money, part, share};
use super::{Account, Class, Figure, Reason, Row, Setting};

/// A calendar month or quarter, by its length in months and its number since the year 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Period {
    months: i32,
    pub(super) number: i32,
}

pub(super) const MONTH: i32 = 1;
pub(super) const QUARTER: i32 = 3;

impl Period {
    pub(super) fn of(months: i32, date: NaiveDate) -> Period {
        let month = date.year() * 12 + date.month0() as i32;
        Period { months, number: month.div_euclid(months) }
    }

    pub(super) fn back(self, periods: i32) -> Period {
        Period { number: self.number - periods, ..self }
    }

    pub(super) fn first(self) -> NaiveDate {
        let month = self.number * self.months;
        NaiveDate::from_ymd_opt(month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 1)
            .expect("every month has a first day")
    }

    pub(super) fn last(self) -> NaiveDate {
        self.back(-1).first() - Days::new(1)
    }

    pub(super) fn label(self) -> String {
        let first = self.first();
        match self.months {
            MONTH => format!("{:04}-{:02}", first.year(), first.month()),
            _ => format!("{:04}Q{}", first.year(), first.month0() / 3 + 1),
        }
    }
}

pub(super) fn dates(first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    first.iter_days().take_while(move |date| *date <= last)
}

// ---- Rows

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    In,
    Out,
}

pub(super) const WAYS: [(Way, &str); 2] = [(Way::In, "in"), (Way::Out, "out")];

/// A row with what it contributes in its direction.
pub(super) struct Booked<'a> {
    pub(super) row: &'a Row,
    pub(super) date: NaiveDate,
    pub(super) way: Way,
    count: i64,
    pub(super) amount: i128,
}

impl<'a> Booked<'a> {
    fn new(row: &'a Row) -> Booked<'a> {
        let sign = if row.reversal || row.amount_fen < 0 { -1 } else { 1 };
        Booked {
            row,
            date: booking_date(row),
            way: if row.inward { Way::In } else { Way::Out },
            count: sign,
            amount: i128::from(sign) * i128::from(row.amount_fen).abs(),
        }
    }

    /// What the row did to the balance.
    fn signed_amount(&self) -> i128 {
        match self.way {
            Way::In => self.amount,
            Way::Out => -self.amount,
        }
    }

    /// The balance after the row and the one before it.
    fn balances(&self) -> Option<(i128, i128)> {
        let after = i128::from(self.row.balance_fen?);
        Some((after, after - self.signed_amount()))
    }

    fn operating(&self) -> bool {
        !matches!(self.row.class, Class::SameName | Class::OpeningBank)
    }

    fn trade(&self) -> bool {
        matches!(self.row.class, Class::Public | Class::Other) && self.row.key.is_some()
    }

    fn identified(&self) -> bool {
        self.row.key.is_some() || self.row.class != Class::Other
    }
}

fn booking_date(row: &Row) -> NaiveDate {
    let days = row.booked_at_us.div_euclid(24 * 3_600 * 1_000_000);
    let days = i32::try_from(days).expect("64 bits of microseconds are fewer days than 32 bits");
    NaiveDate::from_epoch_days(days).expect("a booking date lies in the calendar")
}

/// Some rows of the account, in their order.
pub(super) struct Rows<'a>(Vec<&'a Booked<'a>>);

impl<'a> Rows<'a> {
    pub(super) fn only(&self, keep: impl Fn(&Booked) -> bool) -> Rows<'a> {
        Rows(self.0.iter().copied().filter(|row| keep(row)).collect())
    }

    pub(super) fn operating(&self) -> Rows<'a> {
        self.only(|row| row.operating())
    }

    pub(super) fn count(&self, way: Way) -> i64 {
        self.0.iter().filter(|row| row.way == way).map(|row| row.count).sum()
    }

    pub(super) fn amount(&self, way: Way) -> i128 {
        self.0.iter().filter(|row| row.way == way).map(|row| row.amount).sum()
    }

    pub(super) fn net_amount(&self) -> i128 {
        self.amount(Way::In) - self.amount(Way::Out)
    }

    /// The days with a transaction.
    pub(super) fn dates(&self) -> BTreeSet<NaiveDate> {
        self.0.iter().map(|row| row.date).collect()
    }

    /// The counted counterparties with their net amounts.
    pub(super) fn counterparties(&self, way: Way) -> BTreeMap<&'a str, i128> {
        let mut sums: BTreeMap<&str, (i64, i128)> = BTreeMap::new();
        for row in self.0.iter().filter(|row| row.way == way) {
            if let Some(key) = &row.row.key {
                let sum = sums.entry(key).or_default();
                sum.0 += row.count;
                sum.1 += row.amount;
            }
        }
        sums.into_iter().filter(|(_, (count, _))| *count > 0).map(|(key, (_, amount))| (key, amount)).collect()
    }

    pub(super) fn trade_counterparties(&self, way: Way) -> BTreeMap<&'a str, i128> {
        self.only(|row| row.trade()).counterparties(way)
    }

    /// The identified amount over the whole, as `identified_share` has it.
    pub(super) fn identified_share(&self) -> Figure {
        let net = |rows: Rows| part(rows.amount(Way::In) + rows.amount(Way::Out));
        let identified = net(self.only(|row| row.identified()));
        let unidentified = net(self.only(|row| !row.identified()));
        share(identified, identified + unidentified)
    }
}

/// Drops a later row with the same id and content in the same month.
fn without_duplicates(rows: &[Row]) -> Vec<&Row> {
    let mut seen: BTreeMap<(Period, &str), &Row> = BTreeMap::new();
    for row in rows {
        let id = (Period::of(MONTH, booking_date(row)), row.txn_id.as_str());
        let first = seen.entry(id).or_insert(row);
        assert!(*first == row, "two transactions in conflict");
    }
    seen.into_values().collect()
}

// ---- The account as a product sees it

pub(super) struct View<'a> {
    pub(super) account: &'a Account,
    pub(super) setting: &'a Setting,
    /// D.
    pub(super) as_of: NaiveDate,
    /// O; None where the account has no periods.
    opened: Option<NaiveDate>,
    /// The rows from O to D, in the order of balances.
    booked: Vec<Booked<'a>>,
}

/// W: its months, all complete, and their rows.
pub(super) struct Year<'a> {
    pub(super) months: Vec<Period>,
    pub(super) rows: Rows<'a>,
}

impl<'a> View<'a> {
    pub(super) fn new(account: &'a Account, rows: &'a [Row], as_of: NaiveDate, setting: &'a Setting) -> View<'a> {
        assert!(rows.iter().all(|row| row.account_id == account.account_id), "rows of another account");
        let mut booked: Vec<Booked> = without_duplicates(rows).into_iter().map(Booked::new).collect();
        booked.sort_by_key(|row| (row.row.booked_at_us, row.row.seq, row.row.txn_id.as_bytes()));
        let given = [account.opened_on, account.records_from].into_iter().flatten().max();
        let opened = given.or(booked.first().map(|row| row.date)).filter(|date| *date <= as_of);
        booked.retain(|row| opened.is_some_and(|opened| opened <= row.date) && row.date <= as_of);
        View { account, setting, as_of, opened, booked }
    }

    /// The month or quarter window, oldest first.
    pub(super) fn window(&self, months: i32) -> Vec<Period> {
        let Some(opened) = self.opened else {
            return Vec::new();
        };
        let newest = Period::of(months, self.as_of);
        let periods = if months == MONTH { 36 } else { 12 };
        (0..periods)
            .rev()
            .map(|back| newest.back(back))
            .filter(|period| *period >= Period::of(months, opened))
            .collect()
    }

    fn complete(&self, period: Period) -> bool {
        self.opened.is_some_and(|opened| opened <= period.first()) && period.last() <= self.as_of
    }

    /// A period's days that lie between O and D.
    pub(super) fn days_of(&self, period: Period) -> (NaiveDate, NaiveDate) {
        let opened = self.opened.expect("an account with a period was opened");
        (period.first().max(opened), period.last().min(self.as_of))
    }

    pub(super) fn rows_of(&self, periods: &[Period]) -> Rows<'_> {
        let among = |date| periods.iter().any(|period| period.first() <= date && date <= period.last());
        Rows(self.booked.iter().filter(|row| among(row.date)).collect())
    }

    pub(super) fn year(&self) -> Result<Year<'_>, Reason> {
        let mut months = self.window(MONTH);
        months.retain(|month| self.complete(*month));
        if months.len() < 3 {
            return Err(Reason::HistoryShort);
        }
        let months = months.split_off(months.len().saturating_sub(12));
        let rows = self.rows_of(&months);
        Ok(Year { months, rows })
    }

    pub(super) fn over_year(&self, figure: impl FnOnce(&Year) -> Figure) -> Figure {
        figure(&self.year()?)
    }

    /// Q0, or the quarter so many before it.
    pub(super) fn quarter(&self, before_q0: i32) -> Result<Period, Reason> {
        let newest = Period::of(QUARTER, self.as_of);
        let q0 = if newest.last() <= self.as_of { newest } else { newest.back(1) };
        let quarter = q0.back(before_q0);
        let seen = self.complete(q0) && self.complete(quarter) && self.window(QUARTER).contains(&quarter);
        if seen { Ok(quarter) } else { Err(Reason::NoPriorPeriod) }
    }

    /// The end-of-day balance of each day of the window; None where no row up to D carried a balance.
    pub(super) fn daily_balances(&self, months: i32) -> Option<BTreeMap<NaiveDate, i128>> {
        let (_, before_first) = self.booked.iter().find_map(Booked::balances)?;
        // Rows come in order, so a day's last known balance is the one that stays.
        let known: BTreeMap<NaiveDate, i128> =
            self.booked.iter().filter_map(|row| Some((row.date, row.balances()?.0))).collect();
        let (first, _) = self.days_of(*self.window(months).first()?);
        let carried_to = |date| known.range(..=date).next_back().map_or(before_first, |(_, balance)| *balance);
        Some(dates(first, self.as_of).map(|date| (date, carried_to(date))).collect())
    }

    pub(super) fn opening_balance(&self, period: Period) -> Figure {
        let (_, before_first) = self.booked.iter().find_map(Booked::balances).ok_or(Reason::NoBalance)?;
        let in_period = self.rows_of(&[period]).0.into_iter().find_map(Booked::balances);
        let earlier = self.booked.iter().filter(|row| row.date < period.first());
        let opening = match (in_period, earlier.filter_map(Booked::balances).next_back()) {
            (Some((_, before)), _) => before,
            (None, Some((after, _))) => after,
            (None, None) => before_first,
        };
        Ok(money(opening))
    }
}

impl Year<'_> {
    pub(super) fn length(&self) -> i128 {
        count_of(&self.months)
    }

    pub(super) fn days(&self) -> Vec<NaiveDate> {
        self.months.iter().flat_map(|month| dates(month.first(), month.last())).collect()
    }

    pub(super) fn rows_of(&self, month: Period) -> Rows<'_> {
        self.rows.only(|row| month.first() <= row.date && row.date <= month.last())
    }

    /// One figure a month of W from the month's operating rows.
    pub(super) fn monthly<T>(&self, figure: impl Fn(&Rows) -> T) -> Vec<T> {
        self.months.iter().map(|month| figure(&self.rows_of(*month).operating())).collect()
    }
}
