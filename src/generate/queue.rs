//! What is planned but not yet due: payments, reference records and the day's turn, in order of
//! time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::population::{Account, Device};
use super::truth::Kind;
use crate::model::event::{
    Category, Channel, ListCategory, ListLevel, PayeeCheck, PaymentStatus, PaymentType,
};
use crate::model::measure::Action;
use crate::model::time::Millis;

/// What a record says about a side's balance after the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Balance {
    /// The account's running balance, which the payment moves.
    Running,
    /// This, minor units: planned together with the payment.
    Planned(i64),
    /// Nothing.
    Unknown,
}

/// The pattern a payment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    pub kind: Kind,
    pub number: u64,
}

/// A payment to come, without the texts that its record will carry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    /// Number of the payment across its statuses; 0 until the first is written.
    pub number: u64,
    pub status: PaymentStatus,
    pub payer: Account,
    pub payee: Account,
    pub amount_minor: i64,
    pub payment_type: PaymentType,
    pub category: Option<Category>,
    pub channel: Channel,
    pub mcc: &'static str,
    pub memo: &'static str,
    pub device: Device,
    pub payer_balance: Balance,
    pub payee_balance: Balance,
    pub payee_check: Option<PayeeCheck>,
    pub session_flags: Option<u8>,
    /// What follows an `initiated`: this status, that much later.
    pub then: Option<(PaymentStatus, Millis)>,
    pub pattern: Option<Membership>,
}

impl Spec {
    /// A transfer by a banking app: initiated, settled a moment later.
    pub fn transfer(payer: Account, payee: Account, amount_minor: i64, device: Device) -> Self {
        Self {
            number: 0,
            status: PaymentStatus::Initiated,
            payer,
            payee,
            amount_minor,
            payment_type: PaymentType::Transfer,
            category: None,
            channel: Channel::Mobile,
            mcc: "",
            memo: "",
            device,
            payer_balance: Balance::Running,
            payee_balance: Balance::Running,
            payee_check: None,
            session_flags: None,
            then: Some((PaymentStatus::Settled, 1_200)),
            pattern: None,
        }
    }

    /// A payment that is only heard of when it is settled.
    pub fn settled(payer: Account, payee: Account, amount_minor: i64) -> Self {
        Self {
            status: PaymentStatus::Settled,
            then: None,
            ..Self::transfer(payer, payee, amount_minor, Device::NONE)
        }
    }
}

/// What a list entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Account(Account),
    Device(Device),
}

/// A record that is not a payment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reference {
    /// An account is opened.
    Opened(Account),
    /// A list entry begins.
    Listed { subject: Subject, category: ListCategory, level: ListLevel, days: Option<i64> },
    /// A control begins.
    Controlled { account: Account, kind: Action, hours: Option<i64> },
}

/// Something to come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Planned {
    Pay(Spec),
    /// A payment's record that has been on its way since its own time.
    Deliver(Spec, Millis),
    Refer(Reference),
    /// A business pays its salaries.
    Payday(u64),
    /// A landlord's tenants pay.
    RentDay(u64),
    /// Local midnight.
    NewDay,
}

/// The queue. Equal times leave in the order they came.
#[derive(Default)]
pub(super) struct Queue {
    // Small keys are sifted; the large items stay where they are.
    heap: BinaryHeap<Reverse<(Millis, u64, u32)>>,
    slots: Vec<Planned>,
    free: Vec<u32>,
    pushed: u64,
}

impl Queue {
    pub fn push(&mut self, time: Millis, planned: Planned) {
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = planned;
            slot
        } else {
            self.slots.push(planned);
            (self.slots.len() - 1) as u32
        };
        self.heap.push(Reverse((time, self.pushed, slot)));
        self.pushed += 1;
    }

    /// Number of items.
    pub fn len(&self) -> u64 {
        self.heap.len() as u64
    }

    /// Time of the next item.
    pub fn next_time(&self) -> Option<Millis> {
        self.heap.peek().map(|Reverse((time, ..))| *time)
    }

    pub fn pop(&mut self) -> Option<(Millis, Planned)> {
        let Reverse((time, _, slot)) = self.heap.pop()?;
        self.free.push(slot);
        Some((time, self.slots[slot as usize]))
    }
}
