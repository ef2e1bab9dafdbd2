//! The cell: the state of one account and month from which both products are computed, as a monoid.
//!
//! Owns: the state, its merge, its canonical form. `update` owns how rows are added to it, [`bytes`] its stored form. Does
//! not own: the aggregate function (`crate::engine`), which rows belong to a cell (the pipeline groups them), duplicates
//! (removed before), windows (products).
//!
//! **Invariant:** merge is associative and commutative with [`Cell::empty`] as its neutral element, over disjoint
//! sets of rows; two cells that share a row, or were made under different keys, do not merge.
//!
//! A complete cell can be sealed: it drops the state that only further rows or a merge would need, and accepts neither.
//! Products are computed from sealed cells.

pub mod bytes;
#[cfg(test)]
mod laws;
mod txn_id;
mod update;

use std::cmp::Ordering;

pub use txn_id::TxnId;
pub use update::Updating;

use crate::class::Class;
use crate::flow::{Direction, Flow, Flows};
use crate::period::Date;

/// Lower bounds of the amount bands, in fen: 0, 1 000, 10 000, 50 000, 200 000, 500 000, 2 000 000 yuan.
pub const BAND_LOWER_FEN: [i64; 7] = [0, 100_000, 1_000_000, 5_000_000, 20_000_000, 50_000_000, 200_000_000];

/// Number of classes, cash included.
pub const CLASSES: usize = Class::ALL.len();

/// One transaction as it is added to a cell: integers and keyed hashes, and the text that orders equal times.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Booking time, civil Shanghai microseconds.
    pub booked_at_us: i64,
    /// Order among equal times.
    pub seq: Option<i64>,
    /// UTF-8 bytes: order among equal times and `seq`; only used if `balance_fen` is given.
    pub txn_id: &'a [u8],
    /// Direction, as the row has it.
    pub direction: Direction,
    /// The row reverses another row: it counts as -1 and minus the amount.
    pub reversal: bool,
    /// Absolute amount.
    pub amount_fen: i64,
    /// Balance after the row.
    pub balance_fen: Option<i64>,
    /// The row's class.
    pub class: Class,
    /// Keyed hash of the counterparty key; `None` = unidentified.
    pub counterparty: Option<u128>,
    /// Fingerprint, unique among the account's other rows of the month.
    pub fingerprint: Fingerprint,
}

impl Row<'_> {
    /// The row's flow in its direction.
    pub fn flow(&self) -> Flow {
        flow_of(self.reversal, self.amount_fen)
    }

    /// The row's change of the balance: in +, out -, a reversal with the opposite sign.
    pub fn balance_change_fen(&self) -> i64 {
        match (self.direction, self.reversal) {
            (Direction::In, false) | (Direction::Out, true) => self.amount_fen,
            (Direction::In, true) | (Direction::Out, false) => -self.amount_fen,
        }
    }
}

/// The flow of a row of this absolute amount.
pub(crate) fn flow_of(reversal: bool, amount_fen: i64) -> Flow {
    let sign = if reversal { -1 } else { 1 };
    Flow { count: sign, amount_fen: i128::from(sign) * i128::from(amount_fen) }
}

/// Keyed hashes of a row's identifier and of its whole content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint {
    /// Of `txn_id`, within the account and month.
    pub id: u128,
    /// Of all columns after conversion.
    pub content: u64,
}

/// The sort key of an account's rows: (booked_at, seq with null first, txn_id as bytes).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Order {
    /// Booking time.
    pub booked_at_us: i64,
    /// `None` sorts before any number.
    pub seq: Option<i64>,
    /// UTF-8 bytes decide.
    pub txn_id: TxnId,
}

/// A known balance and the sort key of its row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Balance {
    /// The sort key of the row; `None` in a sealed cell.
    pub order: Option<Order>,
    /// The balance, fen.
    pub fen: i64,
}

/// The state of one date of the month. A date without rows has no `Day`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Day {
    /// The date.
    pub date: Date,
    /// Whether there is a row of this direction, reversals included; indexed by direction.
    pub seen: [bool; 2],
    /// Net operating amount (all classes but SAME_NAME and OPENING_BANK), fen, by direction.
    pub operating_fen: [i128; 2],
    /// Net amount of class SAME_NAME, fen, by direction.
    pub same_name_fen: [i128; 2],
    /// Balance after the day's last row that has one.
    pub close: Option<Balance>,
}

/// One counterparty's flows in one class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counterparty {
    /// The class of the rows.
    pub class: Class,
    /// Keyed hash of the counterparty key.
    pub key: u128,
    /// Net flows by direction.
    pub flows: Flows,
}

/// One row's addition to its counterparty, until it is added up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct CounterpartyRow {
    key: u128,
    amount_fen: i64,
    class: Class,
    direction: Direction,
    reversal: bool,
}

impl CounterpartyRow {
    /// The sort key and identity of the counterparties of a cell.
    fn order(&self) -> (u8, u128) {
        (self.class as u8, self.key)
    }
}

/// The rows of a cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum CellRows {
    /// Their fingerprints. Invariant once canonical: ascending, each id once.
    Known(Vec<Fingerprint>),
    /// Of a sealed cell: their number.
    Counted(u64),
}

/// The mergeable state of one account and month.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cell {
    /// Which key the hashes were made under ([`crate::hash_key::HashKey::id`]).
    pub(crate) key_id: u64,
    /// Net flows by direction, all rows: added up separately from the classes, so that the two can be compared.
    pub(crate) funds: Flows,
    /// Net flows by class and direction, all rows.
    pub(crate) classes: [Flows; CLASSES],
    /// Net flows of operating rows by band of the absolute amount and direction.
    pub(crate) bands: [Flows; BAND_LOWER_FEN.len()],
    /// Net amount, in and out together, of OTHER rows without a counterparty key.
    pub(crate) unidentified_fen: i128,
    /// Dates with rows. Invariant: ascending by date, each once.
    pub(crate) days: Vec<Day>,
    /// The month's first row that has a balance, with the balance before this row.
    pub(crate) opening: Option<Balance>,
    /// Invariant once canonical: ascending by (class, key), each once, none zero.
    pub(crate) counterparties: Vec<Counterparty>,
    /// Rows not yet added up in `counterparties`. Invariant once canonical: empty.
    counterparty_rows: Vec<CounterpartyRow>,
    pub(crate) rows: CellRows,
}

/// Why a cell cannot be made of two, or read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CellError {
    /// The cells' hashes were made under different keys or by different hash schemes.
    #[error("cells made under different hash keys do not merge")]
    OtherKey,
    /// A sealed cell does not merge.
    #[error("a sealed cell does not merge")]
    Sealed,
    /// Both cells hold a row with the same fingerprint.
    #[error("the cells share a row")]
    SharedRow,
    /// A sum of the month leaves the range of i64 fen.
    #[error("a sum of one month leaves the range of 64-bit fen")]
    Overflow,
    /// The bytes are not a cell's.
    #[error("bytes of a cell are damaged: {0}")]
    Damaged(&'static str),
    /// The bytes are of a version this program does not read.
    #[error("cell format version {0} is not known to this program")]
    OtherVersion(u8),
}

impl Cell {
    /// The neutral element: no rows.
    pub fn empty(key_id: u64) -> Cell {
        Cell {
            key_id,
            funds: Flows::default(),
            classes: [Flows::default(); CLASSES],
            bands: [Flows::default(); BAND_LOWER_FEN.len()],
            unidentified_fen: 0,
            days: Vec::new(),
            opening: None,
            counterparties: Vec::new(),
            counterparty_rows: Vec::new(),
            rows: CellRows::Known(Vec::new()),
        }
    }

    /// Clears and reopens the cell; its lists keep their memory for the next rows.
    pub fn clear(&mut self) {
        // Field by field: a cell is above a kibibyte, and a fresh one would be copied over it.
        self.funds = Flows::default();
        self.classes = [Flows::default(); CLASSES];
        self.bands = [Flows::default(); BAND_LOWER_FEN.len()];
        self.unidentified_fen = 0;
        self.days.clear();
        self.opening = None;
        self.counterparties.clear();
        self.counterparty_rows.clear();
        match &mut self.rows {
            CellRows::Known(fingerprints) => fingerprints.clear(),
            CellRows::Counted(_) => self.rows = CellRows::Known(Vec::new()),
        }
    }

    /// Reserves memory for the fingerprints of this many more rows.
    pub(crate) fn reserve(&mut self, rows: usize) {
        if let CellRows::Known(fingerprints) = &mut self.rows {
            fingerprints.reserve(rows);
        }
    }

    /// Brings the cell into its canonical form: sorts and adds up the values that rows appended.
    pub fn settle(&mut self) {
        if let CellRows::Known(fingerprints) = &mut self.rows {
            fingerprints.sort_unstable();
        }
        self.add_up_counterparties();
    }

    /// Brings a complete cell into its canonical form and drops the state that only further rows or a merge would need: the
    /// fingerprints of its rows, of which the number is kept, and the sort keys of balances.
    pub fn seal(&mut self) {
        self.rows = CellRows::Counted(self.rows());
        let closes = self.days.iter_mut().filter_map(|day| day.close.as_mut());
        closes.chain(&mut self.opening).for_each(|balance| balance.order = None);
        self.add_up_counterparties();
    }

    /// Whether [`Cell::seal`] was called.
    pub fn is_sealed(&self) -> bool {
        matches!(self.rows, CellRows::Counted(_))
    }

    fn add_up_counterparties(&mut self) {
        let known = self.counterparties.len();
        self.counterparty_rows.sort_unstable_by_key(CounterpartyRow::order);
        for rows in self.counterparty_rows.chunk_by(|a, b| a.order() == b.order()) {
            let mut party = Counterparty { class: rows[0].class, key: rows[0].key, flows: Flows::default() };
            for row in rows {
                party.flows[row.direction as usize].add(flow_of(row.reversal, row.amount_fen));
            }
            self.counterparties.push(party);
        }
        self.counterparty_rows.clear();
        if known > 0 {
            // The list consists of sorted runs, which this sort merges.
            self.counterparties.sort_by_key(|party| (party.class as u8, party.key));
            self.counterparties.dedup_by(|later, first| {
                let same = (later.class, later.key) == (first.class, first.key);
                if same {
                    add_flows(&mut first.flows, &later.flows);
                }
                same
            });
        }
        self.counterparties.retain(|party| !party.flows.iter().all(|flow| flow.is_zero()));
    }

    /// Merges another cell of the same account and month; both are canonical, and so is the result.
    ///
    /// # Errors
    /// [`CellError::OtherKey`], [`CellError::Sealed`] and [`CellError::SharedRow`]; the cell is then unchanged.
    pub fn merge(&mut self, other: Cell) -> Result<(), CellError> {
        if self.key_id != other.key_id {
            return Err(CellError::OtherKey);
        }
        let (CellRows::Known(fingerprints), CellRows::Known(theirs)) = (&mut self.rows, other.rows) else {
            return Err(CellError::Sealed);
        };
        if shares_an_id(fingerprints, &theirs) {
            return Err(CellError::SharedRow);
        }
        fingerprints.extend(theirs);
        add_flows(&mut self.funds, &other.funds);
        for (mine, theirs) in self.classes.iter_mut().zip(&other.classes) {
            add_flows(mine, theirs);
        }
        for (mine, theirs) in self.bands.iter_mut().zip(&other.bands) {
            add_flows(mine, theirs);
        }
        self.unidentified_fen += other.unidentified_fen;
        for day in other.days {
            self.merge_day(day);
        }
        keep(&mut self.opening, other.opening, Ordering::Less);
        self.counterparties.extend(other.counterparties);
        self.settle();
        Ok(())
    }

    /// Checks that every sum of a complete cell fits i64 fen, as the products require.
    ///
    /// # Errors
    /// [`CellError::Overflow`].
    pub fn check_range(&self) -> Result<(), CellError> {
        let flows = |flows: &Flows| flows.iter().all(|flow| fits(flow.amount_fen));
        let sums_fit = flows(&self.funds)
            && self.classes.iter().all(flows)
            && self.bands.iter().all(flows)
            && fits(self.unidentified_fen)
            && self.days.iter().all(|d| d.operating_fen.iter().chain(&d.same_name_fen).all(|fen| fits(*fen)))
            && self.counterparties.iter().all(|c| flows(&c.flows));
        if sums_fit { Ok(()) } else { Err(CellError::Overflow) }
    }

    /// Number of rows in the cell.
    pub fn rows(&self) -> u64 {
        match &self.rows {
            CellRows::Known(fingerprints) => fingerprints.len() as u64,
            CellRows::Counted(rows) => *rows,
        }
    }

    /// Net flows of all rows, by direction.
    pub fn funds(&self) -> Flows {
        self.funds
    }

    /// Approximate number of bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let balances = self.days.iter().filter_map(|day| day.close.as_ref()).chain(&self.opening);
        let ids: usize = balances.filter_map(|b| b.order.as_ref()).map(|order| order.txn_id.heap_bytes()).sum();
        let fingerprints = match &self.rows {
            CellRows::Known(fingerprints) => fingerprints.capacity() * size_of::<Fingerprint>(),
            CellRows::Counted(_) => 0,
        };
        self.days.capacity() * size_of::<Day>()
            + ids
            + self.counterparties.capacity() * size_of::<Counterparty>()
            + self.counterparty_rows.capacity() * size_of::<CounterpartyRow>()
            + fingerprints
    }

    /// The index of a date's day, which is inserted if it is missing.
    fn day_at(&mut self, date: Date) -> usize {
        // Rows mostly ascend in time.
        if self.days.last().is_none_or(|last| last.date < date) {
            self.days.push(Day::new(date));
            return self.days.len() - 1;
        }
        self.days.binary_search_by_key(&date, |day| day.date).unwrap_or_else(|at| {
            self.days.insert(at, Day::new(date));
            at
        })
    }

    fn merge_day(&mut self, other: Day) {
        let at = self.day_at(other.date);
        let day = &mut self.days[at];
        for way in 0..2 {
            day.seen[way] |= other.seen[way];
            day.operating_fen[way] += other.operating_fen[way];
            day.same_name_fen[way] += other.same_name_fen[way];
        }
        keep(&mut day.close, other.close, Ordering::Greater);
    }
}

impl Day {
    /// A date without rows yet.
    pub(crate) fn new(date: Date) -> Day {
        Day { date, seen: [false; 2], operating_fen: [0; 2], same_name_fen: [0; 2], close: None }
    }
}

fn add_flows(mine: &mut Flows, theirs: &Flows) {
    mine[Direction::In as usize].add(theirs[Direction::In as usize]);
    mine[Direction::Out as usize].add(theirs[Direction::Out as usize]);
}

fn fits(fen: i128) -> bool {
    i64::try_from(fen).is_ok()
}

/// Replaces the kept balance if there is none yet, or if the other's sort key compares as `wanted` to that of the kept one.
/// Different rows have different sort keys.
fn keep(kept: &mut Option<Balance>, other: Option<Balance>, wanted: Ordering) {
    let Some(other) = other else { return };
    if kept.as_ref().is_none_or(|kept| other.order.cmp(&kept.order) == wanted) {
        *kept = Some(other);
    }
}

/// Whether two ascending lists hold the same identifier.
fn shares_an_id(left: &[Fingerprint], right: &[Fingerprint]) -> bool {
    let (mut l, mut r) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(a), Some(b)) = (l.peek(), r.peek()) {
        match a.id.cmp(&b.id) {
            Ordering::Less => l.next(),
            Ordering::Greater => r.next(),
            Ordering::Equal => return true,
        };
    }
    false
}
