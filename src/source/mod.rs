//! Sources: where records come from, behind one boundary.
//!
//! A source hands out *steps*: events in the order it chose, the runs that name them, and what
//! could not become an event, with its bytes. A file has offsets (row or line numbers) like a
//! partition has, so the same recovery serves all.

pub mod file;
#[cfg(not(fuzzing))] // what is fuzzed needs no client
pub mod kafka;

use crate::model::event::{Batch, Body, Event, Position};
use crate::model::label::Label;
use crate::model::reject::Reject;
use crate::model::time::Millis;

/// A contiguous stretch of one partition: `from <= offset < to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// Index into [`Source::topics`].
    pub topic: u16,
    /// Partition; 0 for files.
    pub partition: i32,
    /// First offset.
    pub from: i64,
    /// One past the last offset.
    pub to: i64,
}

/// A rejected record with its original bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRecord {
    /// What is wrong, and where.
    pub reject: Reject,
    /// The record as it came.
    pub bytes: Vec<u8>,
    /// Its key, if it had one.
    pub key: Option<Vec<u8>>,
}

/// One step: the unit of processing. Reused between calls, so that its memory is.
#[derive(Debug, Default)]
pub struct Step {
    /// The stretches this step covers; every consumed record lies in exactly one.
    pub runs: Vec<Run>,
    /// Events in step order.
    pub batch: Batch,
    /// Records that could not become events.
    pub rejected: Vec<RejectedRecord>,
    /// Rows that a mapping's `keep` left out.
    pub skipped: u64,
    /// The records behind the events, in the same order, if the source keeps them: what the engine
    /// rejects is published as it came.
    pub kept: Kept,
}

/// Records, end to end.
#[derive(Debug, Default)]
pub struct Kept {
    bytes: Vec<u8>,
    /// By event: where its payload begins and ends, and where its key ends if it has one.
    spans: Vec<(usize, usize, Option<usize>)>,
}

impl Step {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.runs.clear();
        self.batch.clear();
        self.rejected.clear();
        self.skipped = 0;
        self.kept.bytes.clear();
        self.kept.spans.clear();
    }

    /// Adds the passing of time: no record, and all there is of its step.
    pub fn add_tick(&mut self, time_ms: Millis) {
        let (position, body) = (Position::default(), Body::Tick);
        self.batch.events.push(Event { position, record_time_ms: time_ms, time_ms, body });
    }

    /// When time passed, if the step is that.
    #[must_use]
    pub fn tick_ms(&self) -> Option<Millis> {
        match self.batch.events.as_slice() {
            [Event { body: Body::Tick, time_ms, .. }] if self.runs.is_empty() => Some(*time_ms),
            _ => None,
        }
    }

    /// Keeps the record behind the event last added to the batch.
    pub fn keep(&mut self, payload: &[u8], key: Option<&[u8]>) {
        let start = self.kept.bytes.len();
        self.kept.bytes.extend_from_slice(payload);
        let end = self.kept.bytes.len();
        let key_end = key.map(|key| {
            self.kept.bytes.extend_from_slice(key);
            self.kept.bytes.len()
        });
        self.kept.spans.push((start, end, key_end));
    }

    /// Rejects of the engine, which come in step order, joined with their records as far as kept.
    #[must_use]
    pub fn rejoin(&self, rejects: &[Reject]) -> Vec<RejectedRecord> {
        let mut events = self.batch.events.iter().zip(&self.kept.spans);
        let with_record = |reject: &Reject| {
            let found = events.find(|(event, _)| event.position == reject.position);
            let (bytes, key) = found.map_or((Vec::new(), None), |(_, &(start, end, key_end))| {
                let bytes = &self.kept.bytes;
                (bytes[start..end].to_vec(), key_end.map(|key_end| bytes[end..key_end].to_vec()))
            });
            RejectedRecord { reject: reject.clone(), bytes, key }
        };
        rejects.iter().map(with_record).collect()
    }
}

/// What came of asking for a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The step holds records.
    Step,
    /// Nothing has arrived within the source's patience.
    Idle,
    /// There will be no more.
    End,
}

/// Where records come from.
pub trait Source: Send {
    /// Names of the topics or files; positions and runs index into it. It never shrinks or
    /// reorders.
    fn topics(&self) -> &[String];

    /// Fills `step` (cleared by the caller) with the next records.
    ///
    /// # Errors
    /// [`SourceError`], when the source cannot go on. A bad record is not an error: it is in
    /// [`Step::rejected`].
    fn next(&mut self, step: &mut Step) -> Result<Progress, SourceError>;

    /// Takes the labels of the events handed out since the last call, where the source knows the
    /// truth.
    fn take_labels(&mut self) -> Vec<Label> {
        Vec::new()
    }
}

/// Why a source cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file could not be read.
    #[error("cannot read {path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the system or the decompressor said.
        cause: String,
    },
    /// A mapping does not fit its file.
    #[error("{path}: {problem}")]
    Mapping {
        /// The file.
        path: String,
        /// What does not fit, and what to do.
        problem: String,
    },
    /// Kafka said no for good.
    #[error("kafka: {0}")]
    Kafka(String),
    /// It was asked to stop while it waited.
    #[error("stopped while reading")]
    Stopped,
}
