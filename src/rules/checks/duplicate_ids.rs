//! No two rules, guards, rule names or reason codes are called the same.

use std::collections::BTreeSet;

use crate::rules::diagnostics::Sink;
use crate::rules::document::Text;
use crate::rules::source::Pack;

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    unique("rule id", pack.rules.iter().map(|rule| &rule.id), sink);
    unique("rule name", pack.rules.iter().map(|rule| &rule.name), sink);
    unique("reason code", pack.rules.iter().map(|rule| &rule.code), sink);
    unique("guard id", pack.guards.iter().map(|guard| &guard.id), sink);
    for rule in &pack.rules {
        let is_code = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if !rule.code.value.chars().all(is_code) || rule.code.value.is_empty() {
            let span = rule.code.span.clone();
            let message = format!("`{}` is not a reason code", rule.code.value);
            let hint = Some("as BURST_OUT: capital letters, digits, underscores".to_owned());
            sink.report(rule.file, span, message, "here", hint);
        }
    }
}

fn unique<'a>(what: &str, texts: impl Iterator<Item = &'a Text>, sink: &mut Sink<'_>) {
    let mut seen = BTreeSet::new();
    for text in texts {
        if !seen.insert(text.value.as_str()) {
            let message = format!("the {what} `{}` is given twice", text.value);
            sink.report(text.file, text.span.clone(), message, "already taken", None);
        }
    }
}
