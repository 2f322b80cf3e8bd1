//! Features beyond plain windows: what costs more than a running value, each kind in a file.
//!
//! - [`ask`]: finer questions to a ledger, see [`crate::rules::plan::query`]
//! - [`known`]: what happened to an account beside its payments
//! - [`place`]: where a payment was ordered
//! - [`travel`]: how far and how fast between two located payments
//! - [`memory`]: what long memory and ledger say together

mod ask;
mod known;
mod memory;
mod place;
mod travel;

pub(super) use ask::{Filter, Follows, compares, counts_as, share};
pub(super) use known::{Known, Opening, Retry};
pub(super) use place::{Place, place_at, place_of};
pub(super) use travel::{cell as travel_cell, moved_km, opening_km, travelled};
