//! Episodes: the open matter about one target. Findings join it, alerts are its revisions.

use super::finding::Finding;
use crate::limits;
use crate::model::alert::{AlertKind, Confidence, TargetKind};
use crate::model::event::{Batch, Payment};
use crate::model::measure::Action;
use crate::model::time::Millis;
use crate::rules::plan::{Plan, TargetSpec};

/// What an episode is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TargetKey {
    shadow: bool,
    kind: TargetKind,
    /// Payment id, or account.
    id: Box<str>,
}

impl TargetKey {
    pub fn new(target: TargetSpec, shadow: bool, batch: &Batch, payment: &Payment) -> Self {
        let id = match target {
            TargetSpec::Payment => payment.payment_id,
            TargetSpec::Payer | TargetSpec::Opening => payment.payer.account,
            TargetSpec::Payee => payment.payee.account,
        };
        Self { shadow, kind: target.kind(), id: batch.text(id).into() }
    }

    pub fn kind(&self) -> TargetKind {
        self.kind
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn is_shadow(&self) -> bool {
        self.shadow
    }

    /// What tells this episode from others about the same target.
    pub fn episode_key(&self, batch: &Batch, payment: &Payment, time_ms: Millis) -> Box<str> {
        let id = match self.kind {
            TargetKind::Payment => payment.payment_id,
            TargetKind::Account | TargetKind::Opening => payment.event_id,
        };
        match batch.text(id) {
            // An account event may have no id of its own.
            "" => format!("{}@{time_ms}", self.id).into(),
            id => id.into(),
        }
    }
}

/// The open matter about one target.
#[derive(Clone, Debug)]
pub(super) struct Episode {
    /// Payment id, or id of the event that opened it.
    pub key: Box<str>,
    /// Greatest event time of what joined it.
    pub last_ms: Millis,
    /// By rule, the latest of each.
    pub findings: Vec<Finding>,
    /// Number of the last published revision; 0 before the first.
    pub revision: u32,
    /// Measure of the last published revision.
    measure: Option<Action>,
    published_ms: Millis,
    /// Rules that have joined and not been published.
    unpublished: bool,
    /// Findings since the last revision that were not published on their own.
    pub suppressed: u32,
}

/// What the policy makes of an episode's findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub score: u32,
    pub measure: Option<Action>,
    pub confidence: Confidence,
    /// The score is high enough to propose a freeze.
    pub freeze: bool,
}

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Not enough for any measure.
    Silent,
    /// Nothing new, or not yet time to say it.
    Repeat,
    /// A revision.
    Publish(AlertKind),
}

impl Episode {
    pub fn open(key: Box<str>, time_ms: Millis) -> Self {
        Self {
            key,
            last_ms: time_ms,
            findings: Vec::new(),
            revision: 0,
            measure: None,
            published_ms: Millis::MIN,
            unpublished: false,
            suppressed: 0,
        }
    }

    /// Takes findings in; `true` when one is of a rule that was not there, or weighs more than
    /// before.
    pub fn join(&mut self, findings: Vec<Finding>) -> bool {
        let mut news = false;
        for finding in findings {
            let full = self.findings.len() >= limits::EPISODE_FINDINGS_MAX;
            match self.findings.iter_mut().find(|f| f.rule_id == finding.rule_id) {
                Some(known) => {
                    news |= finding.weight > known.weight || finding.floor > known.floor;
                    let weight = finding.weight.max(known.weight);
                    let floor = finding.floor.max(known.floor);
                    *known = finding;
                    (known.weight, known.floor) = (weight, floor);
                }
                None if !full => {
                    news = true;
                    self.findings.push(finding);
                }
                None => {}
            }
        }
        self.findings.sort_by(|a, b| a.rule_id.cmp(&b.rule_id));
        self.unpublished |= news;
        news
    }

    /// Takes the families' places in another plan, by place in the one before.
    pub fn follow(&mut self, places: &[Option<usize>]) {
        self.findings.retain_mut(|finding| match places[finding.family] {
            Some(place) => {
                finding.family = place;
                true
            }
            None => false,
        });
    }

    /// Scores the findings by the policy.
    pub fn verdict(&self, plan: &Plan, kind: TargetKind) -> Verdict {
        let policy = &plan.policy;
        let mut families = vec![0u32; policy.families.len()];
        for finding in &self.findings {
            families[finding.family] += finding.weight;
        }
        let capped = families.iter().zip(&policy.families).map(|(sum, f)| (*sum).min(f.cap));
        let score = capped.sum::<u32>().min(100);
        let band = policy.bands.iter().rev().find(|band| score >= band.from);
        let of_band = band.map(|band| match kind {
            TargetKind::Payment => band.payment,
            TargetKind::Account | TargetKind::Opening => band.account,
        });
        let floors = self.findings.iter().map(|f| f.floor.max(self.supported(plan, f)));
        let measure = of_band.max(floors.max().flatten());
        let agreeing = families.iter().filter(|sum| **sum > 0).count();
        let listed = self.findings.iter().any(|f| policy.families[f.family].name == "list");
        let unsure = self.findings.iter().all(|f| f.lower_bound || f.balance_unknown || f.lowered);
        let confidence = match (unsure, listed || agreeing > 1) {
            (true, _) => Confidence::Low,
            (false, true) => Confidence::High,
            (false, false) => Confidence::Medium,
        };
        let freeze = policy.freeze_proposal_from.is_some_and(|from| score >= from);
        Verdict { score, measure, confidence, freeze: freeze && kind == TargetKind::Account }
    }

    /// The floor that other findings of the episode give to one.
    fn supported(&self, plan: &Plan, finding: &Finding) -> Option<Action> {
        if finding.lowered {
            return None;
        }
        let rule = plan.rules.iter().find(|r| r.id == finding.rule_id)?;
        let others = || self.findings.iter().filter(|f| f.rule_id != finding.rule_id);
        let agrees = |s: &&crate::rules::plan::Support| {
            others().any(|other| {
                s.families.contains(&other.family)
                    || s.rules.iter().any(|r| plan.rules[usize::from(*r)].id == other.rule_id)
            })
        };
        rule.supports.iter().filter(agrees).map(|s| s.floor).max()
    }

    /// Whether a verdict asks for more than the last revision did.
    pub fn is_stronger(&self, verdict: &Verdict) -> bool {
        verdict.measure > self.measure
    }

    /// What to do about a verdict.
    pub fn decide(
        &self,
        verdict: &Verdict,
        news: bool,
        time_ms: Millis,
        cool_down_ms: Millis,
    ) -> Decision {
        if verdict.measure.is_none() {
            return Decision::Silent;
        }
        if self.revision == 0 {
            return Decision::Publish(AlertKind::Raise);
        }
        if self.is_stronger(verdict) {
            return Decision::Publish(AlertKind::Escalate);
        }
        let cooled = time_ms.saturating_sub(self.published_ms) >= cool_down_ms;
        if (news || self.unpublished) && cooled {
            return Decision::Publish(AlertKind::Update);
        }
        Decision::Repeat
    }

    /// Notes that a revision has been published.
    pub fn published(&mut self, verdict: &Verdict, time_ms: Millis) {
        self.revision += 1;
        self.measure = self.measure.max(verdict.measure);
        self.published_ms = self.published_ms.max(time_ms);
        self.unpublished = false;
        self.suppressed = 0;
    }
}
