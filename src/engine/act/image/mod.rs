//! What the act phase keeps as plain data, and back.
//!
//! A copy ([`ActCopy`]) is made between two steps and must be quick, so it shares the open
//! episodes; whoever writes it out makes the image from it, at leisure.
//!
//! - [`episode`]: open episodes
//! - [`finding`]: what they hold

mod episode;
mod finding;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::image::payments::renumbered;
use super::super::image::{ImageError, TARGET_KINDS, WaitsImage, of_number, of_number_or_none};
use super::super::step::{Engine, FIRST_WAITED};
use super::super::waits::Cell;
use super::episode::{Episode, TargetKey};
use super::left::{Leaving, Left, Trace};
use super::signals::{Signal, Signals};
use super::{Act, BreakerState, Made};
use crate::model::entity::Reference;
use crate::model::measure::Action;
use crate::model::time::Millis;
use episode::{EpisodeRow, episode_of, episode_row};

/// What the act phase keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActImage {
    /// Greatest event time seen when it was taken.
    pub greatest_ms: Millis,
    /// Time of the first event that was judged.
    since_ms: Option<Millis>,
    /// What windows of working days miss of the time before it.
    let_go_ms: Option<Millis>,
    /// By id of a rule that others ask about: since when its signals are remembered.
    remembered: BTreeMap<String, Millis>,
    breaker: BreakerRow,
    /// Ids of the rules that signals are of.
    signal_rules: Vec<String>,
    /// Time, place of the rule, about whom, from whom; how many events left it.
    signals: Vec<(Millis, u32, u64, u64, u32)>,
    episodes: Vec<EpisodeRow>,
    waits: WaitsImage,
    /// Number of the next payment that will have been waited for.
    next_waited: u64,
    /// By number of the event: its time, and what it has left behind.
    left: Vec<(u64, Millis, Vec<TraceRow>)>,
}

/// What a rule that held at an event has left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TraceRow {
    rule_id: String,
    removed: bool,
    weight: u32,
    floor: u8,
    lower_bound: bool,
    warming: bool,
    values: Vec<i64>,
    target: Option<TargetRow>,
    /// About whom, from whom.
    signal: Option<[u64; 2]>,
}

/// What an episode is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TargetRow {
    shadow: bool,
    kind: u8,
    id: String,
}

/// What has been seen of strong measures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct BreakerRow {
    strong: Vec<Millis>,
    greatest_ms: Millis,
    active: BTreeMap<i32, u32>,
}

/// A copy, made between two steps.
#[derive(Debug, Default)]
pub struct ActCopy {
    /// Without episodes and waits.
    image: ActImage,
    episodes: Vec<(TargetKey, Arc<Episode>)>,
    waits: Vec<Arc<Cell>>,
    left: Vec<(u64, Arc<Leaving>)>,
}

impl ActCopy {
    /// The copy as plain data.
    #[must_use]
    pub fn image(self) -> ActImage {
        let Self { mut image, episodes, waits, left } = self;
        image.episodes = episodes.iter().map(|(key, episode)| episode_row(key, episode)).collect();
        image.waits = WaitsImage::of(&waits);
        image.left = left.iter().map(|(number, left)| left_row(*number, left)).collect();
        image
    }
}

impl ActImage {
    /// How many episodes are open.
    #[must_use]
    pub fn episodes(&self) -> usize {
        self.episodes.len()
    }

    /// How many signals are remembered.
    #[must_use]
    pub fn signals(&self) -> usize {
        self.signals.len()
    }

    /// How many payments are waited for.
    #[must_use]
    pub fn waits(&self) -> usize {
        self.waits.len()
    }

    /// Puts other numbers in the place of the topics'.
    ///
    /// # Errors
    /// [`ImageError`], when a topic has no new number.
    pub fn renumber_topics(&mut self, numbers: &[u16]) -> Result<(), ImageError> {
        let findings = self.episodes.iter_mut().flat_map(|episode| {
            let settled = episode.settled.iter_mut().map(|(finding, ..)| finding);
            settled.chain(episode.recent.iter_mut().map(|(.., finding)| finding))
        });
        let events = findings.flat_map(|f| &mut f.evidence).flat_map(|e| &mut e.events);
        for event in events {
            event.topic = renumbered(numbers, event.topic)?;
        }
        self.waits.renumber_topics(numbers)
    }
}

impl Engine {
    /// Copies what the act phase keeps.
    #[must_use]
    pub fn copy_act(&self) -> ActCopy {
        // Of the others: the plan and what follows from it, what is in other parts, and what a
        // step only uses.
        let Self {
            config: _,
            plan: _,
            visit_plan: _,
            settings: _,
            greatest_ms,
            warmth,
            groups: _,
            resume: _,
            next_eviction: _,
            waits,
            next_waited,
            act,
            held: _,
            again_bounds: _,
            work: _,
        } = self;
        let Act {
            tenant: _,
            utc_offset_ms: _,
            episodes,
            touched: _,
            breaker,
            signals,
            made: _,
            left,
        } = act;
        let BreakerState { strong, greatest_ms: breaker_ms, active } = breaker;
        let (since_ms, let_go_ms, remembered) = warmth.known();
        let mut image = ActImage {
            greatest_ms: *greatest_ms,
            since_ms,
            let_go_ms,
            remembered: remembered.clone(),
            breaker: BreakerRow {
                strong: strong.iter().copied().collect(),
                greatest_ms: *breaker_ms,
                active: active.clone(),
            },
            next_waited: *next_waited,
            ..ActImage::default()
        };
        let mut places: BTreeMap<&str, u32> = BTreeMap::new();
        for ((time_ms, rule, about, from), times) in signals.all() {
            let next = places.len() as u32;
            let place = *places.entry(rule).or_insert_with(|| {
                image.signal_rules.push(rule.to_string());
                next
            });
            image.signals.push((*time_ms, place, about.bits(), from.bits(), times));
        }
        let shared =
            |(key, episode): (&TargetKey, &Arc<Episode>)| (key.clone(), Arc::clone(episode));
        let episodes = episodes.iter().map(shared).collect();
        ActCopy { image, episodes, waits: waits.share(), left: left.share() }
    }

    /// Takes what the act phase keeps in, in place of what is there. The plan in force must be the
    /// one that was in force when it was taken.
    ///
    /// # Errors
    /// [`ImageError`]; the phase is as it was then.
    pub fn restore_act(&mut self, image: &ActImage) -> Result<(), ImageError> {
        let mut episodes = BTreeMap::new();
        let mut touched = std::collections::BTreeSet::new();
        for row in &image.episodes {
            let (key, episode) = episode_of(row, &self.plan)?;
            touched.insert((episode.last_ms, key.clone()));
            if episodes.insert(key, Arc::new(episode)).is_some() {
                return Err(ImageError::Impossible("two episodes are about one target"));
            }
        }
        let mut signals = Signals::default();
        for &(time_ms, place, about, from, times) in &image.signals {
            let rule = image.signal_rules.get(place as usize);
            let rule = rule.ok_or(ImageError::Columns("signals"))?;
            let [about, from] = [about, from].map(Reference::from_bits);
            signals.remember_many(&Signal { rule, time_ms, about, from }, times);
        }
        let mut left = BTreeMap::new();
        for (number, time_ms, rows) in &image.left {
            let traces: Result<_, _> = rows.iter().map(trace_of).collect();
            left.insert(*number, Arc::new((*time_ms, traces?)));
        }
        if image.next_waited < FIRST_WAITED {
            return Err(ImageError::Impossible("what is waited for has no number"));
        }
        self.waits = image.waits.restore()?;
        self.next_waited = image.next_waited;
        let act = &mut self.act;
        act.left = Left::take_back(left);
        (act.episodes, act.touched, act.signals) = (episodes, touched, signals);
        act.breaker = BreakerState {
            strong: image.breaker.strong.iter().copied().collect(),
            greatest_ms: image.breaker.greatest_ms,
            active: image.breaker.active.clone(),
        };
        self.greatest_ms = image.greatest_ms;
        self.warmth.since_ms = image.since_ms;
        // What is on trial has the ledgers of the rules in force, which may have let go of more.
        self.warmth.let_go_ms = self.warmth.let_go_ms.max(image.let_go_ms);
        self.warmth.remembered = image.remembered.clone();
        self.warmth.set_plan(&self.plan, image.greatest_ms);
        Ok(())
    }
}

fn number_of(measure: Option<Action>) -> u8 {
    measure.map_or(0, |measure| measure as u8 + 1)
}

fn target_row(key: &TargetKey) -> TargetRow {
    let TargetKey { shadow, kind, id } = key;
    TargetRow { shadow: *shadow, kind: *kind as u8, id: id.to_string() }
}

fn target_of(row: &TargetRow) -> Result<TargetKey, ImageError> {
    let kind = of_number("target", TARGET_KINDS, row.kind)?;
    Ok(TargetKey { shadow: row.shadow, kind, id: row.id.as_str().into() })
}

fn left_row(number: u64, (time_ms, traces): &Leaving) -> (u64, Millis, Vec<TraceRow>) {
    let row = |trace: &Trace| {
        let Trace { rule_id, made, target, signal } = trace;
        let Made { removed, weight, floor, lower_bound, warming, values } = made;
        TraceRow {
            rule_id: rule_id.clone(),
            removed: *removed,
            weight: *weight,
            floor: number_of(*floor),
            lower_bound: *lower_bound,
            warming: *warming,
            values: values.clone(),
            target: target.as_ref().map(target_row),
            signal: signal.map(|parties| parties.map(Reference::bits)),
        }
    };
    (number, *time_ms, traces.iter().map(row).collect())
}

fn trace_of(row: &TraceRow) -> Result<Trace, ImageError> {
    let made = Made {
        removed: row.removed,
        weight: row.weight,
        floor: of_number_or_none("measure", Action::WORDS, row.floor)?,
        lower_bound: row.lower_bound,
        warming: row.warming,
        values: row.values.clone(),
    };
    Ok(Trace {
        rule_id: row.rule_id.clone(),
        made,
        target: row.target.as_ref().map(target_of).transpose()?,
        signal: row.signal.map(|parties| parties.map(Reference::from_bits)),
    })
}
