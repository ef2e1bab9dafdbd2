//! The laws of the cell as property tests: on rows drawn at random, in any split and any order.

use proptest::prelude::*;

use super::*;

const KEY_ID: u64 = 7;

/// An owned row, as the strategies draw it.
#[derive(Clone, Debug)]
struct Drawn {
    booked_at_us: i64,
    seq: Option<i64>,
    direction: Direction,
    reversal: bool,
    amount_fen: i64,
    balance_fen: Option<i64>,
    class: Class,
    counterparty: Option<u128>,
    fingerprint: Fingerprint,
}

impl Drawn {
    fn row<'a>(&self, txn_id: &'a str) -> Row<'a> {
        Row {
            booked_at_us: self.booked_at_us,
            seq: self.seq,
            txn_id: txn_id.as_bytes(),
            direction: self.direction,
            reversal: self.reversal,
            amount_fen: self.amount_fen,
            balance_fen: self.balance_fen,
            class: self.class,
            counterparty: self.counterparty,
            fingerprint: self.fingerprint,
        }
    }
}

/// Rows of January 2024 with few times, amounts and counterparties, so that ties and reversals meet.
fn drawn() -> impl Strategy<Value = Drawn> {
    let first_us = i64::from(Date::parse("2024-01-01").unwrap().0) * crate::period::DAY_US;
    let amounts = prop_oneof![0..300_000_000_i64, Just(crate::money::AMOUNT_FEN_MAX), Just(0)];
    (
        (0..31_i64, 0..3_i64, proptest::option::of(0..3_i64), any::<bool>(), any::<bool>()),
        (amounts, proptest::option::of(-1_000_000..1_000_000_i64)),
        (0..CLASSES as u8, proptest::option::of(0..4_u128), any::<u64>()),
    )
        .prop_map(move |((day, time, seq, inward, reversal), (amount_fen, balance_fen), (class, key, content))| {
            Drawn {
                booked_at_us: first_us + day * crate::period::DAY_US + time,
                seq,
                direction: if inward { Direction::In } else { Direction::Out },
                reversal,
                amount_fen,
                balance_fen,
                class: Class::from_u8(class).unwrap(),
                counterparty: key,
                fingerprint: Fingerprint { id: 0, content },
            }
        })
}

/// Up to 40 rows with distinct identifiers.
fn rows() -> impl Strategy<Value = Vec<Drawn>> {
    proptest::collection::vec(drawn(), 0..40).prop_map(|mut rows| {
        for (id, row) in rows.iter_mut().enumerate() {
            row.fingerprint.id = id as u128;
        }
        rows
    })
}

fn cell_of<'a>(rows: impl IntoIterator<Item = &'a Drawn>) -> Cell {
    let mut cell = Cell::empty(KEY_ID);
    for row in rows {
        cell.update(&row.row(&format!("t{:02}", row.fingerprint.id)));
    }
    cell.settle();
    cell
}

/// Figures and rows.
fn encoded(cell: &Cell) -> (Vec<u8>, Vec<u8>) {
    let (mut figures, mut rows) = (Vec::new(), Vec::new());
    cell.encode_figures(&mut figures);
    cell.encode_rows(&mut rows);
    (figures, rows)
}

fn merged(mut left: Cell, right: Cell) -> Cell {
    left.merge(right).unwrap();
    left
}

proptest! {
    #![proptest_config(crate::testing::property(512))]

    #[test]
    fn merge_is_associative_and_commutative_and_equals_the_whole(rows in rows(), cuts in (0..40_usize, 0..40_usize)) {
        let whole = cell_of(&rows);
        let (low, high) = (cuts.0.min(cuts.1).min(rows.len()), cuts.0.max(cuts.1).min(rows.len()));
        let part = |range: std::ops::Range<usize>| cell_of(&rows[range]);
        let (a, b, c) = (part(0..low), part(low..high), part(high..rows.len()));
        let left = merged(merged(a.clone(), b.clone()), c.clone());
        let right = merged(a.clone(), merged(b.clone(), c.clone()));
        let turned = merged(c, merged(b, a));
        prop_assert_eq!(&left, &whole);
        prop_assert_eq!(&right, &whole);
        prop_assert_eq!(&turned, &whole);
    }

    #[test]
    fn the_empty_cell_is_neutral(rows in rows()) {
        let cell = cell_of(&rows);
        prop_assert_eq!(&merged(cell.clone(), Cell::empty(KEY_ID)), &cell);
        prop_assert_eq!(&merged(Cell::empty(KEY_ID), cell.clone()), &cell);
    }

    #[test]
    fn the_order_of_rows_makes_no_difference(rows in rows(), seed in any::<u64>()) {
        let mut shuffled = rows.clone();
        shuffled.sort_by_key(|row| row.fingerprint.id.wrapping_mul(u128::from(seed) | 1).rotate_left(17));
        prop_assert_eq!(cell_of(&shuffled), cell_of(&rows));
    }

    /// A cell that keeps a date's balances once its rows are over is the one that keeps them with every row, wherever a run
    /// of rows ends and however dates go back and forth in it.
    #[test]
    fn a_run_of_rows_is_the_same_as_its_rows(rows in rows(), cut in 0..40_usize, seed in any::<u64>()) {
        let mut shuffled = rows.clone();
        shuffled.sort_by_key(|row| row.fingerprint.id.wrapping_mul(u128::from(seed) | 1).rotate_left(17));
        let ids: Vec<String> = shuffled.iter().map(|row| format!("t{:02}", row.fingerprint.id)).collect();
        let mut cell = Cell::empty(KEY_ID);
        let rows_and_ids: Vec<_> = shuffled.iter().zip(&ids).collect();
        let (first, second) = rows_and_ids.split_at(cut.min(rows_and_ids.len()));
        for run in [first, second] {
            let mut update = cell.updating();
            run.iter().for_each(|(row, id)| update.add(&row.row(id)));
            update.finish();
        }
        cell.settle();
        prop_assert_eq!(cell, cell_of(&rows));
    }

    #[test]
    fn a_shared_row_is_refused_and_nothing_changes(rows in rows(), shared in 0..40_usize) {
        prop_assume!(!rows.is_empty());
        let mut left = cell_of(&rows);
        let before = left.clone();
        let right = cell_of([&rows[shared % rows.len()]]);
        prop_assert_eq!(left.merge(right), Err(CellError::SharedRow));
        prop_assert_eq!(left, before);
    }

    #[test]
    fn a_reversal_is_exact(rows in rows()) {
        // Every row again as its own reversal: money and counts are gone; days, balances and row prints stay.
        let undone = rows.iter().enumerate().map(|(at, row)| {
            let id = (rows.len() + at) as u128;
            Drawn { reversal: !row.reversal, fingerprint: Fingerprint { id, ..row.fingerprint }, ..row.clone() }
        });
        let all: Vec<Drawn> = rows.iter().cloned().chain(undone).collect();
        let cell = cell_of(&all);
        let zero = Flows::default();
        prop_assert_eq!(cell.funds, zero);
        prop_assert!(cell.classes.iter().chain(&cell.bands).all(|flows| *flows == zero));
        prop_assert_eq!(cell.unidentified_fen, 0);
        prop_assert!(cell.counterparties.is_empty());
        prop_assert!(cell.days.iter().all(|day| day.operating_fen == [0; 2] && day.same_name_fen == [0; 2]));
        prop_assert_eq!(cell.rows(), all.len() as u64);
        prop_assert_eq!(cell.days.len(), cell_of(&rows).days.len());
    }

    #[test]
    fn bytes_come_back_and_damage_is_an_error(rows in rows(), cut in any::<prop::sample::Index>(), flip in any::<u8>()) {
        let cell = cell_of(&rows);
        let (figures, of_rows) = encoded(&cell);
        prop_assert_eq!(Cell::decode(&figures, &of_rows), Ok(cell));
        let at = cut.index(figures.len() + of_rows.len());
        let changed = |change: &dyn Fn(&mut Vec<u8>, usize)| {
            let (mut figures, mut of_rows) = (figures.clone(), of_rows.clone());
            match at.checked_sub(figures.len()) {
                None => change(&mut figures, at),
                Some(at) => change(&mut of_rows, at),
            }
            (figures, of_rows)
        };
        let (short, short_rows) = changed(&|bytes, at| bytes.truncate(at));
        prop_assert!(Cell::decode(&short, &short_rows).is_err());
        // A flipped byte is either refused or another cell in canonical form: never a panic.
        let (flipped, flipped_rows) = changed(&|bytes, at| bytes[at] ^= flip);
        if let Ok(other) = Cell::decode(&flipped, &flipped_rows) {
            prop_assert_eq!(encoded(&other), (flipped, flipped_rows));
        }
    }

    /// A sealed cell has the figures of the open one, comes back from their bytes, and does not merge, either way round.
    #[test]
    fn a_sealed_cell_is_complete(rows in rows(), cut in any::<prop::sample::Index>(), flip in any::<u8>()) {
        let open = cell_of(&rows);
        let mut sealed = open.clone();
        sealed.seal();
        prop_assert!(sealed.is_sealed() && !open.is_sealed());
        prop_assert_eq!(sealed.rows(), open.rows());
        let figures = |cell: &Cell| {
            let days: Vec<_> = cell.days.iter().map(|d| (d.date, d.seen, d.operating_fen, d.same_name_fen)).collect();
            let closes: Vec<_> = cell.days.iter().map(|day| day.close.as_ref().map(|close| close.fen)).collect();
            let flows = (cell.funds, cell.classes, cell.bands, cell.unidentified_fen);
            (flows, days, closes, cell.opening.as_ref().map(|opening| opening.fen), cell.counterparties.clone())
        };
        prop_assert_eq!(figures(&sealed), figures(&open));

        let (bytes, none) = encoded(&sealed);
        prop_assert_eq!((&bytes, none.len()), (&encoded(&open).0, 0));
        prop_assert_eq!(Cell::decode_figures(&bytes), Ok(sealed.clone()));
        prop_assert!(!String::from_utf8_lossy(&bytes).contains("t00"));
        let at = cut.index(bytes.len());
        prop_assert!(Cell::decode_figures(&bytes[..at]).is_err());
        let mut flipped = bytes.clone();
        flipped[at] ^= flip;
        if let Ok(other) = Cell::decode_figures(&flipped) {
            prop_assert_eq!(encoded(&other).0, flipped);
        }

        let mut left = open.clone();
        prop_assert_eq!(left.merge(sealed.clone()), Err(CellError::Sealed));
        prop_assert_eq!(&left, &open);
        let before = sealed.clone();
        prop_assert_eq!(sealed.merge(open), Err(CellError::Sealed));
        prop_assert_eq!(sealed, before);
    }

    #[test]
    fn classes_add_up_to_funds(rows in rows()) {
        let cell = cell_of(&rows);
        for way in Direction::BOTH {
            let sum: Flow = cell.classes.iter().map(|flows| flows[way as usize]).sum();
            prop_assert_eq!(sum, cell.funds[way as usize]);
        }
    }
}

#[test]
fn cells_under_different_keys_do_not_merge() {
    assert_eq!(Cell::empty(1).merge(Cell::empty(2)), Err(CellError::OtherKey));
}

#[test]
fn a_sum_beyond_64_bits_is_an_error_only_of_the_complete_cell() {
    let row = |id: u128, reversal: bool| Drawn {
        booked_at_us: 0,
        seq: None,
        direction: Direction::In,
        reversal,
        amount_fen: crate::money::AMOUNT_FEN_MAX,
        balance_fen: None,
        class: Class::Other,
        counterparty: None,
        fingerprint: Fingerprint { id, content: 0 },
    };
    let mut rows: Vec<Drawn> = (0..10).map(|id| row(id, false)).collect();
    assert_eq!(cell_of(&rows).check_range(), Err(CellError::Overflow));
    rows.push(row(10, true));
    assert_eq!(cell_of(&rows).check_range(), Ok(()));
}
