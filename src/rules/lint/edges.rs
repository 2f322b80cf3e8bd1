//! Thresholds that could be another one, for all the examples say.

use std::collections::BTreeMap;

use super::{Context, Report, Words};
use crate::rules::mutants::Mutant;

const CODE: &str = "no_edge_example";

pub(super) fn remark<'a>(context: &Context<'a>, survivors: &[Mutant], report: &mut Report<'a>) {
    let mut by_place: BTreeMap<(&str, usize), Vec<&Mutant>> = BTreeMap::new();
    for mutant in survivors {
        by_place.entry((&mutant.rule, mutant.span.start)).or_default().push(mutant);
    }
    for mutants in by_place.into_values() {
        let to: Vec<&str> = mutants.iter().map(|m| m.to.as_str()).collect();
        let words = Words {
            message: format!(
                "no example notices when {} becomes {}",
                mutants[0].from,
                to.join(" or ")
            ),
            label: "no example at this edge",
            hint: "add an example that just fires and one that just does not".to_owned(),
        };
        let file = report.files.iter().position(|file| file.path == mutants[0].path);
        let (Some(file), span) = (file, mutants[0].span.clone()) else { continue };
        let (id, about) = (mutants[0].rule.as_str(), mutants[0].about.as_str());
        let pack = context.pack;
        if let Some(doc) = pack.rules.iter().find(|doc| doc.id.value == id) {
            report.rule(CODE, doc, about, (file, span), words);
        } else if let Some(doc) = pack.guards.iter().find(|doc| doc.id.value == id) {
            report.guard(CODE, doc, about, (file, span), words);
        } else {
            report.policy(CODE, about, (file, span), words);
        }
    }
}
