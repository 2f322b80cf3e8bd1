//! JSON Schema of every message, generated; the committed files in `schemas/` are held to this by a
//! test.
//!
//! What we write is described by its own types. What we read is described in [`input`], with its
//! words taken from the model. The files of a pack are described by `rules`, for editors.

pub mod input;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::encode::AlertBody;
use super::journal::{self, JournalRecord, Reconciliation, RuleChange, RuleFile, ShadowChange};
use super::shadow::{self, ShadowComparison};

/// Every message format, and the files of a pack, by name, with its schema.
#[must_use]
pub fn all() -> Vec<(&'static str, Value)> {
    let mut schemas = vec![
        ("alert.v1", written::<AlertBody<'static>>("alert.v1")),
        (journal::SCHEMA, written::<JournalRecord>(journal::SCHEMA)),
        (journal::FILE_SCHEMA, written::<RuleFile>(journal::FILE_SCHEMA)),
        (journal::CHANGE_SCHEMA, written::<RuleChange>(journal::CHANGE_SCHEMA)),
        (journal::SHADOW_SCHEMA, written::<ShadowChange>(journal::SHADOW_SCHEMA)),
        (shadow::SCHEMA, written::<ShadowComparison>(shadow::SCHEMA)),
        (journal::RECONCILIATION_SCHEMA, written::<Reconciliation>("reconciliation.v1")),
    ];
    schemas.extend(input::FORMATS.iter().map(|format| (format.name, input::schema(format))));
    schemas.push(("rule.v1", crate::rules::editor::rule()));
    schemas.extend(crate::rules::editor::files::all());
    schemas
}

/// A schema as it stands in its file.
#[must_use]
pub fn file_text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

/// The schema of what we write, which names itself in its field `schema`.
fn written<T: JsonSchema>(name: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    forget_null(&mut schema);
    if let Some(field) = schema.pointer_mut("/properties/schema").and_then(Value::as_object_mut) {
        field.insert("const".to_owned(), Value::from(name));
    }
    schema
}

/// An absent field is left out, never null: takes `null` out of every union.
fn forget_null(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    fields.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    fields.remove("anyOf");
                    fields.extend(only);
                }
            }
            fields.values_mut().for_each(forget_null);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_null),
        _ => {}
    }
}
