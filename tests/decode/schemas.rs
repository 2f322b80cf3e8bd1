//! The published input schemas name what is read, all of it and nothing else.

use std::collections::BTreeMap;
use std::path::Path;

use goshawk::model::reject::RejectReason;
use serde_json::{Map, Value, json};

use super::flat::Flat;
use super::{decode, decoder, records};
use crate::oracle::streams::{Random, START};

const FORMATS: [&str; 6] =
    ["payment.v1", "account.v1", "list.v1", "control.v1", "registry.v1", "feedback.v1"];

/// A property that is no object itself.
struct Leaf {
    schema: Value,
    /// It must be there where the object around it is.
    required: bool,
    /// And so must every object around it.
    always: bool,
}

fn leaves(format: &str) -> BTreeMap<String, Leaf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{format}.json"));
    let text = std::fs::read_to_string(path).expect("a published schema");
    let mut leaves = BTreeMap::new();
    collect("", &serde_json::from_str(&text).expect("JSON"), true, &mut leaves);
    leaves.remove("schema").expect("every format names itself");
    leaves
}

fn collect(parent: &str, object: &Value, always: bool, into: &mut BTreeMap<String, Leaf>) {
    for (name, schema) in object["properties"].as_object().expect("an object's properties") {
        let path = format!("{parent}{name}");
        let required =
            object["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
        if schema.get("properties").is_some() {
            collect(&format!("{path}."), schema, always && required, into);
        } else {
            let schema = schema.clone();
            into.insert(path, Leaf { schema, required, always: always && required });
        }
    }
}

/// A valid value of a property, and how it shows in the event.
fn value(path: &str, leaf: &Leaf) -> (Value, String) {
    let example = leaf.schema["examples"].get(0).cloned();
    match (path, &leaf.schema["type"], example) {
        (_, Value::Array(_), _) => (json!("5.25"), "525".to_owned()),
        (_, kind, _) if kind == "number" => {
            let metres = path.ends_with("accuracy_km");
            (json!(1.5), if metres { "1500" } else { "1500000" }.to_owned())
        }
        (_, kind, _) if kind == "integer" => (json!(7), "7".to_owned()),
        (_, kind, _) if kind == "array" => (json!(["in_call"]), "8".to_owned()),
        ("currency", ..) => (json!("CNY"), "CNY".to_owned()),
        (_, _, Some(Value::String(time))) if time.starts_with("2026-") => {
            // No two times are the same.
            let minute = path.len() % 60;
            let time = time.replace(":03:", &format!(":{minute:02}:"));
            let at: jiff::Timestamp = time.parse().expect("a time");
            (json!(time), at.as_millisecond().to_string())
        }
        (_, _, Some(word)) => {
            let shown = word.as_str().expect("a word").to_owned();
            (word, shown)
        }
        // A text is its own path, so that none can stand for another.
        _ => (json!(path), path.to_owned()),
    }
}

fn full(format: &str) -> (Map<String, Value>, Flat) {
    let mut record = Map::new();
    let mut expect = Flat::new();
    record.insert("schema".to_owned(), json!(format));
    for (path, leaf) in leaves(format) {
        let (value, shown) = value(&path, &leaf);
        expect.insert(path.clone(), shown);
        *slot(&mut record, &path) = value;
    }
    (record, expect)
}

fn slot<'a>(record: &'a mut Map<String, Value>, path: &str) -> &'a mut Value {
    match path.split_once('.') {
        None => record.entry(path).or_insert(Value::Null),
        Some((parent, rest)) => {
            let inner = record.entry(parent).or_insert_with(|| json!({}));
            slot(inner.as_object_mut().expect("an object"), rest)
        }
    }
}

fn read(record: &Map<String, Value>) -> Result<Flat, RejectReason> {
    let bytes = serde_json::to_vec(record).expect("plain JSON");
    decode(&mut decoder(), &bytes, Some(START + 365 * 86_400_000))
}

#[test]
fn every_property_is_read_into_its_own_field() {
    for format in FORMATS {
        let (record, expect) = full(format);
        assert_eq!(read(&record), Ok(expect), "{format}");
    }
}

#[test]
fn a_property_that_is_left_out_is_missing_and_only_a_required_one_is_missed() {
    for format in FORMATS {
        let (record, expect) = full(format);
        for (path, leaf) in leaves(format) {
            let mut without = record.clone();
            *slot(&mut without, &path) = Value::Null;
            let needed = leaf.required
                || (["control.v1", "account.v1"].contains(&format) && path == "currency");
            let mut rest = expect.clone();
            rest.remove(&path);
            if format == "control.v1" && path == "amount" {
                rest.remove("currency");
            }
            match (read(&without), needed) {
                (Err(reason), true) => {
                    assert_eq!(reason, RejectReason::MissingField, "{format} {path}");
                }
                (Ok(read), false) if path == "time" => {
                    assert_ne!(read["time"], expect["time"], "{format}");
                }
                (Ok(read), false) => assert_eq!(read, rest, "{format} {path}"),
                (seen, _) => panic!("{format} {path}: {seen:?}, required: {needed}"),
            }
        }
    }
}

/// Leaves out what is null, and objects with nothing in them.
fn prune(object: &mut Map<String, Value>) {
    object.values_mut().filter_map(Value::as_object_mut).for_each(prune);
    object.retain(|_, v| !v.is_null() && v.as_object().is_none_or(|inner| !inner.is_empty()));
}

#[test]
fn the_least_record_is_enough() {
    for format in FORMATS {
        let leaves = leaves(format);
        let (mut record, _) = full(format);
        for path in leaves.iter().filter(|(_, leaf)| !leaf.always).map(|(path, _)| path) {
            *slot(&mut record, path) = Value::Null;
        }
        prune(&mut record);
        let read = read(&record).unwrap_or_else(|reason| panic!("{format}: {reason:?}"));
        let needed = leaves.iter().filter(|(_, leaf)| leaf.always).map(|(path, _)| path);
        let read: Vec<&String> = read.keys().filter(|path| *path != "time").collect();
        assert_eq!(read, needed.filter(|path| *path != "time").collect::<Vec<_>>(), "{format}");
    }
}

#[test]
fn nothing_is_read_that_no_schema_names() {
    let known: BTreeMap<&str, _> = FORMATS.iter().map(|f| (*f, leaves(f))).collect();
    let mut unread: BTreeMap<&str, Vec<String>> =
        known.iter().map(|(f, leaves)| (*f, leaves.keys().cloned().collect())).collect();
    let mut random = Random::new(3);
    for _ in 0..6_000 {
        let record = records::record(&mut random, false);
        let Ok(read) = decode(&mut decoder(), record.as_bytes(), None) else { continue };
        let value: Value = serde_json::from_str(&record).expect("it was read");
        let (format, leaves) =
            known.get_key_value(value["schema"].as_str().expect("a name")).expect("a format");
        for path in read.keys() {
            assert!(leaves.contains_key(path), "{format} {path}");
        }
        unread.get_mut(format).expect("a format").retain(|path| !read.contains_key(path));
    }
    // So the records carried everything there is.
    assert!(unread.values().all(Vec::is_empty), "{unread:?}");
}
