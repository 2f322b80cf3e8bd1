//! The state is rebuilt: the journal's steps once more, each under the rules of its time, with
//! nothing published.

use std::time::{Duration, Instant};

use super::packs::Packs;
use super::read::JournalReader;
use super::{RecoveryError, runs_of};
use crate::engine::{Engine, Fork};
use crate::source::kafka::KafkaSource;
use crate::source::kafka::journal::JournalLog;
use crate::source::kafka::log::Log;
use crate::source::{SourceError, Step};
use crate::telemetry::Telemetry;
use crate::telemetry::event::Recovered;
use crate::wire::journal::{Entry, JournalCounts};

/// How often it is told how far it is.
const TELL: Duration = Duration::from_secs(5);

/// Why the state could not be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The records it names.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Repeats the journal's `steps` steps. `engine` ends with the rules of the last one whose pack the
/// journal holds; `packs` then has that pack's files.
///
/// # Errors
/// [`ReplayError`], also when `go_on` says no.
pub fn replay(
    journal: &mut JournalReader<'_, impl JournalLog>,
    steps: u64,
    inputs: &[String],
    source: &mut KafkaSource<impl Log>,
    engine: &mut Engine,
    packs: &mut Packs,
    fork: &dyn Fork,
    telemetry: &Telemetry,
    go_on: &dyn Fn() -> bool,
) -> Result<Recovered, ReplayError> {
    let began = Instant::now();
    let mut told = began;
    let (mut step, mut done, mut read, mut lost, mut unlike) = (Step::default(), 0, 0, 0, 0);
    let mut unknown = 0;
    journal.each(|entry| {
        let record = match entry {
            Entry::Step(record) => record,
            Entry::File(file) => {
                packs.take(file);
                return Ok(());
            }
            Entry::Change(_) | Entry::Reconciliation(_) => return Ok(()),
        };
        if record.rule_pack != engine.plan().pack_sha256
            && let Some(plan) = packs.plan(&record.rule_pack)
        {
            if done > 0 {
                plan.follows(engine.plan()).map_err(RecoveryError::Rules)?;
            }
            engine.set_plan(plan);
        }
        let of_its_time = record.rule_pack == engine.plan().pack_sha256;
        unknown += u64::from(!of_its_time);
        step.clear();
        let replayed = source.replay(&runs_of(&record, inputs)?, &mut step, go_on)?;
        record.tick_ms.into_iter().for_each(|time_ms| step.add_tick(time_ms));
        read += replayed.records;
        lost += replayed.lost;
        let output = engine.step(&step.batch, fork);
        telemetry.record_reference(&step.batch, &output.rejects);
        let counts = JournalCounts::of(&output.counts, step.rejected.len(), output.alerts.len());
        // Under another pack other alerts are no surprise.
        unlike += u64::from(counts != record.counts && of_its_time);
        done += 1;
        if told.elapsed() >= TELL {
            told = Instant::now();
            tracing::info!(steps = done, of = steps, records = read, "recovering");
        }
        Ok::<_, ReplayError>(())
    })?;
    if lost > 0 {
        tracing::warn!(
            lost,
            "records of the journal are gone from their topics: windows and long memory lack them"
        );
    }
    if unknown > 0 {
        tracing::warn!(
            steps = unknown,
            "steps were repeated under other rules than theirs: the journal does not hold those any more, or \
             this version cannot compile them"
        );
    }
    if unlike > 0 {
        tracing::warn!(
            steps = unlike,
            "steps came out unlike the first time: another version or configuration, or lost records"
        );
    }
    Ok(Recovered { records: read, steps: done, took: began.elapsed() })
}
