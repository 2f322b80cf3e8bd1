//! Kafka to Kafka, exactly once, beside a bare consume-and-decode loop on the same topic.
//!
//! `cargo bench --bench pipeline [-- PAYMENTS [ROUNDS]]`. The broker is the one of
//! `GOSHAWK_TEST_BROKERS`, or one started as the tests start theirs. A round reads the whole topic
//! twice: first a plain consumer that decodes every record and throws the event away, then
//! `goshawk run`. Both are timed from their first sign of work to their last, so that starting up
//! does not count; what the first sign covered does not count either.

#![allow(clippy::print_stdout, reason = "a benchmark's table is its output")]

mod harness;

use std::time::{Duration, Instant};

use goshawk::generate::kafka::Feed;
use goshawk::generate::{GenerateConfig, Generator, json};
use goshawk::model::event::{Batch, Body, Position};
use goshawk::source::kafka::client::KafkaSettings;
use goshawk::source::{Progress, Source as _, Step};
use goshawk::wire::decode::{DecodeConfig, Decoder};
use rdkafka::Message as _;
use serde_json::{Value, json};

use harness::broker;
use harness::kafka::{GIVE_UP, Service, create, reader};
use harness::process::{cpu_by_thread, cpu_s};
use harness::results;

const PARTITIONS: i32 = 6;
const ACCOUNTS: u64 = 200_000;

/// Work done between two moments.
struct Figure {
    records: u64,
    wall: Duration,
    cpu_s: f64,
}

impl Figure {
    fn rate(&self) -> f64 {
        self.records as f64 / self.wall.as_secs_f64()
    }

    fn json(&self) -> Value {
        let per_million = self.cpu_s * 1e6 / self.records as f64;
        json!({ "records_per_second": self.rate(), "cpu_s_per_million": per_million })
    }

    fn print(&self, what: &str) {
        let cpu = self.cpu_s * 1e6 / self.records as f64;
        println!("{what:<28} {:>9.0} records/s {cpu:>6.2} CPU-s per million", self.rate());
    }
}

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let payments = numbers.first().copied().unwrap_or(1_000_000);
    let rounds = numbers.get(1).copied().unwrap_or(2);
    let Some(broker) = broker::broker("the benchmark") else { return };
    let brokers = &broker.brokers;
    let payments_topic = format!("bench-{}.payments", std::process::id());
    create(brokers, &[(&payments_topic, PARTITIONS)]);
    let sent = send(brokers, &payments_topic, payments);
    println!("{sent} payments in {PARTITIONS} partitions, {} cores", cores());
    let mut figures: Vec<Value> = Vec::new();
    for round in 1..=rounds {
        let bare = bare(brokers, &payments_topic, sent);
        bare.print("bare consume and decode");
        let ours = pipeline(brokers, &payments_topic, sent, round);
        ours.print("goshawk run, exactly once");
        let ratio = ours.rate() / bare.rate();
        println!("{:<28} {ratio:>9.2}", "ratio");
        figures.push(json!({ "bare": bare.json(), "goshawk": ours.json(), "ratio": ratio }));
    }
    let method = "see benches/pipeline.rs; broker and reader share the machine's cores";
    results::write("pipeline", method, json!({ "payments": sent, "rounds": figures }));
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// Sends generated payments; record timestamps are event times. Other events are left out.
fn send(brokers: &str, topic: &str, payments: u64) -> u64 {
    let settings = KafkaSettings { brokers: brokers.to_owned(), ..KafkaSettings::default() };
    let feed = Feed::new(&settings, &[topic]).expect("the broker answers");
    let config = GenerateConfig::new(ACCOUNTS, payments * 2, 1);
    let mut generator = Generator::new(config).expect("a town");
    let (mut step, mut line, mut sent) = (Step::default(), Vec::new(), 0);
    while generator.next(&mut step).expect("a generator never fails") != Progress::End {
        for event in &step.batch.events {
            if sent == payments {
                feed.flush().expect("acknowledged");
                return sent;
            }
            if matches!(event.body, Body::Payment(_)) {
                line.clear();
                json::write_line(&mut line, &step.batch, event).expect("a time of this century");
                let key = json::key(&step.batch, event);
                feed.send(topic, key, line.trim_ascii_end(), event.time_ms).expect("taken");
                sent += 1;
            }
        }
        step.clear();
    }
    feed.flush().expect("acknowledged");
    sent
}

fn bare(brokers: &str, topic: &str, records: u64) -> Figure {
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").expect("a zone");
    let mut decoder = Decoder::new(DecodeConfig { zone, skew_ms: 300_000 });
    let consumer = reader(brokers, topic, PARTITIONS);
    let mut batch = Batch::default();
    let (mut seen, mut began, mut cpu) = (0, Instant::now(), 0.0);
    while seen < records {
        assert!(began.elapsed() < GIVE_UP, "{seen} of {records} records");
        let Some(polled) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = polled.expect("a record");
        if seen == 0 {
            (began, cpu) = (Instant::now(), cpu_s(std::process::id()));
        }
        seen += 1;
        let position =
            Position { topic: 0, partition: message.partition(), offset: message.offset() };
        let time_ms = message.timestamp().to_millis();
        let body = message.payload().unwrap_or_default();
        decoder.decode(body, position, time_ms, &mut batch).expect("a payment");
        if batch.events.len() == 4_096 {
            batch.clear();
        }
    }
    Figure { records, wall: began.elapsed(), cpu_s: cpu_s(std::process::id()) - cpu }
}

fn pipeline(brokers: &str, payments: &str, records: u64, round: u64) -> Figure {
    let name = format!("bench-{}-{round}", std::process::id());
    let mut service = Service::start(brokers, &name, payments, "");
    let marks = service.follow(records);
    let (first, last) = (marks[0], marks[marks.len() - 1]);
    let figure = Figure {
        records: records - first.covered,
        wall: last.at - first.at,
        cpu_s: last.cpu_s - first.cpu_s,
    };
    println!("{:<28} {:>9} records/step", "", records / marks.len() as u64);
    for (thread, cpu_s) in cpu_by_thread(service.id()) {
        let share = cpu_s * 1e6 / records as f64;
        println!("  {thread:<26} {:>9}           {share:>6.2}", "");
    }
    service.stop();
    figure
}
