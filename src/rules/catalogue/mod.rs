//! The one catalogue of the rule language: every record, field, function and aggregate, with types,
//! unit and words. The checker reads it, did-you-mean searches it, and `rules/README.md` is printed
//! from it.
//!
//! - `members`: the table; `makes`: what the compiler makes of an entry
//! - `arg`: arguments of functions; `words`: closed sets of words

mod arg;
mod makes;
mod members;
mod words;

pub use arg::Arg;
pub use makes::Makes;
pub use members::MEMBERS;
pub use words::{SESSION_BITS, WordSet, Words};

use super::plan::program::Type;
use super::plan::view::Role;

/// What a dot can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// `payer`, `payee`
    Account,
    /// `payer_customer`, `payee_customer`
    Customer,
    /// `device`
    Device,
    /// `network`
    Network,
    /// `phone`
    Phone,
    /// `agent`
    Agent,
    /// `opening`
    Opening,
    /// `payment`
    Payment,
    /// `pair`
    Pair,
    /// What `debits(…)` and `credits(…)` give.
    Entries,
    /// What `uses(…)` of a device gives.
    Uses,
    /// What `uses(…)` of a network gives.
    Traffic,
    /// What `flow(…)` gives.
    Flow,
    /// What `history(…)` gives.
    History,
    /// What `signals(…)` gives.
    Signals,
}

impl Owner {
    /// Every owner with its heading in the reference, in its order.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Payment, "payment"),
        (Self::Opening, "opening"),
        (Self::Account, "payer, payee, account"),
        (Self::Customer, "payer_customer, payee_customer, customer"),
        (Self::Device, "device"),
        (Self::Network, "network"),
        (Self::Phone, "phone"),
        (Self::Agent, "agent"),
        (Self::Pair, "pair"),
        (Self::Entries, "entries"),
        (Self::Flow, "flow"),
        (Self::Uses, "uses"),
        (Self::Traffic, "uses of a network"),
        (Self::History, "history"),
        (Self::Signals, "signals"),
    ];

    /// How it is called in messages and in the reference.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(owner, _)| *owner == self).map_or("", |(_, word)| word)
    }
}

/// Names an expression may begin with.
pub const RECORDS: &[(&str, Owner, Option<Role>)] = &[
    ("payment", Owner::Payment, None),
    ("payer", Owner::Account, Some(Role::Payer)),
    ("payee", Owner::Account, Some(Role::Payee)),
    ("payer_customer", Owner::Customer, Some(Role::PayerCustomer)),
    ("payee_customer", Owner::Customer, Some(Role::PayeeCustomer)),
    ("device", Owner::Device, Some(Role::Device)),
    ("network", Owner::Network, Some(Role::Network)),
    ("opening", Owner::Opening, None),
    ("account", Owner::Account, Some(Role::Payer)),
    ("customer", Owner::Customer, Some(Role::PayerCustomer)),
    ("phone", Owner::Phone, Some(Role::Phone)),
    ("agent", Owner::Agent, Some(Role::Agent)),
    ("pair", Owner::Pair, Some(Role::Payer)),
];

/// What a member gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// A value.
    Value(Type),
    /// A word of a set.
    Word(WordSet),
    /// Something that a dot can follow.
    Record(Owner),
}

/// One field or function.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// What stands before the dot.
    pub owner: Owner,
    /// Its name.
    pub name: &'static str,
    /// `None` for a field; arguments of a function.
    pub args: Option<&'static [Arg]>,
    /// What it gives.
    pub gives: Gives,
    /// What the compiler makes of it.
    pub makes: Makes,
    /// What it means, in Chinese.
    pub zh: &'static str,
    /// What it means, in English.
    pub en: &'static str,
}

/// Functions that stand alone: signature, Chinese, English.
pub const FUNCTIONS: &[(&str, &str, &str, &str)] = &[
    ("has", "has(x)", "x 是否有值；本身从不缺值", "whether x has a value; never missing itself"),
    ("max", "max(a, b)", "较大者", "the larger"),
    ("min", "min(a, b)", "较小者", "the smaller"),
    ("money", "money('10000.00')", "金额常量", "an amount in the pack's currency"),
    ("duration", "duration('10m')", "时长常量", "a duration: s, m, h, d"),
];

/// The member of an owner with a name.
#[must_use]
pub fn member(owner: Owner, name: &str) -> Option<&'static Member> {
    MEMBERS.iter().find(|m| m.owner == owner && m.name == name)
}

/// Names of an owner's members.
pub fn names(owner: Owner) -> impl Iterator<Item = &'static str> + Clone {
    MEMBERS.iter().filter(move |m| m.owner == owner).map(|m| m.name)
}

/// What a type is called in messages and in the reference.
#[must_use]
pub fn type_word(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "yes/no",
        Type::Int => "a whole number",
        Type::Money => "an amount of money",
        Type::Double => "a ratio",
        Type::Duration => "a duration",
        Type::Enum => "a word",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_within_an_owner() {
        for (index, member) in MEMBERS.iter().enumerate() {
            let again =
                MEMBERS[..index].iter().any(|m| (m.owner, m.name) == (member.owner, member.name));
            assert!(!again, "{:?}.{}", member.owner, member.name);
        }
    }
}
