//! Supports that change nothing: the rule asks for as much without them.

use super::{Context, Report, Words, whole};

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    for (doc, rule) in context.rules() {
        let Some(floor) = rule.floor else { continue };
        for (written, support) in doc.supports.iter().zip(&rule.supports) {
            if support.floor > floor {
                continue;
            }
            let words = Words {
                message: format!(
                    "with support the rule asks for `{}`, alone for `{}` already",
                    support.floor.word(),
                    floor.word()
                ),
                label: "changes nothing",
                hint: "give it a stronger floor, or leave the support out".to_owned(),
            };
            report.rule("support_without_effect", doc, "", whole(&written.floor), words);
        }
    }
}
