//! A rule is judged at some phase, and targets a payment only while one can be held.

use crate::rules::diagnostics::Sink;
use crate::rules::source::Pack;

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    for rule in &pack.rules {
        if rule.phases.is_empty() {
            let span = rule.id.span.clone();
            let hint = Some("write phases = [\"pre\"], [\"post\"] or both".to_owned());
            sink.report(rule.file, span, "the rule has no phase", "never judged", hint);
        }
        if rule.target_settled.value == "payment" {
            let span = rule.target_settled.span.clone();
            let message = "a settled payment cannot be held";
            let hint = Some("name an account: \"payer\" or \"payee\"".to_owned());
            sink.report(rule.file, span, message, "too late for this target", hint);
        }
        for support in &rule.supports {
            if support.rules.is_empty() && support.families.is_empty() {
                let message = "a support names neither rules nor families";
                sink.report(rule.file, support.span.clone(), message, "supported by nothing", None);
            }
        }
    }
}
