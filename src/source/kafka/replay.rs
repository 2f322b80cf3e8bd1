//! The same steps again: the journal's runs, read in the order they were read in the first time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::log::Log;
use super::merge::Merge;
use super::{KafkaSource, Start, ask, trouble};
use crate::source::{Run, SourceError, Step};

/// After how much waiting at a partition's end it is asked where that is.
const ASK_AFTER: Duration = Duration::from_secs(1);

/// What came of reading runs again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Records read again.
    pub records: u64,
    /// Offsets of the runs below the topic's first: deleted since.
    pub lost: u64,
}

impl<L: Log> KafkaSource<L> {
    /// Reads exactly these runs again. Partitions they name must stand at their beginning: journals
    /// are contiguous.
    ///
    /// # Errors
    /// [`SourceError`], as of any reading, or when `go_on` says no.
    pub fn replay(
        &mut self,
        runs: &[Run],
        step: &mut Step,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Replayed, SourceError> {
        for run in runs {
            let index = self.find_run(run, go_on)?;
            self.partitions[index].go_on_at(run.from);
        }
        let mut ends = vec![None; self.partitions.len()];
        for run in runs {
            ends[self.index_of(run)?] = Some(run.to);
        }
        let mut merge = Merge::new(self.partitions.len());
        for (index, to) in ends.iter().enumerate() {
            if let Some(to) = to {
                self.offer_below(index, *to, &mut merge, go_on)?;
            }
        }
        while let Some(index) = merge.next() {
            self.emit(index, step);
            if let Some(to) = ends[index] {
                self.offer_below(index, to, &mut merge, go_on)?;
            }
        }
        let mut lost = 0;
        for run in runs {
            let index = self.index_of(run)?;
            let part = &mut self.partitions[index];
            lost += (run.to.min(part.low) - run.from).max(0) as u64;
            part.go_on_at(run.to);
            step.runs.push(*run);
        }
        Ok(Replayed { records: merge.count(), lost })
    }

    /// Reading goes on where a journal ends, once all of it has been repeated.
    ///
    /// # Errors
    /// [`SourceError::Kafka`], when a topic does not hold the next record any more.
    pub fn go_on_at(&mut self, starts: &BTreeMap<(String, i32), Start>) -> Result<(), SourceError> {
        self.starts.clone_from(starts);
        for part in &mut self.partitions {
            let name = &self.topics[usize::from(part.topic)];
            let Some(start) = starts.get(&(name.clone(), part.partition)) else { continue };
            let bounds = (part.low, start.end.max(part.backlog_to));
            trouble::begin_of(name, part.partition, Some(*start), bounds)?;
            part.go_on_at(start.end);
        }
        Ok(())
    }

    /// What has to be done now and then while nothing is read.
    ///
    /// # Errors
    /// [`SourceError`], as of any reading.
    pub fn attend(&mut self) -> Result<(), SourceError> {
        self.serve()
    }

    /// The place of a run's partition, which may be so new that it has to be looked for.
    fn find_run(&mut self, run: &Run, go_on: &dyn Fn() -> bool) -> Result<usize, SourceError> {
        if let Ok(index) = self.index_of(run) {
            return Ok(index);
        }
        let mut counts = vec![0; self.topics.len()];
        for (count, topic) in counts.iter_mut().zip(&self.topics) {
            let clock = self.log.clock();
            let found = ask::patiently(topic, clock, go_on, || self.log.partitions(topic))?;
            *count = found.unwrap_or(0);
        }
        let found = self.find(&counts, go_on)?;
        self.add(found)?;
        self.index_of(run)
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

    /// Puts a partition's next record in line if it lies below `to`, waiting until it is at hand or
    /// the partition has surely none: its end may have been told before the record was there.
    fn offer_below(
        &mut self,
        index: usize,
        to: i64,
        merge: &mut Merge,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), SourceError> {
        let mut ask_at = self.log.clock().now() + ASK_AFTER;
        loop {
            let part = &mut self.partitions[index];
            part.fill();
            if let Some(held) = part.peek() {
                if held.offset < to {
                    merge.offer(index, held.time_ms);
                }
                return Ok(());
            }
            if part.fetched >= to {
                return Ok(());
            }
            if part.at_end && self.log.clock().now() >= ask_at {
                self.require_end(index, to, go_on)?;
                ask_at = self.log.clock().now() + ASK_AFTER;
            }
            if !go_on() {
                return Err(SourceError::Stopped);
            }
            self.log.wait(Duration::from_millis(20));
            self.serve()?;
            self.fill()?;
        }
    }

    /// A partition that ends before the journal says so is another one than the journal's.
    fn require_end(
        &self,
        index: usize,
        to: i64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), SourceError> {
        let part = &self.partitions[index];
        let name = &self.topics[usize::from(part.topic)];
        let (_, end) = ask::patiently(name, self.log.clock(), go_on, || {
            self.log.bounds(name, part.partition)
        })?;
        if end >= to {
            return Ok(());
        }
        Err(SourceError::Kafka(format!(
            "{name}/{} ends at {end}, the journal says that it was read up to {to}: the topic was made anew or \
             cut short. Start a new group_id and journal",
            part.partition
        )))
    }
}
