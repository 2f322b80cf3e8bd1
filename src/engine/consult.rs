//! Phases intern and consult: keys become slots; the register joins statuses, list events are
//! applied and lists are read.

use super::facts::{EventFacts, Fate};
use super::group::{Call, Group};
use super::held::Course;
use super::image::resume::Already;
use super::register::StatusEvent;
use super::table::Slot;
use crate::model::entity::KeyHash;
use crate::model::event::{Batch, Body, Payment};
use crate::rules::plan::view::Role;

/// Visits whose memory is asked for before the first of them is worked on.
const PREFETCH_BLOCK: usize = 64;

/// Finds the slot of one visit more, whose entity is known.
pub(super) fn intern_one(group: &mut Group, index: usize, texts: &Batch) {
    let visit = group.visits[index];
    let table = &mut group.shard(visit.hash.shard()).table;
    let slot = table.intern(visit.hash, visit.kind, texts.text(visit.name).as_bytes());
    group.visits[index].slot = slot;
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
    /// Phase intern: keys become slots; `first` is the number of the stretch's first
    /// event, if its events are new.
    pub fn intern(&mut self, batch: &Batch, first: Option<u64>, already: Option<Already<'_>>) {
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
                let newest = &mut table.headers[visit.slot as usize].newest;
                visit.before = *newest;
                let is_there = already.is_some_and(|a| a.has_ledgers(visit.hash.shard()));
                let is_judged = visit.call != Call::Concerns;
                if let Some(first) = first.filter(|_| is_judged && !is_there) {
                    *newest = (first + u64::from(visit.event)) as u32;
                }
            }
        }
        for task in payments {
            shards[at(task.hash)].register.prefetch(task.hash.fingerprint());
        }
    }

    /// Registers status events, applies list events and reads lists, all in order.
    pub fn consult(
        &mut self,
        course: &Course<'_>,
        facts: &[EventFacts],
        already: Option<Already<'_>>,
    ) {
        let is_there = |hash: KeyHash| already.is_some_and(|a| a.has_consult(hash.shard()));
        let first = self.first_shard;
        for task in self.payments.iter_mut().filter(|task| !is_there(task.hash)) {
            let item = task.event as usize;
            let (event, batch) = (course.event(item), course.texts(item));
            let facts = &facts[item];
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
                late: facts.late,
            };
            let shard = &mut self.shards[usize::from(task.hash.shard() - first)];
            let horizon_ms = facts.horizon_ms;
            task.transition = match facts.fate {
                Fate::Again => shard.register.look_up(&status),
                Fate::Waited => shard.register.recall(&status, horizon_ms, facts.transition),
                _ => shard.register.observe(&status, horizon_ms),
            };
        }
        for index in 0..self.visits.len() {
            let visit = self.visits[index];
            let (event, batch) =
                (course.event(visit.event as usize), course.texts(visit.event as usize));
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
                Call::Concerns if is_there(visit.hash) => {}
                Call::Concerns if matches!(event.body, Body::List(_) | Body::Registry(_)) => {
                    let header = &mut shard.table.headers[visit.slot as usize];
                    header.is_listed = true;
                    let data = &mut header.extra.get_or_insert_default().reference;
                    self.bounds_hit += u64::from(data.apply(batch, event, 0));
                }
                // Controls, profiles and feedback are read by the visits, so those apply them.
                Call::Concerns => {}
            }
        }
    }
}
