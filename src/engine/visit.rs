//! The visit: one event calls at one entity. Its entry goes into the ledger, and the cells that the
//! rules asked for are read as of the event's own time. A visit touches one shard and nothing else.

use super::entry::Movement;
use super::facts::{EventFacts, Fate, NONE, as_payment, entry_flags};
use super::features::{Known, Opening, place_of};
use super::group::{Call, Group, Visit};
use super::reading::Reading;
use super::register::EntryAction;
use super::rule_set::rules_in;
use super::table::Header;
use super::view::StepView;
use super::visit_plan::Ledgers;
use crate::model::entity::Reference;
use crate::model::event::{
    AccountEvent, AccountEventKind, Batch, Body, OpeningReason, Payment, PaymentType,
};
use crate::model::time::day_number;
use crate::rules::plan::program::MISSING;
use crate::rules::plan::view::{Direction, Role};

impl Group {
    /// Carries out every visit of the step, in order.
    pub fn visit_all(&mut self, view: &StepView<'_>) {
        for index in 0..self.visits.len() {
            let visit = self.visits[index];
            if view.already.is_some_and(|a| a.has_ledgers(visit.hash.shard())) {
                continue;
            }
            let facts = &view.facts[visit.event as usize];
            match (visit.call, &view.event(visit.event as usize).body) {
                (Call::Pays(role), Body::Payment(payment))
                    if matches!(facts.fate, Fate::Scored | Fate::Waited) =>
                {
                    self.pay(index, role, facts, payment, view);
                }
                // What is judged again changes nothing: its entries stand where they are.
                (Call::Pays(role), Body::Payment(payment)) if facts.fate == Fate::Again => {
                    if facts.payment_row != NONE {
                        self.read(index, role, facts, payment, view);
                    }
                }
                (Call::Opens(role), Body::Account(opened)) if facts.fate == Fate::Again => {
                    if facts.payment_row != NONE {
                        let payment = as_payment(opened, view.plan.currency);
                        self.read(index, role, facts, &payment, view);
                    }
                }
                (Call::Opens(_), _) if facts.fate == Fate::Idle => {}
                (Call::Opens(role), Body::Account(opened)) => {
                    self.open(index, role, facts, opened, view);
                }
                (Call::Pays(_) | Call::Opens(_), _) => {}
                (Call::Concerns, _) => self.learn(&visit, view),
            }
        }
    }

    /// Applies a control or account event. Lists are applied by the consult phase, since the flags
    /// of entries in other shards depend on them; here, so that a payment sees what stands before
    /// it.
    fn learn(&mut self, visit: &Visit, view: &StepView<'_>) {
        let event = view.event(visit.event as usize);
        let texts = view.texts(visit.event as usize);
        // Those are applied by the consult phase.
        if matches!(event.body, Body::List(_) | Body::Registry(_)) {
            return;
        }
        let fingerprint = view.facts[visit.event as usize].fingerprint;
        let shard = self.shard(visit.hash.shard());
        let header = &mut shard.table.headers[visit.slot as usize];
        let data = &mut header.extra.get_or_insert_default().reference;
        self.bounds_hit += u64::from(data.apply(texts, event, fingerprint));
    }

    /// An account is opened or a telephone bound: what is kept of it, then what the rules read.
    fn open(
        &mut self,
        index: usize,
        role: Role,
        facts: &EventFacts,
        opened: &AccountEvent,
        view: &StepView<'_>,
    ) {
        let visit = self.visits[index];
        if role == Role::Payer {
            self.learn(&visit, view);
        }
        let time_ms = view.event(visit.event as usize).time_ms;
        let horizon_ms = facts.horizon_ms;
        let shard = self.shard(visit.hash.shard());
        shard.evict(visit.slot, horizon_ms, view.settings.utc_offset_ms);
        if role != Role::Payer {
            let [account, customer] =
                [Role::Payer, Role::PayerCustomer].map(|role| facts.references[role as usize]);
            let customer = if customer == Reference::NONE { account } else { customer };
            let known = known_of(&mut shard.table.headers[visit.slot as usize]);
            let is_opening = opened.kind == AccountEventKind::Opened;
            let counts = is_opening && !is_left_out(opened.reason);
            let mut over = counts && known.opened(Opening { time_ms, account, customer });
            over |= role == Role::Phone && known.bind(customer);
            self.bounds_hit += u64::from(over);
        }
        if facts.payment_row != NONE {
            let payment = as_payment(opened, view.plan.currency);
            self.read(index, role, facts, &payment, view);
        }
    }

    fn pay(
        &mut self,
        index: usize,
        role: Role,
        facts: &EventFacts,
        payment: &Payment,
        view: &StepView<'_>,
    ) {
        let visit = self.visits[index];
        let shard = &mut self.shards[usize::from(visit.hash.shard() - self.first_shard)];
        let time_ms = view.event(visit.event as usize).time_ms;
        let offset = view.settings.utc_offset_ms;
        shard.evict(visit.slot, facts.horizon_ms, offset);
        let plans = &view.visit_plan.hot[Ledgers::of(role) as usize];
        shard.advance_hot(visit.slot, time_ms, plans, offset);
        let day = day_number(time_ms, offset);
        let header = &mut shard.table.headers[visit.slot as usize];
        if day > header.last_day && facts.fate == Fate::Scored {
            header.last_day = day;
            self.visits[index].first_of_day = true;
        }
        let action = match role {
            Role::Payee | Role::PayeeCustomer => facts.transition.credit,
            _ => facts.transition.debit,
        };
        if role == Role::Payer && facts.transition.pre {
            let header = &mut shard.table.headers[visit.slot as usize];
            let texts = view.texts(visit.event as usize);
            self.bounds_hit += note_terminal(header, facts.fingerprint, payment, texts);
        }
        if action != EntryAction::None {
            let texts = view.texts(visit.event as usize);
            let movement = movement(role, facts, payment, texts, view);
            self.bounds_hit += shard.enter(visit.slot, action, &movement);
        }
        if facts.payment_row != NONE {
            self.read(index, role, facts, payment, view);
        }
        // After reading: the next one is to see where this one was.
        if role == Role::Payer && facts.transition.pre {
            let header = &mut self.shard(visit.hash.shard()).table.headers[visit.slot as usize];
            if let Some(place) = place_of(payment) {
                let (fingerprint, watermark_ms) = (facts.fingerprint, facts.watermark_ms);
                known_of(header).stay((time_ms, day), fingerprint, place, watermark_ms);
            }
            if let Some(country) = payment.device_country {
                let (fingerprint, watermark_ms) = (facts.fingerprint, facts.watermark_ms);
                known_of(header).seen_in(time_ms, fingerprint, country, watermark_ms);
            }
        }
        if role == Role::Payer
            && let Some(time_ms) = facts.transition.not_ordered_ms()
        {
            let header = &mut self.shard(visit.hash.shard()).table.headers[visit.slot as usize];
            let data = header.extra.as_mut().map(|extra| &mut extra.reference);
            if let Some(known) = data.and_then(|data| data.known.as_mut()) {
                known.leave(time_ms, facts.fingerprint, offset);
            }
        }
    }

    /// Computes what the rules read of this entity, as far as one of them may still fire.
    fn read(
        &mut self,
        index: usize,
        role: Role,
        facts: &EventFacts,
        payment: &Payment,
        view: &StepView<'_>,
    ) {
        let role_plan = &view.visit_plan.roles[role as usize];
        let open = &mut self.open;
        open.clear();
        open.extend(view.open(facts).iter().zip(view.lacking(facts)).map(|(o, l)| o & !l));
        if !role_plan.readers.meets(open) {
            return;
        }
        let visit = self.visits[index];
        let shard = &self.shards[usize::from(visit.hash.shard() - self.first_shard)];
        let start = self.rows.len();
        self.visits[index].row = start as u32;
        self.rows.resize(start + role_plan.features.len(), MISSING);
        let mut reading = Reading::new(shard, &visit, role, facts, payment, view);
        let cells = &mut self.rows[start..];
        let scratch = &mut self.scratch;
        scratch.begin(cells.len());
        reading.fill_always(role_plan, open, cells, scratch);
        role_plan.gated.keep(open);
        let program = &view.visit_plan.program;
        role_plan.cheap.close(program, (view.payment_row(facts), role, cells), open, None);
        let (candidates, mut fires) = (self.candidates.len(), false);
        for rule in rules_in(open) {
            let rule = &role_plan.rules[usize::from(role_plan.places[usize::from(rule)])];
            if !reading.may_fire(rule, cells, scratch) {
                continue;
            }
            reading.fill(&rule.late, cells, scratch);
            reading.capture(rule, &mut self.captures);
            if !fires {
                fires = true;
                self.candidates.resize(candidates + view.settings.words, 0);
            }
            self.candidates[candidates + usize::from(rule.rule) / 64] |= 1 << (rule.rule % 64);
        }
        if fires {
            reading.capture_branch(&mut self.captures);
            self.visits[index].candidates = candidates as u32;
            self.visits[index].lower_bound = reading.as_of.lower_bound;
            let counts = facts.fate != Fate::Again;
            self.bounds_hit += u64::from(counts && reading.as_of.lower_bound);
        }
        let asked = reading.as_of.asked;
        if !asked.is_empty() {
            let plans = &view.visit_plan.hot[Ledgers::of(role) as usize];
            let shard = &mut self.shards[usize::from(visit.hash.shard() - self.first_shard)];
            shard.with_hot(visit.slot, |hot, ledger| hot.asked(ledger, plans, &asked));
        }
    }
}

/// Openings that say nothing about who opens many: a card that takes another's place, and those
/// that the state asks for.
fn is_left_out(reason: Option<OpeningReason>) -> bool {
    use OpeningReason::{Medical, Replacement, SocialSecurity};
    matches!(reason, Some(Replacement | SocialSecurity | Medical))
}

/// What is kept of what happened to an entity, made where there is nothing yet.
fn known_of(header: &mut Header) -> &mut Known {
    header.extra.get_or_insert_default().reference.known.get_or_insert_default()
}

/// Keeps the terminal that a payment was ordered at; returns how many bounds bit.
fn note_terminal(header: &mut Header, fingerprint: u32, payment: &Payment, batch: &Batch) -> u64 {
    if payment.terminal_id.is_none() {
        return 0;
    }
    let is_cash = payment.payment_type == PaymentType::CashOut;
    known_of(header).used_terminal(fingerprint, batch.text(payment.terminal_id), is_cash)
}

/// What a payment means to the ledgers of a role.
pub(super) fn movement(
    role: Role,
    facts: &EventFacts,
    payment: &Payment,
    texts: &Batch,
    view: &StepView<'_>,
) -> Movement {
    let lists = view.role_lists(facts);
    let [debit_flags, credit_flags] = entry_flags(texts, payment, &lists, view.plan.country);
    let credit = matches!(role, Role::Payee | Role::PayeeCustomer);
    Movement {
        time_ms: 0,
        direction: if credit { Direction::Credit } else { Direction::Debit },
        flags: if credit { credit_flags } else { debit_flags },
        foreign: payment.amount.currency != view.plan.currency,
        payment_type: payment.payment_type,
        channel: payment.channel,
        amount_minor: payment.amount.minor,
        counterparty: other_side(role, facts),
        fingerprint: facts.fingerprint,
    }
}

/// Who stands on the other side of a role's entry.
pub(super) fn other_side(role: Role, facts: &EventFacts) -> Reference {
    let reference = |role: Role| facts.references[role as usize];
    match role {
        Role::Payer | Role::PayerCustomer => reference(Role::Payee),
        Role::Payee | Role::PayeeCustomer => reference(Role::Payer),
        Role::Device if reference(Role::PayerCustomer) != Reference::NONE => {
            reference(Role::PayerCustomer)
        }
        _ => reference(Role::Payer),
    }
}
