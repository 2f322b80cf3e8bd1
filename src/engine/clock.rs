//! Phase clock: walks the events in order, moves the watermark, turns away what is too late and
//! hands out the visits.

use smallvec::SmallVec;

use super::StepOutput;
use super::facts::{EventFacts, Fate, VisitRef, network};
use super::group::{Call, Group, PaymentTask, Visit};
use super::horizon::Horizon;
use super::image::resume::Already;
use super::register::Transition;
use super::step::{Engine, exclusive};
use crate::model::entity::{EntityKind, HashKey, KeyHash};
use crate::model::event::{AccountEventKind, Batch, Body, Event, Text};
use crate::model::reject::{Reject, RejectReason};
use crate::model::time::Millis;
use crate::rules::plan::view::Role;

impl Engine {
    /// Walks the events in order: moves the watermark, turns away what is too late, and hands out
    /// the visits.
    pub(super) fn clock(
        &mut self,
        batch: &Batch,
        events: &[Event],
        already: Option<Already<'_>>,
        output: &mut StepOutput,
    ) {
        let is_kept = already.is_some_and(Already::has_act);
        let mut groups: Vec<_> = self.groups.iter_mut().map(exclusive).collect();
        groups.iter_mut().for_each(|group| group.begin_step());
        let per_group = groups[0].shards.len();
        self.work.facts.clear();
        self.work.disordered.clear();
        self.work.again.clear();
        let mut horizon = Horizon::of(&self.plan, self.config.utc_offset_ms);
        for (index, event) in events.iter().enumerate() {
            let before = self.greatest_ms.saturating_sub(self.config.lateness_ms);
            let known = self.greatest_ms != Millis::MIN;
            // What is known about an account stays true however long ago it was written.
            let too_late = known
                && matches!(event.body, Body::Payment(_))
                && event.time_ms <= horizon.at(before);
            if !too_late {
                self.greatest_ms = self.greatest_ms.max(event.time_ms);
            }
            if !is_kept {
                self.held.clock(self.greatest_ms);
            }
            let fate = if too_late { Fate::TooLate } else { Fate::Applied };
            let watermark_ms = self.greatest_ms.saturating_sub(self.config.lateness_ms);
            let horizon_ms = horizon.at(watermark_ms);
            let mut facts = EventFacts::new(event.time_ms, watermark_ms, horizon_ms);
            facts.fate = fate;
            facts.late = known && event.time_ms < before;
            let is_disordered = event.time_ms < self.greatest_ms && event.time_ms >= watermark_ms;
            if is_disordered && !is_kept {
                self.work.disordered.push(index as u32);
            }
            if too_late {
                output.rejects.push(reject(event, RejectReason::TooLate));
                output.counts.rejected += 1;
                output.counts.rejected_minor += amount_of(event);
            } else {
                let key = self.config.hash_key;
                let mut hands = Hands { key, per_group, groups: &mut groups };
                hands.call(batch, event, index as u32, &mut facts);
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

/// The entities that a payment or an opening calls at, in order of calling.
pub(super) fn entities(event: &Event) -> SmallVec<[(Role, EntityKind, Text); Role::COUNT]> {
    use EntityKind::{Account, Address, Agent, Customer, Device, Phone};
    let all: &[(Role, EntityKind, Text)] = match &event.body {
        Body::Payment(payment) => &[
            (Role::Payer, Account, payment.payer.account),
            (Role::Payee, Account, payment.payee.account),
            (Role::PayerCustomer, Customer, payment.payer.customer),
            (Role::PayeeCustomer, Customer, payment.payee.customer),
            (Role::Device, Device, payment.device_id),
            (Role::Network, Address, network(payment)),
        ],
        Body::Account(account) if calls_at_many(account.kind) => &[
            (Role::Payer, Account, account.account),
            (Role::PayerCustomer, Customer, account.customer),
            (Role::Device, Device, account.opening_device),
            (Role::Phone, Phone, account.phone_token),
            (Role::Agent, Agent, account.agent_token),
        ],
        _ => &[],
    };
    all.iter().copied().filter(|(_, _, name)| !name.is_none()).collect()
}

fn calls_at_many(kind: AccountEventKind) -> bool {
    matches!(kind, AccountEventKind::Opened | AccountEventKind::PhoneBound)
}

/// Hands visits to the groups.
pub(super) struct Hands<'a, 'g> {
    pub key: HashKey,
    pub per_group: usize,
    pub groups: &'a mut [&'g mut Group],
}

impl Hands<'_, '_> {
    /// Hands out the visits of an item.
    pub fn call(&mut self, texts: &Batch, event: &Event, item: u32, facts: &mut EventFacts) {
        for (role, kind, name) in entities(event) {
            let call = match event.body {
                Body::Payment(_) => Call::Pays(role),
                _ => Call::Opens(role),
            };
            facts.visits[role as usize] = self.visit(texts, item, call, kind, name);
        }
        match &event.body {
            Body::Payment(payment) => {
                let hash = self.hash(texts, EntityKind::Payment, payment.payment_id);
                facts.fingerprint = hash.fingerprint();
                let group = usize::from(hash.shard()) / self.per_group;
                let tasks = &mut self.groups[group].payments;
                tasks.push(PaymentTask { event: item, hash, transition: Transition::default() });
                facts.payment = VisitRef { group: group as u16, index: (tasks.len() - 1) as u32 };
            }
            Body::Account(account) if calls_at_many(account.kind) => {
                // What is told beyond the ledgers' retention is learned and not judged.
                let is_opening = account.kind == AccountEventKind::Opened;
                facts.opening = is_opening && event.time_ms > facts.horizon_ms;
            }
            Body::Account(account) => {
                self.concern(texts, item, EntityKind::Account, account.account)
            }
            Body::List(list) => self.concern(texts, item, list.subject_kind, list.subject),
            Body::Control(control) => {
                self.concern(texts, item, EntityKind::Account, control.account);
            }
            Body::Registry(registry) => {
                self.concern(texts, item, EntityKind::Customer, registry.enterprise);
            }
            Body::Feedback(feedback) => {
                self.concern(texts, item, EntityKind::Account, feedback.payer);
                let hash = self.hash(texts, EntityKind::Payment, feedback.payment_id);
                facts.fingerprint = hash.fingerprint();
            }
            Body::Tick => {}
        }
    }

    fn concern(&mut self, texts: &Batch, item: u32, kind: EntityKind, name: Text) {
        self.visit(texts, item, Call::Concerns, kind, name);
    }

    fn hash(&self, texts: &Batch, kind: EntityKind, name: Text) -> KeyHash {
        KeyHash::of(self.key, kind, texts.text(name).as_bytes())
    }

    fn visit(
        &mut self,
        texts: &Batch,
        item: u32,
        call: Call,
        kind: EntityKind,
        name: Text,
    ) -> VisitRef {
        if name.is_none() {
            return VisitRef::NONE;
        }
        let hash = self.hash(texts, kind, name);
        let group = usize::from(hash.shard()) / self.per_group;
        let visits = &mut self.groups[group].visits;
        visits.push(Visit::new(item, call, kind, hash, name));
        VisitRef { group: group as u16, index: (visits.len() - 1) as u32 }
    }
}
