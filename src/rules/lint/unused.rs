//! Parameters that nothing reads.

use std::collections::BTreeSet;

use super::words::{expressions, param, placeholders};
use super::{Context, Report, Words, whole};
use crate::rules::expr;

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    for (doc, _) in context.rules() {
        let mut used: BTreeSet<String> = BTreeSet::new();
        for written in expressions(doc) {
            written.expr.walk(&mut |e| used.extend(param(e).map(str::to_owned)));
        }
        for inside in [&doc.text.zh, &doc.text.en].into_iter().flat_map(placeholders) {
            used.insert(inside.to_owned());
            if let Ok(expr) = expr::parse(inside) {
                expr.walk(&mut |e| used.extend(param(e).map(str::to_owned)));
            }
        }
        for unused in doc.params.iter().filter(|p| !used.contains(&p.name.value)) {
            let name = &unused.name;
            let words = Words {
                message: format!("parameter `{}` is never used", name.value),
                label: "unused",
                hint: format!(
                    "write `params.{}` in a condition or feature, or remove it",
                    name.value
                ),
            };
            report.rule("unused_parameter", doc, &name.value, whole(name), words);
        }
    }
}
