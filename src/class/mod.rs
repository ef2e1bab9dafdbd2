//! The class, sub-class and counterparty key of a transaction.
//!
//! Owns: the classes, the kinds, the normalisation of names, the counterparty's key text, the rules file, the order in
//! which evidence decides, the classifier of batches, and the tally of decisions. Does not own: checks of feeds (codes and
//! kinds arrive cleaned), or how a pipeline calls the classifier (`engine::functions`). Nothing here does I/O or reads a
//! clock.
//!
//! ```text
//! classes.toml -> Rules -> Matcher -- name_facts(name)       once per distinct name
//!                             |------ decide(holder, row)    once per row, without allocation
//!                             '------ Classifier             batches: Arrow columns in, Arrow columns out
//! ```

pub mod classifier;
mod counterparty_key;
mod decide;
mod explain;
mod kind;
mod matcher;
mod name_cache;
mod normalise;
mod rules;
mod tally;

pub use counterparty_key::key_input;
pub use decide::{Counterparty, Decision, Holder};
pub use explain::{Explanation, Mark, Tried, TriedOutcome, explain};
pub use kind::Kind;
pub use matcher::{Facts, Matcher};
pub use normalise::normalise;
pub use rules::{MAX_RULES, Rules, RulesError};
pub use tally::{Entry, Share, Tally, tally_batch};

/// The class of a transaction. Each has exactly one; the discriminant is the order in products.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Cash paid in or drawn.
    Cash = 0,
    /// The bank that keeps the account, as principal.
    OpeningBank = 1,
    /// Another account of the same legal person.
    SameName = 2,
    /// A state organ, public institution or fiscal-funded body that can be identified.
    Public = 3,
    /// A licensed non-bank payment institution.
    PaymentPlatform = 4,
    /// The bank that keeps the account, on mandate.
    Agency = 5,
    /// Everything else: ordinary trade.
    Other = 6,
}

impl Class {
    /// All classes, by discriminant.
    pub const ALL: [Class; 7] = [
        Class::Cash,
        Class::OpeningBank,
        Class::SameName,
        Class::Public,
        Class::PaymentPlatform,
        Class::Agency,
        Class::Other,
    ];

    /// The name in data and rules, such as `PAYMENT_PLATFORM`.
    pub const fn name(self) -> &'static str {
        match self {
            Class::Cash => "CASH",
            Class::OpeningBank => "OPENING_BANK",
            Class::SameName => "SAME_NAME",
            Class::Public => "PUBLIC",
            Class::PaymentPlatform => "PAYMENT_PLATFORM",
            Class::Agency => "AGENCY",
            Class::Other => "OTHER",
        }
    }

    /// The Chinese title for people.
    pub const fn title(self) -> &'static str {
        match self {
            Class::Cash => "现金",
            Class::OpeningBank => "与开户机构",
            Class::SameName => "与同名账户",
            Class::Public => "可识别的与公共机构",
            Class::PaymentPlatform => "借助第三方支付平台",
            Class::Agency => "开户机构代理",
            Class::Other => "其他",
        }
    }

    /// The class with this discriminant.
    pub fn from_u8(value: u8) -> Option<Class> {
        Class::ALL.get(usize::from(value)).copied()
    }

    /// The class with this [`name`](Class::name).
    pub fn parse(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// The sub-class of a transaction of class PUBLIC or OTHER; `None` for the other classes.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subclass {
    /// The class has no sub-classes.
    None = 0,
    /// PUBLIC: a tax authority, or a payment of tax.
    Tax = 1,
    /// PUBLIC: the treasury, and the banks' accounts on the way to it.
    Treasury = 2,
    /// PUBLIC: social and medical insurance, employment.
    SocialInsurance = 3,
    /// PUBLIC: a housing provident fund.
    HousingFund = 4,
    /// PUBLIC: customs.
    Customs = 5,
    /// PUBLIC: finance bureaux and centralised payment.
    Fiscal = 6,
    /// PUBLIC: courts, procurators, arbitration.
    Judicial = 7,
    /// PUBLIC: schools and hospitals.
    EducationHealth = 8,
    /// PUBLIC: any other body.
    OtherPublic = 9,
    /// OTHER: water, power, gas, heat.
    Utility = 10,
    /// OTHER: no counterparty key.
    Unidentified = 11,
    /// OTHER: anyone else.
    Trade = 12,
}

impl Subclass {
    /// All sub-classes, by discriminant.
    pub const ALL: [Subclass; 13] = [
        Subclass::None,
        Subclass::Tax,
        Subclass::Treasury,
        Subclass::SocialInsurance,
        Subclass::HousingFund,
        Subclass::Customs,
        Subclass::Fiscal,
        Subclass::Judicial,
        Subclass::EducationHealth,
        Subclass::OtherPublic,
        Subclass::Utility,
        Subclass::Unidentified,
        Subclass::Trade,
    ];

    /// The name in data and rules, such as `social_insurance`.
    pub const fn name(self) -> &'static str {
        match self {
            Subclass::None => "none",
            Subclass::Tax => "tax",
            Subclass::Treasury => "treasury",
            Subclass::SocialInsurance => "social_insurance",
            Subclass::HousingFund => "housing_fund",
            Subclass::Customs => "customs",
            Subclass::Fiscal => "fiscal",
            Subclass::Judicial => "judicial",
            Subclass::EducationHealth => "education_health",
            Subclass::OtherPublic => "other_public",
            Subclass::Utility => "utility",
            Subclass::Unidentified => "unidentified",
            Subclass::Trade => "trade",
        }
    }

    /// The class that this sub-class divides.
    pub const fn class(self) -> Option<Class> {
        match self {
            Subclass::None => None,
            Subclass::Utility | Subclass::Unidentified | Subclass::Trade => Some(Class::Other),
            _ => Some(Class::Public),
        }
    }

    /// The sub-class with this discriminant.
    pub fn from_u8(value: u8) -> Option<Subclass> {
        Subclass::ALL.get(usize::from(value)).copied()
    }

    /// The sub-class with this [`name`](Subclass::name).
    pub fn parse(name: &str) -> Option<Subclass> {
        Subclass::ALL.into_iter().find(|subclass| subclass.name() == name)
    }
}

/// The evidence for a class; of several kinds, the strongest. Codes and kinds are stronger than text.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// The unified social credit code.
    Uscc = 0,
    /// The counterparty's bank code.
    BankCode = 1,
    /// The kind of the transaction.
    Kind = 2,
    /// The counterparty's account number.
    Account = 3,
    /// The counterparty's name.
    Name = 4,
    /// Nothing: no rule matched.
    None = 5,
}

impl Evidence {
    /// All kinds of evidence, strongest first.
    pub const ALL: [Evidence; 6] =
        [Evidence::Uscc, Evidence::BankCode, Evidence::Kind, Evidence::Account, Evidence::Name, Evidence::None];

    /// The name in data, such as `bank_code`.
    pub const fn name(self) -> &'static str {
        match self {
            Evidence::Uscc => "uscc",
            Evidence::BankCode => "bank_code",
            Evidence::Kind => "kind",
            Evidence::Account => "account",
            Evidence::Name => "name",
            Evidence::None => "none",
        }
    }

    /// The evidence with this discriminant.
    pub fn from_u8(value: u8) -> Option<Evidence> {
        Evidence::ALL.get(usize::from(value)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discriminants_and_names_come_back() {
        for class in Class::ALL {
            assert_eq!(Class::from_u8(class as u8), Some(class));
            assert_eq!(Class::parse(class.name()), Some(class));
        }
        for subclass in Subclass::ALL {
            assert_eq!(Subclass::from_u8(subclass as u8), Some(subclass));
            assert_eq!(Subclass::parse(subclass.name()), Some(subclass));
        }
        for evidence in Evidence::ALL {
            assert_eq!(Evidence::from_u8(evidence as u8), Some(evidence));
        }
        for kind in Kind::ALL {
            assert_eq!(Kind::from_u8(kind as u8), Some(kind));
            assert_eq!(Kind::parse(kind.name()), Some(kind));
        }
        assert_eq!(Class::from_u8(7), None);
        assert_eq!(Kind::parse("transfer"), None);
    }
}
