//! Four eyes: an overlay that decides about a strong measure has an approver who is not its author.
//!
//! Strong is what takes an account's money out of reach: `stop_payment` and above, or a weight that
//! alone reaches a band with such a measure. Texts, titles, examples, customer texts and external
//! codes need nobody else; nor does a rule in shadow mode or off that the overlay brings itself.

use crate::model::measure::Action;
use crate::rules::diagnostics::Sink;
use crate::rules::overlay::ManifestDoc;
use crate::rules::source::{Pack, RuleDoc};

/// Keys that change what people read, not what is asked for.
const WORDS: &[&str] = &["title", "text", "examples", "lint", "external_codes", "customer_reasons"];

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    for (index, manifest) in pack.overlays.manifests.iter().enumerate() {
        if is_approved(manifest) {
            continue;
        }
        let Some((what, measure)) = strong(pack, index, sink) else { continue };
        let message = format!("{what} can ask for `{measure}`: an approver is needed");
        let hint = "name an approver in manifest.toml who is not the author (four eyes)".to_owned();
        let place = manifest.approver.as_ref().unwrap_or(&manifest.author);
        let label = match &manifest.approver {
            Some(_) => "the author",
            None => "nobody else",
        };
        sink.report(place.file, place.span.clone(), message, label, Some(hint));
    }
}

fn is_approved(manifest: &ManifestDoc) -> bool {
    let same = |text: &str| text.trim().to_lowercase();
    let author = same(&manifest.author.value);
    manifest.approver.as_ref().is_some_and(|approver| same(&approver.value) != author)
}

/// The first thing an overlay does that needs an approver, and the measure that is at stake.
fn strong(pack: &Pack, manifest: usize, sink: &Sink<'_>) -> Option<(String, &'static str)> {
    for touched in pack.overlays.touched.iter().filter(|t| t.manifest == manifest) {
        if touched.keys.iter().all(|key| WORDS.contains(&key.value.as_str())) {
            continue;
        }
        let Some(id) = &touched.rule else {
            return Some(("the policy".to_owned(), Action::StopPayment.word()));
        };
        let rule = pack.rules.iter().find(|rule| rule.id.value == id.value);
        if let Some(measure) = rule.and_then(|rule| strongest(pack, rule)) {
            return Some((format!("rule {}", id.value), measure.word()));
        }
    }
    let is_live = |rule: &&RuleDoc| rule.mode.as_ref().is_none_or(|mode| mode.value == "live");
    let own = |rule: &&RuleDoc| pack.overlays.manifest_of(sink.path(rule.file)) == Some(manifest);
    let mut private = pack.rules.iter().filter(own).filter(is_live);
    private.find_map(|rule| {
        let measure = strongest(pack, rule)?;
        Some((format!("rule {}", rule.id.value), measure.word()))
    })
}

/// The strongest measure a rule can bring about, where it is a strong one.
fn strongest(pack: &Pack, rule: &RuleDoc) -> Option<Action> {
    let floors = rule.floor.iter().chain(rule.escalations.iter().map(|e| &e.floor));
    let floors = floors.chain(rule.supports.iter().map(|s| &s.floor));
    let floors = floors.filter_map(|text| Action::parse(&text.value));
    let weights = rule.escalations.iter().filter_map(|e| e.weight).map(i64::from);
    let weight = weights.chain([rule.weight.value]).max().unwrap_or(0);
    let bands = pack.policy.iter().flat_map(|policy| &policy.bands);
    let reached = bands
        .filter(|band| band.from.value <= weight)
        .flat_map(|band| [&band.account, &band.payment])
        .filter_map(|text| Action::parse(&text.value));
    floors.chain(reached).max().filter(|action| *action >= Action::StopPayment)
}
