//! The context: first month and withheld segments.
//!
//! Owns: what a product shows of an account whose earlier months are not seen, or whose subject withheld segments.

use super::*;

/// A product as of 2024-06-30 with a first month.
fn seen_from(kind: ProductKind, first_month: &str, account: &Account, rows: &[TestRow]) -> Product {
    let context = Context { first_month: Month::parse(first_month), ..context("2024-06-30") };
    compute_of(kind, &History::new(account, &context, &cells(rows)))
}

#[test]
fn months_before_the_first_one_are_not_seen() {
    let account = account(Some("2024-01-01"));
    let summary = seen_from(ProductKind::DetailSummary, "2024-04", &account, &HALF_YEAR);
    let funds = codes_and_rows(ProductKind::DetailSummary, &summary, "funds").1;
    assert_eq!((show(&funds[0][0]), funds.len()), ("2024-04".into(), 3));
    // The 50 of March are not carried in: before Apr 8 there were 600 - 200. (7 * 400 + 23 * 600) / 30 = 553.333.
    let april = "2024-04 1 200.00 1 100.00 100.00 400.00 600.00 553.33 600.00 400.00 0 0.00 0 0.00 4";
    check_values(ProductKind::DetailSummary, &summary, "funds", 0, april);
    check_values(ProductKind::DetailSummary, &summary, "notes", 0, "1.0 7 2024-04-01 2024-06-30");

    let report = seen_from(ProductKind::Report, "2024-04", &account, &HALF_YEAR);
    assert_eq!(codes_and_rows(ProductKind::Report, &report, "funds").1.len(), 1);
    let cases = [
        // W is April to June. Counterparty 1: 200, 7: 800; 3 came to nothing.
        ("concentration", "in_top1_share", "0.800000"),
        ("concentration", "in_counterparties", "2"),
        // (200 + 0 + 1000) / 3
        ("stability", "in_monthly_mean", "400.00"),
        ("trend", "in_qoq", "no_prior_period"),
        ("counterparty_turnover", "in_new_ratio", "no_prior_period"),
        ("basic", "first_month", "2024-04"),
        ("activity", "observed_months", "3"),
        // The account is as old as it is.
        ("basic", "opened_on", "2024-01-01"),
        ("activity", "account_age_months", "5"),
        ("notes", "period_from", "2024-04-01"),
        // Out of 200 + 1000 + 5000 + 1000 in and 100 + 1000 + 400 out, 50 are unidentified: 8650 / 8700.
        ("appendix", "identified_share", "0.994253"),
    ];
    for (segment, code, expected) in cases {
        assert_eq!(item(&report, segment, code), expected, "{segment}.{code}");
    }
}

#[test]
fn no_balance_and_no_date_of_an_unseen_row_is_used() {
    let rows = [("2024-01-05", In, Other, 1, 70, Some(70)), ("2024-05-20", In, Other, 1, 5, None)];
    let undated = account(None);
    let summary = |first_month| seen_from(ProductKind::DetailSummary, first_month, &undated, &rows);
    // From January the balance of 70 is carried, from February there is none.
    assert_eq!(show(&codes_and_rows(ProductKind::DetailSummary, &summary("2024-01"), "funds").1[5][7]), "70.00");
    let (_, funds) = codes_and_rows(ProductKind::DetailSummary, &summary("2024-02"), "funds");
    assert_eq!((show(&funds[0][0]), show(&funds[4][7])), ("2024-02".into(), "no_balance".into()));
    // Without a date of its own the account begins with the first month, wherever its rows do.
    for (first_month, from) in [("2023-12", "2023-12-01"), ("2024-04", "2024-04-01"), ("2024-06", "2024-06-01")] {
        check_values(
            ProductKind::DetailSummary,
            &summary(first_month),
            "notes",
            0,
            &format!("1.0 7 {from} 2024-06-30"),
        );
    }
    // The opening date is kept where it is later.
    let opened = account(Some("2024-05-10"));
    let later = seen_from(ProductKind::DetailSummary, "2024-04", &opened, &rows[1..]);
    check_values(ProductKind::DetailSummary, &later, "notes", 0, "1.0 7 2024-05-10 2024-06-30");
    // A first month after the as-of date leaves no period.
    let none = seen_from(ProductKind::DetailSummary, "2024-07", &undated, &rows);
    assert_eq!(codes_and_rows(ProductKind::DetailSummary, &none, "funds").1.len(), 0);
}

#[test]
fn a_first_month_is_a_records_from_over_the_cells_that_it_leaves() {
    let cells = many_cells();
    for (opened_on, records_from) in
        [(Some("2021-08-09"), None), (None, None), (Some("2021-08-09"), Some("2022-11-20")), (None, Some("2023-05-31"))]
    {
        let account = Account { records_from: records_from.map(date), ..account(opened_on) };
        for back in 0..40 {
            let first = Month::parse("2024-04").unwrap().plus(-back);
            let cut = Account { records_from: account.records_from.max(Some(first.first_day())), ..account.clone() };
            let left: Vec<(Month, Cell)> = cells.iter().filter(|(month, _)| *month >= first).cloned().collect();
            let whole = context("2024-04-14");
            let seen = Context { first_month: Some(first), ..whole.clone() };
            for kind in ProductKind::ALL {
                let expected = compute_of(kind, &History::new(&cut, &whole, &left));
                assert_eq!(compute_of(kind, &History::new(&account, &seen, &cells)), expected, "{first}");
            }
        }
    }
}

#[test]
fn withheld_segments_are_empty_and_change_no_other() {
    let (account, cells, context) = (account(Some("2024-01-01")), cells(&HALF_YEAR), context("2024-06-30"));
    let codes = ["public", "other", "concentration", "amount_bands"];
    let withholding = Context { withheld: Withheld::new(codes).unwrap(), ..context.clone() };
    for kind in ProductKind::ALL {
        let whole = compute_of(kind, &History::new(&account, &context, &cells));
        let product = compute_of(kind, &History::new(&account, &withholding, &cells));
        let dictionary = Dictionary::builtin(kind).unwrap();
        let mut paths: Vec<(String, &str)> = render::null_reasons(render::check(&dictionary, &whole).unwrap());
        for ((def, segment), of_whole) in dictionary.segments().zip(&product.segments).zip(&whole.segments) {
            if codes.contains(&def.code.as_str()) {
                assert!(segment.is_withheld() && segment.rows() == 0 && segment.items(0).next().is_none());
                assert!(segment.missing().is_empty());
            } else {
                assert_eq!(segment, of_whole, "{}", def.code);
            }
        }
        // One reason, keyed by the segment alone.
        paths.retain(|(path, _)| !codes.iter().any(|code| path.starts_with(code)));
        let mut found = render::null_reasons(render::check(&dictionary, &product).unwrap());
        let withheld: Vec<_> =
            found.extract_if(.., |(_, reason)| *reason == "withheld").map(|(path, _)| path).collect();
        assert_eq!(withheld, codes[..if kind == ProductKind::Report { 4 } else { 2 }]);
        assert_eq!(found, paths);
        // The memory of a withheld product serves another account.
        let mut reused = product;
        compute_in(&mut reused, &dictionary, &History::new(&account, &context, &cells));
        assert_eq!(reused, whole);
    }
}
