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
    /// Whether the process was stopped and has gone on since this was last asked.
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
    /// An instant and the booking time that was due then; the instant moves on while the replay stands still.
    anchor: Option<(Instant, i64)>,
    /// When the pauses were last looked at.
    looked: Instant,
}

impl Pace<'_> {
    /// A clock that starts with the first row.
    pub fn new(speed: Speed, pauses: &dyn Pauses) -> Pace<'_> {
        Pace { speed, pauses, anchor: None, looked: Instant::now() }
    }

    /// Waits until a row of `batch`, from `start` on, is due; how many are due then. `None` where none is left.
    pub fn wait_for(&mut self, batch: &RecordBatch, start: usize) -> Option<usize> {
        let times: &[i64] = batch.column_by_name("booked_at")?.as_primitive_opt::<TimestampMicrosecondType>()?.values();
        let left = times.get(start..).filter(|left| !left.is_empty())?;
        let next = *left.first()?;
        loop {
            self.stand_still();
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

    /// Waits while the replay is paused. A pause, and the time since the last look where the process was stopped, are
    /// no time of the replay.
    fn stand_still(&mut self) {
        let mut stood = if self.pauses.was_stopped() { self.looked.elapsed() } else { Duration::ZERO };
        let began = Instant::now();
        while self.pauses.is_paused() {
            std::thread::sleep(LOOK_AROUND);
            stood = began.elapsed();
        }
        if let Some((since, _)) = &mut self.anchor {
            *since += stood;
        }
        self.looked = Instant::now();
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

    /// Paused for some looks, and stopped before one.
    #[derive(Default)]
    struct Interrupted {
        looks: Cell<u32>,
        paused: std::ops::Range<u32>,
        stopped: Option<u32>,
    }

    impl Pauses for Interrupted {
        fn is_paused(&self) -> bool {
            self.looks.set(self.looks.get() + 1);
            self.paused.contains(&self.looks.get())
        }

        fn was_stopped(&self) -> bool {
            self.stopped == Some(self.looks.get())
        }
    }

    /// How long two rows take that stand 200 ms apart.
    fn took(pauses: &Interrupted) -> Duration {
        let mut pace = Pace::new(Speed::Times(1_000), pauses);
        let began = Instant::now();
        assert_eq!(steps(&mut pace, &batch(&[0, 200])), [1, 1]);
        began.elapsed()
    }

    #[test]
    fn a_pause_is_no_time_of_the_replay() {
        let due = Duration::from_millis(200);
        assert!(took(&Interrupted::default()) >= due);
        // The pause comes on top of the wait, not in its place.
        assert!(took(&Interrupted { paused: 2..8, ..Interrupted::default() }) >= due + LOOK_AROUND * 6);
        // So does the look before which the process was stopped: of it all but the sleep is unknown.
        assert!(took(&Interrupted { stopped: Some(3), ..Interrupted::default() }) >= due + LOOK_AROUND);
    }
}
