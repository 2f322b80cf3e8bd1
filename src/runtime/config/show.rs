//! Every effective value, secrets hidden, in the file's own language.

use toml::{Table, Value};

use super::{Config, PrivacyChoice, Profile};

/// Names that hide their values: librdkafka's secrets all carry one of these words.
const SECRET_WORDS: &[&str] =
    &["password", "passphrase", "secret", "token", "pem", "jaas", "sasl.oauthbearer.config"];

/// A configuration in which every optional key is set, so that every key can be listed.
pub(super) fn every_key() -> Table {
    let mut config = Config::default();
    let path = || Some("path".into());
    config.rules = path();
    config.findings = path();
    config.shadow.rules = path();
    config.instance = Some(String::new());
    config.snapshots.folder = path();
    config.snapshots.object_store = Some(String::new());
    config.kafka.transactional_id = Some(String::new());
    config.kafka.oauth_token_file = path();
    config.http.token_file = path();
    config.privacy = PrivacyChoice {
        profile: Some(Profile::Masked),
        key_file: path(),
        key_env: Some(String::new()),
        key_id: Some(String::new()),
    };
    to_table(&config)
}

/// The configuration as TOML, with every key; what is not set is a comment.
#[must_use]
pub fn table(config: &Config) -> String {
    let mut out = String::new();
    write_table(&mut out, "", &to_table(config), &every_key());
    out
}

pub(super) fn to_table(config: &Config) -> Table {
    Table::try_from(config).expect("the configuration is plain data that TOML can hold")
}

fn write_table(out: &mut String, path: &str, table: &Table, all: &Table) {
    let keys: std::collections::BTreeSet<&String> = table.keys().chain(all.keys()).collect();
    for key in &keys {
        match (table.get(*key), all.get(*key)) {
            (Some(Value::Table(_)), _) | (None, Some(Value::Table(_))) => {}
            (Some(value), _) => {
                let shown = if is_secret(key) { Value::from("(hidden)") } else { value.clone() };
                out.push_str(&format!("{} = {shown}\n", quoted(key)));
            }
            (None, _) => out.push_str(&format!("# {key} is not set\n")),
        }
    }
    let empty = Table::new();
    for key in &keys {
        let inner = match (table.get(*key), all.get(*key)) {
            (Some(Value::Table(inner)), _) => inner,
            (None, Some(Value::Table(_))) => &empty,
            _ => continue,
        };
        let below = match all.get(*key) {
            Some(Value::Table(below)) => below,
            _ => &empty,
        };
        let name = if path.is_empty() { (*key).clone() } else { format!("{path}.{key}") };
        out.push_str(&format!("\n[{name}]\n"));
        write_table(out, &name, inner, below);
    }
}

fn quoted(key: &str) -> String {
    let bare = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if bare { key.to_owned() } else { format!("{key:?}") }
}

/// Paths to secrets are no secrets; librdkafka's property values may be.
pub(super) fn is_secret(key: &str) -> bool {
    key.contains('.') && SECRET_WORDS.iter().any(|word| key.contains(word))
}
