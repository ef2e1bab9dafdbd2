//! Holders and their accounts: identity, size, age, growth, failure, and the habits of their banks.
//!
//! Owns everything about them that does not change during the feed. Balances are `ledger`'s.

use crate::calendar::Month;
use crate::code;
use crate::economy::{Economy, activity_share};
use crate::industry::Industry;
use crate::name::{self, TOWNS};
use crate::profile::Profile;
use crate::provider::{PROVIDERS, Provider, TimeResolution};
use crate::random::{self, Rng};

/// Keeps products of amounts within 64 bits for any profile.
const TURNOVER_MAX_FEN: i64 = 1_000_000_000_000;

/// The identity of a holder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pub(crate) ordinal: u32,
    pub(crate) hash: u64,
    pub(crate) industry: Industry,
    pub(crate) sole: bool,
    /// Whether it had another name before.
    pub(crate) renamed: bool,
    /// The town in which it works.
    pub(crate) place: u16,
    /// The bank of its first account. Each further account is with the next bank.
    pub(crate) first_bank: u8,
}

impl Subject {
    pub(crate) fn new(economy: &Economy, ordinal: u32) -> Subject {
        let profile = &economy.profile;
        let mut rng = Rng::new(&[economy.seed, 0x7375_626A, u64::from(ordinal)]);
        let weights: [u32; Industry::COUNT] = std::array::from_fn(|index| profile.industries[index].weight);
        let industry = Industry::ALL[rng.weighted(&weights)];
        Subject {
            ordinal,
            hash: rng.next(),
            industry,
            sole: rng.chance(profile.figures(industry).sole),
            renamed: rng.chance(profile.holders.renamed),
            place: rng.below(TOWNS.len() as u32) as u16,
            first_bank: rng.weighted(&profile.holders.banks) as u8,
        }
    }

    pub(crate) fn push_name(&self, out: &mut String) {
        name::push_holder(out, self.hash, self.trade(), self.sole);
    }

    pub(crate) fn push_former_name(&self, out: &mut String) {
        name::push_former_holder(out, self.hash, self.trade(), self.sole);
    }

    pub(crate) fn push_uscc(&self, out: &mut String) {
        let prefix = if self.sole { "92" } else { "91" };
        code::push_uscc(out, prefix, u32::from(self.place) * 100 + 1, u64::from(self.ordinal));
    }

    fn trade(&self) -> &'static str {
        let words = if self.sole { self.industry.shops() } else { self.industry.trades() };
        name::choose(words, self.hash >> 20)
    }

    /// The bank of its account numbered `nth`.
    pub(crate) fn bank(&self, nth: u8) -> u8 {
        (self.first_bank + nth) % PROVIDERS.len() as u8
    }
}

/// The failure of a business.
#[derive(Clone, Copy, Debug)]
struct Failure {
    day: i32,
    /// The first day of the decline that precedes the failure.
    declines_from: i32,
}

/// A holder with its history and its accounts.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) subject: Subject,
    /// The key of the holder: the source of everything that is drawn once per holder.
    pub(crate) key: u64,
    /// None if the business does not fail within the feed.
    failure: Option<Failure>,
    /// Growth per year in thousandths.
    growth: i64,
    pub(crate) payday: u32,
    pub(crate) employs: bool,
    /// Share of wages that goes to the housing fund; 0 if the holder does not contribute.
    pub(crate) housing_fund: i64,
    pub(crate) accounts: Vec<Account>,
}

impl Holder {
    /// The holder numbered `ordinal`. Its first account has the number `first_account`.
    pub(crate) fn new(economy: &Economy, ordinal: u32, first_account: u32) -> Holder {
        let profile = &economy.profile;
        let subject = Subject::new(economy, ordinal);
        let figures = profile.figures(subject.industry);
        let mut rng = Rng::new(&[economy.seed, 0x6C69_6665, u64::from(ordinal)]);
        let size = profile.holders.size.draw(&mut rng);
        let activity = profile.holders.activity.draw(&mut rng);
        let founded = founded(profile, economy.window, &mut rng);
        let failure = failure(profile, economy.window, founded, &mut rng);
        let closes = rng.chance(profile.life.closed);
        let [low, high] = profile.life.growth_a_year;
        let growth = i64::from(low) + i64::from(rng.below((high - low).unsigned_abs() + 1));
        // The number of rows grows with the size of a business, but far less than in proportion.
        let turnover = figures.turnover_fen * (3 * size + activity) / 4_000;
        let wages = &profile.wages;
        let [low, high] = wages.housing_fund;
        let mut holder = Holder {
            subject,
            key: rng.next(),
            failure,
            growth,
            payday: rng.between(wages.payday[0], wages.payday[1]),
            employs: rng.chance(wages.employers),
            housing_fund: if rng.chance(wages.housing_fund_payers) { rng.between(low, high).into() } else { 0 },
            accounts: Vec::with_capacity(4),
        };
        let basis = AccountBasis {
            founded,
            closing: failure.filter(|_| closes).map(|failure| failure.day),
            abandoned: failure.filter(|_| !closes).map(|failure| failure.day),
            turnover_fen: (turnover * if subject.sole { 600 } else { 1_200 } / 1_000).clamp(200_000, TURNOVER_MAX_FEN),
            rows_permille: u64::from(figures.rows) * (2 * activity + size).unsigned_abs() / 3_000,
        };
        let count = economy.accounts_of(ordinal).min(economy.accounts - first_account);
        for nth in 0..count as u8 {
            holder.accounts.push(Account::new(economy, &subject, &basis, first_account, nth));
        }
        holder
    }

    /// The trade of the holder in `month`, in thousandths of the usual trade.
    pub(crate) fn trade_level(&self, economy: &Economy, month: &Month) -> i64 {
        let months = i64::from(month.first - economy.window.0) * 12 / 365;
        let grown = (1_000 + self.growth * months / 12).clamp(100, 10_000);
        match self.failure {
            Some(Failure { day, declines_from }) if month.first >= declines_from => {
                let left = i64::from(day - month.first).max(0) * 1_000 / i64::from(day - declines_from).max(1);
                grown * left / 1_000
            }
            _ => grown,
        }
    }

    /// Whether the decline of the business begins on `day` or earlier.
    pub(crate) fn declines_by(&self, day: i32) -> bool {
        self.failure.is_some_and(|failure| day >= failure.declines_from)
    }
}

/// The figures that all accounts of a holder share.
struct AccountBasis {
    founded: i32,
    closing: Option<i32>,
    abandoned: Option<i32>,
    turnover_fen: i64,
    rows_permille: u64,
}

/// Which rows of an account show the balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Balances {
    Always,
    /// Some rows lack it.
    Gaps,
    Never,
}

/// One account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) ordinal: u32,
    /// Its index among the accounts of the holder.
    pub(crate) nth: u8,
    pub(crate) bank: u8,
    pub(crate) key: u64,
    pub(crate) account_type: &'static str,
    pub(crate) status: &'static str,
    /// The first day on which it can have rows.
    pub(crate) opened: i32,
    /// The opening and closing dates in the table `accounts`.
    pub(crate) opened_on: Option<i32>,
    pub(crate) closed_on: Option<i32>,
    /// The first day from which the feed holds all records of the account. None: complete from its opening.
    pub(crate) records_from: Option<i32>,
    /// The holder does not use the account from this day on.
    abandoned: Option<i32>,
    /// Mean monthly inflow.
    pub(crate) turnover_fen: i64,
    /// Rows per month, in thousandths of the mean.
    pub(crate) rows_permille: u64,
    pub(crate) balances: Balances,
    /// Whether rows show the currency.
    pub(crate) currency_shown: bool,
    /// Whether ordinary transfers show a kind.
    pub(crate) kind_shown: bool,
    /// How far the balance may go below zero.
    pub(crate) overdraft_fen: i64,
    pub(crate) loans: Option<Loans>,
}

/// The loans that an account takes one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loans {
    pub(crate) term_months: i32,
    /// Repaid in equal instalments instead of at the end.
    pub(crate) instalments: bool,
    /// Hundredths of a percent per year.
    pub(crate) rate: i64,
    /// Shifts the months in which loans begin, modulo the term plus one.
    pub(crate) phase: i32,
}

impl Account {
    fn new(economy: &Economy, subject: &Subject, basis: &AccountBasis, first_account: u32, nth: u8) -> Account {
        let profile = &economy.profile;
        let (statement, credit) = (&profile.statement, &profile.credit);
        let ordinal = first_account + u32::from(nth);
        let key = economy.key(ordinal);
        let mut rng = Rng::new(&[key, 0x6163_6374]);
        let opened =
            if nth == 0 { basis.founded } else { basis.founded + later(economy.window, basis.founded, &mut rng) };
        // The main account closes last.
        let closed_on = basis.closing.map(|day| day - i32::from(nth) * 9).filter(|day| *day > opened + 60);
        let status = match rng.below(1_000) {
            _ if closed_on.is_some() => "closed",
            draw if draw < profile.life.dormant => "dormant",
            draw if draw < profile.life.dormant + profile.life.frozen => "frozen",
            _ if basis.abandoned.is_some() => "dormant",
            _ => "active",
        };
        let turnover_fen = basis.turnover_fen * i64::from(profile.holders.account_share[usize::from(nth) % 4]) / 1_000;
        let always_dormant = status == "dormant" && basis.abandoned.is_none();
        let shown = rng.weighted(&statement.balances);
        Account {
            ordinal,
            nth,
            bank: subject.bank(nth),
            key,
            account_type: account_type(nth, &mut rng),
            status,
            opened,
            opened_on: (!rng.chance(profile.life.undated)).then_some(opened),
            closed_on,
            records_from: (opened < economy.window.0).then_some(economy.window.0),
            abandoned: if always_dormant { Some(i32::MIN) } else { basis.abandoned },
            turnover_fen,
            rows_permille: (basis.rows_permille * activity_share(profile, usize::from(nth)) / 1_000).max(20),
            balances: [Balances::Always, Balances::Gaps, Balances::Never][shown],
            currency_shown: rng.chance(statement.currency_shown),
            kind_shown: rng.chance(statement.kinds_shown),
            overdraft_fen: if rng.chance(credit.overdrafts) {
                turnover_fen * i64::from(rng.between(credit.overdraft[0], credit.overdraft[1])) / 1_000_000 * 1_000
            } else {
                0
            },
            loans: rng.chance(credit.borrowers).then(|| loans(profile, &mut rng)),
        }
    }

    pub(crate) fn provider(&self) -> &'static Provider {
        &PROVIDERS[usize::from(self.bank) % PROVIDERS.len()]
    }

    pub(crate) fn time_resolution(&self) -> TimeResolution {
        self.provider().time_resolution
    }

    /// Only a basic account may pay wages and withdraw cash.
    pub(crate) fn is_basic(&self) -> bool {
        self.account_type == "basic"
    }

    /// Whether the account is out of use on `day`.
    pub(crate) fn is_abandoned(&self, day: i32) -> bool {
        self.abandoned.is_some_and(|from| day >= from)
    }

    /// The first and last day of `month` on which the account can have rows. None if there is no such day.
    pub(crate) fn open_days(&self, month: &Month) -> Option<(i32, i32)> {
        let first = month.first.max(self.opened);
        let last = self.closed_on.map_or(month.last, |closed| closed.min(month.last));
        (first <= last).then_some((first, last))
    }

    /// The balance before the first row: zero for an account that is opened within the feed.
    pub(crate) fn opening_balance(&self, economy: &Economy) -> i64 {
        if self.opened >= economy.window.0 {
            return 0;
        }
        let mut rng = Rng::new(&[self.key, 0x6C65_6467]);
        self.turnover_fen * (500 + economy.profile.holders.size.draw(&mut rng)) / 1_000
    }
}

impl Loans {
    /// The principal of the loan that begins `count` months after year 0.
    pub(crate) fn principal(&self, profile: &Profile, account: &Account, count: i32) -> i64 {
        let [low, high] = profile.credit.principal;
        let draw = random::hash(&[account.key, 0x6C6F_616E, count.unsigned_abs().into()]);
        let months = i64::from(low) + (draw % u64::from(high - low + 1)) as i64;
        (account.turnover_fen / 1_000 * months / 1_000_000).max(1) * 1_000_000
    }
}

fn loans(profile: &Profile, rng: &mut Rng) -> Loans {
    let credit = &profile.credit;
    Loans {
        term_months: credit.terms_months[rng.weighted(&credit.term_weights)] as i32,
        instalments: rng.chance(credit.instalments),
        rate: i64::from(credit.prime_rate + rng.between(credit.margin[0], credit.margin[1])),
        phase: rng.below(1_200) as i32,
    }
}

fn account_type(nth: u8, rng: &mut Rng) -> &'static str {
    match (nth, rng.below(100)) {
        (0, _) => "basic",
        (_, 0..92) => "general",
        (_, 92..97) => "special",
        _ => "temporary",
    }
}

/// The day on which a business begins: for a few within the feed, for the others before it, by the ages of the profile.
fn founded(profile: &Profile, (first, last): (i32, i32), rng: &mut Rng) -> i32 {
    let days = (last - first + 1).max(1).unsigned_abs();
    let within = (u64::from(profile.life.openings_a_year) * u64::from(days) / 365).min(1_000) as u32;
    if rng.chance(within) {
        return first + rng.below(days) as i32;
    }
    let years = [(0, 5), (5, 10), (10, 25)][rng.weighted(&profile.life.ages)];
    first - 30 - (years.0 * 365 + rng.below((years.1 - years.0) * 365)) as i32
}

/// The failure of a business within the feed. None if it does not fail.
fn failure(profile: &Profile, (first, last): (i32, i32), founded: i32, rng: &mut Rng) -> Option<Failure> {
    let days = (last - first + 1).max(1).unsigned_abs();
    let within = (u64::from(profile.life.failures_a_year) * u64::from(days) / 365).min(1_000) as u32;
    let (failing, day) = (rng.chance(within), first + rng.below(days) as i32);
    let [low, high] = profile.life.failing_months;
    let months = rng.between(low.unsigned_abs(), high.unsigned_abs()) as i32;
    let failure = Failure { day, declines_from: (day - months * 30).max(founded + 60) };
    (failing && day >= founded + 120).then_some(failure)
}

/// Days from the first account to the opening of a further one: in most cases long before the feed ends.
fn later((_, last): (i32, i32), founded: i32, rng: &mut Rng) -> i32 {
    let days = (last - founded).max(1).unsigned_abs();
    rng.below(days).min(rng.below(days)) as i32
}
