//! Kafka to Kafka, exactly once, beside a bare consume-and-decode loop on the same topic.
//!
//! `cargo bench --bench pipeline [-- PAYMENTS [ROUNDS]]`. The broker is the one of
//! `GOSHAWK_TEST_BROKERS`, or one started as the tests start theirs. A round reads the whole topic
//! twice: first a plain consumer that decodes every record and throws the event away, then
//! `goshawk run`. Both are timed from their first sign of work to their last, so that starting up
//! does not count; what the first sign covered does not count either.

#![allow(clippy::print_stdout, reason = "a benchmark's table is its output")]

#[allow(dead_code, reason = "the tests also kill it")]
#[path = "../tests/kafka/broker.rs"]
mod broker;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use goshawk::generate::kafka::Feed;
use goshawk::generate::{GenerateConfig, Generator, json};
use goshawk::model::event::{Batch, Body, Position};
use goshawk::source::kafka::client::KafkaSettings;
use goshawk::source::{Progress, Source as _, Step};
use goshawk::wire::decode::{DecodeConfig, Decoder};
use goshawk::wire::journal::JournalRecord;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Message as _, Offset, TopicPartitionList};

const PARTITIONS: i32 = 6;
const ACCOUNTS: u64 = 200_000;
const GIVE_UP: Duration = Duration::from_secs(120);

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
    for round in 1..=rounds {
        let bare = bare(brokers, &payments_topic, sent);
        bare.print("bare consume and decode");
        let ours = pipeline(brokers, &payments_topic, sent, round);
        ours.print("goshawk run, exactly once");
        println!("{:<28} {:>9.2}", "ratio", ours.rate() / bare.rate());
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn create(brokers: &str, topics: &[(&str, i32)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .create()
            .expect("plain properties");
        let topics: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|(name, count)| {
                NewTopic::new(name, *count, TopicReplication::Fixed(1)).set("retention.ms", "-1")
            })
            .collect();
        let made = admin.create_topics(&topics, &AdminOptions::new()).await;
        for outcome in made.expect("the broker answers") {
            outcome.expect("a topic is made");
        }
    });
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

fn reader(brokers: &str, topic: &str, partitions: i32) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "benchmark")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        // As the program sets it: a full queue must not stand still for a second.
        .set("fetch.queue.backoff.ms", "10")
        .create()
        .expect("plain properties");
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning).expect("valid");
    }
    consumer.assign(&list).expect("assigned");
    consumer
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

/// A running `goshawk`; killed if the benchmark ends early.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn pipeline(brokers: &str, payments: &str, records: u64, round: u64) -> Figure {
    let name = format!("bench-{}-{round}", std::process::id());
    let outputs = ["alerts", "shadow", "rejects", "journal"].map(|kind| format!("{name}.{kind}"));
    create(brokers, &outputs.each_ref().map(|topic| (topic.as_str(), 1)));
    let [alerts, shadow, rejects, journal] = &outputs;
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("goshawk.toml");
    let text = format!(
        "[kafka]\nbrokers = \"{brokers}\"\ngroup_id = \"{name}\"\n[kafka.topics]\n\
         payments = [\"{payments}\"]\nalerts = \"{alerts}\"\nshadow = \"{shadow}\"\n\
         rejects = \"{rejects}\"\njournal = \"{journal}\"\n[privacy]\nprofile = \"clear\"\n\
         [http]\nlisten = \"\"\n"
    );
    std::fs::write(&config, text).expect("writes");
    let log = folder.path().join("log");
    let process = Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .args(["run", "--config"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(File::create(&log).expect("a log"))
        .spawn()
        .expect("starts");
    let mut process = Running(process);
    let tail = reader(brokers, journal, 1);
    let (mut covered, mut steps, mut first) = (0, 0, None);
    let started = Instant::now();
    while covered < records {
        let told = || std::fs::read_to_string(&log).unwrap_or_default();
        assert!(process.0.try_wait().expect("ours").is_none(), "it ended:\n{}", told());
        assert!(started.elapsed() < GIVE_UP, "{covered} of {records}:\n{}", told());
        let Some(polled) = tail.poll(Duration::from_millis(100)) else { continue };
        let message = polled.expect("a record");
        let body = message.payload().unwrap_or_default();
        let step: JournalRecord = serde_json::from_slice(body).expect("journal.v1");
        covered += step.runs.iter().map(|run| (run.to - run.from) as u64).sum::<u64>();
        steps += 1;
        first.get_or_insert_with(|| (covered, Instant::now(), cpu_s(process.0.id())));
    }
    let (already, began, cpu) = first.expect("records were covered");
    let wall = began.elapsed();
    let figure = Figure { records: records - already, wall, cpu_s: cpu_s(process.0.id()) - cpu };
    println!("{:<28} {:>9} records/step", "", records / steps);
    for (thread, cpu_s) in cpu_by_thread(process.0.id()) {
        let share = cpu_s * 1e6 / records as f64;
        println!("  {thread:<26} {:>9}           {share:>6.2}", "");
    }
    let pid = process.0.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
    assert!(sent.success() && process.0.wait().expect("ours").success(), "a bad end");
    figure
}

/// CPU time of a process's threads since its start, by their names without numbers.
fn cpu_by_thread(process: u32) -> BTreeMap<String, f64> {
    let mut threads = BTreeMap::new();
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let name = name.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        *threads.entry(name.to_owned()).or_insert(0.0) += ticks(&task.path().join("stat"));
    }
    threads
}

/// CPU time of a process so far, all threads, in seconds; 0 where the system does not say.
fn cpu_s(process: u32) -> f64 {
    ticks(Path::new(&format!("/proc/{process}/stat")))
}

/// CPU time that a `stat` file tells, in seconds.
fn ticks(stat: &Path) -> f64 {
    let Ok(text) = std::fs::read_to_string(stat) else { return 0.0 };
    // After the name, which may hold anything but ends in the last bracket: utime is the 12th.
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks = |field: usize| -> f64 {
        after.split_whitespace().nth(field).and_then(|t| t.parse().ok()).unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}
