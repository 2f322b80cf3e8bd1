//! The closed sets of words of the language: out of the model's tables, so that the two cannot
//! differ.

use std::sync::LazyLock;

use crate::model::event::{
    AccountClass, Category, Channel, CustomerType, ListCategory, ListLevel, MARKS, OpeningReason,
    PairLevel, PayeeCheck, PaymentStatus, PaymentType, RegistryStatus, RiskGrade, Verdict, session,
};
use crate::model::measure::Action;
use crate::rules::plan::view::flag;

/// A closed set of words, in the order of their numbers.
pub type Words = &'static [&'static str];

/// Declares the closed sets out of the model's tables, so that the two cannot differ.
macro_rules! word_sets {
    ($($(#[$doc:meta])* $name:ident = $title:literal from $from:path;)*) => {
        /// A closed set of words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum WordSet { $($(#[$doc])* $name,)* }
        impl WordSet {
            /// Every set.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// Its name.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
            /// Its words, in the order of their numbers.
            #[must_use]
            pub fn words(self) -> Words {
                match self {
                    $(Self::$name => {
                        static WORDS: LazyLock<Vec<&'static str>> =
                            LazyLock::new(|| $from.iter().map(|(word, _)| *word).collect());
                        &WORDS
                    })*
                }
            }
        }
    };
}

word_sets! {
    /// Words of a payment's status.
    Status = "status" from PaymentStatus::WORDS;
    /// Words of a payment's type.
    PaymentType = "payment type" from PaymentType::WORDS;
    /// Words of a channel.
    Channel = "channel" from Channel::WORDS;
    /// Words of a category.
    Category = "category" from Category::WORDS;
    /// Words of a name check.
    PayeeCheck = "payee check" from PayeeCheck::WORDS;
    /// Words of why an account was opened.
    OpeningReason = "opening reason" from OpeningReason::WORDS;
    /// Words of a kind of customer.
    CustomerType = "customer type" from CustomerType::WORDS;
    /// Words of an account's class.
    AccountClass = "account class" from AccountClass::WORDS;
    /// Words of a grade.
    Grade = "grade" from RiskGrade::WORDS;
    /// Words of a list's category.
    ListCategory = "list category" from ListCategory::WORDS;
    /// Words of a list's level.
    ListLevel = "list level" from ListLevel::WORDS;
    /// Words of a control.
    Control = "control" from Action::WORDS;
    /// Words of a session flag.
    Session = "session flag" from SESSION_BITS;
    /// Words of account events that are kept.
    AccountEvent = "account event" from MARKS;
    /// Words of an enterprise's status.
    Registry = "registry status" from RegistryStatus::WORDS;
    /// Words of what the bank found out.
    Verdict = "verdict" from Verdict::WORDS;
    /// Words of what two parties are allowed.
    PairLevel = "pair level" from PairLevel::WORDS;
    /// Words of an entry's flags.
    EntryFlag = "entry flag" from flag::WORDS;
}

/// Session flags with their bits.
pub const SESSION_BITS: &[(&str, u8)] = &[
    ("screen_share", session::SCREEN_SHARE),
    ("remote_control", session::REMOTE_CONTROL),
    ("accessibility_abuse", session::ACCESSIBILITY_ABUSE),
    ("in_call", session::IN_CALL),
    ("emulator", session::EMULATOR),
    ("other", session::OTHER),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_numbered_like_the_model() {
        assert_eq!(WordSet::Grade.words()[RiskGrade::High as usize], "high");
        assert_eq!(WordSet::Category.words()[Category::Verification as usize], "verification");
        assert_eq!(WordSet::AccountClass.words()[AccountClass::III as usize], "III");
        assert_eq!(WordSet::PayeeCheck.words()[PayeeCheck::Unavailable as usize], "unavailable");
    }
}
