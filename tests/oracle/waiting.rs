//! The naive reference's patience: payments that rules about absence see once more when time has
//! passed. A list of everything still waited for, gone through at every event.

use goshawk::model::event::{Batch, Body, Event, Payment};
use goshawk::model::time::Millis;
use goshawk::rules::plan::RulePlan;
use goshawk::rules::plan::feature::StateFeature;
use goshawk::rules::plan::program::{CellRef, ExprId, MISSING, Node, Row};
use goshawk::rules::plan::query::Query;
use goshawk::rules::plan::view::{Direction, Role};

use super::asked::is_of_kind;
use super::cells;
use super::naive::{Entry, Judged, Naive, Verdict, lacks_field, payment_alone};

/// One rule waits for one payment.
#[derive(Debug)]
pub struct Waiting {
    rule: u16,
    due: Millis,
    /// Arrival of the payment's event.
    order: usize,
    event: Event,
    life: usize,
}

/// Rules that come out at one payment after its time.
pub type Later = Vec<(u16, String, Verdict)>;

impl Naive {
    /// Judges what is due once the watermark stands where the next event brings it.
    pub fn pass_time(&mut self, batch: &Batch, before: Millis, after: Millis) -> (u64, Later) {
        let (mut found, mut payments) = (Vec::new(), 0);
        loop {
            let due = self.waiting.iter().filter(|w| (w.due + 999) / 1_000 * 1_000 <= after);
            let Some(key) = due.map(|w| (w.due, w.order)).min() else { return (payments, found) };
            let here = |w: &Waiting| (w.due, w.order) == key;
            let rules: Vec<u16> = self.waiting.iter().filter(|w| here(w)).map(|w| w.rule).collect();
            let at = self.waiting.iter().position(here).expect("it is there");
            let (first, life) = (self.waiting[at].event.clone(), self.waiting[at].life);
            self.waiting.retain(|w| !here(w));
            payments += 1;
            self.stand_at(before.max(key.0));
            let Body::Payment(p) = &first.body else { unreachable!("only payments wait") };
            let mut judged = self.blank();
            let cell = |f| cells::payment(self, batch, &first, p, f);
            judged.payment = self.plan.payment.iter().map(cell).collect();
            let ids: Vec<String> =
                rules.iter().map(|r| self.plan.rules[usize::from(*r)].id.clone()).collect();
            let later = Event { time_ms: key.0, ..first.clone() };
            let waits = |rule: &RulePlan| ids.contains(&rule.id);
            self.rules(batch, &later, p, life, waits, &mut judged);
            found.extend(judged.rules);
        }
    }

    /// Notes which rules will want to see a payment again. `phase` says which of them judge it now.
    pub fn wait_for(
        &mut self,
        batch: &Batch,
        event: &Event,
        p: &Payment,
        (life, settles): (usize, bool),
        phase: impl Fn(&RulePlan) -> bool,
        judged: &Judged,
    ) {
        let plan = std::sync::Arc::clone(&self.plan);
        let parts = judged.parts.each_ref().map(|part| &part[..]);
        let row = Row { payment: &judged.payment, parts, signals: &[] };
        for (index, rule) in plan.rules.iter().enumerate().filter(|(_, rule)| phase(rule)) {
            let alone = payment_alone(&plan.program, rule.gate);
            let alone = alone.iter().map(|e| plan.program.eval(*e, &row));
            if alone.into_iter().any(|v| v == 0 || v == MISSING)
                || lacks_field(&plan.program, rule.when, &row)
            {
                continue;
            }
            let mut absences = Vec::new();
            self.absences(rule.when, &mut absences);
            for (role, first, within) in absences {
                let direction = match role {
                    Role::Payee | Role::PayeeCustomer if settles => Direction::Credit,
                    Role::Payee | Role::PayeeCustomer => continue,
                    _ => Direction::Debit,
                };
                let entry = self.as_entry(batch, event, p, life, direction);
                let waiting = Waiting {
                    rule: index as u16,
                    due: event.time_ms + within,
                    order: self.taken,
                    event: event.clone(),
                    life,
                };
                let known = |w: &Waiting| {
                    (w.rule, w.due, w.order) == (waiting.rule, waiting.due, waiting.order)
                };
                if is_of_kind(&first, &entry, self.utc_offset) && !self.waiting.iter().any(known) {
                    self.waiting.push(waiting);
                }
            }
        }
    }

    /// What an expression asks not to have happened.
    fn absences(&self, expr: ExprId, found: &mut Vec<(Role, Query, Millis)>) {
        let node = &self.plan.program.nodes[expr.0 as usize];
        if let Node::Load(CellRef::State(role, cell)) = node
            && let StateFeature::NotFollowedBy(first, _, within) =
                self.plan.parts[*role as usize].features[usize::from(*cell)]
        {
            found.push((*role, self.plan.queries[usize::from(first)], within));
        }
        node.operands().into_iter().for_each(|below| self.absences(below, found));
    }

    /// The payment as an entry of one direction.
    fn as_entry(
        &self,
        batch: &Batch,
        event: &Event,
        p: &Payment,
        life: usize,
        direction: Direction,
    ) -> Entry {
        let time = match direction {
            Direction::Debit => self.debit_of(life).unwrap_or(event.time_ms),
            Direction::Credit => event.time_ms,
        };
        Entry {
            owner: (goshawk::model::entity::EntityKind::Account, String::new()),
            time,
            order: 0,
            direction,
            flags: self.flags(batch, event.time_ms, p, direction),
            payment_type: p.payment_type,
            channel: p.channel,
            foreign: p.amount.currency != self.plan.currency,
            minor: p.amount.minor,
            counterparty: String::new(),
            payment: life,
            void: None,
        }
    }
}
