//! Between two steps: the pack that waits comes into force, a trial begins or ends, and the journal
//! is told.

use std::sync::Arc;

use super::book::Book;
use super::watch::Pack;
use super::{Candidate, Changes, Pending, TrialOrder};
use crate::engine::{Engine, MemoryReport};
use crate::http::read_side::ReadSide;
use crate::http::rules::RulesShown;
use crate::rules::SourceFile;
use crate::rules::plan::Plan;
use crate::runtime::rolling::Roller;
use crate::runtime::trial::{Since, Trials};
use crate::sink::Message;
use crate::telemetry::Telemetry;
use crate::telemetry::event::{PackInForce, RulesChanged, TrialChanged, TrialRefused};
use crate::wire::encode::{Encoder, PackName};
use crate::wire::journal::{CHANGE_SCHEMA, OverlayName, RuleChange, SHADOW_SCHEMA, ShadowChange};

/// Everything that changes with the rules.
pub struct InForce<'a> {
    /// Scores.
    pub engine: &'a mut Engine,
    /// Makes messages of live and shadow alerts of the pack in force.
    pub encoder: &'a mut Encoder,
    /// Makes those of the pack on trial.
    pub trial_encoder: &'a mut Encoder,
    /// What is on trial.
    pub trials: &'a mut Trials,
    /// What the journal holds of packs.
    pub book: &'a mut Book,
    /// What the state may take for a trial to begin, in bytes.
    pub state_max: usize,
    /// Takes snapshots, each under one pack.
    pub snapshots: Option<&'a mut Roller>,
    /// Counts.
    pub telemetry: &'a Telemetry,
    /// Shows.
    pub read_side: &'a ReadSide,
}

impl InForce<'_> {
    /// Takes what waits, from this step on, and returns what the journal must say before the
    /// step's record.
    pub fn take(&mut self, pending: &Pending, at: Since) -> Vec<Message> {
        let mut messages = Vec::new();
        if let Some(candidate) = pending.take() {
            messages.extend(self.activate(candidate, at));
        }
        if let Some(order) = pending.take_trial() {
            messages.extend(self.order(order, at));
        }
        messages.extend(self.book.again(at));
        messages
    }

    /// Puts a candidate in force.
    fn activate(&mut self, candidate: Candidate, at: Since) -> Vec<Message> {
        let (step, at_ms) = at;
        let Candidate { plan, files, by, who, folder, changes, superseded } = candidate;
        let (id, sha256) = (&plan.pack_id, &plan.pack_sha256);
        if let Some(roller) = self.snapshots.as_deref_mut() {
            roller.set_rules(sha256, &files);
        }
        let change = RuleChange {
            schema: CHANGE_SCHEMA.to_owned(),
            step,
            at_ms,
            by: by.to_owned(),
            who: who.clone(),
            from: self.engine.plan().pack_sha256.clone(),
            to: sha256.clone(),
            folder,
            overlays: overlays(&plan),
            changes: changes.told,
            differences: changes.count,
            superseded,
        };
        let changed = change.from != change.to;
        let tried = self.trials.sha256().map(str::to_owned);
        let mut ended = false;
        if changed {
            self.engine.set_plan(Arc::clone(&plan));
            ended = self.trials.live_changed(self.engine, at);
        }
        self.encoder.set_pack(PackName::of(&plan));
        let rules = plan.rules.iter().map(|rule| rule.id.as_str()).collect();
        self.telemetry.emit(PackInForce { id, sha256, rules });
        if changed {
            self.telemetry.emit(RulesChanged {
                step,
                by,
                who: who.as_deref(),
                from: &change.from,
                to: &change.to,
                differences: change.differences,
                told: &change.changes,
            });
        }
        self.read_side.set_pack(id, sha256);
        self.read_side.rules.set(RulesShown::of(&plan, &change));
        let mut messages = self.book.live(change, files);
        if ended {
            // What was on trial is in force now.
            messages.extend(self.tell(record(by, who, at, self.engine, tried, None), Vec::new()));
        }
        messages
    }

    /// Begins or ends a trial.
    fn order(&mut self, order: TrialOrder, at: Since) -> Vec<Message> {
        let from = self.trials.sha256().map(str::to_owned);
        let (by, candidate) = match order {
            TrialOrder::Begin(candidate) => (candidate.by, Some(candidate)),
            TrialOrder::End(by) => (by, None),
        };
        let Some(Candidate { plan, files, who, changes, .. }) = candidate else {
            self.read_side.rules.set_refused(None);
            if from.is_none() {
                return Vec::new();
            }
            let change = record(by, None, at, self.engine, from, None);
            self.trials.change(change.clone(), None, self.engine);
            return self.tell(change, Vec::new());
        };
        let goes_on = from.as_deref() == Some(plan.pack_sha256.as_str());
        if !goes_on && let Err(reason) = self.fits(&plan) {
            self.telemetry.emit(TrialRefused { sha256: &plan.pack_sha256, reason: &reason });
            self.read_side.rules.set_refused(Some(reason));
            return Vec::new();
        }
        self.read_side.rules.set_refused(None);
        let change = record(by, who, at, self.engine, from, Some((&*plan, changes)));
        let name = PackName::of(&plan);
        self.trial_encoder.set_pack(name);
        let pack = Pack { plan, files: files.clone() };
        self.trials.change(change.clone(), Some(pack), self.engine);
        self.tell(change, files)
    }

    /// Whether a second engine may stand beside the first.
    fn fits(&self, plan: &Plan) -> Result<(), String> {
        if plan.pack_sha256 == self.engine.plan().pack_sha256 {
            return Err("it is the pack in force".to_owned());
        }
        plan.follows(self.engine.plan()).map_err(str::to_owned)?;
        let MemoryReport { entity_bytes, entry_bytes, payment_bytes, extra_bytes, .. } =
            self.engine.memory();
        let bytes = entity_bytes + entry_bytes + payment_bytes + extra_bytes;
        if bytes > self.state_max {
            let mib = |bytes: usize| bytes.div_ceil(1 << 20);
            return Err(format!(
                "the state takes {} MiB, and a pack on trial takes as much again: shadow.state_max_mib is {}",
                mib(bytes),
                mib(self.state_max)
            ));
        }
        Ok(())
    }

    fn tell(&mut self, change: ShadowChange, files: Vec<SourceFile>) -> Vec<Message> {
        self.telemetry.emit(TrialChanged {
            change: &change,
            id: self.trials.plan().map(|plan| plan.pack_id.as_str()),
        });
        self.book.trial(change, files)
    }
}

fn record(
    by: &str,
    who: Option<String>,
    (step, at_ms): Since,
    live: &Engine,
    from: Option<String>,
    to: Option<(&Plan, Changes)>,
) -> ShadowChange {
    let (plan, changes) = to.unzip();
    let changes = changes.unwrap_or_default();
    ShadowChange {
        schema: SHADOW_SCHEMA.to_owned(),
        step,
        at_ms,
        by: by.to_owned(),
        who,
        against: live.plan().pack_sha256.clone(),
        from,
        to: plan.map(|plan| plan.pack_sha256.clone()),
        overlays: plan.map(overlays).unwrap_or_default(),
        changes: changes.told,
        differences: changes.count,
    }
}

fn overlays(plan: &Plan) -> Vec<OverlayName> {
    let name = |overlay: &crate::rules::plan::Overlay| OverlayName {
        name: overlay.name.clone(),
        author: overlay.author.clone(),
        approver: overlay.approver.clone(),
    };
    plan.overlays.iter().map(name).collect()
}
