//! The state is rebuilt: the journal's steps once more, each under the rules of its time, with
//! nothing published.

use std::time::{Duration, Instant};

use super::packs::Packs;
use super::read::JournalReader;
use super::{RecoveryError, runs_of};
use crate::engine::{Engine, Fork};
use crate::runtime::trial::Trials;
use crate::source::kafka::KafkaSource;
use crate::source::kafka::journal::JournalLog;
use crate::source::kafka::log::Log;
use crate::source::{SourceError, Step};
use crate::telemetry::Telemetry;
use crate::telemetry::event::Recovered;
use crate::wire::journal::{Entry, JournalCounts, RuleChange, ShadowChange};

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

/// What is rebuilt.
pub struct Rebuilding<'a> {
    /// Ends with the rules of the last step whose pack the journal holds.
    pub engine: &'a mut Engine,
    /// Ends with what was on trial at the last step, compared as far as the journal reaches.
    pub trials: &'a mut Trials,
    /// Ends with the files of the newest packs.
    pub packs: &'a mut Packs,
}

/// What came of it.
pub struct Rebuilt {
    /// What is told of it.
    pub recovered: Recovered,
    /// The last change of rules.
    pub last_change: Option<RuleChange>,
}

/// Changes that wait for their step: one that was written for a step which another process then
/// took again is replaced by what that one wrote.
#[derive(Default)]
struct Waiting {
    rules: Option<RuleChange>,
    trial: Option<ShadowChange>,
}

/// Repeats the journal's `steps` steps.
///
/// # Errors
/// [`ReplayError`], also when `go_on` says no.
pub fn replay(
    journal: &mut JournalReader<'_, impl JournalLog>,
    steps: u64,
    inputs: &[String],
    source: &mut KafkaSource<impl Log>,
    rebuilding: Rebuilding<'_>,
    fork: &dyn Fork,
    telemetry: &Telemetry,
    go_on: &dyn Fn() -> bool,
) -> Result<Rebuilt, ReplayError> {
    let Rebuilding { engine, trials, packs } = rebuilding;
    let (mut waiting, mut last_change) = (Waiting::default(), None);
    let began = Instant::now();
    let mut told = began;
    let (mut step, mut done, mut read, mut lost, mut unlike) = (Step::default(), 0, 0, 0, 0);
    let (mut unknown, mut unknown_trials) = (0, 0);
    journal.each(|entry| {
        let record = match entry {
            Entry::Step(record) => record,
            Entry::File(file) => {
                packs.take(file);
                return Ok(());
            }
            Entry::Change(change) => {
                waiting.rules = Some(change);
                return Ok(());
            }
            Entry::Shadow(change) => {
                waiting.trial = Some(change);
                return Ok(());
            }
            Entry::Reconciliation(_) => return Ok(()),
        };
        let change = waiting.rules.take().filter(|change| change.step == record.step);
        let at_ms = change.as_ref().map_or(0, |change| change.at_ms);
        last_change = change.or(last_change.take());
        if record.rule_pack != engine.plan().pack_sha256
            && let Some(plan) = packs.plan(&record.rule_pack)
        {
            if done > 0 {
                plan.follows(engine.plan()).map_err(RecoveryError::Rules)?;
            }
            engine.set_plan(plan);
            trials.live_changed(engine, (record.step, at_ms));
        }
        if let Some(change) = waiting.trial.take().filter(|change| change.step == record.step) {
            let plan = change.to.as_deref().and_then(|sha256| packs.plan(sha256));
            unknown_trials += u64::from(plan.is_none() && change.to.is_some());
            trials.change(change, plan, engine);
        }
        let of_its_time = record.rule_pack == engine.plan().pack_sha256;
        unknown += u64::from(!of_its_time);
        step.clear();
        let replayed = source.replay(&runs_of(&record, inputs)?, &mut step, go_on)?;
        record.tick_ms.into_iter().for_each(|time_ms| step.add_tick(time_ms));
        read += replayed.records;
        lost += replayed.lost;
        let output = engine.step(&step.batch, fork);
        // What they said then has been published; the comparison goes on from it.
        drop(trials.step(&step.batch, &output, fork));
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
    if unknown_trials > 0 {
        tracing::warn!(
            trials = unknown_trials,
            "packs on trial were left out: the journal does not hold them any more, or this version cannot \
             compile them"
        );
    }
    if unlike > 0 {
        tracing::warn!(
            steps = unlike,
            "steps came out unlike the first time: another version or configuration, or lost records"
        );
    }
    let recovered = Recovered { records: read, steps: done, took: began.elapsed() };
    Ok(Rebuilt { recovered, last_change })
}
