//! What differs between two packs, key by key: rules and guards by their id, the policy, overlays.
//! Spaces and line breaks inside expressions do not count. What overlays change is compared where
//! it takes effect.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostics::{Diagnostic, Sink};
use super::document::{self, Node, Value};
use super::overlay::{self, Document};
use super::{SourceFile, sorted};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `rule M02`, `guard G1`, `policy`.
    pub about: String,
    /// The key, as `params.window`; empty where the whole is new or gone.
    pub key: String,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

impl Difference {
    /// `added`, `removed` or `changed`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        }
    }
}

/// Things of a pack by name; each is its keys with their values.
type Things = BTreeMap<String, BTreeMap<String, String>>;

/// Every difference, in order of name and key.
///
/// # Errors
/// What keeps a file of either pack from being TOML.
pub fn compare(
    before: &[SourceFile],
    after: &[SourceFile],
) -> Result<Vec<Difference>, Vec<Diagnostic>> {
    let (before, after) = (things(before)?, things(after)?);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut differences = Vec::new();
    for name in names {
        match (before.get(name), after.get(name)) {
            (Some(a), Some(b)) => keys(name, a, b, &mut differences),
            (a, b) => differences.push(Difference {
                about: name.clone(),
                key: String::new(),
                before: a.map(summary),
                after: b.map(summary),
            }),
        }
    }
    Ok(differences)
}

fn keys(
    name: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    differences: &mut Vec<Difference>,
) {
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in all {
        let (before, after) = (before.get(key).cloned(), after.get(key).cloned());
        if before != after {
            differences.push(Difference {
                about: name.to_owned(),
                key: key.clone(),
                before,
                after,
            });
        }
    }
}

/// Keys that a whole thing begins with.
const FIRST: &[&str] = &[
    "name",
    "family",
    "weight",
    "mode",
    "floor",
    "when.alert",
    "when",
    "effect",
    "scope",
    "author",
    "approver",
    "valid_from",
];
/// Keys that people read and nothing is decided by: a whole thing is told without them.
const WORDS: &[&str] = &["id", "version", "title", "text", "card", "examples", "lint"];

/// A whole thing: every key that decides something.
fn summary(keys: &BTreeMap<String, String>) -> String {
    let is_told = |key: &str| {
        let first = key.split('.').next().unwrap_or(key);
        !WORDS.contains(&first) && !FIRST.contains(&key) && !key.ends_with(".doc")
    };
    let first = FIRST.iter().filter_map(|key| Some((*key, keys.get(*key)?)));
    let others = keys.iter().map(|(key, value)| (key.as_str(), value));
    let parts = first.chain(others.filter(|(key, _)| is_told(key)));
    parts.map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", ")
}

fn things(files: &[SourceFile]) -> Result<Things, Vec<Diagnostic>> {
    let files = sorted(files);
    let mut sink = Sink::new(&files);
    let mut things = Things::new();
    let mut documents = Vec::new();
    for file in 0..files.len() {
        documents.extend(document::parse(file, &mut sink).map(|root| Document { file, root }));
    }
    let applied = overlay::apply(&mut documents, &files, &mut sink);
    for manifest in &applied.manifests {
        let approver = manifest.approver.as_ref().map_or("", |approver| &approver.value);
        let keys = [
            ("name", manifest.name.value.as_str()),
            ("author", &manifest.author.value),
            ("approver", approver),
            ("valid_from", &manifest.valid_from.value),
        ];
        let keys = keys.map(|(key, value)| (key.to_owned(), value.to_owned()));
        things.insert(format!("overlay {}", manifest.folder), keys.into());
    }
    // What the examples of the whole pack say follows from the rest.
    let is_example = |path: &str| path.rsplit('/').next() == Some("examples.toml");
    for Document { file, root } in &documents {
        if is_example(&files[*file].path) {
            continue;
        }
        for (name, node) in named(&files[*file].path, root) {
            let keys = things.entry(name).or_default();
            flatten(&files, "", node, keys);
            if node.field("when").is_some() && node.field("features").is_some() {
                // What a rule leaves out is said as it is taken.
                keys.entry("mode".to_owned()).or_insert_with(|| "live".to_owned());
            }
        }
    }
    if sink.is_empty() { Ok(things) } else { Err(sink.into_sorted()) }
}

/// The things of a file with their names.
fn named<'n>(path: &str, root: &'n Node) -> Vec<(String, &'n Node)> {
    let field = |node: &'n Node, wanted: &str| match &node.value {
        Value::Table(fields) => {
            fields.iter().find(|(key, _)| key.value == wanted).map(|(_, node)| node)
        }
        _ => None,
    };
    let text = |node: &'n Node, wanted: &str| match field(node, wanted).map(|n| &n.value) {
        Some(Value::Text(text)) => Some(text.value.clone()),
        _ => None,
    };
    if let Some(Node { value: Value::Array(guards), .. }) = field(root, "guards")
        && field(root, "when").is_none()
    {
        return guards
            .iter()
            .map(|guard| (format!("guard {}", text(guard, "id").unwrap_or_default()), guard))
            .collect();
    }
    if let Some(id) = text(root, "id") {
        return vec![(format!("rule {id}"), root)];
    }
    let name = path.strip_suffix(".toml").unwrap_or(path);
    vec![(name.to_owned(), root)]
}

/// Keys and values below a node. Elements of lists are named by their `name`, `code` or `from`,
/// else by their number.
fn flatten(files: &[&SourceFile], key: &str, node: &Node, into: &mut BTreeMap<String, String>) {
    let below = |part: &str| if key.is_empty() { part.to_owned() } else { format!("{key}.{part}") };
    match &node.value {
        Value::Table(_) if key.starts_with("params.") && node.field("value").is_some() => {
            parameter(files, key, node, into);
        }
        Value::Table(fields) => {
            for (name, node) in fields {
                flatten(files, &below(&name.value), node, into);
            }
        }
        Value::Array(items) if items.iter().any(|i| matches!(i.value, Value::Table(_))) => {
            for (number, item) in items.iter().enumerate() {
                let part = element_name(files, item).unwrap_or_else(|| (number + 1).to_string());
                flatten(files, &below(&format!("[{part}]")), item, into);
            }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| scalar(files, item)).collect();
            into.insert(key.to_owned(), items.join(", "));
        }
        _ => drop(into.insert(key.to_owned(), scalar(files, node))),
    }
}

/// A parameter: its value with its unit, and what else is said of it.
fn parameter(files: &[&SourceFile], key: &str, node: &Node, into: &mut BTreeMap<String, String>) {
    let unit = node.text("unit").filter(|unit| unit != "count");
    let with_unit = |node: &Node| match &unit {
        Some(unit) => format!("{} {unit}", scalar(files, node)),
        None => scalar(files, node),
    };
    into.extend(node.field("value").map(|value| (key.to_owned(), with_unit(value))));
    into.extend(node.text("doc").map(|doc| (format!("{key}.doc"), doc)));
    if let Some(Node { value: Value::Table(grades), .. }) = node.field("by_grade") {
        let value = |(grade, node): &(document::Text, Node)| {
            (format!("{key}.by_grade.{}", grade.value), with_unit(node))
        };
        into.extend(grades.iter().map(value));
    }
}

fn element_name(files: &[&SourceFile], node: &Node) -> Option<String> {
    let Value::Table(fields) = &node.value else { return None };
    let names = ["name", "code", "from"];
    let (_, node) = fields.iter().find(|(key, _)| names.contains(&key.value.as_str()))?;
    Some(scalar(files, node))
}

fn scalar(files: &[&SourceFile], node: &Node) -> String {
    let raw = match &node.value {
        Value::Text(text) => text.value.as_str(),
        _ => files[node.file].text.get(node.span.clone()).unwrap_or_default(),
    };
    raw.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::shipped;

    #[test]
    fn a_pack_equals_itself_whatever_its_spaces() {
        let files = shipped::files();
        let mut other = files.clone();
        for file in &mut other {
            file.text = file.text.replace(" && ", "   &&  ");
        }
        assert_eq!(compare(&files, &other).expect("TOML"), []);
    }

    #[test]
    fn what_an_overlay_changes_is_compared_where_it_takes_effect() {
        let files = shipped::files();
        let mut other = files.clone();
        let add = |path: &str, text: &str| SourceFile { path: path.into(), text: text.into() };
        other.push(add(
            "bank/manifest.toml",
            "name = \"ours\"\nauthor = \"a\"\nvalid_from = \"2026-12-01\"\n",
        ));
        other.push(add("bank/m.toml", "changes = \"M02\"\n[params]\nwindow = \"12m\"\n"));
        let found = compare(&files, &other).expect("TOML");
        assert_eq!(found.len(), 2, "{found:#?}");
        assert_eq!((found[0].about.as_str(), found[0].word()), ("overlay bank", "added"));
        assert_eq!(found[1].key, "params.window");
        assert_eq!(found[1].after.as_deref(), Some("12m"));
    }

    /// What changes with files beside the shipped ones: about what, key, before and after.
    fn with(files: &[(&str, &str)]) -> Vec<[String; 4]> {
        let shipped = shipped::files();
        let mut other = shipped.clone();
        let manifest = "name = \"ours\"\nauthor = \"a\"\nvalid_from = \"2026-12-01\"\n";
        for (path, text) in [("bank/manifest.toml", manifest)].iter().chain(files) {
            other.push(SourceFile { path: (*path).into(), text: (*text).into() });
        }
        let found = compare(&shipped, &other).expect("TOML");
        let side = |side: Option<String>| side.unwrap_or_default();
        let found = found.into_iter().filter(|found| found.about != "overlay bank");
        found.map(|found| [found.about, found.key, side(found.before), side(found.after)]).collect()
    }

    #[test]
    fn a_rule_that_is_switched_off_was_live() {
        let found = with(&[("bank/v03.toml", "changes = \"V03\"\nmode = \"off\"\n")]);
        assert_eq!(found, [["rule V03", "mode", "live", "off"].map(str::to_owned)]);
    }

    #[test]
    fn amounts_have_their_currency_and_grades_their_values() {
        let text = "changes = \"V03\"\n[params]\nmin_count = 4\n\
                    min_sum = { value = \"5000.00\", by_grade = { high = \"3000.00\" } }\n";
        let found = with(&[("bank/v03.toml", text)]);
        let expected = [
            ["rule V03", "params.min_count", "3", "4"],
            ["rule V03", "params.min_sum", "10000.00 CNY", "5000.00 CNY"],
            ["rule V03", "params.min_sum.by_grade.high", "", "3000.00 CNY"],
        ];
        assert_eq!(found, expected.map(|row| row.map(str::to_owned)));
    }

    #[test]
    fn whatever_is_new_is_told_with_every_key_that_decides() {
        let guard = "[[guards]]\nid = \"GX\"\ntitle = { zh = \"一\", en = \"one\" }\n\
                     when = \"payment.amount >= money('1.00')\"\neffect = \"remove\"\n\
                     scope = \"all\"\n";
        let calendar = "[[holidays]]\nname = \"a year\"\nfrom = \"2026-01-01\"\n\
                        to = \"2026-12-30\"\n";
        let rule = include_str!("../../tests/lint/clean.toml");
        let found = with(&[
            ("bank/guards.toml", guard),
            ("bank/calendar.toml", calendar),
            ("bank/l01.toml", rule),
        ]);
        let told = |about: &str| {
            let [_, _, before, after] =
                found.iter().find(|row| row[0] == about).expect("it is told").clone();
            assert_eq!(before, "");
            after
        };
        let when = "payment.amount >= money('1.00')";
        assert_eq!(told("guard GX"), format!("when {when}, effect remove, scope all"));
        let calendar = told("bank/calendar");
        assert!(calendar.contains("from 2026-01-01") && calendar.contains("to 2026-12-30"));
        let rule = told("rule L01");
        for part in [
            "name remarked_on, family flow, weight 35, mode live, floor review",
            "subject payer",
            "target.held payer",
            "phases post",
            "params.min_sum 10000.00 CNY",
            "features.total payer.debits(params.window).sum()",
        ] {
            assert!(rule.contains(part), "{part}: {rule}");
        }
        assert!(!rule.contains("10:00"), "without its examples: {rule}");
    }

    #[test]
    fn every_sort_of_change_is_named() {
        let files = shipped::files();
        let mut other = files.clone();
        other.retain(|file| !file.path.contains("m05"));
        for file in &mut other {
            if file.path.contains("m02") {
                file.text = file.text.replace("\"10m\"", "\"12m\"").replace("= 35", "= 30");
            }
            file.text =
                file.text.replace("[[guards]]\nid     = \"G1\"", "[[guards]]\nid     = \"G99\"");
            file.text = file.text.replace("flow    = 70", "flow    = 60");
        }
        let found = compare(&files, &other).expect("TOML");
        let short: Vec<String> =
            found.iter().map(|d| format!("{} {} {}", d.word(), d.about, d.key)).collect();
        assert_eq!(
            short,
            [
                "removed guard G1 ",
                "added guard G99 ",
                "changed policy families.flow",
                "changed rule M02 params.window",
                "changed rule M02 weight",
                "removed rule M05 ",
            ]
        );
        assert_eq!(found[3].before.as_deref(), Some("10m"));
        assert_eq!(found[3].after.as_deref(), Some("12m"));
    }
}
