//! Counterparties of a period: those of several months brought together.
//!
//! Owns: merging the months' sorted lists, and who is counted. Does not own: the figures made of them
//! (`product::classes`, `concentration`, `stability`, `turnover`). Keys stay in here and in cells.

use crate::cell::{CLASSES, Cell, Counterparty};
use crate::class::Class;
use crate::flow::{Direction, Flow, Flows};

use super::history::MonthFacts;

/// Counterparties of one class and direction that are counted in a period: those whose net count is above 0.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counted {
    /// How many.
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

/// What is counted in a period, by class and direction.
pub fn counted(period: &[MonthFacts<'_>]) -> [[Counted; 2]; CLASSES] {
    let mut counted = <[[Counted; 2]; CLASSES]>::default();
    let mut count = |party: &Counterparty| {
        for (counted, flow) in counted[party.class as usize].iter_mut().zip(party.flows) {
            counted.count(flow);
        }
    };
    let mut lists: Vec<(usize, &[Counterparty])> = Vec::with_capacity(period.len());
    lists.extend(cells(period).map(|(month, cell)| (month, cell.counterparties.as_slice())));
    if let [(_, parties)] = lists[..] {
        // One cell already holds each counterparty once.
        parties.iter().for_each(count);
        return counted;
    }
    loop {
        let mut merged: Option<Counterparty> = None;
        take_smallest(
            &mut lists,
            |party| (party.class as u8, party.key),
            |_, party| match &mut merged {
                Some(merged) => add_flows(&mut merged.flows, &party.flows),
                None => merged = Some(*party),
            },
        );
        match merged {
            Some(party) => count(&party),
            None => return counted,
        }
    }
}

/// One trade counterparty of a period: PUBLIC and OTHER rows with the same key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trader {
    /// Keyed hash of the counterparty key; it only tells counterparties apart.
    pub key: u128,
    /// Net flows of the period.
    pub flows: Flows,
    /// Months of the period with a net count above 0, by direction.
    pub months: [i64; 2],
}

impl Trader {
    fn new(key: u128) -> Trader {
        Trader { key, flows: Flows::default(), months: [0; 2] }
    }

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

    /// What it takes part with in shares: its net amount, fen, at least 0.
    pub fn part_fen(&self, way: Direction) -> i128 {
        self.flows[way as usize].amount_fen.max(0)
    }
}

/// The trade counterparties of a period, ascending by key, whether counted or not.
pub fn traders(period: &[MonthFacts<'_>]) -> Vec<Trader> {
    let mut lists: Vec<(usize, &[Counterparty])> = Vec::with_capacity(2 * period.len());
    for (month, cell) in cells(period) {
        let of_classes = [Class::Public, Class::Other].map(|class| of_class(&cell.counterparties, class));
        lists.extend(of_classes.into_iter().filter(|list| !list.is_empty()).map(|list| (month, list)));
    }
    let mut traders = Vec::with_capacity(lists.iter().map(|(_, list)| list.len()).max().unwrap_or(0));
    loop {
        // The lists of a month stand together, so a counterparty's flows of one month come together.
        let mut merged: Option<(Trader, usize, Flows)> = None;
        take_smallest(
            &mut lists,
            |party| party.key,
            |month, party| match &mut merged {
                Some((_, of, flows)) if *of == month => add_flows(flows, &party.flows),
                Some((trader, of, flows)) => {
                    trader.add_month(flows);
                    (*of, *flows) = (month, party.flows);
                }
                None => merged = Some((Trader::new(party.key), month, party.flows)),
            },
        );
        let Some((mut trader, _, flows)) = merged else {
            return traders;
        };
        trader.add_month(&flows);
        traders.push(trader);
    }
}

/// The cells of a period, each with the place of its month.
fn cells<'a>(period: &[MonthFacts<'a>]) -> impl Iterator<Item = (usize, &'a Cell)> {
    period.iter().enumerate().filter_map(|(month, facts)| Some((month, facts.cell?)))
}

/// Takes the entries with the smallest identity off lists that ascend by it, in the order of the lists.
///
/// There are at most two lists a month of W, so looking at all heads is cheaper than a heap.
fn take_smallest<'a, K: Ord>(
    lists: &mut [(usize, &'a [Counterparty])],
    identity: impl Fn(&Counterparty) -> K,
    mut take: impl FnMut(usize, &'a Counterparty),
) {
    let heads = lists.iter().filter_map(|(_, list)| list.first());
    let Some(smallest) = heads.map(&identity).min() else {
        return;
    };
    for (month, list) in lists {
        if let Some((first, rest)) = list.split_first()
            && identity(first) == smallest
        {
            take(*month, first);
            *list = rest;
        }
    }
}

/// The part of a sorted list that is of one class.
fn of_class(parties: &[Counterparty], class: Class) -> &[Counterparty] {
    let from = parties.partition_point(|party| (party.class as u8) < class as u8);
    let to = parties.partition_point(|party| party.class as u8 <= class as u8);
    &parties[from..to]
}

fn add_flows(sum: &mut Flows, flows: &Flows) {
    sum[0].add(flows[0]);
    sum[1].add(flows[1]);
}
