//! Log events, each a type: emitting one writes its line and moves its counter, so that the two
//! cannot drift apart.
//!
//! Levels go by consequence: error, somebody must act; warn, somebody should look; info, a change
//! of state; debug, the rest. Identifiers of alerts and positions of records are fields, never
//! names.

use std::net::SocketAddr;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::Telemetry;
use super::phase::Phase;
use crate::model::alert::Alert;
use crate::model::reject::Reject;
use crate::wire::journal::ShadowChange;
use crate::wire::shadow::ShadowComparison;

/// Something worth telling.
pub trait LogEvent {
    /// Writes the line and moves the counter.
    fn emit(self, telemetry: &Telemetry);
}

impl Telemetry {
    /// Tells an event.
    pub fn emit(&self, event: impl LogEvent) {
        event.emit(self);
    }
}

/// The process does something else now.
#[derive(Debug)]
pub struct PhaseChanged(pub Phase);

impl LogEvent for PhaseChanged {
    fn emit(self, telemetry: &Telemetry) {
        telemetry.set_phase(self.0);
        info!(phase = self.0.word(), "phase changed");
    }
}

/// A rule pack took effect.
#[derive(Debug)]
pub struct PackInForce<'a> {
    /// Its name.
    pub id: &'a str,
    /// Its hash.
    pub sha256: &'a str,
    /// Its rules, in the plan's order.
    pub rules: Vec<&'a str>,
}

impl LogEvent for PackInForce<'_> {
    fn emit(self, telemetry: &Telemetry) {
        telemetry.set_pack(self.id, self.sha256, self.rules.iter().copied());
        info!(id = self.id, sha256 = self.sha256, rules = self.rules.len(), "rule pack in force");
    }
}

/// Other rules came into force while running.
#[derive(Debug)]
pub struct RulesChanged<'a> {
    /// The first step judged by them.
    pub step: u64,
    /// What brought them.
    pub by: &'a str,
    /// Who asked for it, as the caller said.
    pub who: Option<&'a str>,
    /// Hash of the pack before.
    pub from: &'a str,
    /// Hash of the pack now.
    pub to: &'a str,
    /// How many keys differ.
    pub differences: usize,
    /// The first of them.
    pub told: &'a [String],
}

impl LogEvent for RulesChanged<'_> {
    fn emit(self, telemetry: &Telemetry) {
        telemetry.rule_changes[0].inc();
        let Self { step, by, who, from, to, differences, told } = self;
        let who = who.unwrap_or_default();
        warn!(step, by, who, from, to, differences, changes = ?told, "rules changed");
    }
}

/// A pack was taken on trial, or no longer.
#[derive(Debug)]
pub struct TrialChanged<'a> {
    /// What the journal says of it.
    pub change: &'a ShadowChange,
    /// Name of the pack.
    pub id: Option<&'a str>,
}

impl LogEvent for TrialChanged<'_> {
    fn emit(self, telemetry: &Telemetry) {
        let ShadowChange { step, by, who, against, from, to, differences, .. } = self.change;
        telemetry.set_shadow_pack(self.id.zip(to.as_deref()));
        let [from, to] = [from, to].map(|sha256| sha256.as_deref().unwrap_or_default());
        let who = who.as_deref().unwrap_or_default();
        info!(step, by, who, against, from, to, differences, "pack on trial changed");
    }
}

/// A pack was not taken on trial, though it compiles.
#[derive(Debug)]
pub struct TrialRefused<'a> {
    /// Its hash.
    pub sha256: &'a str,
    /// Why.
    pub reason: &'a str,
}

impl LogEvent for TrialRefused<'_> {
    fn emit(self, _: &Telemetry) {
        error!(sha256 = self.sha256, reason = self.reason, "pack not taken on trial");
    }
}

/// How rules on trial compare by now.
#[derive(Debug)]
pub struct TrialCompared<'a> {
    /// The figures.
    pub shown: &'a ShadowComparison,
    /// Whether it is time for a line.
    pub aloud: bool,
}

impl LogEvent for TrialCompared<'_> {
    fn emit(self, telemetry: &Telemetry) {
        let ShadowComparison { rules, pack, .. } = self.shown;
        telemetry.set_shadow(&rules.episodes, pack.as_ref().map(|pack| &pack.episodes));
        if !self.aloud {
            return;
        }
        let views = [
            (!rules.ids.is_empty()).then_some(("rules", &rules.pack, &rules.episodes)),
            pack.as_ref().map(|pack| ("pack", &pack.sha256, &pack.episodes)),
        ];
        for (view, pack, episodes) in views.into_iter().flatten() {
            info!(
                view,
                pack,
                would_raise = episodes.would_raise.episodes,
                raise_amount = episodes.would_raise.amount,
                would_drop = episodes.would_drop.as_ref().map(|sum| sum.episodes),
                drop_amount = episodes.would_drop.as_ref().map(|sum| sum.amount.as_str()),
                would_strengthen = episodes.would_strengthen.episodes,
                would_weaken = episodes.would_weaken.episodes,
                unchanged = episodes.unchanged.episodes,
                "shadow compared"
            );
        }
    }
}

/// One thing wrong with rules that were to come into force.
#[derive(Debug)]
pub struct RuleDefect<'a> {
    /// The file.
    pub file: &'a str,
    /// Line and column, from 1.
    pub place: (usize, usize),
    /// What is wrong.
    pub message: &'a str,
    /// What is said of the place itself.
    pub label: &'a str,
    /// What to do about it.
    pub hint: &'a str,
}

/// Rules were not let into force; those before stay.
#[derive(Debug)]
pub struct RulesRefused<'a> {
    /// What brought them.
    pub by: &'a str,
    /// All that is wrong.
    pub defects: &'a [RuleDefect<'a>],
}

impl LogEvent for RulesRefused<'_> {
    fn emit(self, telemetry: &Telemetry) {
        telemetry.rule_changes[1].inc();
        for RuleDefect { file, place: (line, column), message, label, hint } in self.defects {
            error!(file, line, column, message, label, hint, "rule defect");
        }
        let defects = self.defects.len();
        error!(by = self.by, defects, "rules refused; those in force stay");
    }
}

/// An alert was handed to the sink.
#[derive(Debug)]
pub struct AlertPublished<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// Since its record was read.
    pub took: Duration,
}

impl LogEvent for AlertPublished<'_> {
    fn emit(self, telemetry: &Telemetry) {
        let Self { alert, took } = self;
        telemetry.record_published(alert);
        telemetry.event_to_alert.record(took, 1);
        debug!(
            alert_id = alert.alert_id,
            revision = alert.revision,
            kind = alert.kind.word(),
            action = alert.action.word(),
            score = alert.score,
            shadow = alert.shadow,
            "alert published"
        );
    }
}

/// Records of one step could not become events: one line a step, so that a flood stays readable.
/// They are counted with their step.
#[derive(Debug)]
pub struct RecordsRejected<'a> {
    /// How many.
    pub count: usize,
    /// The first of them.
    pub first: &'a Reject,
    /// Its topic.
    pub topic: &'a str,
}

impl LogEvent for RecordsRejected<'_> {
    fn emit(self, _: &Telemetry) {
        warn!(
            count = self.count,
            reason = self.first.reason.word(),
            detail = self.first.detail,
            topic = self.topic,
            partition = self.first.position.partition,
            offset = self.first.position.offset,
            "records rejected, the first is named"
        );
    }
}

/// A commit is durable.
#[derive(Debug)]
pub struct Committed {
    /// Number of its last step.
    pub step: u64,
    /// Messages in it.
    pub messages: usize,
    /// How long it took.
    pub took: Duration,
}

impl LogEvent for Committed {
    fn emit(self, telemetry: &Telemetry) {
        telemetry.commits.inc();
        telemetry.commit.record(self.took, 1);
        let took_us = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX);
        debug!(step = self.step, messages = self.messages, took_us, "committed");
    }
}

/// A commit failed.
#[derive(Debug)]
pub struct CommitFailed<'a> {
    /// Number of its last step.
    pub step: u64,
    /// Why.
    pub cause: &'a str,
    /// What happens next.
    pub next: Next,
}

/// What happens after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same is tried again.
    Retry,
    /// The process stops.
    Stop,
}

impl LogEvent for CommitFailed<'_> {
    fn emit(self, telemetry: &Telemetry) {
        telemetry.commit_failures.inc();
        match self.next {
            Next::Retry => {
                warn!(step = self.step, cause = self.cause, "commit failed, trying again")
            }
            Next::Stop => error!(step = self.step, cause = self.cause, "commit failed, stopping"),
        }
    }
}

/// A snapshot is whole.
#[derive(Debug)]
pub struct SnapshotWritten<'a> {
    /// Its name.
    pub set: &'a str,
    /// Steps of its oldest and newest part.
    pub steps: (u64, u64),
    /// Its bytes.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
    /// Wall clock.
    pub ended_ms: i64,
}

impl LogEvent for SnapshotWritten<'_> {
    fn emit(self, telemetry: &Telemetry) {
        let Self { set, steps: (oldest, newest), bytes, took, ended_ms } = self;
        telemetry.snapshots.written(bytes, took, ended_ms);
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        info!(set, oldest, newest, bytes, took_ms, "snapshot written");
    }
}

/// A snapshot was given up; scoring went on.
#[derive(Debug)]
pub struct SnapshotGivenUp<'a> {
    /// Its name.
    pub set: &'a str,
    /// Why.
    pub cause: &'a str,
    /// What an operator can do.
    pub remedy: &'a str,
}

impl LogEvent for SnapshotGivenUp<'_> {
    fn emit(self, telemetry: &Telemetry) {
        telemetry.snapshots.given_up();
        let Self { set, cause, remedy } = self;
        warn!(set, cause, remedy, "snapshot given up; scoring goes on");
    }
}

/// A snapshot is not used.
#[derive(Debug)]
pub struct SnapshotRefused<'a> {
    /// Its name.
    pub set: &'a str,
    /// Why.
    pub cause: &'a str,
}

impl LogEvent for SnapshotRefused<'_> {
    fn emit(self, _: &Telemetry) {
        warn!(set = self.set, cause = self.cause, "snapshot passed over");
    }
}

/// A snapshot has been taken in.
#[derive(Debug)]
pub struct SnapshotLoaded<'a> {
    /// Its name.
    pub set: &'a str,
    /// Steps of its oldest and newest part.
    pub steps: (u64, u64),
    /// How long it took.
    pub took: Duration,
}

impl LogEvent for SnapshotLoaded<'_> {
    fn emit(self, _: &Telemetry) {
        let Self { set, steps: (oldest, newest), took } = self;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        info!(set, oldest, newest, took_ms, "snapshot loaded");
    }
}

/// State is being rebuilt from the journal.
#[derive(Debug)]
pub struct Recovered {
    /// Records replayed, muted.
    pub records: u64,
    /// Steps replayed.
    pub steps: u64,
    /// How long it took.
    pub took: Duration,
}

impl LogEvent for Recovered {
    fn emit(self, telemetry: &Telemetry) {
        telemetry.snapshots.recovered(self.steps, self.records, self.took);
        let took_ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        info!(records = self.records, steps = self.steps, took_ms, "state rebuilt");
    }
}

/// HTTP is served.
#[derive(Debug)]
pub struct HttpListening(pub SocketAddr);

impl LogEvent for HttpListening {
    fn emit(self, _: &Telemetry) {
        info!(address = %self.0, "http listening");
    }
}

/// The process cannot go on.
#[derive(Debug)]
pub struct Stopped<'a> {
    /// Why, and who must act.
    pub cause: &'a str,
}

impl LogEvent for Stopped<'_> {
    fn emit(self, telemetry: &Telemetry) {
        telemetry.set_phase(Phase::Failed);
        error!(cause = self.cause, "stopped");
    }
}
