//! From a planned item to an event in a batch: texts, parties, balances.

use super::dice::mix;
use super::population::{Account, Device, Population, Role, Trait};
use super::queue::{Balance, Reference, Spec, Subject};
use crate::model::entity::EntityKind;
use crate::model::event::{
    AccountClass, AccountEvent, AccountEventKind, Batch, Body, Channel, ControlEvent, Event,
    ListEvent, ListOp, Party, Payment, PaymentStatus, Position, Text,
};
use crate::model::measure::ControlMode;
use crate::model::money::{Currency, Money};
use crate::model::time::{DAY, HOUR, MINUTE, Millis};

/// Clearing numbers of the town's banks. No bank has them: they begin with 99.
const BANKS: [&str; 5] =
    ["990100000011", "990200000012", "990300000013", "990400000014", "990500000015"];

/// How long a payment that is only initiated waits for an answer.
const HOLD: Millis = 2_000;

/// Writes events, and keeps the running balances that they report.
pub(super) struct Recorder {
    balances: Vec<i64>,
    /// Spans of [`BANKS`] in the present batch.
    banks: [Text; BANKS.len()],
    /// Prefix of payment and event ids: two seeds in one topic must not share ids.
    prefix: String,
    currency: Currency,
}

impl Recorder {
    pub fn new(people: &Population, seed: u64) -> Self {
        Self {
            balances: (0..people.balances()).map(|index| people.first_balance(index)).collect(),
            banks: [Text::NONE; BANKS.len()],
            prefix: format!("{:06x}", mix(seed) >> 40),
            currency: Currency::CNY,
        }
    }

    /// A new batch has begun.
    pub fn begin(&mut self) {
        self.banks = [Text::NONE; BANKS.len()];
    }

    /// Running balance of an account, if it keeps one.
    pub fn balance(&self, people: &Population, account: Account) -> Option<i64> {
        people.balance_index(account).map(|index| self.balances[index])
    }

    /// Raises a running balance to at least `minor`: a deposit the stream does not show.
    pub fn raise(&mut self, people: &Population, account: Account, minor: i64) {
        if let Some(index) = people.balance_index(account) {
            self.balances[index] = self.balances[index].max(minor);
        }
    }

    /// Appends the record of a payment's status at `time_ms`, which arrives at `record_time_ms`.
    pub fn payment(
        &mut self,
        people: &Population,
        batch: &mut Batch,
        time_ms: Millis,
        record_time_ms: Millis,
        offset: u64,
        spec: &Spec,
    ) {
        let event_id = self.push_id(batch, 'e', spec.number, Some(spec.status));
        let payment_id = self.push_id(batch, 'p', spec.number, None);
        let payer_balance = self.move_payer(people, spec);
        let payee_balance = self.move_payee(people, spec);
        let mut payer = self.party(people, batch, spec.payer);
        payer.balance_after_minor = payer_balance;
        if spec.payer.role() == Role::Person {
            payer.age_years = Some(people.age_years(spec.payer.number()));
            payer.income_monthly_minor = Some(people.salary_minor(spec.payer.number()));
        } else if matches!(spec.payer.role(), Role::Idle | Role::Fresh) {
            payer.age_years = Some(18 + (mix(spec.payer.bits()) % 40) as u8);
        }
        let mut payee = self.party(people, batch, spec.payee);
        payee.balance_after_minor = payee_balance;
        let device_id = push_hex(batch, "dev:", spec.device.0);
        let device_ip = if device_id.is_none() {
            Text::NONE
        } else {
            push_address(batch, people.hash(Trait::Address, spec.device.0))
        };
        let waits = spec.status == PaymentStatus::Initiated;
        let mut payment = Payment::new(
            event_id,
            payment_id,
            spec.status,
            Money { minor: spec.amount_minor, currency: self.currency },
            payer,
            payee,
            spec.payment_type,
            spec.channel,
        );
        payment.category = spec.category;
        payment.mcc = batch.push_text(spec.mcc);
        payment.terminal_id = self.terminal(batch, spec);
        payment.device_id = device_id;
        payment.device_ip = device_ip;
        payment.session_flags = spec.session_flags;
        payment.payee_check = spec.payee_check;
        payment.memo = batch.push_text(spec.memo);
        payment.hold_deadline_ms = waits.then_some(time_ms + HOLD);
        let event = event(time_ms, offset, Body::Payment(payment));
        batch.events.push(Event { record_time_ms, ..event });
    }

    /// Appends a record that is not a payment.
    pub fn reference(
        &mut self,
        people: &Population,
        batch: &mut Batch,
        time_ms: Millis,
        offset: u64,
        reference: Reference,
    ) {
        let body = match reference {
            Reference::Opened(account) => Body::Account(Box::new(AccountEvent {
                event_id: self.push_id(batch, 'a', offset, None),
                kind: AccountEventKind::Opened,
                account: push_account(people, batch, account),
                customer: push_customer(people, batch, account),
                branch: push_branch(people, batch, account),
                opening_device: push_hex(batch, "dev:", people.device(account).0),
                phone_token: push_hex(batch, "tel:", mix(account.bits())),
                agent_token: Text::NONE,
                employer_token: Text::NONE,
                reason: None,
                geo: None,
                customer_type: Some(people.customer_type(account)),
                account_class: Some(AccountClass::I),
                risk_grade: None,
                limit_before: None,
                limit_after: None,
            })),
            Reference::Listed { subject, category, level, days } => {
                let (subject_kind, subject) = match subject {
                    Subject::Account(account) => {
                        (EntityKind::Account, push_account(people, batch, account))
                    }
                    Subject::Device(device) => {
                        (EntityKind::Device, push_hex(batch, "dev:", device.0))
                    }
                };
                Body::List(Box::new(ListEvent {
                    entry_id: self.push_id(batch, 'l', offset, None),
                    op: ListOp::Upsert,
                    subject_kind,
                    subject,
                    counterparty: Text::NONE,
                    category,
                    level: Some(level),
                    valid_from_ms: Some(time_ms),
                    valid_to_ms: days.map(|days| time_ms + days * DAY),
                    source: batch.push_text("generator"),
                    legal_basis: Text::NONE,
                    purpose: batch.push_text("anti_fraud_only"),
                    author: Text::NONE,
                    approver: Text::NONE,
                }))
            }
            Reference::Controlled { account, kind, hours } => {
                Body::Control(Box::new(ControlEvent {
                    control_id: self.push_id(batch, 'c', offset, None),
                    account: push_account(people, batch, account),
                    kind,
                    mode: Some(ControlMode::Full),
                    amount: None,
                    from_ms: time_ms,
                    to_ms: hours.map(|hours| time_ms + hours * HOUR),
                    extension_no: Some(0),
                    authority: batch.push_text("police"),
                    released_at_ms: None,
                }))
            }
        };
        batch.events.push(event(time_ms, offset, body));
    }

    fn move_payer(&mut self, people: &Population, spec: &Spec) -> Option<i64> {
        let index = match spec.payer_balance {
            Balance::Running => people.balance_index(spec.payer)?,
            Balance::Planned(minor) => return Some(minor),
            Balance::Unknown => return None,
        };
        let balance = &mut self.balances[index];
        if *balance < spec.amount_minor {
            // Somebody paid cash in, which this stream does not show.
            *balance = spec.amount_minor + people.first_balance(index);
        }
        let after = *balance - spec.amount_minor;
        match spec.status {
            PaymentStatus::Settled => {
                *balance = after;
                Some(after)
            }
            PaymentStatus::Initiated => Some(after),
            // Nothing was paid.
            _ => Some(*balance),
        }
    }

    fn move_payee(&mut self, people: &Population, spec: &Spec) -> Option<i64> {
        if spec.status != PaymentStatus::Settled {
            return None;
        }
        let index = match spec.payee_balance {
            Balance::Running => people.balance_index(spec.payee)?,
            Balance::Planned(minor) => return Some(minor),
            Balance::Unknown => return None,
        };
        self.balances[index] += spec.amount_minor;
        Some(self.balances[index])
    }

    fn party(&mut self, people: &Population, batch: &mut Batch, account: Account) -> Party {
        let class =
            matches!(account.role(), Role::Person | Role::Savings | Role::Idle | Role::Fresh);
        Party {
            account: push_account(people, batch, account),
            bank: self.push_bank(people, batch, account),
            customer: push_customer(people, batch, account),
            customer_type: Some(people.customer_type(account)),
            account_class: class.then_some(AccountClass::I),
            opened_at_ms: people.opened_ms(account),
            ..Party::default()
        }
    }

    fn push_bank(&mut self, people: &Population, batch: &mut Batch, account: Account) -> Text {
        let bank = bank(people, account);
        if self.banks[bank].is_none() {
            self.banks[bank] = batch.push_text(BANKS[bank]);
        }
        self.banks[bank]
    }

    fn push_id(
        &self,
        batch: &mut Batch,
        letter: char,
        number: u64,
        status: Option<PaymentStatus>,
    ) -> Text {
        let start = batch.text.len();
        batch.text.push(letter);
        batch.text.push('-');
        batch.text.push_str(&self.prefix);
        batch.text.push('-');
        push_digits(&mut batch.text, number, 1);
        if let Some(status) = status {
            batch.text.push('-');
            push_digits(&mut batch.text, status as u64, 1);
        }
        span(batch, start)
    }

    fn terminal(&self, batch: &mut Batch, spec: &Spec) -> Text {
        if !matches!(spec.channel, Channel::Atm | Channel::Pos) {
            return Text::NONE;
        }
        let start = batch.text.len();
        batch.text.push_str("term:");
        push_digits(&mut batch.text, spec.payee.number(), 6);
        span(batch, start)
    }
}

/// The text of an account number, as records show it.
pub(super) fn push_account(people: &Population, batch: &mut Batch, account: Account) -> Text {
    // A bijection on twelve digits, so that neighbours do not look like neighbours: the factor is
    // odd and no multiple of five.
    let scrambled = (account.number() + 1) * 387_420_489 % 1_000_000_000_000;
    let start = batch.text.len();
    batch.text.push_str("99");
    push_digits(&mut batch.text, bank(people, account) as u64 + 1, 2);
    push_digits(&mut batch.text, account.role() as u64, 2);
    push_digits(&mut batch.text, scrambled, 12);
    span(batch, start)
}

fn event(time_ms: Millis, offset: u64, body: Body) -> Event {
    let position = Position { topic: 0, partition: 0, offset: offset as i64 };
    Event { position, record_time_ms: time_ms, time_ms, body }
}

fn bank(people: &Population, account: Account) -> usize {
    (people.hash(Trait::Bank, account.bits()) % BANKS.len() as u64) as usize
}

fn push_customer(people: &Population, batch: &mut Batch, account: Account) -> Text {
    people.customer(account).map_or(Text::NONE, |token| push_hex(batch, "cus:", token))
}

fn push_branch(people: &Population, batch: &mut Batch, account: Account) -> Text {
    let start = batch.text.len();
    batch.text.push_str("0532-");
    push_digits(&mut batch.text, people.hash(Trait::Class, account.bits()) % 200, 3);
    span(batch, start)
}

/// An address of the range kept for benchmarks, 198.18.0.0/15.
fn push_address(batch: &mut Batch, hash: u64) -> Text {
    let start = batch.text.len();
    batch.text.push_str(if hash & 1 == 0 { "198.18." } else { "198.19." });
    push_digits(&mut batch.text, hash >> 8 & 0xff, 1);
    batch.text.push('.');
    push_digits(&mut batch.text, hash >> 16 & 0xff, 1);
    span(batch, start)
}

/// `prefix` and sixteen hexadecimal digits; nothing for [`Device::NONE`].
fn push_hex(batch: &mut Batch, prefix: &str, value: u64) -> Text {
    if value == Device::NONE.0 {
        return Text::NONE;
    }
    let start = batch.text.len();
    batch.text.push_str(prefix);
    let digits: [u8; 16] =
        std::array::from_fn(|at| b"0123456789abcdef"[(value >> (60 - 4 * at) & 0xf) as usize]);
    batch.text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
    span(batch, start)
}

fn push_digits(text: &mut String, mut value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while value > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    text.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

fn span(batch: &Batch, start: usize) -> Text {
    Text { start: start as u32, len: (batch.text.len() - start) as u32 }
}

/// Minutes from the population's epoch to `time`, for [`Account::fresh`].
pub(super) fn minutes_since_epoch(people: &Population, time: Millis) -> u64 {
    ((time - people.epoch_ms()) / MINUTE).max(0) as u64
}
