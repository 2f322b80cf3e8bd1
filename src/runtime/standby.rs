//! One process's way to leadership, over whatever answers for Kafka.
//!
//! A process that does not lead follows: it reads the journal as the leader commits it, repeats
//! every step on the same records, muted, and so has the leader's state but for the last moments. A
//! change of rules is in the journal and is followed with it.
//!
//! Taking over, in this order: the transactional id is taken, which fences the old leader and ends
//! what it left open; the journal is read to its end, which cannot move any more; what the group's
//! offsets say must agree; work goes on where the journal ends.
//!
//! In `at_least_once` nothing fences the old leader. What it still writes may replace steps that
//! have been followed; the state is then built anew.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::Delivery;
use super::error::RunError;
use super::reconcile::tally::Tally;
use super::recovery::read::{JournalReader, More};
use super::recovery::replay::{Far, Means, Rebuilt};
use super::recovery::snapshot::{FromSnapshot, Loaded};
use super::recovery::{self, Extent, Recovery, RecoveryError};
use super::reload::watch::Pack;
use super::reload::{Candidate, Changes};
use crate::engine::{Engine, EngineConfig, Fork};
use crate::rules::plan::Plan;
use crate::sink::kafka::writer::Writer;
use crate::sink::kafka::{Guarantee, KafkaSink, StreamTopics};
use crate::snapshot::Store;
use crate::source::kafka::KafkaSource;
use crate::source::kafka::journal::JournalLog;
use crate::source::kafka::log::{Clock as _, Log, SystemClock};
use crate::telemetry::Telemetry;
use crate::telemetry::event::Recovered;
use crate::wire::decode::{DecodeConfig, Decoder};
use crate::wire::journal::Entry;

/// How often a contradiction is looked at again before it is believed, and after what pause.
const LOOKS_MAX: u32 = 5;
const LOOK: Duration = Duration::from_millis(500);

/// Whatever answers for Kafka.
pub trait Brokers {
    /// The input topics.
    type Log: Log;
    /// The journal's topic.
    type Journal: JournalLog;
    /// The topics written to.
    type Writer: Writer;

    /// Connects to the input topics.
    ///
    /// # Errors
    /// When a setting is refused.
    fn log(&self, topics: &[String]) -> Result<Self::Log, RunError>;

    /// Connects to the journal.
    ///
    /// # Errors
    /// When a setting is refused.
    fn journal(&self) -> Result<Self::Journal, RunError>;

    /// Connects a writer; nothing is fenced yet.
    ///
    /// # Errors
    /// When a setting is refused.
    fn writer(&self) -> Result<Self::Writer, RunError>;
}

/// What does not change while a process lives.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Names of the input topics, in order.
    pub inputs: Vec<String>,
    /// Names of the topics written to.
    pub streams: StreamTopics,
    /// What is promised.
    pub delivery: Delivery,
    /// The group under whose name offsets are committed.
    pub group: String,
    /// The id that fences.
    pub transactional_id: String,
    /// How records are read.
    pub decode: DecodeConfig,
    /// How the engine is set up.
    pub engine: EngineConfig,
}

impl Terms {
    /// What the sink promises.
    #[must_use]
    pub fn guarantee(&self) -> Guarantee {
        match self.delivery {
            Delivery::ExactlyOnce => Guarantee::ExactlyOnce,
            Delivery::AtLeastOnce => Guarantee::AtLeastOnce,
        }
    }
}

/// What a follower works with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// The engine's threads.
    pub fork: &'a dyn Fork,
    /// Counts.
    pub telemetry: &'a Telemetry,
    /// Where snapshots lie, if any are kept.
    pub snapshots: Option<&'a dyn Store>,
    /// Whether to go on.
    pub go_on: &'a (dyn Fn() -> bool + Sync),
    /// Shows how far rebuilding the state is.
    pub show: &'a dyn Fn(Far),
}

/// A process that follows.
pub struct Follower<'a, B: Brokers> {
    brokers: &'a B,
    terms: &'a Terms,
    tools: Tools<'a>,
    /// The rules it was started with.
    plan: Arc<Plan>,
    journal: JournalReader<'a, B::Journal>,
    source: KafkaSource<B::Log>,
    writer: Option<B::Writer>,
    extent: Extent,
    state: Rebuilt,
    /// Whether rules changed since it began to follow.
    changed: bool,
    /// Since when it has not been level with the journal.
    behind_since: Option<Duration>,
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It repeated something and may be behind.
    Moved,
    /// It is level with the journal.
    Level,
}

/// A process that may lead.
pub struct Led<B: Brokers> {
    /// Publishes; its predecessor cannot any more.
    pub sink: KafkaSink<B::Writer>,
    /// Goes on where the journal ends.
    pub source: KafkaSource<B::Log>,
    /// The state, and the packs of the journal.
    pub state: Rebuilt,
    /// Number of the next step.
    pub next_step: u64,
    /// Where the inputs stand.
    pub stands: BTreeMap<(String, i32), i64>,
    /// What became of the records since the journal last said so.
    pub tally: Tally,
    /// Whether rules came into force while the process followed.
    pub changed: bool,
    /// What the last of it took.
    pub recovered: Recovered,
}

/// The rules that a new leader begins with.
pub struct First {
    /// Comes into force with the first step, which says so and has the files with it.
    pub candidate: Candidate,
    /// The same as a pack.
    pub in_force: Pack,
    /// What judged the last step before.
    pub before: Pack,
}

impl<B: Brokers> Led<B> {
    /// The rules of the first step: those of this process's folders, `own`; unless others came into
    /// force while it stood by, or were promoted over what the folders hold. Those stay.
    ///
    /// # Errors
    /// [`RecoveryError::Rules`], when they cannot go with the state.
    pub fn first_rules(&self, own: &Pack) -> Result<First, RunError> {
        let Rebuilt { engine, packs, last_change, .. } = &self.state;
        let (last, folder) = (&engine.plan().pack_sha256, &own.plan.pack_sha256);
        let promoted = last_change.as_ref().filter(|change| change.folder.as_ref() == Some(folder));
        let stays = match promoted {
            Some(change) => packs.pack(&change.to),
            None if self.changed => packs.pack(last),
            None => None,
        };
        if promoted.is_none() && stays.as_ref().is_some_and(|stays| stays.files != own.files) {
            tracing::warn!(
                pack = last,
                "the rules in force are not those that this process was started with: they changed while \
                 it stood by, and stay until its own change or are asked for"
            );
        }
        let in_force = stays.unwrap_or_else(|| own.clone());
        if self.next_step > 1 {
            in_force.plan.follows(engine.plan()).map_err(RecoveryError::Rules)?;
        }
        let before = packs.files(last).map(<[_]>::to_vec);
        let changes = before
            .as_ref()
            .map_or_else(Changes::default, |files| Changes::between(files, &in_force.files));
        let before = before.map_or_else(
            || in_force.clone(),
            |files| Pack { plan: Arc::clone(engine.plan()), files },
        );
        let candidate = Candidate {
            plan: Arc::clone(&in_force.plan),
            files: in_force.files.clone(),
            by: "start",
            who: None,
            folder: Some(folder.clone()).filter(|folder| *folder != in_force.plan.pack_sha256),
            changes,
            superseded: Vec::new(),
        };
        Ok(First { candidate, in_force, before })
    }
}

impl<'a, B: Brokers> Follower<'a, B> {
    /// Rebuilds the state as far as the journal reaches now, from a snapshot where there is one.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn open(
        brokers: &'a B,
        terms: &'a Terms,
        tools: Tools<'a>,
        plan: Arc<Plan>,
    ) -> Result<Self, RunError> {
        let mut journal =
            JournalReader::open(brokers.journal()?, &terms.streams.journal, tools.go_on)?;
        let (extent, mut state) = match from_snapshot(&mut journal, terms, &tools)? {
            Some(loaded) => loaded,
            None => {
                // A journal that has lost its beginning tells a pack's files after its first steps.
                let (extent, early) = journal.extent(&terms.inputs)?;
                let engine = Engine::new(terms.engine.clone(), Arc::clone(&plan));
                (extent, Rebuilt::new(engine, early))
            }
        };
        let log = brokers.log(&terms.inputs)?;
        let decoder = Decoder::new(terms.decode.clone());
        let (inputs, starts) = (terms.inputs.clone(), extent.starts.clone());
        let mut source = KafkaSource::over(log, inputs, starts, decoder, tools.go_on)?;
        let means = means(terms, &tools);
        state.repeat_all(&mut journal, extent.whole(), &mut source, &means)?;
        journal.follow()?;
        Ok(Self {
            brokers,
            terms,
            tools,
            plan,
            journal,
            source,
            // Connected ahead of time, so that taking over need not wait for it.
            writer: Some(brokers.writer()?),
            extent,
            state,
            changed: false,
            behind_since: None,
        })
    }

    /// Follows what comes next, waiting a little for it.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn follow(&mut self) -> Result<Turn, RunError> {
        self.source.attend()?;
        if let Some(writer) = &mut self.writer {
            writer.serve();
        }
        match self.journal.more()? {
            More::Entry(entry) => {
                self.behind_since.get_or_insert_with(|| SystemClock.now());
                self.take(entry)?;
                Ok(Turn::Moved)
            }
            More::End | More::Nothing => {
                self.behind_since = None;
                Ok(Turn::Level)
            }
        }
    }

    /// For how long it has not been level with the journal.
    #[must_use]
    pub fn behind(&self) -> Duration {
        self.behind_since.map_or(Duration::ZERO, |since| SystemClock.now().saturating_sub(since))
    }

    /// The rules in force, as the journal says.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        self.state.engine.plan()
    }

    /// Number of the last step it has repeated; 0 before the first.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.extent.numbers.map_or(0, |(_, last)| last)
    }

    /// Tells what there was to repeat, `took` being the time it took.
    pub fn tell(&mut self, took: Duration) -> Recovered {
        self.state.tell(took)
    }

    /// Takes over.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn lead(mut self) -> Result<Led<B>, RunError> {
        let began = Instant::now();
        let Terms { inputs, streams, delivery, group, transactional_id, .. } = self.terms;
        let go_on = self.tools.go_on;
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.brokers.writer()?,
        };
        let promise = (self.terms.guarantee(), transactional_id.clone());
        let sink = KafkaSink::over(writer, promise, streams.clone(), inputs.clone(), go_on)?;
        let mut looks = 0;
        let Recovery { starts, next_step, tally, .. } = loop {
            self.catch_up()?;
            let committed = sink.committed_of(inputs, go_on)?;
            match recovery::decide(self.extent.clone(), &committed, *delivery, group) {
                // A process that hung since it was given the lead is fenced and does not know it:
                // its successor commits between the two questions. It will learn it when it writes.
                Err(RecoveryError::Contradiction { .. }) if looks < LOOKS_MAX => {
                    looks += 1;
                    if !self.journal.rest(LOOK) {
                        return Err(RecoveryError::Stopped.into());
                    }
                }
                decided => break decided?,
            }
        };
        let Self { mut source, mut state, changed, .. } = self;
        source.go_on_at(&starts)?;
        let recovered = state.tell(began.elapsed());
        let stands = starts.into_iter().map(|(place, start)| (place, start.end)).collect();
        Ok(Led { sink, source, state, next_step, stands, tally, changed, recovered })
    }

    /// Follows to the journal's end. It is asked for anew: what was the end before may have moved.
    fn catch_up(&mut self) -> Result<(), RunError> {
        self.journal.follow()?;
        loop {
            match self.journal.more()? {
                More::Entry(entry) => self.take(entry)?,
                More::End => return Ok(()),
                More::Nothing if (self.tools.go_on)() => {}
                More::Nothing => return Err(RecoveryError::Stopped.into()),
            }
        }
    }

    fn take(&mut self, entry: Entry) -> Result<(), RunError> {
        match entry {
            Entry::Step(record) if record.step <= self.step() => self.begin_anew()?,
            Entry::Step(record) => {
                self.extent.add(&record, &self.terms.inputs)?;
                let means = means(self.terms, &self.tools);
                self.state.repeat(&record, &mut self.source, &means)?;
            }
            entry => {
                match &entry {
                    Entry::Reconciliation(_) => self.extent.tally = Tally::default(),
                    Entry::Change(change) => self.changed |= change.from != change.to,
                    Entry::Step(_) | Entry::File(_) | Entry::Shadow(_) => {}
                }
                self.state.note(entry);
            }
        }
        Ok(())
    }

    /// A step was replaced that is part of the state already.
    fn begin_anew(&mut self) -> Result<(), RunError> {
        tracing::warn!("the journal replaces steps that were followed: the state is built anew");
        let anew = Self::open(self.brokers, self.terms, self.tools, Arc::clone(&self.plan))?;
        let changed = self.changed;
        *self = anew;
        self.changed |= changed;
        Ok(())
    }
}

fn means<'a>(terms: &'a Terms, tools: &Tools<'a>) -> Means<'a> {
    Means {
        inputs: &terms.inputs,
        fork: tools.fork,
        telemetry: tools.telemetry,
        go_on: tools.go_on,
        show: tools.show,
    }
}

/// The state of the newest snapshot that the journal goes on from, if there is one.
fn from_snapshot(
    journal: &mut JournalReader<'_, impl JournalLog>,
    terms: &Terms,
    tools: &Tools<'_>,
) -> Result<Option<(Extent, Rebuilt)>, RunError> {
    let Some(store) = tools.snapshots else { return Ok(None) };
    let from = FromSnapshot {
        store,
        before: None,
        config: &terms.engine,
        inputs: &terms.inputs,
        fork: tools.fork,
        telemetry: tools.telemetry,
        go_on: tools.go_on,
    };
    let Some(Loaded { engine, trials, manifest, extent, mut packs, .. }) = from.load(journal)?
    else {
        return Ok(None);
    };
    tools.telemetry.take_back(&manifest.watched);
    packs.take_whole(&manifest.rule_pack, manifest.source_files());
    let held = (manifest.oldest, manifest.newest);
    let state = Rebuilt::from_snapshot(engine, trials, packs, held);
    Ok(Some((extent, state)))
}
