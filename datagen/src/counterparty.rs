//! Counterparties: who stands on the other side of a row, and how much of it the statement shows.
//! Owns the rendering of names, accounts, banks and credit codes. Nothing is stored: all of a counterparty follows
//! from its number, so that memory does not grow with the number of counterparties.

use crate::account::Account;
use crate::code;
use crate::industry::Industry;
use crate::movement::Spec;
use crate::name::{self, PLACES, Side};
use crate::random::{self, Rng};

/// Which columns a statement fills for a counterparty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Name, account, bank and credit code.
    All,
    /// Name, account and bank.
    NameAndAccount,
    Name,
    Account,
}

/// The other side of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    /// Nothing on the statement tells.
    Unknown,
    /// One of the bank's internal accounts: an index into the movement's names.
    Internal(u8),
    Business(u32, Shown),
    Person(u32, Shown),
    /// A payment platform: an index into `PLATFORMS`.
    Platform(u8),
    /// A public body in one of the towns.
    Body(Body, u8),
    School(u16),
    /// A utility company in one of the towns.
    Utility(u8, u8),
    /// The holder's own account elsewhere. `true` = under a former name.
    Own(Shown, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Treasury,
    /// The treasury's collecting account, as banks print it.
    Revenue,
    SocialInsurance,
    HousingFund,
    Finance,
    Court,
}

/// Customer-reserve accounts of licensed payment institutions, the most frequent first.
pub(crate) const PLATFORMS: [&str; 5] = [
    "支付宝（中国）网络技术有限公司客户备付金",
    "财付通支付科技有限公司客户备付金",
    "银联商务支付股份有限公司客户备付金",
    "拉卡拉支付股份有限公司客户备付金",
    "网银在线（北京）科技有限公司客户备付金",
];

// Ranges of organisation numbers, so that no two kinds of bearers share a credit code.
const HOLDERS_FROM: u64 = 0;
const BUSINESSES_FROM: u64 = 200_000_000;
const SCHOOLS_FROM: u64 = 700_000_000;
const BODIES_FROM: u64 = 800_000_000;
/// How many holders the number range takes.
pub(crate) const HOLDERS_MAX: u32 = 200_000_000;
const BUSINESSES_MAX: u64 = 500_000_000;

const _: () = assert!(HOLDERS_FROM + HOLDERS_MAX as u64 <= BUSINESSES_FROM);
const _: () = assert!(BUSINESSES_FROM + BUSINESSES_MAX <= SCHOOLS_FROM);
const _: () = assert!(BODIES_FROM + 1_000_000 < code::ORGANISATIONS);

const UTILITIES: [&str; 4] = ["供电", "自来水", "燃气", "热力"];
const SCHOOLS: [&str; 5] = ["第一中学", "实验小学", "中心幼儿园", "人民医院", "职业技术学校"];

/// The four columns of a counterparty; an empty one is null.
#[derive(Default)]
pub(crate) struct Counterparty {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) bank: String,
    pub(crate) uscc: String,
}

/// The businesses and people that the economy trades with.
pub(crate) struct Counterparties {
    seed: u64,
    /// How many businesses there are; likewise people.
    universe: u32,
    banks: Vec<String>,
    treasuries: Vec<String>,
}

impl Counterparties {
    pub(crate) fn new(seed: u64, accounts: u32) -> Counterparties {
        let kinds = [102, 103, 104, 105, 301, 313, 313, 314];
        let banks =
            (0..32).map(|index| code::bank_code(kinds[index % kinds.len()], 10 + index as u32, 7 * index as u32));
        let universe = u64::from(accounts) * 4 + 5_000;
        Counterparties {
            seed,
            universe: universe.min(BUSINESSES_MAX) as u32,
            banks: banks.collect(),
            treasuries: (0..PLACES.len()).map(|place| code::bank_code(11, place as u32, 0)).collect(),
        }
    }

    /// The number of the counterparty at `rank` of an account's pool, at a time counted in quarters. Places in the
    /// pool change hands every few years, each at its own pace; a fifth of them belongs to firms that many share.
    pub(crate) fn member(&self, pool: u64, rank: u32, quarter: u32) -> u32 {
        let place = random::hash(&[self.seed, pool, u64::from(rank)]);
        let stays = 6 + (place >> 32) as u32 % 14;
        let tenant = (quarter + (place >> 48) as u32 % stays) / stays;
        let draw = random::mix(place ^ u64::from(tenant));
        let among = if draw.is_multiple_of(5) { self.universe / 50 } else { self.universe };
        ((draw >> 8) % u64::from(among.max(1))) as u32
    }

    /// How much the statement shows of counterparty `id`: mostly the same, now and then less.
    pub(crate) fn shown(&self, id: u32, rng: &mut Rng) -> Option<Shown> {
        match rng.below(100) {
            0..4 => None,
            4..8 => Some(Shown::Name),
            8..10 => Some(Shown::Account),
            _ if random::mix(u64::from(id)).is_multiple_of(3) => Some(Shown::All),
            _ => Some(Shown::NameAndAccount),
        }
    }

    /// Fills `out` with what the statement of `account` shows of `party`.
    pub(crate) fn render(&self, party: Party, account: &Account, spec: &Spec, out: &mut Counterparty) {
        out.name.clear();
        out.account.clear();
        out.bank.clear();
        out.uscc.clear();
        match party {
            Party::Unknown => {}
            Party::Internal(index) => out.name.push_str(name::nth(spec.internal, u64::from(index))),
            Party::Business(id, shown) => self.business(id, shown, out),
            Party::Person(id, shown) => self.person(id, shown, out),
            Party::Platform(index) => {
                out.name.push_str(name::nth(&PLATFORMS, u64::from(index)));
                out.account.push_str("2088");
                code::push_digits(&mut out.account, random::hash(&[self.seed, u64::from(index)]), 12);
            }
            Party::Body(body, place) => self.body(body, place, out),
            Party::School(id) => self.school(id, out),
            Party::Utility(which, place) => {
                out.name.push_str(name::place(u64::from(place)));
                out.name.push_str(name::nth(&UTILITIES, u64::from(which)));
                out.name.push_str("有限公司");
                let number = u64::from(place) * 10 + u64::from(which);
                self.bank_account(number ^ 0x0075_7469, out);
            }
            Party::Own(shown, former) => self.own(account, shown, former, out),
        }
    }

    fn business(&self, id: u32, shown: Shown, out: &mut Counterparty) {
        let hash = random::hash(&[self.seed, u64::from(id)]);
        let sole = (hash >> 40).is_multiple_of(4);
        if shown != Shown::Account {
            let industry = Industry::ALL[(hash >> 44) as usize % Industry::ALL.len()];
            name::push_business(&mut out.name, hash, Side::Counterparty, industry, sole);
        }
        if shown != Shown::Name {
            self.bank_account(hash, out);
        }
        if shown == Shown::All {
            let number = BUSINESSES_FROM + u64::from(id);
            code::push_uscc(&mut out.uscc, if sole { "92" } else { "91" }, (hash >> 48) as u32, number);
        }
    }

    fn person(&self, id: u32, shown: Shown, out: &mut Counterparty) {
        let hash = random::hash(&[!self.seed, u64::from(id)]);
        if shown != Shown::Account {
            name::push_person(&mut out.name, hash);
        }
        if shown != Shown::Name {
            out.account.push_str("6217");
            code::push_digits(&mut out.account, hash, 15);
            self.bank(hash >> 8, out);
        }
    }

    fn body(&self, body: Body, place: u8, out: &mut Counterparty) {
        let town = name::place(u64::from(place));
        let parts = match body {
            Body::Treasury => ["国家金库", town, "市中心支库"],
            Body::Revenue => ["待报解预算收入", "", ""],
            Body::SocialInsurance => [town, "市", "社会保险事业管理中心"],
            Body::HousingFund => [town, "市", "住房公积金管理中心"],
            Body::Finance => [town, "市", "财政局"],
            Body::Court => [town, "市", "人民法院"],
        };
        parts.iter().for_each(|part| out.name.push_str(part));
        let number = u64::from(place) * 8 + body as u64;
        match body {
            Body::Revenue => {}
            Body::Treasury => {
                if let Some(bank) = self.treasuries.get(usize::from(place)) {
                    out.bank.push_str(bank);
                }
                code::push_digits(&mut out.account, random::mix(number), 15);
            }
            Body::SocialInsurance | Body::HousingFund => {
                self.bank_account(number, out);
                code::push_uscc(&mut out.uscc, "12", u32::from(place), BODIES_FROM + number);
            }
            Body::Finance | Body::Court => {
                self.bank_account(number, out);
                code::push_uscc(&mut out.uscc, "11", u32::from(place), BODIES_FROM + number);
            }
        }
    }

    fn school(&self, id: u16, out: &mut Counterparty) {
        let hash = random::hash(&[self.seed, u64::from(id), 7]);
        out.name.push_str(name::place(hash));
        out.name.push('市');
        out.name.push_str(name::nth(&SCHOOLS, hash >> 8));
        self.bank_account(hash, out);
        code::push_uscc(&mut out.uscc, "12", (hash >> 48) as u32, SCHOOLS_FROM + u64::from(id));
    }

    /// The holder's account elsewhere: with the credit code, or by the very name that the feed's account bears.
    fn own(&self, account: &Account, shown: Shown, former: bool, out: &mut Counterparty) {
        if former {
            account.subject.push_former_name(&mut out.name);
        } else {
            account.subject.push_name(&mut out.name);
        }
        if shown != Shown::Name {
            code::push_digits(&mut out.account, account.elsewhere, 16);
            self.bank(account.elsewhere, out);
        }
        if shown == Shown::All {
            account.subject.push_uscc(&mut out.uscc);
        }
    }

    fn bank_account(&self, hash: u64, out: &mut Counterparty) {
        let width = 15 + (hash >> 32) as usize % 5;
        code::push_digits(&mut out.account, random::mix(hash), width);
        self.bank(hash >> 8, out);
    }

    fn bank(&self, hash: u64, out: &mut Counterparty) {
        if let Some(bank) = self.banks.get((hash % self.banks.len().max(1) as u64) as usize) {
            out.bank.push_str(bank);
        }
    }
}

/// The organisation number of the holder numbered `ordinal`.
pub(crate) fn holder_number(ordinal: u32) -> u64 {
    HOLDERS_FROM + u64::from(ordinal)
}
