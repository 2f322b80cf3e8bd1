//! Topics read afresh, read-committed, for those who prove: from an offset or a time to the end.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use crate::limits;
use crate::model::time::Millis;
use crate::source::SourceError;
use crate::source::kafka::ask;
use crate::source::kafka::client::{self, Context, KafkaSettings};
use crate::source::kafka::log::SystemClock;

/// How long the end of what was committed may stay behind before it is given up.
const SETTLE: Duration = Duration::from_secs(60);

/// Reads topics.
pub struct TopicReader<'a> {
    committed: BaseConsumer<Context>,
    /// Sees records of transactions that have not ended.
    uncommitted: BaseConsumer<Context>,
    go_on: &'a dyn Fn() -> bool,
}

/// A record of a topic.
#[derive(Debug)]
pub struct Record<'a> {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Its timestamp.
    pub time_ms: Option<Millis>,
    /// Its body.
    pub body: &'a [u8],
    message: &'a BorrowedMessage<'a>,
}

impl Record<'_> {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.message.headers()?;
        let found = headers.iter().find(|header| header.key == name)?;
        std::str::from_utf8(found.value?).ok()
    }
}

impl<'a> TopicReader<'a> {
    /// Connects.
    ///
    /// # Errors
    /// When a property is refused.
    pub fn open(
        settings: &KafkaSettings,
        go_on: &'a dyn Fn() -> bool,
    ) -> Result<Self, SourceError> {
        let own = [
            ("enable.partition.eof", "true"),
            ("auto.offset.reset", "earliest"),
            ("fetch.wait.max.ms", "20"),
            ("queued.max.messages.kbytes", limits::SOURCE_QUEUE_KIB),
        ];
        let committed = client::consumer(settings, &own).map_err(kafka)?;
        let own = [("isolation.level", "read_uncommitted")];
        let uncommitted = client::consumer(settings, &own).map_err(kafka)?;
        Ok(Self { committed, uncommitted, go_on })
    }

    /// Number of partitions.
    ///
    /// # Errors
    /// When there is no such topic, or the brokers refuse.
    pub fn partitions(&self, topic: &str) -> Result<i32, SourceError> {
        let count = ask::patiently(topic, &SystemClock, self.go_on, || {
            ask::partitions(&self.committed, topic)
        })?;
        count.ok_or_else(|| SourceError::Kafka(ask::missing(topic)))
    }

    /// The first offset that a partition holds, and one past the last.
    ///
    /// # Errors
    /// When the brokers refuse.
    pub fn bounds(&self, topic: &str, partition: i32) -> Result<(i64, i64), SourceError> {
        let bounds = ask::patiently(topic, &SystemClock, self.go_on, || {
            self.committed.fetch_watermarks(topic, partition, ask::ASK_TIMEOUT)
        })?;
        Ok(bounds)
    }

    /// Waits until everything written to a topic by now can be read or never will: a transaction
    /// becomes visible topic by topic.
    ///
    /// # Errors
    /// When a transaction stays open for long, or the brokers refuse.
    pub fn settle(&self, topic: &str) -> Result<(), SourceError> {
        let until = Instant::now() + SETTLE;
        for partition in 0..self.partitions(topic)? {
            let (_, written) = ask::patiently(topic, &SystemClock, self.go_on, || {
                self.uncommitted.fetch_watermarks(topic, partition, ask::ASK_TIMEOUT)
            })?;
            while self.bounds(topic, partition)?.1 < written {
                if Instant::now() >= until {
                    return Err(SourceError::Kafka(format!(
                        "{topic}/{partition}: a transaction stays open, so that its end cannot be read; \
                         try again when its producer has ended or timed out"
                    )));
                }
                if !ask::rest(Duration::from_millis(20), &SystemClock, self.go_on) {
                    return Err(SourceError::Stopped);
                }
            }
        }
        Ok(())
    }

    /// Offsets of the first records at or after a time, by partition.
    ///
    /// # Errors
    /// When the brokers refuse.
    pub fn since(&self, topic: &str, time_ms: Millis) -> Result<Vec<Offset>, SourceError> {
        let count = self.partitions(topic)?;
        let mut asked = TopicPartitionList::new();
        for partition in 0..count {
            let at = Offset::Offset(time_ms);
            asked.add_partition_offset(topic, partition, at).map_err(kafka)?;
        }
        let answer = ask::patiently(topic, &SystemClock, self.go_on, || {
            self.committed.offsets_for_times(asked.clone(), ask::ASK_TIMEOUT)
        })?;
        let offset = |partition| {
            let found = answer.find_partition(topic, partition);
            found.map_or(Offset::Beginning, |found| found.offset())
        };
        Ok((0..count).map(offset).collect())
    }

    /// Hands over everything that can be read, partition by partition, from these offsets on; all
    /// of it if there are none.
    ///
    /// # Errors
    /// What `each` says, and when the brokers refuse.
    pub fn all<E: From<SourceError>>(
        &self,
        topic: &str,
        from: &[Offset],
        mut each: impl FnMut(&Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for partition in 0..self.partitions(topic)? {
            let begin = from.get(partition as usize).copied().unwrap_or(Offset::Beginning);
            self.stretch(topic, partition, begin, i64::MAX, &mut each)?;
        }
        Ok(())
    }

    /// Hands over one partition's records from `from` up to `to`.
    ///
    /// # Errors
    /// As [`Self::all`].
    pub fn stretch<E: From<SourceError>>(
        &self,
        topic: &str,
        partition: i32,
        from: Offset,
        to: i64,
        each: &mut dyn FnMut(&Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, from).map_err(kafka)?;
        self.committed.assign(&list).map_err(kafka)?;
        while (self.go_on)() {
            match self.committed.poll(Duration::from_millis(100)) {
                None => {}
                Some(Ok(message)) if message.offset() >= to => return Ok(()),
                Some(Ok(message)) => each(&Record {
                    partition: message.partition(),
                    offset: message.offset(),
                    time_ms: message.timestamp().to_millis(),
                    body: message.payload().unwrap_or_default(),
                    message: &message,
                })?,
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                    return Err(kafka(error).into());
                }
                Some(Err(error)) => tracing::warn!(%error, topic, "waiting for the brokers"),
            }
        }
        Err(SourceError::Stopped.into())
    }
}

fn kafka(error: KafkaError) -> SourceError {
    SourceError::Kafka(error.to_string())
}
