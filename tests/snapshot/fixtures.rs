//! Files of this version and of every one before it can be read by every later one.
//!
//! `UPDATE_FIXTURES=1` writes the files of the present version; those of versions past are never
//! written again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use goshawk::engine::{Engine, Inline};
use goshawk::snapshot::block::VERSION;
use goshawk::snapshot::choose::Found;
use goshawk::snapshot::store::folder::Folder;
use goshawk::snapshot::write;
use goshawk::wire::journal::{self, Entry};

use super::sets::{config, load_set, write_set};
use crate::oracle::laws::Transcript;
use crate::oracle::plans;
use crate::oracle::streams::{cut, stream};

/// A stream with large ledgers, lists, controls, openings, open episodes.
const SEED: u64 = 15;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// What is said after the step at which the fixture was taken.
fn said_after(engine: &mut Engine) -> String {
    let whole = stream(SEED);
    let mut said = Transcript::default();
    said.step(engine, &cut(&whole, &[whole.events.len() / 2])[1], &Inline);
    said.finished()
}

fn engine_at_the_fixture() -> Engine {
    let (plan, whole) = (plans::plan(SEED), stream(SEED));
    let mut engine = Engine::new(config(), plan);
    engine.step(&cut(&whole, &[whole.events.len() / 2])[0], &Inline);
    assert!(engine.waits_until_ms().is_some(), "the fixture lacks what is waited for");
    engine
}

#[test]
fn snapshots_of_every_version_are_read() {
    let place = |version: u16| folder().join(format!("snapshot-v{version}"));
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        let path = place(VERSION);
        let _ = std::fs::remove_dir_all(&path);
        let store = Folder::open(&path).expect("it can be made");
        write_set(&store, &mut engine_at_the_fixture(), 1).expect("it can be written");
    }
    for version in 1..=VERSION {
        let store = Folder::existing(&place(version));
        let sets = write::sets(&store).expect("the folder is there");
        let [set] = sets.as_slice() else { panic!("version {version}: one set") };
        let Found::Whole(manifest) = &set.found else { panic!("{:?}", set.found) };
        let plan = plans::plan(SEED);
        let mut engine = load_set(&store, &set.name, manifest, &plan).expect("it can be read");
        let expect = said_after(&mut engine_at_the_fixture());
        assert_eq!(said_after(&mut engine), expect, "version {version}");
        assert!(Arc::ptr_eq(engine.plan(), &plan));
    }
}

#[test]
fn what_is_written_is_what_the_fixture_holds() {
    let fresh = goshawk::snapshot::store::memory::Memory::default();
    let now = write_set(&fresh, &mut engine_at_the_fixture(), 1).expect("memory takes everything");
    let store = Folder::existing(&folder().join(format!("snapshot-v{VERSION}")));
    let set = write::set_name(1, 0);
    for file in &now.files {
        let name = format!("{set}/{}", file.name);
        let parts = |store: &dyn goshawk::snapshot::Store| -> Vec<_> {
            let bytes = store.get(&name, u64::MAX).expect("it is there");
            let blocks = goshawk::snapshot::block::Blocks::of(&bytes);
            let raw = blocks.map(|block| {
                let (envelope, content) = block.expect("it is whole");
                goshawk::snapshot::block::unpack(&envelope, content).expect("it is whole")
            });
            raw.collect()
        };
        let is_same = parts(&store) == parts(&fresh);
        assert!(
            is_same,
            "the format has changed: raise the version, keep the structs of the one before with a \
             conversion, then UPDATE_FIXTURES=1"
        );
    }
}

#[test]
fn journals_of_every_version_are_read() {
    let text = std::fs::read_to_string(folder().join("journal-v1.jsonl")).expect("it is there");
    let entries: Vec<Entry> = (0..)
        .zip(text.lines())
        .map(|(offset, line)| journal::read(offset, line.as_bytes()).expect("it can be read"))
        .collect();
    let steps = entries.iter().filter(|entry| matches!(entry, Entry::Step(_))).count();
    let files = entries.iter().filter(|entry| matches!(entry, Entry::File(_))).count();
    let changes = entries.iter().filter(|entry| matches!(entry, Entry::Change(_))).count();
    assert_eq!((steps, files, changes), (3, 2, 2));
}
