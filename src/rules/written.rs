//! A rule in its author's words, for who explains it: texts, values and conditions as its file (and
//! an overlay) has them.

use super::diagnostics::Sink;
use super::phrase::{Phrases, as_written, values};
use super::source::{self, Bi, RuleDoc};
use super::text::Language;
use super::{SourceFile, sorted};
use crate::model::alert::Bilingual;

/// A rule as written.
#[derive(Clone, Debug)]
pub struct Written {
    /// `M02`
    pub id: String,
    /// `burst_out`
    pub name: String,
    /// Title.
    pub title: Bilingual,
    /// Its family's name.
    pub family: String,
    /// Its weight.
    pub weight: i64,
    /// `live`, `shadow`, `signal` or `off`.
    pub mode: String,
    /// `pre`, `post`, `opening`.
    pub phases: Vec<String>,
    /// Whose state decides.
    pub subject: String,
    /// What a finding targets while the payment can be held, and once it has settled.
    pub targets: [String; 2],
    /// The card: heading and text, empty where there is none.
    pub card: Vec<(&'static str, Bilingual)>,
    /// Features and conditions, a line each, one under the other.
    pub condition: String,
    /// Parameters.
    pub params: Vec<WrittenParam>,
    /// Measure when only this rule fires.
    pub floor: Option<String>,
    /// What makes it ask for more.
    pub escalations: Vec<WrittenEscalation>,
    /// Guards it names.
    pub guards: Vec<String>,
    /// Text of the reason, with the names in it.
    pub text: Bilingual,
}

/// A parameter as written.
#[derive(Clone, Debug)]
pub struct WrittenParam {
    /// Its name.
    pub name: String,
    /// Its value, with those of grades.
    pub value: String,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// What it means; empty where nothing is said.
    pub doc: String,
}

/// An escalation in words.
#[derive(Clone, Debug)]
pub struct WrittenEscalation {
    /// The measure.
    pub floor: String,
    /// The weight, where it has one.
    pub weight: Option<u32>,
    /// Its condition in words.
    pub when: Bilingual,
}

/// The rule of an id or a name, whatever its case; also one that is off.
#[must_use]
pub fn of(files: &[SourceFile], called: &str) -> Option<Written> {
    let files = sorted(files);
    let mut sink = Sink::new(&files);
    let pack = source::read(&files, &mut sink);
    let is_meant =
        |rule: &&RuleDoc| rule.id.value.eq_ignore_ascii_case(called) || rule.name.value == called;
    // An id as it is written goes before one that differs in case only.
    let exact = pack.rules.iter().find(|rule| rule.id.value == called);
    exact.or_else(|| pack.rules.iter().find(is_meant)).map(written)
}

fn written(rule: &RuleDoc) -> Written {
    let said = |text: &str| {
        let say = |language| Phrases { params: &rule.params, language }.condition(text);
        Bilingual { zh: say(Language::Zh), en: say(Language::En) }
    };
    let escalations = rule.escalations.iter().map(|escalation| WrittenEscalation {
        floor: escalation.floor.value.clone(),
        weight: escalation.weight,
        when: said(&escalation.when.value),
    });
    let text = |text: &Option<super::document::Text>| {
        text.as_ref().map_or(String::new(), |text| text.value.clone())
    };
    let params = rule.params.iter().map(|param| WrittenParam {
        name: param.name.value.clone(),
        value: values(param, "", Language::En),
        unit: text(&param.unit),
        doc: text(&param.doc),
    });
    Written {
        id: rule.id.value.clone(),
        name: rule.name.value.clone(),
        title: both(&rule.title),
        family: rule.family.value.clone(),
        weight: rule.weight.value,
        mode: rule.mode.as_ref().map_or("live".to_owned(), |mode| mode.value.clone()),
        phases: rule.phases.iter().map(|phase| phase.value.clone()).collect(),
        subject: rule.subject.value.clone(),
        targets: [rule.target_held.value.clone(), rule.target_settled.value.clone()],
        card: card(rule),
        condition: condition(rule),
        params: params.collect(),
        floor: rule.floor.as_ref().map(|floor| floor.value.clone()),
        escalations: escalations.collect(),
        guards: rule.guards.iter().map(|guard| guard.value.clone()).collect(),
        text: both(&rule.text),
    }
}

fn both(text: &Bi) -> Bilingual {
    Bilingual { zh: text.zh.value.clone(), en: text.en.value.clone() }
}

fn card(rule: &RuleDoc) -> Vec<(&'static str, Bilingual)> {
    let Some(card) = &rule.card else { return Vec::new() };
    let parts = [
        ("catches", Some(&card.catches)),
        ("must_not_catch", Some(&card.spares)),
        ("needs", Some(&card.needs)),
        ("tune", Some(&card.tune)),
        ("choices", card.choices.as_ref()),
    ];
    parts.into_iter().filter_map(|(name, text)| Some((name, both(text?)))).collect()
}

/// Features and conditions as the rule's file has them.
pub(super) fn condition(rule: &RuleDoc) -> String {
    let features = rule.features.iter().map(|(name, text)| (&*name.value, &*text.value));
    let unknown = rule.balance_unknown.iter().map(|text| ("balance_unknown", &*text.value));
    as_written(features.chain([("alert", &*rule.when.value)]).chain(unknown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::shipped;

    #[test]
    fn a_rule_is_shown_as_its_author_wrote_it_and_an_overlay_changed_it() {
        let mut files = shipped::files();
        let m01 = of(&files, "m01").expect("shipped");
        assert_eq!((m01.id.as_str(), m01.mode.as_str(), m01.weight), ("M01", "live", 50));
        assert!(m01.condition.contains("in_sum"), "{}", m01.condition);
        assert!(m01.text.en.contains("{flow_ratio} of {in_sum}"), "{}", m01.text.en);
        assert_eq!(m01.escalations[0].floor, "stop_payment");
        assert!(m01.escalations[0].when.en.contains("`cycles` is at least 2"));
        assert_eq!(of(&files, "pass_through").expect("by name").id, "M01");
        assert!(of(&files, "M99").is_none());
        let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.into() };
        files.push(file(
            "bank/manifest.toml",
            "name = \"b\"\nauthor = \"a\"\nvalid_from = \"2026-01-01\"\n",
        ));
        files.push(file(
            "bank/m01.toml",
            "changes = \"M01\"\nmode = \"off\"\n[params]\nmin_in = \"7000.00\"\n",
        ));
        let m01 = of(&files, "M01").expect("off, and there");
        assert_eq!(m01.mode, "off");
        let min_in = m01.params.iter().find(|param| param.name == "min_in").expect("there");
        assert_eq!((min_in.value.as_str(), min_in.unit.as_str()), ("7000.00", "CNY"));
    }
}
