//! Snapshots: the engine's state on disk or in an object store, part by part.
//!
//! A *set* is a folder of files. Every file is a row of blocks, and a block is one part: an
//! envelope that says what it is, then the part as compressed bytes with a checksum. The last file
//! of a set is its manifest; a set without one is not whole and is never loaded.
//!
//! ```text
//! 00000000000000004711-1767571200000000000/  number of the oldest step, wall clock
//!   00000.part … 00041.part                consult parts of all shards, ledgers of all shards,
//!                                          act, what is on trial
//!   manifest                               what is in them, where the inputs stood, the rules
//! ```
//!
//! - [`block`]: the envelope
//! - [`codec`]: parts to blocks and back, with the versions that can be read
//! - [`manifest`]: what a set says of itself
//! - [`choose`]: which set is loaded, which are refused or deleted: pure
//! - [`store`]: where files lie: a folder, memory, an object store
//! - [`trials`]: what is on trial, as a part
//! - [`write`]: one set after the other, as its parts come
//! - [`load`]: a set into an engine
//!
//! Parts are images ([`crate::engine::image`]): structs of their own, made to be written. When one
//! changes, the struct as it was stays in [`codec`] under its version with a conversion, and the
//! fixtures under `tests/fixtures` hold files of every version.

pub mod block;
pub mod choose;
pub mod codec;
pub mod load;
pub mod manifest;
pub mod store;
pub mod trials;
pub mod write;

pub use store::{Store, StoreError};

/// Why what was read is no snapshot, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file is not what it should be.
    #[error("{file}: {problem}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong.
        problem: block::BlockError,
    },
    /// The parts do not make a whole.
    #[error("{set}: {problem}")]
    Set {
        /// The set.
        set: String,
        /// What is wrong.
        problem: String,
    },
    /// It was asked to stop.
    #[error("stopped while loading")]
    Stopped,
}
