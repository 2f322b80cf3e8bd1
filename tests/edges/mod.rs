//! The edges of the engine's semantics, as tables that an analyst can proof-read.

mod crowds;
mod holidays;
mod keys;
mod limits;
mod reference;
mod table;
mod windows;
