//! Results of numbered tasks, passed to one consumer in ascending order, whichever task finishes first.
//!
//! Owns: the order, and the bound on waiting results. There is no thread and no channel. The worker whose task is due passes
//! its results to the consumer on its own thread. Results of later tasks wait; if they would exceed the bound, their workers
//! wait. Does not own: the consumer, or the assignment of tasks to workers.
//!
//! A task waits only if it is not due, and then it waits for the due one. So any number of workers makes progress, if each
//! takes its tasks in ascending order, one after another. In particular, a task must not run parallel work on its worker's
//! pool: the worker could begin a later task inside it and wait for itself.
//!
//! A task that fails stops all later tasks, which would wait for it forever. Earlier tasks continue. So the error of the
//! lowest failing task is always found, whichever worker was faster.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Takes the results of all tasks, in order.
pub trait Consumer<T> {
    /// Why a result could not be taken.
    type Error: From<Stopped>;

    /// Takes the next result.
    ///
    /// # Errors
    /// Those of the consumer; they stop the due task and all later ones.
    fn consume(&mut self, item: T) -> Result<(), Self::Error>;
}

/// An earlier task failed, and its error is the one to report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("internal: the work was stopped by another worker's error")]
pub struct Stopped;

/// The order of tasks, numbered from 0.
pub struct InOrder<T, C> {
    state: Mutex<State<T>>,
    /// Signalled when the due task, the failed task or the weight changes.
    changed: Condvar,
    /// Locked only by the worker whose task is due, so there is no contention.
    consumer: Mutex<C>,
    waiting_max: usize,
}

struct State<T> {
    /// The lowest task that has not ended.
    due: usize,
    /// Waiting results of tasks that ended before they were due.
    ended: BTreeMap<usize, Waiting<T>>,
    /// Weight of all waiting results.
    waiting: usize,
    /// The lowest task that failed. This task and all later ones are stopped.
    failed: Option<usize>,
}

impl<T> State<T> {
    fn is_stopped(&self, task: usize) -> bool {
        self.failed.is_some_and(|failed| failed <= task)
    }
}

/// Waiting results of one task.
struct Waiting<T> {
    items: Vec<T>,
    weight: usize,
}

impl<T, C: Consumer<T>> InOrder<T, C> {
    /// An order without tasks. Waiting results have a total weight of at most `waiting_max`; the caller chooses the unit.
    pub fn new(consumer: C, waiting_max: usize) -> InOrder<T, C> {
        let state = State { due: 0, ended: BTreeMap::new(), waiting: 0, failed: None };
        InOrder { state: Mutex::new(state), changed: Condvar::new(), consumer: Mutex::new(consumer), waiting_max }
    }

    /// Begins a task. A task that is dropped before its end has failed.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn begin(&self, task: usize) -> Result<Task<'_, T, C>, Stopped> {
        if self.lock().is_stopped(task) {
            return Err(Stopped);
        }
        Ok(Task { order: self, number: task, waiting: Waiting { items: Vec::new(), weight: 0 }, has_ended: false })
    }

    /// The consumer, after the last task.
    ///
    /// # Errors
    /// [`Stopped`] if a task failed or was left out.
    pub fn finish(self) -> Result<C, Stopped> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if state.failed.is_some() || !state.ended.is_empty() {
            return Err(Stopped);
        }
        Ok(self.consumer.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code of the caller runs under this lock, so the state is consistent even after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, task: usize) {
        let mut state = self.lock();
        state.failed = Some(state.failed.map_or(task, |failed| failed.min(task)));
        self.changed.notify_all();
    }

    /// Passes results of the due task to the consumer.
    fn consume(&self, task: usize, waiting: Waiting<T>, last: Option<T>) -> Result<(), C::Error> {
        let consumed = {
            // After a panic of the consumer its task has failed, and no later task calls it.
            let mut consumer = self.consumer.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.items.into_iter().chain(last).try_for_each(|item| consumer.consume(item))
        };
        if waiting.weight > 0 {
            self.lock().waiting -= waiting.weight;
            self.changed.notify_all();
        }
        consumed.inspect_err(|_| self.fail(task))
    }
}

/// A task that was begun.
pub struct Task<'o, T, C: Consumer<T>> {
    order: &'o InOrder<T, C>,
    number: usize,
    waiting: Waiting<T>,
    has_ended: bool,
}

impl<T, C: Consumer<T>> Task<'_, T, C> {
    /// Adds a result of the task. If the task is not due and the bound is reached, the call waits.
    ///
    /// # Errors
    /// Those of the consumer; [`Stopped`].
    pub fn put(&mut self, item: T, weight: usize) -> Result<(), C::Error> {
        let mut state = self.order.lock();
        while state.due != self.number {
            if state.is_stopped(self.number) {
                return Err(Stopped.into());
            }
            if state.waiting.saturating_add(weight) <= self.order.waiting_max {
                state.waiting += weight;
                self.waiting.weight += weight;
                self.waiting.items.push(item);
                return Ok(());
            }
            state = self.order.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_stopped(self.number) {
            return Err(Stopped.into());
        }
        drop(state);
        self.order.consume(self.number, self.take_waiting(), Some(item))
    }

    /// Ends the task. If it was due, results of following tasks that have ended are passed on, too.
    ///
    /// # Errors
    /// As of [`Task::put`].
    pub fn end(mut self) -> Result<(), C::Error> {
        let mut state = self.order.lock();
        if state.is_stopped(self.number) {
            return Err(Stopped.into());
        }
        if state.due != self.number {
            state.ended.insert(self.number, self.take_waiting());
            self.has_ended = true;
            return Ok(());
        }
        drop(state);
        self.order.consume(self.number, self.take_waiting(), None)?;
        self.has_ended = true;
        // Tasks that have ended already have no worker any more, so this worker passes on their results.
        loop {
            let mut state = self.order.lock();
            state.due += 1;
            let due = state.due;
            let Some(waiting) = state.ended.remove(&due) else {
                self.order.changed.notify_all();
                return Ok(());
            };
            drop(state);
            self.order.consume(due, waiting, None)?;
        }
    }

    fn take_waiting(&mut self) -> Waiting<T> {
        let weight = std::mem::take(&mut self.waiting.weight);
        Waiting { items: std::mem::take(&mut self.waiting.items), weight }
    }
}

impl<T, C: Consumer<T>> Drop for Task<'_, T, C> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.order.fail(self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    use super::*;

    #[derive(Clone, PartialEq, Eq, Debug)]
    enum Fault {
        Stopped,
        OfTask(usize),
        OfConsumer,
    }

    impl From<Stopped> for Fault {
        fn from(_: Stopped) -> Fault {
            Fault::Stopped
        }
    }

    /// Notes results, and fails at one of them.
    #[derive(Default)]
    struct Notes {
        items: Vec<(usize, usize)>,
        fails_at: Option<(usize, usize)>,
    }

    impl Consumer<(usize, usize)> for Notes {
        type Error = Fault;

        fn consume(&mut self, item: (usize, usize)) -> Result<(), Fault> {
            if self.fails_at == Some(item) {
                return Err(Fault::OfConsumer);
            }
            self.items.push(item);
            Ok(())
        }
    }

    type Order = InOrder<(usize, usize), Notes>;

    /// Each of the tasks puts some results, of a weight of 1 each; later tasks are the quicker ones.
    fn run(order: &Order, workers: usize, tasks: usize, fails: &[usize], panics: bool) -> Vec<(usize, Fault)> {
        let next = AtomicUsize::new(0);
        let one = |number: usize| {
            let mut task = order.begin(number)?;
            for item in 0..number % 5 {
                std::thread::sleep(Duration::from_micros(2 * (tasks - number) as u64));
                task.put((number, item), 1)?;
            }
            match fails.contains(&number) {
                true if panics => resume_unwind(Box::new("a value")),
                true => Err(Fault::OfTask(number)),
                false => task.end(),
            }
        };
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= tasks {
                    return Ok(());
                }
                let result = catch_unwind(AssertUnwindSafe(|| one(number)));
                result.unwrap_or(Err(Fault::OfTask(number))).map_err(|fault| (number, fault))?;
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            workers.into_iter().filter_map(|worker| worker.join().unwrap().err()).collect()
        })
    }

    fn items(tasks: usize) -> Vec<(usize, usize)> {
        (0..tasks).flat_map(|task| (0..task % 5).map(move |item| (task, item))).collect()
    }

    #[test]
    fn results_come_in_the_order_of_tasks_whatever_the_workers_and_the_bound() {
        for workers in [1, 2, 7, 30] {
            for waiting_max in [0, 1, 3, usize::MAX] {
                let order = Order::new(Notes::default(), waiting_max);
                assert_eq!(run(&order, workers, 90, &[], false), []);
                assert_eq!(order.state.lock().unwrap().waiting, 0);
                assert_eq!(order.finish().ok().unwrap().items, items(90), "{workers} {waiting_max}");
            }
        }
    }

    #[test]
    fn of_several_failures_the_lowest_is_always_met() {
        for fails in [&[0][..], &[1], &[17, 18, 40], &[40, 17], &[59]] {
            for panics in [false, true] {
                let order = Order::new(Notes::default(), 2);
                let faults = run(&order, 5, 60, fails, panics);
                let lowest = *fails.iter().min().unwrap();
                // No earlier task was stopped, and no later one passed anything on.
                assert_eq!(faults.iter().min_by_key(|(task, _)| *task), Some(&(lowest, Fault::OfTask(lowest))));
                let taken = std::mem::take(&mut order.consumer.lock().unwrap().items);
                assert!(taken.starts_with(&items(lowest)) && taken.iter().all(|(task, _)| *task <= lowest));
                assert!(order.finish().is_err());
            }
        }
    }

    #[test]
    fn a_consumer_that_fails_stops_its_task_and_those_behind_it() {
        for workers in [1, 4] {
            let order = Order::new(Notes { fails_at: Some((18, 1)), ..Notes::default() }, 3);
            let faults = run(&order, workers, 60, &[], false);
            let own = faults.iter().filter(|(_, fault)| *fault == Fault::OfConsumer).count();
            assert_eq!(own, 1, "{faults:?}");
            let taken = std::mem::take(&mut order.consumer.lock().unwrap().items);
            assert_eq!(taken, [items(18), vec![(18, 0)]].concat());
            assert!(order.finish().is_err());
        }
    }

    #[test]
    fn a_task_that_is_ahead_waits_until_it_is_due_and_the_due_one_never_does() {
        let order = Order::new(Notes::default(), 2);
        std::thread::scope(|scope| {
            let (tell, told) = channel();
            let mut due = order.begin(0).unwrap();
            let ahead = &order;
            scope.spawn(move || {
                let mut task = ahead.begin(1).unwrap();
                for item in 0..4 {
                    task.put((1, item), 1).unwrap();
                    tell.send(item).unwrap();
                }
                task.end().unwrap();
            });
            assert_eq!([told.recv().unwrap(), told.recv().unwrap()], [0, 1]);
            // The bound is reached: the third result waits with its worker.
            assert_eq!(told.recv_timeout(Duration::from_millis(50)), Err(RecvTimeoutError::Timeout));
            for item in 0..9 {
                due.put((0, item), 1).unwrap();
            }
            due.end().unwrap();
            assert_eq!([told.recv().unwrap(), told.recv().unwrap()], [2, 3]);
        });
        let expected = (0..9).map(|item| (0, item)).chain((0..4).map(|item| (1, item)));
        assert_eq!(order.finish().ok().unwrap().items, expected.collect::<Vec<_>>());
    }

    #[test]
    fn a_failure_releases_a_worker_that_waits() {
        let order = Order::new(Notes::default(), 0);
        std::thread::scope(|scope| {
            let first = order.begin(0).unwrap();
            let waits = scope.spawn(|| order.begin(1).unwrap().put((1, 0), 1));
            std::thread::sleep(Duration::from_millis(20));
            drop(first);
            assert_eq!(waits.join().unwrap(), Err(Fault::Stopped));
        });
        assert!(order.begin(7).is_err());
    }

    #[test]
    fn a_task_that_was_left_out_is_noticed() {
        let order = Order::new(Notes::default(), 9);
        let mut task = order.begin(1).unwrap();
        task.put((1, 0), 1).unwrap();
        task.end().unwrap();
        assert!(order.finish().is_err());
    }
}
