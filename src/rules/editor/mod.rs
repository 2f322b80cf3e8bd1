//! Schemas of a pack's files, for editors that complete TOML by JSON Schema: of a rule here, of the
//! other files and of overlays in [`files`]. Keys, words and functions come from where the checker
//! has them; what an expression may say is beyond a schema, so that the functions are told in the
//! descriptions.

pub mod files;

use serde_json::{Map, Value, json};

use super::catalogue::{FUNCTIONS, MEMBERS, Owner};
use super::compile::signature;
use super::compile::words::{about_words, mode_words, phase_words, subject_words, target_words};
use super::examples::forms::{EXPECTED, FORMS, OF_PAYEE};
use super::keys::{KEYS, Key};
use super::lint::LINTS;
use crate::model::event::RiskGrade;
use crate::model::measure::Action;

/// The schema of one rule's file.
#[must_use]
pub fn rule() -> Value {
    let (text, both, measure, expression) = (text(), both(), measure(), expression());
    let texts = list(text.clone());
    let card = ["catches", "spares", "needs", "tune", "choices"];
    let card_parts: Map<String, Value> =
        card.iter().map(|part| ((*part).to_owned(), both.clone())).collect();
    let properties = json!({
        "id": text,
        "name": text,
        "version": text,
        "code": text,
        "title": both,
        "family": text,
        "weight": { "type": "integer", "minimum": 1, "maximum": 100 },
        "mode": { "enum": mode_words() },
        "phases": { "type": "array", "items": { "enum": phase_words() } },
        "subject": { "enum": subject_words() },
        "about": { "enum": about_words() },
        "target": table(
            json!({ "held": { "enum": target_words() }, "settled": { "enum": target_words() } }),
            &["held", "settled"],
        ),
        "guards": texts,
        "floor": measure,
        "card": table(Value::Object(card_parts), &card[..4]),
        "params": { "type": "object", "additionalProperties": param(&["value"]) },
        "features": { "type": "object", "additionalProperties": expression },
        "when": table(json!({ "alert": expression, "balance_unknown": expression }), &["alert"]),
        "escalate": list(table(
            json!({
                "when": expression,
                "floor": measure,
                "weight": { "type": "integer", "minimum": 1, "maximum": 100 },
            }),
            &["when", "floor"],
        )),
        "support": list(table(
            json!({ "rules": texts, "families": texts, "floor": measure }),
            &["floor"],
        )),
        "text": both,
        "examples": examples(),
        "lint": lint(),
    });
    let needed = [
        "id", "name", "version", "code", "title", "family", "weight", "phases", "subject",
        "target", "when", "text", "examples",
    ];
    let mut schema = table(properties, &needed);
    described(&mut schema, KEYS);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("rule.v1");
    schema["description"] = json!("One rule of a pack: the file that `rules check` reads.");
    schema
}

fn table(properties: Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn text() -> Value {
    json!({ "type": "string" })
}

/// A text in both languages.
fn both() -> Value {
    table(json!({ "zh": text(), "en": text() }), &["zh", "en"])
}

fn measure() -> Value {
    let measures: Vec<&str> = Action::WORDS.iter().map(|(word, _)| *word).collect();
    json!({ "enum": measures })
}

fn expression() -> Value {
    json!({ "type": "string", "description": functions() })
}

fn examples() -> Value {
    list(table(
        json!({ "name": text(), "zh": text(), "given": given(), "expect": expect() }),
        &["name", "given", "expect"],
    ))
}

fn lint() -> Value {
    let codes: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
    let allowed = table(
        json!({ "code": { "enum": codes }, "about": text(), "reason": text() }),
        &["code", "reason"],
    );
    table(json!({ "allow": list(allowed) }), &[])
}

/// A parameter: its value alone, or with unit, words and values for grades; `needed` of its keys.
fn param(needed: &[&str]) -> Value {
    let value = json!({ "type": ["string", "integer", "number", "array"] });
    let grades: Map<String, Value> =
        RiskGrade::WORDS.iter().map(|(word, _)| ((*word).to_owned(), value.clone())).collect();
    let whole = table(
        json!({
            "value": value,
            "unit": { "type": "string" },
            "doc": { "type": "string" },
            "by_grade": table(Value::Object(grades), &[]),
        }),
        needed,
    );
    json!({ "anyOf": [value, whole] })
}

/// The meaning of each key, in both languages.
fn described(schema: &mut Value, keys: &[Key]) {
    for key in keys {
        for name in key.names {
            let name = name.split('.').next().unwrap_or(name);
            if schema["properties"].get(name).is_none() {
                continue;
            }
            let told = json!(format!("{}\n\n{}", key.en, key.zh));
            schema["properties"][name]["description"] = told;
        }
    }
}

/// The lines of an example: what each may say, and its options.
fn given() -> Value {
    let mut lines = vec![
        "One event a line, after a time such as `10:03` or `-2d 09:00` (rules/README.md, Examples)."
            .to_owned(),
    ];
    for form in FORMS {
        let options: Vec<&str> = form.options.iter().map(|opt| opt.name).collect();
        let parties: Vec<&str> = form.of_parties.iter().map(|opt| opt.name).collect();
        let mut line = format!("`{}`: {}", form.written, form.en);
        if !options.is_empty() {
            line += &format!("; options {}", options.join(", "));
        }
        if !parties.is_empty() {
            line += &format!("; and, also with `{OF_PAYEE}`, {}", parties.join(", "));
        }
        lines.push(line);
    }
    json!({ "type": "string", "description": lines.join("\n\n") })
}

/// The findings that must come.
fn expect() -> Value {
    let options: Vec<String> =
        EXPECTED.iter().map(|opt| format!("`{}={}`", opt.name, opt.sample)).collect();
    let description = format!(
        "Findings that must come, as `10:04 M02 A`; after one may stand `removed`, {} \
         (rules/README.md, Expected findings).",
        options.join(", ")
    );
    json!({ "type": "array", "items": { "type": "string" }, "description": description })
}

/// What an expression may ask, one line a function.
fn functions() -> String {
    let mut lines = vec!["CEL. What it may ask:".to_owned()];
    lines.extend(FUNCTIONS.iter().map(|(_, signature, _, en)| format!("`{signature}`: {en}")));
    for (owner, heading) in Owner::ALL {
        lines.push(format!("{heading}:"));
        let members = MEMBERS.iter().filter(|member| member.owner == *owner);
        lines.extend(members.map(|member| format!("`.{}`: {}", signature(member), member.en)));
    }
    lines.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::shipped;
    use crate::rules::source::RULE_KEYS;

    #[test]
    fn the_schema_names_every_key_that_is_read_and_explains_it() {
        let schema = rule();
        let keys: Vec<&String> = schema["properties"].as_object().expect("keys").keys().collect();
        let mut read = RULE_KEYS.to_vec();
        read.sort_unstable();
        assert_eq!(keys, read);
        for key in read {
            let told = schema["properties"][key]["description"].as_str().unwrap_or_default();
            assert!(!told.is_empty(), "{key}");
        }
    }

    #[test]
    fn every_shipped_rule_fits_it_and_a_slip_does_not() {
        let schema = rule();
        let rules = shipped::FILES.iter().filter(|(path, _)| path.contains('/'));
        for (path, text) in rules {
            let file: toml::Value = toml::from_str(text).expect("TOML");
            let value = serde_json::to_value(&file).expect("JSON");
            assert_eq!(misfit(&schema, &value, ""), None, "{path}");
        }
        let (_, text) = shipped::FILES.iter().find(|(p, _)| p.contains("m02")).expect("shipped");
        for (from, to, place) in [
            ("family  = ", "familly = ", "familly"),
            ("\"payer\"\ntarget", "\"pair\"\ntarget", "subject"),
            ("weight  = 35", "weight  = 350", "weight"),
            ("expect = [", "expects = [", "examples"),
        ] {
            assert!(text.contains(from), "{from}");
            let file: toml::Value = toml::from_str(&text.replacen(from, to, 1)).expect("TOML");
            let value = serde_json::to_value(&file).expect("JSON");
            let found = misfit(&schema, &value, "").expect("it does not fit");
            assert!(found.contains(place), "{found}");
        }
    }

    /// Where a value does not fit, as far as this schema goes.
    pub(super) fn misfit(schema: &Value, value: &Value, at: &str) -> Option<String> {
        if let Some(choices) = schema["anyOf"].as_array() {
            let fits = choices.iter().any(|choice| misfit(choice, value, at).is_none());
            return (!fits).then(|| format!("{at}: fits nothing"));
        }
        if let Some(words) = schema["enum"].as_array() {
            return (!words.contains(value)).then(|| format!("{at}: {value}"));
        }
        let kind = match value {
            Value::Object(_) => "object",
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Number(n) if n.is_i64() => "integer",
            Value::Number(_) => "number",
            _ => "other",
        };
        let one = schema["type"].as_str().is_some_and(|ty| ty == kind);
        let several = schema["type"].as_array().is_some_and(|all| all.contains(&json!(kind)));
        if !one && !several {
            return Some(format!("{at}: is a {kind}"));
        }
        let over = schema["maximum"].as_i64().zip(value.as_i64()).is_some_and(|(m, v)| v > m);
        if over {
            return Some(format!("{at}: too large"));
        }
        if let Some(items) = value.as_array().filter(|_| schema.get("items").is_some()) {
            return items.iter().find_map(|item| misfit(&schema["items"], item, at));
        }
        let fields = value.as_object()?;
        let needed = schema["required"].as_array().into_iter().flatten();
        let missing = needed.filter_map(Value::as_str).find(|key| !fields.contains_key(*key));
        let inside = fields.iter().find_map(|(key, field)| {
            let at = format!("{at}.{key}");
            match (schema["properties"].get(key), &schema["additionalProperties"]) {
                (Some(known), _) => misfit(known, field, &at),
                (None, Value::Bool(false)) => Some(format!("{at}: unknown")),
                (None, any) => misfit(any, field, &at),
            }
        });
        inside.or_else(|| missing.map(|key| format!("{at}.{key}: missing")))
    }
}
