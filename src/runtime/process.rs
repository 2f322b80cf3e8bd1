//! `run`, from start to end: rules, HTTP, leadership, recovery, the pipeline, and leaving in good
//! order.
//!
//! The order of starting: nothing is written before leadership is held; opening the sink fences
//! whoever led before; only then is the journal read, so that it cannot grow meanwhile. The order
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
use super::ready::{self, Ready, guarantee, settings};
use super::recovery::read::JournalReader;
use super::recovery::replay::{Rebuilding, Rebuilt, replay};
use super::recovery::{self, Recovery, RecoveryError};
use super::reload::watch::{Pack, Watched, Watching};
use super::reload::{Candidate, Changes, Pending};
use super::stop::{self, Stop, Why};
use super::trial::Trials;
use crate::engine::{Engine, EngineConfig};
use crate::http::read_side::ReadSide;
use crate::http::{HttpConfig, HttpServer};
use crate::rules::plan::Plan;
use crate::sink::SinkError;
use crate::sink::kafka::{KafkaSink, StreamTopics};
use crate::source::SourceError;
use crate::source::kafka::KafkaSource;
use crate::source::kafka::client::KafkaSettings;
use crate::source::kafka::journal::KafkaJournal;
use crate::telemetry::Telemetry;
use crate::telemetry::event::{PackInForce, PhaseChanged, Stopped};
use crate::telemetry::phase::Phase;
use crate::wire::decode::{DecodeConfig, Decoder};
use crate::wire::encode::privacy::Privacy;
use crate::wire::encode::{EncodeConfig, Encoder, PackName};

/// How often leadership is looked at while waiting.
const LOOK: Duration = Duration::from_millis(20);
/// How often a long wait says that it goes on.
const TELL: Duration = Duration::from_secs(5);

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
    let leadership =
        Leadership::seek(&settings, &config.kafka.topics.journal, guarantee(config), stop.clone())
            .map_err(|error| RunError::Kafka(error.to_string()))?;
    shown.phase(Phase::Waiting);
    let mut told = Instant::now();
    while !leadership.is_held() && stop.go_on() {
        std::thread::sleep(LOOK);
        if told.elapsed() >= TELL {
            told = Instant::now();
            tracing::info!("waiting: another process leads");
        }
    }
    let outcome =
        if stop.go_on() { work(config, &settings, pack, encoder, shown, stop) } else { Ok(()) };
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

fn work(
    config: &Config,
    settings: &KafkaSettings,
    pack: Pack,
    mut encoder: Encoder,
    shown: &Shown,
    stop: &Stop,
) -> Result<(), RunError> {
    shown.phase(Phase::Recovering);
    let topics = &config.kafka.topics;
    let inputs = topics.inputs();
    let go_on = || stop.go_on();
    let streams = StreamTopics {
        alerts: topics.alerts.clone(),
        shadow: topics.shadow.clone(),
        rejects: topics.rejects.clone(),
        journal: topics.journal.clone(),
    };
    let mut sink = KafkaSink::open(settings, guarantee(config), streams, inputs.clone(), &go_on)?;
    let log = KafkaJournal::open(settings, &topics.journal)
        .map_err(|error| RecoveryError::Kafka(error.to_string()))?;
    let mut journal = JournalReader::open(log, &topics.journal, &go_on)?;
    let (extent, early) = journal.extent(&inputs)?;
    let committed = sink.committed_of(&inputs, &go_on)?;
    let Recovery { starts, steps, next_step, tally } =
        recovery::decide(extent, &committed, config.delivery, &settings.group_id)?;
    let decoder = Decoder::new(DecodeConfig { zone: zone(config)?, skew_ms: config.skew });
    let mut source = KafkaSource::open(settings, inputs.clone(), starts, decoder, &go_on)?;
    let pool = Pool::new(config.threads).map_err(system)?;
    let findings = config.findings.as_deref().map(|path| {
        let unmade = |cause| RunError::System(format!("findings: {}: {cause}", path.display()));
        FindingsFile::create(path).map_err(unmade)
    });
    let findings = findings.transpose()?;
    let placed = EngineConfig { hash_key: encoder.hash_key(), ..engine_config(config, &pool)? };
    let mut engine = Engine::new(placed, Arc::clone(&pack.plan));
    let mut trials = Trials::new(&engine);
    // A journal that has lost its beginning tells a pack's files after its first steps.
    let mut packs = early;
    let Rebuilt { recovered, last_change } = replay(
        &mut journal,
        steps,
        &inputs,
        &mut source,
        Rebuilding { engine: &mut engine, trials: &mut trials, packs: &mut packs },
        &pool,
        &shown.telemetry,
        &go_on,
    )?;
    drop(journal);
    shown.telemetry.emit(recovered);
    // A pack that was promoted stays in force until the folders change.
    let promoted = last_change
        .filter(|change| change.folder.as_ref() == Some(&pack.plan.pack_sha256))
        .and_then(|change| packs.pack(&change.to));
    let in_force = promoted.unwrap_or_else(|| pack.clone());
    if next_step > 1 {
        in_force.plan.follows(engine.plan()).map_err(RecoveryError::Rules)?;
    }
    // The first step says under which rules this process goes on, and has them with it.
    let before = packs.files(&engine.plan().pack_sha256).map(<[_]>::to_vec);
    let changes = before
        .as_ref()
        .map_or_else(Changes::default, |files| Changes::between(files, &in_force.files));
    let before = before
        .map_or_else(|| in_force.clone(), |files| Pack { plan: Arc::clone(engine.plan()), files });
    drop(packs);
    let pending = Arc::new(Pending::default());
    let folder = &pack.plan.pack_sha256;
    pending.put(Candidate {
        plan: Arc::clone(&in_force.plan),
        files: in_force.files.clone(),
        by: "start",
        who: None,
        folder: Some(folder.clone()).filter(|folder| *folder != in_force.plan.pack_sha256),
        changes,
        superseded: Vec::new(),
    });
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
    shown.phase(Phase::Running);
    let parts = Parts {
        engine: &mut engine,
        fork: &pool,
        encoder: &mut encoder,
        trials: &mut trials,
        state_max: config.shadow.state_max_mib.saturating_mul(1 << 20),
        pending: &pending,
        findings,
        telemetry: &shown.telemetry,
        read_side: &shown.read_side,
        stop,
        lag: Some(source.lag()),
        next_step,
        tally,
        reconcile_every: Duration::from_millis(config.reconcile_every.max(1) as u64),
    };
    pipeline::run(parts, &mut source, &mut sink)?;
    Ok(())
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
        pack: PackName { id: plan.pack_id.clone(), sha256: plan.pack_sha256.clone() },
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

pub(super) fn system(error: impl std::fmt::Display) -> RunError {
    RunError::System(error.to_string())
}
