//! What the benchmarks share.
//!
//! - [`process`]: CPU time and memory of programs, ours and others
//! - [`kafka`]: topics, a reader, and a running `goshawk` followed by its journal
//! - [`load`]: payments on a schedule, some of which raise an alert
//! - [`results`]: raw results as files, with commit, machine and method

#![allow(dead_code, reason = "every benchmark uses its part")]
#![allow(clippy::print_stdout, reason = "a benchmark's table is its output")]

pub mod kafka;
pub mod load;
pub mod process;
pub mod results;

#[path = "../../tests/kafka/broker.rs"]
pub mod broker;
