//! The state is rebuilt and kept level with the journal: its steps once more, each under the rules
//! of its time, with nothing published.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::packs::Packs;
use super::read::JournalReader;
use super::{RecoveryError, runs_of};
use crate::engine::{Engine, Fork};
use crate::limits;
use crate::runtime::trial::Trials;
use crate::source::kafka::KafkaSource;
use crate::source::kafka::journal::JournalLog;
use crate::source::kafka::log::Log;
use crate::source::{SourceError, Step};
use crate::telemetry::Telemetry;
use crate::telemetry::event::Recovered;
use crate::wire::journal::{Entry, JournalCounts, JournalRecord, RuleChange, ShadowChange};

/// How often it is told how far it is.
const TELL: Duration = Duration::from_secs(5);
/// How often it is shown to who asks.
const SHOW: Duration = Duration::from_millis(200);
/// What is told of a pack's hash.
const PACK_CHARS: usize = 12;

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

/// What steps are repeated with.
pub struct Means<'a> {
    /// Names of the input topics.
    pub inputs: &'a [String],
    /// The engine's threads.
    pub fork: &'a dyn Fork,
    /// Counts.
    pub telemetry: &'a Telemetry,
    /// Whether to go on.
    pub go_on: &'a dyn Fn() -> bool,
    /// Shows how far it is.
    pub show: &'a dyn Fn(Far),
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Far {
    /// Records repeated.
    pub done: u64,
    /// Records to repeat, about.
    pub of: u64,
    /// About how many seconds are left.
    pub left_s: u64,
}

/// All that is to be repeated.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    /// Steps.
    pub steps: u64,
    /// Records they have, about.
    pub records: u64,
}

/// The state as far as it has been rebuilt.
pub struct Rebuilt {
    /// Has the rules of the last step whose pack the journal holds.
    pub engine: Engine,
    /// What was on trial at the last step, compared as far as the journal reaches.
    pub trials: Trials,
    /// Packs as the journal holds them.
    pub packs: Packs,
    /// The last change of rules.
    pub last_change: Option<RuleChange>,
    /// Changes that wait for their step: one that was written for a step which another process then
    /// took again is replaced by what that one wrote.
    waiting_rules: Option<RuleChange>,
    waiting_trial: Option<ShadowChange>,
    /// What has been repeated.
    done: Done,
    /// Steps of the snapshot's oldest part and of its newest, which holds what was on trial; 0: it
    /// began empty.
    held: (u64, u64),
    /// Whether the engine has seen anything.
    begun: bool,
    step: Step,
}

/// What has been repeated, and what was wrong with it.
#[derive(Clone, Debug, Default)]
struct Done {
    steps: u64,
    records: u64,
    /// Records that are gone.
    lost: u64,
    /// Steps that came out unlike the first time.
    unlike: u64,
    /// Steps whose rules are not known.
    unknown: u64,
    /// Those rules, by the beginning of their hash, with their steps; the first few of them.
    unknown_packs: BTreeMap<String, u64>,
    /// Packs on trial that are not known.
    unknown_trials: u64,
}

impl Done {
    /// A step whose rules are not known.
    fn unknown(&mut self, sha256: &str) {
        self.unknown += 1;
        let name = sha256.get(..PACK_CHARS).unwrap_or(sha256);
        if self.unknown_packs.len() < limits::PACKS_KEPT || self.unknown_packs.contains_key(name) {
            *self.unknown_packs.entry(name.to_owned()).or_default() += 1;
        }
    }
}

impl Rebuilt {
    /// Nothing yet: an engine that has seen nothing. A journal that has lost its beginning tells a
    /// pack's files after its first steps: those are in `packs`.
    #[must_use]
    pub fn new(engine: Engine, packs: Packs) -> Self {
        Self {
            trials: Trials::new(&engine),
            engine,
            packs,
            last_change: None,
            waiting_rules: None,
            waiting_trial: None,
            done: Done::default(),
            held: (0, 0),
            begun: false,
            step: Step::default(),
        }
    }

    /// The state from a snapshot, whose oldest and newest part were taken after the steps `held`.
    #[must_use]
    pub fn from_snapshot(engine: Engine, trials: Trials, packs: Packs, held: (u64, u64)) -> Self {
        Self { trials, held, begun: true, ..Self::new(engine, packs) }
    }

    /// Repeats what the journal holds after what is there.
    ///
    /// # Errors
    /// [`ReplayError`], also when it must not go on.
    pub fn repeat_all(
        &mut self,
        journal: &mut JournalReader<'_, impl JournalLog>,
        whole: Whole,
        source: &mut KafkaSource<impl Log>,
        means: &Means<'_>,
    ) -> Result<(), ReplayError> {
        let began = Instant::now();
        let (mut told, mut shown) = (began, began);
        journal.each(|entry| {
            match entry {
                Entry::Step(record) => self.repeat(&record, source, means)?,
                entry => self.note(entry),
            }
            if shown.elapsed() >= SHOW {
                shown = Instant::now();
                let Done { steps, records, .. } = self.done;
                let (done, of) = (records, whole.records);
                let left_s = seconds_left(began.elapsed(), done, of);
                (means.show)(Far { done, of, left_s });
                if told.elapsed() >= TELL {
                    told = shown;
                    let bar = bar(done, of);
                    tracing::info!(steps, of = whole.steps, records, left_s, "recovering {bar}");
                }
            }
            Ok::<_, ReplayError>(())
        })
    }

    /// Takes note of what stands between the steps.
    pub fn note(&mut self, entry: Entry) {
        match entry {
            Entry::File(file) => self.packs.take(file),
            Entry::Change(change) => self.waiting_rules = Some(change),
            Entry::Shadow(change) => self.waiting_trial = Some(change),
            Entry::Step(_) | Entry::Reconciliation(_) => {}
        }
    }

    /// Repeats a step.
    ///
    /// # Errors
    /// [`ReplayError`], also when it must not go on.
    pub fn repeat(
        &mut self,
        record: &JournalRecord,
        source: &mut KafkaSource<impl Log>,
        means: &Means<'_>,
    ) -> Result<(), ReplayError> {
        let Self { engine, trials, packs, done, begun, step, .. } = self;
        let change = self.waiting_rules.take().filter(|change| change.step == record.step);
        let at_ms = change.as_ref().map_or(0, |change| change.at_ms);
        self.last_change = change.or(self.last_change.take());
        let (oldest, newest) = self.held;
        if record.step <= newest {
            // The snapshot says what was on trial then.
            self.waiting_trial = None;
        }
        if record.step <= oldest {
            return Ok(());
        }
        if record.rule_pack != engine.plan().pack_sha256
            && let Some(plan) = packs.plan(&record.rule_pack)
        {
            if *begun {
                plan.follows(engine.plan()).map_err(RecoveryError::Rules)?;
            }
            engine.set_plan(plan);
            trials.live_changed(engine, (record.step, at_ms));
        }
        let trial = self.waiting_trial.take();
        if let Some(change) = trial.filter(|change| change.step == record.step) {
            let pack = change.to.as_deref().and_then(|sha256| packs.pack(sha256));
            done.unknown_trials += u64::from(pack.is_none() && change.to.is_some());
            trials.change(change, pack, engine);
        }
        *begun = true;
        let of_its_time = record.rule_pack == engine.plan().pack_sha256;
        if !of_its_time {
            done.unknown(&record.rule_pack);
        }
        step.clear();
        let replayed = source.replay(&runs_of(record, means.inputs)?, step, means.go_on)?;
        record.tick_ms.into_iter().for_each(|time_ms| step.add_tick(time_ms));
        done.records += replayed.records;
        done.lost += replayed.lost;
        let is_whole = engine.is_whole_at(record.step);
        let output = engine.repeat(record.step, &step.batch, means.fork);
        // What they said then has been published; the comparison goes on from it.
        drop(trials.step(record.step, &step.batch, &output, means.fork));
        means.telemetry.record_reference(&step.batch, &output.rejects);
        let counts = JournalCounts::of(&output.counts, step.rejected.len(), output.alerts.len());
        // Under another pack other alerts are no surprise.
        done.unlike += u64::from(counts != record.counts && of_its_time && is_whole);
        done.steps += 1;
        Ok(())
    }

    /// Tells what was wrong, and returns what there was, `took` being the time it took.
    pub fn tell(&mut self, took: Duration) -> Recovered {
        let done = std::mem::take(&mut self.done);
        let Done { steps, records, lost, unlike, unknown, unknown_packs, unknown_trials } = done;
        if lost > 0 {
            tracing::warn!(
                lost,
                "records of the journal are gone from their topics: windows and long memory lack them"
            );
        }
        if unknown > 0 {
            let packs: Vec<String> = unknown_packs
                .iter()
                .map(|(pack, steps)| format!("{pack} ({steps} steps)"))
                .collect();
            tracing::warn!(
                steps = unknown,
                packs = packs.join(", "),
                "steps were repeated under other rules than theirs: the journal does not hold those any \
                 more, or this version cannot compile them"
            );
        }
        if unknown_trials > 0 {
            tracing::warn!(
                trials = unknown_trials,
                "packs on trial were left out: the journal does not hold them any more, or this version \
                 cannot compile them"
            );
        }
        if unlike > 0 {
            tracing::warn!(
                steps = unlike,
                "steps came out unlike the first time: another version or configuration, or lost records"
            );
        }
        Recovered { records, steps, took }
    }
}

/// Seconds that are left, if it goes on as until now.
fn seconds_left(elapsed: Duration, done: u64, of: u64) -> u64 {
    let left = of.saturating_sub(done) as f64;
    (elapsed.as_secs_f64() * left / done.max(1) as f64).ceil() as u64
}

/// How far it is, for the eye.
fn bar(done: u64, of: u64) -> String {
    const CELLS: u64 = 20;
    let full = (done * CELLS / of.max(1)).min(CELLS) as usize;
    format!("[{}{}]", "#".repeat(full), ".".repeat(CELLS as usize - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_what_is_done() {
        let second = Duration::from_secs(1);
        assert_eq!(seconds_left(second, 0, 10), 10);
        assert_eq!(seconds_left(4 * second, 100, 300), 8);
        assert_eq!(seconds_left(second, 7, 5), 0);
        assert_eq!(bar(0, 0), "[....................]");
        assert_eq!(bar(1, 2), "[##########..........]");
        assert_eq!(bar(9, 2), "[####################]");
    }
}
