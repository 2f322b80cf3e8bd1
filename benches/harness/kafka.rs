//! Topics, a reader, and a running `goshawk` that is followed by its journal.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use goshawk::wire::journal::JournalRecord;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::BorrowedMessage;
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
    /// Its configuration.
    pub config: PathBuf,
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
        Self {
            process: run(&config, folder.path(), &log),
            alerts: alerts.clone(),
            config,
            folder,
            brokers: brokers.to_owned(),
            journal: journal.clone(),
            log,
        }
    }

    /// Starts another process of the same configuration, with what it keeps in a folder of its own,
    /// where its log is, too. It stands by while the first is there.
    pub fn another(&self, folder: &Path) -> Running {
        std::fs::create_dir_all(folder).expect("a folder");
        run(&self.config, folder, &folder.join("log"))
    }

    /// Kills the process and starts it again.
    pub fn restart_killed(&mut self) {
        self.process.0.kill().expect("ours");
        self.process.0.wait().expect("ours");
        self.process = run(&self.config, self.folder.path(), &self.log);
    }

    /// A reader of its journal.
    pub fn journal(&self) -> BaseConsumer {
        reader(&self.brokers, &self.journal, 1)
    }

    /// Number of the process.
    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Follows the journal until committed steps cover so many records. The marks are of every
    /// step: the first is the first sign of work.
    pub fn follow(&mut self, records: u64) -> Vec<Mark> {
        let tail = self.journal();
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
            let records = records_of(&message);
            if records == 0 {
                continue;
            }
            covered += records;
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

/// How many records the step of a journal record covers; 0 for records of other kinds.
pub fn records_of(message: &BorrowedMessage<'_>) -> u64 {
    let body = message.payload().unwrap_or_default();
    let Ok(step) = serde_json::from_slice::<JournalRecord>(body) else { return 0 };
    step.runs.iter().map(|run| (run.to - run.from) as u64).sum()
}

fn run(config: &Path, state: &Path, log: &Path) -> Running {
    // What went before stays readable.
    let log = File::options().create(true).append(true).open(log).expect("a log");
    let process = Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .args(["run", "--config"])
        .arg(config)
        .arg("--set")
        .arg(format!("state={}", state.join("state").display()))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("starts");
    Running(process)
}
