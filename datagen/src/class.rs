//! The classes and labels that the generator intends.
//!
//! Owns their names only. A movement states its class when it is planned; nothing here derives a class from a name or a
//! kind.

/// The class of a transaction: who is on its other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Agency business of the bank: wages, collections, merchant settlements.
    Agency,
    /// Cash deposited or withdrawn.
    Cash,
    /// The opening bank as principal.
    OpeningBank,
    /// Ordinary trade.
    Other,
    /// A third-party payment platform.
    PaymentPlatform,
    /// A public body.
    Public,
    /// Another account of the holder.
    SameName,
}

impl Class {
    /// All classes, in the order of their names.
    pub const ALL: [Class; 7] = [
        Class::Agency,
        Class::Cash,
        Class::OpeningBank,
        Class::Other,
        Class::PaymentPlatform,
        Class::Public,
        Class::SameName,
    ];

    /// The name in labels and totals.
    pub fn name(self) -> &'static str {
        match self {
            Class::Agency => "AGENCY",
            Class::Cash => "CASH",
            Class::OpeningBank => "OPENING_BANK",
            Class::Other => "OTHER",
            Class::PaymentPlatform => "PAYMENT_PLATFORM",
            Class::Public => "PUBLIC",
            Class::SameName => "SAME_NAME",
        }
    }
}

/// A class with its sub-class: the intended classification of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Agency,
    Cash,
    OpeningBank,
    PaymentPlatform,
    SameName,
    Trade,
    Unidentified,
    Utility,
    Tax,
    Treasury,
    SocialInsurance,
    HousingFund,
    Customs,
    Fiscal,
    Judicial,
    EducationHealth,
    OtherPublic,
}

impl Label {
    pub(crate) const ALL: [Label; 17] = [
        Label::Agency,
        Label::Cash,
        Label::OpeningBank,
        Label::PaymentPlatform,
        Label::SameName,
        Label::Trade,
        Label::Unidentified,
        Label::Utility,
        Label::Tax,
        Label::Treasury,
        Label::SocialInsurance,
        Label::HousingFund,
        Label::Customs,
        Label::Fiscal,
        Label::Judicial,
        Label::EducationHealth,
        Label::OtherPublic,
    ];

    pub(crate) fn class(self) -> Class {
        match self {
            Label::Agency => Class::Agency,
            Label::Cash => Class::Cash,
            Label::OpeningBank => Class::OpeningBank,
            Label::PaymentPlatform => Class::PaymentPlatform,
            Label::SameName => Class::SameName,
            Label::Trade | Label::Unidentified | Label::Utility => Class::Other,
            _ => Class::Public,
        }
    }

    pub(crate) fn subclass(self) -> Option<&'static str> {
        match self {
            Label::Agency | Label::Cash | Label::OpeningBank | Label::PaymentPlatform | Label::SameName => None,
            Label::Trade => Some("trade"),
            Label::Unidentified => Some("unidentified"),
            Label::Utility => Some("utility"),
            Label::Tax => Some("tax"),
            Label::Treasury => Some("treasury"),
            Label::SocialInsurance => Some("social_insurance"),
            Label::HousingFund => Some("housing_fund"),
            Label::Customs => Some("customs"),
            Label::Fiscal => Some("fiscal"),
            Label::Judicial => Some("judicial"),
            Label::EducationHealth => Some("education_health"),
            Label::OtherPublic => Some("other_public"),
        }
    }

    /// The label of a transaction with a public body of the sub-class named `subclass`.
    pub(crate) fn public(subclass: &str) -> Label {
        let found = Label::ALL.into_iter().find(|label| label.subclass() == Some(subclass));
        found.filter(|label| label.class() == Class::Public).unwrap_or(Label::OtherPublic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_in_the_order_of_the_names() {
        for (index, class) in Class::ALL.iter().enumerate() {
            assert_eq!(*class as usize, index);
        }
        assert!(Class::ALL.windows(2).all(|pair| pair[0].name() < pair[1].name()));
        for (index, label) in Label::ALL.iter().enumerate() {
            assert_eq!(*label as usize, index);
        }
    }
}
