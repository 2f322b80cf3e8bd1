//! Bands that no pack of findings reaches.

use super::{Context, Report, Words};

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    let (Some(doc), policy) = (&context.pack.policy, &context.plan.policy) else { return };
    let mut families = vec![0u32; policy.families.len()];
    for rule in &context.plan.rules {
        let weights = rule.escalations.iter().filter_map(|e| e.weight).chain([rule.weight]);
        families[rule.family] += weights.max().unwrap_or(0);
    }
    let capped = families.iter().zip(&policy.families).map(|(sum, family)| (*sum).min(family.cap));
    let most = capped.sum::<u32>().min(100);
    let reach = |what: &str, from: i64| Words {
        message: format!("{what} begins at {from}, all rules together reach {most}"),
        label: "never reached",
        hint: "lower it, or raise weights or caps".to_owned(),
    };
    for band in doc.bands.iter().filter(|band| band.from.value > i64::from(most)) {
        let words = reach("the band", band.from.value);
        report.policy("unreachable_band", "bands", (band.from.file, band.from.span.clone()), words);
    }
    if let Some(from) = doc.freeze_proposal_from.filter(|from| *from > most) {
        let words = reach("the freeze proposal", i64::from(from));
        report.policy("unreachable_band", "bands", (doc.file, doc.bands_span.clone()), words);
    }
}
