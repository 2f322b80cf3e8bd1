//! Measures: what an alert may ask for, weakest first, and who may order it.

use serde::{Deserialize, Serialize};

/// A measure on the control ladder. The order of the variants is the order of strength.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A person looks.
    Review,
    /// The customer proves identity again.
    Reverify,
    /// The payment waits, at most 24 hours, revocable.
    Delay,
    /// Debits only at the counter.
    CounterOnly,
    /// No debit, for as long as the control says: 48 hours, which may be extended once.
    StopPayment,
    /// Credits only, until released.
    CreditOnly,
    /// Neither credits nor debits, until released.
    NoCreditNoDebit,
    /// Frozen by an authority, wholly or up to an amount.
    Freeze,
    /// Refuse to open the account.
    RejectOpening,
}

impl Action {
    /// All measures with their words, weakest first.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("review", Self::Review),
        ("reverify", Self::Reverify),
        ("delay", Self::Delay),
        ("counter_only", Self::CounterOnly),
        ("stop_payment", Self::StopPayment),
        ("credit_only", Self::CreditOnly),
        ("no_credit_no_debit", Self::NoCreditNoDebit),
        ("freeze", Self::Freeze),
        ("reject_opening", Self::RejectOpening),
    ];

    /// The word used in messages and files.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }

    /// Reads a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(w, _)| *w == word).map(|(_, action)| *action)
    }

    /// Whether the circuit breaker counts it: it takes money out of a customer's reach.
    #[must_use]
    pub fn is_strong(self) -> bool {
        self >= Self::CounterOnly
    }
}

/// How much of an account a control covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlMode {
    /// Up to an amount.
    Limited,
    /// The whole account or payment.
    Full,
}

/// Who may order a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The bank on its own.
    BankOwn,
    /// Only the police, through their platform.
    PoliceRequired,
    /// Nobody has to act.
    Informational,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_in_the_order_of_strength() {
        for (index, (word, action)) in Action::WORDS.iter().enumerate() {
            assert_eq!(*action as usize, index);
            assert_eq!(Action::parse(word), Some(*action));
            assert_eq!(action.word(), *word);
        }
    }
}
