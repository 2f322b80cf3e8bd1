//! One simulated process: the program's own protocol from following to publishing, its pipeline's
//! stages taking turns by chance.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::Duration;

use goshawk::engine::Inline;
use goshawk::http::read_side::ReadSide;
use goshawk::runtime::error::RunError;
use goshawk::runtime::leader::Standing;
use goshawk::runtime::pipeline::{Parts, Publisher, Read, Scorer};
use goshawk::runtime::recovery::replay::Rebuilt;
use goshawk::runtime::reload::book::Book;
use goshawk::runtime::reload::watch::Pack;
use goshawk::runtime::reload::{Candidate, Changes, Pending};
use goshawk::runtime::rolling::Roller;
use goshawk::runtime::rolling::start::by_hand;
use goshawk::runtime::rolling::writer::{ByHand, Settings};
use goshawk::runtime::standby::{First, Follower, Led, Terms, Tools};
use goshawk::runtime::stop::Stop;
use goshawk::snapshot::Store;
use goshawk::snapshot::manifest::Identity;
use goshawk::snapshot::store::memory::Memory;
use goshawk::source::{Progress, Source as _, Step};
use goshawk::telemetry::Telemetry;

use super::client::Model;
use super::disk::Disk;
use super::terms::encoder;
use super::world::{Killed, Seat, World};

/// Steps read ahead, and commits that wait, at most.
const QUEUE: usize = 4;

/// A pack as a change of a running process's rules.
pub fn candidate(pack: &Pack) -> Candidate {
    Candidate {
        plan: Arc::clone(&pack.plan),
        files: pack.files.clone(),
        by: "folder",
        who: None,
        folder: None,
        changes: Changes::default(),
        superseded: Vec::new(),
    }
}

/// How a process ended.
#[derive(Debug)]
pub enum Ended {
    Killed,
    /// By itself or asked: it left the group.
    Left(Result<(), RunError>),
    Panicked(String),
}

/// A process as the director knows it.
pub struct Handle {
    pub process: usize,
    pub standing: Arc<Standing>,
    pub stop: Stop,
    pub pending: Arc<Pending>,
    pub leads: Arc<AtomicBool>,
    thread: Option<JoinHandle<Ended>>,
}

/// Counters and what HTTP shows: made once, since nothing here reads them.
static SHOWN: LazyLock<(Arc<Telemetry>, ReadSide)> = LazyLock::new(|| {
    (Arc::new(Telemetry::new().expect("distinct names")), ReadSide::new("simulated"))
});

impl Handle {
    /// Starts a process; it runs when it is given a turn.
    pub fn start(world: &World, terms: &Arc<Terms>, pack: Pack, disk: Option<Memory>) -> Self {
        let process = world.enrol();
        let stop = Stop::default();
        let standing = Arc::new(Standing::new(terms.guarantee(), stop.clone()));
        let (pending, leads) = (Arc::new(Pending::default()), Arc::new(AtomicBool::new(false)));
        let life = Process {
            seat: Seat { world: world.clone(), process },
            terms: Arc::clone(terms),
            standing: Arc::clone(&standing),
            stop: stop.clone(),
            pending: Arc::clone(&pending),
            leads: Arc::clone(&leads),
            disk,
        };
        let world = world.clone();
        let thread = std::thread::spawn(move || {
            let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
                world.begin(process);
                life.live(pack)
            }));
            let ended = match outcome {
                Ok(outcome) => Ended::Left(outcome),
                Err(payload) if payload.is::<Killed>() => Ended::Killed,
                Err(payload) => {
                    let text = payload.downcast_ref::<String>().cloned();
                    let text = text.or(payload.downcast_ref::<&str>().map(|s| (*s).to_owned()));
                    Ended::Panicked(text.unwrap_or_else(|| "of unknown cause".to_owned()))
                }
            };
            world.end(process);
            ended
        });
        Self { process, standing, stop, pending, leads, thread: Some(thread) }
    }

    /// How it ended; its thread must be over.
    pub fn join(&mut self) -> Ended {
        let thread = self.thread.take().expect("joined once");
        thread.join().expect("what it unwinds with is caught")
    }
}

struct Process {
    seat: Seat,
    terms: Arc<Terms>,
    standing: Arc<Standing>,
    stop: Stop,
    pending: Arc<Pending>,
    leads: Arc<AtomicBool>,
    disk: Option<Memory>,
}

impl Process {
    fn live(&self, pack: Pack) -> Result<(), RunError> {
        let (telemetry, read_side) = &*SHOWN;
        let transactional = self.terms.guarantee() == goshawk::sink::kafka::Guarantee::ExactlyOnce;
        let brokers = Model {
            seat: self.seat.clone(),
            id: transactional.then(|| self.terms.transactional_id.clone()),
            journal: self.terms.streams.journal.clone(),
        };
        let go_on = || self.stop.go_on();
        let disk = |memory: &Memory| Disk { memory: memory.clone(), seat: self.seat.clone() };
        let reading = self.disk.as_ref().map(disk);
        let tools = Tools {
            fork: &Inline,
            telemetry,
            snapshots: reading.as_ref().map(|disk| disk as &dyn Store),
            go_on: &go_on,
            show: &|_| {},
        };
        let mut follower = Follower::open(&brokers, &self.terms, tools, Arc::clone(&pack.plan))?;
        while !self.standing.is_held() && go_on() {
            follower.follow()?;
        }
        if !go_on() {
            return Ok(());
        }
        let led = follower.lead()?;
        let mut encoder = encoder(&self.terms, &pack.plan);
        let First { candidate: first, before, .. } = led.first_rules(&pack)?;
        let Led { mut sink, mut source, state, next_step, stands, tally, .. } = led;
        let Rebuilt { mut engine, mut trials, .. } = state;
        let taking = self.disk.as_ref().map(|memory| {
            let engine = &self.terms.engine;
            let settings = Settings {
                store: Arc::new(disk(memory)),
                keep: 2,
                identity: Identity::of(&engine.tenant, engine.hash_key, engine.utc_offset_ms),
                telemetry: Arc::clone(telemetry),
            };
            let parts = self.seat.look(|state| state.random.pick(&[150, 700, 2_100]));
            by_hand(settings, parts, self.terms.inputs.clone(), &stands, next_step)
        });
        let (mut hand, roller) = taking.unzip();
        let between = roller.as_ref().map(Roller::between);
        self.pending.put(first);
        self.leads.store(true, Ordering::Release);
        let parts = Parts {
            engine: &mut engine,
            fork: &Inline,
            encoder: &mut encoder,
            trials: &mut trials,
            state_max: usize::MAX,
            book: Book::after(&before.plan.pack_sha256, &before.files),
            pending: &self.pending,
            findings: None,
            telemetry,
            read_side,
            stop: &self.stop,
            lag: None,
            snapshots: roller,
            next_step,
            tally,
            // Once at the end, and by no clock.
            reconcile_every: Duration::from_secs(86_400),
        };
        let mut scorer = Scorer::new(parts, source.topics().to_vec());
        let mut publisher = Publisher::new(&mut sink, telemetry, read_side).telling(between);
        let (mut read, mut scored) = (VecDeque::new(), VecDeque::new());
        while go_on() || !read.is_empty() || !scored.is_empty() {
            if hand.is_some() && self.seat.look(|state| state.random.below(4)) == 0 {
                hand.iter_mut().for_each(ByHand::write);
            }
            match self.seat.look(|state| state.random.below(3)) {
                0 if go_on() && read.len() < QUEUE => {
                    let mut step = Step::default();
                    if source.next(&mut step)? == Progress::Step {
                        read.push_back(Read::now(step));
                    }
                }
                1 if scored.len() < QUEUE => {
                    scored.extend(read.pop_front().map(|read| scorer.score(&read)));
                    scorer.roll();
                }
                2 => {
                    let Some(first) = scored.pop_front() else { continue };
                    let more = || {
                        let more = self.seat.look(|state| state.random.chance(50));
                        if more { scored.pop_front() } else { None }
                    };
                    publisher.publish(first, more)?;
                }
                _ => {}
            }
        }
        match scorer.sum_up() {
            Some(last) => publisher.publish(last, || None).map_err(RunError::from),
            None => Ok(()),
        }
    }
}
