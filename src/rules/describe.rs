//! Cells of a row and compiled expressions as an author would write them.

use super::catalogue::{WordSet, Words};
use super::describe_query::{asked, entries};
use super::plan::calendar::Span;
use super::plan::feature::{PaymentField, StateFeature};
use super::plan::program::{ArithmeticOp, CellRef, ExprId, Node, Type, cell_double};
use super::plan::view::{Direction, FlowView, Role, View};
use super::plan::{Plan, SignalMeasure};
use super::spelling::{between, duration, without};
use crate::model::event::{ListCategory, ListLevel, PairLevel};
use crate::model::measure::Action;
use crate::model::money::format_decimal;
use crate::model::time::Millis;

/// A role as expressions name it.
#[must_use]
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Payer => "payer",
        Role::Payee => "payee",
        Role::PayerCustomer => "payer_customer",
        Role::PayeeCustomer => "payee_customer",
        Role::Device => "device",
        Role::Network => "network",
        Role::Phone => "phone",
        Role::Agent => "agent",
    }
}

/// A compiled expression: what the engine evaluates, features and parameters put in.
#[must_use]
pub fn expression(plan: &Plan, id: ExprId) -> String {
    let text = write(plan, id, None, None);
    // The outermost brackets say nothing.
    match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        Some(inner) if closes_at_end(inner) => inner.to_owned(),
        _ => text,
    }
}

/// As [`expression`], of a value whose type is known.
#[must_use]
pub fn value(plan: &Plan, id: ExprId, ty: Type) -> String {
    write(plan, id, Some(ty), None)
}

/// Whether every bracket that is closed inside was opened inside.
fn closes_at_end(inner: &str) -> bool {
    let mut depth = 0i32;
    inner.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    })
}

/// `ty` and `words` are those of what it is compared with: a bare cell says neither.
fn write(plan: &Plan, id: ExprId, ty: Option<Type>, words: Option<Words>) -> String {
    let inner = |id: &ExprId| write(plan, *id, ty, words);
    let pair = |op: &str, a: &ExprId, b: &ExprId| {
        let ty = type_of(plan, *a).or_else(|| type_of(plan, *b)).or(ty);
        let words = words_of(plan, *a).or_else(|| words_of(plan, *b));
        (write(plan, *a, ty, words), op.to_owned(), write(plan, *b, ty, words))
    };
    match &plan.program.nodes[id.0 as usize] {
        Node::Constant(cell) => constant(plan, *cell, ty, words),
        Node::Load(at) => cell(plan, *at),
        Node::Has(a) => format!("has({})", inner(a)),
        Node::Not(a) => format!("!{}", inner(a)),
        Node::And(a, b) => format!("({} && {})", inner(a), inner(b)),
        Node::Or(a, b) => format!("({} || {})", inner(a), inner(b)),
        Node::If(c, a, b) => format!("({} ? {} : {})", inner(c), inner(a), inner(b)),
        Node::Compare(op, a, b) | Node::CompareDouble(op, a, b) => {
            let (a, op, b) = pair(op.word(), a, b);
            format!("{a} {op} {b}")
        }
        Node::Arithmetic(op, a, b) | Node::ArithmeticDouble(op, a, b) => {
            let word = arithmetic_word(*op);
            let (a, op, b) = pair(word, a, b);
            match op.as_str() {
                "max" | "min" => format!("{op}({a}, {b})"),
                _ => format!("({a} {op} {b})"),
            }
        }
        Node::Scale(a, ppm) => {
            format!("{} * {}", write(plan, *a, Some(Type::Money), None), *ppm as f64 / 1e6)
        }
        Node::ToDouble(a) => write(plan, *a, type_of(plan, *a), None),
        Node::In(a, cells) => {
            let words = words_of(plan, *a);
            let cells: Vec<String> =
                cells.iter().map(|cell| constant(plan, *cell, type_of(plan, *a), words)).collect();
            format!("{} in [{}]", inner(a), cells.join(", "))
        }
    }
}

fn arithmetic_word(op: ArithmeticOp) -> &'static str {
    match op {
        ArithmeticOp::Add => "+",
        ArithmeticOp::Sub => "-",
        ArithmeticOp::Mul => "*",
        ArithmeticOp::Div => "/",
        ArithmeticOp::Min => "min",
        ArithmeticOp::Max => "max",
    }
}

fn constant(plan: &Plan, cell: i64, ty: Option<Type>, words: Option<Words>) -> String {
    match ty {
        Some(Type::Bool) => (cell == 1).to_string(),
        Some(Type::Money) => {
            format!("money('{}')", format_decimal(cell, plan.currency.exponent()))
        }
        Some(Type::Double) => cell_double(cell).to_string(),
        Some(Type::Duration) => format!("duration('{}')", duration(cell)),
        Some(Type::Enum) => {
            let word = usize::try_from(cell).ok().zip(words).and_then(|(n, w)| w.get(n));
            word.map_or_else(|| cell.to_string(), |word| format!("'{word}'"))
        }
        Some(Type::Int) | None => cell.to_string(),
    }
}

fn cell(plan: &Plan, at: CellRef) -> String {
    match at {
        CellRef::Payment(index) => payment_field(plan, plan.payment[usize::from(index)]),
        CellRef::Signal(index) => signal(plan, usize::from(index)),
        CellRef::State(of, index) => {
            state(plan, of, &plan.parts[of as usize].features[usize::from(index)])
        }
    }
}

/// A feature with its role, as expressions write it.
#[must_use]
pub fn state(plan: &Plan, of: Role, found: &StateFeature) -> String {
    match found {
        StateFeature::PairCount(_)
        | StateFeature::PairAgeDays
        | StateFeature::PairAllowed(_)
        | StateFeature::PairVerified(_) => feature(plan, found),
        _ => format!("{}.{}", role(of), feature(plan, found)),
    }
}

fn signal(plan: &Plan, index: usize) -> String {
    let signal = &plan.signals[index];
    let id = |rule: Option<u16>| {
        rule.map_or("off".to_owned(), |rule| plan.rules[usize::from(rule)].id.clone())
    };
    let asked = match signal.measure {
        SignalMeasure::Count => "count()".to_owned(),
        SignalMeasure::Accounts => "accounts()".to_owned(),
        SignalMeasure::Peers => "peers()".to_owned(),
        SignalMeasure::PeersWith(rule) => format!("peers_with('{}')", id(rule)),
    };
    let (role, window) = (role(signal.role), duration(signal.window_ms));
    format!("{role}.signals('{}', duration('{window}')).{asked}", id(signal.rule))
}

/// A field of the payment as expressions write it.
#[must_use]
pub fn payment_field(plan: &Plan, field: PaymentField) -> String {
    use PaymentField as P;
    match field {
        P::Amount => "payment.amount".to_owned(),
        P::Status => "payment.status".to_owned(),
        P::PaymentType => "payment.payment_type".to_owned(),
        P::Channel => "payment.channel".to_owned(),
        P::Category => "payment.category".to_owned(),
        P::PayeeCheck => "payment.payee_check".to_owned(),
        P::Session(bit) => {
            let word = super::catalogue::SESSION_BITS.iter().find(|(_, b)| *b == bit);
            format!("payment.session('{}')", word.map_or("", |(word, _)| word))
        }
        P::BalanceAfter(side) => format!("{}.balance_after", role(side)),
        P::AvailableAfter(side) => format!("{}.available_after", role(side)),
        P::PayerAgeYears => "payer.age_years".to_owned(),
        P::IncomeMonthly(side) => format!("{}.income_monthly", role(side)),
        P::OwnTransfer => "payment.own_transfer".to_owned(),
        P::SameAccount => "payment.same_account".to_owned(),
        P::IsMultipleOf(minor) => {
            let of = format_decimal(minor, plan.currency.exponent());
            format!("payment.is_multiple_of(money('{of}'))")
        }
        P::IsGoods => "payment.is_goods".to_owned(),
        P::IsFestival => "payment.is_festival".to_owned(),
        P::OpeningReason => "opening.reason".to_owned(),
        P::IsAbroad => "payment.is_abroad".to_owned(),
        P::IsBetween(hours) => format!("payment.{}", between(hours)),
    }
}

fn type_of(plan: &Plan, id: ExprId) -> Option<Type> {
    match &plan.program.nodes[id.0 as usize] {
        Node::Constant(_) => None,
        Node::Load(CellRef::Payment(index)) => Some(plan.payment[usize::from(*index)].ty()),
        Node::Load(CellRef::Signal(_)) => Some(Type::Int),
        Node::Load(CellRef::State(role, index)) => {
            Some(plan.parts[*role as usize].features[usize::from(*index)].ty())
        }
        Node::Scale(..) => Some(Type::Money),
        Node::ToDouble(_) | Node::ArithmeticDouble(..) => Some(Type::Double),
        Node::Arithmetic(_, a, b) | Node::If(_, a, b) => {
            type_of(plan, *a).or_else(|| type_of(plan, *b))
        }
        _ => Some(Type::Bool),
    }
}

fn words_of(plan: &Plan, id: ExprId) -> Option<Words> {
    let set = match &plan.program.nodes[id.0 as usize] {
        Node::Load(CellRef::Payment(index)) => match plan.payment[usize::from(*index)] {
            PaymentField::Status => WordSet::Status,
            PaymentField::PaymentType => WordSet::PaymentType,
            PaymentField::Channel => WordSet::Channel,
            PaymentField::Category => WordSet::Category,
            PaymentField::PayeeCheck => WordSet::PayeeCheck,
            PaymentField::OpeningReason => WordSet::OpeningReason,
            _ => return None,
        },
        Node::Load(CellRef::State(role, index)) => {
            match plan.parts[*role as usize].features[usize::from(*index)] {
                StateFeature::Grade => WordSet::Grade,
                StateFeature::CustomerType => WordSet::CustomerType,
                StateFeature::AccountClass => WordSet::AccountClass,
                _ => return None,
            }
        }
        Node::If(_, a, b) => return words_of(plan, *a).or_else(|| words_of(plan, *b)),
        _ => return None,
    };
    Some(set.words())
}

/// A feature as expressions write it after its role.
#[must_use]
pub fn feature(plan: &Plan, feature: &StateFeature) -> String {
    use StateFeature as F;
    match feature {
        F::Count(v) => format!("{}.count()", view(v)),
        F::Sum(v) => format!("{}.sum()", view(v)),
        F::Max(v) => format!("{}.max()", view(v)),
        F::Min(v) => format!("{}.min()", view(v)),
        F::Counterparties(v) => format!("{}.counterparties()", view(v)),
        F::TopShare(v, k) => format!("{}.top_share({k})", view(v)),
        F::FlowRatio(v) => format!("{}.ratio()", flow(v)),
        F::Dwell(v) => format!("{}.dwell()", flow(v)),
        F::Cycles { view, min_in, floor, share_ppm } => {
            let money = |minor: &i64| {
                format!("money('{}')", format_decimal(*minor, plan.currency.exponent()))
            };
            let share = *share_ppm as f64 / 1e6;
            format!("{}.cycles({}, {}, {share:?})", flow(view), money(min_in), money(floor))
        }
        F::IdleBefore(window) => format!("idle_before(duration('{}'))", duration(*window)),
        F::HistoryCount(d, days) => format!("history({days}).{}_count()", direction(*d)),
        F::HistorySum(d, days) => format!("history({days}).{}_sum()", direction(*d)),
        F::HistoryQuantile(days, ppm) => {
            format!("history({days}).debit_quantile({})", f64::from(*ppm) / 1e6)
        }
        F::PairCount(days) => format!("pair.count({days})"),
        F::PairAgeDays => "pair.age_days()".to_owned(),
        F::AgeDays => "age_days()".to_owned(),
        F::Grade => "grade".to_owned(),
        F::CustomerType => "customer_type".to_owned(),
        F::AccountClass => "account_class".to_owned(),
        F::Listed(category, level) => listed(*category, *level),
        F::Controlled(action) => format!("controlled('{}')", Action::word(*action)),
        F::Rhythm(d, weeks) => format!("{}_rhythm({weeks})", direction(*d)),
        F::HistoryWeeks(d) => format!("{}_weeks()", direction(*d)),
        F::Since(kind) => format!("since('{}')", kind.word()),
        F::SinceVerdict(verdict) => format!("since_verdict('{}')", verdict.word()),
        F::LimitRaised(window) => format!("limit_raised(duration('{}'))", duration(*window)),
        F::Registered(status) => format!("registered_as('{}')", status.word()),
        F::RegistryFresh => "registry_fresh()".to_owned(),
        F::Blocked(window) => format!("blocked(duration('{}'))", duration(*window)),
        F::RetriedSum(window) => format!("retried_sum(duration('{}'))", duration(*window)),
        F::RetriedCount(window) => format!("retried_count(duration('{}'))", duration(*window)),
        F::PairAllowed(level) => {
            format!("pair.allowed('{}')", PairLevel::WORDS[*level as usize].0)
        }
        F::PairVerified(window) => format!("pair.verified(duration('{}'))", duration(*window)),
        F::TravelKm(km) => format!("travel_km({km})"),
        F::TravelSpeed(km) => format!("travel_speed({km})"),
        F::Openings(of) => format!("openings({})", span(*of)),
        F::OpeningsTotal => "openings_total()".to_owned(),
        F::OpenedFor(of) => format!("opened_for({})", span(*of)),
        F::PhoneCustomers => "customers()".to_owned(),
        F::Age => "age()".to_owned(),
        F::OnOpeningDevice => "on_opening_device()".to_owned(),
        F::OpeningKm(km) => format!("opening_km({km})"),
        F::FollowedBy(first, then, within) => sequence(plan, "", [*first, *then], *within),
        F::NotFollowedBy(first, then, within) => sequence(plan, "not_", [*first, *then], *within),
        F::MovedKm(window, km) => format!("moved_km(duration('{}'), {km})", duration(*window)),
        F::Terminals(window) => format!("terminals(duration('{}'))", duration(*window)),
        F::CashTerminals(window) => format!("cash_terminals(duration('{}'))", duration(*window)),
        F::SeenAtHome(window) => format!("seen_at_home(duration('{}'))", duration(*window)),
        F::HistoryDayMedian(days) => format!("history({days}).credit_day_median()"),
        F::HistoryTicket(days) => format!("history({days}).credit_average()"),
        F::NewUser(window) => format!("is_new(duration('{}'))", duration(*window)),
        F::HistoryNightShare(days) => format!("history({days}).night_share()"),
        F::HistoryNewPayers(days) => format!("history({days}).new_payers()"),
        F::Asked(query, measure) => {
            asked(&plan.queries[usize::from(*query)], *measure, plan.currency)
        }
    }
}

fn sequence(plan: &Plan, not: &str, both: [u16; 2], within: Millis) -> String {
    let [first, then] =
        both.map(|number| entries(&plan.queries[usize::from(number)], plan.currency));
    format!("{first}.{not}followed_by(….{then}, duration('{}'))", duration(within))
}

fn span(span: Span) -> String {
    match span {
        Span::Length(length) => format!("duration('{}')", duration(length)),
        Span::WorkingDays(days) => format!("duration('{days}wd')"),
    }
}

fn listed(category: ListCategory, level: Option<ListLevel>) -> String {
    let category = ListCategory::WORDS[category as usize].0;
    match level {
        Some(level) => format!("listed('{category}', '{}')", ListLevel::WORDS[level as usize].0),
        None => format!("listed('{category}')"),
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Credit => "credit",
        Direction::Debit => "debit",
    }
}

fn view(view: &View) -> String {
    let window = duration(view.window_ms);
    format!("{}s(duration('{window}')){}", direction(view.direction), without(view.without))
}

fn flow(view: &FlowView) -> String {
    format!("flow(duration('{}')){}", duration(view.window_ms), without(view.without))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is printed is the language: it compiles again, to the same program.
    #[test]
    fn a_compiled_condition_compiles_again() {
        let mut files = crate::rules::shipped::files();
        let plan = crate::rules::compile(&files).expect("the shipped pack compiles");
        let m02 = plan.rules.iter().find(|rule| rule.id == "M02").expect("shipped");
        let printed = expression(&plan, m02.when);
        let file = files.iter_mut().find(|file| file.path.contains("m02_")).expect("shipped");
        let from = file.text.find("alert = '''").expect("a condition") + 11;
        let to = from + file.text[from..].find("'''").expect("its end");
        file.text.replace_range(from..to, &printed);
        let again = crate::rules::compile(&files).expect("what is printed compiles");
        assert_eq!(again.program.nodes.len(), plan.program.nodes.len(), "{printed}");
    }
}
