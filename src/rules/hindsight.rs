//! What an alert says of each condition of its rule: which held, which did not, and of which it
//! cannot be said.
//!
//! An alert carries the comparisons that held, with value and limit, and a reason text with further
//! values. The rule's file has the others. Nothing is guessed: a comparison that held is in the
//! alert, so that one which the engine shows and the alert lacks did not hold, or had no value;
//! which of the two is said where the value is known or never missing.

use super::document::Text;
use super::expr::{self, Expr, Kind};
use super::phrase::{Phrases, is_fixed, operator, written};
use super::plan::feature::{PaymentField, StateFeature};
use super::plan::program::{CellRef, CompareOp, ExprId, Node};
use super::plan::query::{Measure, PartyFilter};
use super::plan::view::Role;
use super::plan::{Plan, RulePlan};
use super::source::{self, RuleDoc};
use super::text::{Language, format_plain};
use super::{SourceFile, diagnostics::Sink, sorted};

/// A comparison as an alert's evidence has it: plain values.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Name of the value.
    pub feature: &'a str,
    /// `>=`
    pub op: &'a str,
    /// Observed.
    pub value: &'a str,
    /// With what it was compared.
    pub threshold: &'a str,
    /// Unit of both.
    pub unit: &'a str,
}

/// What became of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It held.
    Held,
    /// It did not.
    NotHeld,
    /// A value was missing.
    Missing,
    /// It did not hold, or a value was missing: the alert does not tell which.
    NotHeldOrMissing,
    /// It was not asked: another branch was taken.
    NotAsked,
    /// The alert does not tell.
    Untold,
}

/// How a condition stands to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// Both are needed, or it is the first.
    And,
    /// One is enough.
    Or,
    /// What follows depends on it.
    Where,
    /// It counts where the condition above holds.
    Then,
    /// It counts where the condition above does not hold.
    Otherwise,
}

/// A condition with its outcome.
#[derive(Clone, Debug)]
pub struct Condition {
    /// How deep it stands in others.
    pub depth: usize,
    /// How it is joined.
    pub joint: Joint,
    /// Of which value, in the author's words.
    pub value: String,
    /// What was seen, where that is known.
    pub seen: Option<String>,
    /// What was wanted, in words.
    pub wanted: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// The conditions of one part of a rule.
#[derive(Clone, Debug)]
pub struct Part {
    /// The measure it asks for, of an escalation; of the rule's own condition nothing.
    pub escalates_to: Option<String>,
    /// The conditions, in order.
    pub conditions: Vec<Condition>,
}

/// The conditions of a rule that has fired, with what the alert says of them; nothing when the
/// files have no such rule.
#[must_use]
pub fn of(
    (files, plan): (&[SourceFile], &Plan),
    id: &str,
    (told, reason): (&[Told<'_>], &str),
    language: Language,
) -> Option<Vec<Part>> {
    let rule = plan.rules.iter().find(|rule| rule.id == id)?;
    let files = sorted(files);
    let mut sink = Sink::new(&files);
    let pack = source::read(&files, &mut sink);
    let doc = pack.rules.iter().find(|doc| doc.id.value == id)?;
    let template = if language == Language::Zh { &doc.text.zh } else { &doc.text.en };
    let shown = shown_values(&template.value, reason);
    let sight = Sight { plan, rule, doc, told, shown, language };
    let part = |text: &Text, must, escalates_to| {
        let mut conditions = Vec::new();
        if let Ok(expr) = expr::parse(&text.value) {
            let place = Place { depth: 0, joint: Joint::And, must, asked: true };
            sight.walk(&text.value, &expr, place, &mut conditions);
        }
        Part { escalates_to, conditions }
    };
    let own = part(&doc.when, true, None);
    let escalations = doc
        .escalations
        .iter()
        .map(|escalation| part(&escalation.when, false, Some(escalation.floor.value.clone())));
    Some([own].into_iter().chain(escalations).collect())
}

/// What is known of one finding.
struct Sight<'a> {
    plan: &'a Plan,
    rule: &'a RulePlan,
    doc: &'a RuleDoc,
    told: &'a [Told<'a>],
    /// Values that the reason shows, by name.
    shown: Vec<(String, String)>,
    language: Language,
}

/// Where a condition stands.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    joint: Joint,
    /// The rule has fired, so that this must have held.
    must: bool,
    asked: bool,
}

impl Sight<'_> {
    /// Lists the conditions of an expression; gives back what became of it as a whole.
    fn walk(&self, text: &str, expr: &Expr, at: Place, into: &mut Vec<Condition>) -> Outcome {
        match &expr.kind {
            Kind::And(a, b) => {
                let a = self.walk(text, a, at, into);
                let b = self.walk(text, b, Place { joint: Joint::And, ..at }, into);
                both(a, b)
            }
            Kind::Or(a, b) => {
                // In brackets inside a chain of `&&`.
                let inner = Place { must: false, depth: at.depth + usize::from(at.must), ..at };
                let a = self.walk(text, a, inner, into);
                let b = self.walk(text, b, Place { joint: Joint::Or, ..inner }, into);
                either(a, b)
            }
            Kind::If(c, a, b) => {
                let joint = Joint::Where;
                let outcome = self.walk(text, c, Place { must: false, joint, ..at }, into);
                let branch = |joint, asked: bool, taken: bool| Place {
                    depth: at.depth + 1,
                    joint,
                    must: at.must && taken,
                    asked: at.asked && asked,
                };
                let (held, failed) = (outcome == Outcome::Held, outcome == Outcome::NotHeld);
                let a = self.walk(text, a, branch(Joint::Then, !failed, held), into);
                let b = self.walk(text, b, branch(Joint::Otherwise, !held, failed), into);
                match outcome {
                    Outcome::Held => a,
                    Outcome::NotHeld => b,
                    _ => Outcome::Untold,
                }
            }
            Kind::Not(inner) => {
                let outcome = negated(self.leaf(text, inner));
                self.tell(text, expr, at, outcome, into)
            }
            _ => {
                let outcome = self.leaf(text, expr);
                self.tell(text, expr, at, outcome, into)
            }
        }
    }

    fn tell(
        &self,
        text: &str,
        expr: &Expr,
        at: Place,
        outcome: Outcome,
        into: &mut Vec<Condition>,
    ) -> Outcome {
        let outcome = match outcome {
            _ if !at.asked => Outcome::NotAsked,
            _ if at.must => Outcome::Held,
            outcome => outcome,
        };
        let (value, wanted) = self.words(text, expr);
        let seen = self.seen(text, expr);
        into.push(Condition { depth: at.depth, joint: at.joint, value, seen, wanted, outcome });
        outcome
    }

    /// What became of a comparison, a yes/no value, `has(x)` or `x in […]`.
    fn leaf(&self, text: &str, expr: &Expr) -> Outcome {
        let name = |e: &Expr| text[e.span.clone()].trim().to_owned();
        match &expr.kind {
            Kind::Compare(op, a, b) => {
                let (op, a, b) = if is_fixed(a) { (op.flipped(), b, a) } else { (*op, a, b) };
                let a = name(a);
                if self.told_of(&a, op, self.limit(text, b).as_deref()).is_some() {
                    return Outcome::Held;
                }
                match (self.plain(&a), self.limit(text, b)) {
                    (Some(value), _) if value == MISSING => Outcome::Missing,
                    (Some(value), Some(limit)) => match compared(op, &value, &limit) {
                        Some(true) => Outcome::Held,
                        Some(false) => Outcome::NotHeld,
                        None => self.silent(&a, op),
                    },
                    _ => self.silent(&a, op),
                }
            }
            Kind::In(a, list) => match (self.plain(&name(a)), &list.kind) {
                (Some(value), _) if value == MISSING => Outcome::Missing,
                (Some(value), Kind::List(items)) => {
                    let is = |item: &Expr| match &item.kind {
                        Kind::Text(word) => *word == value,
                        Kind::Int(number) => number.to_string() == value,
                        _ => false,
                    };
                    if items.iter().any(is) { Outcome::Held } else { Outcome::NotHeld }
                }
                _ => Outcome::Untold,
            },
            Kind::Call { on: None, name: function, args } if function == "has" => {
                let value = args.first().and_then(|arg| self.plain(&name(arg)));
                match value {
                    Some(value) if value == MISSING => Outcome::NotHeld,
                    Some(_) => Outcome::Held,
                    None => Outcome::Untold,
                }
            }
            Kind::Name(_) | Kind::Field { .. } | Kind::Call { .. } => {
                let asked = name(expr);
                if self.told_of(&asked, CompareOp::Eq, Some("true")).is_some() {
                    return Outcome::Held;
                }
                match self.plain(&asked).as_deref() {
                    Some(MISSING) => Outcome::Missing,
                    _ => self.silent(&asked, CompareOp::Eq),
                }
            }
            Kind::Bool(true) => Outcome::Held,
            Kind::Bool(false) => Outcome::NotHeld,
            _ => Outcome::Untold,
        }
    }

    /// Of a comparison that the alert lacks.
    fn silent(&self, name: &str, op: CompareOp) -> Outcome {
        let planned = self.rule.evidence.iter().find(|e| e.name == name && e.operator == op);
        match planned {
            // The engine would have shown it.
            Some(planned) if never_missing(self.plan, planned.value) => Outcome::NotHeld,
            Some(_) => Outcome::NotHeldOrMissing,
            None => Outcome::Untold,
        }
    }

    fn told_of(&self, name: &str, op: CompareOp, limit: Option<&str>) -> Option<&Told<'_>> {
        let mut alike = self.told.iter().filter(|t| t.feature == name && t.op == op.word());
        let first = alike.clone().next()?;
        let several =
            self.rule.evidence.iter().filter(|e| e.name == name && e.operator == op).count();
        // One value may be compared with two limits, as in two branches.
        match limit.filter(|_| several > 1) {
            Some(limit) => {
                alike.find(|t| compared(CompareOp::Eq, t.threshold, limit) == Some(true))
            }
            None => Some(first),
        }
    }

    /// A value as programs write it, from the evidence or from the reason.
    fn plain(&self, name: &str) -> Option<String> {
        let told = self.told.iter().find(|t| t.feature == name).map(|t| t.value.to_owned());
        told.or_else(|| {
            let (_, shown) = self.shown.iter().find(|(known, _)| known == name)?;
            Some(match shown.as_str() {
                "unknown" | "未知" => MISSING.to_owned(),
                "yes" | "是" => "true".to_owned(),
                "no" | "否" => "false".to_owned(),
                shown => {
                    let code = self.plan.currency.code();
                    shown.trim_start_matches(code).trim_end_matches('元').trim().to_owned()
                }
            })
        })
    }

    /// A limit as programs write it, where it is one number, amount or word.
    fn limit(&self, text: &str, expr: &Expr) -> Option<String> {
        match &expr.kind {
            Kind::Int(number) => Some(number.to_string()),
            Kind::Fraction(number) => Some(number.clone()),
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Text(word) => Some(word.clone()),
            Kind::Call { on: None, name, args } if name == "money" => {
                match args.first().map(|arg| &arg.kind) {
                    Some(Kind::Text(amount)) => Some(amount.clone()),
                    _ => None,
                }
            }
            Kind::Field { on, name } if on.kind == Kind::Name("params".to_owned()) => {
                let param = self.doc.params.iter().find(|param| param.name.value == *name)?;
                // What a grade takes instead is known of evidence only.
                param.by_grade.is_empty().then(|| written(&param.value))
            }
            _ => self.plain(text[expr.span.clone()].trim()),
        }
    }

    /// Value and demand in words.
    fn words(&self, text: &str, expr: &Expr) -> (String, String) {
        let phrases = Phrases { params: &self.doc.params, language: self.language };
        let name = |e: &Expr| text[e.span.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
        let zh = self.language == Language::Zh;
        match &expr.kind {
            Kind::Compare(op, a, b) => {
                let (op, a, b) = if is_fixed(a) { (op.flipped(), b, a) } else { (*op, a, b) };
                let limit = phrases.value(text, b).replace('`', "");
                let told = self.told_of(&name(a), op, self.limit(text, b).as_deref());
                let limit = match told {
                    // As it was, with what a grade takes instead.
                    Some(told) => format_plain(told.threshold, told.unit, self.language),
                    None => limit,
                };
                (name(a), format!("{} {limit}", operator(op, self.language)))
            }
            Kind::Name(_) | Kind::Field { .. } => {
                (name(expr), if zh { "成立" } else { "is yes" }.to_owned())
            }
            Kind::Call { on: Some(_), .. } => {
                (name(expr), if zh { "成立" } else { "is yes" }.to_owned())
            }
            Kind::Not(inner) if matches!(inner.kind, Kind::Name(_) | Kind::Field { .. }) => {
                (name(inner), if zh { "不成立" } else { "is no" }.to_owned())
            }
            Kind::Call { on: None, name: function, args } if function == "has" => {
                let asked: String = args.iter().map(name).collect();
                (asked, if zh { "已知" } else { "is known" }.to_owned())
            }
            _ => (phrases.condition(&name(expr)).replace('`', ""), String::new()),
        }
    }

    /// What was seen of the value of a condition.
    fn seen(&self, text: &str, expr: &Expr) -> Option<String> {
        let of = match &expr.kind {
            Kind::Compare(_, a, b) => {
                if is_fixed(a) {
                    b
                } else {
                    a
                }
            }
            Kind::In(a, _) => a,
            Kind::Not(inner) => return self.seen(text, inner),
            Kind::Call { on: None, name, args } if name == "has" => args.first()?,
            _ => expr,
        };
        let name = text[of.span.clone()].trim();
        if let Some(told) = self.told.iter().find(|t| t.feature == name) {
            return Some(format_plain(told.value, told.unit, self.language));
        }
        self.shown.iter().find(|(known, _)| known == name).map(|(_, shown)| shown.clone())
    }
}

const MISSING: &str = "unknown";

/// Compares two plain values, where they are whole numbers, decimals or words.
fn compared(op: CompareOp, value: &str, limit: &str) -> Option<bool> {
    if let (Some(a), Some(b)) = (decimal(value), decimal(limit)) {
        return Some(op.holds(a, b));
    }
    let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let both_words = is_word(value) && is_word(limit);
    (both_words && matches!(op, CompareOp::Eq | CompareOp::Ne)).then(|| op.holds(value, limit))
}

/// A plain decimal in millionths.
fn decimal(text: &str) -> Option<i64> {
    crate::model::money::parse_decimal(text, 6).ok()
}

fn both(a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (Outcome::NotHeld, _) | (_, Outcome::NotHeld) => Outcome::NotHeld,
        (Outcome::Held, other) | (other, Outcome::Held) => other,
        _ => Outcome::Untold,
    }
}

fn either(a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (Outcome::Held, _) | (_, Outcome::Held) => Outcome::Held,
        (Outcome::NotHeld, other) | (other, Outcome::NotHeld) => other,
        _ => Outcome::Untold,
    }
}

fn negated(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Held => Outcome::NotHeld,
        Outcome::NotHeld => Outcome::Held,
        Outcome::NotHeldOrMissing => Outcome::Untold,
        same => same,
    }
}

/// Whether a value is always there: counts and sums of the two accounts, and what every payment
/// says of itself.
fn never_missing(plan: &Plan, id: ExprId) -> bool {
    match &plan.program.nodes[id.0 as usize] {
        Node::Constant(_) | Node::Has(_) => true,
        Node::Load(CellRef::Payment(index)) => matches!(
            plan.payment[usize::from(*index)],
            PaymentField::Status
                | PaymentField::PaymentType
                | PaymentField::Channel
                | PaymentField::SameAccount
                | PaymentField::IsFestival
                | PaymentField::IsBetween(_)
        ),
        Node::Load(CellRef::State(role @ (Role::Payer | Role::Payee), index)) => {
            match &plan.parts[*role as usize].features[usize::from(*index)] {
                StateFeature::Count(_)
                | StateFeature::Sum(_)
                | StateFeature::Counterparties(_)
                | StateFeature::Cycles { .. }
                | StateFeature::HistoryCount(..)
                | StateFeature::HistorySum(..)
                | StateFeature::PairCount(_)
                | StateFeature::Controlled(_) => true,
                StateFeature::Asked(query, measure) => {
                    let query = &plan.queries[usize::from(*query)];
                    let counted =
                        matches!(measure, Measure::Count | Measure::Sum | Measure::Counterparties);
                    counted && query.near_ppm.is_none() && query.party == PartyFilter::Any
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// The values in a reason, by the names that its template has for them. Empty where the reason is
/// not made of this template, or two values stand side by side.
fn shown_values(template: &str, reason: &str) -> Vec<(String, String)> {
    let (mut rest, mut values) = (reason, Vec::new());
    let mut pieces = template.split('{');
    let Some(first) = pieces.next().and_then(|first| rest.strip_prefix(first)) else {
        return Vec::new();
    };
    rest = first;
    for piece in pieces {
        let Some((name, literal)) = piece.split_once('}') else { return Vec::new() };
        let end = match literal {
            "" if rest.is_empty() || template.ends_with(&format!("{{{name}}}")) => Some(rest.len()),
            "" => None,
            literal => rest.find(literal),
        };
        let Some(end) = end else { return Vec::new() };
        values.push((name.trim().to_owned(), rest[..end].to_owned()));
        rest = &rest[end + literal.len()..];
    }
    if rest.is_empty() { values } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{compile, shipped};

    fn told<'a>(feature: &'a str, op: &'a str, value: &'a str, threshold: &'a str) -> Told<'a> {
        Told { feature, op, value, threshold, unit: "" }
    }

    fn sight(id: &str, told: &[Told<'_>], reason: &str) -> Vec<Part> {
        let files = shipped::files();
        let plan = compile(&files).expect("the shipped pack compiles");
        of((&files, &plan), id, (told, reason), Language::En).expect("a rule")
    }

    fn outcomes(part: &Part) -> Vec<(&str, &str, Outcome)> {
        part.conditions.iter().map(|c| (&*c.value, &*c.wanted, c.outcome)).collect()
    }

    #[test]
    fn values_are_read_out_of_a_reason() {
        let template = "{a} of {b} within {c}";
        let values = shown_values(template, "90.0 % of CNY 5.00 within 30 min");
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(values, [pair("a", "90.0 %"), pair("b", "CNY 5.00"), pair("c", "30 min")]);
        assert_eq!(shown_values(template, "something else"), []);
        assert_eq!(shown_values("{a}{b}", "12"), []);
        assert_eq!(shown_values("({a})", "(1)"), [pair("a", "1")]);
    }

    #[test]
    fn the_branch_that_was_taken_is_told_and_the_other_was_not_asked() {
        let evidence = [
            told("earlier", "==", "0", "0"),
            Told { unit: "CNY", ..told("amount", ">=", "60000.00", "20000.00") },
            Told { unit: "CNY", ..told("amount", ">=", "60000.00", "50000.00") },
        ];
        let reason = "first payment to this payee in 180 days (0 earlier), CNY 60000.00; the payer \
                      made 0 payments in 90 days, usual large payment unknown";
        let parts = sight("V01", &evidence, reason);
        let own = &parts[0];
        let habit = own.conditions.iter().find(|c| c.value == "habit").expect("it is listed");
        assert_eq!(habit.outcome, Outcome::NotHeld, "{:?}", outcomes(own));
        assert_eq!((habit.seen.as_deref(), habit.joint), (Some("0"), Joint::Where));
        let then = own.conditions.iter().find(|c| c.joint == Joint::Then).expect("a branch");
        assert_eq!(then.outcome, Outcome::NotAsked);
        let otherwise = own.conditions.iter().find(|c| c.joint == Joint::Otherwise);
        let otherwise = otherwise.expect("a branch");
        assert_eq!(otherwise.outcome, Outcome::Held);
        assert_eq!(otherwise.wanted, "at least CNY 50000.00");
        // No session in the record: whether it is missing or without a flag is not in the alert.
        assert_eq!(parts[1].escalates_to.as_deref(), Some("delay"));
        assert!(
            parts[1].conditions.iter().all(|c| c.outcome == Outcome::NotHeldOrMissing),
            "{:?}",
            outcomes(&parts[1])
        );
    }

    #[test]
    fn what_is_never_missing_did_not_hold_and_its_limit_is_told() {
        let evidence = [
            Told { unit: "CNY", ..told("in_sum", ">=", "49800.00", "5000.00") },
            Told { unit: "ratio", ..told("flow_ratio", ">=", "0.998", "0.9") },
        ];
        let parts = sight("M01", &evidence, "");
        let cycles = &parts[1].conditions[0];
        assert_eq!((cycles.value.as_str(), cycles.outcome), ("cycles", Outcome::NotHeld));
        assert_eq!(cycles.wanted, "at least 2 (cycles)");
        let grade = parts[1].conditions.last().expect("two branches");
        assert_eq!(grade.value, "payer.grade");
        assert_eq!((grade.wanted.as_str(), grade.outcome), ("is high", Outcome::NotHeldOrMissing));
        let sum = &parts[0].conditions[0];
        assert_eq!((sum.outcome, sum.seen.as_deref()), (Outcome::Held, Some("CNY 49800.00")));
        assert_eq!(sum.wanted, "at least CNY 5000.00");
    }
}
