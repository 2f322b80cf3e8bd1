//! Every rule carries at least two examples that fire and two that must not.

use crate::rules::diagnostics::Sink;
use crate::rules::source::Pack;

/// Of each sort, at least.
const LEAST: usize = 2;

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    for rule in &pack.rules {
        let fires = |expect: &[crate::rules::document::Text]| {
            expect.iter().any(|line| line.value.split_whitespace().any(|w| w == rule.id.value))
        };
        let firing = rule.examples.iter().filter(|e| fires(&e.expect)).count();
        let silent = rule.examples.len() - firing;
        if firing >= LEAST && silent >= LEAST {
            continue;
        }
        let message = format!(
            "rule {} has {firing} examples that fire and {silent} that do not",
            rule.id.value
        );
        let hint = format!("add [[examples]]: at least {LEAST} of each");
        let span = rule.id.span.clone();
        sink.report(rule.file, span, message, "not proved by examples", Some(hint));
    }
}
