//! Figures of snapshots and of recovery.

use std::time::Duration;

use prometheus::{GaugeVec, IntCounter, IntGauge, Registry};

use super::metric::{self, Metric};

/// Gauges that are set when something ends.
#[derive(Debug)]
pub(super) struct Snapshots {
    /// Written, failed.
    outcomes: [IntCounter; 2],
    timestamp: IntGauge,
    bytes: IntGauge,
    seconds: GaugeVec,
    pause: GaugeVec,
    recovery_seconds: GaugeVec,
    recovery_steps: IntGauge,
    recovery_records: IntGauge,
}

impl Snapshots {
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let outcomes = metric::counters(registry, Metric::Snapshots)?;
        let snapshots = Self {
            outcomes: ["written", "failed"].map(|outcome| outcomes.with_label_values(&[outcome])),
            timestamp: metric::gauge(registry, Metric::SnapshotTimestamp)?,
            bytes: metric::gauge(registry, Metric::SnapshotBytes)?,
            seconds: metric::float_gauges(registry, Metric::SnapshotSeconds)?,
            pause: metric::float_gauges(registry, Metric::SnapshotPauseSeconds)?,
            recovery_seconds: metric::float_gauges(registry, Metric::RecoverySeconds)?,
            recovery_steps: metric::gauge(registry, Metric::RecoverySteps)?,
            recovery_records: metric::gauge(registry, Metric::RecoveryRecords)?,
        };
        for gauge in [&snapshots.seconds, &snapshots.pause, &snapshots.recovery_seconds] {
            set(gauge, Duration::ZERO);
        }
        Ok(snapshots)
    }

    pub fn written(&self, bytes: u64, took: Duration, ended_ms: i64) {
        self.outcomes[0].inc();
        self.timestamp.set(ended_ms / 1_000);
        self.bytes.set(signed(bytes));
        set(&self.seconds, took);
    }

    pub fn given_up(&self) {
        self.outcomes[1].inc();
    }

    pub fn paused(&self, longest: Duration) {
        set(&self.pause, longest);
    }

    pub fn recovered(&self, steps: u64, records: u64, took: Duration) {
        set(&self.recovery_seconds, took);
        self.recovery_steps.set(signed(steps));
        self.recovery_records.set(signed(records));
    }
}

fn set(gauge: &GaugeVec, time: Duration) {
    gauge.with_label_values::<&str>(&[]).set(time.as_secs_f64());
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
