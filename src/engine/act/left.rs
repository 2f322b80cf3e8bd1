//! What an event has left behind that may yet be judged again: findings in episodes, signals.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::episode::TargetKey;
use super::{Item, Judged, Made};
use crate::model::entity::Reference;
use crate::model::time::Millis;

/// One rule that held at an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    pub rule_id: String,
    pub made: Made,
    /// The episode that its finding joined.
    pub target: Option<TargetKey>,
    /// The signal that it left: about whom, from whom.
    pub signal: Option<[Reference; 2]>,
}

/// What one event has left: its time, and its rules in order of id.
pub(super) type Leaving = (Millis, Vec<Trace>);

/// By number of the event; shared with images that are being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Left {
    events: BTreeMap<u64, Arc<Leaving>>,
}

impl Left {
    /// Notes what an event leaves behind.
    pub fn note(&mut self, item: &Item<'_>, judged: &[Judged]) {
        let (time_ms, number) = item.moment();
        let mut traces: Vec<Trace> = judged.iter().map(trace).collect();
        traces.sort_by(|a, b| a.rule_id.cmp(&b.rule_id));
        if !traces.is_empty() {
            self.events.insert(number, Arc::new((time_ms, traces)));
        }
    }

    /// All of it, by number of the event.
    pub fn share(&self) -> Vec<(u64, Arc<Leaving>)> {
        let Self { events } = self;
        events.iter().map(|(number, left)| (*number, Arc::clone(left))).collect()
    }

    /// The same again.
    pub fn take_back(events: BTreeMap<u64, Arc<Leaving>>) -> Self {
        Self { events }
    }

    /// Whether an event has left anything.
    pub fn has(&self, number: u64) -> bool {
        self.events.contains_key(&number)
    }

    /// Takes what an event has left.
    pub fn take(&mut self, number: u64) -> Vec<Trace> {
        self.events.remove(&number).map(|left| Arc::unwrap_or_clone(left).1).unwrap_or_default()
    }

    /// Whether an event has left something else than before.
    pub fn differ(&self, number: u64, before: &[Trace]) -> bool {
        let now = self.events.get(&number).map_or(&[][..], |left| &left.1);
        now != before
    }

    /// Forgets events that are not judged again any more.
    pub fn forget(&mut self, watermark_ms: Millis) {
        let old = |first: &(&u64, &Arc<Leaving>)| first.1.0 <= watermark_ms;
        while self.events.first_key_value().filter(old).is_some() {
            self.events.pop_first();
        }
    }
}

fn trace(judged: &Judged) -> Trace {
    Trace {
        rule_id: judged.finding.rule_id.clone(),
        made: judged.made(),
        target: judged.target.clone(),
        signal: judged.signal,
    }
}
