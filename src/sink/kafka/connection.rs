//! Real brokers: a producer, and a consumer that names the group.
//!
//! Waiting: librdkafka's `flush` and `commit_transaction` wait in slices of 100 ms while records
//! are under way, so all waits here are short polls, and a commit is asked for only when nothing is
//! under way.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::Guarantee;
use super::writer::{Ends, Refusal, Writer};
use crate::sink::{Message, Stream};
use crate::source::kafka::ask;
use crate::source::kafka::client::{self, Context, KafkaSettings};
use crate::source::kafka::log::{Clock, SystemClock};

/// One wait for acknowledgements.
const SLICE: Duration = Duration::from_micros(100);
/// How long one call to the transaction coordinator may take before it is made again.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to the brokers.
pub struct KafkaWriter {
    producer: BaseProducer<Context>,
    /// Names the group in transactions and commits offsets outside of them.
    group: BaseConsumer<Context>,
}

impl KafkaWriter {
    /// Connects.
    ///
    /// # Errors
    /// When a property is refused.
    pub fn open(settings: &KafkaSettings, guarantee: Guarantee) -> KafkaResult<Self> {
        let own = guarantee.properties(&settings.transactional_id);
        Ok(Self {
            producer: client::producer(settings, &own)?,
            group: client::consumer(settings, &[])?,
        })
    }

    /// What an error means for whoever made the call.
    fn refusal(&self, error: KafkaError) -> Refusal {
        let fatal = self.producer.client().fatal_error();
        if fatal.is_some() || is_fatal(&error) || !is_passing(&error) {
            let code =
                fatal.as_ref().map_or_else(|| error.rdkafka_error_code(), |(code, _)| Some(*code));
            return match code {
                Some(
                    RDKafkaErrorCode::Fenced
                    | RDKafkaErrorCode::ProducerFenced
                    | RDKafkaErrorCode::InvalidProducerEpoch,
                ) => Refusal::Fenced,
                _ => Refusal::Lasting(fatal.map_or_else(|| error.to_string(), |(_, text)| text)),
            };
        }
        match error {
            KafkaError::Transaction(error) if error.is_retriable() => {
                Refusal::Again(error.string())
            }
            error => Refusal::Broken(error.to_string()),
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
}

impl Writer for KafkaWriter {
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }

    fn take_over(&mut self) -> Result<(), Refusal> {
        self.producer.init_transactions(CALL_TIMEOUT).map_err(|error| self.refusal(error))
    }

    fn begin(&mut self) -> Result<(), Refusal> {
        self.producer.begin_transaction().map_err(|error| self.refusal(error))
    }

    /// Waits while the producer's queue is full.
    fn send(&mut self, topic: &str, message: &Message) -> Result<(), Refusal> {
        let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
        for (key, value) in &message.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let mut record =
            BaseRecord::<[u8], [u8]>::to(topic).payload(&message.body).headers(headers);
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
                Err((error, _)) => return Err(self.refusal(error)),
            }
        }
    }

    fn answers(&mut self) -> Result<(), Refusal> {
        self.await_answers();
        match self.producer.context().take_refusal() {
            Some(code) => Err(self.refusal(KafkaError::MessageProduction(code))),
            None => Ok(()),
        }
    }

    fn send_offsets(&mut self, ends: &Ends) -> Result<(), Refusal> {
        let group = self
            .group
            .group_metadata()
            .ok_or_else(|| Refusal::Lasting("the consumer group has no name".to_owned()))?;
        let list = list(ends).map_err(|error| self.refusal(error))?;
        self.producer
            .send_offsets_to_transaction(&list, &group, CALL_TIMEOUT)
            .map_err(|error| self.refusal(error))
    }

    fn commit(&mut self) -> Result<(), Refusal> {
        self.producer.commit_transaction(CALL_TIMEOUT).map_err(|error| self.refusal(error))
    }

    fn abort(&mut self) -> Result<(), Refusal> {
        match self.producer.abort_transaction(CALL_TIMEOUT) {
            Ok(()) => {}
            // Begin had failed: there is nothing to abort.
            Err(KafkaError::Transaction(error)) if error.code() == RDKafkaErrorCode::State => {}
            Err(error) => return Err(self.refusal(error)),
        }
        // Refusals that the abort itself caused say nothing about what comes next.
        self.await_answers();
        let _ = self.producer.context().take_refusal();
        Ok(())
    }

    fn commit_offsets(&mut self, ends: &Ends, wait: bool) -> Result<(), Refusal> {
        let list = list(ends).map_err(|error| self.refusal(error))?;
        let mode = if wait { CommitMode::Sync } else { CommitMode::Async };
        self.group.commit(&list, mode).map_err(|error| self.refusal(error))
    }

    fn committed(&self, topics: &[String]) -> KafkaResult<Ends> {
        let mut asked = TopicPartitionList::new();
        for topic in topics {
            // A topic that is not there is the source's to report.
            let count = ask::partitions(&self.group, topic)?.unwrap_or(0);
            if count > 0 {
                asked.add_partition_range(topic, 0, count - 1);
            }
        }
        let answer = self.group.committed_offsets(asked, CALL_TIMEOUT)?;
        let mut committed = Ends::new();
        for element in answer.elements() {
            if let Offset::Offset(offset) = element.offset() {
                committed.insert((element.topic().to_owned(), element.partition()), offset);
            }
        }
        Ok(committed)
    }

    fn serve(&mut self) {
        self.producer.poll(Duration::ZERO);
        let _ = self.group.poll(Duration::ZERO);
    }
}

fn list(ends: &Ends) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), to) in ends {
        list.add_partition_offset(topic, *partition, Offset::Offset(*to))?;
    }
    Ok(list)
}

fn is_fatal(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_fatal())
}

/// Whether the same again may succeed: everything but what an operator must mend.
fn is_passing(error: &KafkaError) -> bool {
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
