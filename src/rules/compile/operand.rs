//! What an expression means while it is compiled: a value with its type, or something a dot can
//! follow.

use std::ops::Range;

use crate::model::time::Millis;
use crate::rules::catalogue::{Owner, WordSet, type_word};
use crate::rules::plan::program::{ExprId, Type};
use crate::rules::plan::query::Query;
use crate::rules::plan::view::Role;

/// A value of the row, typed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Typed {
    pub(super) ty: Type,
    pub(super) id: ExprId,
    /// For enumerations.
    pub(super) words: Option<WordSet>,
    /// Its cell, when it is known at compile time.
    pub(super) constant: Option<i64>,
    /// For constant numbers: exact millionths, if it has them.
    pub(super) millionths: Option<i64>,
}

/// The meaning of an expression.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Value(Typed),
    /// A string: a word, waiting for what it is compared with.
    Text(String),
    List(Vec<(Operand, Range<usize>)>),
    Record(Owner, Option<Role>),
    /// What `debits`, `credits`, `uses` and `flow` give.
    Entries(Owner, Role, Query),
    History(Role, u16),
    /// Signals of a rule about a role's account, and the window; `None`: the rule is off.
    Signals(Role, Option<u16>, Millis),
    /// A window in working days.
    WorkingDays(u8),
    Params,
}

impl Operand {
    /// What a dot after it is looked up in.
    pub(super) fn owner(&self) -> Option<(Owner, Option<Role>)> {
        match self {
            Self::Record(owner, role) => Some((*owner, *role)),
            Self::Entries(owner, role, _) => Some((*owner, Some(*role))),
            Self::History(role, _) => Some((Owner::History, Some(*role))),
            Self::Signals(role, ..) => Some((Owner::Signals, Some(*role))),
            Self::Value(_) | Self::Text(_) | Self::List(_) => None,
            Self::WorkingDays(_) | Self::Params => None,
        }
    }

    /// How messages call it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Value(typed) => match typed.words {
                Some(set) => format!("a word ({})", set.title()),
                None => type_word(typed.ty).to_owned(),
            },
            Self::Text(_) => "a string".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::WorkingDays(_) => "working days".to_owned(),
            Self::Params => "the parameters".to_owned(),
            Self::Record(owner, _) => owner.word().to_owned(),
            Self::Entries(owner, ..) => owner.word().to_owned(),
            Self::History(..) => Owner::History.word().to_owned(),
            Self::Signals(..) => Owner::Signals.word().to_owned(),
        }
    }
}
