//! Results of numbered tasks, handed to one consumer in ascending order whoever finishes first.
//!
//! Owns: the order, and the bound on what waits. There is no thread and no channel: the worker whose task is due consumes on
//! its own thread, and one that is too far ahead waits. The lowest task never waits, so any number of workers makes
//! progress. Does not own: the consumer, or which worker takes which task; workers take tasks in ascending order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Where workers put the items of their tasks.
pub struct InOrder<T, C> {
    state: Mutex<State<T, C>>,
    turn: Condvar,
    /// Items that one task may have waiting.
    items_max: usize,
}

struct State<T, C> {
    consumer: C,
    /// The task whose items are consumed at once.
    due: usize,
    /// Items of later tasks, and whether that is all of a task.
    waiting: BTreeMap<usize, (Vec<T>, bool)>,
    /// The consumer or a worker failed: nothing is consumed any more.
    is_stopped: bool,
}

/// The consumer or another worker failed, and its error is the one to report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("internal: the work was stopped by another worker's error")]
pub struct Stopped;

/// Stops the others when a worker leaves its task by an error or a panic.
struct StopOnDrop<'a, T, C>(&'a InOrder<T, C>);

impl<T, C> Drop for StopOnDrop<'_, T, C> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl<T, C> InOrder<T, C> {
    /// An order of tasks from 0, each with at most so many items waiting.
    pub fn new(consumer: C, items_max: usize) -> InOrder<T, C> {
        let state = State { consumer, due: 0, waiting: BTreeMap::new(), is_stopped: false };
        InOrder { state: Mutex::new(state), turn: Condvar::new(), items_max: items_max.max(1) }
    }

    /// Ends all work: workers that wait get [`Stopped`].
    pub fn stop(&self) {
        self.lock().is_stopped = true;
        self.turn.notify_all();
    }

    /// Runs a worker's task; when it does not end well, the others are stopped.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn task<R, E>(&self, work: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
        let stop = StopOnDrop(self);
        let result = work()?;
        std::mem::forget(stop);
        Ok(result)
    }

    /// The consumer, after the last task.
    pub fn into_consumer(self) -> C {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).consumer
    }

    fn lock(&self) -> MutexGuard<'_, State<T, C>> {
        // A panicked worker has stopped the order.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, C> InOrder<T, C> {
    /// Puts an item of a task. `consume` is called for each item that is due.
    ///
    /// # Errors
    /// Those of `consume`, which stop the order; [`Stopped`], by way of `From`.
    pub fn put<E: From<Stopped>>(
        &self,
        task: usize,
        item: T,
        consume: impl Fn(&mut C, T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut state = self.lock();
        loop {
            if state.is_stopped {
                return Err(Stopped.into());
            }
            if task == state.due {
                let consumed = consume(&mut state.consumer, item);
                state.is_stopped |= consumed.is_err();
                return consumed;
            }
            let waiting = state.waiting.entry(task).or_default();
            if waiting.0.len() < self.items_max {
                waiting.0.push(item);
                return Ok(());
            }
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends a task. Where it was due, the next tasks' items are consumed as far as they are there.
    ///
    /// # Errors
    /// As of [`InOrder::put`].
    pub fn end<E: From<Stopped>>(&self, task: usize, consume: impl Fn(&mut C, T) -> Result<(), E>) -> Result<(), E> {
        let mut state = self.lock();
        if state.is_stopped {
            return Err(Stopped.into());
        }
        if task != state.due {
            state.waiting.entry(task).or_default().1 = true;
            return Ok(());
        }
        loop {
            state.due += 1;
            let due = state.due;
            let Some((items, is_whole)) = state.waiting.remove(&due) else { break };
            for item in items {
                let consumed = consume(&mut state.consumer, item);
                if consumed.is_err() {
                    state.is_stopped = true;
                    self.turn.notify_all();
                    return consumed;
                }
            }
            if !is_whole {
                break;
            }
        }
        self.turn.notify_all();
        Ok(())
    }

    /// Waits until a task is among the next so many, so that few results wait at once.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn wait_for_turn(&self, task: usize, ahead_max: usize) -> Result<(), Stopped> {
        let mut state = self.lock();
        while !state.is_stopped && task > state.due + ahead_max {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_stopped { Err(Stopped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    type Order = InOrder<(usize, usize), Vec<(usize, usize)>>;

    fn push(consumer: &mut Vec<(usize, usize)>, item: (usize, usize)) -> Result<(), Stopped> {
        consumer.push(item);
        Ok(())
    }

    /// Each of so many tasks puts some items; later tasks are the quicker ones.
    fn run(workers: usize, tasks: usize, fails: Option<usize>) -> (Vec<Result<(), Stopped>>, Order) {
        let order: Order = InOrder::new(Vec::new(), 2);
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let task = next.fetch_add(1, Ordering::Relaxed);
                if task >= tasks {
                    return Ok(());
                }
                order.task(|| {
                    order.wait_for_turn(task, 3)?;
                    for item in 0..task % 5 {
                        std::thread::sleep(Duration::from_micros((tasks - task) as u64));
                        order.put(task, (task, item), push)?;
                    }
                    if fails == Some(task) { Err(Stopped) } else { order.end(task, push) }
                })?;
            }
        };
        let results = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        (results, order)
    }

    #[test]
    fn items_come_in_the_order_of_tasks_whatever_the_workers() {
        let expected: Vec<(usize, usize)> =
            (0..60).flat_map(|task| (0..task % 5).map(move |item| (task, item))).collect();
        for workers in [1, 2, 7] {
            let (results, order) = run(workers, 60, None);
            assert!(results.iter().all(Result::is_ok));
            assert_eq!(order.into_consumer(), expected);
        }
    }

    #[test]
    fn a_worker_that_fails_releases_the_others() {
        for fails in [0, 1, 17, 59] {
            let (results, order) = run(5, 60, Some(fails));
            assert!(results.contains(&Err(Stopped)));
            assert!(order.into_consumer().iter().all(|(task, _)| *task <= fails));
        }
    }

    #[test]
    fn a_consumer_that_fails_stops_the_order() {
        let order: Order = InOrder::new(Vec::new(), 2);
        assert_eq!(order.put(0, (0, 0), |_, _| Err(Stopped)), Err(Stopped));
        assert_eq!(order.put(0, (0, 1), push), Err(Stopped));
        assert_eq!(order.wait_for_turn(9, 1), Err(Stopped));
    }
}
