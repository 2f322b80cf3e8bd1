//! An hour at half of the machine's capacity while processes are killed: is anything lost, does
//! memory stay flat?
//!
//! `cargo bench --bench soak [-- MINUTES]`: two processes, one of which stands by, read a schedule of
//! payments at half of the capacity that is measured first. Every few minutes one of the two, in turn,
//! is killed and started again. One payment in fifty raises an alert about itself: at the end each of
//! these must have come exactly once, and `goshawk reconcile` must prove that every record and every
//! amount ended as exactly one thing.
//!
//! The payments' own time runs [`DAYS`] days in the hour, so that ledgers and the register of payments
//! let go of as much as they take in after the first minutes: from then on memory must not grow.

#![allow(clippy::print_stdout, reason = "a benchmark's table is its output")]

mod harness;

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::consumer::BaseConsumer;
use serde_json::{Value, json};

use harness::kafka::{Service, reader, records_of};
use harness::load::{ALERT_EVERY, Load, Schedule, capacity, now_ms, number_of};
use harness::process::{Running, cpu_s, resident_mib};
use harness::{broker, results};

/// Days of payments in an hour: a week passes in two minutes.
const DAYS: i64 = 210;
const DAY_MS: i64 = 86_400_000;
const KILL_EVERY: Duration = Duration::from_secs(240);
const SAMPLE_EVERY: Duration = Duration::from_secs(10);
/// A wait that never ends is a defect.
const STUCK: Duration = Duration::from_secs(600);
const SETTINGS: &str = "[snapshots]\ninterval = \"2m\"\n";

/// What was seen at one moment.
struct Sample {
    minutes: f64,
    /// Of the two processes.
    resident_mib: [f64; 2],
    /// Sent and not yet covered by a committed step.
    behind: u64,
}

fn main() {
    let minutes = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(60.0);
    let Some(broker) = broker::broker("the soak") else { return };
    let name = format!("soak-{}", std::process::id());
    let capacity = capacity(&broker.brokers, &format!("{name}-capacity"), "");
    let rate = capacity / 2.0;
    let payments = (rate * minutes * 60.0) as u64;
    println!("capacity {capacity:.0} payments/s; {payments} payments in {minutes} minutes\n");

    let span_ms = (DAYS as f64 * minutes / 60.0) as i64 * DAY_MS;
    let first_ms = now_ms() - span_ms;
    let load = Load::new(&broker.brokers, &name, first_ms);
    let mut service = Service::start(&broker.brokers, &name, &load.topic, SETTINGS);
    service.follow(1);
    let second = service.folder.path().join("second");
    let mut nodes = [None, Some(service.another(&second))];
    let schedule = Schedule { began: Instant::now(), rate, payments };
    let sent_all = AtomicBool::new(false);
    let mut watch = Watch {
        journal: service.journal(),
        alerts: reader(&broker.brokers, &service.alerts, 1),
        covered: 0,
        raised: vec![0; (payments / ALERT_EVERY) as usize + 1],
    };
    let (mut samples, mut kills) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let per_payment = span_ms as f64 / payments as f64;
            load.keep(schedule, |number| first_ms + (number as f64 * per_payment) as i64);
            sent_all.store(true, Ordering::Release);
        });
        let (mut sampled, mut killed) = (schedule.began, schedule.began);
        let mut moved = (0, Instant::now());
        while !(sent_all.load(Ordering::Acquire) && watch.covered > payments) {
            watch.look();
            if watch.covered > moved.0 {
                moved = (watch.covered, Instant::now());
            }
            assert!(moved.1.elapsed() < STUCK, "nothing moves at {} of {payments}", moved.0);
            if sampled.elapsed() >= SAMPLE_EVERY {
                sampled = Instant::now();
                samples.push(sample(schedule, watch.covered, [service.id(), id(&nodes[1])]));
            }
            if killed.elapsed() >= KILL_EVERY && !sent_all.load(Ordering::Acquire) {
                killed = Instant::now();
                kills += 1;
                if kills % 2 == 1 {
                    service.restart_killed();
                } else {
                    // Ends with what is dropped.
                    nodes[1] = None;
                    nodes[1] = Some(service.another(&second));
                }
            }
        }
    });
    let expected = payments / ALERT_EVERY;
    let waited = Instant::now();
    while watch.raised.iter().filter(|times| **times > 0).count() < expected as usize {
        assert!(waited.elapsed() < STUCK, "alerts are missing");
        watch.look();
    }
    let times = |wanted: fn(u8) -> bool| {
        watch.raised.iter().skip(1).filter(|times| wanted(**times)).count()
    };
    let (missing, twice) = (times(|n| n == 0), times(|n| n > 1));
    let cpu_s = cpu_s(service.id()) + cpu_s(id(&nodes[1]));
    service.stop();
    drop(nodes);
    let proof = Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .args(["reconcile", "--quiet", "--config"])
        .arg(&service.config)
        .output()
        .expect("starts");
    println!("{}", String::from_utf8_lossy(&proof.stdout));
    print(&samples);
    println!("\n{kills} kills; {expected} alerts expected: {missing} missing, {twice} twice");
    let figures = json!({
        "minutes": minutes, "payments": payments, "payments_per_second": rate.round(),
        "kills": kills, "alerts": expected, "missing": missing, "twice": twice,
        "reconciled": proof.status.success(), "cpu_s_of_the_last_processes": cpu_s,
        "samples": samples.iter().map(figures_of).collect::<Vec<_>>(),
    });
    results::write("soak", "see benches/soak.rs", figures);
    assert!(missing == 0 && twice == 0 && proof.status.success(), "something is wrong");
}

/// Follows what is committed and what is published.
struct Watch {
    journal: BaseConsumer,
    alerts: BaseConsumer,
    /// Records that committed steps cover.
    covered: u64,
    /// How often each payment that raises an alert has, by its number.
    raised: Vec<u8>,
}

impl Watch {
    /// Takes what has come, for a moment.
    fn look(&mut self) {
        let until = Instant::now() + Duration::from_millis(200);
        while Instant::now() < until {
            if let Some(message) = self.journal.poll(Duration::from_millis(5)) {
                self.covered += records_of(&message.expect("a record"));
            }
            while let Some(message) = self.alerts.poll(Duration::ZERO) {
                let message = message.expect("a record");
                let body = message.payload().unwrap_or_default();
                let alert: Value = serde_json::from_slice(body).expect("alert.v1");
                let id = alert["event"]["event_id"].as_str().expect("an alert names its event");
                let number = number_of(id).expect("as it was sent");
                if number.is_multiple_of(ALERT_EVERY) && alert["kind"] == "raise" {
                    self.raised[(number / ALERT_EVERY) as usize] += 1;
                }
            }
        }
    }
}

fn id(node: &Option<Running>) -> u32 {
    node.as_ref().map_or(0, |node| node.0.id())
}

fn sample(schedule: Schedule, covered: u64, processes: [u32; 2]) -> Sample {
    let elapsed = schedule.began.elapsed().as_secs_f64();
    let due = ((elapsed * schedule.rate) as u64).min(schedule.payments);
    Sample {
        minutes: elapsed / 60.0,
        resident_mib: processes.map(resident_mib),
        behind: due.saturating_sub(covered),
    }
}

fn figures_of(sample: &Sample) -> Value {
    json!({
        "minutes": (sample.minutes * 100.0).round() / 100.0,
        "resident_mib": sample.resident_mib.map(f64::round),
        "behind": sample.behind,
    })
}

/// A line for each tenth of the time: the greatest of it.
fn print(samples: &[Sample]) {
    println!("{:>8} {:>12} {:>12} {:>12}", "minute", "first, MiB", "second, MiB", "behind");
    for part in samples.chunks(samples.len().div_ceil(10).max(1)) {
        let most = |of: fn(&Sample) -> f64| part.iter().map(of).fold(0.0, f64::max);
        println!(
            "{:>8.1} {:>12.0} {:>12.0} {:>12.0}",
            most(|s| s.minutes),
            most(|s| s.resident_mib[0]),
            most(|s| s.resident_mib[1]),
            most(|s| s.behind as f64)
        );
    }
}
