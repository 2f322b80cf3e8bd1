//! Sinks: where alerts, rejects and the journal go, behind one boundary.
//!
//! A sink takes one [`Commit`] after the other. When `publish` returns, or at the latest when
//! `flush` does, the commit is durable as the sink's mode promises: all of it, or (in
//! `exactly_once`) none.

pub mod file;
#[cfg(not(fuzzing))] // what is fuzzed needs no client
pub mod kafka;

use crate::source::Run;

/// Which stream a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Alerts of live rules.
    Alerts,
    /// Alerts of shadow rules.
    Shadow,
    /// Records that could not become events.
    Rejects,
    /// One record per committed step.
    Journal,
}

/// A message ready to go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The stream.
    pub stream: Stream,
    /// Partitioning key; empty for none.
    pub key: Vec<u8>,
    /// Headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Everything one step publishes.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Number of the step.
    pub step: u64,
    /// Messages, in order; the journal record last.
    pub messages: Vec<Message>,
    /// The input that is done with once this is durable.
    pub runs: Vec<Run>,
}

/// Where commits go.
pub trait Sink: Send {
    /// Takes a commit. May return before it is durable; the order is kept.
    ///
    /// # Errors
    /// [`SinkError`], when the sink cannot go on.
    fn publish(&mut self, commit: Commit) -> Result<(), SinkError>;

    /// Makes everything taken so far durable.
    ///
    /// # Errors
    /// As [`Sink::publish`].
    fn flush(&mut self) -> Result<(), SinkError>;
}

/// Why a sink cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A file could not be written.
    #[error("cannot write {path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Another process took over with the same transactional id.
    #[error(
        "fenced: another instance with transactional id {transactional_id} has taken over; this one stops and has published nothing since"
    )]
    Fenced {
        /// The id.
        transactional_id: String,
    },
    /// Kafka said no for good.
    #[error("kafka: {0}")]
    Kafka(String),
    /// It was asked to stop while it waited.
    #[error("stopped while the brokers did not answer")]
    Stopped,
}
