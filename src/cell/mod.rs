//! The cell: all that both products need of one account in one month, as a monoid.
//!
//! Owns: the state, its update by a row, its merge, its canonical form. [`bytes`] owns its stored form and
//! [`function`] the aggregate function over it. Does not own: which rows belong to a cell (the pipeline groups
//! them), duplicates (removed before), windows (products).
//!
//! **Invariant:** merge is associative and commutative with [`Cell::empty`] as its neutral element, over disjoint
//! sets of rows; two cells that share a row, or were made under different secrets, do not merge.

pub mod bytes;
pub mod function;
#[cfg(test)]
mod laws;

use std::cmp::Ordering;

use crate::class::Class;
use crate::flow::{Direction, Flow, Flows};
use crate::period::Date;

/// Lower bounds of the amount bands, in fen: 0, 1 000, 10 000, 50 000, 200 000, 500 000, 2 000 000 yuan.
pub const BAND_LOWER_FEN: [i64; 7] = [0, 100_000, 1_000_000, 5_000_000, 20_000_000, 50_000_000, 200_000_000];

/// Number of classes, cash included.
pub const CLASSES: usize = Class::ALL.len();

/// One transaction as a cell meets it: integers and keyed hashes, and the text that orders equal times.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Booking time, civil Shanghai microseconds.
    pub booked_at_us: i64,
    /// Order among equal times.
    pub seq: Option<i64>,
    /// Order among equal times and `seq`; only looked at where `balance_fen` is given.
    pub txn_id: &'a str,
    /// Which way, as the row itself says.
    pub direction: Direction,
    /// The row takes back what another row did: it counts as -1 and minus the amount.
    pub reversal: bool,
    /// Absolute amount.
    pub amount_fen: i64,
    /// Balance after the row.
    pub balance_fen: Option<i64>,
    /// The row's class.
    pub class: Class,
    /// Keyed hash of the counterparty key; `None` = unidentified.
    pub counterparty: Option<u128>,
    /// What tells this row from the account's other rows of the month.
    pub fingerprint: Fingerprint,
}

impl Row<'_> {
    /// What the row adds in its direction.
    pub fn flow(&self) -> Flow {
        let sign = if self.reversal { -1 } else { 1 };
        Flow { count: sign, amount_fen: i128::from(sign) * i128::from(self.amount_fen) }
    }

    /// What the row adds to the balance: in +, out -, a reversal the other way round.
    pub fn balance_change_fen(&self) -> i64 {
        match (self.direction, self.reversal) {
            (Direction::In, false) | (Direction::Out, true) => self.amount_fen,
            (Direction::In, true) | (Direction::Out, false) => -self.amount_fen,
        }
    }
}

/// Keyed hashes of a row's identifier and of its whole content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint {
    /// Of `txn_id`, within the account and month.
    pub id: u64,
    /// Of all columns after conversion.
    pub content: u64,
}

/// Where a row stands among the account's rows: (booked_at, seq with null first, txn_id as bytes).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Order {
    /// Booking time.
    pub booked_at_us: i64,
    /// `None` sorts before any number.
    pub seq: Option<i64>,
    /// UTF-8 bytes decide.
    pub txn_id: Box<str>,
}

impl Order {
    fn of(row: &Row<'_>) -> Order {
        Order { booked_at_us: row.booked_at_us, seq: row.seq, txn_id: row.txn_id.into() }
    }

    fn is_before(&self, row: &Row<'_>) -> bool {
        (self.booked_at_us, self.seq, self.txn_id.as_bytes()) < (row.booked_at_us, row.seq, row.txn_id.as_bytes())
    }
}

/// A known balance and the row that tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Balance {
    /// The row.
    pub order: Order,
    /// The balance, fen.
    pub fen: i64,
}

/// What one date of the month holds. A date without rows has no `Day`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Day {
    /// The date.
    pub date: Date,
    /// Whether a row went this way, reversals included; indexed by direction.
    pub seen: [bool; 2],
    /// Net operating amount (all classes but SAME_NAME and OPENING_BANK), fen, by direction.
    pub operating_fen: [i128; 2],
    /// Net amount of class SAME_NAME, fen, by direction.
    pub same_name_fen: [i128; 2],
    /// Balance after the day's last row that carries one.
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

/// The mergeable state of one account and month.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cell {
    /// Which secret the hashes were made under; cells under different secrets do not merge.
    pub(crate) secret_id: u64,
    /// Net flows by direction, all rows: added up beside the classes, so that the two can be held against each other.
    pub(crate) funds: Flows,
    /// Net flows by class and direction, all rows.
    pub(crate) classes: [Flows; CLASSES],
    /// Net flows of operating rows by band of the absolute amount and direction.
    pub(crate) bands: [Flows; BAND_LOWER_FEN.len()],
    /// Net amount, in and out together, of OTHER rows without a counterparty key.
    pub(crate) unidentified_fen: i128,
    /// Dates with rows. Invariant: ascending by date, each once.
    pub(crate) days: Vec<Day>,
    /// The month's first row that carries a balance, with that balance minus what the row added.
    pub(crate) opening: Option<Balance>,
    /// Invariant once canonical: ascending by (class, key), each once, none zero.
    pub(crate) counterparties: Vec<Counterparty>,
    /// Invariant once canonical: ascending, each id once.
    pub(crate) fingerprints: Vec<Fingerprint>,
}

/// Why a cell cannot be made of two, or read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CellError {
    /// The cells' hashes were made under different secrets.
    #[error("cells made under different secrets do not merge")]
    OtherSecret,
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

/// From so many counterparties on a cell adds them up before its list grows.
const COUNTERPARTIES_LONG: usize = 1024;

/// The band of an absolute amount: the last whose lower bound is not above it.
fn band_of(amount_fen: i64) -> usize {
    BAND_LOWER_FEN.iter().rposition(|lower| amount_fen >= *lower).unwrap_or(0)
}

impl Cell {
    /// The neutral element: no rows.
    pub fn empty(secret_id: u64) -> Cell {
        Cell {
            secret_id,
            funds: Flows::default(),
            classes: [Flows::default(); CLASSES],
            bands: [Flows::default(); BAND_LOWER_FEN.len()],
            unidentified_fen: 0,
            days: Vec::new(),
            opening: None,
            counterparties: Vec::new(),
            fingerprints: Vec::new(),
        }
    }

    /// Adds one row. The caller has removed repeats; [`Cell::settle`] follows after the last row.
    pub fn update(&mut self, row: &Row<'_>) {
        let (flow, way) = (row.flow(), row.direction as usize);
        let operating = !matches!(row.class, Class::SameName | Class::OpeningBank);
        self.funds[way].add(flow);
        self.classes[row.class as usize][way].add(flow);
        if operating {
            self.bands[band_of(row.amount_fen)][way].add(flow);
        }
        match row.counterparty {
            Some(key) if row.class != Class::Cash => {
                let mut flows = Flows::default();
                flows[way] = flow;
                self.make_room();
                self.counterparties.push(Counterparty { class: row.class, key, flows });
            }
            Some(_) => {}
            None if row.class == Class::Other => self.unidentified_fen += flow.amount_fen,
            None => {}
        }
        let day = self.day_mut(Date::of_time(row.booked_at_us));
        day.seen[way] = true;
        if operating {
            day.operating_fen[way] += flow.amount_fen;
        } else if row.class == Class::SameName {
            day.same_name_fen[way] += flow.amount_fen;
        }
        if let Some(balance_fen) = row.balance_fen {
            if day.close.as_ref().is_none_or(|close| close.order.is_before(row)) {
                day.close = Some(Balance { order: Order::of(row), fen: balance_fen });
            }
            if self.opening.as_ref().is_none_or(|opening| !opening.order.is_before(row)) {
                // Both are at most 18 digits, so the difference fits (see `AMOUNT_FEN_MAX`).
                let before_fen = balance_fen - row.balance_change_fen();
                self.opening = Some(Balance { order: Order::of(row), fen: before_fen });
            }
        }
        self.fingerprints.push(row.fingerprint);
    }

    /// Brings the cell into its canonical form: what rows appended is sorted and added up.
    pub fn settle(&mut self) {
        self.fingerprints.sort_unstable();
        self.add_up_counterparties();
    }

    /// Adds up what rows appended before a long list grows, so that it follows counterparties, not rows.
    fn make_room(&mut self) {
        let (length, capacity) = (self.counterparties.len(), self.counterparties.capacity());
        if length < COUNTERPARTIES_LONG || length < capacity {
            return;
        }
        self.add_up_counterparties();
        // Little gained: grow, or the next few rows would sort it all again.
        if self.counterparties.len() > capacity / 2 {
            self.counterparties.reserve(capacity);
        }
    }

    fn add_up_counterparties(&mut self) {
        self.counterparties.sort_unstable_by_key(|c| (c.class as u8, c.key));
        self.counterparties.dedup_by(|later, first| {
            let same = (later.class, later.key) == (first.class, first.key);
            if same {
                first.flows[0].add(later.flows[0]);
                first.flows[1].add(later.flows[1]);
            }
            same
        });
        self.counterparties.retain(|c| !c.flows.iter().all(|flow| flow.is_zero()));
    }

    /// Merges another cell of the same account and month; both are canonical, and so is the result.
    ///
    /// # Errors
    /// [`CellError::OtherSecret`] and [`CellError::SharedRow`]; the cell is then as it was.
    pub fn merge(&mut self, other: Cell) -> Result<(), CellError> {
        if self.secret_id != other.secret_id {
            return Err(CellError::OtherSecret);
        }
        if shares_an_id(&self.fingerprints, &other.fingerprints) {
            return Err(CellError::SharedRow);
        }
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
        self.opening = pick(self.opening.take(), other.opening, Ordering::Less);
        self.counterparties.extend(other.counterparties);
        self.fingerprints.extend(other.fingerprints);
        self.settle();
        Ok(())
    }

    /// Whether every sum of a complete cell fits i64 fen, as the contract asks.
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

    /// Rows that the cell was made of.
    pub fn rows(&self) -> usize {
        self.fingerprints.len()
    }

    /// Lets go of the rows' fingerprints, which a product does not need, and tells how many there were.
    pub fn forget_rows(&mut self) -> usize {
        std::mem::take(&mut self.fingerprints).len()
    }

    /// Net flows of all rows, by direction.
    pub fn funds(&self) -> Flows {
        self.funds
    }

    /// Bytes that the cell holds on the heap, about.
    pub fn heap_bytes(&self) -> usize {
        let texts: usize = self.days.iter().filter_map(|d| d.close.as_ref()).map(|b| b.order.txn_id.len()).sum();
        self.days.capacity() * size_of::<Day>()
            + texts
            + self.counterparties.capacity() * size_of::<Counterparty>()
            + self.fingerprints.capacity() * size_of::<Fingerprint>()
    }

    fn day_mut(&mut self, date: Date) -> &mut Day {
        let at = match self.days.binary_search_by_key(&date, |day| day.date) {
            Ok(at) => at,
            Err(at) => {
                self.days.insert(at, Day::new(date));
                at
            }
        };
        &mut self.days[at]
    }

    fn merge_day(&mut self, other: Day) {
        let day = self.day_mut(other.date);
        for way in 0..2 {
            day.seen[way] |= other.seen[way];
            day.operating_fen[way] += other.operating_fen[way];
            day.same_name_fen[way] += other.same_name_fen[way];
        }
        day.close = pick(day.close.take(), other.close, Ordering::Greater);
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

/// Of two balances the one whose row stands `wanted` of the other's; the orders of different rows differ.
fn pick(mine: Option<Balance>, theirs: Option<Balance>, wanted: Ordering) -> Option<Balance> {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) if theirs.order.cmp(&mine.order) == wanted => Some(theirs),
        (Some(mine), _) => Some(mine),
        (None, theirs) => theirs,
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
