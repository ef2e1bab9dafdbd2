//! The delivery of a row: whether it is a transaction, a repeat of one, or a bad row with a fault.
//!
//! Owns the codes of the faults. `dirt` chooses the rows, `feed` writes the faulty values.

/// The relation of a row in the feed to the transactions of the economy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// A transaction that is delivered for the first time and has no fault.
    #[default]
    First,
    /// A transaction that was delivered before.
    Repeat,
    /// Not a transaction: an additional row with a fault that a reader must find.
    Bad(Fault),
}

/// The fault of a bad row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NullRequired,
    UnknownKind,
    BadDirection,
    BadCurrency,
    AmountRange,
    BadTime,
    UnknownAccount,
    BadValue,
    DuplicateConflict,
}

impl Fault {
    pub(crate) const ALL: [Fault; 9] = [
        Fault::NullRequired,
        Fault::UnknownKind,
        Fault::BadDirection,
        Fault::BadCurrency,
        Fault::AmountRange,
        Fault::BadTime,
        Fault::UnknownAccount,
        Fault::BadValue,
        Fault::DuplicateConflict,
    ];

    /// The code in the list of rejects.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Fault::NullRequired => "null_required",
            Fault::UnknownKind => "unknown_kind",
            Fault::BadDirection => "bad_direction",
            Fault::BadCurrency => "bad_currency",
            Fault::AmountRange => "amount_range",
            Fault::BadTime => "bad_time",
            Fault::UnknownAccount => "unknown_account",
            Fault::BadValue => "bad_value",
            Fault::DuplicateConflict => "duplicate_conflict",
        }
    }
}
