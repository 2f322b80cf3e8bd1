//! What a set says of itself: which steps, which rules, where the inputs stood, which files.

use serde::{Deserialize, Serialize};

use super::SnapshotError;
use super::block::{Blocks, Kind};
use super::codec::{self, Part};
use crate::model::entity::{EntityKind, HashKey, KeyHash};
use crate::model::time::Millis;
use crate::rules::SourceFile;

/// Name of the manifest's file in its set.
pub const MANIFEST: &str = "manifest";

/// What a set says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the program that wrote it.
    pub program: String,
    /// Wall clock when the first part was taken and when the last one was written, for people and
    /// for finding the journal's place.
    pub began_ms: Millis,
    /// See `began_ms`.
    pub ended_ms: Millis,
    /// What the state depends on beside its input.
    pub identity: Identity,
    /// SHA-256 of the rule pack in force.
    pub rule_pack: String,
    /// Its files.
    pub rules: Vec<RuleText>,
    /// The step after which the oldest part was taken.
    pub oldest: u64,
    /// The step after which the last part was taken.
    pub newest: u64,
    /// Input topics, by the number that positions have in the parts.
    pub topics: Vec<String>,
    /// Where the inputs stood after step `oldest`.
    pub begin: Vec<Place>,
    /// Where they stood after step `newest`.
    pub end: Vec<Place>,
    /// What the metrics of lists and controls know; nothing that is scored depends on it.
    pub watched: Watched,
    /// Its other files.
    pub files: Vec<FileEntry>,
}

/// What is watched beside the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// Category of a list, time of its newest entry.
    pub lists: Vec<(String, Millis)>,
    /// Hash of a control, when it is in force from and to.
    pub controls: Vec<(u64, Millis, Millis)>,
}

/// What a state depends on beside its input: one of another identity cannot be gone on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The tenant: part of every alert's id.
    pub tenant: String,
    /// A hash under the tenant's key, which places every entity.
    pub hash_check: u64,
    /// Offset of the zone in which days turn.
    pub utc_offset_ms: Millis,
}

impl Identity {
    /// Of an engine's setting.
    #[must_use]
    pub fn of(tenant: &str, key: HashKey, utc_offset_ms: Millis) -> Self {
        let hash_check = KeyHash::of(key, EntityKind::Account, b"goshawk").0;
        Self { tenant: tenant.to_owned(), hash_check, utc_offset_ms }
    }
}

/// One file of a rule pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleText {
    /// Its path inside the pack.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl RuleText {
    /// Of a rule pack's file.
    #[must_use]
    pub fn of(file: &SourceFile) -> Self {
        let SourceFile { path, text } = file;
        Self { path: path.clone(), text: text.clone() }
    }

    /// As a file of a rule pack.
    #[must_use]
    pub fn file(&self) -> SourceFile {
        SourceFile { path: self.path.clone(), text: self.text.clone() }
    }
}

/// Where a partition stood: the offset that comes next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub next: i64,
}

/// One file of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name in the set.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes before compression of the parts in it.
    pub raw_bytes: u64,
    /// Number of the parts in it.
    pub parts: u32,
}

impl Manifest {
    /// The rule pack's files.
    #[must_use]
    pub fn source_files(&self) -> Vec<SourceFile> {
        self.rules.iter().map(RuleText::file).collect()
    }

    /// Bytes of the whole set.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// As a file.
    ///
    /// # Errors
    /// When it is larger than a part may be.
    pub fn write(&self, pack: &[u8; 32]) -> Result<Vec<u8>, super::block::BlockError> {
        let mut file = Vec::new();
        codec::write(&mut file, (Kind::Manifest, 0, self.newest, pack), self)?;
        Ok(file)
    }

    /// From a file.
    ///
    /// # Errors
    /// [`SnapshotError`], for anything but one manifest.
    pub fn read(name: &str, file: &[u8]) -> Result<Self, SnapshotError> {
        let damaged = |problem| SnapshotError::Damaged { file: name.to_owned(), problem };
        let mut found = None;
        for block in Blocks::of(file) {
            let (envelope, content) = block.map_err(damaged)?;
            found = Some(codec::read(&envelope, content).map_err(damaged)?);
        }
        match found {
            Some(Part::Manifest(manifest)) => Ok(manifest),
            _ => Err(SnapshotError::Set {
                set: name.to_owned(),
                problem: "it holds no manifest".to_owned(),
            }),
        }
    }
}

/// A pack's hash as bytes; zeros where it is none.
#[must_use]
pub fn pack_bytes(sha256: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(sha256.as_bytes().chunks_exact(2)) {
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16).unwrap_or_default();
    }
    bytes
}
