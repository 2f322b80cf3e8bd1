//! The state from a snapshot: the newest set that the journal goes on from, an older one where that
//! is damaged, none where there is none. What is refused and why is said once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::packs::Packs;
use super::read::JournalReader;
use super::{Extent, RecoveryError};
use crate::engine::{Engine, EngineConfig, Fork};
use crate::rules::plan::Plan;
use crate::runtime::pack;
use crate::runtime::trial::Trials;
use crate::snapshot::choose::{Choice, Found, Refusal, SetFacts, World, choose};
use crate::snapshot::load::Loading;
use crate::snapshot::manifest::{Identity, Manifest};
use crate::snapshot::{SnapshotError, Store, write};
use crate::source::kafka::journal::JournalLog;
use crate::telemetry::Telemetry;
use crate::telemetry::event::{SnapshotLoaded, SnapshotRefused};

/// What a state is loaded with.
pub struct FromSnapshot<'a> {
    /// Where sets lie.
    pub store: &'a dyn Store,
    /// Only sets that hold nothing of this step and later ones, if there is one.
    pub before: Option<u64>,
    /// The engine's setting.
    pub config: &'a EngineConfig,
    /// The input topics.
    pub inputs: &'a [String],
    /// The engine's threads.
    pub fork: &'a dyn Fork,
    /// Counts.
    pub telemetry: &'a Telemetry,
    /// Whether to go on.
    pub go_on: &'a (dyn Fn() -> bool + Sync),
}

/// A state that has been loaded.
pub struct Loaded {
    /// Name of the set.
    pub set: String,
    /// The engine, under the rules of the set.
    pub engine: Engine,
    /// What was on trial.
    pub trials: Trials,
    /// What the set says of itself.
    pub manifest: Manifest,
    /// How far the journal goes on from it.
    pub extent: Extent,
    /// Packs that it tells of late.
    pub packs: Packs,
}

impl FromSnapshot<'_> {
    /// Loads the newest set that can be gone on from.
    ///
    /// # Errors
    /// [`RecoveryError`], when the journal cannot be read, or on a stop. Trouble with sets is no
    /// error: the journal is there.
    pub fn load(
        &self,
        journal: &mut JournalReader<'_, impl JournalLog>,
    ) -> Result<Option<Loaded>, RecoveryError> {
        let identity =
            Identity::of(&self.config.tenant, self.config.hash_key, self.config.utc_offset_ms);
        // By name: what is wrong with it, once it has been tried.
        let mut tried: BTreeMap<String, String> = BTreeMap::new();
        let mut said = Vec::new();
        loop {
            // Looked at each time: a process that leads meanwhile writes sets and deletes others.
            let mut sets = match write::sets(self.store) {
                Ok(sets) => sets,
                Err(error) => {
                    self.refused(&self.store.place(), &error.to_string());
                    return Ok(None);
                }
            };
            let is_early = |set: &SetFacts| match (&set.found, self.before) {
                (Found::Whole(manifest), Some(before)) => manifest.newest < before,
                (_, before) => before.is_none(),
            };
            sets.retain(is_early);
            for set in &mut sets {
                let problem = tried.get(&set.name).cloned();
                problem.into_iter().for_each(|problem| set.found = Found::Damaged(problem));
            }
            let journal_holds = journal.numbers();
            let world = World { identity: &identity, inputs: self.inputs, journal: journal_holds };
            let Choice { load, refused } = choose(&sets, &world);
            for (place, why) in refused {
                let name = &sets[place].name;
                // A set that was being written when the process died is the usual case.
                if why != Refusal::Unfinished && !said.contains(name) {
                    self.refused(name, &why.to_string());
                    said.push(name.clone());
                }
            }
            let Some(place) = load else { return Ok(None) };
            match self.set(&sets[place], journal)? {
                Ok(loaded) => return Ok(Some(loaded)),
                Err(problem) => {
                    tried.insert(sets[place].name.clone(), problem);
                }
            }
        }
    }

    /// Loads one set; the inner error says what is wrong with it.
    fn set(
        &self,
        set: &SetFacts,
        journal: &mut JournalReader<'_, impl JournalLog>,
    ) -> Result<Result<Loaded, String>, RecoveryError> {
        let Found::Whole(manifest) = &set.found else {
            return Ok(Err("it is not whole".to_owned()));
        };
        let began = Instant::now();
        let (extent, packs) = match journal.extent_after(manifest, self.inputs) {
            Ok(found) => found,
            Err(error @ (RecoveryError::Gap { .. } | RecoveryError::OtherHistory { .. })) => {
                return Ok(Err(format!("the journal does not go on from it: {error}")));
            }
            Err(error) => return Err(error),
        };
        let plan = match self.plan(manifest) {
            Ok(plan) => plan,
            Err(problem) => return Ok(Err(problem)),
        };
        let mut engine = Engine::new(self.config.clone(), plan);
        let loading = Loading {
            store: self.store,
            set: &set.name,
            manifest,
            tasks: self.config.threads,
            progress: &|_, _| {},
            go_on: self.go_on,
        };
        let trials = match loading.into_engine(&mut engine, self.inputs, self.fork) {
            Ok(loaded) => Trials::restore(&engine, loaded),
            Err(SnapshotError::Stopped) => return Err(RecoveryError::Stopped),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let trials = match trials {
            Ok(trials) => trials,
            Err(problem) => return Ok(Err(problem)),
        };
        let steps = (manifest.oldest, manifest.newest);
        self.telemetry.emit(SnapshotLoaded { set: &set.name, steps, took: began.elapsed() });
        let set = set.name.clone();
        Ok(Ok(Loaded { set, engine, trials, manifest: (**manifest).clone(), extent, packs }))
    }

    /// The rules that the set was taken under.
    fn plan(&self, manifest: &Manifest) -> Result<Arc<Plan>, String> {
        let compiled = pack::compile(manifest.source_files());
        let plan =
            compiled.map_err(|error| format!("this version cannot compile its rules: {error}"))?;
        if plan.pack_sha256 != manifest.rule_pack {
            return Err("its rules are not the ones that it names".to_owned());
        }
        Ok(Arc::new(plan))
    }

    fn refused(&self, set: &str, cause: &str) {
        self.telemetry.emit(SnapshotRefused { set, cause });
    }
}
