//! Layers of settings: the file, then the environment, then the command line.

use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::{Config, show};
use crate::rules::diagnostics::{did_you_mean, place};

/// Prefix of environment variables.
const PREFIX: &str = "GOSHAWK_";
/// Tables whose keys are librdkafka's, not ours.
const FREE: &[&str] = &["kafka.properties", "kafka.consumer", "kafka.producer"];

/// One thing wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The file, variable or flag, with line and column where there is one.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl std::fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// Builds the configuration from a file's text (with its path), the environment, and `key=value`
/// settings. Also answers environment variables that look like settings and are none.
///
/// # Errors
/// Everything wrong with it.
pub fn load(
    file: Option<(&Path, &str)>,
    environment: impl Iterator<Item = (String, String)>,
    settings: &[String],
) -> Result<(Config, Vec<String>), Vec<ConfigProblem>> {
    let known = show::every_key();
    let mut table = Table::new();
    if let Some((path, text)) = file {
        table = read_file(path, text, &known)?;
    }
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let mut environment: Vec<_> =
        environment.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    environment.sort();
    for (name, value) in environment {
        match variable_key(&name[PREFIX.len()..], &known) {
            Some(key) => set(&mut table, &key, &value, &known),
            None if is_for_others(&name) => {}
            None => warnings.push(format!("the environment variable {name} names no setting")),
        }
    }
    for setting in settings {
        let place = format!("--set {setting}");
        let problem = |message: String, hint| ConfigProblem { place: place.clone(), message, hint };
        let Some((key, value)) = setting.split_once('=') else {
            problems.push(problem("is not KEY=VALUE".to_owned(), None));
            continue;
        };
        let key = key.trim();
        if kind_of(key, &known).is_some() {
            set(&mut table, key, value, &known);
        } else {
            problems.push(problem(
                format!("unknown key {key:?}"),
                did_you_mean(key, leaves(&known).iter().map(String::as_str)),
            ));
        }
    }
    match table.try_into::<Config>() {
        Ok(_) if !problems.is_empty() => Err(problems),
        Ok(mut config) => {
            let place =
                file.map_or("configuration".to_owned(), |(path, _)| path.display().to_string());
            if let Some(folder) = file.and_then(|(path, _)| path.parent()) {
                config.anchor(folder);
            }
            let found = config.problems();
            if found.is_empty() {
                return Ok((config, warnings));
            }
            let wrap = |message| ConfigProblem { place: place.clone(), message, hint: None };
            Err(found.into_iter().map(wrap).collect())
        }
        Err(error) => {
            problems.push(ConfigProblem {
                place: "environment or --set".to_owned(),
                message: error.message().to_owned(),
                hint: None,
            });
            Err(problems)
        }
    }
}

/// Variables of the program that are not settings.
fn is_for_others(name: &str) -> bool {
    name == "GOSHAWK_CONFIG" || name.starts_with("GOSHAWK_TEST_")
}

fn read_file(path: &Path, text: &str, known: &Table) -> Result<Table, Vec<ConfigProblem>> {
    let at = |byte: usize, message: String, hint| {
        let (line, column) = place(text, byte);
        ConfigProblem { place: format!("{}:{line}:{column}", path.display()), message, hint }
    };
    let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    let spanned = DeTable::parse(text)
        .map_err(|error| vec![at(start(&error), error.message().to_owned(), None)])?;
    let mut unknown = Vec::new();
    unknown_keys(spanned.get_ref(), known, "", &mut |byte, key, hint| {
        unknown.push((byte, format!("unknown key {key:?}"), hint));
    });
    if !unknown.is_empty() {
        unknown.sort();
        return Err(unknown.into_iter().map(|(byte, text, hint)| at(byte, text, hint)).collect());
    }
    // Reading it whole checks the types of the values, with their places.
    toml::from_str::<Config>(text)
        .map_err(|error| vec![at(start(&error), error.message().to_owned(), None)])?;
    text.parse()
        .map_err(|error: toml::de::Error| vec![at(start(&error), error.message().to_owned(), None)])
}

fn unknown_keys(
    table: &DeTable<'_>,
    known: &Table,
    path: &str,
    report: &mut dyn FnMut(usize, &str, Option<String>),
) {
    if FREE.contains(&path) {
        return;
    }
    for (key, value) in table {
        let name: &str = key.get_ref();
        match known.get(name) {
            None => {
                let hint = did_you_mean(name, known.keys().map(String::as_str));
                report(key.span().start, name, hint);
            }
            Some(Value::Table(below)) => {
                if let DeValue::Table(inner) = value.get_ref() {
                    let path =
                        if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                    unknown_keys(inner, below, &path, report);
                }
            }
            Some(_) => {}
        }
    }
}

/// The key a variable's name (without prefix) stands for.
fn variable_key(name: &str, known: &Table) -> Option<String> {
    for free in FREE {
        let prefix = format!("{}_", free.to_uppercase().replace('.', "_"));
        if let Some(property) = name.strip_prefix(&prefix).filter(|rest| !rest.is_empty()) {
            return Some(format!("{free}.{}", property.to_lowercase().replace('_', ".")));
        }
    }
    leaves(known).into_iter().find(|key| key.to_uppercase().replace('.', "_") == name)
}

fn leaves(known: &Table) -> Vec<String> {
    let mut out = Vec::new();
    for (key, value) in known {
        match value {
            Value::Table(inner) => {
                out.extend(leaves(inner).into_iter().map(|below| format!("{key}.{below}")));
            }
            _ => out.push(key.clone()),
        }
    }
    out
}

/// An example value of the key, which says its kind; `None` for an unknown key.
fn kind_of(key: &str, known: &Table) -> Option<Value> {
    if FREE.iter().any(|free| key.strip_prefix(free).is_some_and(|rest| rest.len() > 1)) {
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

fn set(table: &mut Table, key: &str, text: &str, known: &Table) {
    let value = match kind_of(key, known) {
        Some(Value::Array(_)) => text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Value::from)
            .collect::<Vec<_>>()
            .into(),
        Some(Value::Integer(_)) => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
        _ => Value::from(text),
    };
    let free = FREE.iter().find_map(|free| {
        key.strip_prefix(free).and_then(|rest| rest.strip_prefix('.')).map(|rest| (*free, rest))
    });
    let (path, name) = free.or_else(|| key.rsplit_once('.')).unwrap_or(("", key));
    let mut at = table;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let entry = at.entry(part).or_insert_with(|| Value::Table(Table::new()));
        match entry {
            Value::Table(inner) => at = inner,
            // The file was checked: a table's key holds a table.
            _ => return,
        }
    }
    at.insert(name.to_owned(), value);
}
