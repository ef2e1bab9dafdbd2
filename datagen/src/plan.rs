//! What an account intends to do in a month: everyday trade, obligations on their due dates, credit and savings.
//! Owns times, partners and intended amounts; whether the money is there is `ledger`'s.

use crate::account::Account;
use crate::calendar::{self, Month};
use crate::counterparty::{Body, Counterparties, PLATFORMS, Party, Shown};
use crate::ledger::Ledger;
use crate::movement::{Direction, Movement};
use crate::random::Rng;
use crate::transaction::SECONDS_A_DAY;

/// One intended movement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// Seconds since 1970-01-01.
    pub(crate) at: i64,
    pub(crate) movement: Movement,
    pub(crate) party: Party,
    pub(crate) amount_fen: i64,
}

/// Plans one account's month.
pub(crate) struct Planner<'a> {
    pub(crate) account: &'a Account,
    pub(crate) counterparties: &'a Counterparties,
    pub(crate) month: &'a Month,
    pub(crate) ledger: &'a Ledger,
    pub(crate) rng: &'a mut Rng,
    /// The account's days in the month.
    pub(crate) first: i32,
    pub(crate) last: i32,
    /// Mean rows a month over all accounts.
    pub(crate) mean_rows: u32,
    pub(crate) events: &'a mut Vec<Event>,
}

impl Planner<'_> {
    /// Fills `events`, in order of time.
    pub(crate) fn plan(mut self) {
        self.events.clear();
        self.interest();
        if !self.account.is_dormant() {
            let rows = self.rows();
            self.obligations(rows);
            self.credit();
            self.savings();
            let planned = self.events.len() as u32;
            self.trade(rows.saturating_sub(planned));
        }
        if self.account.closed_on == Some(self.last) {
            // The account's last row; `trade` and the due dates leave that day alone.
            let at = i64::from(self.last) * SECONDS_A_DAY + 10 * 3_600;
            self.events.retain(|event| event.at < i64::from(self.last) * SECONDS_A_DAY);
            let party = self.own();
            self.events.push(Event { at, movement: Movement::Closing, party, amount_fen: 0 });
        }
        self.events.sort_by_key(|event| event.at);
    }

    /// How many rows to aim at, given size, season and the days that the account is open.
    fn rows(&mut self) -> u32 {
        let days = u64::from((self.last - self.first + 1).unsigned_abs());
        let x = u64::from(self.mean_rows) * u64::from(self.account.rows_permille) * self.season() * days;
        // A little more than asked for makes up for movements that fall away for want of money.
        self.rng.dithered(x / 980_000, 30)
    }

    fn season(&self) -> u64 {
        let season = &self.account.subject.industry.figures().season;
        u64::from(season.get(self.month.month as usize - 1).copied().unwrap_or(1_000))
    }

    fn turnover(&self) -> i64 {
        self.account.turnover_fen * self.season() as i64 / 1_000
    }

    /// Quarters since year 0.
    fn quarter(&self) -> u32 {
        self.month.year.unsigned_abs() * 4 + (self.month.month - 1) / 3
    }

    // --- everyday trade

    fn trade(&mut self, rows: u32) {
        let figures = self.account.subject.industry.figures();
        let allowed = |movement: Movement| self.account.is_basic() || movement != Movement::CashWithdrawal;
        let total: u32 = figures.mix.iter().filter(|trade| allowed(trade.movement)).map(|trade| trade.rows).sum();
        if total == 0 || rows == 0 {
            return;
        }
        let weight = |direction: Direction| -> i64 {
            let of_direction = figures.mix.iter().filter(|trade| trade.movement.spec().direction == direction);
            of_direction.map(|trade| i64::from(trade.rows) * i64::from(trade.size)).sum::<i64>().max(1)
        };
        // Yuan go to rows in proportion to their size; what obligations leave of the turnover is spent.
        let inflow = self.turnover() * i64::from(total) / i64::from(rows);
        let outflow = inflow * 660 / 1_000;
        let (weight_in, weight_out) = (weight(Direction::In), weight(Direction::Out));
        for _ in 0..rows {
            let mut left = self.rng.below(total);
            let mix = figures.mix.iter().filter(|trade| allowed(trade.movement));
            let Some(trade) = mix.into_iter().find(|trade| {
                let found = left < trade.rows;
                left = left.saturating_sub(trade.rows);
                found
            }) else {
                continue;
            };
            let mean = match trade.movement.spec().direction {
                Direction::In => inflow / weight_in * i64::from(trade.size),
                Direction::Out => outflow / weight_out * i64::from(trade.size),
            };
            let at = self.trade_time(trade.movement);
            let (party, amount_fen) = (self.partner(trade.movement), self.amount(trade.movement, mean));
            self.events.push(Event { at, movement: trade.movement, party, amount_fen });
        }
    }

    fn amount(&mut self, movement: Movement, mean: i64) -> i64 {
        match movement {
            // A few fen, sent to see whether the account exists.
            Movement::Verification => i64::from(self.rng.between(1, 99)),
            // Shops' daily settlements vary less than invoices do.
            Movement::Settlement | Movement::Acquiring => mean * i64::from(self.rng.mild()) / 1_000,
            // Banknotes.
            Movement::CashDeposit | Movement::CashWithdrawal => {
                (mean * i64::from(self.rng.mild()) / 1_000 / 10_000).max(1) * 10_000
            }
            // Once in a while an invoice dwarfs all others.
            Movement::Customer | Movement::BillReceived if self.rng.chance_ppm(150) => {
                rounded(mean * i64::from(self.rng.between(30, 300)), self.rng)
            }
            _ => rounded(mean * i64::from(self.rng.wide()) / 1_000, self.rng),
        }
    }

    fn partner(&mut self, movement: Movement) -> Party {
        let figures = self.account.subject.industry.figures();
        match movement {
            Movement::Settlement | Movement::PlatformPayment => self.platform(),
            Movement::Customer => self.pool(0, figures.customers, figures.people),
            Movement::BillReceived => self.pool(0, figures.customers, 0),
            Movement::Supplier => self.pool(1, figures.suppliers, 30),
            Movement::Person => self.pool(2, 8, 1_000),
            Movement::Verification => self.pool(3, 3, 0),
            Movement::PublicCustomer => Party::School((self.account.key >> 20) as u16 ^ self.rng.rank(4) as u16),
            Movement::OwnIn | Movement::OwnOut => self.own(),
            Movement::Acquiring => Party::Internal(self.rng.below(3) as u8),
            _ => Party::Unknown,
        }
    }

    /// Someone from the account's pool number `which` of `size` places, a share of which are `people`.
    fn pool(&mut self, which: u64, size: u32, people: u32) -> Party {
        let rank = self.rng.rank(size);
        let id = self.counterparties.member(self.account.key ^ which, rank, self.quarter());
        let Some(shown) = self.counterparties.shown(id, self.rng) else {
            return Party::Unknown;
        };
        // The place in the pool, not the row, decides: a customer stays the person that it was.
        if (id ^ 0x5A5A) % 1_000 < people {
            let shown = if shown == Shown::All { Shown::NameAndAccount } else { shown };
            Party::Person(id, shown)
        } else {
            Party::Business(id, shown)
        }
    }

    fn platform(&mut self) -> Party {
        let main = u32::from(self.account.key & 1 == 1);
        let index = match self.rng.below(100) {
            0..70 => main,
            70..92 => 1 - main,
            _ => 2 + self.rng.below(PLATFORMS.len() as u32 - 2),
        };
        Party::Platform(index as u8)
    }

    fn own(&mut self) -> Party {
        match self.rng.below(100) {
            0..40 => Party::Own(Shown::All, false),
            40..80 => Party::Own(Shown::NameAndAccount, false),
            80..90 => Party::Own(Shown::Name, false),
            _ => Party::Own(Shown::NameAndAccount, self.account.subject.renamed),
        }
    }

    // --- when

    fn trade_time(&mut self, movement: Movement) -> i64 {
        let daily = matches!(movement, Movement::Settlement | Movement::Acquiring);
        let open_in_festival = self.account.subject.industry.figures().festival;
        let mut day = self.any_day();
        // Days on which little is traded are drawn again once or twice, so that they are rare but not empty.
        for _ in 0..2 {
            let rests = (self.month.is_festival(day) && !open_in_festival && !daily)
                || (calendar::is_weekend(day) && !daily && movement != Movement::PlatformPayment);
            if rests {
                day = self.any_day();
            }
        }
        let hours = match movement {
            _ if daily => (1, 9),
            Movement::CashDeposit | Movement::CashWithdrawal => (9, 17),
            _ => (8, 20),
        };
        self.at(day, hours)
    }

    fn any_day(&mut self) -> i32 {
        let days = (self.last - self.first + 1).unsigned_abs();
        // Accounts are squared before the month ends.
        if self.rng.chance(120) {
            self.last - self.rng.below(days.min(4)) as i32
        } else {
            self.first + self.rng.below(days) as i32
        }
    }

    fn at(&mut self, day: i32, (from, to): (u32, u32)) -> i64 {
        i64::from(day) * SECONDS_A_DAY + i64::from(self.rng.between(from * 3_600, to * 3_600 - 1))
    }

    // --- obligations

    /// Plans a movement for day `day` of the month, if the account is open then.
    fn due(&mut self, day: u32, movement: Movement, party: Party, amount_fen: i64) {
        let day = self.month.first + day as i32 - 1;
        if (self.first..=self.last).contains(&day) && amount_fen > 0 {
            let at = self.at(day, if movement == Movement::Rent { (9, 17) } else { (5, 8) });
            self.events.push(Event { at, movement, party, amount_fen });
        }
    }

    fn interest(&mut self) {
        if self.month.month.is_multiple_of(3) {
            // 0.05 % a year on what the month began with.
            let amount = self.ledger.balance_fen / 8_000;
            let party = Party::Internal(self.rng.below(3) as u8);
            self.due(21, Movement::Interest, party, amount);
        }
    }

    fn obligations(&mut self, rows: u32) {
        // A budget of few rows cannot hold them all; each is then kept by chance.
        let keep = (rows * 1_000 / 14).min(1_000);
        self.fees(keep);
        self.utilities(keep);
        self.rent(keep);
        if self.account.is_basic() {
            self.wages_and_taxes(keep);
            self.rare();
        }
    }

    fn fees(&mut self, keep: u32) {
        if self.rng.chance(keep * 6 / 10) {
            let amount = [500, 1_000, 2_000, 3_000, 0][self.rng.below(5) as usize];
            let party = Party::Internal(self.rng.below(3) as u8);
            let day = self.rng.between(18, 26);
            self.due(day, Movement::AccountFee, party, amount);
        }
    }

    fn utilities(&mut self, keep: u32) {
        let (place, collected) = (self.account.subject.place, self.account.key >> 33 & 1 == 1);
        for which in 0..2 {
            if self.rng.chance(keep * 8 / 10) {
                let mean = self.turnover() * if which == 0 { 14 } else { 3 } / 1_000;
                let amount = mean * i64::from(self.rng.mild()) / 1_000;
                let movement = if collected { Movement::UtilityCollected } else { Movement::UtilityPaid };
                let shown = !collected || self.rng.chance(700);
                let party = if shown { Party::Utility(which, place) } else { Party::Unknown };
                let day = self.rng.between(8, 25);
                self.due(day, movement, party, amount);
            }
        }
    }

    fn rent(&mut self, keep: u32) {
        let quarterly = self.account.key >> 34 & 1 == 1;
        if (!quarterly || self.month.month % 3 == 1) && self.rng.chance(keep) {
            // The same every time, as the contract says.
            let share = 30 + (self.account.key >> 40) as i64 % 30;
            let monthly = (self.account.turnover_fen * share / 1_000 / 10_000).max(1) * 10_000;
            let id = self.counterparties.member(self.account.key ^ 4, 0, 0);
            let party = if self.account.key >> 35 & 1 == 1 {
                Party::Person(id, Shown::NameAndAccount)
            } else {
                Party::Business(id, Shown::NameAndAccount)
            };
            let day = 1 + (self.account.key >> 45) as u32 % 10;
            self.due(day, Movement::Rent, party, monthly * if quarterly { 3 } else { 1 });
        }
    }

    fn wages_and_taxes(&mut self, keep: u32) {
        let figures = self.account.subject.industry.figures();
        let place = self.account.subject.place;
        let wages =
            self.account.turnover_fen * figures.payroll / 1_000 * i64::from(self.rng.between(950, 1_050)) / 1_000;
        let employs = self.account.key >> 36 & 3 != 0;
        if employs && self.rng.chance(keep) {
            let party = Party::Internal(self.rng.below(3) as u8);
            self.due(self.account.payday, Movement::Payroll, party, wages);
            let day = self.rng.between(10, 20);
            self.due(day, Movement::SocialInsurance, Party::Body(Body::SocialInsurance, place), wages * 28 / 100);
            if self.account.key >> 38 & 1 == 1 {
                let day = self.rng.between(8, 18);
                self.due(day, Movement::HousingFund, Party::Body(Body::HousingFund, place), wages / 10);
            }
        }
        // Small taxpayers declare by quarter.
        let months = if self.account.turnover_fen < 40_000_000 { 3 } else { 1 };
        if self.month.month % months == 1 % months && self.rng.chance(keep) {
            let body = if self.account.key >> 39 & 1 == 1 { Body::Treasury } else { Body::Revenue };
            let tax = self.turnover() * i64::from(months) * i64::from(self.rng.between(8, 30)) / 1_000;
            let day = self.rng.between(9, 15);
            for amount in [tax, tax * 12 / 100, wages / 100] {
                self.due(day, Movement::Tax, Party::Body(body, place), amount);
            }
        }
    }

    fn rare(&mut self) {
        let place = self.account.subject.place;
        let day = self.rng.between(3, 27);
        let amount = rounded(self.turnover() * i64::from(self.rng.wide()) / 20_000, self.rng);
        match self.rng.below(1_000) {
            0..8 => self.due(day, Movement::Subsidy, Party::Body(Body::Finance, place), amount),
            8..14 => self.due(day, Movement::TaxRefund, Party::Body(Body::Treasury, place), amount),
            14..16 => self.due(day, Movement::CourtFee, Party::Body(Body::Court, place), amount.min(500_000)),
            _ => {}
        }
    }

    // --- credit and savings

    /// A loan a year: interest each month, the principal back in the twelfth, the next one a few days later.
    fn credit(&mut self) {
        if !self.account.borrows {
            return;
        }
        let party = Party::Internal(self.rng.below(2) as u8);
        // 4.2 % a year.
        self.due(21, Movement::LoanInterest, party, self.ledger.loan_fen * 42 / 12_000);
        if (self.month.index + (self.account.key >> 50) as u32 % 12).is_multiple_of(12) {
            self.due(17, Movement::LoanRepaid, party, self.ledger.loan_fen);
            let months = i64::from(self.rng.between(1, 4));
            self.due(20, Movement::LoanDisbursed, party, self.account.turnover_fen * months / 1_000_000 * 1_000_000);
        }
    }

    /// What lies idle goes into a wealth product or a fixed deposit and comes back later with interest.
    fn savings(&mut self) {
        let wealth = self.account.key >> 37 & 1 == 1;
        let saved = self.ledger.saved_fen;
        if saved > 0 {
            if self.rng.chance(400) {
                let movement = if wealth { Movement::WealthRedeemed } else { Movement::DepositMatured };
                let gain = saved * i64::from(self.rng.between(10, 60)) / 10_000;
                let day = self.rng.between(2, 26);
                self.due(day, movement, Party::Unknown, saved + gain);
            }
        } else {
            let idle = self.ledger.balance_fen - self.account.turnover_fen * 4;
            let movement = if wealth { Movement::WealthBought } else { Movement::DepositPlaced };
            let day = self.rng.between(2, 26);
            self.due(day, movement, Party::Unknown, idle / 1_000_000 * 1_000_000);
        }
    }
}

/// People like round sums: to the hundred yuan, to the yuan, or as the invoice says.
fn rounded(amount_fen: i64, rng: &mut Rng) -> i64 {
    let unit = match rng.below(100) {
        0..40 if amount_fen >= 100_000 => 10_000,
        0..65 => 100,
        _ => 1,
    };
    (amount_fen / unit).max(1) * unit
}
