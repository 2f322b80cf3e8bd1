//! Produce → alert visible to a read-committed consumer, open loop, Kafka to Kafka.
//!
//! `cargo bench --bench latency [-- SECONDS]`: the shipped pack, both delivery modes, with 25, 50
//! and 75 % of the capacity that is measured first, in the same run, on a backlog. Payments are
//! sent
//! on a fixed schedule whatever comes back, and each latency counts from the moment its payment was
//! due to be sent, so that a stall delays everything behind it and is seen (no coordinated
//! omission). One payment in fifty goes to a listed payee from an account of its own: it raises an
//! alert. Broker, sender, program and consumer share the machine's cores.

#![allow(clippy::print_stdout, reason = "a benchmark's table is its output")]

#[path = "peers/reference.rs"]
#[allow(dead_code, reason = "only payments are made here")]
mod reference;

mod harness;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use rdkafka::Message as _;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use serde_json::{Value, json};

use harness::kafka::{GIVE_UP, Service, create, reader};
use harness::{broker, results};
use reference::{Payment, name, write_line};

const PARTITIONS: i32 = 6;
const ACCOUNTS: u64 = 200_000;
/// How many payments measure the capacity.
const BACKLOG: u64 = 300_000;
/// One payment in so many raises an alert.
const ALERT_EVERY: u64 = 50;
/// Numbers of accounts that pay the listed one begin here.
const VICTIMS: u64 = 500_000_000;
const LISTED: u64 = 999_999_999;
/// Latencies of the first seconds, while connections and tables warm up, do not count.
const WARM_UP: Duration = Duration::from_secs(3);

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let seconds = numbers.first().copied().unwrap_or(20);
    let Some(broker) = broker::broker("the benchmark") else { return };
    let mut figures: Vec<Value> = Vec::new();
    for mode in ["exactly_once", "at_least_once"] {
        let capacity = capacity(&broker.brokers, mode);
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

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_millis() as i64
}

fn producer(brokers: &str) -> BaseProducer {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "0")
        .set("queue.buffering.max.messages", "1000000")
        .create()
        .expect("plain properties")
}

/// Sends the `number`th payment, due now.
fn send(producer: &BaseProducer, topic: &str, number: u64, line: &mut Vec<u8>) {
    let raises = number.is_multiple_of(ALERT_EVERY);
    // A walk through the accounts that looks like none.
    let account = |salt: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) ^ salt;
    let payment = Payment {
        number,
        time_ms: now_ms(),
        payer: if raises { VICTIMS + number } else { account(0) % ACCOUNTS },
        payee: if raises { LISTED } else { account(0x5555) % ACCOUNTS },
        amount: 10_000 + (number % 90_000) as i64,
    };
    line.clear();
    write_line(line, &payment).expect("memory takes it");
    if raises {
        // It can still be held: an alert about the payment itself, and one for each.
        let text = std::str::from_utf8(line).expect("text").replace("settled", "initiated");
        *line = text.into_bytes();
    }
    let key = name(payment.payer);
    produce(producer, topic, &key, line.trim_ascii_end());
}

fn produce(producer: &BaseProducer, topic: &str, key: &str, body: &[u8]) {
    let mut record = BaseRecord::to(topic).key(key).payload(body);
    while let Err((_, back)) = producer.send(record) {
        producer.poll(Duration::from_micros(100));
        record = back;
    }
}

fn drain(producer: &BaseProducer) {
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_micros(300));
    }
}

/// The listed payee.
fn list_entry() -> String {
    let time = jiff::Timestamp::from_millisecond(now_ms() - 60_000).expect("now").to_string();
    json!({
        "schema": "list.v1", "entry_id": "l-1", "op": "upsert", "category": "case_account",
        "level": "confirmed_case", "subject": { "kind": "account", "id": name(LISTED) },
        "valid_from": time, "time": time, "source": "bench", "purpose": "anti_fraud_only",
    })
    .to_string()
}

fn topic(brokers: &str, name: &str) -> (String, BaseProducer) {
    let topic = format!("{name}.payments");
    create(brokers, &[(&topic, PARTITIONS)]);
    let producer = producer(brokers);
    produce(&producer, &topic, "", list_entry().as_bytes());
    drain(&producer);
    (topic, producer)
}

fn capacity(brokers: &str, mode: &str) -> f64 {
    let name = format!("latency-{}-{mode}", std::process::id());
    let (topic, producer) = topic(brokers, &name);
    let mut line = Vec::new();
    for number in 1..BACKLOG {
        send(&producer, &topic, number, &mut line);
        producer.poll(Duration::ZERO);
    }
    drain(&producer);
    let mut service = Service::start(brokers, &name, &topic, &format!("delivery = \"{mode}\""));
    let marks = service.follow(BACKLOG);
    service.stop();
    let (first, last) = (marks[0], marks[marks.len() - 1]);
    (last.covered - first.covered) as f64 / (last.at - first.at).as_secs_f64()
}

/// Latencies in microseconds at one rate.
fn point(brokers: &str, mode: &str, share: u32, rate: f64, seconds: u64) -> Histogram<u64> {
    let name = format!("latency-{}-{mode}-{share}", std::process::id());
    let (topic, producer) = topic(brokers, &name);
    let mut service = Service::start(brokers, &name, &topic, &format!("delivery = \"{mode}\""));
    // The list entry is committed: the program is at work.
    service.follow(1);
    let alerts = reader(brokers, &service.alerts, 1);
    let total = (rate * (WARM_UP.as_secs_f64() + seconds as f64)) as u64;
    let began = Instant::now() + Duration::from_millis(100);
    let due = |number: u64| began + Duration::from_secs_f64(number as f64 / rate);
    let mut latencies = Histogram::new(3).expect("three digits");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut line = Vec::new();
            for number in 1..total {
                loop {
                    let left = due(number).saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    producer.poll(Duration::ZERO);
                    std::thread::sleep(left.min(Duration::from_millis(1)));
                }
                send(&producer, &topic, number, &mut line);
            }
            drain(&producer);
        });
        let expected = (total - 1) / ALERT_EVERY;
        let mut seen = 0;
        while seen < expected {
            assert!(began.elapsed() < GIVE_UP, "{seen} of {expected} alerts came");
            let Some(polled) = alerts.poll(Duration::from_millis(100)) else { continue };
            let now = Instant::now();
            let message = polled.expect("a record");
            let body: Value =
                serde_json::from_slice(message.payload().unwrap_or_default()).expect("alert.v1");
            let id = body["event"]["event_id"].as_str().expect("an alert names its event");
            let number: u64 = id[1..].parse().expect("as it was sent");
            // Other rules may have something to say, too, of accounts that are not victims.
            if !number.is_multiple_of(ALERT_EVERY) {
                continue;
            }
            seen += 1;
            let due = due(number);
            if due.saturating_duration_since(began) >= WARM_UP {
                let micros = now.saturating_duration_since(due).as_micros() as u64;
                latencies.record(micros.max(1)).expect("it resizes itself");
            }
        }
    });
    service.stop();
    latencies
}
