//! What the source asks of Kafka, and no more: the boundary at which a model may take the brokers'
//! place. Everything above it, from the order inside a step to what is done about deleted records,
//! is the same code over both.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use super::lag::Lag;
use super::queue::Record;
pub use super::watch::Loss;
use crate::model::time::Millis;

/// The time by which pauses and patience are measured. A model has a time of its own.
pub trait Clock: Send + Sync {
    /// Time since some moment.
    fn now(&self) -> Duration;

    /// Pauses.
    fn sleep(&self, pause: Duration);
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGAN.elapsed()
    }

    fn sleep(&self, pause: Duration) {
        std::thread::sleep(pause);
    }
}

/// The input topics, as their reader sees them.
pub trait Log: Send {
    /// What one partition delivers.
    type Queue: Queue;

    /// The time here.
    fn clock(&self) -> &dyn Clock;

    /// Number of partitions of a topic; `None` if there is no such topic.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    fn partitions(&self, topic: &str) -> KafkaResult<Option<i32>>;

    /// A partition's first offset, and one past its last.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    fn bounds(&self, topic: &str, partition: i32) -> KafkaResult<(i64, i64)>;

    /// Reads these partitions, too, and hands out a queue for each.
    ///
    /// # Errors
    /// When the client refuses.
    fn assign(&mut self, begins: &[Begin<'_>]) -> KafkaResult<Vec<Self::Queue>>;

    /// What came by no partition's queue since the last call, one at a time.
    fn serve(&mut self) -> Option<Served>;

    /// Partitions by topic, when that has been asked since the last call.
    fn news(&mut self) -> Option<Vec<i32>>;

    /// A topic, by its number, that is not the one any more that reading began with, if that is
    /// known.
    fn lost(&self) -> Option<(usize, Loss)> {
        None
    }

    /// Waits until something arrives, at most so long.
    fn wait(&self, most: Duration);

    /// Where ends of partitions are told, if they are.
    fn lag(&self) -> Lag;
}

/// Where a partition is begun.
#[derive(Clone, Copy, Debug)]
pub struct Begin<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its number.
    pub partition: i32,
    /// First offset; `None` for whatever is there first.
    pub offset: Option<i64>,
}

/// One partition's records.
pub trait Queue: Send {
    /// Hands over what waits, in order, at most `most`; never waits itself.
    fn take(&mut self, most: usize, each: impl FnMut(Taken));
}

/// What a partition hands out.
#[derive(Debug)]
pub enum Taken {
    /// A record.
    Record(Held),
    /// The partition's end, as the broker said: this offset.
    End(i64),
    /// Trouble.
    Trouble(RDKafkaErrorCode),
}

/// What came by no partition's queue.
#[derive(Debug)]
pub enum Served {
    /// A record that came before its partition had a queue.
    Early {
        /// Its topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The record.
        held: Held,
    },
    /// Nothing that matters.
    Nothing,
    /// Trouble.
    Trouble(KafkaError),
}

/// One fetched record.
#[derive(Debug)]
pub struct Held {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, if it has one.
    pub time_ms: Option<Millis>,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    /// In the client's memory.
    Fetched(Record),
    Copied {
        payload: Vec<u8>,
        key: Option<Vec<u8>>,
    },
}

impl Held {
    pub(super) fn fetched(record: Record) -> Self {
        let (offset, time_ms) = (record.offset(), record.time_ms());
        Self { offset, time_ms, bytes: Bytes::Fetched(record) }
    }

    /// A record of these bytes.
    #[must_use]
    pub fn copied(
        offset: i64,
        time_ms: Option<Millis>,
        payload: Vec<u8>,
        key: Option<Vec<u8>>,
    ) -> Self {
        Self { offset, time_ms, bytes: Bytes::Copied { payload, key } }
    }

    /// Its body; empty for none.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Fetched(record) => record.payload(),
            Bytes::Copied { payload, .. } => payload,
        }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        match &self.bytes {
            Bytes::Fetched(record) => record.key(),
            Bytes::Copied { key, .. } => key.as_deref(),
        }
    }
}
