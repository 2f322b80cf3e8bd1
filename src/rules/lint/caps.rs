//! Weights that their family's cap makes pointless.

use super::{Context, Report, Words};

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    for (doc, rule) in context.rules() {
        let family = &context.plan.policy.families[rule.family];
        if rule.weight <= family.cap {
            continue;
        }
        let words = Words {
            message: format!(
                "weight {} in family `{}`, which counts {} at most",
                rule.weight, family.name, family.cap
            ),
            label: "more than the family counts",
            hint: format!("set it to {} or less, or raise the cap in policy.toml", family.cap),
        };
        report.rule(
            "weight_above_cap",
            doc,
            "weight",
            (doc.weight.file, doc.weight.span.clone()),
            words,
        );
    }
}
