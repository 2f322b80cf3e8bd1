//! Conditions that come out one way only.

use super::possible::possible;
use super::thresholds::decided;
use super::words::expressions;
use super::{Context, Report, Words, whole};
use crate::rules::expr::Kind;
use crate::rules::plan::RulePlan;
use crate::rules::source::RuleDoc;

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    for (doc, rule) in context.rules() {
        let plan = context.plan;
        // A threshold out of reach is remarked on by itself, at its own place.
        let is_explained = rule.evidence.iter().any(|e| decided(plan, e).is_some());
        let mut say = |code, text: &crate::rules::document::Text, message: &str, hint: &str| {
            let words =
                Words { message: message.to_owned(), label: "always alike", hint: hint.to_owned() };
            report.rule(code, doc, "", whole(text), words);
        };
        let silent = silent_rules(context, doc, rule);
        if !silent.is_empty() && !possible(plan, &[(rule.when, true)]) {
            let message = format!("the condition can never hold: {silent} is off");
            say("never_true", &doc.when, &message, "switch it on, or this rule off as well");
            continue;
        }
        if !is_explained && !possible(plan, &[(rule.when, true)]) {
            let hint = "two of its parts contradict each other";
            say("never_true", &doc.when, "the condition can never hold", hint);
            continue;
        }
        if !is_explained && !possible(plan, &[(rule.when, false)]) {
            let message = "the condition holds whenever it can be evaluated";
            say("always_true", &doc.when, message, "it would raise an alert at every payment");
        }
        for (written, escalation) in doc.escalations.iter().zip(&rule.escalations) {
            if is_explained {
                break;
            }
            if !possible(plan, &[(rule.when, true), (escalation.when, true)]) {
                let message = "where the rule holds, this can never hold as well";
                say("never_true", &written.when, message, "it contradicts the rule's condition");
            } else if !possible(plan, &[(rule.when, true), (escalation.when, false)]) {
                let message = "where the rule holds, this always holds as well";
                let hint = "give the rule itself this floor and weight";
                say("always_true", &written.when, message, hint);
            }
        }
    }
}

/// The rules that are off and whose signals a rule asks about.
fn silent_rules(context: &Context<'_>, doc: &RuleDoc, rule: &RulePlan) -> String {
    if rule.signals.iter().all(|s| context.plan.signals[usize::from(*s)].rule.is_some()) {
        return String::new();
    }
    let is_on = |id: &str| context.plan.rules.iter().any(|rule| rule.id == id);
    let mut silent = Vec::new();
    for written in expressions(doc) {
        written.expr.walk(&mut |e| match &e.kind {
            Kind::Text(id) if context.pack.rule_ids.contains(id) && !is_on(id) => {
                silent.push(id.clone());
            }
            _ => {}
        });
    }
    silent.sort();
    silent.dedup();
    silent.join(", ")
}
