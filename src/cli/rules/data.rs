//! What is explained, as data in the order in which it is told: indented lines or JSON.

use serde_json::{Map, Value};

/// A piece of it.
#[derive(Clone, Debug)]
pub(super) enum Data {
    None,
    Number(u64),
    Text(String),
    /// Lines as they are.
    Block(String),
    List(Vec<Self>),
    Fields(Vec<(&'static str, Self)>),
}

/// A key for people.
fn told(key: &str) -> String {
    key.replace('_', " ")
}

/// Fields in order.
pub(super) fn fields<const N: usize>(fields: [(&'static str, Data); N]) -> Data {
    Data::Fields(fields.into())
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u32> for Data {
    fn from(number: u32) -> Self {
        Self::Number(u64::from(number))
    }
}

impl Data {
    fn is_nothing(&self) -> bool {
        match self {
            Self::None => true,
            Self::List(items) => items.is_empty(),
            Self::Text(text) | Self::Block(text) => text.is_empty(),
            Self::Fields(fields) => fields.is_empty(),
            Self::Number(_) => false,
        }
    }

    /// As JSON; what is not there is left out.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Number(number) => (*number).into(),
            Self::Text(text) | Self::Block(text) => text.clone().into(),
            Self::List(items) => items.iter().map(Self::json).collect::<Vec<_>>().into(),
            Self::Fields(fields) => {
                let there = fields.iter().filter(|(_, value)| !value.is_nothing());
                let pairs = there.map(|(key, value)| ((*key).to_owned(), value.json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// As indented lines: a field a line, short records of a list on one line each.
    pub(super) fn text(&self, indent: usize) -> String {
        let pad = " ".repeat(indent);
        match self {
            Self::Block(text) => text.lines().map(|line| format!("{pad}{line}\n")).collect(),
            Self::Fields(fields) => {
                let there: Vec<_> = fields.iter().filter(|(_, v)| !v.is_nothing()).collect();
                let flat = there.iter().filter(|(_, value)| value.is_flat());
                let width = flat.map(|(key, _)| key.chars().count()).max().unwrap_or(0);
                there
                    .iter()
                    .map(|(key, value)| match value.is_flat() {
                        true => {
                            let gap = " ".repeat(width - key.chars().count());
                            format!("{pad}{}{gap}  {}\n", told(key), value.flat())
                        }
                        false => format!("{pad}{}\n{}", told(key), value.text(indent + 2)),
                    })
                    .collect()
            }
            Self::List(items) => items
                .iter()
                .map(|item| match item {
                    Self::Fields(fields) if fields.iter().all(|(_, v)| v.is_flat()) => {
                        format!("{pad}- {}\n", item.flat())
                    }
                    Self::Fields(_) => item.text(indent),
                    item => format!("{pad}- {}\n", item.flat()),
                })
                .collect(),
            flat => format!("{pad}{}\n", flat.flat()),
        }
    }

    fn is_flat(&self) -> bool {
        matches!(self, Self::None | Self::Number(_) | Self::Text(_))
    }

    fn flat(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) | Self::Block(text) => text.clone(),
            Self::List(items) => items.iter().map(Self::flat).collect::<Vec<_>>().join(", "),
            Self::Fields(fields) => {
                let there = fields.iter().filter(|(_, value)| !value.is_nothing());
                let parts: Vec<String> =
                    there.map(|(key, value)| format!("{}: {}", told(key), value.flat())).collect();
                parts.join("; ")
            }
        }
    }
}
