//! Flow: how many transactions and how much money went one way.
//!
//! Owns: direction, and the count and amount that cells, products and tallies add up. A reversal is a flow of -1 and
//! minus its amount, so flows are added and never taken apart.

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use crate::money::money_text;

/// Which way money went, from the account's side.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Direction {
    /// Credit: money received.
    In = 0,
    /// Debit: money paid.
    Out = 1,
}

impl Direction {
    /// Both, in the order that products show them.
    pub const BOTH: [Direction; 2] = [Direction::In, Direction::Out];
}

/// Whether a row takes back what another did: it says so (`reversal_of`), or its amount as the feed has it is negative.
#[inline]
pub fn is_reversal(amount_fen: i64, reverses: bool) -> bool {
    reverses || amount_fen < 0
}

/// A signed count of transactions and a signed sum of their amounts.
///
/// The sum is an i128: one cell would need more than 2^67 rows to leave it. Whether it also fits the i64 that
/// the contract asks for is checked once a cell is complete, so that no order of rows can make a difference.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Flow {
    /// Transactions, net of reversals.
    pub count: i64,
    /// Fen, net of reversals.
    pub amount_fen: i128,
}

impl Flow {
    /// Adds another flow to this one.
    pub fn add(&mut self, other: Flow) {
        self.count += other.count;
        self.amount_fen += other.amount_fen;
    }

    /// Neither a count nor an amount.
    pub fn is_zero(self) -> bool {
        self == Flow::default()
    }
}

impl std::iter::Sum for Flow {
    fn sum<I: Iterator<Item = Flow>>(flows: I) -> Flow {
        flows.fold(Flow::default(), |mut sum, flow| {
            sum.add(flow);
            sum
        })
    }
}

/// A flow each way, indexed by [`Direction`].
pub type Flows = [Flow; 2];

/// Rows and what they add up to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct RowFlows {
    /// How many rows, reversals counted as any other.
    pub rows: u64,
    /// Their net flows.
    pub flows: Flows,
}

impl RowFlows {
    /// Adds those of other rows.
    pub fn add(&mut self, other: &RowFlows) {
        self.rows += other.rows;
        self.flows[0].add(other.flows[0]);
        self.flows[1].add(other.flows[1]);
    }
}

/// Counts as numbers, amounts as decimal texts in yuan.
impl Serialize for RowFlows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [money_in, money_out] = self.flows;
        let mut fields = serializer.serialize_struct("RowFlows", 5)?;
        fields.serialize_field("rows", &self.rows)?;
        fields.serialize_field("in_count", &money_in.count)?;
        fields.serialize_field("in_amount", &money_text(money_in.amount_fen))?;
        fields.serialize_field("out_count", &money_out.count)?;
        fields.serialize_field("out_amount", &money_text(money_out.amount_fen))?;
        fields.end()
    }
}
