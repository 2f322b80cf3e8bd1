//! The events taken lately, kept in case an earlier one still arrives: then those of the same
//! entities whose time is later are judged again.
//!
//! - [`log`]: the events with their texts, and for each the ones before it of the same entities
//! - [`again`]: which events an arrival has judged again, and how they join the order of work
//! - [`course`]: the order in which a stretch is worked on, with what is judged again in between
//!
//! Nothing here reads a ledger. What is kept is a function of the order of events alone, so the cut
//! into steps cannot be seen.

pub(super) mod again;
pub(super) mod course;
mod log;

pub(super) use course::{Course, Origin};
pub(super) use log::{Chunk, Held};
