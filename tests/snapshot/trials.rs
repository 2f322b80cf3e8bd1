//! A pack on trial leaves with the state and comes back: what it says and what is compared is what
//! there would have been.

use std::sync::Arc;

use goshawk::engine::{Engine, Inline};
use goshawk::model::event::Batch;
use goshawk::rules::{SourceFile, shipped};
use goshawk::runtime::pack;
use goshawk::runtime::reload::watch::Pack;
use goshawk::runtime::trial::Trials;
use goshawk::snapshot::block::Kind;
use goshawk::snapshot::load::Loading;
use goshawk::snapshot::manifest::{Manifest, pack_bytes};
use goshawk::snapshot::store::memory::Memory;
use goshawk::snapshot::write::{SetWriter, set_name};
use goshawk::wire::journal::{SHADOW_SCHEMA, ShadowChange};

use super::sets::{config, manifest, write_consult, write_last, write_ledgers};
use crate::absence;
use crate::oracle::streams::{cut, stream};

/// The shipped pack with some text replaced, and a rule for which payments are waited for.
fn pack(replaced: (&str, &str)) -> Pack {
    let mut files = shipped::files();
    let absence = absence::RULE.replace("\"2h\"", "\"5m\"").replace("\"50000.00\"", "\"100.00\"");
    files.push(SourceFile { path: "absence.toml".to_owned(), text: absence });
    for file in &mut files {
        file.text = file.text.replace(replaced.0, replaced.1);
    }
    let plan = pack::compile(files.clone()).expect("it compiles");
    Pack { plan: Arc::new(plan), files }
}

/// Both engines, and what they have said in shadow.
struct Pair {
    live: Engine,
    trials: Trials,
    said: Vec<String>,
}

impl Pair {
    fn step(&mut self, number: u64, batch: &Batch) {
        let output = self.live.repeat(number, batch, &Inline);
        let alerts = self.trials.step(number, batch, &output, &Inline);
        self.said.extend(alerts.iter().map(|alert| format!("{number} {alert:?}")));
    }

    fn figures(&self) -> String {
        format!("{:?}", self.trials.figures(self.live.plan()))
    }
}

/// The record that begins a trial.
fn beginning(live: &Engine, tried: &Pack, step: u64) -> ShadowChange {
    ShadowChange {
        schema: SHADOW_SCHEMA.to_owned(),
        step,
        at_ms: 7,
        by: "start".to_owned(),
        who: None,
        against: live.plan().pack_sha256.clone(),
        from: None,
        to: Some(tried.plan.pack_sha256.clone()),
        overlays: Vec::new(),
        changes: vec!["weight".to_owned()],
        differences: 1,
    }
}

#[test]
fn a_pack_on_trial_goes_on_as_if_it_had_never_left() {
    let (own, tried) = (pack(("", "")), pack(("weight  = 60", "weight  = 90")));
    let said: usize = [7, 15, 23, 31].iter().map(|seed| goes_on(*seed, &own, &tried)).sum();
    assert!(said > 10, "{said} alerts show nothing");
}

fn goes_on(seed: u64, own: &Pack, tried: &Pack) -> usize {
    let whole = stream(seed);
    let cuts: Vec<usize> = (1..24).map(|cut| whole.events.len() * cut / 24).collect();
    let steps = cut(&whole, &cuts);
    let live = Engine::new(config(), Arc::clone(&own.plan));
    let mut pair = Pair { trials: Trials::new(&live), live, said: Vec::new() };
    // Parts of three steps: before the trial begins, with its first step, and later.
    let (store, name) = (Memory::default(), set_name(6, 0));
    let mut set = SetWriter::begin(name.clone(), pack_bytes(&own.plan.pack_sha256));
    for (number, batch) in (1u64..).zip(&steps) {
        if number == 7 {
            let began = beginning(&pair.live, tried, number);
            let pack = Pack { plan: Arc::clone(&tried.plan), files: tried.files.clone() };
            pair.trials.change(began, Some(pack), &pair.live);
        }
        pair.step(number, batch);
        let written = match number {
            6 => write_consult(&mut set, &store, &mut pair.live, number),
            7 => write_ledgers(&mut set, &store, &mut pair.live, number),
            14 => {
                pair.said.clear();
                let trials = pair.trials.copy().part();
                write_last(&mut set, &store, &pair.live, number)
                    .and_then(|()| set.add(&store, (Kind::Trials, 0, number), &trials))
            }
            _ => Ok(()),
        };
        written.expect("memory takes everything");
    }
    let manifest = Manifest { oldest: 6, newest: 14, ..manifest(14, &own.plan) };
    let manifest = set.finish(&store, manifest).expect("memory takes everything");

    let mut live = Engine::new(config(), Arc::clone(&own.plan));
    let loading = Loading {
        store: &store,
        set: &name,
        manifest: &manifest,
        tasks: 1,
        progress: &|_, _| {},
        go_on: &|| true,
    };
    let loaded = loading.into_engine(&mut live, &manifest.topics, &Inline).expect("it is whole");
    let trials = Trials::restore(&live, loaded).expect("it is whole");
    assert_eq!(trials.sha256(), Some(tried.plan.pack_sha256.as_str()));
    let mut again = Pair { live, trials, said: Vec::new() };
    for (number, batch) in (1u64..).zip(&steps).filter(|(number, _)| *number > 6) {
        again.step(number, batch);
        assert!(number > 14 || again.said.is_empty(), "the set holds what was said");
    }
    assert_eq!(pair.said, again.said, "seed {seed}");
    assert_eq!(pair.figures(), again.figures(), "seed {seed}");
    pair.said.len()
}
