//! Topics, a reader, and a running `goshawk` that is followed by its journal.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use goshawk::wire::journal::JournalRecord;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::process::{Running, cpu_s};

/// A wait that never ends is a defect.
pub const GIVE_UP: Duration = Duration::from_secs(180);

/// Makes topics that keep everything.
pub fn create(brokers: &str, topics: &[(&str, i32)]) {
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

/// A read-committed consumer at the beginning of every partition.
pub fn reader(brokers: &str, topic: &str, partitions: i32) -> BaseConsumer {
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

/// A `goshawk run` with topics of its own.
pub struct Service {
    /// The process.
    pub process: Running,
    /// Its topic of alerts.
    pub alerts: String,
    /// Its folder: configuration, log, state.
    pub folder: tempfile::TempDir,
    brokers: String,
    journal: String,
    log: PathBuf,
}

/// How far a service had come, and what it had cost until then.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// Records that committed steps cover.
    pub covered: u64,
    /// When that was seen.
    pub at: Instant,
    /// CPU time of the process so far.
    pub cpu_s: f64,
}

impl Service {
    /// Starts the program on a topic of payments. `settings` are lines of TOML above the tables.
    pub fn start(brokers: &str, name: &str, payments: &str, settings: &str) -> Self {
        let outputs =
            ["alerts", "shadow", "rejects", "journal"].map(|kind| format!("{name}.{kind}"));
        create(brokers, &outputs.each_ref().map(|topic| (topic.as_str(), 1)));
        let [alerts, shadow, rejects, journal] = &outputs;
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("goshawk.toml");
        let text = format!(
            "{settings}\n[kafka]\nbrokers = \"{brokers}\"\ngroup_id = \"{name}\"\n[kafka.topics]\n\
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
        Self {
            process: Running(process),
            alerts: alerts.clone(),
            folder,
            brokers: brokers.to_owned(),
            journal: journal.clone(),
            log,
        }
    }

    /// Number of the process.
    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Follows the journal until committed steps cover so many records. The marks are of every
    /// step: the first is the first sign of work.
    pub fn follow(&mut self, records: u64) -> Vec<Mark> {
        let tail = reader(&self.brokers, &self.journal, 1);
        let started = Instant::now();
        let mut marks: Vec<Mark> = Vec::new();
        let mut covered = 0;
        while covered < records {
            let told = || std::fs::read_to_string(&self.log).unwrap_or_default();
            let ended = self.process.0.try_wait().expect("ours");
            assert!(ended.is_none(), "it ended:\n{}", told());
            assert!(started.elapsed() < GIVE_UP, "{covered} of {records}:\n{}", told());
            let Some(polled) = tail.poll(Duration::from_millis(100)) else { continue };
            let message = polled.expect("a record");
            let body = message.payload().unwrap_or_default();
            // The journal also holds records of other kinds.
            let Ok(step) = serde_json::from_slice::<JournalRecord>(body) else { continue };
            covered += step.runs.iter().map(|run| (run.to - run.from) as u64).sum::<u64>();
            marks.push(Mark { covered, at: Instant::now(), cpu_s: cpu_s(self.process.0.id()) });
        }
        marks
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        let pid = self.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        let ended = self.process.0.wait().expect("ours");
        assert!(sent.success() && ended.success(), "a bad end");
    }
}
