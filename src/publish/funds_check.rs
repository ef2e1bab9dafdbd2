//! The funds check: in each period of a product, the classes and cash add up to the funds.
//!
//! Owns: the items that must add up. They are found by the codes of their segments, so a dictionary may have other segments
//! at any place.

use super::error::PublishError;
use crate::product::CLASS_SEGMENTS;
use crate::product::dictionary::{Dictionary, SegmentDef};
use crate::product::value::{Column, Product, Segment};

/// The segment of all transactions.
const FUNDS: &str = "funds";

/// The items that add up over classes and cash.
const SUMMED: [&str; 4] = ["in_count", "in_amount", "out_count", "out_amount"];

/// The places of the items that must add up.
pub struct FundsCheck {
    funds: usize,
    sums: Vec<ItemSum>,
}

/// One item of the funds.
struct ItemSum {
    /// Its place in the funds, and that of its cash part.
    whole: usize,
    cash: usize,
    /// The places of the class segments, and that of the item in each.
    classes: Vec<(usize, usize)>,
}

impl FundsCheck {
    /// Finds the places by the dictionary's codes.
    ///
    /// # Errors
    /// [`PublishError::Internal`] for a dictionary without them.
    pub fn new(dictionary: &Dictionary) -> Result<FundsCheck, PublishError> {
        let missing = || PublishError::Internal("the dictionary lacks an item of `funds` or of a class");
        let segment = |code: &str| {
            dictionary.segments().enumerate().find(|(_, segment)| segment.code == code).ok_or_else(missing)
        };
        let item = |segment: &SegmentDef, code: &str| {
            segment.items.iter().position(|item| item.code == code).ok_or_else(missing)
        };
        let (funds, funds_def) = segment(FUNDS)?;
        let classes = CLASS_SEGMENTS.iter().map(|(code, _)| segment(code)).collect::<Result<Vec<_>, _>>()?;
        let sum = |code: &&str| {
            let in_class = |(at, class): &(usize, &SegmentDef)| item(class, code).map(|item| (*at, item));
            Ok(ItemSum {
                whole: item(funds_def, code)?,
                cash: item(funds_def, &format!("cash_{code}"))?,
                classes: classes.iter().map(in_class).collect::<Result<_, _>>()?,
            })
        };
        Ok(FundsCheck { funds, sums: SUMMED.iter().map(sum).collect::<Result<_, PublishError>>()? })
    }

    /// Whether each period's classes and cash add up to its funds. No segment of them is withheld.
    pub fn holds(&self, product: &Product) -> bool {
        let Some(funds) = product.segments.get(self.funds) else { return false };
        self.sums.iter().all(|ItemSum { whole, cash, classes }| {
            let mut sums = vec![0; funds.rows()];
            add(&mut sums, Some(funds), *whole, -1)
                && add(&mut sums, Some(funds), *cash, 1)
                && classes.iter().all(|(class, part)| add(&mut sums, product.segments.get(*class), *part, 1))
                && sums.iter().all(|sum| *sum == 0)
        })
    }
}

/// Adds an item's counts or amounts, multiplied by `times`, to the sums of their rows; `false` where one is missing.
fn add(sums: &mut [i128], segment: Option<&Segment>, item: usize, times: i128) -> bool {
    let Some(segment) = segment.filter(|segment| segment.rows() == sums.len()) else { return false };
    match segment.columns().get(item) {
        Some(Column::Count(counts)) => {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += times * i128::from(*count));
        }
        Some(Column::Money(fen)) => sums.iter_mut().zip(fen).for_each(|(sum, fen)| *sum += times * fen),
        _ => return false,
    }
    segment.missing().iter().all(|missing| missing.item != item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::ProductKind;
    use crate::product::dictionary::ItemDef;
    use crate::product::value::{Reason, Value};

    /// A product of one period with nothing but zeros.
    fn zeros(dictionary: &Dictionary) -> Product {
        let mut product = Product::new(dictionary);
        for (segment, filled) in dictionary.segments().zip(&mut product.segments) {
            let value = |item: &ItemDef| match item.code.ends_with("_amount") {
                true => Value::Money(0),
                false => Value::Count(0),
            };
            filled.push(segment.items.iter().map(value));
        }
        product
    }

    fn assert_every_difference_shows(dictionary: &Dictionary) {
        let check = FundsCheck::new(dictionary).unwrap();
        let product = zeros(dictionary);
        assert!(check.holds(&product));
        for ItemSum { whole, cash, classes } in &check.sums {
            assert_eq!(classes.len(), 6);
            for (segment, item) in [(check.funds, *whole), (check.funds, *cash)].iter().chain(classes) {
                let other = |value: fn(&Value) -> Value| {
                    let mut other = product.clone();
                    other.segments[*segment].change(|rows| rows[0][*item] = value(&rows[0][*item]));
                    check.holds(&other)
                };
                let larger = |value: &Value| match value {
                    Value::Money(_) => Value::Money(1),
                    _ => Value::Count(1),
                };
                assert!(!other(larger), "segment {segment}, item {item}");
                assert!(!other(|_| Value::Null(Reason::NoActivity)), "segment {segment}, item {item}");
            }
        }
    }

    #[test]
    fn a_product_whose_classes_do_not_add_up_is_seen() {
        for kind in ProductKind::ALL {
            assert_every_difference_shows(&Dictionary::builtin(kind).unwrap());
        }
    }

    #[test]
    fn other_segments_of_periods_may_stand_anywhere() {
        let segment = |code: &str, first: &str| {
            format!(
                "[[unit.segment]]\ncode = \"{code}\"\nname = \"新\"\nrows = \"per_period\"\nabout = \"New.\"\nitems = [\
                 {{ code = \"period\", name = \"月份\", type = \"period\", unit = \"\", formula = \"Month.\" }},\
                 {{ code = \"{first}\", name = \"数\", type = \"int\", unit = \"\", formula = \"Any.\" }}]\n\n"
            )
        };
        let text = include_str!("../../schemas/detail-summary.toml");
        for before in ["funds", "public", "other", "appendix"] {
            let at = format!("[[unit.segment]]\ncode = \"{before}\"");
            assert_eq!(text.matches(&at).count(), 1);
            let new = segment("recent", "in_count") + &at;
            let dictionary = Dictionary::parse(ProductKind::DetailSummary, &text.replace(&at, &new)).unwrap();
            assert_eq!(dictionary.counts().segments, 12);
            assert_every_difference_shows(&dictionary);
        }
    }

    #[test]
    fn a_dictionary_without_a_class_is_an_error() {
        let text =
            include_str!("../../schemas/detail-summary.toml").replace("code = \"agency\"", "code = \"agencies\"");
        let dictionary = Dictionary::parse(ProductKind::DetailSummary, &text).unwrap();
        assert!(matches!(FundsCheck::new(&dictionary), Err(PublishError::Internal(_))));
    }
}
