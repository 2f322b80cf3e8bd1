//! Rules on trial: what is said in shadow, held against what is said live.
//!
//! A whole pack on trial has an engine of its own on the same steps. It begins as a copy of the
//! live engine, so that its windows are full and open episodes go on as they would if the pack came
//! into force; from then on neither knows of the other. That costs as much memory and time again as
//! the live engine: [`crate::runtime::config::Shadow::state_max`] bounds it.
//!
//! Everything here follows from the steps and from the journal's records of what began and ended,
//! so that a restart comes to the same comparison.

use std::sync::Arc;

use crate::engine::contrast::Contrast;
use crate::engine::{Engine, Fork, StepOutput};
use crate::model::alert::Alert;
use crate::model::event::Batch;
use crate::model::time::Millis;
use crate::rules::plan::{Mode, Plan};
use crate::wire::journal::ShadowChange;
use crate::wire::shadow::{PackCompared, RulesCompared, SCHEMA, ShadowComparison};

/// A step and when it was read.
pub type Since = (u64, Millis);

/// What is on trial, and the comparisons.
#[derive(Debug)]
pub struct Trials {
    /// The shadow rules of the live pack.
    rules: Compared,
    /// A pack of its own.
    pack: Option<Trial>,
}

#[derive(Debug)]
struct Compared {
    contrast: Contrast,
    since: Since,
}

#[derive(Debug)]
struct Trial {
    engine: Engine,
    compared: Compared,
    /// The record that began it.
    began: ShadowChange,
}

impl Trials {
    /// Nothing compared yet.
    #[must_use]
    pub fn new(live: &Engine) -> Self {
        Self { rules: Compared::rules(live, (0, 0)), pack: None }
    }

    /// Other rules are in force: what was compared with those before ends here. Whether the pack on
    /// trial ended with it, because it is what is in force now.
    pub fn live_changed(&mut self, live: &Engine, since: Since) -> bool {
        self.rules = Compared::rules(live, since);
        let Some(trial) = &mut self.pack else { return false };
        let plan = Arc::clone(trial.engine.plan());
        if plan.pack_sha256 == live.plan().pack_sha256 {
            self.pack = None;
            return true;
        }
        trial.compared = Compared::packs(live, &plan, since);
        trial.engine = live.beside(plan);
        false
    }

    /// Carries out what a record says; `plan` is that of the pack it begins with.
    pub fn change(&mut self, change: ShadowChange, plan: Option<Arc<Plan>>, live: &Engine) {
        let goes_on = change.to.is_some() && change.to.as_deref() == self.sha256();
        if goes_on {
            return;
        }
        self.pack = plan.filter(|plan| Some(&plan.pack_sha256) == change.to.as_ref()).map(|plan| {
            let compared = Compared::packs(live, &plan, (change.step, change.at_ms));
            Trial { engine: live.beside(plan), compared, began: change }
        });
    }

    /// The plan of the pack on trial.
    #[must_use]
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        self.pack.as_ref().map(|trial| trial.engine.plan())
    }

    /// Its hash.
    #[must_use]
    pub fn sha256(&self) -> Option<&str> {
        self.plan().map(|plan| plan.pack_sha256.as_str())
    }

    /// Until when the pack on trial waits for something that does not happen, if it does.
    #[must_use]
    pub fn waits_until_ms(&self) -> Option<Millis> {
        self.pack.as_ref()?.engine.waits_until_ms()
    }

    /// Takes a step and what the live engine made of it. Returns what the live rules of the pack on
    /// trial say, as shadow alerts.
    pub fn step(&mut self, batch: &Batch, live: &StepOutput, fork: &dyn Fork) -> Vec<Alert> {
        self.rules.contrast.rules(live);
        let Some(trial) = &mut self.pack else { return Vec::new() };
        let output = trial.engine.step(batch, fork);
        trial.compared.contrast.packs(live, &output);
        let mut alerts = output.alerts;
        alerts.retain(|alert| !alert.shadow);
        alerts.iter_mut().for_each(|alert| alert.shadow = true);
        alerts
    }

    /// The comparison so far.
    #[must_use]
    pub fn figures(&self, live: &Plan) -> ShadowComparison {
        let shadow = live.rules.iter().filter(|rule| rule.mode == Mode::Shadow);
        let rules = RulesCompared {
            ids: shadow.map(|rule| rule.id.clone()).collect(),
            pack: live.pack_sha256.clone(),
            since_step: self.rules.since.0,
            since_ms: self.rules.since.1,
            episodes: self.rules.contrast.figures().added_only(),
        };
        let pack = self.pack.as_ref().map(|trial| {
            let plan = trial.engine.plan();
            let began = trial.began.clone();
            PackCompared {
                id: plan.pack_id.clone(),
                version: plan.pack_version.clone(),
                sha256: plan.pack_sha256.clone(),
                against: live.pack_sha256.clone(),
                by: began.by,
                who: began.who,
                since_step: trial.compared.since.0,
                since_ms: trial.compared.since.1,
                overlays: began.overlays,
                changes: began.changes,
                differences: began.differences,
                episodes: trial.compared.contrast.figures(),
            }
        });
        ShadowComparison { schema: SCHEMA.to_owned(), rules, pack, refused: None }
    }
}

impl Compared {
    fn rules(live: &Engine, since: Since) -> Self {
        Self { contrast: Contrast::new(live.plan(), live.plan()), since }
    }

    fn packs(live: &Engine, plan: &Plan, since: Since) -> Self {
        Self { contrast: Contrast::new(live.plan(), plan), since }
    }
}
