//! Bands rise, and the weak family stays below the alert line: weak signals never alert alone.

use crate::model::measure::Action;
use crate::rules::diagnostics::Sink;
use crate::rules::source::Pack;

/// The family whose cap must stay below the lowest band.
const WEAK: &str = "weak";

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    let Some(policy) = &pack.policy else { return };
    let Some(lowest) = policy.bands.iter().map(|band| band.from.value).min() else {
        let span = policy.bands_span.clone();
        sink.report(policy.file, span, "there are no bands", "an alert needs one", None);
        return;
    };
    for pair in policy.bands.windows(2) {
        let measures = |band: &crate::rules::source::BandDoc| {
            (Action::parse(&band.account.value), Action::parse(&band.payment.value))
        };
        let (a, b) = (measures(&pair[0]), measures(&pair[1]));
        if pair[1].from.value <= pair[0].from.value || b.0 < a.0 || b.1 < a.1 {
            let span = pair[1].from.span.clone();
            let message = "bands must rise in score and never fall in measure";
            sink.report(pair[1].from.file, span, message, "not above the band before", None);
        }
    }
    for (name, cap) in &policy.families {
        if name.value == WEAK && cap.value >= lowest {
            let message = format!("the cap of `{WEAK}` reaches the alert line of {lowest}");
            let hint = Some(format!("set it below {lowest}: weak signals must not alert alone"));
            sink.report(cap.file, cap.span.clone(), message, "too high", hint);
        }
    }
    for rule in pack.rules.iter().filter(|rule| rule.family.value == WEAK) {
        if let Some(floor) = &rule.floor {
            let message = format!("a rule of `{WEAK}` must not have a floor");
            let hint = Some("it would alert alone; put it into another family".to_owned());
            sink.report(floor.file, floor.span.clone(), message, "a floor", hint);
        }
    }
}
