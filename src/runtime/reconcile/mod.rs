//! Reconciliation: what was consumed is what was scored, applied, a repeat, skipped or rejected, in
//! records and in amounts.
//!
//! - [`tally`]: what the journal says of itself now and then
//! - [`broken`]: what breaks the equality
//! - [`proof`]: journal, inputs and outputs held against each other; pure
//! - [`report`]: what a proof is given, and what it comes to
//! - [`read`]: topics read afresh
//! - [`prove`]: all of it over a range

pub mod broken;
pub mod proof;
pub mod prove;
pub mod read;
pub mod report;
pub mod tally;

#[cfg(test)]
mod tests;
