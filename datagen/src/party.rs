//! Parties in compact form: a role and numbers for who is on the other side of a row.
//!
//! Owns how the numbers are packed. `counterparty` renders the text that a statement shows of a party.

use crate::name::{BODY_PLACES, Body};

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

impl Shown {
    pub(crate) const ALL: [Shown; 4] = [Shown::All, Shown::NameAndAccount, Shown::Name, Shown::Account];
}

/// The role of a counterparty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The statement shows nothing of it.
    Unknown,
    /// One of the bank's own accounts. The movement determines which.
    BankAccount,
    Business,
    Person,
    Platform,
    Body,
    /// The account through which taxes reach the treasury.
    TreasuryAccount,
    Utility,
    /// An account of the holder.
    Own,
    /// A business whose name looks like a body, a bank or a platform.
    NearMiss,
    /// Another legal person with the name of the holder.
    Namesake,
}

impl Role {
    pub(crate) const ALL: [Role; 11] = [
        Role::Unknown,
        Role::BankAccount,
        Role::Business,
        Role::Person,
        Role::Platform,
        Role::Body,
        Role::TreasuryAccount,
        Role::Utility,
        Role::Own,
        Role::NearMiss,
        Role::Namesake,
    ];
}

/// The other side of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) role: Role,
    pub(crate) shown: Shown,
    /// A town. For an own account: the two accounts, and whether the former name is shown.
    pub(crate) place: u16,
    /// The number among the parties of the role. For an own account: the number of the holder.
    pub(crate) id: u32,
}

/// In place of the other account, for an own account outside the feed.
pub(crate) const OUTSIDE_FEED: u16 = 0xF;
pub(crate) const FORMER_NAME: u16 = 0x100;

impl Party {
    pub(crate) const UNKNOWN: Party = Party { role: Role::Unknown, shown: Shown::Name, place: 0, id: 0 };

    pub(crate) fn new(role: Role, shown: Shown, id: u32) -> Party {
        Party { role, shown, place: 0, id }
    }

    /// The office numbered `office` of a kind of body in a place.
    pub(crate) fn body(body: Body, place: u16, office: u32, shown: Shown) -> Party {
        Party { role: Role::Body, shown, place: place % BODY_PLACES, id: body as u32 | office << 8 }
    }

    /// Account `other` of `holder` as the statement of its account `mine` shows it. `None` is an account outside the
    /// feed.
    pub(crate) fn own(holder: u32, mine: u8, other: Option<u8>, shown: Shown, former: bool) -> Party {
        let other = other.map_or(OUTSIDE_FEED, u16::from);
        let former = if former { FORMER_NAME } else { 0 };
        Party { role: Role::Own, shown, place: u16::from(mine) | other << 4 | former, id: holder }
    }

    /// The other account of an own account, if it is in the feed.
    pub(crate) fn other_account(&self) -> Option<u8> {
        let other = self.place >> 4 & 0xF;
        (other != OUTSIDE_FEED).then_some(other as u8)
    }

    /// The kind of body of a [`Role::Body`].
    pub(crate) fn which_body(&self) -> Body {
        Body::ALL[self.id as usize & 0xFF & (Body::ALL.len() - 1)]
    }
}

const _: () = assert!(Body::ALL.len().is_power_of_two());
