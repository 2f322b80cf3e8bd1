//! TOML with a place for everything: a tree that keeps spans, and a reader that reports every
//! unknown key, missing key and wrong type instead of stopping at the first.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::diagnostics::{Sink, meant_or_list};

/// A string of a file.
#[derive(Clone, Debug)]
pub(super) struct Text {
    /// File it stands in.
    pub(super) file: usize,
    /// The string.
    pub(super) value: String,
    /// Where, with its quotes.
    pub(super) span: Range<usize>,
    /// First byte of its content, where the file has the content byte for byte (no escapes).
    content: Option<usize>,
}

impl Text {
    /// A word that stands nowhere, at the place of what it is about.
    pub(super) fn new(file: usize, value: &str, span: Range<usize>) -> Self {
        Self { file, value: value.to_owned(), span, content: None }
    }

    /// The place in the file of a stretch of the string; the whole string where escapes hide it.
    pub(super) fn place(&self, within: Range<usize>) -> Range<usize> {
        match self.content {
            Some(start) => start + within.start..start + within.end,
            None => self.span.clone(),
        }
    }
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) value: Value,
    /// The file it stands in: an overlay may have put it into another file's table.
    pub(super) file: usize,
}

impl Node {
    /// The node of a key.
    pub(super) fn field(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(fields) => {
                fields.iter().find(|(name, _)| name.value == key).map(|(_, node)| node)
            }
            _ => None,
        }
    }

    /// The string of a key.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        match &self.field(key)?.value {
            Value::Text(text) => Some(text.value.clone()),
            _ => None,
        }
    }

    /// Keys and nodes of a table.
    pub(super) fn into_fields(self) -> Vec<(Text, Self)> {
        match self.value {
            Value::Table(fields) => fields,
            _ => Vec::new(),
        }
    }
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(Text),
    Integer(i64),
    /// As written.
    Float(String),
    Bool,
    Array(Vec<Node>),
    Table(Vec<(Text, Node)>),
    Other,
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a fractional number",
            Self::Bool => "a boolean",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
            Self::Other => "a date or an integer out of range",
        }
    }
}

/// Reads a file as TOML; every syntax error is reported.
pub(super) fn parse(file: usize, sink: &mut Sink<'_>) -> Option<Node> {
    let text = sink.text(file);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        sink.report(file, span, format!("not TOML: {}", error.message()), "here", None);
    }
    if !errors.is_empty() {
        return None;
    }
    let span = table.span();
    Some(Node { span, value: table_value(file, text, table.into_inner()), file })
}

fn table_value(file: usize, source: &str, table: DeTable<'_>) -> Value {
    let mut fields: Vec<(Text, Node)> = table
        .into_iter()
        .map(|(key, value)| {
            let key_span = key.span();
            let name = key.into_inner().into_owned();
            let span = value.span();
            let value = value_of(file, source, span.clone(), value.into_inner());
            let node = Node { span, value, file };
            (Text { file, value: name, span: key_span, content: None }, node)
        })
        .collect();
    fields.sort_by_key(|(key, _)| key.span.start);
    Value::Table(fields)
}

fn value_of(file: usize, source: &str, span: Range<usize>, value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => {
            let value = text.into_owned();
            let content = content_start(source, &span, &value);
            Value::Text(Text { file, value, span, content })
        }
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(value) => Value::Integer(value),
            Err(_) => Value::Other,
        },
        DeValue::Float(float) => Value::Float(float.as_str().to_owned()),
        DeValue::Boolean(_) => Value::Bool,
        DeValue::Datetime(_) => Value::Other,
        DeValue::Array(items) => Value::Array(
            items
                .into_iter()
                .map(|item| {
                    let span = item.span();
                    let value = value_of(file, source, span.clone(), item.into_inner());
                    Node { span, value, file }
                })
                .collect(),
        ),
        DeValue::Table(table) => table_value(file, source, table),
    }
}

/// First byte of a string's content, if the file holds the content byte for byte.
fn content_start(source: &str, span: &Range<usize>, value: &str) -> Option<usize> {
    let raw = source.get(span.clone())?;
    let quotes = if raw.starts_with("'''") || raw.starts_with("\"\"\"") { 3 } else { 1 };
    let mut start = quotes;
    if quotes == 3 {
        start += match raw.as_bytes().get(3..) {
            Some([b'\n', ..]) => 1,
            Some([b'\r', b'\n', ..]) => 2,
            _ => 0,
        };
    }
    (raw.get(start..start + value.len()) == Some(value)).then_some(span.start + start)
}

/// Reads the fields of one table.
pub(super) struct Fields<'n> {
    file: usize,
    span: Range<usize>,
    what: &'static str,
    fields: &'n [(Text, Node)],
}

impl<'n> Fields<'n> {
    /// Opens a table; keys that are not `known` are reported.
    pub(super) fn open(
        node: &'n Node,
        what: &'static str,
        known: &'static [&'static str],
        sink: &mut Sink<'_>,
    ) -> Option<Self> {
        let Value::Table(fields) = &node.value else {
            wrong_kind(node, "a table", sink);
            return None;
        };
        let file = node.file;
        for (key, _) in fields {
            if !known.contains(&key.value.as_str()) {
                sink.report(
                    key.file,
                    key.span.clone(),
                    format!("unknown key `{}` in {what}", key.value),
                    "not known here",
                    Some(meant_or_list(&key.value, known.iter().copied())),
                );
            }
        }
        // A table's own span may cover the whole file; its first line is enough to point at.
        let first_line = first_line(sink.text(file), &node.span);
        let span = node.span.start..node.span.start + first_line;
        Some(Self { file, span, what, fields })
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.fields.iter().find(|(k, _)| k.value == key).map(|(_, node)| node)
    }

    /// The node of a key that must be there.
    pub(super) fn require(&self, key: &str, sink: &mut Sink<'_>) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            sink.report(
                self.file,
                self.span.clone(),
                format!("missing key `{key}` in {}", self.what),
                format!("`{key}` is required"),
                None,
            );
        }
        found
    }

    pub(super) fn text(&self, key: &str, sink: &mut Sink<'_>) -> Option<Text> {
        as_text(self.get(key)?, sink)
    }

    pub(super) fn require_text(&self, key: &str, sink: &mut Sink<'_>) -> Option<Text> {
        as_text(self.require(key, sink)?, sink)
    }

    /// A whole number of a range.
    pub(super) fn number(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<i64>,
        sink: &mut Sink<'_>,
    ) -> Option<i64> {
        as_number(self.get(key)?, range, sink)
    }

    /// Elements of an array of strings; empty when the key is absent.
    pub(super) fn texts(&self, key: &str, sink: &mut Sink<'_>) -> Vec<Text> {
        let items = self.items(key, sink);
        items.iter().filter_map(|item| as_text(item, sink)).collect()
    }

    /// Elements of an array; empty when the key is absent.
    pub(super) fn items(&self, key: &str, sink: &mut Sink<'_>) -> &'n [Node] {
        match self.get(key) {
            None => &[],
            Some(Node { value: Value::Array(items), .. }) => items,
            Some(node) => {
                wrong_kind(node, "an array", sink);
                &[]
            }
        }
    }

    /// Keys and values of a table with free keys; empty when absent.
    pub(super) fn pairs(&self, key: &str, sink: &mut Sink<'_>) -> &'n [(Text, Node)] {
        match self.get(key) {
            None => &[],
            Some(Node { value: Value::Table(fields), .. }) => fields,
            Some(node) => {
                wrong_kind(node, "a table", sink);
                &[]
            }
        }
    }
}

pub(super) fn as_text(node: &Node, sink: &mut Sink<'_>) -> Option<Text> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        _ => {
            wrong_kind(node, "a string", sink);
            None
        }
    }
}

pub(super) fn as_number(
    node: &Node,
    range: std::ops::RangeInclusive<i64>,
    sink: &mut Sink<'_>,
) -> Option<i64> {
    let Value::Integer(value) = node.value else {
        wrong_kind(node, "an integer", sink);
        return None;
    };
    if !range.contains(&value) {
        let (from, to) = (range.start(), range.end());
        sink.report(
            node.file,
            node.span.clone(),
            format!("{value} is out of range"),
            format!("{from} to {to}"),
            None,
        );
        return None;
    }
    Some(value)
}

fn first_line(text: &str, span: &Range<usize>) -> usize {
    text.get(span.clone()).and_then(|text| text.lines().next()).map_or(0, str::len)
}

fn wrong_kind(node: &Node, wanted: &str, sink: &mut Sink<'_>) {
    sink.report(
        node.file,
        node.span.clone(),
        format!("expected {wanted}, found {}", node.value.kind()),
        format!("should be {wanted}"),
        None,
    );
}
