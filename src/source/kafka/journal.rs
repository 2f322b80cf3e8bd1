//! What is asked of the journal's topic, and real brokers that answer.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::ask;
use super::client::{self, Context, KafkaSettings};
use super::log::{Clock, SystemClock};
use crate::limits;

/// The journal's topic, as its reader sees it: committed records only.
pub trait JournalLog {
    /// The time here.
    fn clock(&self) -> &dyn Clock;

    /// Number of partitions; `None` if there is no such topic.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    fn partitions(&self) -> KafkaResult<Option<i32>>;

    /// Goes to an offset, or to whatever is there first.
    ///
    /// # Errors
    /// When the client refuses.
    fn seek(&mut self, offset: Option<i64>) -> KafkaResult<()>;

    /// Hands over the next record, with its offset; waits a little for it.
    ///
    /// # Errors
    /// Trouble; the next call goes on.
    fn next(&mut self, each: &mut dyn FnMut(i64, &[u8])) -> KafkaResult<Next>;
}

/// What came of asking for the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It was handed over.
    Record,
    /// There is none: the broker said that this is the end.
    End,
    /// Nothing has come yet.
    Nothing,
}

/// The journal at real brokers.
pub struct KafkaJournal {
    consumer: BaseConsumer<Context>,
    topic: String,
}

impl KafkaJournal {
    /// Connects.
    ///
    /// # Errors
    /// When a property is refused.
    pub fn open(settings: &KafkaSettings, topic: &str) -> KafkaResult<Self> {
        let own = [
            ("enable.partition.eof", "true"),
            ("auto.offset.reset", "earliest"),
            ("fetch.wait.max.ms", "20"),
            // What waits here while steps are repeated.
            ("queued.max.messages.kbytes", limits::SOURCE_QUEUE_KIB),
        ];
        Ok(Self { consumer: client::consumer(settings, &own)?, topic: topic.to_owned() })
    }
}

impl JournalLog for KafkaJournal {
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }

    fn partitions(&self) -> KafkaResult<Option<i32>> {
        ask::partitions(&self.consumer, &self.topic)
    }

    fn seek(&mut self, offset: Option<i64>) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        let offset = offset.map_or(Offset::Beginning, Offset::Offset);
        list.add_partition_offset(&self.topic, 0, offset)?;
        self.consumer.assign(&list)
    }

    fn next(&mut self, each: &mut dyn FnMut(i64, &[u8])) -> KafkaResult<Next> {
        match self.consumer.poll(Duration::from_millis(100)) {
            None => Ok(Next::Nothing),
            Some(Ok(message)) => {
                each(message.offset(), message.payload().unwrap_or_default());
                Ok(Next::Record)
            }
            Some(Err(KafkaError::PartitionEOF(_))) => Ok(Next::End),
            Some(Err(error)) => Err(error),
        }
    }
}
