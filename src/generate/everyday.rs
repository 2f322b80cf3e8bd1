//! Honest everyday life: shopping, friends, bills, savings, cash, trade; wages and rents by the
//! month.

use super::calendar;
use super::dice::Dice;
use super::population::{Account, Population, Role};
use super::queue::{Planned, Queue, Reference, Spec, Subject};
use super::record::Recorder;
use super::truth::{HardNegative, Truth};
use crate::model::event::{
    Category, Channel, ListCategory, ListLevel, PayeeCheck, PaymentStatus, PaymentType,
};
use crate::model::time::{HOUR, MINUTE, Millis, SECOND};

/// Draws the next unplanned payment of the town.
pub(super) fn payment(
    people: &Population,
    dice: &mut Dice,
    recorder: &Recorder,
    time: Millis,
) -> Spec {
    let person = dice.below(people.persons);
    match dice.below(1_000) {
        0..620 => shopping(people, dice, person),
        620..860 => to_friend(people, dice, person, time),
        860..910 => bill(people, dice, person),
        910..940 => own_sweep(people, dice, recorder),
        940..965 => top_up(people, dice, person),
        965..985 => cash(people, dice, person),
        985..995 => trade(people, dice),
        _ => restock(people, dice),
    }
}

fn shopping(people: &Population, dice: &mut Dice, person: u64) -> Spec {
    let shop = if dice.once_in(5) {
        Account::new(Role::Merchant, dice.popular(people.merchants))
    } else {
        people.regular_shop(person, dice.below(6))
    };
    let amount =
        if dice.once_in(400) { dice.skewed(100_000, 2_500_000) } else { dice.skewed(280, 48_000) };
    let payer = Account::new(Role::Person, person);
    let (channel, device) = match dice.below(10) {
        0..7 => (Channel::Qr, people.device(payer)),
        7..9 => (Channel::Pos, super::population::Device::NONE),
        _ => (Channel::QuickPay, people.device(payer)),
    };
    let mcc = ["5411", "5812", "5499", "5912", "5311", "4121"][(shop.number() % 6) as usize];
    Spec {
        payment_type: PaymentType::CardPurchase,
        channel,
        device,
        mcc,
        ..Spec::settled(payer, shop, amount)
    }
}

fn to_friend(people: &Population, dice: &mut Dice, person: u64, time: Millis) -> Spec {
    let payer = Account::new(Role::Person, person);
    let friend = people.friend(person, dice.popular(10));
    let red_packet = calendar::is_spring_festival(time) && dice.below(10) < 6;
    let amount = if red_packet {
        [6_600, 8_800, 10_000, 16_600, 18_800, 20_000, 52_000][dice.below(7) as usize]
    } else {
        dice.skewed(10, 3_000) * 100 + if dice.once_in(4) { dice.between(1, 100) } else { 0 }
    };
    // Few transfers fail at once, fewer come back later.
    let fate = match dice.below(1_000) {
        0..8 => PaymentStatus::Rejected,
        8..10 => PaymentStatus::Cancelled,
        _ => PaymentStatus::Settled,
    };
    let delay = dice.between(300, 3_000);
    Spec {
        memo: if red_packet { "红包" } else { "" },
        channel: if dice.once_in(12) { Channel::Web } else { Channel::Mobile },
        payee_check: Some(PayeeCheck::Match),
        then: Some((fate, delay)),
        ..Spec::transfer(payer, Account::new(Role::Person, friend), amount, people.device(payer))
    }
}

fn bill(people: &Population, dice: &mut Dice, person: u64) -> Spec {
    let payer = Account::new(Role::Person, person);
    let (matter, category, amount) = match dice.below(10) {
        0..5 => (0, Category::Utility, dice.skewed(2_000, 60_000)),
        5..8 => (1, Category::Telecom, dice.skewed(2_900, 30_000)),
        8 => (2, Category::Hospital, dice.skewed(1_500, 800_000)),
        _ => (3, Category::Tax, dice.skewed(1_000, 1_200_000)),
    };
    Spec {
        payment_type: PaymentType::DirectDebit,
        channel: Channel::AutoDebit,
        category: Some(category),
        ..Spec::settled(payer, people.public(person, matter), amount)
    }
}

fn own_sweep(people: &Population, dice: &mut Dice, recorder: &Recorder) -> Spec {
    let person = dice.below(people.savings);
    let (main, savings) = (Account::new(Role::Person, person), Account::new(Role::Savings, person));
    let (payer, payee) = if dice.once_in(3) { (savings, main) } else { (main, savings) };
    let balance = recorder.balance(people, payer).unwrap_or_default();
    let amount = (balance * dice.between(10, 60) / 100).max(10_000);
    let delay = dice.between(300, 2_000);
    Spec {
        then: Some((PaymentStatus::Settled, delay)),
        ..Spec::transfer(payer, payee, amount, people.device(main))
    }
}

fn top_up(people: &Population, dice: &mut Dice, person: u64) -> Spec {
    let payer = Account::new(Role::Person, person);
    let psp = Account::new(Role::Psp, dice.below(people.psps));
    Spec {
        payment_type: PaymentType::WalletTopup,
        channel: Channel::QuickPay,
        device: people.device(payer),
        ..Spec::settled(payer, psp, dice.skewed(50, 2_000) * 100)
    }
}

fn cash(people: &Population, dice: &mut Dice, person: u64) -> Spec {
    let machine = Account::new(Role::Cash, dice.below(people.machines));
    Spec {
        payment_type: PaymentType::CashOut,
        channel: Channel::Atm,
        ..Spec::settled(Account::new(Role::Person, person), machine, dice.skewed(1, 40) * 10_000)
    }
}

fn trade(people: &Population, dice: &mut Dice) -> Spec {
    let business = dice.below(people.businesses);
    order(people, dice, Account::new(Role::Business, business), business)
}

fn restock(people: &Population, dice: &mut Dice) -> Spec {
    let shop = dice.below(people.merchants);
    order(people, dice, Account::new(Role::Merchant, shop), shop)
}

fn order(people: &Population, dice: &mut Dice, payer: Account, buyer: u64) -> Spec {
    let (supplier, usual) = people.supplier(buyer, dice.below(4));
    let payee = if supplier == payer {
        Account::new(Role::Business, (supplier.number() + 1) % people.businesses)
    } else {
        supplier
    };
    let amount = usual * dice.between(80, 121) / 100 + dice.between(0, 100);
    let delay = dice.between(500, 5_000);
    Spec {
        channel: Channel::Web,
        then: Some((PaymentStatus::Settled, delay)),
        ..Spec::transfer(payer, payee, amount, people.device(payer))
    }
}

/// Plans the day that begins at `midnight`: who pays wages, whose tenants pay.
pub(super) fn plan_day(
    people: &Population,
    dice: &mut Dice,
    queue: &mut Queue,
    midnight: Millis,
    now: Millis,
) {
    let day = calendar::day_of_month(midnight);
    for business in (0..people.businesses).filter(|&b| people.payday(b) == day) {
        let at = midnight + 9 * HOUR + dice.between(0, 5 * HOUR);
        if at > now {
            let agreement = Reference::Listed {
                subject: Subject::Account(Account::new(Role::Business, business)),
                category: ListCategory::Allow,
                level: ListLevel::Payroll,
                days: Some(400),
            };
            let listed = (midnight + 6 * HOUR + dice.between(0, HOUR)).max(now);
            queue.push(listed, Planned::Refer(agreement));
            queue.push(at, Planned::Payday(business));
        }
    }
    for landlord in (0..people.landlords()).filter(|&l| people.rent_day(l) == day) {
        let at = midnight + 8 * HOUR + dice.between(0, 2 * HOUR);
        if at > now {
            queue.push(at, Planned::RentDay(landlord));
        }
    }
}

/// Plans a business's wages. One in three is paid by a client just before.
pub(super) fn plan_wages(
    people: &Population,
    dice: &mut Dice,
    queue: &mut Queue,
    truth: &Truth,
    business: u64,
    now: Millis,
) {
    let employer = Account::new(Role::Business, business);
    let mut at = now;
    let wage = |dice: &mut Dice, person| {
        people.salary_minor(person) * dice.between(97, 104) / 100 + dice.between(0, 100)
    };
    let wages: Vec<(u64, i64)> =
        people.employees(business).map(|person| (person, wage(dice, person))).collect();
    if dice.once_in(3) && people.businesses > 1 {
        let client = Account::new(Role::Business, (business + 1) % people.businesses);
        let total: i64 = wages.iter().map(|(_, minor)| minor).sum();
        let advance = dice.between(500_000, 1_500_000);
        queue.push(at, Planned::Pay(Spec::settled(client, employer, advance)));
        at += dice.between(10, 30) * MINUTE;
        let due = total * dice.between(102, 115) / 100;
        queue.push(at, Planned::Pay(Spec::settled(client, employer, due)));
        at += dice.between(15, 50) * MINUTE;
        truth.count_hard_negative(HardNegative::Payroll);
    }
    for (person, minor) in wages {
        at += dice.between(150, 1_200);
        let payee = Account::new(Role::Person, person);
        queue.push(
            at,
            Planned::Pay(Spec {
                category: Some(Category::Salary),
                channel: Channel::Api,
                memo: "工资",
                ..Spec::settled(employer, payee, minor)
            }),
        );
        if person < people.savings && dice.once_in(6) {
            let sweep = Spec::transfer(
                payee,
                Account::new(Role::Savings, person),
                minor * dice.between(70, 96) / 100,
                people.device(payee),
            );
            queue.push(at + dice.between(2, 25) * MINUTE, Planned::Pay(sweep));
            truth.count_hard_negative(HardNegative::OwnSweep);
        }
    }
}

/// Plans a day of rents: all tenants pay, then the landlord pays the mortgage.
pub(super) fn plan_rents(
    people: &Population,
    dice: &mut Dice,
    queue: &mut Queue,
    truth: &Truth,
    landlord: u64,
    now: Millis,
) {
    let payee = Account::new(Role::Person, landlord);
    let mut total = 0;
    for (tenant, rent) in people.tenants(landlord) {
        let payer = Account::new(Role::Person, tenant);
        let mut spec = Spec::transfer(payer, payee, rent, people.device(payer));
        spec.memo = "房租";
        queue.push(now + dice.between(0, 8 * HOUR) + 37 * SECOND, Planned::Pay(spec));
        total += rent;
    }
    if total > 0 {
        let mortgage = Spec {
            payment_type: PaymentType::DirectDebit,
            channel: Channel::AutoDebit,
            category: Some(Category::LoanRepayment),
            ..Spec::settled(payee, people.public(landlord, 3), total * dice.between(30, 60) / 100)
        };
        queue.push(now + 10 * HOUR, Planned::Pay(mortgage));
        truth.count_hard_negative(HardNegative::Landlord);
    }
}
