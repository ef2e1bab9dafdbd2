//! From an account's cells to a checked product: pure functions.
//!
//! Owns: the checks that every product passes, whatever its destination: the range of sums, the funds check, the check
//! against the dictionary. Does not own: any formula ([`crate::product`]).

use std::borrow::Borrow;

use super::error::PublishError;
use super::funds_check::FundsCheck;
use crate::account::{Account, mask};
use crate::cell::Cell;
use crate::period::Month;
use crate::product::dictionary::Dictionary;
use crate::product::history::History;
use crate::product::render::{CheckedProduct, RenderError, check};
use crate::product::value::Product;
use crate::product::{Context, ProductKind, compute_whole_in, item_codes};

/// One product, ready to be computed for any account.
pub struct ProductPlan {
    /// Invariant: has the items of the formulas.
    dictionary: Dictionary,
    funds_check: FundsCheck,
}

/// A computed product, and the result of its funds check.
pub struct FilledProduct<'p> {
    /// The product.
    pub product: CheckedProduct<'p>,
    /// Whether classes and cash add up to the funds in each period. Withheld segments are included.
    pub adds_up: bool,
}

/// The history of an account whose cells have sums in range.
///
/// # Errors
/// [`PublishError::Overflow`].
pub fn history<'a, C: Borrow<Cell>>(
    account: &'a Account,
    context: &'a Context,
    cells: &'a [(Month, C)],
) -> Result<History<'a>, PublishError> {
    for (month, cell) in context.seen(cells) {
        cell.borrow()
            .check_range()
            .map_err(|_| PublishError::Overflow { account: mask(&account.account_id), month: month.to_string() })?;
    }
    Ok(History::new(account, context, cells))
}

impl ProductPlan {
    /// The plan of a product with its built-in dictionary.
    ///
    /// # Errors
    /// [`PublishError::Dictionary`] if the dictionary and the formulas differ.
    pub fn new(kind: ProductKind) -> Result<ProductPlan, PublishError> {
        let dictionary = Dictionary::builtin(kind)?;
        dictionary.check_codes(&item_codes(kind))?;
        Ok(ProductPlan { funds_check: FundsCheck::new(&dictionary)?, dictionary })
    }

    /// Its dictionary.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The product of an account.
    ///
    /// # Errors
    /// [`PublishError::Overflow`] and [`PublishError::MoneyRange`] for amounts out of range; internal errors, such as
    /// [`PublishError::FundsDiffer`].
    pub fn product<C: Borrow<Cell>>(
        &self,
        account: &Account,
        context: &Context,
        cells: &[(Month, C)],
    ) -> Result<Product, PublishError> {
        let history = history(account, context, cells)?;
        let mut product = Product::new(&self.dictionary);
        if !self.fill(&mut product, &history)?.adds_up {
            return Err(PublishError::FundsDiffer {
                account: mask(&account.account_id),
                product: self.dictionary.product(),
            });
        }
        Ok(product)
    }

    /// Computes the product of an account into `product`, whose memory is reused. Both products can share a history.
    ///
    /// # Errors
    /// [`PublishError::MoneyRange`]; internal errors.
    pub fn fill<'p>(
        &'p self,
        product: &'p mut Product,
        history: &History<'_>,
    ) -> Result<FilledProduct<'p>, PublishError> {
        compute_whole_in(product, &self.dictionary, history);
        let adds_up = self.funds_check.holds(product);
        product.withhold(&self.dictionary, &history.context().withheld);
        let checked = check(&self.dictionary, product).map_err(|error| match error {
            RenderError::Money { item } => {
                PublishError::MoneyRange { account: mask(&history.account().account_id), item }
            }
            other => PublishError::Render(other),
        });
        Ok(FilledProduct { product: checked?, adds_up })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::account_for_tests;
    use crate::cell::{Fingerprint, Row};
    use crate::class::Class;
    use crate::flow::Direction;
    use crate::money::AMOUNT_FEN_MAX;
    use crate::period::{DAY_US, Date};
    use crate::product::Withheld;
    use crate::product::compute;

    /// Cells of rows that came in, each a date and fen.
    fn cells(rows: &[(&str, i64)]) -> Vec<(Month, Cell)> {
        let mut cells: Vec<(Month, Cell)> = Vec::new();
        for ((on, fen), number) in rows.iter().zip(0..) {
            let date = Date::parse(on).unwrap();
            if cells.last().is_none_or(|(month, _)| *month != date.month()) {
                cells.push((date.month(), Cell::empty(0)));
            }
            cells.last_mut().unwrap().1.update(&Row {
                booked_at_us: i64::from(date.0) * DAY_US,
                seq: None,
                txn_id: b"",
                direction: Direction::In,
                reversal: false,
                amount_fen: *fen,
                balance_fen: None,
                class: Class::Other,
                counterparty: Some(number),
                fingerprint: Fingerprint { id: number, content: 0 },
            });
        }
        cells.iter_mut().for_each(|(_, cell)| cell.settle());
        cells
    }

    fn context() -> Context {
        Context::precompute(Date::parse("2024-06-30").unwrap(), 0, "7")
    }

    #[test]
    fn a_plan_gives_the_product_of_the_formulas() {
        let (account, cells) = (account_for_tests(), cells(&[("2024-02-03", 500), ("2024-06-01", 70)]));
        for withheld in [Withheld::default(), Withheld::new(["other", "public"]).unwrap()] {
            let context = Context { withheld, ..context() };
            for kind in ProductKind::ALL {
                let plan = ProductPlan::new(kind).unwrap();
                let expected = compute(plan.dictionary(), &History::new(&account, &context, &cells));
                assert_eq!(plan.product(&account, &context, &cells).unwrap(), expected);
            }
        }
    }

    #[test]
    fn sums_out_of_range_are_the_fault_of_months_that_are_seen() {
        let account = account_for_tests();
        let ten = [("2024-02-03", AMOUNT_FEN_MAX); 10];
        let cells = cells(&[&ten[..], &[("2024-06-01", 70)]].concat());
        let plan = ProductPlan::new(ProductKind::Report).unwrap();
        let error = plan.product(&account, &context(), &cells).unwrap_err();
        assert!(matches!(&error, PublishError::Overflow { month, .. } if month == "2024-02"), "{error}");
        let later = Context { first_month: Month::parse("2024-03"), ..context() };
        plan.product(&account, &later, &cells).unwrap();

        let cells = &cells_of_two();
        let error = plan.product(&account, &context(), cells).unwrap_err();
        let expected =
            "account 6222****1234: `funds[2024Q1].in_amount` has more than 18 digits of fen; are the amounts right?";
        assert_eq!((error.to_string().as_str(), error.is_input()), (expected, true));
        // Each month alone is in range.
        ProductPlan::new(ProductKind::DetailSummary).unwrap().product(&account, &context(), cells).unwrap();
    }

    fn cells_of_two() -> Vec<(Month, Cell)> {
        cells(&[("2024-02-03", AMOUNT_FEN_MAX), ("2024-03-03", 1)])
    }

    #[test]
    fn a_product_that_does_not_add_up_is_an_error() {
        let (account, mut cells) = (account_for_tests(), cells(&[("2024-06-01", 70)]));
        cells[0].1.funds[0].amount_fen += 1;
        let plan = ProductPlan::new(ProductKind::Report).unwrap();
        let error = plan.product(&account, &context(), &cells).unwrap_err();
        assert!(matches!(error, PublishError::FundsDiffer { .. }), "{error}");
        // Withholding does not hide it.
        let context = Context { withheld: Withheld::new(["other", "public"]).unwrap(), ..context() };
        assert!(matches!(plan.product(&account, &context, &cells), Err(PublishError::FundsDiffer { .. })));
    }
}
