//! The configuration file: its keys are known and its values of the right kind, or all that is
//! wrong is told with its line and column.

use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::kind::{FREE, Misfit, check, check_element, not_a_table};
use super::problem::ConfigProblem;
use crate::rules::diagnostics::{did_you_mean, place};

/// The settings of a file that can be used, and everything wrong with the others.
pub(super) fn read(path: &Path, text: &str, known: &Table) -> (Table, Vec<ConfigProblem>) {
    let at = |(byte, message, hint): Found| {
        let (line, column) = place(text, byte);
        ConfigProblem { place: format!("{}:{line}:{column}", path.display()), message, hint }
    };
    let (spanned, errors) = DeTable::parse_recoverable(text);
    let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    let unreadable = |error: &toml::de::Error| at((start(error), error.message().to_owned(), None));
    if !errors.is_empty() {
        return (Table::new(), errors.iter().map(unreadable).collect());
    }
    let values = match text.parse::<Table>() {
        Ok(values) => values,
        Err(error) => return (Table::new(), vec![unreadable(&error)]),
    };
    let mut found = Vec::new();
    let usable = usable(spanned.get_ref(), values, known, "", &mut found);
    found.sort();
    (usable, found.into_iter().map(at).collect())
}

/// Byte, message, hint.
type Found = (usize, String, Option<String>);

/// What of a table can be used; the rest is reported.
fn usable(
    spanned: &DeTable<'_>,
    values: Table,
    known: &Table,
    path: &str,
    found: &mut Vec<Found>,
) -> Table {
    let mut good = Table::new();
    for (name, value) in values {
        let Some((word, place)) = spanned.get_key_value(name.as_str()) else { continue };
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let example = match known.get(&name) {
            _ if FREE.contains(&path) => &Value::String(String::new()),
            Some(example) => example,
            None => {
                let hint = did_you_mean(&name, known.keys().map(String::as_str));
                found.push((word.span().start, format!("unknown key {name:?}"), hint));
                continue;
            }
        };
        let mut report = |byte, Misfit { message, hint }| found.push((byte, message, hint));
        let byte = place.span().start;
        match (example, place.get_ref()) {
            (Value::Table(below), DeValue::Table(inner)) => {
                let Value::Table(value) = value else { continue };
                good.insert(name, Value::Table(usable(inner, value, below, &key, found)));
                continue;
            }
            (Value::Table(_), _) => {
                report(byte, not_a_table(&key, &value));
                continue;
            }
            (Value::Array(_), DeValue::Array(places)) => {
                let Value::Array(values) = &value else { continue };
                let mut all_good = true;
                for (index, (place, value)) in places.iter().zip(values).enumerate() {
                    if let Err(misfit) = check_element(&key, index, value) {
                        report(place.span().start, misfit);
                        all_good = false;
                    }
                }
                if !all_good {
                    continue;
                }
            }
            _ => {}
        }
        match check(&key, &value, example) {
            Ok(()) => drop(good.insert(name, value)),
            Err(misfit) => report(byte, misfit),
        }
    }
    good
}
