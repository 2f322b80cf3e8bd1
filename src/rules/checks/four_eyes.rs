//! Four eyes: an overlay that can bring about or take away a strong measure has an approver who is
//! not its author.
//!
//! Strong is what takes an account's money out of reach: `stop_payment` and above. Findings are
//! added up and support each other, so a rule's own weight and floor do not say what it can bring
//! about. The rule is therefore simple: where all that is in force can together ask for a strong
//! measure, everything needs an approver that can change what is asked for. That is
//!
//! - a change of a rule that is live or a signal, whatever it changes of it, and any change of a
//!   rule's mode;
//! - a rule of its own that is live or a signal;
//! - a guard of its own, a calendar of its own;
//! - a change of the policy.
//!
//! Words need nobody: titles, texts, examples, what parameters mean, allowed remarks, external
//! codes and what customers read. Nor does a rule on trial (`shadow`) or off whose mode stays.

use crate::model::measure::Action;
use crate::rules::diagnostics::Sink;
use crate::rules::overlay::{ManifestDoc, Touched};
use crate::rules::source::{Pack, RuleDoc};

/// Keys that change what people read, not what is asked for.
const WORDS: &[&str] = &["title", "text", "examples", "lint", "external_codes", "customer_reasons"];
/// The weakest strong measure.
const STRONG: Action = Action::StopPayment;
/// Things that a message names, at most.
const NAMED: usize = 3;

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    if strongest(pack) < Some(STRONG) {
        return;
    }
    for (index, manifest) in pack.overlays.manifests.iter().enumerate() {
        let things = decided(pack, index, sink);
        if things.is_empty() || is_approved(manifest) {
            continue;
        }
        let mut what = things[..things.len().min(NAMED)].join(", ");
        if things.len() > NAMED {
            what += &format!(" and {} more", things.len() - NAMED);
        }
        let measure = STRONG.word();
        let message =
            format!("an approver is needed: measures from `{measure}` up depend on {what}");
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

/// Everything of an overlay that can change what is asked for.
fn decided(pack: &Pack, manifest: usize, sink: &Sink<'_>) -> Vec<String> {
    let is_own = |file: usize| pack.overlays.manifest_of(sink.path(file)) == Some(manifest);
    let changed = pack.overlays.touched.iter().filter(|t| t.manifest == manifest);
    let changed = changed.filter(|touched| decides(pack, touched)).map(|touched| {
        let rule = touched.rule.as_ref();
        rule.map_or("the policy".to_owned(), |id| format!("rule {}", id.value))
    });
    let own = pack.rules.iter().filter(|rule| is_own(rule.file) && counts(rule));
    let own = own.map(|rule| format!("rule {}", rule.id.value));
    let guards = pack.guards.iter().filter(|guard| is_own(guard.id.file));
    let guards = guards.map(|guard| format!("guard {}", guard.id.value));
    let calendars = pack.calendars.iter().filter(|calendar| is_own(calendar.file));
    let calendars = calendars.map(|_| "the calendar".to_owned());
    changed.chain(own).chain(guards).chain(calendars).collect()
}

/// Whether a change is more than words, and of something that is in force before or after it.
fn decides(pack: &Pack, touched: &Touched) -> bool {
    let is_word = |path: &String| {
        let key = path.split('.').next().unwrap_or(path);
        WORDS.contains(&key) || (key == "params" && path.ends_with(".doc"))
    };
    if touched.paths.iter().all(is_word) {
        return false;
    }
    let Some(id) = &touched.rule else { return true };
    let rule = pack.rules.iter().find(|rule| rule.id.value == id.value);
    touched.paths.iter().any(|path| path == "mode") || rule.is_none_or(counts)
}

/// Whether a rule's findings count, its own or through rules that ask about its signals.
fn counts(rule: &RuleDoc) -> bool {
    !rule.mode.as_ref().is_some_and(|mode| mode.value == "shadow" || mode.value == "off")
}

/// The strongest measure that all rules of the pack together can ask for, those that are off
/// among them: somebody may have turned them off.
fn strongest(pack: &Pack) -> Option<Action> {
    let policy = pack.policy.as_ref()?;
    let floors = pack.rules.iter().flat_map(|rule| {
        let escalations = rule.escalations.iter().map(|e| &e.floor);
        rule.floor.iter().chain(escalations).chain(rule.supports.iter().map(|s| &s.floor))
    });
    let most = policy.families.iter().map(|(name, cap)| {
        let own = pack.rules.iter().filter(|rule| rule.family.value == name.value);
        let weights = own.map(|rule| {
            let escalated = rule.escalations.iter().filter_map(|e| e.weight).map(i64::from);
            escalated.chain([rule.weight.value]).max().unwrap_or(0)
        });
        weights.sum::<i64>().min(cap.value)
    });
    let most = most.sum::<i64>();
    let reached = policy.bands.iter().filter(|band| band.from.value <= most);
    let reached = reached.flat_map(|band| [&band.account, &band.payment]);
    floors.chain(reached).filter_map(|text| Action::parse(&text.value)).max()
}
