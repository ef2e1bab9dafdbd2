//! Conversion of a source's columns to the feed's types, with a fault for each value that does not fit.
//!
//! Owns: trimming, text to numbers and times, decimals to fen, time zones. Does not own: which values a column allows
//! (`feed::check`, `feed::accounts`). Columns have passed [`super::schema::check_schema`].

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal256Array, Int64Array, NullBufferBuilder, PrimitiveArray, StringViewArray,
    StringViewBuilder,
};
use arrow::compute::{cast, cast_with_options};
use arrow::datatypes::{
    ArrowTimestampType, DataType, Date32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType as _,
    Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, i256,
};
use arrow::record_batch::RecordBatch;

use super::reject::Code;
use super::schema::{Column, Typing};
use crate::dictionary_column::{ColumnReader, DictionaryColumn, as_view, is_trimmed};
use crate::money::{AMOUNT_FEN_MAX, parse_fen};
use crate::period::{Date, SHANGHAI_OFFSET_US, parse_time, time_in_range};

/// The first fault of each row of a batch: column and code.
pub struct RowFaults {
    rows: usize,
    /// By row. Empty until a row has a fault, since most batches have none.
    first: Vec<Option<(&'static str, Code)>>,
}

impl RowFaults {
    /// No faults, for a batch of `rows` rows.
    pub fn new(rows: usize) -> RowFaults {
        RowFaults { rows, first: Vec::new() }
    }

    /// Notes a fault of a row, unless an earlier column had one.
    pub fn note(&mut self, row: usize, column: &Column, code: Code) {
        self.first.resize(self.rows, None);
        if let Some(first @ None) = self.first.get_mut(row) {
            *first = Some((column.name, code));
        }
    }

    /// The rows with a fault, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &'static str, Code)> {
        let faults = self.first.iter().enumerate();
        faults.filter_map(|(row, fault)| fault.map(|(column, code)| (row, column, code)))
    }

    /// Whether no row has a fault.
    pub fn is_none(&self) -> bool {
        self.first.is_empty()
    }

    /// Whether a row has a fault.
    pub fn is_bad(&self, row: usize) -> bool {
        self.first.get(row).is_some_and(Option::is_some)
    }
}

/// The columns of one raw batch, converted one at a time.
pub struct Converter<'a> {
    batch: &'a RecordBatch,
    typing: Typing,
    /// The faults so far.
    pub faults: RowFaults,
}

impl<'a> Converter<'a> {
    /// A converter over a batch.
    pub fn new(batch: &'a RecordBatch, typing: Typing) -> Converter<'a> {
        Converter { batch, typing, faults: RowFaults::new(batch.num_rows()) }
    }

    /// Rows of the batch.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    fn source(&self, column: &Column) -> Option<&'a ArrayRef> {
        self.batch.column_by_name(column.name).filter(|array| !array.data_type().is_null())
    }

    /// A text column, trimmed; an empty value is null.
    pub fn text(&mut self, column: &Column) -> StringViewArray {
        let texts = match self.source(column) {
            None => StringViewArray::new_null(self.rows()),
            Some(array) => trimmed(&as_view(array)),
        };
        self.require(column, &texts);
        texts
    }

    /// A text column as a dictionary column, trimmed; an empty value is null. `reader` keeps the column's state from batch
    /// to batch.
    pub fn texts(&mut self, column: &Column, reader: &mut ColumnReader) -> DictionaryColumn {
        let texts = match self.source(column) {
            None => DictionaryColumn::none(self.rows()),
            Some(array) => reader.texts(array),
        };
        if column.required && texts.null_count() > 0 {
            let nulls = texts.iter().enumerate().filter(|(_, at)| at.is_none());
            nulls.for_each(|(row, _)| self.faults.note(row, column, Code::NullRequired));
        }
        texts
    }

    /// Civil time in Shanghai, in microseconds. A value that is no time is `bad_time`.
    pub fn time(&mut self, column: &Column) -> Int64Array {
        let times = match (self.source(column), self.typing) {
            (None, _) => Int64Array::new_null(self.rows()),
            (Some(array), Typing::AllText) => self.parse(column, array, Code::BadTime, parse_time),
            (Some(array), Typing::Typed) => {
                let civil = civil_us(array);
                let is_good = civil.null_count() == 0 && civil.values().iter().all(|time_us| time_in_range(*time_us));
                for (row, time_us) in civil.iter().enumerate().take(if is_good { 0 } else { civil.len() }) {
                    // A value too large for microseconds became null, but it is not a missing value.
                    if array.is_valid(row) && !time_us.is_some_and(time_in_range) {
                        self.faults.note(row, column, Code::BadTime);
                    }
                }
                civil
            }
        };
        self.require(column, &times);
        times
    }

    /// An integer. A text that is no integer is `bad_type`.
    pub fn integer(&mut self, column: &Column) -> Int64Array {
        let integers = match (self.source(column), self.typing) {
            (None, _) => Int64Array::new_null(self.rows()),
            (Some(array), Typing::AllText) => self.parse(column, array, Code::BadType, |text| text.parse().ok()),
            // Every accepted integer type fits an i64.
            (Some(array), Typing::Typed) => cast(array, &DataType::Int64)
                .ok()
                .and_then(|array| array.as_primitive_opt::<Int64Type>().cloned())
                .unwrap_or_else(|| Int64Array::new_null(self.rows())),
        };
        self.require(column, &integers);
        integers
    }

    /// Money in fen. A text that is no money is `bad_type`; more than 18 digits are `amount_range`.
    pub fn money(&mut self, column: &Column) -> Int64Array {
        let fen = match (self.source(column), self.typing) {
            (None, _) => Int64Array::new_null(self.rows()),
            (Some(array), Typing::AllText) => self.money_of_text(column, array),
            (Some(array), Typing::Typed) => self.money_of_decimal(column, array),
        };
        self.require(column, &fen);
        fen
    }

    /// A date. A text that is no date is `bad_time`.
    pub fn date(&mut self, column: &Column) -> Vec<Option<Date>> {
        match (self.source(column), self.typing) {
            (None, _) => vec![None; self.rows()],
            (Some(array), Typing::AllText) => {
                let days = self.parse(column, array, Code::BadTime, |text| Date::parse(text).map(|d| i64::from(d.0)));
                days.iter().map(|days| days.map(|days| Date(days as i32))).collect()
            }
            (Some(array), Typing::Typed) => {
                let days = array.as_primitive::<Date32Type>();
                let date = |row: usize| {
                    let date = days.is_valid(row).then(|| Date::from_days(days.value(row)));
                    if date == Some(None) {
                        self.faults.note(row, column, Code::BadTime);
                    }
                    date.flatten()
                };
                (0..days.len()).map(date).collect()
            }
        }
    }

    /// A list of texts, trimmed, without empty ones; as text, the items are separated by `|`.
    pub fn lists(&mut self, column: &Column) -> Vec<Vec<String>> {
        let Some(array) = self.source(column) else { return vec![Vec::new(); self.rows()] };
        let trim = |texts: &StringViewArray| -> Vec<String> {
            texts.iter().flatten().map(str::trim).filter(|text| !text.is_empty()).map(String::from).collect()
        };
        if self.typing == Typing::AllText {
            let split = |text: &str| trim(&text.split('|').map(Some).collect());
            return as_view(array).iter().map(|text| text.map(split).unwrap_or_default()).collect();
        }
        let item = |row: usize| match array.data_type() {
            _ if array.is_null(row) => Vec::new(),
            DataType::LargeList(_) => trim(&as_view(&array.as_list::<i64>().value(row))),
            _ => trim(&as_view(&array.as_list::<i32>().value(row))),
        };
        (0..self.rows()).map(item).collect()
    }

    fn require(&mut self, column: &Column, values: &dyn Array) {
        if column.required && values.logical_null_count() > 0 {
            // A value that could not be read is null here too; its first fault stands.
            (0..values.len())
                .filter(|row| values.is_null(*row))
                .for_each(|row| self.faults.note(row, column, Code::NullRequired));
        }
    }

    fn parse(
        &mut self,
        column: &Column,
        array: &ArrayRef,
        code: Code,
        read: impl Fn(&str) -> Option<i64>,
    ) -> Int64Array {
        integers(array, |row, text| {
            let value = read(text);
            if value.is_none() {
                self.faults.note(row, column, code);
            }
            value
        })
    }

    fn money_of_text(&mut self, column: &Column, array: &ArrayRef) -> Int64Array {
        integers(array, |row, text| {
            let fen = parse_fen(text);
            if fen.is_none() {
                let code = if is_long_money(text) { Code::AmountRange } else { Code::BadType };
                self.faults.note(row, column, code);
            }
            fen
        })
    }

    fn money_of_decimal(&mut self, column: &Column, array: &ArrayRef) -> Int64Array {
        // Slots of nulls are compared too. If one is out of range, the slow way below finds no fault.
        match array.data_type() {
            DataType::Decimal64(_, 2) => {
                let decimals = array.as_primitive::<Decimal64Type>();
                let values = decimals.values();
                if values.iter().fold(true, |all, value| all & in_range(*value)) {
                    return Int64Array::new(values.clone(), decimals.nulls().cloned());
                }
            }
            DataType::Decimal128(_, 2) => {
                let decimals = array.as_primitive::<Decimal128Type>();
                let (least, most) = (i128::from(-AMOUNT_FEN_MAX), i128::from(AMOUNT_FEN_MAX));
                if decimals.values().iter().all(|value| (least..=most).contains(value)) {
                    let fen = decimals.values().iter().map(|value| *value as i64).collect();
                    return Int64Array::new(fen, decimals.nulls().cloned());
                }
            }
            _ => {}
        }
        // Other widths and scales, and amounts out of range, are rare: they go through the widest type, value by value.
        let wide = widest(array);
        let fen = |(row, value): (usize, Option<i256>)| {
            let value = value?;
            let fen = value.to_i128().and_then(|v| i64::try_from(v).ok()).filter(|fen| in_range(*fen));
            if fen.is_none() {
                self.faults.note(row, column, Code::AmountRange);
            }
            fen
        };
        let converted: Int64Array = wide.iter().enumerate().map(fen).collect();
        // Values that the cast could not represent are out of range too.
        (0..array.len())
            .filter(|row| array.is_valid(*row) && wide.is_null(*row))
            .for_each(|row| self.faults.note(row, column, Code::AmountRange));
        converted
    }
}

/// Applies `read` to the text of each row, trimmed; an empty text is null.
fn integers(array: &ArrayRef, mut read: impl FnMut(usize, &str) -> Option<i64>) -> Int64Array {
    fn all<'a>(
        texts: impl ExactSizeIterator<Item = Option<&'a str>>,
        mut read: impl FnMut(usize, &str) -> Option<i64>,
    ) -> Int64Array {
        let mut values = Vec::with_capacity(texts.len());
        let mut nulls = NullBufferBuilder::new(texts.len());
        for (row, text) in texts.enumerate() {
            let text = text.unwrap_or_default();
            let text = if is_trimmed(text) { text } else { text.trim() };
            let value = if text.is_empty() { None } else { read(row, text) };
            values.push(value.unwrap_or_default());
            nulls.append(value.is_some());
        }
        Int64Array::new(values.into(), nulls.finish())
    }
    // The columns of CSV files are plain strings, which need no conversion to views.
    match array.as_string_opt::<i32>() {
        Some(texts) => all(texts.iter(), &mut read),
        None => all(as_view(array).iter(), &mut read),
    }
}

/// Values without surrounding white space; empty ones become null. Most columns are returned as they are.
fn trimmed(texts: &StringViewArray) -> StringViewArray {
    if texts.iter().flatten().all(is_trimmed) {
        return texts.clone();
    }
    let mut builder = StringViewBuilder::with_capacity(texts.len());
    for text in texts {
        builder.append_option(text.map(str::trim).filter(|text| !text.is_empty()));
    }
    builder.finish()
}

/// Whether an amount has at most 18 digits of fen.
fn in_range(fen: i64) -> bool {
    (-AMOUNT_FEN_MAX..=AMOUNT_FEN_MAX).contains(&fen)
}

/// Whether a text has the form of money, whatever the number of its digits.
fn is_long_money(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "00"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && all_digits(decimals) && decimals.len() <= 2
}

fn widest(array: &ArrayRef) -> Decimal256Array {
    let wanted = DataType::Decimal256(Decimal256Type::MAX_PRECISION, 2);
    cast_with_options(array, &wanted, &arrow::compute::CastOptions { safe: true, ..Default::default() })
        .ok()
        .and_then(|array| array.as_primitive_opt::<Decimal256Type>().cloned())
        .unwrap_or_else(|| Decimal256Array::new_null(array.len()))
}

/// Timestamps as civil time in Shanghai, in microseconds. A timestamp with a zone is an instant and is shifted; one without
/// a zone is civil time already. Fractions of a microsecond are cut off towards the past; a value out of range becomes null.
fn civil_us(array: &ArrayRef) -> Int64Array {
    let DataType::Timestamp(unit, zone) = array.data_type() else { return Int64Array::new_null(array.len()) };
    let shift_us = if zone.is_some() { SHANGHAI_OFFSET_US } else { 0 };
    match unit {
        TimeUnit::Second => scaled::<TimestampSecondType>(array, 1_000_000, shift_us),
        TimeUnit::Millisecond => scaled::<TimestampMillisecondType>(array, 1_000, shift_us),
        TimeUnit::Microsecond => scaled::<TimestampMicrosecondType>(array, 1, shift_us),
        TimeUnit::Nanosecond => {
            let nanoseconds: &PrimitiveArray<TimestampNanosecondType> = array.as_primitive();
            nanoseconds.unary_opt(|ns| ns.div_euclid(1_000).checked_add(shift_us))
        }
    }
}

fn scaled<T: ArrowTimestampType>(array: &ArrayRef, factor: i64, shift_us: i64) -> Int64Array {
    let times = array.as_primitive::<T>();
    if (factor, shift_us) == (1, 0) {
        return Int64Array::new(times.values().clone(), times.nulls().cloned());
    }
    times.unary_opt(|value| value.checked_mul(factor)?.checked_add(shift_us))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal64Array, Decimal128Array};
    use arrow::datatypes::{Field, Schema};

    use super::*;
    use crate::feed::schema::TRANSACTIONS;

    #[test]
    fn money_of_any_width_gives_the_same_fen_and_faults() {
        let balance = TRANSACTIONS.iter().find(|column| column.name == "balance").unwrap();
        let found = |decimals: ArrayRef| {
            let schema = Schema::new(vec![Field::new("balance", decimals.data_type().clone(), true)]);
            let batch = RecordBatch::try_new(Arc::new(schema), vec![decimals]).unwrap();
            let mut from = Converter::new(&batch, Typing::Typed);
            let fen: Vec<Option<i64>> = from.money(balance).iter().collect();
            (fen, from.faults.iter().collect::<Vec<_>>())
        };
        let most = AMOUNT_FEN_MAX;
        let good = [Some(0), None, Some(-1), Some(most), Some(-most)];
        let bad = [Some(1), Some(most + 1), None, Some(-most - 1), Some(i64::MAX)];
        let refused = [1, 3, 4].map(|row| (row, "balance", Code::AmountRange)).to_vec();
        for (values, fen, faults) in
            [(good, good.to_vec(), vec![]), (bad, vec![Some(1), None, None, None, None], refused)]
        {
            let wide = values.map(|value| value.map(i128::from));
            let widest = wide.map(|value| value.map(i256::from_i128));
            let arrays: [ArrayRef; 3] = [
                Arc::new(Decimal64Array::from_iter(values).with_precision_and_scale(18, 2).unwrap()),
                Arc::new(Decimal128Array::from_iter(wide).with_precision_and_scale(38, 2).unwrap()),
                Arc::new(Decimal256Array::from_iter(widest).with_precision_and_scale(40, 2).unwrap()),
            ];
            for array in arrays {
                assert_eq!(found(array), (fen.clone(), faults.clone()));
            }
        }
        // Whole yuan in four digits.
        let yuan = Decimal64Array::from(vec![12]).with_precision_and_scale(4, 0).unwrap();
        assert_eq!(found(Arc::new(yuan)), (vec![Some(1200)], vec![]));
    }
}
