//! From findings to alerts, in step order: guards, score, episodes, circuit breaker, texts.
//!
//! - [`finding`]: what one rule that held means, with its guards, weight and evidence
//! - [`episode`]: the open matter about one target, and what the policy makes of it
//! - [`signals`]: what is remembered of rules that fired, for rules that ask about it
//! - [`breaker`]: the bound on strong measures
//! - [`compose`]: the alert, complete

mod breaker;
mod compose;
mod episode;
mod finding;
mod signals;

use std::collections::BTreeMap;

use super::facts::{EventFacts, Fate, as_payment};
use super::group::Group;
use super::judge::{Held, Judgement, row_of};
use super::view::StepView;
use super::{EngineConfig, FindingRecord, StepOutput};
use crate::limits;
use crate::model::entity::Reference;
use crate::model::event::{Body, Event, Payment};
use crate::model::measure::Action;
use crate::model::time::{Millis, day_number};
use crate::rules::plan::program::{MISSING, Row};
use crate::rules::plan::view::Role;
use crate::rules::plan::{Mode, Plan};
use breaker::BreakerState;
use compose::Composer;
use episode::{Decision, Episode, TargetKey};
use finding::{Captures, Finding};
use signals::{Signal, Signals};

/// The state of the act phase.
#[derive(Clone, Debug)]
pub(super) struct Act {
    tenant: String,
    utc_offset_ms: Millis,
    episodes: BTreeMap<TargetKey, Episode>,
    /// Targets by the time something last joined them, for expiry and for the bound.
    touched: std::collections::BTreeSet<(Millis, TargetKey)>,
    breaker: BreakerState,
    signals: Signals,
    report_findings: bool,
    /// For each rule that held in the last step, by event and rule, what became of it.
    made: Vec<(Held, Made)>,
}

/// What became of a rule that held, for reports.
#[derive(Clone, Debug)]
struct Made {
    removed: bool,
    weight: u32,
    floor: Option<Action>,
    /// Cells of the rule's evidence, if anybody asked.
    values: Vec<i64>,
}

impl Act {
    pub fn new(config: &EngineConfig) -> Self {
        Self {
            tenant: config.tenant.clone(),
            utc_offset_ms: config.utc_offset_ms,
            episodes: BTreeMap::new(),
            touched: std::collections::BTreeSet::new(),
            breaker: BreakerState::default(),
            signals: Signals::default(),
            report_findings: config.report_findings,
            made: Vec::new(),
        }
    }

    /// Puts every finding into words while the plan it was found by is at hand.
    pub fn tell_all(&mut self, plan: &Plan, groups: &[&Group]) {
        let findings = self.episodes.values_mut().flat_map(|episode| &mut episode.findings);
        findings.for_each(|finding| finding.tell(plan, groups));
    }

    /// Another plan comes into force. Rules are known by id and families by name, so open
    /// episodes, their cool-downs and the breaker go on; a finding of a family that is gone weighs
    /// nothing any more and leaves.
    pub fn follow(&mut self, before: &Plan, plan: &Plan) {
        let place = |family: usize| {
            let name = &before.policy.families[family].name;
            plan.policy.families.iter().position(|family| family.name == *name)
        };
        let places: Vec<_> = (0..before.policy.families.len()).map(place).collect();
        self.episodes.values_mut().for_each(|episode| episode.follow(&places));
    }

    /// Episodes that are open.
    pub fn open_episodes(&self) -> usize {
        self.episodes.len()
    }

    /// What the judge found in the step just taken, and what became of it, for reports.
    pub fn records(&self, view: &StepView<'_>) -> Vec<FindingRecord> {
        let record = |(held, made): &(Held, Made)| {
            let rule = &view.plan.rules[usize::from(held.rule)];
            let account = match (&view.events[held.event as usize].body, rule.about) {
                (Body::Payment(payment), Role::Payee) => payment.payee.account,
                (Body::Payment(payment), _) => payment.payer.account,
                (Body::Account(opened), _) => opened.account,
                _ => unreachable!("only payments and openings are judged"),
            };
            let waited = match &view.events[held.event as usize].body {
                Body::Payment(p) if view.facts[held.event as usize].fate == Fate::Waited => {
                    Some(view.batch.text(p.event_id).to_owned())
                }
                _ => None,
            };
            FindingRecord {
                rule: held.rule,
                event: held.event,
                time_ms: view.events[held.event as usize].time_ms,
                waited,
                account: view.batch.text(account).to_owned(),
                removed: made.removed,
                weight: made.weight,
                floor: made.floor,
                values: made.values.clone(),
            }
        };
        self.made.iter().map(record).collect()
    }

    /// Takes what the judge found in one step.
    pub fn step(
        &mut self,
        view: &StepView<'_>,
        groups: &[&Group],
        judgement: &Judgement,
        output: &mut StepOutput,
    ) {
        self.made.clear();
        let captures = Captures::collect(view, groups);
        let mut held = judgement.held.as_slice();
        for (index, event) in view.events.iter().enumerate() {
            let first = judgement.first_of_day[index];
            if first > 0 {
                let day = day_number(event.time_ms, self.utc_offset_ms);
                self.breaker.saw_accounts(day, u32::from(first));
            }
            let here = held.iter().take_while(|h| h.event as usize == index).count();
            let (now, later) = held.split_at(here);
            held = later;
            if !now.is_empty() {
                let first = self.made.len();
                self.event(view, groups, &captures, index, event, now, output);
                self.made[first..].sort_by_key(|(held, _)| held.rule);
            }
        }
    }

    /// Takes the rules that held at one event.
    fn event(
        &mut self,
        view: &StepView<'_>,
        groups: &[&Group],
        captures: &Captures<'_>,
        index: usize,
        event: &Event,
        held_here: &[Held],
        output: &mut StepOutput,
    ) {
        let opened;
        let payment = match &event.body {
            Body::Payment(payment) => payment,
            Body::Account(account) => {
                opened = as_payment(account, view.plan.currency);
                &opened
            }
            _ => return,
        };
        let facts = &view.facts[index];
        self.expire(facts.watermark_ms, view);
        let row = row_of(view, groups, facts);
        let mut joined: BTreeMap<TargetKey, Vec<Finding>> = BTreeMap::new();
        // Who asks about signals comes after whom it asks about.
        let mut in_turn: Vec<&Held> = held_here.iter().collect();
        in_turn.sort_by_key(|held| view.plan.rules[usize::from(held.rule)].rank);
        for at in in_turn {
            let rule = usize::from(at.rule);
            let (mut cells, mut lower_bound) = (Vec::new(), false);
            if !view.plan.rules[rule].signals.is_empty() {
                self.signals.expire(facts.watermark_ms);
                cells = self.signal_cells(view, rule, facts, event.time_ms, &mut lower_bound);
            }
            let row = Row { signals: &cells, ..row };
            if !self.holds(view, rule, &row, output) {
                continue;
            }
            let mut finding = Finding::make(view, groups, captures, index, rule, &row);
            finding.lower_bound |= lower_bound;
            let plan = &view.plan.rules[rule];
            let Finding { removed, weight, floor, .. } = finding;
            let program = &view.plan.program;
            let values = if self.report_findings {
                plan.evidence.iter().map(|item| program.eval(item.value, &row)).collect()
            } else {
                Vec::new()
            };
            self.made.push((*at, Made { removed, weight, floor, values }));
            if finding.removed {
                output.rules[rule].suppressed += 1;
                output.rules[rule].hit -= 1;
                continue;
            }
            if plan.is_remembered {
                let [about, from] =
                    [plan.about, from_role(plan.subject)].map(|r| facts.references[r as usize]);
                let signal = Signal { rule: &plan.id, time_ms: event.time_ms, about, from };
                output.counts.bounds_hit += u64::from(self.signals.remember(&signal));
            }
            if plan.mode == Mode::Signal {
                continue;
            }
            let held = can_be_held(event, payment, facts.transition.pre, facts.transition.post);
            let target = if held { plan.target_held } else { plan.target_settled };
            let shadow = plan.mode == Mode::Shadow;
            let key = TargetKey::new(target, shadow, view.batch, payment);
            joined.entry(key).or_default().push(finding);
        }
        for (key, findings) in joined {
            self.join(view, groups, captures, index, event, payment, key, findings, output);
        }
    }

    /// The cells of the signals that a rule asks about.
    fn signal_cells(
        &self,
        view: &StepView<'_>,
        rule: usize,
        facts: &EventFacts,
        time_ms: Millis,
        lower_bound: &mut bool,
    ) -> Vec<i64> {
        let mut cells = vec![MISSING; view.plan.signals.len()];
        for number in &view.plan.rules[rule].signals {
            let signal = &view.plan.signals[usize::from(*number)];
            let about = facts.references[signal.role as usize];
            if about != Reference::NONE {
                cells[usize::from(*number)] =
                    self.signals.ask(view.plan, signal, about, time_ms, lower_bound);
            }
        }
        cells
    }

    /// Whether a rule whose gate held holds as a whole; what it comes to otherwise is counted.
    fn holds(
        &self,
        view: &StepView<'_>,
        rule: usize,
        row: &Row<'_>,
        output: &mut StepOutput,
    ) -> bool {
        let plan = &view.plan.rules[rule];
        if plan.gate == plan.when {
            return true;
        }
        let counts = &mut output.rules[rule];
        match view.plan.program.eval(plan.when, row) {
            0 => counts.miss += 1,
            MISSING => counts.not_evaluable += 1,
            _ => return true,
        }
        counts.hit -= 1;
        false
    }

    /// Lets findings join the episode of their target and publishes what the policy makes of it.
    fn join(
        &mut self,
        view: &StepView<'_>,
        groups: &[&Group],
        captures: &Captures<'_>,
        index: usize,
        event: &Event,
        payment: &Payment,
        key: TargetKey,
        findings: Vec<Finding>,
        output: &mut StepOutput,
    ) {
        let policy = &view.plan.policy;
        let mut opened_by = key.episode_key(view.batch, payment, event.time_ms);
        if view.facts[index].fate == Fate::Waited {
            // The same event may have opened an episode before, which has ended since.
            opened_by = format!("{opened_by}@{}", event.time_ms).into();
        }
        let episode = self
            .episodes
            .entry(key.clone())
            .or_insert_with(|| Episode::open(opened_by, event.time_ms));
        self.touched.remove(&(episode.last_ms, key.clone()));
        episode.last_ms = episode.last_ms.max(event.time_ms);
        self.touched.insert((episode.last_ms, key.clone()));
        let news = episode.join(findings);
        // What the next finding may come too late for is put into words now.
        let until_ms = episode.last_ms + policy.episode_idle_ms;
        let fading = episode.findings.iter_mut().filter(|f| f.fades_until(until_ms));
        fading.for_each(|finding| finding.tell(view.plan, groups));
        let mut verdict = episode.verdict(view.plan, key.kind());
        let mut downgraded_from = None;
        let decision = episode.decide(&verdict, news, event.time_ms, policy.cool_down_ms);
        if let Decision::Publish(_) = decision
            && verdict.measure.is_some_and(crate::model::measure::Action::is_strong)
            && !key.is_shadow()
            && episode.is_stronger(&verdict)
            && !self.breaker.admit(&policy.breaker, event.time_ms)
        {
            downgraded_from = verdict.measure;
            verdict.measure = Some(crate::model::measure::Action::Review);
        }
        // A measure that the breaker lowered may have nothing new to say any more.
        let decision = match downgraded_from {
            None => decision,
            Some(_) => episode.decide(&verdict, news, event.time_ms, policy.cool_down_ms),
        };
        match decision {
            Decision::Silent => {}
            Decision::Repeat => {
                episode.suppressed += 1;
                output.counts.repeats += 1;
            }
            Decision::Publish(kind) => {
                output.counts.breaker_downgrades += u64::from(downgraded_from.is_some());
                episode.findings.iter_mut().for_each(|f| f.tell(view.plan, groups));
                let composer =
                    Composer { tenant: &self.tenant, view, captures, index, event, payment };
                output.alerts.push(composer.alert(&key, episode, kind, &verdict, downgraded_from));
                output.alert_events.push(index as u32);
                episode.published(&verdict, event.time_ms);
            }
        }
        if self.episodes.len() > limits::EPISODES_MAX {
            self.close_oldest();
            output.counts.bounds_hit += 1;
        }
    }

    /// Ends the episodes that nothing has joined for long enough. By the watermark: what comes late
    /// within the lateness still finds its episode open.
    fn expire(&mut self, watermark_ms: Millis, view: &StepView<'_>) {
        let idle_ms = view.plan.policy.episode_idle_ms;
        while self.touched.first().is_some_and(|(last_ms, _)| last_ms + idle_ms < watermark_ms) {
            self.close_oldest();
        }
    }

    fn close_oldest(&mut self) {
        if let Some((_, key)) = self.touched.pop_first() {
            self.episodes.remove(&key);
        }
    }
}

/// The account that a signal comes from: the one whose state gated the rule.
fn from_role(subject: Role) -> Role {
    match subject {
        Role::Payee | Role::PayeeCustomer => Role::Payee,
        _ => Role::Payer,
    }
}

/// Whether a payment can still be held: it is on its way, and its deadline has not passed.
fn can_be_held(event: &Event, payment: &Payment, pre: bool, settled: bool) -> bool {
    pre && !settled && payment.hold_deadline_ms.is_none_or(|deadline| event.time_ms < deadline)
}
