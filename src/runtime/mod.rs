//! Composes and spawns: what the pure parts need from the outside.
//!
//! - [`pack`]: a rule pack from a folder or from the binary, as a plan

pub mod pack;
