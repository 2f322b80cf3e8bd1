//! Every metric and every log event, named once.
//!
//! - [`metric`]: names, kinds, help texts and labels of all metrics; the registry is built from it
//! - [`Telemetry`]: the counters, moved once per step from the engine's own counts; every label is
//!   resolved beforehand, none is looked up per event
//! - [`latency`]: HDR histograms, shown as quantiles and as classic buckets
//! - [`freshness`]: how old the lists are, and which controls will soon end
//! - [`event`]: typed log events; emitting one writes the line and moves its counter together
//! - [`phase`]: what the process is doing, for readiness
//! - [`snapshots`]: figures of snapshots and of recovery
//! - [`logs`]: where log lines go
//!
//! No account, customer or device value is ever a label or, unmasked, part of a line.

pub mod event;
mod freshness;
pub mod latency;
pub mod logs;
pub mod metric;
mod partitions;
pub mod phase;
mod snapshots;
mod step_counts;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::{
    Encoder as _, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder,
};

use crate::engine::contrast::EpisodesCompared;
use crate::engine::{MemoryReport, StepOutput};
use crate::model::alert::{Alert, AlertKind, Severity};
use crate::model::event::{Batch, Body, FeedbackStage, Verdict};
use crate::model::measure::Action;
use crate::model::reject::{Reject, RejectReason};
use crate::model::time::Millis;
use crate::snapshot::manifest::Watched;
use crate::source::Step;
use crate::wire::journal::JournalRun;
use freshness::Freshness;
use latency::Latency;
use metric::Metric;
use partitions::Partitions;
use phase::Phase;
use snapshots::Snapshots;
use step_counts::StepCounts;

/// How one rule may come out, in the order of its counters.
const RESULTS: [&str; 4] = ["hit", "miss", "suppressed", "not_evaluable"];
/// What a report says of which nothing was found out yet.
const NO_VERDICT: &str = "none";
/// Severities in the order of [`Severity`].
const SEVERITIES: [Severity; 4] =
    [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
/// What state is kept for, as [`MemoryReport::entities`] numbers it.
const ENTITIES: [(usize, &str); 5] =
    [(1, "account"), (2, "customer"), (3, "device"), (4, "phone"), (5, "address")];

/// All counters of one process.
#[derive(Debug)]
pub struct Telemetry {
    registry: Registry,
    steps: StepCounts,
    partitions: Mutex<Partitions>,
    rejected: Vec<IntCounter>,
    published: Vec<IntCounter>,
    kinds: Vec<IntCounter>,
    shadow: IntCounter,
    feedback: IntCounterVec,
    rules: IntCounterVec,
    /// Children of `rules` in the plan's order; replaced when a pack takes effect.
    rule_children: Mutex<Vec<[IntCounter; RESULTS.len()]>>,
    pack: IntGaugeVec,
    /// Changes that came into force, and those that were refused.
    rule_changes: [IntCounter; 2],
    rule_compile: GaugeVec,
    shadow_pack: IntGaugeVec,
    shadow_episodes: IntGaugeVec,
    shadow_amount: IntGaugeVec,
    entities: IntGaugeVec,
    state_bytes: IntGauge,
    ledger_entries: IntGauge,
    open_episodes: IntGauge,
    lag_records: IntGaugeVec,
    lag_seconds: GaugeVec,
    queue: IntGaugeVec,
    phases: IntGaugeVec,
    leader: IntGauge,
    standby_behind: GaugeVec,
    followed_step: IntGauge,
    freshness: Mutex<Freshness>,
    snapshots: Snapshots,
    commits: IntCounter,
    commit_failures: IntCounter,
    /// From reading a record to having decided.
    pub decision: Latency,
    /// From reading a record to handing its alert to the sink.
    pub event_to_alert: Latency,
    /// From handing a commit to the sink to its being durable.
    pub commit: Latency,
}

impl Telemetry {
    /// A fresh registry with everything in it at zero.
    ///
    /// # Errors
    /// If two metrics share a name: a mistake in [`metric`].
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let rejected = metric::counters(&registry, Metric::EventsRejected)?;
        let published = metric::counters(&registry, Metric::AlertsPublished)?;
        let kinds = metric::counters(&registry, Metric::AlertRevisions)?;
        let feedback = metric::counters(&registry, Metric::AlertFeedback)?;
        for (stage, _) in FeedbackStage::WORDS {
            feedback.with_label_values(&[stage, NO_VERDICT]);
        }
        let changes = metric::counters(&registry, Metric::RuleChanges)?;
        let build = metric::gauges(&registry, Metric::BuildInfo)?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let telemetry = Self {
            steps: StepCounts::new(&registry)?,
            partitions: Mutex::new(Partitions::new(&registry)?),
            rejected: RejectReason::WORDS
                .iter()
                .map(|(word, _)| rejected.with_label_values(&[word]))
                .collect(),
            published: Action::WORDS
                .iter()
                .flat_map(|(word, _)| SEVERITIES.map(|severity| (*word, severity.word())))
                .map(|(action, severity)| published.with_label_values(&[action, severity]))
                .collect(),
            kinds: AlertKind::WORDS
                .iter()
                .map(|(word, _)| kinds.with_label_values(&[word]))
                .collect(),
            shadow: metric::counter(&registry, Metric::ShadowAlerts)?,
            feedback,
            rules: metric::counters(&registry, Metric::RuleEvaluations)?,
            rule_children: Mutex::new(Vec::new()),
            pack: metric::gauges(&registry, Metric::RulePackInfo)?,
            rule_changes: ["activated", "refused"].map(|word| changes.with_label_values(&[word])),
            rule_compile: metric::float_gauges(&registry, Metric::RuleCompileSeconds)?,
            shadow_pack: metric::gauges(&registry, Metric::ShadowPackInfo)?,
            shadow_episodes: metric::gauges(&registry, Metric::ShadowEpisodes)?,
            shadow_amount: metric::gauges(&registry, Metric::ShadowAmount)?,
            entities: metric::gauges(&registry, Metric::StateEntities)?,
            state_bytes: metric::gauge(&registry, Metric::StateBytes)?,
            ledger_entries: metric::gauge(&registry, Metric::LedgerEntries)?,
            open_episodes: metric::gauge(&registry, Metric::OpenEpisodes)?,
            lag_records: metric::gauges(&registry, Metric::ConsumerLagRecords)?,
            lag_seconds: metric::float_gauges(&registry, Metric::ConsumerLagSeconds)?,
            queue: metric::gauges(&registry, Metric::QueueSteps)?,
            phases: metric::gauges(&registry, Metric::Phase)?,
            leader: metric::gauge(&registry, Metric::Leader)?,
            standby_behind: metric::float_gauges(&registry, Metric::StandbyBehindSeconds)?,
            followed_step: metric::gauge(&registry, Metric::FollowedStep)?,
            freshness: Mutex::new(Freshness::new(&registry)?),
            snapshots: Snapshots::new(&registry)?,
            commits: metric::counter(&registry, Metric::Commits)?,
            commit_failures: metric::counter(&registry, Metric::CommitFailures)?,
            decision: Latency::register(
                &registry,
                Metric::DecisionSeconds,
                Metric::DecisionQuantile,
            )?,
            event_to_alert: Latency::register(
                &registry,
                Metric::EventToAlertSeconds,
                Metric::EventToAlertQuantile,
            )?,
            commit: Latency::register(&registry, Metric::CommitSeconds, Metric::CommitQuantile)?,
            registry,
        };
        telemetry.set_phase(Phase::Starting);
        telemetry.set_rule_compile(Duration::ZERO);
        Ok(telemetry)
    }

    /// Counts what a step brought and what became of it.
    pub fn record_step(&self, step: &Step, output: &StepOutput) {
        self.steps.record(step, output);
        self.record_reference(&step.batch, &output.rejects);
        self.record_feedback(&step.batch, &output.rejects);
        for rejected in &step.rejected {
            self.rejected[rejected.reject.reason as usize].inc();
        }
        for reject in &output.rejects {
            self.rejected[reject.reason as usize].inc();
        }
        let children = self.rule_children.lock().unwrap_or_else(PoisonError::into_inner);
        for (child, counts) in children.iter().zip(&output.rules) {
            child[0].inc_by(counts.hit);
            child[1].inc_by(counts.miss);
            child[2].inc_by(counts.suppressed);
            child[3].inc_by(counts.not_evaluable);
        }
    }

    /// Counts what became of a step's records by partition.
    pub fn record_runs(&self, runs: &[JournalRun]) {
        let mut partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        runs.iter().for_each(|run| partitions.record(run));
    }

    /// Feedback is rare beside payments, so its labels are looked up as it comes.
    fn record_feedback(&self, batch: &Batch, rejects: &[Reject]) {
        for event in &batch.events {
            let Body::Feedback(feedback) = &event.body else { continue };
            if rejects.iter().all(|reject| reject.position != event.position) {
                let verdict = feedback.verdict.map_or(NO_VERDICT, Verdict::word);
                self.feedback.with_label_values(&[feedback.stage.word(), verdict]).inc();
            }
        }
    }

    /// Counts an alert that has been handed to the sink.
    pub fn record_published(&self, alert: &Alert) {
        if alert.shadow {
            self.shadow.inc();
            return;
        }
        let cell = alert.action as usize * SEVERITIES.len() + alert.severity as usize;
        self.published[cell].inc();
        self.kinds[alert.kind as usize].inc();
    }

    /// Names the pack in force and its rules in the plan's order.
    pub fn set_pack<'a>(&self, id: &str, sha256: &str, rules: impl Iterator<Item = &'a str>) {
        self.pack.reset();
        self.pack.with_label_values(&[id, sha256]).set(1);
        let children: Vec<_> = rules
            .map(|rule| RESULTS.map(|result| self.rules.with_label_values(&[rule, result])))
            .collect();
        *self.rule_children.lock().unwrap_or_else(PoisonError::into_inner) = children;
    }

    /// Names the pack on trial, or that there is none.
    pub fn set_shadow_pack(&self, pack: Option<(&str, &str)>) {
        self.shadow_pack.reset();
        if let Some((id, sha256)) = pack {
            self.shadow_pack.with_label_values(&[id, sha256]).set(1);
        }
    }

    /// Shows how rules on trial compare: of the shadow rules in force, and of a pack of its own.
    pub fn set_shadow(&self, rules: &EpisodesCompared, pack: Option<&EpisodesCompared>) {
        self.shadow_episodes.reset();
        self.shadow_amount.reset();
        for (view, compared) in [("rules", Some(rules)), ("pack", pack)] {
            for pair in compared.iter().flat_map(|compared| &compared.by_measure) {
                let word = |measure: Option<Action>| measure.map_or("none", Action::word);
                let labels = [view, word(pair.before), word(pair.after)];
                let episodes = i64::try_from(pair.episodes).unwrap_or(i64::MAX);
                self.shadow_episodes.with_label_values(&labels).set(episodes);
                self.shadow_amount.with_label_values(&labels).set(pair.amount_minor);
            }
        }
    }

    /// Shows the longest that a step has waited for the snapshot that is being taken.
    pub fn set_snapshot_pause(&self, longest: Duration) {
        self.snapshots.paused(longest);
    }

    /// Shows how long the compiler took over a pack.
    pub fn set_rule_compile(&self, took: Duration) {
        self.rule_compile.with_label_values::<&str>(&[]).set(took.as_secs_f64());
    }

    /// Shows what the state costs.
    pub fn set_state(&self, memory: &MemoryReport) {
        let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for (index, kind) in ENTITIES {
            self.entities.with_label_values(&[kind]).set(signed(memory.entities[index]));
        }
        self.entities.with_label_values(&["payment"]).set(signed(memory.payments));
        self.entities.with_label_values(&["waiting"]).set(signed(memory.waiting));
        self.ledger_entries.set(signed(memory.live_entries));
        self.open_episodes.set(signed(memory.open_episodes));
        let bytes =
            [memory.entity_bytes, memory.entry_bytes, memory.payment_bytes, memory.extra_bytes];
        self.state_bytes.set(signed(bytes.iter().sum()));
    }

    /// Shows how far a partition is behind: from the client's statistics, not per record.
    pub fn set_lag(&self, topic: &str, partition: i32, records: i64, seconds: f64) {
        let partition = partition.to_string();
        let labels = [topic, partition.as_str()];
        self.lag_records.with_label_values(&labels).set(records);
        self.lag_seconds.with_label_values(&labels).set(seconds);
    }

    /// Shows how many steps wait in a queue: `engine` or `publisher`.
    pub fn set_queue(&self, queue: &str, steps: usize) {
        self.queue.with_label_values(&[queue]).set(i64::try_from(steps).unwrap_or(i64::MAX));
    }

    /// Takes note of a step's lists and controls. Also while the state is rebuilt: what was listed
    /// before a restart is as old as it is.
    pub fn record_reference(&self, batch: &Batch, rejects: &[Reject]) {
        let bounded = self.freshness().record(batch, rejects);
        self.steps.count_bounds(bounded);
    }

    /// Shows how old lists are and which controls will soon end, as of now.
    pub fn set_freshness(&self, now_ms: Millis) {
        self.freshness().show(now_ms);
    }

    /// What is known of lists and controls, for whoever comes after.
    #[must_use]
    pub fn watched(&self) -> Watched {
        self.freshness().watched()
    }

    /// What an earlier process knew of lists and controls.
    pub fn take_back(&self, watched: &Watched) {
        self.freshness().take_back(watched);
    }

    fn freshness(&self) -> MutexGuard<'_, Freshness> {
        self.freshness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what the process is doing.
    pub fn set_phase(&self, now: Phase) {
        for phase in Phase::ALL {
            self.phases.with_label_values(&[phase.word()]).set(i64::from(phase == now));
        }
        self.leader.set(i64::from(now == Phase::Running));
        if now != Phase::Standby {
            self.standby_behind.with_label_values::<&str>(&[]).set(0.0);
        }
    }

    /// Shows how far a process that stands by has followed.
    pub fn set_followed(&self, step: u64, behind: Duration) {
        self.followed_step.set(i64::try_from(step).unwrap_or(i64::MAX));
        self.standby_behind.with_label_values::<&str>(&[]).set(behind.as_secs_f64());
    }

    /// Consumed records less the sum of what became of them; anything but 0 is a defect.
    #[must_use]
    pub fn reconciliation_difference(&self) -> i64 {
        self.steps.difference_records()
    }

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// If a metric cannot be written as text: a mistake in its definition.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::with_capacity(16 * 1_024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
