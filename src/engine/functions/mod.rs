//! The functions that pipelines call, each an adapter between DataFusion and a kernel.

pub mod cell;
pub mod classify;
