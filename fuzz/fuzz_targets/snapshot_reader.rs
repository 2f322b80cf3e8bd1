//! Any bytes as a file of a snapshot, and as one part of it before compression: an error or a part,
//! never a panic; and an engine takes a part in or says why not.

#![no_main]

use std::sync::{LazyLock, Mutex, PoisonError};

use goshawk::engine::contrast::Contrast;
use goshawk::engine::{Engine, EngineConfig};
use goshawk::rules::{compile, shipped};
use goshawk::snapshot::block::{Blocks, Envelope, Kind, VERSION};
use goshawk::snapshot::codec::{self, Part};
use libfuzzer_sys::fuzz_target;

static ENGINE: LazyLock<Mutex<Engine>> = LazyLock::new(|| {
    let plan = compile(&shipped::files()).expect("the shipped pack compiles");
    Mutex::new(Engine::new(EngineConfig::for_tenant("fuzz"), plan.into()))
});

fuzz_target!(|bytes: &[u8]| {
    for block in Blocks::of(bytes) {
        let Ok((envelope, content)) = block else { break };
        let _ = codec::read(&envelope, content);
    }
    // Checksums keep random bytes out, so the content is also tried by itself.
    let Some(([first, shard @ ..], raw)) = bytes.split_first_chunk::<3>() else { return };
    let kinds = Kind::WORDS.map(|(_, kind)| kind);
    let kind = kinds[usize::from(*first) % kinds.len()];
    let shard = u16::from_le_bytes(*shard);
    let raw_len = raw.len() as u32;
    let envelope =
        Envelope { version: VERSION, kind, shard, step: 1, pack: [0; 32], raw_len, len: 0, crc: 0 };
    let Ok(part) = codec::read_unpacked(&envelope, raw) else { return };
    let mut engine = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = match part {
        Part::Consult(mut image) => {
            let _ = image.payments.renumber_topics(&[0, 1]);
            engine.restore_consult(&image)
        }
        Part::Ledgers(image) => engine.restore_ledgers(&image),
        Part::Act(image) => engine.restore_act(&image),
        Part::Held(image) => engine.restore_held(&[image]),
        Part::Trials(part) => {
            let plan = engine.plan();
            Contrast::restore(plan, plan, &part.rules.contrast).map(drop)
        }
        Part::Manifest(_) => Ok(()),
    };
});
