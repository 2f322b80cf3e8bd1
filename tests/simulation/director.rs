//! A run of one seed: who runs when, who dies, who hangs, who is cut off, what is written and which
//! rules come; then calm, until all is done; then the reckoning.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use goshawk::runtime::config::Delivery;
use goshawk::runtime::error::RunError;
use goshawk::runtime::standby::Terms;
use goshawk::runtime::stop::Why;
use goshawk::sink::SinkError;
use goshawk::snapshot::store::memory::Memory;

use super::client::deliver;
use super::cluster::Cluster;
use super::disk::Tally;
use super::feed::{Act, feed};
use super::process::{Ended, Handle, candidate};
use super::terms::{PACKS, terms};
use super::undisturbed::{Figures, check, journal_ends};
use super::world::{Faults, Life, Sabotage, World};
use crate::oracle::streams::Random;

/// Turns after which a run that has not come to rest never will.
const TURNS_MAX: u64 = 400_000;
/// How long the group waits for a silent member.
const SESSION: Duration = Duration::from_secs(6);

/// What a run went through.
#[derive(Debug, Default)]
pub struct Story {
    pub figures: Figures,
    pub processes: usize,
    pub deaths: u64,
    pub leaders: u64,
    pub fenced: u64,
    pub freezes: u64,
    pub calls: u64,
    /// Sets that became whole.
    pub snapshots: u64,
    /// Starts from a set.
    pub loaded: u64,
    /// Writes that a process died in, and files that were damaged or lost.
    pub torn: u64,
}

/// Runs a seed.
pub fn run(seed: u64, sabotage: Sabotage, trace: bool) -> Result<Story, String> {
    let mut director = Director::new(seed, sabotage, trace);
    let outcome = director.direct();
    director.dismiss();
    if outcome.is_err() && trace {
        let state = director.world.lock();
        for line in state.trace.iter().flatten() {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
    outcome
}

/// A member of the group.
struct Member {
    seen: Duration,
    /// Its session has ended: whether it knows.
    out: Option<bool>,
    cut_until: Duration,
}

struct Director {
    world: World,
    terms: Arc<Terms>,
    feed: VecDeque<Act>,
    /// Processes that are not over.
    live: Vec<Handle>,
    members: BTreeMap<usize, Member>,
    holder: Option<usize>,
    /// Until when a process hangs.
    frozen: BTreeMap<usize, Duration>,
    /// The pack in everybody's folder.
    folder: usize,
    /// Chance for one of several troubles, in 1,000 turns.
    trouble: u64,
    /// Whether processes may hang or be cut off.
    zombies: bool,
    story: Story,
    /// Dead processes whose messages are still under way.
    ghosts: Vec<usize>,
    /// Where all processes keep snapshots, if they do.
    disk: Option<Memory>,
}

impl Director {
    fn new(seed: u64, sabotage: Sabotage, trace: bool) -> Self {
        let mut random = Random::new(seed);
        let delivery = match random.below(10) {
            0 => Delivery::AtLeastOnce,
            _ => Delivery::ExactlyOnce,
        };
        let delivery = if sabotage == Sabotage::None { delivery } else { Delivery::ExactlyOnce };
        let partitions = 1 + random.below(3) as i32;
        let mut cluster = Cluster::default();
        for topic in ["alerts", "shadow", "rejects", "journal", "more"] {
            cluster.create(topic, 1);
        }
        cluster.create("payments", partitions as usize);
        let records = random.pick(&[15, 40, 80]);
        let feed = feed(&mut random, records, partitions).into();
        let faults = Faults {
            death: random.pick(&[0, 1, 2, 5]),
            silence: random.pick(&[0, 0, 10, 60]),
            broken: random.pick(&[0, 0, 10, 60]),
        };
        let restless = random.pick(&[30, 120, 400]);
        let trouble = random.pick(&[2, 6, 20]);
        // Nothing fences a leader that hangs without a transactional id.
        let zombies = delivery == Delivery::ExactlyOnce;
        // A set has a part for every shard, which takes longer than all else here.
        let disk = (seed % 24 == 5 && sabotage == Sabotage::None).then(Memory::default);
        let world = World::new(cluster, random, faults, restless);
        {
            let mut state = world.lock();
            state.sabotage = sabotage;
            state.trace = trace.then(Vec::new);
        }
        Self {
            world,
            terms: Arc::new(terms(delivery)),
            feed,
            live: Vec::new(),
            members: BTreeMap::new(),
            holder: None,
            frozen: BTreeMap::new(),
            folder: 0,
            trouble,
            zombies,
            story: Story::default(),
            ghosts: Vec::new(),
            disk,
        }
    }

    fn below(&self, n: u64) -> u64 {
        self.world.lock().random.below(n)
    }

    fn now(&self) -> Duration {
        self.world.lock().now
    }

    fn direct(&mut self) -> Result<Story, String> {
        let rough = 200 + self.below(1_500);
        for turn in 0..TURNS_MAX {
            let calm = turn >= rough;
            if turn == rough {
                self.world.lock().faults = Faults::default();
                self.frozen.clear();
                self.members.values_mut().for_each(|member| member.cut_until = Duration::ZERO);
            }
            self.reap()?;
            self.keep_group();
            if self.live.is_empty() && (calm || self.below(4) == 0) {
                self.start();
            }
            if !calm && self.below(1_000) < self.trouble {
                self.make_trouble();
            }
            match self.below(8) {
                0 => self.write(),
                1 => {
                    self.world.lock().cluster.write_markers();
                    self.haunt();
                }
                _ => self.let_run(),
            }
            if calm && turn % 32 == 0 && self.is_done() {
                return self.finish();
            }
        }
        Err(format!("it does not come to rest: {}", self.situation()))
    }

    /// Takes leave of processes that are over.
    fn reap(&mut self) -> Result<(), String> {
        let lives = self.world.lock().lives.clone();
        let over = |handle: &Handle| lives[handle.process] == Life::Over;
        while let Some(at) = self.live.iter().position(over) {
            let mut handle = self.live.remove(at);
            let process = handle.process;
            self.frozen.remove(&process);
            match handle.join() {
                Ended::Killed => {
                    self.ghosts.push(process);
                    continue;
                }
                Ended::Panicked(text) => return Err(format!("process {process} panicked: {text}")),
                Ended::Left(outcome) => {
                    // It leaves the group in good order.
                    self.members.remove(&process);
                    self.holder = self.holder.filter(|holder| *holder != process);
                    self.world.lock().under_way.remove(&process);
                    match outcome {
                        Ok(()) => {}
                        Err(error) if is_fenced(&error) => self.story.fenced += 1,
                        // It was asked to stop while it still began.
                        Err(_) if handle.stop.why().is_some() => {}
                        Err(error) => return Err(format!("process {process}: {error}")),
                    }
                }
            }
        }
        Ok(())
    }

    /// Sessions end, leadership passes on, members learn of it when they do.
    fn keep_group(&mut self) {
        let now = self.now();
        self.world.lock().cluster.time_out(now);
        let alive: Vec<usize> = self.live.iter().map(|handle| handle.process).collect();
        let frozen = |process: &usize| self.frozen.get(process).is_some_and(|until| now < *until);
        for (process, member) in &mut self.members {
            let heard = alive.contains(process) && !frozen(process) && now >= member.cut_until;
            if member.out.is_none() && heard {
                member.seen = now;
            }
            if member.out.is_none() && now - member.seen > SESSION {
                member.out = Some(false);
                self.holder = self.holder.filter(|holder| holder != process);
            }
        }
        self.members.retain(|process, member| member.out.is_none() || alive.contains(process));
        if self.below(4) > 0 {
            return;
        }
        for handle in &self.live {
            let Some(member) = self.members.get_mut(&handle.process) else { continue };
            if frozen(&handle.process) {
                continue;
            }
            match member.out {
                Some(false) => {
                    handle.standing.revoked(true);
                    member.out = Some(true);
                }
                Some(true) if now >= member.cut_until => {
                    (member.out, member.seen) = (None, now);
                    if self.holder.is_some() {
                        handle.standing.assigned(false);
                    }
                }
                Some(true) | None => {}
            }
        }
        if self.holder.is_none() {
            let may = |handle: &&Handle| {
                let member = self.members.get(&handle.process);
                let here = member.is_some_and(|m| m.out.is_none() && now >= m.cut_until);
                here && !frozen(&handle.process)
            };
            let candidates: Vec<&Handle> = self.live.iter().filter(may).collect();
            if !candidates.is_empty() {
                let chosen = candidates[self.below(candidates.len() as u64) as usize];
                chosen.standing.assigned(true);
                self.holder = Some(chosen.process);
                self.story.leaders += 1;
            }
        }
    }

    fn start(&mut self) {
        let pack = PACKS[self.folder].clone();
        let handle = Handle::start(&self.world, &self.terms, pack, self.disk.clone());
        let (seen, out, cut_until) = (self.now(), None, Duration::ZERO);
        self.members.insert(handle.process, Member { seen, out, cut_until });
        self.live.push(handle);
        self.story.processes += 1;
    }

    fn make_trouble(&mut self) {
        let kind = self.below(10);
        let chosen = match self.live.len() as u64 {
            0 => None,
            count => Some(self.below(count) as usize),
        };
        match (kind, chosen) {
            (0..=2, _) if self.live.len() < 3 => self.start(),
            (3, Some(at)) => {
                self.world.kill(self.live[at].process);
                self.world.lock().deaths += 1;
            }
            (4, Some(at)) => self.live[at].stop.because(Why::Asked),
            (5 | 6, Some(at)) if self.zombies => {
                let until = self.now() + Duration::from_millis(self.below(90_000));
                self.frozen.insert(self.live[at].process, until);
                self.story.freezes += 1;
            }
            (7, Some(at)) if self.zombies => {
                let until = self.now() + Duration::from_millis(self.below(20_000));
                if let Some(member) = self.members.get_mut(&self.live[at].process) {
                    member.cut_until = until;
                }
            }
            (8 | 9, _) => {
                self.folder = self.below(PACKS.len() as u64) as usize;
                for handle in &self.live {
                    if handle.leads.load(Ordering::Acquire) && self.below(4) > 0 {
                        handle.pending.put(candidate(&PACKS[self.folder]));
                    }
                }
            }
            _ => {}
        }
    }

    /// Producers write.
    fn write(&mut self) {
        let Some(act) = self.feed.pop_front() else { return };
        let mut state = self.world.lock();
        let now = state.now;
        match act {
            Act::Send { topic, partition, record } => {
                state.cluster.append(topic, partition, record);
            }
            Act::Transaction { records, commit } => {
                // A producer of its own each time; its markers come when markers come.
                let id = format!("producer {}", self.feed.len());
                let epoch = state.cluster.take_over(&id).expect("nobody has had it");
                for (topic, partition, record) in records {
                    let sent =
                        state.cluster.append_in((&id, epoch), (topic, partition), record, now);
                    sent.expect("nobody fences it");
                }
                state.cluster.end(&id, epoch, commit).expect("nobody fences it");
            }
            Act::Grow { topic } => state.cluster.grow(topic),
        }
    }

    /// What dead processes had sent arrives, or does not.
    fn haunt(&mut self) {
        let Some(ghost) = self.ghosts.last().copied() else { return };
        let mut state = self.world.lock();
        if state.random.chance(30) || deliver(&mut state, ghost).is_none() {
            state.under_way.remove(&ghost);
            self.ghosts.pop();
        }
    }

    /// Gives a turn to a process that would go on; time passes until there is one.
    fn let_run(&mut self) {
        let (now, lives) = {
            let mut state = self.world.lock();
            state.now += Duration::from_millis(1);
            (state.now, state.lives.clone())
        };
        let wakes = |handle: &Handle| {
            let frozen = self.frozen.get(&handle.process).copied().unwrap_or_default();
            match lives[handle.process] {
                Life::Ready => Some(frozen),
                Life::Asleep(until) => Some(until.max(frozen)),
                Life::Over => None,
            }
        };
        let all: Vec<(usize, Duration)> =
            self.live.iter().filter_map(|h| Some((h.process, wakes(h)?))).collect();
        let ready: Vec<usize> =
            all.iter().filter(|(_, at)| *at <= now).map(|(process, _)| *process).collect();
        if ready.is_empty() {
            let next = all.iter().map(|(_, at)| *at).min();
            let most = now + Duration::from_secs(1);
            self.world.lock().now = next.map_or(most, |next| next.min(most));
            return;
        }
        let chosen = ready[self.below(ready.len() as u64) as usize];
        self.world.run(chosen);
    }

    /// Whether everything written has been read and committed.
    fn is_done(&self) -> bool {
        let state = self.world.lock();
        // In `at_least_once` the journal is ahead of the group's offsets after a death.
        let Some(committed) = state.cluster.committed() else { return false };
        let committed = match self.terms.delivery {
            Delivery::ExactlyOnce => committed,
            Delivery::AtLeastOnce => journal_ends(&state.cluster),
        };
        self.feed.is_empty()
            && self.terms.inputs.iter().all(|topic| {
                (0..state.cluster.partitions(topic).unwrap_or(0)).all(|partition| {
                    let last = state.cluster.last_record(topic, partition);
                    let read = committed.get(&(topic.clone(), partition)).copied();
                    last.is_none_or(|last| read.unwrap_or(0) > last)
                })
            })
    }

    /// Where everybody stands.
    fn situation(&self) -> String {
        let state = self.world.lock();
        let ends = self.terms.inputs.iter().flat_map(|topic| {
            let last = |partition| (partition, state.cluster.last_record(topic, partition));
            let count = state.cluster.partitions(topic).unwrap_or(0);
            (0..count).map(last).map(move |last| (topic.clone(), last)).collect::<Vec<_>>()
        });
        let live = self.live.iter().map(|handle| {
            let process = handle.process;
            (process, state.lives[process], &handle.standing, handle.leads.load(Ordering::Acquire))
        });
        format!(
            "at {:?}, {} acts to come, holder {:?}, processes {:?}, offsets {:?}, last records {:?}",
            state.now,
            self.feed.len(),
            self.holder,
            live.collect::<Vec<_>>(),
            state.cluster.committed(),
            ends.collect::<Vec<_>>(),
        )
    }

    /// Everybody stops in good order, and what was published is held against what had to be.
    fn finish(&mut self) -> Result<Story, String> {
        for _ in 0..TURNS_MAX {
            self.live.iter().for_each(|handle| handle.stop.because(Why::Asked));
            self.reap()?;
            if self.live.is_empty() {
                let mut state = self.world.lock();
                state.under_way.clear();
                (0..100).for_each(|_| state.cluster.write_markers());
                self.story.figures = check(&state.cluster, &self.terms, &PACKS, state.deaths)?;
                self.story.deaths = state.deaths;
                self.story.calls = state.calls;
                let Tally { whole, loaded, torn } = state.disk;
                (self.story.snapshots, self.story.loaded) = (whole, loaded);
                self.story.torn = torn;
                return Ok(std::mem::take(&mut self.story));
            }
            self.world.lock().cluster.write_markers();
            self.let_run();
        }
        Err("it does not stop".to_owned())
    }

    /// Ends whatever is left of a run that failed.
    fn dismiss(&mut self) {
        for mut handle in std::mem::take(&mut self.live) {
            self.world.kill(handle.process);
            handle.join();
        }
    }
}

fn is_fenced(error: &RunError) -> bool {
    let sink = match error {
        RunError::Sink(error) => error,
        RunError::Pipeline(goshawk::runtime::pipeline::PipelineError::Sink(error)) => error,
        _ => return false,
    };
    matches!(sink, SinkError::Fenced { .. })
}
