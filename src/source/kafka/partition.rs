//! One partition: what has been fetched and not yet put into a step.

use std::collections::VecDeque;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::log::{Held, Queue, Taken};
use crate::limits;
use crate::model::time::Millis;

/// A partition being read.
pub struct Partition<Q> {
    pub topic: u16,
    pub partition: i32,
    /// Before the queue: records go before the client does.
    held: VecDeque<Held>,
    queue: Q,
    /// Its place among those whose lag is told.
    pub lag_place: usize,
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
    /// It was waited for in vain: nobody waits for it until it delivers again.
    pub stalled: bool,
    /// Time of the last record put into a step.
    last_ms: Option<Millis>,
    /// An error met while fetching.
    trouble: Option<RDKafkaErrorCode>,
}

impl<Q: Queue> Partition<Q> {
    pub fn new(
        (topic, partition): (u16, i32),
        queue: Q,
        lag_place: usize,
        next: i64,
        (low, backlog_to): (i64, i64),
    ) -> Self {
        Self {
            topic,
            partition,
            held: VecDeque::new(),
            queue,
            lag_place,
            next,
            fetched: next,
            at_end: false,
            low,
            backlog_to,
            stalled: false,
            last_ms: None,
            trouble: None,
        }
    }

    /// The next record, if one has been fetched.
    pub fn peek(&self) -> Option<&Held> {
        self.held.front()
    }

    /// Takes the next record.
    pub fn pop(&mut self) -> Option<Held> {
        let held = self.held.pop_front();
        if let Some(held) = &held {
            self.last_ms = held.time_ms;
        }
        held
    }

    /// Goes on at an offset: what lies before it is passed over.
    pub fn go_on_at(&mut self, offset: i64) {
        if self.next < offset {
            self.next = offset;
            self.held.retain(|held| held.offset >= offset);
        }
    }

    /// Fetches what has arrived if none is left; never waits.
    pub fn fill(&mut self) {
        if !self.held.is_empty() {
            return;
        }
        let Self { held, fetched, at_end, stalled, trouble, next, .. } = self;
        self.queue.take(limits::SOURCE_CHUNK_RECORDS, |taken| match taken {
            Taken::Record(record) => {
                (*fetched, *at_end, *stalled) = (record.offset + 1, false, false);
                // What lies before the next record is none of this reading's.
                if record.offset >= *next {
                    held.push_back(record);
                }
            }
            Taken::End(offset) => (*fetched, *at_end, *stalled) = (offset, true, false),
            Taken::Trouble(code) => {
                trouble.get_or_insert(code);
            }
        });
    }

    /// Trouble met while fetching, once the records before it are gone.
    pub fn take_trouble(&mut self) -> Option<KafkaError> {
        if self.held.is_empty() {
            self.trouble.take().map(KafkaError::MessageConsumption)
        } else {
            None
        }
    }

    /// Takes a record that came by the client's main queue, before this partition had its own.
    pub fn take_early(&mut self, held: Held) {
        (self.fetched, self.at_end, self.stalled) = (held.offset + 1, false, false);
        if held.offset >= self.next {
            self.held.push_back(held);
        }
    }

    /// Whether it has nothing at hand though more lies at the broker, as `end` says: worth waiting
    /// for, so that a backlog is merged in order of time.
    pub fn is_behind(&self, end: impl FnOnce() -> Option<i64>) -> bool {
        if !self.held.is_empty() || self.at_end || self.stalled {
            return false;
        }
        let far = |end: i64| end - self.fetched > limits::SOURCE_LAG_LIVE;
        self.fetched < self.backlog_to || end().is_some_and(far)
    }

    /// One past the last offset put into a step, or the end if nothing waits before it (transaction
    /// markers have offsets, too); and the time of the oldest record that waits.
    pub fn progress(&self) -> (i64, Option<Millis>) {
        let done = self.held.is_empty() && self.at_end;
        let read_to = if done { self.fetched } else { self.next.max(self.low) };
        (read_to, self.peek().map_or(self.last_ms, |held| held.time_ms))
    }
}
