//! Visitors: what looks at rows on their way into the buffer.

use arrow::array::AsArray as _;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;

use crate::class::{Matcher, Tally, tally_batch};
use crate::period::Date;

/// Visits the rows of a run batch by batch, in no order; each worker has a clone of its own.
pub trait Visitor: Clone + Send + Sync {
    /// Visits a batch of `pipelines/rows.sql`; `None` where it has another schema.
    fn visit(&mut self, batch: &RecordBatch) -> Option<()>;
}

/// The visitor of a build: what decided the classes, and the newest booking time.
#[derive(Clone, Debug)]
pub struct BuildVisitor {
    tally: Tally,
    newest_us: Option<i64>,
}

impl BuildVisitor {
    /// A visitor that has seen no row, under these rules.
    pub fn new(matcher: &Matcher) -> BuildVisitor {
        BuildVisitor { tally: Tally::new(matcher), newest_us: None }
    }

    /// Adds another worker's.
    pub fn add(&mut self, other: &BuildVisitor) {
        self.newest_us = self.newest_us.max(other.newest_us);
        self.tally.merge(&other.tally);
    }

    /// The newest booking date, and the tally.
    pub fn into_parts(self) -> (Option<Date>, Tally) {
        (self.newest_us.map(Date::of_time), self.tally)
    }
}

impl Visitor for BuildVisitor {
    fn visit(&mut self, batch: &RecordBatch) -> Option<()> {
        let times = batch.column_by_name("booked_at")?.as_primitive_opt::<TimestampMicrosecondType>()?;
        self.newest_us = self.newest_us.max(arrow::compute::max(times));
        tally_batch(batch, &mut self.tally)
    }
}
