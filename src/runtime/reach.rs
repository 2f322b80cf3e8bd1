//! Before anything else: the brokers answer, take the credentials, and have every topic.
//!
//! Brokers that cannot be reached are waited for, however long. Credentials or a certificate that
//! are refused again and again are not: an operator must mend them.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::error::RunError;
use crate::source::SourceError;
use crate::source::kafka::ask::{self, Unanswered};
use crate::source::kafka::client::{self, Context, KafkaSettings};
use crate::source::kafka::log::SystemClock;

/// Refusals of a connection before the process gives up.
const REFUSALS_MAX: u32 = 3;
/// How long one look at the brokers may take.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is told that they are waited for: after this many looks, and twice as many …
const TELL_FIRST: u32 = 2;
/// … up to this many.
const TELL_MOST: u32 = 30;

/// Waits until the brokers answer and all these topics are there.
///
/// # Errors
/// [`RunError`], naming the topic that is missing or what the brokers refuse.
pub fn await_brokers(
    settings: &KafkaSettings,
    topics: &[&String],
    go_on: &dyn Fn() -> bool,
) -> Result<(), RunError> {
    let consumer =
        client::consumer(settings, &[]).map_err(|error| RunError::Settings(error.to_string()))?;
    connect(settings, &consumer, topics, go_on)?;
    for topic in topics {
        match ask::patiently(topic, &SystemClock, go_on, || ask::partitions(&consumer, topic)) {
            Ok(Some(_)) => {}
            Ok(None) => return Err(RunError::Kafka(ask::missing(topic))),
            Err(Unanswered::Refused(error)) => {
                return Err(RunError::Kafka(format!("topic {topic}: {error}")));
            }
            Err(Unanswered::Stopped) => return Err(SourceError::Stopped.into()),
        }
    }
    Ok(())
}

/// Waits for the first answer.
fn connect(
    settings: &KafkaSettings,
    consumer: &BaseConsumer<Context>,
    topics: &[&String],
    go_on: &dyn Fn() -> bool,
) -> Result<(), RunError> {
    let (mut looks, mut tell) = (0, TELL_FIRST);
    loop {
        // Serves tokens, logs and errors.
        while consumer.poll(Duration::ZERO).is_some() {}
        // One topic, not all: a cluster may hold thousands.
        let asked = consumer.fetch_metadata(topics.first().map(|topic| topic.as_str()), LOOK);
        let Err(error) = asked else { return Ok(()) };
        while consumer.poll(Duration::ZERO).is_some() {}
        let (refusals, reason) = consumer.context().refusals();
        if refusals >= REFUSALS_MAX {
            return Err(RunError::Kafka(format!(
                "the brokers at {} refuse the connection: {reason}; see security.protocol, sasl.* and \
                 ssl.* under kafka.properties",
                settings.brokers
            )));
        }
        if !ask::is_passing(&error) {
            return Err(RunError::Kafka(error.to_string()));
        }
        looks += 1;
        if looks == tell {
            tell += (tell).min(TELL_MOST);
            tracing::warn!(brokers = settings.brokers, %error, "the brokers do not answer; waiting");
        }
        if !go_on() {
            return Err(SourceError::Stopped.into());
        }
    }
}
