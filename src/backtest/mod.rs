//! Runs a source through the engine as fast as it can, and reports what came of it.
//!
//! `demo` and `backtest` are this same drive around the same engine that `run` uses; they differ in
//! where the events come from and where the alerts go. Several packs may be driven at once: records
//! are read and decoded once, and every pack has an engine of its own.
//!
//! - [`drive`]: the loop
//! - [`tally`]: what is counted of one pack
//! - [`truth`]: labels, and what was found of them
//! - [`report`]: the figures of one pack
//! - [`comparison`]: what one pack alerts on and another does not
//! - [`sweep`]: the figures over the values of one parameter
//! - [`page`]: all of it as one page that needs nothing else

pub mod comparison;
pub mod drive;
pub mod page;
pub mod report;
pub mod sweep;
pub mod tally;
pub mod truth;
