//! Layers of settings: the file, then the environment, then the command line.

use std::path::Path;

use toml::{Table, Value};

use super::kind::{FREE, Misfit, check, example_of};
use super::problem::ConfigProblem;
use super::{Config, file, show};
use crate::rules::diagnostics::did_you_mean;

/// Prefix of environment variables.
const PREFIX: &str = "GOSHAWK_";

/// Builds the configuration from a file's text (with its path), the environment, and `key=value`
/// settings, and asks it whether it holds together. Also answers environment variables that look
/// like settings and are none.
///
/// # Errors
/// Everything wrong with it: what cannot be used is told, and the rest is asked all the same.
pub fn load(
    file: Option<(&Path, &str)>,
    environment: impl Iterator<Item = (String, String)>,
    settings: &[String],
    ask: fn(&Config) -> Vec<String>,
) -> Result<(Config, Vec<String>), Vec<ConfigProblem>> {
    let known = show::every_key();
    let (mut table, mut problems) =
        file.map_or_else(Default::default, |(path, text)| file::read(path, text, &known));
    let mut warnings = Vec::new();
    let mut environment: Vec<_> =
        environment.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    environment.sort();
    for (name, value) in environment {
        match variable_key(&name[PREFIX.len()..], &known) {
            Some(key) => {
                let place = format!("environment variable {name}");
                problems.extend(set(&mut table, &place, &key, &value, &known).err());
            }
            None if is_for_others(&name) => {}
            None => warnings.push(format!("the environment variable {name} names no setting")),
        }
    }
    for setting in settings {
        let mut problem = |key: &str, message: String, hint| {
            problems.push(ConfigProblem { place: format!("--set {key}"), message, hint });
        };
        let Some((key, value)) = setting.split_once('=') else {
            problem(setting, "is not KEY=VALUE".to_owned(), None);
            continue;
        };
        let key = key.trim();
        if example_of(key, &known).is_some() {
            let place = format!("--set {key}");
            problems.extend(set(&mut table, &place, key, value, &known).err());
        } else {
            let hint = did_you_mean(key, leaves(&known).iter().map(String::as_str));
            problem(key, format!("unknown key {key:?}"), hint);
        }
    }
    let place = file.map_or("configuration".to_owned(), |(path, _)| path.display().to_string());
    let wrap = |message| ConfigProblem { place: place.clone(), message, hint: None };
    let mut config = match table.try_into::<Config>() {
        Ok(config) => config,
        Err(error) => {
            problems.push(wrap(error.message().to_owned()));
            return Err(problems);
        }
    };
    if let Some(folder) = file.and_then(|(path, _)| path.parent()) {
        config.anchor(folder);
    }
    problems.extend(ask(&config).into_iter().map(wrap));
    if problems.is_empty() { Ok((config, warnings)) } else { Err(problems) }
}

/// Variables of the program that are not settings.
fn is_for_others(name: &str) -> bool {
    name == "GOSHAWK_CONFIG" || name.starts_with("GOSHAWK_TEST_")
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

/// Sets a known key, if the text can be its value.
fn set(
    table: &mut Table,
    place: &str,
    key: &str,
    text: &str,
    known: &Table,
) -> Result<(), ConfigProblem> {
    let Some(example) = example_of(key, known) else { return Ok(()) };
    let value = match example {
        Value::Array(_) => text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Value::from)
            .collect::<Vec<_>>()
            .into(),
        Value::Integer(_) => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
        _ => Value::from(text),
    };
    check(key, &value, &example).map_err(|Misfit { message, hint }| ConfigProblem {
        place: place.to_owned(),
        message,
        hint,
    })?;
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
            _ => return Ok(()),
        }
    }
    at.insert(name.to_owned(), value);
    Ok(())
}
