//! Counterparties of a period, added up over its months.
//!
//! Owns: adding up the months' lists, and the rule which counterparties are counted. Does not own: the figures made of them
//! (`product::classes`, `concentration`, `stability`, `turnover`). Keys do not leave this module and cells.
//!
//! The counterparties of an account are numbered once. Each period is then added up by number, in arrays short enough to
//! stay in the CPU cache, without sorting or merging.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::cell::{CLASSES, Counterparty};
use crate::class::Class;
use crate::flow::{Direction, Flow, Flows};
use crate::period::Month;

use super::history::MonthFacts;

/// The counted counterparties of one class and direction in a period: those whose net count is above 0.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counted {
    /// Their number.
    pub counterparties: i64,
    /// Largest net amount of one of them, fen; it may be below 0.
    pub top_fen: Option<i128>,
}

impl Counted {
    fn count(&mut self, flow: Flow) {
        if flow.count > 0 {
            self.counterparties += 1;
            self.top_fen = Some(self.top_fen.map_or(flow.amount_fen, |top| top.max(flow.amount_fen)));
        }
    }
}

/// The counted counterparties of one class, by direction.
pub type CountedFlows = [Counted; 2];

fn count(counted: &mut CountedFlows, flows: &Flows) {
    for (counted, flow) in counted.iter_mut().zip(flows) {
        counted.count(*flow);
    }
}

/// The counted counterparties of one month, by class and direction.
pub fn counted_in(month: &MonthFacts<'_>) -> [CountedFlows; CLASSES] {
    let mut counted = <[CountedFlows; CLASSES]>::default();
    // A cell holds each counterparty of a class once.
    for entry in month.cell.iter().flat_map(|cell| &cell.counterparties) {
        count(&mut counted[entry.class as usize], &entry.flows);
    }
    counted
}

/// One trade counterparty of a period: PUBLIC and OTHER rows with the same key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TradeCounterparty {
    /// Its number, which identifies it among the account's counterparties.
    pub number: u32,
    /// Net flows of the period.
    pub flows: Flows,
    /// Months of the period with a net count above 0, by direction.
    pub months: [i64; 2],
}

impl TradeCounterparty {
    /// Adds the flows of one month, all of them.
    fn add_month(&mut self, flows: &Flows) {
        add_flows(&mut self.flows, flows);
        for (months, flow) in self.months.iter_mut().zip(flows) {
            *months += i64::from(flow.count > 0);
        }
    }

    /// Whether it is counted in a direction: its net count is above 0.
    pub fn is_counted(&self, way: Direction) -> bool {
        self.flows[way as usize].count > 0
    }

    /// Its part in shares: its net amount, fen, at least 0.
    pub fn part_fen(&self, way: Direction) -> i128 {
        self.flows[way as usize].amount_fen.max(0)
    }
}

/// The counterparties of an account's months, numbered, with the buffers in which they are added up.
#[derive(Debug)]
pub struct Counterparties<'a> {
    /// The first of the months; the place of a month's list is its distance from it.
    first: Month,
    /// The months' lists one after another, each ascending by class.
    entries: Vec<Entry<'a>>,
    /// Where each month's list ends.
    ends: Vec<usize>,
    sums: Sums,
}

/// One counterparty's flows in one month and class.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    number: u32,
    class: Class,
    flows: &'a Flows,
}

impl<'a> Counterparties<'a> {
    /// The counterparties of consecutive months.
    pub fn of(months: &[MonthFacts<'a>]) -> Counterparties<'a> {
        let lists = || months.iter().map(|facts| facts.cell.map_or(&[][..], |cell| &cell.counterparties));
        let length = lists().map(<[_]>::len).sum();
        // Sized for all keys, since growing the table would cost more than filling it.
        let mut numbers: HashMap<u128, u32, RandomState> =
            HashMap::with_capacity_and_hasher(length, RandomState::default());
        let (mut entries, mut ends) = (Vec::with_capacity(length), Vec::with_capacity(months.len()));
        for list in lists() {
            for Counterparty { class, key, flows } in list {
                let next = numbers.len() as u32;
                let number = *numbers.entry(*key).or_insert(next);
                entries.push(Entry { number, class: *class, flows });
            }
            ends.push(entries.len());
        }
        let first = months.first().map_or(Month(0), |facts| facts.month);
        Counterparties { first, entries, ends, sums: Sums::new(numbers.len()) }
    }

    /// The counted counterparties of a period of the months, by class and direction.
    pub fn counted(&mut self, period: &[MonthFacts<'_>]) -> [CountedFlows; CLASSES] {
        let mut counted = <[CountedFlows; CLASSES]>::default();
        let Counterparties { first, entries, ends, sums } = self;
        let mut lists: Vec<&[Entry<'_>]> = lists(*first, entries, ends, period).collect();
        for class in Class::ALL {
            for list in &mut lists {
                let (of_class, rest) = list.split_at(list.iter().take_while(|entry| entry.class == class).count());
                of_class.iter().for_each(|entry| sums.add(entry));
                *list = rest;
            }
            sums.drain(|_, flows| count(&mut counted[class as usize], flows));
        }
        counted
    }

    /// The trade counterparties of a period of the months, ascending by number, whether counted or not.
    pub fn trade_counterparties(&mut self, period: &[MonthFacts<'_>]) -> Vec<TradeCounterparty> {
        let Counterparties { first, entries, ends, sums } = self;
        let mut trade_counterparties: Vec<Option<TradeCounterparty>> = vec![None; sums.flows.len()];
        for list in lists(*first, entries, ends, period) {
            // PUBLIC and OTHER flows are added before the month is judged: its net count is that of both.
            let of_trade = list.iter().filter(|entry| matches!(entry.class, Class::Public | Class::Other));
            of_trade.for_each(|entry| sums.add(entry));
            sums.drain(|number, flows| {
                let new = TradeCounterparty { number, flows: Flows::default(), months: [0; 2] };
                trade_counterparties[number as usize].get_or_insert(new).add_month(flows);
            });
        }
        trade_counterparties.into_iter().flatten().collect()
    }
}

/// The lists of a period's months.
fn lists<'p, 'a>(
    first: Month,
    entries: &'p [Entry<'a>],
    ends: &'p [usize],
    period: &[MonthFacts<'_>],
) -> impl Iterator<Item = &'p [Entry<'a>]> {
    period.iter().filter_map(move |facts| {
        let month = usize::try_from(facts.month.0 - first.0).ok()?;
        let start = month.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied())?;
        entries.get(start..*ends.get(month)?)
    })
}

/// Sums of flows by number. They are all zero between two uses.
#[derive(Debug)]
struct Sums {
    flows: Vec<Flows>,
    /// The numbers with flows. A number whose sum was zero in between may occur twice.
    touched: Vec<u32>,
}

impl Sums {
    fn new(numbers: usize) -> Sums {
        Sums { flows: vec![Flows::default(); numbers], touched: Vec::new() }
    }

    fn add(&mut self, entry: &Entry<'_>) {
        let sum = &mut self.flows[entry.number as usize];
        if sum.iter().all(|flow| flow.is_zero()) {
            self.touched.push(entry.number);
        }
        add_flows(sum, entry.flows);
    }

    /// Visits each sum and resets it.
    fn drain(&mut self, mut visit: impl FnMut(u32, &Flows)) {
        for number in self.touched.drain(..) {
            visit(number, &std::mem::take(&mut self.flows[number as usize]));
        }
    }
}

fn add_flows(sum: &mut Flows, flows: &Flows) {
    sum[0].add(flows[0]);
    sum[1].add(flows[1]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{Cell, Fingerprint, Row};
    use crate::period::Date;

    /// The cell of rows, each an amount that came in: its class, key, sign and fen.
    fn cell(rows: &[(Class, u128, i64)]) -> Cell {
        let mut cell = Cell::empty(1);
        for ((class, key, fen), number) in rows.iter().zip(0..) {
            cell.update(&Row {
                booked_at_us: 0,
                seq: None,
                txn_id: b"",
                direction: Direction::In,
                reversal: *fen < 0,
                amount_fen: fen.abs(),
                balance_fen: None,
                class: *class,
                counterparty: Some(*key),
                fingerprint: Fingerprint { id: number, content: 0 },
            });
        }
        cell.seal();
        cell
    }

    fn months<'a>(cells: &'a [Option<Cell>]) -> Vec<MonthFacts<'a>> {
        let day = |month: i32| Date(31 * month);
        let month = |(cell, month): (&'a Option<Cell>, i32)| MonthFacts {
            month: Month(600 + month),
            first_day: day(month),
            last_day: day(month),
            cell: cell.as_ref(),
            balances: None,
        };
        cells.iter().zip(0..).map(month).collect()
    }

    #[test]
    fn months_add_up_by_class_and_by_counterparty() {
        use Class::{Other, Public};
        let cells = [
            Some(cell(&[(Public, 1, 10), (Other, 1, 20), (Other, 2, 5), (Other, 3, 7)])),
            None,
            // Counterparty 2 takes back what it paid; 3 does, and pays again in the month after.
            Some(cell(&[(Other, 2, -5), (Other, 3, -7), (Class::SameName, 4, 100)])),
            Some(cell(&[(Other, 3, 1), (Public, 1, 2)])),
            Some(cell(&[(Other, 9, 1_000)])),
        ];
        let months = months(&cells);
        let mut counterparties = Counterparties::of(&months);
        for _ in 0..2 {
            let counted = counterparties.counted(&months[..4]);
            let of = |class: Class| counted[class as usize][0];
            let expected = |counterparties, top_fen| Counted { counterparties, top_fen };
            assert_eq!(of(Public), expected(1, Some(12)));
            assert_eq!(of(Other), expected(2, Some(20)), "1 and 3; 2 came to nothing");
            assert_eq!(of(Class::SameName), expected(1, Some(100)));
            assert_eq!(counted[Other as usize][1], Counted::default());
            let trade_counterparties = counterparties.trade_counterparties(&months[..4]);
            let figures: Vec<_> = trade_counterparties
                .iter()
                .map(|counterparty| {
                    (counterparty.flows[0].count, counterparty.flows[0].amount_fen, counterparty.months[0])
                })
                .collect();
            assert_eq!(figures, [(3, 32, 2), (0, 0, 1), (1, 1, 2)]);
            assert!(trade_counterparties.is_sorted_by_key(|counterparty| counterparty.number));
        }
        assert_eq!(counterparties.counted(&months[3..4]), counted_in(&months[3]));
        assert_eq!(counterparties.counted(&months[1..2]), counted_in(&months[1]));
        assert_eq!(counterparties.trade_counterparties(&[]), []);
        assert_eq!(Counterparties::of(&[]).counted(&[]), <[CountedFlows; CLASSES]>::default());
    }
}
