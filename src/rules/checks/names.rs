//! Ids, names, versions and reason codes have the form that whoever reads them relies on.

use crate::rules::diagnostics::Sink;
use crate::rules::document::Text;
use crate::rules::source::{Pack, RuleDoc};

/// What must be so of a name, and how it looks.
struct Form {
    what: &'static str,
    looks: &'static str,
    is_good: fn(&str) -> bool,
}

const ID: Form = Form {
    what: "an id",
    looks: "as M02: letters and digits",
    is_good: |text| text.chars().all(|c| c.is_ascii_alphanumeric()),
};
const NAME: Form = Form {
    what: "a name",
    looks: "as burst_out: small letters, digits, underscores",
    is_good: |text| text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_')),
};
const CODE: Form = Form {
    what: "a reason code",
    looks: "as BURST_OUT: capital letters, digits, underscores",
    is_good: |text| text.chars().all(|c| matches!(c, 'A'..='Z' | '0'..='9' | '_')),
};
const VERSION: Form = Form {
    what: "a version",
    looks: "as 1.2.0: numbers with dots between",
    is_good: |text| {
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        text.split('.').all(is_number)
    },
};

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    for rule in &pack.rules {
        has_form(rule, &rule.id, &ID, sink);
        // What a file leaves out is said of it already; its id stands in.
        for (text, form) in [(&rule.name, &NAME), (&rule.code, &CODE), (&rule.version, &VERSION)] {
            if text.span != rule.id.span {
                has_form(rule, text, form, sink);
            }
        }
    }
}

fn has_form(rule: &RuleDoc, text: &Text, form: &Form, sink: &mut Sink<'_>) {
    if text.value.is_empty() || !(form.is_good)(&text.value) {
        let message = format!("`{}` is not {}", text.value, form.what);
        sink.report(rule.file, text.span.clone(), message, "here", Some(form.looks.to_owned()));
    }
}
