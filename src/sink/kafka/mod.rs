//! The Kafka sink, with the guarantee of its mode.
//!
//! `exactly_once`: alerts, rejects, journal records and the input's offsets of one or more steps
//! are one transaction. A read-committed consumer sees all of it once or none of it, whatever dies
//! and whenever. What breaks it: a consumer that reads uncommitted; a second process with the same
//! group and *another* transactional id; deleting the journal topic or resetting the group's
//! offsets by hand.
//!
//! `at_least_once`: an idempotent producer; a step's journal record is sent once the step's
//! messages are acknowledged, and the group's offsets after the journal record. Nothing is lost. A
//! death in between repeats the step's records: mostly with the same ids and bytes, so that
//! consumers drop repeats by the idempotency key. The journal did not have the step, though: when
//! the next process meets its records in another order across partitions, or under other rules, it
//! may say otherwise, and what was sent before the death stands beside it. What else breaks it: a
//! process that hangs for longer than its session and wakes up, since nothing fences it.
//!
//! - [`writer`]: what is asked of Kafka, so that a model may answer
//! - [`connection`]: real brokers answer

pub mod connection;
pub mod writer;

use std::time::Duration;

use rdkafka::error::KafkaError;

use super::{Commit, Message, Sink, SinkError, Stream};
use crate::limits;
use crate::source::Run;
use crate::source::kafka::ask::{self, Unanswered};
use crate::source::kafka::client::KafkaSettings;
use crate::source::kafka::log::Clock;
use connection::KafkaWriter;
use writer::{Ends, Refusal, Writer};

/// Pause after trouble, doubled up to the most.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A transaction is committed when it is this old, even if more steps wait.
const TRANSACTION_AGE: Duration = Duration::from_millis(10);

/// What a Kafka sink promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    /// One transaction for all that a step does.
    ExactlyOnce,
    /// Repeats are possible, losses are not.
    AtLeastOnce,
}

impl Guarantee {
    /// What a producer needs for it.
    #[must_use]
    pub fn properties(self, transactional_id: &str) -> [(&'static str, &str); 1] {
        match self {
            Self::ExactlyOnce => [("transactional.id", transactional_id)],
            // Without end: an outage delays, it does not lose.
            Self::AtLeastOnce => [("message.timeout.ms", "0")],
        }
    }
}

/// Topic of each stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamTopics {
    /// Alerts of live rules.
    pub alerts: String,
    /// Alerts of shadow rules.
    pub shadow: String,
    /// Rejects.
    pub rejects: String,
    /// The journal.
    pub journal: String,
}

impl StreamTopics {
    fn of(&self, stream: Stream) -> &str {
        match stream {
            Stream::Alerts => &self.alerts,
            Stream::Shadow => &self.shadow,
            Stream::Rejects => &self.rejects,
            Stream::Journal => &self.journal,
        }
    }
}

/// Publishes to Kafka.
pub struct KafkaSink<W: Writer = KafkaWriter> {
    writer: W,
    guarantee: Guarantee,
    transactional_id: String,
    topics: StreamTopics,
    /// Names of the input topics that runs index into.
    inputs: Vec<String>,
    /// Commits taken and not yet durable; kept to be sent again.
    open: Vec<Commit>,
    open_messages: usize,
    /// When the open transaction was begun.
    opened: Duration,
    /// `at_least_once`: offsets whose commit nobody has waited for.
    unconfirmed: Option<Ends>,
    /// What went wrong with the open transaction, if something did.
    broken: Option<Refusal>,
}

impl KafkaSink {
    /// Connects. In `exactly_once` this fences any earlier process with the same transactional id
    /// and ends what it left open; it is tried again until the broker answers or `go_on` says no.
    ///
    /// # Errors
    /// [`SinkError`], when a property is refused, the id is not allowed, or `go_on` said no.
    pub fn open(
        settings: &KafkaSettings,
        guarantee: Guarantee,
        topics: StreamTopics,
        inputs: Vec<String>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Self, SinkError> {
        let writer = KafkaWriter::open(settings, guarantee).map_err(lasting)?;
        let id = settings.transactional_id.clone();
        Self::over(writer, (guarantee, id), topics, inputs, go_on)
    }
}

impl<W: Writer> KafkaSink<W> {
    /// As [`KafkaSink::open`], over whatever answers.
    ///
    /// # Errors
    /// As [`KafkaSink::open`].
    pub fn over(
        writer: W,
        (guarantee, transactional_id): (Guarantee, String),
        topics: StreamTopics,
        inputs: Vec<String>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Self, SinkError> {
        let mut sink = Self {
            writer,
            guarantee,
            transactional_id,
            topics,
            inputs,
            open: Vec::new(),
            open_messages: 0,
            opened: Duration::ZERO,
            unconfirmed: None,
            broken: None,
        };
        if guarantee == Guarantee::ExactlyOnce {
            let mut pause = PAUSE;
            while let Err(refusal) = sink.writer.take_over() {
                if !refusal.is_passing() {
                    return Err(sink.stop(refusal));
                }
                if !go_on() {
                    return Err(SinkError::Stopped);
                }
                tracing::warn!(%refusal, "transactions cannot be started yet");
                rest(&mut pause, sink.writer.clock());
            }
        }
        Ok(sink)
    }

    /// The offsets committed under the group's name for these topics: the next to read, by
    /// partition.
    ///
    /// # Errors
    /// [`SinkError::Kafka`], when the broker refuses; [`SinkError::Stopped`], when `go_on` said no
    /// while it did not answer.
    pub fn committed_of(
        &self,
        topics: &[String],
        go_on: &dyn Fn() -> bool,
    ) -> Result<Ends, SinkError> {
        let clock = self.writer.clock();
        let ends =
            ask::patiently("the group's offsets", clock, go_on, || self.writer.committed(topics))?;
        Ok(ends)
    }

    fn ends(&self) -> Ends {
        let runs = self.open.iter().flat_map(|commit| &commit.runs);
        let end = |run: &Run| {
            let topic = self.inputs[usize::from(run.topic)].clone();
            ((topic, run.partition), run.to)
        };
        // A later run of the same partition ends later.
        runs.map(end).collect()
    }

    fn send(&mut self, message: &Message) -> Result<(), Refusal> {
        self.writer.send(self.topics.of(message.stream), message)
    }

    /// Sends the messages of open commits that `which` chooses.
    fn send_open(&mut self, from: usize, which: impl Fn(&Message) -> bool) -> Result<(), Refusal> {
        let open = std::mem::take(&mut self.open);
        let mut messages = open[from..].iter().flat_map(|commit| &commit.messages);
        let sent = messages.try_for_each(|message| match which(message) {
            true => self.send(message),
            false => Ok(()),
        });
        self.open = open;
        sent
    }

    /// Sends the open transaction's newest commit.
    fn send_last(&mut self) {
        if self.broken.is_none() {
            self.broken = self.send_open(self.open.len() - 1, |_| true).err();
        }
    }

    fn commit_transaction(&mut self) -> Result<(), SinkError> {
        let ends = self.ends();
        let mut pause = PAUSE;
        loop {
            let outcome = match self.broken.take() {
                Some(refusal) => Err(refusal),
                None => self.try_commit(&ends),
            };
            let Err(refusal) = outcome else { break };
            if !refusal.is_passing() {
                return Err(self.stop(refusal));
            }
            tracing::warn!(%refusal, steps = self.open.len(), "transaction aborted, sent again");
            self.retried(W::abort).map_err(|refusal| self.stop(refusal))?;
            rest(&mut pause, self.writer.clock());
            self.begin();
            if self.broken.is_none() {
                self.broken = self.send_open(0, |_| true).err();
            }
        }
        self.open.clear();
        self.open_messages = 0;
        Ok(())
    }

    fn try_commit(&mut self, ends: &Ends) -> Result<(), Refusal> {
        self.writer.answers()?;
        self.retried(|writer| writer.send_offsets(ends))?;
        self.retried(W::commit)
    }

    fn begin(&mut self) {
        self.opened = self.writer.clock().now();
        self.broken = self.writer.begin().err();
    }

    /// `at_least_once`: acknowledgement, journal, acknowledgement, offsets.
    fn acknowledge(&mut self) -> Result<(), SinkError> {
        let done = self.writer.answers().and_then(|()| {
            self.send_open(0, |message| message.stream == Stream::Journal)?;
            self.writer.answers()
        });
        done.map_err(|refusal| self.stop(refusal))?;
        let ends = self.ends();
        if !ends.is_empty() {
            // The journal is what recovery reads; the group's offsets are for lag tools, so that a
            // failure here is told and no more. The next commit says the same and more.
            if let Err(refusal) = self.writer.commit_offsets(&ends, false) {
                tracing::warn!(%refusal, "offsets not committed");
            }
            self.unconfirmed = Some(ends);
        }
        self.open.clear();
        self.open_messages = 0;
        Ok(())
    }

    /// Calls again what nobody has answered yet.
    fn retried(
        &mut self,
        mut call: impl FnMut(&mut W) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let mut pause = PAUSE;
        loop {
            match call(&mut self.writer) {
                Err(Refusal::Again(error)) => {
                    tracing::warn!(error, "the transaction coordinator does not answer yet");
                    rest(&mut pause, self.writer.clock());
                }
                outcome => return outcome,
            }
        }
    }

    /// The error that ends the sink, in its own words.
    fn stop(&self, refusal: Refusal) -> SinkError {
        match refusal {
            Refusal::Fenced => {
                SinkError::Fenced { transactional_id: self.transactional_id.clone() }
            }
            Refusal::Again(text) | Refusal::Broken(text) | Refusal::Lasting(text) => {
                SinkError::Kafka(text)
            }
        }
    }
}

impl<W: Writer> Sink for KafkaSink<W> {
    fn publish(&mut self, commit: Commit) -> Result<(), SinkError> {
        let transactional = self.guarantee == Guarantee::ExactlyOnce;
        if transactional && self.open.is_empty() {
            self.begin();
        }
        self.open_messages += commit.messages.len();
        self.open.push(commit);
        if transactional {
            self.send_last();
            self.writer.serve();
            let full = self.open_messages >= limits::TRANSACTION_MESSAGES_MAX;
            let age = self.writer.clock().now().saturating_sub(self.opened);
            if full || age >= TRANSACTION_AGE {
                self.commit_transaction()?;
            }
            return Ok(());
        }
        let last = self.open.len() - 1;
        let sent = self.send_open(last, |message| message.stream != Stream::Journal);
        sent.map_err(|refusal| self.stop(refusal))?;
        self.writer.serve();
        if self.open_messages >= limits::TRANSACTION_MESSAGES_MAX {
            self.acknowledge()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.writer.serve();
        match self.guarantee {
            _ if self.open.is_empty() => Ok(()),
            Guarantee::ExactlyOnce => self.commit_transaction(),
            Guarantee::AtLeastOnce => self.acknowledge(),
        }
    }
}

impl<W: Writer> Drop for KafkaSink<W> {
    fn drop(&mut self) {
        if let Some(ends) = self.unconfirmed.take()
            && let Err(refusal) = self.writer.commit_offsets(&ends, true)
        {
            tracing::warn!(%refusal, "the last offsets were not committed; the journal has them");
        }
    }
}

fn rest(pause: &mut Duration, clock: &dyn Clock) {
    clock.sleep(*pause);
    *pause = (*pause * 2).min(PAUSE_MAX);
}

impl From<Unanswered> for SinkError {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Refused(error) => lasting(error),
            Unanswered::Stopped => Self::Stopped,
        }
    }
}

fn lasting(error: KafkaError) -> SinkError {
    SinkError::Kafka(error.to_string())
}
