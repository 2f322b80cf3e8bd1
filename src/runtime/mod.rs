//! Composes and spawns: what the pure parts need from the outside.
//!
//! - [`config`]: one file, environment and flags on top
//! - [`pack`]: a rule pack from a folder or from the binary, as a plan

pub mod config;
pub mod pack;
