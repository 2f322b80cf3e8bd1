//! What names mean inside one rule or guard: its parameters and features.

use std::collections::BTreeMap;

use super::literal;
use super::operand::Operand;
use crate::model::event::RiskGrade;
use crate::model::money::{Currency, parse_decimal};
use crate::rules::catalogue::{FUNCTIONS, RECORDS};
use crate::rules::diagnostics::{Sink, meant_or_list};
use crate::rules::document::{Node, Text, Value};
use crate::rules::expr::{self, Expr};
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::{CompareOp, Node as Code, Type, double_cell};
use crate::rules::plan::view::Role;
use crate::rules::source::ParamDoc;

use super::cells::Builder;
use super::operand::Typed;

/// A named feature.
#[derive(Debug)]
pub(super) struct Feature {
    pub(super) name: String,
    pub(super) text: Text,
    pub(super) expr: Option<Expr>,
    /// Outer `None`: not yet lowered (they are lowered in order). Inner `None`: wrong, and
    /// reported.
    pub(super) lowered: Option<Option<Operand>>,
    pub(super) used: bool,
}

/// Names of one rule.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) params: BTreeMap<String, Option<Operand>>,
    pub(super) features: Vec<Feature>,
}

/// Reads the features' texts.
pub(super) fn features(docs: &[(Text, Text)], sink: &mut Sink<'_>) -> Vec<Feature> {
    docs.iter()
        .map(|(name, text)| {
            let expr = parse_at(text, sink);
            // A name that nothing can use is told as that, and not as unused.
            let used = !is_name("feature", name, sink);
            let (name, text) = (name.value.clone(), text.clone());
            Feature { name, text, expr, lowered: None, used }
        })
        .collect()
}

/// Whether a feature or parameter can be called so; what cannot is reported.
fn is_name(what: &str, name: &Text, sink: &mut Sink<'_>) -> bool {
    let word = name.value.as_str();
    let is_word = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let hides = RECORDS.iter().any(|(record, ..)| *record == word)
        || FUNCTIONS.iter().any(|(function, ..)| *function == word)
        || ["params", "true", "false", "null", "in"].contains(&word);
    let (message, hint) = if !is_word {
        let hint = "letters, digits and underscores, as `out_sum`; it does not begin with a digit";
        (format!("`{word}` is not a name for a {what}"), hint)
    } else if hides && what == "feature" {
        let hint = "another name, as `out_sum`: this one means something in every expression";
        (format!("a feature cannot be called `{word}`"), hint)
    } else {
        return true;
    };
    sink.report(name.file, name.span.clone(), message, "not a name", Some(hint.to_owned()));
    false
}

/// Parses an expression and reports what is wrong with it in the file.
pub(super) fn parse_at(text: &Text, sink: &mut Sink<'_>) -> Option<Expr> {
    match expr::parse(&text.value) {
        Ok(expr) => Some(expr),
        Err(fault) => {
            sink.report(text.file, text.place(fault.span), fault.message, "here", fault.hint);
            None
        }
    }
}

/// Compiles the parameters of a rule.
pub(super) fn params(
    docs: &[ParamDoc],
    subject: Role,
    currency: Currency,
    builder: &mut Builder,
    sink: &mut Sink<'_>,
) -> BTreeMap<String, Option<Operand>> {
    docs.iter()
        .map(|doc| {
            is_name("parameter", &doc.name, sink);
            let value = param(doc, subject, currency, builder, sink);
            (doc.name.value.clone(), value)
        })
        .collect()
}

fn param(
    doc: &ParamDoc,
    subject: Role,
    currency: Currency,
    builder: &mut Builder,
    sink: &mut Sink<'_>,
) -> Option<Operand> {
    let base = param_value(doc, &doc.value, currency, builder, sink)?;
    if doc.by_grade.is_empty() {
        return Some(base);
    }
    let Operand::Value(mut result) = base else {
        let span = doc.value.span.clone();
        sink.report(doc.value.file, span, "a list cannot depend on the grade", "a list", None);
        return None;
    };
    // Accounts have grades: of a payee's customer it is the account paid, of everybody else's rules
    // the account that pays or is opened.
    let graded = match subject {
        Role::Payee | Role::PayeeCustomer => Role::Payee,
        _ => Role::Payer,
    };
    let grade = builder.state(graded, StateFeature::Grade);
    let known = builder.add(Code::Has(grade));
    for (word, node) in &doc.by_grade {
        let words = RiskGrade::WORDS;
        let Some(number) = words.iter().position(|(w, _)| *w == word.value) else {
            let hint = meant_or_list(&word.value, words.iter().map(|(w, _)| *w));
            let message = format!("`{}` is not a grade", word.value);
            sink.report(word.file, word.span.clone(), message, "unknown grade", Some(hint));
            continue;
        };
        let Some(Operand::Value(other)) = param_value(doc, node, currency, builder, sink) else {
            continue;
        };
        if other.ty != result.ty {
            let message = "the value for a grade has another type than `value`";
            sink.report(node.file, node.span.clone(), message, "another type", None);
            continue;
        }
        let number = builder.add(Code::Constant(number as i64));
        let equal = builder.add(Code::Compare(CompareOp::Eq, grade, number));
        // An unknown grade takes the base value: it must not make the rule not evaluable.
        let applies = builder.add(Code::And(known, equal));
        result.id = builder.add(Code::If(applies, other.id, result.id));
        result.constant = None;
        result.millionths = None;
    }
    Some(Operand::Value(result))
}

fn param_value(
    doc: &ParamDoc,
    node: &Node,
    currency: Currency,
    builder: &mut Builder,
    sink: &mut Sink<'_>,
) -> Option<Operand> {
    let file = node.file;
    let unit = doc.unit.as_ref().map(|u| u.value.as_str());
    let mut units = |allowed: &[&str]| match &doc.unit {
        Some(text) if !allowed.contains(&text.value.as_str()) => {
            let hint = format!("allowed here: {}", allowed.join(", "));
            let message = format!("`{}` is not a unit of this value", text.value);
            // Where an overlay gave the value, it is the value that does not fit the unit.
            let span = if text.file == file { text.span.clone() } else { node.span.clone() };
            sink.report(file, span, message, "wrong unit", Some(hint));
        }
        _ => {}
    };
    match &node.value {
        Value::Integer(value) => {
            units(&["count", "days", "years"]);
            Some(constant(builder, Type::Int, *value, value.checked_mul(1_000_000)))
        }
        Value::Float(raw) => {
            units(&["ratio"]);
            let value: f64 = raw.replace('_', "").parse().ok().filter(|v: &f64| v.is_finite())?;
            let millionths = literal::millionths(raw);
            Some(constant(builder, Type::Double, double_cell(value), millionths))
        }
        Value::Text(text) if unit == Some(currency.code()) => {
            match parse_decimal(&text.value, currency.exponent()) {
                Ok(minor) => Some(constant(builder, Type::Money, minor, None)),
                Err(error) => {
                    let message = format!("not an amount: {error}");
                    sink.report(file, text.span.clone(), message, "here", None);
                    None
                }
            }
        }
        Value::Text(text) if unit.is_none() || unit == Some("duration") => {
            if let Some(days) = literal::working_days(&text.value) {
                return Some(Operand::WorkingDays(days));
            }
            match literal::duration(&text.value) {
                Some(ms) => Some(constant(builder, Type::Duration, ms, None)),
                None => {
                    let hint = format!(
                        "durations look like \"10m\", \"7d\" or \"5wd\"; an amount needs unit = \"{}\"",
                        currency.code()
                    );
                    let message = format!("`{}` is not a duration", text.value);
                    sink.report(file, text.span.clone(), message, "here", Some(hint));
                    None
                }
            }
        }
        Value::Text(text) => {
            units(&[currency.code(), "duration"]);
            let _ = text;
            None
        }
        Value::Array(items) => {
            let words = items.iter().filter_map(|item| match &item.value {
                Value::Text(text) => Some((Operand::Text(text.value.clone()), 0..0)),
                _ => None,
            });
            Some(Operand::List(words.collect()))
        }
        Value::Bool | Value::Table(_) | Value::Other => {
            let hint = "a parameter is a whole number, a fraction, an amount, a duration or words";
            let span = node.span.clone();
            sink.report(file, span, "not a parameter value", "here", Some(hint.to_owned()));
            None
        }
    }
}

/// A constant as an operand.
pub(super) fn constant(
    builder: &mut Builder,
    ty: Type,
    cell: i64,
    millionths: Option<i64>,
) -> Operand {
    let id = builder.add(Code::Constant(cell));
    Operand::Value(Typed { ty, id, words: None, constant: Some(cell), millionths })
}
