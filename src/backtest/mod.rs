//! Runs a source through the engine as fast as it can, and reports what came of it.
//!
//! `demo` and `backtest` are this same drive around the same engine that `run` uses; they differ in
//! where the events come from and where the alerts go.
//!
//! - [`drive`]: the loop
//! - [`report`]: the figures
//! - [`truth`]: labels, and what was found of them

pub mod drive;
pub mod report;
pub mod truth;
