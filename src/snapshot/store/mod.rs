//! Where the files of snapshots lie, behind one boundary.
//!
//! A file is written whole and is there whole or not at all; after [`Store::put`] it outlives a
//! loss of power. Names are `set/file`.

pub mod folder;
pub mod memory;
#[cfg(feature = "object-store")]
pub mod object;

/// A place for files.
pub trait Store: Send + Sync {
    /// Writes a file, in place of one of its name.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Reads a file of at most `most` bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get(&self, name: &str, most: u64) -> Result<Vec<u8>, StoreError>;

    /// Every file, in order of name.
    ///
    /// # Errors
    /// [`StoreError`].
    fn list(&self) -> Result<Vec<Listed>, StoreError>;

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove(&self, name: &str) -> Result<(), StoreError>;

    /// What to call it in messages: never with a secret in it.
    fn place(&self) -> String;
}

/// A file of a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its name, `set/file`.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be read or written.
    #[error("{verb} {file}: {cause}")]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        file: String,
        /// What the system or the store said.
        cause: String,
        /// There is no room for it.
        is_full: bool,
    },
    /// A file is larger than it may be.
    #[error("{file}: {bytes} bytes, more than the {most} expected")]
    TooLarge {
        /// The file.
        file: String,
        /// Its bytes.
        bytes: u64,
        /// The most.
        most: u64,
    },
}

impl StoreError {
    /// What an operator can do.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::File { is_full: true, .. } => {
                "make room, or set snapshots.keep lower, or snapshots.folder elsewhere"
            }
            Self::File { .. } => "see that the folder is there and that this process may write it",
            Self::TooLarge { .. } => "remove the file: this program did not write it",
        }
    }
}
