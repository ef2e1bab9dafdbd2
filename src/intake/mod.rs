//! Intake: checked batches in, cells of each account and month out.

pub mod read;
