//! Schemas of the files of a pack that are no rules, and of what an overlay changes.

use serde_json::{Map, Value, json};

use super::{both, described, examples, lint, list, measure, param, table, text};
use crate::model::measure::Action;
use crate::rules::compile::words::{effect_words, mode_words};
use crate::rules::keys::files::{CALENDAR, CHANGE, File, GUARDS, MANIFEST, POLICY};

/// Every schema here, by name.
#[must_use]
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("guards.v1", guards()),
        ("policy.v1", policy("policy.v1", POLICY.en, &POLICY_NEEDS)),
        ("calendar.v1", calendar()),
        ("overlay-manifest.v1", manifest()),
        ("overlay-rule.v1", change()),
        ("overlay-policy.v1", overlay_policy()),
    ]
}

/// Keys that a whole policy must have.
const POLICY_NEEDS: [&str; 6] = ["pack", "families", "bands", "episodes", "measures", "breaker"];

fn finished(mut schema: Value, name: &str, file: &File, description: &str) -> Value {
    described(&mut schema, file.keys);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!(name);
    schema["description"] = json!(description);
    schema
}

fn guards() -> Value {
    let mut guard = table(
        json!({
            "id": text(),
            "title": both(),
            "when": super::expression(),
            "effect": { "enum": effect_words() },
            "scope": { "enum": ["all"] },
            "lint": lint(),
        }),
        &["id", "title", "when", "effect"],
    );
    described(&mut guard, GUARDS.keys);
    let mut schema = table(json!({ "guards": list(guard) }), &[]);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("guards.v1");
    schema["description"] = json!(GUARDS.en);
    schema
}

fn day() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
}

fn number(least: i64, most: i64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// A stretch of days with a name.
fn days() -> Value {
    table(json!({ "name": text(), "from": day(), "to": day() }), &["name", "from", "to"])
}

/// The policy, with the keys of a table needed or not.
fn policy(name: &str, description: &str, needs: &[&str]) -> Value {
    let whole = !needs.is_empty();
    let part =
        |properties: Value, needed: &[&str]| table(properties, if whole { needed } else { &[] });
    let reasons: Map<String, Value> = Action::WORDS
        .iter()
        .map(|(word, _)| {
            let said =
                if whole { both() } else { part(json!({ "zh": text(), "en": text() }), &[]) };
            ((*word).to_owned(), said)
        })
        .collect();
    let band = table(
        json!({ "from": number(1, 100), "account": measure(), "payment": measure() }),
        &["from", "account", "payment"],
    );
    let properties = json!({
        "pack": part(
            json!({ "id": text(), "version": text(), "currency": text(), "country": text() }),
            &["id", "version", "currency"],
        ),
        "families": { "type": "object", "additionalProperties": number(1, 100) },
        "bands": list(band),
        "episodes": part(
            json!({ "cool_down": text(), "idle": text() }),
            &["cool_down", "idle"],
        ),
        "measures": part(
            json!({
                "freeze_proposal_from": number(1, 100),
                "act_within": text(),
                "stop_duration": text(),
                "stop_extensions_max": number(0, 10),
                "delay_duration": text(),
            }),
            &["act_within", "stop_duration", "stop_extensions_max", "delay_duration"],
        ),
        "breaker": part(
            json!({
                "window": text(),
                "strong_max": number(1, 1_000_000_000),
                "share_max": text(),
                "share_from": number(0, 1_000_000_000),
            }),
            &["window", "strong_max", "share_max", "share_from"],
        ),
        "festivals": list(days()),
        "customer_reasons": table(Value::Object(reasons), &[]),
        "external_codes": { "type": "object", "additionalProperties": text() },
        "lint": lint(),
    });
    finished(table(properties, needs), name, &POLICY, description)
}

/// What an overlay may change of the policy: everything but which pack it is.
fn overlay_policy() -> Value {
    let mut schema = policy("overlay-policy.v1", POLICY.en, &[]);
    if let Some(keys) = schema["properties"].as_object_mut() {
        keys.remove("pack");
    }
    schema
}

fn calendar() -> Value {
    let workday = table(json!({ "name": text(), "day": day() }), &["name", "day"]);
    let properties = json!({ "holidays": list(days()), "workdays": list(workday) });
    finished(table(properties, &[]), "calendar.v1", &CALENDAR, CALENDAR.en)
}

fn manifest() -> Value {
    let properties = json!({
        "name": text(),
        "author": text(),
        "approver": text(),
        "valid_from": day(),
        "doc": text(),
    });
    let schema = table(properties, &["name", "author", "valid_from"]);
    finished(schema, "overlay-manifest.v1", &MANIFEST, MANIFEST.en)
}

fn change() -> Value {
    let one_language = table(json!({ "zh": text(), "en": text() }), &[]);
    let properties = json!({
        "changes": text(),
        "mode": { "enum": mode_words() },
        "weight": number(1, 100),
        "params": { "type": "object", "additionalProperties": param(&[]) },
        "title": one_language,
        "text": one_language,
        "examples": examples(),
        "lint": lint(),
    });
    finished(table(properties, &["changes"]), "overlay-rule.v1", &CHANGE, CHANGE.en)
}

#[cfg(test)]
mod tests {
    use super::super::tests::misfit;
    use super::*;
    use crate::rules::{SourceFile, compile, shipped};

    fn schema(name: &str) -> Value {
        let found = all().into_iter().find(|(known, _)| *known == name);
        found.expect("a schema").1
    }

    fn json_of(text: &str) -> Value {
        let file: toml::Value = toml::from_str(text).expect("TOML");
        serde_json::to_value(&file).expect("JSON")
    }

    fn shipped_file(path: &str) -> &'static str {
        shipped::FILES.iter().find(|(known, _)| *known == path).expect("shipped").1
    }

    const OVERLAY: [(&str, &str, &str); 4] = [
        (
            "overlay-manifest.v1",
            "bank/manifest.toml",
            "name = \"bank\"\nauthor = \"li\"\napprover = \"wang\"\nvalid_from = \"2026-01-01\"\n",
        ),
        (
            "overlay-rule.v1",
            "bank/m02.toml",
            "changes = \"M02\"\nweight = 30\nmode = \"shadow\"\ntitle = { en = \"Many out\" }\n\
             [params]\nmin_sum = { by_grade = { high = \"5000.00\" } }\nwindow = \"12m\"\n",
        ),
        (
            "overlay-policy.v1",
            "bank/policy.toml",
            "[episodes]\nidle = \"48h\"\n[external_codes]\nBURST_OUT = \"1204\"\n\
             [customer_reasons.review]\nen = \"We look.\"\n",
        ),
        (
            "guards.v1",
            "bank/guards.toml",
            "[[guards]]\nid = \"GX\"\ntitle = { zh = \"一\", en = \"one\" }\n\
             when = 'payment.own_transfer'\neffect = \"lower\"\n",
        ),
    ];

    #[test]
    fn what_is_shipped_fits_and_so_does_an_overlay_that_compiles() {
        for (name, path) in [
            ("guards.v1", "guards.toml"),
            ("policy.v1", "policy.toml"),
            ("calendar.v1", "calendar.toml"),
        ] {
            assert_eq!(misfit(&schema(name), &json_of(shipped_file(path)), ""), None, "{path}");
        }
        let mut files = shipped::files();
        for (name, path, text) in OVERLAY {
            assert_eq!(misfit(&schema(name), &json_of(text), ""), None, "{path}");
            files.push(SourceFile { path: path.to_owned(), text: text.to_owned() });
        }
        compile(&files).expect("it compiles");
    }

    /// A key that no table knows, put into each table in turn: what the checker then lists is what
    /// the schema has.
    #[test]
    fn the_schemas_have_the_keys_that_are_read() {
        let tables = [
            ("guards.v1", "guards.toml", "effect = ", "/properties/guards/items"),
            ("policy.v1", "policy.toml", "[pack]", ""),
            ("policy.v1", "policy.toml", "currency = ", "/properties/pack"),
            ("policy.v1", "policy.toml", "account = ", "/properties/bands/items"),
            ("policy.v1", "policy.toml", "cool_down = ", "/properties/episodes"),
            ("policy.v1", "policy.toml", "act_within ", "/properties/measures"),
            ("policy.v1", "policy.toml", "strong_max = ", "/properties/breaker"),
            ("policy.v1", "policy.toml", "name = \"Qixi", "/properties/festivals/items"),
            ("calendar.v1", "calendar.toml", "[[holidays]]", ""),
            ("calendar.v1", "calendar.toml", "to   = ", "/properties/holidays/items"),
            ("calendar.v1", "calendar.toml", "day  = ", "/properties/workdays/items"),
            ("overlay-manifest.v1", "bank/manifest.toml", "author = ", ""),
            ("overlay-rule.v1", "bank/m02.toml", "changes = ", ""),
            ("overlay-policy.v1", "bank/policy.toml", "[episodes]", ""),
        ];
        for (name, path, before, pointer) in tables {
            let mut files = shipped::files();
            let overlay = OVERLAY.map(|(_, path, text)| (path.to_owned(), text.to_owned()));
            files.extend(overlay.map(|(path, text)| SourceFile { path, text }));
            let file = files.iter_mut().find(|file| file.path == path).expect("a file");
            assert!(file.text.contains(before), "{path}: {before}");
            file.text = file.text.replacen(before, &format!("qqqqqqqqqq = 1\n{before}"), 1);
            let defects = compile(&files).expect_err("an unknown key");
            let unknown = defects.iter().find(|defect| defect.message.contains("qqqqqqqqqq"));
            let hint = unknown.and_then(|defect| defect.hint.clone()).expect("a hint");
            let mut read: Vec<&str> = hint.trim_start_matches("known are: ").split(", ").collect();
            read.sort_unstable();
            let schema = schema(name);
            let there = schema.pointer(&format!("{pointer}/properties")).expect("a table");
            let keys: Vec<&String> = there.as_object().expect("keys").keys().collect();
            assert_eq!(keys, read, "{name}{pointer}");
        }
    }

    #[test]
    fn every_key_is_explained_and_a_slip_does_not_fit() {
        for (file, name) in [
            (POLICY, "policy.v1"),
            (CALENDAR, "calendar.v1"),
            (MANIFEST, "overlay-manifest.v1"),
            (CHANGE, "overlay-rule.v1"),
        ] {
            let schema = schema(name);
            let explained: Vec<&str> =
                file.keys.iter().flat_map(|key| key.names.iter().copied()).collect();
            for (key, told) in schema["properties"].as_object().expect("keys") {
                assert!(explained.contains(&key.as_str()), "{name}: {key}");
                assert!(!told["description"].as_str().unwrap_or_default().is_empty(), "{key}");
            }
        }
        for (name, text, place) in [
            ("overlay-rule.v1", "changes = \"M02\"\nfloor = \"review\"\n", "floor"),
            ("overlay-rule.v1", "weight = 30\n", "changes"),
            ("overlay-manifest.v1", "name = \"bank\"\nvalid_from = \"2026-01-01\"\n", "author"),
            ("overlay-policy.v1", "[pack]\nid = \"x\"\n", "pack"),
            ("guards.v1", "[[guards]]\nid = \"GX\"\n", "guards"),
        ] {
            let found = misfit(&schema(name), &json_of(text), "").expect("it does not fit");
            assert!(found.contains(place), "{found}");
        }
    }
}
