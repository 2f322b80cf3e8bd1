//! Findings as plain data, told or yet to be told.

use serde::{Deserialize, Serialize};

use super::super::super::capture::Captured;
use super::super::super::entry::Entry;
use super::super::super::image::{ImageError, of_number, of_number_or_none};
use super::super::finding::{Finding, Kept};
use super::number_of;
use crate::model::alert::{Bilingual, EventRef, Evidence, GuardOutcome, GuardResult};
use crate::model::entity::Reference;
use crate::model::event::Position;
use crate::model::measure::Action;
use crate::model::time::Millis;
use crate::rules::plan::Plan;
use crate::rules::plan::program::CompareOp;
use crate::rules::plan::view::Role;

/// A finding of an episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FindingRow {
    rule_id: String,
    rule_version: String,
    code: String,
    family: u32,
    weight: u32,
    floor: u8,
    time_ms: Millis,
    values: Vec<i64>,
    text: Bilingual,
    pub evidence: Vec<EvidenceRow>,
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
pub(super) struct EvidenceRow {
    feature: String,
    value: String,
    operator: String,
    threshold: String,
    unit: String,
    window_ms: Option<(Millis, Millis)>,
    pub events: Vec<EventRow>,
    truncated: bool,
}

/// A contributing event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EventRow {
    event_id: String,
    pub topic: u16,
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

const OUTCOMES: &[(&str, GuardOutcome)] = &[
    ("not_applicable", GuardOutcome::NotApplicable),
    ("not_evaluable", GuardOutcome::NotEvaluable),
    ("lowered", GuardOutcome::Lowered),
    ("removed", GuardOutcome::Removed),
];

pub(super) fn finding_row(finding: &Finding) -> FindingRow {
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

pub(super) fn finding_of(row: &FindingRow, plan: &Plan) -> Result<Finding, ImageError> {
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
