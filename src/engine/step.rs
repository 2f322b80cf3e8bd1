//! One step through its phases: clock, intern, register and consult, visit, judge, act.

use std::sync::{Arc, PoisonError, RwLock};

use super::act::Act;
use super::facts::{
    EventFacts, Fate, Frame, NONE, RoleLists, VisitRef, network, opening_cell, payment_cell,
};
use super::group::{Call, Group, PaymentTask, Settings, Visit};
use super::judge::judge;
use super::register::{Outcome, StatusEvent, Transition};
use super::rule_set::RuleSet;
use super::table::Slot;
use super::view::StepView;
use super::visit_plan::VisitPlan;
use super::warmth::Warmth;
use super::{Counts, EngineConfig, Fork, MemoryReport, RuleCounts, StepOutput};
use crate::limits;
use crate::model::entity::{EntityKind, KeyHash, Reference};
use crate::model::event::{AccountEventKind, Batch, Body, Event, Payment, Text};
use crate::model::reject::{Reject, RejectReason};
use crate::model::time::Millis;
use crate::rules::plan::Plan;
use crate::rules::plan::view::Role;

/// The engine: all state, and the plan in force.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    plan: Arc<Plan>,
    visit_plan: VisitPlan,
    settings: Settings,
    /// Greatest event time seen.
    greatest_ms: Millis,
    warmth: Warmth,
    groups: Vec<RwLock<Group>>,
    /// Number in its group of the shard whose register is looked through next.
    next_eviction: usize,
    act: Act,
    work: Work,
}

/// Visits whose memory is asked for before the first of them is worked on.
const PREFETCH_BLOCK: usize = 64;

/// Memory that steps reuse.
#[derive(Debug, Default)]
struct Work {
    facts: Vec<EventFacts>,
    lists: Vec<RoleLists>,
    payment_rows: Vec<i64>,
    /// By event that is judged: the rules that its payment leaves open.
    open: Vec<u64>,
    /// Of these, the ones for which it lacks a field.
    lacking: Vec<u64>,
}

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
            next_eviction: 0,
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

    /// Takes a batch of events through all phases, a stretch at a time: how a batch is cut makes no
    /// difference, and what a stretch needs fits the cache.
    pub fn step(&mut self, batch: &Batch, fork: &dyn Fork) -> StepOutput {
        let mut output = StepOutput {
            rules: vec![RuleCounts::default(); self.plan.rules.len()],
            ..StepOutput::default()
        };
        self.evict_payments(batch.events.len(), fork);
        let stretch = limits::STRETCH_EVENTS * self.groups.len();
        for (number, events) in batch.events.chunks(stretch).enumerate() {
            let made = (output.alert_events.len(), output.findings.len());
            self.stretch(batch, events, fork, &mut output);
            let first = (number * stretch) as u32;
            output.alert_events[made.0..].iter_mut().for_each(|event| *event += first);
            output.findings[made.1..].iter_mut().for_each(|finding| finding.event += first);
        }
        output.watermark_ms = self.watermark_ms().unwrap_or(Millis::MIN);
        output
    }

    /// Lets go of payments beyond the horizon, in some shards at a time: a record beyond it counts
    /// as gone whether or not it is there.
    fn evict_payments(&mut self, events: usize, fork: &dyn Fork) {
        let horizon_ms = self.watermark_ms().map(|w| w - limits::LEDGER_RETENTION);
        let Some(horizon_ms) = horizon_ms else { return };
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

    fn stretch(
        &mut self,
        batch: &Batch,
        events: &[Event],
        fork: &dyn Fork,
        output: &mut StepOutput,
    ) {
        self.clock(batch, events, output);
        let tasks = self.groups.len();
        {
            let groups = &self.groups;
            fork.run(tasks, &|g| write(&groups[g]).intern(batch));
        }
        self.gather_references();
        {
            let (groups, facts) = (&self.groups, &self.work.facts);
            fork.run(tasks, &|g| write(&groups[g]).consult(batch, events, facts));
        }
        self.gather_answers(batch, events, output);
        let Self { groups, work, plan, visit_plan, settings, warmth, .. } = self;
        let view = StepView {
            batch,
            events,
            facts: &work.facts,
            lists: &work.lists,
            payment_rows: &work.payment_rows,
            open: &work.open,
            lacking: &work.lacking,
            plan,
            visit_plan,
            settings: *settings,
            warmth,
        };
        fork.run(tasks, &|g| write(&groups[g]).visit_all(&view));
        let judgement = {
            let guards: Vec<_> = groups.iter().map(read).collect();
            let groups: Vec<&Group> = guards.iter().map(|guard| &**guard).collect();
            let judgement = judge(&view, &groups, tasks, fork, &mut output.rules);
            self.act.step(&view, &groups, &judgement, output);
            judgement
        };
        if self.config.report_findings {
            output.findings.extend(self.act.records(&view));
            output.active_by_day.extend(judgement.active_by_day(&view));
        }
        output.counts.account_days += judgement.account_days();
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
        report.open_episodes = self.act.open_episodes();
        report
    }

    /// Walks the events in order: moves the watermark, turns away what is too late, and hands out
    /// the visits.
    fn clock(&mut self, batch: &Batch, events: &[Event], output: &mut StepOutput) {
        let mut groups: Vec<_> = self.groups.iter_mut().map(exclusive).collect();
        groups.iter_mut().for_each(|group| group.begin_step());
        let per_group = groups[0].shards.len();
        self.work.facts.clear();
        for (index, event) in events.iter().enumerate() {
            let before = self.greatest_ms.saturating_sub(self.config.lateness_ms);
            let known = self.greatest_ms != Millis::MIN;
            // What is known about an account stays true however long ago it was written.
            let too_late = known
                && matches!(event.body, Body::Payment(_))
                && event.time_ms <= before - limits::LEDGER_RETENTION;
            if !too_late {
                self.greatest_ms = self.greatest_ms.max(event.time_ms);
            }
            let mut facts = EventFacts {
                fate: if too_late { Fate::TooLate } else { Fate::Applied },
                late: known && event.time_ms < before,
                watermark_ms: self.greatest_ms.saturating_sub(self.config.lateness_ms),
                fingerprint: 0,
                references: [Reference::NONE; Role::COUNT],
                visits: [VisitRef::NONE; Role::COUNT],
                payment: VisitRef::NONE,
                transition: Transition::default(),
                lists: NONE,
                payment_row: NONE,
                rules: NONE,
                opening: false,
            };
            if too_late {
                output.rejects.push(reject(event, RejectReason::TooLate));
                output.counts.rejected += 1;
                output.counts.rejected_minor += amount_of(event);
            } else {
                let key = self.config.hash_key;
                call(batch, event, index as u32, key, per_group, &mut groups, &mut facts);
                // Whatever is judged comes at or after the event that sets this, in any cut.
                if facts.opening || matches!(event.body, Body::Payment(_)) {
                    self.warmth.saw(event.time_ms);
                }
            }
            self.work.facts.push(facts);
        }
    }

    /// Brings the references that interning found to their events.
    fn gather_references(&mut self) {
        let facts = &mut self.work.facts;
        for group in &mut self.groups {
            let group = exclusive(group);
            for visit in &group.visits {
                if let Call::Pays(role) | Call::Opens(role) = visit.call {
                    let shard = &group.shards[usize::from(visit.hash.shard() - group.first_shard)];
                    let reference = shard.table.headers[visit.slot as usize].reference;
                    facts[visit.event as usize].references[role as usize] = reference;
                }
            }
        }
    }

    /// Brings what register and lists said to their events, counts them, and makes the payment
    /// cells.
    fn gather_answers(&mut self, batch: &Batch, events: &[Event], output: &mut StepOutput) {
        let Work { facts, lists, payment_rows, open, lacking } = &mut self.work;
        lists.clear();
        payment_rows.clear();
        open.clear();
        lacking.clear();
        let groups: Vec<_> = self.groups.iter_mut().map(exclusive).collect();
        for (event, facts) in events.iter().zip(facts.iter_mut()) {
            match facts.fate {
                Fate::TooLate => continue,
                Fate::Applied => output.counts.applied += 1,
                _ => {}
            }
            let first = payment_rows.len();
            if let Body::Account(opened) = &event.body
                && facts.opening
            {
                keep_lists(facts, &groups, lists);
                let cell = |field: &_| opening_cell(*field, opened);
                payment_rows.extend(self.plan.payment.iter().map(cell));
                let row = &payment_rows[first..];
                facts.payment_row = first as u32;
                leave_open(facts, &self.visit_plan, self.settings.words, row, (open, lacking));
                continue;
            }
            let Body::Payment(payment) = &event.body else { continue };
            let task =
                &groups[usize::from(facts.payment.group)].payments[facts.payment.index as usize];
            facts.transition = task.transition;
            count(event, facts, &mut output.counts, &mut output.rejects);
            if facts.fate != Fate::Scored {
                continue;
            }
            keep_lists(facts, &groups, lists);
            if facts.transition.pre || facts.transition.post {
                let frame = Frame {
                    currency: self.plan.currency,
                    time_ms: event.time_ms,
                    utc_offset_ms: self.settings.utc_offset_ms,
                    home: self.plan.country,
                    festivals: &self.plan.policy.festivals,
                };
                let cell = |field: &_| payment_cell(*field, batch, payment, &frame);
                payment_rows.extend(self.plan.payment.iter().map(cell));
                let row = &payment_rows[first..];
                facts.payment_row = first as u32;
                leave_open(facts, &self.visit_plan, self.settings.words, row, (open, lacking));
            }
        }
    }
}

/// Finds the rules that an event's payment part leaves open, and those it lacks a field for.
fn leave_open(
    facts: &mut EventFacts,
    plan: &VisitPlan,
    words: usize,
    row: &[i64],
    (open, lacking): (&mut Vec<u64>, &mut Vec<u64>),
) {
    let first = open.len();
    facts.rules = first as u32;
    open.resize(first + words, 0);
    lacking.resize(first + words, 0);
    plan.payment.judge(&plan.program, facts, row, &mut open[first..], &mut lacking[first..]);
}

/// Keeps the lists that an event's entities are on, where any is on one.
fn keep_lists(facts: &mut EventFacts, groups: &[&mut Group], lists: &mut Vec<RoleLists>) {
    let mut role_lists = [0; Role::COUNT];
    for (role, visit) in facts.visits.iter().enumerate().filter(|(_, v)| !v.is_none()) {
        role_lists[role] = groups[usize::from(visit.group)].visits[visit.index as usize].lists;
    }
    if role_lists.iter().any(|mask| *mask != 0) {
        facts.lists = lists.len() as u32;
        lists.push(role_lists);
    }
}

/// Tells what became of a payment event.
fn count(event: &Event, facts: &mut EventFacts, counts: &mut Counts, rejects: &mut Vec<Reject>) {
    match facts.transition.outcome {
        Outcome::Scored => {
            facts.fate = Fate::Scored;
            counts.applied -= 1;
            counts.scored += 1;
            counts.scored_minor += amount_of(event);
            counts.late += u64::from(facts.late);
        }
        Outcome::Duplicate => {
            facts.fate = Fate::Duplicate;
            counts.applied -= 1;
            counts.duplicates += 1;
            counts.duplicate_minor += amount_of(event);
        }
        Outcome::Contradiction => {
            facts.fate = Fate::Contradiction;
            counts.applied -= 1;
            counts.rejected += 1;
            counts.rejected_minor += amount_of(event);
            rejects.push(reject(event, RejectReason::Contradiction));
        }
    }
}

fn amount_of(event: &Event) -> i128 {
    match &event.body {
        Body::Payment(payment) => i128::from(payment.amount.minor),
        _ => 0,
    }
}

fn reject(event: &Event, reason: RejectReason) -> Reject {
    let detail = match reason {
        RejectReason::TooLate => "event_time is older than the ledger's retention",
        _ => "payment_id is known with another payer, payee, amount or currency",
    };
    Reject {
        position: event.position,
        record_time_ms: event.record_time_ms,
        reason,
        detail: detail.to_owned(),
    }
}

/// Hands an event's visits to the groups.
fn call(
    batch: &Batch,
    event: &Event,
    index: u32,
    key: crate::model::entity::HashKey,
    per_group: usize,
    groups: &mut [&mut Group],
    facts: &mut EventFacts,
) {
    let mut visit = |call: Call, kind: EntityKind, name: Text| -> VisitRef {
        if name.is_none() {
            return VisitRef::NONE;
        }
        let hash = KeyHash::of(key, kind, batch.text(name).as_bytes());
        let group = usize::from(hash.shard()) / per_group;
        let visits = &mut groups[group].visits;
        visits.push(Visit::new(index, call, kind, hash, name));
        VisitRef { group: group as u16, index: (visits.len() - 1) as u32 }
    };
    match &event.body {
        Body::Payment(payment) => {
            let Payment { payer, payee, device_id, payment_id, .. } = payment;
            use EntityKind::{Account, Address, Customer, Device};
            for (role, kind, name) in [
                (Role::Payer, Account, payer.account),
                (Role::Payee, Account, payee.account),
                (Role::PayerCustomer, Customer, payer.customer),
                (Role::PayeeCustomer, Customer, payee.customer),
                (Role::Device, Device, *device_id),
                (Role::Network, Address, network(payment)),
            ] {
                facts.visits[role as usize] = visit(Call::Pays(role), kind, name);
            }
            let id = batch.text(*payment_id);
            let hash = KeyHash::of(key, EntityKind::Payment, id.as_bytes());
            facts.fingerprint = hash.fingerprint();
            let group = usize::from(hash.shard()) / per_group;
            let payments = &mut groups[group].payments;
            payments.push(PaymentTask { event: index, hash, transition: Transition::default() });
            facts.payment = VisitRef { group: group as u16, index: (payments.len() - 1) as u32 };
        }
        Body::Account(account) => {
            let (time_ms, event) = (event.time_ms, account);
            use AccountEventKind::{Opened, PhoneBound};
            if !matches!(event.kind, Opened | PhoneBound) {
                visit(Call::Concerns, EntityKind::Account, event.account);
                return;
            }
            // What is told beyond the ledgers' retention is learned and not judged.
            let horizon_ms = facts.watermark_ms - limits::LEDGER_RETENTION;
            facts.opening = event.kind == Opened && time_ms > horizon_ms;
            for (role, kind, name) in [
                (Role::Payer, EntityKind::Account, event.account),
                (Role::PayerCustomer, EntityKind::Customer, event.customer),
                (Role::Device, EntityKind::Device, event.opening_device),
                (Role::Phone, EntityKind::Phone, event.phone_token),
                (Role::Agent, EntityKind::Agent, event.agent_token),
            ] {
                facts.visits[role as usize] = visit(Call::Opens(role), kind, name);
            }
        }
        Body::List(event) => {
            visit(Call::Concerns, event.subject_kind, event.subject);
        }
        Body::Control(event) => {
            visit(Call::Concerns, EntityKind::Account, event.account);
        }
        Body::Registry(event) => {
            visit(Call::Concerns, EntityKind::Customer, event.enterprise);
        }
        Body::Feedback(event) => {
            visit(Call::Concerns, EntityKind::Account, event.payer);
            let id = batch.text(event.payment_id);
            facts.fingerprint = KeyHash::of(key, EntityKind::Payment, id.as_bytes()).fingerprint();
        }
        Body::Tick => {}
    }
}

/// Account and customer on the other side of a role.
fn others<'a>(batch: &'a Batch, payment: &Payment, role: Role) -> [&'a str; 2] {
    let side = match role {
        Role::Payer | Role::PayerCustomer => &payment.payee,
        Role::Payee | Role::PayeeCustomer => &payment.payer,
        _ => return ["", ""],
    };
    [batch.text(side.account), batch.text(side.customer)]
}

impl Group {
    /// Phase intern: keys become slots.
    fn intern(&mut self, batch: &Batch) {
        let Self { first_shard, shards, visits, payments, .. } = self;
        let at = |hash: KeyHash| usize::from(hash.shard() - *first_shard);
        for block in visits.chunks_mut(PREFETCH_BLOCK) {
            for visit in block.iter() {
                shards[at(visit.hash)].table.prefetch_slot(visit.hash);
            }
            for visit in block.iter_mut() {
                let table = &shards[at(visit.hash)].table;
                visit.slot = table.prefetch_header(visit.hash).unwrap_or(Slot::MAX);
            }
            for visit in block.iter().filter(|visit| visit.slot != Slot::MAX) {
                let shard = &shards[at(visit.hash)];
                shard.table.prefetch_key(visit.slot);
                shard.prefetch_ledger(visit.slot);
            }
            for visit in block {
                let name = batch.text(visit.name).as_bytes();
                let table = &mut shards[at(visit.hash)].table;
                visit.slot = table.intern(visit.hash, visit.kind, name);
            }
        }
        for task in payments {
            shards[at(task.hash)].register.prefetch(task.hash.fingerprint());
        }
    }

    /// Registers status events, applies list events and reads lists, all in step order.
    fn consult(&mut self, batch: &Batch, events: &[Event], facts: &[EventFacts]) {
        let first = self.first_shard;
        for task in &mut self.payments {
            let event = &events[task.event as usize];
            let facts = &facts[task.event as usize];
            let Body::Payment(payment) = &event.body else { continue };
            let status = StatusEvent {
                payment_id: batch.text(payment.payment_id),
                event_id: batch.text(payment.event_id),
                fingerprint: facts.fingerprint,
                status: payment.status,
                time_ms: event.time_ms,
                payer: facts.references[Role::Payer as usize],
                payee: facts.references[Role::Payee as usize],
                amount: payment.amount,
                position: event.position,
            };
            let shard = &mut self.shards[usize::from(task.hash.shard() - first)];
            let horizon_ms = facts.watermark_ms - limits::LEDGER_RETENTION;
            task.transition = shard.register.observe(&status, horizon_ms);
        }
        for index in 0..self.visits.len() {
            let visit = self.visits[index];
            let event = &events[visit.event as usize];
            let shard = self.shard(visit.hash.shard());
            match visit.call {
                Call::Pays(role) => {
                    let Some(extra) = shard.extra(visit.slot) else { continue };
                    let Body::Payment(payment) = &event.body else { continue };
                    let others = others(batch, payment, role);
                    let lists = extra.reference.lists_at(event.time_ms, others);
                    self.visits[index].lists = lists;
                }
                Call::Opens(_) => {
                    let Some(extra) = shard.extra(visit.slot) else { continue };
                    let lists = extra.reference.lists_at(event.time_ms, ["", ""]);
                    self.visits[index].lists = lists;
                }
                Call::Concerns if matches!(event.body, Body::List(_) | Body::Registry(_)) => {
                    let header = &mut shard.table.headers[visit.slot as usize];
                    let data = &mut header.extra.get_or_insert_default().reference;
                    self.bounds_hit += u64::from(data.apply(batch, event, 0));
                }
                // Controls, profiles and feedback are read by the visits, so those apply them.
                Call::Concerns => {}
            }
        }
    }
}

// A panic while a group is written ends the process (the step's thread unwinds), so a poisoned lock
// is never met by a later step; taking it anyway keeps this code free of a second way to panic.
fn write(group: &RwLock<Group>) -> std::sync::RwLockWriteGuard<'_, Group> {
    group.write().unwrap_or_else(PoisonError::into_inner)
}

fn read(group: &RwLock<Group>) -> std::sync::RwLockReadGuard<'_, Group> {
    group.read().unwrap_or_else(PoisonError::into_inner)
}

fn exclusive(group: &mut RwLock<Group>) -> &mut Group {
    group.get_mut().unwrap_or_else(PoisonError::into_inner)
}
