//! Memory that can lose its power: for tests and simulations. It is harsher than a folder: what was
//! being written when the power went may be there in part, under its own name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Listed, Store, StoreError};

/// Files in memory, shared by all clones.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    /// Writes and removals that still succeed; `None`: all.
    left: Option<u64>,
    /// Of a thousand bytes of the write that meets the end, how many arrive.
    torn_per_mille: u64,
    /// There is no room for more bytes than this.
    room: Option<u64>,
}

impl Memory {
    /// The power goes after so many more writes and removals; of the next write so much of a
    /// thousand arrives.
    pub fn fail_after(&self, operations: u64, torn_per_mille: u64) {
        let mut state = self.state();
        (state.left, state.torn_per_mille) = (Some(operations), torn_per_mille);
    }

    /// The power is back.
    pub fn recover(&self) {
        self.state().left = None;
    }

    /// Only so many bytes have room; `None`: any.
    pub fn set_room(&self, bytes: Option<u64>) {
        self.state().room = bytes;
    }

    /// Turns one bit of a file, by its number counted round the file's length.
    pub fn damage(&self, name: &str, bit: usize) {
        if let Some(file) = self.state().files.get_mut(name).filter(|file| !file.is_empty()) {
            let at = bit / 8 % file.len();
            file[at] ^= 1 << (bit % 8);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(verb: &'static str, name: &str, cause: &str, is_full: bool) -> StoreError {
    StoreError::File { verb, file: name.to_owned(), cause: cause.to_owned(), is_full }
}

impl Store for Memory {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.left == Some(0) {
            let arrived = (bytes.len() as u64 * state.torn_per_mille / 1_000) as usize;
            if arrived > 0 {
                state.files.insert(name.to_owned(), bytes[..arrived.min(bytes.len())].to_vec());
            }
            state.torn_per_mille = 0;
            return Err(failed("cannot write", name, "the power is gone", false));
        }
        let used: u64 = state.files.values().map(|file| file.len() as u64).sum();
        if state.room.is_some_and(|room| used + bytes.len() as u64 > room) {
            return Err(failed("cannot write", name, "no room is left", true));
        }
        state.left = state.left.map(|left| left - 1);
        state.files.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn get(&self, name: &str, most: u64) -> Result<Vec<u8>, StoreError> {
        let state = self.state();
        let file = state.files.get(name);
        let file = file.ok_or_else(|| failed("cannot read", name, "there is none", false))?;
        let bytes = file.len() as u64;
        if bytes > most {
            return Err(StoreError::TooLarge { file: name.to_owned(), bytes, most });
        }
        Ok(file.clone())
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let state = self.state();
        let listed = |(name, file): (&String, &Vec<u8>)| Listed {
            name: name.clone(),
            bytes: file.len() as u64,
        };
        Ok(state.files.iter().map(listed).collect())
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.left == Some(0) {
            return Err(failed("cannot remove", name, "the power is gone", false));
        }
        state.left = state.left.map(|left| left - 1);
        state.files.remove(name);
        Ok(())
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }
}
