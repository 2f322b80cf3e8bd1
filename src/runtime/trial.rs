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

use super::pack;
use super::reload::watch::Pack;
use crate::engine::contrast::Contrast;
use crate::engine::image::{ActCopy, ActImage, ImageError};
use crate::engine::{Engine, Fork, StepOutput};
use crate::model::alert::Alert;
use crate::model::event::Batch;
use crate::model::time::Millis;
use crate::rules::SourceFile;
use crate::rules::plan::{Mode, Plan};
use crate::snapshot::load::Loaded;
use crate::snapshot::manifest::RuleText;
use crate::snapshot::trials::{ComparedPart, TrialPart, TrialsPart};
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
    /// The pack's files.
    files: Vec<SourceFile>,
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

    /// Carries out what a record says; `pack` is the one that it begins with.
    pub fn change(&mut self, change: ShadowChange, pack: Option<Pack>, live: &Engine) {
        let goes_on = change.to.is_some() && change.to.as_deref() == self.sha256();
        if goes_on {
            return;
        }
        let pack = pack.filter(|pack| Some(&pack.plan.pack_sha256) == change.to.as_ref());
        self.pack = pack.map(|Pack { plan, files }| {
            let compared = Compared::packs(live, &plan, (change.step, change.at_ms));
            Trial { engine: live.beside(plan), files, compared, began: change }
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
    /// trial say, as shadow alerts; nothing for steps that a loaded snapshot holds.
    pub fn step(
        &mut self,
        step: u64,
        batch: &Batch,
        live: &StepOutput,
        fork: &dyn Fork,
    ) -> Vec<Alert> {
        self.rules.contrast.rules(live);
        let Some(trial) = &mut self.pack else { return Vec::new() };
        let output = trial.engine.repeat(step, batch, fork);
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

/// What is on trial, copied between two steps.
#[derive(Debug)]
pub struct TrialsCopy {
    part: TrialsPart,
    /// The act phase of the second engine, which is still to be put into the part.
    act: Option<ActCopy>,
}

impl TrialsCopy {
    /// The copy as plain data.
    #[must_use]
    pub fn part(self) -> TrialsPart {
        let Self { mut part, act } = self;
        if let Some((pack, act)) = part.pack.as_mut().zip(act) {
            pack.act = act.image();
        }
        part
    }
}

impl Trials {
    /// Copies it for a snapshot.
    #[must_use]
    pub fn copy(&self) -> TrialsCopy {
        let Self { rules, pack } = self;
        let (pack, act) = pack
            .as_ref()
            .map(|Trial { engine, files, compared, began }| {
                let part = TrialPart {
                    // Journal records can be written: they have been.
                    began: serde_json::to_string(began).unwrap_or_default(),
                    rules: files.iter().map(RuleText::of).collect(),
                    compared: compared.part(),
                    act: ActImage::default(),
                };
                (part, engine.copy_act())
            })
            .unzip();
        TrialsCopy { part: TrialsPart { rules: rules.part(), pack }, act }
    }

    /// What a snapshot says was on trial, beside the engine that has just been loaded from it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn restore(live: &Engine, loaded: Loaded) -> Result<Self, String> {
        let Loaded { trials: TrialsPart { rules, pack }, resume } = loaded;
        let text = |error: ImageError| error.to_string();
        let rules = Compared::restore(live, live.plan(), &rules).map_err(text)?;
        let Some(TrialPart { began, rules: files, compared, act }) = pack else {
            return Ok(Self { rules, pack: None });
        };
        let began: ShadowChange =
            serde_json::from_str(&began).map_err(|error| format!("what is on trial: {error}"))?;
        let files: Vec<SourceFile> = files.iter().map(RuleText::file).collect();
        let plan = pack::compile(files.clone())
            .map_err(|error| format!("this version cannot compile what is on trial: {error}"))?;
        let plan = Arc::new(plan);
        if Some(&plan.pack_sha256) != began.to.as_ref() {
            return Err("what is on trial is not what it names".to_owned());
        }
        plan.follows(live.plan())?;
        let compared = Compared::restore(live, &plan, &compared).map_err(text)?;
        let mut engine = live.beside(plan);
        engine.restore_act(&act).and_then(|()| engine.resume(resume)).map_err(text)?;
        Ok(Self { rules, pack: Some(Trial { engine, files, compared, began }) })
    }
}

impl Compared {
    fn part(&self) -> ComparedPart {
        ComparedPart { contrast: self.contrast.image(), since: self.since }
    }

    fn restore(live: &Engine, plan: &Plan, part: &ComparedPart) -> Result<Self, ImageError> {
        let contrast = Contrast::restore(live.plan(), plan, &part.contrast)?;
        Ok(Self { contrast, since: part.since })
    }

    fn rules(live: &Engine, since: Since) -> Self {
        Self { contrast: Contrast::new(live.plan(), live.plan()), since }
    }

    fn packs(live: &Engine, plan: &Plan, since: Since) -> Self {
        Self { contrast: Contrast::new(live.plan(), plan), since }
    }
}
