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
    /// The key, as `params.window.value`; empty where the whole is new or gone.
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

/// A whole thing in few words.
fn summary(keys: &BTreeMap<String, String>) -> String {
    let shown = [
        "name",
        "family",
        "weight",
        "mode",
        "floor",
        "when.alert",
        "when",
        "effect",
        "author",
        "approver",
        "valid_from",
    ];
    let parts = shown.iter().filter_map(|key| Some(format!("{key} {}", keys.get(*key)?)));
    parts.collect::<Vec<_>>().join(", ")
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
    for Document { file, root } in &documents {
        for (name, node) in named(&files[*file].path, root) {
            flatten(&files, "", node, things.entry(name).or_default());
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
        assert_eq!(found[1].key, "params.window.value");
        assert_eq!(found[1].after.as_deref(), Some("12m"));
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
                "changed rule M02 params.window.value",
                "changed rule M02 weight",
                "removed rule M05 ",
            ]
        );
        assert_eq!(found[3].before.as_deref(), Some("10m"));
        assert_eq!(found[3].after.as_deref(), Some("12m"));
    }
}
