//! Replay for auditors: the state is built again from a snapshot and the journal, each step under
//! the rules of its time, and the alerts it makes are held against those that were published, byte
//! for byte.
//!
//! - this file: from Kafka
//! - [`folder`]: from a folder that `demo` has filled
//! - [`compare`]: what is equal, and what differs where; pure

pub mod compare;
pub mod folder;

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::Offset;

use super::config::Config;
use super::error::RunError;
use super::fork::Pool;
use super::process;
use super::ready::{self, settings};
use super::reconcile::broken::Stretch;
use super::reconcile::prove::{self, Range};
use super::reconcile::read::TopicReader;
use super::reconcile::report::Steps;
use super::recovery::packs::Packs;
use super::recovery::read::JournalReader;
use super::recovery::snapshot::{FromSnapshot, Loaded};
use super::recovery::{self, Extent, RecoveryError};
use super::rolling::start as snapshots;
use crate::engine::{Engine, EngineConfig};
use crate::model::time::Millis;
use crate::source::kafka::journal::KafkaJournal;
use crate::source::kafka::{KafkaSource, Start};
use crate::source::{SourceError, Step};
use crate::telemetry::Telemetry;
use crate::wire::decode::{DecodeConfig, Decoder};
use crate::wire::encode::{PackName, WallTimes, header};
use crate::wire::journal::{Entry, JournalRecord};
use compare::{Comparison, Held, Made};

/// What is to be reproduced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// All revisions of one alert.
    Alert(String),
    /// The alerts of steps.
    Steps(Range),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Steps that were repeated.
    pub steps: Option<(u64, u64)>,
    /// Records that were read again.
    pub records: u64,
    /// Alert by alert.
    pub comparison: Comparison,
    /// The snapshot that it went on from: its name, and the step after which its oldest part was
    /// taken.
    pub snapshot: Option<(String, u64)>,
    /// Inputs of those steps that their topics no longer hold.
    pub gone: Vec<Gone>,
    /// Steps whose rule pack the journal no longer holds, or that this version cannot compile.
    pub without_rules: u64,
}

/// Inputs that are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Which.
    pub stretch: Stretch,
    /// Time of the oldest record that the topic still holds; `None` if it holds nothing.
    pub oldest_ms: Option<Millis>,
}

/// Reproduces alerts from Kafka.
///
/// # Errors
/// [`RunError`], when topics cannot be read or the configuration cannot serve.
pub fn replay(
    config: &Config,
    what: &What,
    go_on: &(dyn Fn() -> bool + Sync),
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Replayed, RunError> {
    let settings = settings(config);
    let topics = &config.kafka.topics;
    let inputs = topics.inputs();
    let reader = TopicReader::open(&settings, go_on)?;
    let wanted = match what {
        What::Alert(_) => None,
        What::Steps(range) => match prove::steps_of(&reader, config, *range)? {
            None => return Ok(Replayed::default()),
            steps => steps,
        },
    };
    let held = published(&reader, config, what, wanted)?;
    let wanted = match wanted {
        Some(steps) => steps,
        None => match span(&held) {
            Some(steps) => steps,
            None => return Ok(Replayed::default()),
        },
    };
    let log = KafkaJournal::open(&settings, &topics.journal).map_err(process::kafka)?;
    let mut journal = JournalReader::open(log, &topics.journal, go_on)?;
    let mut replayed = Replayed { comparison: Comparison::new(held), ..Replayed::default() };
    let pool = Pool::new(config.threads).map_err(process::system)?;
    let (plan, _) = ready::plan(config)?;
    let mut encoder =
        process::encoder(config, &plan, ready::known_privacy(config)?, String::new())?;
    let placed =
        EngineConfig { hash_key: encoder.hash_key(), ..process::engine_config(config, &pool)? };
    let loaded = from_snapshot(config, &placed, &mut journal, wanted, &pool, go_on)?;
    let mut packs = Packs::default();
    let (mut engine, extent) = match loaded {
        Some((set, Loaded { engine, manifest, .. })) => {
            replayed.snapshot = Some((set, manifest.oldest));
            encoder.set_pack(PackName::of(engine.plan()));
            packs.take_whole(&manifest.rule_pack, manifest.source_files());
            (engine, Extent::after(&manifest))
        }
        None => (Engine::new(placed, Arc::new(plan)), Extent::default()),
    };
    let after = extent.after;
    let extent = reach(&mut journal, &inputs, wanted, extent)?;
    let starts = starts(&reader, extent, &mut replayed.gone)?;
    let zone = process::zone(config)?;
    let decoder = Decoder::new(DecodeConfig { zone, skew_ms: config.skew });
    let mut source = KafkaSource::open(&settings, inputs.clone(), starts, decoder, go_on)?;
    let mut step = Step::default();
    let wall = WallTimes { ingested_ms: 0, detected_ms: 0, published_ms: 0 };
    let ended = journal.each(|entry| {
        let record = match entry {
            Entry::Step(record) => record,
            Entry::File(file) => {
                packs.take(file);
                return Ok(());
            }
            Entry::Change(_) | Entry::Shadow(_) | Entry::Reconciliation(_) => return Ok(()),
        };
        if record.step >= wanted.to {
            return Err(Ended::Done);
        }
        if record.step <= after {
            return Ok(());
        }
        if record.rule_pack != engine.plan().pack_sha256 {
            match packs.plan(&record.rule_pack) {
                Some(plan) => {
                    encoder.set_pack(PackName::of(&plan));
                    engine.set_plan(plan);
                }
                None => replayed.without_rules += 1,
            }
        }
        step.clear();
        let runs = recovery::runs_of(&record, &inputs).map_err(RunError::from)?;
        let read = source.replay(&runs, &mut step, go_on).map_err(RunError::from)?;
        record.tick_ms.into_iter().for_each(|time_ms| step.add_tick(time_ms));
        replayed.records += read.records;
        let output = engine.repeat(record.step, &step.batch, &pool);
        let first = replayed.steps.map_or(record.step, |(first, _)| first);
        replayed.steps = Some((first, record.step));
        progress(record.step, wanted.to - 1);
        if wanted.hold(record.step) {
            let asked = output.alerts.iter().filter(|alert| match what {
                What::Alert(id) => alert.alert_id == *id,
                What::Steps(_) => true,
            });
            for alert in asked {
                let body = encoder.alert(alert, &wall).body;
                let id = (alert.alert_id.clone(), alert.revision);
                replayed.comparison.made(Made { id, step: record.step, body });
            }
        }
        Ok(())
    });
    match ended {
        Ok(()) | Err(Ended::Done) => {}
        Err(Ended::Failed(error)) => return Err(error),
    }
    Ok(replayed)
}

/// Why the journal's reading ended before its end.
enum Ended {
    /// Everything asked for has been repeated.
    Done,
    /// It failed.
    Failed(RunError),
}

impl From<RunError> for Ended {
    fn from(error: RunError) -> Self {
        Self::Failed(error)
    }
}

impl From<RecoveryError> for Ended {
    fn from(error: RecoveryError) -> Self {
        Self::Failed(error.into())
    }
}

/// The alerts asked for, as their topics hold them.
fn published(
    reader: &TopicReader<'_>,
    config: &Config,
    what: &What,
    steps: Option<Steps>,
) -> Result<Vec<Held>, RunError> {
    let topics = &config.kafka.topics;
    let mut held = Vec::new();
    for topic in [&topics.alerts, &topics.shadow] {
        reader.settle(topic)?;
        reader.all(topic, &[], |record| {
            if record.header(header::TRIAL).is_some() {
                return Ok(());
            }
            let seen = prove::alert(topic, record)?;
            let asked = match what {
                What::Alert(id) => seen.id.0 == *id,
                What::Steps(_) => seen.step.zip(steps).is_some_and(|(step, all)| all.hold(step)),
            };
            if asked {
                held.push(Held {
                    id: seen.id,
                    step: seen.step,
                    at: seen.at,
                    body: record.body.to_vec(),
                });
            }
            Ok::<_, RunError>(())
        })?;
    }
    Ok(held)
}

/// The steps that published these; all of them, if one does not say.
fn span(held: &[Held]) -> Option<Steps> {
    let all = Steps { from: 0, to: u64::MAX };
    let mut span: Option<Steps> = None;
    for alert in held {
        let Some(step) = alert.step else { return Some(all) };
        let known = span.unwrap_or(Steps { from: step, to: step + 1 });
        span = Some(Steps { from: known.from.min(step), to: known.to.max(step + 1) });
    }
    span
}

/// The state from the newest snapshot that holds nothing of the steps asked for, with its name.
fn from_snapshot(
    config: &Config,
    engine: &EngineConfig,
    journal: &mut JournalReader<'_, KafkaJournal>,
    wanted: Steps,
    pool: &Pool,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Option<(String, Loaded)>, RunError> {
    let is_there = config.snapshots.object_store.is_some() || config.snapshot_folder().is_dir();
    let Some(store) = snapshots::store(config).filter(|_| is_there) else { return Ok(None) };
    let telemetry = Telemetry::new().map_err(process::system)?;
    let from = FromSnapshot {
        store: &*store,
        before: Some(wanted.from),
        config: engine,
        inputs: &config.kafka.topics.inputs(),
        fork: pool,
        telemetry: &telemetry,
        go_on,
    };
    let loaded = from.load(journal)?;
    Ok(loaded.map(|loaded| (loaded.set.clone(), loaded)))
}

/// How far the journal reaches up to the steps asked for.
fn reach(
    journal: &mut JournalReader<'_, KafkaJournal>,
    inputs: &[String],
    wanted: Steps,
    mut extent: Extent,
) -> Result<Extent, RunError> {
    journal.each(|entry| match entry {
        Entry::Step(JournalRecord { step, .. }) if step >= wanted.to => Ok(()),
        Entry::Step(record) => extent.add(&record, inputs),
        Entry::File(_) | Entry::Change(_) | Entry::Shadow(_) | Entry::Reconciliation(_) => Ok(()),
    })?;
    Ok(extent)
}

/// Where the inputs are begun, and what is gone of them.
fn starts(
    reader: &TopicReader<'_>,
    extent: Extent,
    gone: &mut Vec<Gone>,
) -> Result<BTreeMap<(String, i32), Start>, RunError> {
    let mut starts = extent.starts;
    for ((topic, partition), start) in &mut starts {
        if *partition >= reader.partitions(topic)? {
            return Err(SourceError::Kafka(format!(
                "{topic} does not have partition {partition} any more: it was made anew, and the records that \
                 the journal names, offsets {} to {}, are gone",
                start.from,
                start.end - 1
            ))
            .into());
        }
        let (low, end) = reader.bounds(topic, *partition)?;
        if low > start.from {
            let mut oldest_ms = None;
            if low < end {
                let from = Offset::Offset(low);
                reader.stretch(topic, *partition, from, low + 1, &mut |record| {
                    oldest_ms = record.time_ms;
                    Ok::<_, SourceError>(())
                })?;
            }
            let to = low.min(start.end);
            let stretch =
                Stretch { topic: topic.clone(), partition: *partition, from: start.from, to };
            gone.push(Gone { stretch, oldest_ms });
            // What is left is read all the same: it may be all that the alerts rest on.
            *start = Start { from: low, end: start.end.max(low) };
        }
    }
    Ok(starts)
}
