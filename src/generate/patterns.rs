//! Planted patterns, second by second, each past the thresholds of the rule it is meant for with a
//! margin to spare.

use super::dice::Dice;
use super::mules::Mules;
use super::population::{Account, Device, Population, Role};
use super::queue::{Balance, Membership, Planned, Queue, Reference, Spec, Subject};
use super::record::Recorder;
use super::truth::Kind;
use crate::model::event::{
    Channel, ListCategory, ListLevel, PayeeCheck, PaymentStatus, PaymentType, session,
};
use crate::model::measure::Action;
use crate::model::time::{HOUR, MINUTE, Millis, SECOND};

/// A pattern in the making.
pub(super) struct Plot<'a> {
    pub people: &'a Population,
    pub dice: &'a mut Dice,
    pub mules: &'a mut Mules,
    pub recorder: &'a mut Recorder,
    membership: Membership,
    now: Millis,
    /// Balances of the accounts the plot holds.
    held: Vec<(Account, i64)>,
    items: Vec<(Millis, Planned)>,
}

impl<'a> Plot<'a> {
    /// Plots a pattern that begins soon after `now`.
    pub fn new(
        people: &'a Population,
        dice: &'a mut Dice,
        mules: &'a mut Mules,
        recorder: &'a mut Recorder,
        membership: Membership,
        now: Millis,
    ) -> Self {
        let (held, items) = (Vec::new(), Vec::new());
        let mut plot = Self { people, dice, mules, recorder, membership, now, held, items };
        let at = now + plot.dice.between(5, 120) * SECOND;
        match membership.kind {
            Kind::Burst => plot.burst(at),
            Kind::PassThrough => plot.pass_through(at),
            Kind::ScatterInGatherOut => plot.scatter_in_gather_out(at),
            Kind::GatherInScatterOut => plot.gather_in_scatter_out(at),
            Kind::MultiLevelChain => plot.multi_level_chain(at),
            Kind::Cycle => plot.cycle(at),
            Kind::DrainedElderly => plot.drained_elderly(at),
            Kind::ListedPayee => plot.listed_payee(at),
            Kind::DormantAwakening => plot.dormant_awakening(at),
            Kind::ControlViolation => plot.control_violation(at),
            Kind::RemoteSession => plot.remote_session(at),
        }
        plot
    }

    /// Nothing came of it: what it needs is used up.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// When its last payment is settled.
    pub fn end(&self) -> Millis {
        let pays = self.items.iter().filter(|(_, planned)| matches!(planned, Planned::Pay(_)));
        pays.map(|(at, _)| *at).max().unwrap_or(self.now) + 5 * SECOND
    }

    /// Puts it into the queue.
    pub fn release(self, queue: &mut Queue) {
        for (at, planned) in self.items {
            queue.push(at, planned);
        }
    }

    /// M02: six or more transfers to five or more payees within eight minutes, 15,600 or more.
    fn burst(&mut self, at: Millis) {
        let mule = self.mule();
        let pieces: Vec<i64> =
            (0..self.dice.between(6, 10)).map(|_| self.yuan(2_600, 4_990)).collect();
        let total: i64 = pieces.iter().sum();
        let victim = self.victim();
        let credit = total * self.dice.between(102, 112) / 100;
        self.pay(at, victim, mule, credit);
        let mut at = at + self.dice.between(90, 360) * SECOND;
        let first = self.stranger();
        for (index, piece) in pieces.into_iter().enumerate() {
            // The first payee gets two pieces.
            let payee = if index < 2 { first } else { self.stranger() };
            self.pay(at, mule, payee, piece);
            at += self.dice.between(15, 50) * SECOND;
        }
    }

    /// M01: 8,000 or more comes and leaves within eight minutes, at most 80 stays; every second one
    /// does it twice, and some are stopped afterwards.
    fn pass_through(&mut self, at: Millis) {
        let mule = self.mule();
        let mut at = at;
        for _ in 0..self.dice.between(1, 3) {
            let victim = self.victim();
            let amount = self.yuan(8_000, 98_000);
            self.pay(at, victim, mule, amount);
            at += self.dice.between(45, 480) * SECOND;
            let next = self.stranger();
            self.empty(at, mule, next);
            at += self.dice.between(12, 40) * MINUTE;
        }
        if self.dice.once_in(4) {
            let stop =
                Reference::Controlled { account: mule, kind: Action::StopPayment, hours: Some(48) };
            self.items.push((at + HOUR, Planned::Refer(stop)));
        }
    }

    /// M08: six or more pay 57,000 or more within the hour; nine tenths leave to one.
    fn scatter_in_gather_out(&mut self, at: Millis) {
        let mule = self.mule();
        let mut at = at;
        for _ in 0..self.dice.between(6, 11) {
            let (victim, amount) = (self.victim(), self.yuan(9_500, 14_000));
            self.pay(at, victim, mule, amount);
            at += self.dice.between(120, 420) * SECOND;
        }
        at += self.dice.between(2, 12) * MINUTE;
        let boss = self.stranger();
        if self.dice.once_in(2) {
            let half = self.holds(mule) * self.dice.between(40, 60) / 100;
            self.pay(at, mule, boss, half);
            at += self.dice.between(60, 240) * SECOND;
        }
        self.empty(at, mule, boss);
    }

    /// M07: 90,000 or more from one or two; nine tenths leave to seven or more within forty
    /// minutes.
    fn gather_in_scatter_out(&mut self, at: Millis) {
        let mule = self.mule();
        let mut at = at;
        for _ in 0..self.dice.between(1, 3) {
            let business = self.dice.below(self.people.businesses);
            let payer = Account::new(Role::Business, business);
            let amount = self.yuan(90_000, 300_000);
            self.pay(at, payer, mule, amount);
            at += self.dice.between(60, 300) * SECOND;
        }
        let pieces = self.dice.between(7, 15);
        let piece = self.holds(mule) * self.dice.between(91, 98) / 100 / pieces;
        for _ in 0..pieces {
            at += self.dice.between(40, 160) * SECOND;
            let payee = self.stranger();
            let amount = piece - self.yuan(0, 200);
            self.pay(at, mule, payee, amount);
        }
    }

    /// A victim's 60,000 or more through three levels, each emptied within minutes; one desk's
    /// device.
    fn multi_level_chain(&mut self, at: Millis) {
        let desk = Device(self.dice.below(u64::MAX) | 1);
        let level_1 = self.mule();
        let (victim, amount) = (self.victim(), self.yuan(60_000, 280_000));
        self.pay(at, victim, level_1, amount);
        let mut at = at + self.dice.between(60, 240) * SECOND;
        let lower = [self.mule(), self.mule()];
        let half = self.holds(level_1) * self.dice.between(45, 60) / 100;
        self.pay_from(at, level_1, lower[0], half, desk);
        at += self.dice.between(20, 90) * SECOND;
        self.empty_from(at, level_1, lower[1], desk);
        for level_2 in lower {
            let level_3 = self.mule();
            at += self.dice.between(60, 180) * SECOND;
            self.empty_from(at, level_2, level_3, desk);
            at += self.dice.between(60, 240) * SECOND;
            let exit = self.stranger();
            self.empty_from(at, level_3, exit, desk);
        }
    }

    /// Three or four accounts send 20,000 or more round in a circle within the hour.
    fn cycle(&mut self, at: Millis) {
        let first = self.mule();
        let amount = self.yuan(20_000, 80_000);
        self.hold(first, amount + 5_000);
        let mut at = at;
        let mut from = first;
        for _ in 0..self.dice.between(2, 4) {
            let to = self.mule();
            if from == first {
                self.pay(at, from, to, amount);
            } else {
                self.empty(at, from, to);
            }
            from = to;
            at += self.dice.between(240, 600) * SECOND;
        }
        self.empty(at, from, first);
    }

    /// An account of somebody of sixty or more loses nine tenths within the hour and a half to a
    /// stranger, who passes it on.
    fn drained_elderly(&mut self, at: Millis) {
        let persons = self.people.persons;
        let mut person = self.dice.below(persons);
        // A quarter of the people are that old: the walk is short.
        for _ in 0..200 {
            if self.people.age_years(person) >= 60 {
                break;
            }
            person = (person + 1) % persons;
        }
        let victim = Account::new(Role::Person, person);
        let all = self.yuan(130_000, 300_000);
        self.recorder.raise(self.people, victim, all);
        let held = self.recorder.balance(self.people, victim).unwrap_or(all);
        let mule = self.mule();
        let mut at = at;
        for share in [45, 30, 17] {
            self.pay(at, victim, mule, held / 10_000 * share * 100);
            let exit = self.stranger();
            let soon = at + self.dice.between(90, 300) * SECOND;
            self.empty(soon, mule, exit);
            at += self.dice.between(8, 20) * MINUTE;
        }
    }

    /// V09: an account is listed as confirmed, and still gets paid.
    fn listed_payee(&mut self, at: Millis) {
        let payee = if self.dice.once_in(2) { self.mule() } else { self.stranger() };
        let entry = Reference::Listed {
            subject: Subject::Account(payee),
            category: ListCategory::CaseAccount,
            level: ListLevel::Confirmed,
            days: Some(90),
        };
        self.items.push((at, Planned::Refer(entry)));
        let mut at = at;
        for _ in 0..self.dice.between(1, 4) {
            at += self.dice.between(2, 15) * MINUTE;
            let (victim, amount) = (self.victim(), self.yuan(800, 30_000));
            self.pay(at, victim, payee, amount);
        }
    }

    /// M05 and M02: an account that has slept for half a year gets 30,000 or more; after an hour or
    /// more, nine tenths of it leave within eight minutes, to strangers and out of cash machines.
    fn dormant_awakening(&mut self, at: Millis) {
        let Some(mule) = self.mules.wake() else { return };
        let rest = self.dice.between(0, 2_000);
        self.hold(mule, rest);
        let mut at = at;
        for _ in 0..self.dice.between(1, 3) {
            let (victim, amount) = (self.victim(), self.yuan(30_000, 60_000));
            self.pay(at, victim, mule, amount);
            at += self.dice.between(2, 15) * MINUTE;
        }
        at += self.dice.between(60, 150) * MINUTE;
        let pieces = self.dice.between(6, 9);
        let piece = self.holds(mule) * self.dice.between(91, 97) / 100 / pieces;
        for index in 0..pieces {
            let amount = piece - self.yuan(0, 100);
            let cash = index % 4 == 3;
            let payee = if cash {
                Account::new(Role::Cash, self.dice.below(self.people.machines))
            } else {
                self.stranger()
            };
            self.pay(at, mule, payee, amount);
            if cash && let Some(spec) = self.last_payment() {
                spec.payment_type = PaymentType::CashOut;
                spec.channel = Channel::Atm;
            }
            at += self.dice.between(20, 60) * SECOND;
        }
    }

    /// M14: a mule's account is stopped or limited to credits, and still pays.
    fn control_violation(&mut self, at: Millis) {
        let mule = self.mule();
        let (victim, amount) = (self.victim(), self.yuan(9_000, 60_000));
        self.pay(at, victim, mule, amount);
        let at = at + self.dice.between(4, 30) * MINUTE;
        let kind = if self.dice.once_in(2) { Action::StopPayment } else { Action::CreditOnly };
        let control = Reference::Controlled { account: mule, kind, hours: Some(48) };
        self.items.push((at, Planned::Refer(control)));
        let at = at + self.dice.between(1, 40) * MINUTE;
        let next = self.stranger();
        self.empty(at, mule, next);
    }

    /// V07: a person pays a stranger once or twice, 6,000 or more, while the screen is shared or
    /// steered.
    fn remote_session(&mut self, at: Millis) {
        let (victim, payee) = (self.victim(), self.stranger());
        let steered = if self.dice.once_in(2) {
            session::SCREEN_SHARE | session::IN_CALL
        } else {
            session::REMOTE_CONTROL
        };
        let mut at = at;
        for _ in 0..self.dice.between(1, 3) {
            let amount = self.yuan(6_000, 48_000);
            self.pay(at, victim, payee, amount);
            if let Some(spec) = self.last_payment() {
                spec.session_flags = Some(steered);
            }
            at += self.dice.between(90, 400) * SECOND;
        }
    }

    /// What the name check says of a victim's payee: some are told whose name to give.
    fn name_check(&mut self) -> Option<PayeeCheck> {
        match self.dice.below(6) {
            0 => Some(PayeeCheck::NoMatch),
            1 => Some(PayeeCheck::CloseMatch),
            2 | 3 => Some(PayeeCheck::Match),
            4 => Some(PayeeCheck::Unavailable),
            _ => None,
        }
    }

    /// The payment planned last.
    fn last_payment(&mut self) -> Option<&mut Spec> {
        match self.items.last_mut() {
            Some((_, Planned::Pay(spec))) => Some(spec),
            _ => None,
        }
    }

    /// An amount in minor units, from whole yuan.
    fn yuan(&mut self, from: i64, to: i64) -> i64 {
        self.dice.between(from, to) * 100
    }

    fn mule(&mut self) -> Account {
        let mule = self.mules.take(self.people, self.dice, self.now);
        let rest = self.dice.between(0, 2_000);
        self.hold(mule, rest);
        mule
    }

    fn stranger(&mut self) -> Account {
        self.mules.stranger()
    }

    /// A person who has no part in this plot yet.
    fn victim(&mut self) -> Account {
        Account::new(Role::Person, self.dice.below(self.people.persons))
    }

    fn hold(&mut self, account: Account, minor: i64) {
        self.held.retain(|(held, _)| *held != account);
        self.held.push((account, minor));
    }

    fn holds(&self, account: Account) -> i64 {
        self.held.iter().find(|(held, _)| *held == account).map_or(0, |(_, minor)| *minor)
    }

    /// Moves planned money; running or unknown balances are left to the recorder.
    fn book(&mut self, account: Account, change: i64) -> Balance {
        match self.held.iter_mut().find(|(held, _)| *held == account) {
            Some((_, minor)) => {
                *minor += change;
                Balance::Planned(*minor)
            }
            None => Balance::Running,
        }
    }

    fn pay(&mut self, at: Millis, payer: Account, payee: Account, amount: i64) {
        let device = self.people.device(payer);
        self.pay_from(at, payer, payee, amount, device);
    }

    fn pay_from(
        &mut self,
        at: Millis,
        payer: Account,
        payee: Account,
        amount: i64,
        device: Device,
    ) {
        let victim = matches!(payer.role(), Role::Person | Role::Business);
        let payer_balance = self.book(payer, -amount);
        let payee_balance = self.book(payee, amount);
        let payee_check = if victim { self.name_check() } else { None };
        let delay = self.dice.between(400, 2_500);
        let spec = Spec {
            payer_balance,
            payee_balance,
            payee_check,
            session_flags: (victim && self.dice.once_in(3)).then_some(session::IN_CALL),
            then: Some((PaymentStatus::Settled, delay)),
            pattern: Some(self.membership),
            ..Spec::transfer(payer, payee, amount, device)
        };
        self.items.push((at, Planned::Pay(spec)));
    }

    fn empty(&mut self, at: Millis, payer: Account, payee: Account) {
        let device = self.people.device(payer);
        self.empty_from(at, payer, payee, device);
    }

    /// Pays on all but at most 80.
    fn empty_from(&mut self, at: Millis, payer: Account, payee: Account, device: Device) {
        let amount = self.holds(payer) - self.dice.between(0, 8_000);
        self.pay_from(at, payer, payee, amount, device);
    }
}
