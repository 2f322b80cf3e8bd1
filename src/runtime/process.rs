//! `run`, from start to end: rules, HTTP, following, leadership, the pipeline, and leaving in good
//! order.
//!
//! The order of starting: nothing is written before leadership is held; see
//! [`standby`](super::standby) for what happens until then, and how it is taken. The order
//! of stopping: reading ends, what was read is scored and committed, leadership is left, HTTP ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::Config;
use super::error::RunError;
use super::findings::FindingsFile;
use super::fork::Pool;
use super::leader::Leadership;
use super::pipeline::{self, Parts};
use super::reach;
use super::ready::{self, Ready, settings};
use super::recovery::RecoveryError;
use super::recovery::replay::{Far, Rebuilt};
use super::reload::Pending;
use super::reload::book::Book;
use super::reload::watch::{Pack, Watched, Watching};
use super::rolling::start as snapshots;
use super::standby::{Brokers, First, Follower, Led, Terms, Tools, Turn};
use super::stop::{self, Stop, Why};
use crate::engine::EngineConfig;
use crate::http::read_side::ReadSide;
use crate::http::{HttpConfig, HttpServer};
use crate::model::entity::HashKey;
use crate::rules::plan::Plan;
use crate::sink::SinkError;
use crate::sink::kafka::connection::KafkaWriter;
use crate::sink::kafka::{Guarantee, StreamTopics};
use crate::snapshot::Store;
use crate::source::SourceError;
use crate::source::kafka::client::KafkaSettings;
use crate::source::kafka::connection::KafkaLog;
use crate::source::kafka::journal::KafkaJournal;
use crate::telemetry::Telemetry;
use crate::telemetry::event::{PackInForce, PhaseChanged, Stopped};
use crate::telemetry::phase::Phase;
use crate::wire::decode::DecodeConfig;
use crate::wire::encode::privacy::Privacy;
use crate::wire::encode::{EncodeConfig, Encoder, PackName};

/// How often a process that stands by says so.
const TELL: Duration = Duration::from_secs(60);

/// Runs until asked to stop.
///
/// # Errors
/// [`RunError`].
pub fn run(config: &Config) -> Result<(), RunError> {
    let stop = Stop::default();
    stop::on_signals(&stop).map_err(system)?;
    let Ready { plan, files, privacy, http_token } = ready::prepare(config)?;
    let telemetry = Arc::new(Telemetry::new().map_err(system)?);
    let instance = instance(config);
    let read_side = Arc::new(ReadSide::new(&instance));
    let http = http(config, http_token, &read_side, &telemetry)?;
    let encoder = encoder(config, &plan, privacy, instance)?;
    let shown = Shown { telemetry, read_side };
    shown.telemetry.emit(PackInForce {
        id: &plan.pack_id,
        sha256: &plan.pack_sha256,
        rules: plan.rules.iter().map(|rule| rule.id.as_str()).collect(),
    });
    shown.read_side.set_pack(&plan.pack_id, &plan.pack_sha256);
    shown.read_side.rules.set_pending(&plan.pack_sha256);
    let outcome = lead(config, Pack { plan, files }, encoder, &shown, &stop);
    match &outcome {
        Ok(()) => shown.phase(Phase::Stopping),
        Err(error) => {
            shown.read_side.set_phase(Phase::Failed);
            shown.telemetry.emit(Stopped { cause: &error.to_string() });
        }
    }
    if let Some(http) = http {
        http.stop();
    }
    outcome
}

/// Where it is told what the process does.
struct Shown {
    telemetry: Arc<Telemetry>,
    read_side: Arc<ReadSide>,
}

impl Shown {
    fn phase(&self, phase: Phase) {
        self.read_side.set_phase(phase);
        self.telemetry.emit(PhaseChanged(phase));
    }
}

fn lead(
    config: &Config,
    pack: Pack,
    encoder: Encoder,
    shown: &Shown,
    stop: &Stop,
) -> Result<(), RunError> {
    let settings = settings(config);
    let topics = &config.kafka.topics;
    let inputs = topics.inputs();
    let needed: Vec<&String> = inputs.iter().chain(topics.outputs()).collect();
    match reach::await_brokers(&settings, &needed, &|| stop.go_on()) {
        Err(RunError::Source(SourceError::Stopped)) => return Ok(()),
        reached => reached?,
    }
    let pool = Pool::new(config.threads).map_err(system)?;
    let terms = terms(config, &settings, &pool, encoder.hash_key())?;
    let guarantee = terms.guarantee();
    let brokers = KafkaBrokers { settings, guarantee, journal: topics.journal.clone() };
    let leadership = Leadership::seek(
        &brokers.settings,
        &topics.journal,
        guarantee,
        config.kafka.session_timeout,
        stop.clone(),
    )
    .map_err(kafka)?;
    let go_on = || stop.go_on();
    let store = snapshots::store(config);
    let tools = Tools {
        fork: &pool,
        telemetry: &shown.telemetry,
        snapshots: store.as_deref(),
        go_on: &go_on,
        show: &|Far { done, of, left_s }| shown.read_side.set_recovery(done, of, left_s),
    };
    let led = follow(&brokers, &terms, tools, &leadership, Arc::clone(&pack.plan), shown);
    let outcome = match led {
        Ok(Some(led)) => {
            let taken = store.map(|store| (store, &terms.engine));
            work(config, led, &pool, pack, encoder, taken, shown, stop)
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    // Leaving first lets the successor begin while this process ends.
    leadership.leave();
    match (outcome, stop.why()) {
        // Being asked to stop while still recovering is no failure.
        (Err(RunError::Recovery(RecoveryError::Stopped)), Some(Why::Asked))
        | (Err(RunError::Sink(SinkError::Stopped)), Some(Why::Asked))
        | (Err(RunError::Source(SourceError::Stopped)), Some(Why::Asked)) => Ok(()),
        (Ok(()) | Err(RunError::Source(SourceError::Stopped)), Some(Why::LeadershipLost)) => {
            Err(RunError::LeadershipLost)
        }
        (outcome, _) => outcome,
    }
}

/// Follows until leadership comes, and takes over; `None` when it was asked to stop before.
fn follow(
    brokers: &KafkaBrokers,
    terms: &Terms,
    tools: Tools<'_>,
    leadership: &Leadership,
    plan: Arc<Plan>,
    shown: &Shown,
) -> Result<Option<Led<KafkaBrokers>>, RunError> {
    shown.phase(Phase::Recovering);
    let began = Instant::now();
    let mut follower = Follower::open(brokers, terms, tools, plan)?;
    shown.telemetry.emit(follower.tell(began.elapsed()));
    let mut told = None;
    while !leadership.is_held() && (tools.go_on)() {
        if told.is_none() {
            shown.phase(Phase::Standby);
        }
        if told.is_none_or(|told: Instant| told.elapsed() >= TELL) {
            told = Some(Instant::now());
            tracing::info!(step = follower.step(), "waiting: another process leads");
        }
        let pack = Arc::clone(follower.plan());
        if follower.follow()? == Turn::Moved && !Arc::ptr_eq(&pack, follower.plan()) {
            let (id, sha256) = (&follower.plan().pack_id, &follower.plan().pack_sha256);
            let rules = follower.plan().rules.iter().map(|rule| rule.id.as_str()).collect();
            shown.telemetry.emit(PackInForce { id, sha256, rules });
            shown.read_side.set_pack(id, sha256);
        }
        shown.telemetry.set_followed(follower.step(), follower.behind());
        shown.read_side.set_behind(follower.behind());
    }
    if !(tools.go_on)() {
        return Ok(None);
    }
    if told.is_some() {
        shown.phase(Phase::Recovering);
    }
    follower.lead().map(Some)
}

fn work(
    config: &Config,
    led: Led<KafkaBrokers>,
    pool: &Pool,
    pack: Pack,
    mut encoder: Encoder,
    snapshots: Option<(Arc<dyn Store>, &EngineConfig)>,
    shown: &Shown,
    stop: &Stop,
) -> Result<(), RunError> {
    let First { candidate, in_force, before } = led.first_rules(&pack)?;
    let book = Book::after(&before.plan.pack_sha256, &before.files);
    let Led { mut sink, mut source, state, next_step, stands, tally, recovered, .. } = led;
    let Rebuilt { mut engine, mut trials, .. } = state;
    let findings = config.findings.as_deref().map(|path| {
        let unmade = |cause| RunError::System(format!("findings: {}: {cause}", path.display()));
        FindingsFile::create(path).map_err(unmade)
    });
    let findings = findings.transpose()?;
    shown.telemetry.emit(recovered);
    let pending = Arc::new(Pending::default());
    pending.put(candidate);
    let _watching = Watching::start(Watched {
        config: config.clone(),
        folder: pack,
        in_force,
        before,
        pending: Arc::clone(&pending),
        telemetry: Arc::clone(&shown.telemetry),
        read_side: Arc::clone(&shown.read_side),
    })
    .map_err(system)?;
    let taking = snapshots.map(|(store, engine)| {
        snapshots::take(config, engine, store, &shown.telemetry, &stands, next_step)
    });
    let (_writing, roller) = taking.transpose()?.unzip();
    shown.phase(Phase::Running);
    let parts = Parts {
        engine: &mut engine,
        fork: pool,
        encoder: &mut encoder,
        trials: &mut trials,
        state_max: config.shadow.state_max_mib.saturating_mul(1 << 20),
        book,
        pending: &pending,
        findings,
        telemetry: &shown.telemetry,
        read_side: &shown.read_side,
        stop,
        lag: Some(source.lag()),
        snapshots: roller,
        next_step,
        tally,
        reconcile_every: Duration::from_millis(config.reconcile_every.max(1) as u64),
    };
    pipeline::run(parts, &mut source, &mut sink)?;
    Ok(())
}

/// Real brokers.
#[derive(Clone, Debug)]
pub struct KafkaBrokers {
    /// How clients are made.
    pub settings: KafkaSettings,
    /// What the sink promises.
    pub guarantee: Guarantee,
    /// Name of the journal's topic.
    pub journal: String,
}

impl Brokers for KafkaBrokers {
    type Log = KafkaLog;
    type Journal = KafkaJournal;
    type Writer = KafkaWriter;

    fn log(&self, topics: &[String]) -> Result<KafkaLog, RunError> {
        KafkaLog::open(&self.settings, topics).map_err(kafka)
    }

    fn journal(&self) -> Result<KafkaJournal, RunError> {
        KafkaJournal::open(&self.settings, &self.journal).map_err(kafka)
    }

    fn writer(&self) -> Result<KafkaWriter, RunError> {
        KafkaWriter::open(&self.settings, self.guarantee).map_err(kafka)
    }
}

fn terms(
    config: &Config,
    settings: &KafkaSettings,
    pool: &Pool,
    hash_key: HashKey,
) -> Result<Terms, RunError> {
    let topics = &config.kafka.topics;
    Ok(Terms {
        inputs: topics.inputs(),
        streams: StreamTopics {
            alerts: topics.alerts.clone(),
            shadow: topics.shadow.clone(),
            rejects: topics.rejects.clone(),
            journal: topics.journal.clone(),
        },
        delivery: config.delivery,
        group: settings.group_id.clone(),
        transactional_id: settings.transactional_id.clone(),
        decode: DecodeConfig { zone: zone(config)?, skew_ms: config.skew },
        engine: EngineConfig { hash_key, ..engine_config(config, pool)? },
    })
}

pub(super) fn zone(config: &Config) -> Result<jiff::tz::TimeZone, RunError> {
    jiff::tz::TimeZone::get(&config.zone).map_err(system)
}

pub(super) fn engine_config(config: &Config, pool: &Pool) -> Result<EngineConfig, RunError> {
    // Days turn at one fixed offset, so that a day's number never depends on when it is asked for:
    // the zone's offset without summer time, as of a fixed day in January.
    let january = jiff::Timestamp::from_second(1_767_225_600).map_err(system)?;
    let offset = zone(config)?.to_offset(january);
    Ok(EngineConfig {
        threads: pool.threads(),
        lateness_ms: config.lateness,
        report_findings: config.findings.is_some(),
        utc_offset_ms: i64::from(offset.seconds()) * 1_000,
        ..EngineConfig::for_tenant(&config.tenant)
    })
}

pub(super) fn encoder(
    config: &Config,
    plan: &Plan,
    privacy: Privacy,
    instance: String,
) -> Result<Encoder, RunError> {
    Ok(Encoder::new(EncodeConfig {
        tenant: config.tenant.clone(),
        instance,
        source_system: "goshawk".to_owned(),
        topics: config.kafka.topics.inputs(),
        privacy,
        pack: PackName::of(plan),
        zone: zone(config)?,
    }))
}

fn http(
    config: &Config,
    token: Option<String>,
    read_side: &Arc<ReadSide>,
    telemetry: &Arc<Telemetry>,
) -> Result<Option<HttpServer>, RunError> {
    if config.http.listen.is_empty() {
        return Ok(None);
    }
    let listen = config.http.listen.parse().map_err(system)?;
    let server = HttpServer::start(
        &HttpConfig { listen, token },
        Arc::clone(read_side),
        Arc::clone(telemetry),
    )?;
    Ok(Some(server))
}

fn instance(config: &Config) -> String {
    let host = || std::fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned());
    config.instance.clone().or_else(host).unwrap_or_else(|| "goshawk".to_owned())
}

pub(super) fn kafka(error: impl std::fmt::Display) -> RunError {
    RunError::Kafka(error.to_string())
}

pub(super) fn system(error: impl std::fmt::Display) -> RunError {
    RunError::System(error.to_string())
}
