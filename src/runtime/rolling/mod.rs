//! Snapshots while work goes on: between two steps some parts of the state are copied, and a thread
//! beside compresses and writes them. Scoring never waits for a disk: when the thread has no memory
//! to give back yet, nothing is copied until it has, and when it cannot write, the set is given up
//! and counted.
//!
//! - [`Roller`]: on the engine's thread, what to copy after which step
//! - [`writer`]: the thread beside
//! - [`start`]: both from the configuration
//!
//! The order of the parts is what lets them be of different steps ([`crate::engine::image`]): what
//! the consult phase keeps of every shard, then the ledgers of every shard, then the act phase and
//! what is on trial. A set is of one rule pack in force: where that changes, it is given up and
//! begun anew. A trial may begin and end meanwhile: the set holds what is on trial after its last
//! step.

pub mod start;
pub mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender};

use super::trial::{Trials, TrialsCopy};
use crate::engine::Engine;
use crate::engine::image::{ActCopy, ConsultImage, HeldCopy, LedgersImage};
use crate::limits::{SHARDS, SNAPSHOT_PAUSE, SNAPSHOT_SHARE};
use crate::model::time::Millis;
use crate::rules::SourceFile;
use crate::snapshot::manifest::{Place, RuleText};
use crate::source::Run;
use crate::telemetry::Telemetry;

/// What the engine's, the publisher's and the writing thread tell each other.
#[derive(Debug, Default)]
pub struct Between {
    /// The last step that is durable.
    committed: AtomicU64,
    /// The set that was being written has been given up.
    failed: AtomicBool,
    /// Nothing will be committed any more.
    closed: AtomicBool,
}

impl Between {
    /// A step, and all before it, is durable.
    pub fn commit(&self, step: u64) {
        self.committed.store(step, Ordering::Release);
    }

    /// Nothing will be committed any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    fn is_committed(&self, step: u64) -> bool {
        self.committed.load(Ordering::Acquire) >= step
    }
}

/// What is copied last, in one go.
#[derive(Debug)]
pub(super) struct Last {
    pub act: ActCopy,
    pub held: HeldCopy,
    pub trials: TrialsCopy,
}

/// What goes to the writing thread.
#[derive(Debug)]
pub(super) enum Work {
    /// A set begins.
    Begin(Box<Head>),
    /// What the consult phase keeps of a shard.
    Consult(u64, Box<ConsultImage>),
    /// What the visits keep of a shard.
    Ledgers(u64, Box<LedgersImage>),
    /// What is copied last, and where the inputs stand: the set is complete.
    Act(u64, Box<Last>, Vec<Place>),
    /// It is not to be completed.
    GiveUp,
}

/// What is known of a set when it begins.
#[derive(Debug)]
pub(super) struct Head {
    /// The step after which its first part is taken.
    pub oldest: u64,
    /// Wall clock.
    pub began_ms: Millis,
    pub rule_pack: String,
    pub rules: Vec<RuleText>,
    pub topics: Vec<String>,
    /// Where the inputs stand.
    pub begin: Vec<Place>,
}

/// What the roller needs of the writing thread.
pub(super) struct Door {
    pub work: Sender<Work>,
    pub consult: Receiver<Box<ConsultImage>>,
    pub ledgers: Receiver<Box<LedgersImage>>,
    pub between: Arc<Between>,
}

/// How much is copied between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// What the bounds on time allow.
    ByClock,
    /// So many parts, however long they take.
    Parts(usize),
}

/// Decides after each step what is copied.
pub struct Roller {
    door: Door,
    interval: Duration,
    pace: Pace,
    topics: Vec<String>,
    /// By topic and partition: the offset that comes next.
    stands: BTreeMap<(u16, i32), i64>,
    /// The pack in force, once a step has been judged.
    rules: Option<(String, Vec<SourceFile>)>,
    rolling: Option<Rolling>,
    due: Instant,
    /// The step of the last set's first part.
    last: u64,
}

/// A set that is being taken.
#[derive(Debug)]
struct Rolling {
    began: Instant,
    /// Parts taken so far.
    parts: usize,
    /// Time that steps have been held up.
    spent: Duration,
    longest: Duration,
}

impl Roller {
    /// Takes a set every `interval`. `stands`: where the inputs stand.
    pub(super) fn new(
        door: Door,
        (interval, pace): (Duration, Pace),
        topics: Vec<String>,
        stands: BTreeMap<(u16, i32), i64>,
    ) -> Self {
        let due = Instant::now() + interval;
        Self { door, interval, pace, topics, stands, rules: None, rolling: None, due, last: 0 }
    }

    /// For the publisher.
    #[must_use]
    pub fn between(&self) -> Arc<Between> {
        Arc::clone(&self.door.between)
    }

    /// Whether a set is being taken: then even an idle engine should call often.
    #[must_use]
    pub fn is_rolling(&self) -> bool {
        self.rolling.is_some()
    }

    /// Rules come into force with the next step.
    pub fn set_rules(&mut self, sha256: &str, files: &[SourceFile]) {
        let changed = self.rules.as_ref().is_none_or(|(known, _)| known != sha256);
        if changed {
            self.rules = Some((sha256.to_owned(), files.to_vec()));
            if self.rolling.take().is_some() {
                self.send(Work::GiveUp);
                // The next one begins at once: parts of other rules are of no use.
                self.due = Instant::now();
            }
        }
    }

    /// A step has been done that read this.
    pub fn took(&mut self, runs: &[Run]) {
        for run in runs {
            self.stands.insert((run.topic, run.partition), run.to);
        }
    }

    /// Copies what there is time for, after `step` has been done.
    pub fn roll(&mut self, engine: &mut Engine, trials: &Trials, step: u64, telemetry: &Telemetry) {
        if self.door.between.failed.swap(false, Ordering::AcqRel) {
            self.rolling = None;
            self.due = Instant::now() + self.interval;
        }
        if self.rolling.is_none() && !self.begin(step) {
            return;
        }
        let Some(mut rolling) = self.rolling.take() else { return };
        let (began, first) = (Instant::now(), rolling.parts);
        // What is copied in one go is bounded, and so is its share of the time.
        let share_spent = rolling.spent * SNAPSHOT_SHARE > rolling.began.elapsed() && first > 0;
        let pace = self.pace;
        let goes_on = |parts: usize| match pace {
            Pace::ByClock => !share_spent && began.elapsed() < SNAPSHOT_PAUSE,
            Pace::Parts(most) => parts - first < most,
        };
        let mut done = false;
        while !done && goes_on(rolling.parts) {
            match self.part((&mut *engine, trials), step, rolling.parts) {
                Some(last) => done = last,
                // The writing thread has nothing to give back yet.
                None => break,
            }
            rolling.parts += 1;
        }
        let paused = began.elapsed();
        rolling.spent += paused;
        rolling.longest = rolling.longest.max(paused);
        telemetry.set_snapshot_pause(rolling.longest);
        if !done {
            self.rolling = Some(rolling);
        }
    }

    /// Begins a set, if it is time.
    fn begin(&mut self, step: u64) -> bool {
        let Some((rule_pack, files)) = self.rules.as_ref() else { return false };
        if Instant::now() < self.due || step <= self.last {
            return false;
        }
        let head = Head {
            oldest: step,
            began_ms: wall_ms(),
            rule_pack: rule_pack.clone(),
            rules: files.iter().map(RuleText::of).collect(),
            topics: self.topics.clone(),
            begin: self.places(),
        };
        self.due = Instant::now() + self.interval;
        self.last = step;
        if !self.send(Work::Begin(Box::new(head))) {
            return false;
        }
        let (spent, longest) = (Duration::ZERO, Duration::ZERO);
        self.rolling = Some(Rolling { began: Instant::now(), parts: 0, spent, longest });
        true
    }

    /// Copies part number `number`; `true` when it was the last, `None` when there is no room.
    fn part(
        &mut self,
        (engine, trials): (&mut Engine, &Trials),
        step: u64,
        number: usize,
    ) -> Option<bool> {
        if number < SHARDS {
            let mut image = self.door.consult.try_recv().ok()?;
            engine.copy_consult(number as u16, &mut image);
            self.send(Work::Consult(step, image));
            return Some(false);
        }
        if number < 2 * SHARDS {
            let mut image = self.door.ledgers.try_recv().ok()?;
            engine.copy_ledgers((number - SHARDS) as u16, &mut image);
            self.send(Work::Ledgers(step, image));
            return Some(false);
        }
        let (act, held) = (engine.copy_act(), engine.copy_held());
        let last = Last { act, held, trials: trials.copy() };
        self.send(Work::Act(step, Box::new(last), self.places()));
        Some(true)
    }

    /// The channel has room for all that can be on its way; only a thread that has ended takes
    /// nothing.
    fn send(&self, work: Work) -> bool {
        self.door.work.try_send(work).is_ok()
    }

    fn places(&self) -> Vec<Place> {
        let place = |(&(topic, partition), &next): (&(u16, i32), &i64)| Place {
            topic: self.topics[usize::from(topic)].clone(),
            partition,
            next,
        };
        self.stands.iter().map(place).collect()
    }
}

/// Wall-clock time, for people and for finding files.
pub(super) fn wall_ms() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
