//! A rule is judged at some phase, and targets a payment only while one can be held.

use crate::rules::diagnostics::Sink;
use crate::rules::source::Pack;

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    for rule in &pack.rules {
        if rule.phases.is_empty() {
            let span = rule.id.span.clone();
            let hint =
                Some("write phases = [\"pre\"], [\"post\"], both, or [\"opening\"]".to_owned());
            sink.report(rule.file, span, "the rule has no phase", "never judged", hint);
        }
        if rule.target_settled.value == "payment" {
            let span = rule.target_settled.span.clone();
            let message = "a settled payment cannot be held";
            let hint = Some("name an account: \"payer\" or \"payee\"".to_owned());
            sink.report(rule.file, span, message, "too late for this target", hint);
        }
        let opening = |text: &crate::rules::document::Text| text.value == "opening";
        let phases = rule.phases.iter().filter(|phase| opening(phase)).count();
        let targets = [&rule.target_held, &rule.target_settled];
        let targets = targets.into_iter().filter(|target| opening(target)).count();
        if (phases > 0 && rule.phases.len() > 1) || (phases > 0) != (targets == 2) || targets == 1 {
            let span = rule.target_held.span.clone();
            let message = "a rule about openings is about nothing else";
            let hint = "write phases = [\"opening\"] and \"opening\" for both targets".to_owned();
            sink.report(rule.file, span, message, "openings and payments", Some(hint));
        }
        for support in &rule.supports {
            if support.rules.is_empty() && support.families.is_empty() {
                let message = "a support names neither rules nor families";
                sink.report(rule.file, support.span.clone(), message, "supported by nothing", None);
            }
        }
    }
}
