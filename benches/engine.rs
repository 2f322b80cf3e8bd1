//! Engine alone: payments a second on one thread with the shipped rules, and what the state costs.
//!
//! `cargo bench --bench engine [-- ACCOUNTS [PAYMENTS]]`. Batches are made before the clock starts:
//! what is timed is `Engine::step` and nothing else. Beside each figure stands the same work done
//! by a plain `HashMap` of `VecDeque`s with two rules, in the same run, for orientation; then the
//! same engine with a share of the payments late, in turns with itself in order of time.

#![allow(clippy::print_stdout, reason = "a benchmark's table is its output")]

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::limits::LATENESS_DEFAULT;
use goshawk::model::event::{
    Batch, Body, Channel, CustomerType, Event, Party, Payment, PaymentStatus, PaymentType, Position,
};
use goshawk::model::money::{Currency, Money};
use goshawk::rules::plan::Plan;
use goshawk::rules::{self, shipped};
use goshawk::runtime::pack;

const START_MS: i64 = 1_772_640_000_000;
const STEP: usize = 4_096;

/// xorshift64*: the same stream on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }
}

/// Payments at a steady rate, both sides uniform, amounts log-uniform from 1 to 10,000.
struct Load {
    random: Random,
    accounts: u64,
    /// Payments a day and account.
    rate: f64,
    number: u64,
    /// Of a hundred payments, those that arrive late, by up to the allowed lateness.
    late_percent: u64,
}

impl Load {
    fn fill(&mut self, batch: &mut Batch) {
        batch.clear();
        for _ in 0..STEP {
            let time_ms = START_MS
                + (self.number as f64 * 86_400_000.0 / (self.accounts as f64 * self.rate)) as i64;
            let is_late = self.late_percent > 0 && self.random.below(100) < self.late_percent;
            let late = if is_late { self.random.below(LATENESS_DEFAULT as u64) as i64 } else { 0 };
            let id = batch.push_text(&format!("p{:012}", self.number));
            let party = |batch: &mut Batch, account: u64| Party {
                account: batch.push_text(&format!("6222{account:012}")),
                customer_type: Some(CustomerType::Person),
                ..Party::default()
            };
            let payer = self.random.below(self.accounts);
            let payee = self.random.below(self.accounts);
            let magnitude = self.random.below(4_000) as f64 / 1_000.0;
            let minor = (100.0 * 10f64.powf(magnitude)) as i64;
            let payment = Payment::new(
                id,
                id,
                PaymentStatus::Settled,
                Money { minor, currency: Currency::CNY },
                party(batch, payer),
                party(batch, payee),
                PaymentType::Transfer,
                Channel::Mobile,
            );
            let position = Position { topic: 0, partition: 0, offset: self.number as i64 };
            self.number += 1;
            batch.events.push(Event {
                position,
                record_time_ms: time_ms,
                time_ms: time_ms - late,
                body: Body::Payment(payment),
            });
        }
    }
}

/// Two rules on `HashMap`s of `VecDeque`s: what one would write first.
#[derive(Default)]
struct Plain {
    accounts: HashMap<String, VecDeque<(i64, bool, i64, String)>>,
    fired: u64,
}

impl Plain {
    fn step(&mut self, batch: &Batch) {
        for event in &batch.events {
            let Body::Payment(payment) = &event.body else { continue };
            let (payer, payee) =
                (batch.text(payment.payer.account), batch.text(payment.payee.account));
            let (time, amount) = (event.time_ms, payment.amount.minor);
            for (own, debit, other) in [(payer, true, payee), (payee, false, payer)] {
                let log = self.accounts.entry(own.to_owned()).or_default();
                log.push_back((time, debit, amount, other.to_owned()));
                while log.front().is_some_and(|e| e.0 <= time - 1_800_000) {
                    log.pop_front();
                }
                if debit {
                    let burst = log.iter().filter(|e| e.1 && e.0 > time - 600_000);
                    let (n, sum) = burst.fold((0, 0), |(n, sum), e| (n + 1, sum + e.2));
                    self.fired += u64::from(n >= 5 && sum >= 1_000_000);
                    let flow = log
                        .iter()
                        .fold((0, 0), |(i, o), e| if e.1 { (i, o + e.2) } else { (i + e.2, o) });
                    self.fired += u64::from(flow.0 >= 500_000 && flow.1 * 10 >= flow.0 * 9);
                }
            }
        }
    }
}

fn measure(accounts: u64, payments: u64, warm: u64, mut step: impl FnMut(&Batch)) -> f64 {
    let mut load = Load { random: Random(11), accounts, rate: 3.0, number: 0, late_percent: 0 };
    let mut batch = Batch::default();
    let mut spent = Duration::ZERO;
    while load.number < warm + payments {
        load.fill(&mut batch);
        let began = Instant::now();
        step(&batch);
        if load.number > warm {
            spent += began.elapsed();
        }
    }
    payments as f64 / spent.as_secs_f64()
}

/// Payments a second with these shares of them late, the engines a step each in turn; and how many
/// payments each judged again, and what an event costs that is held for that.
fn measure_late<const N: usize>(
    plan: &Arc<Plan>,
    (accounts, rate, payments): (u64, f64, u64),
    shares: [u64; N],
) -> [(f64, u64, f64); N] {
    let warm = accounts * 2;
    let mut sides = shares.map(|late_percent| {
        let load = Load { random: Random(11), accounts, rate, number: 0, late_percent };
        let engine = Engine::new(EngineConfig::for_tenant("bench"), Arc::clone(plan));
        (load, engine, Duration::ZERO, 0)
    });
    let mut batch = Batch::default();
    while sides[0].0.number < warm + payments {
        for (load, engine, spent, again) in &mut sides {
            load.fill(&mut batch);
            let began = Instant::now();
            let output = engine.step(&batch, &Inline);
            if load.number > warm {
                *spent += began.elapsed();
                *again += output.counts.judged_again;
            }
        }
    }
    sides.map(|(_, engine, spent, again)| {
        let memory = engine.memory();
        let held = memory.held_bytes as f64 / memory.held_events as f64;
        (payments as f64 / spent.as_secs_f64(), again, held)
    })
}

/// The shipped pack with these rules alone.
fn only(ids: &[&str]) -> Plan {
    let is_wanted = |path: &str| match path.rsplit_once('/') {
        Some((_, name)) => ids.iter().any(|id| name.starts_with(&format!("{id}_"))),
        None => true,
    };
    let files: Vec<_> = shipped::files().into_iter().filter(|f| is_wanted(&f.path)).collect();
    rules::compile(&files).expect("a part of the shipped pack compiles")
}

/// The rules the engine's targets are set for, with their slow and weak variants.
const TEN: &[&str] =
    &["m01", "m02", "m05", "m06", "m07", "m07s", "m08", "m08s", "m14", "v01", "v09", "v09s", "r01"];

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let sizes = match numbers.first() {
        Some(accounts) => vec![*accounts],
        None => vec![100_000, 1_000_000],
    };
    let payments = numbers.get(1).copied().unwrap_or(2_000_000);
    println!("payments timed: {payments}; step: {STEP}; one thread");
    for accounts in sizes {
        // Long enough for most accounts to be known before the clock starts.
        let warm = accounts * 2;
        let mut fastest = 0.0f64;
        let whole = pack::load(None).expect("the shipped pack compiles");
        for plan in [only(TEN), whole].map(Arc::new) {
            let mut engine = Engine::new(EngineConfig::for_tenant("bench"), Arc::clone(&plan));
            let mut alerts = 0;
            let speed = measure(accounts, payments, warm, |batch| {
                alerts += engine.step(batch, &Inline).alerts.len();
            });
            fastest = fastest.max(speed);
            let memory = engine.memory();
            println!(
                "{accounts:>10} accounts, {:>2} rules: {speed:>9.0} payments/s; {:.0} B/account, \
                 {:.1} B/live entry ({} entries), {:.0} B/payment ({}); {alerts} alerts",
                plan.rules.len(),
                (memory.entity_bytes + memory.extra_bytes) as f64 / memory.accounts_active as f64,
                memory.entry_bytes as f64 / memory.live_entries as f64,
                memory.live_entries,
                memory.payment_bytes as f64 / memory.payments as f64,
                memory.payments,
            );
        }
        let mut plain = Plain::default();
        let reference = measure(accounts, payments, warm, |batch| plain.step(batch));
        println!(
            "{accounts:>10} accounts, plain:    {reference:>9.0} payments/s with two rules (fired {}); \
             the fastest above is {:.2} of it",
            plain.fired,
            fastest / reference,
        );
        let whole = Arc::new(pack::load(None).expect("the shipped pack compiles"));
        let shares = [0, 5, 20];
        for rate in [3.0, 100.0] {
            let speeds = measure_late(&whole, (accounts, rate, payments), shares);
            for (share, (speed, again, held)) in shares.into_iter().zip(speeds) {
                println!(
                    "{accounts:>10} accounts, {rate} payments a day each, {share:>2} % late: \
                     {speed:>9.0} payments/s, {:.3} of those in order; {again} judged again, \
                     {held:.0} B/held event",
                    speed / speeds[0].0,
                );
            }
        }
    }
}
