//! One step through its phases: clock, intern, register and consult, visit, judge, act.

use std::sync::{Arc, PoisonError, RwLock};

use super::act::Act;
use super::facts::{EventFacts, RoleLists};
use super::group::{Group, Settings};
use super::held::{Course, Held, Origin};
use super::image::Resume;
use super::image::resume::Already;
use super::judge::judge;
use super::rule_set::RuleSet;
use super::view::StepView;
use super::visit_plan::VisitPlan;
use super::waits::Waits;
use super::warmth::Warmth;
use super::{EngineConfig, Fork, MemoryReport, OpenEpisode, RuleCounts, StepOutput};
use crate::limits;
use crate::model::entity::EntityKind;
use crate::model::event::{Batch, Event};
use crate::model::time::Millis;
use crate::rules::plan::Plan;

/// The engine: all state, and the plan in force.
#[derive(Debug)]
pub struct Engine {
    pub(super) config: EngineConfig,
    pub(super) plan: Arc<Plan>,
    pub(super) visit_plan: VisitPlan,
    pub(super) settings: Settings,
    /// Greatest event time seen.
    pub(super) greatest_ms: Millis,
    pub(super) warmth: Warmth,
    pub(super) groups: Vec<RwLock<Group>>,
    /// Parts of different steps have been taken in, and not all are of one yet.
    pub(super) resume: Option<Resume>,
    /// Number in its group of the shard whose register is looked through next.
    pub(super) next_eviction: usize,
    /// Payments that are judged once more when time has passed.
    pub(super) waits: Waits,
    /// Number of the next of these: above those of all events.
    pub(super) next_waited: u64,
    pub(super) act: Act,
    /// The events taken lately.
    pub(super) held: Held,
    /// Bounds that kept events from being judged again, in the present stretch.
    pub(super) again_bounds: u64,
    pub(super) work: Work,
}

/// Memory that steps reuse.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub facts: Vec<EventFacts>,
    pub lists: Vec<RoleLists>,
    pub payment_rows: Vec<i64>,
    /// By event that is judged: the rules that its payment leaves open.
    pub open: Vec<u64>,
    /// Of these, the ones for which it lacks a field.
    pub lacking: Vec<u64>,
    /// Where payments are judged once more: by event, the rules that do.
    pub again: Vec<u64>,
    /// Places in the stretch of events that came after one with a later time.
    pub disordered: Vec<u32>,
    /// The order of work, where it is not that of the stretch.
    pub origins: Vec<Origin>,
}

/// Numbers from here on are of payments that were waited for.
pub(super) const FIRST_WAITED: u64 = 1 << 63;

impl Engine {
    /// An empty engine. `config.threads` groups of shards are made; results do not depend on how
    /// many.
    #[must_use]
    pub fn new(config: EngineConfig, plan: Arc<Plan>) -> Self {
        let wanted = config.threads.clamp(1, limits::SHARDS);
        let each = limits::SHARDS.div_ceil(wanted);
        let firsts = (0..limits::SHARDS).step_by(each);
        let group = |first| Group::new(first as u16, each.min(limits::SHARDS - first));
        let groups = firsts.map(|first| RwLock::new(group(first))).collect();
        let mut engine = Self {
            act: Act::new(&config),
            settings: Settings { utc_offset_ms: config.utc_offset_ms, words: 1 },
            visit_plan: VisitPlan::default(),
            greatest_ms: Millis::MIN,
            warmth: Warmth::default(),
            groups,
            resume: None,
            next_eviction: 0,
            waits: Waits::default(),
            next_waited: FIRST_WAITED,
            held: Held::default(),
            again_bounds: 0,
            work: Work::default(),
            plan: Arc::clone(&plan),
            config,
        };
        engine.set_plan(plan);
        engine
    }

    /// Puts another plan in force, from the next step on. Windows are views, so its rules see their
    /// whole windows at once. What the state keeps for a plan's sake goes over by name: open
    /// episodes stay with their findings, running sums are made anew when they are asked for.
    ///
    /// # Panics
    /// When events have been taken and the plan [cannot follow](Plan::follows) the one in force:
    /// the ledgers hold what its currency and country made of those events.
    pub fn set_plan(&mut self, plan: Arc<Plan>) {
        let follows = plan.follows(&self.plan);
        assert!(self.greatest_ms == Millis::MIN || follows.is_ok(), "{follows:?}");
        {
            let guards: Vec<_> = self.groups.iter().map(read).collect();
            let groups: Vec<&Group> = guards.iter().map(|guard| &**guard).collect();
            self.act.tell_all(&self.plan, &groups);
        }
        self.act.follow(&self.plan, &plan);
        if let Some(watermark_ms) = self.watermark_ms() {
            let horizon = |plan: &Plan| plan.horizon_ms(watermark_ms, self.config.utc_offset_ms);
            if horizon(&plan) < horizon(&self.plan) {
                self.warmth.let_go(horizon(&self.plan));
            }
        }
        self.warmth.set_plan(&plan, self.greatest_ms);
        self.visit_plan = VisitPlan::derive(&plan);
        self.settings.words = RuleSet::words(plan.rules.len());
        self.plan = plan;
        for group in &mut self.groups {
            let group = group.get_mut().unwrap_or_else(PoisonError::into_inner);
            let headers = group.shards.iter_mut().flat_map(|s| &mut s.table.headers);
            headers.filter_map(|h| h.extra.as_mut()).for_each(|extra| extra.hot = None);
        }
    }

    /// A second engine that goes on from here under another plan: what this one would be if the
    /// plan came into force now. It costs as much memory as this one.
    ///
    /// # Panics
    /// As [`Engine::set_plan`].
    #[must_use]
    pub fn beside(&self, plan: Arc<Plan>) -> Self {
        let mut second = Self {
            config: self.config.clone(),
            plan: Arc::clone(&self.plan),
            visit_plan: VisitPlan::default(),
            settings: self.settings,
            greatest_ms: self.greatest_ms,
            warmth: self.warmth.clone(),
            groups: self.groups.iter().map(|group| RwLock::new(read(group).clone())).collect(),
            resume: self.resume.clone(),
            next_eviction: self.next_eviction,
            waits: self.waits.clone(),
            next_waited: self.next_waited,
            act: self.act.clone(),
            held: self.held.clone(),
            again_bounds: 0,
            work: Work::default(),
        };
        second.set_plan(plan);
        second
    }

    /// The plan in force.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Greatest event time seen less the allowed lateness; `None` before the first event.
    #[must_use]
    pub fn watermark_ms(&self) -> Option<Millis> {
        (self.greatest_ms != Millis::MIN).then(|| self.greatest_ms - self.config.lateness_ms)
    }

    /// What is not after this has left the ledgers; `None` before the first event.
    pub(super) fn horizon_ms(&self) -> Option<Millis> {
        self.watermark_ms().map(|at_ms| self.plan.horizon_ms(at_ms, self.config.utc_offset_ms))
    }

    /// The watermark at which payments are judged once more because time has passed; `None` while
    /// no rule waits for anything.
    #[must_use]
    pub fn waits_until_ms(&self) -> Option<Millis> {
        self.waits.next_ms()
    }

    /// The allowed lateness.
    #[must_use]
    pub fn lateness_ms(&self) -> Millis {
        self.config.lateness_ms
    }

    /// The open episodes and what they hold, in order of target.
    #[must_use]
    pub fn open_episodes(&self) -> Vec<OpenEpisode> {
        self.act.list_open(&self.plan, self.watermark_ms().unwrap_or(Millis::MIN))
    }

    /// Takes a batch of events through all phases, a stretch at a time: how a batch is cut makes no
    /// difference, and what a stretch needs fits the cache.
    ///
    /// # Panics
    /// When parts of different steps have been taken in and the steps between them have not been
    /// [repeated](Engine::repeat).
    pub fn step(&mut self, batch: &Batch, fork: &dyn Fork) -> StepOutput {
        assert!(self.resume.is_none(), "steps between the parts are missing");
        self.work_on(batch, fork, None)
    }

    /// See [`Engine::step`]; what of the step is there `already` is left as it is.
    pub(super) fn work_on(
        &mut self,
        batch: &Batch,
        fork: &dyn Fork,
        already: Option<Already<'_>>,
    ) -> StepOutput {
        let mut output = StepOutput {
            rules: vec![RuleCounts::default(); self.plan.rules.len()],
            ..StepOutput::default()
        };
        self.evict_payments(batch.events.len(), fork);
        let is_kept = already.is_some_and(Already::has_act);
        let numbered = match already {
            Some(already) if is_kept => already.first_event(),
            _ => self.held.begin_step(batch),
        };
        let most = limits::STRETCH_EVENTS * self.groups.len();
        let mut first = 0;
        while let Some(next) = batch.events.get(first) {
            let rest = &batch.events[first..];
            // What waits and what is judged again belong to the act phase.
            let events = if is_kept {
                &rest[..most.min(rest.len())]
            } else {
                self.pass_time(next, first as u32, fork, &mut output);
                let clock = (self.greatest_ms, self.config.lateness_ms);
                &rest[..self.waits.stretch(rest, most, &self.visit_plan, clock)]
            };
            let made = (output.alert_events.len(), output.findings.len(), output.revised.len());
            self.clock(batch, events, already, &mut output);
            self.phases(batch, events, numbered + first as u64, fork, already, &mut output);
            let number = first as u32;
            output.alert_events[made.0..].iter_mut().for_each(|event| *event += number);
            output.findings[made.1..].iter_mut().for_each(|finding| finding.event += number);
            for revised in &mut output.revised[made.2..] {
                revised.cause += number;
                revised.findings.iter_mut().for_each(|finding| finding.event += number);
            }
            first += events.len();
        }
        output.watermark_ms = self.watermark_ms().unwrap_or(Millis::MIN);
        if !is_kept {
            self.held.end_step(output.watermark_ms);
        }
        output
    }

    /// Lets go of payments beyond the horizon, in some shards at a time: a record beyond it counts
    /// as gone whether or not it is there.
    fn evict_payments(&mut self, events: usize, fork: &dyn Fork) {
        let Some(horizon_ms) = self.horizon_ms() else { return };
        let per_group = read(&self.groups[0]).shards.len();
        let wanted = (events / limits::EVENTS_PER_EVICTION).clamp(1, per_group);
        let first = self.next_eviction;
        self.next_eviction = (first + wanted) % per_group;
        let groups = &self.groups;
        fork.run(groups.len(), &|g| {
            let mut group = write(&groups[g]);
            let shards = group.shards.len();
            for shard in (first..first + wanted).map(|n| n % per_group).filter(|n| *n < shards) {
                group.shards[shard].register.evict(horizon_ms);
            }
        });
    }

    /// Takes a stretch of events, whose visits are handed out, through the other phases; `first` is
    /// the number of the first.
    pub(super) fn phases(
        &mut self,
        batch: &Batch,
        events: &[Event],
        first: u64,
        fork: &dyn Fork,
        already: Option<Already<'_>>,
        output: &mut StepOutput,
    ) {
        let tasks = self.groups.len();
        let new = (first < FIRST_WAITED).then_some(first);
        {
            let groups = &self.groups;
            fork.run(tasks, &|g| write(&groups[g]).intern(batch, new, already));
        }
        let is_kept = already.is_some_and(Already::has_act);
        self.gather_references(new.filter(|_| !is_kept));
        self.judge_again(batch, events, first);
        {
            let (groups, facts) = (&self.groups, &self.work.facts);
            let origins = &self.work.origins;
            let course = Course { batch, events, first, held: &self.held, origins };
            fork.run(tasks, &|g| write(&groups[g]).consult(&course, facts, already));
        }
        self.gather_answers(batch, events, first, output);
        let Self { groups, work, plan, visit_plan, settings, warmth, held, .. } = self;
        let view = StepView {
            course: Course { batch, events, first, held, origins: &work.origins },
            facts: &work.facts,
            lists: &work.lists,
            payment_rows: &work.payment_rows,
            open: &work.open,
            lacking: &work.lacking,
            again: &work.again,
            plan,
            visit_plan,
            settings: *settings,
            warmth,
            already,
        };
        fork.run(tasks, &|g| write(&groups[g]).visit_all(&view));
        if !is_kept {
            let judgement = {
                let guards: Vec<_> = groups.iter().map(read).collect();
                let groups: Vec<&Group> = guards.iter().map(|guard| &**guard).collect();
                let judgement = judge(&view, &groups, tasks, fork, &mut output.rules);
                self.act.step(&view, &groups, &judgement, output);
                judgement
            };
            output.counts.bounds_hit += self.waits.add(&view, &mut output.rules);
            if self.config.report_findings {
                output.findings.extend(self.act.records(&view));
                output.active_by_day.extend(judgement.active_by_day(&view));
            }
            output.counts.account_days += judgement.account_days();
        }
        output.counts.bounds_hit += std::mem::take(&mut self.again_bounds);
        for group in &mut self.groups {
            output.counts.bounds_hit += std::mem::take(&mut exclusive(group).bounds_hit);
        }
    }

    /// What the state costs.
    #[must_use]
    pub fn memory(&self) -> MemoryReport {
        let mut report = MemoryReport::default();
        for group in &self.groups {
            for shard in &read(group).shards {
                report.entity_bytes += shard.table.bytes();
                report.entry_bytes += shard.slab.bytes();
                report.payment_bytes += shard.register.bytes();
                report.payments += shard.register.len();
                for header in &shard.table.headers {
                    let kind = &mut report.entities[header.kind as usize];
                    *kind += 1;
                    let active = header.kind == EntityKind::Account && header.last_day != i32::MIN;
                    report.accounts_active += usize::from(active);
                    report.live_entries += header.ring.len();
                    report.extra_bytes += header.extra.as_ref().map_or(0, |e| e.bytes());
                }
            }
        }
        (report.held_events, report.held_bytes) = self.held.size();
        report.waiting = self.waits.len();
        report.extra_bytes += self.waits.bytes();
        report.open_episodes = self.act.open_episodes();
        report
    }
}

// A panic while a group is written ends the process (the step's thread unwinds), so a poisoned lock
// is never met by a later step; taking it anyway keeps this code free of a second way to panic.
pub(super) fn write(group: &RwLock<Group>) -> std::sync::RwLockWriteGuard<'_, Group> {
    group.write().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn read(group: &RwLock<Group>) -> std::sync::RwLockReadGuard<'_, Group> {
    group.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn exclusive(group: &mut RwLock<Group>) -> &mut Group {
    group.get_mut().unwrap_or_else(PoisonError::into_inner)
}
