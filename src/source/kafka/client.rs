//! How every Kafka client of the program is made: properties in layers, logs, tokens.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, ProducerContext};
use rdkafka::statistics::Statistics;

use super::lag::Lag;
use super::token;

/// Polls of a new client until its first token is surely asked for: log lines may come before it.
const TOKEN_POLLS: usize = 16;

/// What clients are made from.
#[derive(Clone, Debug, Default)]
pub struct KafkaSettings {
    /// Bootstrap servers.
    pub brokers: String,
    /// Group under which offsets are committed.
    pub group_id: String,
    /// Transactional id.
    pub transactional_id: String,
    /// File with the current OAUTHBEARER token.
    pub oauth_token_file: Option<PathBuf>,
    /// librdkafka properties of every client.
    pub properties: BTreeMap<String, String>,
    /// Of consumers, over those.
    pub consumer: BTreeMap<String, String>,
    /// Of producers, over those.
    pub producer: BTreeMap<String, String>,
}

/// The callbacks of a client.
#[derive(Clone, Debug, Default)]
pub struct Context {
    oauth_token_file: Option<PathBuf>,
    /// Where statistics go.
    pub lag: Lag,
    /// The first record refused since it was last asked.
    refused: Arc<Mutex<Option<RDKafkaErrorCode>>>,
    /// Connections refused, and what was said last.
    refusals: Arc<Mutex<(u32, String)>>,
}

impl Context {
    /// Callbacks for a client of these settings.
    #[must_use]
    pub fn new(settings: &KafkaSettings) -> Self {
        Self { oauth_token_file: settings.oauth_token_file.clone(), ..Self::default() }
    }

    /// How often a connection was refused for its credentials or certificate, and what was said
    /// last.
    #[must_use]
    pub fn refusals(&self) -> (u32, String) {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first refusal of a record since the last call.
    #[must_use]
    pub fn take_refusal(&self) -> Option<RDKafkaErrorCode> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(facility, text, "librdkafka"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(facility, text, "librdkafka");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(facility, text, "librdkafka"),
        }
    }

    fn stats(&self, statistics: Statistics) {
        self.lag.take(&statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The same trouble comes as a log line, where repeats are held back.
        tracing::debug!(%error, reason, "kafka connection trouble; the client goes on trying");
        if let Some(
            RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::UnsupportedSASLMechanism
            | RDKafkaErrorCode::SSL,
        ) = error.rdkafka_error_code()
        {
            let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            *refusals = (refusals.0 + 1, reason.to_owned());
        }
    }

    fn generate_oauth_token(
        &self,
        _: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        let path = self.oauth_token_file.as_ref().ok_or(
            "sasl.mechanism is OAUTHBEARER: set kafka.oauth_token_file to a file that holds the token",
        )?;
        let token = token::for_client(path, SystemTime::now()).inspect_err(|error| {
            tracing::warn!(path = %path.display(), %error, "no token; asking again soon");
        })?;
        Ok(token)
    }
}

impl ConsumerContext for Context {}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.get_or_insert(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail));
        }
    }
}

/// A consumer. `own` beats the settings: what it holds, the program's promises rest on.
///
/// # Errors
/// When librdkafka refuses a property.
pub fn consumer(
    settings: &KafkaSettings,
    own: &[(&str, &str)],
) -> KafkaResult<BaseConsumer<Context>> {
    let consumer: BaseConsumer<Context> = consumer_config(settings, own)
        .create_with_context(Context::new(settings))
        .map_err(discreet)?;
    if settings.oauth_token_file.is_some() {
        // Tokens are asked for in polls, and most calls wait for a connection without polling.
        (0..TOKEN_POLLS).for_each(|_| drop(consumer.poll(Duration::ZERO)));
    }
    Ok(consumer)
}

/// A refused property is named, and what it was set to is not: it may be a secret.
#[must_use]
pub fn discreet(error: KafkaError) -> KafkaError {
    match error {
        KafkaError::ClientConfig(code, text, key, _) => {
            KafkaError::ClientConfig(code, text, key, "(value not shown)".to_owned())
        }
        other => other,
    }
}

/// The properties of a consumer.
#[must_use]
pub fn consumer_config(settings: &KafkaSettings, own: &[(&str, &str)]) -> ClientConfig {
    let mut config = base(settings);
    config.set("group.id", &settings.group_id);
    // A full queue is looked at again soon: the usual second stands still whoever reads faster.
    config.set("fetch.queue.backoff.ms", "10");
    layer(&mut config, &settings.consumer);
    config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    config.set("isolation.level", "read_committed");
    for (key, value) in own {
        config.set(*key, *value);
    }
    config
}

/// A producer; as [`consumer`].
///
/// # Errors
/// When librdkafka refuses a property.
pub fn producer(
    settings: &KafkaSettings,
    own: &[(&str, &str)],
) -> KafkaResult<BaseProducer<Context>> {
    let mut config = base(settings);
    // As Java producers place keys, so that consumers may join by partition.
    config.set("partitioner", "murmur2_random").set("linger.ms", "0");
    layer(&mut config, &settings.producer);
    config.set("enable.idempotence", "true");
    for (key, value) in own {
        config.set(*key, *value);
    }
    let producer: BaseProducer<Context> =
        config.create_with_context(Context::new(settings)).map_err(discreet)?;
    if settings.oauth_token_file.is_some() {
        (0..TOKEN_POLLS).for_each(|_| {
            producer.poll(Duration::ZERO);
        });
    }
    Ok(producer)
}

fn base(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Warning);
    config.set("client.id", "goshawk");
    layer(&mut config, &settings.properties);
    config.set("bootstrap.servers", &settings.brokers);
    config
}

fn layer(config: &mut ClientConfig, properties: &BTreeMap<String, String>) {
    for (key, value) in properties {
        config.set(key, value);
    }
}
