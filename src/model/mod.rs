//! The vocabulary: what an event, an amount, an entity, a measure and an alert *are*.
//!
//! Everything here is plain data. Nothing reads a clock, a file, the environment or a random
//! source, and nothing knows an outer format: JSON and CSV live in `wire`.
//!
//! Reading order: [`money`], [`time`] and [`country`] (units), [`event`] (what comes in),
//! [`entity`] (what state is kept for), [`measure`] and [`alert`] (what goes out), [`reject`] (what
//! could not become an event), [`label`] (what a data set says about itself).

pub mod alert;
pub mod country;
pub mod entity;
pub mod event;
pub mod label;
pub mod measure;
pub mod money;
pub mod reject;
pub mod time;
