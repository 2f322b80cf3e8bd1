//! The kinds of file of a pack, as written: rules, guards, policy, calendar, examples of the whole
//! pack. Reading checks form only; what the words mean is checked by `checks` and `compile`.

mod calendar;
mod policy;
mod rule;

pub(super) use calendar::CalendarDoc;
pub(super) use policy::{BandDoc, PolicyDoc, WEAK};
#[cfg(test)]
pub(super) use rule::RULE_KEYS;
pub(super) use rule::{AllowDoc, Bi, ExampleDoc, GuardDoc, PARAM_KEYS, ParamDoc, RuleDoc};

use super::SourceFile;
use super::diagnostics::Sink;
use super::document::{self, Fields, Value};
use super::overlay::{self, Applied, Document};

/// A pack as written.
#[derive(Debug, Default)]
pub(super) struct Pack {
    pub(super) policy: Option<PolicyDoc>,
    /// Every calendar: an institution may add its own years.
    pub(super) calendars: Vec<CalendarDoc>,
    pub(super) guards: Vec<GuardDoc>,
    pub(super) rules: Vec<RuleDoc>,
    /// Examples of the whole pack: which alerts come of it.
    pub(super) examples: Vec<(usize, ExampleDoc)>,
    /// Ids of all rules, those among them whose file says too little to be one.
    pub(super) rule_ids: Vec<String>,
    /// What overlays changed; it is in the rules and the policy already.
    pub(super) overlays: Applied,
}

/// What a file of a pack holds, told by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Policy,
    Calendar,
    Guards,
    Examples,
    Rule,
}

fn kind_of(path: &str) -> FileKind {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        "policy.toml" => FileKind::Policy,
        "calendar.toml" => FileKind::Calendar,
        "guards.toml" => FileKind::Guards,
        "examples.toml" => FileKind::Examples,
        _ if path.split('/').rev().skip(1).any(|folder| folder == "guards") => FileKind::Guards,
        _ => FileKind::Rule,
    }
}

/// Reads every file of a pack.
pub(super) fn read(files: &[&SourceFile], sink: &mut Sink<'_>) -> Pack {
    let mut documents = Vec::new();
    for file in 0..files.len() {
        documents.extend(document::parse(file, sink).map(|root| Document { file, root }));
    }
    let overlays = overlay::apply(&mut documents, files, sink);
    let mut pack = Pack { overlays, ..Pack::default() };
    // Counted by name: a policy that is not TOML is there all the same.
    let is_policy = |file: &&&SourceFile| {
        kind_of(&file.path) == FileKind::Policy && pack.overlays.manifest_of(&file.path).is_none()
    };
    let policies = files.iter().filter(is_policy).count();
    for Document { file, root } in &documents {
        let file = *file;
        match kind_of(&files[file].path) {
            FileKind::Policy if pack.policy.is_some() => {
                sink.report(file, 0..0, "a second policy.toml", "one pack has one policy", None);
            }
            FileKind::Policy => pack.policy = policy::read(file, root, sink),
            FileKind::Calendar => pack.calendars.extend(calendar::read(file, root, sink)),
            FileKind::Guards => {
                let known = &["guards"];
                let Some(fields) = Fields::open(root, "a guards file", known, sink) else {
                    continue;
                };
                for item in fields.items("guards", sink) {
                    pack.guards.extend(rule::read_guard(item, sink));
                }
            }
            FileKind::Examples => {
                let Some(fields) = Fields::open(root, "examples", &["examples"], sink) else {
                    continue;
                };
                let known = &["name", "zh", "given", "expect", "from"];
                let examples = rule::read_examples(&fields, known, sink);
                pack.examples.extend(examples.into_iter().map(|example| (file, example)));
            }
            FileKind::Rule if matches!(&root.value, Value::Table(keys) if keys.is_empty()) => {
                let hint = "write a rule, as `goshawk rules new` begins one, or remove the file";
                sink.report(file, 0..0, "the file says nothing", "no key", Some(hint.to_owned()));
            }
            FileKind::Rule => {
                pack.rule_ids.extend(rule::rule_id(root));
                pack.rules.extend(rule::read_rule(file, root, sink));
            }
        }
    }
    let guards = files.iter().filter(|file| kind_of(&file.path) == FileKind::Guards).count();
    let names_guards = pack.rules.iter().find(|rule| !rule.guards.is_empty());
    if let Some(rule) = names_guards.filter(|_| guards == 0) {
        let hint = "copy the shipped one, or leave out what rules name under `guards`".to_owned();
        let place = &rule.guards[0];
        let message = "the pack has no guards.toml, and its rules name guards";
        sink.report(place.file, place.span.clone(), message, "one of them", Some(hint));
    }
    if policies == 0 && !files.is_empty() {
        let hint = "copy the shipped one: families, caps, bands, measures".to_owned();
        sink.report(0, 0..0, "the pack has no policy.toml", "pack begins here", Some(hint));
    }
    pack
}
