//! Flow: number of transactions and amount of money in one direction.
//!
//! Owns: direction, and the count and amount that cells, products and tallies add up. A reversal is a flow of -1 and
//! minus its amount, so flows are only added.

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use crate::money::money_text;

/// Direction of money, from the account's side.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Direction {
    /// Credit: money received.
    In = 0,
    /// Debit: money paid.
    Out = 1,
}

impl Direction {
    /// Both directions, in the order of products.
    pub const BOTH: [Direction; 2] = [Direction::In, Direction::Out];
}

/// Whether a row reverses another: it has a `reversal_of`, or its amount in the feed is negative.
#[inline]
pub fn is_reversal(amount_fen: i64, reverses: bool) -> bool {
    reverses || amount_fen < 0
}

/// A signed count of transactions and a signed sum of their amounts.
///
/// The sum is an i128: only more than 2^67 rows in one cell could exceed it. Whether it also fits the i64 of the
/// products is checked when a cell is complete, so that the order of rows makes no difference.
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

    /// Whether count and amount are zero.
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

/// One flow per direction, indexed by [`Direction`].
pub type Flows = [Flow; 2];

/// A number of rows and their flows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct RowFlows {
    /// Number of rows, reversals included.
    pub rows: u64,
    /// Their net flows.
    pub flows: Flows,
}

impl RowFlows {
    /// Adds the counts and flows of other rows.
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
