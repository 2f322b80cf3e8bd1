//! Changing rules while running.
//!
//! - [`watch`]: a thread looks at the folders, compiles what is new beside what runs, and says
//!   everything that is wrong; only a whole pack that compiles becomes a [`Candidate`]
//! - [`Pending`]: the one candidate that waits; a newer one takes its place
//! - [`activate`]: between two steps the engine, the encoder and all that is shown change together,
//!   and the step's journal record has the pack's files and the change before it
//!
//! Nothing here decides an outcome: which step is the first under new rules is written in the
//! journal, and recovery goes by that.

pub mod watch;

use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::Engine;
use crate::http::read_side::ReadSide;
use crate::http::rules::RulesShown;
use crate::limits;
use crate::model::time::Millis;
use crate::rules::SourceFile;
use crate::rules::compare;
use crate::rules::plan::Plan;
use crate::sink::Message;
use crate::telemetry::Telemetry;
use crate::telemetry::event::{PackInForce, RulesChanged};
use crate::wire::encode::{Encoder, PackName};
use crate::wire::journal::{self, CHANGE_SCHEMA, FILE_SCHEMA, OverlayName, RuleChange, RuleFile};

/// A pack that may come into force.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The pack.
    pub plan: Arc<Plan>,
    /// Its files.
    pub files: Vec<SourceFile>,
    /// What brought it: `start`, `folder`, `http`.
    pub by: &'static str,
    /// What differs from the pack before.
    pub changes: Changes,
}

/// What differs between two packs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The first of it, a line each.
    pub told: Vec<String>,
    /// How much there is.
    pub count: usize,
}

impl Changes {
    /// What differs between two packs that compile.
    #[must_use]
    pub fn between(before: &[SourceFile], after: &[SourceFile]) -> Self {
        let found = compare::compare(before, after).unwrap_or_default();
        let told = found.iter().take(limits::RULE_CHANGES_TOLD_MAX).map(|difference| {
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            let (before, after) = (side(&difference.before), side(&difference.after));
            let mut line = format!("{} {}: {before} -> {after}", difference.about, difference.key);
            let most = limits::RULE_CHANGE_BYTES_MAX;
            line.truncate(line.floor_char_boundary(most));
            line
        });
        Self { told: told.collect(), count: found.len() }
    }
}

/// The candidate that waits for the next step.
#[derive(Debug, Default)]
pub struct Pending(Mutex<Option<Candidate>>);

impl Pending {
    /// Lets one wait, in place of any other.
    pub fn put(&self, candidate: Candidate) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(candidate);
    }

    /// Takes the one that waits.
    #[must_use]
    pub fn take(&self) -> Option<Candidate> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A pack's files as the journal holds them.
#[must_use]
pub fn rule_files(sha256: &str, files: Vec<SourceFile>) -> Vec<RuleFile> {
    let of = files.len();
    let file = |(number, file): (usize, SourceFile)| RuleFile {
        schema: FILE_SCHEMA.to_owned(),
        rule_pack: sha256.to_owned(),
        number,
        of,
        path: file.path,
        text: file.text,
    };
    files.into_iter().enumerate().map(file).collect()
}

/// Puts a candidate in force from step `step` on, which was read at `at_ms`, and returns what the
/// journal must say before that step's record.
pub fn activate(
    candidate: Candidate,
    (step, at_ms): (u64, Millis),
    engine: &mut Engine,
    encoder: &mut Encoder,
    telemetry: &Telemetry,
    read_side: &ReadSide,
) -> Vec<Message> {
    let Candidate { plan, files, by, changes } = candidate;
    let (id, sha256) = (&plan.pack_id, &plan.pack_sha256);
    let overlay = |overlay: &crate::rules::plan::Overlay| OverlayName {
        name: overlay.name.clone(),
        author: overlay.author.clone(),
        approver: overlay.approver.clone(),
    };
    let change = RuleChange {
        schema: CHANGE_SCHEMA.to_owned(),
        step,
        at_ms,
        by: by.to_owned(),
        from: engine.plan().pack_sha256.clone(),
        to: sha256.clone(),
        overlays: plan.overlays.iter().map(overlay).collect(),
        changes: changes.told,
        differences: changes.count,
    };
    let mut messages: Vec<_> = rule_files(sha256, files).iter().map(journal::message).collect();
    messages.push(journal::message(&change));
    let changed = change.from != change.to;
    if changed {
        engine.set_plan(Arc::clone(&plan));
    }
    encoder.set_pack(PackName { id: id.clone(), sha256: sha256.clone() });
    let rules = plan.rules.iter().map(|rule| rule.id.as_str()).collect();
    telemetry.emit(PackInForce { id, sha256, rules });
    if changed {
        telemetry.emit(RulesChanged {
            step,
            by,
            from: &change.from,
            to: &change.to,
            differences: change.differences,
            told: &change.changes,
        });
    }
    read_side.set_pack(id, sha256);
    read_side.rules.set(RulesShown::of(&plan, step, at_ms, by));
    messages
}
