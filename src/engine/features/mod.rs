//! Features beyond plain windows: what costs more than a running value, each kind in a file.
//!
//! - [`ask`]: finer questions to a ledger, see [`crate::rules::plan::query`]
//! - [`memory`]: what long memory and ledger say together

mod ask;
mod memory;

pub(super) use ask::Filter;
