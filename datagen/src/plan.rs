//! The planned movements of an account in a month: everyday trade, obligations on their due dates, credit and savings.
//!
//! Owns times, counterparties and intended amounts. Whether there is money for them is decided by `ledger`.

use crate::calendar::{self, Month, SECONDS_A_DAY};
use crate::economy::Economy;
use crate::holder::{Account, Holder};
use crate::movement::{BankAccount, Direction, Movement};
use crate::name::{BODY_PLACES, Body, PLATFORMS};
use crate::party::{Party, Role, Shown};
use crate::pool;
use crate::profile::{IndustryFigures, Trade};
use crate::random::{self, Rng};
use crate::trading_days::TradingDays;

/// Keeps products of amounts within 64 bits for any profile.
const MEAN_MAX_FEN: i64 = 10_000_000_000_000;
/// Maximum number of rows planned for an account and month.
const ROWS_MAX: u64 = 1_000_000;

/// A planned movement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// Seconds since the beginning of the month.
    pub(crate) at: u32,
    /// The index of the account among the holder's accounts.
    pub(crate) nth: u8,
    pub(crate) movement: Movement,
    pub(crate) party: Party,
    pub(crate) amount_fen: i64,
}

/// Plans the month of one account.
pub(crate) struct Planner<'a> {
    pub(crate) economy: &'a Economy,
    pub(crate) month: &'a Month,
    pub(crate) trading_days: &'a TradingDays,
    pub(crate) holder: &'a Holder,
    pub(crate) account: &'a Account,
    /// The balance at the beginning of the month.
    pub(crate) balance_fen: i64,
    pub(crate) saved_fen: i64,
    /// The first and last day in the month on which the account is open.
    pub(crate) first: i32,
    pub(crate) last: i32,
    pub(crate) rng: &'a mut Rng,
    pub(crate) events: &'a mut Vec<Event>,
}

impl Planner<'_> {
    /// Appends the events of the account.
    pub(crate) fn plan(mut self) {
        let start = self.events.len();
        self.interest();
        if !self.account.is_abandoned(self.month.first) {
            let trade_level = self.holder.trade_level(self.economy, self.month);
            let turnover = self.account.turnover_fen * self.season() / 1_000 * trade_level / 1_000;
            let rows = self.rows(trade_level);
            self.obligations(rows, turnover, trade_level);
            self.credit();
            self.savings();
            let planned = (self.events.len() - start) as u32;
            self.trade(rows.saturating_sub(planned), turnover);
        }
        if self.account.closed_on == Some(self.last) {
            self.close(start);
        }
    }

    /// The number of rows to plan, by size, season, trade level and the days on which the account is open.
    fn rows(&mut self, trade_level: i64) -> u32 {
        let days = u64::from((self.last - self.first + 1).unsigned_abs());
        let usual =
            u64::from(self.economy.mean_rows) * self.account.rows_permille * self.economy.rows_scale / 1_000_000;
        let x = usual * self.season().unsigned_abs() / 1_000 * trade_level.unsigned_abs() / 1_000 * days;
        // 28 days instead of 30 make up for declining businesses and for movements that are not paid.
        self.rng.dithered(x.min(28_000 * ROWS_MAX), 28_000)
    }

    fn figures(&self) -> &IndustryFigures {
        self.economy.profile.figures(self.holder.subject.industry)
    }

    fn season(&self) -> i64 {
        self.figures().season.get(self.month.month as usize - 1).copied().unwrap_or(1_000).into()
    }

    /// Quarters since year 0.
    fn quarter(&self) -> u32 {
        (self.month.count() / 3).unsigned_abs()
    }

    fn push(&mut self, day: i32, (from, to): (u32, u32), movement: Movement, party: Party, amount_fen: i64) {
        let second = self.rng.between(from * 3_600, to * 3_600 - 1);
        let at = (day - self.month.first).unsigned_abs() * SECONDS_A_DAY + second;
        self.events.push(Event { at, nth: self.account.nth, movement, party, amount_fen });
    }

    // --- everyday trade

    fn trade(&mut self, rows: u32, turnover: i64) {
        if rows == 0 {
            return;
        }
        let economy = self.economy;
        let figures = economy.profile.figures(self.holder.subject.industry);
        let basic = self.account.is_basic();
        let allowed = |trade: &&Trade| basic || trade.movement != Movement::CashWithdrawal;
        let total = figures.rows_total();
        // Inflow is spread over rows in proportion to their size. About a third of it goes into obligations, the rest
        // is spent.
        let inflow = turnover.saturating_mul(total.into()) / i64::from(rows);
        let (mean_in, mean_out) =
            (inflow / figures.volume(Direction::In), inflow * 66 / 100 / figures.volume(Direction::Out));
        for trade in figures.mix.iter().filter(allowed) {
            let mean = match trade.movement.spec().direction {
                Direction::In => mean_in,
                Direction::Out => mean_out,
            };
            let mean = mean.saturating_mul(trade.size.into()).clamp(100, MEAN_MAX_FEN);
            let count = self.rng.dithered(u64::from(rows) * u64::from(trade.rows), total);
            for nth in 0..count {
                self.trade_once(trade.movement, mean, (nth, count), figures);
            }
        }
    }

    fn trade_once(&mut self, movement: Movement, mean: i64, (nth, count): (u32, u32), figures: &IndustryFigures) {
        let party = self.partner(movement, figures);
        let amount = self.amount(movement, mean, figures);
        let (first, last) = (self.first, self.last);
        match movement {
            // Takings come daily, or at even distances if there are few rows.
            Movement::Settlement | Movement::Acquiring => {
                let days = (last - first + 1).unsigned_abs();
                let day = first + ((nth * days + self.rng.below(days)) / count.max(1)) as i32;
                self.push(day.min(last), (1, 9), movement, party, amount);
            }
            _ => {
                let trading_days = self.trading_days;
                let day = trading_days.days(self.holder.subject.industry).draw(first, last, self.rng);
                let hours = match movement {
                    Movement::CashDeposit | Movement::CashWithdrawal => (9, 17),
                    _ => (8, 20),
                };
                self.push(day, hours, movement, party, amount);
            }
        }
    }

    fn amount(&mut self, movement: Movement, mean: i64, figures: &IndustryFigures) -> i64 {
        match movement {
            // A few fen that verify the account.
            Movement::Verification => i64::from(self.rng.between(1, 99)),
            // Daily settlements of shops vary less than invoices.
            Movement::Settlement | Movement::Acquiring => {
                mean * (500 + figures.amounts.draw(self.rng).min(3_000) / 2) / 1_000
            }
            // In banknotes.
            Movement::CashDeposit | Movement::CashWithdrawal => {
                (mean * figures.amounts.draw(self.rng) / 1_000 / 10_000).max(1) * 10_000
            }
            // A rare invoice is far larger than all others.
            Movement::Customer | Movement::BillReceived if self.rng.chance_ppm(150) => {
                rounded(mean * i64::from(self.rng.between(30, 300)), self.rng)
            }
            _ => rounded(mean * figures.amounts.draw(self.rng) / 1_000, self.rng),
        }
    }

    fn partner(&mut self, movement: Movement, figures: &IndustryFigures) -> Party {
        let place = self.holder.subject.place;
        match movement {
            Movement::Settlement | Movement::PlatformPayment => self.platform(),
            Movement::Customer => self.pool(0, figures.customers, figures.people),
            Movement::BillReceived => self.pool(0, figures.customers, 0),
            Movement::Supplier => self.pool(1, figures.suppliers, figures.farmers),
            Movement::BillPaid => self.pool(1, figures.suppliers, 0),
            Movement::Person => self.pool(2, 8, 1_000),
            Movement::Verification => self.pool(3, 3, 0),
            Movement::PublicCustomer => self.public_customer(),
            Movement::TaxRefund => treasury(place, Shown::NameAndAccount),
            Movement::Customs => self.office(Body::Customs, 2),
            Movement::Fine => {
                let body = [Body::Market, Body::Police, Body::Bureau][self.rng.below(3) as usize];
                self.office(body, 3)
            }
            Movement::OwnIn | Movement::OwnOut => self.own(),
            _ => self.bank(movement),
        }
    }

    /// A party from the account's pool numbered `which`, which has `size` places. `people` is the share of people in
    /// thousandths.
    fn pool(&mut self, which: u64, size: u32, people: u32) -> Party {
        let names = &self.economy.profile.names;
        if self.rng.chance_ppm(names.namesakes_ppm) {
            let shown = if self.rng.chance(333) { Shown::All } else { Shown::NameAndAccount };
            return Party::new(Role::Namesake, shown, self.holder.subject.ordinal);
        }
        let rank = self.rng.rank(size);
        let id = pool::member(self.economy, self.account.key ^ which, rank, self.quarter());
        let Some(shown) = pool::shown(self.economy, id, self.rng) else {
            return Party::UNKNOWN;
        };
        // Derived from the number and not from the row, so that a customer keeps its role.
        let draw = (random::mix(u64::from(id) ^ 0x7065_6F70) % 1_000) as u32;
        if draw < people {
            let shown = if shown == Shown::All { Shown::NameAndAccount } else { shown };
            Party::new(Role::Person, shown, id)
        } else if (random::mix(u64::from(id)) >> 32) % 1_000 < u64::from(names.near_misses) {
            let shown = if shown == Shown::Account { Shown::NameAndAccount } else { shown };
            Party::new(Role::NearMiss, shown, id)
        } else {
            Party::new(Role::Business, shown, id)
        }
    }

    fn platform(&mut self) -> Party {
        let main = u32::from(self.account.key & 1 == 1);
        let index = match self.rng.below(100) {
            0..70 => main,
            70..92 => 1 - main,
            _ => 2 + self.rng.below(u32::from(PLATFORMS) - 2),
        };
        Party::new(Role::Platform, Shown::NameAndAccount, index)
    }

    fn public_customer(&mut self) -> Party {
        const BODIES: [Body; 6] =
            [Body::School, Body::Hospital, Body::Finance, Body::Government, Body::Bureau, Body::Police];
        let draw = random::hash(&[self.account.key, 0x7075_6273, u64::from(self.rng.rank(4))]);
        let mut among = Rng::new(&[draw]);
        let body = BODIES[among.weighted(&[40, 20, 12, 12, 12, 4])];
        let place = if among.chance(700) { self.holder.subject.place } else { among.below(BODY_PLACES.into()) as u16 };
        Party::body(body, place, among.below(60), shown_of_body(draw))
    }

    /// One of the first `offices` offices of a kind of body in the holder's town, always the same one.
    fn office(&self, body: Body, offices: u32) -> Party {
        let draw = random::hash(&[self.holder.key, body as u64]);
        Party::body(body, self.holder.subject.place, (draw >> 8) as u32 % offices, shown_of_body(draw))
    }

    fn own(&mut self) -> Party {
        let own = &self.economy.profile.own_transfers;
        let others = self.holder.accounts.len() as u32 - 1;
        let inside = others > 0 && self.rng.chance(own.inside);
        let other = inside.then(|| {
            let other = self.rng.below(others) as u8;
            if other >= self.account.nth { other + 1 } else { other }
        });
        own_party(self.economy, self.holder, self.account, other, self.rng)
    }

    /// The bank's own account for the movement. Some rows do not show it.
    fn bank(&mut self, movement: Movement) -> Party {
        bank_party(self.account, movement, self.rng)
    }

    // --- obligations

    /// Plans a movement for `day`, if the account is open on it.
    fn due_on(&mut self, day: i32, movement: Movement, party: Party, amount_fen: i64) {
        if (self.first..=self.last).contains(&day) && amount_fen > 0 {
            let hours = if movement == Movement::Rent { (9, 17) } else { (5, 8) };
            self.push(day, hours, movement, party, amount_fen);
        }
    }

    /// Plans a movement for day `day` of the month.
    fn due(&mut self, day: u32, movement: Movement, party: Party, amount_fen: i64) {
        self.due_on(self.month.first + day as i32 - 1, movement, party, amount_fen);
    }

    fn interest(&mut self) {
        let profile = &self.economy.profile;
        if self.month.month.is_multiple_of(3) {
            let amount = self.balance_fen.max(0) * profile.savings.demand_rate / 40_000;
            let party = self.bank(Movement::Interest);
            self.due(21, Movement::Interest, party, amount);
        }
        if self.balance_fen < 0 {
            let rate = i64::from(profile.credit.prime_rate + profile.credit.margin[1]);
            let party = self.bank(Movement::LoanInterest);
            self.due(21, Movement::LoanInterest, party, -self.balance_fen * rate / 120_000);
        }
    }

    fn obligations(&mut self, rows: u32, turnover: i64, trade_level: i64) {
        // A small number of rows cannot hold all obligations, so each one is kept by chance.
        let keep_permille = (rows * 1_000 / 14).min(1_000);
        self.fees(keep_permille);
        self.utilities(keep_permille, turnover);
        self.rent(keep_permille);
        self.margin();
        if self.account.is_basic() {
            let wages = self.wages(keep_permille, trade_level);
            self.taxes(keep_permille, turnover, wages);
            self.rare(turnover);
        }
    }

    fn fees(&mut self, keep_permille: u32) {
        if self.rng.chance(keep_permille * 6 / 10) {
            let amount = [500, 1_000, 2_000, 3_000, 0][self.rng.below(5) as usize];
            let party = self.bank(Movement::AccountFee);
            let day = self.rng.between(18, 26);
            self.due(day, Movement::AccountFee, party, amount);
        }
    }

    fn utilities(&mut self, keep_permille: u32, turnover: i64) {
        let (place, collected) = (self.holder.subject.place, self.account.key >> 33 & 1 == 1);
        let winter = matches!(self.month.month, 11 | 12 | 1..=3);
        for which in [0, 1, 3 - u32::from(!winter)] {
            let share = [14, 3, 4, 8][which as usize];
            if !self.rng.chance(keep_permille * if which < 2 { 8 } else { 3 } / 10) {
                continue;
            }
            let amount = turnover * share / 1_000 * i64::from(self.rng.between(700, 1_300)) / 1_000;
            let (movement, party) = if collected {
                (Movement::UtilityCollected, self.bank(Movement::UtilityCollected))
            } else {
                let party = Party { place, ..Party::new(Role::Utility, Shown::NameAndAccount, which) };
                (Movement::UtilityPaid, party)
            };
            let day = self.rng.between(8, 25);
            self.due(day, movement, party, amount);
        }
    }

    fn rent(&mut self, keep_permille: u32) {
        let quarterly = self.account.key >> 34 & 1 == 1;
        if (!quarterly || self.month.month % 3 == 1) && self.rng.chance(keep_permille) {
            // The contract fixes the amount, so it is the same each time.
            let share = 30 + (self.account.key >> 40) as i64 % 30;
            let monthly = (self.account.turnover_fen * share / 1_000 / 10_000).max(1) * 10_000;
            let id = pool::member(self.economy, self.account.key ^ 4, 0, 0);
            let role = if self.account.key >> 35 & 1 == 1 { Role::Person } else { Role::Business };
            let party = Party::new(role, Shown::NameAndAccount, id);
            let day = 1 + (self.account.key >> 45) as u32 % 10;
            self.due(day, Movement::Rent, party, monthly * if quarterly { 3 } else { 1 });
        }
    }

    /// Plans wages and the contributions on them. Returns the wages.
    fn wages(&mut self, keep_permille: u32, trade_level: i64) -> i64 {
        let wages = &self.economy.profile.wages;
        if !self.holder.employs || !self.rng.chance(keep_permille) {
            return 0;
        }
        let share = self.figures().payroll * i64::from(self.rng.between(950, 1_050)) / 1_000;
        let paid = self.account.turnover_fen * trade_level.min(1_500) / 1_000 * share / 1_000;
        let party = self.bank(Movement::Payroll);
        self.due(self.holder.payday, Movement::Payroll, party, paid);
        let due = self.month.due(self.economy.profile.calendar.due_day);
        let body = [Body::SocialInsurance, Body::SocialInsurance, Body::MedicalInsurance];
        let body = body[(self.holder.key >> 8) as usize % body.len()];
        let office = self.office(body, 2);
        let day = self.on_or_before_due(due);
        self.due_on(day, Movement::SocialInsurance, office, paid * wages.social_insurance / 1_000);
        let office = self.office(Body::HousingFund, 2);
        let day = self.on_or_before_due(due);
        self.due_on(day, Movement::HousingFund, office, paid * self.holder.housing_fund / 1_000);
        paid
    }

    /// The due date, or one of the working days before it.
    fn on_or_before_due(&mut self, due: i32) -> i32 {
        let day = due - self.rng.below(5) as i32;
        if calendar::weekday(day) >= 5 || day < self.month.first { due } else { day }
    }

    fn taxes(&mut self, keep_permille: u32, turnover: i64, wages: i64) {
        let taxes = &self.economy.profile.taxes;
        let steady = |range: [u32; 2], bit: u32| {
            let [low, high] = range;
            i64::from(low) + (self.account.key >> bit) as i64 % i64::from(high - low + 1)
        };
        let small = turnover <= taxes.small_up_to_fen;
        let opens_quarter = self.month.month % 3 == 1;
        let sales = if !small {
            turnover * steady(taxes.general_rate, 12) / 1_000
        } else if opens_quarter && turnover > taxes.free_up_to_fen {
            turnover * 3 * taxes.small_rate / 1_000
        } else {
            0
        };
        let profit = if opens_quarter { turnover * 3 * steady(taxes.profit_tax, 16) / 1_000 } else { 0 };
        let income = wages * steady(self.economy.profile.wages.income_tax, 20) / 1_000;
        let surcharges = sales * taxes.surcharges / 1_000;
        let due = self.month.due(self.economy.profile.calendar.due_day);
        let day = self.on_or_before_due(due);
        for amount in [sales, surcharges, profit, income] {
            // Banks print the collecting account of the treasury, the treasury, or the tax office.
            let party = match self.holder.key >> 40 & 3 {
                0 | 1 => treasury(self.holder.subject.place, Shown::Name),
                2 => treasury(self.holder.subject.place, Shown::NameAndAccount),
                _ => self.office(Body::Revenue, 3),
            };
            if amount > 0 && self.rng.chance(keep_permille) {
                self.due_on(day, Movement::Tax, party, amount);
            }
        }
    }

    fn rare(&mut self, turnover: i64) {
        let day = self.rng.between(3, 27);
        let amount = rounded(turnover * i64::from(self.rng.between(100, 3_000)) / 20_000, self.rng);
        match self.rng.below(1_000) {
            0..6 => self.due(day, Movement::Subsidy, self.office(Body::Finance, 2), amount),
            6..9 => self.due(day, Movement::Subsidy, self.office(Body::Employment, 2), amount),
            9..14 => {
                let party = treasury(self.holder.subject.place, Shown::NameAndAccount);
                self.due(day, Movement::TaxRefund, party, amount);
            }
            14..17 => self.due(day, Movement::CourtFee, self.office(Body::Court, 2), amount.min(500_000)),
            17..19 => {
                let party = self.office(Body::Market, 3);
                self.due(day, Movement::Fine, party, amount.min(300_000));
            }
            _ => {}
        }
    }

    /// A business that pays with bills deposits a margin for three months out of six.
    fn margin(&mut self) {
        let pays_with_bills = self.figures().mix.iter().any(|trade| trade.movement == Movement::BillPaid);
        if !pays_with_bills || self.account.key >> 53 & 7 != 0 {
            return;
        }
        let count = self.month.count() + (self.account.key >> 56) as i32;
        let amount = (self.account.turnover_fen * 3 / 20 / 1_000_000).max(1) * 1_000_000;
        let movement = match count % 6 {
            0 => Movement::MarginPlaced,
            // The account was open when the margin was placed.
            3 if self.account.opened < self.month.first - 100 => Movement::MarginReleased,
            _ => return,
        };
        let party = self.bank(movement);
        self.due(11, movement, party, amount);
    }

    // --- credit and savings

    /// Loans: monthly interest, the principal in instalments or at the end, and the next loan one month later.
    fn credit(&mut self) {
        let Some(loans) = self.account.loans else { return };
        let since = (self.month.count() + loans.phase) % (loans.term_months + 1);
        let begins = self.month.count() - since;
        let first = calendar::first_day(begins);
        // A bank lends only to an established account, and not to a declining business.
        if first <= self.account.opened || self.holder.declines_by(first) {
            return;
        }
        let principal = loans.principal(&self.economy.profile, self.account, begins);
        let (term, past) = (i64::from(loans.term_months), i64::from(since));
        if since == 0 {
            let party = self.bank(Movement::LoanDisbursed);
            return self.due(20, Movement::LoanDisbursed, party, principal);
        }
        let owed = if loans.instalments { principal - principal / term * (past - 1) } else { principal };
        let repaid = match (loans.instalments, past == term) {
            (_, true) => owed,
            (true, false) => principal / term,
            (false, false) => 0,
        };
        let party = self.bank(Movement::LoanInterest);
        self.due(21, Movement::LoanInterest, party, owed * loans.rate / 120_000);
        let party = self.bank(Movement::LoanRepaid);
        self.due(21, Movement::LoanRepaid, party, repaid);
    }

    /// Idle money goes into a wealth product or a fixed deposit and comes back later with interest.
    fn savings(&mut self) {
        let savings = &self.economy.profile.savings;
        let wealth = (self.account.key >> 24) as u32 % 1_000 < savings.wealth;
        if self.saved_fen > 0 {
            if self.rng.chance(250) {
                self.redeem(wealth, self.month.last);
            }
        } else {
            let idle = self.balance_fen - self.account.turnover_fen * savings.idle / 1_000;
            let movement = if wealth { Movement::WealthBought } else { Movement::DepositPlaced };
            let day = self.rng.between(2, 26);
            let party = self.bank(movement);
            self.due(day, movement, party, idle / 1_000_000 * 1_000_000);
        }
    }

    fn redeem(&mut self, wealth: bool, latest: i32) {
        let savings = &self.economy.profile.savings;
        let (movement, [low, high]) = if wealth {
            (Movement::WealthRedeemed, savings.wealth_rate)
        } else {
            (Movement::DepositMatured, savings.term_rate)
        };
        // Interest for about four months.
        let gain = self.saved_fen / 10_000 * i64::from(self.rng.between(low, high)) / 3;
        let day = (self.month.first + self.rng.between(2, 26) as i32).min(latest);
        let party = self.bank(movement);
        self.due_on(day, movement, party, self.saved_fen + gain);
    }

    /// Plans the last rows of the account: savings are redeemed, and the rest goes to another account.
    fn close(&mut self, start: usize) {
        let limit = (self.last - self.month.first).unsigned_abs() * SECONDS_A_DAY;
        let kept = self.events.split_off(start).into_iter().filter(|event| event.at < limit);
        self.events.extend(kept);
        let redeems = |event: &Event| {
            event.nth == self.account.nth
                && matches!(event.movement, Movement::WealthRedeemed | Movement::DepositMatured)
        };
        if self.saved_fen > 0 && !self.events[start..].iter().any(redeems) {
            self.redeem((self.account.key >> 24) as u32 % 1_000 < self.economy.profile.savings.wealth, self.last - 1);
        }
        let party = self.own();
        self.push(self.last, (10, 11), Movement::Closing, party, 0);
    }
}

/// The party for another account of the holder, as the statement of the account `mine` shows it.
pub(crate) fn own_party(economy: &Economy, holder: &Holder, mine: &Account, other: Option<u8>, rng: &mut Rng) -> Party {
    let subject = &holder.subject;
    let (shown, former) = match rng.weighted(&economy.profile.own_transfers.shown) {
        0 => (Shown::All, false),
        2 => (Shown::Name, false),
        3 => (Shown::NameAndAccount, subject.renamed),
        _ => (Shown::NameAndAccount, false),
    };
    Party::own(subject.ordinal, mine.nth, other, shown, former)
}

/// The bank's own account behind a movement. A third of the rows do not show it.
pub(crate) fn bank_party(account: &Account, movement: Movement, rng: &mut Rng) -> Party {
    if movement.spec().bank_account == BankAccount::None || rng.chance(333) {
        return Party::UNKNOWN;
    }
    Party::new(Role::BankAccount, Shown::Name, (account.key >> 30) as u32 & 0xFF)
}

fn treasury(place: u16, shown: Shown) -> Party {
    Party { place, ..Party::new(Role::TreasuryAccount, shown, 0) }
}

fn shown_of_body(draw: u64) -> Shown {
    match draw % 10 {
        0..3 => Shown::All,
        3..8 => Shown::NameAndAccount,
        _ => Shown::Name,
    }
}

/// Rounds an amount: to 100 yuan, to 1 yuan, or not at all.
fn rounded(amount_fen: i64, rng: &mut Rng) -> i64 {
    let unit = match rng.below(100) {
        0..40 if amount_fen >= 100_000 => 10_000,
        0..65 => 100,
        _ => 1,
    };
    (amount_fen / unit).max(1) * unit
}
