//! Fields and functions of records, by the catalogue.

use std::ops::Range;

use super::literal;
use super::lower::Lowering;
use super::operand::{Operand, Typed};
use crate::model::event::{ListCategory, ListLevel, MARKS, PairLevel, RegistryStatus, Verdict};
use crate::model::measure::Action;
use crate::rules::bounds::{self, Once};
use crate::rules::catalogue::{self, Arg, Gives, Makes, Member, Owner, SESSION_BITS, type_word};
use crate::rules::diagnostics::meant_or_list;
use crate::rules::expr::Expr;
use crate::rules::plan::calendar::Span;
use crate::rules::plan::feature::{PaymentField, StateFeature};
use crate::rules::plan::program::Type;
use crate::rules::plan::query::{Hours, Measure, PartyFilter, Query};
use crate::rules::plan::view::{Role, flag};
use crate::rules::plan::{SignalMeasure, SignalPlan};

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
        let reported = self.sink.len();
        match self.make(member, &base, role, &args, &name_span) {
            Some(operand) => Some(operand),
            None if self.sink.len() > reported => None,
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
        let several = wanted.first().filter(|arg| arg.is_variadic());
        let least = wanted.iter().filter(|a| **a != Arg::ListLevel).count();
        let words = several.and_then(|arg| arg.words());
        let most = words.map_or(wanted.len(), |set| set.words().len());
        if given.len() < least || given.len() > most {
            let message = format!("wrong number of arguments for `{}`", member.name);
            let hint = format!("write `{}`", signature(member));
            return self.fail(span, message, "here", Some(hint));
        }
        let mut values = Vec::new();
        let mut all_good = true;
        for (index, expr) in given.iter().enumerate() {
            let arg = several.copied().unwrap_or_else(|| wanted[index]);
            match self.arg(arg, expr) {
                Some(value) => values.push(value),
                None => all_good = false,
            }
        }
        all_good.then_some(values)
    }

    fn arg(&mut self, arg: Arg, expr: &Expr) -> Option<i64> {
        match arg {
            Arg::Clock => return self.clock_arg(expr),
            Arg::Rule => return self.rule_arg(expr),
            Arg::Entries => return self.entries_arg(expr),
            _ => {}
        }
        let Some(set) = arg.words() else { return self.number_arg(arg, expr) };
        match self.operand(expr)? {
            Operand::Text(word) => self.word_number(set, &word, &expr.span),
            other => {
                let message = format!("expected a {}, found {}", set.title(), other.describe());
                let hint = format!("one of: {}", set.words().join(", "));
                self.fail(&expr.span, message, "a word in quotes belongs here", Some(hint))
            }
        }
    }

    /// Entries, by role and number of the question.
    fn entries_arg(&mut self, expr: &Expr) -> Option<i64> {
        match self.operand(expr)? {
            Operand::Entries(Owner::Entries, role, query) => {
                let number = self.builder.query(&query);
                Some((role as i64) << 16 | i64::from(number))
            }
            other => {
                let message = format!("expected entries, found {}", other.describe());
                let hint = Some("as payer.debits(params.window)".to_owned());
                self.fail(&expr.span, message, "not entries", hint)
            }
        }
    }

    /// A rule, by its place in the plan; one that is off has the place before the first.
    fn rule_arg(&mut self, expr: &Expr) -> Option<i64> {
        let Operand::Text(id) = self.operand(expr)? else {
            let hint = Some("as 'M01'".to_owned());
            return self.fail(&expr.span, "this is not a rule's id", "an id in quotes", hint);
        };
        if let Some(at) = self.builder.rule_ids.iter().position(|known| *known == id) {
            return Some(at as i64);
        }
        if self.builder.known_ids.contains(&id) {
            return Some(-1);
        }
        let known = self.builder.known_ids.clone();
        let hint = meant_or_list(&id, known.iter().map(String::as_str));
        let message = format!("there is no rule `{id}`");
        self.fail(&expr.span, message, "unknown rule", Some(hint))
    }

    /// A time of day, in minutes.
    fn clock_arg(&mut self, expr: &Expr) -> Option<i64> {
        let minutes = match self.operand(expr)? {
            Operand::Text(text) => literal::clock(&text),
            _ => None,
        };
        match minutes {
            Some(minutes) => Some(minutes),
            None => {
                let hint = "times of day look like '00:00' or '20:30'".to_owned();
                self.fail(&expr.span, "this is not a time of day", "here", Some(hint))
            }
        }
    }

    fn number_arg(&mut self, arg: Arg, expr: &Expr) -> Option<i64> {
        let operand = self.operand(expr)?;
        if let (Arg::Window, Operand::WorkingDays(days)) = (arg, &operand) {
            return Some(-i64::from(*days));
        }
        let (ty, range) = bounds::of(arg);
        let Operand::Value(Typed { ty: found, constant, millionths, .. }) = operand else {
            let message = format!("expected {}, found {}", type_word(ty), operand.describe());
            let hint = (ty == Type::Duration).then(|| "write duration('10m')".to_owned());
            return self.fail(&expr.span, message, "wrong type", hint);
        };
        if found != ty {
            let message = format!("expected {}, found {}", type_word(ty), type_word(found));
            let hint = match (ty, constant) {
                (Type::Double, Some(number)) if found == Type::Int => {
                    Some(format!("write {number}.0"))
                }
                (Type::Duration, _) => Some("write duration('10m')".to_owned()),
                _ => None,
            };
            return self.fail(&expr.span, message, "wrong type", hint);
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
        let (_, message) = bounds::told(arg);
        let hint = (arg == Arg::Window)
            .then(|| "for longer memory use history(days) or pair.count(days)".to_owned());
        self.fail(&expr.span, message, "out of range", hint)
    }

    /// Makes the member. `None`: this side has no such field.
    fn make(
        &mut self,
        member: &Member,
        base: &Operand,
        role: Option<Role>,
        args: &[i64],
        span: &Range<usize>,
    ) -> Option<Operand> {
        let side = role.unwrap_or(Role::Payer);
        match member.makes {
            Makes::Field(field) => return Some(self.load_field(member, field)),
            Makes::SideField(field) => return Some(self.load_field(member, field(side)?)),
            Makes::Session => {
                let bit = SESSION_BITS[args[0] as usize].1;
                return Some(self.load_field(member, PaymentField::Session(bit)));
            }
            Makes::IsMultipleOf => {
                return Some(self.load_field(member, PaymentField::IsMultipleOf(args[0])));
            }
            Makes::IsBetween => {
                return Some(self.load_field(member, PaymentField::IsBetween(hours(args))));
            }
            Makes::Entries(direction) => {
                let owner = match member.gives {
                    Gives::Record(owner) => owner,
                    _ => Owner::Entries,
                };
                let query = Query::spanning(Some(direction), span_of(args[0]));
                return Some(Operand::Entries(owner, side, query));
            }
            Makes::Flow => {
                let query = Query::spanning(None, span_of(args[0]));
                return Some(Operand::Entries(Owner::Flow, side, query));
            }
            Makes::History => return Some(Operand::History(side, args[0] as u16)),
            Makes::Signals if args[1] < 0 => {
                return self.takes_no_working_days(member, span);
            }
            Makes::Signals => {
                let rule = u16::try_from(args[0]).ok();
                return Some(Operand::Signals(side, rule, args[1]));
            }
            _ => {}
        }
        if let Operand::Entries(owner, role, query) = base {
            if let Makes::FollowedBy | Makes::NotFollowedBy = member.makes {
                return self.sequence(member, *role, query, args, span);
            }
            if is_taken(member.makes, query) {
                let message = format!("`{}` cannot narrow this once more", member.name);
                let hint = match bounds::once(member.makes) {
                    Some(Once::Party) => {
                        "same_party() and strangers() exclude each other: leave one out; whether the \
                         present payee is new is asked with pair.count(180) == 0"
                    }
                    _ => "leave one of the two out, or count what each leaves in two features",
                };
                return self.fail(
                    span,
                    message,
                    "a second filter of its kind",
                    Some(hint.to_owned()),
                );
            }
            if let Some(narrower) = narrowed(member.makes, query, args) {
                return Some(Operand::Entries(*owner, *role, narrower));
            }
            return self.measured(member, *role, query, args, span);
        }
        if let Operand::Signals(role, rule, window_ms) = base {
            let (role, rule, window_ms) = (*role, *rule, *window_ms);
            let other = args.first().and_then(|number| u16::try_from(*number).ok());
            let measure = match member.makes {
                Makes::SignalAccounts => SignalMeasure::Accounts,
                Makes::SignalPeers => SignalMeasure::Peers,
                Makes::SignalPeersWith => SignalMeasure::PeersWith(other),
                _ => SignalMeasure::Count,
            };
            let id = self.builder.signal(SignalPlan { rule, role, window_ms, measure });
            return Some(typed(member, id));
        }
        let takes_span = matches!(member.makes, Makes::Openings | Makes::OpenedFor);
        if args.iter().any(|arg| *arg < 0) && !takes_span {
            return self.takes_no_working_days(member, span);
        }
        let feature = state_feature(member.makes, base, args)?;
        let id = self.builder.state(side, feature);
        Some(typed(member, id))
    }

    /// A window is given in working days where only a length will do.
    fn takes_no_working_days(&mut self, member: &Member, span: &Range<usize>) -> Option<Operand> {
        let message = format!("`{}` does not take working days", member.name);
        self.fail(span, message, "give a length", Some("as \"7d\"".to_owned()))
    }

    /// Entries that others follow, or none.
    fn sequence(
        &mut self,
        member: &Member,
        role: Role,
        query: &Query,
        args: &[i64],
        span: &Range<usize>,
    ) -> Option<Operand> {
        let (other, within_ms) = (args[0], args[1]);
        if other >> 16 != role as i64 {
            let message = "both sides of a sequence are entries of one account";
            return self.fail(span, message, "another account's", None);
        }
        if within_ms < 0 {
            return self.takes_no_working_days(member, span);
        }
        let (first, then) = (self.builder.query(query), (other & 0xffff) as u16);
        let absent = matches!(member.makes, Makes::NotFollowedBy);
        let reaches =
            |query: &Query, least_ms| query.working_days > 0 || query.window_ms >= least_ms;
        if absent && !reaches(query, within_ms + 1) {
            let message = "nothing is old enough: the window ends before the time has passed";
            let hint = "a window longer than the time, as payer.credits(duration('3h')) for 2 h";
            return self.fail(span, message, "never counts", Some(hint.to_owned()));
        }
        if absent && !reaches(&self.builder.queries[usize::from(then)], within_ms) {
            let message = "what follows is looked for in less than the time";
            let hint = "give it a window of at least the time";
            return self.fail(span, message, "its window is shorter", Some(hint.to_owned()));
        }
        let feature = match member.makes {
            Makes::FollowedBy => StateFeature::FollowedBy(first, then, within_ms),
            _ => StateFeature::NotFollowedBy(first, then, within_ms),
        };
        let id = self.builder.state(role, feature);
        Some(typed(member, id))
    }

    /// What is asked of entries: a plain feature where there is one, else a query.
    fn measured(
        &mut self,
        member: &Member,
        role: Role,
        query: &Query,
        args: &[i64],
        span: &Range<usize>,
    ) -> Option<Operand> {
        if let Some(feature) = plain_feature(member.makes, query, args) {
            let id = self.builder.state(role, feature);
            return Some(typed(member, id));
        }
        let Some(measure) = measure(member.makes, args) else {
            let message = format!("`{}` can only be asked of all entries of a flow", member.name);
            let hint = "`without(…)` is the only filter it takes".to_owned();
            return self.fail(span, message, "after another filter", Some(hint));
        };
        let id = self.builder.ask(role, query, measure);
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

fn hours(args: &[i64]) -> Hours {
    Hours { from_min: args[0] as u16, to_min: args[1] as u16 }
}

/// Whether a filter that can stand only once stands already.
fn is_taken(makes: Makes, query: &Query) -> bool {
    bounds::once(makes).is_some_and(|sort| match sort {
        Once::Multiple => query.multiple_minor > 1,
        Once::Near => query.near_ppm.is_some(),
        Once::Hours => query.hours.is_some(),
        Once::Party => query.party != PartyFilter::Any,
    })
}

/// The query with one filter more; `None` when the member is no filter.
fn narrowed(makes: Makes, query: &Query, args: &[i64]) -> Option<Query> {
    let number = args.first().copied().unwrap_or_default();
    let bits = || args.iter().fold(0, |bits, index| bits | 1u16 << index);
    let flags = || args.iter().fold(0, |bits, index| bits | flag::WORDS[*index as usize].1);
    // A second filter of a kind narrows the first.
    let both = |had: u16, more: u16| if had == 0 { more } else { had & more };
    let mut q = *query;
    match makes {
        Makes::Without => q.without |= flags(),
        Makes::Only => q.only = both(q.only, flags()),
        Makes::OfType => q.types = both(q.types, bits()),
        Makes::ByChannel => q.channels = both(q.channels, bits()),
        Makes::AtLeast => q.least_minor = q.least_minor.max(number),
        Makes::AtMost => q.below_minor = q.below_minor.min(number + 1),
        Makes::Below => q.below_minor = q.below_minor.min(number),
        Makes::MultipleOf => q.multiple_minor = number,
        Makes::Near => q.near_ppm = Some(number as u32),
        Makes::Between => q.hours = Some(hours(args)),
        Makes::SameParty => q.party = PartyFilter::Same,
        Makes::Strangers => q.party = PartyFilter::Stranger,
        _ => return None,
    }
    Some(q)
}

/// What is asked, as a measure of a query.
fn measure(makes: Makes, args: &[i64]) -> Option<Measure> {
    let number = args.first().copied().unwrap_or_default();
    Some(match makes {
        Makes::Count => Measure::Count,
        Makes::Sum => Measure::Sum,
        Makes::Max => Measure::Max,
        Makes::Min => Measure::Min,
        Makes::Average => Measure::Average,
        Makes::Deviation => Measure::Deviation,
        Makes::Counterparties => Measure::Counterparties,
        Makes::TopShare => Measure::TopShare(number as u8),
        Makes::NewShare => Measure::NewShare,
        Makes::ValueShare => Measure::ValueShare(number as u8),
        Makes::Climb => Measure::Climb(number as u32),
        Makes::ClimbFrom => Measure::ClimbFrom(number as u32),
        Makes::SinceFirst => Measure::SinceFirst,
        Makes::SinceLast => Measure::SinceLast,
        Makes::Ratio => Measure::Ratio,
        _ => return None,
    })
}

/// The plain feature that answers, if there is one: those keep running sums.
fn plain_feature(makes: Makes, query: &Query, args: &[i64]) -> Option<StateFeature> {
    let number = |index: usize| args.get(index).copied().unwrap_or_default();
    if let Some(flow) = query.as_flow() {
        return Some(match makes {
            Makes::Ratio => StateFeature::FlowRatio(flow),
            Makes::Dwell => StateFeature::Dwell(flow),
            Makes::Cycles => StateFeature::Cycles {
                view: flow,
                min_in: number(0),
                floor: number(1),
                share_ppm: number(2),
            },
            _ => return None,
        });
    }
    let view = query.as_view()?;
    Some(match makes {
        Makes::Count => StateFeature::Count(view),
        Makes::Sum => StateFeature::Sum(view),
        Makes::Max => StateFeature::Max(view),
        Makes::Min => StateFeature::Min(view),
        Makes::Counterparties => StateFeature::Counterparties(view),
        Makes::TopShare => StateFeature::TopShare(view, number(0) as u8),
        _ => return None,
    })
}

fn state_feature(makes: Makes, base: &Operand, args: &[i64]) -> Option<StateFeature> {
    let number = |index: usize| args.get(index).copied().unwrap_or_default();
    Some(match (makes, base) {
        (Makes::HistoryCount(direction), Operand::History(_, days)) => {
            StateFeature::HistoryCount(direction, *days)
        }
        (Makes::HistorySum(direction), Operand::History(_, days)) => {
            StateFeature::HistorySum(direction, *days)
        }
        (Makes::HistoryNightShare, Operand::History(_, days)) => {
            StateFeature::HistoryNightShare(*days)
        }
        (Makes::HistoryNewPayers, Operand::History(_, days)) => {
            StateFeature::HistoryNewPayers(*days)
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
        (Makes::HistoryWeeks(direction), _) => StateFeature::HistoryWeeks(direction),
        (Makes::Rhythm(direction), _) => StateFeature::Rhythm(direction, number(0) as u8),
        (Makes::Since, _) => StateFeature::Since(MARKS[number(0) as usize].1),
        (Makes::SinceVerdict, _) => {
            StateFeature::SinceVerdict(Verdict::WORDS[number(0) as usize].1)
        }
        (Makes::LimitRaised, _) => StateFeature::LimitRaised(number(0)),
        (Makes::Registered, _) => {
            StateFeature::Registered(RegistryStatus::WORDS[number(0) as usize].1)
        }
        (Makes::RegistryFresh, _) => StateFeature::RegistryFresh,
        (Makes::Blocked, Operand::Record(_, Some(Role::Payer))) => StateFeature::Blocked(number(0)),
        (Makes::RetriedSum, Operand::Record(_, Some(Role::Payer))) => {
            StateFeature::RetriedSum(number(0))
        }
        (Makes::RetriedCount, Operand::Record(_, Some(Role::Payer))) => {
            StateFeature::RetriedCount(number(0))
        }
        (Makes::PairAllowed, _) => {
            StateFeature::PairAllowed(PairLevel::WORDS[number(0) as usize].1)
        }
        (Makes::PairVerified, _) => StateFeature::PairVerified(number(0)),
        (Makes::TravelKm, Operand::Record(_, Some(Role::Payer))) => {
            StateFeature::TravelKm(number(0) as u32)
        }
        (Makes::TravelSpeed, Operand::Record(_, Some(Role::Payer))) => {
            StateFeature::TravelSpeed(number(0) as u32)
        }
        (Makes::HistoryDayMedian, Operand::History(_, days)) => {
            StateFeature::HistoryDayMedian(*days)
        }
        (Makes::HistoryTicket, Operand::History(_, days)) => StateFeature::HistoryTicket(*days),
        (Makes::MovedKm, Operand::Record(_, Some(Role::Payer))) => {
            StateFeature::MovedKm(number(0), number(1) as u32)
        }
        (Makes::CashTerminals, Operand::Record(_, Some(Role::Payer))) => {
            StateFeature::CashTerminals(number(0))
        }
        (Makes::Terminals, Operand::Record(_, Some(Role::Payer))) => {
            StateFeature::Terminals(number(0))
        }
        (Makes::SeenAtHome, Operand::Record(_, Some(Role::Payer))) => {
            StateFeature::SeenAtHome(number(0))
        }
        (Makes::Openings, _) => StateFeature::Openings(span_of(number(0))),
        (Makes::OpeningsTotal, _) => StateFeature::OpeningsTotal,
        (Makes::OpenedFor, _) => StateFeature::OpenedFor(span_of(number(0))),
        (Makes::PhoneCustomers, _) => StateFeature::PhoneCustomers,
        (Makes::AgeTime, _) => StateFeature::Age,
        (Makes::OnOpeningDevice, Operand::Record(_, Some(Role::Payer))) => {
            StateFeature::OnOpeningDevice
        }
        (Makes::OpeningKm, Operand::Record(_, Some(Role::Payer))) => {
            StateFeature::OpeningKm(number(0) as u32)
        }
        (Makes::NewUser, _) => StateFeature::NewUser(number(0)),
        (Makes::Controlled, _) => StateFeature::Controlled(Action::WORDS[number(0) as usize].1),
        _ => return None,
    })
}

/// A window as it was given: working days come as numbers below zero, which no length is.
fn span_of(number: i64) -> Span {
    u8::try_from(-number).map_or(Span::Length(number), Span::WorkingDays)
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
