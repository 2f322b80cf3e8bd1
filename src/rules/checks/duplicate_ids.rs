//! No two rules, guards, rule names or reason codes are called the same, and no rule names a phase
//! or a guard twice.
//!
//! Of two that are, the later one is blamed, and that of an overlay before a shipped one: it is the
//! one that can be called otherwise.

use std::collections::BTreeSet;

use crate::rules::diagnostics::Sink;
use crate::rules::document::Text;
use crate::rules::source::Pack;

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    unique("rule id", pack.rules.iter().map(|rule| &rule.id), pack, sink);
    unique("rule name", pack.rules.iter().map(|rule| &rule.name), pack, sink);
    unique("reason code", pack.rules.iter().map(|rule| &rule.code), pack, sink);
    unique("guard id", pack.guards.iter().map(|guard| &guard.id), pack, sink);
    for rule in &pack.rules {
        unique("phase", rule.phases.iter(), pack, sink);
        unique("guard", rule.guards.iter(), pack, sink);
    }
}

/// Reports what is given twice. Capitals do not tell two names apart: `rules explain x01` would
/// show one of them.
fn unique<'a>(what: &str, texts: impl Iterator<Item = &'a Text>, pack: &Pack, sink: &mut Sink<'_>) {
    let is_of_overlay = |text: &Text| pack.overlays.manifest_of(sink.path(text.file)).is_some();
    let (overlays, others): (Vec<&Text>, Vec<&Text>) = texts.partition(|text| is_of_overlay(text));
    let mut seen = BTreeSet::new();
    for text in others.into_iter().chain(overlays) {
        if !seen.insert(text.value.to_lowercase()) {
            let message = format!("the {what} `{}` is given twice", text.value);
            sink.report(text.file, text.span.clone(), message, "already taken", None);
        }
    }
}
