//! Words that people read are there, in both languages.

use crate::rules::diagnostics::Sink;
use crate::rules::document::Text;
use crate::rules::source::{Bi, Pack, RuleDoc};

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    for rule in &pack.rules {
        of_rule(rule, sink);
    }
    for guard in &pack.guards {
        both("a title", &guard.title, sink);
    }
    for (_, reason) in pack.policy.iter().flat_map(|policy| &policy.customer_reasons) {
        both("what the customer reads", reason, sink);
    }
}

fn of_rule(rule: &RuleDoc, sink: &mut Sink<'_>) {
    both("a title", &rule.title, sink);
    both("the text of a reason", &rule.text, sink);
    let parts = rule.card.iter().flat_map(|card| {
        [&card.catches, &card.spares, &card.needs, &card.tune].into_iter().chain(&card.choices)
    });
    parts.for_each(|part| both("a part of the card", part, sink));
    for example in &rule.examples {
        one("the name of an example", &example.name, sink);
    }
}

fn both(what: &str, words: &Bi, sink: &mut Sink<'_>) {
    one(what, &words.zh, sink);
    one(what, &words.en, sink);
}

fn one(what: &str, text: &Text, sink: &mut Sink<'_>) {
    if text.value.trim().is_empty() {
        let message = format!("{what} is empty");
        let hint = Some("people read it: say it in words".to_owned());
        sink.report(text.file, text.span.clone(), message, "no words", hint);
    }
}
