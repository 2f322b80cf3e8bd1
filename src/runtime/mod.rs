//! Composes and spawns: what the pure parts need from the outside.
//!
//! - [`config`]: one file, environment and flags on top
//! - [`error`]: why it ended badly
//! - [`findings`]: what fired, written aside for measuring
//! - [`fork`]: the engine's threads
//! - [`key`]: the key of the account tokens
//! - [`leader`]: which of several processes works
//! - [`pipeline`]: source, engine and publisher side by side
//! - [`process`]: `run` from start to end
//! - [`reach`]: the brokers answer and have every topic
//! - [`ready`]: what a start reads once and cannot do without
//! - [`reconcile`]: consumed is scored, applied, repeated, skipped or rejected
//! - [`recovery`]: where to go on after a start
//! - [`reload`]: rules change while running
//! - [`replay`]: alerts of the past made again
//! - [`rolling`]: snapshots while work goes on
//! - [`standby`]: following a leader, and taking over from it
//! - [`stop`]: one flag that ends all threads, and signals
//! - [`trial`]: rules on trial, compared with those in force
//! - [`pack`]: a rule pack from a folder or from the binary, as a plan

pub mod config;
pub mod error;
pub mod findings;
pub mod fork;
pub mod key;
pub mod leader;
pub mod pack;
pub mod pipeline;
pub mod process;
pub mod reach;
pub mod ready;
pub mod reconcile;
pub mod recovery;
pub mod reload;
pub mod replay;
pub mod rolling;
pub mod standby;
pub mod stop;
pub mod trial;
