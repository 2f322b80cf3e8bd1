//! Overlays: an institution's own folder beside the shipped rules. It changes parameters, weights,
//! modes and texts of rules and keys of the policy, and adds rules of its own, without a copy.
//!
//! A folder of the pack that holds a `manifest.toml` is an overlay:
//!
//! ```toml
//! # bank/manifest.toml
//! name       = "our bank"
//! author     = "li.na"
//! approver   = "wang.wei"
//! valid_from = "2026-12-01"
//!
//! # bank/m02.toml
//! changes = "M02"
//! weight  = 30
//! [params]
//! min_sum = "20000.00"
//! ```
//!
//! Its `policy.toml` holds only what is different. What is changed is put into the rule before it
//! is read, with the places of the overlay's own file, so that everything that is said about it
//! points there. Two overlays never change the same key: their order means nothing. The pack's own
//! `examples.toml` is about the pack as it came: it is left out beside an overlay, which may bring
//! one that says which alerts come under it.

mod graft;
mod manifest;

pub(super) use manifest::ManifestDoc;

use std::collections::BTreeMap;

use super::SourceFile;
use super::diagnostics::{Sink, meant_or_list};
use super::document::{Node, Text, Value};

/// A file of the pack, read.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) file: usize,
    pub(super) root: Node,
}

/// What an overlay changes of one rule, or of the policy.
#[derive(Clone, Debug)]
pub(super) struct Touched {
    /// The rule's id; `None`: the policy.
    pub(super) rule: Option<Text>,
    /// Index of the overlay's manifest.
    pub(super) manifest: usize,
    /// Keys of the rule or policy that it changes, as `params.window.value`.
    pub(super) paths: Vec<String>,
}

/// What overlays did.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub(super) manifests: Vec<ManifestDoc>,
    pub(super) touched: Vec<Touched>,
}

impl Applied {
    /// The overlay that a file belongs to.
    pub(super) fn manifest_of(&self, path: &str) -> Option<usize> {
        let (folder, _) = path.split_once('/')?;
        self.manifests.iter().position(|manifest| manifest.folder == folder)
    }
}

/// Keys of a file that changes a rule.
const RULE_KEYS: &[&str] =
    &["changes", "mode", "weight", "params", "title", "text", "examples", "lint"];
/// Keys of the policy that an overlay may change.
const POLICY_KEYS: &[&str] = &[
    "families",
    "bands",
    "episodes",
    "measures",
    "breaker",
    "festivals",
    "customer_reasons",
    "external_codes",
    "lint",
];

/// Applies every overlay; documents of overlays that are not rules or guards are taken out.
pub(super) fn apply(
    documents: &mut Vec<Document>,
    files: &[&SourceFile],
    sink: &mut Sink<'_>,
) -> Applied {
    let mut applied = Applied::default();
    for document in documents.iter() {
        if let Some(folder) = manifest_folder(&files[document.file].path) {
            applied.manifests.extend(manifest::read(document, folder, sink));
        }
    }
    let mut changes = Vec::new();
    let mut others = Vec::new();
    for document in documents.drain(..) {
        let path = &files[document.file].path;
        if manifest_folder(path).is_some() {
            continue;
        }
        match applied.manifest_of(path) {
            Some(manifest) if is_change(path, &document.root) => changes.push((manifest, document)),
            _ => others.push(document),
        }
    }
    let mut taken = BTreeMap::new();
    for (manifest, change) in changes {
        let touched = if is_policy(&files[change.file].path) {
            change_policy(change, manifest, &mut others, files, &mut taken, sink)
        } else {
            change_rule(change, manifest, &mut others, &mut taken, sink)
        };
        applied.touched.extend(touched);
    }
    replace_examples(&mut others, &applied, files, sink);
    *documents = others;
    applied
}

/// Leaves out the pack's own examples of the whole beside an overlay; one overlay may bring others.
fn replace_examples(
    documents: &mut Vec<Document>,
    applied: &Applied,
    files: &[&SourceFile],
    sink: &mut Sink<'_>,
) {
    let is_overlay = |document: &&Document| {
        let path = &files[document.file].path;
        path.ends_with("/examples.toml") && applied.manifest_of(path).is_some()
    };
    let brought: Vec<usize> = documents.iter().filter(is_overlay).map(|d| d.file).collect();
    for file in brought.iter().skip(1) {
        let hint = format!("{} has some too; only one may", files[brought[0]].path);
        let message = "examples of the whole pack are replaced twice";
        sink.report(*file, 0..0, message, "again", Some(hint));
    }
    if !applied.manifests.is_empty() {
        documents.retain(|document| files[document.file].path != "examples.toml");
    }
}

/// `bank/manifest.toml` → `bank`
fn manifest_folder(path: &str) -> Option<&str> {
    path.strip_suffix("/manifest.toml").filter(|folder| !folder.contains('/'))
}

fn is_policy(path: &str) -> bool {
    path.ends_with("/policy.toml")
}

fn is_change(path: &str, root: &Node) -> bool {
    is_policy(path) || root.field("changes").is_some()
}

/// The rule a file of an overlay says that it changes.
pub(super) fn changes_rule(root: &Node) -> Option<String> {
    root.text("changes")
}

/// Keys that have been changed, with who changed them: rule or policy, and key.
type Taken = BTreeMap<(String, String), Text>;

fn change_rule(
    change: Document,
    manifest: usize,
    others: &mut [Document],
    taken: &mut Taken,
    sink: &mut Sink<'_>,
) -> Option<Touched> {
    let file = change.file;
    let node = change.root.field("changes")?;
    let Value::Text(target) = &node.value else {
        let message = "`changes` names a rule";
        sink.report(file, node.span.clone(), message, "a rule's id in quotes", None);
        return None;
    };
    let target = target.clone();
    let id_of = |document: &Document| document.root.text("id");
    let Some(base) = others.iter_mut().find(|d| id_of(d).as_ref() == Some(&target.value)) else {
        let ids: Vec<String> = others.iter().filter_map(id_of).collect();
        let hint = meant_or_list(&target.value, ids.iter().map(String::as_str));
        let message = format!("there is no rule `{}`", target.value);
        sink.report(file, target.span.clone(), message, "nothing to change", Some(hint));
        return None;
    };
    graft::check_keys(&change, "a change of a rule", RULE_KEYS, sink);
    let mut grafting = graft::Grafting::new(file, target.value.clone(), taken, sink);
    for (key, node) in change.root.into_fields() {
        if RULE_KEYS[1..].contains(&key.value.as_str()) {
            grafting.put(&mut base.root, key, node, "");
        }
    }
    let paths = grafting.paths;
    Some(Touched { rule: Some(target), manifest, paths })
}

fn change_policy(
    change: Document,
    manifest: usize,
    others: &mut [Document],
    files: &[&SourceFile],
    taken: &mut Taken,
    sink: &mut Sink<'_>,
) -> Option<Touched> {
    let base = others.iter_mut().find(|d| files[d.file].path == "policy.toml")?;
    graft::check_keys(&change, "a change of the policy", POLICY_KEYS, sink);
    let file = change.file;
    let mut grafting = graft::Grafting::new(file, "the policy".to_owned(), taken, sink);
    for (key, node) in change.root.into_fields() {
        if POLICY_KEYS.contains(&key.value.as_str()) {
            grafting.put(&mut base.root, key, node, "");
        }
    }
    let paths = grafting.paths;
    Some(Touched { rule: None, manifest, paths })
}
