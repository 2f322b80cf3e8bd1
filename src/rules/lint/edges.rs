//! Thresholds that could be another one, for all the examples say.

use std::collections::BTreeMap;

use super::{Context, Report, Words};
use crate::rules::mutants::Mutant;

pub(super) fn remark(context: &Context<'_>, survivors: &[Mutant], report: &mut Report<'_>) {
    let mut by_place: BTreeMap<(&str, usize), Vec<&Mutant>> = BTreeMap::new();
    for mutant in survivors {
        by_place.entry((&mutant.rule, mutant.span.start)).or_default().push(mutant);
    }
    for mutants in by_place.into_values() {
        let Some(doc) = context.pack.rules.iter().find(|doc| doc.id.value == mutants[0].rule)
        else {
            continue;
        };
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
        let place = (file.unwrap_or(doc.file), mutants[0].span.clone());
        report.rule("no_edge_example", doc, &mutants[0].about, place, words);
    }
}
