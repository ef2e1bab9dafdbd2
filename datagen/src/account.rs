//! Accounts and their holders: who they are, how large, since when, and which habits their bank has.
//! Owns what does not change while the feed is written; balances are `ledger`'s.

use crate::calendar::Month;
use crate::code;
use crate::counterparty::{self, Counterparties};
use crate::industry::Industry;
use crate::name::{self, Side};
use crate::provider::{Clock, PROVIDERS, Provider};
use crate::random::{self, Rng};

/// The holder of one or more accounts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    ordinal: u32,
    hash: u64,
    pub(crate) industry: Industry,
    sole: bool,
    /// Whether it once bore another name.
    pub(crate) renamed: bool,
    /// The town it works in: an index of `name::PLACES`.
    pub(crate) place: u8,
    /// Mean monthly turnover of its main account.
    turnover_fen: i64,
    /// Rows a month, in thousandths of the mean.
    rows_permille: u32,
}

impl Subject {
    fn new(seed: u64, ordinal: u32) -> Subject {
        let mut rng = Rng::new(&[seed, 0x7375_626A, u64::from(ordinal)]);
        let weights = Industry::ALL.map(|industry| industry.figures().weight);
        let industry = Industry::ALL[rng.weighted(&weights)];
        let figures = industry.figures();
        let sole = rng.chance(figures.sole);
        // Larger businesses book more rows, but far from in proportion.
        let (size, activity) = (rng.wide(), rng.wide());
        let rows = u64::from(figures.rows) * u64::from(2 * activity + size) / 3_000;
        let turnover_yuan = figures.turnover_yuan * i64::from(2 * size + activity) / 3_000;
        let hash = rng.next();
        Subject {
            ordinal,
            hash,
            industry,
            sole,
            renamed: rng.chance(60),
            place: ((hash & 0xFF) % name::PLACES.len() as u64) as u8,
            turnover_fen: (turnover_yuan * if sole { 60 } else { 120 }).max(300_000),
            rows_permille: rows.max(20) as u32,
        }
    }

    pub(crate) fn push_name(&self, out: &mut String) {
        name::push_business(out, self.hash, Side::Holder, self.industry, self.sole);
    }

    pub(crate) fn push_former_name(&self, out: &mut String) {
        name::push_business(out, name::renamed(self.hash), Side::Holder, self.industry, self.sole);
    }

    pub(crate) fn push_uscc(&self, out: &mut String) {
        let prefix = if self.sole { "92" } else { "91" };
        code::push_uscc(out, prefix, u32::from(self.place) * 100 + 1, counterparty::holder_number(self.ordinal));
    }
}

/// Which balances the feed carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Balances {
    Always,
    /// A few rows lack theirs.
    Gaps,
    Never,
}

/// One account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) subject: Subject,
    provider: u8,
    pub(crate) branch: u32,
    pub(crate) account_type: &'static str,
    pub(crate) status: &'static str,
    /// The day from which it can have rows.
    pub(crate) opened: i32,
    /// What the feed says of it.
    pub(crate) opened_on: Option<i32>,
    pub(crate) closed_on: Option<i32>,
    /// Mean monthly inflow.
    pub(crate) turnover_fen: i64,
    /// Rows a month, in thousandths of the mean.
    pub(crate) rows_permille: u32,
    pub(crate) balances: Balances,
    /// Whether rows repeat the currency.
    pub(crate) currency_shown: bool,
    /// Whether ordinary transfers carry a kind.
    pub(crate) kind_shown: bool,
    pub(crate) payday: u32,
    /// Takes loans from its bank.
    pub(crate) borrows: bool,
    /// The number of the holder's account elsewhere.
    pub(crate) elsewhere: u64,
    /// Stands for the account wherever something is drawn once and for all.
    pub(crate) key: u64,
}

impl Account {
    pub(crate) fn provider(&self) -> &'static Provider {
        &PROVIDERS[usize::from(self.provider) % PROVIDERS.len()]
    }

    pub(crate) fn clock(&self) -> Clock {
        self.provider().clock
    }

    /// Only a basic account may pay wages and hand out cash.
    pub(crate) fn is_basic(&self) -> bool {
        self.account_type == "basic"
    }

    pub(crate) fn is_dormant(&self) -> bool {
        self.status == "dormant"
    }

    /// The first and last day on which it can have rows in `month`, if there are such days.
    pub(crate) fn open_days(&self, month: &Month) -> Option<(i32, i32)> {
        let first = month.first.max(self.opened);
        let last = self.closed_on.map_or(month.last, |closed| closed.min(month.last));
        (first <= last).then_some((first, last))
    }
}

/// All accounts of a feed, with those they trade with.
pub(crate) struct Economy {
    pub(crate) seed: u64,
    /// **Invariant:** sorted by id, so that tables written in this order need no sorting.
    pub(crate) accounts: Vec<Account>,
    pub(crate) counterparties: Counterparties,
}

impl Economy {
    pub(crate) fn new(seed: u64, accounts: u32, window: (i32, i32)) -> Economy {
        let mut all = Vec::with_capacity(accounts as usize);
        let mut ordinal = 0;
        while all.len() < accounts as usize {
            let subject = Subject::new(seed, ordinal);
            let mut rng = Rng::new(&[seed, 0x6163_6374, u64::from(ordinal)]);
            let wanted = 1 + rng.weighted(&[80, 14, 6]);
            let count = wanted.min(accounts as usize - all.len());
            push_accounts(&mut all, subject, count, seed, window, &mut rng);
            ordinal += 1;
        }
        all.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Economy { seed, accounts: all, counterparties: Counterparties::new(seed, accounts) }
    }
}

/// Adds `count` accounts of `subject`, each with another provider, the basic one first.
fn push_accounts(all: &mut Vec<Account>, subject: Subject, count: usize, seed: u64, window: (i32, i32), rng: &mut Rng) {
    let weights: Vec<u32> = PROVIDERS.iter().map(|provider| provider.weight).collect();
    let main = rng.weighted(&weights);
    let numbers: Vec<u64> = (0..count)
        .map(|nth| {
            let provider = &PROVIDERS[(main + nth) % PROVIDERS.len()];
            let index = (all.len() + nth) as u32;
            provider.prefix * 1_000_000_000_000 + code::scatter(index, random::mix(seed)) * 10_000 + rng.next() % 10_000
        })
        .collect();
    for (nth, number) in numbers.iter().enumerate() {
        // The sole account's holder may still keep one with a bank that sends no feed.
        let stranger = 5_000_000_000_000_000 + rng.next() % 1_000_000_000_000;
        let elsewhere = if count > 1 { numbers[(nth + 1) % count] } else { stranger };
        let (opened, opened_on, closed_on) = life_span(window, rng);
        let share = [100, 45, 25][nth.min(2)];
        let status = match rng.below(1_000) {
            _ if closed_on.is_some() => "closed",
            0..15 => "dormant",
            15..18 => "frozen",
            _ => "active",
        };
        all.push(Account {
            id: number.to_string(),
            subject,
            provider: ((main + nth) % PROVIDERS.len()) as u8,
            branch: 1 + rng.below(60),
            account_type: account_type(nth, rng),
            status,
            opened,
            opened_on,
            closed_on,
            turnover_fen: subject.turnover_fen * share / 100,
            rows_permille: subject.rows_permille * (share as u32 + 50) / 150,
            balances: [Balances::Always, Balances::Gaps, Balances::Never][rng.weighted(&[80, 14, 6])],
            currency_shown: rng.chance(600),
            kind_shown: rng.chance(880),
            payday: rng.between(5, 15),
            borrows: rng.chance(180),
            elsewhere,
            key: rng.next(),
        });
    }
}

fn account_type(nth: usize, rng: &mut Rng) -> &'static str {
    match (nth, rng.below(100)) {
        (0, _) => "basic",
        (_, 0..92) => "general",
        (_, 92..97) => "special",
        _ => "temporary",
    }
}

/// When an account opens (first as it is, then as the feed tells it) and closes.
fn life_span(window: (i32, i32), rng: &mut Rng) -> (i32, Option<i32>, Option<i32>) {
    let (first, last) = window;
    let days = (last - first + 1).max(1) as u32;
    let opened = if rng.chance(90) {
        first + rng.below(days) as i32
    } else {
        first - 30 - rng.below(12 * 365).min(rng.below(12 * 365)) as i32
    };
    let opened_on = if rng.chance(50) { None } else { Some(opened) };
    let closing = first + (days / 3) as i32 + rng.below(days) as i32;
    let closes = rng.chance(25) && closing >= opened + 60 && closing <= last;
    (opened, opened_on, closes.then_some(closing))
}
