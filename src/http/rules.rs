//! Rules over HTTP: which are in force and since when, how those on trial compare, and a door
//! through which a caller with a token asks that the folders be read now or that the pack on trial
//! come into force. The answer comes from whoever watches the folders.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::rules::plan::Plan;
use crate::wire::journal::RuleChange;
use crate::wire::shadow::ShadowComparison;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadMode {
    /// That the folders of the rules be read, and what they hold come into force.
    Live,
    /// That the folders of the pack on trial be read, and what they hold be tried.
    Shadow,
    /// That the pack on trial come into force.
    Promote {
        /// The first digits of its hash: nobody puts in force what he has not looked at.
        pack: String,
    },
}

/// Somebody asks that the rules change now.
#[derive(Debug)]
pub struct LoadRequest {
    /// What is asked for.
    pub mode: LoadMode,
    /// Who asks, as he says himself.
    pub who: Option<String>,
    /// Where the answer goes.
    pub answer: oneshot::Sender<LoadAnswer>,
}

/// What became of the folders' rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadOutcome {
    /// They compile and take effect with the next step.
    Accepted,
    /// They are what is in force, or will be with the next step.
    Unchanged,
    /// Something is wrong with them; what was in force stays.
    Refused,
    /// Somebody is writing them.
    Unsettled,
}

/// What a caller is told.
#[derive(Clone, Debug, Serialize)]
pub struct LoadAnswer {
    /// What became of them.
    pub outcome: LoadOutcome,
    /// SHA-256 of the pack that was in force, or would have been with the next step.
    pub from: String,
    /// SHA-256 of the pack in the folders, when it compiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Everything that is wrong.
    pub problems: Vec<RuleProblem>,
    /// What differs, key by key.
    pub changes: Vec<String>,
    /// How many keys differ.
    pub differences: usize,
    /// How long the compiler took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compile_ms: Option<u64>,
}

impl LoadOutcome {
    /// Whether something changes with the next step.
    #[must_use]
    pub fn takes_effect(self) -> bool {
        self == Self::Accepted
    }
}

impl LoadAnswer {
    /// An answer without particulars.
    #[must_use]
    pub fn new(outcome: LoadOutcome, from: String, compile: Option<Duration>) -> Self {
        Self {
            outcome,
            from,
            to: None,
            problems: Vec::new(),
            changes: Vec::new(),
            differences: 0,
            compile_ms: compile.and_then(|took| u64::try_from(took.as_millis()).ok()),
        }
    }

    /// With what will be, and how it differs from what is in force.
    #[must_use]
    pub fn differing(self, to: &str, changes: &[String], differences: usize) -> Self {
        Self { to: Some(to.to_owned()), changes: changes.to_vec(), differences, ..self }
    }

    /// With what is wrong.
    #[must_use]
    pub fn because(self, problem: RuleProblem) -> Self {
        Self { problems: vec![problem], ..self }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleProblem {
    /// The file; absent when it is the whole pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What is said of the place itself, as `1 to 100`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What `GET /api/v1/rules` answers.
#[derive(Clone, Debug, Serialize)]
pub struct RulesShown {
    /// Name of the pack.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its hash.
    pub sha256: String,
    /// The first step under it since the start or the change.
    pub since_step: u64,
    /// When that step was read, milliseconds since the epoch.
    pub since_ms: i64,
    /// What brought it: `start`, `folder`, `http`, `promotion`.
    pub by: String,
    /// Who asked for it, as the caller said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Hash of the pack in the folders, where that is another one: this one was promoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Hash of a pack that takes effect with the next step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// Its overlays, with authors and approvers.
    pub overlays: Vec<ShownOverlay>,
    /// Its rules.
    pub rules: Vec<ShownRule>,
}

/// An overlay.
#[derive(Clone, Debug, Serialize)]
pub struct ShownOverlay {
    /// Its name.
    pub name: String,
    /// Who wrote it.
    pub author: String,
    /// Who approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// The day from which it holds.
    pub valid_from: String,
}

/// A rule.
#[derive(Clone, Debug, Serialize)]
pub struct ShownRule {
    /// `M02`.
    pub id: String,
    /// `burst_out`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `live`, `shadow` or `signal`.
    pub mode: &'static str,
    /// Its weight.
    pub weight: u32,
}

impl RulesShown {
    /// A pack that came into force.
    #[must_use]
    pub fn of(plan: &Plan, change: &RuleChange) -> Self {
        let overlays = plan.overlays.iter().map(|overlay| ShownOverlay {
            name: overlay.name.clone(),
            author: overlay.author.clone(),
            approver: overlay.approver.clone(),
            valid_from: overlay.valid_from.clone(),
        });
        let rules = plan.rules.iter().map(|rule| ShownRule {
            id: rule.id.clone(),
            name: rule.name.clone(),
            version: rule.version.clone(),
            mode: rule.mode.word(),
            weight: rule.weight,
        });
        Self {
            id: plan.pack_id.clone(),
            version: plan.pack_version.clone(),
            sha256: plan.pack_sha256.clone(),
            since_step: change.step,
            since_ms: change.at_ms,
            by: change.by.clone(),
            who: change.who.clone(),
            folder: change.folder.clone(),
            pending: None,
            overlays: overlays.collect(),
            rules: rules.collect(),
        }
    }
}

/// The rules' part of the read side.
#[derive(Debug, Default)]
pub struct RulesSide {
    shown: Mutex<Option<Arc<RulesShown>>>,
    pending: Mutex<Option<String>>,
    shadow: Mutex<Option<Arc<ShadowComparison>>>,
    /// Why the last pack was not taken on trial.
    refused: Mutex<Option<String>>,
    door: Mutex<Option<Sender<LoadRequest>>>,
}

/// Why nobody was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAsked {
    /// This process does not score: it waits, or is starting or stopping.
    Closed,
    /// Others are being answered.
    Busy,
}

impl RulesSide {
    /// Rules came into force.
    pub fn set(&self, shown: RulesShown) {
        *lock(&self.pending) = None;
        *lock(&self.shown) = Some(Arc::new(shown));
    }

    /// The folders hold what is in force.
    pub fn set_folder_follows(&self) {
        let mut shown = lock(&self.shown);
        if let Some(now) = shown.as_deref().filter(|now| now.folder.is_some()) {
            *shown = Some(Arc::new(RulesShown { folder: None, ..now.clone() }));
        }
    }

    /// Rules will come into force with the next step.
    pub fn set_pending(&self, sha256: &str) {
        *lock(&self.pending) = Some(sha256.to_owned());
    }

    /// The rules in force.
    #[must_use]
    pub fn shown(&self) -> Option<RulesShown> {
        let shown = lock(&self.shown).as_deref().cloned()?;
        Some(RulesShown { pending: lock(&self.pending).clone(), ..shown })
    }

    /// How rules on trial compare by now.
    pub fn set_shadow(&self, shown: ShadowComparison) {
        *lock(&self.shadow) = Some(Arc::new(shown));
    }

    /// Says why a pack was not taken on trial, or that nothing is in the way.
    pub fn set_refused(&self, reason: Option<String>) {
        *lock(&self.refused) = reason;
    }

    /// How rules on trial compare.
    #[must_use]
    pub fn shadow(&self) -> Option<ShadowComparison> {
        let shown = lock(&self.shadow).as_deref().cloned()?;
        Some(ShadowComparison { refused: lock(&self.refused).clone(), ..shown })
    }

    /// Says who answers; `None`: nobody any more.
    pub fn set_door(&self, door: Option<Sender<LoadRequest>>) {
        *lock(&self.door) = door;
    }

    /// Asks for a change.
    ///
    /// # Errors
    /// [`NotAsked`].
    pub fn ask(
        &self,
        mode: LoadMode,
        who: Option<String>,
    ) -> Result<oneshot::Receiver<LoadAnswer>, NotAsked> {
        let (answer, answered) = oneshot::channel();
        let door = lock(&self.door);
        let request = LoadRequest { mode, who, answer };
        match door.as_ref().ok_or(NotAsked::Closed)?.try_send(request) {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_)) => Err(NotAsked::Busy),
            Err(TrySendError::Disconnected(_)) => Err(NotAsked::Closed),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
