//! Snapshots: sets written part by part and loaded again, stores that lose power or bits, and what
//! is left of files from versions past.

mod fixtures;
mod sets;
mod stores;
mod trials;
