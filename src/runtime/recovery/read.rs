//! The journal from its topic, record by record, committed ones only.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::{Extent, RecoveryError};
use crate::source::kafka::ask::{self, Unanswered};
use crate::source::kafka::client::{self, Context, KafkaSettings};
use crate::wire::journal::{self, Entry, JournalRecord, Outline};

/// Reads the journal, as often as asked.
pub struct JournalReader<'a> {
    consumer: BaseConsumer<Context>,
    topic: &'a str,
    go_on: &'a dyn Fn() -> bool,
    /// Which of its records count.
    outline: Outline,
}

impl<'a> JournalReader<'a> {
    /// Finds the journal and learns which of its records count.
    ///
    /// # Errors
    /// [`RecoveryError`], when it is not as it must be, or `go_on` said no.
    pub fn open(
        settings: &KafkaSettings,
        topic: &'a str,
        go_on: &'a dyn Fn() -> bool,
    ) -> Result<Self, RecoveryError> {
        let wrong = |problem: &str| RecoveryError::Topic {
            topic: topic.to_owned(),
            problem: problem.to_owned(),
        };
        let own = [
            ("enable.partition.eof", "true"),
            ("auto.offset.reset", "earliest"),
            ("fetch.wait.max.ms", "20"),
            // What waits here while steps are repeated.
            ("queued.max.messages.kbytes", "16384"),
        ];
        let consumer = client::consumer(settings, &own).map_err(kafka)?;
        match ask::patiently(topic, go_on, || ask::partitions(&consumer, topic)) {
            Ok(Some(1)) => {}
            Ok(Some(_)) => {
                return Err(wrong("has several partitions; it must have one, to have one order"));
            }
            Ok(None) => return Err(wrong("does not exist; create it with one partition")),
            Err(Unanswered::Refused(error)) => return Err(kafka(error)),
            Err(Unanswered::Stopped) => return Err(RecoveryError::Stopped),
        }
        let mut reader = Self { consumer, topic, go_on, outline: Outline::default() };
        let mut outline = Outline::default();
        reader.pass(|offset, entry| {
            if let Entry::Step(record) = entry {
                outline.add(offset, record.step);
            }
            Ok::<_, RecoveryError>(())
        })?;
        reader.outline = outline;
        Ok(reader)
    }

    /// How far the journal reaches.
    ///
    /// # Errors
    /// [`RecoveryError`], when it has gaps or names unknown topics, or cannot be read.
    pub fn extent(&self, inputs: &[String]) -> Result<Extent, RecoveryError> {
        let mut extent = Extent::default();
        self.each(|entry| match entry {
            Entry::Step(record) => extent.add(&record, inputs),
            Entry::File(_) | Entry::Change(_) => Ok(()),
        })?;
        Ok(extent)
    }

    /// Hands over every step that counts and all that lies between them, in order.
    ///
    /// # Errors
    /// What `each` says, and [`RecoveryError`].
    pub fn each<E: From<RecoveryError>>(
        &self,
        mut each: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        let counts = |offset, record: &JournalRecord| self.outline.counts(offset, record.step);
        self.pass(|offset, entry| match entry {
            Entry::Step(record) if !counts(offset, &record) => Ok(()),
            entry => each(entry),
        })
    }

    fn pass<E: From<RecoveryError>>(
        &self,
        mut each: impl FnMut(i64, Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(self.topic, 0, Offset::Beginning).map_err(kafka)?;
        self.consumer.assign(&list).map_err(kafka)?;
        while (self.go_on)() {
            match self.consumer.poll(Duration::from_millis(100)) {
                None => {}
                Some(Ok(message)) => {
                    let body = message.payload().unwrap_or_default();
                    let entry =
                        journal::read(message.offset(), body).map_err(RecoveryError::from)?;
                    each(message.offset(), entry)?;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                    return Err(kafka(error).into());
                }
                Some(Err(error)) => tracing::warn!(%error, "the journal is waited for"),
            }
        }
        Err(RecoveryError::Stopped.into())
    }
}

fn kafka(error: KafkaError) -> RecoveryError {
    RecoveryError::Kafka(error.to_string())
}
