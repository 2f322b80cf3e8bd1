//! The Kafka sink, with the guarantee of its mode.
//!
//! `exactly_once`: alerts, rejects, journal records and the input's offsets of one or more steps
//! are one transaction. A read-committed consumer sees all of it once or none of it, whatever dies
//! and whenever. What breaks it: a consumer that reads uncommitted; a second process with the same
//! group and *another* transactional id; deleting the journal topic or resetting the group's
//! offsets by hand.
//!
//! `at_least_once`: an idempotent producer; a step's journal record is sent once the step's
//! messages are acknowledged, and the group's offsets after the journal record. A death in between
//! repeats the step's messages, with the same ids and bytes: consumers drop repeats by the
//! idempotency key. Nothing is lost.
//!
//! Waiting: librdkafka's `flush` and `commit_transaction` wait in slices of 100 ms while records
//! are under way, so all waits here are short polls, and a commit is asked for only when nothing is
//! under way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::{Commit, Message, Sink, SinkError, Stream};
use crate::source::kafka::ask::{self, Unanswered};
use crate::source::kafka::client::{self, Context, KafkaSettings};

/// One wait for acknowledgements.
const SLICE: Duration = Duration::from_micros(100);
/// How long one call to the transaction coordinator may take before it is made again.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after trouble, doubled up to the most.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A transaction is committed when it is this old, even if more steps wait.
const TRANSACTION_AGE: Duration = Duration::from_millis(10);
/// Messages of one transaction, at most (the last step's own may exceed it).
const TRANSACTION_MESSAGES_MAX: usize = 20_000;

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
pub struct KafkaSink {
    producer: BaseProducer<Context>,
    /// Names the group in transactions and commits offsets outside of them.
    group: BaseConsumer<Context>,
    guarantee: Guarantee,
    transactional_id: String,
    topics: StreamTopics,
    /// Names of the input topics that runs index into.
    inputs: Vec<String>,
    /// Commits taken and not yet durable; kept to be sent again.
    open: Vec<Commit>,
    open_messages: usize,
    opened: Instant,
    /// `at_least_once`: offsets whose commit nobody has waited for.
    unconfirmed: Option<TopicPartitionList>,
    /// What went wrong with the open transaction, if something did.
    broken: Option<KafkaError>,
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
        let own = guarantee.properties(&settings.transactional_id);
        let sink = Self {
            producer: client::producer(settings, &own).map_err(lasting)?,
            group: client::consumer(settings, &[]).map_err(lasting)?,
            guarantee,
            transactional_id: settings.transactional_id.clone(),
            topics,
            inputs,
            open: Vec::new(),
            open_messages: 0,
            opened: Instant::now(),
            unconfirmed: None,
            broken: None,
        };
        if guarantee == Guarantee::ExactlyOnce {
            let mut pause = PAUSE;
            while let Err(error) = sink.producer.init_transactions(CALL_TIMEOUT) {
                if !is_passing(&error) {
                    return Err(sink.stop(error));
                }
                if !go_on() {
                    return Err(SinkError::Stopped);
                }
                tracing::warn!(%error, "transactions cannot be started yet");
                rest(&mut pause);
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
    ) -> Result<BTreeMap<(String, i32), i64>, SinkError> {
        let mut asked = TopicPartitionList::new();
        for topic in topics {
            // A topic that is not there is the source's to report.
            let count = ask::patiently(topic, go_on, || ask::partitions(&self.group, topic))?;
            let count = count.unwrap_or(0);
            if count > 0 {
                asked.add_partition_range(topic, 0, count - 1);
            }
        }
        let answer = ask::patiently("the group's offsets", go_on, || {
            self.group.committed_offsets(asked.clone(), CALL_TIMEOUT)
        })?;
        let mut committed = BTreeMap::new();
        for element in answer.elements() {
            if let Offset::Offset(offset) = element.offset() {
                committed.insert((element.topic().to_owned(), element.partition()), offset);
            }
        }
        Ok(committed)
    }

    fn offsets(&self) -> Result<TopicPartitionList, SinkError> {
        let mut ends = BTreeMap::new();
        for run in self.open.iter().flat_map(|commit| &commit.runs) {
            ends.insert((run.topic, run.partition), run.to);
        }
        let mut list = TopicPartitionList::new();
        for ((topic, partition), to) in ends {
            let name = &self.inputs[usize::from(topic)];
            list.add_partition_offset(name, partition, Offset::Offset(to)).map_err(lasting)?;
        }
        Ok(list)
    }

    /// Hands one message to the producer; waits while its queue is full.
    fn send(&self, message: &Message) -> Result<(), KafkaError> {
        let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
        for (key, value) in &message.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let mut record = BaseRecord::<[u8], [u8]>::to(self.topics.of(message.stream))
            .payload(&message.body)
            .headers(headers);
        if !message.key.is_empty() {
            record = record.key(&message.key);
        }
        if message.stream == Stream::Journal {
            record = record.partition(0);
        }
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(Duration::ZERO);
                    std::thread::sleep(SLICE);
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Waits until every record under way is answered for, one way or the other.
    fn await_answers(&self) {
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::ZERO);
            // The client counts in milliseconds: a shorter poll would spin.
            std::thread::sleep(SLICE);
        }
    }

    fn drain(&self) -> Result<(), KafkaError> {
        self.await_answers();
        match self.producer.context().take_refusal() {
            Some(code) => Err(KafkaError::MessageProduction(code)),
            None => Ok(()),
        }
    }

    /// Sends the open transaction's newest commit.
    fn send_last(&mut self) {
        if self.broken.is_some() {
            return;
        }
        let Some(commit) = self.open.last() else { return };
        if let Err(error) = commit.messages.iter().try_for_each(|message| self.send(message)) {
            self.broken = Some(error);
        }
    }

    fn commit_transaction(&mut self) -> Result<(), SinkError> {
        let offsets = self.offsets()?;
        let mut pause = PAUSE;
        loop {
            let outcome = match self.broken.take() {
                Some(error) => Err(error),
                None => self.try_commit(&offsets),
            };
            let Err(error) = outcome else { break };
            if self.producer.client().fatal_error().is_some() || is_fatal(&error) {
                return Err(self.stop(error));
            }
            if !is_passing(&error) {
                return Err(self.stop(error));
            }
            tracing::warn!(%error, steps = self.open.len(), "transaction aborted, sent again");
            self.abort()?;
            rest(&mut pause);
            self.begin();
            for commit in &self.open {
                let sent = commit.messages.iter().try_for_each(|message| self.send(message));
                if let Err(error) = sent {
                    self.broken = Some(error);
                    break;
                }
            }
        }
        self.open.clear();
        self.open_messages = 0;
        Ok(())
    }

    fn try_commit(&self, offsets: &TopicPartitionList) -> Result<(), KafkaError> {
        self.drain()?;
        let group = self
            .group
            .group_metadata()
            .ok_or(KafkaError::ClientCreation("the consumer group has no name".to_owned()))?;
        retried(|| self.producer.send_offsets_to_transaction(offsets, &group, CALL_TIMEOUT))?;
        retried(|| self.producer.commit_transaction(CALL_TIMEOUT))
    }

    fn begin(&mut self) {
        self.opened = Instant::now();
        if let Err(error) = self.producer.begin_transaction() {
            self.broken = Some(error);
        }
    }

    fn abort(&self) -> Result<(), SinkError> {
        match retried(|| self.producer.abort_transaction(CALL_TIMEOUT)) {
            Ok(()) => {}
            // Begin had failed: there is nothing to abort.
            Err(KafkaError::Transaction(error)) if error.code() == RDKafkaErrorCode::State => {}
            Err(error) => return Err(self.stop(error)),
        }
        // Refusals that the abort itself caused say nothing about what comes next.
        self.await_answers();
        let _ = self.producer.context().take_refusal();
        Ok(())
    }

    /// `at_least_once`: acknowledgement, journal, acknowledgement, offsets.
    fn acknowledge(&mut self) -> Result<(), SinkError> {
        if let Some(error) = self.broken.take() {
            return Err(self.stop(error));
        }
        let done = self.drain().and_then(|()| {
            for message in self.open.iter().flat_map(|commit| &commit.messages) {
                if message.stream == Stream::Journal {
                    self.send(message)?;
                }
            }
            self.drain()
        });
        done.map_err(|error| self.stop(error))?;
        let offsets = self.offsets()?;
        if offsets.count() > 0 {
            // The journal is what recovery reads; the group's offsets are for lag tools, so that a
            // failure here is told and no more. The next commit says the same and more.
            if let Err(error) = self.group.commit(&offsets, CommitMode::Async) {
                tracing::warn!(%error, "offsets not committed");
            }
            self.unconfirmed = Some(offsets);
        }
        self.open.clear();
        self.open_messages = 0;
        Ok(())
    }

    /// The error that ends the sink, in its own words.
    fn stop(&self, error: KafkaError) -> SinkError {
        let fatal = self.producer.client().fatal_error();
        let code =
            fatal.as_ref().map_or_else(|| error.rdkafka_error_code(), |(code, _)| Some(*code));
        match code {
            Some(
                RDKafkaErrorCode::Fenced
                | RDKafkaErrorCode::ProducerFenced
                | RDKafkaErrorCode::InvalidProducerEpoch,
            ) => SinkError::Fenced { transactional_id: self.transactional_id.clone() },
            _ => SinkError::Kafka(fatal.map_or_else(|| error.to_string(), |(_, text)| text)),
        }
    }
}

impl Sink for KafkaSink {
    fn publish(&mut self, commit: Commit) -> Result<(), SinkError> {
        let transactional = self.guarantee == Guarantee::ExactlyOnce;
        if transactional && self.open.is_empty() {
            self.begin();
        }
        self.open_messages += commit.messages.len();
        self.open.push(commit);
        if transactional {
            self.send_last();
            self.producer.poll(Duration::ZERO);
            let full = self.open_messages >= TRANSACTION_MESSAGES_MAX;
            if full || self.opened.elapsed() >= TRANSACTION_AGE {
                self.commit_transaction()?;
            }
            return Ok(());
        }
        let messages = self.open.last().map_or(&[][..], |commit| &commit.messages);
        let mut outward = messages.iter().filter(|message| message.stream != Stream::Journal);
        outward.try_for_each(|message| self.send(message)).map_err(|error| self.stop(error))?;
        self.producer.poll(Duration::ZERO);
        if self.open_messages >= TRANSACTION_MESSAGES_MAX { self.acknowledge() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        // Serves tokens and errors while idle.
        self.producer.poll(Duration::ZERO);
        let _ = self.group.poll(Duration::ZERO);
        match self.guarantee {
            _ if self.open.is_empty() => Ok(()),
            Guarantee::ExactlyOnce => self.commit_transaction(),
            Guarantee::AtLeastOnce => self.acknowledge(),
        }
    }
}

impl Drop for KafkaSink {
    fn drop(&mut self) {
        if let Some(offsets) = &self.unconfirmed
            && let Err(error) = self.group.commit(offsets, CommitMode::Sync)
        {
            tracing::warn!(%error, "the last offsets were not committed; the journal has them");
        }
    }
}

/// Calls again what the client says may be called again.
fn retried(mut call: impl FnMut() -> Result<(), KafkaError>) -> Result<(), KafkaError> {
    let mut pause = PAUSE;
    loop {
        match call() {
            Err(KafkaError::Transaction(error)) if error.is_retriable() => {
                tracing::warn!(error = %error.string(), "the transaction coordinator does not answer yet");
                rest(&mut pause);
            }
            outcome => return outcome,
        }
    }
}

fn is_fatal(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_fatal())
}

/// Whether the same again may succeed: everything but what an operator must mend.
fn is_passing(error: &KafkaError) -> bool {
    if is_fatal(error) {
        return false;
    }
    !matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::TransactionalIdAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::InvalidArgument
                | RDKafkaErrorCode::Fenced
                | RDKafkaErrorCode::ProducerFenced
        )
    )
}

fn rest(pause: &mut Duration) {
    std::thread::sleep(*pause);
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
