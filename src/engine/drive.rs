//! Plans driven where they run: no runtime, no thread of their own.
//!
//! Owns: polling. The input of every plan is in this process and computed when it is asked for, and a plan has one
//! partition and no exchange, so nothing in it ever waits. A caller drives a plan on its own thread: a rayon worker of a
//! build, or a blocking thread of a service. A plan that waits all the same is an internal error, not a hang.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;

use super::error::EngineError;

/// Whether a future that was not ready asks to be polled again.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// Polls until ready. Futures that only yield to others, such as those that poll a list of futures, have woken
/// themselves when they return.
fn drive<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Result<T, EngineError> {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = poll(&mut context) {
            return Ok(value);
        }
        if !woken.0.swap(false, Ordering::Acquire) {
            return Err(EngineError::Waits);
        }
    }
}

/// The value of a future that waits for nothing.
///
/// # Errors
/// [`EngineError::Waits`] where it does.
pub fn ready<T>(future: impl Future<Output = T>) -> Result<T, EngineError> {
    let mut future = pin!(future);
    drive(|context| future.as_mut().poll(context))
}

/// The batches of a plan's partition, each computed when it is asked for.
pub struct Batches(SendableRecordBatchStream);

impl Batches {
    pub(super) fn new(stream: SendableRecordBatchStream) -> Batches {
        Batches(stream)
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        match drive(|context| self.0.as_mut().poll_next(context)) {
            Ok(next) => next.map(|batch| batch.map_err(EngineError::from)),
            Err(waits) => Some(Err(waits)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};

    use super::*;

    #[test]
    fn a_future_that_yields_is_polled_again_and_one_that_waits_is_an_error() {
        assert_eq!(ready(async { 7 }).unwrap(), 7);
        let mut polls = 0;
        let yields = poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            if polls < 100 { Poll::Pending } else { Poll::Ready(polls) }
        });
        assert_eq!(ready(yields).unwrap(), 100);
        assert!(matches!(ready(pending::<()>()), Err(EngineError::Waits)));
    }
}
