//! Arguments of the language's functions: what each takes, and how it is shown.

use super::words::WordSet;
use crate::limits;

/// An argument of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A duration up to the longest window.
    Window,
    /// Whole days, 1 to the bound.
    Days(i32),
    /// Whole weeks, up to half of what a rhythm is looked for in.
    Weeks,
    /// A fraction of one.
    Share,
    /// A small number of counterparties.
    Rank,
    /// An amount.
    Amount,
    /// An amount above zero.
    Step,
    /// One or more entry flags.
    Flags,
    /// One or more payment types.
    Types,
    /// One or more channels.
    Channels,
    /// A time of day.
    Clock,
    /// A factor of at least one thousandth.
    Factor,
    /// Kilometres.
    Km,
    /// A list's category.
    ListCategory,
    /// A list's level; may be left out.
    ListLevel,
    /// A control.
    Control,
    /// A session flag.
    SessionFlag,
    /// An account event that is kept.
    AccountEvent,
    /// A status in the register of enterprises.
    RegistryStatus,
    /// What the bank found out.
    Verdict,
    /// What two parties are allowed.
    PairLevel,
    /// A rule's id.
    Rule,
    /// Entries of the same account.
    Entries,
}

impl Arg {
    /// The set whose words it takes, if it takes any.
    #[must_use]
    pub fn words(self) -> Option<WordSet> {
        match self {
            Self::Flags => Some(WordSet::EntryFlag),
            Self::Types => Some(WordSet::PaymentType),
            Self::Channels => Some(WordSet::Channel),
            Self::ListCategory => Some(WordSet::ListCategory),
            Self::ListLevel => Some(WordSet::ListLevel),
            Self::Control => Some(WordSet::Control),
            Self::SessionFlag => Some(WordSet::Session),
            Self::AccountEvent => Some(WordSet::AccountEvent),
            Self::RegistryStatus => Some(WordSet::Registry),
            Self::Verdict => Some(WordSet::Verdict),
            Self::PairLevel => Some(WordSet::PairLevel),
            _ => None,
        }
    }

    /// Whether it may be given several times.
    #[must_use]
    pub fn is_variadic(self) -> bool {
        matches!(self, Self::Flags | Self::Types | Self::Channels)
    }

    /// How it is shown in a signature.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Window => "window".to_owned(),
            Self::Days(max) => format!("days ≤ {max}"),
            Self::Weeks => format!("weeks ≤ {}", limits::RHYTHM_WEEKS / 2),
            Self::Share => "share".to_owned(),
            Self::Rank => "k".to_owned(),
            Self::Amount | Self::Step => "amount".to_owned(),
            Self::Flags => "flag, …".to_owned(),
            Self::Types => "type, …".to_owned(),
            Self::Channels => "channel, …".to_owned(),
            Self::Clock => "'hh:mm'".to_owned(),
            Self::Factor => "factor".to_owned(),
            Self::Km => "km".to_owned(),
            Self::ListCategory => "category".to_owned(),
            Self::ListLevel => "[level]".to_owned(),
            Self::Control => "control".to_owned(),
            Self::SessionFlag => "flag".to_owned(),
            Self::AccountEvent => "event".to_owned(),
            Self::RegistryStatus => "status".to_owned(),
            Self::Verdict => "verdict".to_owned(),
            Self::PairLevel => "level".to_owned(),
            Self::Rule => "'rule'".to_owned(),
            Self::Entries => "entries".to_owned(),
        }
    }
}
