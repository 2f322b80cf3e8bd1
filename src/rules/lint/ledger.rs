//! Windows as long as the ledger keeps: a payment that arrives late sees only part of them.

use super::{Context, Place, Report, Words, whole};
use crate::limits;
use crate::model::time::{DAY, Millis};
use crate::rules::compile::{duration, working_days};
use crate::rules::document::Value;
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::{CellRef, Node, Type};
use crate::rules::plan::{Plan, RulePlan};
use crate::rules::source::RuleDoc;
use crate::rules::text::{Language, format_value};

/// A payment may arrive this late and still see its whole window, or the rule says that it knows.
const LATE: Millis = DAY;

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    for (doc, rule) in context.rules() {
        let window_ms = longest_window(context.plan, rule);
        if window_ms + LATE <= limits::LEDGER_RETENTION {
            continue;
        }
        let spare = limits::LEDGER_RETENTION - window_ms;
        let words =
            |ms| format_value(Type::Duration, ms, context.plan.currency, None, Language::En);
        let (about, span) = window_place(doc, window_ms);
        let words = Words {
            message: format!(
                "the window is {}, the ledger keeps {}",
                words(window_ms),
                words(limits::LEDGER_RETENTION)
            ),
            label: "as long as the ledger keeps",
            hint: format!(
                "a payment that arrives more than {} late sees only part of it: shorten the window, \
                 use history(days), or allow it",
                words(spare)
            ),
        };
        report.rule("window_beyond_ledger", doc, &about, span, words);
    }
}

/// The longest window a rule's condition reads.
pub(super) fn longest_window(plan: &Plan, rule: &RulePlan) -> Millis {
    let escalations = rule.escalations.iter().map(|e| e.when);
    escalations
        .chain([rule.when])
        .flat_map(|id| plan.program.below(id))
        .map(|id| match &plan.program.nodes[id.0 as usize] {
            Node::Load(CellRef::State(role, cell)) => {
                match &plan.parts[*role as usize].features[usize::from(*cell)] {
                    StateFeature::Asked(query, _) => {
                        let query = plan.queries[usize::from(*query)];
                        // Five working days are a week, but for holidays.
                        query.window_ms.min(limits::WINDOW_MAX)
                    }
                    feature => feature.window_ms(),
                }
            }
            _ => 0,
        })
        .max()
        .unwrap_or(0)
}

/// The parameter that holds a window, with its place; the condition where there is none.
pub(super) fn window_place(doc: &RuleDoc, window_ms: Millis) -> (String, Place) {
    for param in &doc.params {
        if let Value::Text(text) = &param.value.value
            && (duration(&text.value) == Some(window_ms) || working_days(&text.value).is_some())
        {
            return (param.name.value.clone(), whole(text));
        }
    }
    (String::new(), whole(&doc.when))
}
