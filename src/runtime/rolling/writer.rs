//! The thread that compresses and writes what the roller copied, and deletes what is old.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::{Between, Door, Head, Last, Work, wall_ms};
use crate::engine::image::{ConsultImage, LedgersImage};
use crate::limits::{SHARDS, SNAPSHOT_PARTS_IN_FLIGHT};
use crate::snapshot::block::Kind;
use crate::snapshot::choose::superfluous;
use crate::snapshot::manifest::{Identity, Manifest, Place, pack_bytes};
use crate::snapshot::write::{self, SetWriter, set_name};
use crate::snapshot::{SnapshotError, Store};
use crate::telemetry::Telemetry;
use crate::telemetry::event::{SnapshotGivenUp, SnapshotWritten};

/// How often it looks whether the last step of a set is durable.
const LOOK: Duration = Duration::from_millis(10);

/// What the thread works with.
pub struct Settings {
    /// Where sets go.
    pub store: Arc<dyn Store>,
    /// How many whole ones are kept.
    pub keep: usize,
    /// What the state depends on.
    pub identity: Identity,
    /// Counts.
    pub telemetry: Arc<Telemetry>,
}

/// The thread, and what is told to it.
pub struct Writing {
    between: Arc<Between>,
    thread: Option<JoinHandle<()>>,
}

impl Writing {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives none.
    pub(in super::super) fn start(settings: Settings) -> std::io::Result<(Self, Door)> {
        let (mut writer, work, door) = Writer::new(settings, SNAPSHOT_PARTS_IN_FLIGHT);
        let between = Arc::clone(&door.between);
        let named = std::thread::Builder::new().name("goshawk-snapshot".to_owned());
        let thread = named.spawn(move || writer.run(&work))?;
        Ok((Self { between, thread: Some(thread) }, door))
    }
}

/// The same without a thread: for simulations.
pub struct ByHand {
    writer: Writer,
    work: Receiver<Work>,
}

impl ByHand {
    pub(super) fn of(settings: Settings) -> (Self, Door) {
        let (writer, work, door) = Writer::new(settings, SHARDS);
        (Self { writer, work }, door)
    }

    /// Writes what has been copied, and ends a set whose steps are durable.
    pub fn write(&mut self) {
        while let Ok(work) = self.work.try_recv() {
            self.writer.take(work);
        }
        self.writer.end();
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.between.close();
        if let Some(thread) = self.thread.take() {
            // A panic there has been logged, and every set it left is unfinished.
            let _ = thread.join();
        }
    }
}

fn wall_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

struct Writer {
    settings: Settings,
    between: Arc<Between>,
    give_consult: Sender<Box<ConsultImage>>,
    give_ledgers: Sender<Box<LedgersImage>>,
    current: Option<Current>,
    ending: Option<Ending>,
}

/// The set that is being written.
struct Current {
    head: Box<Head>,
    set: SetWriter,
    began: Instant,
}

/// A set whose parts are written. It must never hold what was not committed: after a restart those
/// steps may be cut otherwise.
struct Ending {
    set: Current,
    /// Its last step.
    step: u64,
    end: Vec<Place>,
}

impl Writer {
    /// With `most` parts of each kind on their way.
    fn new(settings: Settings, most: usize) -> (Self, Receiver<Work>, Door) {
        // Every part on its way, of each kind, and what begins and ends a set or two.
        let (work, taken) = bounded(2 * most + 8);
        let (give_consult, consult) = bounded(most);
        let (give_ledgers, ledgers) = bounded(most);
        for _ in 0..most {
            // Both have room for exactly these.
            let _ = give_consult.try_send(Box::<ConsultImage>::default());
            let _ = give_ledgers.try_send(Box::<LedgersImage>::default());
        }
        let between = Arc::new(Between::default());
        let door = Door { work, consult, ledgers, between: Arc::clone(&between) };
        let (current, ending) = (None, None);
        let writer = Self { settings, between, give_consult, give_ledgers, current, ending };
        (writer, taken, door)
    }

    fn run(&mut self, work: &Receiver<Work>) {
        loop {
            let work = match work.recv_timeout(LOOK) {
                Ok(work) => Some(work),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if self.between.closed.load(Ordering::Acquire) {
                break;
            }
            work.into_iter().for_each(|work| self.take(work));
            self.end();
        }
        // What was begun and not finished is deleted by the next process, if not here.
        self.end();
        let left = [self.current.take(), self.ending.take().map(|ending| ending.set)];
        for Current { set, .. } in left.into_iter().flatten() {
            let _ = write::remove(&*self.settings.store, set.name());
        }
    }

    fn take(&mut self, work: Work) {
        let done = match work {
            Work::Begin(head) => {
                self.begin(head);
                Ok(())
            }
            Work::Consult(step, image) => {
                let done = self.add((Kind::Consult, image.shard, step), &*image);
                let _ = self.give_consult.try_send(image);
                done
            }
            Work::Ledgers(step, image) => {
                let done = self.add((Kind::Ledgers, image.shard, step), &*image);
                let _ = self.give_ledgers.try_send(image);
                done
            }
            Work::Act(step, last, end) => self.complete(step, *last, end),
            Work::GiveUp => {
                if let Some(Current { set, .. }) = self.current.take() {
                    let remedy = "nothing: another is begun at once";
                    self.give_up(set.name(), "the rules changed", remedy);
                }
                Ok(())
            }
        };
        if let Err(error) = done
            && let Some(Current { set, .. }) = self.current.take()
        {
            self.failed(set.name(), &error);
        }
    }

    /// Ends a set whose last step is durable.
    fn end(&mut self) {
        if !self.ending.as_ref().is_some_and(|ending| self.between.is_committed(ending.step)) {
            return;
        }
        let Some(Ending { set, step, end }) = self.ending.take() else { return };
        let name = set.set.name().to_owned();
        match self.finish(set, step, end) {
            Err(error) => self.failed(&name, &error),
            Ok(()) => {
                if let Err(error) = self.clean_up() {
                    tracing::warn!(%error, "old snapshots stay where they are");
                }
            }
        }
    }

    fn failed(&self, set: &str, error: &SnapshotError) {
        let remedy = match error {
            SnapshotError::Store(error) => error.remedy(),
            _ => "nothing yet: the next set is tried in time",
        };
        self.give_up(set, &error.to_string(), remedy);
        self.between.failed.store(true, Ordering::Release);
    }

    fn begin(&mut self, head: Box<Head>) {
        let name = set_name(head.oldest, wall_ns());
        let set = SetWriter::begin(name, pack_bytes(&head.rule_pack));
        self.current = Some(Current { head, set, began: Instant::now() });
    }

    fn add(
        &mut self,
        what: (Kind, u16, u64),
        part: &impl serde::Serialize,
    ) -> Result<(), SnapshotError> {
        match &mut self.current {
            Some(current) => current.set.add(&*self.settings.store, what, part),
            // Parts of a set that has been given up.
            None => Ok(()),
        }
    }

    fn complete(
        &mut self,
        step: u64,
        Last { act, held, trials }: Last,
        end: Vec<Place>,
    ) -> Result<(), SnapshotError> {
        self.add((Kind::Act, 0, step), &act.image())?;
        for image in held.images() {
            self.add((Kind::Held, image.number, step), &image)?;
        }
        self.add((Kind::Trials, 0, step), &trials.part())?;
        // Of a set before this one that no commit has ended yet nothing is needed any more.
        let before = self.ending.take().map(|ending| ending.set);
        self.ending = self.current.take().map(|set| Ending { set, step, end });
        before.map_or(Ok(()), |before| write::remove(&*self.settings.store, before.set.name()))
    }

    fn finish(&mut self, set: Current, step: u64, end: Vec<Place>) -> Result<(), SnapshotError> {
        let Current { head, set, began } = set;
        let name = set.name().to_owned();
        let manifest = Manifest {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            began_ms: head.began_ms,
            ended_ms: wall_ms(),
            identity: self.settings.identity.clone(),
            rule_pack: head.rule_pack,
            rules: head.rules,
            oldest: head.oldest,
            newest: step,
            topics: head.topics,
            begin: head.begin,
            end,
            watched: self.settings.telemetry.watched(),
            files: Vec::new(),
        };
        let manifest = set.finish(&*self.settings.store, manifest)?;
        self.settings.telemetry.emit(SnapshotWritten {
            set: &name,
            steps: (manifest.oldest, manifest.newest),
            bytes: manifest.bytes(),
            took: began.elapsed(),
            ended_ms: manifest.ended_ms,
        });
        Ok(())
    }

    fn clean_up(&self) -> Result<(), SnapshotError> {
        let store = &*self.settings.store;
        let sets = write::sets(store)?;
        let current = self.current.as_ref().map(|current| current.set.name());
        for set in superfluous(&sets, self.settings.keep, None, current) {
            write::remove(store, &set)?;
        }
        Ok(())
    }

    fn give_up(&self, set: &str, cause: &str, remedy: &str) {
        self.settings.telemetry.emit(SnapshotGivenUp { set, cause, remedy });
        if let Err(error) = write::remove(&*self.settings.store, set) {
            tracing::debug!(%error, "what was written of a set stays until the next is whole");
        }
    }
}
