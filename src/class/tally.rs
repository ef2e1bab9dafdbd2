//! Rows and money by the rule and the evidence that decided their class.
//!
//! Owns: the sums. Does not own: the decisions ([`super::decide`]).

use std::collections::BTreeMap;

use arrow::array::AsArray as _;
use arrow::datatypes::{Int64Type, UInt8Type, UInt16Type};
use arrow::record_batch::RecordBatch;
use serde::{Serialize, Serializer};

use super::{Class, Decision, Evidence, Matcher, Subclass};
use crate::flow::{Direction, Flow, RowFlows, is_reversal};
use crate::money;

/// The sums of rows and money: one for each rule and kind of evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tally {
    /// By [`Decision::rule_index`], then by [`Evidence`].
    sums: Vec<[RowFlows; Evidence::ALL.len()]>,
}

/// Adds a batch's rows to a tally: its columns `direction`, `reverses`, `amount_fen` and `verdict`. `None` where
/// a column is missing or of another type, or where a row has a rule that the tally has no sum for.
pub fn tally_batch(batch: &RecordBatch, tally: &mut Tally) -> Option<()> {
    let direction = batch.column_by_name("direction")?.as_primitive_opt::<UInt8Type>()?.values();
    let reverses = batch.column_by_name("reverses")?.as_boolean_opt()?.values();
    let amount_fen = batch.column_by_name("amount_fen")?.as_primitive_opt::<Int64Type>()?.values();
    let verdict = batch.column_by_name("verdict")?.as_struct_opt()?;
    let rule = verdict.column_by_name("rule")?.as_primitive_opt::<UInt16Type>()?.values();
    let evidence = verdict.column_by_name("evidence")?.as_primitive_opt::<UInt8Type>()?.values();
    let decided = rule.iter().zip(evidence).zip(direction.iter().zip(amount_fen)).zip(reverses);
    for (((rule, evidence), (direction, amount_fen)), reverses) in decided {
        let sign = if is_reversal(*amount_fen, reverses) { -1 } else { 1 };
        let direction = if *direction == 0 { Direction::In } else { Direction::Out };
        let flow = Flow { count: sign, amount_fen: i128::from(sign * amount_fen.saturating_abs()) };
        tally.add(usize::from(*rule), Evidence::from_u8(*evidence)?, direction, flow)?;
    }
    Some(())
}

/// One line of a tally.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// The class that it gives.
    pub class: Class,
    /// The sub-class that it gives.
    pub subclass: Subclass,
    /// The strongest evidence for the class.
    pub evidence: Evidence,
    /// The rows so decided.
    pub sum: RowFlows,
}

/// Some rows of a tally, and their share of its money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Share {
    /// The rows.
    #[serde(flatten)]
    pub sum: RowFlows,
    /// Money in and out, net of reversals, in millionths over that of all rows; null where that is 0.
    #[serde(serialize_with = "as_decimal")]
    pub share: Option<i128>,
}

/// Millionths as a decimal.
fn as_decimal<S: Serializer>(millionths: &Option<i128>, serializer: S) -> Result<S::Ok, S::Error> {
    millionths.map(money::ratio_text).serialize(serializer)
}

impl Share {
    /// `sum` as a share of `total`.
    pub fn new(sum: RowFlows, total: &RowFlows) -> Share {
        let money_fen = |sum: &RowFlows| sum.flows[0].amount_fen + sum.flows[1].amount_fen;
        Share { sum, share: money::ratio(money_fen(&sum), money_fen(total)) }
    }
}

impl Tally {
    /// A tally of nothing, under these rules.
    pub fn new(matcher: &Matcher) -> Tally {
        Tally { sums: vec![Default::default(); matcher.rule_count()] }
    }

    /// Adds a row, a reversal with a negative flow. `None` where the tally is under other rules.
    pub fn add(&mut self, rule: usize, evidence: Evidence, direction: Direction, flow: Flow) -> Option<()> {
        let sum = &mut self.sums.get_mut(rule)?[evidence as usize];
        sum.rows += 1;
        sum.flows[direction as usize].add(flow);
        Some(())
    }

    /// Adds another tally under the same rules.
    pub fn merge(&mut self, other: &Tally) {
        for (sums, more) in self.sums.iter_mut().zip(&other.sums) {
            sums.iter_mut().zip(more).for_each(|(sum, more)| sum.add(more));
        }
    }

    /// The sums that have rows, by the number of the rule and then by evidence.
    pub fn entries<'a>(&'a self, matcher: &'a Matcher) -> impl Iterator<Item = Entry<'a>> {
        self.sums.iter().enumerate().flat_map(move |(index, sums)| {
            let (rule, class, subclass) = matcher.rule(index);
            let entry =
                move |(evidence, sum): (Evidence, &RowFlows)| Entry { rule, class, subclass, evidence, sum: *sum };
            Evidence::ALL.into_iter().zip(sums).filter(|(_, sum)| sum.rows > 0).map(entry)
        })
    }

    /// The sums by evidence, under its name.
    pub fn by_evidence(&self) -> BTreeMap<&'static str, Share> {
        let total = self.total();
        let share = |evidence: Evidence| {
            let mut sum = RowFlows::default();
            self.sums.iter().for_each(|sums| sum.add(&sums[evidence as usize]));
            (evidence.name(), Share::new(sum, &total))
        };
        Evidence::ALL.into_iter().map(share).collect()
    }

    /// The sum over all rows.
    pub fn total(&self) -> RowFlows {
        let mut total = RowFlows::default();
        self.sums.iter().flatten().for_each(|sum| total.add(sum));
        total
    }
}

impl Matcher {
    /// Id, class and sub-class of the rule with this number, below [`Matcher::rule_count`].
    fn rule(&self, index: usize) -> (&str, Class, Subclass) {
        match Decision::of_code_rule(index) {
            Some(decision) => (self.rule_id(decision), decision.class, decision.subclass),
            None => self.rule_of_file(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::*;

    #[test]
    fn sums_are_kept_apart_and_merge() {
        let matcher = Matcher::new(&Rules::builtin());
        let (mut one, mut other) = (Tally::new(&matcher), Tally::new(&matcher));
        let last = matcher.rule_count() - 1;
        let flow = |count, amount_fen| Flow { count, amount_fen };
        for (is_one, rule, evidence, direction, flow) in [
            (true, 0, Evidence::Kind, Direction::In, flow(1, 500)),
            (true, last, Evidence::Name, Direction::Out, flow(1, 200)),
            (false, last, Evidence::Name, Direction::Out, flow(-1, -200)),
            (false, last, Evidence::Uscc, Direction::Out, flow(1, 7)),
        ] {
            let tally = if is_one { &mut one } else { &mut other };
            assert_eq!(tally.add(rule, evidence, direction, flow), Some(()));
        }
        assert_eq!(one.add(last + 1, Evidence::Name, Direction::In, flow(1, 1)), None);
        one.merge(&other);
        let entries: Vec<_> =
            one.entries(&matcher).map(|entry| (entry.rule, entry.class, entry.evidence, entry.sum)).collect();
        let (rule, class, _) = matcher.rule(last);
        let none = Flow::default();
        assert_eq!(
            entries,
            [
                ("cash", Class::Cash, Evidence::Kind, RowFlows { rows: 1, flows: [flow(1, 500), none] }),
                (rule, class, Evidence::Uscc, RowFlows { rows: 1, flows: [none, flow(1, 7)] }),
                (rule, class, Evidence::Name, RowFlows { rows: 2, flows: [none, none] }),
            ]
        );
        assert_eq!(one.total(), RowFlows { rows: 4, flows: [flow(1, 500), flow(1, 7)] });
        let by_evidence = one.by_evidence();
        let mut sum = RowFlows::default();
        by_evidence.values().for_each(|share| sum.add(&share.sum));
        assert_eq!(sum, one.total());
        let share = |evidence| by_evidence.get(evidence).and_then(|share| share.share);
        assert_eq!([share("kind"), share("uscc"), share("name")], [Some(986_193), Some(13_807), Some(0)]);
    }
}
