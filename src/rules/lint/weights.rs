//! Weights and caps that end just below a band: meant to reach it, or meant to stay below?

use super::{Context, Report, Words};

/// Points below a band that look like an oversight.
const NEAR: u32 = 2;

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    let bands = &context.plan.policy.bands;
    let band_above =
        |points: u32| bands.iter().find(|band| points < band.from && points + NEAR >= band.from);
    let words = |what: &str, points: u32, from: u32, measure: &str| Words {
        message: format!("{what} {points} ends just below the band of {from} (`{measure}`)"),
        label: "just too little",
        hint: format!("set it to {from} to reach the band, or well below to stay out of it"),
    };
    for (doc, rule) in context.rules() {
        if let Some(band) = band_above(rule.weight) {
            let words = words("weight", rule.weight, band.from, band.account.word());
            report.rule(
                "weight_below_band",
                doc,
                "weight",
                (doc.weight.file, doc.weight.span.clone()),
                words,
            );
        }
    }
    let Some(policy) = &context.pack.policy else { return };
    for (name, cap) in &policy.families {
        let points = cap.value as u32;
        // The weak family stays below the lowest band by design.
        if let Some(band) = band_above(points).filter(|_| name.value != "weak") {
            let words = words("cap", points, band.from, band.account.word());
            report.policy(
                "weight_below_band",
                &format!("families.{}", name.value),
                (cap.file, cap.span.clone()),
                words,
            );
        }
    }
}
