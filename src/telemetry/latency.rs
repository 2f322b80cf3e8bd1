//! Latencies: recorded once in an HDR histogram, shown as quantiles and as classic buckets of the
//! same numbers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto;

use super::metric::Metric;

/// Longest latency told apart, in microseconds: ten minutes. Longer ones count as this.
const MICROS_MAX: u64 = 600_000_000;
/// Two digits: 1 %.
const DIGITS: u8 = 2;
/// Upper bounds of the classic buckets, in microseconds.
const BUCKETS_MICROS: [u64; 16] = [
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    20_000,
    40_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    5_000_000,
    30_000_000,
    120_000_000,
];
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)];

/// Quantiles of a latency, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// Half are at most this.
    pub p50_us: u64,
    /// 99 % are.
    pub p99_us: u64,
    /// 99.9 % are.
    pub p999_us: u64,
    /// The longest.
    pub max_us: u64,
    /// How many were recorded.
    pub count: u64,
}

/// A latency that any thread may record and read. One lock per call: record per step, not per
/// event.
#[derive(Clone, Debug)]
pub struct Latency(Arc<Mutex<Recorded>>);

#[derive(Debug)]
struct Recorded {
    histogram: Histogram<u64>,
    sum_us: u64,
}

impl Default for Latency {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, MICROS_MAX, DIGITS)
            .expect("1 is less than half of the longest latency and two digits are within five");
        Self(Arc::new(Mutex::new(Recorded { histogram, sum_us: 0 })))
    }
}

impl Latency {
    /// A latency that the registry shows under two metrics: buckets and quantiles.
    pub(super) fn register(
        registry: &Registry,
        buckets: Metric,
        quantiles: Metric,
    ) -> prometheus::Result<Self> {
        let latency = Self::default();
        let labels = quantiles.labels().iter().map(|label| (*label).to_owned()).collect();
        let describe = |metric: Metric, labels| {
            Desc::new(metric.name().into(), metric.help().into(), labels, HashMap::new())
        };
        registry.register(Box::new(Shown {
            latency: latency.clone(),
            descs: [describe(buckets, Vec::new())?, describe(quantiles, labels)?],
            metrics: [buckets, quantiles],
        }))?;
        Ok(latency)
    }

    /// Records that `count` events took this long.
    pub fn record(&self, took: Duration, count: u64) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(MICROS_MAX).clamp(1, MICROS_MAX);
        let mut recorded = self.lock();
        recorded.histogram.saturating_record_n(micros, count);
        recorded.sum_us = recorded.sum_us.saturating_add(micros.saturating_mul(count));
    }

    /// The quantiles so far.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        let recorded = self.lock();
        let at = |q| recorded.histogram.value_at_quantile(q);
        Quantiles {
            p50_us: at(0.5),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: recorded.histogram.max(),
            count: recorded.histogram.len(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the registry sees of a latency.
struct Shown {
    latency: Latency,
    descs: [Desc; 2],
    metrics: [Metric; 2],
}

impl Collector for Shown {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let recorded = self.latency.lock();
        let mut histogram = proto::Histogram::default();
        histogram.set_sample_count(recorded.histogram.len());
        histogram.set_sample_sum(seconds(recorded.sum_us));
        histogram.set_bucket(BUCKETS_MICROS.iter().map(|&at| bucket(&recorded, at)).collect());
        let mut buckets = proto::Metric::default();
        buckets.set_histogram(histogram);

        let quantile = |(label, q): &(&str, f64)| {
            let mut pair = proto::LabelPair::default();
            pair.set_name("rank".to_owned());
            pair.set_value((*label).to_owned());
            let mut gauge = proto::Gauge::default();
            gauge.set_value(seconds(recorded.histogram.value_at_quantile(*q)));
            let mut metric = proto::Metric::default();
            metric.set_label(vec![pair]);
            metric.set_gauge(gauge);
            metric
        };
        let quantiles = QUANTILES.iter().map(quantile).collect();
        vec![
            family(self.metrics[0], proto::MetricType::HISTOGRAM, vec![buckets]),
            family(self.metrics[1], proto::MetricType::GAUGE, quantiles),
        ]
    }
}

fn bucket(recorded: &Recorded, upper_us: u64) -> proto::Bucket {
    let mut bucket = proto::Bucket::default();
    bucket.set_upper_bound(seconds(upper_us));
    bucket.set_cumulative_count(recorded.histogram.count_between(0, upper_us));
    bucket
}

fn family(
    metric: Metric,
    kind: proto::MetricType,
    children: Vec<proto::Metric>,
) -> proto::MetricFamily {
    let mut family = proto::MetricFamily::default();
    family.set_name(metric.name().to_owned());
    family.set_help(metric.help().to_owned());
    family.set_field_type(kind);
    family.set_metric(children);
    family
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_to_one_percent() {
        let latency = Latency::default();
        for micros in 1..=1_000 {
            latency.record(Duration::from_micros(micros), 10);
        }
        let seen = latency.quantiles();
        assert_eq!(seen.count, 10_000);
        for (value, expected) in [(seen.p50_us, 500), (seen.p99_us, 990), (seen.p999_us, 999)] {
            assert!(value.abs_diff(expected) * 100 <= expected, "{value} for {expected}");
        }
        latency.record(Duration::from_secs(1 << 40), 1);
        assert!(latency.quantiles().max_us >= MICROS_MAX);
    }
}
