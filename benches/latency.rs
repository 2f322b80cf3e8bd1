//! Produce → alert visible to a read-committed consumer, open loop, Kafka to Kafka.
//!
//! `cargo bench --bench latency [-- SECONDS]`: the shipped pack, both delivery modes, with 25, 50
//! and 75 % of the capacity that is measured first, in the same run, on a backlog. Payments are
//! sent on a fixed schedule whatever comes back, and each latency counts from the moment its payment was
//! due to be sent, so that a stall delays everything behind it and is seen (no coordinated
//! omission). One payment in fifty goes to a listed payee from an account of its own: it raises an
//! alert. Broker, sender, program and consumer share the machine's cores.

#![allow(clippy::print_stdout, reason = "a benchmark's table is its output")]

mod harness;

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rdkafka::Message as _;
use serde_json::{Value, json};

use harness::kafka::{GIVE_UP, Service, reader};
use harness::load::{ALERT_EVERY, Load, Schedule, capacity, now_ms, number_of};
use harness::{broker, results};

/// Latencies of the first seconds, while connections and tables warm up, do not count.
const WARM_UP: Duration = Duration::from_secs(3);

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let seconds = numbers.first().copied().unwrap_or(20);
    let Some(broker) = broker::broker("the benchmark") else { return };
    let mut figures: Vec<Value> = Vec::new();
    for mode in ["exactly_once", "at_least_once"] {
        let name = format!("latency-{}-{mode}", std::process::id());
        let capacity = capacity(&broker.brokers, &name, &format!("delivery = \"{mode}\""));
        println!("{mode}: capacity {capacity:.0} payments/s on a backlog");
        for share in [25, 50, 75] {
            let rate = capacity * f64::from(share) / 100.0;
            let point = point(&broker.brokers, mode, share, rate, seconds);
            let at = |quantile: f64| point.value_at_quantile(quantile) as f64 / 1e3;
            let (p50, p99, p999, max) = (at(0.5), at(0.99), at(0.999), point.max() as f64 / 1e3);
            println!(
                "  {share} % ({rate:>7.0}/s) p50 {p50:>6.1} p99 {p99:>6.1} p99.9 {p999:>6.1} \
                 max {max:>6.1} ms, {} alerts",
                point.len()
            );
            figures.push(json!({
                "mode": mode, "share_of_capacity": share, "payments_per_second": rate.round(),
                "p50_ms": p50, "p99_ms": p99, "p999_ms": p999, "max_ms": max,
                "alerts": point.len(),
            }));
        }
    }
    let method = "see benches/latency.rs: open loop, from the intended send time";
    results::write("latency", method, json!({ "seconds": seconds, "points": figures }));
}

/// Latencies in microseconds at one rate.
fn point(brokers: &str, mode: &str, share: u32, rate: f64, seconds: u64) -> Histogram<u64> {
    let name = format!("latency-{}-{mode}-{share}", std::process::id());
    let load = Load::new(brokers, &name, now_ms() - 60_000);
    let mut service =
        Service::start(brokers, &name, &load.topic, &format!("delivery = \"{mode}\""));
    // The list entry is committed: the program is at work.
    service.follow(1);
    let alerts = reader(brokers, &service.alerts, 1);
    let schedule = Schedule {
        began: Instant::now() + Duration::from_millis(100),
        rate,
        payments: (rate * (WARM_UP.as_secs_f64() + seconds as f64)) as u64,
    };
    let mut latencies = Histogram::new(3).expect("three digits");
    std::thread::scope(|scope| {
        scope.spawn(|| load.keep(schedule, |_| now_ms()));
        let expected = schedule.payments / ALERT_EVERY;
        let mut seen = 0;
        while seen < expected {
            assert!(schedule.began.elapsed() < GIVE_UP, "{seen} of {expected} alerts came");
            let Some(polled) = alerts.poll(Duration::from_millis(100)) else { continue };
            let now = Instant::now();
            let message = polled.expect("a record");
            let body: Value =
                serde_json::from_slice(message.payload().unwrap_or_default()).expect("alert.v1");
            let id = body["event"]["event_id"].as_str().expect("an alert names its event");
            let number = number_of(id).expect("as it was sent");
            // Other rules may have something to say, too, of accounts that are not victims.
            if !number.is_multiple_of(ALERT_EVERY) {
                continue;
            }
            seen += 1;
            let due = schedule.due(number);
            if due.saturating_duration_since(schedule.began) >= WARM_UP {
                let micros = now.saturating_duration_since(due).as_micros() as u64;
                latencies.record(micros.max(1)).expect("it resizes itself");
            }
        }
    });
    service.stop();
    latencies
}
