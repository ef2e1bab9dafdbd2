//! The sources of a mapping's columns: the parsed entries of `[columns]`.

use super::time::TimeFormat;

/// A source column that outputs and rules refer to by its index.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Slot {
    pub(super) column: String,
    /// The key that names it first, for messages.
    pub(super) key: String,
}

/// A column of the feed, and the source of its values where no rule sets them.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Output {
    pub(super) name: &'static str,
    pub(super) source: ValueSource,
}

/// The source of a column's values. Source columns are indexes of the mapping's [`Slot`]s.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum ValueSource {
    /// Null; only rules set it.
    Null,
    /// The same text in every row.
    Constant(String),
    /// An identifier made from the file's content and the row number.
    RowId,
    /// A column as it is.
    Column(SourceColumn),
    /// A column whose values are replaced; values that are not listed become `otherwise`, or stay where that is `None`.
    Translated { column: SourceColumn, values: Vec<(String, String)>, otherwise: Option<String> },
    /// Parts that are not null, with a text between them.
    Joined { parts: Vec<JoinPart>, with: String },
    /// A date, and a time of day that may be in another column.
    Time { date: TimeColumn, time: Option<TimeColumn>, date_only: bool },
    /// An amount or its direction.
    Money(MoneyColumns, MoneyPart),
}

/// A source column and its nulls.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct SourceColumn {
    pub(super) slot: usize,
    /// Texts that mean null in this column, beside those of the layout.
    pub(super) null: Vec<String>,
}

/// A part of a joined text.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum JoinPart {
    Column(usize),
    Constant(String),
}

/// A source column of dates or times.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct TimeColumn {
    pub(super) column: SourceColumn,
    /// Tried in order.
    pub(super) formats: Vec<TimeFormat>,
}

/// The source columns of money.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct MoneyColumns {
    pub(super) form: MoneyForm,
    /// The thousands separator.
    pub(super) thousands: Option<char>,
}

/// How columns give amount and direction.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum MoneyForm {
    /// One column, sign included.
    Plain(SourceColumn),
    /// One column whose sign is the direction.
    Signed(SourceColumn),
    /// Money in and money out in two columns.
    InOut(SourceColumn, SourceColumn),
}

/// The part of [`MoneyColumns`] that a column gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MoneyPart {
    Amount,
    Direction,
}
