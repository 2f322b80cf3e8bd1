//! Which held events an arrival has judged again: those of its entities whose time is later than
//! its own. Decided by times and names alone, before any ledger is read, so that the order of work
//! is known to every shard.

use super::super::clock::{Hands, entities};
use super::super::consult::intern_one;
use super::super::facts::{EventFacts, Fate, VisitRef};
use super::super::group::{Call, Group, PaymentTask, Visit};
use super::super::step::{Engine, exclusive};
use super::{Held, Origin};
use crate::limits;
use crate::model::event::{Batch, Body, Event};
use crate::model::time::Millis;

/// An event to be judged again, directly behind the fresh one at a place of the stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Again {
    behind: u32,
    time_ms: Millis,
    number: u64,
}

impl Engine {
    /// Finds what the stretch's arrivals have judged again and lays it into the order of work.
    pub(in super::super) fn judge_again(&mut self, batch: &Batch, events: &[Event], first: u64) {
        self.work.origins.clear();
        if self.work.disordered.is_empty() {
            return;
        }
        let again = self.touched(batch, events, first);
        if !again.is_empty() {
            self.lay_in(events, &again);
        }
    }

    /// What is to be judged again, in order of work.
    fn touched(&mut self, batch: &Batch, events: &[Event], first: u64) -> Vec<Again> {
        let groups: Vec<_> = self.groups.iter_mut().map(exclusive).collect();
        let mut all = Vec::new();
        for behind in &self.work.disordered {
            let arrival = &events[*behind as usize];
            let number = first + u64::from(*behind);
            let walk = Walk { held: &self.held, now: number, since_ms: arrival.time_ms };
            let mut found = Vec::new();
            let mut over = walk.is_cut_short();
            for (role, kind, name) in entities(arrival) {
                let at = self.work.facts[*behind as usize].visits[role as usize];
                if at.is_none() {
                    continue;
                }
                let before = groups[usize::from(at.group)].visits[at.index as usize].before;
                over |= walk.back(before, (kind, batch.text(name)), &mut found);
            }
            found.sort_unstable();
            found.dedup();
            // Newest last: of too many the oldest are left as they are.
            let left_out = found.len().saturating_sub(limits::AGAIN_MAX);
            over |= left_out > 0;
            self.again_bounds += u64::from(over);
            let again = found.into_iter().skip(left_out);
            all.extend(again.map(|(time_ms, number)| Again { behind: *behind, time_ms, number }));
        }
        all
    }

    /// Lays what is judged again into the stretch, behind what it is due to.
    fn lay_in(&mut self, events: &[Event], again: &[Again]) {
        let key = self.config.hash_key;
        let mut groups: Vec<_> = self.groups.iter_mut().map(exclusive).collect();
        let per_group = groups[0].shards.len();
        let fresh: Vec<(usize, usize)> =
            groups.iter().map(|group| (group.visits.len(), group.payments.len())).collect();
        let facts = std::mem::take(&mut self.work.facts);
        let (mut left, mut places) = (again, Vec::with_capacity(events.len()));
        for (at, of_event) in (0u32..).zip(facts) {
            places.push(self.work.facts.len() as u32);
            self.work.facts.push(of_event);
            self.work.origins.push(Origin::Fresh(at));
            let here = left.iter().take_while(|again| again.behind == at).count();
            let (now, later) = left.split_at(here);
            left = later;
            for again in now {
                let Some((texts, event)) = self.held.get(again.number) else { continue };
                let mut facts =
                    EventFacts::new(event.time_ms, of_event.watermark_ms, of_event.horizon_ms);
                facts.fate = Fate::Again;
                let item = self.work.facts.len() as u32;
                let mut hands = Hands { key, per_group, groups: &mut groups };
                hands.call(texts, event, item, &mut facts);
                for visit in facts.visits.iter().filter(|visit| !visit.is_none()) {
                    intern_one(groups[usize::from(visit.group)], visit.index as usize, texts);
                }
                self.work.facts.push(facts);
                self.work.origins.push(Origin::Again { number: again.number, cause: at });
            }
        }
        for (number, (group, (visits, payments))) in groups.iter_mut().zip(fresh).enumerate() {
            let of_fresh = group.visits[..visits].iter_mut();
            of_fresh.for_each(|visit| visit.event = places[visit.event as usize]);
            let of_fresh = group.payments[..payments].iter_mut();
            of_fresh.for_each(|task| task.event = places[task.event as usize]);
            group.visits.sort_by_key(|visit| visit.event);
            group.payments.sort_by_key(|task| task.event);
            point_at(number as u16, group, &mut self.work.facts);
        }
    }
}

/// Tells events where their visits and tasks lie.
fn point_at(number: u16, group: &Group, facts: &mut [EventFacts]) {
    let at = |index: usize| VisitRef { group: number, index: index as u32 };
    for (index, Visit { event, call, slot, hash, .. }) in group.visits.iter().enumerate() {
        if let Call::Pays(role) | Call::Opens(role) = call {
            let shard = &group.shards[usize::from(hash.shard() - group.first_shard)];
            let facts = &mut facts[*event as usize];
            facts.visits[*role as usize] = at(index);
            facts.references[*role as usize] = shard.table.headers[*slot as usize].reference;
        }
    }
    for (index, PaymentTask { event, .. }) in group.payments.iter().enumerate() {
        facts[*event as usize].payment = at(index);
    }
}

/// Going back over the events of one entity.
struct Walk<'a> {
    held: &'a Held,
    /// Number of the arrival.
    now: u64,
    /// Its time.
    since_ms: Millis,
}

impl Walk<'_> {
    /// Whether an event with a later time may be too long ago to be held.
    fn is_cut_short(&self) -> bool {
        let oldest = self.now.checked_sub(limits::HELD_EVENTS_MAX);
        oldest.and_then(|n| self.held.greatest_ms(n)).is_some_and(|at| at > self.since_ms)
    }

    /// Adds the later events of an entity, from a number's lower half backwards; `true` when a
    /// bound ended the way.
    fn back(&self, from: u32, entity: Entity<'_>, found: &mut Vec<(Millis, u64)>) -> bool {
        let mut next = Held::number(self.now, from);
        for _ in 0..limits::AGAIN_WALK_MAX {
            let Some(number) = next.filter(|n| self.now - n < limits::HELD_EVENTS_MAX) else {
                return false;
            };
            let (Some((texts, event)), Some(greatest_ms)) =
                (self.held.get(number), self.held.greatest_ms(number))
            else {
                return false;
            };
            // Whatever came before it is no later than this.
            if greatest_ms <= self.since_ms {
                return false;
            }
            if event.time_ms > self.since_ms && is_judged(event) {
                found.push((event.time_ms, number));
            }
            next = self.before(number, texts, event, entity);
        }
        true
    }

    /// The event before one, of the same entity.
    fn before(&self, number: u64, texts: &Batch, event: &Event, entity: Entity<'_>) -> Option<u64> {
        let before = self.held.before(number)?;
        let same = entities(event)
            .into_iter()
            .filter(|(_, kind, name)| (*kind, texts.text(*name)) == entity);
        // Who stands on both sides is called at twice: the second time after itself.
        same.filter_map(|(role, ..)| Held::number(number, before[role as usize]))
            .filter(|before| *before < number)
            .max()
    }
}

/// Kind and name.
type Entity<'a> = (crate::model::entity::EntityKind, &'a str);

/// Whether an event of this sort is ever judged.
fn is_judged(event: &Event) -> bool {
    match &event.body {
        Body::Payment(_) => true,
        Body::Account(account) => account.kind == crate::model::event::AccountEventKind::Opened,
        _ => false,
    }
}
