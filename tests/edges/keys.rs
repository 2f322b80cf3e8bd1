//! Nothing that comes out depends on the hash that places entities: not under another key, not for
//! names that somebody chose because they collide, not where a bound makes somebody forgotten.

use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::limits::PAYERS_MAX;
use goshawk::model::entity::{EntityKind, HashKey, KeyHash};
use goshawk::model::event::Batch;
use goshawk::rules::plan::feature::StateFeature;
use goshawk::rules::plan::program::CompareOp;
use goshawk::rules::plan::view::Role;

use super::table::{START, push};
use crate::oracle::plans::{BOTH, Builder};

const KEYS: [HashKey; 3] = [HashKey(1, 2), HashKey(u64::MAX, 0), HashKey(0, 0)];

/// Everybody pays one account on one day; on the ninth, when that day has left the ledger, each
/// pays again. Who is new to it by then says who has been forgotten.
fn crowd(names: &[String]) -> Batch {
    let mut batch = Batch::default();
    for (n, name) in names.iter().enumerate() {
        let time = format!("0d {:02}:{:02}:00.000", n / 60, n % 60);
        push(&mut batch, START, n, &format!("{time} p{n} settled {name} > HUB 1.00"));
    }
    for (n, name) in names.iter().enumerate() {
        let time = format!("9d {:02}:{:02}:00.000", n / 60, n % 60);
        push(&mut batch, START, n, &format!("{time} q{n} settled {name} > HUB 1.00"));
    }
    batch
}

/// At which events the account had met how many new payers, with the names left out.
fn told(key: HashKey, names: &[String]) -> Vec<String> {
    let mut builder = Builder::new();
    for least in [1, 50, 150, 400] {
        let cell = builder.cell(Role::Payee, StateFeature::HistoryNewPayers(5));
        let when = builder.compare(CompareOp::Ge, cell, least);
        builder.rule(Role::Payee, when, BOTH, Vec::new());
    }
    let config =
        EngineConfig { report_findings: true, hash_key: key, ..EngineConfig::for_tenant("edges") };
    let mut engine = Engine::new(config, builder.build());
    let output = engine.step(&crowd(names), &Inline);
    output.findings.iter().map(|f| format!("{} {} {}", f.event, f.rule, f.account)).collect()
}

#[test]
fn whom_a_bound_makes_forgotten_is_a_matter_of_turns_and_not_of_the_hash() {
    let names: Vec<String> = (0..PAYERS_MAX + 300).map(|n| format!("A{n}")).collect();
    let expect = told(HashKey::default(), &names);
    assert!(expect.len() > 1_000, "{} findings show little", expect.len());
    for key in KEYS {
        assert_eq!(told(key, &names), expect, "{key:?}");
    }
}

/// Names that lie in one shard, close together, under the public key.
fn colliding(count: usize) -> Vec<String> {
    let close = |name: &String| {
        let hash = KeyHash::of(HashKey::default(), EntityKind::Account, name.as_bytes());
        hash.shard() == 7 && hash.first().bits() >> 32 & 0x3f == 0
    };
    (0u64..).map(|n| format!("6{n:015}")).filter(close).take(count).collect()
}

#[test]
fn names_chosen_to_collide_come_out_as_any_others() {
    let chosen = colliding(80);
    let plain: Vec<String> = (0..chosen.len()).map(|n| format!("A{n}")).collect();
    let expect = told(HashKey::default(), &plain);
    assert!(!expect.is_empty());
    assert_eq!(told(HashKey::default(), &chosen), expect);
    // Under a key that nobody knows they lie anywhere.
    assert_eq!(told(HashKey(3, 4), &chosen), expect);
    let shards: std::collections::BTreeSet<_> = chosen
        .iter()
        .map(|name| KeyHash::of(HashKey(3, 4), EntityKind::Account, name.as_bytes()).shard())
        .collect();
    assert!(shards.len() > 40, "{} shards", shards.len());
}
