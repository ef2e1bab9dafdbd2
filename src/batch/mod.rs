//! The runs of the command line: a whole feed in, files out.
//!
//! Owns: the order of each run, its report and its output folder. Does not own: any figure, which intake and publish compute.

pub mod build;
pub mod classify;
pub mod feed_check;
mod output_folder;
pub mod replay;
pub mod run_report;
