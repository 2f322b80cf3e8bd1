//! What the cells of a row hold, and how a visit computes them.

use crate::model::event::{
    AccountEventKind, ListCategory, ListLevel, PairLevel, RegistryStatus, Verdict,
};
use crate::model::measure::Action;
use crate::model::time::Millis;

use super::calendar::Span;
use super::program::Type;
use super::query::{Hours, Measure};
use super::view::{Direction, FlowView, Role, View};

/// What one cell of a role's part holds. Two rules that ask for the same value share the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StateFeature {
    /// Number of entries.
    Count(View),
    /// Sum of amounts in the pack's currency.
    Sum(View),
    /// Largest amount; missing when there is no entry.
    Max(View),
    /// Smallest amount; missing when there is no entry.
    Min(View),
    /// Distinct counterparties. On a device: distinct customers; on a network: distinct accounts.
    Counterparties(View),
    /// Share of the `k` biggest counterparties in the sum; missing when the sum is zero.
    TopShare(View, u8),
    /// Sum of debits over sum of credits; missing when there is no credit.
    FlowRatio(FlowView),
    /// Amount-weighted lower median of the time money stayed, first in first out, over money that
    /// came and left inside the window; missing when none did.
    Dwell(FlowView),
    /// How often the account was filled with at least `min_in` and emptied to at most the larger of
    /// `floor` and `share_ppm` millionths of what had come in.
    Cycles {
        /// The window.
        view: FlowView,
        /// Least credits of a cycle, minor units.
        min_in: i64,
        /// Residue that counts as empty, minor units.
        floor: i64,
        /// Or this share of the cycle's credits, in millionths.
        share_ppm: i64,
    },
    /// Time from the last debit at or before `t − window` to `t − window`: how long the account had
    /// slept; missing when no earlier debit is known.
    IdleBefore(Millis),
    /// Debits or credits in the last `days` days (today included, the present payment not).
    HistoryCount(Direction, u16),
    /// Their sum.
    HistorySum(Direction, u16),
    /// Share, by number, of debits between 00:00 and 05:00 in the last `days` days, today left out;
    /// missing when there is none.
    HistoryNightShare(u16),
    /// On how many of the same weekdays of the last eight weeks money went the same way in the
    /// present hour of the day.
    HistoryWeeks(Direction),
    /// Unbroken stretches of so many weeks, counted back from the present one and without it, in
    /// each of which money went this way between the account and the payment's other side.
    Rhythm(Direction, u8),
    /// Payers whose unbroken relation to the account began in the last `days` days, today and the
    /// present one included.
    HistoryNewPayers(u16),
    /// Quantile (in millionths) of debits in the last `days` days, the present payment not counted:
    /// upper edge of its bucket in a log-scale sketch; missing when there is none.
    HistoryQuantile(u16, u32),
    /// Lower median of the daily sums of credits, over the days of the last `days` before today
    /// that have one; missing when there is none.
    HistoryDayMedian(u16),
    /// Mean credit, rounded down, over the same days; missing when there is none.
    HistoryTicket(u16),
    /// What a question to the ledger gives: its number in [`super::Plan::queries`].
    Asked(u16, Measure),
    /// Number of the entries of a question that an entry of another follows, later and within a
    /// time: their numbers in [`super::Plan::queries`].
    FollowedBy(u16, u16, Millis),
    /// Number of those that are so old and that none has followed within the time.
    NotFollowedBy(u16, u16, Millis),
    /// Payments from the payer to this payee in the last `days` days, the present one not counted.
    PairCount(u16),
    /// Days since the first remembered payment of the payer to this payee; missing when there is
    /// none.
    PairAgeDays,
    /// Whole days since the account was opened; missing when unknown.
    AgeDays,
    /// Grade; missing when unknown.
    Grade,
    /// Kind of customer; missing when unknown.
    CustomerType,
    /// Class; missing when unknown.
    AccountClass,
    /// Whether a list entry of this category (and level, if given) is valid at the event's time.
    Listed(ListCategory, Option<ListLevel>),
    /// Whether a control of this kind is in force at the event's time.
    Controlled(Action),
    /// Time since the newest account event of a kind; missing when none is known.
    Since(AccountEventKind),
    /// Time since the bank last found this out about the account; missing when it never did.
    SinceVerdict(Verdict),
    /// The payment limit after the newest raise in the window; missing when there is none, or in
    /// another currency.
    LimitRaised(Millis),
    /// Whether the account's enterprise stands in the register like this; missing when unknown.
    Registered(RegistryStatus),
    /// Whether the register was asked within the last day; missing when nothing is known.
    RegistryFresh,
    /// Amount of the payer's newest payment that was blocked or delayed in the window; missing when
    /// there is none.
    Blocked(Millis),
    /// Sum of the payer's payments since that block, to other payees not met before it; missing
    /// when there is none.
    RetriedSum(Millis),
    /// Their number; missing when there is no block.
    RetriedCount(Millis),
    /// Whether a list entry allows the two parties to each other; of suppliers missing when the
    /// payer keeps none.
    PairAllowed(PairLevel),
    /// Whether the customer confirmed payments to this payee in the window.
    PairVerified(Millis),
    /// Whether the present user first used the device in the window, this use included.
    NewUser(Millis),
    /// Kilometres from the place of the payer's newest earlier payment, both located to within so
    /// many kilometres; missing when either is not.
    TravelKm(u32),
    /// Kilometres an hour between the two.
    TravelSpeed(u32),
    /// Distinct accounts opened in the window for the customer, on the device, with the telephone
    /// or by the agent, those that do not count left out.
    Openings(Span),
    /// The same as far as they are remembered.
    OpeningsTotal,
    /// Distinct customers of those accounts.
    OpenedFor(Span),
    /// Distinct customers that a telephone was ever bound to.
    PhoneCustomers,
    /// Time since the account was opened; missing when unknown.
    Age,
    /// Whether the payment's device is the one the account was opened on; missing when either is
    /// not known.
    OnOpeningDevice,
    /// Kilometres from where the account was opened, both located to within so many kilometres;
    /// missing when either is not.
    OpeningKm(u32),
    /// Kilometres from the newest day's first place before the window, both located to within so
    /// many kilometres; missing when either is not.
    MovedKm(Millis, u32),
    /// Distinct terminals of the payer's cash withdrawals in the window, the present one included.
    CashTerminals(Millis),
    /// Distinct terminals of all payments out in the window.
    Terminals(Millis),
    /// Whether the payer's device was last seen at home in the window; missing when its country is
    /// not known.
    SeenAtHome(Millis),
}

impl StateFeature {
    /// Type of the cell.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self {
            Self::Count(_) | Self::Counterparties(_) | Self::Cycles { .. } => Type::Int,
            Self::HistoryCount(..) | Self::HistoryNewPayers(_) => Type::Int,
            Self::HistoryWeeks(_) | Self::Rhythm(..) => Type::Int,
            Self::PairCount(_) | Self::PairAgeDays | Self::AgeDays => Type::Int,
            Self::Sum(_) | Self::Max(_) | Self::Min(_) => Type::Money,
            Self::HistorySum(..) | Self::HistoryQuantile(..) => Type::Money,
            Self::TopShare(..) | Self::FlowRatio(_) => Type::Double,
            Self::HistoryNightShare(_) => Type::Double,
            Self::HistoryDayMedian(_) | Self::HistoryTicket(_) => Type::Money,
            Self::MovedKm(..) | Self::CashTerminals(_) | Self::Terminals(_) => Type::Int,
            Self::SeenAtHome(_) | Self::OnOpeningDevice => Type::Bool,
            Self::Openings(_) | Self::OpeningsTotal | Self::OpenedFor(_) => Type::Int,
            Self::PhoneCustomers | Self::OpeningKm(_) => Type::Int,
            Self::Age => Type::Duration,
            Self::Dwell(_) | Self::IdleBefore(_) => Type::Duration,
            Self::Grade | Self::CustomerType | Self::AccountClass => Type::Enum,
            Self::Listed(..) | Self::Controlled(_) => Type::Bool,
            Self::Asked(_, measure) => measure.ty(),
            Self::FollowedBy(..) | Self::NotFollowedBy(..) => Type::Int,
            Self::Since(_) | Self::SinceVerdict(_) => Type::Duration,
            Self::LimitRaised(_) | Self::Blocked(_) | Self::RetriedSum(_) => Type::Money,
            Self::RetriedCount(_) | Self::TravelKm(_) | Self::TravelSpeed(_) => Type::Int,
            Self::Registered(_) | Self::RegistryFresh | Self::NewUser(_) => Type::Bool,
            Self::PairAllowed(_) | Self::PairVerified(_) => Type::Bool,
        }
    }

    /// Longest window of the ledger it reads; zero when it reads none; a question's is its
    /// query's.
    #[must_use]
    pub fn window_ms(&self) -> Millis {
        match self {
            Self::Count(v) | Self::Sum(v) | Self::Max(v) | Self::Min(v) => v.window_ms,
            Self::Counterparties(v) | Self::TopShare(v, _) => v.window_ms,
            Self::FlowRatio(v) | Self::Dwell(v) | Self::Cycles { view: v, .. } => v.window_ms,
            Self::IdleBefore(w) | Self::CashTerminals(w) | Self::Terminals(w) => *w,
            _ => 0,
        }
    }
}

/// What one cell of the payment part holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaymentField {
    /// Amount; missing when in another currency than the pack's.
    Amount,
    /// [`crate::model::event::PaymentStatus`].
    Status,
    /// [`crate::model::event::PaymentType`].
    PaymentType,
    /// [`crate::model::event::Channel`].
    Channel,
    /// [`crate::model::event::Category`]; missing when absent.
    Category,
    /// [`crate::model::event::PayeeCheck`]; missing when absent.
    PayeeCheck,
    /// A session flag, by its bit; missing when the record carried no session.
    Session(u8),
    /// Payer's or payee's booked balance after the payment; missing when absent.
    BalanceAfter(Role),
    /// Payer's or payee's available balance after the payment; missing when absent.
    AvailableAfter(Role),
    /// Payer's age in years; missing when absent.
    PayerAgeYears,
    /// Payer's or payee's declared monthly income; missing when absent.
    IncomeMonthly(Role),
    /// Whether both sides belong to one holder: the same customer token, or the same identity token
    /// and name.
    OwnTransfer,
    /// Whether payer and payee are the same account.
    SameAccount,
    /// Whether the amount is a multiple of this many minor units; missing in another currency.
    IsMultipleOf(i64),
    /// Whether the merchant sells what is as good as money; missing without a merchant category.
    IsGoods,
    /// Whether the event's time lies in these hours of the local day.
    IsBetween(Hours),
    /// Whether the event's day belongs to a festival of the policy.
    IsFestival,
    /// Whether the terminal stands in another country than the pack's; missing when either is not
    /// known.
    IsAbroad,
    /// [`crate::model::event::OpeningReason`] of an opening; missing when not given, and of
    /// payments.
    OpeningReason,
}

impl PaymentField {
    /// Type of the cell.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self {
            Self::Amount | Self::BalanceAfter(_) | Self::AvailableAfter(_) => Type::Money,
            Self::IncomeMonthly(_) => Type::Money,
            Self::Status | Self::PaymentType | Self::Channel | Self::Category => Type::Enum,
            Self::PayeeCheck | Self::OpeningReason => Type::Enum,
            Self::Session(_) | Self::OwnTransfer | Self::SameAccount => Type::Bool,
            Self::IsMultipleOf(_) | Self::IsBetween(_) => Type::Bool,
            Self::IsGoods | Self::IsFestival | Self::IsAbroad => Type::Bool,
            Self::PayerAgeYears => Type::Int,
        }
    }
}
