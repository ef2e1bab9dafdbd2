//! The pace of a replay: which rows are due, and when. Owns the replay's clock, which stands still while it is paused.

use std::time::{Duration, Instant};

use arrow::array::AsArray as _;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;

/// How fast a replay goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speed {
    /// As fast as rows are taken.
    Max,
    /// So many times as fast as they were booked; 1 is real time.
    Times(u32),
}

/// Whether a replay is to stand still just now, asked several times a second.
pub trait Pauses {
    /// Whether it is paused.
    fn is_paused(&self) -> bool;
    /// Whether the process was stopped and goes on again since this was last asked: the time between is no time of the
    /// replay.
    fn was_stopped(&self) -> bool;
}

/// A replay that no one pauses.
pub struct NoPauses;

impl Pauses for NoPauses {
    fn is_paused(&self) -> bool {
        false
    }

    fn was_stopped(&self) -> bool {
        false
    }
}

/// How long the replay sleeps at most before it looks around.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// The replay's clock.
pub struct Pace<'a> {
    speed: Speed,
    pauses: &'a dyn Pauses,
    /// An instant and the booking time that was due then.
    anchor: Option<(Instant, i64)>,
}

impl Pace<'_> {
    /// A clock that starts with the first row.
    pub fn new(speed: Speed, pauses: &dyn Pauses) -> Pace<'_> {
        Pace { speed, pauses, anchor: None }
    }

    /// Waits until a row of `batch`, from `start` on, is due; how many are due then. `None` where none is left.
    pub fn wait_for(&mut self, batch: &RecordBatch, start: usize) -> Option<usize> {
        let times: &[i64] = batch.column_by_name("booked_at")?.as_primitive_opt::<TimestampMicrosecondType>()?.values();
        let left = times.get(start..).filter(|left| !left.is_empty())?;
        let next = *left.first()?;
        loop {
            self.stand_still(next);
            let Speed::Times(times) = self.speed else { return Some(left.len()) };
            let (since, from) = *self.anchor.get_or_insert_with(|| (Instant::now(), next));
            let passed_us = i64::try_from(since.elapsed().as_micros()).unwrap_or(i64::MAX);
            let now = from.saturating_add(passed_us.saturating_mul(i64::from(times)));
            let due = left.partition_point(|time| *time <= now);
            if due > 0 {
                return Some(due);
            }
            let wait_us = (next - now).unsigned_abs() / u64::from(times.max(1)) + 1;
            std::thread::sleep(Duration::from_micros(wait_us).min(LOOK_AROUND));
        }
    }

    /// Waits while the replay is paused, and sets the clock to the next row after a pause or a stop.
    fn stand_still(&mut self, next: i64) {
        let mut has_stood = self.pauses.was_stopped();
        while self.pauses.is_paused() {
            has_stood = true;
            std::thread::sleep(LOOK_AROUND);
        }
        if has_stood && self.anchor.is_some() {
            self.anchor = Some((Instant::now(), next));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, TimestampMicrosecondArray};

    use super::*;

    fn batch(seconds: &[i64]) -> RecordBatch {
        let times = TimestampMicrosecondArray::from_iter_values(seconds.iter().map(|second| second * 1_000_000));
        RecordBatch::try_from_iter([("booked_at", Arc::new(times) as ArrayRef)])
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// How many rows come at a time.
    fn steps(pace: &mut Pace<'_>, batch: &RecordBatch) -> Vec<usize> {
        let (mut steps, mut sent) = (Vec::new(), 0);
        while let Some(due) = pace.wait_for(batch, sent) {
            steps.push(due);
            sent += due;
        }
        steps
    }

    #[test]
    fn all_at_once_or_row_by_row() {
        let rows = batch(&[0, 0, 100, 100, 100, 3_600]);
        assert_eq!(steps(&mut Pace::new(Speed::Max, &NoPauses), &rows), [6]);
        // At a thousand times real time 100 seconds are a tenth of one, so equal times come together.
        let began = Instant::now();
        assert_eq!(steps(&mut Pace::new(Speed::Times(10_000), &NoPauses), &rows), [2, 3, 1]);
        assert!(began.elapsed() >= Duration::from_millis(360));
    }

    /// Paused for some looks.
    struct Some3(Cell<u32>);

    impl Pauses for Some3 {
        fn is_paused(&self) -> bool {
            self.0.set(self.0.get() + 1);
            (2..=4).contains(&self.0.get())
        }

        fn was_stopped(&self) -> bool {
            false
        }
    }

    #[test]
    fn a_pause_is_no_time_of_the_replay() {
        let pauses = Some3(Cell::new(0));
        let mut pace = Pace::new(Speed::Times(1_000), &pauses);
        let rows = batch(&[0, 200]);
        let began = Instant::now();
        assert_eq!(steps(&mut pace, &rows), [1, 1]);
        // The pause of three looks, after which the clock is set to the row that is next.
        assert!(began.elapsed() >= LOOK_AROUND * 3);
    }
}
