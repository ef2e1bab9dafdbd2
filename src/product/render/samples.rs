//! Products made up for the tests of the renderings: right in shape and type, meaningless in their figures.

use super::*;
use crate::period::{Date, Month, Quarter};
use crate::product::dictionary::ItemDef;
use crate::product::value::Items;

const REASONS: [Reason; 7] = [
    Reason::NotGiven,
    Reason::HistoryShort,
    Reason::NoPriorPeriod,
    Reason::NoBalance,
    Reason::NoCounterparty,
    Reason::NoActivity,
    Reason::NotDefined,
];

const TEXTS: [&str; 5] = ["", "某某贸易有限公司", "a \"quoted\" \\ text", "line\nend\ttab\u{1}", "𠮷野家 ü"];

/// A fixed sequence (splitmix64): equal seeds make equal products.
pub(super) struct Dice(pub u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.roll(values.len())]
    }

    /// Mostly small, sometimes as large as the item's decimal can be.
    fn number(&mut self, end: u128) -> i128 {
        let largest = end as i128 - 1;
        let small = self.roll(1_000_000_000) as i128 - 300_000_000;
        self.pick(&[0, 1, -1, 99, -100, small, small, largest, -largest, i128::from(AMOUNT_FEN_MAX)])
    }

    fn value(&mut self, item: &ItemDef, row: usize) -> Value {
        if item.item_type.nullable && self.roll(4) == 0 {
            return Value::Null(self.pick(&REASONS));
        }
        match &item.item_type.kind {
            ItemKind::String | ItemKind::Text => Value::Text(self.pick(&TEXTS).into()),
            ItemKind::Enum(codes) => Value::Text(codes[self.roll(codes.len())].as_str().into()),
            ItemKind::Int => {
                let small = self.roll(5_000) as i64 - 5;
                Value::Count(self.pick(&[small, small, i64::MAX, i64::MIN]))
            }
            ItemKind::Money => Value::Money(self.number(MONEY_END)),
            ItemKind::Ratio => Value::Ratio(self.number(RATIO_END)),
            ItemKind::Date => Value::Date(Date(self.roll(30_000) as i32 - 10_000)),
            ItemKind::Month => Value::Month(Month(self.roll(800) as i32 - 100)),
            ItemKind::Period(PeriodKind::Month) => Value::Month(Month(620 + row as i32)),
            ItemKind::Period(PeriodKind::Quarter) => Value::Quarter(Quarter(200 + row as i32)),
            ItemKind::Timestamp => Value::Instant(self.roll(4_000_000_000) as i64 - 1_000_000_000),
        }
    }
}

/// A product with `periods` periods and seven bands.
pub(super) fn product(dictionary: &Dictionary, periods: usize, dice: &mut Dice) -> Product {
    let segments = dictionary.segments().map(|segment| {
        let rows = match segment.rows {
            Rows::One => 1,
            Rows::PerPeriod => periods,
            Rows::PerBand => 7,
        };
        let mut items = |row| segment.items.iter().map(|item| dice.value(item, row)).collect();
        let mut rows: Vec<Items> = (0..rows).map(&mut items).collect();
        if segment.rows == Rows::PerBand {
            for (row, items) in rows.iter_mut().enumerate() {
                items[0] = Value::Money(100_000 * row as i128);
                items[1] = if row == 6 { Value::NoLimit } else { Value::Money(100_000 * (row as i128 + 1)) };
            }
        }
        let mut filled = Segment::new(segment);
        rows.into_iter().for_each(|row| filled.push(row));
        filled
    });
    Product { segments: segments.collect() }
}

/// Where an item stands: the index of its segment and its own.
pub(super) fn place(dictionary: &Dictionary, segment: &str, item: &str) -> (usize, usize) {
    let at = dictionary.segments().position(|def| def.code == segment).unwrap();
    let items = &dictionary.segments().nth(at).unwrap().items;
    (at, items.iter().position(|def| def.code == item).unwrap())
}

/// Sets one value.
pub(super) fn set(
    dictionary: &Dictionary,
    product: &mut Product,
    (segment, item): (&str, &str),
    row: usize,
    value: Value,
) {
    let (segment, item) = place(dictionary, segment, item);
    product.segments[segment].change(|rows| rows[row][item] = value);
}
