//! Snapshots: how long a step waits for one, what they cost, how soon a state is back.
//!
//! `cargo bench --bench snapshot [-- ACCOUNTS [PAYMENTS]]`. An engine with the whole shipped pack
//! takes two payments an account; then PAYMENTS more are timed without a snapshot, and again while
//! one is taken by the same roller and writing thread that the service has, into a folder that is
//! removed. At last that set is loaded into a new engine, which must say of further payments what
//! the first one says.

#![allow(clippy::print_stdout, reason = "a benchmark's table is its output")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::model::event::{
    Batch, Body, Channel, CustomerType, Event, Party, Payment, PaymentStatus, PaymentType, Position,
};
use goshawk::model::money::{Currency, Money};
use goshawk::rules::shipped;
use goshawk::runtime::config::Config;
use goshawk::runtime::fork::Pool;
use goshawk::runtime::pack;
use goshawk::runtime::rolling::start;
use goshawk::runtime::trial::Trials;
use goshawk::snapshot::choose::Found;
use goshawk::snapshot::load::Loading;
use goshawk::snapshot::store::folder::Folder;
use goshawk::snapshot::write;
use goshawk::source::Run;
use goshawk::telemetry::Telemetry;

const START_MS: i64 = 1_772_640_000_000;
const STEP: usize = 4_096;

/// xorshift64*: the same stream on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }
}

/// Payments at three a day and account, both sides uniform persons; nobody names customer or device.
struct Load {
    random: Random,
    accounts: u64,
    number: u64,
}

impl Load {
    fn fill(&mut self, batch: &mut Batch) {
        batch.clear();
        for _ in 0..STEP {
            let time_ms = START_MS
                + (self.number as f64 * 86_400_000.0 / (self.accounts as f64 * 3.0)) as i64;
            let id = batch.push_text(&format!("p{:012}", self.number));
            let party = |batch: &mut Batch, account: u64| Party {
                account: batch.push_text(&format!("6222{account:012}")),
                customer_type: Some(CustomerType::Person),
                ..Party::default()
            };
            let payer = self.random.below(self.accounts);
            let payee = self.random.below(self.accounts);
            let minor = 100 + self.random.below(1_000_000) as i64;
            let payment = Payment::new(
                id,
                id,
                PaymentStatus::Settled,
                Money { minor, currency: Currency::CNY },
                party(batch, payer),
                party(batch, payee),
                PaymentType::Transfer,
                Channel::Mobile,
            );
            let position = Position { topic: 0, partition: 0, offset: self.number as i64 };
            self.number += 1;
            let body = Body::Payment(payment);
            batch.events.push(Event { position, record_time_ms: time_ms, time_ms, body });
        }
    }
}

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let accounts = numbers.first().copied().unwrap_or(1_000_000);
    let payments = numbers.get(1).copied().unwrap_or(1_000_000);
    let folder = std::env::temp_dir().join(format!("goshawk-bench-{}", std::process::id()));
    let pool = Pool::new(0).expect("threads can be started");
    let config = EngineConfig { threads: pool.threads(), ..EngineConfig::for_tenant("bench") };
    let plan = Arc::new(pack::load(None).expect("the shipped pack compiles"));
    let mut engine = Engine::new(config.clone(), Arc::clone(&plan));
    let mut load = Load { random: Random(11), accounts, number: 0 };
    let (mut batch, mut step) = (Batch::default(), 0);
    while load.number < accounts * 2 {
        load.fill(&mut batch);
        engine.step(&batch, &pool);
        step += 1;
    }

    let mut plain = Duration::ZERO;
    let from = load.number;
    while load.number < from + payments {
        load.fill(&mut batch);
        let began = Instant::now();
        engine.step(&batch, &pool);
        plain += began.elapsed();
        step += 1;
    }
    let plain = (load.number - from) as f64 / plain.as_secs_f64();

    let mut settings = Config::default();
    settings.snapshots.folder = Some(folder.clone());
    settings.snapshots.interval = 1;
    let store = start::store(&settings).expect("a folder can be made");
    let telemetry = Arc::new(Telemetry::new().expect("metrics have their own names"));
    let stands = BTreeMap::new();
    let (writing, mut roller) =
        start::take(&settings, &config, store, &telemetry, &stands, step + 1).expect("a thread");
    let trials = Trials::new(&engine);
    roller.set_rules(&plan.pack_sha256, &shipped::files());
    std::thread::sleep(Duration::from_millis(2));
    let between = roller.between();
    let (mut steps, mut pauses, began) = (Duration::ZERO, Vec::new(), Instant::now());
    let from = load.number;
    let mut once = false;
    loop {
        load.fill(&mut batch);
        let start = Instant::now();
        engine.step(&batch, &pool);
        step += 1;
        let to = step as i64;
        roller.took(&[Run { topic: 0, partition: 0, from: to - 1, to }]);
        let pause = Instant::now();
        if !once || roller.is_rolling() {
            roller.roll(&mut engine, &trials, step, &telemetry);
        }
        once |= roller.is_rolling();
        pauses.push(pause.elapsed());
        steps += start.elapsed();
        between.commit(step);
        if once && !roller.is_rolling() {
            break;
        }
    }
    let copied = began.elapsed();
    let rolling = (load.number - from) as f64 / steps.as_secs_f64();
    let whole = loop {
        let store = Folder::existing(&folder);
        let sets = write::sets(&store).expect("the folder is there");
        if let Some(set) = sets.into_iter().find(|set| matches!(set.found, Found::Whole(_))) {
            break set;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let written = began.elapsed();
    drop(roller);
    drop(writing);
    pauses.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let at = |share: f64| ms(pauses[((pauses.len() - 1) as f64 * share) as usize]);

    let Found::Whole(manifest) = &whole.found else { unreachable!("just looked for") };
    let mut again = Engine::new(config, plan);
    let began = Instant::now();
    let loading = Loading {
        store: &Folder::existing(&folder),
        set: &whole.name,
        manifest,
        tasks: pool.threads(),
        progress: &|_, _| {},
        go_on: &|| true,
    };
    loading.into_engine(&mut again, &manifest.topics, &pool).expect("it is whole");
    let loaded = began.elapsed();
    // The steps between its parts, once more: from the same numbers.
    let mut same = Load { random: Random(11), accounts, number: 0 };
    let mut repeating = Duration::ZERO;
    for number in 1..=step {
        same.fill(&mut batch);
        if number > manifest.oldest {
            let began = Instant::now();
            again.repeat(number, &batch, &pool);
            repeating += began.elapsed();
        }
    }
    let repeated = (step - manifest.oldest) as f64 * STEP as f64 / repeating.as_secs_f64();
    load.fill(&mut batch);
    let said = [&mut engine, &mut again].map(|engine| {
        let output = engine.step(&batch, &Inline);
        (output.alerts, output.counts)
    });
    assert!(said[0] == said[1], "the loaded state says something else");
    let raw: u64 = manifest.files.iter().map(|file| file.raw_bytes).sum();
    println!(
        "{accounts} accounts, {} threads, steps of {STEP}: {plain:.0} payments/s without, {rolling:.0} \
         while a snapshot is taken ({:.2})",
        pool.threads(),
        rolling / plain,
    );
    println!(
        "pause of a step: median {:.2} ms, p99 {:.2} ms, longest {:.2} ms; copied within {:.1} s and {} \
         steps, whole after {:.1} s",
        at(0.5),
        at(0.99),
        at(1.0),
        copied.as_secs_f64(),
        manifest.newest - manifest.oldest + 1,
        written.as_secs_f64(),
    );
    println!(
        "{:.0} MB, {:.0} MB before compression; loaded in {:.1} s ({:.1} s for ten million accounts); \
         steps repeated at {repeated:.0} payments/s ({:.2} of the speed without)",
        manifest.bytes() as f64 / 1e6,
        raw as f64 / 1e6,
        loaded.as_secs_f64(),
        loaded.as_secs_f64() * 1e7 / accounts as f64,
        repeated / plain,
    );
    let _ = std::fs::remove_dir_all(&folder);
}
