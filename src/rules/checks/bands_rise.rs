//! Bands rise in score and never fall in measure, and there is one at least.

use crate::model::measure::Action;
use crate::rules::diagnostics::Sink;
use crate::rules::source::{BandDoc, Pack};

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    let Some(policy) = &pack.policy else { return };
    if policy.bands.is_empty() {
        let span = policy.bands_span.clone();
        sink.report(policy.file, span, "there are no bands", "an alert needs one", None);
    }
    for pair in policy.bands.windows(2) {
        let measures = |band: &BandDoc| {
            (Action::parse(&band.account.value), Action::parse(&band.payment.value))
        };
        let (a, b) = (measures(&pair[0]), measures(&pair[1]));
        if pair[1].from.value <= pair[0].from.value || b.0 < a.0 || b.1 < a.1 {
            let span = pair[1].from.span.clone();
            let message = "bands must rise in score and never fall in measure";
            sink.report(pair[1].from.file, span, message, "not above the band before", None);
        }
    }
}
