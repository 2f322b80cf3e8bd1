//! The naive reference: plain lists of everything that ever happened, read from end to end at every
//! event. It shares no code with the engine; only the plan's expressions are evaluated by `rules`.
//!
//! Nothing here is fast, and nothing is forgotten: what the engine drops is left out by comparing
//! times.

use std::collections::BTreeSet;
use std::sync::Arc;

use goshawk::limits::LEDGER_RETENTION;
use goshawk::model::entity::EntityKind;
use goshawk::model::event::{
    AccountClass, AccountEvent, AccountEventKind, Batch, Body, Category, Channel, CustomerType,
    Event, Geo, ListCategory, ListLevel, ListOp, Party, Payment, PaymentStatus, PaymentType,
    RiskGrade, Text,
};
use goshawk::model::measure::Action;
use goshawk::model::money::Money;
use goshawk::model::time::{DAY, HOUR, Millis};
use goshawk::rules::plan::feature::PaymentField;
use goshawk::rules::plan::program::{CellRef, ExprId, MISSING, Node, Program, Row};
use goshawk::rules::plan::view::{Direction, Role, flag};
use goshawk::rules::plan::{GuardEffect, Plan, RulePlan, SignalMeasure};

use super::cells;
use super::known::Happened;
use super::waiting::{Later, Waiting};

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Scored { late: bool },
    Duplicate,
    TooLate,
    Contradiction,
    Applied,
}

/// How one rule came out at one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Hit { removed: bool },
    Miss,
    NotEvaluable,
}

/// What the oracle says about one event.
#[derive(Clone, Debug)]
pub struct Judged {
    pub outcome: Outcome,
    pub minor: i64,
    /// Rules that were judged, in the plan's order, with the account each is about.
    pub rules: Vec<(u16, String, Verdict)>,
    /// The same of payments for which this event brought time far enough on: their number, and
    /// what came of them before the event itself.
    pub later: (u64, Later),
    /// The cells, for messages: the payment's part and each role's.
    pub payment: Vec<i64>,
    pub parts: [Vec<i64>; Role::COUNT],
}

/// One movement in the ledger of one entity.
#[derive(Clone, Debug)]
pub struct Entry {
    pub owner: (EntityKind, String),
    pub time: Millis,
    /// Arrival, for entries of one time.
    pub order: u64,
    pub direction: Direction,
    pub flags: u16,
    pub payment_type: PaymentType,
    pub channel: Channel,
    pub foreign: bool,
    pub minor: i64,
    pub counterparty: String,
    /// Index into [`Naive::payments`].
    pub payment: usize,
    /// Taken back for evaluations from then on.
    pub void: Option<Millis>,
}

/// The life of one payment.
#[derive(Debug)]
struct Life {
    id: String,
    payer: String,
    payee: String,
    amount: Money,
    statuses: Vec<PaymentStatus>,
    debit: Option<Millis>,
    settled: Option<Millis>,
    void: Option<Millis>,
    last: Millis,
}

#[derive(Debug)]
pub struct ListEntry {
    pub subject: (EntityKind, String),
    pub id: String,
    pub category: ListCategory,
    pub level: Option<ListLevel>,
    /// The other side, where the entry only means payments between the two.
    pub counterparty: String,
    pub from: Millis,
    pub to: Millis,
}

#[derive(Debug)]
pub struct Control {
    pub id: String,
    pub account: String,
    pub kind: Action,
    pub from: Millis,
    pub to: Millis,
}

#[derive(Debug, Default)]
pub struct Profile {
    pub account: String,
    pub opened: Option<Millis>,
    pub customer_type: Option<CustomerType>,
    pub class: Option<AccountClass>,
    pub grade: Option<RiskGrade>,
    pub opening_device: String,
    pub opening_geo: Option<Geo>,
}

/// A rule fired: from one account, about another.
#[derive(Debug, PartialEq)]
struct Signal {
    rule: u16,
    time: Millis,
    about: String,
    from: String,
}

/// Everything that ever happened.
#[derive(Debug)]
pub struct Naive {
    pub plan: Arc<Plan>,
    pub lateness: Millis,
    pub utc_offset: Millis,
    pub entries: Vec<Entry>,
    payments: Vec<Life>,
    pub lists: Vec<ListEntry>,
    pub controls: Vec<Control>,
    pub profiles: Vec<Profile>,
    /// What happened beside payments, in order of arrival.
    pub happened: Vec<Happened>,
    signals: Vec<Signal>,
    greatest: Option<Millis>,
    /// Entries at or before this have left the ledgers.
    pub horizon: Millis,
    arrivals: u64,
    /// Arrivals before the present event.
    pub arrived_before: u64,
    /// Events taken.
    pub taken: usize,
    pub waiting: Vec<Waiting>,
}

fn is_voiding(status: PaymentStatus) -> bool {
    use PaymentStatus::{Cancelled, Rejected, Returned, Reversed};
    matches!(status, Cancelled | Rejected | Returned | Reversed)
}

/// What a status event changes.
struct Change {
    life: usize,
    pre: bool,
    post: bool,
}

impl Naive {
    pub fn new(plan: Arc<Plan>, lateness: Millis, utc_offset: Millis) -> Self {
        Self {
            plan,
            lateness,
            utc_offset,
            entries: Vec::new(),
            payments: Vec::new(),
            lists: Vec::new(),
            controls: Vec::new(),
            profiles: Vec::new(),
            happened: Vec::new(),
            signals: Vec::new(),
            greatest: None,
            horizon: Millis::MIN,
            arrivals: 0,
            arrived_before: 0,
            taken: 0,
            waiting: Vec::new(),
        }
    }

    /// Takes the next event, and before it what was waited for until its time.
    pub fn take(&mut self, batch: &Batch, event: &Event) -> Judged {
        let greatest = self.greatest.map_or(event.time_ms, |g| g.max(event.time_ms));
        let later = self.pass_time(batch, self.watermark(), greatest - self.lateness);
        let judged = self.take_now(batch, event);
        self.taken += 1;
        Judged { later, ..judged }
    }

    /// Moves what is kept to a watermark.
    pub fn stand_at(&mut self, watermark: Millis) {
        self.horizon = self.horizon_at(watermark);
        self.arrived_before = self.arrivals;
    }

    /// What is kept: a week and an hour, or back to the beginning of the longest window of working
    /// days that ends now, and an hour.
    fn horizon_at(&self, now: Millis) -> Millis {
        let week = now - LEDGER_RETENTION;
        let days = self.plan.queries.iter().map(|query| i64::from(query.working_days)).max();
        let Some(days) = days.filter(|days| *days > 0) else { return week };
        let today = (now + self.utc_offset).div_euclid(DAY);
        let Some(first) = cells::first_working_day(&self.plan.policy.calendar, days, today) else {
            return week;
        };
        week.min(first.max(today - 31) * DAY - self.utc_offset - HOUR)
    }

    pub fn blank(&self) -> Judged {
        self.nothing(Outcome::Applied, 0)
    }

    /// Since when a payment's debit stands.
    pub fn debit_of(&self, life: usize) -> Option<Millis> {
        self.payments[life].debit
    }

    fn take_now(&mut self, batch: &Batch, event: &Event) -> Judged {
        let before = self.greatest.map_or(Millis::MIN, |g| g - self.lateness);
        let greatest = self.greatest.map_or(event.time_ms, |g| g.max(event.time_ms));
        self.greatest = Some(greatest);
        self.horizon = self.horizon_at(greatest - self.lateness);
        self.arrived_before = self.arrivals;
        let Body::Payment(p) = &event.body else {
            self.apply(batch, event);
            return match &event.body {
                // What is told too late is known all the same.
                Body::Account(a)
                    if a.kind == AccountEventKind::Opened && event.time_ms > self.horizon =>
                {
                    self.judge_opening(batch, event, a)
                }
                _ => self.nothing(Outcome::Applied, 0),
            };
        };
        if event.time_ms <= self.horizon {
            return self.nothing(Outcome::TooLate, p.amount.minor);
        }
        let change = match self.observe(batch, event.time_ms, p) {
            Ok(change) => change,
            Err(outcome) => return self.nothing(outcome, p.amount.minor),
        };
        if change.pre {
            self.took_cash(batch, event.time_ms, p);
        }
        let outcome = Outcome::Scored { late: event.time_ms < before };
        let judged = self.judge(batch, event, p, &change, outcome);
        if change.pre {
            self.stayed(batch, event.time_ms, p);
        }
        judged
    }

    pub fn watermark(&self) -> Millis {
        self.greatest.map_or(Millis::MIN, |g| g - self.lateness)
    }

    fn nothing(&self, outcome: Outcome, minor: i64) -> Judged {
        let parts = [const { Vec::new() }; Role::COUNT];
        let later = (0, Vec::new());
        Judged { outcome, minor, rules: Vec::new(), later, payment: Vec::new(), parts }
    }

    // ---- payments

    fn observe(&mut self, batch: &Batch, time: Millis, p: &Payment) -> Result<Change, Outcome> {
        let (payer, payee) = (batch.text(p.payer.account), batch.text(p.payee.account));
        let id = batch.text(p.payment_id);
        let known = self.payments.iter().rposition(|life| life.id == id);
        let Some(life) = known.filter(|at| self.payments[*at].last > self.horizon) else {
            self.payments.push(Life {
                id: id.to_owned(),
                payer: payer.to_owned(),
                payee: payee.to_owned(),
                amount: p.amount,
                statuses: vec![p.status],
                debit: None,
                settled: None,
                void: None,
                last: time,
            });
            let life = self.payments.len() - 1;
            self.advance(batch, time, p, life);
            let (pre, post) = (!is_voiding(p.status), p.status == PaymentStatus::Settled);
            return Ok(Change { life, pre, post });
        };
        let seen = &mut self.payments[life];
        if (&*seen.payer, &*seen.payee, seen.amount) != (payer, payee, p.amount) {
            return Err(Outcome::Contradiction);
        }
        if seen.statuses.contains(&p.status) {
            return Err(Outcome::Duplicate);
        }
        seen.statuses.push(p.status);
        seen.last = seen.last.max(time);
        // Earlier than all before it, and not too late for that: the payment begins here.
        let in_time = self.greatest.is_none_or(|greatest| time >= greatest - self.lateness);
        let known = [seen.debit, seen.void].into_iter().flatten().min();
        let leads = in_time && known.is_some_and(|known| time < known);
        if leads {
            self.began_earlier(batch, known.expect("it leads"), p);
        }
        self.advance(batch, time, p, life);
        let pre = leads && !is_voiding(p.status);
        Ok(Change { life, pre, post: p.status == PaymentStatus::Settled })
    }

    /// Brings the entries of a payment up to date with one more of its statuses.
    fn advance(&mut self, batch: &Batch, time: Millis, p: &Payment, life: usize) {
        let seen = &mut self.payments[life];
        if is_voiding(p.status) {
            let void = seen.void.map_or(time, |v| v.min(time));
            seen.void = Some(void);
            let horizon = self.horizon;
            // What has left the ledger stays in the long memory.
            for entry in self.entries.iter_mut() {
                if entry.payment == life && entry.time > horizon {
                    entry.void = Some(void);
                }
            }
            return;
        }
        let void = seen.void;
        let debit = seen.debit;
        seen.debit = Some(debit.map_or(time, |d| d.min(time)));
        match debit {
            None => self.enter(batch, time, p, life, Direction::Debit, void),
            Some(debit) if time < debit => {
                let flags = self.flags(batch, time, p, Direction::Debit);
                for entry in &mut self.entries {
                    if entry.payment == life && entry.direction == Direction::Debit {
                        entry.time = time;
                        entry.flags = flags;
                        self.arrivals += 1;
                        entry.order = self.arrivals;
                    }
                }
            }
            Some(_) => {}
        }
        if p.status == PaymentStatus::Settled {
            self.payments[life].settled = Some(time);
            self.enter(batch, time, p, life, Direction::Credit, void);
        }
    }

    /// Makes the entries of one direction.
    fn enter(
        &mut self,
        batch: &Batch,
        time: Millis,
        p: &Payment,
        life: usize,
        direction: Direction,
        void: Option<Millis>,
    ) {
        let text = |span| batch.text(span).to_owned();
        let (own_side, other_side) = match direction {
            Direction::Debit => (&p.payer, &p.payee),
            Direction::Credit => (&p.payee, &p.payer),
        };
        let other = text(other_side.account);
        let mut owners = vec![
            (EntityKind::Account, text(own_side.account), other.clone()),
            (EntityKind::Customer, text(own_side.customer), other),
        ];
        if direction == Direction::Debit {
            let user = [p.payer.customer, p.payer.account].into_iter().find(|t| !t.is_none());
            let user = user.expect("a payer has an account");
            owners.push((EntityKind::Device, text(p.device_id), text(user)));
            owners.push((EntityKind::Address, text(cells::address(p)), text(p.payer.account)));
        }
        let flags = self.flags(batch, time, p, direction);
        for (kind, name, counterparty) in owners {
            if name.is_empty() {
                continue;
            }
            self.arrivals += 1;
            self.entries.push(Entry {
                owner: (kind, name),
                time,
                order: self.arrivals,
                direction,
                flags,
                payment_type: p.payment_type,
                channel: p.channel,
                foreign: p.amount.currency != self.plan.currency,
                minor: p.amount.minor,
                counterparty,
                payment: life,
                void,
            });
        }
    }

    pub fn flags(&self, batch: &Batch, time: Millis, p: &Payment, direction: Direction) -> u16 {
        use Category::*;
        let allowed = |party: &Party, level| {
            self.party_listed(batch, party, time, ListCategory::Allow, Some(level))
        };
        let credit = direction == Direction::Credit;
        let counterparty = if credit { &p.payer } else { &p.payee };
        let is = |set: &[Category]| p.category.is_some_and(|c| set.contains(&c));
        let shop =
            matches!(counterparty.customer_type, Some(CustomerType::Merchant | CustomerType::Psp));
        let benign = [Insurance, Pension, SocialSecurity, HousingFund, TaxRefund, Lottery, Court];
        let public = [Tax, Court, SocialSecurity, Hospital, School, Utility, Telecom];
        let mut flags = 0;
        let mut set = |bit: u16, on: bool| flags |= if on { bit } else { 0 };
        set(flag::OWN, cells::own_transfer(batch, p));
        set(flag::PAYROLL, is(&[Salary]) && allowed(&p.payer, ListLevel::Payroll));
        set(flag::BENIGN, (credit && is(&benign)) || allowed(&p.payer, ListLevel::Benign));
        set(
            flag::MERCHANT,
            is(&[Settlement])
                || shop
                || allowed(counterparty, ListLevel::Merchant)
                || (credit && allowed(counterparty, ListLevel::Platform)),
        );
        set(flag::PUBLIC, is(&public) || allowed(&p.payee, ListLevel::Public));
        set(flag::PERSON, counterparty.customer_type == Some(CustomerType::Person));
        set(flag::REDEMPTION, credit && is(&[EarlyRedemption, WealthRedeem, OwnIn]));
        set(flag::LOAN, credit && is(&[LoanDisbursement]));
        let mcc = batch.text(p.mcc);
        let abroad = p.terminal_country.is_some() && self.plan.country.is_some();
        set(flag::ABROAD, !credit && abroad && p.terminal_country != self.plan.country);
        set(flag::GOLD, !credit && ["5094", "5944"].contains(&mcc));
        set(flag::GOODS, !credit && cells::is_goods(mcc));
        flags
    }

    // ---- other events

    fn apply(&mut self, batch: &Batch, event: &Event) {
        let text = |span| batch.text(span).to_owned();
        match &event.body {
            Body::Payment(_) | Body::Tick => {}
            Body::Registry(r) => self.registered(batch, event.time_ms, r),
            Body::Feedback(f) => self.fed_back(batch, event.time_ms, f),
            Body::Account(a) => {
                self.account_happened(batch, event.time_ms, a);
                let profile = self.profile_mut(text(a.account));
                if a.kind == AccountEventKind::Opened {
                    profile.opened = Some(event.time_ms);
                    profile.opening_device = text(a.opening_device);
                    profile.opening_geo = a.geo;
                }
                profile.customer_type = a.customer_type.or(profile.customer_type);
                profile.class = a.account_class.or(profile.class);
                profile.grade = a.risk_grade.or(profile.grade);
            }
            Body::List(l) => {
                let subject = (l.subject_kind, text(l.subject));
                let id = text(l.entry_id);
                let found = self.lists.iter().position(|e| {
                    e.subject == subject
                        && e.id == id
                        && (!id.is_empty()
                            || (e.category, e.level, &*e.counterparty)
                                == (l.category, l.level, batch.text(l.counterparty)))
                });
                let (from, to) = Self::validity(batch, event.time_ms, l);
                let entry = ListEntry {
                    subject,
                    id,
                    category: l.category,
                    level: l.level,
                    counterparty: text(l.counterparty),
                    from,
                    to,
                };
                match (l.op, found) {
                    (ListOp::Upsert, Some(at)) => self.lists[at] = entry,
                    (ListOp::Upsert, None) => self.lists.push(entry),
                    (ListOp::Expire, Some(at)) => {
                        self.lists[at].to = l.valid_to_ms.unwrap_or(event.time_ms);
                    }
                    (ListOp::Expire, None) => {}
                }
            }
            Body::Control(c) => {
                let control = Control {
                    id: text(c.control_id),
                    account: text(c.account),
                    kind: c.kind,
                    from: c.from_ms,
                    to: c.to_ms.unwrap_or(Millis::MAX).min(c.released_at_ms.unwrap_or(Millis::MAX)),
                };
                let same =
                    |k: &&mut Control| (&k.id, &k.account) == (&control.id, &control.account);
                match self.controls.iter_mut().find(same) {
                    Some(known) => *known = control,
                    None => self.controls.push(control),
                }
            }
        }
    }

    fn profile_mut(&mut self, account: String) -> &mut Profile {
        let at = self.profiles.iter().position(|p| p.account == account).unwrap_or_else(|| {
            self.profiles.push(Profile { account, ..Profile::default() });
            self.profiles.len() - 1
        });
        &mut self.profiles[at]
    }

    /// Whether an entry is of the payment with an id.
    pub fn is_payment(&self, entry: &Entry, id: &str) -> bool {
        self.payments[entry.payment].id == id
    }

    pub fn listed(
        &self,
        subject: (EntityKind, &str),
        time: Millis,
        category: ListCategory,
        level: Option<ListLevel>,
    ) -> bool {
        self.lists.iter().any(|e| {
            (e.subject.0, &*e.subject.1) == subject
                && e.category == category
                && e.counterparty.is_empty()
                && (level.is_none() || e.level == level)
                && (e.from..e.to).contains(&time)
        })
    }

    /// Whether the account or its holder is listed.
    pub fn party_listed(
        &self,
        batch: &Batch,
        party: &Party,
        time: Millis,
        category: ListCategory,
        level: Option<ListLevel>,
    ) -> bool {
        let account = (EntityKind::Account, batch.text(party.account));
        let customer = (EntityKind::Customer, batch.text(party.customer));
        self.listed(account, time, category, level)
            || (!customer.1.is_empty() && self.listed(customer, time, category, level))
    }

    // ---- judging

    fn judge(
        &mut self,
        batch: &Batch,
        event: &Event,
        p: &Payment,
        change: &Change,
        outcome: Outcome,
    ) -> Judged {
        let mut judged = self.nothing(outcome, p.amount.minor);
        if !change.pre && !change.post {
            return judged;
        }
        let cell = |f| cells::payment(self, batch, event, p, f);
        judged.payment = self.plan.payment.iter().map(cell).collect();
        let phase =
            |rule: &RulePlan| (rule.phases.pre && change.pre) || (rule.phases.post && change.post);
        self.rules(batch, event, p, change.life, phase, &mut judged);
        self.wait_for(batch, event, p, (change.life, change.post), phase, &judged);
        judged
    }

    /// An opening looks to the rules like a payment of nothing to nobody.
    fn judge_opening(&mut self, batch: &Batch, event: &Event, a: &AccountEvent) -> Judged {
        let mut judged = self.nothing(Outcome::Applied, 0);
        let payer = Party {
            account: a.account,
            customer: a.customer,
            customer_type: a.customer_type,
            account_class: a.account_class,
            risk_grade: a.risk_grade,
            ..Party::default()
        };
        let mut p = Payment::new(
            a.event_id,
            Text::NONE,
            PaymentStatus::Other,
            Money { minor: 0, currency: self.plan.currency },
            payer,
            Party::default(),
            PaymentType::Other,
            Channel::Other,
        );
        p.device_id = a.opening_device;
        let cell = |f: &PaymentField| match f {
            PaymentField::OpeningReason => a.reason.map_or(MISSING, |reason| reason as i64),
            _ => MISSING,
        };
        judged.payment = self.plan.payment.iter().map(cell).collect();
        self.rules(batch, event, &p, usize::MAX, |rule| rule.phases.opening, &mut judged);
        judged
    }

    /// Reads what the roles know and tries every rule of the phase.
    pub fn rules(
        &mut self,
        batch: &Batch,
        event: &Event,
        p: &Payment,
        life: usize,
        phase: impl Fn(&RulePlan) -> bool,
        judged: &mut Judged,
    ) {
        let plan = Arc::clone(&self.plan);
        for role in Role::ALL {
            let part = &plan.parts[role as usize].features;
            let before_credit = false;
            let look = cells::Look { naive: self, batch, event, payment: p, life, before_credit };
            judged.parts[role as usize] = look.part(role, part);
        }
        let parts = judged.parts.each_ref().map(|part| &part[..]);
        let mut fired = Vec::new();
        let mut in_turn: Vec<usize> = (0..plan.rules.len()).collect();
        in_turn.sort_by_key(|index| plan.rules[*index].rank);
        for index in in_turn {
            let rule = &plan.rules[index];
            if !phase(rule) {
                continue;
            }
            let cells = self.signal_cells(batch, event, p, &plan, rule);
            let row = Row { payment: &judged.payment, parts, signals: &cells };
            let removes = |g: &u16| {
                let guard = &plan.guards[usize::from(*g)];
                guard.effect == GuardEffect::Remove && plan.program.eval(guard.when, &row) == 1
            };
            // What the payment itself lacks decides before the ledger is asked.
            let alone = payment_alone(&plan.program, rule.gate);
            let alone: Vec<i64> = alone.iter().map(|e| plan.program.eval(*e, &row)).collect();
            let lacks = lacks_field(&plan.program, rule.when, &row);
            // What asks about signals comes last.
            let gate = match plan.program.eval(rule.gate, &row) {
                1 => plan.program.eval(rule.when, &row),
                other => other,
            };
            let verdict = match gate {
                _ if alone.contains(&0) => Verdict::Miss,
                _ if lacks || alone.contains(&MISSING) => Verdict::NotEvaluable,
                1 => Verdict::Hit { removed: rule.guards.iter().any(removes) },
                0 => Verdict::Miss,
                _ => Verdict::NotEvaluable,
            };
            let account = match rule.about {
                Role::Payee if !p.payee.account.is_none() => p.payee.account,
                _ => p.payer.account,
            };
            fired.push((index as u16, batch.text(account).to_owned(), verdict));
            let text = |span| batch.text(span).to_owned();
            let from = match rule.subject {
                Role::Payee | Role::PayeeCustomer => p.payee.account,
                _ => p.payer.account,
            };
            let about = if rule.about == Role::Payee { p.payee.account } else { p.payer.account };
            let signal = Signal {
                rule: index as u16,
                time: event.time_ms,
                about: text(about),
                from: text(from),
            };
            if verdict == (Verdict::Hit { removed: false }) && !self.signals.contains(&signal) {
                self.signals.push(signal);
            }
        }
        fired.sort_by_key(|(rule, ..)| *rule);
        judged.rules = fired;
    }
}

impl Naive {
    /// What a rule asks about signals, by going through all of them.
    fn signal_cells(
        &self,
        batch: &Batch,
        event: &Event,
        p: &Payment,
        plan: &Plan,
        rule: &RulePlan,
    ) -> Vec<i64> {
        let mut cells = vec![MISSING; plan.signals.len()];
        for number in &rule.signals {
            let asked = &plan.signals[usize::from(*number)];
            let who = if asked.role == Role::Payee { p.payee.account } else { p.payer.account };
            if who.is_none() {
                continue;
            }
            let who = batch.text(who);
            let of = |wanted: Option<u16>| -> Vec<&Signal> {
                let inside = |s: &&Signal| {
                    event.time_ms - asked.window_ms < s.time && s.time <= event.time_ms
                };
                let all = self.signals.iter().filter(inside);
                all.filter(|s| Some(s.rule) == wanted && s.time > self.horizon).collect()
            };
            let own = of(asked.rule);
            let about: Vec<&&Signal> = own.iter().filter(|s| s.about == who).collect();
            let from: BTreeSet<&str> = about.iter().map(|s| &*s.from).collect();
            let peers = own.iter().filter(|s| from.contains(&*s.from));
            let peers: BTreeSet<&str> = peers.map(|s| &*s.about).collect();
            cells[usize::from(*number)] = match asked.measure {
                SignalMeasure::Count => about.len(),
                SignalMeasure::Accounts => from.len(),
                SignalMeasure::Peers => peers.len(),
                SignalMeasure::PeersWith(other) => {
                    let others: BTreeSet<&str> = of(other).iter().map(|s| &*s.about).collect();
                    peers.intersection(&others).count()
                }
            } as i64;
        }
        cells
    }
}

/// Of the terms that a condition joins by `&&`, those that read no state.
pub fn payment_alone(program: &Program, when: ExprId) -> Vec<ExprId> {
    match &program.nodes[when.0 as usize] {
        Node::And(a, b) => [*a, *b].into_iter().flat_map(|e| payment_alone(program, e)).collect(),
        _ if reads_state(program, when) => Vec::new(),
        _ => vec![when],
    }
}

/// Whether one of the terms that a condition joins by `&&` has no value because the payment lacks
/// a field, whatever the ledger says.
pub fn lacks_field(program: &Program, when: ExprId, row: &Row<'_>) -> bool {
    fn undone(program: &Program, expr: ExprId, row: &Row<'_>) -> bool {
        match &program.nodes[expr.0 as usize] {
            Node::Load(CellRef::Payment(_)) => program.eval(expr, row) == MISSING,
            Node::And(..) | Node::Or(..) | Node::Has(_) => false,
            Node::If(c, _, _) => undone(program, *c, row),
            node => node.operands().into_iter().any(|e| undone(program, e, row)),
        }
    }
    match &program.nodes[when.0 as usize] {
        Node::And(a, b) => lacks_field(program, *a, row) || lacks_field(program, *b, row),
        _ => undone(program, when, row),
    }
}

fn reads_state(program: &Program, expr: ExprId) -> bool {
    let node = &program.nodes[expr.0 as usize];
    matches!(node, Node::Load(CellRef::State(..)))
        || node.operands().into_iter().any(|e| reads_state(program, e))
}
