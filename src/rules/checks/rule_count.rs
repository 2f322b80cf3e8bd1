//! A pack holds some rules, and not more than the limit.

use crate::limits;
use crate::rules::diagnostics::Sink;
use crate::rules::source::Pack;

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    let Some(policy) = &pack.policy else { return };
    let count = pack.rules.len();
    if count > limits::RULES_MAX {
        let message = format!("the pack has {count} rules, at most {}", limits::RULES_MAX);
        sink.report(policy.file, policy.pack_id.span.clone(), message, "this pack", None);
    }
}
