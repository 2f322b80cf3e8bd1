//! Where snapshots lie: what a process writes while it dies is there in part, under another name or
//! not at all; and now and then a file is damaged or lost.

use goshawk::snapshot::store::memory::Memory;
use goshawk::snapshot::{Store, StoreError};

use super::world::Seat;

/// What became of sets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub whole: u64,
    pub loaded: u64,
    pub torn: u64,
}

/// A disk as one process sees it.
pub struct Disk {
    pub memory: Memory,
    pub seat: Seat,
}

/// What happens to a write.
#[derive(Clone, Copy)]
enum Fate {
    Done,
    /// It died before the file got its name.
    NotRenamed,
    /// It died before all bytes were there.
    Truncated,
    Damaged,
    /// The first file of the set is lost.
    Lost,
}

impl Store for Disk {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let fate = self.seat.call(&format!("writes {name}"), |state| {
            let rough = state.faults.death > 0;
            let fate = match state.random.below(40) {
                0 if rough => Fate::NotRenamed,
                1 if rough => Fate::Truncated,
                2 => Fate::Damaged,
                3 => Fate::Lost,
                _ => Fate::Done,
            };
            state.disk.torn += u64::from(!matches!(fate, Fate::Done));
            fate
        });
        // A dead process's thread tidies up in vain.
        let Some(fate) = fate else { return Ok(()) };
        let half = &bytes[..bytes.len() / 2];
        match fate {
            Fate::NotRenamed => {
                self.memory.put(&format!("{name}.part-written"), half)?;
                self.seat.die()
            }
            Fate::Truncated => {
                self.memory.put(name, half)?;
                self.seat.die()
            }
            Fate::Damaged => {
                self.memory.put(name, bytes)?;
                let bit = self.seat.look(|state| state.random.below(1 << 30)) as usize;
                self.memory.damage(name, bit);
                Ok(())
            }
            Fate::Lost => {
                self.memory.put(name, bytes)?;
                let set = name.split('/').next().unwrap_or_default();
                self.memory.remove(&format!("{set}/00000.part"))
            }
            Fate::Done => {
                self.memory.put(name, bytes)?;
                let is_manifest = name.ends_with("/manifest");
                self.seat.look(|state| state.disk.whole += u64::from(is_manifest));
                Ok(())
            }
        }
    }

    fn get(&self, name: &str, most: u64) -> Result<Vec<u8>, StoreError> {
        let is_part = name.ends_with("/00000.part");
        let read = self.memory.get(name, most)?;
        self.seat.look(|state| state.disk.loaded += u64::from(is_part));
        Ok(read)
    }

    fn list(&self) -> Result<Vec<goshawk::snapshot::store::Listed>, StoreError> {
        self.memory.list()
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        match self.seat.call(&format!("removes {name}"), |_| ()) {
            Some(()) => self.memory.remove(name),
            None => Ok(()),
        }
    }

    fn place(&self) -> String {
        self.memory.place()
    }
}
