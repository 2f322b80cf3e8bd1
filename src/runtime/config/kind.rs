//! Whether a value is of the kind that its key asks for: asked key by key, so that one mistake
//! hides no other.

use toml::{Table, Value};

use super::{Config, show};

/// Tables whose keys are librdkafka's, not ours, and whose values are all text.
pub(super) const FREE: &[&str] = &["kafka.properties", "kafka.consumer", "kafka.producer"];

/// What a key asks for and does not get.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub message: String,
    pub hint: Option<String>,
}

/// An example value of the key, which says its kind; `None` for an unknown key.
pub(super) fn example_of(key: &str, known: &Table) -> Option<Value> {
    if is_free(key) {
        return Some(Value::from(""));
    }
    let mut table = known;
    let mut parts = key.split('.').peekable();
    while let Some(part) = parts.next() {
        match (table.get(part)?, parts.peek()) {
            (Value::Table(inner), Some(_)) => table = inner,
            (Value::Table(_), None) | (_, Some(_)) => return None,
            (value, None) => return Some(value.clone()),
        }
    }
    None
}

/// Whether a known key can hold a value like this.
pub(super) fn check(key: &str, value: &Value, example: &Value) -> Result<(), Misfit> {
    if value.same_type(example) {
        let refused = expected_of(key, value);
        return refused.map_or(Ok(()), |expected| Err(misfit(key, &expected, value, None)));
    }
    // Of text the reading says more than that: a word of a set, a duration.
    let of_text = example.is_str().then(|| expected_of(key, &Value::from("?"))).flatten();
    let expected = of_text.as_deref().unwrap_or(kind(example));
    let mut hint = None;
    if let Value::Table(inner) = value
        && is_free(key)
    {
        let (table, first) = key.rsplit_once('.').unwrap_or(("", key));
        let rest = inner.keys().next().map_or("", String::as_str);
        hint =
            Some(format!("the names of [{table}] hold dots: write \"{first}.{rest}\" in quotes"));
    }
    Err(misfit(key, expected, value, hint))
}

/// Whether an element of a list is of its kind: every list is of texts.
pub(super) fn check_element(key: &str, index: usize, value: &Value) -> Result<(), Misfit> {
    match value {
        Value::String(_) => Ok(()),
        _ => Err(misfit(&format!("{key}[{index}]"), kind(&Value::from("")), value, None)),
    }
}

/// A table's key that holds something else.
pub(super) fn not_a_table(key: &str, value: &Value) -> Misfit {
    misfit(key, "a table", value, None)
}

/// What the key asks for, when a configuration of this one key cannot be read: words of a closed
/// set, durations and bounds of numbers are known to the reading alone.
fn expected_of(key: &str, value: &Value) -> Option<String> {
    if is_free(key) {
        return None;
    }
    let mut parts: Vec<&str> = key.split('.').collect();
    let mut table = Table::new();
    table.extend(parts.pop().map(|name| (name.to_owned(), value.clone())));
    for part in parts.into_iter().rev() {
        table = Table::from_iter([(part.to_owned(), Value::Table(table))]);
    }
    let error = table.try_into::<Config>().err()?;
    let message = error.message();
    let expected = message.rsplit_once("expected ").map_or(message, |(_, expected)| expected);
    Some(if expected == "usize" { "a whole number from 0 on" } else { expected }.to_owned())
}

fn is_free(key: &str) -> bool {
    let inside = |free: &&str| key.strip_prefix(*free).is_some_and(|rest| rest.len() > 1);
    FREE.iter().any(inside)
}

fn misfit(key: &str, expected: &str, value: &Value, hint: Option<String>) -> Misfit {
    let shown = match value {
        // The value may be a secret.
        _ if show::is_secret(key) => kind(value).to_owned(),
        Value::Table(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        value => format!("{} {value}", kind(value).trim_start_matches("a ")),
    };
    Misfit { message: format!("{key}: expected {expected}, found {shown}"), hint }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "a truth value",
        Value::Datetime(_) => "a time",
        Value::Array(_) => "a list of texts",
        Value::Table(_) => "a table",
    }
}
