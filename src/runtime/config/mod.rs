//! Configuration: one TOML file, environment variables and command-line settings on top.
//!
//! [`load`] layers them and answers every problem at once: an unknown key with its line, column and
//! the nearest known one; a value of the wrong kind with what was expected and what was found; a
//! bound. [`Config::require_runnable`] asks the questions that have no default. [`show::table`]
//! prints every effective value with secrets hidden.
//!
//! Environment: `GOSHAWK_` and the key in capitals with `_` for `.`, for example
//! `GOSHAWK_KAFKA_BROKERS`; `GOSHAWK_KAFKA_PROPERTIES_SASL_PASSWORD` sets librdkafka's
//! `sasl.password`.

pub mod duration;
mod file;
mod kind;
mod layer;
mod problem;
pub mod show;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::model::time::Millis;
use crate::telemetry::logs;
pub use layer::load;
pub use problem::ConfigProblem;

/// Everything that can be set. Fields without a sensible default are optional here and asked for by
/// [`Config::require_runnable`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the bank or business whose payments these are; part of every alert's id.
    pub tenant: String,
    /// Zone of times without offset, of written times, and of the day's turn.
    pub zone: String,
    /// Folder for what the process keeps on disk.
    pub state: PathBuf,
    /// Folder of the rule pack; absent: the pack that ships with the program.
    pub rules: Option<PathBuf>,
    /// Folders of overlays: an institution's own changes to the rules, each with its manifest.
    pub overlays: Vec<PathBuf>,
    /// How often the folders are looked at for other rules while running; 0: only when asked.
    #[serde(with = "duration")]
    pub rules_poll: Millis,
    /// File for every finding as CSV, before episodes make alerts of it, for measuring and
    /// comparing: written anew by each start, and no part of any guarantee. Absent: none.
    pub findings: Option<PathBuf>,
    /// How often the journal says what became of all records.
    #[serde(with = "duration")]
    pub reconcile_every: Millis,
    /// A whole pack on trial beside the one in force.
    pub shadow: Shadow,
    /// Threads of the engine; 0: one per core.
    pub threads: usize,
    /// How late an event may come and still be in order.
    #[serde(with = "duration")]
    pub lateness: Millis,
    /// How far an event's time may lie after its record's timestamp.
    #[serde(with = "duration")]
    pub skew: Millis,
    /// What is promised about alerts when something dies.
    pub delivery: Delivery,
    /// Name of this process in message headers; absent: the host's name.
    pub instance: Option<String>,
    /// Snapshots of the state.
    pub snapshots: Snapshots,
    /// The broker and its topics.
    pub kafka: Kafka,
    /// Who may be recognised in a message.
    pub privacy: PrivacyChoice,
    /// Metrics and health.
    pub http: Http,
    /// Logs.
    pub log: Log,
}

/// `[shadow]`: a pack whose alerts go to the shadow topic only, compared with the pack in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shadow {
    /// Folder of its rules; absent: that of the pack in force.
    pub rules: Option<PathBuf>,
    /// Folders of its overlays, all of them: those of the pack in force do not count.
    pub overlays: Vec<PathBuf>,
    /// What the state may take, in MiB, for a pack to be taken on trial: it takes as much again.
    pub state_max_mib: usize,
}

/// The delivery guarantee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Alerts, rejects, journal and offsets in one transaction.
    ExactlyOnce,
    /// Idempotent producer, offsets after acknowledgement: a repeat is possible, a loss is not.
    AtLeastOnce,
}

/// `[kafka]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kafka {
    /// Bootstrap servers, comma-separated.
    pub brokers: String,
    /// Consumer group under which offsets are committed.
    pub group_id: String,
    /// Transactional id; absent: the group's name. Two processes of one group must share it.
    pub transactional_id: Option<String>,
    /// How long a leader may be silent before another process takes over. Brokers usually allow no
    /// less than 6 s (`group.min.session.timeout.ms`).
    #[serde(with = "duration")]
    pub session_timeout: Millis,
    /// File that holds the current OAUTHBEARER token; read again before each expires.
    pub oauth_token_file: Option<PathBuf>,
    /// Topic names.
    pub topics: Topics,
    /// librdkafka properties of every client.
    pub properties: BTreeMap<String, String>,
    /// librdkafka properties of consumers, over `properties`.
    pub consumer: BTreeMap<String, String>,
    /// librdkafka properties of producers, over `properties`.
    pub producer: BTreeMap<String, String>,
}

/// `[kafka.topics]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topics {
    /// `payment.v1`.
    pub payments: Vec<String>,
    /// `account.v1`.
    pub accounts: Vec<String>,
    /// `list.v1`.
    pub lists: Vec<String>,
    /// `control.v1`.
    pub controls: Vec<String>,
    /// `registry.v1`.
    pub registry: Vec<String>,
    /// `feedback.v1`.
    pub feedback: Vec<String>,
    /// Alerts of live rules.
    pub alerts: String,
    /// Alerts of shadow rules.
    pub shadow: String,
    /// Records that could not become events.
    pub rejects: String,
    /// One record per committed step; one partition.
    pub journal: String,
}

/// `[snapshots]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Snapshots {
    /// How often one is taken; 0: never, and none is loaded.
    #[serde(with = "duration")]
    pub interval: Millis,
    /// How many whole ones are kept.
    pub keep: usize,
    /// Their folder; absent: `snapshots` in `state`.
    pub folder: Option<PathBuf>,
    /// Address of an object store to keep them in instead, such as `s3://bucket/folder`; its
    /// credentials come from the environment.
    pub object_store: Option<String>,
}

/// `[privacy]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacyChoice {
    /// The profile; must be chosen.
    pub profile: Option<Profile>,
    /// File with the tokens' key, 64 hex digits; the first start makes it.
    pub key_file: Option<PathBuf>,
    /// Environment variable with the key.
    pub key_env: Option<String>,
    /// Public name of the key; absent: derived from it.
    pub key_id: Option<String>,
}

/// The privacy profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Tokens and display masks.
    Masked,
    /// Numbers and names as they came.
    Clear,
}

/// `[http]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port; empty: none.
    pub listen: String,
    /// File with the bearer token; required when `listen` is not a loopback address.
    pub token_file: Option<PathBuf>,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// A level, or directives of tracing's filter.
    pub level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tenant: "default".to_owned(),
            zone: "Asia/Shanghai".to_owned(),
            state: PathBuf::from("state"),
            rules: None,
            overlays: Vec::new(),
            rules_poll: limits::RULES_POLL_DEFAULT,
            findings: None,
            reconcile_every: limits::RECONCILE_EVERY_DEFAULT,
            shadow: Shadow::default(),
            threads: 0,
            lateness: limits::LATENESS_DEFAULT,
            skew: limits::SKEW_DEFAULT,
            delivery: Delivery::ExactlyOnce,
            instance: None,
            snapshots: Snapshots::default(),
            kafka: Kafka::default(),
            privacy: PrivacyChoice::default(),
            http: Http { listen: "127.0.0.1:9464".to_owned(), token_file: None },
            log: Log::default(),
        }
    }
}

impl Default for Shadow {
    fn default() -> Self {
        let state_max_mib = limits::SHADOW_STATE_MIB_DEFAULT;
        Self { rules: None, overlays: Vec::new(), state_max_mib }
    }
}

impl Default for Snapshots {
    fn default() -> Self {
        Self {
            interval: limits::SNAPSHOT_INTERVAL_DEFAULT,
            keep: limits::SNAPSHOT_KEEP_DEFAULT,
            folder: None,
            object_store: None,
        }
    }
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            group_id: "goshawk".to_owned(),
            transactional_id: None,
            session_timeout: limits::SESSION_TIMEOUT_DEFAULT,
            oauth_token_file: None,
            topics: Topics::default(),
            properties: BTreeMap::new(),
            consumer: BTreeMap::new(),
            producer: BTreeMap::new(),
        }
    }
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            payments: vec!["payments".to_owned()],
            accounts: Vec::new(),
            lists: Vec::new(),
            controls: Vec::new(),
            registry: Vec::new(),
            feedback: Vec::new(),
            alerts: "alerts".to_owned(),
            shadow: "alerts.shadow".to_owned(),
            rejects: "rejects".to_owned(),
            journal: "goshawk.journal".to_owned(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Config::default().http
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

impl Topics {
    /// Every input topic, once, in order of name: the order that steps and positions go by.
    #[must_use]
    pub fn inputs(&self) -> Vec<String> {
        let events = [&self.payments, &self.accounts, &self.lists, &self.controls];
        let more = [&self.registry, &self.feedback];
        let mut all: Vec<String> = events.into_iter().chain(more).flatten().cloned().collect();
        all.sort();
        all.dedup();
        all
    }

    /// Every output topic.
    #[must_use]
    pub fn outputs(&self) -> [&String; 4] {
        [&self.alerts, &self.shadow, &self.rejects, &self.journal]
    }
}

impl Kafka {
    /// The transactional id in force.
    #[must_use]
    pub fn transactional_id(&self) -> &str {
        self.transactional_id.as_deref().unwrap_or(&self.group_id)
    }
}

impl Config {
    /// What is out of bounds in itself, whatever the command.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut must = |holds: bool, text: String| {
            if !holds {
                problems.push(text);
            }
        };
        must(!self.tenant.trim().is_empty(), "tenant must not be empty".to_owned());
        must(
            jiff::tz::TimeZone::get(&self.zone).is_ok(),
            format!("zone: no zone is called {:?}", self.zone),
        );
        must(
            (0..=limits::LATENESS_MAX).contains(&self.lateness),
            format!("lateness: at most {}", duration::text(limits::LATENESS_MAX)),
        );
        must(self.skew >= 0, "skew must not be negative".to_owned());
        must(self.reconcile_every > 0, "reconcile_every must be positive".to_owned());
        must(self.rules_poll >= 0, "rules_poll must not be negative".to_owned());
        must(self.snapshots.interval >= 0, "snapshots.interval must not be negative".to_owned());
        must((1..=1_000).contains(&self.snapshots.keep), "snapshots.keep: 1 to 1000".to_owned());
        must(
            self.snapshots.object_store.is_none() || cfg!(feature = "object-store"),
            "snapshots.object_store: this program was built without the feature object-store"
                .to_owned(),
        );
        must(
            self.snapshots.object_store.is_none() || self.snapshots.folder.is_none(),
            "snapshots: either folder or object_store".to_owned(),
        );
        must(self.threads <= 256, "threads: at most 256".to_owned());
        must(
            limits::SESSION_TIMEOUT_RANGE.contains(&self.kafka.session_timeout),
            "kafka.session_timeout must lie between 100ms and 1h".to_owned(),
        );
        must(!self.kafka.group_id.is_empty(), "kafka.group_id must not be empty".to_owned());
        must(
            !self.kafka.topics.payments.is_empty(),
            "kafka.topics.payments must name a topic".to_owned(),
        );
        let inputs = self.kafka.topics.inputs();
        for output in self.kafka.topics.outputs() {
            must(
                !inputs.contains(output),
                format!("kafka.topics: {output:?} is an input and an output"),
            );
        }
        must(!self.kafka.brokers.trim().is_empty(), "kafka.brokers must not be empty".to_owned());
        if let Err(error) = logs::read_filter(&self.log.level) {
            problems.push(format!("log.level: {error}"));
        }
        if let Some(problem) = http_problem(&self.http) {
            problems.push(problem);
        }
        problems
    }

    /// What `run` needs beyond [`Config::problems`]: choices that have no default.
    #[must_use]
    pub fn require_runnable(&self) -> Vec<String> {
        let mut problems = self.problems();
        let privacy = &self.privacy;
        match privacy.profile {
            None => problems.push(
                "privacy.profile is not chosen: \"masked\" (tokens and masks, with key_file or \
                 key_env) or \"clear\" (numbers and names as they came)"
                    .to_owned(),
            ),
            Some(Profile::Masked) if privacy.key_file.is_none() == privacy.key_env.is_none() => {
                problems.push(
                    "privacy.profile = \"masked\" needs key_file or key_env, one of them"
                        .to_owned(),
                );
            }
            Some(Profile::Masked | Profile::Clear) => {}
        }
        problems
    }

    /// Folder of the snapshots.
    #[must_use]
    pub fn snapshot_folder(&self) -> PathBuf {
        self.snapshots.folder.clone().unwrap_or_else(|| self.state.join("snapshots"))
    }

    /// The path of a file setting, relative to the configuration file's folder.
    pub(super) fn anchor(&mut self, folder: &Path) {
        let anchored = [
            Some(&mut self.state),
            self.rules.as_mut(),
            self.findings.as_mut(),
            self.shadow.rules.as_mut(),
            self.snapshots.folder.as_mut(),
            self.privacy.key_file.as_mut(),
            self.http.token_file.as_mut(),
            self.kafka.oauth_token_file.as_mut(),
        ];
        for path in anchored
            .into_iter()
            .flatten()
            .chain(&mut self.overlays)
            .chain(&mut self.shadow.overlays)
        {
            *path = folder.join(&*path);
        }
    }
}

fn http_problem(http: &Http) -> Option<String> {
    if http.listen.is_empty() {
        return None;
    }
    let Ok(address) = http.listen.parse::<std::net::SocketAddr>() else {
        return Some(format!("http.listen: {:?} is not an address and port", http.listen));
    };
    (!address.ip().is_loopback() && http.token_file.is_none()).then(|| {
        "http.listen is not a loopback address: token_file must be set, so that not everybody reads"
            .to_owned()
    })
}

#[cfg(test)]
mod tests;
