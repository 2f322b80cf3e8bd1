//! One set as its parts come: blocks gather in a file, full files go to the store, the manifest
//! goes last.

use serde::Serialize;

use super::block::Kind;
use super::choose::{Found, SetFacts};
use super::codec;
use super::manifest::{FileEntry, MANIFEST, Manifest};
use super::{SnapshotError, Store};
use crate::limits::{SNAPSHOT_BLOCK_BYTES_MAX, SNAPSHOT_FILE_BYTES, SNAPSHOT_FILE_BYTES_MAX};

/// A set that is being written.
#[derive(Debug)]
pub struct SetWriter {
    name: String,
    pack: [u8; 32],
    /// Blocks that are not in the store yet.
    file: Vec<u8>,
    raw_bytes: u64,
    parts: u32,
    files: Vec<FileEntry>,
}

/// The name of a set: of two sets the later one has the later name. `began_ns`: wall clock in
/// nanoseconds, so that no two processes ever write under one name.
#[must_use]
pub fn set_name(oldest: u64, began_ns: u128) -> String {
    format!("{oldest:020}-{began_ns:019}")
}

impl SetWriter {
    /// Begins a set under a pack.
    #[must_use]
    pub fn begin(name: String, pack: [u8; 32]) -> Self {
        Self { name, pack, file: Vec::new(), raw_bytes: 0, parts: 0, files: Vec::new() }
    }

    /// The set's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a part that was taken after `step`.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn add(
        &mut self,
        store: &dyn Store,
        (kind, shard, step): (Kind, u16, u64),
        part: &impl Serialize,
    ) -> Result<(), SnapshotError> {
        let written = codec::write(&mut self.file, (kind, shard, step, &self.pack), part);
        let raw = written.map_err(|problem| SnapshotError::Damaged {
            file: format!("{} of shard {shard}", kind.word()),
            problem,
        })?;
        self.raw_bytes += raw as u64;
        self.parts += 1;
        if self.file.len() >= SNAPSHOT_FILE_BYTES {
            self.flush(store)?;
        }
        Ok(())
    }

    /// Bytes that have gone to the store.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Writes the rest and the manifest, whose files it fills in: from then on the set is whole.
    ///
    /// # Errors
    /// [`SnapshotError`]; the set is not whole then.
    pub fn finish(
        mut self,
        store: &dyn Store,
        mut manifest: Manifest,
    ) -> Result<Manifest, SnapshotError> {
        self.flush(store)?;
        manifest.files = self.files;
        let name = format!("{}/{MANIFEST}", self.name);
        let file = manifest
            .write(&self.pack)
            .map_err(|problem| SnapshotError::Damaged { file: name.clone(), problem })?;
        store.put(&name, &file)?;
        Ok(manifest)
    }

    fn flush(&mut self, store: &dyn Store) -> Result<(), SnapshotError> {
        if self.file.is_empty() {
            return Ok(());
        }
        let name = format!("{:05}.part", self.files.len());
        store.put(&format!("{}/{name}", self.name), &self.file)?;
        let (bytes, raw_bytes, parts) = (self.file.len() as u64, self.raw_bytes, self.parts);
        self.files.push(FileEntry { name, bytes, raw_bytes, parts });
        self.file.clear();
        (self.raw_bytes, self.parts) = (0, 0);
        Ok(())
    }
}

/// What a store holds, in order of name. Every manifest is read, and no other file.
///
/// # Errors
/// [`SnapshotError`], when the store cannot be listed.
pub fn sets(store: &dyn Store) -> Result<Vec<SetFacts>, SnapshotError> {
    let listed = store.list()?;
    let mut names: Vec<&str> =
        listed.iter().filter_map(|file| Some(file.name.split_once('/')?.0)).collect();
    names.dedup();
    let facts = |set: &str| {
        let size = |file: &str| {
            let name = format!("{set}/{file}");
            listed.iter().find(|listed| listed.name == name).map(|listed| listed.bytes)
        };
        let Some(_) = size(MANIFEST) else { return Found::Unfinished };
        let name = format!("{set}/{MANIFEST}");
        let read = store.get(&name, SNAPSHOT_BLOCK_BYTES_MAX as u64);
        let manifest = match read.map_err(Into::into).and_then(|f| Manifest::read(&name, &f)) {
            Ok(manifest) => manifest,
            Err(error) => return Found::Damaged(error.to_string()),
        };
        for file in &manifest.files {
            let found = size(&file.name);
            if found != Some(file.bytes) || file.bytes > SNAPSHOT_FILE_BYTES_MAX as u64 {
                let found = found.map_or("is missing".to_owned(), |b| format!("has {b} bytes"));
                let FileEntry { name, bytes, .. } = file;
                return Found::Damaged(format!("{name} should have {bytes} bytes and {found}"));
            }
        }
        Found::Whole(Box::new(manifest))
    };
    Ok(names.iter().map(|set| SetFacts { name: (*set).to_owned(), found: facts(set) }).collect())
}

/// Removes every file of a set, the manifest first: a set that is half removed is not whole.
///
/// # Errors
/// [`SnapshotError`].
pub fn remove(store: &dyn Store, set: &str) -> Result<(), SnapshotError> {
    store.remove(&format!("{set}/{MANIFEST}"))?;
    for file in store.list()? {
        if file.name.split_once('/').is_some_and(|(of, _)| of == set) {
            store.remove(&file.name)?;
        }
    }
    Ok(())
}
