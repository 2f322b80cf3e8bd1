//! Episodes: the open matter about one target. Findings join it, alerts are its revisions.

use std::sync::Arc;

use super::super::group::Group;
use super::super::{OpenEpisode, OpenFinding};
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
    pub shadow: bool,
    pub kind: TargetKind,
    /// Payment id, or account.
    pub id: Arc<str>,
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

/// What an episode holds of one rule.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// The latest.
    pub finding: Arc<Finding>,
    /// The most that any of them weighed.
    pub weight: u32,
    /// The strongest measure that any of them asked for on its own.
    pub floor: Option<Action>,
}

/// A finding of an event that may yet be judged again.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    pub time_ms: Millis,
    /// Of the event.
    pub number: u64,
    pub finding: Arc<Finding>,
}

/// The open matter about one target.
#[derive(Clone, Debug)]
pub(super) struct Episode {
    /// Payment id, or id of the event that opened it.
    pub key: Box<str>,
    /// Greatest event time of what is in it.
    pub last_ms: Millis,
    /// By rule, in order of rule.
    pub findings: Vec<Standing>,
    /// The same, of those that nothing late can change any more.
    pub settled: Vec<Standing>,
    /// Greatest event time of these, if there were any.
    pub settled_ms: Option<Millis>,
    /// The others, in order of time.
    pub recent: Vec<Recent>,
    /// Number of the last published revision; 0 before the first.
    pub revision: u32,
    /// How often it was withdrawn.
    pub withdrawals: u32,
    /// Measure of the last published revision; none once it is withdrawn.
    pub measure: Option<Action>,
    /// Score of the last published revision.
    pub score: u32,
    pub published_ms: Millis,
    /// Rules that have joined and not been published.
    pub unpublished: bool,
    /// Findings since the last revision that were not published on their own.
    pub suppressed: u32,
}

/// How what an episode holds has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// A rule is there that was not, or weighs more.
    pub gained: bool,
    /// Rules that are not there any more.
    pub lost: Vec<String>,
    /// A rule says something else.
    pub told_otherwise: bool,
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
            settled: Vec::new(),
            settled_ms: None,
            recent: Vec::new(),
            revision: 0,
            withdrawals: 0,
            measure: None,
            score: 0,
            published_ms: Millis::MIN,
            unpublished: false,
            suppressed: 0,
        }
    }

    /// Takes an event's findings in; `true` when one is of a rule that was not there, or weighs
    /// more than before. Those until `watermark_ms` are settled.
    pub fn join(
        &mut self,
        (time_ms, number): (Millis, u64),
        findings: Vec<Finding>,
        watermark_ms: Millis,
    ) -> bool {
        self.settle(watermark_ms);
        let newest = self.recent.last().is_none_or(|r| (r.time_ms, r.number) < (time_ms, number));
        let in_order = newest && self.settled_ms.is_none_or(|settled_ms| settled_ms <= time_ms);
        let news = if in_order {
            let mut news = false;
            for finding in findings.into_iter().map(Arc::new) {
                news |= absorb(&mut self.findings, &finding);
                self.recent.push(Recent { time_ms, number, finding });
            }
            self.findings.sort_by(|a, b| a.finding.rule_id.cmp(&b.finding.rule_id));
            self.last_ms = self.last_ms.max(time_ms);
            news
        } else {
            self.replace((time_ms, number), findings).gained
        };
        self.unpublished |= news;
        news
    }

    /// Puts other findings in place of those of an event.
    pub fn revise(&mut self, event: (Millis, u64), findings: Vec<Finding>) -> Change {
        let change = self.replace(event, findings);
        self.unpublished |= change.gained || change.told_otherwise;
        change
    }

    fn replace(&mut self, (time_ms, number): (Millis, u64), findings: Vec<Finding>) -> Change {
        let before = std::mem::take(&mut self.findings);
        self.recent.retain(|recent| recent.number != number);
        let at = self.recent.partition_point(|r| (r.time_ms, r.number) < (time_ms, number));
        let new = findings.into_iter().map(|f| Recent { time_ms, number, finding: Arc::new(f) });
        self.recent.splice(at..at, new);
        self.gather();
        // Without any finding left it lives as long as it would have.
        let newest_ms = self.recent.last().map(|recent| recent.time_ms);
        self.last_ms = newest_ms.max(self.settled_ms).unwrap_or(self.last_ms);
        Change::between(&before, &self.findings)
    }

    /// Makes the findings anew of those that are settled and the others.
    pub fn gather(&mut self) {
        self.findings.clone_from(&self.settled);
        for recent in &self.recent {
            absorb(&mut self.findings, &recent.finding);
        }
        self.findings.sort_by(|a, b| a.finding.rule_id.cmp(&b.finding.rule_id));
    }

    /// What nothing late can change any more is kept by rule alone.
    fn settle(&mut self, watermark_ms: Millis) {
        let over = self.recent.len().saturating_sub(limits::EPISODE_RECENT_MAX);
        let old = self.recent.partition_point(|recent| recent.time_ms <= watermark_ms);
        for recent in self.recent.drain(..old.max(over)) {
            absorb(&mut self.settled, &recent.finding);
            self.settled_ms = self.settled_ms.max(Some(recent.time_ms));
        }
    }

    /// Puts findings into words, those that are chosen.
    pub fn tell(&mut self, plan: &Plan, groups: &[&Group], chosen: impl Fn(&Finding) -> bool) {
        for standing in self.findings.iter_mut().filter(|s| chosen(&s.finding)) {
            let known = Arc::clone(&standing.finding);
            let Some(told) = known.told(plan, groups) else { continue };
            let told = Arc::new(told);
            let all = self.settled.iter_mut().map(|s| &mut s.finding);
            let all = all.chain(self.recent.iter_mut().map(|r| &mut r.finding));
            for other in all.filter(|other| Arc::ptr_eq(other, &known)) {
                *other = Arc::clone(&told);
            }
            standing.finding = told;
        }
    }

    /// Puts everything into words.
    pub fn tell_all(&mut self, plan: &Plan, groups: &[&Group]) {
        let all = self.findings.iter_mut().chain(&mut self.settled).map(|s| &mut s.finding);
        let all = all.chain(self.recent.iter_mut().map(|recent| &mut recent.finding));
        for finding in all {
            if let Some(told) = finding.told(plan, groups) {
                *finding = Arc::new(told);
            }
        }
    }

    /// Takes the families' places in another plan, by place in the one before.
    pub fn follow(&mut self, places: &[Option<usize>]) {
        let place = |finding: &mut Arc<Finding>| match places[finding.family] {
            Some(place) => {
                if place != finding.family {
                    Arc::make_mut(finding).family = place;
                }
                true
            }
            None => false,
        };
        self.findings.retain_mut(|standing| place(&mut standing.finding));
        self.settled.retain_mut(|standing| place(&mut standing.finding));
        self.recent.retain_mut(|recent| place(&mut recent.finding));
    }

    /// Scores the findings by the policy.
    pub fn verdict(&self, plan: &Plan, kind: TargetKind) -> Verdict {
        let policy = &plan.policy;
        let mut families = vec![0u32; policy.families.len()];
        for standing in &self.findings {
            families[standing.finding.family] += standing.weight;
        }
        let capped = families.iter().zip(&policy.families).map(|(sum, f)| (*sum).min(f.cap));
        let score = capped.sum::<u32>().min(100);
        let band = policy.bands.iter().rev().find(|band| score >= band.from);
        let of_band = band.map(|band| match kind {
            TargetKind::Payment => band.payment,
            TargetKind::Account | TargetKind::Opening => band.account,
        });
        // Weak findings add to the score and do nothing else, whatever the pack lets them ask for.
        let is_weak = |s: &&Standing| policy.families[s.finding.family].is_weak;
        let strong = || self.findings.iter().filter(|s| !is_weak(s));
        let floors = strong().map(|s| s.floor.max(self.supported(plan, &s.finding)));
        let measure = strong().next().and_then(|_| of_band.max(floors.max().flatten()));
        let agreeing = families.iter().filter(|sum| **sum > 0).count();
        let findings = || self.findings.iter().map(|standing| &standing.finding);
        let listed = findings().any(|f| policy.families[f.family].name == "list");
        let unsure = findings().all(|f| f.lower_bound || f.balance_unknown || f.lowered);
        let confidence = match (unsure, listed || agreeing > 1) {
            (true, _) => Confidence::Low,
            (false, true) => Confidence::High,
            (false, false) => Confidence::Medium,
        };
        let freeze = policy.freeze_proposal_from.is_some_and(|from| score >= from);
        Verdict { score, measure, confidence, freeze: freeze && kind == TargetKind::Account }
    }

    /// What it holds and comes to.
    pub fn list(&self, key: &TargetKey, plan: &Plan) -> OpenEpisode {
        let verdict = self.verdict(plan, key.kind());
        let finding = |standing: &Standing| OpenFinding {
            rule_id: standing.finding.rule_id.clone(),
            time_ms: standing.finding.time_ms,
            weight: standing.weight,
            floor: standing.floor,
            values: standing.finding.values.to_vec(),
        };
        OpenEpisode {
            kind: key.kind(),
            id: key.id().to_owned(),
            shadow: key.is_shadow(),
            score: verdict.score,
            measure: verdict.measure,
            findings: self.findings.iter().map(finding).collect(),
        }
    }

    /// The floor that other findings of the episode give to one.
    fn supported(&self, plan: &Plan, finding: &Finding) -> Option<Action> {
        if finding.lowered {
            return None;
        }
        let rule = plan.rules.iter().find(|r| r.id == finding.rule_id)?;
        let others = || {
            let all = self.findings.iter().map(|standing| &standing.finding);
            all.filter(|f| f.rule_id != finding.rule_id && !plan.policy.families[f.family].is_weak)
        };
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
        if self.measure.is_none() {
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

    /// What to do about a verdict after findings have been put in place of others.
    pub fn correct(
        &self,
        verdict: &Verdict,
        change: &Change,
        time_ms: Millis,
        cool_down_ms: Millis,
    ) -> Decision {
        let Some(asked) = self.measure else {
            return self.decide(verdict, change.gained, time_ms, cool_down_ms);
        };
        if verdict.measure.is_none() {
            return Decision::Publish(AlertKind::Withdraw);
        }
        // Less than was asked for is said at once, as more is.
        if verdict.measure < Some(asked) || verdict.score < self.score || !change.lost.is_empty() {
            let stronger = self.is_stronger(verdict);
            let kind = if stronger { AlertKind::Escalate } else { AlertKind::Update };
            return Decision::Publish(kind);
        }
        match change.gained || change.told_otherwise {
            true => self.decide(verdict, true, time_ms, cool_down_ms),
            false => Decision::Silent,
        }
    }

    /// Notes that a correction has been published: it takes back what was asked for before.
    pub fn corrected(&mut self, kind: AlertKind, verdict: &Verdict, time_ms: Millis) {
        self.measure = None;
        self.withdrawals += u32::from(kind == AlertKind::Withdraw);
        self.published(verdict, time_ms);
    }

    /// Notes that a revision has been published.
    pub fn published(&mut self, verdict: &Verdict, time_ms: Millis) {
        self.revision += 1;
        self.measure = self.measure.max(verdict.measure);
        self.score = verdict.score;
        self.published_ms = self.published_ms.max(time_ms);
        self.unpublished = false;
        self.suppressed = 0;
    }
}

/// Takes one finding more, no earlier than those before it; `true` when its rule was not there, or
/// it weighs more than before.
fn absorb(findings: &mut Vec<Standing>, finding: &Arc<Finding>) -> bool {
    let (weight, floor) = (finding.weight, finding.floor);
    let full = findings.len() >= limits::EPISODE_FINDINGS_MAX;
    match findings.iter_mut().find(|known| known.finding.rule_id == finding.rule_id) {
        Some(known) => {
            let news = weight > known.weight || floor > known.floor;
            *known = Standing {
                finding: Arc::clone(finding),
                weight: weight.max(known.weight),
                floor: floor.max(known.floor),
            };
            news
        }
        None if !full => {
            findings.push(Standing { finding: Arc::clone(finding), weight, floor });
            true
        }
        None => false,
    }
}

impl Change {
    /// Both are in order of rule.
    fn between(before: &[Standing], after: &[Standing]) -> Self {
        let of = |all: &[Standing], rule: &str| {
            all.iter().position(|standing| standing.finding.rule_id == rule)
        };
        let mut change = Self::default();
        for standing in after {
            match of(before, &standing.finding.rule_id).map(|at| &before[at]) {
                Some(known) => {
                    let more = standing.weight > known.weight || standing.floor > known.floor;
                    change.gained |= more;
                    change.told_otherwise |= !standing.finding.says_the_same(&known.finding)
                        || (standing.weight, standing.floor) != (known.weight, known.floor);
                }
                None => change.gained = true,
            }
        }
        let gone = before.iter().filter(|known| of(after, &known.finding.rule_id).is_none());
        change.lost = gone.map(|known| known.finding.rule_id.clone()).collect();
        change
    }
}
