//! The values of items, and the reasons why some are missing.
//!
//! Owns: typed values between formulas and renderings, stored column by column. Does not own: the items' names and types
//! (`product::dictionary`), or their text (`product::render`).

use std::sync::Arc;

use super::Withheld;
use super::dictionary::{Dictionary, ItemKind, ItemType, PeriodKind, SegmentDef};
use crate::period::{Date, Month, Quarter};

/// Why an item has no value: the first reason that holds, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// The provider or subject gave no such value.
    NotGiven,
    /// Too few complete months or quarters.
    HistoryShort,
    /// Q0, Q1 or Q4 lies before the opening date.
    NoPriorPeriod,
    /// No row carried a balance.
    NoBalance,
    /// No counterparty counted.
    NoCounterparty,
    /// Nothing to divide by: no amount, no row.
    NoActivity,
    /// The formula has no value: a mean of 0, all values equal.
    NotDefined,
    /// The subject withheld the whole segment.
    Withheld,
}

impl Reason {
    /// The reason as `null_reasons` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::NotGiven => "not_given",
            Reason::HistoryShort => "history_short",
            Reason::NoPriorPeriod => "no_prior_period",
            Reason::NoBalance => "no_balance",
            Reason::NoCounterparty => "no_counterparty",
            Reason::NoActivity => "no_activity",
            Reason::NotDefined => "not_defined",
            Reason::Withheld => "withheld",
        }
    }
}

/// One item's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// No value, and why.
    Null(Reason),
    /// No value because the item has no limit there: the upper bound of the last band.
    NoLimit,
    /// A string, text or enum.
    Text(Arc<str>),
    /// A count.
    Count(i64),
    /// Fen.
    Money(i128),
    /// Millionths.
    Ratio(i128),
    /// A date.
    Date(Date),
    /// A month, as a period or as a value.
    Month(Month),
    /// A quarter.
    Quarter(Quarter),
    /// Seconds since 1970 in UTC.
    Instant(i64),
}

impl Value {
    /// Money or the reason why there is none.
    pub fn money(fen: Result<i128, Reason>) -> Value {
        fen.map_or_else(Value::Null, Value::Money)
    }

    /// A ratio or the reason why there is none.
    pub fn ratio(millionths: Result<i128, Reason>) -> Value {
        millionths.map_or_else(Value::Null, Value::Ratio)
    }

    /// A count or the reason why there is none.
    pub fn count(count: Result<i64, Reason>) -> Value {
        count.map_or_else(Value::Null, Value::Count)
    }
}

/// The items of one row of a segment, in the dictionary's order.
pub type Items = Vec<Value>;

/// The values of one item, one per row. A missing value has a placeholder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Column {
    /// Strings, texts and enums.
    Text(Vec<Arc<str>>),
    /// Counts.
    Count(Vec<i64>),
    /// Fen.
    Money(Vec<i128>),
    /// Millionths.
    Ratio(Vec<i128>),
    /// Dates.
    Date(Vec<Date>),
    /// Months.
    Month(Vec<Month>),
    /// Quarters.
    Quarter(Vec<Quarter>),
    /// Seconds since 1970 in UTC.
    Instant(Vec<i64>),
}

impl Column {
    /// An empty column for an item.
    fn of(item: &ItemType) -> Column {
        match item.kind {
            ItemKind::String | ItemKind::Text | ItemKind::Enum(_) => Column::Text(Vec::new()),
            ItemKind::Int => Column::Count(Vec::new()),
            ItemKind::Money => Column::Money(Vec::new()),
            ItemKind::Ratio => Column::Ratio(Vec::new()),
            ItemKind::Date => Column::Date(Vec::new()),
            ItemKind::Month | ItemKind::Period(PeriodKind::Month) => Column::Month(Vec::new()),
            ItemKind::Period(PeriodKind::Quarter) => Column::Quarter(Vec::new()),
            ItemKind::Timestamp => Column::Instant(Vec::new()),
        }
    }

    fn clear(&mut self) {
        match self {
            Column::Text(values) => values.clear(),
            Column::Count(values) | Column::Instant(values) => values.clear(),
            Column::Money(values) | Column::Ratio(values) => values.clear(),
            Column::Date(values) => values.clear(),
            Column::Month(values) => values.clear(),
            Column::Quarter(values) => values.clear(),
        }
    }

    /// Adds a placeholder.
    fn push_placeholder(&mut self) {
        match self {
            Column::Text(values) => values.push(Arc::default()),
            Column::Count(values) | Column::Instant(values) => values.push(0),
            Column::Money(values) | Column::Ratio(values) => values.push(0),
            Column::Date(values) => values.push(Date(0)),
            Column::Month(values) => values.push(Month(0)),
            Column::Quarter(values) => values.push(Quarter(0)),
        }
    }

    /// Adds a value; `false`, and a placeholder, where it is of another type.
    fn push(&mut self, value: Value) -> bool {
        match (&mut *self, value) {
            (Column::Text(values), Value::Text(text)) => values.push(text),
            (Column::Count(values), Value::Count(count)) => values.push(count),
            (Column::Money(values), Value::Money(fen)) => values.push(fen),
            (Column::Ratio(values), Value::Ratio(millionths)) => values.push(millionths),
            (Column::Date(values), Value::Date(date)) => values.push(date),
            (Column::Month(values), Value::Month(month)) => values.push(month),
            (Column::Quarter(values), Value::Quarter(quarter)) => values.push(quarter),
            (Column::Instant(values), Value::Instant(seconds)) => values.push(seconds),
            _ => {
                self.push_placeholder();
                return false;
            }
        }
        true
    }

    /// The value or placeholder of a row.
    fn get(&self, row: usize) -> Option<Value> {
        match self {
            Column::Text(values) => values.get(row).map(Arc::clone).map(Value::Text),
            Column::Count(values) => values.get(row).copied().map(Value::Count),
            Column::Money(values) => values.get(row).copied().map(Value::Money),
            Column::Ratio(values) => values.get(row).copied().map(Value::Ratio),
            Column::Date(values) => values.get(row).copied().map(Value::Date),
            Column::Month(values) => values.get(row).copied().map(Value::Month),
            Column::Quarter(values) => values.get(row).copied().map(Value::Quarter),
            Column::Instant(values) => values.get(row).copied().map(Value::Instant),
        }
    }
}

/// A value that is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missing {
    /// The row.
    pub row: usize,
    /// The place of the item.
    pub item: usize,
    /// Why; `None` for [`Value::NoLimit`].
    pub reason: Option<Reason>,
}

/// A value or row that its segment cannot hold: an internal error, which `render::check` reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misfit {
    /// A value of this item is of another type.
    Type {
        /// The place of the item.
        item: usize,
    },
    /// A row has another number of items.
    Items {
        /// That number.
        found: usize,
    },
}

/// The rows of a segment, oldest or lowest first. Formulas fill them row by row; renderings read them column by column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    rows: usize,
    /// By item. Invariant: each has one value per row.
    columns: Vec<Column>,
    /// Invariant: ascending by row and item, each once.
    missing: Vec<Missing>,
    /// The first misfit.
    misfit: Option<Misfit>,
    /// Invariant: a withheld segment has no rows.
    is_withheld: bool,
}

impl Segment {
    /// The segment without rows.
    pub fn new(def: &SegmentDef) -> Segment {
        let columns = def.items.iter().map(|item| Column::of(&item.item_type)).collect();
        Segment { rows: 0, columns, missing: Vec::new(), misfit: None, is_withheld: false }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, by item.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The missing values, by row and then by item.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// The first value or row that did not fit, if any.
    pub fn misfit(&self) -> Option<Misfit> {
        self.misfit
    }

    /// Whether a row has no value of an item.
    pub fn is_missing(&self, row: usize, item: usize) -> bool {
        self.missing.binary_search_by_key(&(row, item), |missing| (missing.row, missing.item)).is_ok()
    }

    /// The items of a row; none where there is no such row.
    pub fn items(&self, row: usize) -> impl Iterator<Item = Value> {
        let first = self.missing.partition_point(|missing| missing.row < row);
        let mut missing = self.missing[first..].iter().take_while(move |missing| missing.row == row).peekable();
        self.columns.iter().enumerate().filter_map(move |(item, column)| {
            let value = column.get(row)?;
            Some(match missing.next_if(|missing| missing.item == item) {
                Some(Missing { reason, .. }) => reason.map_or(Value::NoLimit, Value::Null),
                None => value,
            })
        })
    }

    /// The label of a row that has one: its first item.
    pub fn label(&self, row: usize) -> Option<Value> {
        self.columns.first()?.get(row)
    }

    /// Adds a row of values.
    pub fn push(&mut self, items: impl IntoIterator<Item = Value>) {
        self.push_row(|row| items.into_iter().for_each(|value| row.value(value)));
    }

    /// Adds a row, which `fill` fills item by item.
    #[inline]
    pub fn push_row(&mut self, fill: impl FnOnce(&mut NewRow<'_>)) {
        let mut row = NewRow { segment: self, item: 0 };
        fill(&mut row);
        let found = row.item;
        if found != self.columns.len() {
            self.columns.iter_mut().skip(found).for_each(Column::push_placeholder);
            self.misfit = self.misfit.or(Some(Misfit::Items { found }));
        }
        self.rows += 1;
    }

    /// Removes all rows and keeps their memory.
    pub fn clear(&mut self) {
        self.rows = 0;
        self.columns.iter_mut().for_each(Column::clear);
        self.missing.clear();
        self.misfit = None;
        self.is_withheld = false;
    }

    /// Removes all rows because the subject withheld the segment, which is then null as a whole.
    fn withhold(&mut self) {
        self.clear();
        self.is_withheld = true;
    }

    /// Whether the subject withheld the segment.
    pub fn is_withheld(&self) -> bool {
        self.is_withheld
    }

    /// Changes the rows as `change` does.
    #[cfg(test)]
    pub fn change(&mut self, change: impl FnOnce(&mut Vec<Items>)) {
        let mut rows = (0..self.rows).map(|row| self.items(row).collect()).collect();
        change(&mut rows);
        self.clear();
        rows.into_iter().for_each(|row| self.push(row));
    }
}

/// A row of a segment that is being filled. Each call sets the next item.
pub struct NewRow<'s> {
    segment: &'s mut Segment,
    /// The place of the next item.
    item: usize,
}

impl NewRow<'_> {
    /// Sets a count.
    #[inline]
    pub fn count(&mut self, count: i64) {
        match self.segment.columns.get_mut(self.item) {
            Some(Column::Count(values)) => {
                values.push(count);
                self.item += 1;
            }
            _ => self.value(Value::Count(count)),
        }
    }

    /// Sets an amount in fen.
    #[inline]
    pub fn money(&mut self, fen: i128) {
        match self.segment.columns.get_mut(self.item) {
            Some(Column::Money(values)) => {
                values.push(fen);
                self.item += 1;
            }
            _ => self.value(Value::Money(fen)),
        }
    }

    /// Sets an amount in fen, or the reason why there is none.
    #[inline]
    pub fn money_or(&mut self, fen: Result<i128, Reason>) {
        match fen {
            Ok(fen) => self.money(fen),
            Err(reason) => self.missing(Some(reason)),
        }
    }

    /// Sets any value.
    pub fn value(&mut self, value: Value) {
        match value {
            Value::Null(reason) => self.missing(Some(reason)),
            Value::NoLimit => self.missing(None),
            value => {
                let column = self.segment.columns.get_mut(self.item);
                if column.is_some_and(|column| !column.push(value)) {
                    self.segment.misfit = self.segment.misfit.or(Some(Misfit::Type { item: self.item }));
                }
                self.item += 1;
            }
        }
    }

    fn missing(&mut self, reason: Option<Reason>) {
        let Segment { rows, columns, missing, .. } = &mut *self.segment;
        if let Some(column) = columns.get_mut(self.item) {
            column.push_placeholder();
            missing.push(Missing { row: *rows, item: self.item, reason });
        }
        self.item += 1;
    }
}

/// One product of one account: its segments in the dictionary's order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Product {
    /// The segments.
    pub segments: Vec<Segment>,
}

impl Product {
    /// The product without rows.
    pub fn new(dictionary: &Dictionary) -> Product {
        Product { segments: dictionary.segments().map(Segment::new).collect() }
    }

    /// Empties the segments that the subject withheld, which are then null as a whole.
    pub fn withhold(&mut self, dictionary: &Dictionary, withheld: &Withheld) {
        for (def, segment) in dictionary.segments().zip(&mut self.segments) {
            if withheld.contains(&def.code) {
                segment.withhold();
            }
        }
    }

    /// Removes the rows of all segments and keeps their memory for the next account.
    pub fn clear(&mut self) {
        self.segments.iter_mut().for_each(Segment::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::ProductKind;

    /// Segment `other`: a month, counts and amounts, and two amounts that may be missing.
    fn segment() -> Segment {
        let dictionary = Dictionary::builtin(ProductKind::DetailSummary).unwrap();
        let def = dictionary.segments().find(|segment| segment.code == "other").unwrap();
        assert_eq!(def.items.len(), 9);
        Segment::new(def)
    }

    fn row(month: i32) -> Items {
        let amounts = (1..=4).flat_map(|n| [Value::Count(n), Value::Money(n.into())]);
        let mut row: Items = std::iter::once(Value::Month(Month(month))).chain(amounts).collect();
        (row[6], row[7]) = (Value::Count(4), Value::Null(Reason::NoCounterparty));
        row
    }

    #[test]
    fn rows_come_back_as_they_were_filled_in() {
        let mut segment = segment();
        for _ in 0..2 {
            let mut rows = [row(600), row(601), row(602)];
            (rows[1][7], rows[1][8]) = (Value::Money(5), Value::NoLimit);
            rows.iter().for_each(|row| segment.push(row.iter().cloned()));
            assert_eq!((segment.rows(), segment.misfit()), (3, None));
            for (at, expected) in rows.iter().enumerate() {
                assert_eq!(segment.items(at).collect::<Items>(), *expected);
                assert_eq!(segment.label(at).as_ref(), expected.first());
                let missing = |item: &Value| matches!(item, Value::Null(_) | Value::NoLimit);
                assert!(expected.iter().enumerate().all(|(item, v)| segment.is_missing(at, item) == missing(v)));
            }
            assert_eq!(segment.items(3).count(), 0);
            assert!(segment.missing().is_sorted_by_key(|missing| (missing.row, missing.item)));
            segment.clear();
        }
        assert_eq!((segment.rows(), segment.missing()), (0, &[][..]));
    }

    #[test]
    fn a_misfit_is_noted_and_moves_nothing() {
        let mut other_type = row(600);
        other_type[1] = Value::Money(1);
        let short = row(601)[..8].to_vec();
        let long = [row(602), vec![Value::Count(1)]].concat();
        for (misfit, expected) in [
            (other_type, Misfit::Type { item: 1 }),
            (short, Misfit::Items { found: 8 }),
            (long, Misfit::Items { found: 10 }),
        ] {
            let mut segment = segment();
            segment.push(misfit);
            segment.push(row(603));
            segment.push_row(|row| row.count(1));
            assert_eq!(segment.misfit(), Some(expected), "the first is kept");
            assert_eq!(segment.items(1).collect::<Items>(), row(603));
            assert_eq!(segment.items(2).count(), 9);
        }
    }
}
