//! What a Kafka test works with: topics of its own, a configuration, processes, and reading back.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use goshawk::wire::journal::{self, Entry, JournalRecord};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::broker::{Broker, broker};

/// How long anything may take before a test gives up.
pub const LONG: Duration = Duration::from_secs(60);

/// A record read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub key: Option<Vec<u8>>,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// The program, copied: a build going on beside the tests must not change what is tested.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let prefix = "goshawk-under-test-";
    for old in std::fs::read_dir(folder).expect("cargo made it").flatten() {
        let name = old.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(prefix).map(|pid| Path::new("/proc").join(pid));
        if owner.is_some_and(|owner| !owner.exists()) {
            let _ = std::fs::remove_file(old.path());
        }
    }
    let copy = folder.join(format!("{prefix}{}", std::process::id()));
    std::fs::copy(env!("CARGO_BIN_EXE_goshawk"), &copy).expect("copies");
    copy
});

/// The program under test.
pub fn program() -> Command {
    let mut command = Command::new(&*PROGRAM);
    command.env_remove("GOSHAWK_CONFIG").stdin(Stdio::null());
    command
}

/// Held by a test for as long as it needs the broker alive; exclusively by one that kills it.
static ALIVE: RwLock<()> = RwLock::new(());

/// Keeps the broker alive, or to oneself.
pub enum Claim {
    Shared {
        _guard: RwLockReadGuard<'static, ()>,
    },
    /// It has one of its own.
    Own,
    Alone {
        _guard: RwLockWriteGuard<'static, ()>,
    },
}

/// Topics and a configuration of one test.
pub struct Lab {
    _claim: Claim,
    pub broker: &'static Broker,
    pub name: String,
    pub folder: tempfile::TempDir,
    producer: BaseProducer,
    started: AtomicU32,
}

impl Lab {
    /// A lab with `partitions` of payments; `None`: skip.
    pub fn open(test: &str, partitions: i32) -> Option<Self> {
        let _guard = ALIVE.read().unwrap_or_else(PoisonError::into_inner);
        Self::with(test, partitions, Claim::Shared { _guard })
    }

    /// A lab that may kill the broker.
    pub fn alone(test: &str, partitions: i32) -> Option<Self> {
        let _guard = ALIVE.write().unwrap_or_else(PoisonError::into_inner);
        Self::with(test, partitions, Claim::Alone { _guard })
    }

    /// A lab on brokers of its own.
    pub fn on(test: &str, partitions: i32, broker: &'static Broker) -> Self {
        Self::at(test, partitions, Claim::Own, broker)
    }

    fn with(test: &str, partitions: i32, claim: Claim) -> Option<Self> {
        Some(Self::at(test, partitions, claim, broker(test)?))
    }

    fn at(test: &str, partitions: i32, claim: Claim, broker: &'static Broker) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // A broker of somebody's own keeps topics from run to run: names must differ.
        let name = format!("{test}-{}", std::process::id());
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &broker.brokers)
            .set("enable.idempotence", "true")
            .set("linger.ms", "2")
            .set("topic.metadata.refresh.interval.ms", "200")
            .create()
            .expect("plain properties");
        let started = AtomicU32::new(0);
        let lab = Self { _claim: claim, broker, name, folder, producer, started };
        let mut topics = vec![(lab.topic("payments"), partitions)];
        topics.extend(["alerts", "shadow", "rejects", "journal"].map(|kind| (lab.topic(kind), 1)));
        lab.create(&topics);
        lab
    }

    pub fn topic(&self, kind: &str) -> String {
        format!("{}.{kind}", self.name)
    }

    fn admin<T>(&self, act: impl AsyncFnOnce(&AdminClient<DefaultClientContext>) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
                .set("bootstrap.servers", &self.broker.brokers)
                .create()
                .expect("plain properties");
            act(&admin).await
        })
    }

    pub fn create(&self, topics: &[(String, i32)]) {
        let replicas = self.broker.replicas;
        let topics: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|(name, count)| {
                // Records here carry times of long ago: the broker would delete them meanwhile.
                NewTopic::new(name, *count, TopicReplication::Fixed(replicas))
                    .set("retention.ms", "-1")
            })
            .collect();
        let made =
            self.admin(async |admin| admin.create_topics(&topics, &AdminOptions::new()).await);
        for outcome in made.expect("the broker answers") {
            outcome.expect("a topic is made");
        }
    }

    /// Creates a topic unless the broker still has one of that name.
    pub fn try_create(&self, kind: &str, partitions: i32) -> bool {
        let topic = self.topic(kind);
        let topics =
            [NewTopic::new(&topic, partitions, TopicReplication::Fixed(1))
                .set("retention.ms", "-1")];
        let made =
            self.admin(async |admin| admin.create_topics(&topics, &AdminOptions::new()).await);
        made.expect("the broker answers").into_iter().all(|outcome| outcome.is_ok())
    }

    pub fn delete(&self, kind: &str) {
        let topic = self.topic(kind);
        let gone =
            self.admin(async |admin| admin.delete_topics(&[&topic], &AdminOptions::new()).await);
        gone.expect("the broker answers").into_iter().for_each(|one| {
            one.expect("a topic is deleted");
        });
    }

    pub fn grow(&self, kind: &str, partitions: usize) {
        let topic = self.topic(kind);
        let grown = [NewPartitions::new(&topic, partitions)];
        let done =
            self.admin(async |admin| admin.create_partitions(&grown, &AdminOptions::new()).await);
        done.expect("the broker answers").into_iter().for_each(|one| {
            one.expect("partitions are added");
        });
    }

    /// The configuration; `more` is added to it.
    pub fn config(&self, more: &str) -> PathBuf {
        let path = self.folder.path().join("goshawk.toml");
        let topic = |kind: &str| self.topic(kind);
        let text = format!(
            "tenant = \"test\"\n{more}\n[kafka]\nbrokers = \"{}\"\ngroup_id = \"{}\"\n\
             [kafka.topics]\npayments = [\"{}\"]\nalerts = \"{}\"\nshadow = \"{}\"\n\
             rejects = \"{}\"\njournal = \"{}\"\n[privacy]\nprofile = \"clear\"\n[http]\nlisten = \"\"\n",
            self.broker.brokers,
            self.name,
            topic("payments"),
            topic("alerts"),
            topic("shadow"),
            topic("rejects"),
            topic("journal"),
        );
        std::fs::write(&path, text).expect("writes");
        path
    }

    /// Starts `goshawk run`.
    pub fn start(&self, more: &str) -> Process {
        self.start_with(more, &[])
    }

    /// Starts `goshawk run` with settings over the configuration's.
    pub fn start_with(&self, more: &str, settings: &[String]) -> Process {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let log = self.folder.path().join(format!("{number}.log"));
        let child = program()
            .arg("run")
            .arg("--config")
            .arg(self.config(more))
            .args(settings.iter().flat_map(|setting| ["--set", setting]))
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("starts");
        Process { child, log }
    }

    /// Sends a record; partition by key if `None`.
    pub fn send(&self, kind: &str, partition: Option<i32>, key: &str, body: &[u8], time_ms: i64) {
        let topic = self.topic(kind);
        let mut record = BaseRecord::to(&topic).key(key).payload(body).timestamp(time_ms);
        if let Some(partition) = partition {
            record = record.partition(partition);
        }
        while let Err((error, back)) = self.producer.send(record) {
            let full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
            assert!(full, "{error}");
            record = back;
            self.producer.poll(Duration::from_millis(1));
        }
    }

    /// Sends a record with headers.
    pub fn send_with(&self, kind: &str, body: &[u8], headers: &BTreeMap<String, String>) {
        let topic = self.topic(kind);
        let mut all = OwnedHeaders::new();
        for (key, value) in headers {
            all = all.insert(Header { key, value: Some(value) });
        }
        let record = BaseRecord::<str, [u8]>::to(&topic).payload(body).headers(all);
        self.producer.send(record).map_err(|(error, _)| error).expect("there is room");
        self.flush();
    }

    /// Deletes a partition's records below an offset, as retention does.
    pub fn delete_before(&self, kind: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        let topic = self.topic(kind);
        list.add_partition_offset(&topic, partition, Offset::Offset(offset)).expect("valid");
        let done = self
            .admin(async |admin| admin.delete_records(&list, &AdminOptions::new()).await)
            .expect("the broker answers");
        done.elements().iter().for_each(|one| one.error().expect("deleted"));
    }

    pub fn flush(&self) {
        let until = Instant::now() + LONG;
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::from_millis(1));
            assert!(Instant::now() < until, "records are not acknowledged");
        }
    }

    /// Everything committed in a topic, by partition and offset.
    pub fn read(&self, kind: &str) -> Vec<Record> {
        self.read_placed(kind).into_iter().map(|(_, record)| record).collect()
    }

    /// The same, each with its offset.
    pub fn read_placed(&self, kind: &str) -> Vec<(i64, Record)> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.broker.brokers)
            .set("group.id", "reader")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "10")
            .create()
            .expect("plain properties");
        let topic = self.topic(kind);
        let metadata = consumer.fetch_metadata(Some(&topic), LONG).expect("the broker answers");
        let partitions = metadata.topics()[0].partitions().len();
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(&topic, partition as i32, Offset::Beginning).expect("valid");
        }
        consumer.assign(&list).expect("assigned");
        let (mut records, mut ended) = (Vec::new(), vec![false; partitions]);
        let until = Instant::now() + LONG;
        while ended.contains(&false) {
            assert!(Instant::now() < until, "{topic} cannot be read to its end");
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    let record = Record {
                        partition: message.partition(),
                        key: message.key().map(<[u8]>::to_vec),
                        headers: message.headers().map(headers).unwrap_or_default(),
                        body: message.payload().unwrap_or_default().to_vec(),
                    };
                    records.push((message.offset(), record));
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => ended[partition as usize] = true,
                Some(Err(_)) | None => {}
            }
        }
        records
    }

    pub fn journal(&self) -> Vec<JournalRecord> {
        let step = |entry| match entry {
            Entry::Step(record) => Some(record),
            Entry::File(_) | Entry::Change(_) | Entry::Shadow(_) | Entry::Reconciliation(_) => None,
        };
        self.entries().into_iter().filter_map(step).collect()
    }

    /// Everything in the journal.
    pub fn entries(&self) -> Vec<Entry> {
        self.placed_entries().into_iter().map(|(_, entry)| entry).collect()
    }

    /// The same, each with its offset.
    pub fn placed_entries(&self) -> Vec<(i64, Entry)> {
        let read = |record: &Record| journal::read(0, &record.body).expect("a record");
        self.read_placed("journal").iter().map(|(at, record)| (*at, read(record))).collect()
    }

    /// Offsets that a topic has given out.
    pub fn written(&self, kind: &str) -> i64 {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.broker.brokers)
            .create()
            .expect("plain properties");
        let topic = self.topic(kind);
        let short = Duration::from_secs(2);
        let asked = || {
            let metadata = consumer.fetch_metadata(Some(&topic), short)?;
            let end = |partition: &rdkafka::metadata::MetadataPartition| {
                consumer.fetch_watermarks(&topic, partition.id(), short).map(|(_, end)| end)
            };
            metadata.topics()[0].partitions().iter().map(end).sum::<Result<i64, KafkaError>>()
        };
        let until = Instant::now() + LONG;
        loop {
            match asked() {
                Ok(written) => return written,
                // A broker that was just lost is asked once more.
                Err(error) => assert!(Instant::now() < until, "{topic}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Records that the journal covers.
    pub fn covered(&self) -> i64 {
        self.journal().iter().flat_map(|record| &record.runs).map(|run| run.to - run.from).sum()
    }
}

fn headers(headers: &rdkafka::message::BorrowedHeaders) -> BTreeMap<String, String> {
    let one = |header: rdkafka::message::Header<'_, &[u8]>| {
        let value = String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned();
        (header.key.to_owned(), value)
    };
    headers.iter().map(one).collect()
}

/// Settings under which a death is soon noticed, and an outage's end too.
pub fn quick() -> Vec<String> {
    [
        "kafka.consumer.session.timeout.ms=1000",
        "kafka.consumer.heartbeat.interval.ms=300",
        "kafka.properties.reconnect.backoff.max.ms=500",
        "reconcile_every=500ms",
    ]
    .map(str::to_owned)
    .into()
}

/// A running program; killed when dropped.
pub struct Process {
    pub child: Child,
    log: PathBuf,
}

impl Process {
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    /// Waits until the log holds a text.
    pub fn await_log(&mut self, text: &str) {
        let until = Instant::now() + LONG;
        while !self.log().contains(text) {
            let gone = self.child.try_wait().expect("ours");
            assert!(gone.is_none(), "ended with {gone:?} before {text:?}:\n{}", self.log());
            assert!(Instant::now() < until, "never said {text:?}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for the end and returns the exit code; `None` if it was killed.
    pub fn end(&mut self) -> Option<i32> {
        let until = Instant::now() + LONG;
        loop {
            if let Some(status) = self.child.try_wait().expect("ours") {
                return status.code();
            }
            assert!(Instant::now() < until, "does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGTERM, and a good end.
    pub fn stop(mut self) {
        self.signal("-TERM");
        assert_eq!(self.end(), Some(0), "{}", self.log());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = format!("log of {}:\n{}\n", self.log.display(), self.log());
            let _ = std::io::stderr().write_all(said.as_bytes());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something holds.
pub fn eventually(what: &str, holds: impl FnMut() -> bool) {
    eventually_within(LONG, what, holds);
}

/// Waits until something holds that may take longer than the rest.
pub fn eventually_within(most: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + most;
    while !holds() {
        assert!(Instant::now() < until, "{what} did not come to hold");
        std::thread::sleep(Duration::from_millis(50));
    }
}
