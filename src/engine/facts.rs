//! What one step knows of each of its events while it passes through the phases.

use super::reference::ListMask;
use super::register::Transition;
use crate::model::country::Country;
use crate::model::entity::Reference;
use crate::model::event::{
    AccountEvent, Batch, Category, Channel, CustomerType, Party, Payment, PaymentStatus,
    PaymentType, Text, goods,
};
use crate::model::money::{Currency, Money};
use crate::model::time::{Millis, day_number};
use crate::rules::plan::feature::PaymentField;
use crate::rules::plan::program::MISSING;
use crate::rules::plan::view::{Role, flag};

/// "No visit", "no task".
pub(super) const NONE: u32 = u32::MAX;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A payment event that is scored.
    Scored,
    /// A payment that was scored before and is judged as of a later moment: it changes nothing.
    Waited,
    /// Another kind, applied.
    Applied,
    Duplicate,
    Contradiction,
    TooLate,
    /// Judged once more, because something earlier has arrived.
    Again,
    /// The same, but what arrived changes nothing.
    Idle,
}

/// Where a visit's results lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct VisitRef {
    pub group: u16,
    pub index: u32,
}

impl VisitRef {
    pub const NONE: Self = Self { group: 0, index: NONE };

    pub fn is_none(self) -> bool {
        self.index == NONE
    }
}

/// One event's way through the phases.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventFacts {
    pub fate: Fate,
    /// Scored after the watermark had passed its time.
    pub late: bool,
    /// Watermark with this event.
    pub watermark_ms: Millis,
    /// What is not after this has left the ledgers.
    pub horizon_ms: Millis,
    /// The event's own time; of a payment that is judged again, when it was judged first.
    pub own_ms: Millis,
    pub fingerprint: u32,
    /// By role; [`Reference::NONE`] where the event names none.
    pub references: [Reference; Role::COUNT],
    pub visits: [VisitRef; Role::COUNT],
    /// Where the register's answer lies.
    pub payment: VisitRef,
    pub transition: Transition,
    /// Number of its list masks in [`super::step::StepState::lists`], or [`NONE`].
    pub lists: u32,
    /// Number of its first payment cell, or [`NONE`] when it is not judged.
    pub payment_row: u32,
    /// Number of the first word of its open rules.
    pub rules: u32,
    /// An account is opened: judged as such.
    pub opening: bool,
}

impl EventFacts {
    /// What is known of an event before anything is looked up.
    pub fn new(own_ms: Millis, watermark_ms: Millis, horizon_ms: Millis) -> Self {
        Self {
            fate: Fate::Applied,
            late: false,
            watermark_ms,
            horizon_ms,
            own_ms,
            fingerprint: 0,
            references: [Reference::NONE; Role::COUNT],
            visits: [VisitRef::NONE; Role::COUNT],
            payment: VisitRef::NONE,
            transition: Transition::default(),
            lists: NONE,
            payment_row: NONE,
            rules: NONE,
            opening: false,
        }
    }
}

/// The lists that each role of an event is on.
pub(super) type RoleLists = [ListMask; Role::COUNT];

/// Whether both sides of a payment belong to one holder.
pub(super) fn is_own_transfer(batch: &Batch, payment: &Payment) -> bool {
    let same = |of: fn(&Party) -> crate::model::event::Text| {
        let (payer, payee) = (batch.text(of(&payment.payer)), batch.text(of(&payment.payee)));
        !payer.is_empty() && payer == payee
    };
    same(|p| p.customer) || (same(|p| p.id_token) && same(|p| p.name))
}

/// An opening as what a payment tells of its payer: the account, its customer, the device. No rule
/// about openings reads an amount or a payee.
pub(super) fn as_payment(opened: &AccountEvent, currency: Currency) -> Payment {
    let payer = Party {
        account: opened.account,
        customer: opened.customer,
        customer_type: opened.customer_type,
        account_class: opened.account_class,
        risk_grade: opened.risk_grade,
        ..Party::default()
    };
    let amount = Money { minor: 0, currency };
    let mut payment = Payment::new(
        opened.event_id,
        Text::NONE,
        PaymentStatus::Other,
        amount,
        payer,
        Party::default(),
        PaymentType::Other,
        Channel::Other,
    );
    payment.device_id = opened.opening_device;
    payment
}

/// Fills one cell of the payment part for an opening.
pub(super) fn opening_cell(field: PaymentField, opened: &AccountEvent) -> i64 {
    match field {
        PaymentField::OpeningReason => opened.reason.map_or(MISSING, |reason| reason as i64),
        _ => MISSING,
    }
}

/// What a payment's fields are read against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// The pack's.
    pub currency: Currency,
    /// The event's own time.
    pub time_ms: Millis,
    pub utc_offset_ms: Millis,
    /// The pack's.
    pub home: Option<Country>,
    /// The policy's.
    pub festivals: &'a [(i32, i32)],
}

/// Fills one cell of the payment part.
pub(super) fn payment_cell(
    field: PaymentField,
    batch: &Batch,
    payment: &Payment,
    frame: &Frame<'_>,
) -> i64 {
    let money = |minor: Option<i64>| match minor {
        Some(minor) if payment.amount.currency == frame.currency => minor,
        _ => MISSING,
    };
    let party = |role: Role| if role == Role::Payee { &payment.payee } else { &payment.payer };
    match field {
        PaymentField::Amount => money(Some(payment.amount.minor)),
        PaymentField::Status => payment.status as i64,
        PaymentField::PaymentType => payment.payment_type as i64,
        PaymentField::Channel => payment.channel as i64,
        PaymentField::Category => payment.category.map_or(MISSING, |c| c as i64),
        PaymentField::PayeeCheck => payment.payee_check.map_or(MISSING, |c| c as i64),
        PaymentField::Session(bit) => {
            payment.session_flags.map_or(MISSING, |flags| i64::from(flags & bit != 0))
        }
        PaymentField::BalanceAfter(role) => money(party(role).balance_after_minor),
        PaymentField::AvailableAfter(role) => money(party(role).available_after_minor),
        PaymentField::PayerAgeYears => payment.payer.age_years.map_or(MISSING, i64::from),
        PaymentField::IncomeMonthly(role) => money(party(role).income_monthly_minor),
        PaymentField::OwnTransfer => i64::from(is_own_transfer(batch, payment)),
        PaymentField::SameAccount => {
            let account = |p: &Party| batch.text(p.account);
            i64::from(account(&payment.payer) == account(&payment.payee))
        }
        PaymentField::IsMultipleOf(of) => match money(Some(payment.amount.minor)) {
            MISSING => MISSING,
            minor => i64::from(minor % of == 0),
        },
        PaymentField::IsGoods => match batch.text(payment.mcc) {
            "" => MISSING,
            mcc => i64::from(goods::GOLD.contains(&mcc) || goods::OTHER.contains(&mcc)),
        },
        PaymentField::IsFestival => {
            let today = day_number(frame.time_ms, frame.utc_offset_ms);
            i64::from(frame.festivals.iter().any(|(from, to)| (*from..=*to).contains(&today)))
        }
        PaymentField::OpeningReason => MISSING,
        PaymentField::IsAbroad => is_abroad(payment, frame.home).map_or(MISSING, i64::from),
        PaymentField::IsBetween(hours) => {
            i64::from(hours.contain(frame.time_ms, frame.utc_offset_ms))
        }
    }
}

/// Whether the terminal stands in another country than home; `None` when either is not known.
fn is_abroad(payment: &Payment, home: Option<Country>) -> Option<bool> {
    Some(payment.terminal_country? != home?)
}

/// The network that a payment was ordered from: the wireless network, else the internet address.
pub(super) fn network(payment: &Payment) -> Text {
    if payment.device_bssid.is_none() { payment.device_ip } else { payment.device_bssid }
}

/// Flags of the payer's and of the payee's entry.
pub(super) fn entry_flags(
    batch: &Batch,
    payment: &Payment,
    lists: &RoleLists,
    home: Option<Country>,
) -> [u16; 2] {
    use crate::model::event::{ListCategory, ListLevel};
    let allowed = |role: Role, customer: Role, level: ListLevel| {
        let bits = super::reference::list_bits(ListCategory::Allow, Some(level));
        (lists[role as usize] | lists[customer as usize]) & bits != 0
    };
    let payer = |level| allowed(Role::Payer, Role::PayerCustomer, level);
    let payee = |level| allowed(Role::Payee, Role::PayeeCustomer, level);
    let trader =
        |p: &Party| matches!(p.customer_type, Some(CustomerType::Merchant | CustomerType::Psp));
    let mut both = 0;
    if is_own_transfer(batch, payment) {
        both |= flag::OWN;
    }
    if payment.category == Some(Category::Salary) && payer(ListLevel::Payroll) {
        both |= flag::PAYROLL;
    }
    if payer(ListLevel::Benign) {
        both |= flag::BENIGN;
    }
    if payment.category.is_some_and(is_public) || payee(ListLevel::Public) {
        both |= flag::PUBLIC;
    }
    let settlement = payment.category == Some(Category::Settlement);
    let merchant = |yes: bool| if settlement || yes { flag::MERCHANT } else { 0 };
    let person = |p: &Party| match p.customer_type {
        Some(CustomerType::Person) => flag::PERSON,
        _ => 0,
    };
    let mut debit = both | merchant(trader(&payment.payee) || payee(ListLevel::Merchant));
    debit |= person(&payment.payee);
    if is_abroad(payment, home) == Some(true) {
        debit |= flag::ABROAD;
    }
    let mcc = batch.text(payment.mcc);
    if goods::GOLD.contains(&mcc) {
        debit |= flag::GOODS | flag::GOLD;
    } else if goods::OTHER.contains(&mcc) {
        debit |= flag::GOODS;
    }
    let registered = payer(ListLevel::Merchant) || payer(ListLevel::Platform);
    let mut credit = both | merchant(trader(&payment.payer) || registered) | person(&payment.payer);
    match payment.category {
        Some(Category::EarlyRedemption | Category::WealthRedeem | Category::OwnIn) => {
            credit |= flag::REDEMPTION;
        }
        Some(Category::LoanDisbursement) => credit |= flag::LOAN,
        _ => {}
    }
    if payment.category.is_some_and(is_benign) {
        // An insurer's payout is a benign inflow of who is paid, not of who pays.
        credit |= flag::BENIGN;
    }
    [debit, credit]
}

/// Inflows that guard G5 calls benign.
fn is_benign(category: Category) -> bool {
    use Category as C;
    matches!(
        category,
        C::Insurance
            | C::Pension
            | C::SocialSecurity
            | C::HousingFund
            | C::TaxRefund
            | C::Lottery
            | C::Court
    )
}

/// Payees that guard G4 calls public or essential.
fn is_public(category: Category) -> bool {
    use Category as C;
    matches!(
        category,
        C::Tax | C::Court | C::SocialSecurity | C::Hospital | C::School | C::Utility | C::Telecom
    )
}
