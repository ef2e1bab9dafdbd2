//! Work on several threads with results in the order of the inputs.
//!
//! Owns the threads. Jobs are assigned in turn, which suits jobs of similar size and keeps the order without sorting.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Applies `work` to each input and passes the results to `sink` in the order of the inputs. Both the iterator and the
/// sink run on this thread. At most two inputs per thread are in progress.
pub(crate) fn in_order<I: Send, O: Send, E>(
    threads: usize,
    inputs: impl Iterator<Item = Result<I, E>>,
    work: impl Fn(I) -> O + Sync,
    mut sink: impl FnMut(O) -> Result<(), E>,
) -> Result<(), E> {
    if threads <= 1 {
        for input in inputs {
            sink(work(input?))?;
        }
        return Ok(());
    }
    thread::scope(|scope| {
        let workers: Vec<(SyncSender<I>, Receiver<O>)> = (0..threads)
            .map(|_| {
                let (send_input, inputs) = sync_channel::<I>(2);
                let (send_output, outputs) = sync_channel::<O>(2);
                let work = &work;
                scope.spawn(move || {
                    // A send fails only after the other end has given up.
                    for input in inputs {
                        if send_output.send(work(input)).is_err() {
                            return;
                        }
                    }
                });
                (send_input, outputs)
            })
            .collect();
        let mut taken = 0;
        let mut take = |sink: &mut dyn FnMut(O) -> Result<(), E>| {
            // The channel of a worker that panicked is closed. The scope propagates the panic.
            let output = workers[taken % threads].1.recv().ok();
            taken += 1;
            output.map_or(Ok(()), sink)
        };
        let mut dealt = 0;
        for input in inputs {
            if dealt >= 2 * threads {
                take(&mut sink)?;
            }
            let _ = workers[dealt % threads].0.send(input?);
            dealt += 1;
        }
        for _ in dealt.saturating_sub(2 * threads)..dealt {
            take(&mut sink)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_errors_end_the_work() {
        for threads in [1, 2, 3, 7] {
            for count in [0, 1, 5, 100] {
                let mut results = Vec::new();
                let inputs = (0..count).map(Ok::<u32, ()>);
                in_order(
                    threads,
                    inputs,
                    |n| n * 2,
                    |n| {
                        results.push(n);
                        Ok(())
                    },
                )
                .unwrap();
                assert_eq!(results, (0..count).map(|n| n * 2).collect::<Vec<_>>());
            }
            let refused = in_order(threads, (0..50).map(Ok), |n| n, |n| if n == 20 { Err(n) } else { Ok(()) });
            assert_eq!(refused, Err(20));
            let inputs = (0..50).map(|n| if n == 30 { Err(n) } else { Ok(n) });
            assert_eq!(in_order(threads, inputs, |n| n, |_| Ok(())), Err(30));
        }
    }
}
