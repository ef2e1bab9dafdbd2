//! The functions that pipelines call, one file each: adapters between DataFusion and kernels.

pub mod cell;
pub mod classify;
pub mod fingerprint;
