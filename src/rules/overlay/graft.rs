//! Puts an overlay's keys into the rule or policy they change.

use super::{Document, Taken};
use crate::rules::diagnostics::{Sink, meant_or_list};
use crate::rules::document::{Node, Text, Value};
use crate::rules::source::PARAM_KEYS;

/// Reports the keys that a change must not have.
pub(super) fn check_keys(
    change: &Document,
    what: &str,
    known: &'static [&'static str],
    sink: &mut Sink<'_>,
) {
    let Value::Table(fields) = &change.root.value else { return };
    for (key, _) in fields {
        if !known.contains(&key.value.as_str()) {
            let hint = meant_or_list(&key.value, known.iter().copied());
            let message = format!("unknown key `{}` in {what}", key.value);
            sink.report(change.file, key.span.clone(), message, "not known here", Some(hint));
        }
    }
}

/// One change being put into its place.
pub(super) struct Grafting<'a, 'f> {
    /// The overlay's file.
    file: usize,
    /// What is changed: a rule's id, or the policy.
    of: String,
    /// What has been changed so far.
    pub(super) paths: Vec<String>,
    taken: &'a mut Taken,
    sink: &'a mut Sink<'f>,
}

impl<'a, 'f> Grafting<'a, 'f> {
    pub(super) fn new(
        file: usize,
        of: String,
        taken: &'a mut Taken,
        sink: &'a mut Sink<'f>,
    ) -> Self {
        Self { file, of, paths: Vec::new(), taken, sink }
    }

    /// Puts a key into a table; tables are joined, everything else takes the place of what was
    /// there.
    pub(super) fn put(&mut self, into: &mut Node, key: Text, node: Node, path: &str) {
        let path =
            if path.is_empty() { key.value.clone() } else { format!("{path}.{}", key.value) };
        let Value::Table(fields) = &mut into.value else { return };
        let found = fields.iter().position(|(name, _)| name.value == key.value);
        let Some(index) = found else {
            if path.starts_with("params.") && !may_be_added(&path) {
                self.unknown_parameter(&key, &path, fields);
            } else if self.take(&key, &path) {
                fields.push((key, self.mark(node)));
            }
            return;
        };
        let (old_key, old) = &mut fields[index];
        if is_parameter(&path) && matches!(node.value, Value::Table(_)) {
            in_full(old);
        }
        match (&mut old.value, node.value) {
            (Value::Table(_), Value::Table(inner)) => {
                if path.starts_with("params.") {
                    *old_key = key;
                }
                for (key, node) in inner {
                    self.put(old, key, node, &path);
                }
            }
            // A parameter's value in short: `window = "12m"` for `window = { value = "10m", … }`.
            (Value::Table(inner), value) if path.starts_with("params.") => {
                if !self.take(&key, &format!("{path}.value")) {
                    return;
                }
                let node = self.mark(Node { value, ..node });
                *old_key = key;
                if let Some((_, old)) = inner.iter_mut().find(|(name, _)| name.value == "value") {
                    *old = node;
                }
            }
            (_, value) => {
                if self.take(&key, &path) {
                    let node = self.mark(Node { value, ..node });
                    fields[index] = (key, node);
                }
            }
        }
    }

    fn unknown_parameter(&mut self, key: &Text, path: &str, fields: &[(Text, Node)]) {
        let (message, hint) = if is_parameter(path) {
            let known = fields.iter().map(|(name, _)| name.value.as_str());
            let message = format!("{} has no parameter `{}`", self.of, key.value);
            (message, meant_or_list(&key.value, known))
        } else {
            let hint = meant_or_list(&key.value, PARAM_KEYS.iter().copied());
            (format!("a parameter has no `{}`", key.value), hint)
        };
        self.sink.report(self.file, key.span.clone(), message, "nothing to change", Some(hint));
    }

    /// Whether nobody has changed this key before.
    fn take(&mut self, key: &Text, path: &str) -> bool {
        let place = (self.of.clone(), path.to_owned());
        if let Some(before) = self.taken.get(&place) {
            let message = format!("`{path}` of {} is changed twice", self.of);
            let hint = format!("{} changes it too; only one may", self.sink.path(before.file));
            self.sink.report(self.file, key.span.clone(), message, "again", Some(hint));
            return false;
        }
        self.taken.insert(place, key.clone());
        self.paths.push(path.to_owned());
        true
    }

    /// Says of a node and everything below that it stands in the overlay's file.
    fn mark(&self, mut node: Node) -> Node {
        mark(&mut node, self.file);
        node
    }
}

/// `params.window`
fn is_parameter(path: &str) -> bool {
    path.strip_prefix("params.").is_some_and(|name| !name.contains('.'))
}

/// Whether a parameter may have this without having had it: what it means, values for grades.
fn may_be_added(path: &str) -> bool {
    let inside = path.strip_prefix("params.").and_then(|path| path.split_once('.'));
    inside.is_some_and(|(_, key)| PARAM_KEYS.contains(&key) || key.starts_with("by_grade."))
}

/// A parameter that was written in short, in full: `"10m"` as `{ value = "10m" }`.
fn in_full(parameter: &mut Node) {
    if matches!(parameter.value, Value::Table(_)) {
        return;
    }
    let Node { span, file, .. } = parameter;
    let key = Text::new(*file, "value", span.clone());
    let inner = parameter.clone();
    parameter.value = Value::Table(vec![(key, inner)]);
}

fn mark(node: &mut Node, file: usize) {
    node.file = file;
    match &mut node.value {
        Value::Array(items) => items.iter_mut().for_each(|item| mark(item, file)),
        Value::Table(fields) => fields.iter_mut().for_each(|(_, node)| mark(node, file)),
        _ => {}
    }
}
