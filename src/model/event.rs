//! Events: decoded, valid input records, as plain data.
//!
//! Texts are spans of the batch's text arena, so that decoding allocates nothing per event. The
//! large rare kinds (account, list, control) are boxed.

use crate::model::country::Country;
use crate::model::entity::EntityKind;
use crate::model::measure::{Action, ControlMode};
use crate::model::money::Money;
use crate::model::time::Millis;

/// A text inside [`Batch::text`]; empty means absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Text {
    /// First byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Text {
    /// No text.
    pub const NONE: Self = Self { start: 0, len: 0 };

    /// Whether the field was absent or empty.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.len == 0
    }
}

/// Where a record lies: number of its topic in the run's topic table, partition, offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Position {
    /// Index into the source's table of topic names.
    pub topic: u16,
    /// Partition; 0 for files.
    pub partition: i32,
    /// Offset; the row or line number for files.
    pub offset: i64,
}

/// The events of one step in step order, with the text they refer to.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// All texts, end to end.
    pub text: String,
    /// Events in step order.
    pub events: Vec<Event>,
}

impl Batch {
    /// The text of a span; empty for [`Text::NONE`].
    #[must_use]
    pub fn text(&self, span: Text) -> &str {
        &self.text[span.start as usize..(span.start + span.len) as usize]
    }

    /// Appends a text and returns its span.
    pub fn push_text(&mut self, text: &str) -> Text {
        if text.is_empty() {
            return Text::NONE;
        }
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Text { start, len: text.len() as u32 }
    }

    /// Appends the texts of a payment that lie in `from`, and makes it refer to them here.
    pub fn adopt(&mut self, from: &str, payment: &mut Payment) {
        for span in payment.texts_mut() {
            *span = self.push_text(&from[span.start as usize..(span.start + span.len) as usize]);
        }
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.events.clear();
    }
}

/// One decoded, valid input record.
#[derive(Clone, Debug)]
pub struct Event {
    /// Where its record lies.
    pub position: Position,
    /// The record's own timestamp.
    pub record_time_ms: Millis,
    /// Business time.
    pub time_ms: Millis,
    /// What happened.
    pub body: Body,
}

/// The kinds of event.
#[derive(Clone, Debug)]
pub enum Body {
    /// A payment changed its status.
    Payment(Payment),
    /// Something happened to an account.
    Account(Box<AccountEvent>),
    /// A list entry begins or ends.
    List(Box<ListEvent>),
    /// A control begins, changes or ends.
    Control(Box<ControlEvent>),
    /// The register of enterprises says what an enterprise is.
    Registry(Box<RegistryEvent>),
    /// The bank says what became of a payment that was held, or what it found out.
    Feedback(Box<FeedbackEvent>),
    /// Time passed: nothing else; keeps the watermark moving when inputs are idle.
    Tick,
}

/// Declares a closed set of words with an `other` for what is not in it.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name {
            /// A word this version does not know.
            Other = 0,
            $($(#[$vdoc])* #[doc = concat!("`", $word, "`")] $variant,)*
        }
        impl $name {
            /// Every word with its value, `other` first.
            pub const WORDS: &'static [(&'static str, Self)] =
                &[("other", Self::Other), $(($word, Self::$variant),)*];
            /// Reads a word; unknown ones become `Other`.
            #[must_use]
            pub fn parse(word: &str) -> Self {
                match word { $($word => Self::$variant,)* _ => Self::Other }
            }
            /// The word.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { Self::Other => "other", $(Self::$variant => $word,)* }
            }
        }
    };
}

words!(
    /// Status of a payment.
    PaymentStatus {
        Initiated = "initiated", Accepted = "accepted", Settled = "settled", Rejected = "rejected",
        Returned = "returned", Reversed = "reversed", Cancelled = "cancelled",
    }
);
words!(
    /// How money moves.
    PaymentType {
        Transfer = "transfer", CashOut = "cash_out", CashIn = "cash_in", WalletTopup = "wallet_topup",
        WalletWithdraw = "wallet_withdraw", CardPurchase = "card_purchase", DirectDebit = "direct_debit",
        Fee = "fee", Internal = "internal",
    }
);
words!(
    /// Where a payment was ordered.
    Channel {
        Counter = "counter", Mobile = "mobile", Web = "web", Atm = "atm", Pos = "pos", Qr = "qr",
        QuickPay = "quick_pay", Api = "api", AutoDebit = "auto_debit", Phone = "phone",
    }
);
words!(
    /// What kind of customer holds an account.
    CustomerType {
        Person = "person", Business = "business", Merchant = "merchant", Psp = "psp",
        InternalAccount = "internal",
    }
);
words!(
    /// Class of a personal account.
    AccountClass { I = "I", II = "II", III = "III", }
);
words!(
    /// The bank's own grade of an account's risk.
    RiskGrade { Low = "low", Medium = "medium", High = "high", Case = "case", }
);
words!(
    /// What a payment is for.
    Category {
        Salary = "salary", Tax = "tax", Court = "court", SocialSecurity = "social_security",
        Pension = "pension", HousingFund = "housing_fund", Insurance = "insurance_payout",
        TaxRefund = "tax_refund", Lottery = "lottery_payout", Hospital = "hospital", School = "school",
        Utility = "utility", Telecom = "telecom", LoanDisbursement = "loan_disbursement",
        LoanRepayment = "loan_repayment", EarlyRedemption = "early_redemption",
        WealthRedeem = "wealth_redeem", OwnIn = "own_in", Settlement = "settlement",
        HousePurchase = "house_purchase", Correction = "correction", Chargeback = "chargeback",
        AuthorityDeduction = "authority_deduction", Verification = "verification",
    }
);
words!(
    /// Outcome of comparing the payee's name with the holder's.
    PayeeCheck {
        Match = "match", CloseMatch = "close_match", NoMatch = "no_match",
        Unavailable = "unavailable",
    }
);
words!(
    /// What happened to an account.
    AccountEventKind {
        Opened = "opened", Closed = "closed", ClassChanged = "class_changed",
        PhoneBound = "phone_bound", DeviceBound = "device_bound",
        CredentialReset = "credential_reset", SimChange = "sim_change",
        LimitChanged = "limit_changed", PayeeAdded = "payee_added",
        ControlChanged = "control_changed", GradeChanged = "grade_changed",
    }
);
words!(
    /// Why an account was opened, where that changes what the opening means.
    OpeningReason {
        Replacement = "replacement", SocialSecurity = "social_security", Medical = "medical",
        Guardian = "guardian",
    }
);
words!(
    /// What the register of enterprises says.
    RegistryStatus {
        Active = "active", Abnormal = "abnormal", SeriousViolation = "serious_violation",
        Revoked = "revoked", Cancelled = "cancelled", Liquidation = "liquidation",
    }
);
words!(
    /// How far an alert has come.
    FeedbackStage {
        Received = "received", Accepted = "accepted", Executed = "executed",
        PartiallyExecuted = "partially_executed", Refused = "refused", Expired = "expired",
        Duplicate = "duplicate", Extended = "extended", Released = "released", Verdict = "verdict",
    }
);
words!(
    /// What the bank found out.
    Verdict {
        ConfirmedFraud = "confirmed_fraud", ConfirmedMule = "confirmed_mule",
        VictimConfirmed = "victim_confirmed", Genuine = "customer_confirmed_genuine",
        FalsePositive = "false_positive", Inconclusive = "inconclusive",
    }
);
words!(
    /// Category of a list entry.
    ListCategory {
        CaseAccount = "case_account", Punished = "punished",
        SuspiciousOpener = "suspicious_opener", PayeeSuspected = "payee_suspected",
        Allow = "allow",
    }
);
words!(
    /// Level of a list entry: how sure a case is, or what an `allow` entry allows.
    ListLevel {
        Confirmed = "confirmed_case", Police = "police_notified", Suspected = "suspected",
        Merchant = "merchant", Payroll = "payroll", Public = "public", Benign = "benign",
        Escrow = "escrow", SharedInfrastructure = "shared_infrastructure", Analyst = "analyst",
        Investment = "investment", Platform = "platform", Household = "household",
        Supplier = "supplier",
    }
);

/// Account events whose times are kept: what a thief or a fraudster's victim does first.
pub const MARKS: &[(&str, AccountEventKind)] = &[
    ("phone_bound", AccountEventKind::PhoneBound),
    ("device_bound", AccountEventKind::DeviceBound),
    ("credential_reset", AccountEventKind::CredentialReset),
    ("sim_change", AccountEventKind::SimChange),
    ("limit_changed", AccountEventKind::LimitChanged),
    ("payee_added", AccountEventKind::PayeeAdded),
];

/// What an `allow` entry with a counterparty allows between two parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum PairLevel {
    /// They belong to one household.
    Household = 0,
    /// An analyst has looked, for a time.
    Analyst = 1,
    /// The payee is an approved supplier of the payer.
    Supplier = 2,
}

impl PairLevel {
    /// Every word with its value.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("household", Self::Household), ("analyst", Self::Analyst), ("supplier", Self::Supplier)];

    /// The level of a list entry, if it is one of these.
    #[must_use]
    pub fn of(level: ListLevel) -> Option<Self> {
        match level {
            ListLevel::Household => Some(Self::Household),
            ListLevel::Analyst => Some(Self::Analyst),
            ListLevel::Supplier => Some(Self::Supplier),
            _ => None,
        }
    }
}

/// Merchant categories (ISO 18245) that sell what is as good as money.
pub mod goods {
    /// Gold and jewellery: precious stones and metals; jewellery shops.
    pub const GOLD: &[&str] = &["5094", "5944"];
    /// The rest: telephone top-ups, digital goods and games, gift shops, fuel, quasi cash.
    pub const OTHER: &[&str] =
        &["4813", "4814", "5541", "5542", "5815", "5816", "5817", "5818", "5947", "6051", "7994"];
}

/// Bits of [`Payment::session_flags`].
pub mod session {
    /// `screen_share`
    pub const SCREEN_SHARE: u8 = 1;
    /// `remote_control`
    pub const REMOTE_CONTROL: u8 = 2;
    /// `accessibility_abuse`
    pub const ACCESSIBILITY_ABUSE: u8 = 4;
    /// `in_call`
    pub const IN_CALL: u8 = 8;
    /// `emulator`
    pub const EMULATOR: u8 = 16;
    /// A flag this version does not know.
    pub const OTHER: u8 = 128;
}

/// One side of a payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Account number or token; never empty.
    pub account: Text,
    /// Naming scheme of `account`, if the record gave one.
    pub account_scheme: Text,
    /// BIC or clearing member id.
    pub bank: Text,
    /// Holder's name.
    pub name: Text,
    /// Customer token, for our own customers.
    pub customer: Text,
    /// Token of the holder's identity document, where banks share one.
    pub id_token: Text,
    /// Kind of customer.
    pub customer_type: Option<CustomerType>,
    /// Booked balance after this payment, minor units of the payment's currency.
    pub balance_after_minor: Option<i64>,
    /// Available balance after this payment, minor units.
    pub available_after_minor: Option<i64>,
    /// Class of the account.
    pub account_class: Option<AccountClass>,
    /// When the account was opened.
    pub opened_at_ms: Option<Millis>,
    /// The bank's grade.
    pub risk_grade: Option<RiskGrade>,
    /// Holder's age in years.
    pub age_years: Option<u8>,
    /// Occupation class, as the bank codes it.
    pub occupation_class: Text,
    /// Declared monthly income, minor units.
    pub income_monthly_minor: Option<i64>,
}

impl Party {
    /// Every text of it.
    pub fn texts_mut(&mut self) -> [&mut Text; 7] {
        [
            &mut self.account,
            &mut self.account_scheme,
            &mut self.bank,
            &mut self.name,
            &mut self.customer,
            &mut self.id_token,
            &mut self.occupation_class,
        ]
    }
}

/// A place: micro-degrees, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geo {
    /// Latitude in micro-degrees, north positive.
    pub lat_udeg: i32,
    /// Longitude in micro-degrees, east positive.
    pub lon_udeg: i32,
    /// Radius of uncertainty in metres, if known.
    pub accuracy_m: Option<u32>,
}

/// A `payment.v1` record: one status of one payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Unique per status change.
    pub event_id: Text,
    /// The payment, across its statuses.
    pub payment_id: Text,
    /// Original end-to-end reference.
    pub end_to_end_id: Text,
    /// Original instruction reference.
    pub instruction_id: Text,
    /// Unique end-to-end transaction reference.
    pub uetr: Text,
    /// The status this record reports.
    pub status: PaymentStatus,
    /// Positive amount.
    pub amount: Money,
    /// Who pays.
    pub payer: Party,
    /// Who is paid.
    pub payee: Party,
    /// How money moves.
    pub payment_type: PaymentType,
    /// What it is for.
    pub category: Option<Category>,
    /// Merchant category code.
    pub mcc: Text,
    /// Purpose, as given.
    pub purpose: Text,
    /// Where it was ordered.
    pub channel: Channel,
    /// Terminal.
    pub terminal_id: Text,
    /// Where the terminal stands.
    pub terminal_geo: Option<Geo>,
    /// Country in which it stands.
    pub terminal_country: Option<Country>,
    /// Device that ordered it.
    pub device_id: Text,
    /// Its network address.
    pub device_ip: Text,
    /// Its wireless network.
    pub device_bssid: Text,
    /// Where it was.
    pub device_geo: Option<Geo>,
    /// Country in which it was.
    pub device_country: Option<Country>,
    /// Bits of [`session`]; `None` when the record carried no session.
    pub session_flags: Option<u8>,
    /// Session.
    pub session_id: Text,
    /// Outcome of the name check.
    pub payee_check: Option<PayeeCheck>,
    /// Free text; never an instruction to software.
    pub memo: Text,
    /// Until when the payment waits for us.
    pub hold_deadline_ms: Option<Millis>,
    /// System that sent the record.
    pub source_system: Text,
    /// Topic it came from there.
    pub source_topic: Text,
    /// Its time there.
    pub source_time_ms: Option<Millis>,
}

impl Payment {
    /// A payment of which only what every record must say is known.
    #[must_use]
    pub fn new(
        event_id: Text,
        payment_id: Text,
        status: PaymentStatus,
        amount: Money,
        payer: Party,
        payee: Party,
        payment_type: PaymentType,
        channel: Channel,
    ) -> Self {
        Self {
            event_id,
            payment_id,
            end_to_end_id: Text::NONE,
            instruction_id: Text::NONE,
            uetr: Text::NONE,
            status,
            amount,
            payer,
            payee,
            payment_type,
            category: None,
            mcc: Text::NONE,
            purpose: Text::NONE,
            channel,
            terminal_id: Text::NONE,
            terminal_geo: None,
            terminal_country: None,
            device_id: Text::NONE,
            device_ip: Text::NONE,
            device_bssid: Text::NONE,
            device_geo: None,
            device_country: None,
            session_flags: None,
            session_id: Text::NONE,
            payee_check: None,
            memo: Text::NONE,
            hold_deadline_ms: None,
            source_system: Text::NONE,
            source_topic: Text::NONE,
            source_time_ms: None,
        }
    }

    /// Every text of it.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut Text> {
        let own = [
            &mut self.event_id,
            &mut self.payment_id,
            &mut self.end_to_end_id,
            &mut self.instruction_id,
            &mut self.uetr,
            &mut self.mcc,
            &mut self.purpose,
            &mut self.terminal_id,
            &mut self.device_id,
            &mut self.device_ip,
            &mut self.device_bssid,
            &mut self.session_id,
            &mut self.memo,
            &mut self.source_system,
            &mut self.source_topic,
        ];
        let parties = [&mut self.payer, &mut self.payee];
        own.into_iter().chain(parties.into_iter().flat_map(Party::texts_mut))
    }
}

/// An `account.v1` record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEvent {
    /// Unique per record, if given.
    pub event_id: Text,
    /// What happened.
    pub kind: AccountEventKind,
    /// The account.
    pub account: Text,
    /// Its customer.
    pub customer: Text,
    /// Branch that owns it.
    pub branch: Text,
    /// Device used at opening.
    pub opening_device: Text,
    /// Phone bound.
    pub phone_token: Text,
    /// Agent who opened it.
    pub agent_token: Text,
    /// Employer in a batch opening.
    pub employer_token: Text,
    /// Why it was opened, if that was said.
    pub reason: Option<OpeningReason>,
    /// Where it happened: the branch, or the device.
    pub geo: Option<Geo>,
    /// Kind of customer, if known.
    pub customer_type: Option<CustomerType>,
    /// Class after the event.
    pub account_class: Option<AccountClass>,
    /// Grade after the event.
    pub risk_grade: Option<RiskGrade>,
    /// Payment limit before a change of limit.
    pub limit_before: Option<Money>,
    /// Payment limit after it.
    pub limit_after: Option<Money>,
}

impl AccountEvent {
    /// Every text of it.
    pub fn texts_mut(&mut self) -> [&mut Text; 8] {
        [
            &mut self.event_id,
            &mut self.account,
            &mut self.customer,
            &mut self.branch,
            &mut self.opening_device,
            &mut self.phone_token,
            &mut self.agent_token,
            &mut self.employer_token,
        ]
    }
}

/// A `registry.v1` record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryEvent {
    /// The enterprise: the customer token of its accounts.
    pub enterprise: Text,
    /// What the register says.
    pub status: RegistryStatus,
    /// Since when; absent: since the record's time.
    pub as_of_ms: Option<Millis>,
    /// Which register.
    pub source: Text,
}

/// A `feedback.v1` record. What names the payment is repeated from the alert's target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackEvent {
    /// Unique per record.
    pub feedback_id: Text,
    /// The alert.
    pub alert_id: Text,
    /// How far it has come.
    pub stage: FeedbackStage,
    /// The measure that was carried out.
    pub action: Option<Action>,
    /// What was found out.
    pub verdict: Option<Verdict>,
    /// The payer's account.
    pub payer: Text,
    /// The payee's account.
    pub payee: Text,
    /// The payment.
    pub payment_id: Text,
}

/// What a list record does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListOp {
    /// Add or replace.
    Upsert,
    /// End it at `valid_to`, or at the record's time.
    Expire,
}

/// A `list.v1` record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEvent {
    /// Name of the entry, if given; else subject, category and level name it.
    pub entry_id: Text,
    /// Add or end.
    pub op: ListOp,
    /// Kind of subject.
    pub subject_kind: EntityKind,
    /// The subject's number or token.
    pub subject: Text,
    /// Account or customer on the other side, for an entry that only means the two of them.
    pub counterparty: Text,
    /// Category.
    pub category: ListCategory,
    /// Level.
    pub level: Option<ListLevel>,
    /// Valid from (inclusive); absent: since ever.
    pub valid_from_ms: Option<Millis>,
    /// Valid to (exclusive); absent: for good.
    pub valid_to_ms: Option<Millis>,
    /// Who says so.
    pub source: Text,
    /// On what ground.
    pub legal_basis: Text,
    /// What the entry may be used for.
    pub purpose: Text,
    /// Who made the entry.
    pub author: Text,
    /// Who agreed to it.
    pub approver: Text,
}

/// A `control.v1` record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlEvent {
    /// The control.
    pub control_id: Text,
    /// The account it lies on.
    pub account: Text,
    /// What it does.
    pub kind: Action,
    /// Limited or full.
    pub mode: Option<ControlMode>,
    /// Amount of a limited one.
    pub amount: Option<Money>,
    /// In force from (inclusive).
    pub from_ms: Millis,
    /// In force to (exclusive); absent: until released.
    pub to_ms: Option<Millis>,
    /// Number of this extension.
    pub extension_no: Option<u32>,
    /// Who ordered it.
    pub authority: Text,
    /// When it was released.
    pub released_at_ms: Option<Millis>,
}
