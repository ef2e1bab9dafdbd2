//! Deliveries: whether a row of the feed is a transaction, a repeat of one, or a bad row, and the fault of a bad row.
//! Owns the codes of the faults. The choice of the rows is `dirt`'s, the faulty values are written by `feed`.

/// How a row of the feed stands to the transactions of the economy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// A transaction, delivered for the first time and without a fault.
    #[default]
    First,
    /// A transaction that was delivered before.
    Repeat,
    /// No transaction: an additional row with a fault that a reader must find.
    Bad(Fault),
}

/// What is wrong with a bad row.
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

    /// The code that a reader's list of rejects gives.
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
