//! Every threshold of every rule, every guard and the policy, moved by one unit: what the examples
//! must notice.
//!
//! A mutant is a small pack: the rule with one number changed, the rules its file names, policy and
//! guards. Numbers are those of `[params]` and those written into conditions and features. Of a
//! guard it is the rules that name it, and the examples of any of them may notice. Of the policy it
//! is the whole pack with the examples about it. One unit is one for a whole number, one minor unit
//! for an amount, a second for a duration, a working day, a minute for a time of day, a hundredth
//! for a ratio.

use std::collections::BTreeSet;
use std::ops::Range;

use super::compile::{clock, duration, working_days};
use super::diagnostics::{Diagnostic, Sink};
use super::document::{Node, Text, Value};
use super::examples::OF_PACK;
use super::expr::{self, Expr, Kind};
use super::lint::words::{Written, expressions};
use super::source::{Pack, ParamDoc, RuleDoc};
use super::{SourceFile, document, overlay, sorted, source};
use crate::model::money::{Currency, format_decimal, parse_decimal};
use crate::model::time::{Millis, SECOND};

/// A pack with one number changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The rule or the guard; empty for the policy.
    pub rule: String,
    /// Rules whose examples are to notice; [`OF_PACK`] stands for those of the whole pack.
    pub watched: Vec<String>,
    /// The parameter, or the number as written.
    pub about: String,
    /// The file that holds the number.
    pub path: String,
    /// Where the number stands in the unchanged file.
    pub span: Range<usize>,
    /// The number.
    pub from: String,
    /// What it became.
    pub to: String,
    /// The changed pack; it may not compile, where the change leaves a bound.
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
    let mut add = |id: &str, watched: &[&str], needed: BTreeSet<usize>, changes: Vec<Change>| {
        for change in changes {
            let original = files[change.file];
            let mut text = original.text.clone();
            text.replace_range(change.span.clone(), &change.to);
            let mut small: Vec<SourceFile> =
                needed.iter().filter(|i| **i != change.file).map(|i| files[*i].clone()).collect();
            small.push(SourceFile { path: original.path.clone(), text });
            mutants.push(Mutant {
                rule: id.to_owned(),
                watched: watched.iter().map(|rule| (*rule).to_owned()).collect(),
                about: change.about,
                path: original.path.clone(),
                from: original.text[change.span.clone()].to_owned(),
                span: change.span,
                to: change.to,
                files: small,
            });
        }
    };
    for rule in &pack.rules {
        let id = rule.id.value.as_str();
        add(id, &[id], needed(&pack, &[rule], &roots), changes(rule, currency));
    }
    for guard in &pack.guards {
        let watched: Vec<&RuleDoc> = pack.rules.iter().filter(|rule| guard.is_of(rule)).collect();
        let Ok(expr) = expr::parse(&guard.when.value) else { continue };
        let written = Written { text: &guard.when, expr };
        let mut changes = Vec::new();
        written.expr.walk(&mut |expr| of_number(&written, expr, currency, &mut changes));
        // What no rule names has nobody to notice it.
        if !watched.is_empty() {
            let ids: Vec<&str> = watched.iter().map(|rule| rule.id.value.as_str()).collect();
            add(&guard.id.value, &ids, needed(&pack, &watched, &roots), changes);
        }
    }
    // A pack without examples of the whole says nothing about its policy.
    if let Some(policy) = pack.policy.as_ref().filter(|_| !pack.examples.is_empty()) {
        let changes = of_policy(&policy.thresholds, currency);
        add("", &[OF_PACK], (0..files.len()).collect(), changes);
    }
    mutants.sort_by(|a, b| (&a.path, a.span.start).cmp(&(&b.path, b.span.start)));
    Ok(mutants)
}

/// The files that rules need: policy, guards and calendars, and the rules that they and their
/// examples name, with those that they need.
/// Changes of rules that are not there are left out with them.
fn needed(pack: &Pack, rules: &[&RuleDoc], roots: &[Option<Node>]) -> BTreeSet<usize> {
    let of_rules = pack.rules.iter().map(|rule| rule.file);
    let left_out: BTreeSet<usize> =
        of_rules.chain(pack.examples.iter().map(|(file, _)| *file)).collect();
    let mut needed: BTreeSet<usize> =
        (0..roots.len()).filter(|index| !left_out.contains(index)).collect();
    let mut ids = BTreeSet::new();
    let mut open = rules.to_vec();
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

fn of_policy(thresholds: &[(String, Node)], currency: Currency) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, node) in thresholds {
        of_node(name, node, false, currency, &mut changes);
    }
    changes
}

fn of_param(param: &ParamDoc, node: &Node, currency: Currency, changes: &mut Vec<Change>) {
    let is_amount = param.unit.as_ref().is_some_and(|u| u.value == currency.code());
    of_node(&param.name.value, node, is_amount, currency, changes);
}

/// A number that is a value of its own.
fn of_node(
    name: &str,
    node: &Node,
    is_amount: bool,
    currency: Currency,
    changes: &mut Vec<Change>,
) {
    let mut change = |to: Vec<String>| {
        changes.extend(to.into_iter().map(|to| {
            let (about, span) = (name.to_owned(), node.span.clone());
            Change { file: node.file, about, span, to }
        }));
    };
    match &node.value {
        Value::Integer(value) => change(beside(*value)),
        Value::Float(raw) => change(fractions_beside(raw)),
        Value::Text(text) if is_amount => change(quoted(amounts_beside(&text.value, currency))),
        Value::Text(text) if duration(&text.value).is_some() => {
            change(quoted(durations_beside(&text.value)));
        }
        Value::Text(text) => {
            change(quoted(working_days_beside(&text.value)));
            change(quoted(fractions_beside(&text.value)));
        }
        _ => {}
    }
}

/// A number in an expression.
fn of_number(written: &Written<'_>, expr: &Expr, currency: Currency, changes: &mut Vec<Change>) {
    match &expr.kind {
        Kind::Int(value) => at(written, &expr.span, beside(*value), changes),
        Kind::Fraction(raw) => at(written, &expr.span, fractions_beside(raw), changes),
        Kind::Call { name, args, .. } => {
            for arg in args {
                let Kind::Text(text) = &arg.kind else { continue };
                let to = match name.as_str() {
                    "money" => amounts_beside(text, currency),
                    "duration" => durations_beside(text),
                    "between" => clocks_beside(text),
                    _ => return,
                };
                at(written, &arg.span, quoted(to), changes);
            }
        }
        _ => {}
    }
}

/// Changes of one place of an expression.
fn at(written: &Written<'_>, span: &Range<usize>, to: Vec<String>, changes: &mut Vec<Change>) {
    let place = written.text.place(span.clone());
    // Where escapes hide the place, the number cannot be changed by itself.
    if place.len() != span.len() {
        return;
    }
    let about = name_of(written.text, span);
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

fn working_days_beside(text: &str) -> Vec<String> {
    let Some(days) = working_days(text) else { return Vec::new() };
    [days - 1, days + 1].map(|days| format!("{days}wd")).to_vec()
}

fn clocks_beside(text: &str) -> Vec<String> {
    let Some(minutes) = clock(text) else { return Vec::new() };
    let written = |minutes: i64| {
        let minutes = minutes.rem_euclid(24 * 60);
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    };
    [minutes - 1, minutes + 1].map(written).to_vec()
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
        assert_eq!(working_days_beside("5wd"), ["4wd", "6wd"]);
        assert_eq!(clocks_beside("00:00"), ["23:59", "00:01"]);
    }

    #[test]
    fn the_numbers_of_a_guard_are_watched_by_every_rule_that_names_it() {
        let mutants = of(&crate::rules::shipped::files()).expect("the shipped pack is readable");
        let of_g8: Vec<&Mutant> = mutants.iter().filter(|m| m.rule == "G8").collect();
        let numbers: BTreeSet<&str> = of_g8.iter().map(|m| m.from.as_str()).collect();
        assert_eq!(numbers, BTreeSet::from(["3", "90", "180"]));
        for mutant in of_g8 {
            assert_eq!(mutant.path, "guards.toml");
            assert!(["V03", "R07"].iter().all(|id| mutant.watched.iter().any(|w| w == id)));
            assert!(!mutant.watched.iter().any(|id| id == "M01"));
        }
    }

    #[test]
    fn the_numbers_of_the_policy_are_watched_by_the_examples_of_the_whole_pack() {
        let files = crate::rules::shipped::files();
        let mutants = of(&files).expect("the shipped pack is readable");
        let of_policy: Vec<&Mutant> = mutants.iter().filter(|m| m.path == "policy.toml").collect();
        let names: BTreeSet<&str> = of_policy.iter().map(|m| m.about.as_str()).collect();
        let families = ["channel", "flow", "list", "profile", "ring", "victim", "weak"];
        let families = families.map(|name| format!("families.{name}"));
        let others = [
            "bands.from",
            "breaker.share_from",
            "breaker.share_max",
            "breaker.strong_max",
            "breaker.window",
            "episodes.cool_down",
            "episodes.idle",
            "measures.act_within",
            "measures.delay_duration",
            "measures.freeze_proposal_from",
            "measures.stop_duration",
            "measures.stop_extensions_max",
        ];
        assert_eq!(names, families.iter().map(String::as_str).chain(others).collect());
        // Seven families, four bands, eleven other numbers, each moved down and up.
        assert_eq!(of_policy.len(), 2 * (7 + 4 + 11));
        for mutant in of_policy {
            assert_eq!(
                (mutant.rule.as_str(), &mutant.watched[..]),
                ("", &[OF_PACK.to_owned()][..])
            );
            assert_eq!(mutant.files.len(), files.len());
        }
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
