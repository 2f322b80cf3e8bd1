//! What a pack allows itself exists as a remark, and has a reason.

use crate::rules::diagnostics::{Sink, meant_or_list};
use crate::rules::lint::LINTS;
use crate::rules::source::Pack;

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    let of_rules = pack.rules.iter().flat_map(|rule| &rule.allows);
    let of_guards = pack.guards.iter().flat_map(|guard| &guard.allows);
    let of_policy = pack.policy.iter().flat_map(|policy| &policy.allows);
    for allow in of_rules.chain(of_guards).chain(of_policy) {
        let (code, reason) = (&allow.code, &allow.reason);
        if !LINTS.iter().any(|lint| lint.code == code.value) {
            let hint = meant_or_list(&code.value, LINTS.iter().map(|lint| lint.code));
            let message = format!("`rules lint` has no remark `{}`", code.value);
            sink.report(code.file, code.span.clone(), message, "unknown remark", Some(hint));
        }
        if reason.value.trim().is_empty() {
            let hint = Some("say why it is meant to be so".to_owned());
            let message = "an allowed remark needs a reason";
            sink.report(reason.file, reason.span.clone(), message, "no reason", hint);
        }
    }
}
