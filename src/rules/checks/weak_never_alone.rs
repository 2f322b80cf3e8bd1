//! Weak signals never alert alone.
//!
//! A family is weak when its cap lies below the lowest band (the alert line), whatever it is
//! called; the family called `weak` must be so. A weak finding adds to the score and does nothing
//! else: its rule has no floor, no escalation and no support, and no rule is supported by it. A
//! pack whose families all reach the alert line has no weak signals, and this promises nothing of
//! it. The engine holds to the same without being told: an episode of weak findings is silent, and
//! their floors do not count.

use crate::rules::diagnostics::Sink;
use crate::rules::document::Text;
use crate::rules::source::{Pack, PolicyDoc, RuleDoc, WEAK};

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    let Some(policy) = &pack.policy else { return };
    let Some(line) = policy.alert_line() else { return };
    for (_, cap) in policy.families.iter().filter(|(name, _)| name.value == WEAK) {
        if cap.value >= line {
            let message = format!("the cap of `{WEAK}` reaches the alert line of {line}");
            let hint = Some(format!("set it below {line}: weak signals must not alert alone"));
            sink.report(cap.file, cap.span.clone(), message, "too high", hint);
        }
    }
    for rule in pack.rules.iter().filter(|rule| policy.is_weak(&rule.family.value)) {
        nothing_but_weight(policy, rule, line, sink);
    }
    for support in pack.rules.iter().flat_map(|rule| &rule.supports) {
        let is_weak = |id: &&Text| {
            let rule = pack.rules.iter().find(|rule| rule.id.value == id.value);
            rule.is_some_and(|rule| policy.is_weak(&rule.family.value))
        };
        let families = support.families.iter().filter(|name| policy.is_weak(&name.value));
        for weak in families.chain(support.rules.iter().filter(is_weak)) {
            let message =
                format!("`{}` is weak: it adds to the score and supports nothing", weak.value);
            let hint = Some("leave it out, or name rules and families that can alert".to_owned());
            sink.report(weak.file, weak.span.clone(), message, "no support", hint);
        }
    }
}

/// A weak rule asks for nothing by itself.
fn nothing_but_weight(policy: &PolicyDoc, rule: &RuleDoc, line: i64, sink: &mut Sink<'_>) {
    let family = &rule.family.value;
    let cap = policy.families.iter().find(|(name, _)| name.value == *family);
    let hint = match cap {
        Some((_, cap)) if family != WEAK => format!(
            "`{family}` counts {} at most, below the alert line of {line}: raise its cap, or put the \
             rule into another family",
            cap.value
        ),
        _ => "it would alert alone; put it into another family".to_owned(),
    };
    let floor = rule.floor.iter().map(|floor| (floor, "a floor"));
    let escalations = rule.escalations.iter().map(|e| (&e.floor, "an [[escalate]]"));
    let supports = rule.supports.iter().map(|s| (&s.floor, "a [[support]]"));
    for (text, what) in floor.chain(escalations).chain(supports) {
        let message = format!("a rule of `{family}` must not have {what}");
        sink.report(
            text.file,
            text.span.clone(),
            message,
            "asks for a measure",
            Some(hint.clone()),
        );
    }
}
