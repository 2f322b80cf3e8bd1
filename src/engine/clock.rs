//! Phase clock: walks the events in order, moves the watermark, turns away what is too late and
//! hands out the visits.

use super::StepOutput;
use super::facts::{EventFacts, Fate, VisitRef, network};
use super::group::{Call, Group, PaymentTask, Visit};
use super::register::Transition;
use super::step::{Engine, exclusive};
use crate::limits;
use crate::model::entity::{EntityKind, HashKey, KeyHash};
use crate::model::event::{AccountEventKind, Batch, Body, Event, Payment, Text};
use crate::model::reject::{Reject, RejectReason};
use crate::model::time::Millis;
use crate::rules::plan::view::Role;

impl Engine {
    /// Walks the events in order: moves the watermark, turns away what is too late, and hands out
    /// the visits.
    pub(super) fn clock(&mut self, batch: &Batch, events: &[Event], output: &mut StepOutput) {
        let mut groups: Vec<_> = self.groups.iter_mut().map(exclusive).collect();
        groups.iter_mut().for_each(|group| group.begin_step());
        let per_group = groups[0].shards.len();
        self.work.facts.clear();
        self.work.again.clear();
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
            let watermark_ms = self.greatest_ms.saturating_sub(self.config.lateness_ms);
            let mut facts = EventFacts {
                fate: if too_late { Fate::TooLate } else { Fate::Applied },
                late: known && event.time_ms < before,
                ..EventFacts::new(event.time_ms, watermark_ms)
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
}

/// What an event moves.
pub(super) fn amount_of(event: &Event) -> i128 {
    match &event.body {
        Body::Payment(payment) => i128::from(payment.amount.minor),
        _ => 0,
    }
}

/// The word on an event that is turned away.
pub(super) fn reject(event: &Event, reason: RejectReason) -> Reject {
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
pub(super) fn call(
    batch: &Batch,
    event: &Event,
    index: u32,
    key: HashKey,
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
