//! The generator: a seeded town that pays, with fraud planted in it and labelled.
//!
//! [`Generator`] is a [`Source`] like any other: its one topic is `generated`, an event's offset is
//! its number. The same configuration gives the same events, whatever the size of the steps. Events
//! come out in order of their arrival, which is their record's time: unplanned everyday payments
//! are drawn one after the other at the pace of the hour, everything else waits in a queue until it
//! is due. Most arrive at once, a few up to two minutes after their own time; a few arrive twice;
//! and the stream begins with what is known of accounts that have slept for half a year.
//!
//! Memory is bounded: an account costs its running balance, eight bytes, and everything else about
//! it follows from its number by hashing ([`population`]). What the queue holds follows from the
//! pace.
//!
//! Reading order: [`population`] (who there is), [`everyday`] and [`innocent`] (what honest people
//! do), [`patterns`] (what fraudsters do), [`record`] (how it becomes an event), [`truth`] (what is
//! known).

mod calendar;
mod dice;
mod everyday;
pub mod file;
mod innocent;
pub mod json;
pub mod kafka;
mod mules;
mod patterns;
mod population;
mod queue;
mod record;
mod truth;

pub use truth::{HardNegative, Kind, LABELS_WAITING_MAX, Truth};

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::model::event::{Batch, Body, ListCategory, ListLevel, PaymentStatus};
use crate::model::label::Label;
use crate::model::time::{DAY, HOUR, Millis};
use crate::source::{Progress, Run, Source, SourceError, Step};

use dice::Dice;
use mules::Mules;
use population::{Account, Population, Role};
use queue::{Balance, Membership, Planned, Queue, Reference, Spec, Subject};
use record::Recorder;

/// Name of the generator's topic.
pub const TOPIC: &str = "generated";
/// When the stream begins unless told otherwise: Monday, 2 March 2026, 08:00 in UTC+8.
pub const START_MS: Millis = 1_772_409_600_000;
/// Fewest accounts of a town.
pub const ACCOUNTS_MIN: u64 = 100;
/// Most accounts of a town.
pub const ACCOUNTS_MAX: u64 = 1_000_000_000;

/// What to generate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerateConfig {
    /// Accounts of the town, [`ACCOUNTS_MIN`] to [`ACCOUNTS_MAX`].
    pub accounts: u64,
    /// Events to hand out; 0 for no end.
    pub events: u64,
    /// Everything follows from it.
    pub seed: u64,
    /// Time of the first event.
    pub start_ms: Millis,
    /// Everyday payments of one account on one day.
    pub payments_per_account_day: u32,
    /// Planted patterns in a million everyday payments.
    pub planted_per_million: u32,
    /// Hard negatives in a million everyday payments, not counting wages, rents and sweeps.
    pub hard_negatives_per_million: u32,
    /// Payment records in a thousand that arrive late, within the usual lateness.
    pub late_per_thousand: u32,
    /// Finished everyday payment records in a million that arrive twice.
    pub repeated_per_million: u32,
    /// Events of one step.
    pub step_events: usize,
}

impl GenerateConfig {
    /// A town of `accounts`, with usual rates, that begins at [`START_MS`].
    #[must_use]
    pub fn new(accounts: u64, events: u64, seed: u64) -> Self {
        Self {
            accounts,
            events,
            seed,
            start_ms: START_MS,
            payments_per_account_day: 3,
            planted_per_million: 400,
            hard_negatives_per_million: 200,
            late_per_thousand: 5,
            repeated_per_million: 50,
            step_events: 4_096,
        }
    }
}

/// Why a configuration describes no town.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// Too few or too many accounts.
    #[error("{0} accounts: a town has {ACCOUNTS_MIN} to {ACCOUNTS_MAX}")]
    Accounts(u64),
    /// No everyday payments.
    #[error("payments per account and day: {0} is not in 1 to 1000")]
    Pace(u32),
    /// More patterns than payments.
    #[error("{0} patterns in a million payments: at most 100000")]
    Rate(u32),
    /// More late records than records.
    #[error("{0} late records in a thousand")]
    Late(u32),
    /// A time before 1970, or too late for any event.
    #[error("the start lies before 1970 or too late")]
    Start,
}

/// The source.
pub struct Generator {
    config: GenerateConfig,
    topics: [String; 1],
    people: Population,
    dice: Dice,
    recorder: Recorder,
    queue: Queue,
    mules: Mules,
    truth: Truth,
    pace: Pace,
    /// Events handed out.
    emitted: u64,
    /// Payments begun.
    payments: u64,
    planted: Deck<Kind, { Kind::ALL.len() }>,
    innocents: Deck<HardNegative, { innocent::KINDS.len() }>,
    patterns: u64,
}

impl Generator {
    /// Founds the town.
    ///
    /// # Errors
    /// [`GenerateError`], when the configuration describes none.
    pub fn new(config: GenerateConfig) -> Result<Self, GenerateError> {
        if !(ACCOUNTS_MIN..=ACCOUNTS_MAX).contains(&config.accounts) {
            return Err(GenerateError::Accounts(config.accounts));
        }
        if !(1..=1_000).contains(&config.payments_per_account_day) {
            return Err(GenerateError::Pace(config.payments_per_account_day));
        }
        let rate = config.planted_per_million.max(config.hard_negatives_per_million);
        if rate > 100_000 {
            return Err(GenerateError::Rate(rate));
        }
        if config.late_per_thousand > 1_000 {
            return Err(GenerateError::Late(config.late_per_thousand));
        }
        if !(0..limits::EVENT_TIME_MS_MAX / 2).contains(&config.start_ms) {
            return Err(GenerateError::Start);
        }
        let people = Population::new(config.accounts, config.seed, config.start_ms);
        let mut dice = Dice::new(config.seed);
        let mut generator = Self {
            topics: [TOPIC.to_owned()],
            recorder: Recorder::new(&people, config.seed),
            queue: Queue::default(),
            mules: Mules::new(&people),
            truth: Truth::default(),
            pace: Pace::new(&config),
            emitted: 0,
            payments: 0,
            planted: Deck::new(Kind::ALL, config.planted_per_million, &mut dice),
            innocents: Deck::new(innocent::KINDS, config.hard_negatives_per_million, &mut dice),
            patterns: 0,
            people,
            dice,
            config,
        };
        generator.plan_beginning();
        Ok(generator)
    }

    /// What is known about the events handed out so far. The handle stays valid while the generator
    /// works on another thread.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.truth.clone()
    }

    /// Lists that hold from the start, and the first day.
    fn plan_beginning(&mut self) {
        let start = self.config.start_ms;
        for (at, mut spec) in self.mules.last_payments(&self.people, &mut self.dice) {
            self.payments += 1;
            spec.number = self.payments;
            self.queue.push(start, Planned::Deliver(spec, at));
        }
        for number in 0..self.people.publics {
            let entry = Reference::Listed {
                subject: Subject::Account(Account::new(Role::Public, number)),
                category: ListCategory::Allow,
                level: ListLevel::Public,
                days: None,
            };
            self.queue.push(start, Planned::Refer(entry));
        }
        let midnight = calendar::midnight(start);
        everyday::plan_day(&self.people, &mut self.dice, &mut self.queue, midnight, start);
        self.queue.push(midnight + DAY, Planned::NewDay);
    }

    /// Appends events until one has been written.
    fn advance(&mut self, batch: &mut Batch) {
        let written = batch.events.len();
        while batch.events.len() == written {
            let everyday = self.pace.now();
            if self.queue.next_time().is_some_and(|due| due <= everyday)
                && let Some((time, planned)) = self.queue.pop()
            {
                self.perform(batch, time, planned);
                continue;
            }
            let spec = everyday::payment(&self.people, &mut self.dice, &self.recorder, everyday);
            self.pay(batch, everyday, spec);
            self.plot(everyday);
            self.pace.step(&mut self.dice);
        }
    }

    fn perform(&mut self, batch: &mut Batch, time: Millis, planned: Planned) {
        let Self { people, dice, queue, truth, .. } = self;
        match planned {
            Planned::Pay(spec) => self.pay(batch, time, spec),
            Planned::Deliver(spec, at) => self.write(batch, at, time, &spec),
            Planned::Refer(reference) => {
                self.recorder.reference(people, batch, time, self.emitted, reference);
                self.emitted += 1;
            }
            Planned::Payday(business) => {
                everyday::plan_wages(people, dice, queue, truth, business, time);
            }
            Planned::RentDay(landlord) => {
                everyday::plan_rents(people, dice, queue, truth, landlord, time);
            }
            Planned::NewDay => {
                everyday::plan_day(people, dice, queue, time, time);
                queue.push(time + DAY, Planned::NewDay);
            }
        }
    }

    /// Writes one status of a payment and plans the next.
    fn pay(&mut self, batch: &mut Batch, time: Millis, mut spec: Spec) {
        if spec.number == 0 {
            self.payments += 1;
            spec.number = self.payments;
        }
        let late = self.dice.below(1_000) < u64::from(self.config.late_per_thousand);
        if late {
            let delay = self.dice.between(1_000, limits::LATENESS_DEFAULT - 1_000);
            self.queue.push(time + delay, Planned::Deliver(spec, time));
        } else {
            self.write(batch, time, time, &spec);
        }
        let repeated = u64::from(self.config.repeated_per_million);
        if let Some((status, delay)) = spec.then {
            self.queue.push(time + delay, Planned::Pay(Spec { status, then: None, ..spec }));
        } else if spec.pattern.is_none() && self.dice.below(1_000_000) < repeated {
            // A sender repeats itself: the same record again.
            let again =
                Spec { payer_balance: Balance::Unknown, payee_balance: Balance::Unknown, ..spec };
            self.queue.push(time + self.dice.between(500, 60_000), Planned::Deliver(again, time));
        }
    }

    /// Writes the record of a payment's status at `time`, which arrives now.
    fn write(&mut self, batch: &mut Batch, time: Millis, now: Millis, spec: &Spec) {
        self.recorder.payment(&self.people, batch, time, now, self.emitted, spec);
        self.emitted += 1;
        if let Some(membership) = spec.pattern {
            self.label(batch, membership);
        }
    }

    fn label(&self, batch: &Batch, membership: Membership) {
        let Some(event) = batch.events.last() else { return };
        let Body::Payment(payment) = &event.body else { return };
        let moves = payment.status == PaymentStatus::Settled;
        self.truth.label(Label {
            event_id: batch.text(payment.event_id).to_owned(),
            pattern: format!("{}-{}", membership.kind.word(), membership.number),
            kind: membership.kind.word().to_owned(),
            time_ms: event.time_ms,
            amount_minor: if moves { payment.amount.minor } else { 0 },
            payer: batch.text(payment.payer.account).to_owned(),
            payee: batch.text(payment.payee.account).to_owned(),
        });
    }

    /// Plans the next pattern and the next hard negative, when it is their turn.
    fn plot(&mut self, now: Millis) {
        if self.planted.is_due(&mut self.dice) {
            self.mules.restock(&self.people, &mut self.dice, &mut self.queue, now);
            self.plant(now);
        }
        if self.innocents.is_due(&mut self.dice) {
            let kind = self.innocents.draw(&mut self.dice);
            let Self { people, dice, recorder, queue, .. } = self;
            innocent::Scene { people, dice, recorder, queue, now }.plan(kind, &self.truth);
        }
    }

    /// Plants a pattern that will be over before the stream is; none, when there is no time for
    /// any.
    fn plant(&mut self, now: Millis) {
        let horizon = self.horizon(now);
        for _ in 0..Kind::ALL.len() {
            let kind = self.planted.draw(&mut self.dice);
            let membership = Membership { kind, number: self.patterns + 1 };
            let Self { people, dice, mules, recorder, .. } = self;
            let plot = patterns::Plot::new(people, dice, mules, recorder, membership, now);
            if !plot.is_empty() && plot.end() + limits::LATENESS_DEFAULT <= horizon {
                plot.release(&mut self.queue);
                self.patterns += 1;
                self.truth.count_planted(kind);
                return;
            }
        }
    }

    /// When the stream will end at the earliest.
    fn horizon(&self, now: Millis) -> Millis {
        if self.config.events == 0 {
            return Millis::MAX;
        }
        let left = self.config.events.saturating_sub(self.emitted + self.queue.len());
        let busiest = (0..4).map(|h| calendar::intensity(now + h * HOUR)).max().unwrap_or(100);
        // Events for a payment: every third is told twice, and wages and rents come on top.
        let per_day = self.pace.per_day * busiest / 100 * 3 / 2;
        now + (u128::from(left) * DAY as u128 / u128::from(per_day.max(1))) as Millis
    }
}

impl Source for Generator {
    fn topics(&self) -> &[String] {
        &self.topics
    }

    fn next(&mut self, step: &mut Step) -> Result<Progress, SourceError> {
        let from = self.emitted;
        let wanted = self.config.step_events.clamp(1, limits::STEP_RECORDS_MAX) as u64;
        let end = if self.config.events == 0 { u64::MAX } else { self.config.events };
        let to = end.min(from + wanted);
        if from >= to {
            return Ok(Progress::End);
        }
        self.recorder.begin();
        while self.emitted < to {
            self.advance(&mut step.batch);
        }
        step.runs.push(Run { topic: 0, partition: 0, from: from as i64, to: to as i64 });
        Ok(Progress::Step)
    }

    fn take_labels(&mut self) -> Vec<Label> {
        self.truth.take_labels()
    }
}

/// The pace of unplanned payments, by the hour.
struct Pace {
    per_day: u64,
    now_us: i64,
    hour_ends_us: i64,
    mean_us: u64,
}

impl Pace {
    fn new(config: &GenerateConfig) -> Self {
        let per_day = config.accounts * u64::from(config.payments_per_account_day);
        Self { per_day, now_us: config.start_ms * 1_000, hour_ends_us: 0, mean_us: 0 }
    }

    fn now(&self) -> Millis {
        self.now_us / 1_000
    }

    /// Draws the time of the next payment. Gaps are uniform up to twice the mean: what matters is
    /// the pace, and integers give the same values everywhere.
    fn step(&mut self, dice: &mut Dice) {
        if self.now_us >= self.hour_ends_us {
            let now = self.now();
            self.hour_ends_us = (now - now.rem_euclid(HOUR) + HOUR) * 1_000;
            let day_us = DAY as u64 * 1_000;
            let mean_us = day_us * 100 / (self.per_day * calendar::intensity(now)).max(1);
            self.mean_us = mean_us.max(1);
        }
        self.now_us += dice.below(2 * self.mean_us + 1) as i64;
    }
}

/// Draws kinds in shuffled rounds, so that none stays away for long, at random intervals of
/// payments.
struct Deck<T, const N: usize> {
    cards: [T; N],
    left: usize,
    /// Mean payments between two; 0 for never.
    mean: u64,
    countdown: u64,
}

impl<T: Copy, const N: usize> Deck<T, N> {
    fn new(cards: [T; N], per_million: u32, dice: &mut Dice) -> Self {
        let mean = 1_000_000u64.checked_div(u64::from(per_million)).unwrap_or(0);
        Self { cards, left: 0, mean, countdown: dice.below(mean) + 1 }
    }

    fn is_due(&mut self, dice: &mut Dice) -> bool {
        self.countdown -= 1;
        if self.countdown > 0 {
            return false;
        }
        self.countdown = dice.below(2 * self.mean) + 1;
        self.mean > 0
    }

    fn draw(&mut self, dice: &mut Dice) -> T {
        if self.left == 0 {
            self.left = N;
        }
        let at = dice.below(self.left as u64) as usize;
        self.left -= 1;
        self.cards.swap(at, self.left);
        self.cards[self.left]
    }
}
