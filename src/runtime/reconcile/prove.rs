//! Reads journal, inputs and outputs afresh and proves that they agree, or names what breaks it.
//!
//! In this order: how far the journal reaches; the outputs, once everything written by then can be
//! read; then the journal step by step, with the inputs in stretches beside it, so that memory
//! grows with alerts and rejects and not with records.

use std::collections::BTreeMap;

use rdkafka::Offset;

use super::broken::Stretch;
use super::proof::Proof;
use super::read::{Record, TopicReader};
use super::report::{Report, SeenAlert, SeenReject, Steps};
use crate::limits;
use crate::model::event::{Batch, Body, Position};
use crate::model::time::{HOUR, Millis};
use crate::runtime::config::{Config, Delivery};
use crate::runtime::error::RunError;
use crate::runtime::ready::settings;
use crate::source::SourceError;
use crate::wire::decode::{DecodeConfig, Decoder};
use crate::wire::encode::header;
use crate::wire::journal::{self, Entry, Outline};

/// An end of the range to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A step.
    Step(u64),
    /// The first step whose journal record was written then or later.
    Time(Millis),
}

/// The range to prove: from one bound on, up to the other and without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Where it begins; `None`: with the journal.
    pub from: Option<Bound>,
    /// Where it ends; `None`: with the journal.
    pub to: Option<Bound>,
}

/// What the journal's first reading found.
#[derive(Debug, Default)]
struct Found {
    outline: Outline,
    steps: Option<Steps>,
    /// When the first of the steps was written.
    first_ms: Option<Millis>,
}

/// Proves a range.
///
/// # Errors
/// [`RunError`], when the topics cannot be read.
pub fn prove(
    config: &Config,
    range: Range,
    go_on: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, RunError> {
    let topics = &config.kafka.topics;
    let reader = TopicReader::open(&settings(config), go_on)?;
    let found = outline(&reader, config, range)?;
    let Some(steps) = found.steps else { return Ok(Report::default()) };
    let mut proof = Proof::new(steps, config.delivery);
    outputs(&reader, config, found.first_ms, &mut proof)?;
    let zone = jiff::tz::TimeZone::get(&config.zone)
        .map_err(|error| RunError::System(error.to_string()))?;
    // Of its own: the journal is being read meanwhile.
    let beside = TopicReader::open(&settings(config), go_on)?;
    let mut inputs = Inputs {
        reader: &beside,
        decoder: Decoder::new(DecodeConfig { zone, skew_ms: config.skew }),
        batch: Batch::default(),
    };
    let (mut records, mut pending) = (0, 0);
    reader.all(&topics.journal, &[], |record| {
        let step = match read(record)? {
            Entry::Step(step) => step,
            Entry::Reconciliation(sum) => {
                proof.summary(&sum);
                return Ok(());
            }
            Entry::File(_) | Entry::Change(_) | Entry::Shadow(_) => return Ok(()),
        };
        let replaced = config.delivery == Delivery::AtLeastOnce
            && !found.outline.counts(record.offset, step.step);
        if replaced {
            return Ok(());
        }
        proof.step(&step);
        if steps.hold(step.step) {
            records += step.runs.iter().map(|run| (run.to - run.from).max(0) as u64).sum::<u64>();
            pending += 1;
            progress(step.step, steps.to - 1);
        }
        if records >= limits::PROOF_RECORDS || pending >= limits::PROOF_STEPS {
            (records, pending) = (0, 0);
            inputs.read(&mut proof)?;
        }
        Ok::<_, RunError>(())
    })?;
    inputs.read(&mut proof)?;
    Ok(proof.finish())
}

fn read(record: &Record<'_>) -> Result<Entry, RunError> {
    journal::read(record.offset, record.body)
        .map_err(|error| RunError::Recovery(crate::runtime::recovery::RecoveryError::from(error)))
}

/// The steps that a range means, as far as the journal has any.
///
/// # Errors
/// When the journal cannot be read.
pub(in crate::runtime) fn steps_of(
    reader: &TopicReader<'_>,
    config: &Config,
    range: Range,
) -> Result<Option<Steps>, RunError> {
    outline(reader, config, range).map(|found| found.steps)
}

/// Which records count, and which steps the range means.
fn outline(reader: &TopicReader<'_>, config: &Config, range: Range) -> Result<Found, RunError> {
    let mut found = Found::default();
    let before = |bound: Option<Bound>, step: u64, time_ms: Option<Millis>| match bound {
        Some(Bound::Step(first)) => step < first,
        Some(Bound::Time(first_ms)) => time_ms.is_none_or(|time_ms| time_ms < first_ms),
        None => false,
    };
    let mut ended = false;
    reader.all(&config.kafka.topics.journal, &[], |record| {
        let Entry::Step(step) = read(record)? else { return Ok(()) };
        found.outline.add(record.offset, step.step);
        ended |= range.to.is_some() && !before(range.to, step.step, record.time_ms);
        if ended || (found.steps.is_none() && before(range.from, step.step, record.time_ms)) {
            return Ok(());
        }
        let steps = found.steps.get_or_insert(Steps { from: step.step, to: step.step + 1 });
        steps.to = steps.to.max(step.step + 1);
        found.first_ms = found.first_ms.or(record.time_ms);
        Ok::<_, RunError>(())
    })?;
    Ok(found)
}

/// Alerts and rejects, from a while before the first step on: what was doubled stands later.
fn outputs(
    reader: &TopicReader<'_>,
    config: &Config,
    first_ms: Option<Millis>,
    proof: &mut Proof,
) -> Result<(), RunError> {
    let topics = &config.kafka.topics;
    for topic in [&topics.alerts, &topics.shadow, &topics.rejects] {
        reader.settle(topic)?;
    }
    let from = |topic: &str| match first_ms {
        Some(first_ms) => reader.since(topic, first_ms - HOUR),
        None => Ok(Vec::new()),
    };
    for topic in [&topics.alerts, &topics.shadow] {
        reader.all(topic, &from(topic)?, |record| {
            // A pack on trial publishes beside what the step counts, under ids that may be the
            // same.
            if record.header(header::TRIAL).is_none() {
                proof.alert(alert(topic, record)?);
            }
            Ok::<_, RunError>(())
        })?;
    }
    let topic = &topics.rejects;
    reader.all(topic, &from(topic)?, |record| {
        let at = Stretch::of(topic, record.partition, record.offset);
        let place = || {
            let partition = record.header(header::REJECT_PARTITION)?.parse().ok()?;
            let offset = record.header(header::REJECT_OFFSET)?.parse().ok()?;
            Some(Stretch::of(record.header(header::REJECT_TOPIC)?, partition, offset))
        };
        let source = place().ok_or_else(|| foreign(&at, "a reject"))?;
        proof.reject(&SeenReject { at, source });
        Ok::<_, RunError>(())
    })
}

fn foreign(at: &Stretch, what: &str) -> RunError {
    RunError::Kafka(format!("{at} is not {what}: somebody else writes to this topic"))
}

/// An alert's message.
///
/// # Errors
/// When it is none.
pub(in crate::runtime) fn alert(topic: &str, record: &Record<'_>) -> Result<SeenAlert, RunError> {
    /// What of an alert's body is needed.
    #[derive(serde::Deserialize)]
    struct Body {
        alert_id: String,
        revision: u32,
        event: Source,
        /// There, and whatever it says, where it corrects.
        correction: Option<serde::de::IgnoredAny>,
        /// There where something was waited for after the event.
        waited: Option<serde::de::IgnoredAny>,
    }
    /// Where its record lies.
    #[derive(serde::Deserialize)]
    struct Source {
        topic: String,
        partition: i32,
        offset: i64,
    }
    let at = Stretch::of(topic, record.partition, record.offset);
    let body: Body = serde_json::from_slice(record.body).map_err(|_| foreign(&at, "an alert"))?;
    let source = Stretch::of(&body.event.topic, body.event.partition, body.event.offset);
    let step = record.header(header::STEP).and_then(|step| step.parse().ok());
    let corrects = body.correction.is_some() || body.waited.is_some();
    Ok(SeenAlert { at, id: (body.alert_id, body.revision), source, step, corrects })
}

/// Reads what the proof wants of the inputs.
struct Inputs<'a, 'b> {
    reader: &'a TopicReader<'b>,
    decoder: Decoder,
    batch: Batch,
}

impl Inputs<'_, '_> {
    fn read(&mut self, proof: &mut Proof) -> Result<(), RunError> {
        let mut counts: BTreeMap<String, i32> = BTreeMap::new();
        for Stretch { topic, partition, from, to } in proof.wanted() {
            let count = match counts.get(&topic) {
                Some(count) => *count,
                None => {
                    let count = self.reader.partitions(&topic)?;
                    counts.insert(topic.clone(), count);
                    count
                }
            };
            if partition >= count {
                // The topic was made anew with fewer partitions: nothing is left of this one.
                proof.close(&topic, partition, i64::MAX);
                continue;
            }
            let (low, _) = self.reader.bounds(&topic, partition)?;
            let Self { reader, decoder, batch } = self;
            reader.stretch(
                &topic,
                partition,
                Offset::Offset(from.max(low)),
                to,
                &mut |record| {
                    batch.clear();
                    let position = Position { topic: 0, partition, offset: record.offset };
                    let read = decoder.decode(record.body, position, record.time_ms, batch);
                    let amount = match batch.events.first().map(|event| &event.body) {
                        Some(Body::Payment(payment)) => Some(payment.amount),
                        _ => None,
                    };
                    proof.record(
                        (&topic, partition, record.offset),
                        read.map(|()| amount).map_err(drop),
                    );
                    Ok::<_, SourceError>(())
                },
            )?;
            proof.close(&topic, partition, low);
        }
        Ok(())
    }
}
