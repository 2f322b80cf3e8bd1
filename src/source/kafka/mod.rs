//! Kafka as a source.

pub mod client;
