//! How old the lists are, and which controls will soon end: kept beside the engine, which asks for
//! neither. Of a control only a hash and its times are kept.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use prometheus::{GaugeVec, IntGauge, Registry};

use super::metric::{self, Metric};
use crate::limits;
use crate::model::event::{Batch, Body, ControlEvent, ListCategory};
use crate::model::reject::Reject;
use crate::model::time::{HOUR, Millis};
use crate::snapshot::manifest::Watched;

/// How soon a control may end, with the label's value.
const WITHIN: [(Millis, &str); 3] = [(HOUR, "1h"), (6 * HOUR, "6h"), (24 * HOUR, "24h")];

/// When a control is in force: from (inclusive), to (exclusive).
type Span = (Millis, Millis);

/// See the module's text.
#[derive(Debug)]
pub(super) struct Freshness {
    ages: GaugeVec,
    expiring: [IntGauge; WITHIN.len()],
    /// Time of the newest entry, by category.
    newest: [Option<Millis>; ListCategory::WORDS.len()],
    controls: HashMap<u64, Span>,
}

impl Freshness {
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let expiring = metric::gauges(registry, Metric::ControlsExpiring)?;
        Ok(Self {
            ages: metric::float_gauges(registry, Metric::ListAgeSeconds)?,
            expiring: WITHIN.map(|(_, within)| expiring.with_label_values(&[within])),
            newest: [None; ListCategory::WORDS.len()],
            controls: HashMap::new(),
        })
    }

    /// Takes note of a step's lists and controls but those that were rejected; how many controls
    /// were too many to watch.
    pub fn record(&mut self, batch: &Batch, rejects: &[Reject]) -> u64 {
        let rejected: BTreeSet<_> = rejects.iter().map(|reject| reject.position).collect();
        let mut bounded = 0;
        for event in batch.events.iter().filter(|event| !rejected.contains(&event.position)) {
            match &event.body {
                Body::List(list) => {
                    let newest = &mut self.newest[list.category as usize];
                    *newest = (*newest).max(Some(event.time_ms));
                }
                Body::Control(control) => bounded += u64::from(!self.watch(batch, control)),
                _ => {}
            }
        }
        bounded
    }

    /// `false` when there is no room for one more.
    fn watch(&mut self, batch: &Batch, control: &ControlEvent) -> bool {
        let mut hasher = DefaultHasher::new();
        (batch.text(control.account), batch.text(control.control_id)).hash(&mut hasher);
        let key = hasher.finish();
        let end_ms = control.to_ms.into_iter().chain(control.released_at_ms).min();
        let Some(end_ms) = end_ms else {
            // In force until released: it does not end by itself, whatever an earlier record said.
            self.controls.remove(&key);
            return true;
        };
        let room = self.controls.len() < limits::CONTROLS_WATCHED_MAX;
        if room || self.controls.contains_key(&key) {
            self.controls.insert(key, (control.from_ms, end_ms));
            return true;
        }
        false
    }

    /// All of it as plain data.
    pub fn watched(&self) -> Watched {
        let list = |(newest, (word, _)): (&Option<Millis>, &(&str, ListCategory))| {
            newest.map(|newest_ms| ((*word).to_owned(), newest_ms))
        };
        let mut controls: Vec<_> =
            self.controls.iter().map(|(key, (from, to))| (*key, *from, *to)).collect();
        controls.sort_unstable();
        Watched {
            lists: self.newest.iter().zip(ListCategory::WORDS).filter_map(list).collect(),
            controls,
        }
    }

    /// What an earlier process knew.
    pub fn take_back(&mut self, watched: &Watched) {
        for (word, newest_ms) in &watched.lists {
            self.newest[ListCategory::parse(word) as usize] = Some(*newest_ms);
        }
        let controls = watched.controls.iter().take(limits::CONTROLS_WATCHED_MAX);
        self.controls.extend(controls.map(|(key, from, to)| (*key, (*from, *to))));
    }

    /// Shows all of it as of now; controls that have ended are forgotten.
    pub fn show(&mut self, now_ms: Millis) {
        for (newest, (word, _)) in self.newest.iter().zip(ListCategory::WORDS) {
            if let Some(newest_ms) = newest {
                let age_ms = (now_ms - newest_ms).max(0);
                self.ages.with_label_values(&[word]).set(age_ms as f64 / 1e3);
            }
        }
        self.controls.retain(|_, (_, to_ms)| *to_ms > now_ms);
        for (gauge, (within_ms, _)) in self.expiring.iter().zip(WITHIN) {
            let soon =
                |&&(from_ms, to_ms): &&Span| from_ms <= now_ms && to_ms - now_ms <= within_ms;
            gauge.set(self.controls.values().filter(soon).count() as i64);
        }
    }
}
