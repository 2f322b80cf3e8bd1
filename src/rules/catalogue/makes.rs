//! What the compiler makes of a field or function.

use crate::rules::plan::feature::PaymentField;
use crate::rules::plan::view::{Direction, Role};

/// How a member is computed: what the compiler makes of it.
#[derive(Clone, Copy, Debug)]
pub enum Makes {
    /// A field of the payment.
    Field(PaymentField),
    /// A field of one side of the payment; `None` where that side has none.
    SideField(fn(Role) -> Option<PaymentField>),
    /// A session flag.
    Session,
    /// Entries of one direction.
    Entries(Direction),
    /// Entries of both directions.
    Flow,
    /// Less the entries with a flag.
    Without,
    /// Only the entries with a flag.
    Only,
    /// Only payment types.
    OfType,
    /// Only channels.
    ByChannel,
    /// Only from an amount on.
    AtLeast,
    /// Only up to an amount.
    AtMost,
    /// Only below an amount.
    Below,
    /// Only multiples of an amount.
    MultipleOf,
    /// Only amounts near the present one.
    Near,
    /// Only at hours of the day.
    Between,
    /// Only with the other side of the present payment.
    SameParty,
    /// Only with parties first met in the window.
    Strangers,
    /// Number of entries.
    Count,
    /// Sum.
    Sum,
    /// Largest.
    Max,
    /// Smallest.
    Min,
    /// Distinct counterparties.
    Counterparties,
    /// Share of the biggest.
    TopShare,
    /// Share of new counterparties.
    NewShare,
    /// Share of the commonest amounts.
    ValueShare,
    /// Mean.
    Average,
    /// Standard deviation.
    Deviation,
    /// Rising run.
    Climb,
    /// Its first amount.
    ClimbFrom,
    /// Age of the oldest.
    SinceFirst,
    /// Age of the newest.
    SinceLast,
    /// Whether the payment's own amount is a multiple.
    IsMultipleOf,
    /// Whether the payment's own time lies in hours of the day.
    IsBetween,
    /// Debits over credits.
    Ratio,
    /// Median stay.
    Dwell,
    /// Fillings and emptyings.
    Cycles,
    /// Sleep before the window.
    IdleBefore,
    /// Day buckets.
    History,
    /// Number in them.
    HistoryCount(Direction),
    /// Sum in them.
    HistorySum(Direction),
    /// Share of debits at night.
    HistoryNightShare,
    /// Weeks with the same habit.
    HistoryWeeks(Direction),
    /// [`crate::rules::plan::feature::StateFeature::Rhythm`].
    Rhythm(Direction),
    /// New payers.
    HistoryNewPayers,
    /// Median of the days.
    HistoryDayMedian,
    /// Mean credit.
    HistoryTicket,
    /// Quantile of debits.
    HistoryQuantile,
    /// Payments of the pair.
    PairCount,
    /// Age of the pair.
    PairAge,
    /// Age of the account.
    Age,
    /// Grade.
    Grade,
    /// Kind of customer.
    CustomerType,
    /// Class.
    AccountClass,
    /// List look-up.
    Listed,
    /// Control look-up.
    Controlled,
    /// Time since an account event.
    Since,
    /// Time since a verdict.
    SinceVerdict,
    /// Raised limit.
    LimitRaised,
    /// Status in the register.
    Registered,
    /// Age of the register's record.
    RegistryFresh,
    /// Blocked payment (payer only).
    Blocked,
    /// Payments since (payer only).
    RetriedSum,
    /// Their number (payer only).
    RetriedCount,
    /// What the parties are allowed.
    PairAllowed,
    /// Confirmed by the customer.
    PairVerified,
    /// New user of the device.
    NewUser,
    /// Distance travelled (payer only).
    TravelKm,
    /// Speed of it (payer only).
    TravelSpeed,
    /// Entries that others follow.
    FollowedBy,
    /// Entries that none follows.
    NotFollowedBy,
    /// What is remembered of a rule.
    Signals,
    /// Their number.
    SignalCount,
    /// Accounts they came from.
    SignalAccounts,
    /// Accounts that signals from the same accounts are about.
    SignalPeers,
    /// Those with another rule's signal.
    SignalPeersWith,
    /// Accounts opened.
    Openings,
    /// All that are remembered.
    OpeningsTotal,
    /// Customers they were opened for.
    OpenedFor,
    /// Customers of a telephone.
    PhoneCustomers,
    /// Age of the account, exact.
    AgeTime,
    /// Same device as at the opening (payer only).
    OnOpeningDevice,
    /// Distance from the opening (payer only).
    OpeningKm,
    /// Distance from where the account was used before the window (payer only).
    MovedKm,
    /// Terminals of cash withdrawals (payer only).
    CashTerminals,
    /// [`crate::rules::plan::feature::StateFeature::Terminals`].
    Terminals,
    /// Where the device was last seen (payer only).
    SeenAtHome,
}
