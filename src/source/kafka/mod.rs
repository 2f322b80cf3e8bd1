//! Kafka as a source: every partition of every input topic, read by one process.
//!
//! Partitions are assigned explicitly, no group decides. Each has its own bounded queue in the
//! client, so that a fast partition never crowds out a slow one.
//!
//! **Order.** Within a step, partitions are merged by the running maximum of their records'
//! timestamps, then by topic name and partition. That order follows from the step's runs alone, so
//! that a journal of runs is enough to repeat it. A step takes what has arrived; while a partition
//! is behind, it is waited for a little, so that a backlog is read in order of time across
//! partitions and steps.
//!
//! **Guarantee.** No record is skipped: an outage is waited out. An offset that the topic no longer
//! holds stops the source with a message that names the remedy. Offsets are not stored here: they
//! travel with the sink's commits.
//!
//! - [`client`]: how clients are made; lag
//! - `partition`: what has been fetched of one partition
//! - `merge`: the order inside a step

pub mod client;
mod merge;
mod partition;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::{Progress, Run, Source, SourceError, Step};
use crate::limits;
use crate::model::event::Position;
use crate::wire::decode::Decoder;
use client::{Context, KafkaSettings, Lag};
use partition::Partition;
use watch::Watch;

/// Reads topics.
pub struct KafkaSource {
    consumer: Arc<BaseConsumer<Context>>,
    topics: Vec<String>,
    partitions: Vec<Partition>,
    decoder: Decoder,
    /// Where the journal ends: partitions not yet read start there, or at their beginning.
    starts: BTreeMap<(String, i32), Start>,
    wake: (Sender<()>, Receiver<()>),
    watch: Watch,
    lag: Lag,
}

/// Where a partition is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// First offset of the journal's first run.
    pub from: i64,
    /// One past the last offset of its last.
    pub end: i64,
}

/// What came of reading runs again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Records read again.
    pub records: u64,
    /// Offsets of the runs below the topic's first: deleted since.
    pub lost: u64,
}

impl KafkaSource {
    /// Connects and finds the topics. Reading starts at `starts`, by `(topic, partition)`;
    /// partitions it does not name are read from their beginning. `topics` in order of name.
    ///
    /// # Errors
    /// [`SourceError::Kafka`], naming the topic that is missing, or the property that is refused.
    pub fn open(
        settings: &KafkaSettings,
        topics: Vec<String>,
        starts: BTreeMap<(String, i32), Start>,
        decoder: Decoder,
    ) -> Result<Self, SourceError> {
        assert!(topics.is_sorted(), "positions and the merge go by the order of names");
        let own = [
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
            ("statistics.interval.ms", "1000"),
            ("fetch.wait.max.ms", "100"),
            ("queued.max.messages.kbytes", "16384"),
        ];
        let consumer = client::consumer(settings, &own).map_err(|error| kafka(&error))?;
        let lag = consumer.context().lag.clone();
        let consumer = Arc::new(consumer);
        let mut counts = Vec::with_capacity(topics.len());
        for topic in &topics {
            counts.push(watch::count_of(&consumer, topic)?);
        }
        let watch = Watch::start(Arc::clone(&consumer), topics.clone());
        let mut source = Self {
            consumer,
            topics,
            partitions: Vec::new(),
            decoder,
            starts,
            wake: bounded(1),
            watch,
            lag,
        };
        source.add(&counts)?;
        Ok(source)
    }

    /// Consumer lag, for whoever shows it.
    #[must_use]
    pub fn lag(&self) -> Lag {
        self.lag.clone()
    }

    /// Every partition being read.
    #[must_use]
    pub fn assigned(&self) -> Vec<(String, i32)> {
        let name = |part: &Partition| self.topics[usize::from(part.topic)].clone();
        self.partitions.iter().map(|part| (name(part), part.partition)).collect()
    }

    /// Starts reading the partitions that are new in `counts`, by topic.
    fn add(&mut self, counts: &[i32]) -> Result<(), SourceError> {
        let mut list = TopicPartitionList::new();
        let mut added = Vec::new();
        for (topic, count) in counts.iter().enumerate() {
            let known =
                self.partitions.iter().filter(|part| usize::from(part.topic) == topic).count();
            for partition in known as i32..*count {
                let name = self.topics[topic].clone();
                let (low, high) = self
                    .consumer
                    .fetch_watermarks(&name, partition, client::ASK_TIMEOUT)
                    .map_err(|error| kafka(&error))?;
                let start = self.starts.get(&(name.clone(), partition)).copied();
                let begin = begin_of(&name, partition, start, low)?;
                let offset = begin.map_or(Offset::Beginning, Offset::Offset);
                list.add_partition_offset(&name, partition, offset).map_err(|e| kafka(&e))?;
                added.push((topic as u16, partition, begin.unwrap_or(-1), low, high));
            }
        }
        if added.is_empty() {
            return Ok(());
        }
        let first = self.partitions.is_empty();
        let assigned = if first {
            self.consumer.assign(&list)
        } else {
            self.consumer.incremental_assign(&list)
        };
        assigned.map_err(|error| kafka(&error))?;
        for (topic, partition, next, low, high) in added {
            let name = &self.topics[usize::from(topic)];
            if !first {
                tracing::info!(topic = name, partition, "new partition");
            }
            let queue = partition::split(&self.consumer, name, partition)
                .ok_or_else(|| SourceError::Kafka(format!("{name}/{partition} has no queue")))?;
            let mut part = Partition::new(topic, partition, queue, next, low, high);
            let wake = self.wake.0.clone();
            // Full means that a wake-up is pending already.
            part.on_arrival(move || {
                let _ = wake.try_send(());
            });
            self.partitions.push(part);
        }
        self.partitions.sort_by_key(|part| (part.topic, part.partition));
        Ok(())
    }

    /// Serves the client's callbacks, and takes what came before a partition had its own queue.
    fn serve(&mut self) -> Result<(), SourceError> {
        while let Some(polled) = self.consumer.poll(Duration::ZERO) {
            match polled {
                Ok(message) => {
                    let known = self.partitions.iter_mut().find(|part| {
                        part.partition == message.partition()
                            && self.topics[usize::from(part.topic)] == message.topic()
                    });
                    if let Some(part) = known {
                        part.take_early(&message);
                    }
                }
                Err(KafkaError::PartitionEOF(_)) => {}
                Err(error) => self.judge(&error, None)?,
            }
        }
        if let Some(counts) = self.watch.news() {
            self.add(&counts)?;
        }
        Ok(())
    }

    /// Passing trouble is told and waited out; the rest ends the source.
    fn judge(&self, error: &KafkaError, at: Option<(u16, i32)>) -> Result<(), SourceError> {
        let place = at.map_or_else(String::new, |(topic, partition)| {
            format!("{}/{partition}: ", self.topics[usize::from(topic)])
        });
        let code = error.rdkafka_error_code();
        let remedy = match code {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                "the topic no longer holds the next offset: records were deleted before they were read. \
                 Lengthen the topic's retention; to go on without them, start a new group_id and journal"
            }
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => "grant READ on the topic",
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                "the topic was deleted; create it again with a new group_id and journal"
            }
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => "the client gave up",
            Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown) => {
                // The client's own log tells it, with repeats held back.
                return Ok(());
            }
            _ => {
                tracing::warn!(%error, place, "kafka source waits");
                return Ok(());
            }
        };
        Err(SourceError::Kafka(format!("{place}{error}; {remedy}")))
    }

    /// Fetches for every partition that has nothing at hand.
    fn fill(&mut self) -> Result<(), SourceError> {
        for index in 0..self.partitions.len() {
            let part = &mut self.partitions[index];
            let at = (part.topic, part.partition);
            if let Err(error) = part.fill(Duration::ZERO) {
                self.judge(&error, Some(at))?;
            }
        }
        Ok(())
    }

    fn someone_is_behind(&self) -> bool {
        self.partitions.iter().any(|part| {
            // The look-up is dear; a partition with records at hand needs none.
            part.peek().is_none()
                && part
                    .is_behind(self.lag.of(&self.topics[usize::from(part.topic)], part.partition))
        })
    }

    /// Reads exactly these runs again, in the order they were read in the first time. Partitions
    /// they name must stand at their beginning: journals are contiguous.
    ///
    /// # Errors
    /// [`SourceError`], as [`Source::next`], or when `go_on` says no.
    pub fn replay(
        &mut self,
        runs: &[Run],
        step: &mut Step,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Replayed, SourceError> {
        let mut cursors = Vec::with_capacity(runs.len());
        for run in runs {
            let index = self.index_of(run)?;
            cursors.push((index, run.to));
        }
        let mut emitted = merge::Merge::new(&self.partitions);
        loop {
            for (index, to) in &cursors {
                self.reach(*index, *to, go_on)?;
            }
            let Some(index) = emitted.next(&self.partitions, |index, held| {
                cursors.iter().any(|(at, to)| *at == index && held.offset < *to)
            }) else {
                break;
            };
            self.emit(index, step);
        }
        let mut lost = 0;
        for (run, (index, to)) in runs.iter().zip(&cursors) {
            let part = &mut self.partitions[*index];
            lost += (run.to.min(part.low) - run.from).max(0) as u64;
            part.next = *to;
            step.runs.push(*run);
        }
        Ok(Replayed { records: emitted.count(), lost })
    }

    fn index_of(&self, run: &Run) -> Result<usize, SourceError> {
        self.partitions
            .iter()
            .position(|part| part.topic == run.topic && part.partition == run.partition)
            .ok_or_else(|| {
                let name = &self.topics[usize::from(run.topic)];
                SourceError::Kafka(format!(
                    "the journal names {name}/{}, which the topic does not have: it was made anew. \
                     Start a new group_id and journal",
                    run.partition
                ))
            })
    }

    /// Fetches until the partition has a record at hand, or surely none below `to`.
    fn reach(
        &mut self,
        index: usize,
        to: i64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), SourceError> {
        loop {
            let part = &mut self.partitions[index];
            let at = (part.topic, part.partition);
            if part.peek().is_some() || part.fetched >= to || part.at_end {
                return Ok(());
            }
            if !go_on() {
                return Err(SourceError::Stopped);
            }
            if let Err(error) = part.fill(Duration::from_millis(100)) {
                self.judge(&error, Some(at))?;
            }
            self.serve()?;
        }
    }

    /// Puts a partition's next record into the step.
    fn emit(&mut self, index: usize, step: &mut Step) {
        let part = &mut self.partitions[index];
        let Some(held) = part.peek().cloned() else { return };
        let position =
            Position { topic: part.topic, partition: part.partition, offset: held.offset };
        let payload = part.payload(&held);
        match self.decoder.decode(payload, position, held.time_ms, &mut step.batch) {
            Ok(()) => step.keep(payload, part.key(&held)),
            Err(reject) => step.rejected.push(super::RejectedRecord {
                reject,
                bytes: payload.to_vec(),
                key: part.key(&held).map(<[u8]>::to_vec),
            }),
        }
        part.advance();
    }
}

impl Source for KafkaSource {
    fn topics(&self) -> &[String] {
        &self.topics
    }

    fn next(&mut self, step: &mut Step) -> Result<Progress, SourceError> {
        let patience = Instant::now() + limits::SOURCE_PATIENCE;
        loop {
            self.serve()?;
            self.fill()?;
            if self.partitions.iter().any(|part| part.peek().is_some()) {
                break;
            }
            let left = patience.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Progress::Idle);
            }
            // Woken by the first arrival; a time-out only means asking once more.
            let _ = self.wake.1.recv_timeout(left.min(Duration::from_millis(50)));
        }
        let until = Instant::now() + limits::SOURCE_BEHIND_WAIT;
        while self.someone_is_behind() && Instant::now() < until {
            let _ = self.wake.1.recv_timeout(Duration::from_millis(2));
            self.fill()?;
        }
        self.cut(step);
        Ok(Progress::Step)
    }
}

impl KafkaSource {
    /// Makes a step of what is at hand. A partition that runs dry in it is not asked again before
    /// the next step unless it was full, so that the order stays one that the runs alone give.
    fn cut(&mut self, step: &mut Step) {
        let mut merge = merge::Merge::new(&self.partitions);
        let before: Vec<Option<i64>> =
            self.partitions.iter().map(|part| part.peek().map(|held| held.offset)).collect();
        let mut ends = vec![-1; self.partitions.len()];
        let mut bytes = 0;
        while step.batch.events.len() + step.rejected.len() < limits::STEP_RECORDS_MAX
            && bytes < limits::STEP_BYTES_MAX - limits::RECORD_BYTES_MAX
        {
            let Some(index) = merge.next(&self.partitions, |_, _| true) else { break };
            let Some(held) = self.partitions[index].peek() else { break };
            ends[index] = held.offset + 1;
            bytes += self.partitions[index].payload(held).len();
            self.emit(index, step);
            merge.refill(&mut self.partitions, index);
        }
        for (index, to) in ends.into_iter().enumerate().filter(|(_, to)| *to >= 0) {
            let part = &mut self.partitions[index];
            let from = if part.next >= 0 { part.next } else { before[index].unwrap_or(to) };
            step.runs.push(Run { topic: part.topic, partition: part.partition, from, to });
            part.next = to;
        }
    }
}

fn kafka(error: &KafkaError) -> SourceError {
    SourceError::Kafka(error.to_string())
}

/// Where to begin reading: `None` for the topic's beginning. Deleted records that the journal has
/// are a loss of state, told loudly; deleted records that nobody has read are a stop.
fn begin_of(
    topic: &str,
    partition: i32,
    start: Option<Start>,
    low: i64,
) -> Result<Option<i64>, SourceError> {
    let Some(start) = start else { return Ok(None) };
    if low > start.end {
        return Err(SourceError::Kafka(format!(
            "{topic}/{partition}: the next offset is {}, the topic begins at {low}: records were deleted \
             before they were read. Lengthen the topic's retention; to go on without them, start a new \
             group_id and journal",
            start.end
        )));
    }
    if low > start.from {
        tracing::warn!(
            topic,
            partition,
            from = start.from,
            low,
            "records that the journal names were deleted: state is rebuilt without them"
        );
    }
    Ok(Some(start.from.max(low)))
}
