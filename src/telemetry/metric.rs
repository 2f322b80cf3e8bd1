//! Names of all metrics with kind, help and labels, each once. All begin with `goshawk_`.

use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// Declares the metrics as one table.
macro_rules! metrics {
    ($($variant:ident = $name:literal, $kind:literal, [$($label:literal),*], $help:literal;)*) => {
        /// A metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric { $(#[doc = $help] $variant,)* }
        impl Metric {
            /// Every metric.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => concat!("goshawk_", $name),)* }
            }
            /// `counter`, `gauge` or `histogram`.
            #[must_use]
            pub fn kind(self) -> &'static str {
                match self { $(Self::$variant => $kind,)* }
            }
            /// Names of its labels.
            #[must_use]
            pub fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($label),*],)* }
            }
            /// What it tells.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

metrics! {
    RecordsConsumed = "records_consumed_total", "counter", [],
        "Records taken from the sources, before anything is known of them.";
    EventsConsumed = "events_consumed_total", "counter", ["type", "status"],
        "Records by type and by what became of them: scored, applied, duplicate, rejected.";
    EventsRejected = "events_rejected_total", "counter", ["reason"],
        "Records that could not become events, by reason.";
    LateEvents = "late_events_total", "counter", [],
        "Scored payments older than the allowed lateness.";
    RowsSkipped = "rows_skipped_total", "counter", [],
        "Rows of files that a mapping's keep left out.";
    AmountConsumed = "amount_consumed_minor_total", "counter", [],
        "Sum of amounts of decoded payments, in minor units of any currency.";
    AmountEnded = "amount_minor_total", "counter", ["status"],
        "Sum of amounts of payments by what became of them, in minor units of any currency.";
    PartitionRecords = "partition_records_total", "counter", ["topic", "partition", "status"],
        "Records by partition: consumed, and what became of them: scored, applied, duplicate, skipped, rejected.";
    PartitionAmount = "partition_amount_minor_total", "counter", ["topic", "partition", "currency", "status"],
        "Amounts of payments in minor units, by partition and currency: consumed, scored, duplicate, rejected.";
    DifferenceRecords = "reconciliation_difference_records", "gauge", [],
        "Records consumed less those scored, applied, duplicate or rejected; 0 unless there is a defect.";
    DifferenceAmount = "reconciliation_difference_amount_minor", "gauge", [],
        "Amounts consumed less those scored, duplicate or rejected; 0 unless there is a defect.";
    Steps = "steps_total", "counter", [],
        "Steps the engine has done.";
    Watermark = "watermark_timestamp_seconds", "gauge", [],
        "Greatest event time seen less the allowed lateness.";
    RuleEvaluations = "rule_evaluations_total", "counter", ["rule", "result"],
        "Judgements by rule: hit, miss, suppressed by a guard, not_evaluable for want of a value.";
    RulePackInfo = "rule_pack_info", "gauge", ["id", "sha"],
        "The rule pack in force; always 1.";
    RuleChanges = "rule_changes_total", "counter", ["outcome"],
        "Rule packs that came into force while running (activated), or were not let (refused).";
    RuleCompileSeconds = "rule_compile_seconds", "gauge", [],
        "How long the compiler took over the last pack it was given while running.";
    ShadowPackInfo = "shadow_pack_info", "gauge", ["id", "sha"],
        "The rule pack on trial beside the one in force, while there is one; always 1.";
    ShadowEpisodes = "shadow_episodes", "gauge", ["view", "before", "after"],
        "Episodes since the comparison began, by the measure that the rules in force (before) and those on trial (after) ask for, or none; of the shadow rules of the pack in force (view rules) or of a pack of its own (view pack).";
    ShadowAmount = "shadow_amount_minor", "gauge", ["view", "before", "after"],
        "Amounts that these episodes began with, in minor units of the pack's currency.";
    BoundsHit = "bounds_hit_total", "counter", [],
        "Values that a bound made a lower bound.";
    FindingsWithheld = "findings_withheld_total", "counter", [],
        "Findings that joined an open episode without a message of their own.";
    JudgedAgain = "events_judged_again_total", "counter", [],
        "Events judged once more, because one with an earlier time arrived after them.";
    Corrections = "corrections_total", "counter", ["kind"],
        "Alerts that correct an earlier judgement, by kind: raise, update, escalate, withdraw.";
    BreakerDowngrades = "breaker_downgrades_total", "counter", [],
        "Strong measures that the circuit breaker lowered to review.";
    AlertsPublished = "alerts_published_total", "counter", ["action", "severity"],
        "Alerts handed to the sink, by measure and severity.";
    AlertRevisions = "alert_revisions_total", "counter", ["kind"],
        "Alerts handed to the sink, by kind: raise, update, escalate, withdraw.";
    ShadowAlerts = "shadow_alerts_published_total", "counter", [],
        "Alerts of rules on trial handed to the sink.";
    AlertFeedback = "alert_feedback_total", "counter", ["stage", "verdict"],
        "Reports on alerts that came back, by stage and by what was found out (none: nothing yet).";
    EventToAlertSeconds = "event_to_alert_seconds", "histogram", [],
        "From reading the triggering record to handing its alert to the sink.";
    EventToAlertQuantile = "event_to_alert_quantile_seconds", "gauge", ["rank"],
        "Quantiles of goshawk_event_to_alert_seconds since the start, exact to 1 %.";
    DecisionSeconds = "decision_seconds", "histogram", [],
        "From reading a record to having decided on it.";
    DecisionQuantile = "decision_quantile_seconds", "gauge", ["rank"],
        "Quantiles of goshawk_decision_seconds since the start, exact to 1 %.";
    CommitSeconds = "commit_seconds", "histogram", [],
        "From handing a commit to the sink to its being durable.";
    CommitQuantile = "commit_quantile_seconds", "gauge", ["rank"],
        "Quantiles of goshawk_commit_seconds since the start, exact to 1 %.";
    Commits = "commits_total", "counter", [],
        "Commits that became durable.";
    CommitFailures = "commit_failures_total", "counter", [],
        "Commits that failed and were tried again, or ended the process.";
    ConsumerLagRecords = "consumer_lag_records", "gauge", ["topic", "partition"],
        "Records of a partition that have not been read yet.";
    ConsumerLagSeconds = "consumer_lag_seconds", "gauge", ["topic", "partition"],
        "Age of the oldest record of a partition that has not been read yet, by its timestamp; 0 when none waits.";
    QueueSteps = "queue_steps", "gauge", ["queue"],
        "Steps waiting for the engine, or for the publisher.";
    StateEntities = "state_entities", "gauge", ["kind"],
        "Entities the state is kept for, by kind.";
    LedgerEntries = "state_ledger_entries", "gauge", [],
        "Live ledger entries.";
    OpenEpisodes = "state_open_episodes", "gauge", [],
        "Open episodes.";
    StateBytes = "state_bytes", "gauge", [],
        "Memory held by the state.";
    ListAgeSeconds = "list_age_seconds", "gauge", ["list"],
        "Time since the newest entry of a category of list, by the entry's own time; absent before the first.";
    ControlsExpiring = "controls_expiring", "gauge", ["within"],
        "Controls in force that end within 1, 6 or 24 hours; each is also among those of the longer times.";
    Leader = "leader", "gauge", [],
        "1 for the process that leads, 0 for one that stands by or is not that far.";
    StandbyBehindSeconds = "standby_behind_seconds", "gauge", [],
        "For how long a process that stands by has not been level with the journal; 0 when it is.";
    FollowedStep = "followed_step", "gauge", [],
        "Number of the last step that a process has repeated while it stood by.";
    Snapshots = "snapshots_total", "counter", ["outcome"],
        "Snapshots that were written whole (written), or given up (failed).";
    SnapshotTimestamp = "snapshot_timestamp_seconds", "gauge", [],
        "When the newest whole snapshot was written; 0 before the first.";
    SnapshotBytes = "snapshot_bytes", "gauge", [],
        "Bytes of the newest whole snapshot.";
    SnapshotSeconds = "snapshot_seconds", "gauge", [],
        "How long the newest whole snapshot took, from its first part to its last file.";
    SnapshotPauseSeconds = "snapshot_pause_seconds", "gauge", [],
        "The longest that one step waited while the present or last snapshot was taken.";
    RecoverySeconds = "recovery_seconds", "gauge", [],
        "How long the last recovery took, loading and repeating.";
    RecoverySteps = "recovery_steps", "gauge", [],
        "Steps that the last recovery repeated.";
    RecoveryRecords = "recovery_records", "gauge", [],
        "Records that the last recovery repeated.";
    Phase = "phase", "gauge", ["phase"],
        "1 for what the process is doing: starting, recovering, standby, running, stopping, failed.";
    BuildInfo = "build_info", "gauge", ["version"],
        "Version of the software; always 1.";
}

fn opts(metric: Metric) -> Opts {
    Opts::new(metric.name(), metric.help())
}

/// Registers a counter without labels.
pub(super) fn counter(registry: &Registry, metric: Metric) -> prometheus::Result<IntCounter> {
    let counter = IntCounter::with_opts(opts(metric))?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

/// Registers a counter with its labels.
pub(super) fn counters(registry: &Registry, metric: Metric) -> prometheus::Result<IntCounterVec> {
    let counters = IntCounterVec::new(opts(metric), metric.labels())?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}

/// Registers a gauge without labels.
pub(super) fn gauge(registry: &Registry, metric: Metric) -> prometheus::Result<IntGauge> {
    let gauge = IntGauge::with_opts(opts(metric))?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

/// Registers a gauge with its labels.
pub(super) fn gauges(registry: &Registry, metric: Metric) -> prometheus::Result<IntGaugeVec> {
    let gauges = IntGaugeVec::new(opts(metric), metric.labels())?;
    registry.register(Box::new(gauges.clone()))?;
    Ok(gauges)
}

/// Registers a gauge with its labels that holds fractions.
pub(super) fn float_gauges(registry: &Registry, metric: Metric) -> prometheus::Result<GaugeVec> {
    let gauges = GaugeVec::new(opts(metric), metric.labels())?;
    registry.register(Box::new(gauges.clone()))?;
    Ok(gauges)
}
