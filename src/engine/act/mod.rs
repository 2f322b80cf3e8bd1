//! From findings to alerts, in step order: guards, score, episodes, circuit breaker, texts.
//!
//! - [`finding`]: what one rule that held means, with its guards, weight and evidence
//! - [`episode`]: the open matter about one target, and what the policy makes of it
//! - [`signals`]: what is remembered of rules that fired, for rules that ask about it
//! - [`left`], [`revise`]: what an event has left behind, and what follows when it is judged again
//! - [`breaker`]: the bound on strong measures
//! - [`compose`]: the alert, complete
//! - [`image`]: all of it as plain data

mod breaker;
mod compose;
mod episode;
mod finding;
pub mod image;
mod left;
mod revise;
mod signals;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::facts::{EventFacts, Fate, as_payment};
use super::group::Group;
use super::judge::{Held, Judgement, row_of};
use super::view::StepView;
use super::{EngineConfig, FindingRecord, OpenEpisode, StepOutput};
use crate::limits;
use crate::model::alert::{Alert, Correction};
use crate::model::entity::Reference;
use crate::model::event::{Body, Event, Payment};
use crate::model::measure::Action;
use crate::model::time::{Millis, day_number};
use crate::rules::plan::program::{MISSING, Row};
use crate::rules::plan::view::Role;
use crate::rules::plan::{Mode, Plan};
use breaker::BreakerState;
use compose::Composer;
use episode::{Decision, Episode, TargetKey, Verdict};
use finding::{Captures, Finding};
use left::Left;
use signals::{Signal, Signals};

/// The state of the act phase.
#[derive(Clone, Debug)]
pub(super) struct Act {
    tenant: String,
    utc_offset_ms: Millis,
    /// Shared with images that are being written: what changes meanwhile is copied first.
    episodes: BTreeMap<TargetKey, Arc<Episode>>,
    /// Targets by the time something last joined them, for expiry and for the bound.
    touched: std::collections::BTreeSet<(Millis, TargetKey)>,
    breaker: BreakerState,
    signals: Signals,
    /// For each rule that held in the last step, by event and rule, what became of it.
    made: Vec<(Held, Made)>,
    /// What events that may be judged again have left behind.
    left: Left,
}

/// What became of a rule that held, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Made {
    removed: bool,
    weight: u32,
    floor: Option<Action>,
    lower_bound: bool,
    warming: bool,
    /// Cells of the rule's evidence.
    values: Vec<i64>,
}

/// A rule that held at one event as a whole.
struct Judged {
    at: Held,
    finding: Finding,
    /// Whose episode it joins, if it joins one.
    target: Option<TargetKey>,
    /// The signal that it left: about whom, from whom.
    signal: Option<[Reference; 2]>,
}

/// An item of the order of work, with what its phases found out.
#[derive(Clone, Copy)]
struct Item<'a> {
    view: &'a StepView<'a>,
    groups: &'a [&'a Group],
    captures: &'a Captures<'a>,
    index: usize,
    event: &'a Event,
    payment: &'a Payment,
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
            made: Vec::new(),
            left: Left::default(),
        }
    }

    /// Puts every finding into words while the plan it was found by is at hand.
    pub fn tell_all(&mut self, plan: &Plan, groups: &[&Group]) {
        let episodes = self.episodes.values_mut().map(Arc::make_mut);
        episodes.for_each(|episode| episode.tell_all(plan, groups));
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
        let episodes = self.episodes.values_mut().map(Arc::make_mut);
        episodes.for_each(|episode| episode.follow(&places));
    }

    /// Number of episodes that are kept open.
    pub fn open_episodes(&self) -> usize {
        self.episodes.len()
    }

    /// Episodes that are open at a watermark and hold anything, in order of target.
    pub fn list_open(&self, plan: &Plan, watermark_ms: Millis) -> Vec<OpenEpisode> {
        let idle_ms = plan.policy.episode_idle_ms;
        let is_open = |e: &Episode| !e.findings.is_empty() && e.last_ms + idle_ms >= watermark_ms;
        let open = self.episodes.iter().filter(|(_, episode)| is_open(episode));
        open.map(|(key, episode)| episode.list(key, plan)).collect()
    }

    /// What the judge found in the step just taken, and what became of it, for reports.
    pub fn records(&self, view: &StepView<'_>) -> Vec<FindingRecord> {
        self.made.iter().map(|(held, made)| record(view, *held, made.clone())).collect()
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
        for index in 0..view.course.len() {
            let event = view.event(index);
            let first = judgement.first_of_day[index];
            if first > 0 {
                let day = day_number(event.time_ms, self.utc_offset_ms);
                self.breaker.saw_accounts(day, u32::from(first));
            }
            let here = held.iter().take_while(|h| h.event as usize == index).count();
            let (now, later) = held.split_at(here);
            held = later;
            let is_again = view.facts[index].fate == Fate::Again;
            if now.is_empty() && !(is_again && self.left.has(view.course.number(index))) {
                continue;
            }
            let opened;
            let payment = match &event.body {
                Body::Payment(payment) => payment,
                Body::Account(account) => {
                    opened = as_payment(account, view.plan.currency);
                    &opened
                }
                _ => continue,
            };
            let captures = &captures;
            let item = Item { view, groups, captures, index, event, payment };
            self.expire(view.facts[index].watermark_ms, view);
            match is_again {
                true => self.again(&item, now, output),
                false => self.event(&item, now, output),
            }
        }
        self.left.forget(view.facts.last().map_or(Millis::MIN, |facts| facts.watermark_ms));
    }

    /// Takes the rules that held at one event.
    fn event(&mut self, item: &Item<'_>, held_here: &[Held], output: &mut StepOutput) {
        let judged = self.judge(item, held_here, output);
        let first = self.made.len();
        self.made.extend(judged.iter().map(|judged| (judged.at, judged.made())));
        self.made[first..].sort_by_key(|(held, _)| held.rule);
        // What was waited for is not judged again.
        if item.view.facts[item.index].fate != Fate::Waited {
            self.left.note(item, &judged);
        }
        for (key, findings) in by_target(judged) {
            self.join(item, key, findings, output);
        }
    }

    /// Says of rules that held at an event what they mean.
    fn judge(
        &mut self,
        item: &Item<'_>,
        held_here: &[Held],
        output: &mut StepOutput,
    ) -> Vec<Judged> {
        if held_here.is_empty() {
            return Vec::new();
        }
        let Item { view, groups, captures, index, event, payment } = *item;
        let facts = &view.facts[index];
        let row = row_of(view, groups, facts);
        // What is judged again has been counted.
        let counts = u64::from(facts.fate != Fate::Again);
        // Who asks about signals comes after whom it asks about.
        let mut in_turn: Vec<&Held> = held_here.iter().collect();
        in_turn.sort_by_key(|held| view.plan.rules[usize::from(held.rule)].rank);
        let mut all = Vec::with_capacity(in_turn.len());
        for at in in_turn {
            let rule = usize::from(at.rule);
            let (mut cells, mut lower_bound) = (Vec::new(), false);
            if !view.plan.rules[rule].signals.is_empty() {
                self.signals.expire(facts.watermark_ms);
                cells = self.signal_cells(view, rule, facts, event.time_ms, &mut lower_bound);
            }
            let row = Row { signals: &cells, ..row };
            if !self.holds(view, rule, &row, counts, output) {
                continue;
            }
            let mut finding = Finding::make(view, groups, captures, index, rule, &row);
            finding.lower_bound |= lower_bound;
            let plan = &view.plan.rules[rule];
            let mut judged = Judged { at: *at, finding, target: None, signal: None };
            if judged.finding.removed {
                output.rules[rule].suppressed += counts;
                output.rules[rule].hit -= counts;
                all.push(judged);
                continue;
            }
            if plan.is_remembered {
                let [about, from] =
                    [plan.about, from_role(plan.subject)].map(|r| facts.references[r as usize]);
                let signal = Signal { rule: &plan.id, time_ms: event.time_ms, about, from };
                output.counts.bounds_hit += u64::from(self.signals.remember(&signal));
                judged.signal = Some([about, from]);
            }
            if plan.mode != Mode::Signal {
                let held = can_be_held(event, payment, facts.transition.pre, facts.transition.post);
                let target = if held { plan.target_held } else { plan.target_settled };
                let shadow = plan.mode == Mode::Shadow;
                judged.target = Some(TargetKey::new(target, shadow, view.texts(index), payment));
            }
            all.push(judged);
        }
        all
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
        counts: u64,
        output: &mut StepOutput,
    ) -> bool {
        let plan = &view.plan.rules[rule];
        if plan.gate == plan.when {
            return true;
        }
        let of_rule = &mut output.rules[rule];
        match view.plan.program.eval(plan.when, row) {
            0 => of_rule.miss += counts,
            MISSING => of_rule.not_evaluable += counts,
            _ => return true,
        }
        of_rule.hit -= counts;
        false
    }

    /// Lets findings join the episode of their target and publishes what the policy makes of it.
    fn join(
        &mut self,
        item: &Item<'_>,
        key: TargetKey,
        findings: Vec<Finding>,
        output: &mut StepOutput,
    ) {
        let Item { view, event, .. } = *item;
        let policy = &view.plan.policy;
        let watermark_ms = view.facts[item.index].watermark_ms;
        let episode = self.episode(item, &key);
        let before_ms = episode.last_ms;
        let news = episode.join(item.moment(), findings, watermark_ms);
        let verdict = episode.verdict(view.plan, key.kind());
        let time_ms = event.time_ms;
        let decide = |episode: &Episode, verdict: &Verdict| {
            episode.decide(verdict, news, time_ms, policy.cool_down_ms)
        };
        self.touch(&key, before_ms);
        self.conclude(item, &key, verdict, decide, None, output);
    }

    /// The open episode of a target; opened by this item where there is none.
    fn episode(&mut self, item: &Item<'_>, key: &TargetKey) -> &mut Episode {
        let Item { view, index, event, payment, .. } = *item;
        let episode = self.episodes.entry(key.clone()).or_insert_with(|| {
            let mut opened_by = key.episode_key(view.texts(index), payment, event.time_ms);
            if view.facts[index].fate == Fate::Waited {
                // The same event may have opened an episode before, which has ended since.
                opened_by = format!("{opened_by}@{}", event.time_ms).into();
            }
            Arc::new(Episode::open(opened_by, event.time_ms))
        });
        Arc::make_mut(episode)
    }

    /// Notes when an episode was last joined.
    fn touch(&mut self, key: &TargetKey, before_ms: Millis) {
        let Some(episode) = self.episodes.get(key) else { return };
        self.touched.remove(&(before_ms, key.clone()));
        self.touched.insert((episode.last_ms, key.clone()));
    }

    /// Publishes what the policy makes of an episode, if there is anything to say.
    fn conclude(
        &mut self,
        item: &Item<'_>,
        key: &TargetKey,
        mut verdict: Verdict,
        decide: impl Fn(&Episode, &Verdict) -> Decision,
        correction: Option<Correction>,
        output: &mut StepOutput,
    ) {
        let Item { view, groups, event, .. } = *item;
        let policy = &view.plan.policy;
        let Some(episode) = self.episodes.get_mut(key) else { return };
        let episode = Arc::make_mut(episode);
        // What the next finding may come too late for is put into words now.
        let until_ms = episode.last_ms + policy.episode_idle_ms;
        let horizon_ms = view.plan.horizon_ms(until_ms, view.settings.utc_offset_ms);
        episode.tell(view.plan, groups, |finding| finding.fades_until(horizon_ms));
        let mut downgraded_from = None;
        let mut decision = decide(episode, &verdict);
        if let Decision::Publish(_) = decision
            && verdict.measure.is_some_and(Action::is_strong)
            && !key.is_shadow()
            && episode.is_stronger(&verdict)
            && !self.breaker.admit(&policy.breaker, event.time_ms)
        {
            downgraded_from = verdict.measure;
            verdict.measure = Some(Action::Review);
            // A measure that the breaker lowered may have nothing new to say any more.
            decision = decide(episode, &verdict);
        }
        match decision {
            Decision::Silent => {}
            Decision::Repeat => {
                episode.suppressed += 1;
                output.counts.repeats += 1;
            }
            Decision::Publish(kind) => {
                output.counts.breaker_downgrades += u64::from(downgraded_from.is_some());
                episode.tell(view.plan, groups, |_| true);
                let composer = Composer { tenant: &self.tenant, item };
                let is_correction = correction.is_some();
                let alert = composer.alert(key, episode, kind, &verdict, downgraded_from);
                output.alerts.push(Alert { correction, ..alert });
                output.alert_events.push(view.course.cause(item.index));
                if is_correction {
                    output.counts.corrections[kind as usize] += 1;
                    episode.corrected(kind, &verdict, event.time_ms);
                } else {
                    episode.published(&verdict, event.time_ms);
                }
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

impl Item<'_> {
    /// Its place among all events: time and number.
    fn moment(&self) -> (Millis, u64) {
        (self.event.time_ms, self.view.course.number(self.index))
    }
}

impl Judged {
    fn made(&self) -> Made {
        let Finding { removed, weight, floor, lower_bound, warming, .. } = self.finding;
        let values = self.finding.values.to_vec();
        Made { removed, weight, floor, lower_bound, warming, values }
    }
}

/// Findings that join an episode, by its target.
fn by_target(judged: Vec<Judged>) -> BTreeMap<TargetKey, Vec<Finding>> {
    let mut joined: BTreeMap<TargetKey, Vec<Finding>> = BTreeMap::new();
    for Judged { finding, target, .. } in judged {
        if let Some(key) = target {
            joined.entry(key).or_default().push(finding);
        }
    }
    joined
}

/// What became of a rule that held, for reports.
fn record(view: &StepView<'_>, held: Held, made: Made) -> FindingRecord {
    let rule = &view.plan.rules[usize::from(held.rule)];
    let item = held.event as usize;
    let account = match (&view.event(item).body, rule.about) {
        (Body::Payment(payment), Role::Payee) => payment.payee.account,
        (Body::Payment(payment), _) => payment.payer.account,
        (Body::Account(opened), _) => opened.account,
        _ => unreachable!("only payments and openings are judged"),
    };
    let waited = match &view.event(item).body {
        Body::Payment(payment) if view.facts[item].fate == Fate::Waited => {
            Some(view.texts(item).text(payment.event_id).to_owned())
        }
        _ => None,
    };
    FindingRecord {
        rule: held.rule,
        event: view.course.cause(item),
        time_ms: view.event(item).time_ms,
        waited,
        account: view.texts(item).text(account).to_owned(),
        removed: made.removed,
        weight: made.weight,
        floor: made.floor,
        lower_bound: made.lower_bound,
        warming: made.warming,
        values: made.values,
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
