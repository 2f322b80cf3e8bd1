//! What the act phase keeps as plain data, and back.
//!
//! A copy ([`ActCopy`]) is made between two steps and must be quick, so it shares the open
//! episodes; whoever writes it out makes the image from it, at leisure.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::capture::Captured;
use super::super::entry::Entry;
use super::super::image::payments::renumbered;
use super::super::image::{ImageError, TARGET_KINDS, WaitsImage, of_number, of_number_or_none};
use super::super::step::{Engine, FIRST_WAITED};
use super::super::waits::Cell;
use super::episode::{Episode, Recent, Standing, TargetKey};
use super::finding::{Finding, Kept};
use super::left::{Leaving, Left, Trace};
use super::signals::Signal;
use super::{Act, BreakerState, Made};
use crate::model::alert::{Bilingual, EventRef, Evidence, GuardOutcome, GuardResult};
use crate::model::entity::Reference;
use crate::model::event::Position;
use crate::model::measure::Action;
use crate::model::time::Millis;
use crate::rules::plan::Plan;
use crate::rules::plan::program::CompareOp;
use crate::rules::plan::view::Role;

/// What the act phase keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActImage {
    /// Greatest event time seen when it was taken.
    pub greatest_ms: Millis,
    /// Time of the first event that was judged.
    since_ms: Option<Millis>,
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

/// An open episode. Of measures one more than their number; 0: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EpisodeRow {
    target: TargetRow,
    key: String,
    last_ms: Millis,
    /// Finding, greatest weight, strongest floor.
    settled: Vec<(FindingRow, u32, u8)>,
    settled_ms: Option<Millis>,
    /// Time, number of the event, finding.
    recent: Vec<(Millis, u64, FindingRow)>,
    revision: u32,
    withdrawals: u32,
    measure: u8,
    score: u32,
    published_ms: Millis,
    unpublished: bool,
    suppressed: u32,
}

/// A finding of an episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FindingRow {
    rule_id: String,
    rule_version: String,
    code: String,
    family: u32,
    weight: u32,
    floor: u8,
    time_ms: Millis,
    values: Vec<i64>,
    text: Bilingual,
    evidence: Vec<EvidenceRow>,
    kept: Option<KeptRow>,
    /// Id, and number of what came out.
    guards: Vec<(String, u8)>,
    lowered: bool,
    lower_bound: bool,
    warming: bool,
    balance_unknown: bool,
    subject: u8,
}

/// One observed value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EvidenceRow {
    feature: String,
    value: String,
    operator: String,
    threshold: String,
    unit: String,
    window_ms: Option<(Millis, Millis)>,
    events: Vec<EventRow>,
    truncated: bool,
}

/// A contributing event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EventRow {
    event_id: String,
    topic: u16,
    partition: i32,
    offset: i64,
    parties: [String; 2],
}

/// What a finding will be told from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptRow {
    rule: u32,
    time_ms: Millis,
    payment: Vec<i64>,
    parts: [Vec<i64>; Role::COUNT],
    signals: Vec<i64>,
    entries: Vec<CapturedRow>,
}

/// Entries behind a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CapturedRow {
    evidence: u32,
    role: u8,
    entries: Vec<[u64; 3]>,
    truncated: bool,
    keeper: u64,
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

const OUTCOMES: &[(&str, GuardOutcome)] = &[
    ("not_applicable", GuardOutcome::NotApplicable),
    ("not_evaluable", GuardOutcome::NotEvaluable),
    ("lowered", GuardOutcome::Lowered),
    ("removed", GuardOutcome::Removed),
];

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
        let (since_ms, remembered) = warmth.known();
        let mut image = ActImage {
            greatest_ms: *greatest_ms,
            since_ms,
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
        let mut signals = super::Signals::default();
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
        let Made { removed, weight, floor, values } = made;
        TraceRow {
            rule_id: rule_id.clone(),
            removed: *removed,
            weight: *weight,
            floor: number_of(*floor),
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
        values: row.values.clone(),
    };
    Ok(Trace {
        rule_id: row.rule_id.clone(),
        made,
        target: row.target.as_ref().map(target_of).transpose()?,
        signal: row.signal.map(|parties| parties.map(Reference::from_bits)),
    })
}

fn episode_row(target: &TargetKey, episode: &Episode) -> EpisodeRow {
    let Episode {
        key,
        last_ms,
        // Made anew of the settled and the recent ones.
        findings: _,
        settled,
        settled_ms,
        recent,
        revision,
        withdrawals,
        measure,
        score,
        published_ms,
        unpublished,
        suppressed,
    } = episode;
    let standing = |standing: &Standing| {
        let Standing { finding, weight, floor } = standing;
        (finding_row(finding), *weight, number_of(*floor))
    };
    let of_event = |recent: &Recent| {
        let Recent { time_ms, number, finding } = recent;
        (*time_ms, *number, finding_row(finding))
    };
    EpisodeRow {
        target: target_row(target),
        key: key.to_string(),
        last_ms: *last_ms,
        settled: settled.iter().map(standing).collect(),
        settled_ms: *settled_ms,
        recent: recent.iter().map(of_event).collect(),
        revision: *revision,
        withdrawals: *withdrawals,
        measure: number_of(*measure),
        score: *score,
        published_ms: *published_ms,
        unpublished: *unpublished,
        suppressed: *suppressed,
    }
}

fn episode_of(row: &EpisodeRow, plan: &Plan) -> Result<(TargetKey, Episode), ImageError> {
    let standing = |(finding, weight, floor): &(FindingRow, u32, u8)| {
        Ok(Standing {
            finding: Arc::new(finding_of(finding, plan)?),
            weight: *weight,
            floor: of_number_or_none("measure", Action::WORDS, *floor)?,
        })
    };
    let of_event = |(time_ms, number, finding): &(Millis, u64, FindingRow)| {
        let finding = Arc::new(finding_of(finding, plan)?);
        Ok(Recent { time_ms: *time_ms, number: *number, finding })
    };
    let mut episode = Episode {
        key: row.key.as_str().into(),
        last_ms: row.last_ms,
        findings: Vec::new(),
        settled: row.settled.iter().map(standing).collect::<Result<_, _>>()?,
        settled_ms: row.settled_ms,
        recent: row.recent.iter().map(of_event).collect::<Result<_, _>>()?,
        revision: row.revision,
        withdrawals: row.withdrawals,
        measure: of_number_or_none("measure", Action::WORDS, row.measure)?,
        score: row.score,
        published_ms: row.published_ms,
        unpublished: row.unpublished,
        suppressed: row.suppressed,
    };
    episode.gather();
    Ok((target_of(&row.target)?, episode))
}

fn finding_row(finding: &Finding) -> FindingRow {
    let Finding {
        rule_id,
        rule_version,
        code,
        family,
        weight,
        floor,
        time_ms,
        values,
        text,
        evidence,
        kept,
        guards,
        // One that a guard removed joins no episode.
        removed: _,
        lowered,
        lower_bound,
        warming,
        balance_unknown,
        subject,
    } = finding;
    let guard = |guard: &GuardResult| {
        let GuardResult { rule_id: _, guard_id, outcome } = guard;
        (guard_id.clone(), *outcome as u8)
    };
    FindingRow {
        rule_id: rule_id.clone(),
        rule_version: rule_version.clone(),
        code: code.clone(),
        family: *family as u32,
        weight: *weight,
        floor: number_of(*floor),
        time_ms: *time_ms,
        values: values.to_vec(),
        text: text.clone(),
        evidence: evidence.iter().map(evidence_row).collect(),
        kept: kept.as_deref().map(kept_row),
        guards: guards.iter().map(guard).collect(),
        lowered: *lowered,
        lower_bound: *lower_bound,
        warming: *warming,
        balance_unknown: *balance_unknown,
        subject: *subject as u8,
    }
}

fn finding_of(row: &FindingRow, plan: &Plan) -> Result<Finding, ImageError> {
    if row.family as usize >= plan.policy.families.len() {
        return Err(ImageError::Unknown { what: "family", number: u64::from(row.family) });
    }
    let guard = |(guard_id, outcome): &(String, u8)| {
        let (rule_id, guard_id) = (row.rule_id.clone(), guard_id.clone());
        let outcome = of_number("what a guard said", OUTCOMES, *outcome)?;
        Ok(GuardResult { rule_id, guard_id, outcome })
    };
    let evidence = |of: &EvidenceRow| evidence_of(of, &row.rule_id);
    Ok(Finding {
        rule_id: row.rule_id.clone(),
        rule_version: row.rule_version.clone(),
        code: row.code.clone(),
        family: row.family as usize,
        weight: row.weight,
        floor: of_number_or_none("measure", Action::WORDS, row.floor)?,
        time_ms: row.time_ms,
        values: row.values.as_slice().into(),
        text: row.text.clone(),
        evidence: row.evidence.iter().map(evidence).collect::<Result<_, _>>()?,
        kept: row.kept.as_ref().map(|kept| kept_of(kept, plan).map(Box::new)).transpose()?,
        guards: row.guards.iter().map(guard).collect::<Result<_, _>>()?,
        // One that a guard removed joins no episode.
        removed: false,
        lowered: row.lowered,
        lower_bound: row.lower_bound,
        warming: row.warming,
        balance_unknown: row.balance_unknown,
        subject: role_of(row.subject)?,
    })
}

fn role_of(number: u8) -> Result<Role, ImageError> {
    let found = Role::ALL.get(usize::from(number)).copied();
    found.ok_or(ImageError::Unknown { what: "role", number: u64::from(number) })
}

fn evidence_row(evidence: &Evidence) -> EvidenceRow {
    let event = |event: &EventRef| {
        let EventRef { event_id, position, parties } = event;
        let Position { topic, partition, offset } = *position;
        EventRow { event_id: event_id.clone(), topic, partition, offset, parties: parties.clone() }
    };
    let Evidence {
        rule_id: _,
        feature,
        value,
        operator,
        threshold,
        unit,
        window_ms,
        events,
        truncated,
    } = evidence;
    EvidenceRow {
        feature: feature.clone(),
        value: value.clone(),
        operator: (*operator).to_owned(),
        threshold: threshold.clone(),
        unit: unit.clone(),
        window_ms: *window_ms,
        events: events.iter().map(event).collect(),
        truncated: *truncated,
    }
}

fn evidence_of(row: &EvidenceRow, rule_id: &str) -> Result<Evidence, ImageError> {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let operators = [Eq, Ne, Lt, Le, Gt, Ge].into_iter().map(CompareOp::word);
    let operator = operators.into_iter().find(|word| *word == row.operator);
    let event = |row: &EventRow| EventRef {
        event_id: row.event_id.clone(),
        position: Position { topic: row.topic, partition: row.partition, offset: row.offset },
        parties: row.parties.clone(),
    };
    Ok(Evidence {
        rule_id: rule_id.to_owned(),
        feature: row.feature.clone(),
        value: row.value.clone(),
        operator: operator.ok_or(ImageError::Impossible("an operator is not known"))?,
        threshold: row.threshold.clone(),
        unit: row.unit.clone(),
        window_ms: row.window_ms,
        events: row.events.iter().map(event).collect(),
        truncated: row.truncated,
    })
}

fn kept_row(kept: &Kept) -> KeptRow {
    let captured = |(evidence, role, what): &(usize, Role, Captured)| match what {
        Captured::Entries { rule: _, evidence: _, entries, truncated, keeper } => {
            Some(CapturedRow {
                evidence: *evidence as u32,
                role: *role as u8,
                entries: entries.iter().map(|entry| entry.words()).collect(),
                truncated: *truncated,
                keeper: keeper.bits(),
            })
        }
        Captured::Branch(_) => None,
    };
    let Kept { rule, time_ms, payment, parts, signals, entries } = kept;
    KeptRow {
        rule: *rule as u32,
        time_ms: *time_ms,
        payment: payment.clone(),
        parts: parts.clone(),
        signals: signals.clone(),
        entries: entries.iter().filter_map(captured).collect(),
    }
}

fn kept_of(row: &KeptRow, plan: &Plan) -> Result<Kept, ImageError> {
    let rule = row.rule as usize;
    if rule >= plan.rules.len() {
        return Err(ImageError::Unknown { what: "rule", number: u64::from(row.rule) });
    }
    let parts = row.parts.iter().zip(&plan.parts);
    let fits = row.payment.len() == plan.payment.len()
        && (row.signals.is_empty() || row.signals.len() == plan.signals.len())
        && parts.into_iter().all(|(row, part)| row.is_empty() || row.len() == part.features.len());
    if !fits {
        return Err(ImageError::Columns("what a finding is told from"));
    }
    let captured = |captured: &CapturedRow| {
        let what = Captured::Entries {
            rule: rule as u16,
            evidence: captured.evidence as usize,
            entries: captured.entries.iter().map(|words| Entry::of_words(*words)).collect(),
            truncated: captured.truncated,
            keeper: Reference::from_bits(captured.keeper),
        };
        Ok((captured.evidence as usize, role_of(captured.role)?, what))
    };
    Ok(Kept {
        rule,
        time_ms: row.time_ms,
        payment: row.payment.clone(),
        parts: row.parts.clone(),
        signals: row.signals.clone(),
        entries: row.entries.iter().map(captured).collect::<Result<_, _>>()?,
    })
}
