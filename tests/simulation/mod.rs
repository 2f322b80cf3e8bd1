//! The program's protocol against a model of Kafka: leaders and standbys that die at any call, hang
//! and wake up, are cut off and come back; answers that are lost; rules that change meanwhile. What
//! a reader of committed records sees must be what one undisturbed engine says.
//!
//! A failing seed is printed; `GOSHAWK_SEED=n cargo test --test main simulation` runs it alone and
//! shows every call, `GOSHAWK_SEEDS=n` runs that many.
//!
//! - `cluster`: the brokers as a model, pure
//! - `world`: turns, time, deaths; one seed, one run
//! - `client`: the model behind the program's boundaries
//! - `process`: a process, by the program's own code
//! - `disk`: where snapshots lie, and what becomes of them when a process dies while it writes
//! - `feed`, `terms`: what is written, and what all agree on
//! - `director`: a run from start to end
//! - `undisturbed`: what it must have come to

pub mod client;
pub mod cluster;
mod director;
mod disk;
mod feed;
mod process;
mod terms;
mod undisturbed;
pub mod world;

use std::io::Write as _;

use director::{Story, run};
use world::Sabotage;

use crate::oracle::seeds;

#[test]
fn what_was_published_is_what_an_undisturbed_run_says() {
    let seeds = seeds(1_500);
    let alone = seeds.len() == 1;
    let mut sum = Story::default();
    for seed in &seeds {
        let outcome = run(*seed, Sabotage::None, alone);
        let story = outcome.unwrap_or_else(|problem| {
            panic!("GOSHAWK_SEED={seed} cargo test --test main simulation\n{problem}")
        });
        sum.processes += story.processes;
        sum.deaths += story.deaths;
        sum.leaders += story.leaders;
        sum.fenced += story.fenced;
        sum.freezes += story.freezes;
        sum.calls += story.calls;
        sum.snapshots += story.snapshots;
        sum.loaded += story.loaded;
        sum.torn += story.torn;
        sum.figures.steps += story.figures.steps;
        sum.figures.alerts += story.figures.alerts;
        sum.figures.rejects += story.figures.rejects;
        sum.figures.packs += story.figures.packs;
    }
    let _ = writeln!(std::io::stderr(), "{} seeds: {sum:?}", seeds.len());
    if seeds.len() >= 1_000 {
        assert!(sum.fenced > 20 && sum.deaths > 1_000 && sum.figures.alerts > 1_500, "{sum:?}");
        assert!(sum.snapshots > 100 && sum.loaded > 50 && sum.torn > 20, "{sum:?}");
    }
}

#[test]
fn a_wrong_protocol_is_found() {
    let wrong = [
        Sabotage::OffsetsOutside,
        Sabotage::JournalLeftOut,
        Sabotage::FencingIgnored,
        Sabotage::RefusalForgotten,
        Sabotage::NotAborted,
    ];
    for sabotage in wrong {
        let found = (0..400).find(|seed| run(*seed, sabotage, false).is_err());
        assert!(found.is_some(), "{sabotage:?} goes unnoticed");
    }
}
