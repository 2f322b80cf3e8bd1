//! What the sink asks of Kafka, and no more: the boundary at which a model may take the brokers'
//! place. What is sent when, what is sent again and what ends the sink is decided above it.

use std::collections::BTreeMap;

use rdkafka::error::KafkaResult;

use crate::sink::Message;
use crate::source::kafka::log::Clock;

/// Offsets by `(topic, partition)`: the next to read.
pub type Ends = BTreeMap<(String, i32), i64>;

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody has answered yet: the same call may be made again, and says what became of it.
    #[error("{0}")]
    Again(String),
    /// The transaction cannot be committed; aborted, it may be sent again.
    #[error("{0}")]
    Broken(String),
    /// Another process has taken the transactional id over.
    #[error("fenced by a newer instance")]
    Fenced,
    /// The same would be said again and again.
    #[error("{0}")]
    Lasting(String),
}

impl Refusal {
    /// Whether the same again may succeed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Again(_) | Self::Broken(_))
    }
}

/// The topics written to and the group's offsets, as their writer sees them.
pub trait Writer: Send {
    /// The time here.
    fn clock(&self) -> &dyn Clock;

    /// Takes the transactional id over: fences whoever had it, and ends what that one left open.
    ///
    /// # Errors
    /// [`Refusal`].
    fn take_over(&mut self) -> Result<(), Refusal>;

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`Refusal`].
    fn begin(&mut self) -> Result<(), Refusal>;

    /// Sends one message, without waiting for its acknowledgement. Journal records go to
    /// partition 0.
    ///
    /// # Errors
    /// [`Refusal`].
    fn send(&mut self, topic: &str, message: &Message) -> Result<(), Refusal>;

    /// Waits until every message under way is acknowledged or refused.
    ///
    /// # Errors
    /// The first refusal since the last call.
    fn answers(&mut self) -> Result<(), Refusal>;

    /// Makes the group's offsets part of the transaction.
    ///
    /// # Errors
    /// [`Refusal`].
    fn send_offsets(&mut self, ends: &Ends) -> Result<(), Refusal>;

    /// Commits the transaction.
    ///
    /// # Errors
    /// [`Refusal`].
    fn commit(&mut self) -> Result<(), Refusal>;

    /// Aborts the transaction, if one was begun.
    ///
    /// # Errors
    /// [`Refusal`].
    fn abort(&mut self) -> Result<(), Refusal>;

    /// Commits the group's offsets outside of any transaction; `wait` until it is done.
    ///
    /// # Errors
    /// [`Refusal`].
    fn commit_offsets(&mut self, ends: &Ends, wait: bool) -> Result<(), Refusal>;

    /// The group's offsets for these topics, as far as there are any.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    fn committed(&self, topics: &[String]) -> KafkaResult<Ends>;

    /// Serves tokens and errors.
    fn serve(&mut self);
}
