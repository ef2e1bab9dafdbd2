//! The text that a statement shows of a counterparty: name, account, bank and credit code.
//!
//! Owns the rendering. Nothing is stored: a counterparty is computed from its number, so memory does not grow with the
//! number of counterparties.

use crate::code;
use crate::economy::{BODIES_FROM, BUSINESSES_FROM, Economy};
use crate::holder::Subject;
use crate::industry::Industry;
use crate::movement::BankAccount;
use crate::name::{self, Bearer, Body, PLATFORMS, Trap, Utility};
use crate::party::{FORMER_NAME, OUTSIDE_FEED, Party, Role, Shown};
use crate::provider::PROVIDERS;
use crate::random;
use crate::row::Row;

/// The columns that a statement shows of a counterparty. An empty text is null.
#[derive(Default)]
pub(crate) struct Counterparty {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) bank: String,
    pub(crate) uscc: String,
    /// The trap of the name.
    pub(crate) trap: Trap,
    /// Whether the label cannot be derived from the columns.
    pub(crate) ambiguous: bool,
    registered: String,
}

impl Counterparty {
    /// Fills all fields for `row`. `key` is the key of its account.
    pub(crate) fn render(&mut self, economy: &Economy, row: &Row, key: u64) {
        self.name.clear();
        self.account.clear();
        self.bank.clear();
        self.uscc.clear();
        self.trap = Trap::None;
        self.ambiguous = false;
        let party = row.party;
        match party.role {
            Role::Unknown => {}
            Role::BankAccount => self.bank_own_account(economy, row),
            Role::Business => self.business(economy, party, key),
            Role::Person => self.person(economy, party, key),
            Role::Platform => self.platform(economy, party, key),
            Role::Body => self.body(economy, party, key),
            Role::TreasuryAccount => self.treasury(economy, party, key),
            Role::Utility => self.utility(economy, party, key),
            Role::Own => self.own(economy, row, key),
            Role::NearMiss => self.near_miss(economy, party),
            Role::Namesake => self.namesake(economy, party),
        }
        self.ambiguous &= self.uscc.is_empty() && !(row.kind_shown && row.movement.spec().kind_shows_class());
    }

    /// Replaces the registered name by its spelling on the statement of the account with `key`.
    fn spell(&mut self, economy: &Economy, bearer: Bearer, hash: u64, key: u64) {
        let draw = random::mix(hash ^ key);
        let trap = economy.profile.names.trap(bearer, draw);
        if trap != Trap::None {
            self.spell_as(trap, draw);
        }
    }

    fn spell_as(&mut self, trap: Trap, hash: u64) {
        std::mem::swap(&mut self.name, &mut self.registered);
        self.name.clear();
        self.ambiguous = name::spell(&mut self.name, &self.registered, trap, hash);
        // A name to which the trap does not apply keeps its registered spelling.
        if self.name != self.registered || trap == Trap::Namesake {
            self.trap = trap;
        }
    }

    fn business(&mut self, economy: &Economy, party: Party, key: u64) {
        let hash = random::hash(&[economy.seed, u64::from(party.id)]);
        let sole = (hash >> 40).is_multiple_of(4);
        if party.shown != Shown::Account {
            let industry = Industry::ALL[(hash >> 44) as usize % Industry::COUNT];
            let words = if sole { industry.shops() } else { industry.trades() };
            name::push_company(&mut self.name, hash, name::choose(words, hash >> 20), sole);
            self.spell(economy, if sole { Bearer::Shop } else { Bearer::Company }, hash, key);
        }
        if party.shown != Shown::Name {
            self.bank_account(economy, hash);
        }
        if party.shown == Shown::All {
            let number = BUSINESSES_FROM + u64::from(party.id);
            code::push_uscc(&mut self.uscc, if sole { "92" } else { "91" }, (hash >> 48) as u32, number);
        }
    }

    fn person(&mut self, economy: &Economy, party: Party, key: u64) {
        let hash = random::hash(&[!economy.seed, u64::from(party.id)]);
        if party.shown != Shown::Account {
            name::push_person(&mut self.name, hash);
            self.spell(economy, Bearer::Person, hash, key);
        }
        if party.shown != Shown::Name {
            self.account.push_str("6217");
            code::push_digits(&mut self.account, hash, 15);
            self.bank(economy, hash >> 8);
        }
    }

    fn platform(&mut self, economy: &Economy, party: Party, key: u64) {
        let which = (party.id % u32::from(PLATFORMS)) as u8;
        let hash = random::hash(&[key, u64::from(party.id)]);
        let draw = random::mix(hash);
        match economy.profile.names.trap(Bearer::Platform, draw) {
            Trap::PlatformPrefix => {
                name::push_person(&mut self.name, hash);
                self.spell_as(Trap::PlatformPrefix, draw);
            }
            trap => {
                name::push_platform(&mut self.name, which, hash);
                if trap != Trap::None {
                    self.spell_as(trap, draw);
                }
            }
        }
        name::push_platform_account(&mut self.account, which, hash);
    }

    fn body(&mut self, economy: &Economy, party: Party, key: u64) {
        let hash = random::hash(&[economy.seed, u64::from(party.place), u64::from(party.id)]);
        let body = party.which_body();
        name::push_body(&mut self.name, body, party.place, hash);
        self.spell(economy, Bearer::Body, hash, key);
        if party.shown != Shown::Name {
            self.bank_account(economy, hash);
        }
        if party.shown == Shown::All {
            let number =
                u64::from(party.place) << 14 | u64::from(party.id & 0xF) << 10 | u64::from(party.id >> 8 & 1_023);
            code::push_uscc(&mut self.uscc, body.uscc_prefix(hash), u32::from(party.place), BODIES_FROM + number);
        }
    }

    fn treasury(&mut self, economy: &Economy, party: Party, key: u64) {
        let hash = random::hash(&[economy.seed, u64::from(party.place), 0x7469_7073]);
        match party.shown {
            Shown::Name => self.name.push_str("待报解预算收入"),
            _ => {
                name::push_body(&mut self.name, Body::Treasury, party.place, hash);
                if let Some(bank) = economy.treasuries.get(usize::from(party.place)) {
                    self.bank.push_str(bank);
                }
                code::push_digits(&mut self.account, random::mix(hash), 15);
            }
        }
        self.spell(economy, Bearer::TreasuryAccount, hash, key);
        // The bank code of the treasury identifies it, whatever the name is.
        self.ambiguous &= self.bank.is_empty();
    }

    fn utility(&mut self, economy: &Economy, party: Party, key: u64) {
        let which = Utility::ALL[party.id as usize % Utility::ALL.len()];
        let hash = random::hash(&[economy.seed, u64::from(party.place), which as u64, 0x7574_696C]);
        name::push_utility(&mut self.name, which, party.place, hash);
        self.spell(economy, Bearer::Utility, hash, key);
        self.bank_account(economy, hash);
    }

    fn bank_own_account(&mut self, economy: &Economy, row: &Row) {
        let bank = &PROVIDERS[usize::from(row.bank) % PROVIDERS.len()];
        let hash = random::hash(&[u64::from(row.bank), row.movement as u64, u64::from(row.party.id)]);
        match row.movement.spec().bank_account {
            BankAccount::None => return,
            BankAccount::Agency(which) => name::push_agency(&mut self.name, bank.name, which, hash),
            BankAccount::Internal(which) => name::push_internal(&mut self.name, bank.name, which, hash),
        }
        self.spell(economy, Bearer::BankAccount, hash, 0);
    }

    fn near_miss(&mut self, economy: &Economy, party: Party) {
        let hash = random::hash(&[economy.seed, u64::from(party.id), 0x6E65_6172]);
        name::push_near_miss(&mut self.name, hash);
        self.trap = Trap::NearMiss;
        if party.shown != Shown::Name {
            self.bank_account(economy, hash);
        }
        if party.shown == Shown::All {
            let number = BUSINESSES_FROM + u64::from(party.id);
            code::push_uscc(&mut self.uscc, "91", (hash >> 48) as u32, number);
        }
    }

    fn namesake(&mut self, economy: &Economy, party: Party) {
        Subject::new(economy, party.id).push_name(&mut self.name);
        let hash = random::hash(&[economy.seed, u64::from(party.id), 0x7477_696E]);
        self.spell_as(Trap::Namesake, hash);
        self.bank_account(economy, hash);
        if party.shown == Shown::All {
            let number = BUSINESSES_FROM + random::mix(hash) % u64::from(economy.universe);
            code::push_uscc(&mut self.uscc, "91", (hash >> 48) as u32, number);
        }
    }

    /// Another account of the holder. It is recognised by the credit code, or by the same name as that of the account.
    fn own(&mut self, economy: &Economy, row: &Row, key: u64) {
        let party = row.party;
        let subject = Subject::new(economy, party.id);
        if party.place & FORMER_NAME != 0 {
            subject.push_former_name(&mut self.name);
        } else {
            subject.push_name(&mut self.name);
        }
        self.spell(economy, Bearer::Holder, subject.hash, key);
        self.ambiguous = !self.trap.keeps_name();
        if party.shown != Shown::Name {
            let (mine, other) = (party.place & 0xF, party.place >> 4 & 0xF);
            if other == OUTSIDE_FEED {
                let number = 5_000_000_000_000_000 + random::mix(key) % 1_000_000_000_000;
                code::push_digits(&mut self.account, number, 16);
                self.bank(economy, number);
            } else {
                let account = row.account - u32::from(mine) + u32::from(other);
                let bank = subject.bank(other as u8);
                code::push_digits(&mut self.account, economy.number(account, bank), 16);
                self.bank.push_str(&PROVIDERS[usize::from(bank)].bank_code(economy.branch(account)));
            }
        }
        if party.shown == Shown::All {
            subject.push_uscc(&mut self.uscc);
        }
    }

    fn bank_account(&mut self, economy: &Economy, hash: u64) {
        // Not 2: the customer numbers of a platform begin with 2088.
        self.account.push(['1', '3', '4', '6'][(hash >> 40) as usize % 4]);
        let width = 14 + (hash >> 32) as usize % 5;
        code::push_digits(&mut self.account, random::mix(hash), width);
        self.bank(economy, hash >> 8);
    }

    fn bank(&mut self, economy: &Economy, hash: u64) {
        if let Some(bank) = economy.banks.get((hash % economy.banks.len().max(1) as u64) as usize) {
            self.bank.push_str(bank);
        }
    }
}
