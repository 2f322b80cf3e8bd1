//! Outer formats: the only place that knows what a record or a message looks like outside.
//!
//! - [`balance`]: what became of records, by run
//! - [`decode`]: records to events, or to rejects with a reason
//! - [`encode`]: alerts and rejects to messages, with tokens and masks
//! - [`journal`]: what a committed step covered, written and read back
//! - [`shadow`]: the running comparison of rules on trial
//! - [`schema`]: JSON Schema of every message

pub mod balance;
pub mod decode;
pub mod encode;
pub mod journal;
pub mod schema;
pub mod shadow;
