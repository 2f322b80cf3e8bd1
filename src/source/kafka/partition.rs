//! One partition: what has been fetched and not yet put into a step.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::Message as _;
use rdkafka::consumer::BaseConsumer;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;

use super::client::Context;
use crate::limits;
use crate::model::time::Millis;

/// One fetched record; its bytes lie in the partition's arena.
#[derive(Clone, Debug)]
pub struct Held {
    pub offset: i64,
    pub time_ms: Option<Millis>,
    key: Option<Range<usize>>,
    payload: Range<usize>,
}

/// A partition being read.
pub struct Partition {
    pub topic: u16,
    pub partition: i32,
    queue: PartitionQueue<Context>,
    arena: Vec<u8>,
    held: Vec<Held>,
    /// The first of `held` that is not yet in a step.
    head: usize,
    /// One past the last offset put into a step; -1 before the first.
    pub next: i64,
    /// One past the last offset fetched, or where the end was seen.
    pub fetched: i64,
    /// Nothing was left when it was last asked, and the broker said that this is the end.
    pub at_end: bool,
    /// The topic's first offset when reading began.
    pub low: i64,
    /// Where the end was when reading began: until then the partition is behind.
    pub backlog_to: i64,
    /// An error met while a step was being merged.
    trouble: Option<KafkaError>,
}

impl Partition {
    pub fn new(
        topic: u16,
        partition: i32,
        queue: PartitionQueue<Context>,
        next: i64,
        low: i64,
        backlog_to: i64,
    ) -> Self {
        Self {
            topic,
            partition,
            queue,
            arena: Vec::new(),
            held: Vec::new(),
            head: 0,
            next,
            fetched: next,
            at_end: false,
            low,
            backlog_to,
            trouble: None,
        }
    }

    /// The next record, if one has been fetched.
    pub fn peek(&self) -> Option<&Held> {
        self.held.get(self.head)
    }

    /// Steps over the next record.
    pub fn advance(&mut self) {
        self.head += 1;
    }

    pub fn payload(&self, held: &Held) -> &[u8] {
        &self.arena[held.payload.clone()]
    }

    pub fn key(&self, held: &Held) -> Option<&[u8]> {
        held.key.clone().map(|key| &self.arena[key])
    }

    /// Calls `wake` whenever records come while none were waiting.
    pub fn on_arrival(&mut self, wake: impl Fn() + Send + Sync + 'static) {
        self.queue.set_nonempty_callback(wake);
    }

    /// Fetches a chunk if none is left, waiting at most `patience` for its first record.
    ///
    /// # Errors
    /// What the client says about the partition.
    pub fn fill(&mut self, patience: Duration) -> Result<(), KafkaError> {
        if self.head < self.held.len() {
            return Ok(());
        }
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble);
        }
        self.held.clear();
        self.arena.clear();
        self.head = 0;
        let mut patience = patience;
        while self.held.len() < limits::SOURCE_CHUNK_RECORDS
            && self.arena.len() < limits::SOURCE_CHUNK_BYTES
        {
            match self.queue.poll(patience) {
                None => break,
                Some(Ok(message)) => {
                    hold(&mut self.arena, &mut self.held, &message);
                    self.at_end = false;
                    self.fetched = message.offset() + 1;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.at_end = true;
                    break;
                }
                Some(Err(error)) => return Err(error),
            }
            patience = Duration::ZERO;
        }
        Ok(())
    }

    /// Keeps an error for the next call of [`Self::fill`], which judges it: the client may tell it
    /// only once.
    pub fn put_off(&mut self, trouble: KafkaError) {
        self.trouble = Some(trouble);
    }

    /// Takes a record that came by the client's main queue, before this partition had its own.
    pub fn take_early(&mut self, message: &BorrowedMessage<'_>) {
        self.at_end = false;
        self.fetched = message.offset() + 1;
        hold(&mut self.arena, &mut self.held, message);
    }

    /// Whether it has nothing at hand though more lies at the broker: worth waiting for, so that a
    /// backlog is merged in order of time.
    pub fn is_behind(&self, lag: Option<i64>) -> bool {
        let waiting = self.fetched < self.backlog_to || lag.unwrap_or(0) > limits::SOURCE_LAG_LIVE;
        self.peek().is_none() && !self.at_end && waiting
    }
}

fn hold(arena: &mut Vec<u8>, held: &mut Vec<Held>, message: &BorrowedMessage<'_>) {
    let mut push = |bytes: &[u8]| {
        let start = arena.len();
        arena.extend_from_slice(bytes);
        start..arena.len()
    };
    held.push(Held {
        offset: message.offset(),
        time_ms: message.timestamp().to_millis(),
        key: message.key().map(&mut push),
        payload: push(message.payload().unwrap_or_default()),
    });
}

/// Gives a partition its own queue.
pub fn split(
    consumer: &Arc<BaseConsumer<Context>>,
    topic: &str,
    partition: i32,
) -> Option<PartitionQueue<Context>> {
    consumer.split_partition_queue(topic, partition)
}
