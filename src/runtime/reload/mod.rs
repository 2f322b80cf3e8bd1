//! Changing rules while running.
//!
//! - [`watch`]: a thread looks at the folders, compiles what is new beside what runs, and says
//!   everything that is wrong; only a whole pack that compiles becomes a [`Candidate`]
//! - [`place`]: one pack's folders, and what of them was taken
//! - [`Pending`]: what waits for the next step; a newer one takes its place
//! - [`activate`]: between two steps the engine, the encoder and all that is shown change together,
//!   and the step's journal record has the pack's files and the change before it
//! - [`book`]: what the journal holds of packs, and when it must be written again
//!
//! Nothing here decides an outcome: which step is the first under new rules is written in the
//! journal, and recovery goes by that.

pub mod activate;
pub mod book;
pub mod place;
pub mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits;
use crate::rules::SourceFile;
use crate::rules::compare;
use crate::rules::plan::Plan;
use crate::wire::journal::{FILE_SCHEMA, RuleFile, Superseded};

/// A pack that may come into force, or be taken on trial.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The pack.
    pub plan: Arc<Plan>,
    /// Its files.
    pub files: Vec<SourceFile>,
    /// What brought it: `start`, `folder`, `http`, `promotion`.
    pub by: &'static str,
    /// Who asked for it, as the caller said.
    pub who: Option<String>,
    /// Hash of the pack that the folders hold, where that is another one.
    pub folder: Option<String>,
    /// What differs from the pack in force.
    pub changes: Changes,
    /// Packs that waited before it and came to no step.
    pub superseded: Vec<Superseded>,
}

/// What is to be on trial from the next step on.
#[derive(Clone, Debug)]
pub enum TrialOrder {
    /// This pack.
    Begin(Candidate),
    /// Nothing; with what brought that.
    End(&'static str),
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

/// What waits for the next step.
#[derive(Debug, Default)]
pub struct Pending {
    live: Mutex<Option<Candidate>>,
    trial: Mutex<Option<TrialOrder>>,
}

impl Pending {
    /// Lets a pack wait that comes into force, in place of any other.
    pub fn put(&self, candidate: Candidate) {
        *lock(&self.live) = Some(candidate);
    }

    /// Lets a trial begin or end, in place of any other.
    pub fn put_trial(&self, order: TrialOrder) {
        *lock(&self.trial) = Some(order);
    }

    /// Takes the pack that waits.
    #[must_use]
    pub fn take(&self) -> Option<Candidate> {
        lock(&self.live).take()
    }

    /// Takes what is to become of the trial.
    #[must_use]
    pub fn take_trial(&self) -> Option<TrialOrder> {
        lock(&self.trial).take()
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
