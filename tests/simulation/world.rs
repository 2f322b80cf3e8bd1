//! Whose turn it is, what time it is, and who dies.
//!
//! Every simulated process has a thread of its own, and exactly one thread runs at a time: a
//! process runs until it calls Kafka, and any such call may hand the turn to the director. All
//! chance comes from one seed, drawn in the order of turns, so that a seed is a run.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use goshawk::source::kafka::log::Clock;

use super::cluster::Cluster;
use crate::oracle::streams::Random;

/// Who may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Director,
    Process(usize),
}

/// How a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It would go on.
    Ready,
    /// It waits until then.
    Asleep(Duration),
    /// Its thread is over.
    Over,
}

/// What may go wrong, as shares of 1,000 calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A process is killed at a call, before or after what it does.
    pub death: u64,
    /// A call is not answered, whether or not it did something.
    pub silence: u64,
    /// A transaction is broken.
    pub broken: u64,
}

/// Protocols that are wrong, to see that the simulation finds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    #[default]
    None,
    /// The group's offsets are committed at once, not with the transaction.
    OffsetsOutside,
    /// Now and then a step's journal record is not written.
    JournalLeftOut,
    /// A fenced process is let through, under the new epoch.
    FencingIgnored,
    /// A transaction is committed although a message in it was refused.
    RefusalForgotten,
    /// An aborted transaction's messages are sent again without aborting.
    NotAborted,
}

/// Everything there is.
pub struct State {
    pub cluster: Cluster,
    pub now: Duration,
    pub random: Random,
    pub faults: Faults,
    pub sabotage: Sabotage,
    /// One thread and no director: whoever sleeps only lets time pass.
    pub solo: bool,
    /// How often, in 1,000 calls, the turn is handed on.
    pub restless: u64,
    pub lives: Vec<Life>,
    /// Messages sent and not yet at the brokers, by process: they may arrive after its death.
    pub under_way: BTreeMap<usize, Vec<UnderWay>>,
    /// Deaths that happened.
    pub deaths: u64,
    pub calls: u64,
    /// What became of snapshots.
    pub disk: super::disk::Tally,
    /// The last calls, for whoever looks for what went wrong.
    pub trace: Option<Vec<String>>,
    turn: Turn,
    /// Where each process waits for its turn.
    doors: Vec<Arc<Condvar>>,
    /// Processes that must not come back from their next call.
    doomed: Vec<bool>,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct UnderWay {
    /// Transactional id and epoch; `None` outside of transactions.
    pub sender: Option<(String, u32)>,
    pub place: (String, i32),
    pub record: super::cluster::Record,
}

/// The payload with which a killed process's thread unwinds.
pub struct Killed;

#[derive(Clone)]
pub struct World(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// The director waits here.
    returned: Condvar,
}

impl World {
    pub fn new(cluster: Cluster, random: Random, faults: Faults, restless: u64) -> Self {
        let state = State {
            cluster,
            now: Duration::from_secs(1_000),
            random,
            faults,
            sabotage: Sabotage::None,
            solo: false,
            restless,
            lives: Vec::new(),
            under_way: BTreeMap::new(),
            deaths: 0,
            calls: 0,
            disk: super::disk::Tally::default(),
            trace: None,
            turn: Turn::Director,
            doors: Vec::new(),
            doomed: Vec::new(),
        };
        Self(Arc::new(Shared { state: Mutex::new(state), returned: Condvar::new() }))
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process that has not begun yet.
    pub fn enrol(&self) -> usize {
        let mut state = self.lock();
        state.lives.push(Life::Ready);
        state.doors.push(Arc::default());
        state.doomed.push(false);
        state.lives.len() - 1
    }

    /// The director lets a process run until it hands the turn back.
    pub fn run(&self, process: usize) {
        let mut state = self.lock();
        assert_ne!(state.lives[process], Life::Over, "it is over");
        state.lives[process] = Life::Ready;
        state.turn = Turn::Process(process);
        state.doors[process].notify_one();
        while state.turn != Turn::Director {
            state = self.0.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// `kill -9`: the process does not come back from the call it is in.
    pub fn kill(&self, process: usize) {
        let alive = {
            let mut state = self.lock();
            state.doomed[process] = true;
            state.lives[process] != Life::Over
        };
        if alive {
            self.run(process);
        }
    }

    /// A process's thread waits for its first turn.
    pub fn begin(&self, process: usize) {
        let state = self.lock();
        self.await_turn(state, process);
    }

    /// A process's thread is over.
    pub fn end(&self, process: usize) {
        let mut state = self.lock();
        state.lives[process] = Life::Over;
        state.turn = Turn::Director;
        self.0.returned.notify_one();
    }

    fn await_turn(&self, mut state: MutexGuard<'_, State>, process: usize) {
        let door = Arc::clone(&state.doors[process]);
        while state.turn != Turn::Process(process) {
            state = door.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.doomed[process] {
            drop(state);
            std::panic::resume_unwind(Box::new(Killed));
        }
    }

    fn hand_over(&self, mut state: MutexGuard<'_, State>, process: usize, life: Life) {
        state.lives[process] = life;
        state.turn = Turn::Director;
        self.0.returned.notify_one();
        self.await_turn(state, process);
    }

    fn maybe_die(&self, mut state: MutexGuard<'_, State>, process: usize) {
        let share = state.faults.death;
        if share > 0 && state.random.below(1_000) < share {
            state.deaths += 1;
            state.doomed[process] = true;
            drop(state);
            std::panic::resume_unwind(Box::new(Killed));
        }
    }
}

/// One process's view of the world.
#[derive(Clone)]
pub struct Seat {
    pub world: World,
    pub process: usize,
}

impl Seat {
    /// A call to Kafka: others may run before it, and the process may die before or after what it
    /// does. `None` when the process is dead already: what its thread tidies up has no effect.
    pub fn call<T>(&self, name: &str, act: impl FnOnce(&mut State) -> T) -> Option<T> {
        let world = &self.world;
        let mut state = world.lock();
        if std::thread::panicking() || state.doomed[self.process] {
            return None;
        }
        state.calls += 1;
        let restless = state.restless;
        if state.random.below(1_000) < restless {
            world.hand_over(state, self.process, Life::Ready);
            state = world.lock();
        }
        let now = state.now;
        if let Some(trace) = &mut state.trace {
            trace.push(format!("{now:?} process {} {name}", self.process));
        }
        world.maybe_die(state, self.process);
        let mut state = world.lock();
        let outcome = act(&mut state);
        world.maybe_die(state, self.process);
        Some(outcome)
    }

    /// The process dies here.
    pub fn die(&self) -> ! {
        {
            let mut state = self.world.lock();
            state.deaths += 1;
            state.doomed[self.process] = true;
        }
        std::panic::resume_unwind(Box::new(Killed));
    }

    /// Looks at the world without any risk.
    pub fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.world.lock())
    }
}

impl Clock for Seat {
    fn now(&self) -> Duration {
        self.world.lock().now
    }

    fn sleep(&self, pause: Duration) {
        let mut state = self.world.lock();
        if std::thread::panicking() || state.doomed[self.process] {
            return;
        }
        let until = state.now + pause;
        if state.solo {
            state.now = until;
            state.cluster.write_markers();
            return;
        }
        self.world.hand_over(state, self.process, Life::Asleep(until));
    }
}
