//! What a start reads once and cannot do without: rules, secrets, settings that Kafka clients take.
//!
//! `run` reads it before anything else, and `config check` asks the same and makes nothing. All
//! that is wrong here is the configuration's fault: no wait and no second try mends it.

use std::path::Path;
use std::sync::Arc;

use super::config::{Config, Delivery, Profile};
use super::error::RunError;
use super::key::{KeyError, key_from_env, load_or_create_key};
use super::pack::{self, Folders};
use crate::rules::SourceFile;
use crate::rules::plan::Plan;
use crate::sink::kafka::Guarantee;
use crate::source::kafka::client::{self, KafkaSettings};
use crate::source::kafka::token::read_token;
use crate::wire::encode::privacy::Privacy;

/// What has been read.
pub struct Ready {
    /// The rules.
    pub plan: Arc<Plan>,
    /// The files they are made from.
    pub files: Vec<SourceFile>,
    /// How accounts are shown.
    pub privacy: Privacy,
    /// The bearer token of the HTTP surface.
    pub http_token: Option<String>,
}

/// Reads everything, and makes the key file if it is not there yet.
///
/// # Errors
/// The first thing that is wrong.
pub fn prepare(config: &Config) -> Result<Ready, RunError> {
    let (plan, files) = plan(config)?;
    let http_token = http_token(config)?;
    oauth_token(config)?;
    clients(config)?;
    // Last: a start that fails leaves no key behind.
    Ok(Ready { plan: Arc::new(plan), files, privacy: privacy(config)?, http_token })
}

/// Everything that would keep [`prepare`] from succeeding.
#[must_use]
pub fn problems(config: &Config) -> Vec<RunError> {
    let key = match key_to_make(config) {
        Some(path) => folder_of(path),
        None => privacy(config).map(drop),
    };
    let asked = [
        plan(config).map(drop),
        http_token(config).map(drop),
        oauth_token(config),
        clients(config),
        key,
    ];
    asked.into_iter().filter_map(Result::err).collect()
}

/// The key file that the first start will make.
#[must_use]
pub fn key_to_make(config: &Config) -> Option<&Path> {
    let masked = config.privacy.profile != Some(Profile::Clear);
    config.privacy.key_file.as_deref().filter(|path| masked && !path.exists())
}

pub(super) fn plan(config: &Config) -> Result<(Plan, Vec<SourceFile>), RunError> {
    let folders = Folders { rules: config.rules.as_deref(), overlays: &config.overlays };
    let files = folders.files()?;
    let plan = pack::compile(files.clone())?;
    pack::require_valid(&plan, &today(config))?;
    Ok((plan, files))
}

/// The day in the tenant's zone, as overlays name days.
pub(super) fn today(config: &Config) -> String {
    let now = jiff::Timestamp::now();
    let zone = jiff::tz::TimeZone::get(&config.zone).unwrap_or(jiff::tz::TimeZone::UTC);
    now.to_zoned_datetime(zone).date().to_string()
}

fn privacy(config: &Config) -> Result<Privacy, RunError> {
    let choice = &config.privacy;
    if choice.profile == Some(Profile::Clear) {
        return Ok(Privacy::Clear);
    }
    let key = match (&choice.key_file, &choice.key_env) {
        (Some(path), _) => load_or_create_key(path).map(|(key, new)| {
            if new {
                let path = path.display();
                tracing::warn!(
                    %path,
                    "there was no key file: a new key was made; keep a copy and give it to every \
                     process of this tenant, or account tokens change"
                );
            }
            key
        }),
        (None, Some(name)) => key_from_env(name),
        (None, None) => Err(KeyError::Unset("privacy.key_env".to_owned())),
    };
    let key = key.map_err(|error| RunError::Secret {
        place: "privacy".to_owned(),
        problem: format!("{error}; make a key with: openssl rand -hex 32"),
    })?;
    Ok(key.masked(choice.key_id.as_deref()))
}

/// How accounts were shown: as [`prepare`] reads it, but a key that is not there is never made.
pub(super) fn known_privacy(config: &Config) -> Result<Privacy, RunError> {
    match key_to_make(config) {
        None => privacy(config),
        Some(path) => Err(RunError::Secret {
            place: format!("privacy.key_file {}", path.display()),
            problem:
                "is not there; alerts can only be made again with the key that they were made with"
                    .to_owned(),
        }),
    }
}

fn folder_of(path: &Path) -> Result<(), RunError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_none_or(Path::is_dir) {
        return Ok(());
    }
    Err(RunError::Secret {
        place: format!("privacy.key_file {}", path.display()),
        problem: "its folder is not there, so no key can be made in it".to_owned(),
    })
}

fn http_token(config: &Config) -> Result<Option<String>, RunError> {
    let Some(path) = config.http.token_file.as_deref().filter(|_| !config.http.listen.is_empty())
    else {
        return Ok(None);
    };
    token("http.token_file", path).map(Some)
}

fn oauth_token(config: &Config) -> Result<(), RunError> {
    let path = config.kafka.oauth_token_file.as_deref();
    path.map_or(Ok(()), |path| token("kafka.oauth_token_file", path).map(drop))
}

fn token(setting: &str, path: &Path) -> Result<String, RunError> {
    read_token(path).map_err(|error| RunError::Secret {
        place: format!("{setting} {}", path.display()),
        problem: error.to_string(),
    })
}

/// Makes a client of each sort that knows no broker: librdkafka refuses what it cannot work with.
fn clients(config: &Config) -> Result<(), RunError> {
    let settings = settings(config);
    let own = guarantee(config).properties(&settings.transactional_id);
    // The file of the token is looked at by itself, with a plainer message.
    let unconnected =
        KafkaSettings { brokers: String::new(), oauth_token_file: None, ..settings.clone() };
    let refused = |what: &'static str| {
        move |error: rdkafka::error::KafkaError| {
            RunError::Settings(format!("no {what} can be made from these settings: {error}"))
        }
    };
    client::consumer(&unconnected, &[]).map_err(refused("consumer"))?;
    client::producer(&unconnected, &own).map_err(refused("producer"))?;
    Ok(())
}

pub(super) fn guarantee(config: &Config) -> Guarantee {
    match config.delivery {
        Delivery::ExactlyOnce => Guarantee::ExactlyOnce,
        Delivery::AtLeastOnce => Guarantee::AtLeastOnce,
    }
}

pub(super) fn settings(config: &Config) -> KafkaSettings {
    let kafka = &config.kafka;
    KafkaSettings {
        brokers: kafka.brokers.clone(),
        group_id: kafka.group_id.clone(),
        transactional_id: kafka.transactional_id().to_owned(),
        oauth_token_file: kafka.oauth_token_file.clone(),
        properties: kafka.properties.clone(),
        consumer: kafka.consumer.clone(),
        producer: kafka.producer.clone(),
    }
}
