//! The classes that the generator intends. Owns only their names: a movement states its class when it is planned, and
//! nothing here reads a name or a kind to find one.

/// Who is on the other side of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The bank's agency business: wages, collections, merchants.
    Agency,
    /// Cash paid in or taken out.
    Cash,
    /// The opening bank as principal.
    OpeningBank,
    /// Ordinary trade.
    Other,
    /// A third-party payment platform.
    PaymentPlatform,
    /// A public body.
    Public,
    /// The holder's own account elsewhere.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_in_the_order_of_the_names() {
        for (index, class) in Class::ALL.iter().enumerate() {
            assert_eq!(*class as usize, index);
        }
        assert!(Class::ALL.windows(2).all(|pair| pair[0].name() < pair[1].name()));
    }
}
