//! The thread that compresses and writes what the roller copied, and deletes what is old.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Between, Door, Head, Last, Work, wall_ms};
use crate::engine::image::{ConsultImage, LedgersImage};
use crate::limits::SNAPSHOT_PARTS_IN_FLIGHT;
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
        let most = SNAPSHOT_PARTS_IN_FLIGHT;
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
        let mut thread = Writer {
            settings,
            between: Arc::clone(&between),
            give_consult,
            give_ledgers,
            current: None,
        };
        let named = std::thread::Builder::new().name("goshawk-snapshot".to_owned());
        let thread = named.spawn(move || thread.run(&taken))?;
        let door = Door { work, consult, ledgers, between: Arc::clone(&between) };
        Ok((Self { between, thread: Some(thread) }, door))
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

struct Writer {
    settings: Settings,
    between: Arc<Between>,
    give_consult: Sender<Box<ConsultImage>>,
    give_ledgers: Sender<Box<LedgersImage>>,
    current: Option<Current>,
}

/// The set that is being written.
struct Current {
    head: Box<Head>,
    set: SetWriter,
    began: Instant,
}

impl Writer {
    fn run(&mut self, work: &Receiver<Work>) {
        for work in work {
            if self.between.closed.load(Ordering::Acquire) {
                break;
            }
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
                    self.give_up("the rules changed", "nothing: another is begun at once");
                    Ok(())
                }
            };
            if let Err(error) = done {
                let remedy = match &error {
                    SnapshotError::Store(error) => error.remedy(),
                    _ => "nothing yet: the next set is tried in time",
                };
                self.give_up(&error.to_string(), remedy);
                self.between.failed.store(true, Ordering::Release);
            }
        }
        // What was begun and not finished is deleted by the next process, if not here.
        if let Some(Current { set, .. }) = self.current.take() {
            let _ = write::remove(&*self.settings.store, set.name());
        }
    }

    fn begin(&mut self, head: Box<Head>) {
        let name = set_name(head.oldest, head.began_ms);
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
        // A set must never hold what was not committed: after a restart those steps may be cut
        // otherwise.
        while !self.between.is_committed(step) {
            if self.between.closed.load(Ordering::Acquire) {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        let Some(Current { head, set, began }) = self.current.take() else { return Ok(()) };
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
        self.clean_up()
    }

    fn clean_up(&self) -> Result<(), SnapshotError> {
        let store = &*self.settings.store;
        let sets = write::sets(store)?;
        for set in superfluous(&sets, self.settings.keep, None, None) {
            write::remove(store, &set)?;
        }
        Ok(())
    }

    fn give_up(&mut self, cause: &str, remedy: &str) {
        let Some(Current { set, .. }) = self.current.take() else { return };
        self.settings.telemetry.emit(SnapshotGivenUp { set: set.name(), cause, remedy });
        if let Err(error) = write::remove(&*self.settings.store, set.name()) {
            tracing::debug!(%error, "what was written of a set stays until the next is whole");
        }
    }
}
