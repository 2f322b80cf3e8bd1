//! Payments that are judged once more when time has passed: for rules that ask what did *not*
//! happen. Keeps the payments and says when which of them is due; judging is the step's business.
//!
//! Time passes by the watermark, so by what any account does and by ticks. A payment is due when
//! the watermark reaches the next full [`limits::WAIT_GRID`] after its time and the rule's; it is
//! then judged as of exactly that long after its own time. What falls into one cell of the grid is
//! judged together, so that time passing does not cut every stretch to pieces.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::RuleCounts;
use super::entry::{Entry, Movement};
use super::facts::{EventFacts, Fate, NONE};
use super::features::{compares, counts_as};
use super::register::Transition;
use super::rule_set::{RuleSet, rules_in};
use super::view::StepView;
use super::visit::movement;
use super::visit_plan::{VisitPlan, state_cells};
use crate::limits;
use crate::model::event::{Batch, Body, Event, Payment};
use crate::model::time::Millis;
use crate::rules::plan::Plan;
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::query::Query;
use crate::rules::plan::view::Role;

/// An absence that conditions ask about: payments of this kind are waited for.
#[derive(Debug, Clone)]
pub(super) struct Awaited {
    role: Role,
    /// Entries that nothing is to have followed.
    first: Query,
    pub within_ms: Millis,
    rules: RuleSet,
}

impl Awaited {
    /// The absences of a plan.
    pub fn of(plan: &Plan) -> Vec<Self> {
        let words = RuleSet::words(plan.rules.len());
        let mut all: Vec<Self> = Vec::new();
        for (index, rule) in (0u16..).zip(&plan.rules) {
            for (role, cell) in state_cells(&plan.program, rule.when) {
                let feature = plan.parts[role as usize].features[usize::from(cell)];
                let StateFeature::NotFollowedBy(first, _, within_ms) = feature else { continue };
                let first = plan.queries[usize::from(first)];
                let same =
                    |a: &&mut Self| (a.role, a.first, a.within_ms) == (role, first, within_ms);
                match all.iter_mut().find(same) {
                    Some(awaited) => awaited.rules.insert(index),
                    None => {
                        let mut rules = RuleSet::none(words);
                        rules.insert(index);
                        all.push(Self { role, first, within_ms, rules });
                    }
                }
            }
        }
        all
    }

    /// Whether a payment made an entry of this kind, whoever it was with.
    fn is_made_by(&self, entries: &Entries, utc_offset_ms: Millis) -> bool {
        let entry = match self.role {
            Role::Payee | Role::PayeeCustomer => entries.credit,
            _ => Some(entries.debit),
        };
        entry.is_some_and(|entry| {
            counts_as(&self.first, entry, utc_offset_ms)
                && (!self.first.compares_amounts()
                    || (!entry.is_foreign() && compares(&self.first, entry.amount_minor())))
        })
    }
}

/// What a payment entered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entries {
    pub debit: Entry,
    /// Since it settled.
    pub credit: Option<Entry>,
}

impl Entries {
    fn of(item: usize, facts: &EventFacts, payment: &Payment, view: &StepView<'_>) -> Self {
        let texts = view.texts(item);
        let entry = |role, time_ms| {
            Entry::new(&Movement { time_ms, ..movement(role, facts, payment, texts, view) })
        };
        Self {
            debit: entry(Role::Payer, facts.transition.debit_ms),
            credit: facts.transition.post.then(|| entry(Role::Payee, view.event(item).time_ms)),
        }
    }
}

/// A payment that is waited for.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    /// Its texts lie in `text`, in their order.
    pub event: Event,
    pub text: Box<str>,
    pub within_ms: Millis,
    pub entries: Entries,
    /// At which of its events it was judged before, and where its debit stands.
    pub transition: Transition,
}

impl Wait {
    /// When it was judged before.
    pub fn judged_ms(&self) -> Millis {
        self.event.time_ms
    }

    fn due_ms(&self) -> Millis {
        self.event.time_ms + self.within_ms
    }

    /// The rules that are to judge it now.
    pub fn rules(&self, visit_plan: &VisitPlan, plan: &Plan, utc_offset_ms: Millis) -> RuleSet {
        let words = RuleSet::words(plan.rules.len());
        let (mut asking, mut judged) = (vec![0; words], RuleSet::none(words));
        let here = |a: &&Awaited| {
            a.within_ms == self.within_ms && a.is_made_by(&self.entries, utc_offset_ms)
        };
        visit_plan.awaited.iter().filter(here).for_each(|a| a.rules.open(&mut asking));
        for rule in rules_in(&asking) {
            let phases = plan.rules[usize::from(rule)].phases;
            let Transition { pre, post, .. } = self.transition;
            if (phases.pre && pre) || (phases.post && post) {
                judged.insert(rule);
            }
        }
        judged
    }
}

/// Payments that are judged together: by when they are due, then in order of arrival.
pub(super) type Cell = BTreeMap<(Millis, u64), Arc<Wait>>;

/// Payments that are waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Waits {
    /// By the moment at which they are judged. Shared with images that are being written: what
    /// changes meanwhile is copied first.
    cells: BTreeMap<Millis, Arc<Cell>>,
    len: usize,
    /// Number of the next.
    next: u64,
    text_bytes: usize,
}

/// The moment by whose watermark something of `due_ms` is judged.
fn cell_end(due_ms: Millis) -> Millis {
    due_ms + (-due_ms).rem_euclid(limits::WAIT_GRID)
}

impl Waits {
    /// The watermark at which the next of them are judged.
    pub fn next_ms(&self) -> Option<Millis> {
        self.cells.first_key_value().map(|(end_ms, _)| *end_ms)
    }

    /// How many events may be worked on before something may be due, `most` at most. What the
    /// events themselves will be waited for counts with the shortest time that is asked about.
    pub fn stretch(
        &self,
        events: &[Event],
        most: usize,
        plan: &VisitPlan,
        (mut greatest_ms, lateness_ms): (Millis, Millis),
    ) -> usize {
        let shortest_ms = plan.awaited.iter().map(|a| a.within_ms).min();
        let mut next_ms = self.next_ms();
        let most = most.min(events.len());
        if next_ms.is_none() && shortest_ms.is_none() {
            return most;
        }
        for (number, event) in events[..most].iter().enumerate() {
            greatest_ms = greatest_ms.max(event.time_ms);
            let watermark_ms = greatest_ms.saturating_sub(lateness_ms);
            if number > 0 && next_ms.is_some_and(|next_ms| next_ms <= watermark_ms) {
                return number;
            }
            if let (Body::Payment(_), Some(shortest_ms)) = (&event.body, shortest_ms) {
                let own_ms = cell_end(event.time_ms + shortest_ms);
                next_ms = Some(next_ms.map_or(own_ms, |next_ms| next_ms.min(own_ms)));
            }
        }
        most
    }

    /// Takes the payments of a stretch that rules will want to see again. Where there is no room,
    /// the rules cannot be evaluated, and a bound bit: returns how often.
    pub fn add(&mut self, view: &StepView<'_>, counts: &mut [RuleCounts]) -> u64 {
        let mut bounds_hit = 0;
        if view.visit_plan.awaited.is_empty() {
            return 0;
        }
        for (item, facts) in view.facts.iter().enumerate() {
            let event = view.event(item);
            let Body::Payment(payment) = &event.body else { continue };
            if facts.fate != Fate::Scored || facts.payment_row == NONE {
                continue;
            }
            let entries = Entries::of(item, facts, payment, view);
            let words = view.open(facts).iter().zip(view.lacking(facts));
            let open: SmallVec<[u64; 8]> = words.map(|(open, lacking)| open & !lacking).collect();
            let offset_ms = view.settings.utc_offset_ms;
            let asked = |a: &&Awaited| a.rules.meets(&open) && a.is_made_by(&entries, offset_ms);
            let mut times: SmallVec<[Millis; 4]> =
                view.visit_plan.awaited.iter().filter(asked).map(|a| a.within_ms).collect();
            times.sort_unstable();
            times.dedup();
            for within_ms in times {
                let mut batch = Batch::default();
                let mut event = event.clone();
                if let Body::Payment(payment) = &mut event.body {
                    batch.adopt(&view.texts(item).text, payment);
                }
                let text = batch.text.into_boxed_str();
                let transition = facts.transition;
                let wait = Wait { event, text, within_ms, entries, transition };
                if self.len < limits::WAITS_MAX {
                    self.insert(wait);
                    continue;
                }
                bounds_hit += 1;
                let mut lost =
                    wait.rules(view.visit_plan, view.plan, offset_ms).words_of().to_vec();
                lost.iter_mut().zip(&open).for_each(|(lost, open)| *lost &= open);
                rules_in(&lost).for_each(|rule| counts[usize::from(rule)].not_evaluable += 1);
            }
        }
        bounds_hit
    }

    fn insert(&mut self, wait: Wait) {
        let due_ms = wait.due_ms();
        self.text_bytes += wait.text.len();
        self.len += 1;
        let cell = Arc::make_mut(self.cells.entry(cell_end(due_ms)).or_default());
        cell.insert((due_ms, self.next), Arc::new(wait));
        self.next += 1;
    }

    /// All of them, in the order in which they are judged.
    pub fn share(&self) -> Vec<Arc<Cell>> {
        // The number of the next only tells earlier ones from later ones.
        let Self { cells, len: _, next: _, text_bytes: _ } = self;
        cells.values().map(Arc::clone).collect()
    }

    /// The same again, from their order.
    pub fn take_back(waits: Vec<Wait>) -> Self {
        let mut all = Self::default();
        waits.into_iter().for_each(|wait| all.insert(wait));
        all
    }

    /// Takes out what is due by a watermark, `most` at most, in order: as events of the times at
    /// which they are due.
    pub fn take(&mut self, watermark_ms: Millis, most: usize) -> (Batch, Vec<Wait>) {
        let (mut batch, mut taken) = (Batch::default(), Vec::new());
        while taken.len() < most && self.next_ms().is_some_and(|next| next <= watermark_ms) {
            let Some(mut cell) = self.cells.first_entry() else { break };
            let Some((_, wait)) = Arc::make_mut(cell.get_mut()).pop_first() else { break };
            if cell.get().is_empty() {
                cell.remove();
            }
            self.len -= 1;
            self.text_bytes -= wait.text.len();
            let mut event = Event { time_ms: wait.due_ms(), ..wait.event.clone() };
            if let Body::Payment(payment) = &mut event.body {
                batch.adopt(&wait.text, payment);
            }
            batch.events.push(event);
            taken.push(Arc::unwrap_or_clone(wait));
        }
        (batch, taken)
    }

    /// Payments waited for.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> usize {
        self.len * (size_of::<Wait>() + 3 * size_of::<u64>()) + self.text_bytes
    }
}
