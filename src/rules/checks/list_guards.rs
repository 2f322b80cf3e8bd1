//! A guard never removes a list hit, except corrections (G10).

use crate::rules::diagnostics::Sink;
use crate::rules::source::Pack;

/// The only guard a rule of the list family may name.
const CORRECTIONS: &str = "G10";

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    for rule in pack.rules.iter().filter(|rule| rule.family.value == "list") {
        for guard in rule.guards.iter().filter(|guard| guard.value != CORRECTIONS) {
            let message = format!("guard `{}` would override a list hit", guard.value);
            let hint = Some("put exemptions into the rule's condition, where they show".to_owned());
            sink.report(rule.file, guard.span.clone(), message, "not on a list rule", hint);
        }
    }
}
