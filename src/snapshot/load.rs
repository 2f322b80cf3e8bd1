//! A set into an engine: files in parallel, each read once, every checksum checked.
//!
//! Ledgers come first and what the consult phase keeps second, since lists belong to entities that
//! the ledgers' parts name.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::block::{Blocks, Envelope, Kind};
use super::codec::{self, Part};
use super::manifest::Manifest;
use super::trials::TrialsPart;
use super::{SnapshotError, Store};
use crate::engine::image::{ActImage, HeldImage, Resume};
use crate::engine::{Engine, Fork};
use crate::limits::{SHARDS, SNAPSHOT_FILE_BYTES_MAX};
use crate::model::time::Millis;

/// How loading goes.
pub struct Loading<'a> {
    /// Where the set lies.
    pub store: &'a dyn Store,
    /// Its name.
    pub set: &'a str,
    /// What it says of itself.
    pub manifest: &'a Manifest,
    /// Number of the files worked on at once.
    pub tasks: usize,
    /// Is told how many of how many files are done.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Whether to go on.
    pub go_on: &'a (dyn Fn() -> bool + Sync),
}

/// What has been taken in.
struct Taken {
    consult: Vec<Option<u64>>,
    ledgers: Vec<Option<u64>>,
    act: Option<(u64, Box<ActImage>)>,
    trials: Option<(u64, Box<TrialsPart>)>,
    /// By number, each with its step.
    held: BTreeMap<u16, (u64, HeldImage)>,
    greatest_ms: Millis,
    next_event: u64,
}

/// What has been taken in, and what an engine alone cannot take.
#[derive(Debug)]
pub struct Loaded {
    /// What is on trial, as of the newest step.
    pub trials: TrialsPart,
    /// The step after which each part was taken.
    pub resume: Resume,
}

impl Loading<'_> {
    /// Takes the set into an empty engine whose plan is the set's. The engine then expects the
    /// steps after [`Manifest::oldest`].
    ///
    /// # Errors
    /// [`SnapshotError`]; the engine holds nothing of use then.
    pub fn into_engine(
        &self,
        engine: &mut Engine,
        inputs: &[String],
        fork: &dyn Fork,
    ) -> Result<Loaded, SnapshotError> {
        let number = |topic: &String| inputs.iter().position(|input| input == topic);
        let topics: Option<Vec<u16>> =
            self.manifest.topics.iter().map(|topic| Some(number(topic)? as u16)).collect();
        let topics = topics.ok_or_else(|| self.wrong("it names a topic that is not configured"))?;
        let taken = Mutex::new(Taken {
            consult: vec![None; SHARDS],
            ledgers: vec![None; SHARDS],
            act: None,
            trials: None,
            held: BTreeMap::new(),
            greatest_ms: Millis::MAX,
            next_event: u64::MAX,
        });
        let first = [Kind::Ledgers, Kind::Act, Kind::Held, Kind::Trials];
        self.pass(engine, &first, &topics, &taken, fork)?;
        self.pass(engine, &[Kind::Consult], &topics, &taken, fork)?;
        let taken = taken.into_inner().unwrap_or_else(PoisonError::into_inner);
        let missing = || self.wrong("a part is missing");
        let all = |steps: Vec<Option<u64>>| steps.into_iter().collect::<Option<Vec<u64>>>();
        let consult = all(taken.consult).ok_or_else(missing)?;
        let ledgers = all(taken.ledgers).ok_or_else(missing)?;
        let (act, image) = taken.act.ok_or_else(missing)?;
        let (also, trials) = taken.trials.ok_or_else(missing)?;
        let (greatest_ms, next_event) = (taken.greatest_ms, taken.next_event);
        let resume = Resume { consult, ledgers, act, greatest_ms, next_event };
        let (steps, held): (Vec<u64>, Vec<HeldImage>) = taken.held.into_values().unzip();
        let Manifest { oldest, newest, .. } = *self.manifest;
        let all_newest = steps.iter().all(|step| *step == newest);
        if (resume.oldest(), act, also) != (oldest, newest, newest) || !all_newest {
            return Err(self.wrong("its parts are of other steps than it says"));
        }
        engine.restore_held(&held).map_err(|error| self.wrong(&error.to_string()))?;
        engine.restore_act(&image).map_err(|error| self.wrong(&error.to_string()))?;
        engine.resume(resume.clone()).map_err(|error| self.wrong(&error.to_string()))?;
        Ok(Loaded { trials: *trials, resume })
    }

    fn pass(
        &self,
        engine: &Engine,
        kinds: &[Kind],
        topics: &[u16],
        taken: &Mutex<Taken>,
        fork: &dyn Fork,
    ) -> Result<(), SnapshotError> {
        let files = &self.manifest.files;
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let outcome = Mutex::new(Ok(()));
        fork.run(self.tasks.max(1), &|_| {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= files.len() || failed.load(Ordering::Relaxed) {
                    return;
                }
                let done = match (self.go_on)() {
                    true => self.file(engine, &files[at].name, kinds, topics, taken),
                    false => Err(SnapshotError::Stopped),
                };
                if let Err(error) = done {
                    failed.store(true, Ordering::Relaxed);
                    *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Err(error);
                    return;
                }
                (self.progress)(at + 1, files.len());
            }
        });
        outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(
        &self,
        engine: &Engine,
        name: &str,
        kinds: &[Kind],
        topics: &[u16],
        taken: &Mutex<Taken>,
    ) -> Result<(), SnapshotError> {
        let name = format!("{}/{name}", self.set);
        let file = self.store.get(&name, SNAPSHOT_FILE_BYTES_MAX as u64)?;
        let damaged = |problem| SnapshotError::Damaged { file: name.clone(), problem };
        for block in Blocks::of(&file) {
            let (envelope, content) = block.map_err(damaged)?;
            if !kinds.contains(&envelope.kind) {
                continue;
            }
            let part = codec::read(&envelope, content).map_err(damaged)?;
            self.take(engine, &envelope, part, topics, taken)?;
        }
        Ok(())
    }

    fn take(
        &self,
        engine: &Engine,
        envelope: &Envelope,
        part: Part,
        topics: &[u16],
        taken: &Mutex<Taken>,
    ) -> Result<(), SnapshotError> {
        let wrong = |error: crate::engine::image::ImageError| self.wrong(&error.to_string());
        let (shard, step) = (usize::from(envelope.shard), envelope.step);
        let lock = || taken.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = match part {
            Part::Ledgers(image) => {
                engine.restore_ledgers(&image).map_err(wrong)?;
                lock().ledgers[shard].replace(step)
            }
            Part::Consult(mut image) => {
                image.payments.renumber_topics(topics).map_err(wrong)?;
                engine.restore_consult(&image).map_err(wrong)?;
                let mut taken = lock();
                taken.greatest_ms = taken.greatest_ms.min(image.greatest_ms);
                taken.next_event = taken.next_event.min(image.next_event);
                taken.consult[shard].replace(step)
            }
            Part::Act(mut image) => {
                image.renumber_topics(topics).map_err(wrong)?;
                lock().act.replace((step, Box::new(image))).map(|(step, _)| step)
            }
            Part::Held(mut image) => {
                image.renumber_topics(topics).map_err(wrong)?;
                lock().held.insert(image.number, (step, image)).map(|(step, _)| step)
            }
            Part::Trials(mut part) => {
                part.renumber_topics(topics).map_err(wrong)?;
                lock().trials.replace((step, Box::new(part))).map(|(step, _)| step)
            }
            Part::Manifest(_) => return Err(self.wrong("a manifest lies among the parts")),
        };
        if earlier.is_some() { Err(self.wrong("a part is there twice")) } else { Ok(()) }
    }

    fn wrong(&self, problem: &str) -> SnapshotError {
        SnapshotError::Set { set: self.set.to_owned(), problem: problem.to_owned() }
    }
}

/// Reads every byte of a set and decodes every part; says how many parts it has.
///
/// # Errors
/// [`SnapshotError`], naming what is wrong first.
pub fn verify(store: &dyn Store, set: &str, manifest: &Manifest) -> Result<u64, SnapshotError> {
    let mut parts = 0;
    for file in &manifest.files {
        let name = format!("{set}/{}", file.name);
        let bytes = store.get(&name, SNAPSHOT_FILE_BYTES_MAX as u64)?;
        let damaged = |problem| SnapshotError::Damaged { file: name.clone(), problem };
        let mut of_file = 0;
        for block in Blocks::of(&bytes) {
            let (envelope, content) = block.map_err(damaged)?;
            codec::read(&envelope, content).map_err(damaged)?;
            of_file += 1;
        }
        if of_file != file.parts {
            let problem = format!("{name} should hold {} parts and holds {of_file}", file.parts);
            return Err(SnapshotError::Set { set: set.to_owned(), problem });
        }
        parts += u64::from(of_file);
    }
    Ok(parts)
}
