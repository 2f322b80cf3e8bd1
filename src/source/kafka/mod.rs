//! Kafka as a source: every partition of every input topic, read by one process.
//!
//! Partitions are assigned explicitly, no group decides. Each has its own bounded queue in the
//! client, so that a fast partition never crowds out a slow one.
//!
//! **Order.** Within a step, partitions are merged by the running maximum of their records'
//! timestamps, then by topic name and partition. That order follows from the step's runs alone, so
//! that a journal of runs is enough to repeat it. A step takes what has arrived: a record or two
//! when little comes, thousands from a backlog. A partition with a backlog is waited for, and a
//! step ends where it runs dry, so that a backlog is read in order of time across partitions and
//! steps. One that delivers nothing all the same (its broker is down) holds nobody up for long.
//!
//! **Guarantee.** No record is skipped: an outage is waited out. An offset that the topic no longer
//! holds stops the source with a message that names the remedy. Offsets are not stored here: they
//! travel with the sink's commits.
//!
//! - [`client`]: how clients are made
//! - [`log`]: what is asked of Kafka, so that a model may answer
//! - [`connection`]: real brokers answer
//! - [`journal`]: the same for the journal's topic
//! - [`ask`]: questions to the brokers, asked again until they are answered
//! - `identity`: whether a topic is still the one it was
//! - [`lag`]: how far reading is behind
//! - `queue`: a partition's records in the client's memory
//! - `partition`: what has been fetched of one partition
//! - `merge`: the order inside a step
//! - [`replay`]: the same steps again
//! - [`token`]: the OAUTHBEARER token, from a file that something else renews
//! - `trouble`: what is waited out, and what ends the source
//! - `watch`: new partitions

pub mod ask;
pub mod client;
pub mod connection;
mod identity;
pub mod journal;
pub mod lag;
pub mod log;
mod merge;
mod partition;
mod queue;
pub mod replay;
pub mod token;
mod trouble;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{Progress, Run, Source, SourceError, Step};
use crate::limits;
use crate::model::event::Position;
use crate::wire::decode::Decoder;
use ask::Unanswered;
use client::KafkaSettings;
use connection::KafkaLog;
use lag::Lag;
use log::{Begin, Log, Served};
use merge::Merge;
use partition::Partition;

/// Reads topics.
pub struct KafkaSource<L: Log = KafkaLog> {
    log: L,
    topics: Vec<String>,
    partitions: Vec<Partition<L::Queue>>,
    decoder: Decoder,
    /// Where the journal ends: partitions not yet read start there, or at their beginning.
    starts: BTreeMap<(String, i32), Start>,
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

/// Partitions that are to be read: topic, partition, first offset and end.
type Found = Vec<(u16, i32, (i64, i64))>;

impl KafkaSource {
    /// Connects and finds the topics, waiting for brokers that do not answer. Reading starts at
    /// `starts`, by `(topic, partition)`; partitions it does not name are read from their
    /// beginning. `topics` in order of name.
    ///
    /// # Errors
    /// [`SourceError::Kafka`], naming the topic that is missing, or the property that is refused;
    /// [`SourceError::Stopped`], when `go_on` said no.
    pub fn open(
        settings: &KafkaSettings,
        topics: Vec<String>,
        starts: BTreeMap<(String, i32), Start>,
        decoder: Decoder,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Self, SourceError> {
        let log = KafkaLog::open(settings, &topics).map_err(|error| kafka(&error))?;
        Self::over(log, topics, starts, decoder, go_on)
    }
}

impl<L: Log> KafkaSource<L> {
    /// As [`KafkaSource::open`], over whatever answers.
    ///
    /// # Errors
    /// As [`KafkaSource::open`].
    pub fn over(
        log: L,
        topics: Vec<String>,
        starts: BTreeMap<(String, i32), Start>,
        decoder: Decoder,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Self, SourceError> {
        assert!(topics.is_sorted(), "positions and the merge go by the order of names");
        let mut counts = Vec::with_capacity(topics.len());
        for topic in &topics {
            let count = ask::patiently(topic, log.clock(), go_on, || log.partitions(topic))?;
            counts.push(count.ok_or_else(|| SourceError::Kafka(ask::missing(topic)))?);
        }
        let lag = log.lag();
        let mut source = Self { log, topics, partitions: Vec::new(), decoder, starts, lag };
        let found = source.find(&counts, go_on)?;
        source.add(found)?;
        Ok(source)
    }

    /// Consumer lag, for whoever shows it.
    #[must_use]
    pub fn lag(&self) -> Lag {
        self.lag.clone()
    }

    /// Looks up the partitions that are new in `counts`, by topic.
    fn find(&self, counts: &[i32], go_on: &dyn Fn() -> bool) -> Result<Found, Unanswered> {
        let mut found = Vec::new();
        for (topic, count) in counts.iter().enumerate() {
            let known =
                self.partitions.iter().filter(|part| usize::from(part.topic) == topic).count();
            let name = &self.topics[topic];
            if known as i32 > *count {
                return Err(Unanswered::Refused(KafkaError::MetadataFetch(
                    RDKafkaErrorCode::UnknownTopicOrPartition,
                )));
            }
            for partition in known as i32..*count {
                let bounds = ask::patiently(name, self.log.clock(), go_on, || {
                    self.log.bounds(name, partition)
                })?;
                found.push((topic as u16, partition, bounds));
            }
        }
        Ok(found)
    }

    /// Starts reading partitions.
    fn add(&mut self, found: Found) -> Result<(), SourceError> {
        if found.is_empty() {
            return Ok(());
        }
        let mut begins = Vec::with_capacity(found.len());
        for (topic, partition, bounds) in &found {
            let name = &self.topics[usize::from(*topic)];
            let start = self.starts.get(&(name.clone(), *partition)).copied();
            let offset = trouble::begin_of(name, *partition, start, *bounds)?;
            begins.push(Begin { topic: name, partition: *partition, offset });
        }
        let first = self.partitions.is_empty();
        let queues = self.log.assign(&begins).map_err(|error| kafka(&error))?;
        for (((topic, partition, bounds), begin), queue) in
            found.into_iter().zip(&begins).zip(queues)
        {
            if !first {
                tracing::info!(topic = begin.topic, partition, "new partition");
            }
            let place = self.lag.add(begin.topic, partition);
            let next = begin.offset.unwrap_or(-1);
            self.partitions.push(Partition::new((topic, partition), queue, place, next, bounds));
        }
        self.partitions.sort_by_key(|part| (part.topic, part.partition));
        Ok(())
    }

    /// Serves the client's callbacks, and takes what came before a partition had its own queue.
    fn serve(&mut self) -> Result<(), SourceError> {
        while let Some(served) = self.log.serve() {
            match served {
                Served::Early { topic, partition, held } => {
                    let known = self.partitions.iter_mut().find(|part| {
                        part.partition == partition && self.topics[usize::from(part.topic)] == topic
                    });
                    if let Some(part) = known {
                        part.take_early(held);
                    }
                }
                Served::Nothing => {}
                Served::Trouble(error) => trouble::judge(&error, "")?,
            }
        }
        let news = self.log.news();
        if let Some((topic, loss)) = self.log.lost() {
            return Err(trouble::lost(&self.topics[topic], loss));
        }
        let Some(counts) = news else { return Ok(()) };
        // Asked once: whatever goes wrong, the next look finds the same partitions.
        let asked = std::cell::Cell::new(false);
        match self.find(&counts, &|| !asked.replace(true)) {
            Ok(found) => self.add(found),
            Err(Unanswered::Stopped) => Ok(()),
            Err(Unanswered::Refused(error)) => trouble::judge(&error, "new partitions: "),
        }
    }

    /// Fetches for every partition that has nothing at hand.
    fn fill(&mut self) -> Result<(), SourceError> {
        for part in &mut self.partitions {
            part.fill();
            if let Some(error) = part.take_trouble() {
                let place =
                    format!("{}/{}: ", self.topics[usize::from(part.topic)], part.partition);
                trouble::judge(&error, &place)?;
            }
        }
        Ok(())
    }

    fn is_behind(&self, part: &Partition<L::Queue>) -> bool {
        part.is_behind(|| self.lag.end(part.lag_place))
    }

    /// Waits for partitions that have a backlog and nothing at hand.
    fn await_backlog(&mut self) -> Result<(), SourceError> {
        let until = self.log.clock().now() + limits::SOURCE_BEHIND_WAIT;
        while self.partitions.iter().any(|part| self.is_behind(part)) {
            if self.log.clock().now() >= until {
                let behind: Vec<bool> =
                    self.partitions.iter().map(|part| self.is_behind(part)).collect();
                for (part, _) in self.partitions.iter_mut().zip(behind).filter(|(_, b)| *b) {
                    part.stalled = true;
                    let topic = &self.topics[usize::from(part.topic)];
                    let partition = part.partition;
                    tracing::warn!(
                        topic,
                        partition,
                        "delivers nothing; the others go on without it"
                    );
                }
                return Ok(());
            }
            self.log.wait(Duration::from_millis(5));
            self.serve()?;
            self.fill()?;
        }
        Ok(())
    }

    /// Makes a step of what is at hand. A partition that runs dry in it is asked once more; if it
    /// has nothing it is left out, or ends the step if it is behind, so that the order stays one
    /// that the runs alone give.
    fn cut(&mut self, step: &mut Step) {
        let mut merge = Merge::new(self.partitions.len());
        let mut runs: Vec<Option<(i64, i64)>> = vec![None; self.partitions.len()];
        for (index, part) in self.partitions.iter().enumerate() {
            if let Some(held) = part.peek() {
                merge.offer(index, held.time_ms);
            }
        }
        let mut bytes = 0;
        while step.batch.events.len() + step.rejected.len() < limits::STEP_RECORDS_MAX
            && bytes < limits::STEP_BYTES_MAX - limits::RECORD_BYTES_MAX
        {
            let Some(index) = merge.next() else { break };
            let Some((offset, size)) = self.emit(index, step) else { break };
            bytes += size;
            let next = self.partitions[index].next;
            let from = if next >= 0 { next } else { offset };
            runs[index].get_or_insert((from, 0)).1 = offset + 1;
            self.partitions[index].fill();
            match self.partitions[index].peek() {
                Some(held) => merge.offer(index, held.time_ms),
                None if self.is_behind(&self.partitions[index]) => break,
                None => {}
            }
        }
        for (part, run) in self.partitions.iter_mut().zip(runs) {
            let Some((from, to)) = run else { continue };
            step.runs.push(Run { topic: part.topic, partition: part.partition, from, to });
            part.next = to;
        }
    }

    /// Puts a partition's next record into the step: its offset, and the bytes of its body.
    fn emit(&mut self, index: usize, step: &mut Step) -> Option<(i64, usize)> {
        let part = &mut self.partitions[index];
        let held = part.pop()?;
        let position =
            Position { topic: part.topic, partition: part.partition, offset: held.offset };
        let payload = held.payload();
        match self.decoder.decode(payload, position, held.time_ms, &mut step.batch) {
            Ok(()) => step.keep(payload, held.key()),
            Err(reject) => step.rejected.push(super::RejectedRecord {
                reject,
                bytes: payload.to_vec(),
                key: held.key().map(<[u8]>::to_vec),
            }),
        }
        Some((held.offset, payload.len()))
    }

    fn note_lag(&self) {
        self.lag.note(self.partitions.iter().map(|part| {
            let (read_to, oldest_ms) = part.progress();
            (part.lag_place, read_to, oldest_ms)
        }));
    }
}

impl<L: Log> Source for KafkaSource<L> {
    fn topics(&self) -> &[String] {
        &self.topics
    }

    fn next(&mut self, step: &mut Step) -> Result<Progress, SourceError> {
        let patience = self.log.clock().now() + limits::SOURCE_PATIENCE;
        loop {
            self.serve()?;
            self.fill()?;
            if self.partitions.iter().any(|part| part.peek().is_some()) {
                break;
            }
            let left = patience.saturating_sub(self.log.clock().now());
            if left.is_zero() {
                self.note_lag();
                return Ok(Progress::Idle);
            }
            // Woken by the first arrival; a time-out only means asking once more.
            self.log.wait(left.min(Duration::from_millis(50)));
        }
        self.await_backlog()?;
        self.cut(step);
        self.note_lag();
        Ok(Progress::Step)
    }
}

fn kafka(error: &KafkaError) -> SourceError {
    SourceError::Kafka(error.to_string())
}
