//! The pace of a replay: which rows are due, and when.
//!
//! Owns the time of the replay, which stands still during a pause. Does not own: the clock ([`Clock`]) and the source of
//! pauses ([`Pauses`]), which are passed in.

use std::time::Duration;

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

/// The clock of a replay.
pub trait Clock {
    /// The time since a fixed instant; it never decreases.
    fn now(&self) -> Duration;
    /// Waits for about `time`.
    fn sleep(&self, time: Duration);
}

/// Whether a replay is paused, asked several times a second.
pub trait Pauses {
    /// Whether it is paused.
    fn is_paused(&self) -> bool;
    /// Whether the process was stopped and has continued since the last call.
    fn was_stopped(&self) -> bool;
}

/// A replay without pauses.
pub struct NoPauses;

impl Pauses for NoPauses {
    fn is_paused(&self) -> bool {
        false
    }

    fn was_stopped(&self) -> bool {
        false
    }
}

/// The longest sleep between two checks for a pause.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The time of a replay.
pub struct Pace<'a> {
    speed: Speed,
    clock: &'a dyn Clock,
    pauses: &'a dyn Pauses,
    /// A time of the clock and the booking time that was due then. A pause moves the time of the clock on.
    anchor: Option<(Duration, i64)>,
    /// When the pauses were last checked.
    checked: Duration,
}

impl Pace<'_> {
    /// A pace that starts with the first row.
    pub fn new<'a>(speed: Speed, clock: &'a dyn Clock, pauses: &'a dyn Pauses) -> Pace<'a> {
        Pace { speed, clock, pauses, anchor: None, checked: clock.now() }
    }

    /// Waits until a row of `batch`, from `start` on, is due. Returns the number of rows that are due then, `None` if no
    /// row is left.
    pub fn wait_for(&mut self, batch: &RecordBatch, start: usize) -> Option<usize> {
        let times: &[i64] = batch.column_by_name("booked_at")?.as_primitive_opt::<TimestampMicrosecondType>()?.values();
        let left = times.get(start..).filter(|left| !left.is_empty())?;
        let next = *left.first()?;
        loop {
            self.stand_still();
            let Speed::Times(times) = self.speed else { return Some(left.len()) };
            let clock_now = self.clock.now();
            let (since, from) = *self.anchor.get_or_insert((clock_now, next));
            let passed_us = i64::try_from(clock_now.saturating_sub(since).as_micros()).unwrap_or(i64::MAX);
            let now = from.saturating_add(passed_us.saturating_mul(i64::from(times)));
            let due = left.partition_point(|time| *time <= now);
            if due > 0 {
                return Some(due);
            }
            let wait_us = next.saturating_sub(now).unsigned_abs().div_ceil(u64::from(times.max(1)));
            self.clock.sleep(Duration::from_micros(wait_us).min(CHECK_INTERVAL));
        }
    }

    /// Waits while the replay is paused. Neither a pause nor, if the process was stopped, the time since the last check
    /// belongs to the replay.
    fn stand_still(&mut self) {
        let began = self.clock.now();
        let stopped = if self.pauses.was_stopped() { began.saturating_sub(self.checked) } else { Duration::ZERO };
        while self.pauses.is_paused() {
            self.clock.sleep(CHECK_INTERVAL);
        }
        self.checked = self.clock.now();
        if let Some((since, _)) = &mut self.anchor {
            *since += stopped + self.checked.saturating_sub(began);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, TimestampMicrosecondArray};

    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// A clock that only `sleep` moves. The process is paused in a span of its time, and stopped at one instant of it.
    #[derive(Default)]
    struct ManualClock {
        now: Cell<Duration>,
        paused: std::ops::Range<Duration>,
        /// When the process stops and for how long.
        stop: Cell<Option<(Duration, Duration)>>,
        was_stopped: Cell<bool>,
    }

    impl Clock for ManualClock {
        fn now(&self) -> Duration {
            self.now.get()
        }

        fn sleep(&self, time: Duration) {
            let mut end = self.now.get() + time;
            if let Some((at, length)) = self.stop.get().filter(|(at, _)| *at < end) {
                // The sleep ends late: when the process continues, or by itself after that.
                end = end.max(at + length);
                self.stop.set(None);
                self.was_stopped.set(true);
            }
            self.now.set(end);
        }
    }

    impl Pauses for ManualClock {
        fn is_paused(&self) -> bool {
            self.paused.contains(&self.now.get())
        }

        fn was_stopped(&self) -> bool {
            self.was_stopped.take()
        }
    }

    /// When rows at these seconds are sent, and how many at a time.
    fn steps(speed: Speed, clock: &ManualClock, seconds: &[i64]) -> Vec<(Duration, usize)> {
        let times = TimestampMicrosecondArray::from_iter_values(seconds.iter().map(|second| second * 1_000_000));
        let batch = RecordBatch::try_from_iter([("booked_at", Arc::new(times) as ArrayRef)])
            .unwrap_or_else(|error| panic!("{error}"));
        let mut pace = Pace::new(speed, clock, clock);
        let (mut steps, mut sent) = (Vec::new(), 0);
        while let Some(due) = pace.wait_for(&batch, sent) {
            steps.push((clock.now(), due));
            sent += due;
        }
        steps
    }

    const SECONDS: [i64; 6] = [0, 0, 100, 100, 100, 3_600];

    #[test]
    fn at_full_speed_all_rows_are_due_at_once() {
        assert_eq!(steps(Speed::Max, &ManualClock::default(), &SECONDS), [(ms(0), 6)]);
    }

    #[test]
    fn rows_are_sent_when_they_are_due_and_equal_times_together() {
        let expected = [(ms(0), 2), (ms(10), 3), (ms(360), 1)];
        assert_eq!(steps(Speed::Times(10_000), &ManualClock::default(), &SECONDS), expected);
        let expected = [(ms(0), 2), (ms(100_000), 3), (ms(3_600_000), 1)];
        assert_eq!(steps(Speed::Times(1), &ManualClock::default(), &SECONDS), expected);
    }

    #[test]
    fn a_pause_is_no_time_of_the_replay() {
        let sent = |clock: ManualClock| steps(Speed::Times(1_000), &clock, &[0, 200]);
        assert_eq!(sent(ManualClock::default()), [(ms(0), 1), (ms(200), 1)]);
        // The pause is seen at 100 ms and its end at 400 ms; 100 ms are still to wait then.
        let paused = ManualClock { paused: ms(60)..ms(380), ..ManualClock::default() };
        assert_eq!(sent(paused), [(ms(0), 1), (ms(500), 1)]);
        // A pause before the first row moves both.
        let paused = ManualClock { paused: ms(0)..ms(1), ..ManualClock::default() };
        assert_eq!(sent(paused), [(ms(50), 1), (ms(250), 1)]);
    }

    #[test]
    fn the_time_in_which_the_process_was_stopped_is_no_time_of_the_replay() {
        let stop = Cell::new(Some((ms(60), ms(10_000))));
        let clock = ManualClock { stop, ..ManualClock::default() };
        // The sleep that begins at 50 ms ends at 10,060 ms. All of it is left out, since the part of it before the stop
        // is unknown; 150 ms are still to wait.
        assert_eq!(steps(Speed::Times(1_000), &clock, &[0, 200]), [(ms(0), 1), (ms(10_210), 1)]);
    }

    #[test]
    fn at_full_speed_a_pause_holds_all_rows_back() {
        let clock = ManualClock { paused: ms(0)..ms(120), ..ManualClock::default() };
        assert_eq!(steps(Speed::Max, &clock, &SECONDS), [(ms(150), 6)]);
    }
}
