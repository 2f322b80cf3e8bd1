//! A set from an engine and into another: nothing is lost, nothing damaged is taken in.

use std::sync::Arc;

use goshawk::engine::image::{ConsultImage, LedgersImage};
use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::limits::SHARDS;
use goshawk::rules::plan::Plan;
use goshawk::snapshot::block::Kind;
use goshawk::snapshot::choose::Found;
use goshawk::snapshot::load::{Loading, verify};
use goshawk::snapshot::manifest::{Identity, Manifest, pack_bytes};
use goshawk::snapshot::store::memory::Memory;
use goshawk::snapshot::trials::TrialsPart;
use goshawk::snapshot::write::{self, SetWriter, set_name};
use goshawk::snapshot::{SnapshotError, Store};

use crate::oracle::laws::Transcript;
use crate::oracle::plans;
use crate::oracle::streams::{cut, stream};

const TENANT: &str = "test";

pub fn config() -> EngineConfig {
    EngineConfig { report_findings: true, ..EngineConfig::for_tenant(TENANT) }
}

/// What the manifest says of an engine that has just done `step`.
pub fn manifest(step: u64, plan: &Plan) -> Manifest {
    let config = config();
    Manifest {
        program: "test".to_owned(),
        began_ms: 0,
        ended_ms: 0,
        identity: Identity::of(TENANT, config.hash_key, config.utc_offset_ms),
        rule_pack: plan.pack_sha256.clone(),
        rules: Vec::new(),
        oldest: step,
        newest: step,
        topics: vec!["payments".to_owned()],
        begin: Vec::new(),
        end: Vec::new(),
        watched: goshawk::snapshot::manifest::Watched::default(),
        files: Vec::new(),
    }
}

/// Writes all that an engine holds after `step`.
pub fn write_set(
    store: &dyn Store,
    engine: &mut Engine,
    step: u64,
) -> Result<Manifest, SnapshotError> {
    let plan = Arc::clone(engine.plan());
    let mut set = SetWriter::begin(set_name(step, 0), pack_bytes(&plan.pack_sha256));
    write_consult(&mut set, store, engine, step)?;
    write_ledgers(&mut set, store, engine, step)?;
    write_last(&mut set, store, engine, step)?;
    set.add(store, (Kind::Trials, 0, step), &TrialsPart::default())?;
    set.finish(store, manifest(step, &plan))
}

/// Writes what the consult phase keeps of every shard.
pub fn write_consult(
    set: &mut SetWriter,
    store: &dyn Store,
    engine: &mut Engine,
    step: u64,
) -> Result<(), SnapshotError> {
    let mut image = ConsultImage::default();
    (0..SHARDS as u16).try_for_each(|shard| {
        engine.copy_consult(shard, &mut image);
        set.add(store, (Kind::Consult, shard, step), &image)
    })
}

/// Writes what the visits keep of every shard.
pub fn write_ledgers(
    set: &mut SetWriter,
    store: &dyn Store,
    engine: &mut Engine,
    step: u64,
) -> Result<(), SnapshotError> {
    let mut image = LedgersImage::default();
    (0..SHARDS as u16).try_for_each(|shard| {
        engine.copy_ledgers(shard, &mut image);
        set.add(store, (Kind::Ledgers, shard, step), &image)
    })
}

/// Writes what is copied last, without what is on trial.
pub fn write_last(
    set: &mut SetWriter,
    store: &dyn Store,
    engine: &Engine,
    step: u64,
) -> Result<(), SnapshotError> {
    set.add(store, (Kind::Act, 0, step), &engine.copy_act().image())?;
    let held = engine.copy_held();
    held.images().try_for_each(|image| set.add(store, (Kind::Held, image.number, step), &image))
}

/// Loads a set.
pub fn load_set(
    store: &dyn Store,
    set: &str,
    manifest: &Manifest,
    plan: &Arc<Plan>,
) -> Result<Engine, SnapshotError> {
    let mut engine = Engine::new(config(), Arc::clone(plan));
    let loading = Loading { store, set, manifest, tasks: 2, progress: &|_, _| {}, go_on: &|| true };
    loading.into_engine(&mut engine, &manifest.topics, &Inline)?;
    Ok(engine)
}

#[test]
fn a_loaded_set_goes_on_as_the_engine_it_was_taken_from() {
    for seed in 0..24 {
        let (plan, whole) = (plans::plan(seed), stream(seed));
        let steps = cut(&whole, &[whole.events.len() / 2]);
        let (mut engine, store) = (Engine::new(config(), Arc::clone(&plan)), Memory::default());
        engine.step(&steps[0], &Inline);
        let manifest = write_set(&store, &mut engine, 1).expect("memory takes everything");
        let mut again = load_set(&store, &set_name(1, 0), &manifest, &plan).expect("it is whole");
        let said = [&mut engine, &mut again].map(|engine| {
            let mut said = Transcript::default();
            said.step(engine, &steps[1], &Inline);
            said.finished()
        });
        assert_eq!(said[0], said[1], "seed {seed}");
        let sums: u32 = manifest.files.iter().map(|file| file.parts).sum();
        assert_eq!(sums as usize, 2 * SHARDS + 3);
        let read = verify(&store, &set_name(1, 0), &manifest).expect("it is whole");
        assert_eq!(read, u64::from(sums));
    }
}

fn engine_of(seed: u64) -> Engine {
    let mut engine = Engine::new(config(), plans::plan(seed));
    engine.step(&stream(seed), &Inline);
    engine
}

#[test]
fn a_bit_that_turned_is_found_wherever_it_is() {
    let mut engine = engine_of(7);
    let plan = Arc::clone(engine.plan());
    let whole = Memory::default();
    let manifest = write_set(&whole, &mut engine, 3).expect("memory takes everything");
    let set = set_name(3, 0);
    for turn in 0..60 {
        let store = Memory::default();
        for file in whole.list().expect("memory lists") {
            let bytes = whole.get(&file.name, u64::MAX).expect("memory reads");
            store.put(&file.name, &bytes).expect("memory writes");
        }
        let file = format!("{set}/{}", manifest.files[turn % manifest.files.len()].name);
        store.damage(&file, turn * 7_919_113);
        let error = load_set(&store, &set, &manifest, &plan).err();
        assert!(matches!(error, Some(SnapshotError::Damaged { .. })), "{turn}: {error:?}");
        assert!(verify(&store, &set, &manifest).is_err(), "{turn}");
    }
}

#[test]
fn power_that_goes_at_any_write_leaves_the_set_before() {
    let mut engine = engine_of(15);
    let plan = Arc::clone(engine.plan());
    for (operations, torn) in (0..3).flat_map(|operations| [(operations, 0), (operations, 500)]) {
        let store = Memory::default();
        write_set(&store, &mut engine, 1).expect("the power is there");
        let files = store.list().expect("memory lists").len() as u64;
        store.fail_after(operations, torn);
        let second = write_set(&store, &mut engine, 2);
        assert_eq!(second.is_err(), operations < files, "{operations}");
        store.recover();
        let sets = write::sets(&store).expect("memory lists");
        let whole =
            |set: &&goshawk::snapshot::choose::SetFacts| matches!(set.found, Found::Whole(_));
        let newest = sets.iter().rev().find(whole).expect("the first set is whole");
        let expect = set_name(if second.is_ok() { 2 } else { 1 }, 0);
        assert_eq!(newest.name, expect, "{operations} {torn}");
        let Found::Whole(manifest) = &newest.found else { panic!("it is whole") };
        load_set(&store, &newest.name, manifest, &plan).expect("it is whole");
    }
}

#[test]
fn parts_of_another_set_or_twice_are_refused() {
    let mut engine = engine_of(23);
    let plan = Arc::clone(engine.plan());
    let store = Memory::default();
    let manifest = write_set(&store, &mut engine, 5).expect("memory takes everything");
    let set = set_name(5, 0);
    let said = |manifest: &Manifest| {
        let error = load_set(&store, &set, manifest, &plan).expect_err("it is refused");
        error.to_string()
    };
    let other = Manifest { newest: 6, ..manifest.clone() };
    assert!(said(&other).ends_with("its parts are of other steps than it says"));
    let mut twice = manifest.clone();
    twice.files.push(twice.files[0].clone());
    assert!(said(&twice).ends_with("a part is there twice"));
    let none = Manifest { files: Vec::new(), ..manifest.clone() };
    assert!(said(&none).ends_with("a part is missing"));
}
