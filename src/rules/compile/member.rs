//! Fields and functions of records, by the catalogue.

use std::ops::Range;

use super::lower::Lowering;
use super::operand::{Operand, Typed};
use crate::limits;
use crate::model::event::{ListCategory, ListLevel};
use crate::model::measure::Action;
use crate::rules::catalogue::{
    self, Arg, Gives, Makes, Member, Owner, SESSION_BITS, WordSet, type_word,
};
use crate::rules::diagnostics::meant_or_list;
use crate::rules::expr::Expr;
use crate::rules::plan::feature::{FlowView, PaymentField, Role, StateFeature, View, flag};
use crate::rules::plan::program::Type;

impl Lowering<'_, '_> {
    /// `on.name` or `on.name(args)`.
    pub(super) fn member(
        &mut self,
        on: &Expr,
        name: &str,
        args: Option<&[Expr]>,
        span: &Range<usize>,
    ) -> Option<Operand> {
        let base = self.operand(on)?;
        let name_span = on.span.end..span.end;
        if matches!(base, Operand::Params) {
            return self.param(name, span);
        }
        let Some((owner, role)) = base.owner() else {
            let message = format!("{} has no `{name}`", base.describe());
            return self.fail(&name_span, message, "nothing to ask for here", None);
        };
        let Some(member) = catalogue::member(owner, name) else {
            let message = format!("{} has no `{name}`", owner.word());
            let hint = meant_or_list(name, catalogue::names(owner));
            return self.fail(&name_span, message, "not known", Some(hint));
        };
        let args = match (member.args, args) {
            (None, None) => Vec::new(),
            (None, Some(_)) => {
                let message = format!("`{name}` is a field, not a function");
                let hint = format!("write `{name}` without brackets");
                return self.fail(&name_span, message, "a field", Some(hint));
            }
            (Some(_), None) => {
                let message = format!("`{name}` is a function");
                let hint = format!("write `{}`", signature(member));
                return self.fail(&name_span, message, "not called", Some(hint));
            }
            (Some(wanted), Some(given)) => self.args(member, wanted, given, span)?,
        };
        match self.make(member, &base, role, &args) {
            Some(operand) => Some(operand),
            None => {
                let side = role.map_or("", |role| match role {
                    Role::Payee | Role::PayeeCustomer => "the payee",
                    _ => "this record",
                });
                self.fail(
                    &name_span,
                    format!("`{name}` is not known of {side}"),
                    "payer only",
                    None,
                )
            }
        }
    }

    fn param(&mut self, name: &str, span: &Range<usize>) -> Option<Operand> {
        if let Some(value) = self.scope.params.get(name) {
            return value.clone();
        }
        let names: Vec<String> = self.scope.params.keys().cloned().collect();
        let hint = match names.is_empty() {
            true => "there are no [params]".to_owned(),
            false => meant_or_list(name, names.iter().map(String::as_str)),
        };
        self.fail(span, format!("unknown parameter `{name}`"), "not under [params]", Some(hint))
    }

    /// Checks and reads arguments; all come out as integers (words as their numbers).
    fn args(
        &mut self,
        member: &Member,
        wanted: &[Arg],
        given: &[Expr],
        span: &Range<usize>,
    ) -> Option<Vec<i64>> {
        let variadic = wanted == [Arg::Flags];
        let least = wanted.iter().filter(|a| **a != Arg::ListLevel).count();
        let most = if variadic { flag::WORDS.len() } else { wanted.len() };
        if given.len() < least || given.len() > most {
            let message = format!("wrong number of arguments for `{}`", member.name);
            let hint = format!("write `{}`", signature(member));
            return self.fail(span, message, "here", Some(hint));
        }
        let mut values = Vec::new();
        let mut all_good = true;
        for (index, expr) in given.iter().enumerate() {
            let arg = if variadic { Arg::Flags } else { wanted[index] };
            match self.arg(arg, expr) {
                Some(value) => values.push(value),
                None => all_good = false,
            }
        }
        all_good.then_some(values)
    }

    fn arg(&mut self, arg: Arg, expr: &Expr) -> Option<i64> {
        let set = match arg {
            Arg::Flags => WordSet::EntryFlag,
            Arg::ListCategory => WordSet::ListCategory,
            Arg::ListLevel => WordSet::ListLevel,
            Arg::Control => WordSet::Control,
            Arg::SessionFlag => WordSet::Session,
            _ => return self.number_arg(arg, expr),
        };
        match self.operand(expr)? {
            Operand::Text(word) => self.word_number(set, &word, &expr.span),
            other => {
                let message = format!("expected a {}, found {}", set.title(), other.describe());
                let hint = format!("one of: {}", set.words().join(", "));
                self.fail(&expr.span, message, "a word in quotes belongs here", Some(hint))
            }
        }
    }

    fn number_arg(&mut self, arg: Arg, expr: &Expr) -> Option<i64> {
        let operand = self.operand(expr)?;
        let (ty, range) = match arg {
            Arg::Window => (Type::Duration, 1..=limits::WINDOW_MAX),
            Arg::Days(max) => (Type::Int, 1..=i64::from(max)),
            Arg::Rank => (Type::Int, 1..=16),
            Arg::Amount => (Type::Money, 0..=limits::AMOUNT_MINOR_MAX),
            _ => (Type::Double, 1..=1_000_000),
        };
        let Operand::Value(Typed { ty: found, constant, millionths, .. }) = operand else {
            let message = format!("expected {}, found {}", type_word(ty), operand.describe());
            let hint = (ty == Type::Duration).then(|| "write duration('10m')".to_owned());
            return self.fail(&expr.span, message, "wrong type", hint);
        };
        if found != ty {
            let message = format!("expected {}, found {}", type_word(ty), type_word(found));
            return self.fail(&expr.span, message, "wrong type", None);
        }
        let Some(cell) = constant else {
            let message = "this must be fixed when the pack is loaded";
            let hint = "a parameter with `by_grade` is not fixed".to_owned();
            return self.fail(&expr.span, message, "not fixed", Some(hint));
        };
        let value = if ty == Type::Double { millionths } else { Some(cell) };
        match value.filter(|value| range.contains(value)) {
            Some(value) => Some(value),
            None => self.out_of_range(arg, expr),
        }
    }

    fn out_of_range(&mut self, arg: Arg, expr: &Expr) -> Option<i64> {
        let (message, hint) = match arg {
            Arg::Window => {
                let days = limits::WINDOW_MAX / crate::model::time::DAY;
                let hint = "for longer memory use history(days) or pair.count(days)".to_owned();
                (format!("a window is at most {days} days long, and not empty"), Some(hint))
            }
            Arg::Days(max) => (format!("days must be 1 to {max}"), None),
            Arg::Rank => ("k must be 1 to 16".to_owned(), None),
            Arg::Amount => ("the amount is out of range".to_owned(), None),
            _ => ("a share is above 0 and at most 1, with at most 6 digits".to_owned(), None),
        };
        self.fail(&expr.span, message, "out of range", hint)
    }

    /// Makes the member. `None`: this side has no such field.
    fn make(
        &mut self,
        member: &Member,
        base: &Operand,
        role: Option<Role>,
        args: &[i64],
    ) -> Option<Operand> {
        let side = role.unwrap_or(Role::Payer);
        let feature = match member.makes {
            Makes::Field(field) => return Some(self.load_field(member, field)),
            Makes::SideField(field) => return Some(self.load_field(member, field(side)?)),
            Makes::Session => {
                let bit = SESSION_BITS[args[0] as usize].1;
                return Some(self.load_field(member, PaymentField::Session(bit)));
            }
            Makes::Entries(direction) => {
                let owner = match member.gives {
                    Gives::Record(owner) => owner,
                    _ => Owner::Entries,
                };
                let view = View { direction, window_ms: args[0], without: 0 };
                return Some(Operand::Entries(owner, side, view));
            }
            Makes::Flow => {
                return Some(Operand::Flow(side, FlowView { window_ms: args[0], without: 0 }));
            }
            Makes::Without => return Some(without(base, args)),
            Makes::History => return Some(Operand::History(side, args[0] as u16)),
            _ => state_feature(member.makes, base, args)?,
        };
        let id = self.builder.state(side, feature);
        Some(typed(member, id))
    }

    fn load_field(&mut self, member: &Member, field: PaymentField) -> Operand {
        let id = self.builder.field(field);
        typed(member, id)
    }
}

fn typed(member: &Member, id: crate::rules::plan::program::ExprId) -> Operand {
    let (ty, words) = match member.gives {
        Gives::Value(ty) => (ty, None),
        Gives::Word(set) => (Type::Enum, Some(set)),
        Gives::Record(_) => (Type::Bool, None),
    };
    Operand::Value(Typed { ty, id, words, constant: None, millionths: None })
}

fn without(base: &Operand, args: &[i64]) -> Operand {
    let flags = args.iter().fold(0, |flags, index| flags | flag::WORDS[*index as usize].1);
    match base.clone() {
        Operand::Entries(owner, role, mut view) => {
            view.without |= flags;
            Operand::Entries(owner, role, view)
        }
        Operand::Flow(role, mut view) => {
            view.without |= flags;
            Operand::Flow(role, view)
        }
        other => other,
    }
}

fn state_feature(makes: Makes, base: &Operand, args: &[i64]) -> Option<StateFeature> {
    let number = |index: usize| args.get(index).copied().unwrap_or_default();
    Some(match (makes, base) {
        (Makes::Count, Operand::Entries(_, _, view)) => StateFeature::Count(*view),
        (Makes::Sum, Operand::Entries(_, _, view)) => StateFeature::Sum(*view),
        (Makes::Max, Operand::Entries(_, _, view)) => StateFeature::Max(*view),
        (Makes::Min, Operand::Entries(_, _, view)) => StateFeature::Min(*view),
        (Makes::Counterparties, Operand::Entries(_, _, view)) => {
            StateFeature::Counterparties(*view)
        }
        (Makes::TopShare, Operand::Entries(_, _, view)) => {
            StateFeature::TopShare(*view, number(0) as u8)
        }
        (Makes::Ratio, Operand::Flow(_, view)) => StateFeature::FlowRatio(*view),
        (Makes::Dwell, Operand::Flow(_, view)) => StateFeature::Dwell(*view),
        (Makes::Cycles, Operand::Flow(_, view)) => StateFeature::Cycles {
            view: *view,
            min_in: number(0),
            floor: number(1),
            share_ppm: number(2),
        },
        (Makes::HistoryCount(direction), Operand::History(_, days)) => {
            StateFeature::HistoryCount(direction, *days)
        }
        (Makes::HistorySum(direction), Operand::History(_, days)) => {
            StateFeature::HistorySum(direction, *days)
        }
        (Makes::HistoryQuantile, Operand::History(_, days)) => {
            StateFeature::HistoryQuantile(*days, number(0) as u32)
        }
        (Makes::IdleBefore, _) => StateFeature::IdleBefore(number(0)),
        (Makes::PairCount, _) => StateFeature::PairCount(number(0) as u16),
        (Makes::PairAge, _) => StateFeature::PairAgeDays,
        (Makes::Age, _) => StateFeature::AgeDays,
        (Makes::Grade, _) => StateFeature::Grade,
        (Makes::CustomerType, _) => StateFeature::CustomerType,
        (Makes::AccountClass, _) => StateFeature::AccountClass,
        (Makes::Listed, _) => {
            let category = ListCategory::WORDS[number(0) as usize].1;
            let level = args.get(1).map(|level| ListLevel::WORDS[*level as usize].1);
            StateFeature::Listed(category, level)
        }
        (Makes::Controlled, _) => StateFeature::Controlled(Action::WORDS[number(0) as usize].1),
        _ => return None,
    })
}

/// A member as it is written: `debits(window)`.
#[must_use]
pub fn signature(member: &Member) -> String {
    match member.args {
        None => member.name.to_owned(),
        Some(args) => {
            let args: Vec<String> = args.iter().map(|arg| arg.word()).collect();
            format!("{}({})", member.name, args.join(", "))
        }
    }
}
