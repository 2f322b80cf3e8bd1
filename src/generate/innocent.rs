//! Hard negatives: honest business that looks like fraud from afar. None of it is labelled.

use super::calendar;
use super::dice::Dice;
use super::population::{Account, Device, Population, Role};
use super::queue::{Planned, Queue, Reference, Spec, Subject};
use super::record::{Recorder, minutes_since_epoch};
use super::truth::{HardNegative, Truth};
use crate::model::event::{Category, Channel, ListCategory, ListLevel, PaymentStatus, PaymentType};
use crate::model::time::{HOUR, MINUTE, Millis, SECOND};

/// The kinds that are planned one by one; wages, rents and sweeps come with the month.
pub(super) const KINDS: [HardNegative; 6] = [
    HardNegative::Canteen,
    HardNegative::GroupBuy,
    HardNegative::HousePurchase,
    HardNegative::RedPackets,
    HardNegative::NewSaver,
    HardNegative::Kiosk,
];

/// What planning one needs.
pub(super) struct Scene<'a> {
    pub people: &'a Population,
    pub dice: &'a mut Dice,
    pub recorder: &'a mut Recorder,
    pub queue: &'a mut Queue,
    pub now: Millis,
}

impl Scene<'_> {
    /// Plans a hard negative that begins soon.
    pub fn plan(&mut self, kind: HardNegative, truth: &Truth) {
        let at = self.now + self.dice.between(5, 120) * SECOND;
        match kind {
            HardNegative::Canteen => self.canteen(at),
            HardNegative::GroupBuy => self.group_buy(at),
            HardNegative::HousePurchase => self.house_purchase(at),
            // Outside the festival the family is at home, and nobody sends any.
            HardNegative::RedPackets if !calendar::is_spring_festival(at) => return,
            HardNegative::RedPackets => self.red_packets(at),
            HardNegative::NewSaver => self.new_saver(at),
            HardNegative::Kiosk => self.kiosk(at),
            HardNegative::Payroll | HardNegative::Landlord | HardNegative::OwnSweep => return,
        }
        truth.count_hard_negative(kind);
    }

    /// A person's registered code collects 60 to 150 small payments in an hour and a half.
    fn canteen(&mut self, at: Millis) {
        let collector = self.person();
        self.allow(at, Subject::Account(collector), ListLevel::Merchant);
        for _ in 0..self.dice.between(60, 150) {
            let payer = self.person();
            let minor = self.dice.between(16, 70) * 50;
            let when = at + self.dice.between(1, 5_400) * SECOND;
            self.pay(
                when,
                Spec {
                    channel: Channel::Qr,
                    device: self.people.device(payer),
                    ..Spec::settled(payer, collector, minor)
                },
            );
        }
    }

    /// 40 to 80 neighbours pay an organiser over three hours; next morning the supplier is paid.
    fn group_buy(&mut self, at: Millis) {
        let organiser = self.person();
        let mut total = 0;
        for _ in 0..self.dice.between(40, 80) {
            let payer = self.person();
            let minor = self.dice.between(300, 1_500) * 10;
            total += minor;
            let when = at + self.dice.between(1, 10_800) * SECOND;
            self.pay(
                when,
                Spec {
                    memo: "团购",
                    channel: Channel::Qr,
                    device: self.people.device(payer),
                    ..Spec::settled(payer, organiser, minor)
                },
            );
        }
        let supplier = Account::new(Role::Business, self.dice.below(self.people.businesses));
        let device = self.people.device(organiser);
        let goods = Spec::transfer(organiser, supplier, total * 88 / 100, device);
        self.pay(at + 13 * HOUR, goods);
    }

    /// Five to seven relatives lend 60,000 to 150,000 each, after a small first transfer to make
    /// sure the account is right; the sum goes to the developer's registered escrow account.
    fn house_purchase(&mut self, at: Millis) {
        let buyer = self.dice.below(self.people.persons);
        let account = Account::new(Role::Person, buyer);
        let escrow = Account::new(Role::Escrow, self.dice.below(64));
        self.allow(at, Subject::Account(escrow), ListLevel::Escrow);
        let mut total = 0;
        for k in 0..self.dice.between(5, 8) as u64 {
            let relative = Account::new(Role::Person, self.people.friend(buyer, k));
            let device = self.people.device(relative);
            let first = self.dice.between(10, 100) * 1_000;
            let loan = self.dice.between(60, 151) * 100_000;
            self.recorder.raise(self.people, relative, first + loan + 3_000_000);
            let tried = at + self.dice.between(1, 40) * MINUTE;
            self.pay(tried, Spec::transfer(relative, account, first, device));
            let lent = tried + self.dice.between(20, 120) * MINUTE;
            self.pay(lent, Spec::transfer(relative, account, loan, device));
            total += loan;
        }
        // The buyer's own savings stay for the furniture.
        self.recorder.raise(self.people, account, total / 3);
        self.pay(
            at + 4 * HOUR,
            Spec {
                category: Some(Category::HousePurchase),
                channel: Channel::Counter,
                memo: "购房首付款",
                ..Spec::settled(account, escrow, total)
            },
        );
    }

    /// Eight to twelve red packets of 66 to 200 within five minutes.
    fn red_packets(&mut self, at: Millis) {
        let person = self.dice.below(self.people.persons);
        let payer = Account::new(Role::Person, person);
        for k in 0..self.dice.between(8, 13) as u64 {
            let minor = [6_600, 8_800, 10_000, 16_600, 20_000][self.dice.below(5) as usize];
            let friend = Account::new(Role::Person, self.people.friend(person, k));
            let mut spec = Spec::transfer(payer, friend, minor, self.people.device(payer));
            spec.memo = "红包";
            let when = at + self.dice.between(1, 300) * SECOND;
            self.pay(when, spec);
        }
    }

    /// A person opens a second account and moves 50,000 to 300,000 there; it stays.
    fn new_saver(&mut self, at: Millis) {
        let person = self.dice.below(self.people.persons);
        let main = Account::new(Role::Person, person);
        let new = Account::fresh_of(person, minutes_since_epoch(self.people, at));
        self.queue.push(at, Planned::Refer(Reference::Opened(new)));
        let minor = self.dice.between(50, 301) * 100_000;
        self.recorder.raise(self.people, main, minor + 1_000_000);
        let spec = Spec::transfer(main, new, minor, self.people.device(main));
        let when = at + self.dice.between(5, 90) * MINUTE;
        self.pay(when, spec);
    }

    /// Six to twelve customers pay bills at a branch's kiosk, whose device is on the allow list.
    fn kiosk(&mut self, at: Millis) {
        let device = Device(self.dice.below(u64::MAX) | 1);
        self.allow(at, Subject::Device(device), ListLevel::SharedInfrastructure);
        for _ in 0..self.dice.between(6, 13) {
            let payer = self.person();
            let minor = self.dice.skewed(2_000, 60_000);
            let payee = self.people.public(payer.number(), 0);
            let delay = self.dice.between(500, 2_000);
            let when = at + self.dice.between(60, 7_200) * SECOND;
            self.pay(
                when,
                Spec {
                    category: Some(Category::Utility),
                    payment_type: PaymentType::Transfer,
                    channel: Channel::Counter,
                    then: Some((PaymentStatus::Settled, delay)),
                    ..Spec::transfer(payer, payee, minor, device)
                },
            );
        }
    }

    fn person(&mut self) -> Account {
        Account::new(Role::Person, self.dice.below(self.people.persons))
    }

    fn allow(&mut self, at: Millis, subject: Subject, level: ListLevel) {
        let category = ListCategory::Allow;
        let entry = Reference::Listed { subject, category, level, days: Some(365) };
        self.queue.push(at, Planned::Refer(entry));
    }

    fn pay(&mut self, at: Millis, spec: Spec) {
        self.queue.push(at, Planned::Pay(spec));
    }
}
