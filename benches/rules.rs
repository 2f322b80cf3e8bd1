//! What more rules cost: ten rules, the shipped pack, and two hundred, on the generator's town with
//! its customers, devices, merchants and mules. The engines take every step in turn, one thread
//! each, so that whatever else the machine does falls on all of them. Beside it, how long two
//! hundred rules take to compile.
//!
//! `cargo bench --bench rules [-- ACCOUNTS [EVENTS]]`.

#![allow(clippy::print_stdout, reason = "a benchmark's table is its output")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::generate::{GenerateConfig, Generator};
use goshawk::rules::{self, SourceFile, shipped};
use goshawk::source::{Progress, Source as _, Step};
use toml_edit::{DocumentMut, value};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The rules that others are measured against, with their slow and weak variants.
const TEN: &[&str] =
    &["m01", "m02", "m05", "m06", "m07", "m07s", "m08", "m08s", "m14", "v01", "v09", "v09s", "r01"];
const MANY: usize = 200;
const COMPILE_ROUNDS: usize = 10;

/// The rule files among those of a pack.
fn is_rule(file: &SourceFile) -> bool {
    file.path.contains('/')
}

fn ten() -> Vec<SourceFile> {
    let is_wanted = |file: &SourceFile| match file.path.rsplit_once('/') {
        Some((_, name)) => TEN.iter().any(|id| name.starts_with(&format!("{id}_"))),
        None => true,
    };
    shipped::files().into_iter().filter(is_wanted).collect()
}

/// The shipped rules, then each of them again with other amounts, and so on.
fn many() -> Vec<SourceFile> {
    let mut files = shipped::files();
    let rules: Vec<SourceFile> = files.iter().filter(|file| is_rule(file)).cloned().collect();
    let variants = (1..).flat_map(|round| rules.iter().map(move |file| (round, file)));
    for (round, file) in variants.take(MANY - rules.len()) {
        // Examples name the rule they expect; they are not run here.
        let id = file.text.lines().find_map(|line| line.strip_prefix("id "));
        let id = id.expect("a rule has an id").trim_matches([' ', '=', '"']);
        let text = file.text.replace(&format!(" {id} "), &format!(" {id}v{round} "));
        let mut rule: DocumentMut = text.parse().expect("a shipped rule is TOML");
        for (key, mark) in [("id", "v"), ("name", "_v"), ("code", "_V")] {
            let known = rule[key].as_str().expect("a rule has an id, a name and a code");
            rule[key] = value(format!("{known}{mark}{round}"));
        }
        let params = rule.get_mut("params").and_then(|params| params.as_table_mut());
        for (_, parameter) in params.into_iter().flat_map(|params| params.iter_mut()) {
            let Some(parameter) = parameter.as_table_like_mut() else { continue };
            let is_money = parameter.get("unit").and_then(|unit| unit.as_str()) == Some("CNY");
            let amount = parameter.get("value").and_then(|v| v.as_str()?.parse::<f64>().ok());
            if let Some(amount) = amount.filter(|_| is_money) {
                let other = amount * (1.0 + f64::from(round) / 10.0);
                parameter.insert("value", value(format!("{other:.2}")));
            }
        }
        let path = file.path.replace(".toml", &format!("_v{round}.toml"));
        files.push(SourceFile { path, text: rule.to_string() });
    }
    files
}

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let accounts = numbers.first().copied().unwrap_or(100_000);
    let events = numbers.get(1).copied().unwrap_or(1_000_000);
    let packs = [ten(), shipped::files(), many()];
    let mut engines: Vec<(Engine, Duration)> = packs
        .iter()
        .map(|files| {
            let plan = rules::compile(files).expect("the packs compile");
            (Engine::new(EngineConfig::for_tenant("bench"), Arc::new(plan)), Duration::ZERO)
        })
        .collect();
    let mut generator =
        Generator::new(GenerateConfig::new(accounts, events, 7)).expect("a town of this size");
    let (mut step, mut timed) = (Step::default(), 0u64);
    while generator.next(&mut step).expect("a generator never fails") == Progress::Step {
        for (engine, spent) in &mut engines {
            let began = Instant::now();
            engine.step(&step.batch, &Inline);
            *spent += began.elapsed();
        }
        timed += step.batch.events.len() as u64;
        step.clear();
    }
    println!("{accounts} accounts, {timed} events, one thread");
    let ten_ns = engines[0].1.as_nanos() as f64 / timed as f64;
    for (engine, spent) in &engines {
        let each_ns = spent.as_nanos() as f64 / timed as f64;
        println!(
            "{:>4} rules: {each_ns:>7.0} ns an event, {:.2} of ten rules' ({:.0} events/s)",
            engine.plan().rules.len(),
            each_ns / ten_ns,
            1e9 / each_ns,
        );
    }
    let fastest = (0..COMPILE_ROUNDS).map(|_| {
        let began = Instant::now();
        let plan = rules::compile(&packs[2]).expect("it compiled before");
        (began.elapsed(), plan.rules.len())
    });
    let (took, rules) = fastest.min().expect("there is a round");
    println!("{rules} rules compile in {:.1} ms", took.as_secs_f64() * 1e3);
}
