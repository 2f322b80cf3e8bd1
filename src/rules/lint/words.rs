//! The expressions of a rule as written, and what they name.

use crate::rules::document::Text;
use crate::rules::expr::{self, Expr, Kind};
use crate::rules::source::RuleDoc;

/// An expression with the text it stands in.
#[derive(Clone, Debug)]
pub(in crate::rules) struct Written<'a> {
    pub(in crate::rules) text: &'a Text,
    pub(in crate::rules) expr: Expr,
}

/// Conditions and features of a rule; those that do not parse are left out.
pub(in crate::rules) fn expressions(doc: &RuleDoc) -> Vec<Written<'_>> {
    let features = doc.features.iter().map(|(_, text)| text);
    let escalations = doc.escalations.iter().map(|escalation| &escalation.when);
    let conditions = [&doc.when].into_iter().chain(&doc.balance_unknown).chain(escalations);
    features
        .chain(conditions)
        .filter_map(|text| Some(Written { text, expr: expr::parse(&text.value).ok()? }))
        .collect()
}

/// What stands in braces in a rule's texts.
pub(super) fn placeholders(text: &Text) -> Vec<&str> {
    let parts = text.value.split('{').skip(1);
    parts.filter_map(|part| part.split_once('}')).map(|(inside, _)| inside.trim()).collect()
}

/// The parameter an expression is, if it is one.
pub(super) fn param(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        Kind::Field { on, name } if matches!(&on.kind, Kind::Name(n) if n == "params") => {
            Some(name)
        }
        _ => None,
    }
}
