//! What a visit reads: the cells of one entity as of one moment, as far as a rule may still fire.

use smallvec::SmallVec;

use super::capture::{Capture, Captured, contributing};
use super::facts::{EventFacts, Fate, RoleLists};
use super::features::{
    Follows, Known, Opening, Retry, moved_km, opening_km, travel_cell, travelled,
};
use super::group::{ShardState, Visit};
use super::reference::{ReferenceData, list_bits, pair_allowed, registered, registry_fresh};
use super::screen::{Outcome, Screen};
use super::slab::Entries;
use super::view::StepView;
use super::visit::other_side;
use super::visit_plan::{RolePlan, RuleVisit};
use super::window::{AsOf, Own, Scratch};
use crate::model::entity::Reference;
use crate::model::event::{PairLevel, Payment};
use crate::model::time::{DAY, Millis};
use crate::rules::plan::calendar::Span;
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::MISSING;
use crate::rules::plan::view::Role;

/// How many of a ledger's entries up to a payment's time there were when it called first: of those
/// of the same moment, what came behind its own had not arrived. Who pays is read before the credit
/// is entered.
fn seen_then(entries: Entries<'_>, all: usize, role: Role, own: &Own, time_ms: Millis) -> usize {
    let credited = matches!(role, Role::Payee | Role::PayeeCustomer);
    let moment = (0..all).rev().take_while(|at| entries.get(*at).time_ms() == time_ms);
    let own_entry = |debit: bool| {
        let is_own = |at: &usize| {
            let entry = entries.get(*at);
            entry.is_debit() == debit && own.is(entry)
        };
        moment.clone().find(is_own)
    };
    match (own_entry(!credited), credited) {
        (Some(at), _) => at + 1,
        (None, false) => own_entry(false).unwrap_or(all),
        (None, true) => all,
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
pub(super) struct Reading<'a> {
    pub as_of: AsOf<'a>,
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
    pub fn new(
        shard: &'a ShardState,
        visit: &Visit,
        role: Role,
        facts: &'a EventFacts,
        payment: &'a Payment,
        view: &'a StepView<'a>,
    ) -> Self {
        let time_ms = view.event(visit.event as usize).time_ms;
        let header = &shard.table.headers[visit.slot as usize];
        let entries = shard.slab.entries(&header.ring);
        let extra = shard.extra(visit.slot);
        let own = Own {
            fingerprint: facts.fingerprint,
            amount_minor: payment.amount.minor,
            debit_ms: facts.transition.debit_ms,
            credit_ms: facts.own_ms,
            payee: matches!(role, Role::Payer | Role::PayerCustomer)
                .then_some(facts.references[Role::Payee as usize]),
            other: other_side(role, facts),
            foreign: payment.amount.currency != view.plan.currency,
        };
        let all = entries.count_until(time_ms);
        let is_again = facts.fate == Fate::Again;
        let seen = if is_again { seen_then(entries, all, role, &own, time_ms) } else { all };
        let as_of = AsOf {
            entries: entries.up_to(seen),
            by_ledger: seen < all,
            time_ms,
            extra,
            horizon_ms: facts.horizon_ms,
            utc_offset_ms: view.settings.utc_offset_ms,
            earlier_ms: if is_again { time_ms - 1 } else { time_ms },
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
    pub fn fill_always(
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
    pub fn may_fire(&mut self, rule: &RuleVisit, cells: &mut [i64], scratch: &mut Scratch) -> bool {
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
    pub fn fill(&mut self, wanted: &[u16], cells: &mut [i64], scratch: &mut Scratch) {
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
            F::Rhythm(direction, weeks) => as_of.rhythm(*direction, *weeks),
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
                let texts = self.view.texts(self.event as usize);
                let payee = texts.text(self.payment.payee.account);
                let known = beside(self.reference);
                i64::from(known.is_some_and(|k| k.confirmed(payee, as_of.time_ms, *window_ms)))
            }
            F::TravelKm(km) | F::TravelSpeed(km) => {
                let known = beside(self.reference);
                let travelled =
                    travelled(known, self.payment, as_of.earlier_ms, as_of.time_ms, *km);
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
                let texts = self.view.texts(self.event as usize);
                let device = texts.text(self.payment.device_id);
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
                let before_ms = as_of.time_ms - window_ms;
                let moved = moved_km(known, self.payment, before_ms, as_of.earlier_ms, *km);
                moved.unwrap_or(MISSING)
            }
            F::Terminals(window_ms) => as_of.terminals(beside(self.reference), *window_ms),
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
    pub fn capture(&self, rule: &RuleVisit, captures: &mut Vec<Capture>) {
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
    pub fn capture_branch(&self, captures: &mut Vec<Capture>) {
        if let Some(branch) = self.reference.and_then(|r| r.profile.branch.clone()) {
            let what = Captured::Branch(branch);
            captures.push(Capture { event: self.event, role: self.role, what });
        }
    }
}
