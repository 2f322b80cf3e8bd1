//! Every threshold of every rule, moved by one unit: what a rule's examples must notice.
//!
//! A mutant is a small pack: the rule with one number changed, the rules its file names, policy and
//! guards. Numbers are those of `[params]` and those written into conditions and features. One unit
//! is one for a whole number, one minor unit for an amount, a second for a duration, a hundredth
//! for a ratio.

use std::collections::BTreeSet;
use std::ops::Range;

use super::compile::duration;
use super::diagnostics::{Diagnostic, Sink};
use super::document::{Node, Text, Value};
use super::expr::{Expr, Kind};
use super::lint::words::{Written, expressions};
use super::source::{Pack, ParamDoc, RuleDoc};
use super::{SourceFile, document, overlay, sorted, source};
use crate::model::money::{Currency, format_decimal, parse_decimal};
use crate::model::time::{Millis, SECOND};

/// A rule with one number changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The rule.
    pub rule: String,
    /// The parameter, or the number as written.
    pub about: String,
    /// The rule's file.
    pub path: String,
    /// Where the number stands in the unchanged file.
    pub span: Range<usize>,
    /// The number.
    pub from: String,
    /// What it became.
    pub to: String,
    /// The pack that holds the changed rule; it may not compile, where the change leaves a bound.
    pub files: Vec<SourceFile>,
}

/// Every mutant of a pack, in order of file and place.
///
/// # Errors
/// What is wrong with the files.
pub fn of(files: &[SourceFile]) -> Result<Vec<Mutant>, Vec<Diagnostic>> {
    let files = sorted(files);
    let mut sink = Sink::new(&files);
    let pack = source::read(&files, &mut sink);
    if !sink.is_empty() {
        return Err(sink.into_sorted());
    }
    let code = pack.policy.as_ref().and_then(|policy| Currency::parse(&policy.currency.value));
    let currency = code.unwrap_or(Currency::CNY);
    let roots: Vec<Option<Node>> =
        (0..files.len()).map(|file| document::parse(file, &mut sink)).collect();
    let mut mutants = Vec::new();
    for rule in &pack.rules {
        let needed = needed(&pack, rule, &roots);
        for change in changes(rule, currency) {
            let original = files[change.file];
            let mut text = original.text.clone();
            text.replace_range(change.span.clone(), &change.to);
            let mut small: Vec<SourceFile> =
                needed.iter().filter(|i| **i != change.file).map(|i| files[*i].clone()).collect();
            small.push(SourceFile { path: original.path.clone(), text });
            mutants.push(Mutant {
                rule: rule.id.value.clone(),
                about: change.about,
                path: original.path.clone(),
                from: original.text[change.span.clone()].to_owned(),
                span: change.span,
                to: change.to,
                files: small,
            });
        }
    }
    mutants.sort_by(|a, b| (&a.path, a.span.start).cmp(&(&b.path, b.span.start)));
    Ok(mutants)
}

/// The files a rule needs: everything that is not a rule, and the rules that it and its examples
/// name, with those that they need.
/// Changes of rules that are not there are left out with them.
fn needed(pack: &Pack, rule: &RuleDoc, roots: &[Option<Node>]) -> BTreeSet<usize> {
    let of_rules: BTreeSet<usize> = pack.rules.iter().map(|r| r.file).collect();
    let mut needed: BTreeSet<usize> =
        (0..roots.len()).filter(|index| !of_rules.contains(index)).collect();
    let mut ids = BTreeSet::new();
    let mut open = vec![rule];
    while let Some(rule) = open.pop() {
        if !needed.insert(rule.file) {
            continue;
        }
        ids.insert(rule.id.value.as_str());
        let supports = rule.supports.iter().flat_map(|s| &s.rules).map(|t| t.value.as_str());
        let expected = rule.examples.iter().flat_map(|e| &e.expect);
        let words = expected.flat_map(|line| line.value.split_whitespace());
        let mut named: BTreeSet<String> = supports.chain(words).map(str::to_owned).collect();
        for written in expressions(rule) {
            written.expr.walk(&mut |expr| {
                if let Kind::Text(text) = &expr.kind {
                    named.insert(text.clone());
                }
            });
        }
        open.extend(pack.rules.iter().filter(|other| named.contains(&other.id.value)));
    }
    needed.retain(|index| {
        let changed = roots[*index].as_ref().and_then(overlay::changes_rule);
        changed.is_none_or(|id| ids.contains(id.as_str()))
    });
    needed
}

struct Change {
    file: usize,
    about: String,
    span: Range<usize>,
    to: String,
}

fn changes(rule: &RuleDoc, currency: Currency) -> Vec<Change> {
    let mut changes = Vec::new();
    for param in &rule.params {
        of_param(param, &param.value, currency, &mut changes);
        for (_, value) in &param.by_grade {
            of_param(param, value, currency, &mut changes);
        }
    }
    for written in expressions(rule) {
        written.expr.walk(&mut |expr| of_number(&written, expr, currency, &mut changes));
    }
    changes
}

fn of_param(param: &ParamDoc, node: &Node, currency: Currency, changes: &mut Vec<Change>) {
    let mut change = |to: Vec<String>| {
        changes.extend(to.into_iter().map(|to| {
            let (about, span) = (param.name.value.clone(), node.span.clone());
            Change { file: param.name.file, about, span, to }
        }));
    };
    let is_amount = param.unit.as_ref().is_some_and(|u| u.value == currency.code());
    match &node.value {
        Value::Integer(value) => change(beside(*value)),
        Value::Float(raw) => change(fractions_beside(raw)),
        Value::Text(text) if is_amount => change(quoted(amounts_beside(&text.value, currency))),
        Value::Text(text) => change(quoted(durations_beside(&text.value))),
        _ => {}
    }
}

/// A number in an expression.
fn of_number(written: &Written<'_>, expr: &Expr, currency: Currency, changes: &mut Vec<Change>) {
    let inside = |text: &str| match &expr.kind {
        Kind::Call { args, .. } => args[0].span.clone(),
        _ => {
            debug_assert!(!text.is_empty());
            expr.span.clone()
        }
    };
    let (span, to) = match &expr.kind {
        Kind::Int(value) => (expr.span.clone(), beside(*value)),
        Kind::Fraction(raw) => (expr.span.clone(), fractions_beside(raw)),
        Kind::Call { on: None, name, args } => {
            let [Expr { kind: Kind::Text(text), .. }] = &args[..] else { return };
            let to = match name.as_str() {
                "money" => amounts_beside(text, currency),
                "duration" => durations_beside(text),
                _ => return,
            };
            (inside(text), to.into_iter().map(|to| format!("\"{to}\"")).collect())
        }
        _ => return,
    };
    let place = written.text.place(span.clone());
    // Where escapes hide the place, the number cannot be changed by itself.
    if place.len() != span.len() {
        return;
    }
    let about = name_of(written.text, &span);
    let file = written.text.file;
    changes.extend(to.into_iter().map(|to| {
        let (about, span) = (about.clone(), place.clone());
        Change { file, about, span, to }
    }));
}

fn name_of(text: &Text, span: &Range<usize>) -> String {
    text.value.get(span.clone()).unwrap_or_default().trim_matches(['\'', '"']).to_owned()
}

fn beside(value: i64) -> Vec<String> {
    [value.checked_sub(1), value.checked_add(1)]
        .into_iter()
        .flatten()
        .map(|v| v.to_string())
        .collect()
}

fn fractions_beside(raw: &str) -> Vec<String> {
    let Ok(millionths) = parse_decimal(&raw.replace('_', ""), 6) else { return Vec::new() };
    [millionths - 10_000, millionths + 10_000].map(|m| format_decimal(m, 6)).to_vec()
}

fn amounts_beside(text: &str, currency: Currency) -> Vec<String> {
    let exponent = currency.exponent();
    let Ok(minor) = parse_decimal(text, exponent) else { return Vec::new() };
    [minor - 1, minor + 1].map(|minor| format_decimal(minor, exponent)).to_vec()
}

fn durations_beside(text: &str) -> Vec<String> {
    let Some(ms) = duration(text) else { return Vec::new() };
    let written = |ms: Millis| format!("{ms}ms");
    [ms - SECOND, ms + SECOND].into_iter().filter(|ms| *ms > 0).map(written).collect()
}

fn quoted(values: Vec<String>) -> Vec<String> {
    values.into_iter().map(|value| format!("\"{value}\"")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_is_one_of_its_kind() {
        assert_eq!(beside(5), ["4", "6"]);
        assert_eq!(fractions_beside("0.90"), ["0.890000", "0.910000"]);
        assert_eq!(amounts_beside("5000.00", Currency::CNY), ["4999.99", "5000.01"]);
        assert_eq!(durations_beside("10m"), ["599000ms", "601000ms"]);
        assert_eq!(durations_beside("1s"), ["2000ms"]);
    }

    #[test]
    fn every_number_of_a_rule_is_moved_and_nothing_else() {
        let files = crate::rules::shipped::files();
        let mutants = of(&files).expect("the shipped pack is readable");
        let of_m02: Vec<&Mutant> = mutants.iter().filter(|m| m.rule == "M02").collect();
        let names: BTreeSet<&str> = of_m02.iter().map(|m| m.about.as_str()).collect();
        assert_eq!(names, BTreeSet::from(["min_count", "min_payees", "min_sum", "window"]));
        assert_eq!(of_m02.len(), 8);
        for mutant in of_m02 {
            let whole = files.iter().find(|file| file.path == mutant.path).expect("there");
            let changed = mutant.files.iter().find(|file| file.path == mutant.path).expect("there");
            let mut expect = whole.text.clone();
            expect.replace_range(mutant.span.clone(), &mutant.to);
            assert_eq!(changed.text, expect);
            assert_ne!(changed.text, whole.text);
        }
    }
}
