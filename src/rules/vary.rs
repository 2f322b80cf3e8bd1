//! One parameter of one rule, set to other values: the rest of the pack stays as written.
//!
//! The value is changed in the rule's text, so that what is compiled is a pack that somebody could
//! have written. Values for single grades (`by_grade`) stay.

use std::ops::Range;

use super::compile::duration;
use super::diagnostics::{Diagnostic, Sink, meant_or_list};
use super::document::{Node, Value};
use super::{SourceFile, sorted, source};
use crate::model::money::{Currency, format_decimal, parse_decimal};
use crate::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};

/// Decimal places of a ratio.
const RATIO_PLACES: u32 = 6;

/// A parameter that can be set.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The rule.
    pub rule: String,
    /// Its name.
    pub name: String,
    /// Its unit, as written.
    pub unit: Option<String>,
    /// Its value, as written.
    pub written: String,
    kind: Kind,
    /// The rule's file, and where the value stands in it, quotes included.
    path: String,
    span: Range<usize>,
}

/// A value for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// As it would be written, without quotes.
    pub text: String,
    /// The same in the smallest unit of its kind: one, a minor unit, a millionth, a millisecond.
    pub units: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Count,
    Ratio,
    /// With this many decimal places.
    Amount(u32),
    Duration,
}

/// Why a parameter cannot be varied so.
#[derive(Debug, thiserror::Error)]
pub enum VaryError {
    /// The files cannot be read as a pack.
    #[error("the rule pack is wrong")]
    Wrong(Vec<Diagnostic>),
    /// There is no such rule.
    #[error("no rule {id}: {hint}")]
    NoRule {
        /// What was asked for.
        id: String,
        /// What there is.
        hint: String,
    },
    /// The rule has no such parameter.
    #[error("rule {rule} has no parameter {name}: {hint}")]
    NoParameter {
        /// The rule.
        rule: String,
        /// What was asked for.
        name: String,
        /// What there is.
        hint: String,
    },
    /// A value of this parameter cannot be moved.
    #[error(
        "parameter {0} is neither a number, an amount nor a duration (working days have no range)"
    )]
    NotANumber(String),
    /// An end of the range does not read as a value.
    #[error("{text:?} is not {wanted}")]
    BadValue {
        /// What was given.
        text: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// The range is empty or has too few values.
    #[error("a range goes upwards and has at least two values: {0}")]
    BadRange(String),
}

/// Finds a parameter.
///
/// # Errors
/// When the pack cannot be read, or has no such rule or parameter.
pub fn find(files: &[SourceFile], rule: &str, name: &str) -> Result<Parameter, VaryError> {
    let files = sorted(files);
    let mut sink = Sink::new(&files);
    let pack = source::read(&files, &mut sink);
    if !sink.is_empty() {
        return Err(VaryError::Wrong(sink.into_sorted()));
    }
    let doc = pack.rules.iter().find(|doc| doc.id.value == rule).ok_or_else(|| {
        let hint = meant_or_list(rule, pack.rules.iter().map(|doc| doc.id.value.as_str()));
        VaryError::NoRule { id: rule.to_owned(), hint }
    })?;
    let param = doc.params.iter().find(|param| param.name.value == name).ok_or_else(|| {
        let hint = meant_or_list(name, doc.params.iter().map(|param| param.name.value.as_str()));
        VaryError::NoParameter { rule: rule.to_owned(), name: name.to_owned(), hint }
    })?;
    let code = pack.policy.as_ref().and_then(|policy| Currency::parse(&policy.currency.value));
    let currency = code.unwrap_or(Currency::CNY);
    let unit = param.unit.as_ref().map(|unit| unit.value.clone());
    let kind = kind(&param.value, unit.as_deref(), currency)
        .ok_or_else(|| VaryError::NotANumber(format!("{rule}.{name}")))?;
    // An overlay may have put it there.
    let file = files[param.value.file];
    let written = file.text[param.value.span.clone()].trim_matches(['"', '\'']).to_owned();
    Ok(Parameter {
        rule: rule.to_owned(),
        name: name.to_owned(),
        unit,
        written,
        kind,
        path: file.path.clone(),
        span: param.value.span.clone(),
    })
}

fn kind(value: &Node, unit: Option<&str>, currency: Currency) -> Option<Kind> {
    match &value.value {
        Value::Integer(_) => Some(Kind::Count),
        Value::Float(_) => Some(Kind::Ratio),
        Value::Text(_) if unit == Some(currency.code()) => Some(Kind::Amount(currency.exponent())),
        Value::Text(text) => duration(&text.value).map(|_| Kind::Duration),
        _ => None,
    }
}

impl Parameter {
    /// Evenly spaced values from one to the other, both included. Where whole units lie further
    /// apart than the steps, there are fewer.
    ///
    /// # Errors
    /// When an end is not a value of this parameter, or the range does not go upwards.
    pub fn range(&self, from: &str, to: &str, values: usize) -> Result<Vec<Setting>, VaryError> {
        let (low, high) = (self.units(from)?, self.units(to)?);
        if low >= high || values < 2 {
            return Err(VaryError::BadRange(format!("{from}..{to}/{values}")));
        }
        let steps = values as i128 - 1;
        let at = |step: i128| {
            let width = i128::from(high) - i128::from(low);
            // Between two i64, rounded to the nearest.
            (i128::from(low) + (2 * width * step + steps) / (2 * steps)) as i64
        };
        let mut units: Vec<i64> = (0..=steps).map(at).collect();
        units.dedup();
        Ok(units.into_iter().map(|units| self.setting(units)).collect())
    }

    /// The value that the pack gives it.
    #[must_use]
    pub fn own(&self) -> Option<Setting> {
        self.units(&self.written.replace('_', "")).ok().map(|units| self.setting(units))
    }

    /// The pack with another value for the parameter.
    #[must_use]
    pub fn set(&self, files: &[SourceFile], setting: &Setting) -> Vec<SourceFile> {
        let quoted = match self.kind {
            Kind::Count | Kind::Ratio => setting.text.clone(),
            Kind::Amount(_) | Kind::Duration => format!("\"{}\"", setting.text),
        };
        let change = |file: &SourceFile| {
            let mut file = file.clone();
            if file.path == self.path {
                file.text.replace_range(self.span.clone(), &quoted);
            }
            file
        };
        files.iter().map(change).collect()
    }

    fn units(&self, text: &str) -> Result<i64, VaryError> {
        let (units, wanted) = match self.kind {
            Kind::Count => (text.parse().ok(), "a whole number"),
            Kind::Ratio => (parse_decimal(text, RATIO_PLACES).ok(), "a decimal number"),
            Kind::Amount(places) => (parse_decimal(text, places).ok(), "an amount"),
            Kind::Duration => (duration(text), "a duration such as 90s or 1h30m"),
        };
        units.ok_or_else(|| VaryError::BadValue { text: text.to_owned(), wanted })
    }

    fn setting(&self, units: i64) -> Setting {
        let text = match self.kind {
            Kind::Count => units.to_string(),
            Kind::Ratio => {
                let text = format_decimal(units, RATIO_PLACES);
                let short = text.trim_end_matches('0');
                // A ratio keeps its point: without one it would be a whole number.
                if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
            }
            Kind::Amount(places) => format_decimal(units, places),
            Kind::Duration => duration_text(units),
        };
        Setting { text, units }
    }
}

/// As in a pack: `1h30m`, `90ms`; nothing is left out.
fn duration_text(ms: Millis) -> String {
    let mut rest = ms;
    let mut text = String::new();
    for (unit, length) in [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", 1)] {
        if rest >= length {
            text.push_str(&format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::shipped;

    fn texts(rule: &str, name: &str, from: &str, to: &str, values: usize) -> Vec<String> {
        let parameter = find(&shipped::files(), rule, name).expect("it is shipped");
        let range = parameter.range(from, to, values).expect("a range");
        range.into_iter().map(|setting| setting.text).collect()
    }

    #[test]
    fn each_kind_of_value_is_spaced_in_its_own_unit() {
        assert_eq!(
            texts("M01", "min_in", "2000", "20000", 4),
            ["2000.00", "8000.00", "14000.00", "20000.00"]
        );
        assert_eq!(texts("M01", "cycles", "1", "3", 10), ["1", "2", "3"]);
        assert_eq!(texts("M01", "min_ratio", "0.5", "1", 3), ["0.5", "0.75", "1.0"]);
        assert_eq!(texts("M01", "window", "10m", "1h", 3), ["10m", "35m", "1h"]);
    }

    #[test]
    fn only_the_value_changes_and_the_pack_compiles() {
        let files = shipped::files();
        for (name, value, written) in [
            ("min_in", "7000.00", "min_in    = { value = \"7000.00\""),
            ("cycles", "3", "cycles    = { value = 3"),
            ("min_ratio", "0.8", "min_ratio = { value = 0.8"),
            ("window", "45m", "window    = { value = \"45m\""),
        ] {
            let parameter = find(&files, "M01", name).expect("it is shipped");
            let setting = parameter.setting(parameter.units(value).expect("a value"));
            let changed = parameter.set(&files, &setting);
            let different: Vec<_> = files.iter().zip(&changed).filter(|(a, b)| a != b).collect();
            let [(before, after)] = different[..] else { panic!("one file of {name} changes") };
            assert!(after.text.contains(written), "{}", after.text);
            assert!(!before.text.contains(written));
            crate::rules::compile(&changed).expect("it compiles");
        }
    }

    #[test]
    fn a_value_that_an_overlay_gives_is_changed_there() {
        let mut files = shipped::files();
        let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.into() };
        files.push(file(
            "bank/manifest.toml",
            "name = \"our bank\"\nauthor = \"li.na\"\napprover = \"wang.wei\"\n\
             valid_from = \"2026-12-01\"\n",
        ));
        files.push(file(
            "bank/m01.toml",
            "changes = \"M01\"\n[params]\nmin_in = \"6000.00\"\ncycles = 3\n",
        ));
        for (name, written, value) in [("min_in", "6000.00", "7000.00"), ("cycles", "3", "4")] {
            let parameter = find(&files, "M01", name).expect("it is there");
            assert_eq!(parameter.written, written);
            let setting = parameter.setting(parameter.units(value).expect("a value"));
            let changed = parameter.set(&files, &setting);
            let different: Vec<_> = files.iter().zip(&changed).filter(|(a, b)| a != b).collect();
            let [(_, after)] = different[..] else { panic!("one file changes") };
            assert_eq!(after.path, "bank/m01.toml");
            assert_eq!(find(&changed, "M01", name).expect("still").written, value);
        }
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        let files = shipped::files();
        let said = |rule, name| find(&files, rule, name).expect_err("not there").to_string();
        assert!(said("M99", "min_in").contains("no rule M99: "));
        assert_eq!(
            said("M01", "in_min"),
            "rule M01 has no parameter in_min: did you mean `min_in`?"
        );
        assert!(said("M01", "threshold").contains("known are: window, min_in"));
        let parameter = find(&files, "M01", "min_in").expect("it is shipped");
        let wrong =
            |from, to, values| parameter.range(from, to, values).expect_err("no range").to_string();
        assert_eq!(wrong("many", "20000", 3), "\"many\" is not an amount");
        assert!(wrong("20000", "2000", 3).contains("20000..2000/3"));
        assert!(wrong("2000", "20000", 1).contains("at least two values"));
    }
}
