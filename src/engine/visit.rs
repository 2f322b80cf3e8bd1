//! The visit: one event calls at one entity. Its entry goes into the ledger, and the cells that the
//! rules asked for are read as of the event's own time. A visit touches one shard and nothing else.

use smallvec::SmallVec;

use super::capture::{Capture, Captured, contributing};
use super::entry::{Entry, Movement};
use super::facts::{EventFacts, Fate, NONE, RoleLists, as_payment, entry_flags};
use super::features::{
    Follows, Known, Opening, Retry, moved_km, opening_km, place_of, travel_cell, travelled,
};
use super::group::{Call, Group, ShardState, Visit};
use super::reference::{ReferenceData, list_bits, pair_allowed, registered, registry_fresh};
use super::register::EntryAction;
use super::rule_set::rules_in;
use super::screen::{Outcome, Screen};
use super::table::{Header, Slot};
use super::view::StepView;
use super::visit_plan::{Ledgers, RolePlan, RuleVisit};
use super::window::{AsOf, Own, Scratch};
use crate::limits;
use crate::model::entity::Reference;
use crate::model::event::{
    AccountEvent, AccountEventKind, Batch, Body, OpeningReason, PairLevel, Payment, PaymentType,
};
use crate::model::time::{DAY, Millis, day_number};
use crate::rules::plan::calendar::Span;
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::MISSING;
use crate::rules::plan::view::{Direction, Role};

impl Group {
    /// Carries out every visit of the step, in order.
    pub fn visit_all(&mut self, view: &StepView<'_>) {
        for index in 0..self.visits.len() {
            let visit = self.visits[index];
            let facts = &view.facts[visit.event as usize];
            match (visit.call, &view.events[visit.event as usize].body) {
                (Call::Pays(role), Body::Payment(payment)) if facts.fate == Fate::Scored => {
                    self.pay(index, role, facts, payment, view);
                }
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
        let event = &view.events[visit.event as usize];
        // Those are applied by the consult phase.
        if matches!(event.body, Body::List(_) | Body::Registry(_)) {
            return;
        }
        let fingerprint = view.facts[visit.event as usize].fingerprint;
        let shard = self.shard(visit.hash.shard());
        let header = &mut shard.table.headers[visit.slot as usize];
        let data = &mut header.extra.get_or_insert_default().reference;
        self.bounds_hit += u64::from(data.apply(view.batch, event, fingerprint));
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
        let time_ms = view.events[visit.event as usize].time_ms;
        let horizon_ms = facts.watermark_ms - limits::LEDGER_RETENTION;
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
        let time_ms = view.events[visit.event as usize].time_ms;
        let offset = view.settings.utc_offset_ms;
        shard.evict(visit.slot, facts.watermark_ms - limits::LEDGER_RETENTION, offset);
        let plans = &view.visit_plan.hot[Ledgers::of(role) as usize];
        shard.advance_hot(visit.slot, time_ms, plans, offset);
        let day = day_number(time_ms, offset);
        let header = &mut shard.table.headers[visit.slot as usize];
        if day > header.last_day {
            header.last_day = day;
            self.visits[index].first_of_day = true;
        }
        let action = match role {
            Role::Payee | Role::PayeeCustomer => facts.transition.credit,
            _ => facts.transition.debit,
        };
        if role == Role::Payer && facts.transition.pre {
            let header = &mut shard.table.headers[visit.slot as usize];
            self.bounds_hit += note_terminal(header, facts.fingerprint, payment, view.batch);
        }
        if action != EntryAction::None {
            let movement = movement(role, facts, payment, view);
            self.bounds_hit += shard.enter(visit.slot, action, &movement);
        }
        if facts.payment_row != NONE {
            self.read(index, role, facts, payment, view);
        }
        // After reading: the next one is to see where this one was.
        if role == Role::Payer && facts.transition.pre {
            let header = &mut self.shard(visit.hash.shard()).table.headers[visit.slot as usize];
            if let Some(place) = place_of(payment) {
                known_of(header).stay(time_ms, day, place);
            }
            if let Some(country) = payment.device_country {
                known_of(header).seen_in(time_ms, country);
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
            self.bounds_hit += u64::from(reading.as_of.lower_bound);
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

/// Keeps the terminal of a cash withdrawal; returns how many bounds bit.
fn note_terminal(header: &mut Header, fingerprint: u32, payment: &Payment, batch: &Batch) -> u64 {
    if payment.payment_type != PaymentType::CashOut || payment.terminal_id.is_none() {
        return 0;
    }
    u64::from(known_of(header).took_cash(fingerprint, batch.text(payment.terminal_id)))
}

fn movement(role: Role, facts: &EventFacts, payment: &Payment, view: &StepView<'_>) -> Movement {
    let lists = view.role_lists(facts);
    let [debit_flags, credit_flags] = entry_flags(view.batch, payment, &lists, view.plan.country);
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
fn other_side(role: Role, facts: &EventFacts) -> Reference {
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

impl ShardState {
    /// Carries out an action on a ledger; returns how many bounds bit.
    pub fn enter(&mut self, slot: Slot, action: EntryAction, movement: &Movement) -> u64 {
        match action {
            EntryAction::None => 0,
            EntryAction::Insert { time_ms, void_ms } => {
                let mut entry = Entry::new(&Movement { time_ms, ..*movement });
                if let Some(void_ms) = void_ms {
                    entry = entry.voided();
                    let header = &mut self.table.headers[slot as usize];
                    let extra = header.extra.get_or_insert_default();
                    extra.voids.push((entry.fingerprint(), void_ms));
                    // Until then it still counts, which running sums cannot say.
                    self.with_hot(slot, |hot, ledger| hot.advance(ledger, void_ms));
                }
                self.insert(slot, entry)
            }
            EntryAction::Move { from_ms, to_ms } => {
                let Some(index) = self.find(slot, from_ms, movement) else { return 0 };
                let header = &mut self.table.headers[slot as usize];
                let entry = self.slab.remove(&mut header.ring, index);
                self.with_hot(slot, |hot, ledger| hot.removed(ledger, index, entry));
                self.insert(slot, entry.at(to_ms))
            }
            EntryAction::Void { time_ms, void_ms } => {
                let Some(index) = self.find(slot, time_ms, movement) else { return 0 };
                let header = &mut self.table.headers[slot as usize];
                let entry = self.slab.entries(&header.ring).get(index);
                let extra = header.extra.get_or_insert_default();
                if entry.is_void() {
                    let notes = extra.voids.iter_mut().filter(|(f, _)| *f == entry.fingerprint());
                    notes.for_each(|(_, known_ms)| *known_ms = void_ms.min(*known_ms));
                    return 0;
                }
                extra.voids.push((entry.fingerprint(), void_ms));
                self.slab.replace(&header.ring, index, entry.voided());
                self.with_hot(slot, |hot, ledger| hot.voided(ledger, index, entry));
                0
            }
        }
    }

    /// Inserts an entry; where the ledger is full, the oldest one is lost for it.
    fn insert(&mut self, slot: Slot, entry: Entry) -> u64 {
        let header = &mut self.table.headers[slot as usize];
        let full = header.ring.len() >= limits::LEDGER_ENTRIES_MAX;
        if full {
            let oldest = self.slab.entries(&header.ring).get(0);
            let extra = header.extra.get_or_insert_default();
            let lost = if entry.time_ms() < oldest.time_ms() { entry } else { oldest };
            extra.lost_until_ms = extra.lost_until_ms.max(Some(lost.time_ms()));
            if lost == entry {
                return 1;
            }
            self.slab.pop_front(&mut header.ring);
            self.with_hot(slot, |hot, ledger| hot.removed(ledger, 0, lost));
        }
        let header = &mut self.table.headers[slot as usize];
        let index = self.slab.insert(&mut header.ring, entry);
        self.with_hot(slot, |hot, ledger| hot.inserted(ledger, index, entry));
        u64::from(full)
    }

    /// Number of the entry that a payment made at a time. Two entries that agree in all of this are
    /// interchangeable.
    fn find(&self, slot: Slot, time_ms: Millis, movement: &Movement) -> Option<usize> {
        let entries = self.slab.entries(&self.table.headers[slot as usize].ring);
        let end = entries.count_until(time_ms);
        let candidates = (0..end).rev().take_while(|i| entries.get(*i).time_ms() == time_ms);
        candidates.into_iter().find(|i| {
            let e = entries.get(*i);
            e.fingerprint() == movement.fingerprint
                && e.counterparty() == movement.counterparty
                && e.amount_minor() == movement.amount_minor
                && e.direction() == movement.direction
        })
    }
}

/// What happened to an entity beside its payments.
fn beside(reference: Option<&ReferenceData>) -> Option<&Known> {
    reference?.known.as_deref()
}

fn known(reference: Option<&ReferenceData>, value: impl FnOnce(&Known) -> Option<i64>) -> i64 {
    beside(reference).and_then(value).unwrap_or(MISSING)
}

fn tri(value: Option<bool>) -> i64 {
    value.map_or(MISSING, i64::from)
}

/// An entity as one visit reads it.
struct Reading<'a> {
    as_of: AsOf<'a>,
    event: u32,
    role: Role,
    facts: &'a EventFacts,
    payment: &'a Payment,
    view: &'a StepView<'a>,
    lists: RoleLists,
    reference: Option<&'a ReferenceData>,
    keeper: Reference,
}

impl<'a> Reading<'a> {
    fn new(
        shard: &'a ShardState,
        visit: &Visit,
        role: Role,
        facts: &'a EventFacts,
        payment: &'a Payment,
        view: &'a StepView<'a>,
    ) -> Self {
        let time_ms = view.events[visit.event as usize].time_ms;
        let header = &shard.table.headers[visit.slot as usize];
        let entries = shard.slab.entries(&header.ring);
        let extra = shard.extra(visit.slot);
        let own = Own {
            fingerprint: facts.fingerprint,
            amount_minor: payment.amount.minor,
            debit_ms: facts.transition.debit_ms,
            credit_ms: time_ms,
            payee: matches!(role, Role::Payer | Role::PayerCustomer)
                .then_some(facts.references[Role::Payee as usize]),
            other: other_side(role, facts),
            foreign: payment.amount.currency != view.plan.currency,
        };
        let as_of = AsOf {
            entries: entries.up_to(entries.count_until(time_ms)),
            time_ms,
            extra,
            horizon_ms: facts.watermark_ms - limits::LEDGER_RETENTION,
            utc_offset_ms: view.settings.utc_offset_ms,
            own,
            lower_bound: false,
            asked: SmallVec::new(),
        };
        let lists = view.role_lists(facts);
        let reference = extra.map(|e| &e.reference);
        let keeper = header.reference;
        Self { as_of, event: visit.event, role, facts, payment, view, lists, reference, keeper }
    }

    /// Fills the cells that are computed whatever the rules say.
    fn fill_always(
        &mut self,
        plan: &RolePlan,
        open: &[u64],
        cells: &mut [i64],
        scratch: &mut Scratch,
    ) {
        if self.as_of.has_running_sums() {
            plan.scan.cells().for_each(|cell| self.fill_one(cell, cells, scratch));
        } else {
            self.as_of.scan(&plan.scan, cells, scratch);
        }
        plan.always.iter().for_each(|cell| self.fill_one(*cell, cells, scratch));
        for (cell, rules) in &plan.elsewhere {
            if rules.meets(open) {
                self.fill(&[*cell], cells, scratch);
            }
        }
    }

    /// Tries what of a rule's condition can be tried here; `false` once a part of it is false.
    fn may_fire(&mut self, rule: &RuleVisit, cells: &mut [i64], scratch: &mut Scratch) -> bool {
        let payment = self.view.payment_row(self.facts);
        let program = &self.view.visit_plan.program;
        let role = self.role;
        let fails = |screen: &Screen, cells: &[i64]| {
            screen.try_with(program, (payment, role, cells)) == Outcome::False
        };
        for step in &rule.steps {
            self.fill(&step.cells, cells, scratch);
            if step.screen.is_some_and(|screen| fails(&screen, cells)) {
                return false;
            }
        }
        true
    }

    /// Fills cells, unless they are filled already.
    fn fill(&mut self, wanted: &[u16], cells: &mut [i64], scratch: &mut Scratch) {
        for cell in wanted {
            if scratch.is_first(*cell) {
                self.fill_one(*cell, cells, scratch);
            }
        }
    }

    fn fill_one(&mut self, cell: u16, cells: &mut [i64], scratch: &mut Scratch) {
        let role_plan = &self.view.visit_plan.roles[self.role as usize];
        let answer = role_plan.answers[usize::from(cell)];
        let lower_bound = self.as_of.lower_bound;
        cells[usize::from(cell)] = match answer.and_then(|answer| self.as_of.answer(answer)) {
            Some(value) => value,
            None => self.cell(&role_plan.features[usize::from(cell)], scratch),
        };
        if usize::from(cell) >= role_plan.width {
            // Nobody is shown what only screens read.
            self.as_of.lower_bound = lower_bound;
        }
    }

    fn cell(&mut self, feature: &StateFeature, scratch: &mut Scratch) -> i64 {
        use StateFeature as F;
        let as_of = &mut self.as_of;
        match feature {
            F::Count(view) => as_of.count(view),
            F::Sum(view) => as_of.sum(view),
            F::Max(view) => as_of.extreme(view, true),
            F::Min(view) => as_of.extreme(view, false),
            F::Counterparties(view) => as_of.counterparties(view, scratch),
            F::TopShare(view, k) => as_of.top_share(view, *k, scratch),
            F::FlowRatio(flow) => as_of.flow_ratio(flow),
            F::Dwell(flow) => as_of.dwell(flow, scratch),
            F::Cycles { view, min_in, floor, share_ppm } => {
                as_of.cycles(view, [*min_in, *floor, *share_ppm], scratch)
            }
            F::IdleBefore(window_ms) => as_of.idle_before(*window_ms),
            F::HistoryCount(direction, days) => as_of.history_count(*direction, *days),
            F::HistorySum(direction, days) => as_of.history_sum(*direction, *days),
            F::HistoryNightShare(days) => as_of.night_share(*days),
            F::HistoryWeeks(direction) => as_of.habitual_weeks(*direction),
            F::HistoryNewPayers(days) => as_of.new_payers(*days),
            F::HistoryQuantile(days, ppm) => as_of.history_quantile(*days, *ppm, scratch),
            F::PairCount(days) => as_of.pair_count(*days),
            F::PairAgeDays => as_of.pair_age_days(),
            F::Asked(query, measure) => {
                let plan = self.view.plan;
                let (query, cut) = plan.query(*query, as_of.time_ms, as_of.utc_offset_ms);
                as_of.lower_bound |= cut;
                as_of.ask(&query, *measure)
            }
            F::Age | F::AgeDays | F::Grade | F::CustomerType | F::AccountClass => {
                self.profile(feature)
            }
            F::Listed(category, level) => {
                i64::from(self.role_lists() & list_bits(*category, *level) != 0)
            }
            F::Since(kind) => known(self.reference, |k| k.since(*kind, as_of.time_ms)),
            F::SinceVerdict(verdict) => {
                known(self.reference, |k| k.since_verdict(*verdict, as_of.time_ms))
            }
            F::LimitRaised(window_ms) => known(self.reference, |k| {
                let limit = k.raised(as_of.time_ms, *window_ms)?;
                (limit.currency == self.view.plan.currency).then_some(limit.minor)
            }),
            F::Registered(status) => tri(registered(self.role_lists(), *status)),
            F::RegistryFresh => tri(registry_fresh(self.role_lists())),
            F::Blocked(window_ms) => {
                as_of.retried(beside(self.reference), *window_ms, Retry::Amount)
            }
            F::RetriedSum(window_ms) => {
                as_of.retried(beside(self.reference), *window_ms, Retry::Sum)
            }
            F::RetriedCount(window_ms) => {
                as_of.retried(beside(self.reference), *window_ms, Retry::Count)
            }
            F::PairAllowed(level) => {
                let lists = &self.lists;
                let payer = lists[Role::Payer as usize] | lists[Role::PayerCustomer as usize];
                let payee = lists[Role::Payee as usize] | lists[Role::PayeeCustomer as usize];
                // A household is of both; the others are the payer's to give.
                let household = *level == PairLevel::Household;
                tri(pair_allowed(if household { payer | payee } else { payer }, *level))
            }
            F::PairVerified(window_ms) => {
                let payee = self.view.batch.text(self.payment.payee.account);
                let known = beside(self.reference);
                i64::from(known.is_some_and(|k| k.confirmed(payee, as_of.time_ms, *window_ms)))
            }
            F::TravelKm(km) | F::TravelSpeed(km) => {
                let known = beside(self.reference);
                let travelled = travelled(known, self.payment, as_of.time_ms, *km);
                travel_cell(travelled, usize::from(matches!(feature, F::TravelSpeed(_))))
            }
            F::FollowedBy(first, then, within_ms) => {
                self.sequence([*first, *then], *within_ms, Follows::Some)
            }
            F::NotFollowedBy(first, then, within_ms) => {
                self.sequence([*first, *then], *within_ms, Follows::None)
            }
            F::Openings(span) => self.opened(Some(*span), |opening| opening.account),
            F::OpeningsTotal => self.opened(None, |opening| opening.account),
            F::OpenedFor(span) => self.opened(Some(*span), |opening| opening.customer),
            F::PhoneCustomers => beside(self.reference).map_or(0, Known::bound_to),
            F::OnOpeningDevice => {
                let device = self.view.batch.text(self.payment.device_id);
                let opened_on = self.reference.and_then(|r| r.profile.opening_device.as_deref());
                let here = Some(device).filter(|device| !device.is_empty());
                tri(here.zip(opened_on).map(|(here, opened_on)| here == opened_on))
            }
            F::OpeningKm(km) => {
                let opened_at = self.reference.and_then(|r| r.profile.opening_place);
                opening_km(opened_at, self.payment, *km).unwrap_or(MISSING)
            }
            F::MovedKm(window_ms, km) => {
                let known = beside(self.reference);
                moved_km(known, self.payment, as_of.time_ms - window_ms, *km).unwrap_or(MISSING)
            }
            F::CashTerminals(window_ms) => as_of.cash_terminals(beside(self.reference), *window_ms),
            F::SeenAtHome(window_ms) => {
                let seen = self
                    .payment
                    .device_country
                    .or_else(|| beside(self.reference)?.country_at(as_of.time_ms, *window_ms));
                tri(seen.zip(self.view.plan.country).map(|(seen, home)| seen == home))
            }
            F::HistoryDayMedian(days) => as_of.credit_day_median(*days),
            F::HistoryTicket(days) => as_of.credit_average(*days),
            F::NewUser(window_ms) => i64::from(as_of.is_new_user(*window_ms)),
            F::Controlled(kind) => {
                let time_ms = as_of.time_ms;
                i64::from(self.reference.is_some_and(|r| r.controlled_at(*kind, time_ms)))
            }
        }
    }

    /// Entries of a question that one of another follows, or none.
    fn sequence(&mut self, both: [u16; 2], within_ms: Millis, follows: Follows) -> i64 {
        let plan = self.view.plan;
        let (time_ms, offset) = (self.as_of.time_ms, self.as_of.utc_offset_ms);
        let [first, then] = both.map(|number| plan.query(number, time_ms, offset));
        self.as_of.lower_bound |= first.1 || then.1;
        self.as_of.sequence([&first.0, &then.0], within_ms, follows)
    }

    /// Distinct accounts or customers of openings in a window.
    fn opened(&self, span: Option<Span>, who: fn(&Opening) -> Reference) -> i64 {
        let (time_ms, offset) = (self.as_of.time_ms, self.view.settings.utc_offset_ms);
        let calendar = &self.view.plan.policy.calendar;
        let length_ms = span.map(|span| calendar.length_ms(span, time_ms, offset));
        beside(self.reference).map_or(0, |known| known.count_opened(time_ms, length_ms, who))
    }

    /// Lists of the role: an account shares its customer's.
    fn role_lists(&self) -> super::reference::ListMask {
        let own = self.lists[self.role as usize];
        match self.role {
            Role::Payer => own | self.lists[Role::PayerCustomer as usize],
            Role::Payee => own | self.lists[Role::PayeeCustomer as usize],
            _ => own,
        }
    }

    /// What the event says about the party, else what account events said.
    fn profile(&self, feature: &StateFeature) -> i64 {
        let party = match self.role {
            Role::Payer | Role::PayerCustomer => &self.payment.payer,
            Role::Payee | Role::PayeeCustomer => &self.payment.payee,
            _ => return MISSING,
        };
        let known = self.reference.map(|r| &r.profile);
        let value = match feature {
            StateFeature::AgeDays => {
                let opened = party.opened_at_ms.or(known.and_then(|p| p.opened_at_ms));
                opened.map(|at| (self.as_of.time_ms - at).div_euclid(DAY))
            }
            StateFeature::Age => {
                let opened = party.opened_at_ms.or(known.and_then(|p| p.opened_at_ms));
                opened.map(|at| self.as_of.time_ms - at)
            }
            StateFeature::Grade => {
                party.risk_grade.or(known.and_then(|p| p.risk_grade)).map(|v| v as i64)
            }
            StateFeature::CustomerType => {
                party.customer_type.or(known.and_then(|p| p.customer_type)).map(|v| v as i64)
            }
            _ => party.account_class.or(known.and_then(|p| p.account_class)).map(|v| v as i64),
        };
        value.unwrap_or(MISSING)
    }

    /// Keeps what the act phase will want to show for a rule that may fire.
    fn capture(&self, rule: &RuleVisit, captures: &mut Vec<Capture>) {
        for evidence in &rule.evidence {
            let plan = &self.view.plan.rules[usize::from(rule.rule)].evidence[*evidence];
            let Some(window) = plan.window else { continue };
            let (entries, truncated) = contributing(&self.as_of, &window, self.view.plan);
            let what = Captured::Entries {
                rule: rule.rule,
                evidence: *evidence,
                entries,
                truncated,
                keeper: self.keeper,
            };
            captures.push(Capture { event: self.event, role: self.role, what });
        }
    }

    /// Keeps the branch that owns the account.
    fn capture_branch(&self, captures: &mut Vec<Capture>) {
        if let Some(branch) = self.reference.and_then(|r| r.profile.branch.clone()) {
            let what = Captured::Branch(branch);
            captures.push(Capture { event: self.event, role: self.role, what });
        }
    }
}
